"""A session that says yes to everything, for tests of the SMTP server machine."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from holdfast.wire.smtp.events import (
    Authenticate,
    Event,
    Mail,
    MessageComplete,
    Rcpt,
    StartTls,
)
from holdfast.wire.smtp.replies import Reply
from holdfast.wire.smtp.server import Server, ServerSettings

SETTINGS = ServerSettings("mx.example.org", message_bytes=100_000, recipients=5, errors=6)
DECIDE = (Mail, Rcpt, MessageComplete, Authenticate)


def talk(
    pieces: Iterable[bytes],
    settings: ServerSettings = SETTINGS,
    *,
    secure: bool = False,
    refuse: dict[str, Reply] | None = None,
) -> tuple[list[Event], bytes]:
    """Feeds the pieces; every decision is yes, but for recipients in ``refuse``. TLS starts when asked."""
    machine = Server(settings, secure=secure)
    machine.greet()
    events: list[Event] = []
    written = bytearray(machine.take())
    for piece in pieces:
        machine.receive(piece)
        while (event := machine.next_event()) is not None:
            events.append(event)
            if isinstance(event, Rcpt) and refuse and str(event.address) in refuse:
                machine.refuse(refuse[str(event.address)])
            elif isinstance(event, DECIDE):
                machine.accept()
        written += machine.take()
        if events and isinstance(events[-1], StartTls) and not machine.secure:
            machine.tls_started()
    return events, bytes(written)


def codes(written: bytes) -> list[int]:
    """The codes of the replies, one for each, greeting first."""
    return [int(line[:3]) for line in written.split(b"\r\n") if line[3:4] == b" "]


def messages(events: list[Event]) -> list[bytes]:
    return [event.data for event in events if isinstance(event, MessageComplete)]


def cut(data: bytes, at: Iterable[int]) -> list[bytes]:
    """The same bytes in pieces."""
    edges = [0, *sorted({edge % (len(data) + 1) for edge in at}), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges) if a < b]
