"""A forgotten password: a code by phone or second address, then a new one.

PASSWORD-5: every answer is the same, and takes as long, whether or not somebody has the name.
"""

from __future__ import annotations

from starlette.responses import Response

from holdfast.directory.deferred import Taken
from holdfast.functions.password.changing import new_password, set_password
from holdfast.functions.password.desk import Desk
from holdfast.functions.password.events import PASSWORD_FORGOTTEN
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import ADDRESS_BYTES, FORGOTTEN_BURST, FORGOTTEN_EVERY_S, PASSWORD_LEAST
from holdfast.model.networks import network_of
from holdfast.model.people import Account, AccountState
from holdfast.pages import Visit, Wrong
from holdfast.pages.pace import Pace
from holdfast.portal.proofs import Phone, Proof, SecondAddress

PURPOSE = "forgotten"
CHANNELS = ("phone", "address")


class Forgotten:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._pace = Pace(desk.world, burst=FORGOTTEN_BURST, every_s=FORGOTTEN_EVERY_S)
        desk.site.page("/forgotten")(self.ask)
        desk.site.page("/forgotten/code", methods=("POST",))(self.code)
        desk.site.page("/forgotten/again", methods=("POST",))(self.again)
        desk.site.page("/forgotten/new", methods=("POST",))(self.set_new)

    async def ask(self, visit: Visit) -> Response:
        if visit.method != "POST":
            return visit.show("forgotten.html", name=visit.query.get("name", ""), by=CHANNELS[0])
        name, by = visit.form.get("name")[:ADDRESS_BYTES], visit.form.get("by")
        if not name or by not in CHANNELS:
            wrong = Wrong("forgotten.name.none", "name")
            return visit.show("forgotten.html", name=name, by=CHANNELS[0], wrong=wrong)
        self._pace.take(network_of(visit.peer))
        to, account = self._contact(name, by)
        language = self._desk.contact(account).language if account is not None else visit.language
        token = await self._desk.proofs.begin(
            PURPOSE, to, language=language, subject=str(account.id if account else 0), discreet=True
        )
        self._desk.world.journal.emit(PASSWORD_FORGOTTEN, channel=by, peer=visit.peer)
        return await self._show_code(visit, token, name)

    def _contact(self, name: str, by: str) -> tuple[Phone | SecondAddress | None, Account | None]:
        """Only what was proven, only of who may sign in, only of passwords kept here."""
        desk = self._desk
        try:
            account = desk.people.by_login(name)
        except (Refused, Unavailable):
            account = None  # the page says that we are in doubt, whatever name it was
        if account is None or account.state is not AccountState.ACTIVE:
            return None, None
        if desk.sign_in.kept_outside(account):
            return None, None
        contact = desk.contact(account)
        if by == "phone" and contact.phone and contact.phone_proven_at:
            return Phone(contact.phone), account
        if by == "address" and contact.address and contact.address_proven_at:
            return SecondAddress(contact.address), account
        return None, None

    async def _show_code(self, visit: Visit, token: str, name: str, wrong: Wrong | None = None) -> Response:
        lasting = await self._desk.proofs.lasting(token)
        return visit.show(
            "forgotten_code.html",
            token=token,
            name=name,
            lasting=lasting,
            doubt=bool(self._desk.people.doubt),
            wrong=wrong,
        )

    async def again(self, visit: Visit) -> Response:
        token, name = visit.form.get("token"), visit.form.get("name")
        try:
            await self._desk.proofs.again(token)
        except Refused as refused:
            if refused.reason is Reason.NOT_ALLOWED:
                return self._over(visit, name)
            return await self._show_code(visit, token, name, Wrong("forgotten.code.soon"))
        return await self._show_code(visit, token, name)

    async def code(self, visit: Visit) -> Response:
        token, name = visit.form.get("token"), visit.form.get("name")
        try:
            proof = await self._desk.proofs.check(token, visit.form.get("code"))
            account = self._account(proof)
        except Refused as refused:
            if refused.reason is Reason.BAD_CREDENTIALS:
                return await self._show_code(visit, token, name, Wrong("forgotten.code.wrong", "code"))
            return self._over(visit, name)
        return self._show_new(visit, token, account)

    def _account(self, proof: Proof) -> Account:
        account = self._desk.people.account(int(proof.subject))
        if account is None or proof.purpose != PURPOSE:
            raise Refused(Reason.NOT_ALLOWED, "this proof is for something else")
        return account

    def _over(self, visit: Visit, name: str) -> Response:
        return visit.show("forgotten.html", name=name, by=CHANNELS[0], wrong=Wrong("forgotten.over"))

    def _show_new(self, visit: Visit, token: str, account: Account, wrong: Wrong | None = None) -> Response:
        return visit.show(
            "forgotten_new.html", token=token, account=account, least=PASSWORD_LEAST, wrong=wrong
        )

    async def set_new(self, visit: Visit) -> Response:
        desk, token = self._desk, visit.form.get("token")
        proof = await desk.proofs.proven(token, PURPOSE)
        if proof is None:
            return self._over(visit, "")
        account = self._account(proof)
        try:
            new = new_password(visit, desk, account)
        except Wrong as wrong:
            return self._show_new(visit, token, account, wrong)
        await desk.proofs.spend(token, PURPOSE)
        by = f"account:{account.id}"
        done = await set_password(desk, account, new, by=by, how="code", sign_out=True)
        return visit.show(
            "changed.html",
            account=account,
            ticket=done.ticket if isinstance(done, Taken) else "",
            signed_out=True,
            forgotten=True,
        )
