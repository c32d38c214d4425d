"""What is kept of secrets that were drawn, not chosen: SHA-256, since they can't be guessed.

App passwords are typed by people: spaces, dashes and letters' case don't count.
"""

from __future__ import annotations

import hashlib

APP_SALT_BYTES = 16


def app_secret(text: str) -> str:
    """An app password as it is compared."""
    return "".join(letter for letter in text.lower() if letter.isalnum())


def app_password_digest(salt: bytes, secret: str) -> bytes:
    """Of an app password as it was shown, or typed."""
    return hashlib.sha256(salt + app_secret(secret).encode("utf-8", "surrogatepass")).digest()


def secret_digest(secret: str) -> bytes:
    """Of a token or an invitation's code, to the letter."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
