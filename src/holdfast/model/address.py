"""Mail addresses as the envelope has them. RFC 5321 §4.1.2, RFC 6531 §3.3, RFC 5233 (sub-addressing)."""

from __future__ import annotations

import re
from typing import NamedTuple

from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import ADDRESS_BYTES

# RFC 5321 §4.1.2: Dot-string = Atom *("." Atom); RFC 6531 adds UTF8-non-ascii.
# Written as what it isn't: ranges up to U+10FFFF take a compiler 40 ms.
_ATEXT = r"[^\x00-\x20\x7f()<>\[\]:;@\\,.\"]"
_DOT_STRING = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*\Z")
# RFC 5321 §4.1.2: Domain = sub-domain *("." sub-domain)
_ALNUM = r"[^\x00-\x2f:-@\[-`{-\x7f]"
_INNER = r"[^\x00-\x2c./:-@\[-^`{-\x7f]"  # and '-' and '_'
_LABEL = rf"{_ALNUM}(?:{_INNER}*{_ALNUM})?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?\Z")
_LITERAL = re.compile(r"\[[^\[\]\\\r\n]+\]\Z")


class Address(NamedTuple):
    """An address without brackets: ``local`` unquoted as the person wrote it, ``domain`` in lower case.

    The null reverse-path is ``Address('', '')``.
    """

    local: str
    domain: str

    def __str__(self) -> str:
        if not self.domain:
            return self.local
        local = self.local
        if not _DOT_STRING.match(local):
            local = '"' + local.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return f"{local}@{self.domain}"

    @property
    def key(self) -> str:
        """The form that is compared: both halves folded to lower case."""
        return f"{self.local.lower()}@{self.domain}"


NULL_SENDER = Address("", "")


def parse_address(text: str) -> Address:
    """One address, without brackets or source route. Raises ``Refused(BAD_SYNTAX)``."""
    if len(text.encode("utf-8", "surrogateescape")) > ADDRESS_BYTES:
        raise Refused(Reason.BAD_SYNTAX, f"address longer than {ADDRESS_BYTES} bytes")
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain:
        raise Refused(Reason.BAD_SYNTAX, f"not an address: {text!r} (expected name@domain)")
    if local.startswith('"') and local.endswith('"') and len(local) >= 2:
        local = re.sub(r"\\(.)", r"\1", local[1:-1])
        if any(ord(c) < 32 or ord(c) == 127 for c in local):
            raise Refused(Reason.BAD_SYNTAX, f"control characters in address: {text!r}")
    elif not _DOT_STRING.match(local):
        raise Refused(Reason.BAD_SYNTAX, f"local part not possible: {text!r}")
    if domain.startswith("["):
        if not _LITERAL.match(domain):
            raise Refused(Reason.BAD_SYNTAX, f"address literal not possible: {text!r}")
    elif not _DOMAIN.match(domain):
        raise Refused(Reason.BAD_SYNTAX, f"domain not possible: {text!r}")
    return Address(local, domain.rstrip(".").lower())
