"""What each process is made of: directory, store, packs and functions put together.

Every role is ``async def run_…(start)``: it makes its parts, says ``ready``, and takes them apart when
``stop`` is set. A part that is out of reach at the start keeps no role from starting (RUN-7).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from holdfast.directory.auth import AuthClient, AuthService
from holdfast.directory.people import People
from holdfast.directory.sign_in import SignIn
from holdfast.flow.intake import Announce, Intake
from holdfast.flow.outbound import Manners
from holdfast.flow.queue import Queue
from holdfast.flow.relay import Relay
from holdfast.flow.relay import Settings as RelaySettings
from holdfast.flow.relay_door import RelayClient, RelayService
from holdfast.functions import imap, mx, pop3, submission
from holdfast.model.mail import Position
from holdfast.run import doors, layout, system
from holdfast.run.child import RoleMain, Start
from holdfast.run.config import Config
from holdfast.run.reading import split_address
from holdfast.run.supervisor import Supervisor
from holdfast.store import MailStore, RemoteWrites, StoreService
from holdfast.wire.sasl import Credentials
from holdfast.world import Listener, Session, real_world
from holdfast.world.dns import RealResolver
from holdfast.world.tls import TlsContext, client_context, server_context

BACK = ("people", "auth", "store")  # RUN-6
DRAIN_S = 2.0  # for sessions to end what they are at
FAREWELL_S = 0.05  # for a last word to be sent


# The back


async def run_store(start: Start) -> None:
    writer = await doors.open_store(start.world, start.config)
    service = StoreService(writer)
    listener = await start.world.net.listen(service.session, layout.socket_path(start.config, "store"))
    await _serve(start)
    listener.close()
    await writer.close()


async def run_people(start: Start) -> None:
    writer = await doors.open_people(start.world, start.config)
    await writer.serve(layout.socket_path(start.config, "people"))
    await _serve(start)
    await writer.close()


async def run_relay(start: Start) -> None:
    """The second half of sending. It follows the intakes as they announce themselves."""
    world, config, volume = start.world, start.config, layout.main_volume(start.config)
    folder = config.volume_folder(volume)
    copies, trailing = config.copies_of(volume, "synchronous"), config.copies_of(volume, "trailing")
    queue = await Queue.open(world, folder, copies=copies, trailing=trailing)
    async with _people(start) as people, _writes(start) as writes:
        relay: Relay

        def announce(ledger: str, durable: Position) -> None:
            writes.announce(ledger, durable)
            relay.announce(ledger, durable)

        intake = Intake(
            world,
            folder,
            start.name,
            host=config.service.hostname,
            inflight_bytes=config.limits.inflight_bytes,
            announce=announce,
            copies=copies,
            trailing=trailing,
            pack_bytes=config.volumes[volume].pack_bytes,
        )
        relay = Relay(world, _relay_settings(config), queue, intake, RealResolver(), people.route)
        await intake.open()
        service = RelayService(relay)
        listener = await world.net.listen(service.session, layout.socket_path(config, "relay"))
        await _until_stopped(start, relay.run())
        listener.close()
        await relay.stop()
        await intake.close()
    await queue.close()


def _relay_settings(config: Config) -> RelaySettings:
    relay = config.relay
    credentials = Credentials("", relay.user, relay.password.read()) if relay.user else None
    verify = relay.tls == "required"
    return RelaySettings(
        Manners(config.service.hostname, relay.tls, client_context(verify=verify), credentials),
        config.limits,
        smarthost=split_address(relay.smarthost) if relay.smarthost else None,
        connections=relay.connections,
        connections_per_destination=relay.connections_per_destination,
        enabled=relay.enabled,
    )


async def run_auth(start: Start) -> None:
    service = await AuthService.serve(start.world, layout.socket_path(start.config, "auth"))
    await _serve(start)
    service.close()


# The functions


async def run_mx(start: Start) -> None:
    config, volume = start.config, layout.main_volume(start.config)
    settings = mx.Settings(
        hostname=config.service.hostname,
        volume_folder=config.volume_folder(volume),
        ledger=start.name,
        copies=config.copies_of(volume, "synchronous"),
        trailing=config.copies_of(volume, "trailing"),
        pack_bytes=config.volumes[volume].pack_bytes,
        tls=tls_context(config),
        limits=config.limits,
    )
    async with _people(start) as people, _announce(start) as announce:
        await mx.serve(
            start.world,
            settings,
            start.sockets["mx"],
            people,
            stop=start.stop,
            announce=announce,
            ready=start.ready,
        )


async def run_submission(start: Start) -> None:
    config, volume = start.config, layout.main_volume(start.config)
    settings = submission.Settings(
        hostname=config.service.hostname,
        volume_folder=config.volume_folder(volume),
        ledger=start.name,
        copies=config.copies_of(volume, "synchronous"),
        trailing=config.copies_of(volume, "trailing"),
        pack_bytes=config.volumes[volume].pack_bytes,
        tls=tls_context(config),
        plain_sign_in=config.tls.plain_sign_in,
        limits=config.limits,
    )
    async with _people(start) as people, _announce(start) as announce, _sign_in(start, people) as sign_in:
        await submission.serve(
            start.world,
            settings,
            start.sockets["submission"] or None,
            start.sockets["submissions"] or None,
            people,
            sign_in,
            stop=start.stop,
            announce=announce,
            ready=start.ready,
        )


async def run_imap(start: Start) -> None:
    config = start.config
    tls = tls_context(config)
    settings = imap.Settings(
        hostname=config.service.hostname,
        tls=tls,
        allow_plaintext=config.tls.plain_sign_in,
        limits=config.limits,
    )
    sockets = [imap.Sockets(each, in_tls=door == "imaps") for door, each in start.sockets.items() if each]
    async with _people(start) as people, _store(start) as store, _sign_in(start, people) as sign_in:
        await _until_stopped(start, imap.serve(start.world, settings, sockets, people, sign_in, store))


async def run_pop3(start: Start) -> None:
    config = start.config
    tls = tls_context(config)
    settings = pop3.Settings(
        host=config.service.hostname,
        tls=tls,
        sign_in_needs_tls=not config.tls.plain_sign_in,
        limits=config.limits,
    )
    async with _people(start) as people, _store(start) as store, _sign_in(start, people) as sign_in:
        function = pop3.Pop3(start.world, settings, sign_in, store)
        await _doors(start, function.session, function.tls_session, tls)


# Parts


@contextlib.asynccontextmanager
async def _people(start: Start) -> AsyncIterator[People]:
    """The process's own copy of the directory, and a task that keeps it up to date."""
    config = start.config
    system.make_folder(layout.copies_folder(config))
    people = await People.open(
        start.world,
        layout.copy_path(config, start.name),
        layout.people_folder(config),
        writer=layout.socket_path(config, "people"),
    )
    task = asyncio.get_running_loop().create_task(people.follow())
    try:
        yield people
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        people.close()


@contextlib.asynccontextmanager
async def _writes(start: Start) -> AsyncIterator[RemoteWrites]:
    writes = RemoteWrites(start.world, layout.socket_path(start.config, "store"))
    writes.start()
    try:
        yield writes
    finally:
        writes.close()


@contextlib.asynccontextmanager
async def _store(start: Start) -> AsyncIterator[MailStore]:
    async with _writes(start) as writes:
        yield doors.mail_store(start.world, start.config, writes)


@contextlib.asynccontextmanager
async def _announce(start: Start) -> AsyncIterator[Announce]:
    """Tells the store and the relay what an intake has; both may be gone (FLOW-1)."""
    relay = RelayClient(start.world, layout.socket_path(start.config, "relay"))
    relay.start()
    async with _writes(start) as writes:

        def announce(ledger: str, durable: Position) -> None:
            writes.announce(ledger, durable)
            relay.announce(ledger, durable)

        try:
            yield announce
        finally:
            relay.close()


@contextlib.asynccontextmanager
async def _sign_in(start: Start, people: People) -> AsyncIterator[SignIn]:
    auth = AuthClient(start.world, layout.socket_path(start.config, "auth"))
    sign_in = SignIn(start.world, people, auth)
    try:
        yield sign_in
    finally:
        sign_in.close()
        auth.close()


def tls_context(config: Config) -> TlsContext | None:
    """None when there is no certificate: plain doors open all the same, and doctor says so."""
    try:
        return server_context(config.certificate, config.key)
    except OSError:
        return None


async def _doors(
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
    await _serve(start)
    await _close(start, listeners)


async def _until_stopped(start: Start, serving: Coroutine[Any, Any, None]) -> None:
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


async def _serve(start: Start) -> None:
    start.ready()
    await start.stop.wait()


async def _close(start: Start, listeners: list[Listener]) -> None:
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


# All of it

MAINS: dict[str, RoleMain] = {
    "people": run_people,
    "auth": run_auth,
    "store": run_store,
    "mx": run_mx,
    "submission": run_submission,
    "relay": run_relay,
    "imap": run_imap,
    "pop3": run_pop3,
}


def plan(config: Config) -> list[tuple[str, int, RoleMain]]:
    """(role, worker, what it runs), those first that others need."""
    counts = dict.fromkeys(MAINS, 1) | {
        "mx": config.workers.mx,
        "submission": config.workers.submission,
        "imap": config.workers.imap,
        "pop3": config.workers.pop3,
    }
    return [(role, worker, main) for role, main in MAINS.items() for worker in range(counts[role])]


def serve(config: Config, **keys: Any) -> None:
    """``holdfast serve``: everything is imported here, in the parent (RUN-5). ``keys``: the Supervisor's."""
    world = real_world(journal_path=config.service.journal or None)
    Supervisor(world, config, plan(config), back=BACK, **keys).run()
