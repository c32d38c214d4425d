"""The file in which proofs are kept: one row each, one row for every code that is still to be sent.

It blocks; ``proofs.py`` calls it from a thread of its own. Every change is synced before it is
answered, because a try that a crash forgets is a guess for free (PROOF-2).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import apsw

from holdfast.model.errors import Unavailable
from holdfast.model.limits import PROOF_CODES, PROOF_LEASE_S, PROOF_TRIES, PROOF_WAITS_S, PROOFS_MOST
from holdfast.world import World
from holdfast.world.small_file import SmallFile

COMPONENT = "proofs"
_VERSION = 1
_TABLES = """
CREATE TABLE proof (
    id BLOB PRIMARY KEY,         -- SHA-256 of the token
    purpose TEXT NOT NULL,
    channel TEXT NOT NULL,       -- the gateway; '' for a proof of nobody's
    sealed BLOB NOT NULL,        -- to whom, for what, in which language
    discreet INTEGER NOT NULL,
    digests BLOB NOT NULL,       -- of its codes, 32 bytes each, keyed (PROOF-1)
    tries INTEGER NOT NULL,
    began_at REAL NOT NULL,
    asked_at REAL NOT NULL,      -- for the last code
    sent_at REAL NOT NULL,       -- when the last code was; 0 for not yet
    failed INTEGER NOT NULL,     -- 1: the gateway says that it can't be sent
    proven_at REAL NOT NULL,
    spent_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE letter (            -- codes on their way
    id INTEGER PRIMARY KEY,
    proof BLOB NOT NULL UNIQUE,
    channel TEXT NOT NULL,
    sealed BLOB NOT NULL,        -- the code
    next_at REAL NOT NULL,
    tries INTEGER NOT NULL
);
CREATE INDEX letter_next ON letter (next_at);
CREATE TABLE asked (             -- codes of the last day, by whom they were for (PROOF-6)
    contact BLOB NOT NULL,       -- keyed digest
    channel TEXT NOT NULL,
    at REAL NOT NULL
);
CREATE INDEX asked_contact ON asked (contact, at);
CREATE INDEX asked_channel ON asked (channel, at)
"""
_PROOF = (
    "id, purpose, channel, sealed, discreet, digests, tries,"
    " began_at, asked_at, sent_at, failed, proven_at, spent_at"
)


class ProofRow(NamedTuple):
    id: bytes
    purpose: str
    channel: str
    sealed: bytes
    discreet: int
    digests: bytes
    tries: int
    began_at: float
    asked_at: float
    sent_at: float
    failed: int
    proven_at: float
    spent_at: float


class LetterRow(NamedTuple):
    id: int
    proof: bytes
    channel: str
    sealed: bytes
    next_at: float
    tries: int


class ProofRows:
    def __init__(self, world: World, path: str) -> None:
        self._file = SmallFile(world, path, COMPONENT, _TABLES, _VERSION)

    def close(self) -> None:
        self._file.close()

    # proofs

    def begin(self, row: ProofRow, contact: bytes, letter: bytes, send_at: float) -> None:
        """Writes the proof and its first letter."""

        def write(db: apsw.Connection) -> None:
            [(count,)] = db.execute("SELECT count(*) FROM proof")
            if count >= PROOFS_MOST:
                raise Unavailable(COMPONENT, f"{count} proofs are under way, which is all we keep at a time")
            marks = ", ".join("?" * len(row))
            db.execute(f"INSERT INTO proof ({_PROOF}) VALUES ({marks})", row)
            self._post(db, row.id, row.channel, contact, letter, row.began_at, send_at)

        self._file.write(write)

    def post_again(
        self, id_: bytes, digest: bytes, contact: bytes, letter: bytes, now: float
    ) -> ProofRow | None:
        """A further code. None: there is no such proof, or it has had all its codes."""

        def write(db: apsw.Connection) -> ProofRow | None:
            row = self._get(db, id_)
            if row is None or len(row.digests) >= 32 * PROOF_CODES:
                return None
            db.execute(
                "UPDATE proof SET digests = ?, asked_at = ?, sent_at = 0, failed = 0 WHERE id = ?",
                (row.digests + digest, now, id_),
            )
            self._post(db, id_, row.channel, contact, letter, now, now)
            return self._get(db, id_)

        return self._file.write(write)

    def hurry(self, id_: bytes, now: float) -> bool:
        """A letter that waits is tried at once. False: none waits."""

        def write(db: apsw.Connection) -> bool:
            rows = db.execute("UPDATE letter SET next_at = ? WHERE proof = ? RETURNING id", (now, id_))
            return bool(rows.fetchall())

        return self._file.write(write)

    def get(self, id_: bytes) -> ProofRow | None:
        return self._file.read(lambda db: self._get(db, id_))

    def count_try(self, id_: bytes) -> ProofRow | None:
        """The proof as it was before this try; None when there is none. On disk before it is looked at."""

        def write(db: apsw.Connection) -> ProofRow | None:
            row = self._get(db, id_)
            if row is not None and row.tries < PROOF_TRIES:
                db.execute("UPDATE proof SET tries = tries + 1 WHERE id = ?", (id_,))
            return row

        return self._file.write(write)

    def prove(self, id_: bytes, now: float) -> None:
        def write(db: apsw.Connection) -> None:
            db.execute("UPDATE proof SET proven_at = ? WHERE id = ? AND proven_at = 0", (now, id_))

        self._file.write(write)

    def spend(self, id_: bytes, now: float) -> bool:
        """False: it was spent before."""

        def write(db: apsw.Connection) -> bool:
            sql = "UPDATE proof SET spent_at = ? WHERE id = ? AND proven_at > 0 AND spent_at = 0 RETURNING 1"
            return bool(db.execute(sql, (now, id_)).fetchall())

        return self._file.write(write)

    def counts(self, contact: bytes, channel: str, now: float) -> tuple[int, int, int]:
        """Codes to the contact in the last hour and day, and through the channel in a day."""

        def read(db: apsw.Connection) -> tuple[int, int, int]:
            of_contact = "SELECT count(*) FROM asked WHERE contact = ? AND at > ?"
            [(hour,)] = db.execute(of_contact, (contact, now - 3600))
            [(day,)] = db.execute(of_contact, (contact, now - 86_400))
            [(all_,)] = db.execute(
                "SELECT count(*) FROM asked WHERE channel = ? AND at > ?", (channel, now - 86_400)
            )
            return hour, day, all_

        return self._file.read(read)

    # letters

    def take_due(self, now: float, limit: int) -> list[LetterRow]:
        """Those whose time has come, longest first; nobody else gets them for PROOF_LEASE_S."""

        def write(db: apsw.Connection) -> list[LetterRow]:
            sql = "SELECT id, proof, channel, sealed, next_at, tries FROM letter WHERE next_at <= ?"
            rows = [LetterRow(*row) for row in db.execute(sql + " ORDER BY next_at LIMIT ?", (now, limit))]
            for row in rows:
                db.execute("UPDATE letter SET next_at = ? WHERE id = ?", (now + PROOF_LEASE_S, row.id))
            return rows

        return self._file.write(write) if self._file.read(lambda db: self._next(db)) <= now else []

    def next_at(self) -> float:
        """When the next letter is due; infinity when there is none."""
        return self._file.read(self._next)

    def sent(self, letter: LetterRow, now: float) -> None:
        def write(db: apsw.Connection) -> None:
            db.execute("DELETE FROM letter WHERE id = ?", (letter.id,))
            db.execute("UPDATE proof SET sent_at = ?, failed = 0 WHERE id = ?", (now, letter.proof))

        self._file.write(write)

    def failed(self, letter: LetterRow) -> None:
        def write(db: apsw.Connection) -> None:
            db.execute("DELETE FROM letter WHERE id = ?", (letter.id,))
            db.execute("UPDATE proof SET failed = 1 WHERE id = ?", (letter.proof,))

        self._file.write(write)

    def later(self, letter: LetterRow, next_at: float) -> None:
        def write(db: apsw.Connection) -> None:
            sql = "UPDATE letter SET next_at = ?, tries = tries + 1 WHERE id = ?"
            db.execute(sql, (next_at, letter.id))

        self._file.write(write)

    def forget(self, now: float) -> None:
        """What is over."""

        def write(db: apsw.Connection) -> None:
            old = now - PROOF_WAITS_S - 3600
            db.execute("DELETE FROM proof WHERE began_at < ?", (old,))
            db.execute("DELETE FROM letter WHERE proof NOT IN (SELECT id FROM proof)")
            db.execute("DELETE FROM asked WHERE at < ?", (now - 86_400,))

        self._file.write(write)

    # inside

    @staticmethod
    def _next(db: apsw.Connection) -> float:
        [(at,)] = db.execute("SELECT min(next_at) FROM letter")
        return math.inf if at is None else float(at)

    @staticmethod
    def _get(db: apsw.Connection, id_: bytes) -> ProofRow | None:
        row = db.execute(f"SELECT {_PROOF} FROM proof WHERE id = ?", (id_,)).fetchone()
        return None if row is None else ProofRow(*row)

    @staticmethod
    def _post(
        db: apsw.Connection, id_: bytes, channel: str, contact: bytes, letter: bytes, now: float, at: float
    ) -> None:
        db.execute(
            "INSERT OR REPLACE INTO letter (proof, channel, sealed, next_at, tries) VALUES (?, ?, ?, ?, 0)",
            (id_, channel, letter, at),
        )
        db.execute("INSERT INTO asked (contact, channel, at) VALUES (?, ?, ?)", (contact, channel, now))
