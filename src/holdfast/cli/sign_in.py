"""`holdfast account password|sign-out|sign-ins`, `app-password`, `factor`: how people come in."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast.cli import terminal
from holdfast.cli.people import Generate, Who, Yes, with_people
from holdfast.model.errors import Reason, Refused

if TYPE_CHECKING:
    from holdfast.directory.history import SignInSeen
    from holdfast.directory.operations import Operations
    from holdfast.model.people import AppPassword

SEEN_COLUMNS = ["last", "result", "function", "peer", "program", "count", "first"]

AppId = Annotated[int, typer.Argument(metavar="ID", help="As `list` shows it.")]


def add_to(app: typer.Typer) -> None:
    """``app`` has the group ``account`` already."""
    [accounts] = [group.typer_instance for group in app.registered_groups if group.name == "account"]
    assert accounts is not None
    accounts.command("password")(password)
    accounts.command("sign-out")(sign_out)
    accounts.command("sign-ins")(sign_ins)
    programs = typer.Typer(help="App passwords: one for each mail program.", no_args_is_help=True)
    programs.command("add")(app_password_add)
    programs.command("list")(app_password_list)
    programs.command("rm")(app_password_rm)
    app.add_typer(programs, name="app-password")
    factors = typer.Typer(help="Second factors, for who lost his phone.", no_args_is_help=True)
    factors.command("list")(factor_list)
    factors.command("rm")(factor_rm)
    app.add_typer(factors, name="factor")


def password(
    account: Who,
    generate: Generate = False,
    sign_out: Annotated[
        bool, typer.Option("--sign-out", help="End what is signed in, on the web and in mail programs.")
    ] = False,
) -> None:
    """A new password: asked for, read from standard input, or made."""
    word, made = terminal.password_for(account, generate)

    async def work(people: Operations) -> None:
        await people.password_set(account, password=word, sign_out=sign_out)

    with_people(work)
    if made:
        print(word)


def sign_out(account: Who) -> None:
    """Ends all sessions of an account, on the web and in mail programs."""

    async def work(people: Operations) -> None:
        await people.sign_out(account)

    with_people(work)


def sign_ins(account: Who, as_json: terminal.Json = False) -> None:
    """Who signed in or tried to, newest first; without the service, too."""
    import msgspec

    config = terminal.load_config()

    async def work(people: Operations) -> list[SignInSeen]:
        from holdfast.directory.history import read_history
        from holdfast.run import layout
        from holdfast.world import real_world

        found = await people.account(account)
        folder = layout.history_folder(config)
        return read_history(real_world(level="warn"), folder, found.id)

    rows: list[dict[str, Any]] = [msgspec.to_builtins(each) for each in with_people(work, config)]
    if not as_json:
        rows = [{**row, "first": _when(row["first"]), "last": _when(row["last"])} for row in rows]
    terminal.show(rows, SEEN_COLUMNS, as_json)


def app_password_add(
    account: Who,
    name: Annotated[str, typer.Option(help="For which program: 'phone'.")],
    function: Annotated[
        list[str] | None, typer.Option(help="imap, pop3, submission or jmap; several times; none: all.")
    ] = None,
    network: Annotated[
        list[str] | None, typer.Option(help="From these addresses only, as CIDR; several times.")
    ] = None,
    days: Annotated[float, typer.Option(help="Over after so many days; 0: never.", min=0)] = 0.0,
) -> None:
    """Makes an app password and prints it: nobody can look it up later."""
    from holdfast.directory.app_passwords import new_app_password
    from holdfast.world import real_world

    world = real_world(level="warn")
    secret = new_app_password(world)
    until = world.clock.now() + days * 86_400 if days else 0.0

    async def work(people: Operations) -> AppPassword:
        return await people.app_password_add(
            account,
            name,
            secret,
            functions=tuple(function or ()),
            networks=tuple(network or ()),
            expires_at=until,
        )

    with_people(work)
    print(secret)


def app_password_list(account: Who, as_json: terminal.Json = False) -> None:
    """Lists an account's app passwords, never their secrets."""
    import msgspec

    async def work(people: Operations) -> list[AppPassword]:
        return await people.app_passwords(account)

    rows: list[dict[str, Any]] = [msgspec.to_builtins(each) for each in with_people(work)]
    if not as_json:
        rows = [{**row, "until": _when(row["expires_at"])} for row in rows]
    terminal.show(rows, ["id", "name", "functions", "networks", "until"], as_json)


def app_password_rm(account: Who, id: AppId) -> None:
    """Removes an app password; its program is refused within a second."""

    async def work(people: Operations) -> None:
        await people.app_password_rm(account, id)

    with_people(work)


def factor_list(account: Who, as_json: terminal.Json = False) -> None:
    """Lists an account's second factors."""
    import msgspec

    async def work(people: Operations) -> list[dict[str, Any]]:
        return [msgspec.to_builtins(each) for each in await people.factors(account)]

    terminal.show(with_people(work), ["id", "kind", "name", "left"], as_json)


def factor_rm(
    account: Who,
    id: Annotated[int, typer.Argument(metavar="ID", help="As `list` shows it; 0: all of them.")],
    why: Annotated[str, typer.Option(help="How you made sure who asked; for the audit trail.")] = "",
    yes: Yes = False,
) -> None:
    """Removes a second factor. Make sure first that it is the owner who asks."""
    if not why:
        raise Refused(Reason.BAD_SYNTAX, "--why is needed: say how you made sure who asked")
    terminal.confirm(f"Remove {'all second factors' if not id else f'second factor {id}'} of {account}?", yes)

    async def work(people: Operations) -> None:
        for each in await people.factors(account):
            if id in (0, each.id):
                await people.factor_rm(account, each.id, why=why)

    with_people(work)


def _when(seconds: float) -> str:
    if not seconds:
        return ""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M")
