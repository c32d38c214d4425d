"""The server's machine: bytes in, one event at a time out. RFC 3501 §2.2, RFC 7888, RFC 2177.

IMAP-1: what comes out depends on the bytes, never on the pieces they came in.
IMAP-3: what is held is one line, its literals within their limits, and one more piece of input.
"""

from __future__ import annotations

import enum
import re
from binascii import b2a_base64
from collections.abc import Callable

from holdfast.model.limits import (
    IMAP_COMMAND_BYTES,
    IMAP_COMMAND_LITERAL_BYTES,
    IMAP_LITERAL_MINUS_BYTES,
    SASL_LINE_BYTES,
    Limits,
)
from holdfast.wire.imap.commands import StartTls
from holdfast.wire.imap.events import (
    AuthenticationResponse,
    BadCommand,
    Event,
    IdleDone,
    LiteralWanted,
    Request,
    State,
)
from holdfast.wire.imap.parser import COMMANDS, UID_COMMANDS, decode_base64, parse_command
from holdfast.wire.imap.reader import Malformed

_ANY = (State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED)
_SIGNED_IN = (State.AUTHENTICATED, State.SELECTED)

# Which command is allowed in which state. RFC 3501 §6: the headings of its sections.
ALLOWED: dict[bytes, tuple[State, ...]] = {
    **dict.fromkeys((b"CAPABILITY", b"NOOP", b"LOGOUT", b"ID"), _ANY),
    **dict.fromkeys((b"STARTTLS", b"AUTHENTICATE", b"LOGIN"), (State.NOT_AUTHENTICATED,)),
    **dict.fromkeys(
        (b"ENABLE", b"SELECT", b"EXAMINE", b"CREATE", b"DELETE", b"RENAME", b"SUBSCRIBE", b"UNSUBSCRIBE",
         b"LIST", b"LSUB", b"STATUS", b"APPEND", b"NAMESPACE", b"IDLE",
         b"GETQUOTA", b"GETQUOTAROOT"),
        _SIGNED_IN,
    ),
    **dict.fromkeys(
        (b"CHECK", b"CLOSE", b"UNSELECT", b"EXPUNGE", b"SEARCH", b"FETCH", b"STORE", b"COPY", b"MOVE"),
        (State.SELECTED,),
    ),
}  # fmt: skip
_NOT_NOW = {
    State.NOT_AUTHENTICATED: "sign in first",
    State.AUTHENTICATED: "select a mailbox first",
    State.SELECTED: "you are signed in already",
    State.LOGOUT: "you have logged out",
}

_HEAD = re.compile(rb'([^\x00-\x20\x7f-\xff(){%*"\\+]{1,255}) +([Uu][Ii][Dd] +)?([A-Za-z]+)(?=[ \r\n]|\Z)')
_TAG = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\+]{1,255}(?= |\Z)')
_ANNOUNCED = re.compile(rb"~?\{(\d{1,19})(\+?)\}\r?\Z")
_MAILBOX_LITERAL = re.compile(rb"[^ ]+ +APPEND +~?\{\d+\+?\}\r?\Z", re.IGNORECASE)
_TAIL_BYTES = 32  # of a line that is skipped: enough for the announcement of a literal


class _Phase(enum.IntEnum):
    LINE = 0  # a command's line, or the rest of one after a literal
    ASKED = 1  # LiteralWanted is out, the session must answer
    LITERAL = 2
    SKIP_LITERAL = 3  # of a command already refused
    SKIP_LINE = 4
    IDLE = 5
    AUTHENTICATE = 6
    TLS = 7  # between STARTTLS and the handshake: nothing is read


class Server:
    """One connection's commands. ``state`` is set by the session after its own successes.

    ``next_event()`` is called again after an event has been dealt with; None: more bytes needed,
    or an answer of the session's is due. ``literal_minus``: hold clients to RFC 7888 §5.
    """

    __slots__ = (
        "_arguments_at",
        "_buffer",
        "_last_tag",
        "_limits",
        "_literal_minus",
        "_literals",
        "_literals_bytes",
        "_name",
        "_phase",
        "_pieces",
        "_scanned",
        "_synchronising",
        "_tag",
        "_text",
        "_uid",
        "_wanted",
        "state",
    )

    def __init__(self, limits: Limits, *, literal_minus: bool = False) -> None:
        self.state = State.NOT_AUTHENTICATED
        self._limits = limits
        self._literal_minus = literal_minus
        self._buffer = bytearray()
        self._scanned = 0  # no line end before it
        self._phase = _Phase.LINE
        self._wanted = 0  # bytes of the literal still to come
        self._last_tag = b""
        self._reset()

    def _reset(self) -> None:
        """Nothing of a command is held any more."""
        self._text = b""
        self._literals: list[bytes] | None = None
        self._literals_bytes = 0
        self._pieces: list[bytes] | None = None
        self._tag = b""
        self._name = b""
        self._uid = False
        self._arguments_at = 0
        self._synchronising = False

    @property
    def buffered(self) -> int:
        """Bytes received and not yet part of an event: stop reading while it's large and you are busy."""
        return len(self._buffer)

    # --- input

    def receive(self, data: bytes) -> None:
        if self._phase is _Phase.TLS or self.state is State.LOGOUT:
            return  # IMAP-6: what came in the clear behind STARTTLS is nobody's command
        if self._phase is _Phase.LITERAL and not self._buffer and len(data) <= self._wanted:
            self._keep(data)  # without a copy: this is the body of a large message
        else:
            self._buffer += data

    def next_event(self) -> Event | None:
        while True:
            step = _STEPS[self._phase]
            if step is None or self.state is State.LOGOUT:
                return None
            event, again = step(self)
            if event is not None or not again:
                return event

    def _take_line(self) -> bytes | None:
        """The next line without its end (CRLF; a bare LF is taken too); None when it isn't all there."""
        end = self._buffer.find(b"\n", self._scanned)
        if end < 0:
            self._scanned = len(self._buffer)
            return None
        line = bytes(self._buffer[: end - 1 if end and self._buffer[end - 1] == 13 else end])
        del self._buffer[: end + 1]
        self._scanned = 0
        return line

    def _most_line_bytes(self) -> int:
        return SASL_LINE_BYTES if self.state is State.NOT_AUTHENTICATED else IMAP_COMMAND_BYTES

    # --- steps: (event or None, whether to go on)

    def _line(self) -> tuple[Event | None, bool]:
        if not self._buffer:
            return None, False
        line = self._take_line()
        most = self._most_line_bytes()
        # Without its end the line may still have the CR of it as the last byte.
        if len(self._text) + (len(self._buffer) - 1 if line is None else len(line)) > most:
            return self._too_long(line, most), True
        if line is None:
            return None, False
        if not self._text:
            refusal = self._begin(line)
            if refusal:
                return self._drop(line, *refusal), True
        announced = _ANNOUNCED.search(line) if line[-1:] == b"}" else None
        if announced:
            return self._announced(line, int(announced[1]), not announced[2]), True
        return self._command(line), True

    def _too_long(self, line: bytes | None, most: int) -> Event:
        if not self._text:
            self._begin(bytes(self._buffer[:400]) if line is None else line[:400])
        event = self._bad(f"Command longer than {most} bytes", "BAD", "TOOBIG")
        if line is None:
            self._phase = _Phase.SKIP_LINE
        else:
            self._skip_after(line)
        return event

    def _begin(self, line: bytes) -> tuple[str, str, str] | None:
        """Reads tag and command; what is wrong with them as (text, condition, code)."""
        head = _HEAD.match(line)
        if not head:
            tag = _TAG.match(line)
            self._tag = tag[0] if tag else b""
            if not tag:
                return ("Expected a tag" if line else "Empty line: expected a tag and a command", "BAD", "")
            return "Expected a command after the tag", "BAD", ""
        self._tag = head[1]
        self._arguments_at = head.end()
        self._uid = head[2] is not None
        self._name = name = head[3].upper()
        if name not in (UID_COMMANDS if self._uid else COMMANDS):
            what = "UID " if self._uid else ""
            return f"No such command: {what}{name[:32].decode('ascii')}", "BAD", ""
        if self.state not in ALLOWED[name]:
            return f"{name.decode('ascii')} isn't possible now: {_NOT_NOW[self.state]}", "BAD", ""
        return None

    def _drop(self, line: bytes, text: str, condition: str, code: str) -> Event:
        event = self._bad(text, condition, code)
        self._skip_after(line)
        return event

    def _bad(self, text: str, condition: str, code: str) -> BadCommand:
        tag = self._tag or b"*"
        self._reset()
        reply = f"{condition} {f'[{code}] ' if code else ''}{text}.\r\n".encode("ascii", "replace")
        return BadCommand(tag, text, b"%b %b" % (tag, reply))

    def _skip_after(self, line: bytes) -> None:
        """``line`` belongs to a refused command: what it announces without waiting is skipped (IMAP-2)."""
        announced = _ANNOUNCED.search(line)
        if announced and announced[2]:
            self._wanted = int(announced[1])
            self._phase = _Phase.SKIP_LITERAL
        else:
            self._phase = _Phase.LINE

    def _announced(self, line: bytes, size: int, synchronising: bool) -> Event | None:
        message = self._name == b"APPEND" and not (not self._text and _MAILBOX_LITERAL.match(line))
        most = self._most_literal_bytes(message) - self._literals_bytes
        if size > most:
            text = f"Literal of {size} bytes is too large, at most {max(most, 0)} can be taken here"
            return self._drop(line, text, "NO" if message else "BAD", "TOOBIG")
        if self._literal_minus and not synchronising and size > IMAP_LITERAL_MINUS_BYTES:
            text = f"Non-synchronising literal longer than {IMAP_LITERAL_MINUS_BYTES} bytes (RFC 7888 5)"
            return self._drop(line, text, "BAD", "TOOBIG")
        self._text += line + b"\r\n"
        self._wanted = size
        self._synchronising = synchronising
        if synchronising or message:
            self._phase = _Phase.ASKED
            return LiteralWanted(self._tag, self._name.decode("ascii"), size, synchronising, message)
        self._accept()
        return None

    def _most_literal_bytes(self, message: bool) -> int:
        if self.state is State.NOT_AUTHENTICATED:
            return SASL_LINE_BYTES
        return self._limits.imap_literal_bytes if message else IMAP_COMMAND_LITERAL_BYTES

    def _accept(self) -> None:
        self._phase = _Phase.LITERAL
        self._literals_bytes += self._wanted
        self._pieces = []

    def _keep(self, data: bytes) -> None:
        if self._pieces is not None:
            self._pieces.append(data)
        self._wanted -= len(data)

    def _literal(self) -> tuple[Event | None, bool]:
        if self._wanted and self._buffer:
            piece = bytes(self._buffer[: self._wanted])
            del self._buffer[: len(piece)]
            self._keep(piece)
        if self._wanted:
            return None, False
        pieces = self._pieces or []
        value = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._pieces = None
        if self._literals is None:
            self._literals = []
        self._literals.append(value)
        self._phase = _Phase.LINE
        self._scanned = 0
        return None, True

    def _skip_literal(self) -> tuple[Event | None, bool]:
        skipped = min(self._wanted, len(self._buffer))
        del self._buffer[:skipped]
        self._wanted -= skipped
        if self._wanted:
            return None, False
        self._phase = _Phase.SKIP_LINE
        self._scanned = 0
        return None, True

    def _skip_line(self) -> tuple[Event | None, bool]:
        line = self._take_line()
        if line is not None:
            self._skip_after(line[-_TAIL_BYTES:])
            return None, True
        if len(self._buffer) > _TAIL_BYTES:
            del self._buffer[:-_TAIL_BYTES]
            self._scanned = len(self._buffer)
        return None, False

    def _command(self, line: bytes) -> Event:
        text = self._text + line if self._text else line
        try:
            command = parse_command(self._name, self._uid, text, self._arguments_at, self._literals)
        except Malformed as error:
            name = ("UID " if self._uid else "") + self._name.decode("ascii")
            return self._bad(f"{name}: {error.text}", error.condition, error.code)
        event = Request(self._tag, command)
        self._last_tag = self._tag
        self._reset()
        if isinstance(command, StartTls):
            self._phase = _Phase.TLS
            self._buffer.clear()
            self._scanned = 0
        return event

    def _idle(self) -> tuple[Event | None, bool]:
        line = self._take_line()
        if line is None or len(line) > SASL_LINE_BYTES:
            return self._endless(line, "IDLE: expected DONE"), False
        self._phase = _Phase.LINE
        if line.strip(b" ").upper() == b"DONE":
            return IdleDone(self._last_tag), True
        self._tag = self._last_tag
        return self._bad("IDLE: expected DONE", "BAD", ""), True

    def _authenticate(self) -> tuple[Event | None, bool]:
        line = self._take_line()
        if line is None or len(line) > SASL_LINE_BYTES:
            return self._endless(line, f"AUTHENTICATE: response longer than {SASL_LINE_BYTES} bytes"), False
        self._phase = _Phase.LINE
        if line == b"*":
            return AuthenticationResponse(self._last_tag, None), True
        try:
            return AuthenticationResponse(self._last_tag, decode_base64(line)), True
        except Malformed as error:
            self._tag = self._last_tag
            return self._bad(f"AUTHENTICATE: {error.text}", "BAD", ""), True

    def _endless(self, line: bytes | None, text: str) -> Event | None:
        """The answer to a line that was to be short and is long, or doesn't end."""
        if line is None and len(self._buffer) - 1 <= SASL_LINE_BYTES:
            return None
        self._tag = self._last_tag
        event = self._bad(text, "BAD", "TOOBIG")
        if line is None:
            self._phase = _Phase.SKIP_LINE
        else:
            self._skip_after(line)
        return event

    # --- verbs: what the session decides, as bytes to send

    def accept_literal(self) -> bytes:
        """The answer to ``LiteralWanted``; b'' when the client doesn't wait for one."""
        self._accept()
        return b"+ OK\r\n" if self._synchronising else b""

    def refuse_literal(self, text: str, code: str = "TOOBIG") -> bytes:
        """The other answer: NO for the whole command; what comes of it anyway is skipped unheld."""
        self._phase = _Phase.LINE if self._synchronising else _Phase.SKIP_LITERAL
        bad = self._bad(text, "NO", code)
        return bad.reply

    def start_idle(self) -> bytes:
        """After ``Idle``: the next line is DONE. RFC 2177 §3"""
        self._phase = _Phase.IDLE
        return b"+ idling\r\n"

    def challenge(self, data: bytes) -> bytes:
        """After ``Authenticate``: the next line is an ``AuthenticationResponse``. RFC 3501 §6.2.2"""
        self._phase = _Phase.AUTHENTICATE
        return b"+ " + b2a_base64(data, newline=True)[:-1] + b"\r\n"

    def tls_started(self) -> None:
        """The handshake is done; also when STARTTLS was refused. Reads commands again."""
        self._phase = _Phase.LINE


# By phase; None: an answer of the session's is due before anything is read.
_STEPS: tuple[Callable[[Server], tuple[Event | None, bool]] | None, ...] = (
    Server._line,
    None,
    Server._literal,
    Server._skip_literal,
    Server._skip_line,
    Server._idle,
    Server._authenticate,
    None,
)

ServerMachine = Server
