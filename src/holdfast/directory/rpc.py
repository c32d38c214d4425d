"""Requests over a unix socket: a length, then a MessagePack array, both ways.

Request: ``[number, request]``; answer: ``[number, outcome, value]``; pushed by the server:
``[0, 0, value]``. Requests of one connection are worked on side by side and may be answered
in any order. The two errors of the model travel as themselves.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Awaitable, Callable, Iterator
from typing import Generic, TypeVar

import msgspec

from holdfast.model.errors import ComponentId, Reason, Refused, Unavailable
from holdfast.model.limits import PEOPLE_REQUEST_BYTES
from holdfast.world import Session, World

T = TypeVar("T")
R = TypeVar("R")

_encoder = msgspec.msgpack.Encoder()
_decode_answer = msgspec.msgpack.Decoder(tuple[int, int, msgspec.Raw]).decode


class Outcome(enum.IntEnum):
    VALUE = 0
    REFUSED = 1
    UNAVAILABLE = 2


def pack(message: object) -> bytes:
    body = _encoder.encode(message)
    return len(body).to_bytes(4, "little") + body


class Splitter:
    """Cuts a stream into messages. Raises ``ValueError`` at one longer than PEOPLE_REQUEST_BYTES."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= 4:
            size = int.from_bytes(buffer[at : at + 4], "little")
            if size > PEOPLE_REQUEST_BYTES:
                raise ValueError(f"message of {size} bytes")
            if len(buffer) - at - 4 < size:
                break
            yield bytes(buffer[at + 4 : at + 4 + size])
            at += 4 + size
        del buffer[:at]


def as_answer(number: int, error: Refused | Unavailable) -> bytes:
    if isinstance(error, Refused):
        return pack((number, Outcome.REFUSED, (error.reason.value, error.text)))
    return pack((number, Outcome.UNAVAILABLE, (error.component, error.text, error.retry_after_s)))


def as_error(outcome: int, value: msgspec.Raw) -> Refused | Unavailable:
    if outcome == Outcome.REFUSED:
        reason, text = msgspec.msgpack.decode(value, type=tuple[str, str])
        return Refused(Reason(reason), text)
    component, text, retry = msgspec.msgpack.decode(value, type=tuple[str, str, float])
    return Unavailable(component, text, retry)


class Served(Session, Generic[R]):
    """The server's end of one connection; the caller's processes are its own kind, so it is trusted."""

    __slots__ = ("_decode", "_handle", "_on_lost", "_splitter", "_tasks")

    def __init__(
        self,
        decoder: msgspec.msgpack.Decoder[tuple[int, R]],
        handle: Callable[[Served[R], R], Awaitable[object]],
        on_lost: Callable[[Served[R]], object] = lambda _: None,
    ) -> None:
        self._decode = decoder.decode
        self._handle = handle
        self._on_lost = on_lost
        self._splitter = Splitter()
        self._tasks: set[asyncio.Task[None]] = set()

    def received(self, data: bytes) -> None:
        for body in self._splitter.feed(data):
            number, request = self._decode(body)
            task = asyncio.get_running_loop().create_task(self._answer(number, request))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, number: int, request: R) -> None:
        try:
            value = await self._handle(self, request)
        except (Refused, Unavailable) as error:
            self.connection.write(as_answer(number, error))
        except Exception:
            self.connection.close()
            raise
        else:
            self.connection.write(pack((number, Outcome.VALUE, value)))

    def push(self, value: object) -> None:
        self.connection.write(pack((0, Outcome.VALUE, value)))

    def lost(self, error: Exception | None) -> None:
        self._on_lost(self)


class _Calling(Session):
    """The client's end of one connection."""

    __slots__ = ("_number", "_pushed", "_splitter", "ended_as", "waiting")

    def __init__(self, pushed: Callable[[msgspec.Raw], object] | None) -> None:
        self._splitter = Splitter()
        self._number = 0
        self._pushed = pushed
        self.waiting: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self.ended_as: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def ask(self, request: object) -> asyncio.Future[msgspec.Raw]:
        self._number += 1
        future: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()
        self.waiting[self._number] = future
        self.connection.write(pack((self._number, request)))
        return future

    def received(self, data: bytes) -> None:
        for body in self._splitter.feed(data):
            number, outcome, value = _decode_answer(body)
            if number == 0:
                if self._pushed is not None:
                    self._pushed(value)
                continue
            future = self.waiting.pop(number, None)
            if future is None or future.done():
                continue
            if outcome == Outcome.VALUE:
                future.set_result(value)
            else:
                future.set_exception(as_error(outcome, value))

    def lost(self, error: Exception | None) -> None:
        for future in self.waiting.values():
            if not future.done():
                future.set_exception(ConnectionResetError("the other process is gone"))
        self.waiting.clear()
        if not self.ended_as.done():
            self.ended_as.set_result(None)


class Caller:
    """Calls one service at ``path``; connects when needed. ``component`` is who is out of reach."""

    def __init__(
        self,
        world: World,
        path: str,
        component: ComponentId,
        pushed: Callable[[msgspec.Raw], object] | None = None,
    ) -> None:
        self._world = world
        self._path = path
        self._component = component
        self._pushed = pushed
        self._session: _Calling | None = None
        self._connecting: asyncio.Lock = asyncio.Lock()

    async def call(self, request: object, answer: type[T], timeout_s: float = 60.0) -> T:
        """The decoded answer. Raises ``OutOfReach``, ``Lost``, and both errors as answered."""
        session = await self._connected()
        try:
            async with asyncio.timeout(timeout_s):
                value = await session.ask(request)
        except TimeoutError as error:
            raise Lost(self._component, f"no answer for {timeout_s:g} s") from error
        except ConnectionError as error:
            raise Lost(self._component, f"no answer: {error}", 2.0) from error
        return msgspec.msgpack.decode(value, type=answer)

    async def ended(self) -> None:
        """Returns when the connection is gone; at once when there is none."""
        if self._session is not None:
            await asyncio.shield(self._session.ended_as)

    def close(self) -> None:
        if self._session is not None:
            self._session.connection.close()
            self._session = None

    async def _connected(self) -> _Calling:
        async with self._connecting:
            session = self._session
            if session is None or session.ended_as.done():
                try:
                    session = await self._world.net.connect(
                        lambda: _Calling(self._pushed), self._path, timeout_s=5.0
                    )
                except OSError as error:
                    raise OutOfReach(self._component, f"nobody answers at {self._path}", 2.0) from error
                self._session = session
            return session


class OutOfReach(Unavailable):
    """No connection: nothing was asked, so nothing was carried out."""


class Lost(Unavailable):
    """Asked, but not answered: it may have been carried out."""
