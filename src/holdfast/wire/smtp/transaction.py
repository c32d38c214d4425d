"""What the SMTP client machine is asked for and what it tells, and the bookkeeping of one transaction."""

from __future__ import annotations

import enum
from typing import NamedTuple

from holdfast.wire.smtp.answers import Extensions
from holdfast.wire.smtp.replies import Reply


class Stage(enum.StrEnum):
    """What is waited for; the relay picks its timeout by it (RFC 5321 §4.5.3.2)."""

    GREETING = "greeting"
    EHLO = "EHLO"
    HELO = "HELO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    CONTENT = "content"  # the end of the message was sent
    RSET = "RSET"
    QUIT = "QUIT"
    IDLE = "idle"
    LOCAL = "local"  # not asked: decided here


class Recipient(NamedTuple):
    address: str
    notify: str = ""  # DSN (RFC 3461), sent where offered
    orcpt: str = ""


class Transaction(NamedTuple):
    """One message. ``sender`` '' is the null reverse-path. ``data``: lines end in CRLF, dots not stuffed."""

    sender: str
    recipients: tuple[Recipient, ...]
    data: bytes
    body_8bit: bool = False
    smtputf8: bool = False
    ret: str = ""
    envid: str = ""

    @property
    def addresses(self) -> tuple[str, ...]:
        return (self.sender, *(recipient.address for recipient in self.recipients))

    @property
    def needs_smtputf8(self) -> bool:
        return self.smtputf8 or not all(address.isascii() for address in self.addresses)


class Outcome(NamedTuple):
    """What became of one recipient, and at which stage that was decided."""

    recipient: Recipient
    reply: Reply
    stage: Stage

    @property
    def delivered(self) -> bool:
        return self.reply.code // 100 == 2


class Ready(NamedTuple):
    """The next verb may be called."""

    extensions: Extensions
    secure: bool
    authenticated: bool


class TlsReady(NamedTuple):
    """The server waits for the handshake: start TLS, then ``tls_started``."""


class TlsRefused(NamedTuple):
    """No TLS; ``Ready`` follows, in the clear."""

    reply: Reply


class AuthFailed(NamedTuple):
    """Not signed in; ``Ready`` follows."""

    reply: Reply


class Done(NamedTuple):
    """The transaction's end: an outcome for each recipient, in order. ``Ready`` follows, or ``Broken``."""

    outcomes: tuple[Outcome, ...]


class Broken(NamedTuple):
    """The connection is of no more use: close it. ``reply``: what was said, or what we say about it."""

    stage: Stage
    reply: Reply


class Closed(NamedTuple):
    """QUIT was answered."""


ClientEvent = Ready | TlsReady | TlsRefused | AuthFailed | Done | Broken | Closed


class Attempt:
    """One transaction under way: which recipients were answered, and how."""

    __slots__ = ("_outcomes", "accepted", "answered", "asks", "data_asked", "mail_refused", "transaction")

    def __init__(self, transaction: Transaction, *, asks: bool = False) -> None:
        """``asks``: it ends with the recipients, nothing is sent."""
        self.transaction = transaction
        self.asks = asks
        self._outcomes: list[Outcome | None] = [None] * len(transaction.recipients)
        self.answered = 0  # replies to RCPT
        self.accepted = 0
        self.mail_refused = False
        self.data_asked = False  # DATA or BDAT went out together with the recipients

    @property
    def all_answered(self) -> bool:
        return self.answered == len(self._outcomes)

    @property
    def next_recipient(self) -> Recipient:
        return self.transaction.recipients[self.answered]

    def recipient(self, reply: Reply) -> None:
        """The reply to the next RCPT. Without MAIL its own words mean nothing."""
        at = self.answered
        self.answered += 1
        if self.mail_refused:
            return
        if reply.code // 100 == 2:
            self.accepted += 1
            if not self.asks:
                return
        if reply.code == 552:  # RFC 5321 §4.5.3.1.10: too many recipients, the way it was once said
            reply = reply._replace(code=452, enhanced="4.5.3")
        self._outcomes[at] = Outcome(self.transaction.recipients[at], reply, Stage.RCPT)

    def decide(self, reply: Reply, stage: Stage) -> None:
        """All who have no outcome yet get this one."""
        for at, recipient in enumerate(self.transaction.recipients):
            if self._outcomes[at] is None:
                self._outcomes[at] = Outcome(recipient, reply, stage)

    def done(self) -> Done:
        """Only after ``decide``, or when none was accepted."""
        return Done(tuple(outcome for outcome in self._outcomes if outcome is not None))
