"""A security key in software: what a browser answers to WebAuthn's questions."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

USER_PRESENT, USER_VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Authenticator:
    """Holds one key. ``count``: its counter; ``verifies``: whether it asks its person for a finger."""

    def __init__(self, origin: str, *, verifies: bool = True, count: int = 0) -> None:
        self.origin = origin
        self.verifies = verifies
        self.count = count
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = hashlib.sha256(str(self.key.private_numbers().private_value).encode()).digest()
        self.handle = ""

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _data(self, host: str, flags: int) -> bytes:
        flags |= USER_PRESENT | (USER_VERIFIED if self.verifies else 0)
        return hashlib.sha256(host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _answer(self, response: dict[str, Any]) -> str:
        return json.dumps(
            {"id": text(self.id), "rawId": text(self.id), "type": "public-key", "response": response}
        )

    def create(self, options: str) -> str:
        """As ``navigator.credentials.create``."""
        asked = json.loads(options)
        self.handle = asked["user"]["id"]
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        data = self._data(asked["rp"]["id"], ATTESTED) + bytes(16) + len(self.id).to_bytes(2, "big") + self.id
        attestation = {"fmt": "none", "attStmt": {}, "authData": data + cbor2.dumps(cose)}
        return self._answer(
            {
                "clientDataJSON": text(self._client_data("webauthn.create", asked["challenge"])),
                "attestationObject": text(cbor2.dumps(attestation)),
                "transports": ["internal", "a kind of later days"],
            }
        )

    def get(self, options: str) -> str:
        """As ``navigator.credentials.get``."""
        asked = json.loads(options)
        if self.count:
            self.count += 1
        data = self._data(asked["rpId"], 0)
        client = self._client_data("webauthn.get", asked["challenge"])
        signed = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {
                "clientDataJSON": text(client),
                "authenticatorData": text(data),
                "signature": text(signed),
                "userHandle": self.handle,
            }
        )
