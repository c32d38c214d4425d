"""The connection driver: what every session of every protocol sits on.

Callbacks, no task: an idle connection is a transport, a `Connection` and the
session's own object. The same driver runs over real sockets, over TLS and over
the simulated network.
"""

from __future__ import annotations

import asyncio
import socket
import traceback
from collections.abc import Callable, Coroutine
from typing import Any

from holdfast.model.limits import (
    CLOSE_LINGER_S,
    CLOSE_UNSENT_S,
    READ_CHUNK_BYTES,
    TLS_HANDSHAKE_S,
    WRITE_BUFFER_BYTES,
)
from holdfast.world.disk import Buffer
from holdfast.world.events import SESSION_FAILED, TLS_FAILED
from holdfast.world.journal import Journal
from holdfast.world.session import Session
from holdfast.world.timeouts import Timeouts
from holdfast.world.tls import SLICE_BYTES, TlsContext, TlsError, TlsLayer

__all__ = ["Connection", "Hub", "Peer", "Session"]

Peer = tuple[str, int] | str
"""(address, port), or the path of a unix socket ('' for an unnamed one)."""

JOIN_BYTES = 64 * 1024  # smaller output is joined into one buffer; copying more costs more than writev

# Why reading is held back.
BY_SESSION = 1
BY_OUTPUT = 2  # the peer does not take what we have written
BY_TASK = 4  # much has come in while the session's coroutine runs


class Hub:
    """What the connections of one event loop share."""

    __slots__ = ("call_soon", "journal", "loop", "scratch", "time", "timeouts")

    def __init__(self, loop: asyncio.AbstractEventLoop, journal: Journal) -> None:
        self.loop = loop
        self.time = loop.time
        self.call_soon = loop.call_soon
        self.journal = journal
        self.timeouts = Timeouts(loop)
        self.scratch = bytearray(SLICE_BYTES)


class Connection(asyncio.Protocol):
    """One connection, as its session sees it. Everything written is sent in order or not at all."""

    __slots__ = (
        "_blocked",
        "_closing",
        "_ended",
        "_flushing",
        "_greeted",
        "_held",
        "_hub",
        "_lost",
        "_opened",
        "_out",
        "_owner",
        "_queued",
        "_task",
        "_tls",
        "_transport",
        "_waiter",
        "deadline_from",
        "peer",
        "session",
        "slot",
        "timeout",
    )

    def __init__(
        self,
        hub: Hub,
        session: Session,
        *,
        owner: dict[Connection, None] | None = None,
        tls: TlsLayer | None = None,
        opened: asyncio.Future[None] | None = None,
    ) -> None:
        self.session = session
        self.peer: Peer = ""
        self.slot = 0
        self.timeout = 0.0
        self.deadline_from = 0.0
        self._hub = hub
        self._owner = owner  # the listener's connections; None at the end that connected
        self._transport: asyncio.Transport | None = None
        self._tls = tls
        self._opened = opened  # resolved when the TLS handshake is done
        self._out: list[Buffer] | None = None
        self._flushing = False  # `_flush` is sure to be called in this turn of the loop
        self._blocked = False  # the transport has more than WRITE_BUFFER_BYTES
        self._held = 0  # why reading is held back
        self._queued = 0  # bytes that came while a coroutine runs
        self._task: asyncio.Task[None] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._greeted = False  # the session's `connected` has been called
        self._closing = False
        self._ended = False  # the peer sends no more
        self._lost = False
        session.connection = self

    # -- for the session ------------------------------------------------------------------

    def write(self, data: Buffer) -> None:
        """Queues `data`; all that is queued in one turn of the loop goes out together (WORLD-13).

        Never blocks and never raises; after the end of the connection it does nothing.
        """
        if self._closing:
            return
        if self._out is None:
            self._out = [data]
        else:
            self._out.append(data)
        if not self._flushing:
            self._flushing = True
            self._hub.call_soon(self._flush)

    def writelines(self, parts: list[Buffer]) -> None:
        if self._closing:
            return
        if self._out is None:
            self._out = parts[:]
        else:
            self._out += parts
        if not self._flushing:
            self._flushing = True
            self._hub.call_soon(self._flush)

    def close(self) -> None:
        """Sends what is queued, then ends. The peer may still send for CLOSE_LINGER_S; nobody reads it."""
        if self._closing:
            return
        self._flush()
        self._closing = True
        transport = self._transport
        if transport is None:
            return
        if self._tls is not None and (farewell := self._tls.finish()):
            transport.write(farewell)
        self._wake(None)
        if self._ended or (self._tls is not None and not self._tls.ready) or not transport.can_write_eof():
            transport.close()
        else:
            # Closing at once would answer late input with a reset, and a reset may
            # overtake our last reply (WORLD-14): "421 closing" would be seen as a broken line.
            transport.write_eof()
            self._read_again()
        self._linger()

    def abort(self) -> None:
        """Ends at once; what is unsent is thrown away."""
        self._closing = True
        self._out = None
        if self._transport is not None and not self._lost:
            self._transport.abort()

    def acknowledge_at_once(self) -> None:
        """What comes next is acknowledged without delay. For a peer that sends one thing in two pieces
        and holds the second back for the acknowledgement of the first (Nagle): 40 ms otherwise."""
        self._flush()  # sending anything afterwards would bring the delay back
        sock = self._transport.get_extra_info("socket") if self._transport is not None else None
        if sock is not None and hasattr(sock, "setsockopt") and not isinstance(self.peer, str):
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            except OSError:
                pass  # only slower

    async def drain(self) -> None:
        """Returns when more may be written; raises `ConnectionResetError` when nothing ever may."""
        self._flush()
        if self._closing:
            raise ConnectionResetError("connection is closed")
        if self._blocked:
            if self._waiter is None or self._waiter.done():
                self._waiter = self._hub.loop.create_future()
            await self._waiter

    def pause(self) -> None:
        """No `received` from now on, until `resume`; the peer is held back."""
        self._hold(BY_SESSION)

    def resume(self) -> None:
        self._release(BY_SESSION)

    def set_timeout(self, seconds: float | None) -> None:
        """`timed_out` is called when for so long nothing came and nothing could be sent; None for never.

        A running coroutine stops the clock: its slowness is ours, unless it waits in `drain`.
        """
        if self._closing:
            return
        self.timeout = seconds or 0.0
        self.deadline_from = self._hub.time()
        if seconds:
            self._hub.timeouts.watch(self)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Runs the session's one coroutine. It is never cancelled because the peer went away (WORLD-12)."""
        if self.busy:
            work.close()
            raise RuntimeError("one coroutine at a time per connection")
        self._queued = 0
        task = self._task = self._hub.loop.create_task(work)
        task.add_done_callback(self._finished)
        return task

    def start_tls(
        self, context: TlsContext, *, server_side: bool = True, server_name: str | None = None
    ) -> asyncio.Future[None]:
        """What is queued goes out in plain; all that comes from now on is TLS.

        The future resolves when the handshake is done, or raises `ConnectionError`;
        it may be left alone. What was received in plain and is still unread must
        be thrown away by the session (CVE-2011-0411 and its kin).
        """
        if self._tls is not None:
            raise RuntimeError("TLS runs already")
        self._flush()
        layer = TlsLayer(context, server_side=server_side, server_name=server_name)
        self._opened = future = self._hub.loop.create_future()
        if self._lost or self._transport is None:
            self._settle(ConnectionResetError("connection is closed"))
            return future
        self._tls = layer
        self._begin_tls(layer, self._transport)
        return future

    @property
    def busy(self) -> bool:
        """A spawned coroutine has not ended yet."""
        return self._task is not None and not self._task.done()

    @property
    def closing(self) -> bool:
        return self._closing

    @property
    def tls(self) -> Any:
        """The `ssl.SSLObject` (`version()`, `cipher()`, `selected_alpn_protocol()`), or None."""
        return self._tls.object if self._tls is not None and self._tls.ready else None

    @property
    def journal(self) -> Journal:
        """The journal of the world this is a connection of."""
        return self._hub.journal

    @property
    def local(self) -> Peer:
        return _peer(self._transport, "sockname")

    @property
    def buffered(self) -> int:
        """Bytes written and not yet taken by the system."""
        queued = sum(map(len, self._out)) if self._out else 0
        return queued + (self._transport.get_write_buffer_size() if self._transport and not self._lost else 0)

    # -- for the transport ----------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self.peer = _peer(transport, "peername")
        self.deadline_from = self._hub.time()
        transport.set_write_buffer_limits(WRITE_BUFFER_BYTES, WRITE_BUFFER_BYTES // 4)
        if self._owner is not None:
            self._owner[self] = None
        if self._closing:
            transport.abort()
        elif self._tls is not None:
            self._begin_tls(self._tls, transport)
        else:
            self._connected()

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return  # lingering; see `close`
        self.deadline_from = self._hub.time()
        if self._tls is not None:
            data = self._open(self._tls, data)
            if not data:
                return
        if self._task is not None:
            self._queued += len(data)
            if self._queued > READ_CHUNK_BYTES and self.busy:
                self._hold(BY_TASK)
        self._call(self.session.received, data)
        if self._tls is not None and self._tls.ended and not self._closing:
            self.eof_received()

    def eof_received(self) -> bool:
        if self._closing or (self._tls is not None and not self._tls.ready):
            self._hub.call_soon(self._close_transport)
        elif not self._ended:
            self._ended = True
            if not self.busy:
                self._call(self.session.ended)
        return True  # keep our own direction open: replies may still be on their way

    def pause_writing(self) -> None:
        self._blocked = True
        if self._owner is not None:
            # Only the end that accepted stops reading: if both did, two full
            # buffers would wait for each other for ever (WORLD-8).
            self._hold(BY_OUTPUT)

    def resume_writing(self) -> None:
        self._blocked = False
        self.deadline_from = self._hub.time()
        self._release(BY_OUTPUT)
        self._wake(None)
        if not self._closing:
            self._call(self.session.writable)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._lost:
            return
        self._lost = self._closing = True
        self._out = None
        self.timeout = 0.0
        self._hub.timeouts.forget(self)
        if self._owner is not None:
            self._owner.pop(self, None)
        error = exc or ConnectionResetError("connection is closed")
        self._wake(error)
        if self._opened is not None:
            self._settle(ConnectionResetError(f"lost in the TLS handshake: {error}"))
        if self._greeted:
            self._call(self.session.lost, exc)
        if not self.busy:
            self._let_go()

    # -- inside ---------------------------------------------------------------------------

    def expired(self) -> None:
        """Called by `Timeouts`."""
        if self._lost or self._transport is None:
            return
        if self._closing:
            unsent = self._transport.get_write_buffer_size()
            if 0 < unsent < self._queued:
                self._linger()
            elif unsent and self.timeout < CLOSE_UNSENT_S:
                self.timeout = CLOSE_UNSENT_S
                self._hub.timeouts.watch(self)
            else:
                self._transport.abort()
            return
        if self._tls is not None and not self._tls.ready:
            self.abort()
            return
        if self.busy and not self._blocked:
            self.deadline_from = self._hub.time()
            self._hub.timeouts.watch(self)
            return
        self.timeout = 0.0
        self._call(self.session.timed_out)

    def _call(self, callback: Callable[..., None], *args: object) -> None:
        """A session's callback, with its output sent in one piece and its exceptions caught."""
        outer, self._flushing = self._flushing, True
        try:
            callback(*args)
        except Exception as error:
            self._failed(error)
        self._flushing = outer
        if self._out is not None and not outer:
            self._flush()

    def _linger(self) -> None:
        """Gives what is unsent its time, as long as the peer takes some of it."""
        assert self._transport is not None
        self._queued = self._transport.get_write_buffer_size()
        self.deadline_from = self._hub.time()
        self.timeout = CLOSE_LINGER_S
        self._hub.timeouts.watch(self)

    def _connected(self) -> None:
        self._greeted = True
        self._call(self.session.connected)
        if self._opened is not None:
            self._settle(None)

    def _flush(self) -> None:
        self._flushing = False
        parts = self._out
        transport = self._transport
        if parts is None or transport is None or (self._tls is not None and not self._tls.ready):
            return
        self._out = None
        if self._closing:
            return
        self.deadline_from = self._hub.time()
        if self._tls is not None:
            try:
                sealed = self._tls.send(parts)
            except (TlsError, OSError):  # the peer has ended TLS or broken it
                self.abort()
                return
            _send(transport, sealed)
        else:
            _send(transport, parts)

    def _hold(self, reason: int) -> None:
        if not self._held and self._transport is not None and not self._lost:
            self._transport.pause_reading()
        self._held |= reason

    def _release(self, reason: int) -> None:
        if self._held:
            self._held &= ~reason
            if not self._held and self._transport is not None and not self._lost:
                self._transport.resume_reading()

    def _read_again(self) -> None:
        self._release(self._held)

    def _wake(self, error: Exception | None) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)
                waiter.exception()  # seen, even if the coroutine no longer waits

    def _finished(self, task: asyncio.Task[None]) -> None:
        if self._task is task:
            self._task = None
            self._release(BY_TASK)
        if not task.cancelled() and (error := task.exception()) is not None:
            if not (self._lost and isinstance(error, ConnectionError)):
                self._failed(error if isinstance(error, Exception) else RuntimeError(repr(error)))
        elif not self._lost:
            self._call(self.session.ready)
        if self.busy:
            return
        if self._lost:
            self._let_go()
        elif self._ended and not self._closing:
            self._call(self.session.ended)

    def _failed(self, error: Exception) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
        self._hub.journal.emit(
            SESSION_FAILED,
            peer=str(self.peer),
            session=type(self.session).__qualname__,
            error=f"{type(error).__name__}: {error}",
            where=where,
        )
        if self._closing or self._lost:
            return
        try:
            self.session.failed(error)
        except Exception:
            pass  # the first error is the one to look at
        self.close()

    def _let_go(self) -> None:
        """Breaks the circles, so that a closed connection needs no garbage collector."""
        self.session = _GONE
        self._transport = None
        self._tls = None
        self._owner = None

    def _close_transport(self) -> None:
        if self._transport is not None and not self._lost:
            self._transport.close()

    # -- TLS --------------------------------------------------------------------------------

    def _begin_tls(self, tls: TlsLayer, transport: asyncio.Transport) -> None:
        if self.timeout == 0:
            self.set_timeout(TLS_HANDSHAKE_S)
        tls.begin()
        if hello := tls.pending():
            transport.write(hello)

    def _open(self, tls: TlsLayer, data: bytes) -> bytes:
        """Plaintext of `data`; ends the connection if it is no TLS."""
        before = tls.ready
        try:
            plain = tls.receive(data, self._hub.scratch)
        except (TlsError, ValueError) as error:
            self._tls_failed(tls, error, before)
            return b""
        if self._transport is not None and (answer := tls.pending()):
            self._transport.write(answer)
        if not before and tls.ready:
            if self.timeout == TLS_HANDSHAKE_S:
                self.timeout = 0.0
            if self._greeted:
                self._settle(None)
            else:
                self._connected()
            self._flush()
        if tls.ended and not plain:
            self.eof_received()
        return plain if not self._closing else b""

    def _tls_failed(self, tls: TlsLayer, error: Exception, established: bool) -> None:
        if self._transport is not None and (alert := tls.pending()):
            self._transport.write(alert)
        if not established:
            self._hub.journal.emit(TLS_FAILED, peer=str(self.peer), error=str(error))
            failed = ConnectionAbortedError(f"TLS handshake: {error}")
            failed.__cause__ = error
            self._settle(failed)
        self._closing = True
        self._close_transport()

    def _settle(self, error: Exception | None) -> None:
        opened, self._opened = self._opened, None
        if opened is None or opened.done():
            return
        if error is None:
            opened.set_result(None)
        else:
            opened.set_exception(error)
            opened.exception()  # seen, even if nobody awaits it


_GONE = Session()  # stands in for the session of a connection that is over


def _send(transport: asyncio.Transport, parts: list[Any]) -> None:
    if len(parts) == 1:
        transport.write(parts[0])
    elif sum(map(len, parts)) <= JOIN_BYTES:
        transport.write(b"".join(parts))
    else:
        transport.writelines(parts)


def _peer(transport: asyncio.BaseTransport | None, kind: str) -> Peer:
    name = transport.get_extra_info(kind) if transport is not None else None
    if isinstance(name, tuple):
        return (str(name[0]), int(name[1]))
    return name if isinstance(name, str) else ""
