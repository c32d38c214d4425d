"""The ways in for commands: to the process that owns a thing, or to the thing itself when none runs.

A ledger has one writer and is locked by it; so a command either speaks to the writer's process,
or is the writer for a moment. Both look the same to it.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from holdfast.model.errors import Unavailable
from holdfast.model.ledgers import PEOPLE
from holdfast.run import layout, system
from holdfast.run.config import Config
from holdfast.world import World

if TYPE_CHECKING:  # a command that asks about people needs no store, and the other way round
    from holdfast.directory.operations import Operations
    from holdfast.directory.writer import PeopleWriter
    from holdfast.flow.relay_door import RelayClient
    from holdfast.store import MailStore, RemoteWrites, StoreWriter
    from holdfast.store.fullness import Fullness, Quotas

CONNECT_S = 0.5


@contextlib.asynccontextmanager
async def people(world: World, config: Config) -> AsyncIterator[Operations]:
    """Raises ``Unavailable("people")`` when the process is there and can't be asked."""
    from holdfast.directory.writer import PeopleClient
    from holdfast.world.link import OutOfReach

    path = layout.socket_path(config, "people")
    if world.disk.exists(path):
        client = PeopleClient(world, path)
        try:
            await client.domains(limit=1)
            yield client
            return
        except OutOfReach:
            pass  # a socket left behind: nobody runs
        finally:
            client.close()
    _as_the_service(config)
    writer = await open_people(world, config)
    try:
        yield writer
    finally:
        await writer.close()


async def open_people(world: World, config: Config) -> PeopleWriter:
    from holdfast.directory.writer import PeopleWriter

    copy = layout.copy_path(config, layout.PEOPLE_WRITER)
    system.make_folder(layout.copies_folder(config))
    return await PeopleWriter.open(
        world,
        layout.people_folder(config),
        copy,
        copies=config.copies_of(PEOPLE, "synchronous"),
        trailing=config.copies_of(PEOPLE, "trailing"),
        cells=config.service.cells,
    )


@contextlib.asynccontextmanager
async def store(world: World, config: Config) -> AsyncIterator[MailStore]:
    """Raises ``Unavailable("store")`` when the process is there and can't be asked."""
    async with _writes(world, config) as writes:
        yield mail_store(world, config, writes)


@contextlib.asynccontextmanager
async def rebuilding(world: World, config: Config) -> AsyncIterator[Callable[[], Awaitable[list[int]]]]:
    """What tells the cells whose index is being made whole."""
    from holdfast.store import StoreWriter

    async with _writes(world, config) as writes:

        async def behind() -> list[int]:
            return writes.behind if isinstance(writes, StoreWriter) else (await writes.status()).behind

        yield behind


@contextlib.asynccontextmanager
async def _writes(world: World, config: Config) -> AsyncIterator[RemoteWrites | StoreWriter]:
    from holdfast.store import RemoteWrites

    path = layout.socket_path(config, "store")
    if world.disk.exists(path):
        remote = RemoteWrites(world, path)
        remote.start()
        try:
            if await _connects(world, remote):
                yield remote
                return
        finally:
            remote.close()
    _as_the_service(config)
    writer = await open_store(world, config)
    try:
        yield writer
    finally:
        await writer.close()


async def open_store(world: World, config: Config) -> StoreWriter:
    from holdfast.store import IndexFiles, StoreWriter

    volume = layout.main_volume(config)
    return await StoreWriter.open(
        world,
        config.volume_folder(volume),
        IndexFiles(world, layout.index_folder(config, volume)),
        cells=config.service.cells,
        copies=config.copies_of(volume, "synchronous"),
        trailing=config.copies_of(volume, "trailing"),
        pack_bytes=config.volumes[volume].pack_bytes,
    )


def mail_store(world: World, config: Config, writes: RemoteWrites | StoreWriter) -> MailStore:
    """The handle on the mail that is kept; ``writes``: where changes go."""
    from holdfast.store import IndexFiles, MailStore

    volume = layout.main_volume(config)
    copies = config.copies_of(volume, "synchronous") + config.copies_of(volume, "trailing")
    files = IndexFiles(world, layout.index_folder(config, volume))
    return MailStore(world, writes, files, config.volume_folder(volume), copies)


def fullness(world: World, config: Config, quotas: Quotas) -> Fullness:
    """Who has no room: for the store's process."""
    from holdfast.store.fullness import Fullness
    from holdfast.store.index import IndexFiles
    from holdfast.store.reader import Readers
    from holdfast.store.replay import Volume

    volume = layout.main_volume(config)
    files = IndexFiles(world, layout.index_folder(config, volume))
    readers = Readers(world, files, Volume(world, config.volume_folder(volume)))
    return Fullness(world, readers, config.service.cells, quotas)


def reading(world: World, config: Config) -> MailStore:
    """The handle for reading alone: whether the store's process runs or not (STORE-11)."""
    from holdfast.store import RemoteWrites

    return mail_store(world, config, RemoteWrites(world, layout.socket_path(config, "store")))


def _as_the_service(config: Config) -> None:
    """What root wrote, the service could not write to later."""
    system.become(config.service.user)


@contextlib.asynccontextmanager
async def queue(world: World, config: Config) -> AsyncIterator[RelayClient]:
    """Mail to elsewhere that waits. Raises ``Unavailable("relay")`` when the relay does not run."""
    from holdfast.flow.relay_door import RelayClient

    client = RelayClient(world, layout.socket_path(config, "relay"))
    client.start()
    try:
        if not await _connects(world, client):
            raise Unavailable("relay", "it does not run: see `holdfast status`")
        yield client
    finally:
        client.close()


async def _connects(world: World, link: Connecting) -> bool:
    until = world.clock.monotonic() + CONNECT_S
    while not link.connected and world.clock.monotonic() < until:
        await world.clock.sleep(0.005)
    return link.connected


class Connecting(Protocol):
    @property
    def connected(self) -> bool: ...
