"""Pages on domains: their settings, the DNS, aliases, invitations; names nobody may sign up with."""

from __future__ import annotations

from starlette.responses import Response

from holdfast.flow.records import Status
from holdfast.functions.admin.web.accounts import ROWS
from holdfast.functions.admin.web.customers import CustomerPages
from holdfast.functions.admin.web.office import Office
from holdfast.functions.admin.web.showing import Act, Cell, Said, Table, named, way
from holdfast.model.people import Domain
from holdfast.pages import Visit

_TONES = {Status.OK: "good", Status.MISSING: "bad", Status.OTHER: "warn", Status.UNKNOWN: "warn"}


class DomainPages:
    def __init__(self, office: Office, customers: CustomerPages) -> None:
        self._office = office
        self._customers = customers
        office.page("/domains", self.domains)
        office.page("/domains/{domain}", self.domain)
        office.page("/domains/{domain}/dns", self.dns)
        office.page("/address", self.address)
        office.page("/reserved", self.reserved)

    async def domains(self, visit: Visit) -> Response:
        said, office = Said(visit), self._office
        page = await office.ask(visit, "domain_list", cursor=visit.query.get("cursor", ""), limit=ROWS)
        rows = [
            [Cell(each.name, f"/domains/{named(each.name)}"), self._customers.tenant(visit, each.tenant),
             _state(said, each)]
            for each in page.items
        ]  # fmt: skip
        more = way("/domains", cursor=page.next) if page.next else ""
        acts = office.acts(visit, "/domains", ("domain_add", {}))
        columns = said.columns("domain tenant state")
        return office.listed(visit, Table(said("nav.domains"), columns, rows, said("word.none"), more, acts))

    async def domain(self, visit: Visit) -> Response:
        said, office = Said(visit), self._office
        domain: Domain = await office.ask(visit, "domain_show", domain=visit.parts["domain"])
        facts = said.facts(
            state=_state(said, domain),
            tenant=self._customers.tenant(visit, domain.tenant),
            separator=said.items([domain.separator] if domain.separator else []),
            catch_all=said.items(domain.catch_all),
            quota_bytes=said.size(domain.quota_bytes),
            daily_recipients=said.limit(domain.daily_recipients),
            accounts_most=said.limit(domain.accounts_most),
            made_at=said.moment(domain.made_at),
        )  # fmt: skip
        tables = [await self._aliases(visit, domain.name), await self._invitations(visit, domain.name)]
        return office.thing(visit, domain.name, facts=facts, acts=self._acts(visit, domain), tables=tables)

    def _acts(self, visit: Visit, domain: Domain) -> list[Act]:
        what: dict[str, object] = {"domain": domain.name}
        back = f"/domains/{named(domain.name)}"
        wanted = [("domain_set", what), ("domain_limits", what), ("invitation_add", what)]
        wanted.append(("domain_restore" if domain.removed_at else "domain_remove", what))
        known = [
            Act(visit.say("domain.dns"), f"{back}/dns"),
            Act(visit.say("domain.accounts"), way("/accounts", domain=domain.name)),
            Act(visit.say("nav.reserved"), way("/reserved", domain=domain.name)),
        ]
        acts = self._office.acts(visit, back, *wanted)
        if self._office.may(visit, "alias_set", address=f"any@{domain.name}"):
            acts.append(self._office.act(visit, "alias_set", back, {}))
        return known + acts

    async def _aliases(self, visit: Visit, domain: str) -> Table:
        said, office, back = Said(visit), self._office, f"/domains/{named(domain)}"
        cursor = visit.query.get("cursor", "")
        page = await office.ask(visit, "alias_list", domain=domain, cursor=cursor, limit=ROWS)
        rows = []
        for each in page.items:
            what: dict[str, object] = {"address": each.address}
            acts: tuple[Act, ...] = ()
            if office.may(visit, "alias_set", **what):
                acts = (
                    office.act(visit, "alias_set", back, {**what, "replace": "yes"}, each.address),
                    office.act(visit, "alias_remove", back, what, each.address),
                )
            rows.append([Cell(each.address), said.items(each.targets), Cell("", acts=acts)])
        more = way(back, cursor=page.next) if page.next else ""
        columns = said.columns("address targets acts")
        return Table(said("domain.aliases"), columns, rows, said("word.none"), more)

    async def _invitations(self, visit: Visit, domain: str) -> Table:
        said, office, back = Said(visit), self._office, f"/domains/{named(domain)}"
        page = await office.ask(visit, "invitation_list", domain=domain)
        rows = []
        for each in page.items:
            what: dict[str, object] = {"domain": domain, "invitation": each.id}
            may = office.may(visit, "invitation_remove", **what)
            about = each.note or str(each.id)
            acts = (office.act(visit, "invitation_remove", back, what, about),) if may else ()
            used = said("invitation.used", used=each.used, uses=each.uses)
            rows.append([Cell(about), Cell(used), said.moment(each.expires_at), Cell("", acts=acts)])
        columns = said.columns("note uses expires_at acts")
        return Table(said("domain.invitations"), columns, rows, said("word.none"))

    async def dns(self, visit: Visit) -> Response:
        """The records that it needs, and what the real DNS says of them now."""
        said = Said(visit)
        domain: Domain = await self._office.ask(visit, "domain_show", domain=visit.parts["domain"])
        report = await self._office.around.records(domain.name)
        rows = [
            [
                Cell(said("dns." + each.status), tone=_TONES[each.status]),
                Cell(
                    f"{each.wanted.name} {each.wanted.kind}",
                    more=(
                        said("dns.wanted", value=each.wanted.value or said("word.unknown")),
                        *(said("dns.found", value=value) for value in each.found),
                    ),
                ),
                Cell(said("dns.need." + each.wanted.need), more=(each.text,) if each.text else ()),
            ]
            for each in report.findings
        ]
        columns = said.columns("state record repair")
        title = said("dns.title", domain=domain.name)
        table = Table(
            title, columns, rows, "", acts=(Act(said("form.back"), f"/domains/{named(domain.name)}"),)
        )
        return self._office.listed(visit, table, lead=said(f"dns.worst.{report.worst}"))

    async def address(self, visit: Visit) -> Response:
        """What an address is: the first question of who asks for help."""
        said, address = Said(visit), visit.query.get("address", "").strip()
        if "@" not in address:
            return visit.go(way("/accounts", q=address))
        found = await self._office.ask(visit, "address_show", address=address)
        facts = said.facts(
            kind=Cell(said("address." + found.kind)),
            account=Cell(str(found.account), f"/accounts/{found.account}")
            if found.account
            else said.items(()),
            targets=said.items(found.targets),
            reserved=said.truth(found.reserved),
        )
        return self._office.thing(visit, address, facts=facts)

    async def reserved(self, visit: Visit) -> Response:
        said, office = Said(visit), self._office
        domain = visit.query.get("domain", "")
        back = way("/reserved", domain=domain)
        page = await office.ask(visit, "reserved_list", domain=domain)
        where: dict[str, object] = {"domain": domain} if domain else {}
        may = office.may(visit, "reserved_free", **where)
        rows = [
            [Cell(each), Cell("", acts=(self._freeing(visit, back, each, where),) if may else ())]
            for each in page.items
        ]
        acts = office.acts(visit, back, ("reserved_add", where))
        lead = said("reserved.lead_domain", domain=domain) if domain else said("reserved.lead")
        table = Table(said("nav.reserved"), said.columns("name acts"), rows, said("word.none"), acts=acts)
        return office.listed(visit, table, lead=lead)

    def _freeing(self, visit: Visit, back: str, name: str, where: dict[str, object]) -> Act:
        return self._office.act(visit, "reserved_free", back, {"name": name, **where}, name)


def _state(said: Said, domain: Domain) -> Cell:
    if domain.removed_at:
        return Cell(said("state.removed"), tone="bad")
    return Cell(said("state.active"), tone="good")
