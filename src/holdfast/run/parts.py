"""What roles are put together from: the copy of the directory, the store's handle, doors, and stopping."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from holdfast.directory.people import People
from holdfast.model.ledgers import PEOPLE
from holdfast.model.mail import AccountId, Position
from holdfast.run import directories, doors, layout, system, telling
from holdfast.run.child import Start
from holdfast.store.mailstore import MailStore, RemoteWrites
from holdfast.world import Listener, Session
from holdfast.world.tls import TlsContext
from holdfast.world.tls_files import TlsFiles

if TYPE_CHECKING:  # each role loads what it needs, and no more
    from holdfast.directory.audit import AuditTrail
    from holdfast.directory.history import History
    from holdfast.directory.sign_in import SignIn
    from holdfast.flow.queue import Fate
    from holdfast.flow.relay_door import RelayClient

DRAIN_S = 2.0  # for sessions to end what they are at
FAREWELL_S = 0.05  # for a last word to be sent


@contextlib.asynccontextmanager
async def people_copy(start: Start) -> AsyncIterator[People]:
    """The process's own copy of the directory, and a task that keeps it up to date."""
    config = start.config
    system.make_folder(layout.copies_folder(config))
    people = await People.open(
        start.world,
        layout.copy_path(config, start.name),
        layout.people_folder(config),
        copies=layout.people_copies(config),
        writer=layout.socket_path(config, "people"),
    )
    telling.of_people(start, people)
    task = asyncio.get_running_loop().create_task(people.follow())
    try:
        yield people
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        people.close()


@contextlib.asynccontextmanager
async def audit_trail(start: Start, people: People) -> AsyncIterator[AuditTrail]:
    """Who changed what, folded from the people ledger into a file of this process."""
    from holdfast.directory.audit import AuditTrail
    from holdfast.directory.copy import Source

    config = start.config
    source = Source(start.world, layout.people_folder(config), PEOPLE, layout.people_copies(config))
    trail = AuditTrail(start.world, layout.copy_path(config, f"{start.name}-audit"), source)
    task = asyncio.get_running_loop().create_task(trail.follow(people))
    try:
        yield trail
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        trail.close()


@contextlib.asynccontextmanager
async def store_writes(start: Start, *, watch_full: bool = False) -> AsyncIterator[RemoteWrites]:
    writes = RemoteWrites(start.world, layout.socket_path(start.config, "store"))
    if watch_full:
        writes.watch_full()
    writes.start()
    try:
        yield writes
    finally:
        writes.close()


@contextlib.asynccontextmanager
async def store_handle(start: Start) -> AsyncIterator[MailStore]:
    async with store_writes(start) as writes:
        yield doors.mail_store(start.world, start.config, writes)


class Announcing:
    """What an intake says and hears: an ``Announce``, and which accounts have no room (STORE-12)."""

    def __init__(self, writes: RemoteWrites, relay: RelayClient) -> None:
        self._writes = writes
        self._relay = relay

    def __call__(self, ledger: str, durable: Position) -> None:
        self._writes.announce(ledger, durable)
        self._relay.announce(ledger, durable)

    def is_full(self, account: AccountId) -> bool:
        return account in self._writes.full

    async def fates(self, entry: str, addresses: list[str]) -> dict[str, Fate]:
        """What became of recipients elsewhere. Raises ``Unavailable("relay")``."""
        return await self._relay.fates(entry, addresses)


@contextlib.asynccontextmanager
async def announcing(start: Start) -> AsyncIterator[Announcing]:
    """Tells the store and the relay what an intake has; both may be gone (FLOW-1)."""
    from holdfast.flow.relay_door import RelayClient

    relay = RelayClient(start.world, layout.socket_path(start.config, "relay"))
    relay.start()
    async with store_writes(start, watch_full=True) as writes:
        try:
            yield Announcing(writes, relay)
        finally:
            relay.close()


@contextlib.asynccontextmanager
async def history_of(start: Start) -> AsyncIterator[History]:
    """What this process notes of sign-ins."""
    from holdfast.directory.history import History

    history = History(start.world, layout.history_path(start.config, start.name))
    try:
        yield history
    finally:
        await history.close()


@contextlib.asynccontextmanager
async def sign_in_noted(start: Start, people: People, history: History) -> AsyncIterator[SignIn]:
    from holdfast.directory.auth import AuthClient
    from holdfast.directory.sign_in import SignIn

    auth = AuthClient(start.world, layout.socket_path(start.config, "auth"))
    async with directories.outsides(start, people) as outside:
        sign_in = SignIn(start.world, people, auth, outside=outside, history=history)
        try:
            yield sign_in
        finally:
            sign_in.close()
            auth.close()


@contextlib.asynccontextmanager
async def sign_in_with(start: Start, people: People) -> AsyncIterator[SignIn]:
    async with history_of(start) as history, sign_in_noted(start, people, history) as sign_in:
        yield sign_in


_following: set[asyncio.Task[None]] = set()  # the loop itself keeps no task from being forgotten


def tls_context(start: Start) -> TlsContext | None:
    """None when there is no certificate: plain doors open all the same, and doctor says so.

    A new certificate is served as soon as its files are there (WORLD-19), until the process ends.
    """
    config = start.config
    try:
        files = TlsFiles(start.world, config.certificate, config.key)
    except OSError:
        return None
    task = asyncio.get_running_loop().create_task(files.follow())
    _following.add(task)
    task.add_done_callback(_following.discard)
    return files.context


async def serve_doors(
    start: Start, plain: Callable[[], Session], in_tls: Callable[[], Session], tls: TlsContext | None
) -> None:
    """Listens on the role's sockets, in TLS where the door's name ends with s, until told to stop."""
    listeners: list[Listener] = []
    for door, sockets in start.sockets.items():
        if not sockets:
            continue
        if not door.endswith("s"):
            listeners.append(await start.world.net.listen(plain, sockets))
        elif tls is not None:
            listeners.append(await start.world.net.listen(in_tls, sockets, tls))
    await until_stop(start)
    await close_doors(start, listeners)


async def until_stopped(start: Start, serving: Coroutine[Any, Any, None]) -> None:
    """Runs what serves until it is cancelled; what it raises ends the process."""
    task = asyncio.get_running_loop().create_task(serving)
    stopped = asyncio.get_running_loop().create_task(start.stop.wait())
    start.ready()
    await asyncio.wait([task, stopped], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not task.done():
        task.cancel()
        await start.world.clock.sleep(FAREWELL_S)
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def until_stop(start: Start) -> None:
    start.ready()
    await start.stop.wait()


async def close_doors(start: Start, listeners: list[Listener]) -> None:
    """No new connections; the others are ended, and have a moment to hear it."""
    for listener in listeners:
        listener.close()
    for listener in listeners:
        for connection in list(listener.connections):
            connection.close()
    until = start.world.clock.monotonic() + DRAIN_S
    while any(list(listener.connections) for listener in listeners):
        if start.world.clock.monotonic() > until:
            break
        await start.world.clock.sleep(0.02)
