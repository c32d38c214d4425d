"""One process of the service from the fork on: it forgets what is the parent's and runs its role."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from holdfast.run import events, system, telling
from holdfast.run.config import Config
from holdfast.watch.counting import Counts
from holdfast.world import World

if TYPE_CHECKING:
    from holdfast.run.watchdog import Pulse

# Objects of a request die by reference count; what makes cycles is rare, so the collector may come seldom.
_GC_THRESHOLD = (20_000, 20, 50)


class Start(NamedTuple):
    """What a role is given: its part of the world. ``ready`` is called once, when it serves."""

    world: World
    config: Config
    role: str
    worker: int
    sockets: Mapping[str, list[socket.socket]]  # by door
    stop: asyncio.Event
    ready: Callable[[], None]
    counts: Counts

    @property
    def name(self) -> str:
        return process_name(self.role, self.worker)


RoleMain = Callable[[Start], Awaitable[None]]


def process_name(role: str, worker: int) -> str:
    return f"{role}-{worker}"


def live(
    world: World,
    config: Config,
    role: str,
    worker: int,
    main: RoleMain,
    sockets: Mapping[str, list[socket.socket]],
    ready_fd: int,
    parent: int,
    strangers: Iterable[int],
    pulse: Pulse | None,
) -> None:
    """Runs in the forked process and never returns. ``strangers``: descriptors of the parent's to close.

    ``pulse``: None for who only stands in for a role, and tells nobody how it is.
    """
    code = 1
    name = process_name(role, worker) if pulse is not None else f"no {role}"
    try:
        _forget_parent(parent, strangers)
        system.set_name(f"hf {name}")
        code = _run(world, config, role, worker, main, sockets, ready_fd, pulse)
    except BaseException as error:
        where = "".join(traceback.format_exception(error)[-6:])
        world.journal.emit(events.CHILD_FAILED, process=name, error=repr(error), where=where)
    finally:
        os._exit(code)


def _forget_parent(parent: int, strangers: Iterable[int]) -> None:
    signal.set_wakeup_fd(-1)
    # A terminal sends Ctrl-C and hang-ups to everybody; what they mean is the parent's to say.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for fd in strangers:
        with contextlib.suppress(OSError):
            os.close(fd)
    system.die_with_parent(parent)
    gc.enable()
    gc.set_threshold(*_GC_THRESHOLD)


def _run(
    world: World,
    config: Config,
    role: str,
    worker: int,
    main: RoleMain,
    sockets: Mapping[str, list[socket.socket]],
    ready_fd: int,
    pulse: Pulse | None,
) -> int:
    import uvloop

    def ready() -> None:
        with contextlib.suppress(OSError):
            os.write(ready_fd, b"r")

    async def work() -> bool:
        stop = asyncio.Event()
        if pulse is not None:
            pulse.begin(world)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        start = Start(world, config, role, worker, sockets, stop, ready, Counts())
        if pulse is None:
            await main(start)
            return True
        await telling.begin(start)
        flush = telling.trace(start)
        await main(start)
        flush()
        return stop.is_set()

    asked = uvloop.run(work())
    return 0 if asked else 1  # a role that ends by itself has failed
