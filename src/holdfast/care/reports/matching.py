"""The part `reports`: what customers reported is counted with the incident that it is of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from holdfast.care.reports.clustering import Matching, meant
from holdfast.care.reports.kept import CustomerReport, KeptReports
from holdfast.care.turns import Seen
from holdfast.model.limits import REPORT_EARLY_S, REPORT_LATE_S, REPORTED_AGAIN_S
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incident, Incidents
from holdfast.world import World

_FORGET_EVERY_S = 3600.0


class ReportsPart:
    name = "reports"
    every_s = 5.0

    def __init__(self, world: World, kept: KeptReports) -> None:
        self._world = world
        self._kept = kept
        self._known: list[CustomerReport] = []  # that may still matter, without what was seen
        self._last = 0
        self._forget_at = 0.0

    async def turn(self, seen: Seen) -> list[r.AnyEntry]:
        if seen.at >= self._forget_at:
            await self._kept.forget(seen.at)
            self._forget_at = seen.at + _FORGET_EVERY_S
        current = _current(seen)
        if not current:
            self._known, self._last = [], 0
            return []
        since = min(each.since for each in current) - REPORT_EARLY_S
        for report in await self._kept.since(since, after=self._last):
            self._last = report.number
            self._known.append(report._replace(function=meant(report), seen=""))
        return await self._world.offload(lambda: reported(self._known, seen.incidents, seen.at))


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
    """That reports may still be about, or have not been counted with."""
    late = seen.at - REPORT_LATE_S - 2 * REPORTED_AGAIN_S
    return [each for each in seen.incidents if not each.closed_at or each.closed_at >= late]
