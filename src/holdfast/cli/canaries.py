"""`holdfast canary`: each function used as customers use it, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast.cli import terminal

if TYPE_CHECKING:
    from holdfast.model.findings import State
    from holdfast.watch.canaries.words import Result

EXIT_FAILS = 1
EXIT_UNKNOWN = 2

Which = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[FUNCTION]...",
        help="receive, send, imap, pop3, webmail, password, signup; all if none is named. "
        "Or one of: setup, components.",
    ),
]


def add_to(app: typer.Typer) -> None:
    app.command()(canary)


def canary(functions: Which = None, as_json: terminal.Json = False) -> None:
    """Uses each function as customers do, once: a line for each step with its time, and what failed.

    1 when something fails, 2 when something is unknown. `canary setup` makes the two accounts that it uses,
    or gives them new passwords; `canary components` checks disks, ledgers, processes, certificates, names.
    """
    if functions == ["setup"]:
        _set_up()
    elif functions == ["components"]:
        _check(as_json)
    else:
        _try(functions or [], as_json)


def _try(functions: list[str], as_json: bool) -> None:
    from holdfast.run.canaries import run_once
    from holdfast.world import real_world, run

    results = run(run_once(real_world(level="error"), terminal.become_service(), functions))
    if as_json:
        terminal.show(map(_row, results), (), True)
    else:
        for each in results:
            _print(each)
    _end({each.finding.state for each in results if each.finding.function})


def _check(as_json: bool) -> None:
    from holdfast.run.components import look_once
    from holdfast.world import real_world, run

    found = run(look_once(real_world(level="error"), terminal.become_service()))
    terminal.show([each._asdict() for each in found], ["trial", "state", "step", "said"], as_json)
    _end({each.state for each in found})


def _end(states: set[State]) -> None:
    if states & {"fails", "degraded"}:
        raise typer.Exit(EXIT_FAILS)
    if "unknown" in states:
        raise typer.Exit(EXIT_UNKNOWN)


def _set_up() -> None:
    from holdfast.cli.people import with_people
    from holdfast.run.canaries import set_up
    from holdfast.world import real_world

    config, world = terminal.become_service(), real_world(level="warn")
    for address in with_people(lambda people: set_up(world, config, people), config):
        print(address)


def _row(result: Result) -> dict[str, Any]:
    passed = [{"step": each.step, "took_s": round(each.took_s, 4)} for each in result.passed]
    return {**result.finding._asdict(), "passed": passed, "notes": list(result.notes)}


def _print(result: Result) -> None:
    finding = result.finding
    print(f"{finding.trial.removeprefix('canary/'):10} {finding.state:9} {finding.took_s:7.3f} s")
    for each in result.passed:
        print(f"    {each.step:16} {each.took_s:7.3f} s")
    if finding.state != "works":
        print(f"    {finding.step:16} {finding.state}: {finding.said}")
    for note in result.notes:
        print(f"      {note}")
