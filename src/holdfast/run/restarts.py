"""When a process that died is started again. Pure; times are monotonic seconds."""

from __future__ import annotations

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0
STEADY_AFTER_S = 30.0


class Restarts:
    """RUN-2: at once the first time, then after 0.1 s, doubling to 10 s; 30 s of life forgive all."""

    __slots__ = ("_pause", "_started", "count")

    def __init__(self) -> None:
        self._pause = 0.0
        self._started = 0.0
        self.count = 0

    def started(self, now: float) -> None:
        self._started = now

    def died(self, now: float) -> float:
        """Seconds to wait before the next start."""
        self.count += 1
        if now - self._started >= STEADY_AFTER_S:
            self._pause = 0.0
        pause = self._pause
        self._pause = min(max(pause * 2, FIRST_PAUSE_S), LONGEST_PAUSE_S)
        return pause

    @property
    def again(self) -> bool:
        """It died more than once, and never lived for long in between."""
        return self._pause > FIRST_PAUSE_S

    def lived(self, now: float) -> float:
        return now - self._started
