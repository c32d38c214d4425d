"""By what the sign-up canary is known to be ours, and not a visitor who says so.

Whoever watches and the sign-up pages share a key of the installation. A pass is for one address, of the form
that is kept for canaries, and for a short time.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from holdfast.model.limits import CANARY_PASS_S

KEY = "canary"  # among the service's own
LETTERS = 12
_NAME = re.compile(rf"canary-[a-z0-9]{{{LETTERS}}}\Z")


def is_kept(name: str) -> bool:
    """Whether that local part is kept for canaries."""
    return _NAME.match(name) is not None


def made(key: bytes, address: str, now: float) -> str:
    """``now``: UTC seconds, as all times here."""
    until = int(now + CANARY_PASS_S)
    return f"{until}.{_proof(key, address, until)}"


def until(key: bytes, given: str, address: str, now: float) -> float:
    """Until when it holds; 0 for none that holds for this address now."""
    time, _, proof = given.partition(".")
    if not is_kept(address.partition("@")[0]) or not (time.isascii() and time.isdecimal()) or len(time) > 12:
        return 0.0
    if not hmac.compare_digest(proof.encode(), _proof(key, address, int(time)).encode()):
        return 0.0
    return float(time) if now < int(time) <= now + CANARY_PASS_S else 0.0


def _proof(key: bytes, address: str, until: int) -> str:
    return hmac.new(key, f"sign-up canary\0{address.lower()}\0{until}".encode(), hashlib.sha256).hexdigest()
