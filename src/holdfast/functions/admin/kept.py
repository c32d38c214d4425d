"""What the admin process keeps for itself: idempotency keys with their answers, and reports of imports.

One SQLite file that may be deleted at any time: then a request that is repeated under its key is carried out
by the people process' own memory of keys, and a report is asked for again.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import apsw
import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from holdfast.functions.admin.shapes import ImportReport
from holdfast.model.limits import IMPORTS_MOST, ONCE_KEY_LIFE_S, ONCE_KEYS
from holdfast.world import World

_TABLES = """
CREATE TABLE IF NOT EXISTS once (
    key BLOB PRIMARY KEY, of BLOB NOT NULL, at REAL NOT NULL, answer BLOB
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS once_at ON once (at);
CREATE TABLE IF NOT EXISTS report (
    digest TEXT PRIMARY KEY, until REAL NOT NULL, body BLOB NOT NULL
) WITHOUT ROWID;
"""
_NONCE_BYTES = 12


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """An HTTP answer as it was given."""

    status: int
    headers: dict[str, str]
    body: bytes


class Asked(NamedTuple):
    """What is known of a key. ``answer`` None: it was asked, and not answered yet, or not for certain."""

    of: bytes
    answer: Answer | None


class Kept:
    """Opens the file at ``path``, making it. Raises ``apsw.Error``."""

    def __init__(self, world: World, path: str) -> None:
        self._world = world
        self._db = apsw.Connection(path if path == ":memory:" else world.disk.database_path(path))
        self._db.set_busy_timeout(1000)
        self._db.pragma("journal_mode", "wal")
        self._db.pragma("synchronous", 1)
        self._db.execute(_TABLES)

    def close(self) -> None:
        self._db.close()

    # Idempotency keys. An answer may hold a secret that is shown once: it is sealed with a key made of what
    # only the asker has (ADMIN-8).

    def ask(self, key: bytes, of: bytes, secret: bytes) -> Asked | None:
        """What is known of ``key``; None: it is new, and noted as asked. ``of``: digest of the request."""
        self._forget()
        row = self._db.execute("SELECT of, answer FROM once WHERE key = ?", (key,)).fetchone()
        if row is None:
            self._db.execute("INSERT INTO once VALUES (?, ?, ?, NULL)", (key, of, self._world.clock.now()))
            return None
        known, sealed = bytes(row[0]), row[1]
        return Asked(known, None if sealed is None else self._opened(bytes(sealed), key, secret))

    def answer(self, key: bytes, answer: Answer, secret: bytes) -> None:
        nonce = self._world.entropy.bytes(_NONCE_BYTES)
        sealed = AESGCM(_key(secret)).encrypt(nonce, msgspec.msgpack.encode(answer), key)
        self._db.execute("UPDATE once SET answer = ? WHERE key = ?", (nonce + sealed, key))

    def forget(self, key: bytes) -> None:
        """A request that had no effect may be asked again, differently."""
        self._db.execute("DELETE FROM once WHERE key = ?", (key,))

    def _opened(self, sealed: bytes, key: bytes, secret: bytes) -> Answer | None:
        try:
            body = AESGCM(_key(secret)).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], key)
        except InvalidTag:
            return None
        return msgspec.msgpack.decode(body, type=Answer)

    def _forget(self) -> None:
        self._db.execute("DELETE FROM once WHERE at < ?", (self._world.clock.now() - ONCE_KEY_LIFE_S,))
        if int(self._db.execute("SELECT count(*) FROM once").get) >= ONCE_KEYS:
            self._db.execute(
                "DELETE FROM once WHERE key IN (SELECT key FROM once ORDER BY at LIMIT ?)", (ONCE_KEYS // 10,)
            )

    # Reports of imports

    def keep_report(self, report: ImportReport, life_s: float) -> None:
        now = self._world.clock.now()
        self._db.execute("DELETE FROM report WHERE until < ?", (now,))
        self._db.execute(
            "DELETE FROM report WHERE digest IN"
            " (SELECT digest FROM report ORDER BY until DESC LIMIT -1 OFFSET ?)",
            (IMPORTS_MOST,),
        )
        self._db.execute(
            "INSERT OR REPLACE INTO report VALUES (?, ?, ?)",
            (report.digest, now + life_s, msgspec.json.encode(report)),
        )

    def report(self, digest: str) -> ImportReport | None:
        row = self._db.execute("SELECT body FROM report WHERE digest = ?", (digest,)).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=ImportReport)


def _key(secret: bytes) -> bytes:
    return hashlib.sha256(b"holdfast admin answers\0" + secret).digest()
