"""What is noted of sign-ins by token: which refresh token was used last, and which sign-ins are over.

A token says itself whose it is and until when; this file, one for all workers, is only asked whether a token
was used before (RFC 9700 §4.14.2) or its sign-in was ended. Without it tokens go on: a lost or broken file
costs the notice of reuse and brings back what was ended, until it is too old.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable

import apsw

from holdfast.functions.jmap.events import SIGN_INS_NOT_KEPT
from holdfast.world import World

BUSY_MS = 2000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS sign_in (
  id    TEXT PRIMARY KEY,
  used  TEXT NOT NULL,     -- the refresh token used last; '' for none yet
  over  INTEGER NOT NULL,  -- 1: no token of it counts any more
  until INTEGER NOT NULL   -- UTC second after which none would count anyway
) WITHOUT ROWID, STRICT;
"""


class SignIns:
    """``path``: the file. Reading takes microseconds; what writes is done in a thread, and synced."""

    def __init__(self, world: World, path: str) -> None:
        self._world = world
        self._path = path
        self._thread = world.thread("sign-ins")
        self._reader: apsw.Connection | None = None
        self._writer: apsw.Connection | None = None
        self._failing = False

    def is_over(self, id: str) -> bool:
        return self._guarded(lambda: self._read(id), False)

    async def begin(self, id: str, until: float) -> bool:
        """A sign-in's first tokens are given; False when they were given before: then it is over."""
        return await self._write(lambda db: self._begin(db, id, int(until)))

    async def use(self, id: str, token: str, after: str, until: float) -> bool:
        """A refresh token is used that was given for ``after``; False when one that came later was used
        already: then the sign-in is over. The last one may be used again: its answer may have been lost."""
        return await self._write(lambda db: self._use(db, id, token, after, int(until)))

    async def end(self, id: str, until: float) -> None:
        """No token of it counts any more."""
        await self._write(lambda db: self._end(db, id, int(until)))

    async def sweep(self) -> None:
        """Forgets what no longer matters."""
        await self._write(self._forget)

    def close(self) -> None:
        self._thread.close()

    # in the thread

    def _begin(self, db: apsw.Connection, id: str, until: int) -> bool:
        if db.execute("SELECT 1 FROM sign_in WHERE id=?", (id,)).get is not None:
            return self._end(db, id, until)
        db.execute("INSERT INTO sign_in VALUES (?, '', 0, ?)", (id, until))
        return True

    def _use(self, db: apsw.Connection, id: str, token: str, after: str, until: int) -> bool:
        row = db.execute("SELECT used, over FROM sign_in WHERE id=?", (id,)).fetchone()
        if row is not None and row[1]:
            return False
        if row is not None and row[0] not in (token, after):
            return self._end(db, id, until)
        db.execute("INSERT OR REPLACE INTO sign_in VALUES (?, ?, 0, ?)", (id, token, until))
        return True

    def _end(self, db: apsw.Connection, id: str, until: int) -> bool:
        db.execute("INSERT OR REPLACE INTO sign_in VALUES (?, '', 1, ?)", (id, until))
        return False

    def _forget(self, db: apsw.Connection) -> bool:
        db.execute("DELETE FROM sign_in WHERE until<?", (int(self._world.clock.now()),))
        return True

    # the file

    async def _write(self, work: Callable[[apsw.Connection], bool]) -> bool:
        def in_thread() -> bool:
            if self._writer is None:
                self._writer = self._opened(apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
            done = False
            with self._writer:
                done = work(self._writer)
            return done

        return await self._thread.run(lambda: self._guarded(in_thread, True))

    def _read(self, id: str) -> bool:
        if self._reader is None:
            if self._world.disk.identity(self._path) is None:
                return False
            self._reader = self._opened(apsw.SQLITE_OPEN_READWRITE)
        return bool(self._reader.execute("SELECT over FROM sign_in WHERE id=?", (id,)).get)

    def _opened(self, flags: int) -> apsw.Connection:
        self._world.disk.make_folder(os.path.dirname(self._path))
        db = apsw.Connection(self._world.disk.database_path(self._path), flags=flags)
        db.set_busy_timeout(BUSY_MS)
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", _SCHEMA):
            db.execute(statement).fetchall()
        return db

    def _guarded(self, work: Callable[[], bool], otherwise: bool) -> bool:
        try:
            found = work()
        except (apsw.Error, OSError) as error:
            if not self._failing:
                self._world.journal.emit(SIGN_INS_NOT_KEPT, path=self._path, error=str(error))
            self._failing = True
            return otherwise
        self._failing = False
        return found
