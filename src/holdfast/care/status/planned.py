"""Planned maintenance as an operator writes it: TOML, a table for each.

[disk]
begins = 2040-01-01T02:00:00Z
ends = 2040-01-01T03:00:00Z
functions = ["imap", "webmail"]
en = "A disk is replaced"
de = "Eine Platte wird getauscht"
revision = 0    # one more with each change, so that calendars take it up
"""

from __future__ import annotations

import datetime
import tomllib

import msgspec

from holdfast.care.status.feeds import Maintenance
from holdfast.model.errors import Reason, Refused
from holdfast.model.functions import FUNCTIONS


class _Planned(msgspec.Struct, forbid_unknown_fields=True):
    begins: datetime.datetime
    ends: datetime.datetime
    functions: list[str]
    en: str
    de: str
    revision: int = 0


def planned(text: str, changed_at: float) -> tuple[Maintenance, ...]:
    """By when they begin. Raises ``Refused`` with what is wrong."""
    try:
        found = msgspec.convert(tomllib.loads(text), dict[str, _Planned])
    except ValueError as error:
        raise Refused(Reason.BAD_SYNTAX, f"planned maintenance: {error}") from error
    made = [_maintenance(name, each, changed_at) for name, each in found.items()]
    return tuple(sorted(made, key=lambda each: each.begins))


def _maintenance(name: str, each: _Planned, changed_at: float) -> Maintenance:
    wrong = [function for function in each.functions if function not in FUNCTIONS]
    if wrong:
        raise Refused(Reason.BAD_SYNTAX, f"maintenance {name}: {wrong[0]} is none of {', '.join(FUNCTIONS)}")
    if each.begins.tzinfo is None or each.ends.tzinfo is None:
        raise Refused(Reason.BAD_SYNTAX, f"maintenance {name}: a time lacks its zone: 2040-01-01T02:00:00Z")
    if each.ends <= each.begins:
        raise Refused(Reason.BAD_SYNTAX, f"maintenance {name}: it ends before it begins")
    begins, ends = each.begins.timestamp(), each.ends.timestamp()
    titles = {"en": each.en, "de": each.de}
    return Maintenance(name, begins, ends, tuple(each.functions), titles, changed_at, each.revision)
