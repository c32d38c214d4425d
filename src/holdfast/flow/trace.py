"""The trace fields put in front of every message we take, and the check for loops. RFC 5321 §4.4, §6.3."""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime
from typing import NamedTuple

from holdfast.model.limits import HEADER_BYTES, RECEIVED_HOPS
from holdfast.wire.smtp.replies import Reply

LOOP = Reply(554, "5.4.6", f"more than {RECEIVED_HOPS} Received fields: the message runs in a circle")

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9.\-_:\[\]]")


class Origin(NamedTuple):
    """Where a message came from. ``name``: what the client called itself; ``peer``: its address."""

    name: str
    peer: str
    protocol: str  # RFC 3848: 'SMTP', 'ESMTPSA', 'UTF8SMTPS', …

    def __str__(self) -> str:
        """``name ([192.0.2.1])`` as RFC 5321 §4.4 has TCP-info; nothing of the client's breaks the field."""
        return _origin_text(self.name, self.peer)


@functools.lru_cache(maxsize=1024)
def _origin_text(name: str, peer: str) -> str:
    return f"{_NOT_IN_NAME.sub('?', name) or 'unknown'} ({address_literal(peer)})"


def address_literal(address: str) -> str:
    """RFC 5321 §4.1.3. A peer without an address (a unix socket) is ``[local]``."""
    if ":" in address:
        return f"[IPv6:{address}]"
    return f"[{address}]" if address else "[local]"


def protocol(*, extended: bool, secure: bool, authenticated: bool, smtputf8: bool) -> str:
    """The ``with`` word. RFC 3848, RFC 6531 §3.7.3."""
    word = "UTF8SMTP" if smtputf8 else "ESMTP" if extended else "SMTP"
    if not extended:
        return word
    return f"{word}{'S' if secure else ''}{'A' if authenticated else ''}"


class Dates:
    """RFC 5322 §3.3 dates in UTC, made once per second."""

    __slots__ = ("_second", "_text")

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def at(self, seconds: float) -> str:
        """``seconds`` since 1970."""
        second = int(seconds)
        if second != self._second:
            at = datetime.fromtimestamp(second, UTC)
            self._text = (
                f"{_DAYS[at.weekday()]}, {at.day} {_MONTHS[at.month - 1]} {at.year}"
                f" {at.hour:02}:{at.minute:02}:{at.second:02} +0000"
            )
            self._second = second
        return self._text


def head(sender: str, origin: Origin | None, host: str, trace: str, recipient: str, date: str) -> bytes:
    """Return-Path and Received. ``recipient``: '' unless there is only one (nobody learns of the others)."""
    came = f"from {origin}\r\n\tby {host} with {origin.protocol}" if origin else f"by {host} with local"
    who = f"\r\n\tfor <{recipient}>" if recipient else ""
    return f"Return-Path: <{sender}>\r\nReceived: {came} id {trace}{who};\r\n\t{date}\r\n".encode()


def hops(message: bytes) -> int:
    """How many Received fields the message has."""
    if message.startswith(b"\r\n"):
        return 0
    end = message.find(b"\r\n\r\n", 0, HEADER_BYTES)
    fields = message[: end + 2 if end >= 0 else HEADER_BYTES].lower()
    return fields.count(b"\nreceived:") + fields.startswith(b"received:")


def runs_in_circle(message: bytes) -> bool:
    """FLOW-4."""
    return hops(message) > RECEIVED_HOPS
