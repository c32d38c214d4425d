"""Second factors: codes from an app, recovery codes, passkeys, and passkeys as the only way in."""

from __future__ import annotations

import segno
from starlette.responses import Response

from holdfast.directory.deferred import Done, Taken
from holdfast.directory.factors import Factors
from holdfast.directory.passkeys import Passkeys
from holdfast.directory.requests import AccountSet, FactorAdd, FactorRemove
from holdfast.functions.password.desk import Desk
from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import NAME_CHARACTERS
from holdfast.model.people import Account, FactorKind, SecondFactor
from holdfast.pages import Visit, Wrong
from holdfast.portal.second_step import PasskeyForm

TOTP, PASSKEY = "totp", "passkey"  # what a sealed field on the page holds


class SecondFactors:
    def __init__(self, desk: Desk, factors: Factors, passkeys: Passkeys) -> None:
        self._desk = desk
        self._factors = factors
        self._passkeys = passkeys
        desk.page("/factors", self.manage)
        desk.page("/factors/totp", self.totp, fresh=True)
        desk.page("/factors/recovery", self.recovery, fresh=True)
        desk.page("/factors/passkey", self.passkey, fresh=True)
        desk.page("/factors/remove", self.remove, fresh=True)
        desk.page("/factors/only", self.only, fresh=True)

    def _of(self, account: Account) -> list[SecondFactor]:
        return self._desk.people.factors(account.id)

    async def manage(self, visit: Visit) -> Response:
        account = self._desk.own(visit)
        factors = self._of(account)
        return visit.show(
            "factors.html",
            account=account,
            factors=factors,
            kinds={factor.kind.value for factor in factors},
            ways=ways_back(factors),
        )

    # Codes from an app

    async def totp(self, visit: Visit) -> Response:
        """Shows a new key; it is kept once the app's first code came back."""
        account = self._desk.own(visit)
        if visit.method != "POST":
            new = self._factors.new_totp(account.id, account.login)
            return self._show_totp(visit, account, new.sealed)
        sealed = _opened(visit)
        new = self._factors.opened_totp(account.id, sealed, account.login)
        if not self._factors.totp_fits(new.key, visit.form.get("code")):
            return self._show_totp(visit, account, sealed, Wrong("factors.totp.wrong", "code"))
        name = visit.form.get("name")[:NAME_CHARACTERS] or visit.say("factors.totp.default")
        done = await self._add(visit, account, FactorKind.TOTP, name, sealed)
        if isinstance(done, Taken):
            return visit.show("taken.html", ticket=done.ticket, back="/factors")
        visit.notice("factors.totp.done", name=name)
        return visit.go("/factors")

    def _show_totp(
        self, visit: Visit, account: Account, sealed: bytes, wrong: Wrong | None = None
    ) -> Response:
        new = self._factors.opened_totp(account.id, sealed, account.login)
        picture = segno.make(new.uri, error="m").svg_data_uri(scale=4, border=4, dark="#000", light="#fff")
        groups = [new.text[at : at + 4] for at in range(0, len(new.text), 4)]
        return visit.show(
            "totp_new.html",
            picture=picture,
            groups=groups,
            sealed=visit.seal(TOTP, sealed),
            wrong=wrong,
        )

    async def _add(
        self, visit: Visit, account: Account, kind: FactorKind, name: str, secret: bytes
    ) -> Done[SecondFactor] | Taken:
        request = FactorAdd(account=account.id, kind=kind, name=name, secret=secret, by=self._desk.by(visit))
        return await self._desk.ask(request, SecondFactor)

    # Recovery codes

    async def recovery(self, visit: Visit) -> Response:
        """Makes ten and shows them, once."""
        account = self._desk.own(visit)
        if visit.method != "POST":
            return visit.go("/factors")
        new = self._factors.new_recovery()
        name = visit.say("factors.kind.recovery")
        done = await self._add(visit, account, FactorKind.RECOVERY, name, new.secret)
        return visit.show(
            "recovery_codes.html",
            account=account,
            codes=new.codes,
            at=self._desk.world.clock.now(),
            ticket=done.ticket if isinstance(done, Taken) else "",
        )

    # Passkeys

    async def passkey(self, visit: Visit) -> Response:
        """The one page with a script: the browser speaks to the device in no other way."""
        account = self._desk.own(visit)
        if visit.method != "POST":
            return self._show_passkey(visit, account)
        name = visit.form.get("name")[:NAME_CHARACTERS] or visit.say("factors.passkey.default")
        challenge = visit.open(PASSKEY, visit.form.get("state")) or b""
        try:
            secret = self._passkeys.made(visit.form.exact("answer"), challenge)
        except Refused:
            return self._show_passkey(visit, account, Wrong("factors.passkey.refused"))
        done = await self._add(visit, account, FactorKind.PASSKEY, name, secret)
        if isinstance(done, Taken):
            return visit.show("taken.html", ticket=done.ticket, back="/factors")
        visit.notice("factors.passkey.done", name=name)
        return visit.go("/factors")

    def _show_passkey(self, visit: Visit, account: Account, wrong: Wrong | None = None) -> Response:
        asked = self._passkeys.new(account)
        key = PasskeyForm(asked.options, visit.seal(PASSKEY, asked.challenge))
        return visit.show("passkey_new.html", key=key, wrong=wrong)

    # Removing, and the only way in

    async def remove(self, visit: Visit) -> Response:
        account, wanted = self._desk.own(visit), visit.form.get("id")
        factors = self._of(account)
        found = [factor for factor in factors if str(factor.id) == wanted]
        if visit.method != "POST" or not found:
            return visit.go("/factors")
        rest = [factor for factor in factors if factor is not found[0]]
        if account.passkey_only and not ways_back(rest):
            raise Refused(Reason.NOT_ALLOWED, visit.say("factors.last"))
        request = FactorRemove(account=account.id, id=found[0].id, by=self._desk.by(visit))
        done = await self._desk.ask(request, type(None))
        if isinstance(done, Taken):
            return visit.show("taken.html", ticket=done.ticket, back="/factors")
        visit.notice("factors.removed", name=found[0].name)
        return visit.go("/factors")

    async def only(self, visit: Visit) -> Response:
        """PASSWORD-8: nobody locks himself out: it takes two ways back in."""
        account = self._desk.own(visit)
        if visit.method != "POST":
            return visit.go("/factors")
        on = visit.form.get("on") == "yes"
        if on and not ways_back(self._of(account)):
            raise Refused(Reason.NOT_ALLOWED, visit.say("factors.only.needs"))
        request = AccountSet(account=account.id, passkey_only=on, by=self._desk.by(visit))
        done = await self._desk.ask(request, Account)
        if isinstance(done, Taken):
            return visit.show("taken.html", ticket=done.ticket, back="/factors")
        visit.notice("factors.only.done" if on else "factors.only.undone")
        return visit.go("/factors")


def ways_back(factors: list[SecondFactor]) -> bool:
    """Whether a lost device would still leave a way in without the password."""
    passkeys = sum(factor.kind is FactorKind.PASSKEY for factor in factors)
    codes = any(factor.kind is FactorKind.RECOVERY and factor.left for factor in factors)
    return passkeys >= 2 or (passkeys == 1 and codes)


def _opened(visit: Visit) -> bytes:
    sealed = visit.open(TOTP, visit.form.get("sealed"))
    if sealed is None:
        raise Refused(Reason.NOT_ALLOWED, visit.say("factors.totp.over"))
    return sealed
