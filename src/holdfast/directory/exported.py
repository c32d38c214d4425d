"""All people of a copy in one pass, into tables that others read: docs/formats/customers.md."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import apsw
import msgspec

from holdfast.directory.shrinking import Shrinking
from holdfast.model.people import CANARY, Brand

# Who is there, but for the service's own; who left and isn't believed to be gone is there as before.
_COUNTED = f"""
(a.state IN ('active', 'disabled') OR a.id IN (SELECT id FROM temp.doubted))
AND a.external_id <> '{CANARY}'
"""
_ACCOUNTS = f"""
INSERT INTO main.account
SELECT a.id, a.customer, a.cell, iif(a.id IN (SELECT id FROM temp.doubted), 'active', a.state), a.login,
       (SELECT count(*) FROM people.address WHERE account = a.id AND account > 0 AND left_at = 0), a.made_at,
       coalesce(u.last, 0)
FROM people.account a LEFT JOIN temp.used u ON u.account = a.id WHERE {_COUNTED}
"""
_CUSTOMERS = f"""
INSERT INTO main.customer
SELECT a.customer, coalesce(c.contract, ''), coalesce(c.tenant, d.tenant),
       coalesce(t.phone, ''), coalesce(t.phone_proven_at, 0), coalesce(t.address, ''),
       coalesce(t.address_proven_at, 0), coalesce(t.language, ''), coalesce(t.consent_at, 0)
FROM people.account a JOIN people.domain d ON d.id = a.domain
     LEFT JOIN people.customer c ON c.id = a.customer LEFT JOIN people.contact t ON t.customer = a.customer
WHERE {_COUNTED} GROUP BY a.customer
"""


def export(path: str, db: apsw.Connection) -> int:
    """Fills ``db``'s tables ``account``, ``customer`` and ``tenant``, with what its table ``used`` knows, and
    returns the sequence of the last frame in them. All of one moment.

    Blocks, mostly in SQLite, but not who writes the copy; raises ``apsw.Error``.
    """
    db.execute("ATTACH ? AS people", (f"file:{quote(path)}?mode=ro",))
    try:
        with db:
            sequence = _sequence(db, "people")
            _gather_doubted(db)
            db.execute(_ACCOUNTS)
            db.execute(_CUSTOMERS)
            db.executemany("INSERT INTO main.tenant VALUES (?, ?, ?, ?, ?, ?, ?)", _tenants(db))
    finally:
        db.execute("DETACH people")
    return sequence


def _tenants(db: apsw.Connection) -> list[tuple[Any, ...]]:
    decode = msgspec.msgpack.Decoder(Brand).decode
    rows: list[Any] = db.execute("SELECT id, name, brand FROM people.tenant").fetchall()
    return [(id, name, *msgspec.structs.astuple(decode(brand))) for id, name, brand in rows]


_DOUBTED = f"""
INSERT INTO temp.doubted
SELECT a.id FROM people.account a
WHERE a.state <> 'active' AND a.left_at > ? AND a.external_id <> '{CANARY}'
"""


def _gather_doubted(db: apsw.Connection) -> None:
    """PEOPLE-4: into ``temp.doubted``. Raises ``apsw.Error``."""
    db.execute("CREATE TEMP TABLE doubted (id INTEGER PRIMARY KEY)")
    kept: Any = db.execute("SELECT shrinking FROM people.fold").get
    shrinking = msgspec.msgpack.decode(kept, type=Shrinking) if kept else Shrinking()
    if shrinking.doubted_mark:
        db.execute(_DOUBTED, (shrinking.doubted_since,))


def doubted(people: str, most: int) -> list[int]:
    """Accounts that left and aren't believed to be gone; ``most``: so many at most.

    Blocks; raises ``apsw.Error``.
    """
    with _attached(people=people) as db:
        _gather_doubted(db)
        return [int(id) for (id,) in db.execute("SELECT id FROM temp.doubted ORDER BY 1 LIMIT ?", (most,))]


def sequence_of(path: str) -> int:
    """Of the last frame folded into the copy. Blocks; raises ``apsw.Error``."""
    with contextlib.closing(apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)) as db:
        db.set_busy_timeout(1000)
        return _sequence(db, "main")


def _sequence(db: apsw.Connection, schema: str) -> int:
    row: Any = db.execute(f"SELECT sequence FROM {schema}.fold").fetchone()
    return int(row[0])


# Who signs in by what the copy doesn't have, or has otherwise.
_UNKNOWN = f"""
SELECT a.id FROM people.account a LEFT JOIN copy.account b
     ON (b.id, b.state, b.login, b.cell, b.credential) = (a.id, a.state, a.login, a.cell, a.credential)
WHERE a.state = 'active' AND a.external_id <> '{CANARY}' AND b.id IS NULL
UNION
SELECT p.account FROM people.app_password p JOIN people.account a ON a.id = p.account
WHERE a.state = 'active' AND p.id NOT IN (SELECT id FROM copy.app_password)
UNION
SELECT s.account FROM people.address s JOIN people.account a ON a.id = s.account
WHERE a.state = 'active' AND a.external_id <> '{CANARY}' AND s.left_at = 0
      AND s.key NOT IN (SELECT key FROM copy.address)
ORDER BY 1 LIMIT ?
"""


def unknown_to(copy: str, people: str, most: int) -> list[int]:
    """Accounts that ``people``, a copy too, has and ``copy`` hasn't, or not as they are now: their newest
    password, name or address isn't known there. ``most``: so many at most.

    Blocks; raises ``apsw.Error``.
    """
    with _attached(people=people, copy=copy) as db:
        return [int(id) for (id,) in db.execute(_UNKNOWN, (most,))]


@contextlib.contextmanager
def _attached(**paths: str) -> Iterator[apsw.Connection]:
    """To read from, each under its name."""
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI | apsw.SQLITE_OPEN_MEMORY
    with contextlib.closing(apsw.Connection("", flags=flags)) as db:
        db.set_busy_timeout(1000)
        for name, path in paths.items():
            db.execute(f"ATTACH ? AS {name}", (f"file:{quote(path)}?mode=ro",))
        yield db
