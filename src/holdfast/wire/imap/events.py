"""What the server machine tells its session, one at a time (``Server.next_event``)."""

from __future__ import annotations

import enum

import msgspec

from holdfast.wire.imap.commands import Command


class State(enum.IntEnum):
    """RFC 3501 §3"""

    NOT_AUTHENTICATED = 0
    AUTHENTICATED = 1
    SELECTED = 2
    LOGOUT = 3


class Request(msgspec.Struct, frozen=True):
    """A whole command that is allowed in the state; every Request gets one tagged reply."""

    tag: bytes
    command: Command


class LiteralWanted(msgspec.Struct, frozen=True):
    """The client is about to send ``size`` bytes: answer ``accept_literal()`` or ``refuse_literal(...)``.

    Comes for every synchronising literal within the limits, and for every message of APPEND, so that
    the session can hold back on memory or quota. ``synchronising``: the client waits for the answer.
    """

    tag: bytes
    name: str  # of the command, upper case
    size: int
    synchronising: bool
    message: bool  # a message of APPEND


class BadCommand(msgspec.Struct, frozen=True):
    """A command that can't be carried out; it costs itself and nothing after it (IMAP-2).

    ``reply``: the bytes to send. ``tag``: b'*' when the line has none.
    """

    tag: bytes
    text: str  # what was expected where
    reply: bytes


class IdleDone(msgspec.Struct, frozen=True):
    """DONE: the IDLE with ``tag`` is over and gets its tagged OK now."""

    tag: bytes


class AuthenticationResponse(msgspec.Struct, frozen=True):
    """The client's answer to ``challenge()``: decoded; None when it sent ``*`` to give up."""

    tag: bytes
    data: bytes | None


Event = Request | LiteralWanted | BadCommand | IdleDone | AuthenticationResponse
