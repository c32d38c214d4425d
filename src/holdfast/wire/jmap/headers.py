"""Header fields in the forms of JMAP. RFC 8621 §4.1.2, §4.1.3"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from holdfast.mime.addresses import GROUP_END, Mailbox, addresses
from holdfast.mime.fields import Field
from holdfast.mime.grammar import Scanner
from holdfast.mime.words import decode_header
from holdfast.model.limits import FIELD_BYTES
from holdfast.wire.jmap.errors import MethodError, MethodFault
from holdfast.wire.jmap.mail import EmailAddress, EmailAddressGroup

_PROPERTY = re.compile(
    r"header:([!-9;-~]{1,997}?)(?::(asRaw|asText|asAddresses|asGroupedAddresses|asMessageIds|asDate|asURLs))?(:all)?"
).fullmatch

_ADDRESSES = frozenset(
    b"from sender reply-to to cc bcc resent-from resent-sender resent-reply-to resent-to resent-cc "
    b"resent-bcc".split()
)
_TEXTS = frozenset(b"subject comments keywords list-id".split())
_IDS = frozenset(b"message-id in-reply-to references resent-message-id".split())
_DATES = frozenset(b"date resent-date".split())
_URLS = frozenset(b"list-help list-unsubscribe list-subscribe list-post list-owner list-archive".split())
# Fields of RFC 5322 and RFC 2369 whose form is known and is none of these: they are read raw only.
_RAW = frozenset(b"return-path received".split())
_KNOWN = _ADDRESSES | _TEXTS | _IDS | _DATES | _URLS | _RAW
_FORMS = {
    "asRaw": None,
    "asText": _TEXTS,
    "asAddresses": _ADDRESSES,
    "asGroupedAddresses": _ADDRESSES,
    "asMessageIds": _IDS,
    "asDate": _DATES,
    "asURLs": _URLS,
}

HeaderValue = str | list[str] | list[EmailAddress] | list[EmailAddressGroup] | datetime.datetime | None


class HeaderProperty(NamedTuple):
    """``name``: lower case."""

    name: bytes
    form: str
    every: bool


@lru_cache(1000)
def header_property(asked: str) -> HeaderProperty:
    """A property ``header:{name}[:as{Form}][:all]``. MethodError invalidArguments where it isn't one, or the
    form isn't one of the field's."""
    match = _PROPERTY(asked)
    if match is None:
        raise MethodError(MethodFault.INVALID_ARGUMENTS, f"“{asked[:200]}” is no property.")
    name = match[1].lower().encode()
    form = match[2] or "asRaw"
    fields = _FORMS[form]
    if fields is not None and name in _KNOWN and name not in fields:
        raise MethodError(MethodFault.INVALID_ARGUMENTS, f"“{match[1]}” can't be read {form}.")
    return HeaderProperty(name, form, match[3] is not None)


def header_values(fields: list[Field], asked: HeaderProperty) -> HeaderValue | list[HeaderValue]:
    """The last field of that name, None without one; or all of them in their order."""
    if asked.every:
        return [as_form(field.raw, asked.form) for field in fields if field.name == asked.name]
    for field in reversed(fields):
        if field.name == asked.name:
            return as_form(field.raw, asked.form)
    return None


def as_form(raw: bytes, form: str) -> HeaderValue:
    """A field's raw value in a form; a value that can't be read so is None (lists of addresses: as far as
    they can be)."""
    if form == "asRaw":
        return as_raw(raw)
    if form == "asText":
        return as_text(raw)
    if form == "asAddresses":
        return as_addresses(raw)
    if form == "asGroupedAddresses":
        return as_grouped_addresses(raw)
    if form == "asMessageIds":
        return as_message_ids(raw)
    return as_date(raw) if form == "asDate" else as_urls(raw)


def as_raw(raw: bytes) -> str:
    """As it stands, blanks and folds too. Bytes that aren't UTF-8 become U+FFFD, NUL goes."""
    return raw.decode("utf-8", "replace").replace("\0", "")


def as_text(raw: bytes) -> str:
    text = decode_header(raw)
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def as_addresses(raw: bytes) -> list[EmailAddress]:
    """All addresses, those of groups among them."""
    return listed(addresses(raw.strip(b" \t\r\n")))


def listed(found: Iterable[Mailbox]) -> list[EmailAddress]:
    """Without the marks where groups begin and end."""
    return [_address(each) for each in found if each != GROUP_END and not _begins_group(each)]


def as_grouped_addresses(raw: bytes) -> list[EmailAddressGroup]:
    """Neighbours that stand in no group are one without a name."""
    groups: list[EmailAddressGroup] = []
    inside = False
    for each in addresses(raw.strip(b" \t\r\n")):
        if each == GROUP_END:
            inside = False
        elif _begins_group(each):
            groups.append(EmailAddressGroup(name=as_text(each.mailbox or b""), addresses=[]))
            inside = True
        else:
            if not inside and not (groups and groups[-1].name is None):
                groups.append(EmailAddressGroup(name=None, addresses=[]))
            groups[-1].addresses.append(_address(each))
    return groups


def _begins_group(each: Mailbox) -> bool:
    return each.mailbox is not None and each.domain is None


_DOT_ATOM = re.compile(rb"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\x80-\xff.]+").fullmatch
_MISSING = (b"MISSING_DOMAIN", b"SYNTAX_ERROR")


def _address(each: Mailbox) -> EmailAddress:
    """Words without an address are its ``email``: a draft's half-written recipient isn't lost."""
    local = b"" if each.mailbox in (None, b"MISSING_MAILBOX") else each.mailbox or b""
    domain = b"" if each.domain is None or each.domain in _MISSING else each.domain
    name = as_text(each.name) if each.name else None
    if not local and not domain:
        return EmailAddress(name=None, email=name or "")
    if local and not _DOT_ATOM(local):
        local = b'"' + re.sub(rb'(["\\])', rb"\\\1", local) + b'"'
    email = local + b"@" + domain if domain else local
    return EmailAddress(name=name or None, email=_utf8(email))


def _utf8(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").replace("\0", "")


_ID = re.compile(rb"<([^<>\s]{1,998})>").match


def as_message_ids(raw: bytes) -> list[str] | None:
    """Without their angle brackets; comments and folds between them are left out."""
    scanner = Scanner(raw[:FIELD_BYTES])
    found: list[str] = []
    scanner.skip()
    while not scanner.done:
        match = _ID(scanner.data, scanner.at)
        if match is None:
            return None
        found.append(_utf8(match[1]))
        scanner.at = match.end()
        scanner.skip()
    return found or None


_URL = re.compile(rb"<([^<>]*)>").match


def as_urls(raw: bytes) -> list[str] | None:
    """``<url>, <url>`` with comments. RFC 2369 §2"""
    scanner = Scanner(raw[:FIELD_BYTES])
    found: list[str] = []
    scanner.skip()
    while not scanner.done:
        match = _URL(scanner.data, scanner.at)
        if match is None:
            return None
        found.append(_utf8(re.sub(rb"[ \t\r\n]+", b"", match[1])))
        scanner.at = match.end()
        scanner.skip()
        if not scanner.at_byte(0x2C):
            return found if scanner.done else None
        scanner.at += 1
        scanner.skip()
    return found or None


_DATE = re.compile(
    rb"(?:[A-Za-z]+,?\s+)?(\d{1,2})[\s-]+([A-Za-z]{3})[a-z]*[\s-]+(\d{2,4})\s+(\d{1,2}):(\d{2})(?::(\d{2}))?"
    rb"(?:\s+([+-]\d{4}|[A-Za-z]{1,5}))?"
).match
_MONTHS = (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec")
_ZONES = {b"EST": -5, b"EDT": -4, b"CST": -6, b"CDT": -5, b"MST": -7, b"MDT": -6, b"PST": -8, b"PDT": -7}


def as_date(raw: bytes) -> datetime.datetime | None:
    """With its offset. RFC 5322 §3.3, §4.3: years of two or three digits, zones by name (unknown: Z)."""
    match = _DATE(re.sub(rb"\([^()]*\)", b" ", raw[:1000]).strip())
    if match is None or match[2].lower() not in _MONTHS:
        return None
    year = int(match[3])
    if len(match[3]) < 4:
        year += 2000 if year < 50 and len(match[3]) == 2 else 1900
    zone = (match[7] or b"Z").upper()
    if zone[:1] in (b"+", b"-"):
        minutes = (int(zone[1:3]) * 60 + int(zone[3:5])) * (-1 if zone[:1] == b"-" else 1)
    else:
        minutes = 60 * _ZONES.get(zone, 0)
    try:
        return datetime.datetime(
            year,
            _MONTHS.index(match[2].lower()) + 1,
            int(match[1]),
            int(match[4]),
            int(match[5]),
            min(int(match[6] or 0), 59),  # RFC 3339's 60 is written by few and read by fewer
            tzinfo=datetime.timezone(datetime.timedelta(minutes=minutes)),
        )
    except ValueError:
        return None
