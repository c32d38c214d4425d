"""What is asked for on the last page, and where it is kept until it is carried out and told.

One row per request, for all processes of the role; sealed, because it says who wants which name, where he
is reached, and the hash of his password. It blocks; ``signups.py`` calls it from a thread of its own.
"""

from __future__ import annotations

import enum
import hashlib
import math
from typing import NamedTuple

import apsw
import msgspec

from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import SIGNUP_KEPT_S, SIGNUP_WAITING
from holdfast.pages import Seal
from holdfast.world import World
from holdfast.world.small_file import SmallFile

COMPONENT = "signup"
_DAY_S = 86_400.0
_YEAR_S = 365 * _DAY_S
_VERSION = 1
_TABLES = """
CREATE TABLE request (
    id BLOB PRIMARY KEY,         -- SHA-256 of the ticket
    name BLOB NOT NULL,          -- keyed digest of the address
    step TEXT NOT NULL,
    why TEXT NOT NULL,           -- of a refusal
    worker TEXT NOT NULL,        -- the process that carries it out
    sealed TEXT NOT NULL,        -- a WantedAccount
    made_at REAL NOT NULL,
    changed_at REAL NOT NULL,
    next_at REAL NOT NULL,       -- when to try again; infinity when nothing is left to do
    tries INTEGER NOT NULL,
    asked TEXT NOT NULL,         -- ticket of what the people process is asked
    told INTEGER NOT NULL        -- 1: knows what became of it, or needs not be told
) WITHOUT ROWID;
CREATE UNIQUE INDEX request_name ON request (name) WHERE step IN ('contract', 'account', 'asked');
CREATE INDEX request_next ON request (worker, next_at);
CREATE TABLE made (              -- who made how many (SIGNUP-6)
    request BLOB NOT NULL,
    network BLOB NOT NULL,       -- keyed digests
    contact BLOB NOT NULL,
    at REAL NOT NULL
);
CREATE INDEX made_network ON made (network, at);
CREATE INDEX made_contact ON made (contact, at)
"""
_ROW = "id, name, step, why, worker, sealed, made_at, changed_at, next_at, tries, asked, told"


class Step(enum.StrEnum):
    """Where a request is; the first three wait, and hold their name."""

    CONTRACT = "contract"  # its number is to be checked
    ACCOUNT = "account"  # the account is to be made
    ASKED = "asked"  # the people process is asked for it, durably
    DONE = "done"
    REFUSED = "refused"


class WantedAccount(msgspec.Struct, frozen=True):
    """``ticket``: names the request, for who made it. ``once``: its key at the people process.

    ``credential``: an argon2id hash. ``channel``: where the person is told: phone, address, ''.
    """

    ticket: str
    once: str
    address: str
    name: str
    credential: str
    language: str
    channel: str = ""
    phone: str = ""
    phone_proven_at: float = 0.0
    second: str = ""
    second_proven_at: float = 0.0
    consent_at: float = 0.0
    invitation: str = ""
    contract: str = ""
    customer: str = ""
    quota_bytes: int = 0
    daily_recipients: int = 0


class RequestRow(NamedTuple):
    id: bytes
    name: bytes
    step: Step
    why: str
    worker: str
    sealed: str
    made_at: float
    changed_at: float
    next_at: float
    tries: int
    asked: str
    told: int


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(WantedAccount).decode


class Requests:
    def __init__(self, world: World, path: str, seal: Seal, worker: str) -> None:
        self._file = SmallFile(world, path, COMPONENT, _TABLES, _VERSION)
        self._seal = seal
        self._worker = worker

    def close(self) -> None:
        self._file.close()

    def add(self, wanted: WantedAccount, step: Step, network: str, now: float, next_at: float) -> bool:
        """On disk when it returns, and the name held (SIGNUP-2). False: it was added before.

        Raises ``Refused(EXISTS)`` when the name is held for another request.
        """
        name = self._digest("name", wanted.address.lower())
        contact = self._digest("contact", contact_of(wanted).lower())

        def write(db: apsw.Connection) -> bool:
            if self._get(db, _id(wanted.ticket)) is not None:
                return False
            [(waiting,)] = db.execute("SELECT count(*) FROM request WHERE next_at < 9e15")
            if waiting >= SIGNUP_WAITING:
                raise Unavailable(COMPONENT, f"{waiting} requests wait, which is all we keep")
            row = RequestRow(
                _id(wanted.ticket), name, step, "", self._worker, self._sealed(wanted),
                now, now, next_at, 0, "", 0,
            )  # fmt: skip
            try:
                marks = ", ".join("?" * len(row))
                db.execute(f"INSERT INTO request ({_ROW}) VALUES ({marks})", row)
            except apsw.ConstraintError:
                raise Refused(Reason.EXISTS, "somebody is getting this name just now") from None
            made = (row.id, self._digest("network", network), contact, now)
            db.execute("INSERT INTO made VALUES (?, ?, ?, ?)", made)
            return True

        return self._file.write(write)

    def drop(self, wanted: WantedAccount) -> None:
        """As if it had never been asked."""

        def write(db: apsw.Connection) -> None:
            db.execute("DELETE FROM request WHERE id = ?", (_id(wanted.ticket),))
            db.execute("DELETE FROM made WHERE request = ?", (_id(wanted.ticket),))

        self._file.write(write)

    def holds(self, address: str) -> bool:
        """Whether the name waits to be somebody's."""
        sql = "SELECT 1 FROM request WHERE name = ? AND step IN ('contract', 'account', 'asked')"
        name = self._digest("name", address.lower())
        return self._file.read(lambda db: db.execute(sql, (name,)).fetchone() is not None)

    def counts(self, network: str, contact: str, now: float) -> tuple[int, int]:
        """Accounts from a network in a day, with a contact in a year."""

        def read(db: apsw.Connection) -> tuple[int, int]:
            [(of_network,)] = db.execute(
                "SELECT count(*) FROM made WHERE network = ? AND at > ?",
                (self._digest("network", network), now - _DAY_S),
            )
            [(of_contact,)] = db.execute(
                "SELECT count(*) FROM made WHERE contact = ? AND at > ?",
                (self._digest("contact", contact.lower()), now - _YEAR_S),
            )
            return of_network, of_contact

        return self._file.read(read)

    def get(self, ticket: str) -> tuple[RequestRow, WantedAccount] | None:
        row = self._file.read(lambda db: self._get(db, _id(ticket)))
        return None if row is None else (row, self._opened(row))

    def next_at(self) -> float:
        """When this process has something to do; infinity for nothing."""

        def read(db: apsw.Connection) -> float:
            [(at,)] = db.execute("SELECT min(next_at) FROM request WHERE worker = ?", (self._worker,))
            return math.inf if at is None else float(at)

        return self._file.read(read)

    def due(self, now: float, limit: int) -> list[tuple[RequestRow, WantedAccount]]:
        """In the order in which they were asked."""

        def read(db: apsw.Connection) -> list[RequestRow]:
            sql = f"SELECT {_ROW} FROM request WHERE worker = ? AND next_at <= ? ORDER BY made_at LIMIT ?"
            return [_row(each) for each in db.execute(sql, (self._worker, now, limit))]

        return [(row, self._opened(row)) for row in self._file.read(read)]

    def move(
        self, wanted: WantedAccount, step: Step, now: float, next_at: float, asked: str = "", tries: int = 0
    ) -> None:
        """To a step that waits. One that is over stays over."""

        def write(db: apsw.Connection) -> None:
            db.execute(
                "UPDATE request SET step = ?, sealed = ?, changed_at = ?, next_at = ?, asked = ?, tries = ?"
                " WHERE id = ? AND step IN ('contract', 'account', 'asked')",
                (step, self._sealed(wanted), now, next_at, asked, tries, _id(wanted.ticket)),
            )

        self._file.write(write)

    def finish(self, ticket: str, step: Step, now: float, *, why: str = "", tell: bool = True) -> bool:
        """What became of it. False: that was known already. The hash of the password goes."""

        def write(db: apsw.Connection) -> bool:
            row = self._get(db, _id(ticket))
            if row is None or row.step in (Step.DONE, Step.REFUSED):
                return False
            if step is Step.REFUSED:  # it is no account of this contact; the network has tried all the same
                db.execute("UPDATE made SET contact = x'' WHERE request = ?", (row.id,))
            bare = msgspec.structs.replace(self._opened(row), credential="", invitation="")
            db.execute(
                "UPDATE request SET step = ?, why = ?, sealed = ?, changed_at = ?, next_at = ?, tries = 0,"
                " told = ? WHERE id = ?",
                (step, why, self._sealed(bare), now, now if tell else math.inf, int(not tell), row.id),
            )
            return True

        return self._file.write(write)

    def later(self, row: RequestRow, next_at: float) -> None:
        def write(db: apsw.Connection) -> None:
            db.execute("UPDATE request SET next_at = ?, tries = tries + 1 WHERE id = ?", (next_at, row.id))

        self._file.write(write)

    def told(self, row: RequestRow) -> None:
        def write(db: apsw.Connection) -> None:
            db.execute("UPDATE request SET told = 1, next_at = ? WHERE id = ?", (math.inf, row.id))

        self._file.write(write)

    def forget(self, now: float) -> None:
        """What is over for long."""

        def write(db: apsw.Connection) -> None:
            over = "DELETE FROM request WHERE step IN ('done', 'refused') AND changed_at < ?"
            db.execute(over, (now - SIGNUP_KEPT_S,))
            db.execute("DELETE FROM made WHERE at < ?", (now - _YEAR_S,))

        self._file.write(write)

    # inside

    @staticmethod
    def _get(db: apsw.Connection, id_: bytes) -> RequestRow | None:
        row = db.execute(f"SELECT {_ROW} FROM request WHERE id = ?", (id_,)).fetchone()
        return None if row is None else _row(row)

    def _digest(self, purpose: str, text: str) -> bytes:
        return bytes.fromhex(self._seal.mark(f"signup {purpose}", text))

    def _sealed(self, wanted: WantedAccount) -> str:
        return self._seal.seal("signup request", _pack(wanted))

    def _opened(self, row: RequestRow) -> WantedAccount:
        sealed = self._seal.open("signup request", row.sealed)
        if sealed is None:
            raise Unavailable(COMPONENT, "a request was sealed under another key of pages")
        return _unpack(sealed)


def contact_of(wanted: WantedAccount) -> str:
    """The one that was proven; else the one there is."""
    return wanted.phone if wanted.channel == "phone" else wanted.second or wanted.phone


def _id(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode("utf-8", "surrogatepass")).digest()


def _row(row: tuple[object, ...]) -> RequestRow:
    found = RequestRow(*row)  # type: ignore[arg-type]
    return found._replace(step=Step(found.step))
