"""SASL mechanisms PLAIN (RFC 4616) and LOGIN (draft-murchison-sasl-login), both ends.

One machine for SMTP, IMAP and POP3: lines of base64 go in, lines of base64 come out.
What stands around a line (``334 ``, ``+ ``, CRLF) is the protocol's. Invariants SASL-1
to SASL-3 are in the package's README.

A server's exchange::

    machine = server("PLAIN")                # None: no such mechanism
    step = machine.step(initial_or_None)     # Challenge(line) | Credentials
    while isinstance(step, Challenge): ...send it, read a line...; step = machine.step(line)

``step`` raises ``Refused(BAD_SYNTAX)`` for what is malformed and ``Cancelled`` for ``*``.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from typing import NamedTuple, Protocol

from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import PASSWORD_BYTES, SASL_LINE_BYTES

MECHANISMS = ("PLAIN", "LOGIN")


class Cancelled(Refused):
    """The client ended the exchange with ``*`` (RFC 4954 §4, RFC 3501 §6.2.2, RFC 5034 §4)."""

    def __init__(self) -> None:
        super().__init__(Reason.BAD_SYNTAX, "authentication cancelled")


class Credentials(NamedTuple):
    """What a client claims. ``authorize``: whom it wants to act as, '' for the same as ``login``."""

    authorize: str
    login: str
    password: str

    def __repr__(self) -> str:
        """Never shows the password."""
        return f"Credentials(authorize={self.authorize!r}, login={self.login!r}, password=…)"


class Challenge(NamedTuple):
    """What the server says next: ``line`` is base64, b'' when it has nothing to say."""

    line: bytes


class SaslServer(Protocol):
    """One exchange; used once."""

    def step(self, line: bytes | None) -> Challenge | Credentials:
        """``line``: base64 from the client without CRLF; None: it sent no initial response."""
        ...


class SaslClient(Protocol):
    """One exchange; used once."""

    mechanism: str

    def initial(self) -> bytes:
        """The initial response as base64; goes with the command, or after an empty challenge."""
        ...

    def respond(self, challenge: bytes) -> bytes:
        """The base64 answer to a challenge (base64). Raises ``Refused(BAD_SYNTAX)``: not expected."""
        ...


def encode(data: bytes) -> bytes:
    """Base64 without line ends (RFC 4648 §4)."""
    return binascii.b2a_base64(data, newline=False)


def decode(line: bytes) -> bytes:
    """The octets of a base64 line; ``=`` alone is an empty response (RFC 4954 §4).

    Raises ``Cancelled`` for ``*``, ``Refused(BAD_SYNTAX)`` for anything that isn't base64.
    """
    if line == b"*":
        raise Cancelled
    if line == b"=":
        return b""
    if len(line) > SASL_LINE_BYTES:
        raise Refused(Reason.BAD_SYNTAX, "authentication line too long")
    try:
        return binascii.a2b_base64(line, strict_mode=True)
    except binascii.Error:
        raise Refused(Reason.BAD_SYNTAX, "not base64") from None


class PlainServer:
    """``[authzid] NUL authcid NUL passwd`` in one response. RFC 4616 §2."""

    __slots__ = ()

    def step(self, line: bytes | None) -> Challenge | Credentials:
        if line is None:
            return Challenge(b"")
        fields = decode(line).split(b"\0")
        if len(fields) != 3:
            raise Refused(Reason.BAD_SYNTAX, "PLAIN needs authzid, NUL, login, NUL, password")
        authorize, login, password = (_text(field) for field in fields)
        return _checked(authorize, login, password)


class LoginServer:
    """Asks for the name, then for the password."""

    __slots__ = ("_login",)

    def __init__(self) -> None:
        self._login: str | None = None

    def step(self, line: bytes | None) -> Challenge | Credentials:
        if self._login is None:
            if line is None:
                return Challenge(encode(b"Username:"))
            self._login = _text(decode(line))
            return Challenge(encode(b"Password:"))
        if line is None:
            raise Refused(Reason.BAD_SYNTAX, "LOGIN needs a password")
        return _checked("", self._login, _text(decode(line)))


class PlainClient:
    """RFC 4616 §2."""

    __slots__ = ("_credentials",)
    mechanism = "PLAIN"

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def initial(self) -> bytes:
        return encode("\0".join(self._credentials).encode())

    def respond(self, challenge: bytes) -> bytes:
        if decode(challenge):
            raise Refused(Reason.BAD_SYNTAX, "a challenge where PLAIN has none")
        return self.initial()


class LoginClient:
    """Answers the first challenge with the name, the second with the password, whatever they say."""

    __slots__ = ("_answers",)
    mechanism = "LOGIN"

    def __init__(self, credentials: Credentials) -> None:
        self._answers = [credentials.password, credentials.login]

    def initial(self) -> bytes:
        return encode(self._answers.pop().encode())

    def respond(self, challenge: bytes) -> bytes:
        decode(challenge)
        if not self._answers:
            raise Refused(Reason.BAD_SYNTAX, "a third challenge where LOGIN has two")
        return self.initial()


_SERVERS: dict[str, Callable[[], SaslServer]] = {"PLAIN": PlainServer, "LOGIN": LoginServer}
_CLIENTS: dict[str, Callable[[Credentials], SaslClient]] = {"PLAIN": PlainClient, "LOGIN": LoginClient}


def server(mechanism: str) -> SaslServer | None:
    """A machine for one exchange; None for a mechanism we don't speak. Names in any case."""
    found = _SERVERS.get(mechanism.upper())
    return None if found is None else found()


def client(mechanism: str, credentials: Credentials) -> SaslClient | None:
    """A machine for one exchange; None for a mechanism we don't speak."""
    found = _CLIENTS.get(mechanism.upper())
    return None if found is None else found(credentials)


def _text(field: bytes) -> str:
    try:
        return field.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(Reason.BAD_SYNTAX, "name and password must be UTF-8") from None


def _checked(authorize: str, login: str, password: str) -> Credentials:
    """SASL-2: nothing empty, nothing with NUL, nothing beyond the limit reaches the sign-in."""
    if not login or not password:
        raise Refused(Reason.BAD_SYNTAX, "name and password must not be empty")
    if "\0" in login or "\0" in password:
        raise Refused(Reason.BAD_SYNTAX, "NUL in name or password")
    if len(login) > PASSWORD_BYTES or len(password.encode()) > PASSWORD_BYTES:
        raise Refused(Reason.BAD_SYNTAX, f"name or password longer than {PASSWORD_BYTES} bytes")
    return Credentials(authorize, login, password)
