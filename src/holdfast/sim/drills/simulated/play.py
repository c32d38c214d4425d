"""One drill on the simulated provider, from all is well to all is well again, and its score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Literal, NamedTuple

from holdfast.care.affected import scopes_so_far
from holdfast.care.notices.due import due as notice_due
from holdfast.model.findings import Finding, Signal
from holdfast.sim.drills import score
from holdfast.sim.drills.catalogue import Fault, fault
from holdfast.sim.drills.simulated import known, rows, trying, visits
from holdfast.sim.drills.simulated import provider as p
from holdfast.sim.drills.simulated.watchers import Errors, Watchers, sessions
from holdfast.sim.seed import stream
from holdfast.watch.changes import Change
from holdfast.watch.depends import DependencyMap
from holdfast.watch.incidents.incidents import Incident, Incidents

EPOCH = 1_345_000_000.0
WELL_S = 70.0  # before anything is done: every trial has been made
TICK_S = 0.5
AFTER_S = 10.0  # after the repair
ROLLING_S = 40.0  # a release: one process after another is started anew

Hampered = Literal["", "noise", "blind", "rolling"]
HAMPERED: Mapping[Hampered, Errors] = {
    "": Errors(),
    "noise": Errors(wrong=0.05),
    "blind": Errors(blind=("west",)),
    "rolling": Errors(),
}


class Played(NamedTuple):
    card: score.ScoreCard
    incidents: Incidents
    findings: list[Finding]


@cache
def provider_map() -> tuple[DependencyMap, Mapping[str, trying.Try]]:
    tries = trying.tries()
    return known.dependency_map([each.trial for each in tries.values()]), tries


def drill(id: str, seed: int, hampered: Hampered = "") -> Played:
    """Raises ``Refused`` for a fault that isn't in the catalogue."""
    return play(fault(id), rows.row(id.upper(), stream(seed, "row")), seed, hampered)


def play(of: Fault, row: rows.Row, seed: int, hampered: Hampered = "") -> Played:
    map, tries = provider_map()
    random = stream(seed, "play")
    injected = EPOCH + WELL_S + random.uniform(0.0, 10.0)
    rolling = _rolling() if hampered == "rolling" else []
    conditions = p.Conditions([*rolling, *row.faults])
    changes = list(_changes(rolling, injected))
    watchers = Watchers(map, tries, seed, HAMPERED[hampered], Incidents(), begin=EPOCH, changes=changes)
    repaired = injected + row.lasts_s
    told: Mapping[str, score.Told] | None = None
    noticed = 0.0
    met: list[Signal] = []
    now = EPOCH
    while now < repaired + AFTER_S:
        parts = conditions.at(now - injected)
        if parts:
            met += sessions(parts, random, now)
        watchers.look(now, parts, [each for each in met if each.at <= now])
        met = [each for each in met if each.at > now]
        if not noticed and any(notice_due(each, (), now) for each in watchers.incidents.open()):
            noticed = now
        if now < repaired:
            told = _told(watchers.incidents) or told
        now += TICK_S
    listed = of.hits in ("cells", "everybody")
    hit = whom(row) if listed else None
    truth = score.Truth(injected, repaired, row.causes, hit, hurts_at=injected + hurts_after_s(row))
    seen = score.Observed(
        watchers.incidents,
        now,
        findings=watchers.findings,
        reports=watchers.reports,
        told=told,
        noticed_at=noticed or None,
    )
    card = score.score(of, truth, seen, where="simulated", seed=seed, notes=(hampered,) if hampered else ())
    return Played(card, watchers.incidents, watchers.findings)


def _rolling() -> list[p.Fault]:
    """Well before the fault and after it, one after another. Which of a tick's visits meet one that is being
    started anew is by lot, as that takes so much less than a tick."""
    processes = [each for each in known.components() if each.startswith("process/")]
    anew = p.Condition("anew", visits.ANEW_S / TICK_S)
    every_s = ROLLING_S / len(processes)
    begins = (-ROLLING_S / 2 + place * every_s for place in range(len(processes)))
    return [p.Fault(each, anew, at, at + TICK_S) for each, at in zip(processes, begins)]


def _changes(rolling: Sequence[p.Fault], injected: float) -> Iterator[Change]:
    """What is told of it: the release, and the start of each process."""
    if rolling:
        yield Change(injected + rolling[0].begins, "release", "", "r43")
    for each in rolling:
        yield Change(injected + each.begins + visits.ANEW_S, "start", each.part)


def _told(incidents: Incidents) -> dict[str, score.Told]:
    """Whom all that is open is said to hit: one account stands for each cell."""
    found: dict[str, score.Told] = {}
    for incident in incidents.open():
        found |= _of(incident)
    return found


def _of(incident: Incident) -> dict[str, score.Told]:
    return {
        function: score.Told(
            frozenset(map(p.cell, range(p.CELLS) if scope.cells is None else sorted(scope.cells))),
            "bounded" if scope.part else "exact",
        )
        for function, scope in scopes_so_far(incident).items()
    }


def whom(row: rows.Row) -> dict[str, frozenset[str]]:
    """Who is hit at any time while it lasts: by function, a name for each cell's accounts."""
    conditions = p.Conditions(row.faults)
    changes = {time for each in row.faults for time in (each.begins, each.ends)}
    moments = sorted({min(time, row.lasts_s) for time in changes} - {0.0})
    found = [_hit(conditions.at(time - 1.0)) for time in moments]
    return {function: frozenset().union(*(each[function] for each in found)) for function in visits.USES}


def hurts_after_s(row: rows.Row) -> float:
    """So long after the first fault a customer is served worse for the first time; 0 where that is at once,
    or never."""
    begins_at = sorted({each.begins for each in row.faults})
    if len(begins_at) == 1:
        return 0.0
    conditions, random = p.Conditions(row.faults), stream(1, "hurts")

    def hurts(parts: Mapping[str, p.Now], way: visits.Way, number: int) -> bool:
        visit = visits.Visit(parts, random)
        return bool(visits.walk(way, visit, number).stopped or visit.slow)

    ways = [way for those in visits.USES.values() for way in those]
    for begins in begins_at:
        parts = conditions.at(begins)
        if any(hurts(parts, way, n) for way in ways for n in range(p.CELLS) for _ in range(_OFTEN)):
            return begins
    return 0.0


def _hit(parts: Mapping[str, p.Now]) -> dict[str, frozenset[str]]:
    """Whose accounts are refused or made to wait, by trying each of them often enough: what is only slower or
    limited hits nobody."""
    random = stream(1, "hit")

    def fails(way: visits.Way, number: int) -> bool:
        visit = visits.Visit(parts, random)
        return bool(visits.walk(way, visit, number).stopped or visit.waits)

    def hit(function: str, number: int) -> bool:
        return any(fails(way, number) for way in visits.USES[function] for _ in range(_OFTEN))

    return {
        function: frozenset(p.cell(number) for number in range(p.CELLS) if hit(function, number))
        for function in visits.USES
    }


_OFTEN = 40  # a part that refuses three in ten is met for certain
