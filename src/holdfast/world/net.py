"""The network: listening, and connecting."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from holdfast.model.limits import CONNECT_S, LISTEN_BACKLOG
from holdfast.world.connection import Connection, Hub, Peer
from holdfast.world.events import CALLBACK_FAILED, SESSION_FAILED
from holdfast.world.journal import Journal
from holdfast.world.session import Session
from holdfast.world.tls import TlsContext, TlsLayer

S = TypeVar("S", bound=Session)


class Listener(Protocol):
    @property
    def addresses(self) -> Sequence[Peer]: ...

    @property
    def connections(self) -> Iterable[Connection]:
        """Those accepted here and still open, in the order they came."""

    def close(self) -> None:
        """Accepts no more; open connections go on."""


class Net(Protocol):
    async def listen(
        self,
        factory: Callable[[], Session],
        where: Peer | Sequence[socket.socket],
        tls: TlsContext | None = None,
    ) -> Listener:
        """Accepts at an address, or on sockets that were passed down. Port 0 takes a free one.

        `OSError` (EADDRINUSE, EACCES) if that can't be.
        """

    async def connect(
        self,
        factory: Callable[[], S],
        address: Peer,
        tls: TlsContext | None = None,
        *,
        server_name: str | None = None,
        timeout_s: float = CONNECT_S,
    ) -> S:
        """The session, after its `connected`. `OSError` (also `TimeoutError`) if there is no way.

        `server_name` is what the peer's certificate must name; the address by default.
        """


class RealListener:
    __slots__ = ("_connections", "_open", "_servers", "addresses")

    def __init__(self, connections: dict[Connection, None], opened: set[RealListener]) -> None:
        """``opened``: keeps it for as long as it listens; no door closes because its handle is dropped."""
        self._connections = connections
        self._open = opened
        opened.add(self)
        self._servers: list[asyncio.AbstractServer] = []
        self.addresses: list[Peer] = []

    @property
    def connections(self) -> Iterable[Connection]:
        return list(self._connections)

    def add(self, server: asyncio.AbstractServer, address: Peer) -> None:
        self._servers.append(server)
        self.addresses.append(address)

    def close(self) -> None:
        for server in self._servers:
            server.close()
        self._open.discard(self)


class RealNet:
    """Sockets on whatever event loop runs (uvloop in production)."""

    __slots__ = ("_hub", "_journal", "_listeners")

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._hub: Hub | None = None
        self._listeners: set[RealListener] = set()

    def hub(self) -> Hub:
        loop = asyncio.get_running_loop()
        if self._hub is None or self._hub.loop is not loop:
            self._hub = Hub(loop, self._journal)
            loop.set_exception_handler(self._unhandled)
        return self._hub

    async def listen(
        self,
        factory: Callable[[], Session],
        where: Peer | Sequence[socket.socket],
        tls: TlsContext | None = None,
    ) -> RealListener:
        sockets = _sockets(where)
        hub = self.hub()
        connections: dict[Connection, None] = {}

        accepted = accepting(hub, factory, tls, connections)
        listener = RealListener(connections, self._listeners)
        for sock in sockets:
            sock.setblocking(False)
            if sock.family == socket.AF_UNIX:
                server: asyncio.AbstractServer = await hub.loop.create_unix_server(
                    accepted, sock=sock, backlog=LISTEN_BACKLOG
                )
            else:
                server = await hub.loop.create_server(accepted, sock=sock, backlog=LISTEN_BACKLOG)
            listener.add(server, _address(sock.getsockname()))
        return listener

    async def connect(
        self,
        factory: Callable[[], S],
        address: Peer,
        tls: TlsContext | None = None,
        *,
        server_name: str | None = None,
        timeout_s: float = CONNECT_S,
    ) -> S:
        loop = self.hub().loop

        async def reach(connection: Connection) -> None:
            if isinstance(address, str):
                await loop.create_unix_connection(lambda: connection, address)
            else:
                await loop.create_connection(lambda: connection, *address)

        name = server_name or (address[0] if isinstance(address, tuple) else None)
        layer = TlsLayer(tls, server_side=False, server_name=name) if tls is not None else None
        return await connecting(self.hub(), factory(), layer, reach, timeout_s)

    def _unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        self._journal.emit(
            CALLBACK_FAILED,
            error=f"{type(error).__name__}: {error}" if error else str(context.get("message")),
            where=str(context.get("future") or context.get("handle") or context.get("message")),
        )


class _Closing(Session):
    """For a connection whose session could not be made."""

    __slots__ = ()

    def connected(self) -> None:
        self.connection.close()


def accepting(
    hub: Hub, factory: Callable[[], Session], tls: TlsContext | None, open: dict[Connection, None]
) -> Callable[[], Connection]:
    """What makes a connection of each one that is accepted; ``open``: where it is kept while it is."""

    def accepted() -> Connection:
        layer = TlsLayer(tls, server_side=True) if tls is not None else None
        try:
            session = factory()
        except Exception as error:  # the loop would leave the client connected to nothing
            hub.journal.emit(
                SESSION_FAILED, peer="", session="factory", error=f"{type(error).__name__}: {error}", where=""
            )
            session, layer = _Closing(), None
        return Connection(hub, session, owner=open, tls=layer)

    return accepted


async def connecting(
    hub: Hub,
    session: S,
    tls: TlsLayer | None,
    reach: Callable[[Connection], Awaitable[None]],
    timeout_s: float,
) -> S:
    """The session, once ``reach`` has brought its connection to the other side and TLS stands."""
    opened: asyncio.Future[None] = hub.loop.create_future()
    connection = Connection(hub, session, tls=tls, opened=opened)
    try:
        async with asyncio.timeout(timeout_s):
            await reach(connection)
            await opened
    except BaseException:
        connection.abort()
        raise
    return session


def bind(address: Peer) -> socket.socket:
    """A listening socket, to be handed to `listen`, by a supervisor perhaps to another process.

    A unix socket is for the owner alone; one left behind by a dead process is
    replaced, so whoever calls this holds the lock of the role.
    """
    if isinstance(address, str):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            if stat.S_ISSOCK(os.lstat(address).st_mode):
                os.unlink(address)
        except FileNotFoundError:
            pass
        target: str | tuple[str, int] = address
    else:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # accepted sockets inherit it
        target = address
    try:
        sock.bind(target)
        if isinstance(address, str):
            os.chmod(address, 0o600)
        sock.listen(LISTEN_BACKLOG)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def _sockets(where: Peer | Sequence[socket.socket]) -> list[socket.socket]:
    if isinstance(where, str):
        return [bind(where)]
    passed = [sock for sock in where if isinstance(sock, socket.socket)]
    if len(passed) == len(where):
        return passed
    host, port = where
    assert isinstance(host, str) and isinstance(port, int)
    return [bind((host, port))]


def _address(name: object) -> Peer:
    if isinstance(name, tuple):
        return (str(name[0]), int(name[1]))
    return str(name)
