"""How each fault of the catalogue is put into a real service: those that one machine can show honestly.

A row is a block: the fault is there while it lasts. It gives the logins that are hit, for faults that hit
named accounts; whom others hit follows from the catalogue.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager

from holdfast.run import layout
from holdfast.sim.drills.real import seams
from holdfast.sim.drills.real.installation import DOMAIN, PASSWORD, Installation
from holdfast.sim.drills.real.strangers import guessing
from holdfast.sim.drills.real.vantages import NAMES

CELL = 3  # whose index is hit
_GUESSED_AT = 40  # names that passwords are tried for
_THEN_S = 10.0  # until a second fault begins
_NEW = 14  # accounts that are made while one copy of the directory stands still
CHANGED_TOO = ("F17",)  # … where who changes a password meanwhile has one that isn't known there, either

Hit = frozenset[str] | None
Row = Callable[[Installation], AbstractAsyncContextManager[Hit]]


@contextlib.asynccontextmanager
async def _f10(place: Installation) -> AsyncIterator[Hit]:
    """The newest message of one customer, in the ledger of who took it."""
    login = next(each.login for each in place.people if each.cell == CELL)
    marker = f"To: <{login}>".encode()
    found: tuple[str, int] | None = None
    for ledger in ("mx-0", "mx-1"):
        folder = os.path.join(place.volume, ledger)
        for name in sorted(os.listdir(folder)):
            with open(path := os.path.join(folder, name), "rb") as file:
                at = file.read().rfind(marker)
            found = (path, at) if at >= 0 else found
    if found is None:
        raise seams.NotHere("no message of theirs lies open in a pack")
    seams.change_byte(*found)
    try:
        yield frozenset({login})
    finally:
        seams.change_byte(*found)


@contextlib.asynccontextmanager
async def _f11(place: Installation) -> AsyncIterator[Hit]:
    """Made anew it is damaged again: once alone it would be whole in a moment."""
    try:
        async with seams.spoiled(place, place.index(CELL), b"\xa5damaged"):
            yield None
    finally:
        await seams.command(place, "index", "rebuild", str(CELL))


@contextlib.asynccontextmanager
async def _f12(place: Installation) -> AsyncIterator[Hit]:
    """Once removed it would be there again in a moment: what is destroyed here stays so. Overwritten before:
    who has it open would go on reading what only has no name any more, and no disk is lost like that."""
    seams.overwrite(place.index(CELL), b"\xa5destroyed")
    async with seams.gone(place, *layout.index_files(place.config, "v1", CELL)):
        yield None


@contextlib.asynccontextmanager
async def _f14(place: Installation) -> AsyncIterator[Hit]:
    """As after an error of the disk: whoever opens anything on it from now on finds it so, as the store does
    when it begins."""
    async with seams.read_only(place, place.volume):
        await seams.kill(place, "store-0")
        yield None


@contextlib.asynccontextmanager
async def _f16(place: Installation) -> AsyncIterator[Hit]:
    """Both processes that receive mail: their copies are there, whole, and without a single person."""
    async with contextlib.AsyncExitStack() as emptied:
        for process in ("mx-0", "mx-1"):
            await emptied.enter_async_context(seams.emptied(place, process))
        yield None


@contextlib.asynccontextmanager
async def _f17(place: Installation) -> AsyncIterator[Hit]:
    """Those are hit who were made meanwhile, by name."""
    new = [f"late-{place.world.entropy.token(6).lower()}-{number}@{DOMAIN}" for number in range(_NEW)]
    async with seams.locked(_copy(place, "imap-0")):
        rows = "address,password\n" + "".join(f"{each},{PASSWORD}\n" for each in new)
        await seams.command(place, "account", "import", "-", "--run", typed=rows)
        yield frozenset(new)


@contextlib.asynccontextmanager
async def _f33(place: Installation) -> AsyncIterator[Hit]:
    """Those who are guessed at are customers as all others are: some of them use it meanwhile."""
    async with guessing(place, [each.login for each in place.people[:_GUESSED_AT]]):
        yield None


@contextlib.asynccontextmanager
async def _f43(place: Installation) -> AsyncIterator[Hit]:
    """In one request that nobody announced; half of them, as fewer than a fifth of all, with who has signed
    up meanwhile, would be believed (PEOPLE-4)."""
    those = [each.login for each in place.people[::2]]
    bulk = ("account", "bulk", "--expected", str(len(those)))
    await seams.command(place, *bulk, "disabled", typed="\n".join(those))
    try:
        yield frozenset(those)
    finally:
        await seams.command(place, *bulk, "active", typed="\n".join(those))


@contextlib.asynccontextmanager
async def _f53(place: Installation) -> AsyncIterator[Hit]:
    """One fault after another, that have nothing to do with each other."""
    then = seams.mood(place.partners, "relay", "refuses")
    async with seams.killed(place, "people-0"), seams.later(place, _THEN_S, then):
        yield None


@contextlib.asynccontextmanager
async def _f54(place: Installation) -> AsyncIterator[Hit]:
    """Each process begins with what it has of people by itself."""
    async with seams.killed(place, "people-0"):
        await seams.command(place, "restart")
        yield None


def _copy(place: Installation, process: str) -> str:
    return layout.copy_path(place.config, process)


ROWS: Mapping[str, Row] = {
    "F01": lambda place: seams.killed(place, "mx-0", every_s=2.0),
    "F03": lambda place: seams.stopped(place, "submission-0"),
    "F04": lambda place: seams.without_descriptors(place, "mx-0"),
    "F05": lambda place: seams.killed(place, "jmap-0"),
    "F07": seams.full,
    "F10": _f10,
    "F11": _f11,
    "F12": _f12,
    "F14": _f14,
    "F15": lambda place: seams.killed(place, "people-0"),
    "F16": _f16,
    "F17": _f17,
    "F19": lambda place: seams.locked(_copy(place, layout.PEOPLE_WRITER)),
    "F22": lambda place: seams.mood(place.partners, "names", "unavailable"),
    "F23": lambda place: seams.mood(place.partners, "names", "refuses"),
    "F24": seams.expired,
    "F27": lambda place: seams.away(layout.socket_path(place.config, "people")),
    "F28": lambda place: place.vantages.cut(NAMES[0]),
    "F33": _f33,
    "F38": lambda place: seams.mood(place.partners, "gateway", "silent"),
    "F39": lambda place: seams.mood(place.partners, "relay", "refuses"),
    "F40": lambda place: seams.mood(place.partners, "relay", "drops"),
    "F43": _f43,
    "F51": lambda place: place.vantages.silent(*NAMES[:2]),
    "F53": _f53,
    "F54": _f54,
    "F55": lambda place: seams.without_descriptors(place, "watch-0"),
}
