"""An event loop on virtual time, and the lives that run on it.

When nothing is ready, time jumps to the next timer: a day of a mail system
passes in a second. When there is no timer either, nothing can ever happen
again, and that is raised as `Deadlock` instead of waiting for ever (SIM-2).
"""

from __future__ import annotations

import asyncio
import contextvars
import traceback
import weakref
from collections.abc import Callable, Coroutine
from typing import Any


class PowerCut(BaseException):
    """The machine, or the process, that this code ran on is no more. Not an Exception: nobody catches it."""


class Deadlock(RuntimeError):
    """Nothing is ready and no timer is set: what is awaited can never come."""


class Life:
    """One run of one simulated process: what was started in it ends with it (SIM-3)."""

    __slots__ = ("_serial", "_tasks", "dead", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.dead = False
        self._serial = 0
        self._tasks: weakref.WeakValueDictionary[int, asyncio.Task[Any]] = weakref.WeakValueDictionary()

    def check(self) -> None:
        if self.dead:
            raise PowerCut(f"{self.name} is no more")

    def note(self, task: asyncio.Task[Any]) -> None:
        self._serial += 1
        self._tasks[self._serial] = task

    def tasks(self) -> list[asyncio.Task[Any]]:
        """Unfinished, in the order they were made."""
        return [task for _, task in sorted(self._tasks.items()) if not task.done()]


LIFE: contextvars.ContextVar[Life | None] = contextvars.ContextVar("life", default=None)


def context_of(life: Life | None) -> contextvars.Context:
    context = contextvars.copy_context()
    context.run(LIFE.set, life)
    return context


class _Jump:
    """In the selector's place: waiting is jumping."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise Deadlock(self._loop.waiting())
        self._loop.jump(timeout)
        return []


class VirtualLoop(asyncio.BaseEventLoop):
    """A complete asyncio loop without sockets, threads, signals and real time."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._selector = _Jump(self)
        self._clock_resolution = 1e-9
        self.set_task_factory(self._make_task)  # type: ignore[arg-type]
        self.set_exception_handler(self._unhandled)
        self.unhandled: list[str] = []
        self.stuck: list[tuple[Life, str]] = []  # what hangs for ever, for the message of a deadlock

    def time(self) -> float:
        return self._now

    def jump(self, seconds: float) -> None:
        self._now += max(seconds, 0.0)

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> asyncio.Handle:
        if _is_dead(context):
            return self._dead_handle(callback)
        return super().call_soon(callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        if _is_dead(context):
            timer = asyncio.TimerHandle(when, callback, args, self, context)
            timer._cancelled = True
            return timer
        return super().call_at(when, callback, *args, context=context)

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        raise RuntimeError("no real threads in a simulation; ask the world: world.offload")

    def end(self, life: Life) -> None:
        """Nothing of that life is ever run again: no callback, no timer, no `finally` with an effect."""
        life.dead = True
        scheduled: list[asyncio.Handle] = [*self._ready, *self._scheduled]  # type: ignore[attr-defined]
        for handle in scheduled:
            if handle._context.get(LIFE) is life:  # type: ignore[attr-defined]
                handle.cancel()
        current = asyncio.current_task(self)
        for task in life.tasks():
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            if task is not current:
                context_of(life).run(_close, task.get_coro())

    def waiting(self) -> str:
        lines = [f"deadlock at {self._now:.3f} s of virtual time; nothing can happen any more"]
        lines += [f"  hangs: {life.name}: {what}" for life, what in self.stuck if not life.dead]
        for task in sorted(asyncio.all_tasks(self), key=lambda task: task.get_name()):
            frames = task.get_stack(limit=1)
            at = f"{frames[0].f_code.co_filename}:{frames[0].f_lineno}" if frames else "?"
            name = getattr(task.get_coro(), "__qualname__", "?")
            lines.append(f"  waits: {task.get_name()} {name} at {at}")
        return "\n".join(lines)

    def _make_task(
        self, loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], context: Any = None
    ) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, context=context)
        life = LIFE.get() if context is None else context.get(LIFE)
        if life is not None:
            life.note(task)
        return task

    def _dead_handle(self, callback: Callable[..., Any]) -> asyncio.Handle:
        handle = asyncio.Handle(callback, (), self)
        handle.cancel()
        return handle

    def _unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, PowerCut):
            frames = traceback.extract_tb(error.__traceback__) if error is not None else []
            at = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
            self.unhandled.append(f"{context.get('message')}: {error!r}{at}")

    def _process_events(self, event_list: Any) -> None:
        pass

    def _write_to_self(self) -> None:
        pass


def _is_dead(context: contextvars.Context | None) -> bool:
    life = LIFE.get() if context is None else context.get(LIFE)
    return life is not None and life.dead


def _close(coro: Any) -> None:
    try:
        coro.close()
    except BaseException:
        pass  # its `finally` met a world that is gone, as it should
