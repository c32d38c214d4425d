"""When somebody else answers at a role's doors: while its processes end again and again (RUN-11)."""

from __future__ import annotations

import contextlib
import os
import signal
from collections import defaultdict
from collections.abc import Callable, Iterable

from holdfast.model.limits import STAND_IN_AFTER_S, STAND_IN_AGAIN_S, STAND_IN_STOP_S
from holdfast.run import events
from holdfast.run.process import Process
from holdfast.world import World


class StandIns:
    """``start``: forks one for a role, and returns its process id. It lives until the role serves again."""

    def __init__(self, world: World, start: Callable[[str], int]) -> None:
        self._world = world
        self._start = start
        self._there: dict[str, int] = {}  # role → pid
        self._kill_at: dict[str, float] = {}  # of those that were asked to end
        self._not_before: dict[str, float] = {}

    def look(self, processes: Iterable[Process], now: float) -> None:
        """``processes``: those that have doors; none when nobody is wanted any more. ``now``: monotonic."""
        self._reap(now)
        workers: dict[str, list[Process]] = defaultdict(list)
        for process in processes:
            workers[process.role].append(process)
        for role, those in workers.items():
            if role not in self._there and _missing(those, now) and now >= self._not_before.get(role, 0.0):
                self._begin(role, now)
        for role, pid in self._there.items():
            if role not in workers or any(each.ready for each in workers[role]):
                self._end(role, pid, now)

    def _begin(self, role: str, now: float) -> None:
        try:
            self._there[role] = pid = self._start(role)
        except OSError:  # no process to be had: what restarts the others matters more
            self._not_before[role] = now + STAND_IN_AGAIN_S
            return
        self._world.journal.emit(events.STAND_IN_STARTED, role=role, pid=pid)

    def _end(self, role: str, pid: int, now: float) -> None:
        asked = role in self._kill_at
        if asked and now < self._kill_at[role]:
            return
        number = signal.SIGKILL if asked else signal.SIGTERM
        self._kill_at[role] = now + STAND_IN_STOP_S
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    def _reap(self, now: float) -> None:
        for role, pid in list(self._there.items()):
            try:
                ended, _ = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                ended = pid
            if ended:
                del self._there[role]
                if self._kill_at.pop(role, None) is None:  # by itself: what ails it may last
                    self._not_before[role] = now + STAND_IN_AGAIN_S
                self._world.journal.emit(events.STAND_IN_ENDED, role=role, pid=pid)


def _missing(workers: Iterable[Process], now: float) -> bool:
    """None of them serves, none ended but once, and none has served for longer than a start takes."""
    return all(
        each.lost_at is not None and each.restarts.again and now - each.lost_at >= STAND_IN_AFTER_S
        for each in workers
    )
