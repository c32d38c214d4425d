"""What the server machine tells its session, and the parameters that came along.

Those marked *decide* stop the machine until the session has called ``accept`` or ``refuse``.
"""

from __future__ import annotations

from typing import NamedTuple

from holdfast.model.address import Address
from holdfast.wire.sasl import Credentials
from holdfast.wire.smtp.replies import Reply


class MailParameters(NamedTuple):
    """Parameters of MAIL. ``size``: bytes as declared (RFC 1870), 0 when not."""

    size: int = 0
    body_8bit: bool = False  # RFC 6152
    smtputf8: bool = False  # RFC 6531
    ret: str = ""  # '', 'FULL' or 'HDRS'; RFC 3461 §4.3
    envid: str = ""  # xtext as given; RFC 3461 §4.4
    auth: str = ""  # as given, never trusted; RFC 4954 §5


class RcptParameters(NamedTuple):
    """Parameters of RCPT (RFC 3461 §4.1, §4.2), as given."""

    notify: str = ""  # 'NEVER', or of SUCCESS, FAILURE, DELAY, comma between
    orcpt: str = ""


NO_MAIL_PARAMETERS = MailParameters()
NO_RCPT_PARAMETERS = RcptParameters()


class Hello(NamedTuple):
    """EHLO or HELO was answered; an open transaction is void. ``name``: what the client calls itself."""

    name: str
    extended: bool


class Mail(NamedTuple):
    """*decide*. ``sender`` may be the null reverse-path ``Address('', '')``."""

    sender: Address
    parameters: MailParameters


class Rcpt(NamedTuple):
    """*decide*. ``address.domain`` is '' for ``<postmaster>`` alone (RFC 5321 §4.1.1.3)."""

    address: Address
    parameters: RcptParameters


class MessageComplete(NamedTuple):
    """*decide*. The message as sent: dots un-stuffed, every line ended by CRLF, no other CR or LF."""

    data: bytes


class Authenticate(NamedTuple):
    """*decide*. What the client claims to be; nobody has checked it yet."""

    mechanism: str
    credentials: Credentials


class StartTls(NamedTuple):
    """220 is in ``take()``: write it, start TLS, then call ``tls_started``. Until then input is dropped."""


class Reset(NamedTuple):
    """The open transaction is void, by RSET."""


class Rejected(NamedTuple):
    """The machine refused the message by itself, ``reply`` is in ``take()``; the transaction is void."""

    reply: Reply


class Quit(NamedTuple):
    """221 is in ``take()``: write it and close."""


class Failed(NamedTuple):
    """The machine gave up, 421 is in ``take()``: write it and close. ``reason`` for the journal."""

    reason: str


Event = Hello | Mail | Rcpt | MessageComplete | Authenticate | StartTls | Reset | Rejected | Quit | Failed
