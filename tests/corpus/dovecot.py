"""Debian's Dovecot as the reference: started alone in a temporary folder, asked over loopback.

``with reference() as server: answers = server.ask([b"message", …])`` gives for each message the
values of ENVELOPE, BODYSTRUCTURE, BODY and RFC822.SIZE as ``sexpr.plain`` shapes them.
"""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator, Sequence
from typing import Any

import references
from corpus.sexpr import plain, read_value

ITEMS = ("ENVELOPE", "BODYSTRUCTURE", "BODY", "RFC822.SIZE")


def why_not() -> str:
    """'' when the reference can run here, else why it can't."""
    return references.missing(references.DOVECOT)


class Reference:
    """One connection, signed in; ``command`` returns all bytes up to the tagged line."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._file = self._socket.makefile("rb")
        self._tag = 0
        self._file.readline()
        self.command(b"LOGIN u " + references.PASSWORD.encode())

    def command(self, text: bytes) -> bytes:
        self._tag += 1
        tag = b"a%d" % self._tag
        self._socket.sendall(tag + b" " + text + b"\r\n")
        return self._answer(tag)

    def _answer(self, tag: bytes) -> bytes:
        out = []
        while True:
            line = self._file.readline()
            if not line:
                raise ConnectionError("the reference closed the connection")
            if line.startswith(tag + b" "):
                if not line.startswith(tag + b" OK"):
                    raise RuntimeError(f"{line!r} after {b''.join(out)[-500:]!r}")
                return b"".join(out)
            out.append(line)
            while match := re.search(rb"\{(\d+)\}\r\n\Z", line):
                out.append(self._file.read(int(match[1])))
                line = self._file.readline()
                out.append(line)

    def fetch(self, messages: Sequence[bytes], items: str) -> list[list[Any]]:
        """Per message the list of a FETCH response; the messages are appended to a new mailbox first."""
        box = b"box%d" % self._tag
        self.command(b"CREATE " + box)
        for message in messages:
            self.command(b"APPEND " + box + b" {%d+}\r\n" % len(message) + message)
        self.command(b"SELECT " + box)
        answer = self.command(b"FETCH 1:* (" + items.encode() + b")")
        found: list[list[Any]] = []
        at = 0
        while match := re.compile(rb"\* \d+ FETCH ").match(answer, at):
            value, at = read_value(answer, match.end())
            at += 2
            found.append(value)
        self.command(b"CLOSE")
        self.command(b"DELETE " + box)
        if len(found) != len(messages):
            raise RuntimeError(f"{len(found)} answers for {len(messages)} messages: {answer[at:][:300]!r}")
        return found

    def ask(self, messages: Sequence[bytes]) -> list[dict[str, Any]]:
        """Per message: item → value, plain."""
        return [
            {str(key): plain(value) for key, value in zip(answer[::2], answer[1::2])}
            for answer in self.fetch(messages, " ".join(ITEMS))
        ]


@contextlib.contextmanager
def reference() -> Iterator[Reference]:
    """A running Dovecot of our own and a connection to it; both are gone afterwards."""
    with references.dovecot(more="service imap {\n  vsz_limit = 1G\n}") as ports:
        yield Reference(ports.imap)
