"""Takes the status page to its places: each by itself, only what is new there, again after a failure.

PUSH-1 a place that fails or hangs delays no other.
PUSH-2 what a place may not have is put there again: only what was put without an error counts as there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os.path
from collections.abc import Awaitable, Iterable, Sequence
from typing import Protocol, TypeVar

import msgspec

from holdfast.care.status.publish import OURS, OWN, base, in_order, remove, write
from holdfast.care.status.shelf import Shelf, Stand
from holdfast.care.turns import Seen
from holdfast.model.errors import Unavailable
from holdfast.model.limits import PUSH_PAUSE_LONGEST_S, PUSH_PAUSE_S, PUSH_S, PUSH_TURN_S
from holdfast.watch.incidents.record import AnyEntry
from holdfast.world import World

_WAIT_S = 10.0
T = TypeVar("T")


class Place(Protocol):
    """``batch``: how many files at once are put there best."""

    batch: int

    async def names(self) -> list[str]:
        """What is there. Raises ``OSError``, ``Unavailable``."""

    async def put(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Each file whole or not at all. Raises as above."""

    async def remove(self, names: Sequence[str]) -> None:
        """It is no error that one isn't there. Raises as above."""


class Pushed(msgspec.Struct, omit_defaults=True):
    """How it stands with one place: UTC seconds. ``waiting``: files that are still to be put there."""

    to: str
    whole_at: float = 0.0
    failing_since: float = 0.0
    reason: str = ""
    waiting: int = 0


class PushedFile:
    """``care/pushed.json``: how it stands with all places, for the console and for doctor."""

    def __init__(self, world: World, path: str) -> None:
        self._world = world
        self._path = path
        self._known: dict[str, Pushed] = {}

    async def say(self, name: str, now: Pushed) -> None:
        """That it can't be written keeps nothing from being published."""
        self._known[name] = now
        try:
            await self._world.offload(self._write, msgspec.json.encode(self._known))
        except OSError:
            pass

    def _write(self, data: bytes) -> None:
        self._world.disk.make_folder(os.path.dirname(self._path))
        self._world.disk.write_atomic(self._path, data)


def read_pushed(world: World, path: str) -> dict[str, Pushed]:
    """By place; none where it can't be read. Blocks."""
    try:
        return msgspec.json.decode(world.disk.read(path), type=dict[str, Pushed])
    except (OSError, msgspec.DecodeError):
        return {}


class PushPart:
    """One place. ``to``: as people know it."""

    every_s = 0.2

    def __init__(
        self, world: World, name: str, to: str, place: Place, shelf: Shelf, file: PushedFile
    ) -> None:
        self.name = f"publish {name}"
        self._world = world
        self._place_name = name
        self._place = place
        self._shelf = shelf
        self._file = file
        self._state = Pushed(to)
        self._there: dict[str, object] = {}  # name → version
        self._strange: list[str] | None = None  # that others have put there, or we before we were started
        self._whole: Stand | None = None
        self._pause_s = 0.0
        self._again_at = 0.0
        self._error: Exception | None = None

    @property
    def is_whole(self) -> bool:
        """All that is on the shelf is there."""
        return self._whole is not None and self._whole is self._shelf.stand

    async def turn(self, seen: Seen) -> list[AnyEntry]:
        clock = self._world.clock
        if self._error is not None and clock.monotonic() < self._again_at:
            raise self._error
        stand = await self._shelf.changed(self._whole, _WAIT_S)
        if stand is None or stand is self._whole:
            return []
        try:
            await self._bring(stand, clock.monotonic() + PUSH_TURN_S)
        except (OSError, Unavailable) as error:
            self._pause_s = min(max(2 * self._pause_s, PUSH_PAUSE_S), PUSH_PAUSE_LONGEST_S)
            self._again_at = clock.monotonic() + self._pause_s
            self._error = error
            await self._say(reason=str(error) or type(error).__name__)
            raise
        self._pause_s, self._error = 0.0, None
        await self._say()
        return []

    async def _bring(self, stand: Stand, until: float) -> None:
        """Until it is all there, the time is over, or something newer is on the shelf."""
        if self._strange is None:
            self._strange = [
                each for each in await self._in_time(self._place.names()) if base(each).startswith(OURS)
            ]
        new = [name for name, version in stand.versions.items() if self._there.get(name) != version]
        new.sort(key=in_order)
        gone = {name for name in (*self._there, *self._strange) if name not in stand.versions}
        if stand.many is None:
            gone = {name for name in gone if not base(name).startswith(OWN)}
        if not stand.theirs:
            gone = {name for name in gone if "/" not in name}
        self._state.waiting = len(new) + len(gone)
        for names in _batches(new, self._place.batch):
            self._there |= dict.fromkeys(names)  # PUSH-2
            await self._in_time(self._place.put([(name, stand.read(name)) for name in names]))
            self._there.update((name, stand.versions[name]) for name in names)
            self._state.waiting -= len(names)
            if self._world.clock.monotonic() > until or self._shelf.stand is not stand:
                return
        for names in _batches(sorted(gone), self._place.batch):
            await self._in_time(self._place.remove(names))
            for name in names:
                self._there.pop(name, None)
            self._strange = [each for each in self._strange if each not in names]
        self._whole, self._state.waiting = stand, 0

    @staticmethod
    async def _in_time(work: Awaitable[T]) -> T:
        """Raises ``TimeoutError``, an ``OSError``, when it hangs."""
        async with asyncio.timeout(PUSH_S):
            return await work

    async def _say(self, reason: str = "") -> None:
        now, state = self._world.clock.now(), self._state
        if not reason and self.is_whole:
            state.whole_at = now
        state.failing_since = (state.failing_since or now) if reason else 0.0
        state.reason = reason
        await self._file.say(self._place_name, state)


def _batches(names: Sequence[str], most: int) -> Iterable[Sequence[str]]:
    return (names[first : first + most] for first in range(0, len(names), most))


class FolderPlace:
    """A folder that a web server shows. What is there already from before isn't written again."""

    batch = 500

    def __init__(self, world: World, folder: str) -> None:
        self._world = world
        self._folder = folder
        self._own: set[str] = set()  # put there by us: what comes now is otherwise

    async def names(self) -> list[str]:
        return await self._world.offload(self._names)

    async def put(self, files: Sequence[tuple[str, bytes]]) -> None:
        await self._world.offload(
            lambda: write(self._world, self._folder, files, durable=False, other=self._own)
        )
        self._own.update(name for name, _ in files)

    async def remove(self, names: Sequence[str]) -> None:
        await self._world.offload(remove, self._world, self._folder, names)

    def _names(self) -> list[str]:
        disk = self._world.disk
        found = list(disk.list(self._folder)) if disk.exists(self._folder) else []
        for each in [each for each in found if "." not in each]:  # tenants' folders
            with contextlib.suppress(OSError):
                found += [f"{each}/{name}" for name in disk.list(os.path.join(self._folder, each))]
        return found
