"""Threads of a simulation: one at a time, in an order that the seed fixes.

What is offloaded runs in the event loop's own thread after a little virtual
time. Only where the disk may hang does it get a real thread, which runs while
the loop waits for it: so a blocking call can stop in the middle, time can go
on, and yet nothing ever runs at the same time as anything else (SIM-4).
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar, TypeVarTuple, Unpack

from holdfast.sim.loop import Life, PowerCut, VirtualLoop, context_of
from holdfast.sim.seed import Random

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_CURRENT: contextvars.ContextVar[_Worker | None] = contextvars.ContextVar("worker", default=None)


class HangsForever(RuntimeError):
    """Code in the event loop itself made a disk call that never returns: the whole process would stand."""


class _Worker:
    """A real thread that has the floor only between `_give` and its next `_hand_back`."""

    def __init__(self, loop: VirtualLoop, life: Life, work: Callable[[], None]) -> None:
        self._loop = loop
        self._life = life
        self._floor = threading.Semaphore(0)
        self._back = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._context = contextvars.copy_context()
        self.ended = False

    def start(self) -> None:
        self._thread.start()
        self._give()

    def hang(self, seconds: float | None, what: str) -> None:
        """Called in the worker's own thread, by the disk."""
        if seconds is None:
            self._loop.stuck.append((self._life, what))
        else:
            # In the context of no life: the thread must be let go even if its process has ended.
            self._loop.call_later(seconds, self._give, context=context_of(None))
        self._back.release()
        self._floor.acquire()
        self._life.check()

    def release(self) -> None:
        """The process has ended: a thread that hangs for ever ends too."""
        if _CURRENT.get() is not self:  # the one that cut the power ends by itself
            self._give()

    def _give(self) -> None:
        if not self.ended:
            self._floor.release()
            self._back.acquire()

    def _run(self, work: Callable[[], None]) -> None:
        self._floor.acquire()
        try:
            self._context.run(self._body, work)
        except PowerCut:
            pass
        finally:
            self.ended = True
            self._back.release()

    def _body(self, work: Callable[[], None]) -> None:
        _CURRENT.set(self)
        work()


class SimThread:
    """First in, first out, one at a time."""

    __slots__ = ("_busy", "_jobs", "_threads", "name")

    def __init__(self, threads: SimThreads, name: str) -> None:
        self.name = name
        self._threads = threads
        self._jobs: deque[Callable[[], None]] = deque()
        self._busy = False

    def run(self, fn: Callable[[Unpack[Ts]], T], *args: *Ts) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self._threads.loop.create_future()
        self._jobs.append(lambda: self._done(future, fn, args))
        if not self._busy:
            self._next()
        return future

    def close(self) -> None:
        pass

    def _next(self) -> None:
        self._busy = bool(self._jobs)
        if self._jobs:
            self._threads.later(self._jobs.popleft())

    def _done(self, future: asyncio.Future[Any], fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        try:
            work(future, fn, args)
        finally:
            self._next()


class SimThreads:
    __slots__ = ("_life", "_may_hang", "_random", "_workers", "loop")

    def __init__(self, loop: VirtualLoop, life: Life, random: Random, may_hang: Callable[[], bool]) -> None:
        self.loop = loop
        self._life = life
        self._random = random
        self._may_hang = may_hang
        self._workers: list[_Worker] = []

    def offload(self, fn: Callable[[Unpack[Ts]], T], *args: *Ts) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self.loop.create_future()
        self.later(lambda: work(future, fn, args))
        return future

    def thread(self, name: str) -> SimThread:
        return SimThread(self, name)

    def busy(self) -> dict[str, float]:
        """Work takes no time here."""
        return {}

    def close(self) -> None:
        """The process has ended."""
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.release()

    def later(self, job: Callable[[], None]) -> None:
        self.loop.call_later(self._random.uniform(0.00002, 0.0003), self._start, job)

    def _start(self, job: Callable[[], None]) -> None:
        if not self._may_hang():
            job()
            return
        self._workers = [worker for worker in self._workers if not worker.ended]
        worker = _Worker(self.loop, self._life, job)
        self._workers.append(worker)
        worker.start()


def work(future: asyncio.Future[Any], fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
    try:
        result = fn(*args)
    except Exception as error:
        if not future.done():
            future.set_exception(error)
    else:
        if not future.done():
            future.set_result(result)


def hang(loop: VirtualLoop, seconds: float | None, what: str) -> None:
    """A disk call that takes long: its thread waits, or, made in the loop's thread, the whole loop."""
    worker = _CURRENT.get()
    if worker is not None:
        worker.hang(seconds, what)
    elif seconds is None:
        raise HangsForever(what)
    else:
        loop.jump(seconds)
