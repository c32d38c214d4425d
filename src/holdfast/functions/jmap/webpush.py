"""Messages to a push service: encrypted for the subscriber alone, signed by us.

RFC 8291 (encryption), RFC 8188 (its coding ``aes128gcm``), RFC 8292 (VAPID), RFC 8030 (the request).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from holdfast.functions.jmap.clients import origin_of
from holdfast.model.errors import Reason, Refused

SALT_BYTES, AUTH_BYTES, POINT_BYTES = 16, 16, 65
_RECORD = 4096  # RFC 8291 §4: one record, and no more than a push service must take
MOST_BYTES = _RECORD - SALT_BYTES - 4 - 1 - POINT_BYTES - 16 - 1
VAPID_LIFE_S = 12 * 3600  # RFC 8292 §2: at most a day
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256's group


class Subscriber(NamedTuple):
    """The subscriber's keys as a browser gives them. ``p256dh``: its public point, uncompressed."""

    p256dh: bytes
    auth: bytes

    @classmethod
    def read(cls, p256dh: str, auth: str) -> Subscriber:
        """From base64url. Raises ``Refused(BAD_SYNTAX)`` for what are no keys."""
        found = cls(_bytes(p256dh), _bytes(auth))
        if len(found.auth) != AUTH_BYTES:
            raise Refused(Reason.BAD_SYNTAX, f"auth has {AUTH_BYTES} bytes")
        _point(found.p256dh)
        return found


def encrypted(subscriber: Subscriber, content: bytes, salt: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """The body of one message. ``salt`` (16 bytes) and ``key`` are drawn for it and used no second time."""
    own = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shared = key.exchange(ec.ECDH(), _point(subscriber.p256dh))
    seed = _hkdf(subscriber.auth, shared, b"WebPush: info\0" + subscriber.p256dh + own, 32)
    content_key = _hkdf(salt, seed, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _hkdf(salt, seed, b"Content-Encoding: nonce\0", 12)
    head = salt + _RECORD.to_bytes(4, "big") + bytes([len(own)]) + own
    return head + AESGCM(content_key).encrypt(nonce, content + b"\x02", None)


class Vapid:
    """Who we are for push services: the same for all, so that they can complain. ``subject``: mailto:…"""

    def __init__(self, secret: bytes, subject: str) -> None:
        """``secret``: 32 bytes or more that nobody else has."""
        number = int.from_bytes(hashlib.sha512(b"holdfast vapid" + secret).digest(), "big")
        self._key = ec.derive_private_key(number % (_ORDER - 1) + 1, ec.SECP256R1())
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public = _text(point)
        self._subject = subject

    def authorization(self, url: str, now: float) -> str:
        """RFC 8292 §3"""
        claims = {"aud": origin_of(url), "exp": int(now) + VAPID_LIFE_S, "sub": self._subject}
        parts = ({"typ": "JWT", "alg": "ES256"}, claims)
        signed = ".".join(_text(msgspec.json.encode(each)) for each in parts)
        r, s = utils.decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(SHA256())))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")  # RFC 7518 §3.4
        return f"vapid t={signed}.{_text(signature)}, k={self.public}"


def _hkdf(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869, of at most one block."""
    key = hmac.new(salt, secret, hashlib.sha256).digest()
    return hmac.new(key, info + b"\x01", hashlib.sha256).digest()[:length]


def _point(point: bytes) -> ec.EllipticCurvePublicKey:
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise Refused(Reason.BAD_SYNTAX, "p256dh is no point of P-256") from None


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except (binascii.Error, ValueError):
        raise Refused(Reason.BAD_SYNTAX, "no base64url") from None
