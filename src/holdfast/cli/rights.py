"""`holdfast tenant`, `grant`, `token`, `invitation`, `reserved`: who may do what, and who may come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast.cli import terminal
from holdfast.cli.people import Who, with_people
from holdfast.model.errors import Reason, Refused

if TYPE_CHECKING:
    from holdfast.directory.operations import Operations
    from holdfast.model.people import AdminRole, Tenant

Id = Annotated[int, typer.Argument(metavar="ID", help="As `list` shows it.")]
Domain = Annotated[str, typer.Argument(help="The domain.")]
Days = Annotated[float, typer.Option(help="It is good for so many days; 0 for ever.")]
Why = Annotated[str, typer.Option(help="The reason, for the audit trail.")]
Role = Annotated[str, typer.Option("--role", help="owner, domain_admin, support or auditor.")]
InTenant = Annotated[int, typer.Option("--tenant", help="Only in this tenant, by its number.")]
InDomain = Annotated[str, typer.Option("--domain", help="Only in this domain.")]
DAY_S = 86_400.0


def add_to(app: typer.Typer) -> None:
    tenants = _group(app, "tenant", "Resellers and parts of the firm, with domains and pages of their own.")
    tenants.command("add")(tenant_add)
    tenants.command("list")(tenant_list)
    tenants.command("set")(tenant_set)
    grants = _group(app, "grant", "Who may administer what.")
    grants.command("add")(grant_add)
    grants.command("list")(grant_list)
    grants.command("rm")(grant_rm)
    tokens = _group(app, "token", "Keys of administrators' programs; `holdfast admin token` makes one.")
    tokens.command("list")(token_list)
    tokens.command("rm")(token_rm)
    invitations = _group(app, "invitation", "Who may sign up by invitation.")
    invitations.command("add")(invitation_add)
    invitations.command("list")(invitation_list)
    invitations.command("rm")(invitation_rm)
    reserved = _group(app, "reserved", "Names that nobody may sign up with.")
    reserved.command("add")(reserved_add)
    reserved.command("list")(reserved_list)
    reserved.command("rm")(reserved_rm)


def _group(app: typer.Typer, name: str, says: str) -> typer.Typer:
    made = typer.Typer(help=says, no_args_is_help=True)
    app.add_typer(made, name=name)
    return made


def rows(found: Any) -> list[dict[str, Any]]:
    """Structs as rows of a table."""
    import msgspec

    return [msgspec.to_builtins(each) for each in found]


# Tenants


def tenant_add(
    name: Annotated[str, typer.Argument(help="What it is called.")],
    accounts: Annotated[int, typer.Option(help="So many accounts at most; 0: no limit.")] = 0,
) -> None:
    """Makes a tenant and prints its number."""
    made = with_people(lambda people: people.tenant_add(name, accounts_most=accounts))
    print(made.id)


def tenant_list(as_json: terminal.Json = False) -> None:
    """Lists the tenants."""

    async def work(people: Operations) -> list[Tenant]:
        found: list[Tenant] = []
        while page := await people.tenants(after=found[-1].id if found else 0):
            found += page
        return found

    terminal.show(rows(with_people(work)), ["id", "name", "accounts_most"], as_json)


def tenant_set(
    tenant: Id,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    accounts: Annotated[int | None, typer.Option(help="So many accounts at most; 0: no limit.")] = None,
    domain: Annotated[list[str] | None, typer.Option(help="This domain is the tenant's from now on.")] = None,
) -> None:
    """Changes a tenant; how its pages look is changed on the pages."""

    async def work(people: Operations) -> None:
        await people.tenant_set(tenant, name=name, accounts_most=accounts)
        for each in domain or ():
            await people.domain_set(each, tenant=tenant)

    with_people(work)


# Rights


def role_of(text: str) -> AdminRole:
    """Raises ``Refused`` that names the roles there are."""
    from holdfast.model.people import AdminRole

    try:
        return AdminRole(text.replace("-", "_"))
    except ValueError:
        there = ", ".join(AdminRole)
        raise Refused(Reason.BAD_SYNTAX, f"no role '{text}'; there are {there}") from None


def grant_add(account: Who, role: Role, tenant: InTenant = 0, domain: InDomain = "") -> None:
    """Gives an account rights to administer."""
    right = role_of(role)
    with_people(lambda people: people.grant_add(account, right, tenant=tenant, domain=domain))


def grant_list(as_json: terminal.Json = False) -> None:
    """Lists who may administer what."""

    async def work(people: Operations) -> list[dict[str, object]]:
        return [
            {
                "account": each.account,
                "login": (await people.account(each.account)).login,
                "role": str(each.role),
                "tenant": each.tenant,
                "domain": each.domain,
            }
            for each in await people.grants()
        ]

    terminal.show(with_people(work), ["account", "login", "role", "tenant", "domain"], as_json)


def grant_rm(account: Who, role: Role, tenant: InTenant = 0, domain: InDomain = "") -> None:
    """Takes rights away; what the account's keys could do ends with them."""
    right = role_of(role)
    with_people(lambda people: people.grant_rm(account, right, tenant=tenant, domain=domain))


def token_list(as_json: terminal.Json = False) -> None:
    """Lists all keys of administrators' programs; never the secrets."""
    found = rows(with_people(lambda people: people.tokens()))
    terminal.show(found, ["id", "account", "name", "role", "networks", "expires_at"], as_json)


def token_rm(token: Id) -> None:
    """Ends a key at once."""
    with_people(lambda people: people.token_rm(token))


# Invitations and reserved names


def invitation_add(
    domain: Domain,
    uses: Annotated[int, typer.Option(help="For so many people.")] = 1,
    days: Days = 0.0,
    note: Annotated[str, typer.Option(help="For you to know it by.")] = "",
) -> None:
    """Makes an invitation and prints its code, this once."""
    from holdfast.world import real_world

    world = real_world(level="warn")
    code = world.entropy.token(12)
    until = world.clock.now() + days * DAY_S if days else 0.0
    with_people(lambda people: people.invitation_add(domain, code, uses=uses, expires_at=until, note=note))
    print(code)


def invitation_list(
    domain: Annotated[str, typer.Argument(help="The domain; left out: all of them.")] = "",
    as_json: terminal.Json = False,
) -> None:
    """Lists invitations; never the codes."""
    found = rows(with_people(lambda people: people.invitations(domain=domain)))
    terminal.show(found, ["id", "domain", "used", "uses", "expires_at", "note"], as_json)


def invitation_rm(invitation: Id) -> None:
    """Ends an invitation."""
    with_people(lambda people: people.invitation_rm(invitation))


Names = Annotated[list[str], typer.Argument(help="Names, without a domain.")]


def reserved_add(names: Names, domain: InDomain = "") -> None:
    """Reserves names, in one domain or in all."""
    with_people(lambda people: people.names_reserve(names, domain=domain))


def reserved_list(domain: InDomain = "", as_json: terminal.Json = False) -> None:
    """Lists the names reserved in one domain, or those reserved in all."""
    found = with_people(lambda people: people.reserved(domain=domain))
    terminal.show([{"name": each, "domain": domain} for each in found], ["name"], as_json)


def reserved_rm(names: Names, domain: InDomain = "") -> None:
    """Gives reserved names free."""
    with_people(lambda people: people.names_reserve(names, domain=domain, free=True))
