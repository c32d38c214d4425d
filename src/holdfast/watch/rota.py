"""What is to be tried when: each thing again and again, spread over time, and at once what matters.

WATCH-7 nothing runs twice at the same time, nothing waits for what hangs, and nothing is put off: what is
asked for at once comes within a moment, whatever else is due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

_JITTER = 0.1  # of the time between two: so that nothing falls into step with others


class Pace(NamedTuple):
    """``least_s``: between two beginnings, however much it is asked for. ``failing_s``: while it fails.
    ``sure_s``: what begins to fail begins anew so soon, if that is sooner: a second failure is no accident.
    ``first_s``: after the start it is tried once within this. ``hasty_s``: when it has failed for so long it
    comes no more often than ever, whoever asks for it."""

    every_s: float
    least_s: float
    failing_s: float
    first_s: float = 3.0
    hasty_s: float = float("inf")
    sure_s: float = float("inf")


class _Entry:
    __slots__ = ("again", "began", "due", "failing", "failing_since", "pace", "running")

    def __init__(self, pace: Pace, due: float) -> None:
        self.pace = pace
        self.due = due
        self.began = float("-inf")
        self.running = False
        self.again = False  # asked for while it ran
        self.failing = False
        self.failing_since = 0.0

    def least_s(self, now: float) -> float:
        tired = self.failing and now - self.failing_since > self.pace.hasty_s
        return self.pace.every_s if tired else self.pace.least_s


class Rota:
    """``draw``: a number from 0 to 1, by lot. Times are of the monotonic clock, in seconds."""

    def __init__(self, paces: Mapping[str, Pace], now: float, draw: Callable[[], float]) -> None:
        self._draw = draw
        self._entries = {
            name: _Entry(pace, now + draw() * min(pace.every_s, pace.first_s)) for name, pace in paces.items()
        }

    def due(self, now: float) -> list[str]:
        """What is to be begun, the longest due first; it runs from now on."""
        found = [each for each in self._entries.items() if not each[1].running and each[1].due <= now]
        found.sort(key=lambda each: each[1].due)
        for _, entry in found:
            entry.running, entry.again, entry.began = True, False, now
        return [name for name, _ in found]

    def next_due(self) -> float:
        """inf while all of it runs."""
        return min((each.due for each in self._entries.values() if not each.running), default=float("inf"))

    def ended(self, name: str, now: float, *, failing: bool) -> None:
        """``failing``: something of it doesn't go well. When that is new it is tried again at once."""
        entry = self._entries[name]
        news = failing != entry.failing
        entry.running, entry.failing = False, failing
        if news:
            entry.failing_since = now
        pace, least_s = entry.pace, entry.least_s(now)
        if news and failing:
            least_s = min(least_s, pace.sure_s)
        every_s = min(pace.every_s, pace.failing_s) if failing else pace.every_s
        entry.due = entry.began + every_s * (1 - _JITTER + 2 * _JITTER * self._draw())
        if entry.again or news:
            entry.due = entry.began + least_s
        entry.due = max(entry.due, entry.began + least_s, now)

    def hasten(self, names: Iterable[str], now: float) -> None:
        """At once; what runs already, once more when it has ended. What isn't there is left out."""
        for name in names:
            entry = self._entries.get(name)
            if entry is None:
                continue
            if entry.running:
                entry.again = True
            else:
                entry.due = min(entry.due, max(now, entry.began + entry.least_s(now)))
