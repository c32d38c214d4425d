"""Many connections at once, each a script: a generator that yields (bytes to send, how its reply ends).

One thread, epoll, non-blocking sockets; a script is resumed with the reply's bytes. Nothing is parsed:
an ending looks at the last line or counts lines.
"""

from __future__ import annotations

import gc
import select
import socket
import ssl
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any, NamedTuple

Ending = Callable[[bytearray], bool]
Script = Generator[tuple[bytes, Ending], bytes, None]


class Gone(ConnectionError):
    """The server closed or broke a connection while its script waited for a reply."""


def line(buffer: bytearray) -> bool:
    return buffer.endswith(b"\r\n")


def lines(count: int) -> Ending:
    """So many lines, whatever they say."""
    return lambda buffer: buffer.endswith(b"\n") and buffer.count(b"\n") >= count


def smtp_reply(buffer: bytearray) -> bool:
    """One reply, of one line or several."""
    if not buffer.endswith(b"\r\n"):
        return False
    start = buffer.rfind(b"\n", 0, -1) + 1
    return buffer[start + 3 : start + 4] == b" "


def tagged(tag: bytes) -> Ending:
    """IMAP: the last line begins with the tag."""
    start = tag + b" "

    def ended(buffer: bytearray) -> bool:
        if not buffer.endswith(b"\r\n"):
            return False
        return buffer.startswith(start, buffer.rfind(b"\n", 0, -1) + 1)

    return ended


def dot(buffer: bytearray) -> bool:
    """POP3: a reply of several lines."""
    return buffer.endswith(b"\r\n.\r\n") or (buffer.startswith(b"-ERR") and buffer.endswith(b"\r\n"))


def closed(buffer: bytearray) -> bool:
    """Until the server closes."""
    return False


def client_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@contextmanager
def no_collection() -> Any:
    """The collector's pauses are ours, not the server's."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class _Talk:
    __slots__ = ("buffer", "ending", "script", "secure", "sock", "unsent", "wants")

    def __init__(self, sock: socket.socket, script: Script) -> None:
        self.sock = sock
        self.script = script
        self.buffer = bytearray()
        self.unsent: memoryview | None = None
        self.ending: Ending = line
        self.secure = True  # the handshake is over, or there is none
        self.wants = 0


class Played(NamedTuple):
    seconds: float
    failed: int  # scripts whose connection was lost before they ended


class Play:
    """``address``: of the server; ``tls``: a client's context, or None; ``sources``: client addresses."""

    def __init__(
        self,
        address: tuple[str, int],
        *,
        tls: ssl.SSLContext | None = None,
        sources: int = 1,
    ) -> None:
        self.address = address
        self.tls = tls
        self.sources = sources
        self.epoll = select.epoll()
        self.talks: dict[int, _Talk] = {}
        self.failed = 0
        self.opened = 0
        self._next: Callable[[], bool] = lambda: False

    def run(self, scripts: Iterable[Script], at_once: int, seconds: float = 120.0) -> Played:
        """Plays them all, so many at a time; a script's end closes its connection."""
        rest = iter(scripts)

        def begin() -> bool:
            script = next(rest, None)
            if script is not None:
                self._open(script)
            return script is not None

        self._next = begin
        started = time.perf_counter()
        for _ in range(at_once):
            if not begin():
                break
        self._turn(lambda: bool(self.talks), started + seconds)
        return Played(time.perf_counter() - started, self.failed)

    def gather(self, make: Callable[[int, Callable[[], None]], Script], count: int, at_once: int) -> float:
        """Opens ``count`` connections that stay; seconds until all are there.

        ``make(n, there)``: a script that calls ``there()`` once it only waits from then on.
        """
        begun = arrived = 0

        def begin() -> bool:
            nonlocal begun
            if begun < count:
                begun += 1
                self._open(make(begun - 1, there))
            return begun < count

        def there() -> None:
            nonlocal arrived
            arrived += 1
            begin()

        self._next = lambda: False
        started = time.perf_counter()
        for _ in range(at_once):
            begin()
        self._turn(lambda: arrived + self.failed < count, started + 300)
        return time.perf_counter() - started

    def wait(self, go_on: Callable[[], bool], seconds: float = 30.0) -> None:
        """Lets scripts run while ``go_on()``."""
        self._turn(go_on, time.perf_counter() + seconds)

    def _turn(self, go_on: Callable[[], bool], until: float) -> None:
        poll, talks = self.epoll.poll, self.talks
        while go_on():
            for number, event in poll(0.2):
                talk = talks.get(number)
                if talk is None:
                    continue
                try:
                    if not talk.secure:
                        self._handshake(talk)
                    elif event & select.EPOLLOUT:
                        self._send(talk)
                    else:
                        self._receive(talk)
                except (OSError, StopIteration) as error:
                    self._end(talk, error)
            if time.perf_counter() > until:
                raise TimeoutError(f"{len(talks)} scripts still run")

    def _open(self, script: Script) -> None:
        sock = socket.socket()
        if self.sources > 1:
            sock.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
            sock.bind((f"127.0.0.{1 + self.opened % self.sources}", 0))
        self.opened += 1
        try:
            sock.connect(self.address)
        except OSError:
            sock.close()
            self.failed += 1
            script.close()
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        talk = _Talk(sock, script)
        _, talk.ending = next(script)
        self.talks[sock.fileno()] = talk
        self.epoll.register(sock.fileno(), select.EPOLLIN)
        if self.tls is not None:
            talk.secure = False
            talk.sock = self.tls.wrap_socket(sock, do_handshake_on_connect=False, suppress_ragged_eofs=True)
            self.talks[talk.sock.fileno()] = talk
            try:
                self._handshake(talk)
            except OSError as error:
                self._end(talk, error)

    def _handshake(self, talk: _Talk) -> None:
        try:
            talk.sock.do_handshake()  # type: ignore[attr-defined]
        except ssl.SSLWantReadError:
            return
        except ssl.SSLWantWriteError:
            return
        talk.secure = True
        if talk.sock.pending():  # type: ignore[attr-defined]
            self._receive(talk)

    def _receive(self, talk: _Talk) -> None:
        while True:
            try:
                data = talk.sock.recv(262144)
            except (BlockingIOError, ssl.SSLWantReadError):
                return
            if not data:
                raise Gone("closed")
            talk.buffer += data
            if talk.ending(talk.buffer):
                reply = bytes(talk.buffer)
                talk.buffer.clear()
                data, talk.ending = talk.script.send(reply)
                if data:
                    talk.unsent = memoryview(data)
                    self._send(talk)
            if self.tls is None or not talk.sock.pending():  # type: ignore[attr-defined]
                return

    def _send(self, talk: _Talk) -> None:
        rest = talk.unsent
        while rest:
            try:
                sent = talk.sock.send(rest)
            except (BlockingIOError, ssl.SSLWantWriteError):
                talk.unsent = rest
                if not talk.wants:
                    talk.wants = 1
                    self.epoll.modify(talk.sock.fileno(), select.EPOLLIN | select.EPOLLOUT)
                return
            rest = rest[sent:]
        talk.unsent = None
        if talk.wants:
            talk.wants = 0
            self.epoll.modify(talk.sock.fileno(), select.EPOLLIN)

    def _end(self, talk: _Talk, error: Exception) -> None:
        number = talk.sock.fileno()
        self.epoll.unregister(number)
        del self.talks[number]
        talk.sock.close()
        if not isinstance(error, StopIteration):
            try:
                talk.script.throw(Gone(str(error)))
            except StopIteration:
                pass  # it expected that
            except Gone:
                self.failed += 1
        self._next()

    def close(self) -> None:
        for talk in self.talks.values():
            talk.sock.close()
        self.talks.clear()
        self.epoll.close()
