"""The server's end of POP3 as a machine. RFC 1939, CAPA (RFC 2449), STLS (RFC 2595), SASL (RFC 5034).

::

    machine = Server(settings)
    machine.greet()
    machine.receive(data)
    while (event := machine.next_event()) is not None:  # None: needs input or a decision
        ...machine.ok(...) or machine.error(...)...
    write(machine.take())

Each ``Command``, ``SignIn`` and ``StartTls`` owes exactly one reply; until it is given
``next_event`` gives None, so pipelined commands wait their turn (RFC 2449 §6.6).
"""

from __future__ import annotations

import enum
from typing import NamedTuple

from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import POP3_COMMAND_BYTES, SASL_LINE_BYTES
from holdfast.wire import sasl


class State(enum.Enum):
    """RFC 1939 §3. UPDATE is entered by QUIT out of TRANSACTION."""

    AUTHORIZATION = "authorization"
    TRANSACTION = "transaction"
    UPDATE = "update"


# Command → the states it may be given in (RFC 1939 §9) and how many arguments it takes.
_BEFORE, _AFTER = frozenset({State.AUTHORIZATION}), frozenset({State.TRANSACTION})
COMMANDS: dict[str, tuple[frozenset[State], int, int]] = {
    "CAPA": (_BEFORE | _AFTER, 0, 0),
    "STLS": (_BEFORE, 0, 0),
    "USER": (_BEFORE, 1, 1),
    "PASS": (_BEFORE, 1, 1),
    "AUTH": (_BEFORE, 0, 2),
    "STAT": (_AFTER, 0, 0),
    "LIST": (_AFTER, 0, 1),
    "RETR": (_AFTER, 1, 1),
    "DELE": (_AFTER, 1, 1),
    "NOOP": (_AFTER, 0, 0),
    "RSET": (_AFTER, 0, 0),
    "TOP": (_AFTER, 2, 2),
    "UIDL": (_AFTER, 0, 1),
    "QUIT": (_BEFORE | _AFTER, 0, 0),
}
_NUMERIC = frozenset({"LIST", "RETR", "DELE", "TOP", "UIDL"})
_MAX_NUMBER = 2**31 - 1


class ServerSettings(NamedTuple):
    """What one listening address offers. Shared by all its connections."""

    host: str
    starttls: bool = False
    sign_in_needs_tls: bool = True
    errors: int = 20  # bad commands before the connection is ended


class Command(NamedTuple):
    """A command of the transaction state, or QUIT. ``numbers``: its arguments, message numbers first."""

    verb: str
    numbers: tuple[int, ...] = ()


class SignIn(NamedTuple):
    """Somebody wants to sign in; answer with ``signed_in`` or ``error``."""

    login: str
    password: str

    def __repr__(self) -> str:
        """Never shows the password."""
        return f"SignIn(login={self.login!r}, password=…)"


class StartTls(NamedTuple):
    """STLS was given and accepted: send ``take()``, do the handshake, then ``tls_started``. RFC 2595 §4."""

    verb: str = "STLS"  # a tuple without fields would be false


Event = Command | SignIn | StartTls


def reply_for(error: Refused | Unavailable) -> tuple[str, str]:
    """(response code, text) for an error. RFC 3206 §3 and §4, RFC 2449 §8.

    POP3-1: ``Unavailable`` is always SYS/TEMP, never AUTH.
    """
    if isinstance(error, Unavailable):
        return "SYS/TEMP", f"temporarily unavailable ({error.component}), please try again later"
    if error.reason in (Reason.BAD_CREDENTIALS, Reason.USER_DISABLED):
        return "AUTH", error.text
    if error.reason is Reason.UNREADABLE:
        return "SYS/PERM", error.text
    return "", error.text


class Server:
    """One connection. POP3-2: memory is bounded by the longest line; a longer one costs itself only."""

    __slots__ = (
        "_answer_due",
        "_buffer",
        "_errors",
        "_out",
        "_sasl",
        "_settings",
        "_skipping",
        "_user",
        "closed",
        "state",
        "tls",
    )

    def __init__(self, settings: ServerSettings, *, tls: bool = False) -> None:
        self._settings = settings
        self._buffer = b""
        self._out: list[bytes | memoryview] = []
        self._skipping = False
        self._answer_due = False
        self._sasl: sasl.SaslServer | None = None
        self._user: str | None = None
        self._errors = 0
        self.state = State.AUTHORIZATION
        self.tls = tls
        self.closed = False  # send ``take()``, then close

    # -- input --------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        if not self.closed:
            self._buffer = self._buffer + data if self._buffer else data

    def next_event(self) -> Event | None:
        """The next command that needs a decision; what needs none is answered here.

        POP3-4: only whole lines are looked at, so how the input was cut shows in nothing.
        """
        while not self._answer_due and not self.closed:
            line = self._line()
            if line is None:
                return None
            event = self._sasl_step(line) if self._sasl is not None else self._command(line)
            if event is not None:
                self._answer_due = True
                return event
        return None

    def _line(self) -> bytes | None:
        limit = SASL_LINE_BYTES if self._sasl is not None else POP3_COMMAND_BYTES
        while True:
            end = self._buffer.find(b"\n")
            if end < 0:
                if len(self._buffer) > limit:
                    self._skipping, self._buffer = True, b""
                return None
            line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
            if self._skipping or len(line) > limit:
                self._skipping = False
                self._sasl = None
                self._bad(f"line longer than {limit} bytes")
                if self.closed:
                    return None
                continue
            return line.removesuffix(b"\r")

    def _command(self, line: bytes) -> Event | None:
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            return self._bad("not UTF-8")
        verb, _, rest = text.partition(" ")
        verb = verb.upper()
        known = COMMANDS.get(verb)
        if known is None:
            return self._bad("unknown command; CAPA lists what there is")
        states, least, most = known
        if self.state not in states:
            return self._bad(f"{verb} is not possible {_WHEN[self.state]}")
        # PASS takes the rest of the line: passwords may contain blanks (RFC 1939 §7).
        arguments = [rest] if verb in ("PASS", "USER") and rest else rest.split()
        if not least <= len(arguments) <= most:
            return self._bad(f"{verb} takes {_count(least, most)}")
        if verb in _NUMERIC:
            return self._numbers(verb, arguments)
        return self._plain(verb, arguments)

    def _numbers(self, verb: str, arguments: list[str]) -> Event | None:
        numbers = []
        for place, argument in enumerate(arguments):
            if not argument.isascii() or not argument.isdecimal() or int(argument) > _MAX_NUMBER:
                return self._bad(f"{verb}: {argument!r} is not a number")
            numbers.append(int(argument))
            if not place and not numbers[0]:
                return self._bad("messages are counted from 1")
        return Command(verb, tuple(numbers))

    def _plain(self, verb: str, arguments: list[str]) -> Event | None:
        if verb == "CAPA":
            self._capabilities()
        elif verb == "STLS":
            return self._starttls()
        elif verb == "AUTH":
            return self._auth(arguments)
        elif verb == "USER":
            self._user_name(arguments[0])
        elif verb == "PASS":
            return self._password(arguments[0])
        elif verb == "QUIT" and self.state is State.AUTHORIZATION:
            self.quit()
        else:
            return Command(verb)
        return None

    # -- authorization ------------------------------------------------------------

    @property
    def _may_sign_in(self) -> bool:
        return self.tls or not self._settings.sign_in_needs_tls

    def _capabilities(self) -> None:
        """RFC 2449 §5; what depends on TLS changes with it (RFC 2595 §4)."""
        lines = ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "EXPIRE NEVER"]
        if self._may_sign_in:
            lines += ["USER", f"SASL {' '.join(sasl.MECHANISMS)}"]
        if self._settings.starttls and not self.tls:
            lines.append("STLS")
        lines.append("IMPLEMENTATION Holdfast")
        body = "".join(f"{line}\r\n" for line in lines)
        self._out.append(f"+OK capabilities follow\r\n{body}.\r\n".encode())

    def _starttls(self) -> Event | None:
        if self.tls or not self._settings.starttls:
            return self._bad("TLS is active already" if self.tls else "TLS is not offered here")
        self._out.append(b"+OK begin TLS\r\n")
        # POP3-3: what was sent before the handshake is thrown away (CVE-2011-0411 and its kin).
        self._buffer = b""
        return StartTls()

    def tls_started(self) -> None:
        self.tls = True
        self._buffer = b""
        self._user = None
        self._answer_due = False

    def _needs_tls(self) -> bool:
        if not self._may_sign_in:
            self._bad("sign-in needs TLS: use STLS first")
        return not self._may_sign_in

    def _user_name(self, name: str) -> None:
        if not self._needs_tls():
            self._user = name
            self._out.append(b"+OK now the password\r\n")

    def _password(self, password: str) -> Event | None:
        if self._needs_tls():
            return None
        user, self._user = self._user, None
        if user is None:
            return self._bad("USER comes first")
        return SignIn(user, password)

    def _auth(self, arguments: list[str]) -> Event | None:
        if self._needs_tls():
            return None
        if not arguments:  # what RFC 1734 clients ask
            listed = "".join(f"{name}\r\n" for name in sasl.MECHANISMS)
            self._out.append(f"+OK\r\n{listed}.\r\n".encode())
            return None
        self._sasl = sasl.server(arguments[0])
        if self._sasl is None:
            return self._bad(f"no such mechanism; there are {', '.join(sasl.MECHANISMS)}")
        return self._sasl_step(arguments[1].encode() if len(arguments) > 1 else None)

    def _sasl_step(self, line: bytes | None) -> Event | None:
        assert self._sasl is not None
        try:
            step = self._sasl.step(line)
        except Refused as refused:
            self._sasl = None
            return self._bad(refused.text)
        if isinstance(step, sasl.Challenge):
            self._out.append(b"+ " + step.line + b"\r\n")
            return None
        self._sasl = None
        if step.authorize and step.authorize != step.login:
            return self._bad("acting as somebody else is not possible")
        return SignIn(step.login, step.password)

    # -- output -------------------------------------------------------------------

    def take(self) -> list[bytes | memoryview]:
        """What is to be sent now, in order."""
        out, self._out = self._out, []
        return out

    def greet(self) -> None:
        self._out.append(f"+OK {self._settings.host} Holdfast POP3 ready\r\n".encode())

    def ok(self, text: str = "") -> None:
        self._answer_due = False
        self._out.append(f"+OK {text}\r\n".encode() if text else b"+OK\r\n")

    def error(self, text: str, code: str = "") -> None:
        """A negative reply. ``code``: RFC 3206's, without brackets."""
        self._answer_due = False
        clean = " ".join(text.split())
        self._out.append(f"-ERR [{code}] {clean}\r\n".encode() if code else f"-ERR {clean}\r\n".encode())

    def signed_in(self, text: str) -> None:
        self.state = State.TRANSACTION
        self.ok(text)

    def listing(self, text: str, lines: bytes) -> None:
        """A multi-line reply; ``lines`` end in CRLF each and none begins with a dot."""
        self._answer_due = False
        self._out.append(f"+OK {text}\r\n".encode() + lines + b".\r\n")

    def message(self, text: str, message: bytes | memoryview) -> None:
        """A multi-line reply with a message's bytes, dots stuffed (RFC 1939 §3)."""
        self._answer_due = False
        stuffed = bytes(message).replace(b"\n.", b"\n..")
        if stuffed.startswith(b"."):
            stuffed = b"." + stuffed
        end = b".\r\n" if stuffed.endswith(b"\n") or not stuffed else b"\r\n.\r\n"
        self._out += [f"+OK {text}\r\n".encode(), stuffed, end]

    def quit(self, text: str = "goodbye") -> None:
        """The last reply; the connection is to be closed after it."""
        self.ok(text)
        self.closed = True
        self._buffer = b""

    def _bad(self, text: str) -> Event | None:
        """A command that could not be taken; no event. Too many of them end the connection."""
        self._errors += 1
        if self._errors > self._settings.errors:
            self.closed = True
            text = "too many bad commands"
        self.error(text)
        return None


_WHEN = {
    State.AUTHORIZATION: "before sign-in",
    State.TRANSACTION: "after sign-in",
    State.UPDATE: "after QUIT",
}


def _count(least: int, most: int) -> str:
    if least == most:
        return f"{least} argument{'' if least == 1 else 's'}" if least else "no argument"
    return f"{least} to {most} arguments"
