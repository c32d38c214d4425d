"""Which new passwords are refused, and that nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.functions.password.strength import Weakness, common, weakness
from holdfast.model.limits import PASSWORD_BYTES, PASSWORD_LEAST


@pytest.mark.parametrize("password", ["", "a", "Xk7$pQ!z2"])
def test_a_short_password_is_refused_whatever_it_is_made_of(password):
    assert weakness(password) is Weakness.SHORT


def test_letters_are_counted_not_bytes():
    assert weakness("äöüßäöüßä") is Weakness.SHORT


def test_what_sign_in_could_not_take_is_refused():
    assert weakness("word of " * (PASSWORD_BYTES // 8) + "x") is Weakness.LONG


@pytest.mark.parametrize(
    "password",
    [
        "password123",
        "Passwort2026!",
        "P4ssw0rt!!",
        "!!Willkommen1",
        "ichliebedich",
        "1234567890",
        "qwertzuiop",
        "QWERTYUIOP1",
        "abcdefghijkl",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "9876543210",
        "Sonnenschein7",
    ],
)
def test_what_many_people_have_is_refused_also_when_it_is_dressed_up(password):
    assert weakness(password) is Weakness.COMMON


@pytest.mark.parametrize("password", ["annaschmidt1", "Anna.Schmidt", "schmidt-2026", "example.org1!"])
def test_password_4_ones_own_name_and_address_are_refused(password):
    assert weakness("ben@example.org", ["Ben", "ben@example.org"]) is Weakness.OWN
    assert weakness(password, ["Anna Schmidt", "anna.schmidt@example.org"]) is Weakness.OWN


@pytest.mark.parametrize(
    "password",
    [
        "secret of anna",
        "lampe fluss zitrone",
        "korrekter klammer kuchen",
        "ein ganz gewöhnlicher Satz",
        "vG7kq2nXwz",
        "пароль из четырёх слов",
    ],
)
def test_no_composition_is_asked_for(password):
    assert weakness(password, ["Anna", "anna@example.org"]) is None


def test_the_built_list_has_no_word_that_its_own_rules_could_not_meet():
    assert all(word.isalpha() for word in common())
    assert len(common()) > 200


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789", min_size=16, max_size=40))
def test_a_long_random_password_is_refused_only_when_it_is_made_of_few_letters_or_rows(password):
    found = weakness(password)
    assert found in (None, Weakness.COMMON)
    if len(set(password)) > 12 and not any(password[i : i + 2] in _PAIRS for i in range(len(password))):
        assert found is None


_PAIRS = {
    row[i : i + 2] for row in ("abcdefghijklmnopqrstuvwxyz", "01234567890") for i in range(len(row) - 1)
}


@given(st.text(), st.lists(st.text(), max_size=3))
def test_any_text_gets_an_answer_and_short_ones_always_the_same(password, own):
    found = weakness(password, own)
    assert (found is Weakness.SHORT) == (len(password) < PASSWORD_LEAST)
