"""HTTP: serving an ASGI application on sockets handed down, and asking servers that are not ours.

uvicorn parses and writes; who may connect, how long a request may take to arrive and how the end goes
is here, so that a slow or greedy client costs a bounded amount (WORLD-20).
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import ipaddress
import logging
import socket
import ssl
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any, NamedTuple, cast

import httpx2
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import (
    HTTP_ANSWER_BYTES,
    HTTP_ANSWER_S,
    HTTP_CONNECT_S,
    LISTEN_BACKLOG,
    TLS_HANDSHAKE_S,
    WEB_CONNECTIONS,
    WEB_CONNECTIONS_PER_ADDRESS,
    WEB_HEAD_BYTES,
    WEB_HEAD_S,
    WEB_IDLE_S,
    WEB_SEND_S,
    WEB_SOCKET_PING_S,
    WEB_SOCKET_PONG_S,
    WEB_STOP_S,
)
from holdfast.world.events import HTTP_FAILED
from holdfast.world.world import World

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Door(NamedTuple):
    """Listening sockets, and how TLS is spoken on them; None: it isn't."""

    sockets: Sequence[socket.socket]
    tls: ssl.SSLContext | None


class Crowd(NamedTuple):
    """How many connections one process serves at a time, and how many of one address."""

    all: int = WEB_CONNECTIONS
    per_address: int = WEB_CONNECTIONS_PER_ADDRESS


COMMON_CROWD = Crowd()


class Proxies:
    """Who is believed when he says for whom he speaks: addresses and networks (CIDR).

    Raises ``ValueError`` for what is neither.
    """

    def __init__(self, trusted: Sequence[str]) -> None:
        self._networks = [ipaddress.ip_network(each, strict=False) for each in trusted]

    def __contains__(self, host: str) -> bool:
        if not self._networks:
            return False
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)

    def client(self, peer: str, forwarded_for: Sequence[str]) -> str:
        """The nearest address that isn't a proxy of ours; each proxy has added its client on the right."""
        for each in reversed([peer_of(part) for line in forwarded_for for part in line.split(",")]):
            if peer not in self:
                break
            try:
                peer = str(ipaddress.ip_address(each))
            except ValueError:
                break
        return peer


def peer_of(text: str) -> str:
    """``192.0.2.1``, ``192.0.2.1:1234``, ``[2001:db8::1]:1234`` → the address alone."""
    text = text.strip()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


async def serve_http(
    world: World,
    app: App,
    sockets: Sequence[socket.socket],
    *,
    tls: ssl.SSLContext | None = None,
    stop: asyncio.Event,
    ready: Callable[[], object] = lambda: None,
    trusted_proxies: Sequence[str] = (),
    crowd: Crowd = COMMON_CROWD,
) -> None:
    """Serves ``app`` until ``stop``; requests in work then have ``WEB_STOP_S`` to end."""
    await serve_http_doors(
        world, app, [Door(sockets, tls)], stop=stop, ready=ready, trusted_proxies=trusted_proxies, crowd=crowd
    )


async def serve_http_doors(
    world: World,
    app: App,
    doors: Sequence[Door],
    *,
    stop: asyncio.Event,
    ready: Callable[[], object] = lambda: None,
    trusted_proxies: Sequence[str] = (),
    message_bytes: int = 0,
    crowd: Crowd = COMMON_CROWD,
) -> None:
    """One application on several doors, with TLS and without; ``ready`` is called once when all listen.

    ``message_bytes``: of one message of a websocket; 0: none are served.
    """
    served = _Served(world, app, Proxies(trusted_proxies), message_bytes, crowd)
    loop = asyncio.get_running_loop()
    servers = []
    for door in doors:
        for each in door.sockets:
            each.setblocking(False)
            servers.append(
                await loop.create_server(
                    served.protocol,
                    sock=each,
                    backlog=LISTEN_BACKLOG,
                    ssl=door.tls,
                    ssl_handshake_timeout=TLS_HANDSHAKE_S if door.tls else None,
                )
            )
    ready()
    try:
        await stop.wait()
    finally:
        for server in servers:
            server.close()
        await served.end()


class _Served:
    """What all connections of one application share."""

    def __init__(self, world: World, app: App, proxies: Proxies, message_bytes: int, crowd: Crowd) -> None:
        self.world = world
        self.crowd = crowd
        self.app = app
        self.proxies = proxies
        self.counts: Counter[str] = Counter()
        self.config = uvicorn.Config(
            cast(Any, self.answer),
            interface="asgi3",
            http="httptools",
            ws=cast(Any, self._websocket()) if message_bytes else "none",
            ws_max_size=message_bytes,
            ws_ping_interval=WEB_SOCKET_PING_S,
            ws_ping_timeout=WEB_SOCKET_PONG_S,
            lifespan="off",
            loop="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=int(WEB_IDLE_S),
        )
        self.config.load()
        logging.getLogger("uvicorn").disabled = True  # the journal says it, in registered words
        logging.getLogger("uvicorn.error").disabled = True
        self.state = ServerState()

    def protocol(self) -> _Protocol:
        return _Protocol(self)

    def count(self, address: str, by: int) -> None:
        self.counts[address] += by
        if self.counts[address] <= 0:
            del self.counts[address]

    def _websocket(self) -> type:
        """What takes over a connection that becomes a websocket: it is counted until it ends."""
        from holdfast.world.websockets import counted

        return counted(lambda address: self.count(address, -1))

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application, told whom a trusted proxy speaks for; whatever it raises is journalled here."""
        self._name_client(scope)
        begun = False

        async def dated(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                now = email.utils.formatdate(self.world.clock.now(), usegmt=True).encode()
                message["headers"] = [*message.get("headers", ()), (b"date", now)]  # RFC 9110 §6.6.1
            async with asyncio.timeout(WEB_SEND_S):
                await send(message)

        try:
            await self.app(scope, receive, dated)
        except Exception as error:
            if begun and isinstance(error, TimeoutError):
                return  # the client took nothing any more; uvicorn closes what is incomplete
            self.world.journal.emit(
                HTTP_FAILED,
                path=str(scope.get("path", ""))[:200],
                error=f"{type(error).__name__}: {error}",
                where="".join(traceback.format_exception(error)[-6:]),
            )
            raise

    def _name_client(self, scope: Scope) -> None:
        client = scope.get("client")
        if not client or client[0] not in self.proxies:
            return
        fields: list[tuple[bytes, bytes]] = scope["headers"]
        forwarded = [value.decode("latin-1") for name, value in fields if name == b"x-forwarded-for"]
        scheme = [value for name, value in fields if name == b"x-forwarded-proto"]
        scope["client"] = (self.proxies.client(client[0], forwarded), 0)
        if scheme and scheme[-1].strip() in (b"http", b"https"):
            scope["scheme"] = scheme[-1].strip().decode()

    async def end(self) -> None:
        """Connections without a request end at once, the others after their answer, or ``WEB_STOP_S``."""
        for connection in list(self.state.connections):
            connection.shutdown()
        tasks = list(self.state.tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=WEB_STOP_S)
        for task in self.state.tasks:
            task.cancel()
        for connection in list(self.state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)


class _Protocol(HttpToolsProtocol):
    """uvicorn's, with a bound on connections, and on the head's size and time."""

    def __init__(self, served: _Served) -> None:
        super().__init__(served.config, served.state, {}, asyncio.get_running_loop())
        self._served = served
        self._address = ""
        self._head_bytes = 0
        self._in_head = True
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        served, crowd = self._served, self._served.crowd
        served.count(self._address, 1)
        greedy = served.counts[self._address] > crowd.per_address and self._address not in served.proxies
        if greedy or len(self.connections) > crowd.all:
            transport.abort()
            return
        self._begin_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        self._served.count(self._address, -1)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
            if self._timer is None:
                self._begin_head()
        with contextlib.suppress(AttributeError):  # an aborted connection's parser is gone
            super().data_received(data)
        if self._in_head and self._head_bytes > WEB_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of this request is too long.")

    def on_message_begin(self) -> None:
        self._in_head = True
        if self._timer is None:
            self._begin_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_bytes = 0
        self._end_head()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head = True  # what comes next is another request's
        self._end_head()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._in_head:  # answered before all was sent, and the rest is of no use
            self._begin_head()

    def _begin_head(self) -> None:
        self._timer = self.loop.call_later(WEB_HEAD_S, self.transport.abort)

    def _end_head(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class HttpAnswer(NamedTuple):
    """``headers``: names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient:
    """Asks servers that are not ours. Follows no redirect, believes no proxy of the environment."""

    def __init__(
        self,
        world: World,
        *,
        authority_path: str | None = None,
        public_only: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """``authority_path``: a PEM file of the only authority to trust; None: the system's.
        ``tls``: how TLS is spoken instead.

        ``public_only``: for addresses that strangers name; nothing in our own networks is asked.
        """
        self._world = world
        self._public_only = public_only
        context = tls or ssl.create_default_context(cafile=authority_path)
        self._client = httpx2.AsyncClient(
            verify=context,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(HTTP_ANSWER_S, connect=HTTP_CONNECT_S),
        )

    async def ask(
        self,
        method: str,
        url: str,
        *,
        component: str,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        timeout_s: float = HTTP_ANSWER_S,
        most_bytes: int = HTTP_ANSWER_BYTES,
    ) -> HttpAnswer:
        """Whatever status it has, but 429 and 5xx. Raises ``Unavailable(component)`` for those, for no
        answer within ``timeout_s`` and for one longer than ``most_bytes``.
        ``Refused(NOT_ALLOWED)`` for an address that isn't public, where only those are asked."""
        try:
            if self._public_only:
                await _check_public(url)
            async with (
                asyncio.timeout(timeout_s),
                self._client.stream(method, url, headers=dict(headers or {}), content=content) as answer,
            ):
                body = bytearray()
                async for piece in answer.aiter_bytes():
                    body += piece
                    if len(body) > most_bytes:
                        raise Unavailable(component, f"the answer is longer than {most_bytes} bytes")
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError, ssl.SSLError) as error:
            text = str(error) or type(error).__name__
            raise Unavailable(component, text) from error
        if answer.status_code == 429 or answer.status_code >= 500:
            raise Unavailable(component, f"answered {answer.status_code}", _retry_after(answer.headers))
        fields = {name.lower(): value for name, value in answer.headers.items()}
        return HttpAnswer(answer.status_code, fields, bytes(body))

    async def close(self) -> None:
        await self._client.aclose()


async def _check_public(url: str) -> None:
    """Raises ``Refused(NOT_ALLOWED)``, or ``OSError`` for a name without addresses. A name whose addresses
    change between this and the question gets through: what is asked must be harmless to whoever hears it."""
    parts = httpx2.URL(url)
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(parts.host, parts.port or 443, type=socket.SOCK_STREAM)
    if not all(ipaddress.ip_address(str(each[4][0]).partition("%")[0]).is_global for each in found):
        raise Refused(Reason.NOT_ALLOWED, f"{parts.host} is in a network of ours, or in nobody's")


def _retry_after(headers: Mapping[str, str]) -> float:
    """RFC 9110 §10.2.3, seconds only; 30 when it doesn't say."""
    said = headers.get("retry-after", "")
    return min(3600.0, float(said)) if said.isdecimal() else 30.0
