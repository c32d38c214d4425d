"""How names are compared: one spelling for all that mean the same.

Local parts: letters' case doesn't count here (RFC 5321 §2.4 leaves it to the host), Unicode is NFC.
Domains: A-labels in lower case (RFC 5890 §2.3.2.1), so that both spellings of a domain are one.
"""

from __future__ import annotations

import re
import unicodedata

from holdfast.model.address import Address, parse_address
from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import ADDRESS_BYTES

# Most addresses: what parse_address makes of them is themselves.
_PLAIN = re.compile(
    r"[A-Za-z0-9_+\-]+(?:\.[A-Za-z0-9_+\-]+)*"
    r"@[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*(?:\.[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*)*\Z"
)


def fold_local(local: str) -> str:
    """The local part as it is compared."""
    if local.isascii():
        return local.lower()
    return unicodedata.normalize("NFC", local.lower())


def fold_domain(domain: str) -> str:
    """The domain as A-labels in lower case. Raises ``Refused(BAD_SYNTAX)`` for what IDNA can't express."""
    if domain.isascii():
        return domain.lower().rstrip(".")
    try:
        return domain.rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise Refused(Reason.BAD_SYNTAX, f"domain not possible: {domain!r}") from error


def parse_domain(text: str) -> str:
    """A domain's name as it is kept. Raises ``Refused(BAD_SYNTAX)``; literals aren't domains."""
    name = fold_domain(parse_address(f"postmaster@{text.strip()}").domain)
    if name.startswith("[") or len(name) > 255 or any(len(label) > 63 for label in name.split(".")):
        raise Refused(Reason.BAD_SYNTAX, f"not a domain: {text!r} (expected example.org)")
    return name


def normal(address: Address) -> Address:
    """The address as it is compared, still in halves."""
    return Address(fold_local(address.local), fold_domain(address.domain))


def name_key(text: str) -> str:
    """The form of an address that is compared: the index's key. Raises ``Refused(BAD_SYNTAX)``."""
    if _PLAIN.match(text) and len(text) <= ADDRESS_BYTES:
        return text.lower()
    local, domain = normal(parse_address(text))
    return f"{local}@{domain}"


def sub_address(local: str, separator: str) -> tuple[str, str]:
    """Name and detail (RFC 5233 §1), split at the first separator: ``ann+lists`` → ``('ann', 'lists')``.

    Detail '' when there is none; a name can't be empty.
    """
    if not separator:
        return local, ""
    at = local.find(separator, 1)
    return (local, "") if at < 0 else (local[:at], local[at + len(separator) :])
