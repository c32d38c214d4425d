"""Idle timers for ten thousand connections at the price of one.

A connection notes only when it was last active. Once a second at most, those
whose time might be over are looked at, and put off by what they were active since.
"""

from __future__ import annotations

import asyncio
import heapq
from typing import Protocol

TICK_S = 1.0


class Idle(Protocol):
    """What can time out. `slot` belongs to `Timeouts`."""

    slot: int
    deadline_from: float  # when it was last active, by the loop's clock
    timeout: float  # seconds; 0 for none

    def expired(self) -> None: ...


class Timeouts:
    """A wheel of one-second slots. Fires never early, and at most one tick late (WORLD-9)."""

    __slots__ = ("_due", "_loop", "_slots", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._slots: dict[int, dict[Idle, None]] = {}  # ordered, so that a simulation repeats itself
        self._due: list[int] = []  # heap of the slots' numbers
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, idle: Idle) -> None:
        """Takes up `idle`, or again after its timeout has been made shorter or set anew."""
        slot = int((idle.deadline_from + idle.timeout) // TICK_S) + 1
        if idle.slot:
            if idle.slot <= slot:
                return  # looked at soon enough
            self.forget(idle)
        members = self._slots.get(slot)
        if members is None:
            members = self._slots[slot] = {}
            heapq.heappush(self._due, slot)
            if self._due[0] == slot:
                self._arm()
        members[idle] = None
        idle.slot = slot

    def forget(self, idle: Idle) -> None:
        if idle.slot:
            members = self._slots.get(idle.slot)
            if members is not None:
                members.pop(idle, None)
            idle.slot = 0

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._due[0] * TICK_S, self._turn) if self._due else None

    def _turn(self) -> None:
        self._timer = None
        now = self._loop.time()
        due: list[Idle] = []
        while self._due and self._due[0] * TICK_S <= now:
            due += self._slots.pop(heapq.heappop(self._due))
        for idle in due:
            idle.slot = 0
        for idle in due:
            if idle.slot or not idle.timeout:
                continue  # changed by one that expired before it
            if idle.deadline_from + idle.timeout > now:
                self.watch(idle)
            else:
                idle.expired()
        if self._timer is None:
            self._arm()
