"""A people process with people of two tenants, and the admin interface over it, on one simulated machine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NamedTuple

import msgspec

from holdfast.directory import PeopleClient, PeopleWriter
from holdfast.directory.people import People
from holdfast.functions.admin.api import Api
from holdfast.functions.admin.catalogue import BY_ID
from holdfast.functions.admin.desk import Desk
from holdfast.functions.admin.imports import Imports
from holdfast.functions.admin.kept import Kept
from holdfast.functions.admin.rights import new_token
from holdfast.model.people import AdminRole, FactorKind
from holdfast.sim.world import SimWorld
from unit.directory.people_service import CHEAP, SOCKET, follow, serve

PEER = "192.0.2.7"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Office:
    """``ids``: what was made, by name; ``tokens``: secrets, by who holds them."""

    def __init__(self, world: SimWorld, writer: PeopleWriter, people: People) -> None:
        self.world = world
        self.writer = writer
        self.people = people
        self.changes = PeopleClient(world, SOCKET)
        self.desk = Desk(BY_ID, world, people, self.changes)
        self.kept = Kept(world, ":memory:")
        self.desk.imports = Imports(self.desk, self.kept)
        self.api = Api(self.desk, self.kept)
        self.ids: dict[str, int] = {}
        self.tokens: dict[str, str] = {}

    async def person(self, name: str, role: AdminRole, *, tenant: int = 0, domain: str = "") -> None:
        """An account of its own with one grant, and a token of the same role."""
        login = f"{name}@staff.example"
        account = await self.writer.account_add(login, credential=CHEAP)
        await self.writer.grant_add(account.id, role, tenant=tenant, domain=domain)
        secret = new_token(self.world.entropy.bytes(20))
        token = await self.writer.token_add(account.id, name, role, secret)
        self.ids[name] = account.id
        self.ids[f"{name}.token"] = token.id
        self.tokens[name] = secret

    async def seed(self, side: str, tenant: int) -> None:
        """``north``: its domain, a customer with everything that one may have, and sealed access to it."""
        w, domain = self.writer, f"{side}.example"
        await w.domain_add(domain, tenant=tenant)
        account = await w.account_add(f"ann@{domain}", credential=CHEAP, name="Ann")
        await w.account_add(f"gone@{domain}", credential=CHEAP)
        await w.account_rm(f"gone@{domain}")
        await w.address_add(account.id, f"further@{domain}")
        await w.alias_set(f"sales@{domain}", [f"ann@{domain}"])
        masked = await w.masked_set(account.id, domain=domain)
        password = await w.app_password_add(account.id, "phone", "k" * 24)
        factor = await w.factor_add(account.id, FactorKind.TOTP, "phone", b"s" * 32)
        invitation = await w.invitation_add(domain, f"a code of an invitation {side}")
        await w.grant_add(account.id, AdminRole.SUPPORT, domain=domain)
        access = await w.access_ask(account.id, self.ids["owner"], why="a reason for this")
        self.ids |= {
            f"{side}.account": account.id,
            f"{side}.customer": account.customer,
            f"{side}.app_password": password.id,
            f"{side}.factor": factor.id,
            f"{side}.invitation": invitation.id,
            f"{side}.access": access.id,
        }
        self.tokens[f"{side}.masked"] = masked.address

    async def ask(
        self,
        method: str,
        path: str,
        who: str = "owner",
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
        peer: str = PEER,
    ) -> Answer:
        """One request to the application itself."""
        token = self.tokens.get(who, who)
        fields = {"authorization": f"Bearer {token}"} if token else {}
        content = raw if raw is not None else b"" if body is None else msgspec.json.encode(body)
        if body is not None:
            fields["content-type"] = "application/json"
        fields |= headers or {}
        target, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": target,
            "raw_path": target.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
            "client": (peer, 1234),
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(dict(message))

        await self.api(scope, receive, send)
        found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], found, b"".join(each.get("body", b"") for each in sent[1:]))


async def open_office(world: SimWorld) -> Office:
    """The provider's domain ``staff.example`` with an owner; tenants ``north`` and ``south``."""
    writer = await serve(world.process("people"))
    people = await follow(world, "admin")
    office = Office(world, writer, people)
    await writer.domain_add("staff.example")
    await office.person("owner", AdminRole.OWNER)
    for side in ("north", "south"):
        tenant = await writer.tenant_add(side)
        office.ids[f"{side}.tenant"] = tenant.id
        await office.seed(side, tenant.id)
    await people.settled(5.0)
    return office


def in_office(world: SimWorld, work: Callable[[Office], Awaitable[None]]) -> None:
    """Runs ``work`` in an office of its own."""

    async def main() -> None:
        await work(await open_office(world))

    play(world, main())


def play(world: SimWorld, main: Coroutine[Any, Any, None]) -> None:
    world.run(main)
    assert world.simulation.unhandled == []
