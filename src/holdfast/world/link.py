"""A link between two of our own processes: requests, replies and pushes over one unix socket.

A frame is ``u32 length, u32 id, u8 kind, payload`` (little-endian; the length counts what
follows it). The payload is the caller's own. Id 0: nobody waits for an answer.

Every call has an outcome (WORLD-15): its answer; ``Refused`` or ``Unavailable`` as the other
side raised them; ``OutOfReach``, nothing was asked; or ``Lost``, it may have been carried out.
"""

from __future__ import annotations

import asyncio
import struct
import traceback
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from holdfast.model.errors import ComponentId, Reason, Refused, Unavailable
from holdfast.model.limits import (
    FRAME_BODY_BYTES,
    LINK_ANSWER_S,
    LINK_ASKED_BYTES,
    LINK_CONNECT_S,
    LINK_REQUESTS,
    LINK_RETRY_FIRST_S,
    LINK_RETRY_LONGEST_S,
    LINK_SILENT_S,
    LINK_UNHEARD_BYTES,
    LINK_WAIT_S,
)
from holdfast.world.clock import Timer
from holdfast.world.connection import Connection
from holdfast.world.events import REQUEST_FAILED
from holdfast.world.session import Session
from holdfast.world.world import World

REQUEST, REPLY, PUSH, UNAVAILABLE, REFUSED, FAILED, PING, PONG = range(8)
HEAD = struct.Struct("<IIB")
_AFTER_LENGTH = HEAD.size - 4
_JOIN_BYTES = 4096  # a larger payload is not copied behind its head
_SWEEP_S = 1.0  # how often calls that wait too long are looked for
_RETRY_AFTER_S = 2.0

_encode = msgspec.msgpack.Encoder().encode
_decode_unavailable = msgspec.msgpack.Decoder(tuple[str, str, float]).decode
_decode_refused = msgspec.msgpack.Decoder(tuple[str, str]).decode


class OutOfReach(Unavailable):
    """Nobody was there to be asked: nothing was carried out."""


class Lost(Unavailable):
    """Asked, but not answered: it may have been carried out."""


def _say(connection: Connection, id: int, kind: int, payload: bytes) -> None:
    head = HEAD.pack(len(payload) + _AFTER_LENGTH, id, kind)
    if len(payload) <= _JOIN_BYTES:
        connection.write(head + payload)
    else:
        connection.writelines([head, payload])


class _LinkSession(Session):
    """Cuts the stream into frames, wherever it was split; both ends are one of these."""

    __slots__ = ("_most", "_need", "_rest")

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._rest = bytearray()  # the beginning of a frame …
        self._need = 0  # … and how many bytes there must be before it is looked at again

    def received(self, data: bytes) -> None:
        """Raises ``ValueError`` at what is no frame or too large a one: that ends the connection."""
        rest = self._rest
        if rest:
            rest += data
            if len(rest) < self._need:
                return
            data = bytes(rest)
            rest.clear()
        at, size = 0, len(data)
        self._need = HEAD.size
        while size - at >= HEAD.size:
            length, id, kind = HEAD.unpack_from(data, at)
            if not _AFTER_LENGTH <= length <= self._most + _AFTER_LENGTH:
                raise ValueError(f"link frame of {length} bytes")
            end = at + 4 + length
            if end > size:
                self._need = end - at
                break
            self._frame(id, kind, data[at + HEAD.size : end])
            at = end
        if at < size:
            rest += memoryview(data)[at:]

    def _frame(self, id: int, kind: int, payload: bytes) -> None:
        raise AssertionError("both ends say what a frame is to them")


Handler = Callable[["LinkPeer", bytes], Awaitable[bytes]]


class LinkPeer(_LinkSession):
    """The serving end of one connection. ``handle`` runs once per request, many at a time.

    ``Refused`` and ``Unavailable`` out of it reach the asker as they are; anything else is
    journalled (``request_failed``), and the asker's is an ``Unavailable`` of this side.
    """

    __slots__ = ("_handle", "_held", "_on_lost", "_tasks", "label")

    def __init__(
        self,
        handle: Handler,
        on_lost: Callable[[LinkPeer], object] = lambda _: None,
        *,
        most_bytes: int = FRAME_BODY_BYTES,
    ) -> None:
        super().__init__(most_bytes)
        self._handle = handle
        self._on_lost = on_lost
        self._tasks: set[asyncio.Task[None]] = set()
        self._held = False
        self.label = ""  # the handler's own, for what the peer said it is

    def push(self, payload: bytes) -> None:
        """Tell the peer something it did not ask for; lost if the connection is.

        A peer that doesn't take what it is told is cut off (WORLD-16); it will come again and
        ask how things are.
        """
        if len(payload) > self._most:
            raise ValueError(f"{len(payload)} bytes are too many to push")
        if self.connection.buffered > LINK_UNHEARD_BYTES:
            self.connection.abort()
        else:
            _say(self.connection, 0, PUSH, payload)

    def _frame(self, id: int, kind: int, payload: bytes) -> None:
        if kind == PING:
            _say(self.connection, 0, PONG, b"")
            return
        task = asyncio.get_running_loop().create_task(self._serve(id, kind, payload))
        self._tasks.add(task)
        task.add_done_callback(self._served)
        if len(self._tasks) >= LINK_REQUESTS and not self._held:
            self._held = True
            self.connection.pause()

    def _served(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._held and len(self._tasks) <= LINK_REQUESTS // 2:
            self._held = False
            self.connection.resume()

    async def _serve(self, id: int, kind: int, payload: bytes) -> None:
        try:
            if kind != REQUEST:
                raise ValueError(f"link frame of kind {kind}")
            answer, kind = await self._handle(self, payload), REPLY
            if len(answer) > self._most:
                raise ValueError(f"an answer of {len(answer)} bytes")
        except Unavailable as error:
            answer, kind = _encode((error.component, error.text, float(error.retry_after_s))), UNAVAILABLE
        except Refused as refused:
            answer, kind = _encode((refused.reason.value, refused.text)), REFUSED
        except (Exception, asyncio.CancelledError) as error:
            self._journal(error)
            answer, kind = type(error).__name__.encode(), FAILED
        if id:
            _say(self.connection, id, kind, answer)

    def _journal(self, error: BaseException) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        self.connection.journal.emit(
            REQUEST_FAILED,
            error=f"{type(error).__name__}: {error}",
            where=f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "",
        )

    def lost(self, error: Exception | None) -> None:
        self._on_lost(self)


class _LinkClientSession(_LinkSession):
    __slots__ = ("_link",)

    def __init__(self, link: Link, most_bytes: int) -> None:
        super().__init__(most_bytes)
        self._link = link

    def connected(self) -> None:
        self._link._reached(self)

    def _frame(self, id: int, kind: int, payload: bytes) -> None:
        self._link._heard(id, kind, payload)

    def ended(self) -> None:
        self.connection.abort()  # what the other side didn't answer before it went, it never will

    def failed(self, error: Exception) -> None:
        self.connection.abort()  # whoever waits is told at once

    def lost(self, error: Exception | None) -> None:
        self._link._disconnected(self)


class _PingSession(_LinkSession):
    __slots__ = ("heard",)

    def __init__(self) -> None:
        super().__init__(FRAME_BODY_BYTES)
        self.heard: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def connected(self) -> None:
        _say(self.connection, 0, PING, b"")

    def _frame(self, id: int, kind: int, payload: bytes) -> None:
        if kind == PONG and not self.heard.done():
            self.heard.set_result(True)

    def lost(self, error: Exception | None) -> None:
        if not self.heard.done():
            self.heard.set_result(False)


async def ping(world: World, path: str, timeout_s: float) -> None:
    """Whether a ``LinkPeer`` takes connections at ``path`` and its loop lives; nothing is asked of it.

    Raises ``OSError``, also ``TimeoutError``, where nobody is there or says nothing for ``timeout_s``.
    """
    async with asyncio.timeout(timeout_s):
        session = await world.net.connect(_PingSession, path, timeout_s=timeout_s)
        try:
            if not await session.heard:
                raise ConnectionResetError(f"{path}: the connection was closed")
        finally:
            session.connection.abort()


class _Call(NamedTuple):
    future: asyncio.Future[bytes]
    until: float
    size: int


class _Early(NamedTuple):
    """A call made while there is no connection; nothing of it has been said yet."""

    future: asyncio.Future[bytes]
    payload: bytes
    timeout_s: float
    patience: Timer


class Link:
    """The asking end. ``component`` is who is out of reach when nobody answers at ``path``.

    ``start`` keeps it connected, with backoff, for as long as it lives; without, ``ask``
    connects when it has to. ``on_connected`` is called at each connection: what was said
    before may not have been heard.
    """

    def __init__(
        self,
        world: World,
        path: str,
        component: ComponentId,
        *,
        on_push: Callable[[bytes], object] | None = None,
        on_connected: Callable[[], object] | None = None,
        most_bytes: int = FRAME_BODY_BYTES,
    ) -> None:
        self._world = world
        self._path = path
        self._component = component
        self._on_push = on_push
        self._on_connected = on_connected
        self._most = most_bytes
        self._session: _LinkClientSession | None = None
        self._connecting = asyncio.Lock()
        self._gone = asyncio.Event()
        self._gone.set()
        self._calls: dict[int, _Call] = {}
        self._early: list[_Early] = []
        self._asked_bytes = 0
        self._next = 0
        self._kept: dict[str, bytes] = {}
        self._sweep: Timer | None = None
        self._alive_at = 0.0  # the last sign of life, or when the first of the calls that wait was made
        self._unsent = 0
        self._silent = False  # it was cut off for its silence, and nothing was heard since
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def connected(self) -> bool:
        return self._session is not None

    def start(self) -> None:
        """Begin to connect, in the background, and connect again whenever the other side was gone."""
        if self._task is None and not self._closed:
            self._task = asyncio.get_running_loop().create_task(self._keep_connected())

    async def ended(self) -> None:
        """Returns when there is no connection (any more)."""
        await self._gone.wait()

    def send(self, payload: bytes) -> bool:
        """Say something that needs no reply; False when nobody is there to hear it."""
        session = self._session
        if session is None or len(payload) > self._most:
            return False
        if session.connection.buffered > LINK_ASKED_BYTES:
            session.connection.abort()  # WORLD-16
            return False
        _say(session.connection, 0, REQUEST, payload)
        return True

    def keep_saying(self, subject: str, payload: bytes) -> None:
        """``send``, now and at each connection from now on, until something else is said of ``subject``."""
        self._kept[subject] = payload
        self.send(payload)

    def call(self, payload: bytes, timeout_s: float = LINK_ANSWER_S) -> asyncio.Future[bytes]:
        """Ask; the future gives the reply's payload, or raises as WORLD-15 says.

        ``timeout_s``: after that, and at most a second later, it is ``Lost``. While a started link
        has no connection, or one to a process that was silent before, the call waits for a sign of
        life, at most LINK_WAIT_S (WORLD-18).
        """
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        size = len(payload)
        if size > self._most:
            future.set_exception(Refused(Reason.TOO_LARGE, f"a request of {size} bytes is too large"))
        elif self._asked_bytes + size > LINK_ASKED_BYTES and self._asked_bytes:
            future.set_exception(OutOfReach(self._component, "too much waits for its answer", _RETRY_AFTER_S))
        elif self._session is not None and not self._silent:
            self._asked_bytes += size
            self._submit(self._session, future, payload, timeout_s)
        elif self._closed or (self._session is None and self._task is None):
            self._nobody(future)
        else:
            self._asked_bytes += size
            patience = self._world.clock.call_later(LINK_WAIT_S, lambda: self._give_up_early(future))
            self._early.append(_Early(future, payload, timeout_s, patience))
        return future

    def _submit(
        self, session: _LinkClientSession, future: asyncio.Future[bytes], payload: bytes, timeout_s: float
    ) -> None:
        now = self._world.clock.monotonic()
        if not self._calls:
            self._alive_at = now
        self._next = self._next % 0xFFFFFFFF + 1
        self._calls[self._next] = _Call(future, now + timeout_s, len(payload))
        if self._sweep is None:
            self._sweep = self._world.clock.call_later(_SWEEP_S, self._give_up)
        _say(session.connection, self._next, REQUEST, payload)

    def _nobody(self, future: asyncio.Future[bytes]) -> None:
        if not future.done():
            future.set_exception(OutOfReach(self._component, "not connected", _RETRY_AFTER_S))

    async def ask(self, payload: bytes, timeout_s: float = LINK_ANSWER_S) -> bytes:
        """``call``, connecting first if there is no connection."""
        if self._session is None:
            await self._connect()
        return await self.call(payload, timeout_s)

    def close(self) -> None:
        """Ends the link for good; what waits for an answer is ``Lost``."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
        session = self._session
        if session is not None:
            session.connection.close()
            self._disconnected(session)
        for early in self._take_early():
            self._nobody(early.future)

    # -- connecting ---------------------------------------------------------------------------

    async def _connect(self) -> None:
        """One attempt, shared by all who want it. Raises ``OutOfReach``."""
        async with self._connecting:
            if self._session is not None:
                return
            if self._closed:
                raise OutOfReach(self._component, "the link is closed", _RETRY_AFTER_S)
            try:
                await self._world.net.connect(self._new_session, self._path, timeout_s=LINK_CONNECT_S)
            except OSError as error:
                text = f"nobody answers at {self._path}"
                raise OutOfReach(self._component, text, _RETRY_AFTER_S) from error

    def _new_session(self) -> _LinkClientSession:
        return _LinkClientSession(self, self._most)

    async def _keep_connected(self) -> None:
        clock = self._world.clock
        delay = LINK_RETRY_FIRST_S
        while not self._closed:
            try:
                await self._connect()
            except OutOfReach:
                pass
            since = clock.monotonic()
            await self._gone.wait()
            if clock.monotonic() - since >= LINK_RETRY_LONGEST_S:
                delay = LINK_RETRY_FIRST_S
            await clock.sleep(delay)
            delay = min(delay * 2, LINK_RETRY_LONGEST_S)

    def _reached(self, session: _LinkClientSession) -> None:
        if self._closed:
            session.connection.abort()
            return
        self._session = session
        self._gone.clear()
        if self._silent:
            _say(session.connection, 0, PING, b"")
        for payload in self._kept.values():
            self.send(payload)
        if self._on_connected is not None:
            self._on_connected()
        if not self._silent:
            self._say_early(session)

    def _disconnected(self, session: _LinkClientSession) -> None:
        if self._session is not session:
            return
        self._session = None
        self._gone.set()
        calls, self._calls = self._calls, {}
        self._asked_bytes = sum(len(early.payload) for early in self._early)
        for call in calls.values():
            if not call.future.done():
                call.future.set_exception(Lost(self._component, "connection lost", _RETRY_AFTER_S))
        self._stop_sweep()

    def _say_early(self, session: _LinkClientSession) -> None:
        for early in self._take_early():
            if early.future.done():  # nobody waits for it any more
                self._asked_bytes -= len(early.payload)
            else:
                self._submit(session, early.future, early.payload, early.timeout_s)

    def _take_early(self) -> list[_Early]:
        taken, self._early = self._early, []
        for early in taken:
            early.patience.cancel()
        return taken

    def _give_up_early(self, future: asyncio.Future[bytes]) -> None:
        for early in self._early:
            if early.future is future:
                self._early.remove(early)
                self._asked_bytes -= len(early.payload)
                self._nobody(future)
                return

    # -- answers ------------------------------------------------------------------------------

    def _heard(self, id: int, kind: int, payload: bytes) -> None:
        self._alive_at = self._world.clock.monotonic()
        if self._silent and self._session is not None:
            self._silent = False
            self._say_early(self._session)
        if kind == PUSH:
            if self._on_push is not None:
                self._on_push(payload)
            return
        call = self._calls.pop(id, None)
        if call is None:
            return  # given up before
        self._asked_bytes -= call.size
        if call.future.done():
            return
        if kind == REPLY:
            call.future.set_result(payload)
        else:
            call.future.set_exception(self._as_error(kind, payload))

    def _as_error(self, kind: int, payload: bytes) -> Refused | Unavailable:
        try:
            if kind == UNAVAILABLE:
                return Unavailable(*_decode_unavailable(payload))
            if kind == REFUSED:
                reason, text = _decode_refused(payload)
                return Refused(Reason(reason), text)
        except (msgspec.DecodeError, ValueError):
            pass
        if kind == FAILED:
            return Lost(self._component, f"it failed: {payload.decode(errors='replace')}")
        return Lost(self._component, f"an answer of kind {kind} that is not understood")

    def _give_up(self) -> None:
        """Once a second while calls wait."""
        self._sweep = None
        now = self._world.clock.monotonic()
        for id, call in list(self._calls.items()):
            if call.future.done():  # nobody waits for it any more
                pass
            elif call.until <= now:
                call.future.set_exception(Lost(self._component, "no answer in time", _RETRY_AFTER_S))
            else:
                continue
            del self._calls[id]
            self._asked_bytes -= call.size
        if self._calls and self._session is not None:
            self._sweep = self._world.clock.call_later(_SWEEP_S, self._give_up)
            self._look_for_life(self._session, now)

    def _look_for_life(self, session: _LinkClientSession, now: float) -> None:
        """WORLD-17: whoever takes what we say, or says anything, lives; the answer may take its time."""
        unsent = session.connection.buffered
        if unsent < self._unsent:
            self._alive_at = now
        self._unsent = unsent
        if now - self._alive_at >= LINK_SILENT_S:
            self._silent = True
            session.connection.abort()
        elif now - self._alive_at >= _SWEEP_S:
            _say(session.connection, 0, PING, b"")

    def _stop_sweep(self) -> None:
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
