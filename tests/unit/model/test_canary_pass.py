"""A pass is for one address of the canaries' form, made with the key, for a short time."""

from __future__ import annotations

import pytest

from holdfast.model import canary_pass
from holdfast.model.limits import CANARY_PASS_S

KEY, NOW = b"k" * 32, 1_345_032_000.0
OURS = "canary-abcdefgh2345@example.org"


def test_a_pass_holds_for_its_address_until_its_end():
    given = canary_pass.made(KEY, OURS, NOW)
    assert canary_pass.until(KEY, given, OURS, NOW) == NOW + CANARY_PASS_S
    assert canary_pass.until(KEY, given, OURS, NOW + CANARY_PASS_S - 1)
    assert not canary_pass.until(KEY, given, OURS, NOW + CANARY_PASS_S)


@pytest.mark.parametrize(
    ("key", "address", "at"),
    [
        (b"another" * 5, OURS, NOW),
        (KEY, "canary-abcdefgh2346@example.org", NOW),
        (KEY, "canary-abcdefgh2345@example.net", NOW),
        (KEY, "anna@example.org", NOW),
        (KEY, "canary-islands@example.org", NOW),
        (KEY, OURS, NOW - 3600),  # it would hold for longer than any pass does
    ],
)
def test_a_pass_made_otherwise_is_none(key, address, at):
    assert not canary_pass.until(key, canary_pass.made(KEY, OURS, NOW), address, at)


@pytest.mark.parametrize("address", ["anna@example.org", "canary-islands@example.org"])
def test_nobody_passes_with_a_name_of_people_even_with_the_key(address):
    assert not canary_pass.until(KEY, canary_pass.made(KEY, address, NOW), address, NOW)


@pytest.mark.parametrize("given", ["", ".", "1.2.3", "x.y", "9" * 400, "²." + "0" * 64, "-1.0", "1e9.0"])
def test_nonsense_is_no_pass(given):
    assert not canary_pass.until(KEY, given, OURS, NOW)


def test_a_longer_time_cannot_be_written_into_a_pass():
    time, _, proof = canary_pass.made(KEY, OURS, NOW).partition(".")
    assert not canary_pass.until(KEY, f"{int(time) + 30}.{proof}", OURS, NOW)
