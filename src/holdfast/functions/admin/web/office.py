"""What every page for administrators is made with: who asks, what he may, and the desk that does it.

There are no rights here but the gate's: a page asks an operation of the catalogue, and a way on is shown if
the gate would let it pass (ADMIN-1, ADMIN-11).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec
from starlette.responses import Response

from holdfast.flow.records import Report
from holdfast.functions.admin.call import Call
from holdfast.functions.admin.catalogue import BY_ID
from holdfast.functions.admin.desk import Desk
from holdfast.functions.admin.gate import check
from holdfast.functions.admin.permissions import Actor, account_actor
from holdfast.functions.admin.web.showing import Act, Fact, Said, Table, way
from holdfast.model.errors import Refused
from holdfast.model.people import AdminRole
from holdfast.pages import MenuEntry, Site, Visit
from holdfast.portal.portal import Portal

MENU = (
    (MenuEntry("/", "nav.start"), "me"),
    (MenuEntry("/accounts", "nav.accounts"), "account_list"),
    (MenuEntry("/customers", "nav.customers"), "customer_list"),
    (MenuEntry("/domains", "nav.domains"), "domain_list"),
    (MenuEntry("/tenants", "nav.tenants"), "tenant_list"),
    (MenuEntry("/reserved", "nav.reserved"), "reserved_list"),
    (MenuEntry("/grants", "nav.grants"), "grant_list"),
    (MenuEntry("/tokens", "nav.tokens"), "token_list"),
    (MenuEntry("/import", "nav.import"), "import_run"),
    (MenuEntry("/bulk", "nav.bulk"), "bulk_state"),
    (MenuEntry("/removed", "nav.removed"), "account_list"),
    (MenuEntry("/audit", "nav.audit"), "audit_list"),
    (MenuEntry("/accesses", "nav.accesses"), "access_list"),
    (MenuEntry("/hooks", "nav.hooks"), "hook_list"),
)
WITH_FACTOR = (AdminRole.OWNER, AdminRole.DOMAIN_ADMIN)


class Warned(NamedTuple):
    """``kind``: certificate, no_certificate or disk. ``value``: seconds left, or bytes free."""

    kind: str
    place: str
    value: float


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """``second_factor``: owners and domain admins need one. ``account_url``: where they set one up."""

    second_factor: bool = True
    account_url: str = ""


class Surroundings(NamedTuple):
    """``warnings``: of the machine, cheap. ``gone``: which of our processes are out of reach, at once.

    ``records``: what the DNS should say of a domain and says; asks resolvers.
    """

    warnings: Callable[[], list[Warned]]
    gone: Callable[[], list[str]]
    records: Callable[[str], Awaitable[Report]]


class Office:
    def __init__(
        self, site: Site, desk: Desk, portal: Portal, settings: Settings, around: Surroundings
    ) -> None:
        self.site = site
        self.desk = desk
        self.portal = portal
        self.settings = settings
        self.around = around

    def page(
        self, path: str, handler: Callable[[Visit], Awaitable[Response]], *, files: bool = False
    ) -> None:
        """A page for who has rights, and showed his second factor where one is demanded."""

        async def within(visit: Visit) -> Response:
            account = self.portal.account(visit)
            grants = self.desk.people.grants(account.id)
            if not grants:
                return visit.show("shut.html", 403, why="rights", url="")
            demanded = self.settings.second_factor and any(each.role in WITH_FACTOR for each in grants)
            if demanded and not account.two_factor:
                return visit.show("shut.html", 403, why="factor", url=self.settings.account_url)
            return await handler(visit)

        self.site.page(path, files=files)(self.portal.required(within))

    # Rights

    def actor(self, visit: Visit) -> Actor:
        account = self.portal.account(visit)
        return account_actor(account.id, self.desk.people.grants(account.id))

    async def ask(self, visit: Visit, operation: str, **fields: Any) -> Any:
        """What the operation gives. Raises as ``Desk.carry_out`` does."""
        return await self.desk.ask(self.actor(visit), operation, **fields)

    async def carry_out(
        self, visit: Visit, operation: str, asked: Any, *, once: str = "", why: str = ""
    ) -> Any:
        actor = self.actor(visit)
        key = f"web:{actor.account}:{once}" if once else ""
        return await self.desk.carry_out(actor, BY_ID[operation], asked, once=key, why=why, peer=visit.peer)

    def check(self, visit: Visit, operation: str, **fields: object) -> None:
        """Raises what the gate would, if it were asked with these fields."""
        check(Call(self.desk, self.actor(visit), BY_ID[operation]), SimpleNamespace(**fields))

    def may(self, visit: Visit, operation: str, **fields: object) -> bool:
        """Whether a way there is worth showing."""
        try:
            self.check(visit, operation, **fields)
        except Refused:
            return False
        return True

    def has(self, visit: Visit, operation: str) -> bool:
        """Whether he has the operation's permission anywhere."""
        return self.actor(visit).has(BY_ID[operation].permission)

    def acts(self, visit: Visit, back: str, *wanted: tuple[str, dict[str, object]]) -> list[Act]:
        """Ways to operations, those that the gate lets pass: (operation, fields)."""
        return [self.act(visit, name, back, fields) for name, fields in wanted
                if self.may(visit, name, **fields)]  # fmt: skip

    def act(self, visit: Visit, operation: str, back: str, fields: dict[str, object], about: str = "") -> Act:
        return Act(visit.say("do." + operation), way(f"/do/{operation}", **fields, back=back), about)

    # Pages

    def show(self, visit: Visit, template: str, status: int = 200, **values: object) -> Response:
        actor = self.actor(visit)
        menu = [entry for entry, name in MENU if actor.has(BY_ID[name].permission)]
        return visit.show(template, status, **{"menu": menu, **values})

    def thing(
        self,
        visit: Visit,
        title: str,
        *,
        facts: Sequence[Fact] = (),
        acts: Sequence[Act] = (),
        tables: Sequence[Table] = (),
        lead: str = "",
    ) -> Response:
        return self.show(visit, "thing.html", title=title, facts=facts, acts=acts, tables=tables, lead=lead)

    def listed(
        self, visit: Visit, table: Table, *, lead: str = "", search: Sequence[tuple[str, str]] = ()
    ) -> Response:
        """``search``: names and values of the fields that narrow the list."""
        return self.show(visit, "listed.html", table=table, lead=lead, search=search, said=Said(visit))
