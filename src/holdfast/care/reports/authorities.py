"""Which reports to authorities are due, and until when. Nothing is ever handed in by itself.

AUTHORITIES-1 whether one is due is by the provider's thresholds; whom it hit and isn't counted is no reason
not to report: then people decide.
AUTHORITIES-2 a law says nothing of incidents from before it held.
"""

from __future__ import annotations

import calendar
import datetime
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from holdfast.watch.incidents.incidents import Incident, Span

_FILE = Path(__file__).with_name("authorities.toml")
_MINUTE_S, _HOUR_S = 60.0, 3600.0
_READING = ("imap", "webmail")  # while one of them works, mail can be read


class Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One report. ``after``: the one whose handing in its time begins with; '' for when we knew of it."""

    name: str
    clause: str
    fields: tuple[str, ...]
    hours: int = 0
    months: int = 0
    after: str = ""


class Law(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``since``, ``until``: the first and the last day of incidents that it is about."""

    source: str
    link: str
    since: datetime.date
    when: Literal["significant", "unavailable"]
    report: tuple[Form, ...]
    until: datetime.date = datetime.date.max


class Thresholds(NamedTuple):
    """``laws``: those that the provider is under. ``whole_minutes``: of a function that fails for all;
    ``part_minutes``: for more than ``part_share`` of mailboxes, or more than ``part_mailboxes``.
    ``data_hours``: while nobody can read his mail."""

    laws: tuple[str, ...] = ("nis2", "gdpr")
    whole_minutes: float = 30
    part_minutes: float = 60
    part_share: float = 0.05
    part_mailboxes: int = 1_000_000
    data_hours: float = 24


class Ground(NamedTuple):
    """Why: ``whole``, ``part``, ``uncounted``, ``data``. ``seconds``: for how long."""

    why: str
    function: str
    seconds: float


class Duty(NamedTuple):
    """``report``: ``nis2.early`` …; ``state``: ``decide`` where people have to, as it isn't counted."""

    report: str
    incident: int
    due_at: float
    state: Literal["due", "overdue", "decide", "filed"]
    grounds: tuple[Ground, ...]

    @property
    def form(self) -> Form:
        law, _, name = self.report.partition(".")
        return next(each for each in laws()[law].report if each.name == name)

    @property
    def law(self) -> Law:
        return laws()[self.report.partition(".")[0]]


@cache
def laws() -> Mapping[str, Law]:
    return msgspec.convert(tomllib.loads(_FILE.read_text(encoding="utf-8")), dict[str, Law])


def duties(incidents: Iterable[Incident], limits: Thresholds, zone: ZoneInfo, now: float) -> list[Duty]:
    """The soonest first, what has been handed in last."""
    found = [each for incident in incidents for each in _of(incident, limits, zone, now)]
    return sorted(found, key=lambda each: (each.state == "filed", each.due_at, each.incident, each.report))


def _of(incident: Incident, limits: Thresholds, zone: ZoneInfo, now: float) -> Iterator[Duty]:
    day = datetime.datetime.fromtimestamp(incident.opened_at, zone).date()
    for name, law in laws().items():
        if name not in limits.laws or not law.since <= day <= law.until:
            continue
        grounds = tuple((_significant if law.when == "significant" else _unavailable)(incident, limits, now))
        if not grounds:
            continue
        due_at: dict[str, float] = {}
        for form in law.report:
            report = f"{name}.{form.name}"
            begins = due_at[form.after] if form.after else incident.opened_at
            if (before := incident.filed.get(f"{name}.{form.after}")) is not None:
                begins = before.at
            at = due_at[form.name] = _later(begins, form, zone)
            yield Duty(report, incident.number, at, _state(incident, report, at, grounds, now), grounds)


def _state(
    incident: Incident, report: str, due_at: float, grounds: Sequence[Ground], now: float
) -> Literal["due", "overdue", "decide", "filed"]:
    if report in incident.filed:
        return "filed"
    if all(each.why == "uncounted" for each in grounds):
        return "decide"
    return "due" if now <= due_at else "overdue"


def _later(begins: float, form: Form, zone: ZoneInfo) -> float:
    """Hours on the clock; months by the calendar, to their last day where they are shorter."""
    at = datetime.datetime.fromtimestamp(begins + form.hours * _HOUR_S, zone)
    years, month = divmod(at.month - 1 + form.months, 12)
    year = at.year + years
    day = min(at.day, calendar.monthrange(year, month + 1)[1])
    return at.replace(year=year, month=month + 1, day=day).timestamp() if form.months else at.timestamp()


def _significant(incident: Incident, limits: Thresholds, now: float) -> Iterator[Ground]:
    for function in incident.functions:
        seconds = max((each.until or now) - each.since for each in incident.spans[function])
        hits = incident.affected.counts.get(function, ()) if incident.affected else ()
        mailboxes = next((each for each in hits if each.what == "mailboxes"), None)
        if mailboxes is None:
            if seconds > min(limits.whole_minutes, limits.part_minutes) * _MINUTE_S:
                yield Ground("uncounted", function, seconds)
        elif (
            mailboxes.count and mailboxes.count >= mailboxes.of and seconds > limits.whole_minutes * _MINUTE_S
        ):
            yield Ground("whole", function, seconds)
        elif seconds > limits.part_minutes * _MINUTE_S and (
            mailboxes.count > limits.part_share * mailboxes.of or mailboxes.count > limits.part_mailboxes
        ):
            yield Ground("part", function, seconds)


def _unavailable(incident: Incident, limits: Thresholds, now: float) -> Iterator[Ground]:
    """While no way of reading works."""
    first, *others = (incident.spans.get(each, []) for each in _READING)
    longest = 0.0
    for span in first:
        overlap = [(span.since, span.until or now)]
        for spans in others:
            overlap = [each for begins, ends in overlap for each in _common(begins, ends, spans, now)]
        longest = max([longest, *(ends - begins for begins, ends in overlap)])
    if longest > limits.data_hours * _HOUR_S:
        yield Ground("data", _READING[0], longest)


def _common(begins: float, ends: float, spans: Iterable[Span], now: float) -> Iterator[tuple[float, float]]:
    for each in spans:
        since, until = max(begins, each.since), min(ends, each.until or now)
        if since < until:
            yield since, until
