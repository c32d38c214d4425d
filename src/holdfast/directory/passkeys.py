"""Passkeys: W3C Web Authentication Level 3, by the package ``webauthn``.

As a second factor behind a password, or alone: then the key tells whose it is (its user handle is the
account's id), and must have verified its person by a PIN, a face or a finger.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import webauthn
from webauthn.helpers import parse_authentication_credential_json
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from holdfast.directory.events import PASSKEY_REFUSED
from holdfast.directory.factors import KnowsFactors
from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import FACTORS_REMEMBERED, PASSKEY_ANSWER_BYTES
from holdfast.model.mail import AccountId
from holdfast.model.people import Account, FactorKind, SecondFactor
from holdfast.world import World

CHALLENGE_BYTES = 32
TIMEOUT_MS = 300_000
HANDLE_BYTES = 8

_NO = "this passkey did not work here; try again, or sign in another way"


class PasskeyQuestion(NamedTuple):
    """``options``: JSON for ``navigator.credentials.create`` or ``.get``. ``challenge``: the caller keeps
    it (sealed, with the browser) and gives it back with the answer."""

    options: str
    challenge: bytes


class PasskeyRight(NamedTuple):
    """``verified``: the key made sure who holds it."""

    account: AccountId
    factor: int
    verified: bool


class KeptPasskey(msgspec.Struct, frozen=True, omit_defaults=True):
    """What ``FactorMade.secret`` holds, as a MessagePack map; nothing in it is secret.

    ``id``: the credential's; ``key``: its public key (COSE); ``count``: its counter when it was made.
    """

    id: bytes
    key: bytes
    count: int = 0
    transports: tuple[str, ...] = ()


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(KeptPasskey).decode


class Passkeys:
    """One per process. ``host``: the name keys are bound to; ``origins``: of pages, ``https://name[:port]``."""

    def __init__(
        self, world: World, people: KnowsFactors, *, host: str, title: str, origins: Sequence[str]
    ) -> None:
        self._world = world
        self._people = people
        self._host = host
        self._title = title
        self._origins = list(origins)
        self._used: OrderedDict[bytes, None] = OrderedDict()  # challenges that were answered
        self._counts: OrderedDict[int, int] = OrderedDict()  # by factor: the counter seen last

    # Making one

    def new(self, account: Account) -> PasskeyQuestion:
        """For who is signed in. Raises ``Unavailable("people")``."""
        challenge = self._world.entropy.bytes(CHALLENGE_BYTES)
        options = webauthn.generate_registration_options(
            rp_id=self._host,
            rp_name=self._title,
            user_name=account.login,
            user_id=handle_of(account.id),
            user_display_name=account.name or account.login,
            challenge=challenge,
            timeout=TIMEOUT_MS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=self._descriptors(account.id),
        )
        return PasskeyQuestion(webauthn.options_to_json(options), challenge)

    def made(self, answer: str, challenge: bytes) -> bytes:
        """``FactorAdd.secret``. Raises ``Refused(BAD_CREDENTIALS)``."""
        self._take(challenge, answer, 0)
        try:
            found = webauthn.verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._host,
                expected_origin=self._origins,
                require_user_verification=True,
            )
            transports = _transports(answer)
        except Exception as error:  # whatever the library trips over was sent by a stranger
            raise self._no(0, error) from error
        kept = KeptPasskey(found.credential_id, found.credential_public_key, found.sign_count, transports)
        return _encode(kept)

    # Signing in

    def ask(self, account: AccountId = 0) -> PasskeyQuestion:
        """``account``: who has given a password already; 0: the key is to tell, and stands alone."""
        challenge = self._world.entropy.bytes(CHALLENGE_BYTES)
        alone = account == 0
        options = webauthn.generate_authentication_options(
            rp_id=self._host,
            challenge=challenge,
            timeout=TIMEOUT_MS,
            allow_credentials=None if alone else self._descriptors(account),
            user_verification=(
                UserVerificationRequirement.REQUIRED if alone else UserVerificationRequirement.PREFERRED
            ),
        )
        return PasskeyQuestion(webauthn.options_to_json(options), challenge)

    def right(self, answer: str, challenge: bytes, account: AccountId = 0) -> PasskeyRight:
        """Whose key it is. ``account``: as in ``ask``. Says nothing of the account's state.

        Raises ``Refused(BAD_CREDENTIALS)``, ``Unavailable("people")``.
        """
        self._take(challenge, answer, account)
        try:
            credential = parse_authentication_credential_json(answer)
        except Exception as error:
            raise self._no(account, error) from error
        owner = account or account_of(credential.response.user_handle)
        for about, kept in self._keys(owner):
            if kept.id == credential.raw_id:
                return self._verified(credential, challenge, about, kept, alone=account == 0)
        raise self._no(owner, None)

    def _verified(
        self,
        credential: AuthenticationCredential,
        challenge: bytes,
        about: SecondFactor,
        kept: KeptPasskey,
        *,
        alone: bool,
    ) -> PasskeyRight:
        """FACTOR-3: a counter that doesn't go on is a copy of the key, and refused."""
        try:
            found = webauthn.verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self._host,
                expected_origin=self._origins,
                credential_public_key=kept.key,
                credential_current_sign_count=self._counts.get(about.id, kept.count),
                require_user_verification=alone,
            )
        except Exception as error:
            raise self._no(about.account, error) from error
        self._counts.pop(about.id, None)
        if len(self._counts) >= FACTORS_REMEMBERED:
            self._counts.popitem(last=False)
        self._counts[about.id] = found.new_sign_count
        return PasskeyRight(about.account, about.id, found.user_verified)

    # Within

    def _keys(self, account: AccountId) -> list[tuple[SecondFactor, KeptPasskey]]:
        return [
            (about, _decode(secret))
            for about, secret in self._people.factor_secrets(account)
            if about.kind is FactorKind.PASSKEY
        ]

    def _descriptors(self, account: AccountId) -> list[PublicKeyCredentialDescriptor]:
        return [
            PublicKeyCredentialDescriptor(
                id=kept.id, transports=[AuthenticatorTransport(each) for each in kept.transports] or None
            )
            for _, kept in self._keys(account)
        ]

    def _take(self, challenge: bytes, answer: str, account: AccountId) -> None:
        """A challenge is answered once, and by no book."""
        if len(challenge) != CHALLENGE_BYTES or challenge in self._used or len(answer) > PASSKEY_ANSWER_BYTES:
            raise self._no(account, None)
        self._used[challenge] = None
        if len(self._used) > FACTORS_REMEMBERED:
            self._used.popitem(last=False)

    def _no(self, account: AccountId, error: Exception | None) -> Refused:
        reason = f"{type(error).__name__}: {error}"[:200] if error is not None else "no such key or challenge"
        self._world.journal.emit(PASSKEY_REFUSED, account=account, reason=reason)
        return Refused(Reason.BAD_CREDENTIALS, _NO)


def handle_of(account: AccountId) -> bytes:
    """The user handle: tells nobody but us whose it is. WebAuthn §5.4.3: at most 64 bytes."""
    return account.to_bytes(HANDLE_BYTES, "big")


def account_of(handle: bytes | None) -> AccountId:
    """0 for what is no handle of ours."""
    return int.from_bytes(handle, "big") if handle and len(handle) == HANDLE_BYTES else 0


class _Response(msgspec.Struct):
    transports: list[str] = []


class _Answer(msgspec.Struct):
    response: _Response


def _transports(answer: str) -> tuple[str, ...]:
    """How the key is reached, as the browser says: a hint for the next time."""
    known = {str(each.value) for each in AuthenticatorTransport}
    found = msgspec.json.decode(answer, type=_Answer).response.transports
    return tuple(each for each in found if each in known)
