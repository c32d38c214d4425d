"""The part `reports`: what customers reported is counted with the incident it is of, and where they came
first, staff is alarmed and the function tried at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection

from holdfast.care.reports.clustering import Matching, first, meant
from holdfast.care.reports.events import CUSTOMERS_FIRST, STAFF_NOT_TOLD
from holdfast.care.reports.kept import Ahead, CustomerReport, KeptReports
from holdfast.care.turns import Seen
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.limits import (
    REPORT_APART_S,
    REPORT_EARLY_S,
    REPORT_LATE_S,
    REPORTED_AGAIN_S,
    REPORTS_FIRST_S,
)
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incident, Incidents
from holdfast.world import World

_FORGET_EVERY_S = 3600.0


class ReportsPart:
    """``look``: these functions are tried at once; ``alarm``: staff is told. Both raise ``Unavailable``, and
    ``alarm`` ``Refused`` where it never can be."""

    name = "reports"
    every_s = 5.0

    def __init__(
        self,
        world: World,
        kept: KeptReports,
        look: Callable[[Collection[str]], Awaitable[None]],
        alarm: Callable[[Ahead], Awaitable[None]],
    ) -> None:
        self._world = world
        self._kept = kept
        self._look = look
        self._alarm = alarm
        self._known: list[CustomerReport] = []  # that may still matter, without what was seen
        self._last = 0
        self._to_look: set[str] = set()
        self._untold: list[Ahead] = []
        self._waits = False
        self._forget_at = 0.0

    async def turn(self, seen: Seen) -> list[r.AnyEntry]:
        await self._read(seen)
        await self._came_first(seen)
        await self._tell_staff()
        if self._to_look:
            await self._look(sorted(self._to_look))
            self._to_look.clear()
        return await self._world.offload(lambda: reported(self._known, seen.incidents, seen.at))

    async def _read(self, seen: Seen) -> None:
        if seen.at >= self._forget_at:
            await self._kept.forget(seen.at)
            self._forget_at = seen.at + _FORGET_EVERY_S
        since = min((_begins(each) for each in _current(seen)), default=seen.at) - REPORTS_FIRST_S
        for report in await self._kept.after(self._last, since):
            self._last = report.number
            self._known.append(report._replace(function=meant(report), seen=""))
        self._known = [each for each in self._known if each.at >= since]

    async def _came_first(self, seen: Seen) -> None:
        """Once for each function within REPORT_APART_S; that it was said outlives a restart."""
        found = first(self._known, seen.incidents, seen.at)
        said = {each.function for each in await self._kept.aheads(seen.at - REPORT_APART_S)} if found else ()
        for ahead in found:
            if ahead.function in said:
                continue
            await self._kept.note_ahead(ahead)
            self._world.journal.emit(
                CUSTOMERS_FIRST, function=ahead.function, people=ahead.people, first_at=ahead.first_at
            )
            self._to_look.add(ahead.function)
            self._untold.append(ahead)

    async def _tell_staff(self) -> None:
        """What is out of reach is tried again next turn, and keeps nothing else from being done."""
        while self._untold:
            try:
                await self._alarm(self._untold[0])
            except (Unavailable, Refused) as error:
                if not self._waits:
                    self._world.journal.emit(STAFF_NOT_TOLD, reason=error.text)
                self._waits = isinstance(error, Unavailable)
                if self._waits:
                    return
            self._waits = False
            del self._untold[0]


def reported(reports: Collection[CustomerReport], incidents: Incidents, now: float) -> list[r.AnyEntry]:
    """New counts, of each incident no more often than REPORTED_AGAIN_S but for the first."""
    due = {
        each.number: each
        for each in incidents
        if each.reported is None or now - each.reported.at >= REPORTED_AGAIN_S
    }
    if not due or not reports:
        return []
    known = Matching(incidents)
    counts: dict[int, Counter[str]] = {}
    first_at: dict[int, float] = {}
    for report in reports:
        number = known.of(report)
        if number in due:
            counts.setdefault(number, Counter())[report.function] += 1
            first_at[number] = min(first_at.get(number, report.at), report.at)
    found: list[r.AnyEntry] = []
    for number, incident in due.items():
        before = incident.reported
        if number not in counts or (before and sum(before.counts.values()) >= counts[number].total()):
            continue
        found.append(
            r.Reported(at=now, incident=number, counts=dict(counts[number]), first_at=first_at[number])
        )
    return found


def _current(seen: Seen) -> list[Incident]:
    """That reports may still be about."""
    late = seen.at - REPORT_LATE_S - 2 * REPORTED_AGAIN_S
    return [each for each in seen.incidents if not each.closed_at or each.closed_at >= late]


def _begins(incident: Incident) -> float:
    return incident.since - REPORT_EARLY_S
