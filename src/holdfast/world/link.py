"""A link between two of our own processes: requests, replies and pushes over one unix socket.

A frame is ``u32 length, u32 id, u8 kind, payload`` (little-endian; the length counts what
follows it). The payload is the caller's own. Errors that cross package borders cross
the link too: ``Refused`` and ``Unavailable`` come out on the other side as they went in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import FRAME_BODY_BYTES
from holdfast.world.connection import Session
from holdfast.world.world import World

_REQUEST, _REPLY, _PUSH, _UNAVAILABLE, _REFUSED = range(5)
_HEAD = 9
FIRST_RETRY_S = 0.02
LONGEST_RETRY_S = 0.25  # a socket on this machine: cheap to ask


def _frame(id: int, kind: int, payload: bytes) -> bytes:
    return b"".join(
        ((len(payload) + 5).to_bytes(4, "little"), id.to_bytes(4, "little"), bytes((kind,)), payload)
    )


class _LinkSession(Session):
    """Cuts the stream into frames; both ends are one of these."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= _HEAD:
            length = int.from_bytes(buffer[at : at + 4], "little")
            if length < 5 or length > FRAME_BODY_BYTES:
                raise ValueError(f"link frame of {length} bytes")
            if len(buffer) - at < 4 + length:
                break
            id = int.from_bytes(buffer[at + 4 : at + 8], "little")
            self._frame(id, buffer[at + 8], bytes(buffer[at + _HEAD : at + 4 + length]))
            at += 4 + length
        if at:
            del buffer[:at]

    def _frame(self, id: int, kind: int, payload: bytes) -> None:
        raise AssertionError("both ends say what a frame is to them")


Handler = Callable[["LinkPeer", bytes], Awaitable[bytes]]


class LinkPeer(_LinkSession):
    """The serving end of one connection. ``handle`` runs once per request, many at a time."""

    __slots__ = ("_handle", "_on_lost", "_tasks", "label")

    def __init__(self, handle: Handler, on_lost: Callable[[LinkPeer], object]) -> None:
        super().__init__()
        self._handle = handle
        self._on_lost = on_lost
        self._tasks: set[asyncio.Task[None]] = set()
        self.label = ""  # the handler's own, for what the peer said it is

    def push(self, payload: bytes) -> None:
        """Tell the peer something it did not ask for; lost if the connection is."""
        self.connection.write(_frame(0, _PUSH, payload))

    def _frame(self, id: int, kind: int, payload: bytes) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(id, payload))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, id: int, payload: bytes) -> None:
        try:
            answer, kind = await self._handle(self, payload), _REPLY
        except Unavailable as error:
            answer = msgspec.msgpack.encode((error.component, error.text, error.retry_after_s))
            kind = _UNAVAILABLE
        except Refused as refused:
            answer, kind = msgspec.msgpack.encode((refused.reason.value, refused.text)), _REFUSED
        if id:
            self.connection.write(_frame(id, kind, answer))

    def lost(self, error: Exception | None) -> None:
        self._on_lost(self)


class _LinkClientSession(_LinkSession):
    __slots__ = ("_link",)

    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link

    def _frame(self, id: int, kind: int, payload: bytes) -> None:
        self._link.frame(id, kind, payload)

    def lost(self, error: Exception | None) -> None:
        self._link.disconnected(self)


class Link:
    """The asking end: connects, and connects again with backoff whenever the other side was gone.

    ``component`` names the other side in the ``Unavailable`` of calls made while it is gone.
    A call that was under way when the connection broke is ``Unavailable`` too: it may have
    taken effect or not.
    """

    def __init__(
        self,
        world: World,
        path: str,
        component: str,
        *,
        on_push: Callable[[bytes], object] | None = None,
        on_connected: Callable[[], object] | None = None,
    ) -> None:
        self._world = world
        self._path = path
        self._component = component
        self._on_push = on_push
        self._on_connected = on_connected
        self._session: _LinkClientSession | None = None
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._next = 0
        self._closed = False
        self._task: asyncio.Task[None] | None = None
        self._broken = asyncio.Event()

    @property
    def connected(self) -> bool:
        return self._session is not None

    def start(self) -> None:
        """Begin to connect, in the background."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._keep_connected())

    async def _keep_connected(self) -> None:
        delay = FIRST_RETRY_S
        while not self._closed:
            session = _LinkClientSession(self)
            try:
                await self._world.net.connect(lambda session=session: session, self._path)  # type: ignore[misc]
            except (OSError, Unavailable):
                await self._world.clock.sleep(delay)
                delay = min(delay * 2, LONGEST_RETRY_S)
                continue
            delay = FIRST_RETRY_S
            self._session = session
            self._broken.clear()
            if self._on_connected is not None:
                self._on_connected()
            await self._broken.wait()

    def frame(self, id: int, kind: int, payload: bytes) -> None:
        """A frame from the other side."""
        if kind == _PUSH:
            if self._on_push is not None:
                self._on_push(payload)
            return
        waiting = self._waiting.pop(id, None)
        if waiting is None or waiting.done():
            return
        if kind == _REPLY:
            waiting.set_result(payload)
        elif kind == _UNAVAILABLE:
            component, text, retry = msgspec.msgpack.decode(payload)
            waiting.set_exception(Unavailable(component, text, retry))
        else:
            reason, text = msgspec.msgpack.decode(payload)
            waiting.set_exception(Refused(Reason(reason), text))

    def disconnected(self, session: _LinkClientSession) -> None:
        if self._session is session:
            self._session = None
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(Unavailable(self._component, "connection lost", retry_after_s=2.0))
        self._broken.set()

    def send(self, payload: bytes) -> bool:
        """Say something that needs no reply; False when nobody is there to hear it."""
        if self._session is None:
            return False
        self._session.connection.write(_frame(0, _REQUEST, payload))
        return True

    def call(self, payload: bytes) -> asyncio.Future[bytes]:
        """Ask; the future gives the reply's payload, or raises ``Refused`` or ``Unavailable``."""
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        if self._session is None:
            future.set_exception(Unavailable(self._component, "not connected", retry_after_s=2.0))
            return future
        self._next = self._next % 0xFFFFFFFF + 1
        self._waiting[self._next] = future
        self._session.connection.write(_frame(self._next, _REQUEST, payload))
        return future

    def close(self) -> None:
        self._closed = True
        if self._task is not None:
            self._task.cancel()
        if self._session is not None:
            self._session.connection.close()
