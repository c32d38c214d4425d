"""The client's end of POP3 as a machine: commands to bytes, bytes to responses in the order of the commands.

::

    client = Client()
    write(client.command("RETR 1", multiline=True))
    client.receive(data)
    while response := client.next_event(): ...

The greeting is the first response. Commands may be pipelined when CAPA says so.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from holdfast.model.limits import FRAME_BODY_BYTES, SASL_LINE_BYTES


class ClientError(Exception):
    """The server does not speak POP3."""


class Response(NamedTuple):
    """One reply. ``status``: True for +OK, False for -ERR, None for a continuation (``+ ``).

    ``code``: RFC 3206's response code, '' without. ``body``: a multi-line reply's bytes, dots
    unstuffed, CRLF kept, without the final dot; None for a single line.
    """

    command: str
    status: bool | None
    code: str
    text: str
    body: bytes | None = None


class Client:
    __slots__ = ("_buffer", "_first", "_searched", "_sent")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._sent: deque[tuple[str, bool]] = deque([("", False)])  # '' is the greeting
        self._first: Response | None = None  # of a multi-line reply whose body is still coming
        self._searched = 0

    def command(self, line: str, *, multiline: bool = False) -> bytes:
        """Bytes of a command; ``multiline``: a +OK to it is followed by lines up to a dot."""
        if "\r" in line or "\n" in line:
            raise ValueError("a command is one line")
        self._sent.append((line.partition(" ")[0].upper(), multiline))
        return line.encode() + b"\r\n"

    def respond(self, line: bytes) -> bytes:
        """Bytes of the answer to a continuation (SASL)."""
        self._sent.appendleft(("AUTH", False))
        return line + b"\r\n"

    def receive(self, data: bytes) -> None:
        self._buffer += data

    def next_event(self) -> Response | None:
        """The next whole response; None: needs more input. Raises ``ClientError``."""
        if self._first is None:
            end = self._buffer.find(b"\r\n")
            if end < 0:
                if len(self._buffer) > SASL_LINE_BYTES:
                    raise ClientError("a reply line without end")
                return None
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 2]
            response, multiline = self._status(line)
            if not multiline:
                return response
            self._first, self._searched = response, 0
        return self._body(self._first)

    def _status(self, line: bytes) -> tuple[Response, bool]:
        if not self._sent:
            raise ClientError(f"a reply nobody asked for: {line[:80]!r}")
        text = line.decode("utf-8", "replace")
        command, multiline = self._sent.popleft()
        head, _, rest = text.partition(" ")
        if head == "+":
            return Response(command, None, "", rest), False
        if head not in ("+OK", "-ERR"):
            raise ClientError(f"neither +OK nor -ERR: {text[:80]!r}")
        code = ""
        if rest.startswith("[") and "]" in rest:
            code, _, rest = rest[1:].partition("]")
        return Response(command, head == "+OK", code, rest.strip()), multiline and head == "+OK"

    def _body(self, first: Response) -> Response | None:
        buffer = self._buffer
        if buffer.startswith(b".\r\n"):
            end, skip = 0, 3
        else:
            found = buffer.find(b"\r\n.\r\n", max(self._searched - 4, 0))
            if found < 0:
                if len(buffer) > FRAME_BODY_BYTES:
                    raise ClientError("a reply without end")
                self._searched = len(buffer)
                return None
            end, skip = found + 2, found + 5
        body = bytes(buffer[:end])
        del buffer[:skip]
        self._first = None
        if body.startswith(b"."):
            body = body[1:]
        return first._replace(body=body.replace(b"\r\n.", b"\r\n"))
