"""Second factors: one-time codes (RFC 6238) and recovery codes. Passkeys: ``passkeys.py``.

What is kept is an account's ``FactorMade`` records. A code of the clock is taken once by each process, a
recovery code once for all: the people process strikes it out.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import NamedTuple, Protocol

import pyotp

from holdfast.directory.events import FACTORS_UNREADABLE
from holdfast.directory.sealing import Sealing
from holdfast.model.errors import Unavailable
from holdfast.model.limits import FACTORS_REMEMBERED
from holdfast.model.mail import AccountId
from holdfast.model.people import FactorKind, SecondFactor
from holdfast.world import World

TOTP_KEY_BYTES = 20  # RFC 4226 §4 R6: 160 bits
STEP_S = 30
STEPS_ASIDE = 1  # a clock may be wrong by so many steps; RFC 6238 §5.2
RECOVERY_CODES = 10
RECOVERY_LETTERS = 16  # 80 bits: a plain digest is enough
DIGEST_BYTES = 32
_CODE = re.compile(r"[0-9]{6}")

KeptFactor = tuple[SecondFactor, bytes]


class KnowsFactors(Protocol):
    """What is asked of a process's copy."""

    def factor_secrets(self, account: AccountId) -> list[KeptFactor]: ...


class NewTotp(NamedTuple):
    """``sealed``: for ``FactorAdd.secret``. ``text``: the key for typing; ``uri``: for a QR code."""

    key: bytes
    sealed: bytes
    text: str
    uri: str


class NewRecovery(NamedTuple):
    """``codes``: shown once. ``secret``: for ``FactorAdd.secret``."""

    codes: tuple[str, ...]
    secret: bytes


class RecoveryRight(NamedTuple):
    """For ``RecoveryUse``: it decides whether the code is spent, and only then it counts."""

    factor: int
    digest: bytes


class Factors:
    """One per process. ``issuer``: the service's name in people's apps."""

    def __init__(self, world: World, people: KnowsFactors, sealing: Sealing, *, issuer: str) -> None:
        self._world = world
        self._people = people
        self._sealing = sealing
        self._issuer = issuer
        self._steps: dict[int, int] = {}  # by factor: the last time step whose code was taken

    def kinds(self, account: AccountId) -> set[FactorKind]:
        """What the account may answer with. Raises ``Unavailable("people")``."""
        return {about.kind for about, secret in self._people.factor_secrets(account) if secret}

    # One-time codes

    def new_totp(self, account: AccountId, login: str) -> NewTotp:
        """Not kept yet: only when a first code has come back (``totp_fits``). Raises ``Unavailable``."""
        key = self._world.entropy.bytes(TOTP_KEY_BYTES)
        text = base64.b32encode(key).decode()
        uri = pyotp.TOTP(text).provisioning_uri(name=login, issuer_name=self._issuer)
        return NewTotp(key, self._sealing.seal(key, belongs(account)), text, uri)

    def opened_totp(self, account: AccountId, sealed: bytes, login: str) -> NewTotp:
        """The same again from ``sealed``, which a page may carry meanwhile. Raises ``Unavailable``."""
        key = self._sealing.unseal(sealed, belongs(account))
        text = base64.b32encode(key).decode()
        uri = pyotp.TOTP(text).provisioning_uri(name=login, issuer_name=self._issuer)
        return NewTotp(key, sealed, text, uri)

    def totp_fits(self, key: bytes, code: str) -> bool:
        """Whether the code is the key's at present; for setting it up."""
        return self._step(key, code) is not None

    def totp_right(self, account: AccountId, code: str) -> bool:
        """Whether it is the code of one of the account's apps, and wasn't taken here before (FACTOR-1).

        Raises ``Unavailable("people" | "keys")``: a key that can't be opened makes no code wrong.
        """
        failed: Unavailable | None = None
        for about, sealed in self._people.factor_secrets(account):
            if about.kind is not FactorKind.TOTP:
                continue
            try:
                key = self._sealing.unseal(sealed, belongs(account))
            except Unavailable as error:
                failed = error
                self._world.journal.emit(
                    FACTORS_UNREADABLE, account=account, factor=about.id, reason=error.text
                )
                continue
            step = self._step(key, code)
            if step is not None:
                return self._take(about.id, step)
        if failed is not None:
            raise failed
        return False

    def _take(self, factor: int, step: int) -> bool:
        """RFC 6238 §5.2: who comes a second time with a code has watched the first."""
        if step <= self._steps.get(factor, 0):
            return False
        self._steps.pop(factor, None)  # what was taken lately is forgotten last
        if len(self._steps) >= FACTORS_REMEMBERED:
            del self._steps[next(iter(self._steps))]
        self._steps[factor] = step
        return True

    def _step(self, key: bytes, code: str) -> int | None:
        """Which time step's code it is, of those that are allowed now."""
        code = re.sub(r"\s", "", code)
        if not _CODE.fullmatch(code):
            return None
        now = int(self._world.clock.now()) // STEP_S
        generator = pyotp.TOTP(base64.b32encode(key).decode())
        found = None
        for step in range(now - STEPS_ASIDE, now + STEPS_ASIDE + 1):
            if hmac.compare_digest(generator.generate_otp(step), code):
                found = step
        return found

    # Recovery codes

    def new_recovery(self) -> NewRecovery:
        """Ten codes; a new set takes the old one's place."""
        words = [self._world.entropy.token(RECOVERY_LETTERS) for _ in range(RECOVERY_CODES)]
        codes = tuple("-".join(word[at : at + 4] for at in range(0, RECOVERY_LETTERS, 4)) for word in words)
        return NewRecovery(codes, b"".join(recovery_digest(code) for code in codes))

    def recovery_right(self, account: AccountId, code: str) -> RecoveryRight | None:
        """What to ask of the people process, if the code may be one; None: it is none (FACTOR-2)."""
        digest = recovery_digest(code)
        found = None
        for about, secret in self._people.factor_secrets(account):
            if about.kind is FactorKind.RECOVERY:
                for at in range(0, len(secret), DIGEST_BYTES):
                    if hmac.compare_digest(secret[at : at + DIGEST_BYTES], digest):
                        found = RecoveryRight(about.id, digest)
        return found


def belongs(account: AccountId) -> bytes:
    """What a one-time code's key is bound to."""
    return b"totp of account %d" % account


def recovery_digest(code: str) -> bytes:
    """SHA-256 of the letters; spaces, dashes and case don't count, nor do letters taken for digits."""
    letters = re.sub(r"[\W_]", "", code).lower().translate(str.maketrans("oil", "011"))
    return hashlib.sha256(b"recovery:" + letters.encode()).digest()
