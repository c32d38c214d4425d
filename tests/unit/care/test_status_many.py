"""Pages of many customers at once are the pages of each of them."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from holdfast.care.credits import Contract, Daily, Policy, Span, Suffered
from holdfast.care.credits.owing import Owing
from holdfast.care.credits.policies import Step
from holdfast.care.customers import AccountRow
from holdfast.care.status.customer import Customers
from holdfast.care.status.many import Many
from holdfast.care.status.page import Page
from holdfast.care.status.story import texts
from outage import LOOK, NOON, ZONE, outage

pytestmark = pytest.mark.slow
SAID = texts(ZONE)
DAILY = Policy("daily", "voluntary", Daily((Step(0, Decimal(10), 500),)))


def account(number: int, cell: int, login: str) -> AccountRow:
    return AccountRow(number, 1, cell, "active", login, 1, 0.0)


def owing(fee: int = 2990) -> list[Owing]:
    suffered = Suffered(Contract("K-1", fee), {"imap": [Span(NOON - 3600, NOON)]}, NOON - 3600)
    return [Owing(2, DAILY.credit(suffered, NOON), False)]


CUSTOMERS = {
    1: [account(1, 3, "anna@example.org"), account(2, 4, "ben@example.org")],
    2: [account(3, 3, "a&b<c>@example.org"), account(4, 9, 'quo"te\\@example.org')],
    3: [account(5, 4, "fine@example.org")],
}


def many(material: object = 1, owed: list[Owing] | None = None) -> tuple[Customers, Many]:
    customers = Customers(Page(outage(), LOOK, SAID), b"k")
    found = Many({0: customers}, material)
    for number, accounts in CUSTOMERS.items():
        found.add(number, accounts, "en", owed or [])
    return customers, found


def test_each_page_is_as_if_it_had_been_made_alone() -> None:
    owed = owing()
    customers, found = many(owed=owed)
    for number, accounts in CUSTOMERS.items():
        name = customers.name(number) + ".html"
        assert found.read(name) == customers.files(number, accounts, "en", owed)[name]
    assert {name for name, _ in found.versions()} == {customers.name(each) + ".html" for each in CUSTOMERS}


def test_a_page_is_new_when_what_it_is_made_of_is_and_not_before() -> None:
    before, again = (dict(many(owed=owing())[1].versions()) for _ in range(2))
    assert before == again
    assert all(before[name] != version for name, version in many(material=2, owed=owing())[1].versions())
    assert all(before[name] != version for name, version in many(owed=owing(7990))[1].versions())


def test_a_customer_sees_what_is_owed_before_the_incident_ends() -> None:
    customers, found = many(owed=owing())
    page = found.read(customers.name(1) + ".html").decode()
    assert "€5.00 so far. You don’t have to claim it." in page
    assert "day 0 after the report: 10 % of €29.90 is €2.99, at least €5.00: €5.00" in page
    assert "Ground: voluntary" in page
    data = json.loads(customers.files(1, CUSTOMERS[1], "en", owing())[customers.name(1) + ".json"])
    assert data["credits"] == [
        {"incident": 2, "policy": "daily", "cents": 500, "currency": "EUR", "final": False}
    ]
