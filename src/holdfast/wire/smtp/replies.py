"""Replies: codes, enhanced codes (RFC 3463), and the one table from our errors to them.

SMTP-5: ``Unavailable`` is always 4xx, whatever was asked.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from holdfast.model.errors import Reason, Refused, Unavailable

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]+")
_TEXT_CHARACTERS = 400  # RFC 5321 §4.5.3.1.5: a reply line has at most 512 octets


class Reply(NamedTuple):
    """One reply. ``enhanced``: ``'5.1.1'``, or '' where RFC 2034 §4 has none. Lines end in ``\\n``."""

    code: int
    enhanced: str
    text: str

    @property
    def accepted(self) -> bool:
        return self.code < 400

    @property
    def temporary(self) -> bool:
        return 400 <= self.code < 500

    def encode(self) -> bytes:
        """To the byte, CRLF included. Text that isn't printable can't break the line (SMTP-6)."""
        code, enhanced, text = self
        prefix = f"{enhanced} " if enhanced else ""
        if text.isprintable() and text.isascii() and len(text) <= _TEXT_CHARACTERS:
            return f"{code} {prefix}{text}\r\n".encode()
        lines = [_UNPRINTABLE.sub(" ", line)[:_TEXT_CHARACTERS] for line in text.split("\n")]
        head = "".join(f"{code}-{prefix}{line}\r\n" for line in lines[:-1])
        return f"{head}{code} {prefix}{lines[-1]}\r\n".encode("ascii", "replace")

    def __str__(self) -> str:
        return f"{self.code} {self.enhanced} {self.text}" if self.enhanced else f"{self.code} {self.text}"


# what each Reason means at each step: (code, enhanced code); RFC 5321 §4.2.3, RFC 3463 §3
_REFUSED: dict[Reason, tuple[int, str]] = {
    Reason.NO_SUCH_USER: (550, "5.1.1"),
    Reason.NO_SUCH_DOMAIN: (550, "5.1.2"),
    Reason.USER_DISABLED: (550, "5.2.1"),
    Reason.BAD_CREDENTIALS: (535, "5.7.8"),
    Reason.NOT_ALLOWED: (550, "5.7.1"),
    Reason.NO_SUCH_MAILBOX: (550, "5.1.1"),
    Reason.MAILBOX_EXISTS: (554, "5.0.0"),
    Reason.BAD_NAME: (553, "5.1.3"),
    Reason.HAS_CHILDREN: (554, "5.0.0"),
    Reason.NO_SUCH_MESSAGE: (554, "5.0.0"),
    Reason.UNREADABLE: (554, "5.6.0"),
    Reason.TOO_LARGE: (552, "5.3.4"),
    Reason.TOO_MANY: (452, "4.5.3"),
    Reason.OVER_QUOTA: (552, "5.2.2"),
    Reason.LIMIT: (452, "4.3.1"),
    Reason.BAD_SYNTAX: (501, "5.5.4"),
    Reason.EXISTS: (554, "5.0.0"),
    Reason.CHANGED: (554, "5.0.0"),
}

# which component is out of reach decides only the detail, never the class
_UNAVAILABLE: dict[str, tuple[int, str]] = {
    "auth": (454, "4.7.0"),  # RFC 4954 §6
    "volume": (452, "4.3.1"),
    "memory": (452, "4.3.1"),
}


def refused(error: Refused) -> Reply:
    """The reply for a refusal, with its words."""
    code, enhanced = _REFUSED[error.reason]
    return Reply(code, enhanced, error.text)


def unavailable(error: Unavailable) -> Reply:
    """The reply for a component out of reach: 4xx, and it names the component."""
    kind = re.split(r"[-/]", error.component, maxsplit=1)[0]
    code, enhanced = _UNAVAILABLE.get(kind, (451, "4.3.0"))
    return Reply(code, enhanced, f"{error.component} is not available just now, please try again later")


def for_error(error: Refused | Unavailable) -> Reply:
    return refused(error) if isinstance(error, Refused) else unavailable(error)


def for_sign_in(error: Refused | Unavailable) -> Reply:
    """The reply to AUTH: there a disabled account is the client's own. RFC 5248, X.7.13."""
    if isinstance(error, Refused) and error.reason is Reason.USER_DISABLED:
        return Reply(525, "5.7.13", error.text)
    return for_error(error)


OK = Reply(250, "2.0.0", "OK")
SENDER_OK = Reply(250, "2.1.0", "sender OK")
RECIPIENT_OK = Reply(250, "2.1.5", "recipient OK")
START_DATA = Reply(354, "", "go on, end with a line that has only a dot")
BYE = Reply(221, "2.0.0", "goodbye")
READY_FOR_TLS = Reply(220, "2.0.0", "ready to start TLS")
AUTHENTICATED = Reply(235, "2.7.0", "signed in")
CANNOT_VERIFY = Reply(252, "2.5.2", "can't verify, but will take mail for it if RCPT does")
HELP = Reply(214, "2.0.0", "EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP STARTTLS AUTH QUIT (RFC 5321)")

UNKNOWN_COMMAND = Reply(500, "5.5.2", "command not known")
NOT_OFFERED = Reply(502, "5.5.1", "command not offered here")
LINE_TOO_LONG = Reply(500, "5.5.2", "line too long, all of it was skipped")
BARE_COMMAND = Reply(500, "5.5.2", "bare CR or LF in a command, lines end in CRLF (RFC 5321 2.3.8)")
NUL_COMMAND = Reply(500, "5.5.2", "NUL in a command")
BAD_SEQUENCE = Reply(503, "5.5.1", "command not possible now")
HELLO_FIRST = Reply(503, "5.5.1", "EHLO first")
MAIL_FIRST = Reply(503, "5.5.1", "MAIL first")
NESTED_MAIL = Reply(503, "5.5.1", "a transaction is open, end it or RSET")
NO_RECIPIENTS = Reply(554, "5.5.1", "no valid recipients")
RECIPIENT_FIRST = Reply(503, "5.5.1", "RCPT first")
DATA_IN_BDAT = Reply(503, "5.5.1", "DATA not possible after BDAT (RFC 3030 2)")
NO_ARGUMENT = Reply(501, "5.5.4", "no argument expected")
BAD_HELLO = Reply(501, "5.5.4", "needs a host name or address literal")
BAD_BDAT = Reply(501, "5.5.4", "BDAT needs a size and maybe LAST")
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "too many recipients in one transaction")
MAILBOX_FULL = Reply(452, "4.2.2", "the mailbox is full, please try again later")
TOO_MANY_ERRORS = Reply(421, "4.7.0", "too many errors, closing")
NOT_SMTP = Reply(421, "4.7.0", "this is an SMTP server, closing")
IDLE = Reply(421, "4.4.2", "idle for too long, closing")
SHUTTING_DOWN = Reply(421, "4.3.2", "shutting down, please try again later")
OUT_OF_ORDER = Reply(421, "4.3.2", "out of order for now, please try again later")
SIGNED_OUT = Reply(421, "4.7.0", "signed out: the password was changed or the account closed, sign in again")
TOO_MANY_CONNECTIONS = Reply(421, "4.7.0", "too many connections, please try again later")
FAILED = Reply(421, "4.3.0", "local error, closing, please try again later")
TOO_LARGE = Reply(552, "5.3.4", "message larger than this server takes")
BARE_DATA = Reply(550, "5.6.11", "bare CR or LF in the message, lines end in CRLF (RFC 5321 2.3.8)")
LONG_TEXT_LINE = Reply(554, "5.6.0", "a line of the message is too long")
AUTH_FIRST = Reply(530, "5.7.0", "sign in first")
AUTH_NEEDS_TLS = Reply(538, "5.7.11", "STARTTLS first, then sign in")
AUTH_UNKNOWN = Reply(504, "5.5.4", "authentication mechanism not offered")
AUTH_TOO_LONG = Reply(500, "5.5.6", "authentication line too long")
AUTH_ALREADY = Reply(503, "5.5.1", "signed in already")
AUTH_CANCELLED = Reply(501, "5.7.0", "authentication cancelled")
TLS_ALREADY = Reply(503, "5.5.1", "TLS is on already")
NEEDS_SMTPUTF8_SENDER = Reply(550, "5.6.7", "an address outside ASCII needs SMTPUTF8 (RFC 6531)")
NEEDS_SMTPUTF8_RECIPIENT = Reply(553, "5.6.7", "an address outside ASCII needs SMTPUTF8 (RFC 6531)")
BAD_SENDER = Reply(501, "5.1.7", "sender's address malformed, needs MAIL FROM:<name@domain> or MAIL FROM:<>")
BAD_RECIPIENT = Reply(501, "5.1.3", "recipient's address malformed, needs RCPT TO:<name@domain>")
