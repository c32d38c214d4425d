"""How a customer is reached when mail is what fails: changed by a code, and the old contact is told.

PASSWORD-7: a phone or an address counts only once a code that went there came back, and only the customer's
first account may change it: who holds the contacts can set every password of the customer.
"""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from holdfast.directory.deferred import Done, Taken
from holdfast.directory.requests import ContactSet
from holdfast.functions.password.desk import Desk
from holdfast.model.address import parse_address
from holdfast.model.errors import Reason, Refused
from holdfast.model.people import Account, Contact, CustomerId
from holdfast.pages import Visit, Wrong
from holdfast.pages.texts import LANGUAGES
from holdfast.partners.sms import parse_phone, shown_phone
from holdfast.portal.proofs import Phone, Proof, SecondAddress

PURPOSE = "contact"
KINDS = ("phone", "address")


class Contacts:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        # What was taken durably and isn't in the ledger yet: a contact is set as a whole, and the next
        # change must not undo the one before.
        self._taken: dict[CustomerId, tuple[Contact, Contact]] = {}
        desk.page("/contacts", self.manage)
        desk.page("/contacts/{kind}", self.change, fresh=True)
        desk.page("/contacts/{kind}/code", self.code, fresh=True)
        desk.page("/contacts/{kind}/remove", self.remove, fresh=True)

    def _contact(self, account: Account) -> Contact:
        known = self._desk.contact(account)
        taken = self._taken.get(account.customer)
        if taken is not None and taken[0] == known:
            return taken[1]
        self._taken.pop(account.customer, None)
        return known

    async def manage(self, visit: Visit) -> Response:
        """Shows them; a POST sets the language and the consent."""
        desk, account = self._desk, self._desk.own(visit)
        contact = self._contact(account)
        if visit.method == "POST":
            self._check_first(account)
            language = visit.form.get("language")
            wants = "consent" in visit.form
            consent_at = (contact.consent_at or desk.world.clock.now()) if wants else 0.0
            changed = msgspec.structs.replace(
                contact,
                language=language if language in LANGUAGES else contact.language,
                consent_at=consent_at,
            )
            return await self._set(visit, account, changed)
        return visit.show(
            "contacts.html",
            contact=contact,
            first=desk.first(account),
            may=desk.is_first(account),
            shortened=shown_phone,
        )

    async def change(self, visit: Visit) -> Response:
        """Asks for the new phone or address and sends a code there."""
        desk, kind = self._desk, _kind(visit)
        account = self._check_first(desk.own(visit))
        wrong = None
        if visit.method == "POST":
            try:
                to = self._read(visit.form.get(kind), kind)
                token = await desk.proofs.begin(
                    PURPOSE, to, language=visit.language, subject=str(account.customer)
                )
                return await self._show_code(visit, kind, token, to[0])
            except Wrong as found:
                wrong = found
        return visit.show("contact.html", kind=kind, offered=desk.proofs.offers(kind), wrong=wrong)

    def _read(self, text: str, kind: str) -> Phone | SecondAddress:
        """Raises ``Wrong``."""
        try:
            if kind == "phone":
                return Phone(parse_phone(text, self._desk.settings.country))
            address = parse_address(text)
        except Refused as refused:
            wrong = "contacts.bad_phone" if kind == "phone" else "contacts.bad_address"
            raise Wrong(wrong, kind) from refused
        if self._desk.people.is_local_domain(address.domain):
            raise Wrong("contacts.ours", kind)
        return SecondAddress(str(address))

    async def _show_code(
        self, visit: Visit, kind: str, token: str, to: str, wrong: Wrong | None = None
    ) -> Response:
        lasting = await self._desk.proofs.lasting(token)
        return visit.show("contact_code.html", kind=kind, token=token, to=to, lasting=lasting, wrong=wrong)

    async def code(self, visit: Visit) -> Response:
        desk, kind, token = self._desk, _kind(visit), visit.form.get("token")
        account = self._check_first(desk.own(visit))
        to = visit.form.get("to")
        if visit.method != "POST":
            return visit.go(f"/contacts/{kind}")
        try:
            if "again" in visit.form:
                await desk.proofs.again(token)
                return await self._show_code(visit, kind, token, to)
            await desk.proofs.check(token, visit.form.get("code"))
            proof = await desk.proofs.spend(token, PURPOSE)
        except Refused as refused:
            if refused.reason is Reason.BAD_CREDENTIALS:
                return await self._show_code(visit, kind, token, to, Wrong("contacts.code.wrong", "code"))
            if refused.reason is Reason.LIMIT and "again" in visit.form:
                return await self._show_code(visit, kind, token, to, Wrong("contacts.code.soon"))
            wrong = Wrong("contacts.over")
            return visit.show("contact.html", kind=kind, offered=desk.proofs.offers(kind), wrong=wrong)
        if proof.subject != str(account.customer):
            raise Refused(Reason.NOT_ALLOWED, "this code was for another customer")
        return await self._proven(visit, account, proof)

    async def _proven(self, visit: Visit, account: Account, proof: Proof) -> Response:
        now, contact = self._desk.world.clock.now(), self._contact(account)
        if isinstance(proof.to, Phone):
            changed = msgspec.structs.replace(contact, phone=proof.to.number, phone_proven_at=now)
        else:
            assert proof.to is not None
            changed = msgspec.structs.replace(contact, address=proof.to.address, address_proven_at=now)
        return await self._set(visit, account, changed)

    async def remove(self, visit: Visit) -> Response:
        kind, account = _kind(visit), self._check_first(self._desk.own(visit))
        if visit.method != "POST":
            return visit.go("/contacts")
        contact = self._contact(account)
        if kind == "phone":
            changed = msgspec.structs.replace(contact, phone="", phone_proven_at=0.0)
        else:
            changed = msgspec.structs.replace(contact, address="", address_proven_at=0.0)
        return await self._set(visit, account, changed)

    async def _set(self, visit: Visit, account: Account, changed: Contact) -> Response:
        desk, before = self._desk, self._contact(account)
        changed = msgspec.structs.replace(changed, customer=account.customer)
        done: Done[Contact] | Taken = await desk.ask(ContactSet(contact=changed, by=desk.by(visit)), Contact)
        self._tell(account, before, changed)
        if isinstance(done, Taken):
            self._taken[account.customer] = (desk.contact(account), changed)
            return visit.show("taken.html", ticket=done.ticket, back="/contacts")
        visit.notice("contacts.saved")
        return visit.go("/contacts")

    def _tell(self, account: Account, before: Contact, after: Contact) -> None:
        """Who had the account's phone or address hears it at once: it may not have been its owner."""
        say, language = self._desk.site.texts.say, before.language
        subject = say(language, "contacts.told.subject", address=account.login)
        olds: list[tuple[Phone | SecondAddress, bool]] = []
        if before.phone_proven_at and before.phone != after.phone:
            olds.append((Phone(before.phone), bool(after.phone)))
        if before.address_proven_at and before.address != after.address:
            olds.append((SecondAddress(before.address), bool(after.address)))
        for to, other in olds:
            key = "contacts.told" if other else "contacts.told.removed"
            self._desk.letters.tell(to, subject, say(language, key, address=account.login), language)

    def _check_first(self, account: Account) -> Account:
        if not self._desk.is_first(account):
            first = self._desk.first(account).login
            raise Refused(Reason.NOT_ALLOWED, f"sign in as {first} to change the customer's contacts")
        return account


def _kind(visit: Visit) -> str:
    kind = visit.parts["kind"]
    if kind not in KINDS:
        raise Refused(Reason.NO_SUCH_USER, "there is no such page")
    return kind
