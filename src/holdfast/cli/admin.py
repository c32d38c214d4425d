"""`holdfast admin`: rights for administrators, and keys for their programs."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli import oversight, rights, terminal
from holdfast.cli.people import with_people

if TYPE_CHECKING:
    from holdfast.directory.operations import Operations
    from holdfast.model.people import ApiToken

DAY_S = 86_400.0

Who = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Any address of the account.")]
Role = Annotated[str, typer.Option("--role", help="owner, domain_admin, support or auditor.")]
Tenant = Annotated[int, typer.Option(help="Only in this tenant, by its number.")]
Domain = Annotated[str, typer.Option(help="Only in this domain.")]


def add_to(app: typer.Typer) -> None:
    admin = typer.Typer(help="Who may administer the service, and with which keys.", no_args_is_help=True)
    admin.command("token")(token)
    admin.command("grants")(rights.grant_list)
    admin.command("revoke")(revoke)
    app.add_typer(admin, name="admin")
    rights.add_to(app)
    oversight.add_to(app)


def who_types() -> str:
    """How the audit trail names the person at this terminal."""
    try:
        return f"cli:{pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:
        return f"cli:{os.getuid()}"


def token(
    account: Who,
    role: Role = "owner",
    name: Annotated[str, typer.Option(help="What the key is for.")] = "command line",
    tenant: Tenant = 0,
    domain: Domain = "",
    days: Annotated[float, typer.Option(help="It is good for so many days; 0 for ever.")] = 0.0,
    network: Annotated[list[str] | None, typer.Option(help="Only from this network (CIDR).")] = None,
    as_json: terminal.Json = False,
) -> None:
    """Gives an account rights to administer, and makes a key for its programs; the key is shown once.

    This is how the first owner comes to be.
    """
    from holdfast.functions.admin.rights import TOKEN_BYTES, new_token
    from holdfast.world import real_world

    world = real_world(level="warn")
    right = rights.role_of(role)
    secret = new_token(world.entropy.bytes(TOKEN_BYTES))
    expires_at = world.clock.now() + days * DAY_S if days else 0.0

    async def work(people: Operations) -> ApiToken:
        acting = people.acting(who_types())
        found = await people.account(account)
        held = [(each.role, each.tenant, each.domain) for each in await people.grants(found.id)]
        if (right, tenant, domain) not in held:
            await acting.grant_add(found.id, right, tenant=tenant, domain=domain)
        return await acting.token_add(
            found.id, name, right, secret, networks=tuple(network or ()), expires_at=expires_at
        )

    made = with_people(work)
    row = {"id": made.id, "account": made.account, "role": str(made.role), "token": secret}
    terminal.show([row], list(row), as_json)


def revoke(account: Who, role: Role = "owner", tenant: Tenant = 0, domain: Domain = "") -> None:
    """Takes rights to administer from an account; what its keys could do ends with them."""
    right = rights.role_of(role)

    async def work(people: Operations) -> None:
        found = await people.account(account)
        await people.acting(who_types()).grant_rm(found.id, right, tenant=tenant, domain=domain)

    with_people(work)
