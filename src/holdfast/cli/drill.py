"""`holdfast drill`: a fault is put into a service of its own, and a score card says what came of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli import drill_simulated, terminal
from holdfast.model.errors import Reason, Refused

if TYPE_CHECKING:
    from holdfast.sim.drills.score import ScoreCard

EXIT_FAILED = 1
EXIT_ENDED = 130  # by a signal

Faults = Annotated[
    list[str] | None, typer.Argument(metavar="[FAULT]...", help="F01 …; `drill --list` names them; `story`.")
]
All = Annotated[bool, typer.Option("--all", help="Every fault that can be shown so.")]
List = Annotated[bool, typer.Option("--list", help="Which faults there are, and where each can be shown.")]
Data = Annotated[str, typer.Option(help="Folder of the drill's service, kept afterwards; '' keeps none.")]
Simulated = Annotated[
    bool, typer.Option("--simulated", help="On a provider of many machines, in virtual time.")
]
Seeds = Annotated[int, typer.Option(min=1, help="Of --simulated: so many runs of each fault.")]
Hampered = Annotated[
    str,
    typer.Option(
        help="Of --simulated: noise (5 % of all trials err), blind (one vantage point sees nothing), rolling "
        "(a release is under way)."
    ),
]
Customers = Annotated[int, typer.Option(min=100, help="Of `drill story`: so many.")]
Keep = Annotated[
    str, typer.Option(help="Folder for score cards; '' is watch/drills below the configured data, if any.")
]


def add_to(app: typer.Typer) -> None:
    app.command()(drill)


def drill(
    faults: Faults = None,
    all_: All = False,
    list_: List = False,
    data: Data = "",
    keep: Keep = "",
    simulated: Simulated = False,
    seeds: Seeds = 1,
    hampered: Hampered = "",
    customers: Customers = 100_000,
    as_json: terminal.Json = False,
) -> None:
    """Puts faults into a service with real processes, of its own, on loopback; prints a score card of each.

    What runs elsewhere on this machine isn't touched. Each takes two to four minutes. 1 when a cause was
    wrong or not found, or customers met what they must not.
    --simulated shows all of them on a provider of many machines, in virtual time; only what the watchers make
    of it is judged there. `drill story` writes the week of August 2012 into --data, as it would have been.
    """
    if list_:
        _list(as_json)
    elif [each.upper() for each in faults or []] == [drill_simulated.STORY]:
        drill_simulated.story(data, seeds, customers)
    elif simulated and (all_ or faults):
        ids = drill_simulated.rows() if all_ else _played(faults or [])
        if not drill_simulated.simulated(ids, seeds, hampered, as_json):
            raise typer.Exit(EXIT_FAILED)
    elif all_ or faults:
        _drill(_chosen(faults or [], all_), data, keep, as_json)
    else:
        raise Refused(Reason.BAD_SYNTAX, "which? `holdfast drill F05`, or --all; --list names them")


def _list(as_json: bool) -> None:
    from holdfast.sim.drills.catalogue import catalogue
    from holdfast.sim.drills.real.rows import ROWS

    rows = [
        {
            "fault": each.id,
            "on": [where for where in each.on if where != "real" or each.id in ROWS],
            "title": each.en,
        }
        for each in catalogue().values()
    ]
    terminal.show(rows, ["fault", "on", "title"], as_json)


def _played(faults: Sequence[str]) -> list[str]:
    """In virtual time. Raises ``Refused`` for one that there isn't, or that isn't there."""
    from holdfast.sim.drills.catalogue import fault

    found = [fault(each) for each in faults]
    if strange := [each.id for each in found if "simulated" not in each.on]:
        raise Refused(Reason.BAD_NAME, f"{strange[0]} is held on real processes alone: leave out --simulated")
    return [each.id for each in found]


def _chosen(faults: Sequence[str], everything: bool) -> list[str]:
    """Raises ``Refused`` for one that there isn't, or that one machine can't show."""
    from holdfast.sim.drills.catalogue import fault
    from holdfast.sim.drills.real.rows import ROWS

    if everything:
        return list(ROWS)
    ids = [fault(each).id for each in faults]
    if strange := [each for each in ids if each not in ROWS]:
        raise Refused(Reason.BAD_NAME, f"one machine can't show {strange[0]}: real are {', '.join(ROWS)}")
    return ids


def _drill(ids: Sequence[str], data: str, keep: str, as_json: bool) -> None:
    import asyncio

    import msgspec

    from holdfast.sim.drills import telling
    from holdfast.sim.drills.real import runner
    from holdfast.sim.drills.score import totals
    from holdfast.world import real_world, run

    cards: list[ScoreCard] = []

    def done(one: ScoreCard | runner.Skipped) -> None:
        if isinstance(one, runner.Skipped):
            terminal.say(f"{one.fault}  not shown: {one.why}")
            return
        cards.append(one)
        _keep(one, keep)
        print(msgspec.json.encode(one).decode() if as_json else telling.card(one) + "\n", flush=True)

    try:
        run(runner.run(real_world(level="error"), ids, terminal.say, done, data))
    except asyncio.CancelledError:
        raise typer.Exit(EXIT_ENDED) from None
    if len(cards) > 1 and not as_json:
        print(telling.totals(totals(cards)))
    if len(cards) < len(ids) or any(each.verdict != "right" or not each.behaved for each in cards):
        raise typer.Exit(EXIT_FAILED)


def _keep(card: ScoreCard, folder: str) -> None:
    """Where the console reads it."""
    import msgspec

    from holdfast.run import layout, reading, system
    from holdfast.world import real_world

    path = reading.find(terminal.config_path, os.environ)
    if not folder and not os.path.exists(path):
        return
    folder = folder or layout.drills_folder(reading.load(path, os.environ))
    system.make_folder(folder)
    name = f"{card.fault}-{card.where}-{int(card.at)}.json"
    real_world(level="error").disk.write_atomic(os.path.join(folder, name), msgspec.json.encode(card))
