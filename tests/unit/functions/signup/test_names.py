"""Names people may choose."""

from __future__ import annotations

import pytest

from holdfast.functions.signup.names import Reserved, ideas, is_possible, plain


@pytest.mark.parametrize("name", ["anna", "anna.bell", "a-b_c.d", "a1", "1a", "x" * 40])
def test_names_of_letters_digits_and_single_marks_between_are_possible(name: str) -> None:
    assert is_possible(name)


@pytest.mark.parametrize(
    "name", ["", ".anna", "anna.", "an..na", "an._na", "an na", "änna", "Anna", "a@b", "a+b", "x" * 41, "a\n"]
)
def test_all_others_are_not(name: str) -> None:
    assert not is_possible(name)


def test_umlauts_and_capitals_are_written_as_an_address_can_have_them() -> None:
    assert plain("  Jörg.Weiß ") == "joerg.weiss"


@pytest.mark.parametrize(
    "name",
    [
        *("admin", "postmaster", "abuse", "webmaster", "hostmaster", "support", "root", "hilfe", "noreply"),
        *("adm1n", "4dmin", "r00t", "p0stmaster", "supp0rt", "no.reply", "ad-min", "post_master", "hi1fe"),
        *(
            "admln",
            "webrnaster",
            "support24",
            "admin2",
            "support-team",
            "team.support",
            "my-admin",
            "hilfe.1",
        ),
        "geschaeftsfuehrung",
    ],
)
def test_signup_7_names_of_the_provider_and_what_looks_like_them_are_kept_back(name: str) -> None:
    assert name in Reserved()


@pytest.mark.parametrize(
    "name", ["anna", "anna.bell", "badmin.ton", "rootzer", "supporter", "infomann", "alison", "hilferding"]
)
def test_other_peoples_names_are_not(name: str) -> None:
    assert name not in Reserved()


def test_configured_names_are_kept_back_with_what_looks_like_them() -> None:
    assert "m0bil-funk" in Reserved(["Mobilfunk"])
    assert "mobilfunk" not in Reserved()


def test_ideas_are_possible_and_none_is_the_name_itself() -> None:
    found = list(ideas("anna.bell", [27, 84]))
    assert found[:3] == ["annabell", "anna-bell", "bell.anna"]
    assert "anna.bell" not in found and "anna.bell27" in found
    assert len(set(found)) == len(found) and all(is_possible(each) for each in found)
