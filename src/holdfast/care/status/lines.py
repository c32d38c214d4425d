"""One line for each function: how it is now, since when, and how it was on each of the last days.

STATUS-1 what is not known is never shown as working: no trial, an old one, one that could not be made.
STATUS-2 a function whose newest trial failed is not shown as working, whatever else is put in.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from holdfast.model.findings import Finding, State, alike
from holdfast.model.functions import FUNCTIONS
from holdfast.model.limits import FINDING_FRESH_S, STATUS_HISTORY_DAYS
from holdfast.watch.incidents.incidents import Incident, Incidents, Span

_WORSE: dict[State, int] = {"works": 0, "unknown": 1, "degraded": 2, "fails": 3}
DayState = Literal["works", "degraded", "fails", "unknown"]


class Day(NamedTuple):
    """``begins``, ``ends``: UTC seconds, 23 to 25 hours apart; ``out_s``: how long it failed."""

    begins: float
    ends: float
    state: DayState
    out_s: float


class Line(NamedTuple):
    """``since``: when it came to be so, 0 where that isn't known; ``tried_at``: the newest trial, 0 for none.

    ``incident``: the open one that it is part of, 0 for none.
    """

    function: str
    state: State
    since: float
    tried_at: float
    incident: int
    days: tuple[Day, ...]


Watched = Mapping[str, Sequence[Span]]  # function → when it was known how it is


def lines(
    findings: Iterable[Finding], incidents: Incidents, watched: Watched, now: float, zone: ZoneInfo
) -> list[Line]:
    """``watched``: days that aren't in there are unknown."""
    of: dict[str, list[Finding]] = {each: [] for each in FUNCTIONS}
    for finding in findings:
        if finding.function in of:
            of[finding.function].append(finding)
    days = _days(now, zone)
    return [
        _line(function, newest(found), incidents, watched.get(function, ()), days, now)
        for function, found in of.items()
    ]


def watched_further(watched: Watched, known: Iterable[Line], now: float) -> dict[str, list[Span]]:
    """With this look: what is known of a function now holds since the look before, unless that is too long
    ago (STATUS-1). What is older than the history is dropped."""
    found: dict[str, list[Span]] = {}
    for line in known:
        spans = [each for each in watched.get(line.function, ()) if each.until > line.days[0].begins]
        if line.state != "unknown":
            if spans and 0 <= now - spans[-1].until <= FINDING_FRESH_S:
                spans[-1] = Span(spans[-1].since, now)
            else:
                spans.append(Span(now, now))
        found[line.function] = spans
    return found


def newest(findings: Iterable[Finding]) -> list[Finding]:
    """Of each trial the last; of two at one time the worse."""
    found: dict[tuple[str, int | None, str], Finding] = {}
    for each in findings:
        key = each.trial, each.cell, each.vantage
        other = found.get(key)
        if other is None or (other.at, _WORSE[other.state]) < (each.at, _WORSE[each.state]):
            found[key] = each
    return list(found.values())


def state_of(found: Sequence[Finding], now: float) -> State:
    """Of the newest trials of one function, all together."""
    tried: dict[tuple[str, int | None, str], set[State]] = {}
    for each in found:
        what = alike(each.trial)
        place = each.vantage if what == each.trial else ""
        tried.setdefault((what, each.cell, place), set()).add(_now(each, now))
    # what several vantage points try alike is unknown only where none of them can tell (VANTAGE-3)
    states = set().union(*(those - {"unknown"} or those for those in tried.values())) or {"unknown"}
    if "fails" in states:
        return "degraded" if states & {"works", "degraded"} else "fails"
    if "degraded" in states:
        return "degraded"
    return "unknown" if "unknown" in states else "works"


def _now(finding: Finding, now: float) -> State:
    """A failure stays one until a trial goes well; all else has to be fresh, and of a clock that is right."""
    if finding.state in ("fails", "degraded") or abs(now - finding.at) <= FINDING_FRESH_S:
        return finding.state
    return "unknown"


def _line(
    function: str,
    found: Sequence[Finding],
    incidents: Incidents,
    watched: Sequence[Span],
    days: Sequence[tuple[float, float]],
    now: float,
) -> Line:
    state = state_of(found, now)
    part_of = next((each for each in incidents.open() if _fails(each, function)), None)
    if part_of is not None and state == "works":
        state = "degraded"  # until the incident is closed, it may not hold
    spans = [span for each in incidents for span in each.spans.get(function, [])]
    shown = [_day(begins, ends, spans, watched, now) for begins, ends in days]
    if state != "works" and shown[-1].state == "works":
        shown[-1] = shown[-1]._replace(state=state)
    tried_at = max((each.at for each in found), default=0.0)
    number = part_of.number if part_of is not None else 0
    return Line(
        function, state, _since(state, part_of, function, found, spans), tried_at, number, tuple(shown)
    )


def _fails(incident: Incident, function: str) -> bool:
    spans = incident.spans.get(function, [])
    return bool(spans) and not spans[-1].until


def _since(
    state: State, part_of: Incident | None, function: str, found: Sequence[Finding], spans: Sequence[Span]
) -> float:
    if part_of is not None:
        return part_of.spans[function][-1].since
    if state == "works":
        return max((span.until for span in spans), default=0.0)
    return min((each.at for each in found if each.state == state), default=0.0)


def _days(now: float, zone: ZoneInfo) -> list[tuple[float, float]]:
    """The last ones of the calendar there, today at the end."""
    today = datetime.datetime.fromtimestamp(now, zone).date()

    def midnight(day: datetime.date) -> float:
        return datetime.datetime.combine(day, datetime.time(), zone).timestamp()

    dates = [today - datetime.timedelta(days=back) for back in range(STATUS_HISTORY_DAYS - 1, -1, -1)]
    return [(midnight(day), midnight(day + datetime.timedelta(days=1))) for day in dates]


def _day(begins: float, ends: float, spans: Sequence[Span], watched: Sequence[Span], now: float) -> Day:
    """Failed, if it did; worked, if it was looked at all the time but for what a missed look takes."""
    past = min(ends, now)
    out_s = _overlap(spans, begins, past)
    if out_s > 0:
        return Day(begins, ends, "fails", out_s)
    blind_s = (past - begins) - _overlap(watched, begins, past)
    return Day(begins, ends, "unknown" if blind_s > FINDING_FRESH_S else "works", 0.0)


def _overlap(spans: Iterable[Span], begins: float, ends: float) -> float:
    """Seconds of them in between, those of several counted once; ``until`` 0 hasn't ended."""
    total, reached = 0.0, begins
    for since, until in sorted((each.since, each.until or ends) for each in spans):
        since, until = max(since, reached), min(until, ends)
        if until > since:
            total, reached = total + until - since, until
    return total
