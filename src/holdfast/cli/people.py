"""`holdfast domain`, `account`, `alias`: who gets mail here."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from holdfast.cli import terminal
from holdfast.model.errors import Reason, Refused

if TYPE_CHECKING:
    from holdfast.directory.operations import Operations
    from holdfast.model.people import Account
    from holdfast.run.config import Config

T = TypeVar("T")

PAGE = 1000
ACCOUNT_COLUMNS = ["id", "login", "name", "state", "role", "cell"]

Generate = Annotated[bool, typer.Option("--generate", help="Make a password and print it.")]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask.")]
Who = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Any address of the account.")]


def add_to(app: typer.Typer) -> None:
    domains = typer.Typer(help="Domains that mail is taken for.", no_args_is_help=True)
    domains.command("add")(domain_add)
    domains.command("list")(domain_list)
    domains.command("rm")(domain_rm)
    domains.command("restore")(domain_restore)
    app.add_typer(domains, name="domain")
    accounts = typer.Typer(
        help="Accounts: add (many at once, too), list, show, change, remove.", no_args_is_help=True
    )
    accounts.command("add")(account_add)
    accounts.command("list")(account_list)
    accounts.command("show")(account_show)
    accounts.command("set")(account_set)
    accounts.command("rm")(account_rm)
    accounts.command("announce")(account_announce)
    accounts.command("accept-holes")(account_accept_holes)
    app.add_typer(accounts, name="account")
    aliases = typer.Typer(help="Addresses that lead to others.", no_args_is_help=True)
    aliases.command("add")(alias_add)
    aliases.command("list")(alias_list)
    aliases.command("rm")(alias_rm)
    app.add_typer(aliases, name="alias")


def with_people(work: Callable[[Operations], Awaitable[T]], config: Config | None = None) -> T:
    """Runs ``work`` with the people process, or with its ledger where the service does not run.

    The audit trail names who typed: ``cli:root``.
    """
    from holdfast.run import doors
    from holdfast.world import real_world, run

    async def go() -> T:
        async with doors.people(real_world(level="warn"), config or terminal.load_config()) as people:
            return await work(people.acting(f"cli:{terminal.user_name()}"))

    return run(go())


# Domains


def domain_add(
    name: Annotated[str, typer.Argument(help="The domain.")],
    catch_all: Annotated[
        str, typer.Option(help="Addresses, split by commas, that get what nobody has.")
    ] = "",
    separator: Annotated[
        str, typer.Option(help="What splits name and detail: you+shop@…; '' for nothing.")
    ] = "+",
) -> None:
    """Takes mail for a domain from now on, or changes its settings."""

    async def work(people: Operations) -> None:
        try:
            await people.domain_add(name, separator=separator, catch_all=_split(catch_all))
        except Refused as refused:
            if refused.reason is not Reason.EXISTS:
                raise
            await people.domain_set(name, separator=separator, catch_all=_split(catch_all))

    with_people(work)


def domain_list(as_json: terminal.Json = False) -> None:
    """Lists the domains, removed ones too."""
    import msgspec

    async def work(people: Operations) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while page := await people.domains(after=found[-1]["id"] if found else 0):
            found += [msgspec.to_builtins(each) for each in page]
        return found

    rows = [{**row, "state": "removed" if row["removed_at"] else ""} for row in with_people(work)]
    terminal.show(rows, ["name", "separator", "catch_all", "state"], as_json)


def domain_rm(
    name: Annotated[str, typer.Argument(help="The domain.")],
    accounts: Annotated[
        int, typer.Option(help="How many active accounts it has: with fewer named, it stays.")
    ] = 0,
    yes: Yes = False,
) -> None:
    """Removes a domain softly: mail for it is refused, its accounts and names stay, `restore` undoes it."""
    terminal.confirm(f"Remove {name}?", yes)
    with_people(lambda people: people.domain_rm(name, accounts=accounts))


def domain_restore(name: Annotated[str, typer.Argument(help="The domain.")]) -> None:
    """Undoes `domain rm`: mail for the domain is taken again."""
    with_people(lambda people: people.domain_restore(name))


# Accounts


def account_add(
    address: Annotated[str, typer.Argument(help="Its first address; '-' reads many from standard input.")],
    name: Annotated[str, typer.Option(help="The person's name.")] = "",
    generate: Generate = False,
    as_json: terminal.Json = False,
) -> None:
    """Adds an account. The password is asked for, read from standard input, or made.

    With '-': CSV with a header (address,password,name,credential) or JSON lines with the same keys.
    """
    if address == "-":
        _add_many(as_json)
        return
    password, made = terminal.password_for(address, generate)
    account = with_people(lambda people: people.account_add(address, name=name, password=password))
    row = {"id": account.id, "address": account.login, "cell": account.cell}
    if made:
        row["password"] = password
    terminal.show([row], list(row), as_json)


def _add_many(as_json: bool) -> None:
    from holdfast.cli.progress import progress
    from holdfast.directory.requests import NewAccount

    lines = list(read_accounts(sys.stdin))
    made_up: dict[int, str] = {}
    wanted = []
    for number, line in lines:
        password, credential = line.get("password", ""), line.get("credential", "")
        if not password and not credential:
            password = made_up[number] = terminal.new_password()
        wanted.append(
            NewAccount(
                address=line["address"], name=line.get("name", ""), password=password, credential=credential
            )
        )
    rows: list[dict[str, Any]] = []

    async def work(people: Operations) -> None:
        with progress("accounts", len(wanted)) as bar:
            for at in range(0, len(wanted), 100):
                made = await people.account_add_many(wanted[at : at + 100], keep_existing=True)
                for (number, line), outcome in zip(lines[at : at + 100], made):
                    rows.append(
                        {"line": number, "address": line["address"], **_outcome(outcome, made_up.get(number))}
                    )
                bar.advance(len(made))

    with_people(work)
    refused = [row for row in rows if row["outcome"] == "refused"]
    if as_json:
        terminal.show(rows, [], True)
    else:
        terminal.show([row for row in rows if "password" in row], ["address", "password"], False)
        for row in refused:
            terminal.say(f"line {row['line']}: {row['address']}: {row['why']}")
        terminal.say(
            f"{sum(row['outcome'] == 'made' for row in rows)} made, {len(refused)} refused, of {len(rows)}"
        )
    if refused:
        raise typer.Exit(2)


def _outcome(made: Any, password: str | None) -> dict[str, Any]:
    if made.reason:
        return {"outcome": "refused", "why": made.text or made.reason}
    if not made.new:
        return {"outcome": "kept", "id": made.id}
    return {"outcome": "made", "id": made.id, **({"password": password} if password else {})}


def read_accounts(lines: Any) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, keys) of CSV with a header, or of JSON lines. Raises ``Refused`` naming the line."""
    import csv
    import itertools
    import json

    known = {"address", "password", "name", "credential"}
    first = next((line for line in lines if line.strip()), "")
    if first.lstrip().startswith("{"):
        for number, line in enumerate(itertools.chain([first], lines), 1):
            if line.strip():
                try:
                    row = json.loads(line)
                except ValueError as error:
                    raise Refused(Reason.BAD_SYNTAX, f"line {number}: not JSON: {error}") from None
                yield number, _checked(number, row, known)
        return
    header = [name.strip() for name in next(csv.reader([first]), [])]
    if "address" not in header or not set(header) <= known:
        raise Refused(
            Reason.BAD_SYNTAX,
            "line 1: expected JSON lines, or a header such as address,password,name"
            f" (known: {', '.join(sorted(known))})",
        )
    reader = csv.reader(lines)
    for cells in reader:
        if cells:
            yield reader.line_num + 1, _checked(reader.line_num + 1, dict(zip(header, cells)), known)


def _checked(number: int, row: Any, known: set[str]) -> dict[str, str]:
    if not isinstance(row, dict) or not row.get("address"):
        raise Refused(Reason.BAD_SYNTAX, f"line {number}: no address")
    if not set(row) <= known or not all(isinstance(value, str) for value in row.values()):
        raise Refused(Reason.BAD_SYNTAX, f"line {number}: only texts named {', '.join(sorted(known))}")
    return row


def account_list(
    domain: Annotated[str, typer.Option(help="Of this domain only.")] = "",
    as_json: terminal.Json = False,
) -> None:
    """Lists accounts, removed ones too."""
    import msgspec

    async def work(people: Operations) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while page := await people.accounts(domain=domain, after=found[-1]["id"] if found else 0, limit=PAGE):
            found += [msgspec.to_builtins(each) for each in page]
        return found

    terminal.show(with_people(work), ACCOUNT_COLUMNS, as_json)


def account_show(account: Who, as_json: terminal.Json = False) -> None:
    """Shows one account with all its addresses."""

    async def work(people: Operations) -> tuple[Account, list[str]]:
        return await people.account(account), await people.addresses(account)

    import msgspec

    found, addresses = with_people(work)
    row = {**msgspec.to_builtins(found), "addresses": addresses}
    if as_json:
        terminal.show([row], [], True)
    else:
        terminal.show([{"": key, " ": value} for key, value in row.items()], ["", " "], False)


def account_set(
    account: Who,
    name: Annotated[str | None, typer.Option(help="The person's name.")] = None,
    password: Annotated[bool, typer.Option("--password", help="A new password: asked for, or read.")] = False,
    generate: Generate = False,
    disable: Annotated[bool, typer.Option("--disable", help="No sign-in, mail refused, mail kept.")] = False,
    enable: Annotated[bool, typer.Option("--enable", help="Undo --disable or `rm`.")] = False,
    owner: Annotated[bool | None, typer.Option(help="Gets postmaster@ and abuse@ of the domain.")] = None,
    add_address: Annotated[str, typer.Option(help="One more address of the account.")] = "",
    rm_address: Annotated[str, typer.Option(help="Takes an address away.")] = "",
) -> None:
    """Changes an account."""
    from holdfast.model.people import AccountRole, AccountState

    if disable and enable:
        raise Refused(Reason.BAD_SYNTAX, "--disable or --enable, not both")
    state = AccountState.DISABLED if disable else AccountState.ACTIVE if enable else None
    role = None if owner is None else AccountRole.OWNER if owner else AccountRole.NONE
    word, made = terminal.password_for(account, generate) if password or generate else ("", False)

    async def work(people: Operations) -> None:
        if name is not None or state is not None or role is not None:
            await people.account_set(account, name=name, state=state, role=role)
        if word:
            await people.password_set(account, password=word)
        if add_address:
            await people.address_add(account, add_address)
        if rm_address:
            await people.address_rm(rm_address)

    with_people(work)
    if made:
        print(word)


def account_rm(account: Who, yes: Yes = False) -> None:
    """Removes an account softly: its addresses stay taken, its mail is kept, --enable brings it back."""
    terminal.confirm(f"Remove {account}?", yes)
    with_people(lambda people: people.account_rm(account))


def account_announce(
    count: Annotated[int, typer.Argument(help="How many accounts leave within the hour, or did.")],
    why: Annotated[str, typer.Argument(help="The reason, for the record.")],
) -> None:
    """Says that many accounts leave on purpose: else the directory is taken for broken, and mail waits."""
    left = with_people(lambda people: people.announce(count, why))
    if left:
        terminal.say(f"{left} more left: announce them, too, or bring them back")
        raise typer.Exit(2)


def account_accept_holes(
    why: Annotated[str, typer.Argument(help="What they held, as far as it is known; for the record.")],
) -> None:
    """Gives up frames of the people ledger that can't be read: names nobody has are refused again."""
    terminal.say(f"{with_people(lambda people: people.accept_holes(why))} given up")


# Aliases


def alias_add(
    address: Annotated[str, typer.Argument(help="The alias.")],
    targets: Annotated[list[str], typer.Argument(help="Where it leads, here or elsewhere.")],
    replace: Annotated[bool, typer.Option("--replace", help="Take the place of one that is there.")] = False,
) -> None:
    """Adds an address that leads to others."""
    every = [target for each in targets for target in _split(each)]
    with_people(lambda people: people.alias_add(address, every, replace=replace))


def alias_list(
    domain: Annotated[str, typer.Argument(help="The domain; left out: all of them.")] = "",
    as_json: terminal.Json = False,
) -> None:
    """Lists aliases."""
    import msgspec

    async def work(people: Operations) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while page := await people.aliases(domain, after=found[-1]["address"] if found else ""):
            found += [msgspec.to_builtins(each) for each in page]
        return found

    terminal.show(with_people(work), ["address", "targets"], as_json)


def alias_rm(address: Annotated[str, typer.Argument(help="The alias.")]) -> None:
    """Removes an alias."""
    with_people(lambda people: people.alias_rm(address))


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
