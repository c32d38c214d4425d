"""Pages on tenants and how their pages look, on grants, and on one's own keys for programs."""

from __future__ import annotations

import base64
from typing import Any

from starlette.responses import Response

from holdfast.functions.admin import shapes as s
from holdfast.functions.admin.web.accounts import ROWS
from holdfast.functions.admin.web.office import Office
from holdfast.functions.admin.web.showing import Act, Cell, Said, Table, way
from holdfast.model.errors import Refused
from holdfast.model.people import Brand, Tenant
from holdfast.pages import Visit, Wrong, colour

_PICTURES = {b"\x89PNG": "png", b"RIFF": "webp"}


class RightsPages:
    def __init__(self, office: Office) -> None:
        self._office = office
        office.page("/tenants", self.tenants)
        office.page("/tenants/{tenant:int}", self.tenant)
        office.page("/tenants/{tenant:int}/brand", self.brand, files=True)
        office.page("/grants", self.grants)
        office.page("/tokens", self.tokens)

    async def tenants(self, visit: Visit) -> Response:
        said, office = Said(visit), self._office
        page = await office.ask(visit, "tenant_list", cursor=visit.query.get("cursor", ""), limit=ROWS)
        rows = [
            [Cell(each.name, f"/tenants/{each.id}"), Cell(each.brand.title), said.limit(each.accounts_most)]
            for each in page.items
        ]
        more = way("/tenants", cursor=page.next) if page.next else ""
        acts = office.acts(visit, "/tenants", ("tenant_add", {}))
        columns = said.columns("name title accounts_most")
        table = Table(said("nav.tenants"), columns, rows, said("word.none"), more, acts)
        return office.listed(visit, table, lead=said("tenants.lead"))

    async def tenant(self, visit: Visit) -> Response:
        said, office, number = Said(visit), self._office, int(visit.parts["tenant"])
        tenant: Tenant = await office.ask(visit, "tenant_show", tenant=number)
        brand = tenant.brand
        fields: dict[str, object] = {"tenant": number}
        facts = said.facts(
            number=Cell(str(tenant.id)),
            title=said.items([brand.title] if brand.title else []),
            colour=said.items([brand.colour] if brand.colour else []),
            logo=said.truth(bool(brand.logo)),
            support_url=said.items([brand.support_url] if brand.support_url else []),
            support_phone=said.items([brand.support_phone] if brand.support_phone else []),
            accounts_most=said.limit(tenant.accounts_most),
            made_at=said.moment(tenant.made_at),
        )
        back = f"/tenants/{number}"
        acts = office.acts(
            visit, back, ("tenant_set", fields), ("tenant_limits", fields), ("domain_add", fields),
            ("customer_add", fields),
        )  # fmt: skip
        if office.may(visit, "tenant_set", **fields):
            acts.insert(1, Act(said("brand.change"), f"{back}/brand"))
        domains = await office.ask(visit, "domain_list", limit=1000)
        rows = [[Cell(each.name, f"/domains/{each.name}")] for each in domains.items if each.tenant == number]
        table = Table(said("nav.domains"), said.columns("domain"), rows, said("word.none"))
        return office.thing(visit, tenant.name, facts=facts, acts=acts, tables=[table])

    async def brand(self, visit: Visit) -> Response:
        """Title, colour and logo, with the page itself as the preview."""
        number = int(visit.parts["tenant"])
        tenant: Tenant = await self._office.ask(visit, "tenant_show", tenant=number)
        self._office.check(visit, "tenant_set", tenant=number)
        if visit.method != "POST":
            return self._brand_form(visit, tenant, tenant.brand)
        try:
            brand = _read(visit, tenant.brand)
        except Wrong as wrong:
            return self._brand_form(visit, tenant, tenant.brand, wrong=wrong)
        if visit.form.get("do") != "save":
            return self._brand_form(visit, tenant, brand, previewed=True)
        try:
            asked = s.TenantSet(tenant=number, brand=brand)
            await self._office.carry_out(visit, "tenant_set", asked, once=visit.form.get("once"))
        except Refused as refused:
            said = Wrong("brand.refused", "", detail=refused.text)
            return self._brand_form(visit, tenant, brand, wrong=said)
        visit.notice("do.done", what=visit.say("brand.change"))
        return visit.go(f"/tenants/{number}")

    def _brand_form(
        self,
        visit: Visit,
        tenant: Tenant,
        brand: Brand,
        *,
        previewed: bool = False,
        wrong: Wrong | None = None,
    ) -> Response:
        light = colour.readable(brand.colour)
        values: dict[str, Any] = {}
        if previewed:
            sheet = "" if light == colour.OURS else f"/static/brand.{light[1:]}.css"
            values = {"brand": brand, "brand_sheet": sheet, "logo": brand.logo}
        return self._office.show(
            visit,
            "brand.html",
            tenant=tenant,
            look=brand,
            previewed=previewed,
            unreadable=bool(brand.colour) and light != brand.colour.lower(),
            once=visit.world.entropy.token(),
            wrong=wrong,
            **values,
        )

    async def grants(self, visit: Visit) -> Response:
        said, office = Said(visit), self._office
        found = await office.ask(visit, "grant_list")
        rows = []
        for each in found.items:
            account = office.desk.people.account(each.account)
            login = account.login if account is not None else str(each.account)
            fields: dict[str, object] = {"account": str(each.account), "role": str(each.role)}
            fields |= {"domain": each.domain} if each.domain else {}
            fields |= {"tenant": each.tenant} if each.tenant else {}
            act = office.act(visit, "grant_remove", "/grants", fields, f"{login} {each.role}")
            where = each.domain or (
                office.desk.people.tenant(each.tenant).name if each.tenant else said("word.everywhere")
            )
            rows.append([Cell(login, f"/accounts/{each.account}"), Cell(said("option." + each.role)),
                         Cell(where), Cell("", acts=(act,))])  # fmt: skip
        columns = said.columns("account role where acts")
        acts = [office.act(visit, "grant_add", "/grants", {})]
        table = Table(said("nav.grants"), columns, rows, said("word.none"), acts=acts)
        return office.listed(visit, table, lead=said("grants.lead"))

    async def tokens(self, visit: Visit) -> Response:
        said, office = Said(visit), self._office
        page = await office.ask(visit, "token_list")
        rows = [
            [Cell(each.name), Cell(said("option." + each.role)), said.items(each.networks, "word.everywhere"),
             said.moment(each.expires_at),
             Cell("", acts=(office.act(visit, "token_remove", "/tokens", {"token": each.id}, each.name),))]
            for each in page.items
        ]  # fmt: skip
        columns = said.columns("name role networks expires_at acts")
        acts = [office.act(visit, "token_add", "/tokens", {})]
        table = Table(said("nav.tokens"), columns, rows, said("word.none"), acts=acts)
        return office.listed(visit, table, lead=said("tokens.lead"))


def _read(visit: Visit, before: Brand) -> Brand:
    """Raises ``Wrong`` for a colour that is none, or a file that is no picture."""
    form = visit.form
    shade = form.get("colour").lower()
    if shade and (
        len(shade) != 7 or shade[0] != "#" or any(each not in "0123456789abcdef" for each in shade[1:])
    ):
        raise Wrong("brand.colour_wrong", "colour")
    logo = form.get("kept") or before.logo
    if form.get("no_logo") == "yes":
        logo = ""
    if content := form.file("logo"):
        kind = next((kind for start, kind in _PICTURES.items() if content.startswith(start)), "")
        if not kind and b"<svg" in content[:1000]:
            kind = "svg+xml"
        if not kind:
            raise Wrong("brand.logo_wrong", "logo")
        logo = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    return Brand(form.get("title"), shade, logo, form.get("support_url"), form.get("support_phone"))
