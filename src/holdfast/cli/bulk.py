"""`holdfast account import`, `account bulk`: many at once, through the same operations as the interface."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from holdfast.cli import terminal
from holdfast.model.errors import Reason, Refused
from holdfast.model.people import AccountState

if TYPE_CHECKING:
    from holdfast.functions.admin.desk import Desk
    from holdfast.functions.admin.shapes import ImportReport
    from holdfast.run.config import Config

T = TypeVar("T")

LOOK_S = 0.2  # between two looks at an import that runs
FAULT_COLUMNS = ["line", "address", "text"]
EXIT_FAULTS = 1


def add_to(app: typer.Typer) -> None:
    """``app`` has the group ``account`` already."""
    [accounts] = [group.typer_instance for group in app.registered_groups if group.name == "account"]
    assert accounts is not None
    accounts.command("import")(account_import)
    accounts.command("bulk")(account_bulk)


def account_import(
    file: Annotated[str, typer.Argument(metavar="FILE", help="CSV with a header, or - for standard input.")],
    run: Annotated[bool, typer.Option("--run", help="Carry it out; without, say what would happen.")] = False,
    as_json: terminal.Json = False,
) -> None:
    """Makes accounts from CSV: says what would happen, and with --run does it.

    Columns: address, and any of name, password, credential, customer, contract, quota_bytes,
    daily_recipients, phone, second_address, language, external_id. Lines with the same word for customer
    share one. What is there already stays as it is, so that a broken import is just run again.
    """
    content = _read(file)

    async def work(desk: Desk) -> ImportReport:
        from holdfast.functions.admin.catalogue import BY_ID
        from holdfast.functions.admin.imports import Uploaded
        from holdfast.functions.admin.permissions import local_actor

        actor, operation = local_actor(terminal.user_name()), BY_ID["import_run"]
        report: ImportReport = await desk.carry_out(actor, operation, Uploaded(content=content))
        if run:
            asked = Uploaded(content=content, digest=report.digest)
            await desk.carry_out(actor, operation, asked)
            while (report := _now(desk, report)).state == "running":
                await desk.world.clock.sleep(LOOK_S)
        return report

    _tell(_with_desk(work), as_json)


def _now(desk: Desk, report: ImportReport) -> ImportReport:
    assert desk.imports is not None
    return desk.imports.show(report.digest) or report


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        with open(file, "rb") as content:
            return content.read()
    except OSError as error:
        raise Refused(Reason.BAD_NAME, f"{file}: {error.strerror}") from None


def _tell(report: ImportReport, as_json: bool) -> None:
    import msgspec

    if as_json:
        terminal.show([msgspec.to_builtins(report)], [], True)
    else:
        if report.state == "reported":
            terminal.say(
                f"{report.lines} lines: {report.new} new, {report.there} there already, {report.wrong} wrong;"
                " nothing was changed, --run does it"
            )
        else:
            terminal.say(f"{report.state}: {report.made} made, {report.kept} kept, {report.refused} refused")
        if report.text:
            terminal.say(report.text)
        if report.faults:
            terminal.show([msgspec.to_builtins(each) for each in report.faults], FAULT_COLUMNS, False)
    if report.wrong or report.refused or report.state == "broken":
        raise typer.Exit(EXIT_FAULTS)


def account_bulk(
    state: Annotated[AccountState, typer.Argument(help="What they are to be.")],
    expected: Annotated[int, typer.Option(help="How many you mean; far more than that are refused.")],
    why: Annotated[str, typer.Option(help="For the audit trail.")] = "",
    as_json: terminal.Json = False,
) -> None:
    """Changes the state of many accounts, one address a line on standard input; of far too many, none."""
    accounts = [line.strip() for line in sys.stdin if line.strip()]

    async def work(desk: Desk) -> Any:
        from holdfast.functions.admin.permissions import local_actor

        return await desk.ask(
            local_actor(terminal.user_name()), "bulk_state",
            accounts=accounts, state=str(state), expected=expected, why=why,
        )  # fmt: skip

    outcome = _with_desk(work)
    rows = [{"account": who, "refused": reason} for who, reason in outcome.refused.items()]
    if as_json:
        totals = {"changed": outcome.changed, "unchanged": outcome.unchanged, "refused": outcome.refused}
        terminal.show([totals], [], True)
    else:
        terminal.say(f"{outcome.changed} changed, {outcome.unchanged} were so already, {len(rows)} refused")
        if rows:
            terminal.show(rows, ["account", "refused"], False)
    if rows:
        raise typer.Exit(EXIT_FAULTS)


def _with_desk(work: Callable[[Desk], Awaitable[T]]) -> T:
    from holdfast.world import real_world, run

    async def go() -> T:
        async with _desk(terminal.load_config(), real_world(level="warn")) as desk:
            return await work(desk)

    return run(go())


@contextlib.asynccontextmanager
async def _desk(config: Config, world: Any) -> AsyncIterator[Desk]:
    """A desk of this command's own: its copy of the directory and its reports are in memory."""
    from holdfast.directory.people import People
    from holdfast.functions.admin.catalogue import BY_ID
    from holdfast.functions.admin.desk import Desk
    from holdfast.functions.admin.imports import Imports
    from holdfast.functions.admin.kept import Kept
    from holdfast.run import doors, layout

    async with doors.people(world, config) as changes:
        people = await People.open(
            world, ":memory:", layout.people_folder(config), copies=layout.people_copies(config)
        )
        kept = Kept(world, ":memory:")
        desk = Desk(BY_ID, world, people, changes)
        desk.imports = Imports(desk, kept)
        try:
            yield desk
        finally:
            await desk.imports.close()
            kept.close()
            people.close()
