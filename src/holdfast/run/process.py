"""What the supervisor knows of one of its processes."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.run.child import RoleMain, process_name
from holdfast.run.restarts import Restarts

if TYPE_CHECKING:
    from holdfast.run.watchdog import Pulse

ENDS_KEPT = 100
ENDS_S = 300.0  # ends so long ago are counted


class End(NamedTuple):
    """Unasked. ``at``: UTC; ``how``: its exit status, negative for a signal; ``where``: it stood, or ''."""

    at: float
    how: int
    lived_s: float
    where: str


class Process:
    """``pid`` is None while it does not run; ``due``: when to start it (monotonic), None for never."""

    __slots__ = (
        "asked_at",
        "back",
        "due",
        "ends",
        "kill_at",
        "kill_from",
        "lost_at",
        "main",
        "out",
        "pid",
        "pulse",
        "ready",
        "restarts",
        "role",
        "roll_deadline",
        "rolled",
        "since",
        "started_at",
        "worker",
    )

    def __init__(self, role: str, worker: int, main: RoleMain, back: bool, pulse: Pulse) -> None:
        self.role = role
        self.worker = worker
        self.main = main
        self.back = back
        self.pulse = pulse
        self.restarts = Restarts()
        self.ends: deque[End] = deque(maxlen=ENDS_KEPT)
        self.pid: int | None = None
        self.since = 0.0  # UTC
        self.ready = False
        self.due: float | None = None
        self.lost_at: float | None = None  # since when it doesn't serve, unasked
        self.asked_at: float | None = None  # when it was asked to end
        self.kill_at: float | None = None
        self.kill_from = 0.0  # since when its end is waited for
        self.started_at = 0.0
        self.rolled = False
        self.roll_deadline = 0.0
        self.out = False  # taken out of service: it isn't started again

    @property
    def name(self) -> str:
        return process_name(self.role, self.worker)

    @property
    def next_due(self) -> float | None:
        times = [at for at in (self.due if self.pid is None else None, self.kill_at) if at is not None]
        if self.rolled:
            times.append(self.roll_deadline)
        return min(times) if times else None

    def started(self, pid: int, now: float, utc: float) -> None:
        self.pid = pid
        self.since = utc
        self.started_at = now
        self.ready = False
        self.due = None
        self.restarts.started(now)

    def ended(self) -> None:
        self.pid = None
        self.ready = False
        self.asked_at = None
        self.kill_at = None

    def silent_s(self, now: float) -> float | None:
        """How long its loop has stood still; None while it doesn't run, or hasn't begun to."""
        if self.pid is None or self.pulse.last < self.started_at:
            return None
        return max(0.0, now - self.pulse.last)

    def status(self, now: float, utc: float) -> dict[str, Any]:
        last = self.ends[-1] if self.ends else None
        silent = self.silent_s(now)
        again = max(0.0, self.due - now) if self.pid is None and self.due is not None else None
        return {
            "process": self.name,
            "role": self.role,
            "pid": self.pid,
            "since": self.since,
            "ready": self.ready,
            "restarts": self.restarts.count,
            "again_in_s": again,
            "ending": self.asked_at is not None,
            "out": self.out,
            "silent_s": silent,
            "lacking": 0 if silent is None else self.pulse.lacking,
            "ends": sum(utc - each.at <= ENDS_S for each in self.ends),
            "ended": last and last._asdict(),
        }
