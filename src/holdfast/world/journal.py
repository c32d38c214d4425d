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
Tap = Callable[[dict[str, Any]], object]


class _Plan(NamedTuple):
    taps: tuple[Tap, ...]
    subscribers: tuple[Subscriber, ...]
    written: bool


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

    __slots__ = ("_clock", "_fd", "_least", "_plans", "_signed", "_subscribers", "_taps", "lost")

    def __init__(self, clock: Clock, fd: int = 2, level: str = "info") -> None:
        self._clock = clock
        self._fd = fd
        self._least = LEVELS.index(level)
        self._signed: dict[str, object] = {}
        self._subscribers: list[tuple[Subscriber, Callable[[Event], bool]]] = []
        self._taps: list[Mapping[str, Tap]] = []
        self._plans: dict[str, _Plan] = {}  # what each event met so far leads to
        self.lost = 0  # lines that could not be written

    def emit(self, event: Event, **keys: object) -> None:
        plan = self._plans.get(event.name)
        if plan is None:
            plan = self._plan(event)
        taps, subscribers, written = plan
        for tap in taps:
            try:
                tap(keys)
            except Exception:
                self.lost += 1
        if not written and not subscribers:
            return
        entry = Entry(self._clock.now(), event, keys)
        for subscriber in subscribers:
            try:
                subscriber(entry)
            except Exception:
                self.lost += 1
        if written:
            try:
                os.write(self._fd, entry_line(entry, self._signed))
            except (OSError, ValueError, TypeError):
                self.lost += 1

    def at(self, subscriber: Subscriber, wants: Callable[[Event], bool] = lambda event: True) -> None:
        """``wants``: asked once for each event; who wants few costs the others nothing."""
        self._subscribers.append((subscriber, wants))
        self._plans.clear()

    def tap(self, taps: Mapping[str, Tap]) -> None:
        """By event's name: called with its keys alone. The cheapest way to hear of an event."""
        self._taps.append(taps)
        self._plans.clear()

    def _plan(self, event: Event) -> _Plan:
        found = _Plan(
            tuple(taps[event.name] for taps in self._taps if event.name in taps),
            tuple(subscriber for subscriber, wants in self._subscribers if wants(event)),
            LEVELS.index(event.level) >= self._least,
        )
        self._plans[event.name] = found
        return found

    def sign(self, **keys: object) -> None:
        """Every later line has these, too, where its event says nothing else under their names."""
        self._signed = keys
