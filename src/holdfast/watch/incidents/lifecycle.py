"""What is to be written next: a function of what trials show, the diagnosis, the clock and what stands.

INC-5 an incident is opened when a trial of a function fails twice in a row, oftener where trials often err,
or once and a real session met the same, or what it uses fails as often by its own check, or a cause is told
that explains it, or when real sessions blame what has begun to fail by its own check; it is closed when all
trials of all its functions have worked for a minute. What isn't known neither opens nor closes one.
INC-6 a function is in one open incident at most: what has the same cause is one, what has another is another.
INC-7 an open incident has a next update promised, half an hour ahead at most; what was promised and isn't
there when it is due is written down as missed.

``due`` says what comes first; who has written it asks again, until nothing is due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple

import msgspec

from holdfast.model.errors import ComponentId
from holdfast.model.findings import State
from holdfast.model.functions import FUNCTIONS
from holdfast.model.limits import (
    INCIDENT_FOUND_S,
    INCIDENT_PLACES,
    INCIDENT_QUIET_S,
    INCIDENT_REOPEN_S,
    INCIDENT_TOGETHER_S,
    INCIDENT_TRIALS,
    RATIO_S,
)
from holdfast.watch.diagnosis.report import NamedCause, Report
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incident, Incidents
from holdfast.watch.incidents.promises import promises_due
from holdfast.watch.incidents.window import Standing, Window
from holdfast.watch.ratios import Used

_WORSE: dict[State, int] = {"works": 0, "unknown": 1, "degraded": 2, "fails": 3}


class Seen(NamedTuple):
    """All that is looked at. ``report``: the diagnosis of now, None where nothing is at fault. ``uses``: how
    real use goes."""

    window: Window
    report: Report | None
    incidents: Incidents
    now: float
    uses: tuple[Used, ...] = ()


def due(seen: Seen) -> list[r.AnyEntry]:
    """The next entries to write, [] when all is said."""
    for look in _LOOKS:
        if found := list(look(seen)):
            return found
    return []


# Beginnings


def _parted(seen: Seen) -> Iterator[r.AnyEntry]:
    """Functions that were taken for one incident, and turn out to have causes of their own."""
    number = seen.incidents.next_number
    for incident in seen.incidents.open():
        groups = _groups(seen.report, incident.active)
        if len(groups) < 2:
            continue
        groups.sort(key=lambda group: min(incident.spans[each][-1].since for each in group[1]))
        for roots, functions in groups[1:]:
            since = {each: incident.spans[each][-1].since for each in functions}
            other = next((each for each in _sharing(seen, roots) if each is not incident), None)
            to = number if other is None else other.number
            if other is None:
                number += 1
                yield r.Opened(at=seen.now, incident=to, since=since)
            else:
                yield r.Joined(at=seen.now, incident=to, since=since)
            yield r.Parted(at=seen.now, incident=incident.number, functions=functions, to=to)
        return


def _begun(seen: Seen) -> Iterator[r.AnyEntry]:
    """Functions that fail for certain and are in no open incident."""
    covered = {each for incident in seen.incidents.open() for each in incident.active}
    failing = {
        function: standings
        for function in FUNCTIONS
        if function not in covered
        and (standings := seen.window.confirmed(function, seen.now) or _meant(seen, function))
    }
    groups = _groups(seen.report, tuple(failing))
    explained = {each for _, functions in groups for each in functions}
    if rest := tuple(each for each in failing if each not in explained):
        groups.append((frozenset(), rest))
    number = seen.incidents.next_number
    for roots, functions in groups:
        since = {each: failing[each][0].bad_since for each in functions}
        trials = tuple(dict.fromkeys(s.last.trial for each in functions for s in failing[each]))
        said = {"at": seen.now, "since": since, "trials": trials[:INCIDENT_TRIALS]}
        if (same := _joinable(seen, roots)) is not None:
            yield r.Joined(incident=same.number, **said)  # type: ignore[arg-type]
        elif (ended := _ended(seen, roots, functions)) is not None:
            yield r.Reopened(incident=ended.number, **said)  # type: ignore[arg-type]
        else:
            yield r.Opened(incident=number, **said)  # type: ignore[arg-type]
            number += 1


def _meant(seen: Seen, function: str) -> list[Standing]:
    """Of its trials that fail those that do so where a cause that is told hits it."""
    causes = seen.report.causes if seen.report is not None else ()
    steps = {step for cause in causes for step in cause.hits.get(function, ())}
    return [each for each in seen.window.failing(function, seen.now) if each.last.step in steps]


def _joinable(seen: Seen, roots: frozenset[ComponentId]) -> Incident | None:
    """By the same cause; while nothing is known of the cause, what began at about the same time."""
    if roots:
        return next(_sharing(seen, roots), None)
    recent = [
        each for each in seen.incidents.open() if seen.now - each.spans_changed_at <= INCIDENT_TOGETHER_S
    ]
    return recent[-1] if recent else None


def _sharing(seen: Seen, roots: frozenset[ComponentId]) -> Iterator[Incident]:
    """Open ones by that cause, as they were diagnosed or as the diagnosis of now has it."""
    for each in seen.incidents.open():
        known = each.opinion.report.components if each.opinion is not None else frozenset()
        if roots & known.union(*(_roots(seen.report, function) for function in each.active)):
            yield each


def _ended(seen: Seen, roots: frozenset[ComponentId], functions: tuple[str, ...]) -> Incident | None:
    """The newest that ended a moment ago, had one of those functions, and no other cause."""
    found = None
    for each in seen.incidents:
        causes = each.opinion.report.components if each.opinion is not None else frozenset()
        if (
            each.closed_at
            and seen.now - each.closed_at <= INCIDENT_REOPEN_S
            and set(functions) <= set(each.functions)
            and (not roots or not causes or roots & causes)
        ):
            found = each
    return found


def _groups(
    report: Report | None, functions: tuple[str, ...]
) -> list[tuple[frozenset[ComponentId], tuple[str, ...]]]:
    """Functions that fail by the same cause together, with what is at the root of it; without those that
    no named cause explains."""
    groups: list[tuple[frozenset[ComponentId], tuple[str, ...]]] = []
    for function in functions:
        roots = _roots(report, function)
        if not roots:
            continue
        mine: tuple[str, ...] = (function,)
        apart = []
        for others, theirs in groups:
            if others & roots:
                roots, mine = roots | others, (*theirs, *mine)
            else:
                apart.append((others, theirs))
        groups = [*apart, (roots, mine)]
    return groups


def _roots(report: Report | None, function: str) -> frozenset[ComponentId]:
    """What was at fault first, of the causes by which it fails."""
    if report is None:
        return frozenset()
    causes = {cause.component: cause for cause in report.causes}
    return frozenset(_chain(causes, each)[-1] for each in causes if function in causes[each].functions)


def _chain(causes: dict[ComponentId, NamedCause], component: ComponentId) -> list[ComponentId]:
    """From it back to what brought it about."""
    way = [component]
    while (before := causes[way[-1]].after) in causes and before not in way:
        way.append(before)
    return way


# What is at fault


def _diagnosed(seen: Seen) -> Iterator[r.AnyEntry]:
    if seen.report is None:
        return
    for incident in seen.incidents.open():
        if not any(seen.window.failing(each, seen.now) for each in incident.active):
            continue
        report = _concerning(seen.report, incident.active)
        if report is None or not _is_news(incident, report, seen.now):
            continue
        yield r.Diagnosed(
            at=seen.now, incident=incident.number, report=report, before=_before(seen, incident, report)
        )


def _concerning(report: Report, functions: tuple[str, ...]) -> Report | None:
    """What of it explains these functions, with the chain that led there; None where none of it does."""
    if report.verdict != "named":
        return report
    causes = {cause.component: cause for cause in report.causes}
    kept = {
        link
        for cause in report.causes
        if set(cause.functions) & set(functions)
        for link in _chain(causes, cause.component)
    }
    if not kept:
        return None
    if kept == causes.keys():
        return report
    return msgspec.structs.replace(
        report,
        causes=tuple(cause for cause in report.causes if cause.component in kept),
        explained=tuple(each for each in report.explained if each.function in ("", *functions)),
        runners_up=(),
    )


def _is_news(incident: Incident, report: Report, now: float) -> bool:
    """Another verdict or another cause; and what stands isn't shaken by a doubt about something else."""
    last = incident.opinion
    if last is None:
        return True
    stands = last.report
    if _gist(stands) == _gist(report):
        return False
    if report.verdict == "undecided" and stands.components:
        likely = [set(each.components) for each in report.runners_up]
        if likely and all(stands.components <= each for each in likely):
            return False
    decides = report.verdict == "named" and stands.verdict != "named"
    return decides or now - last.at >= INCIDENT_FOUND_S


def _gist(report: Report) -> tuple[object, ...]:
    rivals = frozenset(each.components for each in report.runners_up)
    return (
        report.verdict,
        report.components,
        rivals if report.verdict == "undecided" else None,
        report.deciding,
    )


_Before = Literal["", "mended", "corrected", "extended", "withdrawn"]


def _before(seen: Seen, incident: Incident, report: Report) -> _Before:
    """What becomes of the diagnosis that stood: was it mended, or was it wrong?"""
    stands = incident.opinion.report if incident.opinion is not None else None
    if stands is None or stands.verdict == "undecided":
        return ""
    if stands.components and stands.components < report.components:
        return "extended"
    over = [seen.window.over(each.trial, each.step, seen.now) for each in stands.explained]
    if over and sum(over) * 2 > len(over):
        return "mended"
    return "corrected" if report.verdict == "named" else "withdrawn"


# How it is, and what it is like


def _found(seen: Seen) -> Iterator[r.AnyEntry]:
    """INC-4: what became worse is written at once; what changed otherwise, at most every few seconds."""
    for incident in seen.incidents.open():
        states = {each: seen.window.function(each, seen.now) for each in incident.active}
        failing = [s for each in incident.active for s in seen.window.failing(each, seen.now)]
        worse = any(_WORSE[states[each]] > _WORSE[incident.states.get(each, "works")] for each in states)
        news = states != incident.states or _places(failing) != {
            (each.trial, each.vantage, each.step) for each in incident.failing
        }
        if worse or (news and seen.now - incident.found_at >= INCIDENT_FOUND_S):
            yield r.Found(
                at=seen.now,
                incident=incident.number,
                states=states,
                failing=tuple(_failing(each) for each in failing[:INCIDENT_TRIALS]),
                count=len(failing),
            )


def _places(failing: Iterable[Standing]) -> set[tuple[str, str, str]]:
    found = [(each.last.trial, each.last.vantage, each.last.step) for each in failing]
    return set(found[:INCIDENT_TRIALS])


def _failing(standing: Standing) -> r.Failing:
    last = standing.last
    return r.Failing(
        trial=last.trial,
        function=last.function,
        state=last.state,
        step=last.step,
        said=last.said,
        since=standing.bad_since,
        cell=last.cell,
        vantage=last.vantage,
    )


def _linked(seen: Seen) -> Iterator[r.AnyEntry]:
    """Once it stands what fails and why: earlier ones like it, and another one of now by the same cause."""
    for incident in seen.incidents:
        ended = incident.closed_at and seen.now - incident.closed_at <= INCIDENT_REOPEN_S
        opinion = incident.opinion
        if opinion is None or (incident.closed_at and not ended):
            continue
        if not ended and seen.now - max(incident.spans_changed_at, opinion.at) < INCIDENT_FOUND_S:
            continue
        for earlier in seen.incidents.alike(incident):
            if earlier.number not in incident.links:
                yield r.Linked(
                    at=seen.now, incident=incident.number, earlier=earlier.number, why="fingerprint"
                )
        for other in seen.incidents.open():
            same = other.opinion is not None and other.opinion.report.components & opinion.report.components
            if same and other.number < incident.number and other.number not in incident.links:
                yield r.Linked(at=seen.now, incident=incident.number, earlier=other.number, why="cause")


def _singled(seen: Seen) -> Iterator[r.AnyEntry]:
    """Where nearly all is missed, once for each place (RATIO-3)."""
    for incident in seen.incidents.open():
        for use in seen.uses:
            if use.function not in incident.active or not _misses_by_this_alone(seen, use.function):
                continue
            for place in use.apart:
                known = incident.has_singled(use.function, place.by, place.where)
                if place.nearly_all and not known and len(incident.singled) < INCIDENT_PLACES:
                    yield r.Singled(
                        at=seen.now,
                        incident=incident.number,
                        function=use.function,
                        by=place.by,
                        where=place.where,
                        missed=place.missed,
                        of=use.missed,
                    )
                    return


def _misses_by_this_alone(seen: Seen, function: str) -> bool:
    """What is missed is counted over some minutes: nothing else may have kept people from it since."""
    ends = [span.until for each in seen.incidents for span in each.spans.get(function, ())]
    return all(not until or seen.now - until > RATIO_S for until in ends)


def _promised(seen: Seen) -> Iterator[r.AnyEntry]:
    for incident in seen.incidents:
        yield from promises_due(incident, seen.now)


# Ends


def _closed(seen: Seen) -> Iterator[r.AnyEntry]:
    for incident in seen.incidents.open():
        until: r.Moments = {}
        for function in incident.active:
            worked = seen.window.worked(function, seen.now)
            if worked is None or any(each.at - each.since < INCIDENT_QUIET_S for each in worked):
                break
            until[function] = max(incident.spans[function][-1].since, *(each.since for each in worked))
        else:
            yield r.Closed(at=seen.now, incident=incident.number, until=until)


_LOOKS: tuple[Callable[[Seen], Iterator[r.AnyEntry]], ...] = (
    _parted,
    _begun,
    _diagnosed,
    _found,
    _linked,
    _singled,
    _closed,
    _promised,
)
