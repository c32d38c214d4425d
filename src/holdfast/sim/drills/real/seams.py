"""What can be done to a running service from outside it: to processes, files, disks, locks and partners.

Each is undone when its block ends. None is a special case of the service: it can't tell that it is a drill.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Literal

import apsw

from holdfast.model.errors import Refused
from holdfast.run import certificate, layout
from holdfast.run.certificate import DAYS
from holdfast.sim.drills.real.elsewhere import Mood, Partners
from holdfast.sim.drills.real.installation import HOST, Installation

_LOOK_S = 0.05
_PAGE = 4096
_PEOPLE = ("address", "account")  # tables of a copy of the directory
DAY_S = 86_400.0


class NotHere(Exception):
    """This machine can't show it, and why."""


# processes


async def kill(place: Installation, process: str) -> None:
    """Once; the supervisor starts it again."""
    if (pid := await place.world.offload(place.pid, process)) is not None:
        _signal(pid, signal.SIGKILL)


@contextlib.asynccontextmanager
async def killed(place: Installation, process: str, every_s: float = 0.0) -> AsyncIterator[None]:
    """``every_s`` 0: as soon as it runs again."""

    async def work() -> None:
        last = None
        while True:
            pid = await place.world.offload(place.pid, process)
            if pid is not None and (pid != last or every_s):
                _signal(pid, signal.SIGKILL)
                last = pid
            await place.world.clock.sleep(every_s or _LOOK_S)

    async with _beside(work()):
        yield


@contextlib.asynccontextmanager
async def stopped(place: Installation, *processes: str) -> AsyncIterator[None]:
    """They live and do nothing. One that is started anew meanwhile is not stopped again."""
    pids = [pid for each in processes if (pid := await place.world.offload(place.pid, each)) is not None]
    try:
        for pid in pids:
            _signal(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            _signal(pid, signal.SIGCONT)


@contextlib.asynccontextmanager
async def without_descriptors(place: Installation, process: str) -> AsyncIterator[None]:
    """It keeps what it has open, and gets no more."""
    pid = await place.world.offload(place.pid, process)
    if pid is None:
        raise NotHere(f"{process} doesn't run")
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    used = {int(each) for each in os.listdir(f"/proc/{pid}/fd")}
    none_free = next(number for number in range(len(used) + 1) if number not in used)
    try:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (none_free, before[1]))
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


# disks


@contextlib.asynccontextmanager
async def full(place: Installation) -> AsyncIterator[None]:
    """The disk of the packs has no room at all."""
    if not place.own_disk:
        raise NotHere("only root can give the packs a disk of their own")
    found = os.statvfs(place.volume)
    used = (found.f_blocks - found.f_bfree) * found.f_frsize
    _mount(place.volume, f"remount,size={used // _PAGE * _PAGE or _PAGE}")
    try:
        yield
    finally:
        _mount(place.volume, "remount,size=6g")


@contextlib.asynccontextmanager
async def read_only(place: Installation, folder: str) -> AsyncIterator[None]:
    """For whoever opens anything in it from now on."""
    if not place.own_disk:
        raise NotHere("only root can mount a folder read-only")
    _run("mount", "--bind", folder, folder)
    try:
        _mount(folder, "remount,bind,ro")
        yield
    finally:
        _run("umount", "-l", folder)


def _mount(folder: str, options: str) -> None:
    _run("mount", "-o", options, folder)


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise NotHere(f"{' '.join(words)}: {done.stderr.strip()}")


# files


def overwrite(path: str, filler: bytes) -> None:
    """All of a database but its first page is written over, with what waits beside it. Blocks."""
    for each in (path, f"{path}-wal"):
        with open(each, "r+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(_PAGE)
            file.write((filler * (size // len(filler) + 1))[: max(size - _PAGE, 0)])


def change_byte(path: str, place: int) -> None:
    """One bit. Blocks."""
    with open(path, "r+b") as file:
        file.seek(place)
        [byte] = file.read(1)
        file.seek(place)
        file.write(bytes([byte ^ 1]))


@contextlib.asynccontextmanager
async def spoiled(place: Installation, path: str, filler: bytes) -> AsyncIterator[None]:
    """A database is overwritten, and again whenever there is another in its place."""

    async def work() -> None:
        spoiled = None
        while True:
            identity = place.world.disk.identity(path)
            if identity != spoiled and identity is not None:
                with contextlib.suppress(FileNotFoundError):
                    overwrite(path, filler)
                    spoiled = identity
            await place.world.clock.sleep(_LOOK_S)

    async with _beside(work()):
        yield


@contextlib.asynccontextmanager
async def gone(place: Installation, *paths: str) -> AsyncIterator[None]:
    """Files are removed, and again as soon as they are there."""

    async def work() -> None:
        while True:
            for path in paths:
                with contextlib.suppress(FileNotFoundError):
                    os.remove(path)
            await place.world.clock.sleep(_LOOK_S)

    async with _beside(work()):
        yield


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def later(
    place: Installation, after_s: float, fault: AbstractAsyncContextManager[None]
) -> AsyncIterator[None]:
    """Another fault begins while the first lasts, and ends with it."""

    async def work() -> None:
        await place.world.clock.sleep(after_s)
        async with fault:
            await asyncio.Event().wait()

    async with _beside(work()):
        yield


@contextlib.asynccontextmanager
async def away(path: str) -> AsyncIterator[None]:
    """A file isn't where it was; it is put back unless another has taken its place."""
    os.rename(path, f"{path}.away")
    try:
        yield
    finally:
        if os.path.exists(path):
            os.remove(f"{path}.away")
        else:
            os.rename(f"{path}.away", path)


@contextlib.asynccontextmanager
async def locked(path: str) -> AsyncIterator[None]:
    """Nobody else writes to the database."""
    db = apsw.Connection(path)
    db.set_busy_timeout(10_000)
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        db.execute("ROLLBACK")
        db.close()


@contextlib.asynccontextmanager
async def emptied(place: Installation, process: str) -> AsyncIterator[None]:
    """Its copy of the directory loses all rows about people, and keeps how far it is. Afterwards it is made
    anew, as whoever repairs it would do."""
    path = layout.copy_path(place.config, process)
    db = apsw.Connection(path)
    db.set_busy_timeout(10_000)
    with db:
        for table in _PEOPLE:
            db.execute(f"DELETE FROM {table}")
    db.close()
    try:
        yield
    finally:
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.remove(path + suffix)
        await kill(place, process)


@contextlib.asynccontextmanager
async def expired(place: Installation) -> AsyncIterator[None]:
    """The certificate ended yesterday; the one before comes back."""
    paths = (place.config.certificate, place.config.key)
    for path in paths:
        shutil.copy2(path, f"{path}.kept")
    names = ["localhost", HOST, place.config.service.hostname]
    certificate.make(*paths, names, place.world.clock.now() - (DAYS + 1) * DAY_S)
    try:
        yield
    finally:
        for path in paths:
            os.replace(f"{path}.kept", path)


# partners


@contextlib.asynccontextmanager
async def mood(
    partners: Partners, who: Literal["relay", "gateway", "names"], it: Mood
) -> AsyncIterator[None]:
    setattr(partners, who, it)
    try:
        yield
    finally:
        setattr(partners, who, "works")


async def command(place: Installation, *words: str, typed: str = "") -> str:
    """What an operator types. Raises ``NotHere`` with what was said."""
    try:
        return await place.holdfast(*words, typed=typed)
    except Refused as refused:
        raise NotHere(refused.text) from None
