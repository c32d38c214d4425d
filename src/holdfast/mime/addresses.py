"""Address lists as ENVELOPE has them. RFC 5322 §3.4 and §4.4, RFC 3501 §7.4.2.

Most addresses match one regular expression; the rest goes through ``Scanner``. What is broken
is shown the way Dovecot shows it (MISSING_MAILBOX, MISSING_DOMAIN, SYNTAX_ERROR, INVALID_ROUTE),
so that a client never gets a NIL that would read as a group.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from holdfast.mime.grammar import Scanner
from holdfast.mime.imapform import for_people, nstring
from holdfast.model.limits import FIELD_BYTES, MIME_ADDRESSES


class Mailbox(NamedTuple):
    """One address structure. A group begins with only ``mailbox`` set and ends with nothing set."""

    name: bytes | None
    route: bytes | None
    mailbox: bytes | None
    domain: bytes | None


GROUP_END = Mailbox(None, None, None, None)

_A = rb"A-Za-z0-9!#$%&'*+\-/=?^_`{|}~"
_USUAL = re.compile(
    rb"[ \t\r\n]*+(?:"
    rb'(?:"([^"\\\r\n\0\x80-\xff]*+)"|([' + _A + rb"][" + _A + rb". ]*+)|)[ \t]*+"
    rb"<([" + _A + rb"][" + _A + rb".]*+)@([" + _A + rb"]++(?:\.[" + _A + rb"]++)*+)>"
    rb"|([" + _A + rb"][" + _A + rb".]*+)@([" + _A + rb"]++(?:\.[" + _A + rb"]++)*+)"
    rb")[ \t]*+(?:,(?=[ \t\r\n]*+[^ \t\r\n])|\Z)"
).match


def address_list(values: list[bytes]) -> bytes:
    """The values of an address field (each time it stands in the header) as IMAP:
    ``((name route mailbox domain) …)`` or NIL. At most MIME_ADDRESSES of them."""
    out: list[bytes] = []
    for value in values:
        if not _usual(value, out):
            out += [_written(mailbox) for mailbox in addresses(value)]
        if len(out) > MIME_ADDRESSES:
            del out[MIME_ADDRESSES:]
            break
    return b"(" + b"".join(out) + b")" if out else b"NIL"


def _usual(value: bytes, out: list[bytes]) -> bool:
    """Writes the addresses if all are of the usual form, else writes none."""
    found: list[bytes] = []
    at = 0
    end = len(value)
    while at < end and len(found) < MIME_ADDRESSES:
        match = _USUAL(value, at)
        if match is None:
            return False
        quoted, atoms, local, domain, bare_local, bare_domain = match.groups()
        if bare_local is not None:
            found.append(b'(NIL NIL "' + bare_local + b'" "' + bare_domain + b'")')
        else:
            name = for_people(atoms.rstrip(b" ") if quoted is None else quoted) if atoms or quoted else b"NIL"
            found.append(b"(" + name + b' NIL "' + local + b'" "' + domain + b'")')
        at = match.end()
    out += found
    return True


def _written(what: Mailbox) -> bytes:
    name, route, mailbox, domain = what
    shown = b"NIL" if name is None else for_people(name)
    return b"(%b %b %b %b)" % (shown, nstring(route), nstring(mailbox), nstring(domain))


def addresses(value: bytes) -> list[Mailbox]:
    """The addresses of an address field's value, groups as their members between two marks.

    What is behind FIELD_BYTES or MIME_ADDRESSES isn't read: this is work for odd values only.
    """
    scanner = Scanner(value[:FIELD_BYTES])
    found: list[Mailbox] = []
    if not scanner.skip() or scanner.done:
        return found
    while True:
        _take_address(scanner, found)
        if not scanner.at_byte(0x2C) or len(found) >= MIME_ADDRESSES:
            return found
        scanner.at += 1
        if not scanner.skip():
            found.append(_completed(None, None, None, None))
            return found
        if scanner.done:
            return found


def _take_address(scanner: Scanner, found: list[Mailbox]) -> None:
    begin = scanner.at
    phrase, good = scanner.take_phrase()
    if good and scanner.at_byte(0x3A):
        _take_group(scanner, phrase, found)
        return
    scanner.at = begin
    found.append(_take_mailbox(scanner))


def _take_group(scanner: Scanner, name: bytes, found: list[Mailbox]) -> None:
    found.append(Mailbox(None, None, name, None))
    scanner.at += 1
    if scanner.skip() and not scanner.done and not scanner.at_byte(0x3B):
        while True:
            found.append(_take_mailbox(scanner))
            if not scanner.at_byte(0x2C):
                break
            scanner.at += 1
            if not scanner.skip() or scanner.done:
                break
    if scanner.at_byte(0x3B):
        scanner.at += 1
        scanner.skip()
    found.append(GROUP_END)


def _completed(
    name: bytes | None, route: bytes | None, mailbox: bytes | None, domain: bytes | None
) -> Mailbox:
    return Mailbox(
        name, route, b"MISSING_MAILBOX" if mailbox is None else mailbox, domain or b"MISSING_DOMAIN"
    )


def _take_mailbox(scanner: Scanner) -> Mailbox:
    """mailbox = name-addr / addr-spec."""
    begin = scanner.at
    phrase, good = scanner.take_phrase()
    if good and scanner.at_byte(0x3C):
        route, mailbox, domain, good = _take_angle(scanner)
        return _completed(phrase or None, route, mailbox, domain if good else b"SYNTAX_ERROR")
    scanner.at = begin
    return _take_bare(scanner)


def _take_angle(scanner: Scanner) -> tuple[bytes | None, bytes | None, bytes | None, bool]:
    """``<[@route:]local@domain>``: route, mailbox, domain, and whether it is well formed."""
    route = mailbox = domain = None
    scanner.at += 1
    if not scanner.skip() or scanner.done:
        return None, None, None, False
    if scanner.at_byte(0x40):
        route = _take_route(scanner)
        if route is not None and scanner.at_byte(0x3A):
            scanner.at += 1
        else:
            route = b"INVALID_ROUTE"
        if not scanner.skip() or scanner.done:
            return route, None, None, False
    if not scanner.at_byte(0x3E):
        mailbox, good = _take_local(scanner)
        if not good:
            return route, None, None, False
        if scanner.at_byte(0x40):
            domain = scanner.take_domain()
            if domain is None:
                return route, mailbox, None, False
    if not scanner.at_byte(0x3E):
        return route, mailbox, domain, False
    scanner.at += 1
    return route, mailbox, domain, scanner.skip()


def _take_route(scanner: Scanner) -> bytes | None:
    """obs-domain-list: ``@domain *("," @domain)``."""
    domains = []
    while scanner.at_byte(0x40):
        domain = scanner.take_domain()
        if domain is None or scanner.done:
            return None
        domains.append(b"@" + domain)
        while scanner.skip() and scanner.at_byte(0x2C):
            scanner.at += 1
    return None if scanner.done else b",".join(domains)


def _take_local(scanner: Scanner) -> tuple[bytes, bool]:
    """dot-atom / quoted-string; dots anywhere pass. What was read, and whether it is whole."""
    if scanner.at_byte(0x22):
        quoted = scanner.take_quoted()
        return quoted or b"", quoted is not None
    text = []
    while True:
        while scanner.at_byte(0x2E):
            text.append(b".")
            scanner.at += 1
            if scanner.done:
                return b"".join(text), True
        if scanner.at_byte(0x40):
            return b"".join(text), bool(text)
        atom = scanner.take_atom()
        if atom is None:
            scanner.skip()
            return b"".join(text), False
        text.append(atom)
        if not scanner.at_byte(0x2E):
            return b"".join(text), True


def _take_bare(scanner: Scanner) -> Mailbox:
    """addr-spec, its name the last comment in it. Words without an ``@`` are a name, not a mailbox."""
    scanner.comment = b""
    quoted = scanner.at_byte(0x22)
    text, good = _take_local(scanner)
    local = text if good else None
    if scanner.at_byte(0x40):
        domain = scanner.take_domain()
        return _completed(scanner.comment or None, None, local, domain)
    if scanner.comment and good:
        return _completed(scanner.comment, None, local, None)
    if text or good:
        if scanner.at_word:
            phrase, whole = scanner.take_phrase()
            if whole:
                return _completed(text + b" " + phrase, None, None, None)
        if quoted and good:
            return _completed(text, None, None, None)
    return _completed(None, None, local, None)
