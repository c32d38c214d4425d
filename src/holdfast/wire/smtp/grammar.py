"""The grammar of MAIL and RCPT arguments. RFC 5321 §4.1.2, §3.3; RFC 3461 §4; RFC 6531 §3.3.

Each function raises ``BadArgument`` with the reply that says what is wrong.
"""

from __future__ import annotations

import functools
import re

from holdfast.model.address import NULL_SENDER, Address, parse_address
from holdfast.model.errors import Refused
from holdfast.wire.smtp import replies
from holdfast.wire.smtp.events import (
    NO_MAIL_PARAMETERS,
    NO_RCPT_PARAMETERS,
    MailParameters,
    RcptParameters,
)
from holdfast.wire.smtp.replies import Reply

# <path>, then parameters. A quoted local part may hold anything, '>' and blanks too.
_PATH = rb'<((?:[^"<>\\ \t]|"(?:[^"\\]|\\.)*+")*+)>(?:[ \t]++(.*+))?\Z'
_FROM = re.compile(rb"FROM:[ \t]?" + _PATH, re.IGNORECASE | re.DOTALL)
_TO = re.compile(rb"TO:[ \t]?" + _PATH, re.IGNORECASE | re.DOTALL)
# RFC 5321 §4.1.1.3 "A-d-l": read, and not used
_SOURCE_ROUTE = re.compile(r"@[^,:@\"]++(?:,@[^,:@\"]++)*+:")
# RFC 5321 §4.1.2 esmtp-keyword "=" esmtp-value; UTF-8 values with RFC 6531 §3.3 ORCPT
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9\-]*+)(?:=([^\s=\x00-\x1f\x7f]++))?\Z")
# RFC 3461 §4: xtext
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*+\Z")
# RFC 3461 §4.2 with RFC 6533 §3 (utf-8 addresses)
_ORCPT = re.compile(r"[A-Za-z0-9\-]{1,64};[^\s\x00-\x1f\x7f]{1,500}\Z")
_NAME = re.compile(rb"[^\x00-\x20\x7f]++\Z")
_NOTIFY = frozenset(("SUCCESS", "FAILURE", "DELAY"))
_ENVID_CHARACTERS = 100  # RFC 3461 §4.4


class BadArgument(Exception):
    """``reply``: what the client is told."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


def _bad(text: str) -> BadArgument:
    return BadArgument(Reply(501, "5.5.4", text))


def mail_argument(argument: bytes, *, extended: bool) -> tuple[Address, MailParameters]:
    """What follows ``MAIL ``. ``extended``: EHLO was said, so parameters are possible."""
    match = _FROM.match(argument)
    if match is None:
        raise BadArgument(replies.BAD_SENDER)
    path, rest = match.groups()
    parameters = _mail_parameters(rest, extended) if rest else NO_MAIL_PARAMETERS
    if not path:
        return NULL_SENDER, parameters
    address = _address(path, replies.BAD_SENDER)
    if not address.domain:  # <postmaster> alone is a recipient only
        raise BadArgument(replies.BAD_SENDER)
    if not parameters.smtputf8 and not path.isascii():
        raise BadArgument(replies.NEEDS_SMTPUTF8_SENDER)
    return address, parameters


def rcpt_argument(argument: bytes, *, extended: bool, smtputf8: bool) -> tuple[Address, RcptParameters]:
    """What follows ``RCPT ``."""
    match = _TO.match(argument)
    if match is None:
        raise BadArgument(replies.BAD_RECIPIENT)
    path, rest = match.groups()
    parameters = _rcpt_parameters(rest, extended) if rest else NO_RCPT_PARAMETERS
    address = _address(path, replies.BAD_RECIPIENT)
    if not smtputf8 and not path.isascii():
        raise BadArgument(replies.NEEDS_SMTPUTF8_RECIPIENT)
    return address, parameters


def hello_name(argument: bytes) -> str | None:
    """The client's name; None when there is none. RFC 5321 §4.1.1.1, read generously: nobody relies on it."""
    name = argument.strip()
    if len(name) > 255 or not _NAME.match(name):
        return None
    return name.decode("utf-8", "replace")


def bdat_argument(argument: bytes) -> tuple[int, bool]:
    """Octets that follow, and whether they are the last. RFC 3030 §2."""
    size, _, last = argument.strip().partition(b" ")
    if not size.isdigit() or len(size) > 12 or last.strip().upper() not in (b"", b"LAST"):
        raise BadArgument(replies.BAD_BDAT)
    return int(size), bool(last)


@functools.lru_cache(maxsize=1024)
def _parsed(path: bytes) -> Address:
    """Raises ``Refused`` or ``UnicodeDecodeError``. Cached: a busy peer names the same few again."""
    text = path.decode("utf-8")
    if text.lower() == "postmaster":
        return Address(text, "")
    return parse_address(_SOURCE_ROUTE.sub("", text, count=1) if text.startswith("@") else text)


def _address(path: bytes, reply: Reply) -> Address:
    try:
        return _parsed(path)
    except (Refused, UnicodeDecodeError):
        raise BadArgument(reply) from None


def _pairs(rest: bytes, extended: bool) -> dict[str, str | None]:
    """``SIZE=5 SMTPUTF8`` → {'SIZE': '5', 'SMTPUTF8': None}."""
    if not extended:
        raise BadArgument(Reply(555, "5.5.4", "parameters need EHLO"))
    try:
        words = rest.decode("utf-8").split()
    except UnicodeDecodeError:
        raise _bad("parameters are not UTF-8") from None
    pairs: dict[str, str | None] = {}
    for word in words:
        match = _PARAMETER.match(word)
        if match is None:
            raise _bad("parameter malformed, needs KEYWORD or KEYWORD=value")
        keyword = match[1].upper()
        if keyword in pairs:
            raise _bad(f"{keyword} given twice")
        pairs[keyword] = match[2]
    return pairs


def _mail_parameters(rest: bytes, extended: bool) -> MailParameters:
    size, body_8bit, smtputf8, ret, envid, auth = NO_MAIL_PARAMETERS
    for keyword, value in _pairs(rest, extended).items():
        if keyword == "SIZE":
            size = _size(value)
        elif keyword == "BODY":
            if value is None or value.upper() not in ("7BIT", "8BITMIME"):
                raise _bad("BODY must be 7BIT or 8BITMIME")
            body_8bit = value.upper() == "8BITMIME"
        elif keyword == "SMTPUTF8":
            if value is not None:
                raise _bad("SMTPUTF8 takes no value")
            smtputf8 = True
        elif keyword == "RET":
            if value is None or value.upper() not in ("FULL", "HDRS"):
                raise _bad("RET must be FULL or HDRS")
            ret = value.upper()
        elif keyword == "ENVID":
            envid = _xtext(keyword, value, _ENVID_CHARACTERS)
        elif keyword == "AUTH":
            auth = _xtext(keyword, value, 500)
        else:
            raise BadArgument(Reply(555, "5.5.4", f"MAIL parameter {keyword[:40]} not known"))
    return MailParameters(size, body_8bit, smtputf8, ret, envid, auth)


def _rcpt_parameters(rest: bytes, extended: bool) -> RcptParameters:
    notify = orcpt = ""
    for keyword, value in _pairs(rest, extended).items():
        if keyword == "NOTIFY":
            notify = (value or "").upper()
            wishes = notify.split(",")
            if notify != "NEVER" and (len(set(wishes)) != len(wishes) or not _NOTIFY.issuperset(wishes)):
                raise _bad("NOTIFY must be NEVER, or of SUCCESS, FAILURE, DELAY")
        elif keyword == "ORCPT":
            if value is None or not _ORCPT.match(value):
                raise _bad("ORCPT must be type;address")
            orcpt = value
        else:
            raise BadArgument(Reply(555, "5.5.4", f"RCPT parameter {keyword[:40]} not known"))
    return RcptParameters(notify, orcpt)


def _size(value: str | None) -> int:
    if value is None or not value.isascii() or not value.isdigit() or len(value) > 20:
        raise _bad("SIZE must be a number of octets")
    return int(value)


def _xtext(keyword: str, value: str | None, characters: int) -> str:
    if value is None or len(value) > characters or not _XTEXT.match(value):
        raise _bad(f"{keyword} must be xtext (RFC 3461 4)")
    return value
