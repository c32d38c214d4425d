"""A rolling restart: every process once, each only when the one before it serves again (RUN-3).

RUN-12 one that made something worse is taken back: what it has reached begins anew with the configuration
before, the newest first. Where that is the same, it is taken out of service instead, as far as others of its
role serve that it hasn't reached: they finish what they hold, and nothing new comes to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from holdfast.run import events
from holdfast.run.process import Process
from holdfast.world import World

STOP_S = 10.0  # for one to finish what it holds
READY_S = 10.0  # it goes on after this even if nobody said ready


class Rolling:
    """``left``: those still to come, the first of them may be under way. ``since``: UTC, when it began.

    ``renewed``: those that it has reached, in their order; kept after its end. None where it takes back
    another.
    """

    def __init__(self, world: World, ask: Callable[[Process, float], object]) -> None:
        """``ask`` tells a process to end within so many seconds."""
        self._world = world
        self._ask = ask
        self.left: list[Process] = []
        self.renewed: list[Process] | None = None
        self.since = 0.0

    def begin(self, processes: Iterable[Process], *, takes_back: bool = False) -> None:
        self.halt()
        self.left, self.since = list(processes), self._world.clock.now()
        self.renewed = None if takes_back else []

    def halt(self) -> list[Process]:
        """Ends it where it is. Those that it hasn't reached; the one under way is one of ``renewed``."""
        stay = [each for each in self.left if not each.rolled]
        for each in self.left:
            each.rolled = False
        self.left = []
        return stay

    def turn(self, now: float, pause_s: float) -> None:
        """What is due. ``now``: monotonic; ``pause_s``: from when one serves to when the next is asked; what
        is taken back waits for nothing."""
        while self.left:
            process = self.left[0]
            if not process.rolled:
                process.rolled = True
                process.roll_deadline = now + STOP_S + READY_S
                process.ready = False
                if self.renewed is not None:
                    self.renewed.append(process)
                self._ask(process, STOP_S)
                return
            waiting = process.asked_at is not None or process.pid is None or not process.ready
            if not waiting:  # it serves: time for what it spoils to be seen, before the next
                process.roll_deadline = process.started_at + (0.0 if self.renewed is None else pause_s)
            if now < process.roll_deadline:
                return
            process.rolled = False
            self.left.pop(0)
            if not self.left:
                self._world.journal.emit(events.ROLLING_ENDED)

    def replaceable(self, processes: Iterable[Process]) -> list[Process]:
        """Of those that it has reached the ones whose role others serve that it hasn't."""
        reached = self.renewed or []
        served = {each.role for each in processes if each not in reached and each.ready}
        return [each for each in reached if each.role in served]
