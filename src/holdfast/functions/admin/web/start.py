"""The first page: what there is, what is out of reach, what to see to; the search; hooks."""

from __future__ import annotations

from starlette.responses import Response

from holdfast.functions.admin.web.office import Office, Warned
from holdfast.functions.admin.web.showing import Cell, Fact, Said, Table
from holdfast.pages import Visit


class StartPages:
    def __init__(self, office: Office) -> None:
        self._office = office
        office.page("/", self.start)
        office.page("/hooks", self.hooks)

    async def start(self, visit: Visit) -> Response:
        said, office = Said(visit), self._office
        counts = await office.ask(visit, "counts") if office.may(visit, "counts") else None
        facts = []
        if counts is not None:
            names = ("active", "disabled", "removed", "domains", "customers", "aliases")
            facts = [Fact(said("counts." + each), said.number(getattr(counts, each))) for each in names]
        me = await office.ask(visit, "me")
        rights = [
            [
                self._where(visit, right.tenant, right.domain),
                said.items(said("right." + each) for each in right.permissions),
            ]
            for right in me.rights
        ]
        acts = office.acts(
            visit, "/", ("domain_add", {}), ("tenant_add", {}), ("customer_add", {}), ("announce", {})
        )
        if office.has(visit, "account_add"):
            acts.insert(0, office.act(visit, "account_add", "/", {}))
        return office.show(
            visit,
            "start.html",
            facts=facts,
            gone=[said("gone." + each) for each in office.around.gone()],
            warned=[_warning(said, each) for each in office.around.warnings()] if counts is not None else [],
            acts=acts,
            rights=Table(said("start.rights"), [said("start.where"), said("start.may")], rights, ""),
        )

    def _where(self, visit: Visit, tenant: int, domain: str) -> Cell:
        if domain:
            return Cell(domain)
        return Cell(self._office.desk.people.tenant(tenant).name if tenant else visit.say("word.everywhere"))

    async def hooks(self, visit: Visit) -> Response:
        said = Said(visit)
        found = await self._office.ask(visit, "hook_list")
        rows = [
            [
                Cell(each.name),
                Cell(each.url),
                said.items(each.events, "word.all"),
                self._hook_state(said, each.failing_since, each.behind),
                Cell(each.last_error),
            ]
            for each in found.items
        ]
        columns = said.columns("name url events state last_error")
        table = Table(said("nav.hooks"), columns, rows, said("hooks.none"))
        return self._office.listed(visit, table, lead=said("hooks.lead"))

    @staticmethod
    def _hook_state(said: Said, failing_since: float, behind: bool) -> Cell:
        if failing_since:
            return Cell(said("hooks.failing", when=said.moment(failing_since).text), tone="bad")
        return Cell(said("hooks.behind"), tone="warn") if behind else Cell(said("hooks.well"), tone="good")


def _warning(said: Said, warned: Warned) -> str:
    match warned.kind:
        case "certificate":
            days = max(0, int(warned.value // 86_400))
            return said("warned.certificate", place=warned.place, count=days)
        case "disk":
            return said(
                "warned.disk", place=warned.place, free=said.size(int(warned.value), "word.none").text
            )
    return said("warned.no_certificate", place=warned.place)
