"""Processes that live but do nothing: how the supervisor notices, and what is known of them afterwards.

Each process's loop writes the time into memory it shares with the supervisor. The clock is the one that
stands still while the machine sleeps; and after a pause of its own the supervisor trusts nobody's silence
(RUN-9).
"""

from __future__ import annotations

import contextlib
import faulthandler
import mmap
import os
import re
import resource
import signal
from collections.abc import Iterable

from holdfast.model.limits import OWN_DESCRIPTORS
from holdfast.run import events
from holdfast.run.process import Process
from holdfast.world import World

BEAT_S = 1.0
ABORT_S = 2.0  # to write down where it stands, before it is killed
STARTING_TIMES = 20  # a process that starts may be at work for so much longer: it may build its copy anew
PAUSE_S = 3.0  # the supervisor looks every second; after so long a gap it was itself stopped
WHERE_BYTES = 8192
_FRAME = re.compile(r'File "([^"]*)", line ([0-9]+) in (\S+)')  # as faulthandler writes it


class Pulse:
    """One process's place: when its loop last ran (monotonic seconds), how many descriptors it may have where
    all are in use, and a file for a last traceback."""

    def __init__(self) -> None:
        self._said = memoryview(mmap.mmap(-1, 16)).cast("d")
        self._fd = os.memfd_create("traceback", os.MFD_CLOEXEC)

    def begin(self, world: World) -> None:
        """In the process, from its loop: a beat now and every second; fatal signals leave a traceback."""
        faulthandler.enable(self._fd, all_threads=True)

        def beat() -> None:
            self._said[0], self._said[1] = world.clock.monotonic(), self._lacking()
            world.clock.call_later(BEAT_S, beat)

        beat()

    @property
    def last(self) -> float:
        return float(self._said[0])

    @property
    def lacking(self) -> int:
        """How many descriptors it may have, of which hardly one was free at its last beat; 0: some were.

        It can't say so at any door: it would need one to be asked.
        """
        return int(self._said[1])

    def _lacking(self) -> float:
        """One that is closed now and then leaves a process no less without."""
        taken: list[int] = []
        try:
            taken.extend(os.dup(self._fd) for _ in range(OWN_DESCRIPTORS))
        except OSError:
            return float(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        finally:
            for fd in taken:
                os.close(fd)
        return 0.0

    def traceback(self) -> str:
        """What the process that died left, once; its last WHERE_BYTES."""
        with contextlib.suppress(OSError):
            size = os.fstat(self._fd).st_size
            if size:
                text = os.pread(self._fd, WHERE_BYTES, max(0, size - WHERE_BYTES))
                os.ftruncate(self._fd, 0)
                os.lseek(self._fd, 0, os.SEEK_SET)
                return text.decode(errors="replace")
        return ""


def stood_at(traceback: str) -> str:
    """Where the loop stood, in a few words: ``renewal.py, line 12, in run``; '' where that isn't known.

    The loop's thread is the first that there was, and so the last that is told of.
    """
    _, _, main = traceback.rpartition("(most recent call first):")
    found = _FRAME.search(main)
    return f"{os.path.basename(found[1])}, line {found[2]}, in {found[3]}" if found else ""


class Watchdog:
    """``silent_s``: how long a loop may stand still; 0 watches nobody."""

    def __init__(self, world: World, silent_s: float) -> None:
        self._world = world
        self._silent_s = silent_s
        self._looked = world.clock.monotonic()
        self._from = 0.0  # no silence counts before

    def look(self, processes: Iterable[Process], now: float) -> None:
        """RUN-9: who is silent is asked for a traceback and then killed; the supervisor starts it again."""
        if now - self._looked > PAUSE_S:
            self._from = now
        self._looked = now
        for process in processes:
            if self._silent_s and process.pid is not None and process.kill_at is None:
                silent = now - max(process.pulse.last, process.started_at, self._from)
                if silent > self._silent_s * (1 if process.ready else STARTING_TIMES):
                    self._end(process, process.pid, silent, now)

    def _end(self, process: Process, pid: int, silent: float, now: float) -> None:
        self._world.journal.emit(
            events.CHILD_FROZEN, process=process.name, pid=pid, silent_s=round(silent, 3)
        )
        process.kill_at = now + ABORT_S
        process.kill_from = now
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGABRT)
