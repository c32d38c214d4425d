"""The pages on which somebody makes an account: name, entry, details, proof, summary, and what became of it.

Each page asks for one thing and can be gone back to; nothing is made before the last button. What a page
needs and can't reach, it says, and what that means for who is waiting.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from starlette.responses import Response

from holdfast.directory.digests import secret_digest
from holdfast.directory.people import People
from holdfast.functions.signup import drafts
from holdfast.functions.signup.choosing import Choosing, Rules
from holdfast.functions.signup.contract import Contracts
from holdfast.functions.signup.details import Details
from holdfast.functions.signup.drafts import Draft
from holdfast.functions.signup.events import SIGNUP_LIMITED, SIGNUP_STEP, SIGNUP_TURNED_AWAY
from holdfast.functions.signup.signups import SignUps, Standing
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import (
    CANARY_SIGNUPS_DAY,
    SIGNUP_CODE_EVERY_S,
    SIGNUP_CODES,
    SIGNUP_LOOK_EVERY_S,
    SIGNUP_LOOKS,
)
from holdfast.model.networks import network_of
from holdfast.pages import Pace, Site, Visit, Wrong
from holdfast.partners.sms import shown_phone
from holdfast.portal.proofs import Phone, Proofs, SecondAddress, Sending, To

PURPOSE = "signup"
_TICKET_LETTERS = 26
_CANARIES = "canaries"  # where accounts of our canary are counted: no network of anybody


class Hints(NamedTuple):
    """Where who has a new account goes from here; '' for nowhere."""

    host: str
    account_url: str = ""
    setup_url: str = ""


class Pages:
    """Mounts itself on ``site``."""

    def __init__(
        self,
        site: Site,
        people: People,
        proofs: Proofs,
        signups: SignUps,
        contracts: Contracts | None,
        details: Details,
        rules: Rules,
        hints: Hints,
    ) -> None:
        self._world = site.world
        self._site = site
        self._people = people
        self._proofs = proofs
        self._signups = signups
        self._contracts = contracts
        self._details = details
        self._rules = rules
        self._choosing = Choosing(site.world, people, signups, rules)
        self._hints = hints
        self._looks = Pace(site.world, burst=SIGNUP_LOOKS, every_s=SIGNUP_LOOK_EVERY_S)
        self._codes = Pace(site.world, burst=SIGNUP_CODES, every_s=SIGNUP_CODE_EVERY_S)
        site.page("/")(self._name_page)
        site.page("/entry")(self._entry_page)
        site.page("/details")(self._details_page)
        site.page("/proof")(self._proof_page)
        site.page("/summary")(self._summary_page)
        site.page("/request/{ticket}", methods=("GET",))(self._request_page)

    # A name

    async def _name_page(self, visit: Visit) -> Response:
        domains = self._choosing.domains()
        if not domains:
            return visit.show("closed.html")
        draft = drafts.read(visit)
        wrong, ideas = None, []
        if visit.method == "POST":
            try:
                return await self._take_name(visit, domains, draft)
            except Wrong as error:
                wrong = self._turned_away(visit, "name", error)
                if wrong.key in ("name.taken", "name.reserved", "name.held"):
                    ideas = await self._choosing.ideas(visit, domains)
        name, _, domain = draft.address.partition("@") if draft else ("", "", domains[0])
        if visit.method == "POST":
            name, domain = visit.form.get("name"), visit.form.get("domain")
        return visit.show(
            "name.html",
            wrong=wrong,
            ideas=ideas,
            name=name,
            domain=domain,
            domains=[(each, "@" + each) for each in domains],
            shown_at=self._choosing.shown_at(visit),
        )

    async def _take_name(self, visit: Visit, domains: list[str], draft: Draft | None) -> Response:
        self._use(self._looks, visit, "looks", "name.pace")
        if visit.form.get("website"):
            self._world.journal.emit(SIGNUP_LIMITED, limit="robot", peer=visit.peer)
            raise Wrong("name.robot", "website")
        if not self._choosing.was_read(visit):
            raise Wrong("name.fast")
        address, canary = await self._choosing.free_address(visit, domains)
        if draft is None or draft.address != address or canary:
            ticket = self._world.entropy.token(_TICKET_LETTERS)
            old = draft or Draft("", 0.0, "")
            draft = msgspec.structs.replace(
                old,
                id=ticket,
                began_at=self._world.clock.now(),
                address=address,
                entered=False,
                customer="",
                canary=canary,
            )
        drafts.keep(visit, draft)
        self._came(visit, "name", draft)
        return visit.go(self._next(draft))

    # An invitation or a contract

    async def _entry_page(self, visit: Visit) -> Response:
        draft = drafts.read(visit)
        if draft is None or self._rule(draft) not in ("invitation", "contract"):
            return visit.go("/")
        wrong = None
        if visit.method == "POST":
            try:
                return await self._take_entry(visit, draft)
            except Wrong as error:
                wrong = self._turned_away(visit, "entry", error)
        return visit.show("entry.html", wrong=wrong, draft=draft, rule=self._rule(draft))

    async def _take_entry(self, visit: Visit, draft: Draft) -> Response:
        entry = visit.form.get("entry")
        if not entry:
            raise Wrong("entry.none", "entry")
        self._use(self._codes, visit, "codes", "entry.pace")
        draft = msgspec.structs.replace(draft, entry=entry, entered=True, customer="")
        if self._rule(draft) == "invitation":
            self._check_invitation(draft)
        else:
            draft = await self._check_contract(draft)
        drafts.keep(visit, draft)
        self._came(visit, "entry", draft)
        return visit.go(self._next(draft))

    def _check_invitation(self, draft: Draft) -> None:
        found = self._people.invitation(secret_digest(draft.entry))
        if found is None or found.domain not in ("", draft.domain):
            raise Wrong("entry.unknown", "entry")
        if found.used >= found.uses:
            raise Wrong("entry.used", "entry")
        if found.expires_at and found.expires_at < self._world.clock.now():
            raise Wrong("entry.over", "entry")

    async def _check_contract(self, draft: Draft) -> Draft:
        """Out of reach: it is checked later, before the account is made (SIGNUP-1)."""
        if self._contracts is None:
            return draft
        try:
            found = await self._contracts.check(self._once(draft), draft.entry, draft.address, draft.name)
        except Refused:
            raise Wrong("entry.contract", "entry") from None
        except Unavailable:
            return draft
        return msgspec.structs.replace(
            draft,
            customer=found.customer or draft.entry,
            quota_bytes=found.quota_bytes,
            daily_recipients=found.daily_recipients,
        )

    # Password, name, contacts

    async def _details_page(self, visit: Visit) -> Response:
        draft = drafts.read(visit)
        if draft is None or self._before(draft, "/details"):
            return visit.go(self._next(draft))
        wrong = None
        if visit.method == "POST":
            try:
                draft = await self._details.take_password(visit, draft)
                drafts.keep(visit, draft)
                draft = self._details.take(visit, draft)
                if draft.contact and draft.channel and (await self._full(visit, draft)) == "contact":
                    raise Wrong("details.contact_used", self._details.field(draft.channel))
                draft = await self._begin_proof(visit, draft)
                drafts.keep(visit, draft)
                self._came(visit, "details", draft)
                return visit.go(self._next(draft))
            except Wrong as error:
                wrong = self._turned_away(visit, "details", error)
        return visit.show("details.html", 200, wrong=wrong, **self._details.shown(visit, draft))

    async def _begin_proof(self, visit: Visit, draft: Draft) -> Draft:
        """A code goes out, unless one to the same contact is on its way or came back already."""
        if not draft.channel:
            return msgspec.structs.replace(draft, proof="", proving="", proven_at=0.0)
        if draft.proving == draft.contact and (
            await self._proofs.proven(draft.proof, PURPOSE) is not None
            or await self._proofs.sending(draft.proof) in (Sending.SENT, Sending.WAITING)
        ):
            return draft
        to: To = Phone(draft.phone) if draft.channel == "phone" else SecondAddress(draft.second)
        try:
            token = await self._proofs.begin(PURPOSE, to, language=visit.language, subject=draft.contact)
        except Refused as error:
            if error.reason is Reason.LIMIT:
                raise Wrong("details.codes", self._details.field(draft.channel)) from None
            raise
        return msgspec.structs.replace(draft, proof=token, proving=draft.contact, proven_at=0.0)

    # The code

    async def _proof_page(self, visit: Visit) -> Response:
        draft = drafts.read(visit)
        if draft is None or self._before(draft, "/proof") or not draft.channel:
            return visit.go(self._next(draft))
        wrong = None
        if visit.method == "POST":
            try:
                return await self._take_code(visit, draft)
            except Wrong as error:
                wrong = self._turned_away(visit, "proof", error)
        lasting = await self._proofs.settled(draft.proof)
        contact = shown_phone(draft.phone) if draft.channel == "phone" else draft.second
        return visit.show(
            "proof.html",
            wrong=wrong,
            draft=draft,
            state=lasting.sending.value,
            lasting=lasting,
            contact=contact,
        )

    async def _take_code(self, visit: Visit, draft: Draft) -> Response:
        if "again" in visit.form:
            try:
                await self._proofs.again(draft.proof)
            except Refused as error:
                raise Wrong("proof.soon" if error.reason is Reason.LIMIT else "proof.over") from None
            visit.notice("proof.again_done")
            return visit.go("/proof")
        if not visit.form.get("code"):
            raise Wrong("proof.none", "code")
        try:
            await self._proofs.check(draft.proof, visit.form.get("code"))
        except Refused as error:
            key = {Reason.BAD_CREDENTIALS: "proof.wrong", Reason.LIMIT: "proof.tries"}.get(error.reason)
            raise Wrong(key or "proof.over", "code") from None
        draft = msgspec.structs.replace(draft, proven_at=self._world.clock.now())
        drafts.keep(visit, draft)
        self._came(visit, "proof", draft)
        return visit.go("/summary")

    # The last look

    async def _summary_page(self, visit: Visit) -> Response:
        draft = drafts.read(visit)
        if draft is None or self._before(draft, "/summary"):
            return visit.go(self._next(draft))
        wrong = None
        if visit.method == "POST":
            try:
                return await self._make(visit, draft)
            except Wrong as error:
                wrong = self._turned_away(visit, "summary", error)
        rule = self._rule(draft)
        waits = rule == "contract" and not draft.customer
        return visit.show("summary.html", wrong=wrong, draft=draft, rule=rule, waits=waits)

    async def _make(self, visit: Visit, draft: Draft) -> Response:
        """Asked twice, it is made once: the ticket is the draft's (SIGNUP-3)."""
        if await self._signups.standing(draft.id) is None:
            full = await self._full(visit, draft)
            if full:
                raise Wrong(f"summary.{full}")
            proven = draft.channel and await self._proofs.proven(draft.proof, PURPOSE)
            if draft.channel and (not proven or proven.subject != draft.contact):
                draft = msgspec.structs.replace(draft, proof="", proving="", proven_at=0.0)
                drafts.keep(visit, draft)
                visit.notice("summary.unproven", "warn")
                return visit.go("/details")
            wanted = draft.wanted(self._rule(draft), self._once(draft))
            try:
                await self._signups.submit(wanted, self._network(visit, draft), lambda: self._spend(draft))
            except Refused as error:
                if error.reason is Reason.EXISTS:
                    raise Wrong("summary.name", address=draft.address) from None
                raise
            self._came(visit, "summary", draft)
        drafts.drop(visit)
        return visit.go(f"/request/{draft.id}")

    async def _spend(self, draft: Draft) -> None:
        if draft.channel:
            await self._proofs.spend(draft.proof, PURPOSE)

    async def _full(self, visit: Visit, draft: Draft) -> str:
        """Which limit forbids another account: ``network``, ``contact`` or '' (SIGNUP-6)."""
        contact = draft.contact or draft.second or draft.phone
        of_network, of_contact = await self._signups.counts(self._network(visit, draft), contact)
        full = ""
        if of_network >= (CANARY_SIGNUPS_DAY if self._is_ours(draft) else self._rules.network_day):
            full = "network"
        elif contact and of_contact >= self._rules.contact_year:
            full = "contact"
        if full:
            self._world.journal.emit(SIGNUP_LIMITED, limit=full, peer=visit.peer)
        return full

    # What became of it

    async def _request_page(self, visit: Visit) -> Response:
        standing = await self._signups.standing(visit.parts["ticket"])
        if standing is None:
            return visit.show("unknown.html", 404)
        return visit.show("request.html", standing=standing, contact=_shown(standing), hints=self._hints)

    # inside

    def _is_ours(self, draft: Draft) -> bool:
        """SIGNUP-8: whether it is our own canary's."""
        return draft.canary > self._world.clock.now()

    def _network(self, visit: Visit, draft: Draft) -> str:
        return _CANARIES if self._is_ours(draft) else network_of(visit.peer)

    def _rule(self, draft: Draft) -> str:
        rule = self._rules.domains.get(draft.domain, "closed")
        return "open" if rule != "closed" and self._is_ours(draft) else rule

    def _once(self, draft: Draft) -> str:
        """The request's key elsewhere: made from the ticket, and nobody can make the ticket from it."""
        return self._site.seal.mark("signup once", draft.id)

    def _before(self, draft: Draft, page: str) -> bool:
        """Whether a page before this one is not filled in yet."""
        order = ["/", "/entry", "/details", "/proof", "/summary"]
        return order.index(self._next(draft)) < order.index(page)

    def _next(self, draft: Draft | None) -> str:
        """The first page that isn't filled in."""
        if draft is None or not draft.address or self._rule(draft) == "closed":
            return "/"
        if self._rule(draft) != "open" and not draft.entered:
            return "/entry"
        if not (draft.credential and draft.name):
            return "/details"
        if draft.channel and not (draft.proven_at and draft.proving == draft.contact):
            return "/proof"
        return "/summary"

    def _use(self, pace: Pace, visit: Visit, limit: str, key: str) -> None:
        if pace.use(network_of(visit.peer)):
            self._world.journal.emit(SIGNUP_LIMITED, limit=limit, peer=visit.peer)
            raise Wrong(key)

    def _came(self, visit: Visit, step: str, draft: Draft) -> None:
        self._world.journal.emit(SIGNUP_STEP, step=step, domain=draft.domain)

    def _turned_away(self, visit: Visit, step: str, wrong: Wrong) -> Wrong:
        self._world.journal.emit(SIGNUP_TURNED_AWAY, step=step, why=wrong.key, peer=visit.peer)
        return wrong


def _shown(standing: Standing) -> str:
    return shown_phone(standing.contact) if standing.channel == "phone" else standing.contact
