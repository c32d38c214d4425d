"""Passwords: argon2id, and the memory of what was verified. RFC 9106.

``PARAMETERS`` is the one place that says how expensive a guess is. Hashes are PHC strings, which
carry their own parameters, so that a change here concerns new passwords only.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

import msgspec
from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import (
    PASSWORD_BYTES,
    VERIFIED_ENTRIES,
    VERIFIED_LIFE_S,
    WRONG_ENTRIES,
    WRONG_LIFE_S,
)
from holdfast.model.mail import AccountId
from holdfast.world import World

SALT_BYTES = 16
HASH_BYTES = 32
KEY_BYTES = 32


class Parameters(msgspec.Struct, frozen=True):
    """Of argon2id: memory in KiB, passes, lanes. OWASP's first choice: 19 MiB, 2, 1."""

    memory_kib: int = 19 * 1024
    passes: int = 2
    lanes: int = 1


PARAMETERS = Parameters()

_PHC = re.compile(
    r"\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})\Z"
)
_MOST = Parameters(memory_kib=256 * 1024, passes=16, lanes=8)  # a ready hash may cost no more than this


def password_bytes(password: str) -> bytes:
    """What is hashed: UTF-8 of the NFC form, so that each keyboard's "ü" is the same. RFC 8265 §4.2.2."""
    if password.isascii():
        return password.encode()
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def check_password(password: str) -> None:
    """Raises ``Refused`` for a password that can't be one."""
    if not password:
        raise Refused(Reason.BAD_SYNTAX, "an empty password: give one, or a ready hash")
    if len(password_bytes(password)) > PASSWORD_BYTES:
        raise Refused(Reason.TOO_LARGE, f"password longer than {PASSWORD_BYTES} bytes: give a shorter one")


def check_credential(phc: str) -> None:
    """Raises ``Refused`` for a string that isn't an argon2id hash we would verify."""
    found = _PHC.match(phc)
    if found is None:
        raise Refused(
            Reason.BAD_SYNTAX,
            "not an argon2id hash: expected $argon2id$v=19$m=19456,t=2,p=1$salt$hash, or give the password",
        )
    memory, passes, lanes = int(found[1]), int(found[2]), int(found[3])
    if not (
        0 < passes <= _MOST.passes and 0 < lanes <= _MOST.lanes and 8 * lanes <= memory <= _MOST.memory_kib
    ):
        raise Refused(
            Reason.LIMIT,
            f"argon2id parameters m={memory},t={passes},p={lanes} not possible: at most"
            f" m={_MOST.memory_kib},t={_MOST.passes},p={_MOST.lanes}",
        )


def hash_password(password: str, salt: bytes, parameters: Parameters = PARAMETERS) -> str:
    """The PHC string; some 20 ms of one processor, which other threads may use meanwhile."""
    return Argon2id(
        salt=salt,
        length=HASH_BYTES,
        iterations=parameters.passes,
        lanes=parameters.lanes,
        memory_cost=parameters.memory_kib,
    ).derive_phc_encoded(password_bytes(password))


def verify_password(password: str, phc: str) -> bool:
    """Costs what the hash's parameters say, right or wrong. Raises ``ValueError`` for a damaged hash."""
    if not _PHC.match(phc):  # the library would call it a wrong password
        raise ValueError("not an argon2id hash")
    try:
        Argon2id.verify_phc_encoded(password_bytes(password), phc)
    except InvalidKey:
        return False
    return True


def nobody_credential(world: World, parameters: Parameters = PARAMETERS) -> str:
    """A hash no password fits, to be verified for names nobody has: unknown takes as long as wrong."""
    salt = Argon2id(
        salt=world.entropy.bytes(SALT_BYTES),
        length=HASH_BYTES,
        iterations=1,
        lanes=1,
        memory_cost=8,
    ).derive_phc_encoded(world.entropy.bytes(32))
    _, _, _, _, salt_text, hash_text = salt.split("$")
    cost = f"m={parameters.memory_kib},t={parameters.passes},p={parameters.lanes}"
    return f"$argon2id$v=19${cost}${salt_text}${hash_text}"


class Verified:
    """What this process has verified, right and wrong, as keyed digests that expire.

    The key is random, lives in memory only and dies with the process; so nothing here helps
    whoever reads a disk. A digest covers the account, the sequence of the credential's frame and
    the password: a changed password makes all older entries void (PEOPLE-8).
    """

    __slots__ = ("_clock", "_key", "_right", "_wrong")

    def __init__(self, world: World) -> None:
        self._clock = world.clock
        self._key = world.entropy.bytes(KEY_BYTES)
        self._right: dict[bytes, float] = {}
        self._wrong: dict[bytes, float] = {}

    def digest(self, account: AccountId, credential: int, login: str, password: str) -> bytes:
        """``account`` 0 with the login stands for a name nobody has."""
        name = b"" if account else login.encode("utf-8", "surrogatepass")
        head = b"%d:%d:%d:" % (account, credential, len(name))
        return hashlib.blake2b(head + name + password_bytes(password), key=self._key, digest_size=32).digest()

    def known(self, digest: bytes) -> bool | None:
        """True: was right; False: was wrong; None: not known (any more)."""
        now = self._clock.monotonic()
        until = self._right.get(digest)
        if until is not None:
            if until > now:
                return True
            del self._right[digest]
        until = self._wrong.get(digest)
        if until is not None:
            if until > now:
                return False
            del self._wrong[digest]
        return None

    def learn(self, digest: bytes, right: bool, most_s: float = VERIFIED_LIFE_S) -> None:
        """``most_s``: remembered no longer than that."""
        entries, most, life = (
            (self._right, VERIFIED_ENTRIES, VERIFIED_LIFE_S)
            if right
            else (self._wrong, WRONG_ENTRIES, WRONG_LIFE_S)
        )
        entries.pop(digest, None)  # a renewed entry goes to the end: the first is the oldest
        if len(entries) >= most:
            del entries[next(iter(entries))]
        entries[digest] = self._clock.monotonic() + min(life, most_s)
