"""What hides a proof in its file: codes as keyed digests, contacts and unsent codes sealed (PROOF-1)."""

from __future__ import annotations

import hmac

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from holdfast.model.errors import Unavailable
from holdfast.portal.proof_rows import COMPONENT, ProofRow
from holdfast.world import World

_NONCE_BYTES = 12


class Sealed(msgspec.Struct, frozen=True, array_like=True):
    """What a proof is about. ``channel``: ``phone``, ``address``, or '' when it is nobody's."""

    channel: str
    to: str
    subject: str
    language: str


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Sealed).decode


class ProofKeys:
    def __init__(self, world: World, key: bytes) -> None:
        self._world = world
        derived = HKDF(hashes.SHA256(), 64, None, b"holdfast proofs").derive(key)
        self._digest_key, self._seal = derived[:32], AESGCM(derived[32:])

    def code(self) -> str:
        return f"{int.from_bytes(self._world.entropy.bytes(8)) % 1_000_000:06d}"

    def digest(self, id_: bytes, code: str) -> bytes:
        return hmac.digest(self._digest_key, b"code" + id_ + code.encode(), "sha256")

    def contact(self, channel: str, name: str) -> bytes:
        """Nobody's contact is one of its own each time, so that nothing can be counted by it."""
        known = name.lower().encode() if channel else self._world.entropy.bytes(16)
        return hmac.digest(self._digest_key, b"contact" + channel.encode() + b"\0" + known, "sha256")

    def close(self, data: bytes, id_: bytes) -> bytes:
        nonce = self._world.entropy.bytes(_NONCE_BYTES)
        return nonce + self._seal.encrypt(nonce, data, id_)

    def open(self, sealed: bytes, id_: bytes) -> bytes:
        """Raises ``Unavailable("proofs")`` for what was sealed under another key."""
        try:
            return self._seal.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], id_)
        except InvalidTag:
            raise Unavailable(COMPONENT, "it was begun under another key: begin anew") from None

    def close_about(self, about: Sealed, id_: bytes) -> bytes:
        return self.close(_pack(about), id_)

    def about(self, row: ProofRow) -> Sealed:
        return _unpack(self.open(row.sealed, row.id))
