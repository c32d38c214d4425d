"""The audit trail: who changed what, when and why. A fold of its own over the people ledger.

Truth is the ledger; the file may be deleted, and is made again. Secrets are not taken along (PEOPLE-14).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol

import apsw
import msgspec

from holdfast.directory import records as r
from holdfast.directory.copy import MEMORY, NotBelieved, Source, remove_copy
from holdfast.directory.events import AUDIT_FAILED
from holdfast.directory.names import name_key
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.ledgers import Kind
from holdfast.model.limits import (
    AUDIT_DETAIL_CHARACTERS,
    PEOPLE_PAGE,
    PEOPLE_RETRY_FIRST_S,
    PEOPLE_RETRY_LONGEST_S,
)
from holdfast.model.mail import AccountId, Position
from holdfast.model.people import AuditEntry
from holdfast.packs.words import BadFrame, Frame
from holdfast.world import World

VERSION = 1  # another number: the file is made anew
UNREADABLE = "unreadable"

SECRETS = frozenset({"credential", "digest", "salt", "secret"})
"""Fields that never leave the ledger. Any field of bytes is left out besides."""

_ABOUT = frozenset({"is", "at", "by", "why", "once", "account"})
_json = msgspec.json.Encoder().encode
_detail = msgspec.json.Decoder(dict[str, object]).decode

TABLES = """
CREATE TABLE trail (
    only INTEGER PRIMARY KEY CHECK (only = 0),
    version INTEGER NOT NULL,
    identity BLOB NOT NULL,
    pack INTEGER NOT NULL,       -- position behind the last frame that is in it
    offset INTEGER NOT NULL
);
CREATE TABLE entry (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    by TEXT NOT NULL,
    what TEXT NOT NULL,
    account INTEGER NOT NULL,
    why TEXT NOT NULL,
    detail TEXT NOT NULL,        -- JSON
    reached REAL NOT NULL        -- the latest at so far: it never goes back
);
CREATE INDEX entry_by ON entry (by, id);
CREATE INDEX entry_what ON entry (what, id);
CREATE INDEX entry_account ON entry (account, id) WHERE account > 0;
CREATE INDEX entry_reached ON entry (reached, id);
CREATE TABLE name (              -- which account an address was given to last
    key TEXT PRIMARY KEY,
    account INTEGER NOT NULL
) WITHOUT ROWID;
"""


class Moving(Protocol):
    """A copy of the people that follows the ledger; see ``People``."""

    @property
    def position(self) -> Position: ...

    async def moved(self, position: Position) -> None: ...


class AuditTrail:
    """``path``: of its SQLite file. Run ``follow`` as a task."""

    def __init__(self, world: World, path: str, source: Source) -> None:
        self._world = world
        self._path = path
        self._source = source
        self._failed = ""
        self._db = self._open()
        self._load()

    def close(self) -> None:
        self._db.close()

    async def follow(self, people: Moving) -> None:
        """Keeps up with a copy of the people until cancelled. Errors are journalled, and tried again."""
        wait = PEOPLE_RETRY_FIRST_S
        while True:
            if await self.catch_up(people.position):
                wait = PEOPLE_RETRY_FIRST_S
                await people.moved(self.position)
            else:
                await self._world.clock.sleep(wait)
                wait = min(2 * wait, PEOPLE_RETRY_LONGEST_S)

    async def catch_up(self, until: Position | None = None) -> bool:
        """Takes in the frames up to ``until``, or what is in the ledger now; False when that failed."""
        try:
            identity, end = await self._world.offload(self._source.check, self.identity, self.position)
            while self.position < (end if until is None else until):
                batch = await self._world.offload(self._source.read, self.position, until or end)
                self._take(batch.items, batch.after, identity)
        except (apsw.Error, OSError, Unavailable, NotBelieved) as error:
            if str(error) != self._failed:
                self._failed = str(error)
                self._world.journal.emit(AUDIT_FAILED, path=self._path, reason=self._failed)
            return False
        self._failed = ""
        return True

    def page(
        self,
        *,
        account: AccountId = 0,
        by: str = "",
        what: str = "",
        since: float = 0.0,
        before: int = 0,
        limit: int = PEOPLE_PAGE,
    ) -> list[AuditEntry]:
        """Newest first. ``since``: UTC seconds; ``before``: the id of the last page's last entry.

        Raises ``Unavailable("people")``.
        """
        where: list[str] = ["1"]
        values: list[int | float | str] = [max(1, min(limit, PEOPLE_PAGE))]
        for clause, value in (
            ("account = ? AND account > 0", account),
            ("by = ?", by),
            ("what = ?", what),
            (
                "id > coalesce((SELECT id FROM entry WHERE reached < ?"
                " ORDER BY reached DESC, id DESC LIMIT 1), 0)",
                since,
            ),
            ("id < ?", before),
        ):
            if value:
                where.append(clause)
                values.insert(-1, value)
        select = "SELECT id, at, by, what, account, why, detail FROM entry WHERE"
        try:
            found = self._db.execute(f"{select} {' AND '.join(where)} ORDER BY id DESC LIMIT ?", values)
            return [_as_entry(row) for row in found]
        except apsw.Error as error:
            raise Unavailable("people", f"the audit trail can't be read: {error}") from error

    def _open(self) -> apsw.Connection:
        try:
            return self._opened()
        except (apsw.CorruptError, apsw.NotADBError) as error:
            self._world.journal.emit(AUDIT_FAILED, path=self._path, reason=str(error))
            remove_copy(self._world, self._path)
            return self._opened()

    def _opened(self) -> apsw.Connection:
        path = self._path if self._path == MEMORY else self._world.disk.database_path(self._path)
        db = apsw.Connection(path)
        try:
            db.execute("PRAGMA synchronous = NORMAL; PRAGMA journal_mode = WAL")
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'trail'").fetchone() or (
                db.execute("SELECT version FROM trail").fetchone() != (VERSION,)
            ):
                _make(db)
        except BaseException:
            db.close()
            raise
        return db

    def _load(self) -> None:
        identity, pack, offset = self._db.execute("SELECT identity, pack, offset FROM trail").get
        self.identity = bytes(identity)
        self.position = Position(pack, offset)
        self._reached: float = self._db.execute("SELECT coalesce(max(reached), 0) FROM entry").get

    def _take(self, items: Sequence[Frame | BadFrame], after: Position, identity: bytes) -> None:
        """Entries and position in one transaction."""
        try:
            with self._db:
                for item in items:
                    self._enter(item)
                self._db.execute(
                    "UPDATE trail SET identity = ?, pack = ?, offset = ?",
                    (identity, after.pack, after.offset),
                )
        except BaseException:
            self._load()
            raise
        self.identity, self.position = identity, after

    def _enter(self, item: Frame | BadFrame) -> None:
        record = None
        if isinstance(item, Frame) and item.kind == Kind.PEOPLE:
            try:
                record = r.decode_record(item.body)
            except msgspec.DecodeError:
                pass
        if item.sequence is None:
            return
        if record is None:
            self._write(item.sequence, 0.0, "", UNREADABLE, 0, "", {})
            return
        tag = str(record.__struct_config__.tag)
        account = self._account(item.sequence, record)
        self._write(item.sequence, record.at, record.by, tag, account, record.why, detail_of(record))

    def _write(
        self, id_: int, at: float, by: str, what: str, account: int, why: str, detail: dict[str, Any]
    ) -> None:
        self._reached = max(self._reached, at)
        self._db.execute(
            "INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (id_, at, by, what, account, why, _json(detail).decode(), self._reached),
        )

    def _account(self, sequence: int, record: r.AnyRecord) -> AccountId:
        """Whom it is about, 0 for nobody: also where the record names a thing of the account only."""
        match record:
            case r.AccountMade(address=address):
                return self._name(address, sequence)
            case (
                r.AddressAdded(account=account, address=address)
                | r.MaskedSet(account=account, address=address)
            ):
                return self._name(address, account)
            case r.AddressRemoved(address=address):
                return self._name(address)
            case r.ContactSet(customer=customer) | r.CustomerSet(customer=customer):
                return self._made_with(customer)
            case r.InvitationUsed() | r.InvitationRemoved():
                return 0
        account = getattr(record, "account", 0)
        return int(account or self._made_with(getattr(record, "id", 0)))

    def _made_with(self, id_: int) -> AccountId:
        """Of the entry that made a token, a factor …; a customer that was made with its first account."""
        row = self._db.execute("SELECT account FROM entry WHERE id = ?", (id_,)).fetchone()
        return int(row[0]) if row else 0

    def _name(self, address: str, account: AccountId = 0) -> AccountId:
        try:
            key = name_key(address)
        except Refused:
            return account
        if account:
            self._db.execute("INSERT OR REPLACE INTO name VALUES (?, ?)", (key, account))
            return account
        row = self._db.execute("SELECT account FROM name WHERE key = ?", (key,)).fetchone()
        return int(row[0]) if row else 0


def _as_entry(row: tuple[Any, ...]) -> AuditEntry:
    id_, at, by, what, account, why, detail = row
    return AuditEntry(id_, at, by, what, account, why, _detail(detail))


def detail_of(record: r.AnyRecord) -> dict[str, object]:
    """PEOPLE-14: a record's fields but for its head, and for what must not be known."""
    detail: dict[str, object] = {}
    for name, default in _fields(type(record)):
        value = getattr(record, name)
        if value != default and not isinstance(value, bytes):
            detail[name] = _shown(msgspec.to_builtins(value))
    return detail


@cache
def _fields(kind: type[msgspec.Struct]) -> list[tuple[str, object]]:
    """Names and defaults of those that may be shown."""
    fields = msgspec.structs.fields(kind)
    return [(field.name, field.default) for field in fields if field.name not in _ABOUT | SECRETS]


def _shown(value: object) -> object:
    """Long texts (a logo) by their beginning."""
    if isinstance(value, str) and len(value) > AUDIT_DETAIL_CHARACTERS:
        return value[:AUDIT_DETAIL_CHARACTERS] + "…"
    if isinstance(value, dict):
        return {key: _shown(inner) for key, inner in value.items()}
    return value


def _make(db: apsw.Connection) -> None:
    with db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            db.execute(f'DROP TABLE "{name}"')
        db.execute(TABLES)
        db.execute("INSERT INTO trail VALUES (0, ?, x'', 0, 0)", (VERSION,))
