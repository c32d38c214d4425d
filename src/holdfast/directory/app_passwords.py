"""App passwords: a secret of our own making for one program.

Sixteen letters are 80 bits, which nobody guesses; so a plain SHA-256 keeps them, and a check costs
microseconds where a password of a person's own costs argon2id.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Iterable

from holdfast.directory.digests import app_password_digest
from holdfast.model.people import AppPassword
from holdfast.world import World

PREFIX = "hfapp"
LETTERS = 16
GROUP = 4

# What a person types: dashes of any kind and spaces don't count, nor do letters taken for digits.
_IGNORED = re.compile(r"[\s\u00ad\u2010-\u2015\u2212-]+")
_MISREAD = str.maketrans("oil", "011")
_FORM = re.compile(rf"{PREFIX}[0-9a-hjkmnp-tv-z]{{{LETTERS}}}")


KeptAppPassword = tuple[AppPassword, bytes, bytes]
"""One as the copy has it: what it may do, the salt, and the digest of its secret."""


def new_app_password(world: World) -> str:
    """``hfapp-3k9x-…``: to be shown once, and kept by nobody but its program."""
    word = world.entropy.token(LETTERS)
    return "-".join([PREFIX, *(word[at : at + GROUP] for at in range(0, LETTERS, GROUP))])


def app_password_secret(typed: str) -> str:
    """The secret without what doesn't count; '' when it can't be one."""
    if len(typed) > 100:
        return ""
    bare = _IGNORED.sub("", typed).lower()
    letters = bare.removeprefix(PREFIX).translate(_MISREAD)
    whole = PREFIX + letters
    return whole if bare.startswith(PREFIX) and _FORM.fullmatch(whole) else ""


def find_app_password(kept: Iterable[KeptAppPassword], typed: str) -> AppPassword | None:
    """The one whose secret was typed, whatever it may do."""
    secret = app_password_secret(typed)
    if not secret:
        return None
    found = None
    for about, salt, digest in kept:  # all of them, so that time doesn't tell which
        if hmac.compare_digest(app_password_digest(salt, secret), digest):
            found = about
    return found


def why_not(about: AppPassword, *, function: str, peer: str, now: float) -> str:
    """Why the right secret opens no door here: ``function``, ``network``, ``expired``; '' when it does."""
    if about.expires_at and now >= about.expires_at:
        return "expired"
    if about.functions and function not in about.functions:
        return "function"
    if about.networks and not is_within(peer, about.networks):
        return "network"
    return ""


def is_within(peer: str, networks: Iterable[str]) -> bool:
    """Whether the address is in one of the networks (CIDR). What is no address is in none."""
    try:
        address = ipaddress.ip_address(peer.strip().strip("[]").partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(_holds(network, address) for network in networks)


def _holds(network: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return address in ipaddress.ip_network(network, strict=False)
    except ValueError:  # in the ledger by mistake: it opens nothing
        return False
