"""The client's end of SMTP as a machine. RFC 5321, RFC 2920, RFC 3030, RFC 3207, RFC 3461, RFC 4954.

::

    machine = Client("mail.example.org")
    machine.receive(data)
    while event := machine.next_event():
        Ready: start_tls(), authenticate(), send() or quit()
        TlsReady: write take(), start TLS, tls_started()
        Done: each recipient's outcome            Broken: close the connection
    write(machine.take())

It says EHLO by itself after the greeting and after TLS, falls back to HELO, pipelines
where that is offered, and sends RSET where a transaction was left open. Each ``send``
ends in exactly one ``Done`` (SMTP-9), also when the connection breaks.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable

from holdfast.model.errors import Refused
from holdfast.model.limits import KIB
from holdfast.wire import sasl
from holdfast.wire.sasl import Credentials, SaslClient
from holdfast.wire.smtp.answers import Extensions, ReplyReader, extensions
from holdfast.wire.smtp.body import has_bare_line_end
from holdfast.wire.smtp.replies import Reply
from holdfast.wire.smtp.transaction import (
    Attempt,
    AuthFailed,
    Broken,
    ClientEvent,
    Closed,
    Outcome,
    Ready,
    Recipient,
    Stage,
    TlsReady,
    TlsRefused,
    Transaction,
)

__all__ = ["Client", "Outcome", "Recipient", "Stage", "Transaction"]

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BDAT_AT_ONCE_BYTES = 64 * KIB  # sent with the recipients, before it is known that one is accepted


class Client:
    """One connection; any number of transactions, one after the other."""

    __slots__ = (
        "_attempt",
        "_bdat",
        "_events",
        "_expected",
        "_out",
        "_replies",
        "_sasl",
        "authenticated",
        "broken",
        "extensions",
        "name",
        "secure",
    )

    def __init__(self, name: str, *, secure: bool = False, bdat: bool = False) -> None:
        """``name``: what we call ourselves. ``bdat``: use BDAT where CHUNKING is offered."""
        self.name = name
        self.secure = secure
        self.authenticated = False
        self.broken = False
        self.extensions = Extensions()
        self._bdat = bdat
        self._replies = ReplyReader()
        self._expected: deque[Stage] = deque([Stage.GREETING])
        self._events: deque[ClientEvent] = deque()
        self._out: list[bytes] = []
        self._sasl: SaslClient | None = None
        self._attempt: Attempt | None = None

    # what the session calls

    def receive(self, data: bytes) -> None:
        """More octets from the server."""
        if not self.broken:
            self._replies.receive(data)

    def next_event(self) -> ClientEvent | None:
        """None: needs more input, or the next verb."""
        while not self._events:
            if self.broken:
                return None
            try:
                reply = self._replies.next_reply()
            except Refused as error:
                self._break(Reply(451, "4.5.0", error.text))
                continue
            if reply is None:
                return None
            self._answered(reply)
        return self._events.popleft()

    def take(self) -> bytes:
        """What is to be written, once."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    @property
    def waiting_for(self) -> Stage:
        """The stage whose reply comes next."""
        return self._expected[0] if self._expected else Stage.IDLE

    def start_tls(self) -> None:
        """After ``Ready``, where ``extensions.starttls``."""
        self._say("STARTTLS", Stage.STARTTLS)

    def tls_started(self) -> None:
        """TLS is on: what was offered before is forgotten (RFC 3207 §4.2), EHLO is said again."""
        self.secure = True
        self._replies = ReplyReader()
        self._say(f"EHLO {self.name}", Stage.EHLO)

    def authenticate(self, credentials: Credentials) -> None:
        """After ``Ready``. PLAIN where offered, else LOGIN; never in the clear: that is the caller's rule."""
        for mechanism in sasl.MECHANISMS:
            if mechanism in self.extensions.mechanisms:
                self._sasl = sasl.client(mechanism, credentials)
                break
        else:
            self._events.append(AuthFailed(Reply(504, "5.5.4", "no mechanism in common")))
            return self._ready()
        assert self._sasl is not None
        if mechanism == "PLAIN":
            return self._say(f"AUTH PLAIN {self._sasl.initial().decode()}", Stage.AUTH)
        return self._say(f"AUTH {mechanism}", Stage.AUTH)

    def send(self, transaction: Transaction) -> None:
        """After ``Ready``. Ends in one ``Done``."""
        attempt = self._attempt = Attempt(transaction)
        refusal = self._impossible(transaction)
        if refusal is not None:
            attempt.decide(refusal, Stage.LOCAL)
            return self._conclude(open_there=False)
        self._say(self._mail_line(transaction), Stage.MAIL)
        if self.extensions.pipelining:
            for recipient in transaction.recipients:
                self._say(self._rcpt_line(recipient), Stage.RCPT)
            if not self._chunking:
                self._say("DATA", Stage.DATA)
                attempt.data_asked = True
            elif len(transaction.data) <= _BDAT_AT_ONCE_BYTES:
                self._send_bdat(transaction.data)
                attempt.data_asked = True
        return None

    def ask(self, transaction: Transaction) -> None:
        """After ``Ready``: would these recipients be taken? No message follows. Ends in one ``Done``."""
        attempt = self._attempt = Attempt(transaction, asks=True)
        self._say(self._mail_line(transaction), Stage.MAIL)
        if self.extensions.pipelining:
            for recipient in attempt.transaction.recipients:
                self._say(self._rcpt_line(recipient), Stage.RCPT)

    def quit(self) -> None:
        self._say("QUIT", Stage.QUIT)

    def lost(self) -> None:
        """The connection is gone: what was not decided is temporary."""
        if not self.broken:
            if self.waiting_for == Stage.QUIT:
                self.broken = True
                self._events.append(Closed())
            else:
                self._break(Reply(451, "4.4.2", f"connection lost waiting for {self.waiting_for.value}"))

    # building

    @property
    def _chunking(self) -> bool:
        return self._bdat and self.extensions.chunking

    def _say(self, line: str, stage: Stage) -> None:
        self._out.append(f"{line}\r\n".encode())
        self._expected.append(stage)

    def _impossible(self, transaction: Transaction) -> Reply | None:
        """Why this server can't be asked at all."""
        offered = self.extensions
        if not transaction.recipients:
            return Reply(554, "5.5.1", "no recipients")
        if offered.size and len(transaction.data) > offered.size:
            return Reply(552, "5.3.4", f"larger than the {offered.size} bytes this server takes")
        if transaction.needs_smtputf8 and not offered.smtputf8:
            return Reply(550, "5.6.7", "needs SMTPUTF8, which this server doesn't offer")
        if any(_CONTROL.search(address) for address in transaction.addresses):
            return Reply(553, "5.1.3", "control characters in an address")
        if has_bare_line_end(transaction.data):
            return Reply(554, "5.6.0", "bare CR or LF in the message")  # SMTP-2: we don't smuggle either
        return None

    def _mail_line(self, transaction: Transaction) -> str:
        offered = self.extensions
        line = f"MAIL FROM:<{transaction.sender}>"
        if offered.size_offered:
            line += f" SIZE={len(transaction.data)}"
        if transaction.body_8bit and offered.eight_bit:
            line += " BODY=8BITMIME"
        if transaction.needs_smtputf8:
            line += " SMTPUTF8"
        if offered.dsn and transaction.ret:
            line += f" RET={transaction.ret}"
        if offered.dsn and transaction.envid:
            line += f" ENVID={transaction.envid}"
        return line

    def _rcpt_line(self, recipient: Recipient) -> str:
        line = f"RCPT TO:<{recipient.address}>"
        if self.extensions.dsn and recipient.notify:
            line += f" NOTIFY={recipient.notify}"
        if self.extensions.dsn and recipient.orcpt:
            line += f" ORCPT={recipient.orcpt}"
        return line

    def _send_data(self, data: bytes) -> None:
        """RFC 5321 §4.5.2: a dot at a line's start is doubled, a line with one dot ends it."""
        if data.startswith(b"."):
            self._out.append(b".")
        self._out.append(data.replace(b"\r\n.", b"\r\n.."))
        self._out.append(b".\r\n" if not data or data.endswith(b"\r\n") else b"\r\n.\r\n")
        self._expected.append(Stage.CONTENT)

    def _send_bdat(self, data: bytes) -> None:
        self._out.append(b"BDAT %d LAST\r\n" % len(data))
        self._out.append(data)
        self._expected.append(Stage.CONTENT)

    # replies

    def _answered(self, reply: Reply) -> None:
        if not self._expected:
            return self._break(
                reply if reply.code == 421 else Reply(451, "4.5.0", f"a reply unasked for: {reply}")
            )
        if reply.code == 421 and self._expected[0] != Stage.QUIT:
            return self._break(reply)
        stage = self._expected[0]
        if reply.code // 100 == 3 and stage not in (Stage.AUTH, Stage.DATA):
            return self._break(Reply(451, "4.5.0", f"not a reply to {stage.value}: {reply}"))
        self._expected.popleft()
        return _HANDLERS[stage](self, reply)

    def _on_greeting(self, reply: Reply) -> None:
        if reply.code // 100 != 2:
            return self._break(reply, Stage.GREETING)
        return self._say(f"EHLO {self.name}", Stage.EHLO)

    def _on_ehlo(self, reply: Reply) -> None:
        if reply.code // 100 == 2:
            self.extensions = extensions(reply)
            return self._ready()
        if reply.code // 100 == 5:
            return self._say(f"HELO {self.name}", Stage.HELO)
        return self._break(reply, Stage.EHLO)

    def _on_helo(self, reply: Reply) -> None:
        if reply.code // 100 != 2:
            return self._break(reply, Stage.HELO)
        self.extensions = Extensions()
        return self._ready()

    def _on_starttls(self, reply: Reply) -> None:
        if reply.code != 220:
            self._events.append(TlsRefused(reply))
            return self._ready()
        if self._replies.pending:
            # SMTP-7, the other way round: replies said in the clear must not count as said under TLS
            return self._break(Reply(451, "4.7.0", "more in the clear after STARTTLS"), Stage.STARTTLS)
        self.extensions = Extensions()
        self._events.append(TlsReady())
        return None

    def _on_auth(self, reply: Reply) -> None:
        if reply.code == 334 and self._sasl is not None:
            try:
                answer = self._sasl.respond(reply.text.strip().encode())
            except Refused:
                answer = b"*"
                self._sasl = None
            return self._say(answer.decode(), Stage.AUTH)
        self._sasl = None
        if reply.code // 100 == 2:
            self.authenticated = True
        else:
            self._events.append(AuthFailed(reply))
        return self._ready()

    def _on_mail(self, reply: Reply) -> None:
        attempt = self._under_way()
        if reply.code // 100 != 2:
            attempt.mail_refused = True
            attempt.decide(reply, Stage.MAIL)
            if not self.extensions.pipelining:
                self._conclude(open_there=False)
        elif not self.extensions.pipelining:
            self._say(self._rcpt_line(attempt.next_recipient), Stage.RCPT)

    def _on_rcpt(self, reply: Reply) -> None:
        attempt = self._under_way()
        attempt.recipient(reply)
        if not attempt.all_answered:
            if not self.extensions.pipelining:
                self._say(self._rcpt_line(attempt.next_recipient), Stage.RCPT)
        elif attempt.data_asked:
            return
        elif attempt.asks or not attempt.accepted:
            self._conclude(open_there=not attempt.mail_refused)
        elif self._chunking:
            self._send_bdat(attempt.transaction.data)
        else:
            self._say("DATA", Stage.DATA)

    def _on_data(self, reply: Reply) -> None:
        attempt = self._under_way()
        if reply.code == 354:
            # asked for in the same breath as the recipients, and none was taken: RFC 2920 §3.1
            self._send_data(attempt.transaction.data if attempt.accepted else b"")
        elif reply.code < 400:
            self._break(Reply(451, "4.5.0", f"not a reply to DATA: {reply}"), Stage.DATA)
        else:
            attempt.decide(reply, Stage.DATA)
            self._conclude(open_there=not attempt.mail_refused)

    def _on_content(self, reply: Reply) -> None:
        attempt = self._under_way()
        attempt.decide(reply, Stage.CONTENT)
        return self._conclude(open_there=self._chunking and reply.code >= 400)

    def _on_rset(self, reply: Reply) -> None:
        if reply.code // 100 != 2:
            return self._break(reply, Stage.RSET)
        return self._ready()

    def _on_quit(self, reply: Reply) -> None:
        self.broken = True
        self._events.append(Closed())

    # ends

    def _under_way(self) -> Attempt:
        assert self._attempt is not None
        return self._attempt

    def _conclude(self, *, open_there: bool) -> None:
        """``open_there``: the server may still hold an open transaction."""
        self._events.append(self._under_way().done())
        self._attempt = None
        if open_there:
            self._say("RSET", Stage.RSET)
        else:
            self._ready()

    def _ready(self) -> None:
        self._events.append(Ready(self.extensions, self.secure, self.authenticated))

    def _break(self, reply: Reply, stage: Stage | None = None) -> None:
        """SMTP-9: a transaction under way ends here, temporarily refused for all not decided."""
        stage = stage or self.waiting_for
        self.broken = True
        self._out.clear()
        if self._attempt is not None:
            later = reply if reply.temporary else Reply(451, "4.5.0", reply.text)
            self._attempt.decide(later, stage)
            self._events.append(self._attempt.done())
            self._attempt = None
        self._events.append(Broken(stage, reply))


_HANDLERS: dict[Stage, Callable[[Client, Reply], None]] = {
    Stage.GREETING: Client._on_greeting,
    Stage.EHLO: Client._on_ehlo,
    Stage.HELO: Client._on_helo,
    Stage.STARTTLS: Client._on_starttls,
    Stage.AUTH: Client._on_auth,
    Stage.MAIL: Client._on_mail,
    Stage.RCPT: Client._on_rcpt,
    Stage.DATA: Client._on_data,
    Stage.CONTENT: Client._on_content,
    Stage.RSET: Client._on_rset,
    Stage.QUIT: Client._on_quit,
}
