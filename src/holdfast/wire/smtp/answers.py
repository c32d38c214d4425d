"""Replies as a client reads them, and the extensions a server offers. RFC 5321 §4.2, RFC 2034, RFC 1869."""

from __future__ import annotations

import re
from typing import NamedTuple

from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import SMTP_COMMAND_BYTES, SMTP_REPLY_BYTES
from holdfast.wire.smtp.replies import Reply

_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ \-])(.*))?\Z", re.DOTALL)
_ENHANCED = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?: |\Z)")


class Extensions(NamedTuple):
    """What EHLO offered; all off after HELO. ``size``: 0 for no limit known."""

    pipelining: bool = False
    size_offered: bool = False
    size: int = 0
    eight_bit: bool = False
    smtputf8: bool = False
    chunking: bool = False
    dsn: bool = False
    starttls: bool = False
    mechanisms: tuple[str, ...] = ()


def extensions(ehlo: Reply) -> Extensions:
    """From the reply to EHLO: its first line is a greeting, each other a keyword with parameters."""
    offered: dict[str, list[str]] = {}
    for line in ehlo.text.split("\n")[1:]:
        words = line.replace("AUTH=", "AUTH ").split()
        if words:
            offered.setdefault(words[0].upper(), []).extend(words[1:])
    size = offered.get("SIZE", [])
    return Extensions(
        pipelining="PIPELINING" in offered,
        size_offered="SIZE" in offered,
        size=int(size[0]) if size and size[0].isascii() and size[0].isdigit() and len(size[0]) < 20 else 0,
        eight_bit="8BITMIME" in offered,
        smtputf8="SMTPUTF8" in offered,
        chunking="CHUNKING" in offered,
        dsn="DSN" in offered,
        starttls="STARTTLS" in offered,
        mechanisms=tuple(dict.fromkeys(name.upper() for name in offered.get("AUTH", []))),
    )


class ReplyReader:
    """Lines into replies; memory bounded by SMTP_REPLY_BYTES."""

    __slots__ = ("_buffer", "_code", "_lines", "_size")

    def __init__(self) -> None:
        self._buffer = b""
        self._code = 0
        self._lines: list[str] = []
        self._size = 0

    def receive(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data

    @property
    def pending(self) -> bool:
        """Whether anything is here that no reply was made of."""
        return bool(self._buffer or self._lines)

    def next_reply(self) -> Reply | None:
        """None: not here yet. Raises ``Refused(BAD_SYNTAX)`` for what is no reply."""
        while True:
            end = self._buffer.find(b"\n")
            if end < 0:
                if len(self._buffer) > SMTP_COMMAND_BYTES:
                    raise Refused(Reason.BAD_SYNTAX, "reply line too long")
                return None
            line = self._buffer[:end].removesuffix(b"\r")
            self._buffer = self._buffer[end + 1 :]
            if self._take(line):
                reply = _joined(self._code, self._lines)
                self._code, self._lines, self._size = 0, [], 0
                return reply

    def _take(self, line: bytes) -> bool:
        """Whether this was the last line of a reply."""
        match = _LINE.match(line)
        if match is None:
            raise Refused(Reason.BAD_SYNTAX, f"not a reply: {line[:80].decode('ascii', 'replace')}")
        code = int(match[1])
        if self._code not in (0, code):
            raise Refused(Reason.BAD_SYNTAX, f"reply with two codes, {self._code} and {code}")
        self._code = code
        self._size += len(line)
        if self._size > SMTP_REPLY_BYTES:
            raise Refused(Reason.BAD_SYNTAX, "reply too long")
        self._lines.append((match[3] or b"").decode("utf-8", "replace"))
        return match[2] != b"-"


def _joined(code: int, lines: list[str]) -> Reply:
    enhanced = ""
    texts = []
    for line in lines:
        match = _ENHANCED.match(line)
        if match and int(match[1][0]) == code // 100:
            enhanced = enhanced or match[1]
            line = line[match.end() :]
        texts.append(line)
    return Reply(code, enhanced, "\n".join(texts))
