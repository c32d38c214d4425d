"""Blocking work away from the event loop."""

from __future__ import annotations

import asyncio
import itertools
import queue
import threading
import time
import weakref
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

OFFLOAD_THREADS = 8


class Thread(Protocol):
    """One thread for one purpose; what it is given runs one after the other (WORLD-6)."""

    name: str

    def run(self, fn: Callable[[Unpack[Ts]], T], *args: *Ts) -> asyncio.Future[T]:
        """Resolves on the calling event loop with what `fn` returned or raised."""

    def close(self) -> None:
        """No more work; what was given before still runs."""


class Threads(Protocol):
    def offload(self, fn: Callable[[Unpack[Ts]], T], *args: *Ts) -> Awaitable[T]: ...

    def thread(self, name: str) -> Thread: ...

    def busy(self) -> dict[str, float]:
        """For how many seconds each thread has been at what it does now, by its name, 0 for one that waits
        for work; and, as ``OFFLOADED``, how long what is offloaded has waited for a thread."""

    def close(self) -> None: ...


OFFLOADED = "offload"
_Job = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[..., Any], tuple[Any, ...]]


def _resolve(future: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if future.done():  # the waiter gave up
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


class RealThread:
    """A daemon thread: a disk that hangs must not keep the process from ending."""

    __slots__ = ("__weakref__", "_jobs", "_since", "_thread", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._since: float | None = None
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def run(self, fn: Callable[[Unpack[Ts]], T], *args: *Ts) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put((loop, future, fn, args))
        return future

    def close(self) -> None:
        self._jobs.put(None)

    def busy_s(self) -> float:
        """0 while it waits for work."""
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            loop, future, fn, args = job
            result: object = None
            error: BaseException | None = None
            self._since = time.monotonic()
            try:
                result = fn(*args)
            except BaseException as caught:
                # StopIteration can't be set on a future; the loop would lose the waiter.
                error = RuntimeError(repr(caught)) if isinstance(caught, StopIteration) else caught
            self._since = None
            try:
                loop.call_soon_threadsafe(_resolve, future, result, error)
            except RuntimeError:  # the loop has been closed: nobody waits any more
                return
            del job, future, fn, args, result, error


class RealThreads:
    """The pool behind `offload`, made at the first use: a parent that forks has no threads yet."""

    __slots__ = ("_numbers", "_pool", "_queued", "_threads")

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._threads: weakref.WeakSet[RealThread] = weakref.WeakSet()
        self._numbers = itertools.count()
        self._queued: dict[int, float] = {}  # since when each waits that no thread has begun yet

    def offload(self, fn: Callable[[Unpack[Ts]], T], *args: *Ts) -> Awaitable[T]:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(OFFLOAD_THREADS, OFFLOADED)
        number, queued = next(self._numbers), self._queued
        queued[number] = time.monotonic()

        def begin() -> T:
            queued.pop(number, None)
            return fn(*args)

        future = asyncio.get_running_loop().run_in_executor(self._pool, begin)
        future.add_done_callback(lambda _: queued.pop(number, None))  # nobody waits for it any more
        return future

    def thread(self, name: str) -> Thread:
        thread = RealThread(name)
        self._threads.add(thread)
        return thread

    def busy(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for thread in self._threads:
            found[thread.name] = max(thread.busy_s(), found.get(thread.name, 0.0))
        first = min(list(self._queued.values()), default=None)
        return found | {OFFLOADED: 0.0 if first is None else time.monotonic() - first}

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
