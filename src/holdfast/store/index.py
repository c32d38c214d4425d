"""Where the index files of the cells lie, and how they are opened, set aside and replaced."""

from __future__ import annotations

import re
from typing import Protocol

import apsw

from holdfast.model.errors import Unavailable
from holdfast.store import schema
from holdfast.world import World

_NAME = re.compile(r"cell-\d+\.sqlite").fullmatch
_ENDS = ("", "-wal", "-shm")
_Identity = tuple[tuple[int, int] | None, ...]


def component(cell: int) -> str:
    return f"cell-{cell:02d}/index"


class IndexPlace(Protocol):
    """What the store needs of the place its indexes live in; ``sim`` has another one."""

    def open_writer(self, cell: int) -> apsw.Connection | None:
        """The cell's index, ready to be folded into; None where there is none that can be used."""

    def open_fresh(self, cell: int) -> apsw.Connection:
        """An empty index beside the real one."""

    def adopt(self, cell: int, fresh: apsw.Connection) -> apsw.Connection:
        """Put the fresh index in the real one's place."""

    def intact(self, cell: int) -> bool:
        """Is what was opened last still what lies at its place?"""


class IndexFiles:
    """SQLite files ``cell-00.sqlite`` … in one folder."""

    def __init__(self, world: World, folder: str) -> None:
        self._world = world
        self._folder = folder
        self._opened: dict[int, _Identity] = {}
        world.disk.make_folder(folder)

    def path(self, cell: int) -> str:
        return f"{self._folder}/cell-{cell:02d}.sqlite"

    def cells(self) -> list[int]:
        """Those that have an index here."""
        names = self._world.disk.list(self._folder)
        return sorted(int(name[5:-7]) for name in names if _NAME(name))

    def open_writer(self, cell: int) -> apsw.Connection | None:
        path = self.path(cell)
        if not self._world.disk.exists(path):
            return None
        try:
            db = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)
            schema.tune_writer(db)
            version = db.execute("SELECT value FROM meta WHERE key='version'").get
        except schema.UNREADABLE:
            return None
        if version != schema.VERSION:
            db.close()
            return None
        self._opened[cell] = self._at(path)
        return db

    def open_fresh(self, cell: int) -> apsw.Connection:
        path = self.path(cell) + ".fresh"
        self._remove(path)
        db = apsw.Connection(path)
        schema.tune_writer(db)
        schema.create(db)
        return db

    def adopt(self, cell: int, fresh: apsw.Connection) -> apsw.Connection:
        path = self.path(cell)
        # The WAL goes into the file first: a rename takes only the file along.
        fresh.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        fresh.close()
        self._remove(path)
        self._world.disk.rename(path + ".fresh", path)
        db = self.open_writer(cell)
        if db is None:
            raise Unavailable(component(cell), "the index just built can't be opened")
        return db

    def intact(self, cell: int) -> bool:
        now = self._at(self.path(cell))
        return None not in now and now == self._opened.get(cell)

    def _at(self, path: str) -> _Identity:
        """SQLite opens all three by their names: who comes later must find those of who came first."""
        return tuple(self._world.disk.identity(path + end) for end in _ENDS)

    def _remove(self, path: str) -> None:
        for end in _ENDS:
            if self._world.disk.exists(path + end):
                self._world.disk.remove(path + end)
