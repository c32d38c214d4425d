"""IMAP: one connection that reads as fast as it can, and scripts for many."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from bench.load.play import Script, line, tagged

PASSWORD = b"pw"


class Reply(NamedTuple):
    seconds: float
    size: int
    fetches: int  # '* n FETCH' lines seen, where they were counted
    tail: bytes


class Imap:
    """One blocking connection. Every command must be answered OK."""

    def __init__(self, address: tuple[str, int], user: str, timeout: float = 120.0) -> None:
        self.sock = socket.create_connection(address, timeout=timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(1 << 20)
        self._number = 0
        greeting = b""
        while not greeting.endswith(b"\r\n"):  # Dovecot's comes in pieces
            greeting += self.sock.recv(4096)
        self.do(b"LOGIN " + user.encode() + b" " + PASSWORD)

    def do(self, command: bytes, *, count: bool = False) -> Reply:
        self._number += 1
        tag = b"t%d" % self._number
        started = time.perf_counter()
        self.sock.sendall(tag + b" " + command + b"\r\n")
        return self._until(tag, started, count)

    def _until(self, tag: bytes, started: float, count: bool) -> Reply:
        view, size, fetches, tail = memoryview(self._buffer), 0, 0, b""
        while True:
            got = self.sock.recv_into(view)
            if not got:
                raise ConnectionError(f"closed within {tag!r}: {tail!r}")
            size += got
            last = bytes(view[max(0, got - 4000) : got])
            if count:
                # A line cut by the border of two reads is counted once: by its second half's remainder.
                fetches += self._buffer.count(b" FETCH (", 0, got)
                fetches += (tail[-7:] + bytes(view[: min(7, got)])).count(b" FETCH (")
            tail = (tail + last)[-4000:]
            if tail.endswith(b"\r\n"):
                start = tail.rfind(b"\n", 0, -1) + 1
                if tail.startswith(tag + b" ", start):
                    took = time.perf_counter() - started
                    if not tail.startswith(tag + b" OK", start):
                        raise ValueError(f"{tag!r}: {tail[start:]!r}")
                    return Reply(took, size, fetches, tail)

    def read(self, command: bytes) -> bytes:
        """The whole answer: for short ones."""
        self._number += 1
        tag = b"t%d" % self._number
        self.sock.sendall(tag + b" " + command + b"\r\n")
        text = bytearray()
        while not tagged(tag)(text):
            got = self.sock.recv(1 << 18)
            if not got:
                raise ConnectionError("closed")
            text += got
        return bytes(text)

    def append(self, mailbox: bytes, messages: Sequence[bytes], *, wait: bool = True) -> Reply:
        """One APPEND, of several messages where the server has MULTIAPPEND; literals as LITERAL+."""
        self._number += 1
        tag = b"t%d" % self._number
        parts = [tag + b" APPEND " + mailbox]
        for message in messages:
            parts.append(b" {%d+}\r\n" % len(message))
            parts.append(message)
        parts.append(b"\r\n")
        data = b"".join(parts)
        started = time.perf_counter()
        self.sock.sendall(data)
        return self._until(tag, started, False)

    def count(self, mailbox: bytes = b"INBOX") -> int:
        tail = self.do(b"STATUS " + mailbox + b" (MESSAGES)").tail
        at = tail.rindex(b"(MESSAGES ") + 10
        return int(tail[at : tail.index(b")", at)])

    def close(self) -> None:
        self.sock.close()


def visit(user: str, messages: int, newest: int = 20) -> Script:
    """Sign in, SELECT, the newest, log out."""
    yield b"", line
    yield b"a LOGIN %s %s\r\n" % (user.encode(), PASSWORD), tagged(b"a")
    reply = yield b"b SELECT INBOX\r\n", tagged(b"b")
    assert b"\r\nb OK" in reply, reply
    command = b"c FETCH %d:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)\r\n" % (messages - newest + 1)
    reply = yield command, tagged(b"c")
    assert reply.count(b" FETCH (") == newest, reply[-300:]
    yield b"d LOGOUT\r\n", tagged(b"d")


def idle(user: str, there: Callable[[], None], heard: Callable[[], None] | None = None) -> Script:
    """Signs in, selects INBOX, says IDLE and stays; ``heard()`` for every EXISTS."""
    yield b"", line
    reply = yield b"a LOGIN %s %s\r\n" % (user.encode(), PASSWORD), tagged(b"a")
    assert b"a OK" in reply, reply
    yield b"b SELECT INBOX\r\n", tagged(b"b")
    reply = yield b"c IDLE\r\n", line
    assert reply.startswith(b"+"), reply
    there()
    while True:
        reply = yield b"", line
        if heard is not None and b" EXISTS" in reply:
            heard()
