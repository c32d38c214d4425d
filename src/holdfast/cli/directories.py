"""`holdfast directory`: directories outside, whence accounts come."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast.cli import terminal
from holdfast.model.errors import Reason, Refused

if TYPE_CHECKING:
    from holdfast.directory.people import People
    from holdfast.directory.sources.sync import Report
    from holdfast.run.config import Config, Directory

COLUMNS = ["name", "kind", "people", "read", "state"]
SHOWN = 5  # people that `check` shows

Name = Annotated[str, typer.Argument(help="As the configuration names it.")]


def add_to(app: typer.Typer) -> None:
    directories = typer.Typer(
        help="Directories outside: LDAP, SQL, and providers of sign-ins.", no_args_is_help=True
    )
    directories.command("list")(directory_list)
    directories.command("check")(directory_check)
    directories.command("sync")(directory_sync)
    app.add_typer(directories, name="directory")


def directory_list(as_json: terminal.Json = False) -> None:
    """Lists them, and how each was when it was looked at last; asks none of them."""
    config = terminal.load_config()
    rows = [_row(config, name, each) for name, each in sorted(config.directories.items())]
    terminal.show(rows, COLUMNS, as_json)


def _row(config: Config, name: str, section: Directory) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "kind": section.kind, "people": None, "read": "", "state": ""}
    if section.kind == "oidc":
        return row
    import msgspec

    from holdfast.directory.sources.sync import load_kept
    from holdfast.run import directories, layout
    from holdfast.world import real_world

    source = directories.source_name(name, section)
    kept = load_kept(real_world(level="warn"), layout.sources_folder(config), source)
    state = kept.trouble and f"out of reach: {kept.trouble}"
    state = state or (kept.doubt and f"not believed: {kept.doubt}")
    if not state:
        state = f"{len(kept.refused)} refused" if kept.refused else "well" if kept.read_at else "never read"
    details = msgspec.to_builtins(kept)
    return {**row, **details, "people": kept.people, "read": _when(kept.read_at), "state": state}


def directory_check(name: Name, as_json: terminal.Json = False) -> None:
    """Asks a directory, and shows a few of its people as they would come here. Changes nothing."""
    config = terminal.load_config()
    section = _section(config, name)
    if section.kind == "oidc":
        _check_provider(name, section)
        return
    import msgspec

    from holdfast.run import directories

    found = directories.source(name, section).read_all()
    without = f", {found.nameless} without an id" if found.nameless else ""
    terminal.say(f"{name}: {len(found.people)} people{without}")
    rows = [dict(zip(each._fields, msgspec.to_builtins(each))) for each in found.people]
    shown = rows if as_json else rows[:SHOWN]
    terminal.show(shown, ["id", "address", "aliases", "name", "disabled"], as_json)


def _check_provider(name: str, section: Directory) -> None:
    from holdfast.portal.oidc import Provider
    from holdfast.run import directories
    from holdfast.world import real_world, run

    async def go() -> None:
        provider = Provider(real_world(level="warn"), directories.provider_settings(name, section))
        try:
            await provider.look()
        finally:
            await provider.close()

    run(go())
    terminal.say(f"{name}: {section.issuer} answers")


def directory_sync(
    name: Name,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be changed.")] = False,
    believe: Annotated[
        int, typer.Option(help="So many accounts may be disabled, though it is suddenly many.", min=0)
    ] = 0,
) -> None:
    """Looks at everybody in a directory now, and brings accounts in line with it."""
    from holdfast.cli.people import with_people
    from holdfast.world import real_world

    config = terminal.load_config()
    if _section(config, name).kind == "oidc":
        raise Refused(Reason.NOT_ALLOWED, f"{name} has no list of its people: nothing to bring in line")

    async def work(operations: Any) -> Report:
        from holdfast.run import directories

        world = real_world(level="warn")
        async with _people(world, config) as people:
            sync = directories.sync(world, config, name, people, operations)
            return await sync.once(full=True, dry=dry_run, believe=believe)

    report = with_people(work, config)
    for line in report.lines():
        print(line)
    plan = report.plan
    counts = f"{len(plan.add)} added, {len(plan.change)} changed, {len(plan.disable)} disabled"
    words = f"{report.people} people: {counts}, {len(plan.enable)} enabled, {len(plan.refused)} refused"
    terminal.say(f"{words}{' (nothing was changed)' if dry_run else ''}")
    if plan.doubt:
        raise Refused(
            Reason.NOT_ALLOWED,
            f"nobody was disabled: {plan.doubt}. If that is meant: --believe {plan.leaving}",
        )


@contextlib.asynccontextmanager
async def _people(world: Any, config: Config) -> AsyncIterator[People]:
    """A copy of this command's own, in memory: it needs the ledger and nobody's file."""
    from holdfast.directory.people import People
    from holdfast.run import layout

    people = await People.open(
        world, ":memory:", layout.people_folder(config), copies=layout.people_copies(config)
    )
    try:
        yield people
    finally:
        people.close()


def _section(config: Config, name: str) -> Directory:
    section = config.directories.get(name)
    if section is None:
        there = ", ".join(sorted(config.directories)) or "none"
        raise Refused(Reason.BAD_SYNTAX, f"no directory {name} in the configuration; there are: {there}")
    return section


def _when(seconds: float) -> str:
    if not seconds:
        return ""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M")
