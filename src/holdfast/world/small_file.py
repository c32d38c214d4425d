"""A small SQLite file of somebody's own: what it must still know after a restart, and no ledger has.

It blocks; whoever uses it does so from a thread of its own. Every change is synced before it is answered.
Several processes may use one file. A damaged one is set aside and a new one begun, with a word in the
journal: what was under way is worth less than that all can begin anew.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TypeVar

import apsw

from holdfast.model.errors import Unavailable
from holdfast.world.events import FILE_SET_ASIDE
from holdfast.world.world import World

T = TypeVar("T")

_BUSY_MS = 2000


class SmallFile:
    """Opened when it is first needed, and again after an error: a start never waits for it."""

    def __init__(self, world: World, path: str, component: str, tables: str, version: int) -> None:
        """``component``: its name in ``Unavailable``. ``version``: of ``tables``; above 0."""
        self._world = world
        self._path = path
        self._component = component
        self._tables = tables
        self._version = version
        self._db: apsw.Connection | None = None

    def close(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            db.close()

    def read(self, do: Callable[[apsw.Connection], T]) -> T:
        """Raises ``Unavailable`` of the component."""
        try:
            return do(self._open())
        except (apsw.NotADBError, apsw.CorruptError) as error:
            self._set_aside(error)
            raise Unavailable(self._component, "its file was damaged, a new one is begun", 1.0) from error
        except apsw.Error as error:
            self.close()
            raise Unavailable(self._component, f"its file can't be used: {error}") from error

    def write(self, do: Callable[[apsw.Connection], T]) -> T:
        """In a transaction: it is on disk when this returns, and nothing of it is when it raises."""

        def in_transaction(db: apsw.Connection) -> T:
            db.execute("BEGIN IMMEDIATE")
            try:
                done = do(db)
                db.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(apsw.Error):
                    db.execute("ROLLBACK")
                raise
            return done

        return self.read(in_transaction)

    def _open(self) -> apsw.Connection:
        if self._db is not None:
            return self._db
        try:
            self._world.disk.make_folder(self._path.rpartition("/")[0])
        except OSError as error:
            raise Unavailable(self._component, f"its folder can't be made: {error}") from error
        db = apsw.Connection(self._world.disk.database_path(self._path))
        try:
            db.set_busy_timeout(_BUSY_MS)
            db.execute("PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL")
            db.execute("PRAGMA secure_delete = ON").fetchall()  # answers with a row, and so stands alone
            db.execute("BEGIN IMMEDIATE")
            [(version,)] = db.execute("PRAGMA user_version")
            if version != self._version:
                db.execute(f"{self._tables}; PRAGMA user_version = {self._version}")
            db.execute("COMMIT")
        except BaseException:
            db.close()
            raise
        self._db = db
        return db

    def _set_aside(self, error: apsw.Error) -> None:
        self.close()
        self._world.journal.emit(FILE_SET_ASIDE, path=self._path, error=str(error))
        disk = self._world.disk
        for ending in ("", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                disk.rename(disk.database_path(self._path) + ending, f"{self._path}.damaged{ending}")
