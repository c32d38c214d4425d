"""Secrets sealed at rest: the keys of second factors in the people ledger, which its copies carry along.

AES-256-GCM (NIST SP 800-38D) with the keys of one file that isn't in the ledger. The first key seals, all
of them open; so a key is changed by putting a new one on top, and an old one goes when nothing is sealed
with it any more. A sealed secret is bound to what it belongs to, and opens for nothing else.

Sealed: ``u8 version=1, 4 bytes key id, 12 bytes nonce, ciphertext and 16 bytes tag``.
The file: a line for each key, its id in hex, a space, 32 bytes in base64. ``#`` begins a comment.
"""

from __future__ import annotations

import base64
import binascii
import os.path
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from holdfast.model.errors import Unavailable
from holdfast.world import World

KEYS = "keys"  # the component that is out of reach when a key is
VERSION = 1
ID_BYTES = 4
KEY_BYTES = 32
NONCE_BYTES = 12
_HEAD = 1 + ID_BYTES + NONCE_BYTES
_TAG_BYTES = 16
_COMMENT = (
    "# Opens the second factors that the people ledger holds sealed. Keep a copy, apart from the ledger's.\n"
    "# The first key seals, all of them open.\n"
)


class Key(NamedTuple):
    id: bytes
    key: bytes


class Sealing:
    """``await``-free: reading the file takes a moment and happens at the start and at unknown keys only."""

    def __init__(self, world: World, path: str) -> None:
        self._world = world
        self._path = path
        self._keys: dict[bytes, Key] = {}

    @classmethod
    def open(cls, world: World, path: str) -> Sealing:
        """Reads the file; makes it with a first key where there is none.

        Never fails: what can't be read is ``Unavailable("keys")`` when it is needed, and read again then.
        """
        sealing = cls(world, path)
        try:
            sealing._read()
        except FileNotFoundError:
            try:
                make_keys(world, path)
                sealing._read()
            except (OSError, Unavailable):
                pass
        except (OSError, Unavailable):
            pass
        return sealing

    def seal(self, secret: bytes, belongs: bytes) -> bytes:
        """``belongs``: whose and what, needed again to open it. Raises ``Unavailable("keys")``."""
        if not self._keys:
            self._read_again()
        first = next(iter(self._keys.values()))
        nonce = self._world.entropy.bytes(NONCE_BYTES)
        head = bytes([VERSION]) + first.id
        return head + nonce + AESGCM(first.key).encrypt(nonce, secret, head + belongs)

    def unseal(self, sealed: bytes, belongs: bytes) -> bytes:
        """Raises ``Unavailable("keys")``: no such key, or not what was sealed. Never a wrong secret."""
        if len(sealed) < _HEAD + _TAG_BYTES or sealed[0] != VERSION:
            raise Unavailable(KEYS, "not sealed, or by a later version")
        id_ = sealed[1 : 1 + ID_BYTES]
        if id_ not in self._keys:
            self._read_again()
        key = self._keys.get(id_)
        if key is None:
            raise Unavailable(KEYS, f"{self._path} has no key {id_.hex()}: put it back from its copy")
        nonce = sealed[1 + ID_BYTES : _HEAD]
        try:
            return AESGCM(key.key).decrypt(nonce, sealed[_HEAD:], sealed[: 1 + ID_BYTES] + belongs)
        except InvalidTag:
            raise Unavailable(KEYS, "what was sealed is damaged, or belongs to something else") from None

    def sealed_with(self, sealed: bytes) -> str:
        """The id of the key, in hex: what is still sealed with one that is to go?"""
        return sealed[1 : 1 + ID_BYTES].hex()

    def _read_again(self) -> None:
        try:
            self._read()
        except OSError as error:
            raise Unavailable(KEYS, f"{self._path}: {error.strerror or error}") from error

    def _read(self) -> None:
        self._keys = {key.id: key for key in read_keys(self._world, self._path)}


def read_keys(world: World, path: str) -> list[Key]:
    """In their order, one at least. Raises ``OSError``, ``Unavailable("keys")`` for a damaged file."""
    found = []
    for number, line in enumerate(world.disk.read(path).decode("ascii", "replace").splitlines(), 1):
        text = line.partition("#")[0].split()
        if not text:
            continue
        try:
            id_, key = bytes.fromhex(text[0]), base64.b64decode(text[1], validate=True)
        except (ValueError, IndexError, binascii.Error):
            id_, key = b"", b""
        if len(id_) != ID_BYTES or len(key) != KEY_BYTES:
            raise Unavailable(KEYS, f"{path}, line {number}: not a key")
        found.append(Key(id_, key))
    if not found:
        raise Unavailable(KEYS, f"{path}: no key in it")
    return found


def make_keys(world: World, path: str) -> bool:
    """Makes the file with one key, its owner's only; False when there is one. Raises ``OSError``."""
    world.disk.make_folder(os.path.dirname(path))
    lock = world.disk.lock(f"{path}.lock")  # two processes at their first start
    try:
        if world.disk.exists(path):
            return False
        _write(world, path, [_new_key(world)])
        return True
    finally:
        lock.release()


def add_key(world: World, path: str) -> str:
    """A new key on top: what is sealed from now on is sealed with it. Its id in hex.

    Raises ``OSError``, ``Unavailable``. Processes that run go on with the old one until their next start.
    """
    lock = world.disk.lock(f"{path}.lock")
    try:
        key = _new_key(world)
        _write(world, path, [key, *read_keys(world, path)])
        return key.id.hex()
    finally:
        lock.release()


def _new_key(world: World) -> Key:
    return Key(world.entropy.bytes(ID_BYTES), world.entropy.bytes(KEY_BYTES))


def _write(world: World, path: str, keys: list[Key]) -> None:
    lines = "".join(f"{key.id.hex()} {base64.b64encode(key.key).decode()}\n" for key in keys)
    world.disk.write_atomic(path, (_COMMENT + lines).encode())
