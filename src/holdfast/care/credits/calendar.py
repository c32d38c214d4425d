"""Outages as the calendar of the customer's country has them: local days and months, DST and all."""

from __future__ import annotations

import calendar
import datetime
import zoneinfo
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

Date = datetime.date
DAY = datetime.timedelta(days=1)


class Span(NamedTuple):
    """From ``begin`` on and before ``end``: UTC seconds."""

    begin: float
    end: float


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time, each moment once: several mailboxes of one contract suffer one outage (CREDIT-2)."""
    found: list[Span] = []
    for span in sorted(span for span in spans if span.begin < span.end):
        if found and span.begin <= found[-1].end:
            found[-1] = Span(found[-1].begin, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def without(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """What of them is in none of the others. Both merged."""
    found: list[Span] = []
    for begin, end in spans:
        for other in others:
            if other.begin < end and begin < other.end:
                found.append(Span(begin, other.begin))
                begin = other.end
        found.append(Span(begin, end))
    return [span for span in found if span.begin < span.end]


def day_of(at: float, zone: zoneinfo.ZoneInfo) -> Date:
    return datetime.datetime.fromtimestamp(at, zone).date()


def midnight(day: Date, zone: zoneinfo.ZoneInfo) -> float:
    """When the day begins there. A day may have 23 or 25 hours."""
    return datetime.datetime.combine(day, datetime.time(), zone).timestamp()


def days(spans: Sequence[Span], zone: zoneinfo.ZoneInfo) -> list[Date]:
    """Each day of which the spans have any part, in order."""
    found: set[Date] = set()
    for begin, end in spans:
        day = day_of(begin, zone)
        while midnight(day, zone) < end:
            found.add(day)
            day += DAY
    return sorted(found)


def months(spans: Sequence[Span], zone: zoneinfo.ZoneInfo) -> Iterator[tuple[Span, float]]:
    """Each month that the spans touch, whole, with the seconds of it that they take."""
    for first in sorted({day.replace(day=1) for day in days(spans, zone)}):
        after = first + calendar.monthrange(first.year, first.month)[1] * DAY
        month = Span(midnight(first, zone), midnight(after, zone))
        yield month, sum(max(0.0, min(end, month.end) - max(begin, month.begin)) for begin, end in spans)
