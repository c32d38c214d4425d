"""Pages on accounts: search and list, one with all that is its own, what was removed."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from holdfast.functions.admin.web.office import Office
from holdfast.functions.admin.web.oversight import audit_rows
from holdfast.functions.admin.web.showing import Act, Cell, Fact, Said, Table, named, way
from holdfast.model.people import Account, AccountState
from holdfast.pages import Visit

ROWS = 50
LAST = 10  # entries of the audit trail on an account's page


class AccountPages:
    def __init__(self, office: Office) -> None:
        self._office = office
        office.page("/accounts", self.accounts)
        office.page("/accounts/{account}", self.account)
        office.page("/removed", self.removed)

    async def accounts(self, visit: Visit) -> Response:
        said, office, query = Said(visit), self._office, visit.query
        asked = {"q": query.get("q", ""), "domain": query.get("domain", ""), "state": query.get("state", "")}
        page = await office.ask(visit, "account_list", **asked, cursor=query.get("cursor", ""), limit=ROWS)
        acts = [office.act(visit, "account_add", "/accounts", {})] if office.has(visit, "account_add") else []
        more = way("/accounts", **asked, cursor=page.next) if page.next else ""
        table = accounts_table(said, said("nav.accounts"), page.items, more, acts)
        return office.listed(visit, table, search=[("q", asked["q"]), ("domain", asked["domain"])])

    async def account(self, visit: Visit) -> Response:
        said, office = Said(visit), self._office
        account: Account = await office.ask(visit, "account_show", account=visit.parts["account"])
        who = {"account": str(account.id)}
        tables = [
            await self._addresses(visit, account),
            await self._masked(visit, account),
            await self._factors(visit, account),
            await self._app_passwords(visit, account),
            await self._sign_ins(visit, account),
        ]
        if office.may(visit, "audit_list", **who) and office.has(visit, "audit_list"):
            page = await office.ask(visit, "audit_list", account=str(account.id), limit=LAST)
            more = way("/audit", account=account.id)
            tables.append(audit_rows(office, visit, page.items, said("account.audit"), more))
        return office.thing(
            visit,
            account.login,
            lead=account.name,
            facts=self._facts(visit, account),
            acts=self._acts(visit, account),
            tables=tables,
        )

    def _facts(self, visit: Visit, account: Account) -> list[Fact]:
        said, people = Said(visit), self._office.desk.people
        domain = account.login.rpartition("@")[2]
        return said.facts(
            number=Cell(str(account.id)),
            state=said.state(account.state),
            hold=Cell(said("account.held"), tone="warn") if account.held else said.truth(False),
            domain=Cell(domain, f"/domains/{named(domain)}"),
            customer=Cell(str(account.customer), f"/customers/{account.customer}"),
            quota_bytes=said.size(people.quota_of(account.id)),
            daily_recipients=said.limit(people.daily_recipients_of(account.id)),
            two_factor=said.truth(account.two_factor),
            main_password=Cell(said("account.password" if account.credential else "account.no_password")),
            role=Cell(said("account.owner")) if account.role else said.items(()),
            source=said.items([account.source] if account.source else [], "account.ours"),
            external_id=said.items([account.external_id] if account.external_id else []),
            made_at=said.moment(account.made_at),
            signed_out_at=said.moment(account.signed_out_at),
        )

    def _acts(self, visit: Visit, account: Account) -> list[Act]:
        who: dict[str, object] = {"account": str(account.id)}
        wanted: list[tuple[str, dict[str, object]]] = [
            ("account_set", who), ("account_limits", who), ("password_set", who), ("sign_out", who),
            ("address_add", who),
        ]  # fmt: skip
        if account.state is AccountState.REMOVED:
            wanted = [("account_restore", who)]
        back = f"/accounts/{account.id}"
        acts = self._office.acts(visit, back, *wanted)
        if self._office.may(visit, "state_set", **who) and account.state is not AccountState.REMOVED:
            active = account.state is AccountState.ACTIVE
            state = AccountState.DISABLED if active else AccountState.ACTIVE
            text = visit.say("account.disable" if active else "account.enable")
            acts.append(Act(text, way("/do/state_set", **who, state=str(state), back=back)))
            if not account.held:
                acts += self._office.acts(visit, back, ("account_remove", who))
        if self._office.may(visit, "hold_set", **who):
            text = visit.say("account.end_hold" if account.held else "account.begin_hold")
            on = "no" if account.held else "yes"
            acts.append(Act(text, way("/do/hold_set", **who, on=on, back=back)))
        return acts + self._office.acts(visit, "/accesses", ("access_add", who), ("grant_add", who))

    async def _addresses(self, visit: Visit, account: Account) -> Table:
        said, back = Said(visit), f"/accounts/{account.id}"
        page = await self._office.ask(visit, "address_list", account=str(account.id))
        rows = []
        for number, address in enumerate(page.items):
            fields: dict[str, object] = {"account": str(account.id), "address": address}
            may = number and self._office.may(visit, "address_remove", **fields)
            acts = (self._office.act(visit, "address_remove", back, fields, address),) if may else ()
            rows.append([Cell(address), Cell("", acts=acts)])
        return Table(said("account.addresses"), said.columns("address acts"), rows, said("word.none"))

    async def _masked(self, visit: Visit, account: Account) -> Table:
        said, back = Said(visit), f"/accounts/{account.id}"
        page = await self._office.ask(visit, "masked_list", account=str(account.id))
        rows = []
        for each in page.items:
            fields: dict[str, object] = {"account": str(account.id), "address": each.address}
            acts: tuple[Act, ...] = ()
            if self._office.may(visit, "masked_set", **fields):
                text = said("account.masked_off" if each.enabled else "account.masked_on")
                on = "no" if each.enabled else "yes"
                acts = (Act(text, way("/do/masked_set", **fields, enabled=on, back=back), each.address),)
            rows.append([Cell(each.address), Cell(each.label), said.truth(each.enabled),
                         said.moment(each.expires_at), Cell("", acts=acts)])  # fmt: skip
        columns = said.columns("address label enabled expires_at acts")
        return Table(said("account.masked"), columns, rows, said("word.none"))

    async def _factors(self, visit: Visit, account: Account) -> Table:
        said = Said(visit)
        page = await self._office.ask(visit, "factor_list", account=str(account.id))
        rows = [
            [Cell(said("factor." + each.kind)), Cell(each.name), said.moment(each.made_at),
             self._ending(visit, account, "factor_remove", factor=each.id)]
            for each in page.items
        ]  # fmt: skip
        columns = said.columns("factor name made_at acts")
        return Table(said("account.factors"), columns, rows, said("word.none"))

    async def _app_passwords(self, visit: Visit, account: Account) -> Table:
        said = Said(visit)
        page = await self._office.ask(visit, "app_password_list", account=str(account.id))
        rows = [
            [Cell(each.name), said.items(each.functions, "word.all"), said.moment(each.expires_at),
             self._ending(visit, account, "app_password_remove", app_password=each.id)]
            for each in page.items
        ]  # fmt: skip
        columns = said.columns("name functions expires_at acts")
        return Table(said("account.app_passwords"), columns, rows, said("word.none"))

    def _ending(self, visit: Visit, account: Account, operation: str, **what: object) -> Cell:
        fields = {"account": str(account.id), **what}
        if not self._office.may(visit, operation, **fields):
            return Cell("")
        about = ", ".join(map(str, what.values()))
        return Cell("", acts=(self._office.act(visit, operation, f"/accounts/{account.id}", fields, about),))

    async def _sign_ins(self, visit: Visit, account: Account) -> Table:
        said = Said(visit)
        page = await self._office.ask(visit, "sign_in_list", account=str(account.id))
        rows = [
            [
                said.moment(each.last),
                Cell(said("seen." + each.result), tone="good" if each.result == "right" else "warn"),
                Cell(" ".join(filter(None, (each.function, each.program)))),
                Cell(each.peer or each.network),
                said.number(each.count),
            ]
            for each in page.items[:ROWS]
        ]
        columns = said.columns("at result function networks count")
        return Table(said("account.sign_ins"), columns, rows, said("account.no_sign_ins"))

    async def removed(self, visit: Visit) -> Response:
        """Accounts and domains that can be brought back."""
        said, office = Said(visit), self._office
        cursor = visit.query.get("cursor", "")
        page = await office.ask(visit, "account_list", state="removed", cursor=cursor, limit=ROWS)
        more = way("/removed", cursor=page.next) if page.next else ""
        rows = [
            [Cell(each.login, f"/accounts/{each.id}"), said.moment(each.removed_at),
             self._undo(visit, "account_restore", each.login, account=str(each.id))]
            for each in page.items
        ]  # fmt: skip
        columns = said.columns("address removed_at acts")
        tables = [Table(said("removed.accounts"), columns, rows, said("word.none"), more)]
        domains = await office.ask(visit, "domain_list", limit=1000)
        rows = [
            [Cell(each.name, f"/domains/{named(each.name)}"), said.moment(each.removed_at),
             self._undo(visit, "domain_restore", each.name, domain=each.name)]
            for each in domains.items if each.removed_at
        ]  # fmt: skip
        columns = said.columns("domain removed_at acts")
        tables.append(Table(said("removed.domains"), columns, rows, said("word.none")))
        return office.thing(visit, said("nav.removed"), lead=said("removed.lead"), tables=tables)

    def _undo(self, visit: Visit, operation: str, about: str, **fields: object) -> Cell:
        if not self._office.may(visit, operation, **fields):
            return Cell("")
        return Cell("", acts=(self._office.act(visit, operation, "/removed", fields, about),))


def accounts_table(
    said: Said, title: str, accounts: Sequence[Account], more: str = "", acts: Sequence[Act] = ()
) -> Table:
    rows = [
        [Cell(each.login, f"/accounts/{each.id}"), Cell(each.name), said.state(each.state),
         Cell(said("account.held"), tone="warn") if each.held else Cell("")]
        for each in accounts
    ]  # fmt: skip
    return Table(title, said.columns("address name state hold"), rows, said("accounts.none"), more, acts)
