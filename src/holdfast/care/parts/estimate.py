"""Says when each open incident will be over, or why that can't be said yet; says so anew when that has passed
or turned out otherwise. How the repair gets on is kept beside what earlier ones took, for later ones."""

from __future__ import annotations

import contextlib
import os.path
from collections.abc import Awaitable, Callable, Iterator, Sequence

import msgspec

from holdfast.care.estimate import MARKS, Estimate, NotYet, Progress, Repair, estimate
from holdfast.care.turns import Seen
from holdfast.model.limits import ESTIMATE_AGAIN_S, ESTIMATE_FIRST_S, ESTIMATE_PAUSE_S, REPAIRS_KEPT
from holdfast.watch.incidents.incidents import Incident, Incidents
from holdfast.watch.incidents.record import AnyEntry, Estimated
from holdfast.world import World

Measure = Callable[[Incident], Awaitable[Progress | None]]  # how far its repair is; None: nothing tells
_Kept = dict[int, list[Progress]]  # by incident
_MOVED = 0.25  # of what is left: an interval that moved by less says the same


class EstimatePart:
    """``path``: of what is kept."""

    name = "estimate"
    every_s = 10.0

    def __init__(self, world: World, path: str, measure: Measure) -> None:
        self._world = world
        self._path = path
        self._measure = measure
        self._progress: _Kept | None = None

    async def turn(self, seen: Seen) -> list[AnyEntry]:
        if self._progress is None:
            self._progress = await self._world.offload(self._read)
        await self._look(self._progress, seen.incidents.open())
        past = list(_past(seen.incidents, self._progress))
        found: list[AnyEntry] = []
        for incident in seen.incidents.open():
            last = incident.estimates[max(incident.estimates)] if incident.estimates else None
            if not _is_due(incident, last, seen.at):
                continue
            progress = self._progress.get(incident.number, [])
            made = estimate(incident.fingerprint, incident.since, seen.at, progress, past)
            if last is None or _is_news(last, made, seen.at):
                found.append(_entry(incident, made))
        return found

    async def _look(self, progress: _Kept, incidents: Sequence[Incident]) -> None:
        news = False
        for incident in incidents:
            sample = await self._measure(incident)
            known = progress.get(incident.number, [])
            if sample is not None and sample.total and (not known or _mark(sample) != _mark(known[-1])):
                progress[incident.number] = [*known, sample]
                news = True
        if news:
            await self._world.offload(self._write, progress)

    def _read(self) -> _Kept:
        with contextlib.suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode(self._world.disk.read(self._path), type=_Kept)
        return {}

    def _write(self, progress: _Kept) -> None:
        for number in sorted(progress)[:-REPAIRS_KEPT]:
            del progress[number]
        self._world.disk.make_folder(os.path.dirname(self._path))
        self._world.disk.write_atomic(self._path, msgspec.json.encode(progress))


def _past(incidents: Incidents, progress: _Kept) -> Iterator[Repair]:
    for each in incidents:
        if each.closed_at and each.spans:
            yield Repair(each.fingerprint, each.since, each.ended_at, tuple(progress.get(each.number, ())))


def _mark(at: Progress) -> float:
    """What is kept: the first look past each twentieth, and past each mark that repairs are compared at."""
    share = at.done / at.total
    return max(share // 0.05 * 0.05, *(mark for mark in MARKS if mark <= share))


def _is_due(incident: Incident, last: Estimated | None, now: float) -> bool:
    """At first when something is known of the cause; anew when that changed, what was said has passed, or
    after a while."""
    if last is None:
        return incident.opinion is not None or now - incident.opened_at >= ESTIMATE_FIRST_S
    if last.high and now > last.high:
        return True
    changed = any(last.at < each.at for each in incident.opinions)
    return now - last.at >= (ESTIMATE_PAUSE_S if changed else ESTIMATE_AGAIN_S)


def _is_news(last: Estimated, made: Estimate | NotYet, now: float) -> bool:
    if isinstance(made, NotYet):
        return bool(last.high) or (last.reason, last.known) != (made.reason, made.known)
    moved = max(abs(made.low - last.low), abs(made.high - last.high))
    return not last.high or moved > _MOVED * max(made.high - now, 1.0)


def _entry(incident: Incident, made: Estimate | NotYet) -> Estimated:
    number = max(incident.estimates, default=0) + 1
    if isinstance(made, NotYet):
        return Estimated(
            at=made.made_at,
            incident=incident.number,
            estimate=number,
            reason=made.reason,
            known=made.known,
            needed=made.needed,
        )
    return Estimated(
        at=made.made_at,
        incident=incident.number,
        estimate=number,
        low=made.low,
        likely=made.likely,
        high=made.high,
        basis=made.basis,
        among=made.among,
    )
