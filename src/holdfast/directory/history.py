"""Who signed in, from where, and who tried: for the account's owner to look at.

Best effort, and never in the way: a process notes into its own memory, a thread writes that down every
FLUSH_S seconds into the process's own SQLite file, and what can't be written is lost and journalled.
A row is a stretch of equal sign-ins, so that a phone that asks every minute is one line.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import apsw
import msgspec

from holdfast.directory.events import HISTORY_DAMAGED, HISTORY_FAILED
from holdfast.model.limits import (
    HISTORY_DAYS,
    HISTORY_GAP_S,
    HISTORY_PENDING,
    HISTORY_ROWS_PER_ACCOUNT,
    HISTORY_SPAN_S,
)
from holdfast.model.mail import AccountId
from holdfast.model.networks import network_of
from holdfast.world import World
from holdfast.world.clock import Timer

FLUSH_S = 2.0
PRUNE_S = 3600.0
ENDING = ".sqlite"

RIGHT = "right"
WRONG = "wrong"  # also: an app password is needed and this was none
LIMITED = "limited"  # too many wrong ones before, so it wasn't looked at
DISABLED = "disabled"
NOT_HERE = "not_here"  # the right app password, for another function, network or time

_SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (
    id INTEGER PRIMARY KEY, account INTEGER NOT NULL, function TEXT NOT NULL, network TEXT NOT NULL,
    result TEXT NOT NULL, program TEXT NOT NULL, peer TEXT NOT NULL,
    first REAL NOT NULL, last REAL NOT NULL, count INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS seen_account ON seen (account, result, last);
CREATE INDEX IF NOT EXISTS seen_last ON seen (last);
"""
_USED = """
INSERT INTO used SELECT account, max(last) FROM noted.seen WHERE result = ? GROUP BY account
ON CONFLICT (account) DO UPDATE SET last = max(last, excluded.last)
"""
_COLUMNS = "function, network, peer, result, program, first, last, count"


class SignInSeen(msgspec.Struct, frozen=True):
    """Equal sign-ins in a row: from ``first`` to ``last`` (UTC seconds), ``count`` of them.

    ``network``: /24 or /56; ``peer``: the last address in it. ``result``: ``right``, ``wrong``,
    ``limited``, ``disabled`` or ``not_here``. ``program``: the app password's name, '' for the main one.
    """

    function: str
    network: str
    peer: str
    result: str
    program: str
    first: float
    last: float
    count: int


class _Key(NamedTuple):
    account: AccountId
    function: str
    network: str
    result: str
    program: str


class _Noted:
    __slots__ = ("count", "first", "last", "peer")

    def __init__(self, now: float) -> None:
        self.first = self.last = now
        self.peer = ""
        self.count = 0


class History:
    """One process's. ``path``: its file; the others' lie beside it. Methods belong to the event loop."""

    def __init__(self, world: World, path: str) -> None:
        self._world = world
        self._path = path
        self._folder = os.path.dirname(path)
        self._pending: dict[_Key, _Noted] = {}
        self._lost = 0
        self._failing = False
        self._timer: Timer | None = None
        self._thread = world.thread("history")
        self._file = _File(world, path)

    def note(self, account: AccountId, function: str, peer: str, result: str, program: str = "") -> None:
        """Takes a microsecond; written down within FLUSH_S."""
        key = _Key(account, function, network_of(peer), result, program)
        noted = self._pending.get(key)
        now = self._world.clock.now()
        if noted is None:
            if len(self._pending) >= HISTORY_PENDING:
                self._lost += 1
                return
            noted = self._pending[key] = _Noted(now)
        noted.last, noted.peer, noted.count = now, peer, noted.count + 1
        if self._timer is None:
            self._timer = self._world.clock.call_later(FLUSH_S, self._start_flush)

    async def read_all(self, account: AccountId) -> list[SignInSeen]:
        """Of all processes, newest first; a file that can't be read is passed over and reported."""
        await self._flush()
        return await self._world.offload(read_history, self._world, self._folder, account)

    async def close(self) -> None:
        """What was noted is written down."""
        if self._timer is not None:
            self._timer.cancel()
        await self._flush()
        await self._thread.run(self._file.close)
        self._thread.close()

    def _start_flush(self) -> None:
        self._timer = None
        batch, self._pending = self._pending, {}
        self._thread.run(self._write, batch).add_done_callback(lambda done: self._flushed(done.result()))

    async def _flush(self) -> None:
        """Also waits for what is being written."""
        batch, self._pending = self._pending, {}
        self._flushed(await self._thread.run(self._write, batch))

    def _write(self, batch: dict[_Key, _Noted]) -> str:
        """In the thread: why it couldn't, or ''. One more try with a new file where the old one is broken."""
        for last in (False, True):
            try:
                self._file.write(batch, self._world.clock.now())
            except (apsw.CorruptError, apsw.NotADBError, apsw.FormatError) as error:
                if last:
                    return str(error)
                self._file.put_aside()
                self._world.journal.emit(HISTORY_DAMAGED, path=self._path, reason=str(error))
            except (apsw.Error, OSError) as error:
                return str(error) or type(error).__name__
            else:
                break
        return ""

    def _flushed(self, failure: str) -> None:
        if (failure and not self._failing) or self._lost:
            self._world.journal.emit(HISTORY_FAILED, path=self._path, reason=failure, lost=self._lost)
        self._lost = 0
        self._failing = bool(failure)


def read_history(world: World, folder: str, account: AccountId) -> list[SignInSeen]:
    """Of all processes' files, newest first. Blocks. What can't be read is passed over and reported."""
    found: list[SignInSeen] = []
    since = world.clock.now() - HISTORY_DAYS * 86_400
    for name in world.disk.list(folder) if world.disk.exists(folder) else []:
        if not name.endswith(ENDING):
            continue
        path = os.path.join(folder, name)
        try:
            found += _rows(world.disk.database_path(path), account, since)
        except (apsw.Error, OSError, ValueError) as error:
            world.journal.emit(HISTORY_DAMAGED, path=path, reason=str(error))
    return merged(found)


def right_from(world: World, path: str) -> Iterator[tuple[AccountId, str]]:
    """Account and network of each right sign-in that one file tells of. Blocks; raises ``apsw.Error``,
    ``OSError``."""
    db = apsw.Connection(world.disk.database_path(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        db.set_busy_timeout(1000)
        since = world.clock.now() - HISTORY_DAYS * 86_400
        yield from db.execute(
            "SELECT DISTINCT account, network FROM seen WHERE result = ? AND last >= ?", (RIGHT, since)
        )
    finally:
        db.close()


def gather_last_used(world: World, folder: str, db: apsw.Connection) -> None:
    """Fills ``db``'s table ``used (account, last)`` with when each last signed in with success, by all
    processes' files. Blocks, mostly in SQLite; what can't be read is passed over and reported."""
    for name in world.disk.list(folder) if world.disk.exists(folder) else []:
        if not name.endswith(ENDING):
            continue
        path = os.path.join(folder, name)
        try:
            db.execute("ATTACH ? AS noted", (f"file:{quote(world.disk.database_path(path))}?mode=ro",))
            try:
                db.execute(_USED, (RIGHT,))
            finally:
                db.execute("DETACH noted")
        except (apsw.Error, OSError) as error:
            world.journal.emit(HISTORY_DAMAGED, path=path, reason=str(error))


def merged(rows: Iterable[SignInSeen]) -> list[SignInSeen]:
    """Stretches of several processes that are one to their owner, newest first."""
    found: list[SignInSeen] = []
    for row in sorted(rows, key=lambda row: (*_kind(row), row.first)):
        before = found[-1] if found else None
        if before is not None and _kind(before) == _kind(row) and row.first <= before.last + HISTORY_GAP_S:
            found[-1] = msgspec.structs.replace(
                before,
                last=max(before.last, row.last),
                count=before.count + row.count,
                peer=row.peer if row.last >= before.last else before.peer,
            )
        else:
            found.append(row)
    return sorted(found, key=lambda row: -row.last)


def _kind(row: SignInSeen) -> tuple[str, str, str, str]:
    return row.function, row.network, row.result, row.program


def _rows(path: str, account: AccountId, since: float) -> list[SignInSeen]:
    """Of one file, which its own process may be writing at this moment."""
    db = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
    try:
        db.set_busy_timeout(1000)
        rows = db.execute(
            f"SELECT {_COLUMNS} FROM seen WHERE account = ? AND last >= ?", (account, since)
        ).fetchall()
    finally:
        db.close()
    return msgspec.convert([dict(zip(SignInSeen.__struct_fields__, row)) for row in rows], list[SignInSeen])


class _File:
    """The process's own file; belongs to the history's thread."""

    def __init__(self, world: World, path: str) -> None:
        self._world = world
        self._path = path
        self._db: apsw.Connection | None = None
        self._prune_at = 0.0

    def write(self, batch: dict[_Key, _Noted], now: float) -> None:
        """Raises ``apsw.Error`` and ``OSError``."""
        if not batch:
            return
        db = self._open()
        with db:
            for key, noted in batch.items():
                _add(db, key, noted)
            if now >= self._prune_at:
                self._prune_at = now + PRUNE_S
                db.execute("DELETE FROM seen WHERE last < ?", (now - HISTORY_DAYS * 86_400,))

    def _open(self) -> apsw.Connection:
        if self._db is None:
            self._world.disk.make_folder(os.path.dirname(self._path))
            self._world.disk.open(self._path, create=True).close()  # its owner's only
            db = apsw.Connection(self._world.disk.database_path(self._path))
            try:
                db.set_busy_timeout(1000)
                db.execute("PRAGMA journal_mode = WAL").fetchall()
                db.execute("PRAGMA synchronous = NORMAL;" + _SCHEMA)
            except BaseException:
                db.close()
                raise
            self._db = db
        return self._db

    def put_aside(self) -> None:
        """Whoever wants to look at the broken file finds it under another name."""
        self.close()
        path = Path(self._world.disk.database_path(self._path))
        for ending in ("-wal", "-shm"):
            Path(f"{path}{ending}").unlink(missing_ok=True)
        path.replace(f"{path}.damaged")

    def close(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            db.close()


def _add(db: apsw.Connection, key: _Key, noted: _Noted) -> None:
    """Goes on with the last stretch of the same kind, or begins one."""
    row = db.execute(
        "SELECT id FROM seen WHERE account = ? AND result = ? AND last >= ? AND first >= ?"
        " AND function = ? AND network = ? AND program = ? ORDER BY last DESC LIMIT 1",
        (key.account, key.result, noted.first - HISTORY_GAP_S, noted.last - HISTORY_SPAN_S,
         key.function, key.network, key.program),
    ).fetchone()  # fmt: skip
    if row is not None:
        db.execute(
            "UPDATE seen SET last = max(last, ?), peer = ?, count = count + ? WHERE id = ?",
            (noted.last, noted.peer, noted.count, row[0]),
        )
        return
    db.execute(
        "INSERT INTO seen (account, function, network, result, program, peer, first, last, count)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*key, noted.peer, noted.first, noted.last, noted.count),
    )
    # guesses from everywhere don't push out what the owner did: each result has its own room
    db.execute(
        "DELETE FROM seen WHERE id IN (SELECT id FROM seen WHERE account = ? AND result = ?"
        " ORDER BY last DESC LIMIT -1 OFFSET ?)",
        (key.account, key.result, HISTORY_ROWS_PER_ACCOUNT),
    )
