"""The snapshot's rows: whom it has, and that it is made in one pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apsw
import msgspec

from holdfast.care import customers
from holdfast.directory import exported
from holdfast.directory.schema import open_copy
from holdfast.directory.shrinking import Shrinking
from holdfast.model.people import CANARY, Brand
from holdfast.world import real_world

_ADDRESS = "INSERT INTO address VALUES (?, 1, ?, ?, ?, '', ?, 'active', ?, 0)"


def copy(path: Path) -> str:
    """Ann with two addresses and one given up, Ben disabled, Cleo removed, a canary; Ann has a contract."""
    db = open_copy(str(path))
    with db:
        db.execute("INSERT INTO domain VALUES (1, 'example.org', '', '[]', 0, 5, 0, 0, 0, 0, 3)")
        people = ((1, "ann", "active"), (2, "ben", "disabled"), (3, "cleo", "removed"), (4, "it", "active"))
        for number, name, state in people:
            db.execute(
                "INSERT INTO account VALUES (?, ?, 1, ?, '', ?, ?, 'member', 0, 7, 0, 0, '', '', 0, 0, 0, 0,"
                " 0, 0, '', 0)",
                (number, number, f"{name}@example.org", number * 3, state),
            )
            db.execute(_ADDRESS, (f"{name}@example.org", number, 1, f"{name}@example.org", number * 3, 0))
        db.execute(_ADDRESS, ("annie@example.org", 1, 0, "annie@example.org", 3, 0))
        db.execute(_ADDRESS, ("old@example.org", 1, 4, "old@example.org", 3, 9))
        db.execute("INSERT INTO customer VALUES (1, 'Ann', 7, 'K-7', 6, '')")
        db.execute("INSERT INTO contact VALUES (1, '+4930123', 8, '', 0, 'de', 9)")
        db.execute("UPDATE account SET external_id = ? WHERE id = 4", (CANARY,))
        db.execute("UPDATE fold SET sequence = 42")
    db.close()
    return str(path)


def used(db: apsw.Connection) -> None:
    db.execute("CREATE TEMP TABLE used (account INTEGER PRIMARY KEY, last REAL NOT NULL)")
    db.execute("INSERT INTO used VALUES (1, 99)")


def filled_from(source: str) -> Callable[[apsw.Connection], int]:
    def fill(db: apsw.Connection) -> int:
        used(db)
        return exported.export(source, db)

    return fill


def test_all_who_are_not_removed_are_in_it_with_how_they_are_reached(tmp_path: Path) -> None:
    source, path = copy(tmp_path / "copy.sqlite"), str(tmp_path / "customers.sqlite")

    world = real_world(level="error")
    customers.write(world, path, filled_from(source))
    with customers.reading(world, path) as db:
        assert customers.made(db).sequence == exported.sequence_of(source) == 42
        assert customers.accounts_of(db, 1) == [
            customers.AccountRow(1, 1, 3, "active", "ann@example.org", 2, 7.0, 99.0)
        ]
        assert customers.customer(db, 1) == (1, "K-7", 6, "+4930123", 8.0, "", 0.0, "de", 9.0)
        assert customers.customer(db, 2) == (2, "customer-2", 5, "", 0.0, "", 0.0, "", 0.0)
        assert customers.customer(db, 3) is None
        assert customers.customer(db, 4) is None, "the service's own are no customers"
        assert customers.accounts_of(db, 4) == []


def test_resellers_are_in_it_with_their_brand_where_they_have_customers(tmp_path: Path) -> None:
    source, path = copy(tmp_path / "copy.sqlite"), str(tmp_path / "customers.sqlite")
    brand = Brand("Acme Post", "#aa3300", support_phone="+49 89 1")
    with apsw.Connection(source) as db:
        rows = ((7, "acme", msgspec.msgpack.encode(brand)), (8, "empty", msgspec.msgpack.encode(Brand())))
        db.executemany("INSERT INTO tenant VALUES (?, ?, ?, 0, 1)", rows)
        db.execute("UPDATE customer SET tenant = 7")
    world = real_world(level="error")
    customers.write(world, path, filled_from(source))
    with customers.reading(world, path) as db:
        [only] = customers.tenants(db)
        assert only == (7, "acme", "Acme Post", "#aa3300", "", "", "+49 89 1")
        assert customers.cells_of(db, 7) == {3}
    with apsw.Connection(path) as db:
        db.execute("DROP TABLE tenant")  # as it was before there were any
    with customers.reading(world, path) as db:
        assert customers.tenants(db) == []


def test_it_is_made_in_one_pass_however_many_there_are(tmp_path: Path) -> None:
    db = apsw.Connection(copy(tmp_path / "copy.sqlite"))
    db.execute("ATTACH ? AS people", (str(tmp_path / "copy.sqlite"),))
    used(db)
    db.execute("CREATE TEMP TABLE doubted (id INTEGER PRIMARY KEY)")
    plan = [
        str(step[3])
        for step in db.execute(f"EXPLAIN QUERY PLAN {exported._ACCOUNTS.partition('main.account')[2]}")
    ]
    assert [step for step in plan if step.startswith("SCAN")] == ["SCAN a"], plan
    db.close()


def changed(path: str, *sql: str) -> None:
    db = apsw.Connection(path)
    for each in sql:
        db.execute(each)
    db.close()


def test_whom_an_old_copy_does_not_know_as_they_are_is_told_by_number(tmp_path: Path) -> None:
    """Made since, or with another password, name or address; not who is as before, nor the service's own."""
    old, people = copy(tmp_path / "old.sqlite"), copy(tmp_path / "people.sqlite")
    assert exported.unknown_to(old, people, 9) == []
    changed(old, "DELETE FROM account WHERE id = 4", "DELETE FROM address WHERE account = 4")
    assert exported.unknown_to(old, people, 9) == [], "the service's own"
    changed(people, "UPDATE account SET credential = 50 WHERE id = 1")
    assert exported.unknown_to(old, people, 9) == [1]
    changed(people, "UPDATE account SET credential = 0 WHERE id = 1")
    changed(old, "DELETE FROM address WHERE key = 'annie@example.org'")
    assert exported.unknown_to(old, people, 9) == [1]
    changed(people, "UPDATE account SET state = 'active' WHERE id = 2")
    assert exported.unknown_to(old, people, 9) == [1, 2]
    assert exported.unknown_to(old, people, 1) == [1]


def test_people_4_who_is_not_believed_to_be_gone_is_told_by_number_and_is_there_as_before(
    tmp_path: Path,
) -> None:
    people = copy(tmp_path / "people.sqlite")
    changed(people, "UPDATE account SET left_at = 50 WHERE id = 2")
    assert exported.doubted(people, 9) == []
    db = apsw.Connection(people)
    doubt = msgspec.msgpack.encode(Shrinking(active=9, doubted_mark=20, doubted_since=49.0))
    db.execute("UPDATE fold SET shrinking = ?", (doubt,))
    db.close()
    assert exported.doubted(people, 9) == [2]
    world, path = real_world(level="error"), str(tmp_path / "customers.sqlite")
    customers.write(world, path, filled_from(people))
    with customers.reading(world, path) as db:
        assert db.execute("SELECT state FROM account WHERE id = 2").get == "active"
    changed(people, "UPDATE account SET left_at = 48 WHERE id = 2")
    assert exported.doubted(people, 9) == [], "who left long before has left"


def test_an_old_copy_is_compared_while_somebody_holds_its_lock(tmp_path: Path) -> None:
    old, people = copy(tmp_path / "old.sqlite"), copy(tmp_path / "people.sqlite")
    changed(people, "UPDATE account SET credential = 50 WHERE id = 1")
    db = apsw.Connection(old)
    db.execute("BEGIN IMMEDIATE")
    assert exported.unknown_to(old, people, 9) == [1]
    db.close()
