"""The model's words: addresses, UID sets, ledger numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.model.address import Address, parse_address
from holdfast.model.errors import Refused
from holdfast.model.ledgers import Kind, is_intake, ledger_name, ledger_number
from holdfast.model.limits import Limits
from holdfast.model.mail import Flag
from holdfast.model.uidset import UidSet

numbers = st.sets(st.integers(1, 200), max_size=60)


@given(numbers, numbers)
def test_set_operations_are_those_of_sets(a, b):
    x, y = UidSet.of(a), UidSet.of(b)
    assert set(x & y) == a & b and set(x | y) == a | b and set(x - y) == a - b
    assert len(x) == len(a) and all((n in x) == (n in a) for n in range(205))


@given(numbers)
def test_rank_and_nth_are_each_others_inverse(a):
    x = UidSet.of(a)
    assert [x.nth(rank) for rank in range(len(x))] == sorted(a)
    assert all(x.rank(n) == sum(m < n for m in a) for n in range(205))
    with pytest.raises(IndexError):
        x.nth(len(x))


@given(numbers, st.integers(-3, 70), st.integers(-3, 70))
def test_a_slice_by_rank_is_the_lists(a, first, last):
    assert list(UidSet.of(a).slice(first, last)) == sorted(a)[max(first, 0) : max(last + 1, 0)]


@given(st.lists(st.tuples(st.integers(1, 2**32), st.integers(0, 2**20)), max_size=20))
def test_model_2_packing_has_one_form_and_comes_back(pairs):
    x = UidSet((low, low + more) for low, more in pairs)
    assert UidSet.unpack(x.pack()) == x
    assert UidSet(reversed(x.ranges)).pack() == x.pack()


def test_model_1_numbers_on_disk_are_what_they_were():
    assert [ledger_number(n) for n in ("mail", "people", "queue", "mx-0", "submission-3", "relay-0")] == [
        1,
        2,
        3,
        256,
        1027,
        2048,
    ]
    assert ledger_number("incidents") == 4 and ledger_name(4) == "incidents"
    assert [ledger_number(n) for n in ("password-0", "signup-1", "password-asked-2", "signup-asked-0")] == [
        5120,
        6145,
        8194,
        8448,
    ]
    assert {k.name: int(k) for k in Kind} == {
        "DELIVERY": 1,
        "STARTED": 2,
        "MERGED": 16,
        "COMMAND": 17,
        "MESSAGE": 18,
        "PEOPLE": 32,
        "QUEUE": 48,
        "ASKED": 64,
        "INCIDENT": 80,
    }
    assert [int(f) for f in Flag] == [1, 2, 4, 8, 16]


@given(
    st.sampled_from(["mx", "submission", "relay", "import", "password", "signup", "password-asked"]),
    st.integers(0, 255),
)
def test_a_ledgers_number_leads_back_to_its_name(role, worker):
    assert ledger_name(ledger_number(f"{role}-{worker}")) == f"{role}-{worker}"


@pytest.mark.parametrize("name", ["mx-256", "mx", "mx-", "nonsense-1", "mx-1x", ""])
def test_what_is_no_ledger_is_refused(name):
    with pytest.raises(Refused, match="not a ledger"):
        ledger_number(name)


@pytest.mark.parametrize("name", ["submission-0.sent", "mx-256", "mail", "password-asked-0", "merged.state"])
def test_what_lies_beside_intakes_is_none(name):
    assert is_intake("submission-0") and not is_intake(name)


@pytest.mark.parametrize(
    ("text", "local", "domain"),
    [
        ("a@b.example", "a", "b.example"),
        ("A.b+c@B.Example.", "A.b+c", "b.example"),
        ('"two words"@b.example', "two words", "b.example"),
        ("jörg@bücher.example", "jörg", "bücher.example"),
        ("a@[192.0.2.1]", "a", "[192.0.2.1]"),
    ],
)
def test_addresses_are_read_as_they_are_written(text, local, domain):
    assert parse_address(text) == Address(local, domain)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "@b",
        "a@",
        "a b@c.example",
        "a@b..c",
        "a@-b.example",
        ".a@b.example",
        "a@b c",
        "<a@b>",
        "a\n@b",
    ],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(Refused):
        parse_address(text)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20))
def test_any_local_part_survives_being_written_and_read(local):
    address = Address(local, "b.example")
    assert parse_address(str(address)) == address


def test_model_3_every_limit_an_administrator_may_set_has_a_default():
    assert Limits() == Limits(**{name: getattr(Limits(), name) for name in Limits.__struct_fields__})
