"""The journal: events as JSON lines, and to whoever subscribed in this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import msgspec

from holdfast.model.events import LEVELS, Event
from holdfast.world.clock import Clock


class Entry(NamedTuple):
    """One event as it happened; `at` in seconds since 1970, UTC."""

    at: float
    event: Event
    keys: dict[str, Any]

    @property
    def name(self) -> str:
        return self.event.name


Subscriber = Callable[[Entry], object]


class Journal(Protocol):
    def emit(self, event: Event, **keys: object) -> None:
        """Records the event. Never raises: a journal that can't be written stops no mail (WORLD-7)."""

    def at(self, subscriber: Subscriber) -> None:
        """`subscriber` gets every later event, before the level is looked at."""


def entry_line(entry: Entry, signed: Mapping[str, object] | None = None) -> bytes:
    """One line of JSON, ended by LF. Values JSON has no form for are shown as text."""
    head = {"at": round(entry.at, 6), "event": entry.event.name, "level": entry.event.level}
    line = {**head, **(signed or {}), **entry.keys}
    return msgspec.json.encode(line, enc_hook=str) + b"\n"


class LineJournal:
    """Writes lines to a descriptor, one write each, so that processes may share it."""

    __slots__ = ("_clock", "_fd", "_least", "_signed", "_subscribers", "lost")

    def __init__(self, clock: Clock, fd: int = 2, level: str = "info") -> None:
        self._clock = clock
        self._fd = fd
        self._least = LEVELS.index(level)
        self._signed: dict[str, object] = {}
        self._subscribers: list[Subscriber] = []
        self.lost = 0  # lines that could not be written

    def emit(self, event: Event, **keys: object) -> None:
        written = LEVELS.index(event.level) >= self._least
        if not written and not self._subscribers:
            return
        entry = Entry(self._clock.now(), event, keys)
        for subscriber in self._subscribers:
            try:
                subscriber(entry)
            except Exception:
                self.lost += 1
        if written:
            try:
                os.write(self._fd, entry_line(entry, self._signed))
            except (OSError, ValueError, TypeError):
                self.lost += 1

    def at(self, subscriber: Subscriber) -> None:
        self._subscribers.append(subscriber)

    def sign(self, **keys: object) -> None:
        """Every later line has these, too, where its event says nothing else under their names."""
        self._signed = keys
