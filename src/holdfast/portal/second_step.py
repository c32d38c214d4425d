"""The second step of a sign-in (a code, a recovery code, a passkey), and passkeys as the only one.

Who is here has shown a password, or holds a key; a way is offered only if the account has it, so nothing
is told to who has shown neither (PORTAL-1).
"""

from __future__ import annotations

import urllib.parse
from typing import Protocol

import msgspec
from starlette.responses import Response

from holdfast.directory.factors import Factors
from holdfast.directory.passkeys import Passkeys
from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import WEB_STEP_S
from holdfast.model.mail import AccountId
from holdfast.model.people import Account, AccountState, FactorKind, SecondFactor
from holdfast.pages import Level, Pace, Site, Visit, Wrong
from holdfast.world import World

CODE_BURST, CODE_EVERY_S = 10, 120.0  # guesses of codes per account: one in 450 hits within a day
RECOVERY_BURST, RECOVERY_EVERY_S = 10, 60.0
PASSKEY_BURST, PASSKEY_EVERY_S = 30, 5.0  # per network: each costs a signature to check
STATE = "passkey"


class SpendsCodes(Protocol):
    async def recovery_use(self, account: AccountId, id: int, digest: bytes) -> SecondFactor:
        """Raises ``Refused(BAD_CREDENTIALS)`` for a code that was spent; ``Unavailable("people")``."""


class Welcomes(Protocol):
    """What the second step needs of the portal."""

    def welcome(self, visit: Visit, account: Account, level: Level, how: str) -> Response: ...

    def way_on(self, visit: Visit) -> str: ...

    def account_of(self, account: AccountId) -> Account | None: ...

    def wrong(self, visit: Visit, account: AccountId, how: str) -> None: ...

    def network(self, visit: Visit) -> str: ...


class _Asked(msgspec.Struct, frozen=True):
    """A passkey's challenge on its way through the browser. ``account``: 0 if the key is to tell."""

    challenge: bytes
    account: AccountId
    until: float


_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.Decoder(_Asked).decode


class PasskeyForm(msgspec.Struct, frozen=True):
    """For the macro in ``passkey.html``. ``options``: JSON for the browser; ``state``: comes back sealed."""

    options: str
    state: str


class SecondStep:
    def __init__(
        self,
        world: World,
        site: Site,
        portal: Welcomes,
        factors: Factors,
        passkeys: Passkeys | None,
        operations: SpendsCodes | None,
    ) -> None:
        self._world = world
        self._portal = portal
        self._factors = factors
        self._passkeys = passkeys
        self._operations = operations
        self._codes = Pace(world, burst=CODE_BURST, every_s=CODE_EVERY_S)
        self._recoveries = Pace(world, burst=RECOVERY_BURST, every_s=RECOVERY_EVERY_S)
        self._keys = Pace(world, burst=PASSKEY_BURST, every_s=PASSKEY_EVERY_S)
        site.page("/sign-in/code")(self._code_page)
        site.page("/sign-in/recovery")(self._recovery_page)
        site.page("/sign-in/passkey", methods=("POST",))(self._passkey)

    # Codes

    async def _code_page(self, visit: Visit) -> Response:
        account = self._who_is_at_it(visit)
        if account is None:
            return self._anew(visit)
        kinds = self._factors.kinds(account.id)
        if not kinds:
            raise Refused(Reason.NOT_ALLOWED, "this account's second factor is gone: ask your provider")
        wrong = None
        if visit.method == "POST":
            try:
                return self._code(visit, account)
            except Wrong as error:
                wrong = error
        key = self.ask_for_passkey(visit, account.id) if FactorKind.PASSKEY in kinds else None
        return visit.show(
            "sign_in_code.html",
            totp=FactorKind.TOTP in kinds,
            recovery=FactorKind.RECOVERY in kinds,
            passkey=key,
            next=self._portal.way_on(visit),
            wrong=wrong,
        )

    def _code(self, visit: Visit, account: Account) -> Response:
        code = visit.form.get("code")
        if not code:
            raise Wrong("sign_in.no_code", "code")
        self._codes.take(str(account.id))
        if not self._factors.totp_right(account.id, code):
            self._portal.wrong(visit, account.id, "totp")
            raise Wrong("sign_in.wrong_code", "code")
        self._codes.forget(str(account.id))
        return self._portal.welcome(visit, account, "full", "totp")

    async def _recovery_page(self, visit: Visit) -> Response:
        account = self._who_is_at_it(visit)
        if account is None:
            return self._anew(visit)
        wrong = None
        if visit.method == "POST":
            try:
                return await self._recover(visit, account)
            except Wrong as error:
                wrong = error
        return visit.show("sign_in_recovery.html", next=self._portal.way_on(visit), wrong=wrong)

    async def _recover(self, visit: Visit, account: Account) -> Response:
        """PORTAL-5: a recovery code opens the account once it is struck out for all, and not before."""
        code = visit.form.get("code")
        if not code:
            raise Wrong("sign_in.no_recovery", "code")
        self._recoveries.take(str(account.id))
        found = self._factors.recovery_right(account.id, code)
        try:
            if found is None or self._operations is None:
                raise Refused(Reason.BAD_CREDENTIALS)
            await self._operations.recovery_use(account.id, found.factor, found.digest)
        except Refused as refused:
            if refused.reason is not Reason.BAD_CREDENTIALS:
                raise
            self._portal.wrong(visit, account.id, "recovery")
            raise Wrong("sign_in.wrong_recovery", "code") from None
        visit.notice("sign_in.recovered", "warn")
        return self._portal.welcome(visit, account, "full", "recovery")

    # Passkeys

    def ask_for_passkey(self, visit: Visit, account: AccountId = 0) -> PasskeyForm | None:
        """``account``: who has shown a password; 0: the key stands alone. None where there are none."""
        if self._passkeys is None:
            return None
        question = self._passkeys.ask(account)
        asked = _Asked(question.challenge, account, self._world.clock.now() + WEB_STEP_S)
        return PasskeyForm(question.options, visit.seal(STATE, _encode(asked)))

    async def _passkey(self, visit: Visit) -> Response:
        asked = self._asked(visit)
        if asked is None or self._passkeys is None:
            return self._anew(visit)
        self._keys.take(self._portal.network(visit))
        at_step = self._who_is_at_it(visit)
        if asked.account and (at_step is None or at_step.id != asked.account):
            return self._anew(visit)
        try:
            right = self._passkeys.right(visit.form.exact("answer"), asked.challenge, asked.account)
        except Refused:
            self._portal.wrong(visit, asked.account, "passkey")
            visit.notice("sign_in.wrong_passkey", "bad")
            return self._anew(visit) if at_step is None else visit.go(self._here(visit, "/sign-in/code"))
        account = self._portal.account_of(right.account)
        if account is None or account.state is not AccountState.ACTIVE:
            raise Refused(Reason.USER_DISABLED, "this account is disabled: ask your provider")
        return self._portal.welcome(visit, account, "full", "passkey")

    def _asked(self, visit: Visit) -> _Asked | None:
        sealed = visit.open(STATE, visit.form.exact("state"))
        if sealed is None:
            return None
        asked = _decode(sealed)
        return asked if asked.until > self._world.clock.now() else None

    # Within

    def _who_is_at_it(self, visit: Visit) -> Account | None:
        """Who has shown a password lately, and nothing else yet."""
        session = visit.session
        if session is None or session.level != "password":
            return None
        return self._portal.account_of(session.account)

    def _anew(self, visit: Visit) -> Response:
        return visit.go(self._here(visit, "/sign-in"))

    def _here(self, visit: Visit, path: str) -> str:
        return f"{path}?{urllib.parse.urlencode({'next': self._portal.way_on(visit)})}"
