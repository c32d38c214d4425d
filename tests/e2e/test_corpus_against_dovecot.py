"""The expected files are what Debian's Dovecot answers, live; where we differ, it is on the list."""

import json

import pytest

from corpus import compare, dovecot
from corpus.make import MESSAGES, messages

MADE = list(messages())

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(dovecot.why_not()), reason=f"no reference to ask: {dovecot.why_not()}"),
]


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, object]]:
    with dovecot.reference() as server:
        given = server.ask([message for _, message in MADE])
    return {name: answer for (name, _), answer in zip(MADE, given)}


def test_expected_answers_are_the_reference_s(answers):
    wrong = {}
    for name, answer in answers.items():
        expected = json.loads((MESSAGES / f"{name}.expected.json").read_text())
        ours = compare.DIFFERENCES.get(name, ((), ""))[0]
        for item, value in expected.items():
            if item not in ours and not compare.same(item, value, answer[item]):
                wrong[name, item] = (value, answer[item])
    assert wrong == {}


@pytest.mark.parametrize("name", compare.DIFFERENCES)
def test_a_known_difference_is_still_one(answers, name):
    expected = json.loads((MESSAGES / f"{name}.expected.json").read_text())
    items = compare.DIFFERENCES[name][0]
    assert any(not compare.same(item, expected[item], answers[name][item]) for item in items)
