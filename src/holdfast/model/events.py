"""The registry of events: the only words the journal speaks.

An event is a registered name with its meaning and its keys. A diagnosis reads
them by name; free text can't be asked anything. ``level``: debug < info < warn < error.
"""

from __future__ import annotations

import msgspec


class Event(msgspec.Struct, frozen=True):
    name: str
    level: str
    meaning: str
    keys: tuple[str, ...]


EVENTS: dict[str, Event] = {}

LEVELS = ("debug", "info", "warn", "error")


def register(name: str, level: str, meaning: str, *keys: str) -> Event:
    """Called at import by the package that emits the event; a name is registered once."""
    if name in EVENTS:
        raise ValueError(f"event {name} registered twice")
    if level not in LEVELS:
        raise ValueError(f"event {name}: level {level}")
    EVENTS[name] = Event(name, level, meaning, keys)
    return EVENTS[name]
