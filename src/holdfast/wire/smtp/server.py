"""The server's end of SMTP as a machine. RFC 5321, with PIPELINING (RFC 2920), SIZE (1870),
8BITMIME (6152), SMTPUTF8 (6531), ENHANCEDSTATUSCODES (2034), CHUNKING (3030), DSN (3461),
STARTTLS (3207) and AUTH (4954).

::

    machine = Server(settings)
    machine.greet()
    machine.receive(data)
    while event := machine.next_event():     # None: needs more input, or a decision
        ...machine.accept() or machine.refuse(reply)...
    write(machine.take())

Replies collect in ``take()`` in the order of the commands, so that a pipelined group is
answered in one write (SMTP-4). Split the input as you like: events and replies are the same.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from holdfast.model.errors import Refused
from holdfast.model.limits import SASL_LINE_BYTES, SMTP_COMMAND_BYTES
from holdfast.wire import sasl
from holdfast.wire.sasl import Challenge, SaslServer
from holdfast.wire.smtp import replies
from holdfast.wire.smtp.body import Body
from holdfast.wire.smtp.events import (
    Authenticate,
    Event,
    Failed,
    Hello,
    Mail,
    MessageComplete,
    Quit,
    Rcpt,
    Rejected,
    Reset,
    StartTls,
)
from holdfast.wire.smtp.grammar import (
    BadArgument,
    bdat_argument,
    hello_name,
    mail_argument,
    rcpt_argument,
)
from holdfast.wire.smtp.replies import Reply
from holdfast.wire.smtp.settings import ServerSettings, State

_SENDER_OK = replies.SENDER_OK.encode()
_RECIPIENT_OK = replies.RECIPIENT_OK.encode()
_START_DATA = replies.START_DATA.encode()


__all__ = ["Server", "ServerSettings"]

# an enum's members cost a search each time they are named
_COMMAND, _SASL, _DATA, _BDAT, _DECIDE, _TLS, _CLOSED = State


class Server:
    """One connection. Memory: one message, one command line, and what came in behind it."""

    __slots__ = (
        "_asked",
        "_at",
        "_bdat_last",
        "_bdat_left",
        "_bdat_refusal",
        "_bdat_size",
        "_body",
        "_buffer",
        "_mechanism",
        "_out",
        "_sasl",
        "_settings",
        "_skipping",
        "_smtputf8",
        "_state",
        "authenticated",
        "client_name",
        "errors",
        "extended",
        "in_transaction",
        "recipients",
        "refused_recipients",
        "secure",
    )

    def __init__(self, settings: ServerSettings, *, secure: bool = False) -> None:
        """``secure``: TLS is on already (port 465)."""
        self._settings = settings
        self._state = _COMMAND
        self._asked: type[Event] | None = None
        self._buffer = b""
        self._at = 0
        self._skipping: Reply | None = None  # reading on to the end of a line that is too long
        self._out: list[bytes] = []
        self._body: Body | None = None
        self._bdat_left = self._bdat_size = 0
        self._bdat_last = False
        self._bdat_refusal: Reply | None = None
        self._sasl: SaslServer | None = None
        self._mechanism = ""
        self._smtputf8 = False
        self.secure = secure
        self.authenticated = False
        self.client_name = ""  # of EHLO or HELO; '' before
        self.extended = False
        self.errors = 0
        self.in_transaction = False
        self.recipients = 0  # accepted in this transaction
        self.refused_recipients = 0

    # what the session calls

    def greet(self, reply: Reply | None = None) -> None:
        """220, or ``reply`` where the connection is not wanted (RFC 5321 §3.1): then it is closed."""
        if reply is not None and reply.code >= 400:
            self.close(reply)
        else:
            self._say(reply or Reply(220, "", f"{self._settings.host} ESMTP Holdfast"))

    def receive(self, data: bytes) -> None:
        """More octets from the client."""
        if self._state >= _TLS:
            return  # SMTP-7: nothing said in the clear is heard after STARTTLS (CVE-2011-0411)
        if self._at >= len(self._buffer):
            self._buffer = data
        else:
            self._buffer = self._buffer[self._at :] + data
        self._at = 0

    def next_event(self) -> Event | None:
        """The next thing to know or to decide; None: more input or a decision is needed first."""
        while True:
            state = self._state
            if state == _COMMAND:
                if self._at >= len(self._buffer):
                    return None
                event = self._next_command()
            elif state == _DATA:
                event = self._next_data()
            elif state == _BDAT:
                event = self._next_bdat()
            elif state == _SASL:
                event = self._next_sasl()
            else:
                return None
            if event is not _AGAIN:
                return event

    def take(self) -> bytes:
        """What is to be written, once."""
        out = self._out
        if not out:
            return b""
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        return data

    @property
    def deciding(self) -> bool:
        """Whether ``accept`` or ``refuse`` is owed."""
        return self._state == _DECIDE

    @property
    def closed(self) -> bool:
        return self._state == _CLOSED

    @property
    def held(self) -> int:
        """Bytes of the message in progress that are kept here."""
        return 0 if self._body is None else self._body.held

    @property
    def backlog(self) -> int:
        """Bytes received and not looked at yet."""
        return len(self._buffer) - self._at

    def accept(self, reply: Reply | None = None) -> None:
        """The answer to the event that was to decide: yes. After ``close`` it is heard by nobody."""
        if self._state == _CLOSED:
            return
        asked = self._decided()
        if asked is Mail:
            self.in_transaction = True
            self._out.append(_SENDER_OK if reply is None else reply.encode())
        elif asked is Rcpt:
            self.recipients += 1
            self._out.append(_RECIPIENT_OK if reply is None else reply.encode())
        elif asked is Authenticate:
            self.authenticated = True
            self._say(reply or replies.AUTHENTICATED)
        else:
            self._say(reply or replies.OK)
            self._void()

    def refuse(self, reply: Reply) -> None:
        """The answer to the event that was to decide: no, and why."""
        if self._state == _CLOSED:
            return
        asked = self._decided()
        self._say(reply)
        if asked is Rcpt:
            self.refused_recipients += 1
        elif asked is Mail or asked is MessageComplete:
            self._void()

    def shed(self, reply: Reply) -> None:
        """Lets go of the message in progress; it is read to its end and refused with ``reply``."""
        if self._body is not None:
            self._body.shed(reply)

    def tls_started(self) -> None:
        """TLS is on: everything known of the client is forgotten (RFC 3207 §4.2)."""
        self._state = _COMMAND
        self._buffer, self._at = b"", 0
        self.secure, self.extended, self.client_name = True, False, ""
        self.authenticated = False
        self._void()

    def close(self, reply: Reply) -> None:
        """Says ``reply`` (421) and hears no more. The session writes ``take()`` and closes."""
        self._say(reply)
        self._state = _CLOSED
        self._buffer, self._at = b"", 0
        self._void()

    # lines

    def _line(self, limit: int) -> bytes | Reply | None:
        """The next line without CRLF; a Reply: what is wrong with it; None: not here yet."""
        buffer, at = self._buffer, self._at
        end = buffer.find(b"\n", at)
        if self._skipping is not None:
            return self._skip(end)
        if 0 < end - at < SMTP_COMMAND_BYTES and buffer[end - 1] == 13:
            line = buffer[at : end - 1]
            if b"\r" not in line and b"\0" not in line:
                self._at = end + 1
                return line
        return self._odd_line(limit, end)

    def _odd_line(self, limit: int, end: int) -> bytes | Reply | None:
        """A line that is long, not complete, or not well formed. ``end``: of its LF, or −1."""
        buffer, at = self._buffer, self._at
        if buffer.startswith((b"AUTH ", b"auth "), at) and self._settings.mechanisms:
            limit = SASL_LINE_BYTES
        if end < 0:
            if len(buffer) - at >= limit:
                self._skipping = (
                    replies.LINE_TOO_LONG if limit == SMTP_COMMAND_BYTES else replies.AUTH_TOO_LONG
                )
                self._buffer, self._at = b"", 0
            return None
        self._at = end + 1
        if end - at >= limit:
            return replies.LINE_TOO_LONG if limit == SMTP_COMMAND_BYTES else replies.AUTH_TOO_LONG
        line = buffer[at:end]
        if line.find(b"\r") != end - at - 1 or end == at:
            return replies.BARE_COMMAND
        if b"\0" in line:
            return replies.NUL_COMMAND
        return line[:-1]

    def _skip(self, end: int) -> Reply | None:
        if end < 0:
            self._buffer, self._at = b"", 0
            return None
        self._at = end + 1
        reply, self._skipping = self._skipping, None
        return reply

    def _next_command(self) -> Event | None:
        line = self._line(SMTP_COMMAND_BYTES)
        if line is None:
            return None
        if isinstance(line, Reply):
            return self._error(line)
        verb, _, argument = line.partition(b" ")
        handler = _COMMANDS.get(verb) or _COMMANDS.get(verb.upper())
        if handler is None:
            return self._unknown(verb)
        try:
            return handler(self, argument)
        except BadArgument as error:
            return self._error(error.reply)

    # commands: each returns an event, or _AGAIN

    def _hello(self, argument: bytes, *, extended: bool) -> Event | None:
        name = hello_name(argument)
        if name is None:
            return self._error(replies.BAD_HELLO)
        self._void()
        self.client_name, self.extended = name, extended
        offer_auth = not self.authenticated and self._auth_possible
        self._out.append(_hello_reply(self._settings, extended, not self.secure, offer_auth))
        return Hello(name, extended)

    def _ehlo(self, argument: bytes) -> Event | None:
        return self._hello(argument, extended=True)

    def _helo(self, argument: bytes) -> Event | None:
        return self._hello(argument, extended=False)

    def _mail(self, argument: bytes) -> Event | None:
        if not self.client_name:
            return self._error(replies.HELLO_FIRST)
        if self.in_transaction:
            return self._error(replies.NESTED_MAIL)
        if self._settings.auth_required and not self.authenticated:
            return self._error(replies.AUTH_FIRST)
        sender, parameters = mail_argument(argument, extended=self.extended)
        if parameters.size > self._settings.message_bytes:
            self._say(replies.TOO_LARGE)
            return _AGAIN
        self._smtputf8 = parameters.smtputf8
        return self._ask(Mail(sender, parameters))

    def _rcpt(self, argument: bytes) -> Event | None:
        if not self.in_transaction:
            return self._error(replies.MAIL_FIRST)
        if self._body is not None:
            return self._error(replies.BAD_SEQUENCE)
        address, parameters = rcpt_argument(argument, extended=self.extended, smtputf8=self._smtputf8)
        if self.recipients >= self._settings.recipients:
            self._say(replies.TOO_MANY_RECIPIENTS)
            return _AGAIN
        return self._ask(Rcpt(address, parameters))

    def _data(self, argument: bytes) -> Event | None:
        reply = self._not_ready(argument)
        if reply is not None:
            return self._error(reply)
        self._body = Body(self._settings.message_bytes)
        self._state = _DATA
        self._out.append(_START_DATA)
        return _AGAIN

    def _not_ready(self, argument: bytes) -> Reply | None:
        """Why DATA is not possible now."""
        if argument.strip():
            return replies.NO_ARGUMENT
        if not self.in_transaction:
            return replies.MAIL_FIRST
        if self._body is not None:
            return replies.DATA_IN_BDAT
        if not self.recipients:
            return replies.NO_RECIPIENTS if self.refused_recipients else replies.RECIPIENT_FIRST
        return None

    def _bdat(self, argument: bytes) -> Event | None:
        try:
            self._bdat_left, self._bdat_last = bdat_argument(argument)
        except BadArgument as error:
            # how many octets follow is unknown: they must not be read as commands (SMTP-1)
            self._say(error.reply)
            return self._fail(
                Reply(421, "4.5.0", "can't tell where the chunk ends, closing"), "BDAT malformed"
            )
        self._bdat_size = self._bdat_left
        self._state = _BDAT
        self._bdat_refusal = None
        if not self.in_transaction:
            self._bdat_refusal = replies.MAIL_FIRST
        elif not self.recipients:
            self._bdat_refusal = replies.NO_RECIPIENTS if self.refused_recipients else replies.RECIPIENT_FIRST
        elif self._body is None:
            self._body = Body(self._settings.message_bytes)
        return _AGAIN

    def _rset(self, argument: bytes) -> Event | None:
        if argument.strip():
            return self._error(replies.NO_ARGUMENT)
        self._void()
        self._say(replies.OK)
        return Reset()

    def _noop(self, argument: bytes) -> Event | None:
        self._say(replies.OK)
        return _AGAIN

    def _vrfy(self, argument: bytes) -> Event | None:
        self._say(replies.CANNOT_VERIFY)
        return _AGAIN

    def _help(self, argument: bytes) -> Event | None:
        self._say(replies.HELP)
        return _AGAIN

    def _quit(self, argument: bytes) -> Event | None:
        self.close(replies.BYE)
        return Quit()

    def _starttls(self, argument: bytes) -> Event | None:
        if argument.strip():
            return self._error(replies.NO_ARGUMENT)
        if self.secure:
            return self._error(replies.TLS_ALREADY)
        if not self._settings.starttls:
            return self._error(replies.NOT_OFFERED)
        self._say(replies.READY_FOR_TLS)
        self._state = _TLS
        self._buffer, self._at = b"", 0  # SMTP-7
        self._void()
        return StartTls()

    # authentication

    @property
    def _auth_possible(self) -> bool:
        return self.secure or not self._settings.auth_needs_tls

    def _auth(self, argument: bytes) -> Event | None:
        mechanism, _, initial = argument.strip().partition(b" ")
        reply = self._auth_not_ready(mechanism)
        if reply is not None:
            return self._error(reply)
        self._mechanism = mechanism.decode("ascii").upper()
        self._sasl = sasl.server(self._mechanism)
        return self._sasl_step(initial.strip() or None)

    def _auth_not_ready(self, mechanism: bytes) -> Reply | None:
        if not self._settings.mechanisms:
            return replies.NOT_OFFERED
        if not self.client_name:
            return replies.HELLO_FIRST
        if self.authenticated:
            return replies.AUTH_ALREADY
        if self.in_transaction:
            return replies.BAD_SEQUENCE
        if not self._auth_possible:
            return replies.AUTH_NEEDS_TLS
        if mechanism.decode("ascii", "replace").upper() not in self._settings.mechanisms:
            return replies.AUTH_UNKNOWN
        return None

    def _next_sasl(self) -> Event | None:
        line = self._line(SASL_LINE_BYTES)
        if line is None:
            return None
        if isinstance(line, Reply):
            self._sasl, self._state = None, _COMMAND
            return self._error(line)
        return self._sasl_step(line)

    def _sasl_step(self, line: bytes | None) -> Event | None:
        assert self._sasl is not None
        try:
            step = self._sasl.step(line)
        except Refused as error:
            self._sasl, self._state = None, _COMMAND
            cancelled = isinstance(error, sasl.Cancelled)
            return self._error(replies.AUTH_CANCELLED if cancelled else Reply(501, "5.5.2", error.text))
        if isinstance(step, Challenge):
            self._out.append(b"334 " + step.line + b"\r\n")
            self._state = _SASL
            return _AGAIN
        self._sasl = None
        return self._ask(Authenticate(self._mechanism, step))

    # message content

    def _next_data(self) -> Event | None:
        assert self._body is not None
        buffer, at = self._buffer, self._at
        if at >= len(buffer):
            return None
        chunk = buffer[at:] if at else buffer
        end = self._body.feed(chunk)
        if end < 0:
            self._buffer, self._at = b"", 0
            return None
        self._at = at + end
        return self._complete(self._body.finish_data())

    def _next_bdat(self) -> Event | None:
        chunk = self._buffer[self._at : self._at + self._bdat_left]
        self._at += len(chunk)
        self._bdat_left -= len(chunk)
        if self._bdat_refusal is None and chunk:
            assert self._body is not None
            self._body.keep(chunk)
        if self._bdat_left:
            return None
        self._state = _COMMAND
        if self._bdat_refusal is not None:
            return self._error(self._bdat_refusal)
        assert self._body is not None
        if self._bdat_last:
            return self._complete(self._body.finish_bdat())
        if self._body.refusal is not None:
            return self._complete(self._body.refusal)
        self._say(Reply(250, "2.0.0", f"{self._bdat_size} octets received"))
        return _AGAIN

    def _complete(self, message: bytes | Reply) -> Event | None:
        self._state = _COMMAND
        if isinstance(message, Reply):
            self._say(message)
            self._void()
            return Rejected(message)
        self._body = None
        return self._ask(MessageComplete(message))

    # the rest

    def _say(self, reply: Reply) -> None:
        self._out.append(reply.encode())

    def _ask(self, event: Event) -> Event:
        self._state = _DECIDE
        self._asked = type(event)
        return event

    def _decided(self) -> type[Event]:
        asked, self._asked = self._asked, None
        if asked is None:
            raise RuntimeError("nothing was to decide")
        self._state = _COMMAND
        return asked

    def _void(self) -> None:
        """No transaction."""
        self.in_transaction = False
        self.recipients = self.refused_recipients = 0
        self._body = None
        self._smtputf8 = False

    def _unknown(self, verb: bytes) -> Event | None:
        if verb.upper() in _OTHER_PROTOCOLS:
            return self._fail(replies.NOT_SMTP, "not SMTP")
        return self._error(replies.UNKNOWN_COMMAND)

    def _error(self, reply: Reply) -> Event | None:
        """A bad command: said, and counted (SMTP-8)."""
        self._say(reply)
        self.errors += 1
        if self.errors >= self._settings.errors:
            return self._fail(replies.TOO_MANY_ERRORS, "too many errors")
        return _AGAIN

    def _fail(self, reply: Reply, reason: str) -> Failed:
        self.close(reply)
        return Failed(reason)


@functools.lru_cache(maxsize=64)
def _hello_reply(settings: ServerSettings, extended: bool, offer_tls: bool, offer_auth: bool) -> bytes:
    """What every client is told; made once for each kind of connection."""
    if not extended:
        return f"250 {settings.host}\r\n".encode()
    lines = [settings.host, "PIPELINING", f"SIZE {settings.message_bytes}", "8BITMIME", "SMTPUTF8"]
    lines += ["ENHANCEDSTATUSCODES", "CHUNKING", "DSN"]
    if settings.starttls and offer_tls:
        lines.append("STARTTLS")
    if settings.mechanisms and offer_auth:
        lines.append("AUTH " + " ".join(settings.mechanisms))
    return Reply(250, "", "\n".join([*lines, "HELP"])).encode()


_AGAIN = Reset()  # compared by identity: nothing to tell, look at the next command

_COMMANDS: dict[bytes, Callable[[Server, bytes], Event | None]] = {
    b"EHLO": Server._ehlo,
    b"HELO": Server._helo,
    b"MAIL": Server._mail,
    b"RCPT": Server._rcpt,
    b"DATA": Server._data,
    b"BDAT": Server._bdat,
    b"RSET": Server._rset,
    b"NOOP": Server._noop,
    b"VRFY": Server._vrfy,
    b"HELP": Server._help,
    b"QUIT": Server._quit,
    b"STARTTLS": Server._starttls,
    b"AUTH": Server._auth,
}

# a browser or a proxy made to talk to us (cross-protocol attacks): hang up at once
_OTHER_PROTOCOLS = frozenset((b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"CONNECT", b"DELETE", b"PATCH"))
