"""The one argument: everything outside the program, real or simulated."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar, TypeVarTuple, Unpack

import uvloop

from holdfast.world.clock import Clock, RealClock
from holdfast.world.disk import Disk, RealDisk
from holdfast.world.entropy import Entropy, RealEntropy
from holdfast.world.journal import Journal, LineJournal
from holdfast.world.net import Net, RealNet
from holdfast.world.threads import RealThreads, Thread, Threads

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

SWITCH_INTERVAL_S = 0.0005  # a committer thread must not wait 5 ms for the interpreter


@dataclass(slots=True)
class World:
    """Clock, disk, network, randomness and journal; nothing else reaches outside (WORLD-1)."""

    clock: Clock
    disk: Disk
    net: Net
    entropy: Entropy
    journal: Journal
    threads: Threads

    def offload(self, fn: Callable[[Unpack[Ts]], T], *args: *Ts) -> Awaitable[T]:
        """Runs `fn` in a worker thread; several may run at once, in any order."""
        return self.threads.offload(fn, *args)

    def thread(self, name: str) -> Thread:
        """A thread of one's own: `await thread.run(fn, *args)`, first in, first out."""
        return self.threads.thread(name)


def real_world(*, journal_path: str | None = None, level: str = "info") -> World:
    """The outside as it is. The journal goes to standard error, or is appended to `journal_path`.

    Sets the interpreter's switch interval, for the whole process.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    fd = 2
    if journal_path is not None:
        fd = os.open(journal_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    clock = RealClock()
    journal = LineJournal(clock, fd, level)
    return World(clock, RealDisk(), RealNet(journal), RealEntropy(), journal, RealThreads())


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs `main` on uvloop until it returns; what else runs then is cancelled."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)
