"""A snapshot of customers for tests, as the people process writes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import apsw

from holdfast.care import customers
from holdfast.care.customers import AccountRow, CustomerRow, TenantRow
from holdfast.world import World

NOON = 1_345_032_000.0  # 15 August 2012, 12:00 UTC


def written(
    world: World,
    folder: Path,
    accounts: Sequence[AccountRow],
    people: Sequence[CustomerRow] = (),
    tenants: Sequence[TenantRow] = (),
) -> str:
    path = str(folder / "care" / "customers.sqlite")
    known = {each.id for each in people}
    others = [CustomerRow(each) for each in {one.customer for one in accounts} - known]

    def fill(db: apsw.Connection) -> int:
        with db:
            marks = ", ".join("?" * len(CustomerRow._fields))
            db.executemany(f"INSERT INTO customer VALUES ({marks})", [*people, *others])
            db.executemany("INSERT INTO account VALUES (?, ?, ?, ?, ?, ?, ?, ?)", accounts)
            db.executemany("INSERT INTO tenant VALUES (?, ?, ?, ?, ?, ?, ?)", tenants)
        return 7

    customers.write(world, path, fill)
    return path


def account(number: int, customer: int, cell: int, **keys: object) -> AccountRow:
    row = AccountRow(number, customer, cell, "active", f"user{number}@example.org", 1, NOON - 1000)
    return row._replace(**keys)  # type: ignore[arg-type]
