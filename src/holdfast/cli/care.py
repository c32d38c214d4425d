"""`holdfast affected`: who is hurt. Read from files; every other process may be dead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli import terminal
from holdfast.model.errors import Reason, Refused

if TYPE_CHECKING:
    from holdfast.care.affected import AffectedSet, Scope
    from holdfast.run.config import Config
    from holdfast.watch.incidents import Incidents
    from holdfast.world import World


def add_to(app: typer.Typer) -> None:
    app.command()(affected)


def affected(
    number: Annotated[int, typer.Argument(metavar="INCIDENT", help="Of this incident, by its number.")] = 0,
    cells: Annotated[str, typer.Option(help="What if these fail: 3,7; '' for all accounts.")] = "",
    functions: Annotated[str, typer.Option(help="What if these fail: imap,pop3.")] = "",
    at: Annotated[str, typer.Option(help="In that minute, as ISO 8601 has it; '' for now.")] = "",
    csv: Annotated[str, typer.Option(help="Writes the list of mailboxes into this file.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, with the list.")] = False,
) -> None:
    """Counts whom an outage hits, and lists them; no process needs to run."""
    from pathlib import Path

    from holdfast.care import affected as care
    from holdfast.run import layout
    from holdfast.world import real_world

    world, config = real_world(level="warn"), terminal.load_config()
    scopes = _of_incident(world, config, number) if number else _asked(cells, functions)
    moment = terminal.time_of("--at", at) if at else world.clock.now()
    found = care.affected(world, layout.customers_path(config), scopes, moment)
    if csv:
        Path(csv).write_text(care.as_csv(found), encoding="utf-8", newline="")
    if as_json:
        print(care.as_json(found).decode())
        return
    _show(found)


def _asked(cells: str, functions: str) -> dict[str, Scope]:
    from holdfast.care.affected import Scope
    from holdfast.model.functions import FUNCTIONS

    names = [each.strip() for each in functions.split(",") if each.strip()]
    unknown = [each for each in names if each not in FUNCTIONS]
    if unknown or not names:
        what = f"{unknown[0]} is no function" if unknown else "--functions or an INCIDENT is needed"
        raise Refused(Reason.BAD_SYNTAX, f"{what}; there are {', '.join(FUNCTIONS)}")
    try:
        numbers = frozenset(int(each) for each in cells.split(",") if each.strip())
    except ValueError:
        raise Refused(Reason.BAD_SYNTAX, f"--cells {cells}: numbers with commas between, as 3,7") from None
    return dict.fromkeys(names, Scope(numbers or None))


def _of_incident(world: World, config: Config, number: int) -> dict[str, Scope]:
    from holdfast.care.affected import scopes_of

    incident = incidents(world, config).get(number)
    if incident is None:
        raise Refused(Reason.BAD_SYNTAX, f"there is no incident {number}")
    return scopes_of(incident)


def incidents(world: World, config: Config) -> Incidents:
    """All there are, by their ledger."""
    from holdfast.model.ledgers import INCIDENTS
    from holdfast.run import layout
    from holdfast.watch.incidents import IncidentReader, Incidents

    folder = layout.watch_folder(config)
    if not world.disk.exists(f"{folder}/{INCIDENTS}"):
        return Incidents()
    reader = IncidentReader(world, folder)
    reader.read_all()
    return reader.incidents


_BASES = {
    "all": "exact: all accounts",
    "cells": "exact: all accounts whose mail lies in these cells",
    "accounts": "exact: these accounts, by number",
    "part": "at most these: what fails doesn't fail each time",
    "undecided": "at most these: the cause isn't certain",
}


def _show(found: AffectedSet) -> None:
    rows = [
        {"function": name, **{hit.what: f"{hit.count} of {hit.of}" for hit in hits}, "basis": basis}
        for name, hits, basis in (
            *((each, hits, _BASES[found.basis[each]]) for each, hits in found.counts.items()),
            ("any of them", found.total, ""),
        )
    ]
    terminal.show(rows, ["function", "customers", "contracts", "mailboxes", "active", "basis"], False)
