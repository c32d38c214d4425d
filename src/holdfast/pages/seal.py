"""Tokens that only this service can make and read: sessions, notices, the way back from a form.

AES-256-GCM with one key per purpose, derived from the site's (RFC 5869), so that a token of one purpose
opens nothing of another.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from holdfast.world import World

KEY_BYTES = 32
_NONCE_BYTES = 12


class Seal:
    """``key``: 32 bytes or more that nobody else has."""

    def __init__(self, world: World, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError(f"a key has at least {KEY_BYTES} bytes")
        self._world = world
        self._key = key
        self._ciphers: dict[str, AESGCM] = {}

    def seal(self, purpose: str, content: bytes) -> str:
        """A token of URL letters: 12 bytes nonce, the ciphertext, 16 bytes tag; base64url, no padding."""
        nonce = self._world.entropy.bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher(purpose).encrypt(nonce, content, purpose.encode())
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, purpose: str, token: str) -> bytes | None:
        """What was sealed; None for anything that wasn't, or for another purpose."""
        try:
            sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            return self._cipher(purpose).decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose.encode()
            )
        except (ValueError, InvalidTag):
            return None

    def mark(self, purpose: str, *parts: str) -> str:
        """The same for the same parts, and for nobody to guess: 32 letters."""
        content = b"\0".join(part.encode() for part in parts)
        return hmac.new(self._of(purpose), content, hashlib.sha256).hexdigest()[:32]

    def _cipher(self, purpose: str) -> AESGCM:
        found = self._ciphers.get(purpose)
        if found is None:
            found = self._ciphers[purpose] = AESGCM(self._of(purpose))
        return found

    def _of(self, purpose: str) -> bytes:
        """One step of HKDF-Expand: the key is uniform already."""
        return hmac.new(self._key, b"holdfast " + purpose.encode() + b"\x01", hashlib.sha256).digest()
