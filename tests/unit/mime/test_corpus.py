"""Our answers equal the expected ones, which are the reference's (tests/corpus/README.md)."""

import json

import pytest

from corpus import compare
from corpus.make import MESSAGES, messages

MADE = dict(messages())


def test_the_corpus_has_at_least_300_messages_and_is_small():
    assert len(MADE) >= 300
    assert sum(map(len, MADE.values())) < 3_000_000


def test_the_files_are_what_the_generator_makes():
    found = {path.name.removesuffix(".eml"): path.read_bytes() for path in MESSAGES.glob("*.eml")}
    assert found == MADE


def test_every_message_has_its_expected_answers_and_nothing_else_lies_there():
    names = {path.name for path in MESSAGES.iterdir()}
    assert names == {f"{name}.eml" for name in MADE} | {f"{name}.expected.json" for name in MADE}


def test_every_known_difference_names_a_message():
    assert compare.DIFFERENCES.keys() <= MADE.keys()


@pytest.mark.parametrize("name", MADE)
def test_answers_are_as_expected(name: str):
    expected = json.loads((MESSAGES / f"{name}.expected.json").read_text())
    answers = compare.ours(MADE[name])
    assert answers.keys() == expected.keys()
    for item, value in expected.items():
        assert compare.same(item, answers[item], value), (item, answers[item], value)
