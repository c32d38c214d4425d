"""Tokens of OAuth 2.0: codes, access tokens, refresh tokens. RFC 6749, RFC 7636, RFC 9700

All are sealed: each says whose it is, from which sign-in, and until when. Whoever shows one is asked for
nothing else, but his account is looked at each time (JMAPD-4).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import NamedTuple, Protocol, TypeVar

import msgspec

from holdfast.functions.jmap.events import TOKEN_REUSED
from holdfast.functions.jmap.sign_ins import SignIns
from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import JMAP_ACCESS_S, JMAP_CODE_S, JMAP_REFRESH_S
from holdfast.model.mail import AccountId
from holdfast.model.people import Account, AccountState
from holdfast.pages.seal import Seal
from holdfast.world import World

ACCESS, REFRESH = "hfat_", "hfrt_"
_TOKEN_CHARACTERS = 1000
_encode = msgspec.msgpack.Encoder().encode
T = TypeVar("T", bound=msgspec.Struct)


class KnowsAccounts(Protocol):
    def account(self, account: AccountId) -> Account | None: ...


class Given(msgspec.Struct, frozen=True, array_like=True):
    """What every token says. ``sign_in``: which one it is from; ``began_at``: when that was (UTC seconds)."""

    account: AccountId
    sign_in: str
    began_at: float
    client: str
    until: float


class Code(Given, frozen=True, array_like=True):
    """``challenge``: of PKCE, S256."""

    redirect_uri: str
    challenge: str


class Access(Given, frozen=True, array_like=True):
    pass


class Refresh(Given, frozen=True, array_like=True):
    """``after``: the ``name`` of the one for which it was given, '' for the first."""

    name: str
    after: str


class Pair(NamedTuple):
    access: str
    refresh: str
    life_s: int


class Tokens:
    """One per process; any worker takes what another gave."""

    def __init__(self, world: World, seal: Seal, sign_ins: SignIns, people: KnowsAccounts) -> None:
        self._world = world
        self._seal = seal
        self._sign_ins = sign_ins
        self._people = people

    def code(
        self, account: AccountId, began_at: float, client: str, redirect_uri: str, challenge: str
    ) -> str:
        until = self._world.clock.now() + JMAP_CODE_S
        sign_in = self._world.entropy.token(20)
        return self._sealed("", Code(account, sign_in, began_at, client, until, redirect_uri, challenge))

    async def exchange(self, code: str, client: str, redirect_uri: str, verifier: str) -> Pair:
        """The first tokens. A code used twice ends what it had opened (RFC 6749 §4.1.2).

        Raises ``Refused(BAD_CREDENTIALS)``, ``Unavailable("people")``.
        """
        given = self._opened("", code, Code)
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        proven = hmac.compare_digest(digest, given.challenge)
        if not proven or given.client != client or given.redirect_uri != redirect_uri:
            raise Refused(Reason.BAD_CREDENTIALS, "the code was given for another request")
        self._account(given)
        if not await self._sign_ins.begin(given.sign_in, self._world.clock.now() + JMAP_REFRESH_S):
            raise self._reused(given, "code")
        return self._pair(given, "")

    async def refresh(self, token: str, client: str) -> Pair:
        """JMAPD-5: the next pair for the last refresh token; an older one ends the sign-in."""
        given = self._opened(REFRESH, token, Refresh)
        if given.client != client:
            raise Refused(Reason.BAD_CREDENTIALS, "the token was given to another program")
        self._account(given)
        until = self._world.clock.now() + JMAP_REFRESH_S
        if not await self._sign_ins.use(given.sign_in, given.name, given.after, until):
            raise self._reused(given, "refresh token")
        return self._pair(given, given.name)

    def account(self, token: str) -> Account:
        """Whose access token it is. Raises as ``exchange``."""
        return self._account(self._opened(ACCESS, token, Access))

    def stands(self, token: str) -> bool:
        """Whether its sign-in does, however old the token is. Raises ``Unavailable("people")``."""
        try:
            self._account(self._unsealed(ACCESS, token, Access))
        except Refused:
            return False
        return True

    async def revoke(self, token: str) -> None:
        """RFC 7009: the whole sign-in is over. A token that is none is no error."""
        given: Given
        try:
            if token.startswith(REFRESH):
                given = self._unsealed(REFRESH, token, Refresh)
            else:
                given = self._unsealed(ACCESS, token, Access)
        except Refused:
            return
        await self._sign_ins.end(given.sign_in, self._world.clock.now() + JMAP_REFRESH_S)

    # inside

    def _pair(self, given: Given, after: str) -> Pair:
        now = self._world.clock.now()
        whose = (given.account, given.sign_in, given.began_at, given.client)
        access = Access(*whose, now + JMAP_ACCESS_S)
        refresh = Refresh(*whose, now + JMAP_REFRESH_S, self._world.entropy.token(12), after)
        return Pair(self._sealed(ACCESS, access), self._sealed(REFRESH, refresh), int(JMAP_ACCESS_S))

    def _account(self, given: Given) -> Account:
        """JMAPD-4: what ends a sign-in is asked anew each time."""
        account = self._people.account(given.account)
        if (
            account is None
            or account.state is not AccountState.ACTIVE
            or given.began_at < account.signed_out_at
            or self._sign_ins.is_over(given.sign_in)
        ):
            raise Refused(Reason.BAD_CREDENTIALS, "this sign-in is over")
        return account

    def _reused(self, given: Given, what: str) -> Refused:
        self._world.journal.emit(TOKEN_REUSED, account=given.account, client=given.client, what=what)
        return Refused(Reason.BAD_CREDENTIALS, f"this {what} was used before; the sign-in is over")

    def _sealed(self, prefix: str, given: Given) -> str:
        return prefix + self._seal.seal(_purpose(type(given)), _encode(given))

    def _opened(self, prefix: str, token: str, kind: type[T]) -> T:
        found = self._unsealed(prefix, token, kind)
        assert isinstance(found, Given)
        if self._world.clock.now() >= found.until:
            raise Refused(Reason.BAD_CREDENTIALS, "the token is too old")
        return found

    def _unsealed(self, prefix: str, token: str, kind: type[T]) -> T:
        sealed = None
        if token.startswith(prefix) and len(token) <= _TOKEN_CHARACTERS:
            sealed = self._seal.open(_purpose(kind), token[len(prefix) :])
        if sealed is None:
            raise Refused(Reason.BAD_CREDENTIALS, "no token of ours")
        return msgspec.msgpack.decode(sealed, type=kind)


def _purpose(kind: type) -> str:
    return f"jmap {kind.__name__.lower()}"
