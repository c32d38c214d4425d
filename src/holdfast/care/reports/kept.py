"""What customers reported, and when they came first: a small file, docs/formats/reports.md.

REPORTS-1 a report is on disk before anybody is thanked for it, and needs neither mail nor any other process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal, NamedTuple, TypeVar

import apsw

from holdfast.model.errors import Unavailable
from holdfast.model.limits import REPORT_KEEP_S, REPORT_TWICE_S, REPORTS_KEPT
from holdfast.world import World
from holdfast.world.small_file import SmallFile

COMPONENT = "reports"
OTHER = "other"  # the function of who doesn't know which it is
By = Literal["page", "phone"]

_VERSION = 1
_TABLES = """
CREATE TABLE report (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, function TEXT NOT NULL, since REAL NOT NULL,
    seen TEXT NOT NULL, address TEXT NOT NULL, language TEXT NOT NULL, by TEXT NOT NULL, network TEXT NOT NULL
);
CREATE INDEX report_at ON report (at);
CREATE TABLE ahead (
    function TEXT NOT NULL, at REAL NOT NULL, first_at REAL NOT NULL, people INTEGER NOT NULL
);
"""
_COLUMNS = "at, function, since, seen, address, language, by, network"
T = TypeVar("T")


class CustomerReport(NamedTuple):
    """``function``: one of ours, or OTHER. ``since``: UTC seconds, 0 where that wasn't said.

    ``address``: where an answer is wished, '' for none. ``network``: whence it came, '' by telephone.
    """

    number: int
    at: float
    function: str
    since: float = 0.0
    seen: str = ""
    address: str = ""
    language: str = "en"
    by: By = "page"
    network: str = ""

    @property
    def sender(self) -> str:
        """Two of one sender are one person; each telephone call is somebody else."""
        return f"call {self.number}" if self.by == "phone" else f"{self.network} {self.address.casefold()}"


class Ahead(NamedTuple):
    """So many ``people`` reported from ``first_at`` on that ``function`` fails, and we didn't know."""

    function: str
    at: float
    first_at: float
    people: int


class KeptReports:
    """Used by the page, by the part and by a command at once."""

    def __init__(self, world: World, path: str) -> None:
        self._world = world
        self._file = SmallFile(world, path, COMPONENT, _TABLES, _VERSION)
        self._turn = asyncio.Lock()

    async def add(self, report: CustomerReport) -> int:
        """Its number, by which it is kept. The same again, from the same network, is the one there is.

        Raises ``Unavailable("reports")``.
        """
        return await self._do(lambda: self._file.write(lambda db: _add(db, report)))

    async def since(self, at: float, *, after: int = 0) -> list[CustomerReport]:
        """Those that came from then on, with a number above ``after``. Raises ``Unavailable("reports")``."""
        sql = f"SELECT number, {_COLUMNS} FROM report WHERE at >= ? AND number > ? ORDER BY number"
        of = at, after
        return await self._do(
            lambda: self._file.read(lambda db: [CustomerReport(*row) for row in db.execute(sql, of)])
        )

    async def note_ahead(self, ahead: Ahead) -> None:
        """Raises ``Unavailable("reports")``."""
        sql = "INSERT INTO ahead VALUES (?, ?, ?, ?)"
        await self._do(lambda: self._file.write(lambda db: db.execute(sql, ahead).fetchall()))

    async def aheads(self, since: float) -> list[Ahead]:
        """The newest first. Raises ``Unavailable("reports")``."""
        sql = "SELECT function, at, first_at, people FROM ahead WHERE at >= ? ORDER BY at DESC, function"
        return await self._do(
            lambda: self._file.read(lambda db: [Ahead(*row) for row in db.execute(sql, (since,))])
        )

    async def forget(self, now: float) -> None:
        """What is too old, addresses and all. Raises ``Unavailable("reports")``."""

        def write(db: apsw.Connection) -> None:
            for table in ("report", "ahead"):
                db.execute(f"DELETE FROM {table} WHERE at < ?", (now - REPORT_KEEP_S,))

        await self._do(lambda: self._file.write(write))

    def close(self) -> None:
        self._file.close()

    async def _do(self, work: Callable[[], T]) -> T:
        async with self._turn:
            return await self._world.offload(work)


def _add(db: apsw.Connection, report: CustomerReport) -> int:
    same = (
        "SELECT number FROM report WHERE network = ? AND seen = ? AND function = ? AND address = ? AND at > ?"
    )
    of = (report.network, report.seen, report.function, report.address, report.at - REPORT_TWICE_S)
    known = db.execute(same, of).fetchone() if report.by == "page" else None
    if known is not None:
        return int(known[0])
    [(count,)] = db.execute("SELECT count(*) FROM report")
    if count >= REPORTS_KEPT and report.by == "page":  # a flood leaves room for who calls
        raise Unavailable(COMPONENT, f"{count} are kept, which is all there is room for")
    marks = ", ".join("?" * len(report[1:]))
    db.execute(f"INSERT INTO report ({_COLUMNS}) VALUES ({marks})", report[1:])
    return db.last_insert_rowid()
