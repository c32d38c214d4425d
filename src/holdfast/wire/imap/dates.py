"""INTERNALDATE and SEARCH's dates. RFC 3501 §9 date-time, date."""

from __future__ import annotations

import datetime
import re
from functools import lru_cache

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_NUMBERS = {name.encode().upper(): number for number, name in enumerate(_MONTHS, 1)}
_EPOCH = datetime.date(1970, 1, 1).toordinal()
_LAST_DAY = datetime.date.max.toordinal() - _EPOCH
_FIRST_DAY = datetime.date.min.toordinal() - _EPOCH
_DATE_TIME = re.compile(
    rb"([ \d]\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\Z",
)
_DATE = re.compile(rb"(\d{1,2})-([A-Za-z]{3})-(\d{4})\Z")


class BadDate(ValueError):
    """Not a date as RFC 3501 §9 has it, or one that isn't in the calendar."""


@lru_cache(maxsize=4096)
def _day(day: int, zone: str) -> tuple[bytes, bytes]:
    date = datetime.date.fromordinal(min(max(day, _FIRST_DAY), _LAST_DAY) + _EPOCH)
    return f'"{date.day:2d}-{_MONTHS[date.month - 1]}-{date.year:04d} '.encode(), f' {zone}"'.encode()


def internaldate(seconds: float, zone_minutes: int = 0) -> bytes:
    """UTC seconds as ``" 7-Feb-1994 21:52:25 -0800"``, quotes included."""
    day, second = divmod(int(seconds) + zone_minutes * 60, 86_400)
    before, after = _day(day, "+0000" if not zone_minutes else _zone(zone_minutes))
    minute, second = divmod(second, 60)
    return b"%b%02d:%02d:%02d%b" % (before, minute // 60, minute % 60, second, after)


def _zone(minutes: int) -> str:
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}{rest:02d}"


def parse_internaldate(text: bytes) -> tuple[int, int]:
    """``7-Feb-1994 21:52:25 -0800`` without quotes → UTC seconds, minutes east of UTC. Raises ``BadDate``."""
    found = _DATE_TIME.match(text)
    if not found:
        raise BadDate('expected as in " 7-Feb-1994 21:52:25 -0800"')
    day = _calendar(found[1].strip(), found[2], found[3])
    hour, minute, second, zone = (
        int(found[4]),
        int(found[5]),
        int(found[6]),
        int(found[8]) * 60 + int(found[9]),
    )
    if hour > 23 or minute > 59 or second > 60 or int(found[9]) > 59 or zone > 24 * 60:
        raise BadDate("no such time of day or zone")
    if found[7] == b"-":
        zone = -zone
    return (day.toordinal() - _EPOCH) * 86_400 + hour * 3600 + minute * 60 + second - zone * 60, zone


def parse_date(text: bytes) -> datetime.date:
    """``7-Feb-1994``. Raises ``BadDate``."""
    found = _DATE.match(text)
    if not found:
        raise BadDate("expected as in 7-Feb-1994")
    return _calendar(found[1], found[2], found[3])


def format_date(day: datetime.date) -> bytes:
    return f"{day.day}-{_MONTHS[day.month - 1]}-{day.year:04d}".encode()


def _calendar(day: bytes, month: bytes, year: bytes) -> datetime.date:
    try:
        return datetime.date(int(year), _MONTH_NUMBERS[month.upper()], int(day))
    except (KeyError, ValueError):
        raise BadDate("no such day in the calendar") from None
