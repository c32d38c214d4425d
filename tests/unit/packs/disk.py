"""A ledger made for a test, and the means to break it. Not a test."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any

from holdfast.model.mail import START
from holdfast.packs import BadFrame, Frame, LedgerReader, LedgerWriter, NewFrame, Written
from holdfast.sim.world import SimWorld

VOLUME, COPY, LEDGER = "/v1", "/v2", "mx-0"


def path(number: int = 1, volume: str = VOLUME) -> str:
    return f"{volume}/{LEDGER}/{number:08d}.pack"


async def opened(world: SimWorld, **options: Any) -> LedgerWriter:
    return await LedgerWriter.open(world, VOLUME, LEDGER, **options)


async def write(writer: LedgerWriter, *bodies: bytes, told: int | None = None) -> list[Written]:
    """One batch."""
    return await writer.append([NewFrame(1, body, 5, (n % 3,)) for n, body in enumerate(bodies)], told)


def reader(world: SimWorld, copies: Sequence[str] = ()) -> LedgerReader:
    return LedgerReader(world, VOLUME, LEDGER, copies=copies)


def bodies(world: SimWorld, copies: Sequence[str] = ()) -> list[bytes | None]:
    """What can be read from beginning to end; None for a damaged stretch."""
    items = reader(world, copies).follow(START)
    return [bytes(item.body) if isinstance(item, Frame) else None for item in items]


def sequences(items: Sequence[Frame | BadFrame]) -> list[int | None]:
    return [item.sequence for item in items]


def stored(world: SimWorld, number: int = 1, volume: str = VOLUME) -> bytes:
    return bytes(world.platter.names.file(path(number, volume)).seen)


def store(world: SimWorld, data: bytes, number: int = 1, volume: str = VOLUME) -> None:
    """Replaces a pack's bytes, cache and platter alike."""
    inode = world.platter.names.file(path(number, volume))
    inode.seen, inode.durable, inode.unsynced = bytearray(data), bytearray(data), []


def damage(world: SimWorld, offset: int, data: bytes, number: int = 1, volume: str = VOLUME) -> None:
    whole = stored(world, number, volume)
    store(world, whole[:offset] + data + whole[offset + len(data) :], number, volume)


def killed(world: SimWorld, work: Coroutine[Any, Any, Any]) -> Any:
    """Runs ``work``, then ends the process as SIGKILL does; returns what ``work`` returned."""
    result = world.run(work)
    world.kill()
    return result
