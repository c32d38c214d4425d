"""POP3: a whole mailbox over one connection, and short sessions."""

from __future__ import annotations

import socket
import time

from bench.load.play import Script, dot, line

PASSWORD = b"pw"


def download(address: tuple[str, int], user: str, messages: int) -> tuple[float, int]:
    """(seconds, bytes) of RETR 1 … messages, twenty at a time (RFC 2449 §6.6); sign-in isn't counted."""
    with socket.create_connection(address, timeout=120) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.recv(1000)
        for command in (b"USER " + user.encode(), b"PASS " + PASSWORD):
            sock.sendall(command + b"\r\n")
            reply = sock.recv(1000)
            assert reply.startswith(b"+OK"), reply
        buffer = bytearray(1 << 20)
        view = memoryview(buffer)
        started = time.perf_counter()
        size, ends, tail = 0, 0, b""
        for first in range(1, messages + 1, 20):
            last = min(first + 19, messages)
            sock.sendall(b"".join(b"RETR %d\r\n" % n for n in range(first, last + 1)))
            while ends < last:
                got = sock.recv_into(view)
                assert got, "closed"
                size += got
                ends += buffer.count(b"\r\n.\r\n", 0, got)
                ends += (tail[-4:] + bytes(view[: min(4, got)])).count(b"\r\n.\r\n")
                tail = (tail + bytes(view[max(0, got - 8) : got]))[-8:]
        took = time.perf_counter() - started
        sock.sendall(b"QUIT\r\n")
        sock.recv(1000)
        return took, size


def visit(user: str, messages: int) -> Script:
    """Sign in, UIDL, quit."""
    yield b"", line
    yield b"USER %s\r\n" % user.encode(), line
    reply = yield b"PASS %s\r\n" % PASSWORD, line
    assert reply.startswith(b"+OK"), reply
    reply = yield b"UIDL\r\n", dot
    assert reply.count(b"\n") == messages + 2, (reply[:80], reply.count(b"\n"))
    yield b"QUIT\r\n", line
