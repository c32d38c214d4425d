"""ENVELOPE read back: the fields SEARCH compares, without opening the message. RFC 3501 §7.4.2."""

from __future__ import annotations

import datetime
import re
from typing import Any

from holdfast.mime.words import decode_header

SUBJECT, FROM, TO, CC, BCC, IN_REPLY_TO, MESSAGE_ID = 1, 2, 5, 6, 7, 8, 9
ADDRESS_PLACES = {"FROM": FROM, "TO": TO, "CC": CC, "BCC": BCC}
TEXT_PLACES = {"SUBJECT": SUBJECT, "IN-REPLY-TO": IN_REPLY_TO, "MESSAGE-ID": MESSAGE_ID}

_TOKEN = re.compile(rb' *+(?:"((?:[^"\\]++|\\.)*+)"|(NIL)|(\()|(\))|\{(\d+)\}\r\n)', re.DOTALL)
# The date, then a subject that can be read as it stands.
_PLAIN_SUBJECT = re.compile(rb'\((?:"(?:[^"\\]++|\\.)*+"|NIL) "([^"\\]*+)" ', re.DOTALL)
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
# RFC 5322 §3.3: [day-name ","] 1*2DIGIT month year
_DAY = re.compile(
    rb"(\d{1,2})[ -]+(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*[ -]+(\d{2,4})", re.I
)
_MONTHS = (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec")


def fields(envelope: bytes) -> list[Any]:
    """The ten fields: ``bytes``, None for NIL, lists of addresses (lists of four). [] if it isn't one."""
    top: list[Any] = []
    stack = [top]
    append = top.append
    at = 0
    match = _TOKEN.match
    while token := match(envelope, at):
        at = token.end()
        kind = token.lastindex
        if kind == 1:
            text = token[1]
            append(_ESCAPE.sub(rb"\1", text) if b"\\" in text else text)
        elif kind == 2:
            append(None)
        elif kind == 3:
            stack.append([])
            append = stack[-1].append
        elif kind == 4 and len(stack) > 1:
            done = stack.pop()
            append = stack[-1].append
            append(done)
        elif kind == 5:
            append(envelope[at : at + int(token[5])])
            at += int(token[5])
    whole = top[0] if top and isinstance(top[0], list) else []
    return whole if len(whole) == 10 else []


def field_text(envelope: bytes, place: int) -> str | None:
    """One field as people read it: encoded words decoded; None where the message has no such field."""
    if place == SUBJECT and b"=?" not in envelope and (plain := _PLAIN_SUBJECT.match(envelope)):
        return decode_header(plain[1])
    found = fields(envelope)
    value = found[place] if found else None
    if value is None:
        return None
    if isinstance(value, bytes):
        return decode_header(value)
    return ", ".join(_address(address) for address in value)


def _address(address: Any) -> str:
    """``name <mailbox@host>``. RFC 3501 §7.4.2: host NIL begins (mailbox set) or ends a group."""
    if not isinstance(address, list) or len(address) != 4:
        return ""
    name, _, mailbox, host = address
    shown = decode_header(mailbox) if mailbox else ""
    if host:
        shown = f"<{shown}@{decode_header(host)}>"
    return f"{decode_header(name)} {shown}" if name else shown


def sent_day(envelope: bytes) -> int | None:
    """The Date field's day as an ordinal, zone and time disregarded; None without a date."""
    found = fields(envelope)
    written = _DAY.search(found[0]) if found and found[0] else None
    if not written:
        return None
    year = int(written[3])
    if year < 100:  # RFC 5322 §4.3
        year += 2000 if year < 50 else 1900
    try:
        return datetime.date(year, _MONTHS.index(written[2].lower()) + 1, int(written[1])).toordinal()
    except ValueError:
        return None
