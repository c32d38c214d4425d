"""The snapshot of customers: docs/formats/customers.md. Written by ``run`` from the people, read by care.

CUSTOMERS-1 it is whole or not there: written beside, synced, renamed.
"""

from __future__ import annotations

import contextlib
import os.path
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

import apsw

from holdfast.model.errors import Unavailable
from holdfast.world import World

VERSION = 1
_WRITES = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI  # ``fill`` may attach what it reads
_TABLES = """
CREATE TABLE snapshot (version INTEGER NOT NULL, made_at REAL NOT NULL, sequence INTEGER NOT NULL);
CREATE TABLE customer (
    id INTEGER PRIMARY KEY, contract TEXT NOT NULL, tenant INTEGER NOT NULL,
    phone TEXT NOT NULL, phone_proven_at REAL NOT NULL,
    address TEXT NOT NULL, address_proven_at REAL NOT NULL,
    language TEXT NOT NULL, consent_at REAL NOT NULL
);
CREATE TABLE account (
    id INTEGER PRIMARY KEY, customer INTEGER NOT NULL, cell INTEGER NOT NULL, state TEXT NOT NULL,
    login TEXT NOT NULL, addresses INTEGER NOT NULL, made_at REAL NOT NULL, last_used_at REAL NOT NULL
);
CREATE TABLE tenant (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, title TEXT NOT NULL, colour TEXT NOT NULL, logo TEXT NOT NULL,
    support_url TEXT NOT NULL, support_phone TEXT NOT NULL
);
"""
_INDEXES = """
CREATE INDEX account_cell ON account (cell);
CREATE INDEX account_customer ON account (customer);
CREATE INDEX customer_tenant ON customer (tenant);
"""


class CustomerRow(NamedTuple):
    """``contract`` '': none is known, and the customer counts as one."""

    id: int
    contract: str = ""
    tenant: int = 0
    phone: str = ""
    phone_proven_at: float = 0.0
    address: str = ""
    address_proven_at: float = 0.0
    language: str = ""
    consent_at: float = 0.0


class AccountRow(NamedTuple):
    id: int
    customer: int
    cell: int
    state: str
    login: str
    addresses: int
    made_at: float
    last_used_at: float = 0.0


class TenantRow(NamedTuple):
    """A reseller, with how its pages look."""

    id: int
    name: str
    title: str = ""
    colour: str = ""
    logo: str = ""
    support_url: str = ""
    support_phone: str = ""

    @property
    def shown(self) -> str:
        """As its customers know it."""
        return self.title or self.name


class Made(NamedTuple):
    """``sequence``: of the last frame of the people ledger in it."""

    made_at: float
    sequence: int


def write(world: World, path: str, fill: Callable[[apsw.Connection], int]) -> None:
    """``fill`` is given the empty tables, and returns the sequence of the last frame that it put in.

    Blocks. Raises ``OSError``, ``apsw.Error`` and what ``fill`` does; then the one that was there stays.
    """
    disk, new = world.disk, path + ".new"
    disk.make_folder(os.path.dirname(path))
    if disk.exists(new):
        disk.remove(new)
    disk.open(new, create=True).close()  # its owner's only
    db = apsw.Connection(disk.database_path(new), flags=_WRITES)
    with contextlib.closing(db):
        db.execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
        db.execute(_TABLES)
        sequence = fill(db)
        db.execute("INSERT INTO snapshot VALUES (?, ?, ?)", (VERSION, world.clock.now(), sequence))
        db.execute("UPDATE customer SET contract = 'customer-' || id WHERE contract = ''")
        db.execute(_INDEXES)
    with contextlib.closing(disk.open(new)) as file:
        file.sync()
    disk.rename(new, path)
    disk.sync_folder(os.path.dirname(path))


@contextlib.contextmanager
def reading(world: World, path: str) -> Iterator[apsw.Connection]:
    """For one question. Raises ``Unavailable("customers")`` when there is none or it can't be read."""
    if not world.disk.exists(path):
        raise Unavailable("customers", f"there is no {path}; the process people makes it within a minute")
    try:
        with contextlib.closing(
            apsw.Connection(world.disk.database_path(path), flags=apsw.SQLITE_OPEN_READONLY)
        ) as db:
            version = db.execute("SELECT version FROM snapshot").fetchone()
            if version != (VERSION,):
                raise Unavailable("customers", f"{path} is of another version")
            yield db
    except apsw.Error as error:
        raise Unavailable("customers", f"{path}: {error}") from error


def made(db: apsw.Connection) -> Made:
    row = db.execute("SELECT made_at, sequence FROM snapshot").fetchone()
    assert row is not None
    return Made(*row)


def accounts_of(db: apsw.Connection, customer: int) -> list[AccountRow]:
    """All of one customer's that are active, by number."""
    rows = db.execute(
        "SELECT * FROM account WHERE customer = ? AND state = 'active' ORDER BY id", (customer,)
    )
    return [AccountRow(*row) for row in rows]


def customer(db: apsw.Connection, number: int) -> CustomerRow | None:
    row = db.execute("SELECT * FROM customer WHERE id = ?", (number,)).fetchone()
    return CustomerRow(*row) if row else None


def tenants(db: apsw.Connection) -> list[TenantRow]:
    """Those with customers here, by number; none in a snapshot of before there were any."""
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'tenant'").fetchone():
        return []
    sql = "SELECT * FROM tenant t WHERE EXISTS (SELECT 1 FROM customer WHERE tenant = t.id) ORDER BY id"
    return [TenantRow(*row) for row in db.execute(sql)]


def cells_of(db: apsw.Connection, tenant: int) -> frozenset[int]:
    """Where its customers' mail lies."""
    sql = (
        "SELECT DISTINCT cell FROM account WHERE state = 'active'"
        " AND customer IN (SELECT id FROM customer WHERE tenant = ?)"
    )
    return frozenset(cell for (cell,) in db.execute(sql, (tenant,)))


def contracts_of(db: apsw.Connection, accounts: Iterable[int]) -> frozenset[str]:
    listed = ", ".join(str(int(each)) for each in accounts)
    rows = db.execute(
        f"SELECT contract FROM customer WHERE id IN (SELECT customer FROM account WHERE id IN ({listed}))"
    )
    return frozenset(contract for (contract,) in rows)


def with_accounts(
    db: apsw.Connection, cells: frozenset[int] | None
) -> Iterator[tuple[int, int, str, str, list[AccountRow]]]:
    """Each customer who has an active account in one of the cells (None: any), with tenant, contract,
    language and all active accounts."""
    within = ""
    if cells is not None:
        listed = ", ".join(str(int(each)) for each in sorted(cells))
        within = f" AND c.id IN (SELECT customer FROM account WHERE cell IN ({listed}) AND state = 'active')"
    rows = db.execute(
        "SELECT c.id, c.tenant, c.contract, c.language, a.*"
        " FROM customer c JOIN account a ON a.customer = c.id"
        f" WHERE a.state = 'active'{within} ORDER BY c.id, a.id"
    )
    for (customer, tenant, contract, language), found in groupby(rows, key=lambda row: row[:4]):
        yield customer, tenant, contract, language, [AccountRow(*row[4:]) for row in found]
