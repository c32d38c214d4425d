"""The ledger of incidents as the one who watches has it, whatever its disk does.

INC-8 what is decided is in effect at once and written behind; while the disk doesn't take it, it is kept in
memory, told in ``now.json``, and written first as soon as that can be.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from holdfast.model.errors import Unavailable
from holdfast.model.limits import INCIDENT_ENTRIES, INCIDENT_RETRY_S, INCIDENT_WRITE_S
from holdfast.watch.events import INCIDENT_CLOSED, INCIDENT_DIAGNOSED, INCIDENT_OPENED
from holdfast.watch.incidents.door import Choose
from holdfast.watch.incidents.incidents import Incidents
from holdfast.watch.incidents.ledger import IncidentLedger, IncidentReader
from holdfast.watch.incidents.record import AnyEntry, Closed, Diagnosed, Found, Joined, Opened, Reopened
from holdfast.world import World


class IncidentKeeper:
    """``incidents``: as they stand, with what is ``held``: what isn't durable yet."""

    def __init__(self, world: World, folder: str) -> None:
        self._world = world
        self._folder = folder
        self._ledger: IncidentLedger | None = None
        self._known = False  # what earlier lives wrote has been read
        self._failed = ""
        self._since = 0.0  # when the oldest of what is held came, monotonic
        self._written = 0  # of all that was ever held
        self._news = asyncio.Event()
        self._progress = asyncio.Condition()
        self.opened = asyncio.Event()
        self.incidents = Incidents()
        self.held: list[AnyEntry] = []

    @property
    def trouble(self) -> str:
        """Why it can't be written at present, '' while it can."""
        if self._failed or not self.held:
            return self._failed
        waited = self._world.clock.monotonic() - self._since
        return f"nothing was written for {waited:.0f} s" if waited > INCIDENT_WRITE_S else ""

    def note(self, entries: Sequence[AnyEntry]) -> None:
        """In effect when this returns."""
        if not self.held:
            self._since = self._world.clock.monotonic()
        self.incidents.apply(entries)
        too_many = len(self.held) >= INCIDENT_ENTRIES
        self.held += [each for each in entries if not (too_many and isinstance(each, Found))]
        self._news.set()
        for entry in entries:
            self._tell(entry)

    def _tell(self, entry: AnyEntry) -> None:
        """The journal hears of beginnings, causes and ends; all the rest is in the ledger."""
        emit, number = self._world.journal.emit, entry.incident
        match entry:
            case Opened() | Joined() | Reopened():
                again = isinstance(entry, Reopened)
                emit(INCIDENT_OPENED, incident=number, functions=list(entry.since), again=again)
            case Diagnosed(report=report):
                emit(
                    INCIDENT_DIAGNOSED,
                    incident=number,
                    verdict=report.verdict,
                    causes=[cause.component for cause in report.causes],
                    probability=round(report.probability, 4),
                    before=entry.before,
                )
            case Closed():
                emit(INCIDENT_CLOSED, incident=number)

    async def write(self, choose: Choose) -> None:
        """For others: what is chosen, and all of before, is durable when this returns. Raises
        ``Unavailable``: it may become so later."""
        self.note(choose(self.incidents))
        until = self._written + len(self.held)
        try:
            async with asyncio.timeout(INCIDENT_WRITE_S), self._progress:
                await self._progress.wait_for(lambda: self._written >= until)
        except TimeoutError:
            raise Unavailable("incidents", self.trouble or "nothing is written") from None

    async def run(self) -> None:
        """Opens the ledger and writes what is held, again and again, until it is cancelled."""
        while True:
            try:
                await self._catch_up()
            except (Unavailable, OSError) as error:
                self._failed = str(error)
                await self._world.clock.sleep(INCIDENT_RETRY_S)
            else:
                self._failed = ""
                await self._news.wait()

    async def close(self) -> None:
        """While it runs: what is held is written first, if that can be."""
        with contextlib.suppress(Unavailable):
            await self.write(lambda incidents: [])
        if self._ledger is not None:
            await self._ledger.close()

    async def _catch_up(self) -> None:
        if self._ledger is None:
            await self._open()
        assert self._ledger is not None
        self._news.clear()
        while self.held:
            batch = list(self.held)
            await self._ledger.append(batch)
            del self.held[: len(batch)]
            self._since = self._world.clock.monotonic()
            async with self._progress:
                self._written += len(batch)
                self._progress.notify_all()

    async def _open(self) -> None:
        try:
            self._ledger = await IncidentLedger.open(self._world, self._folder)
        except (Unavailable, OSError):
            if not self._known:
                await self._world.offload(self._look)
            raise
        self._take(self._ledger.incidents)
        self.opened.set()

    def _look(self) -> None:
        """Blocks. What was written before, if it can be read while nothing can be written."""
        reader = IncidentReader(self._world, self._folder)
        reader.read_all()
        self._take(reader.incidents)

    def _take(self, incidents: Incidents) -> None:
        """What was numbered without those of before is let go: what still fails is begun anew."""
        if not self._known:
            self.held.clear()
        incidents.apply(self.held)
        self.incidents, self._known = incidents, True
