"""`holdfast serve`, `dev`, `status`, `restart`: the running service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast.cli import serving, terminal
from holdfast.model.errors import Reason, Refused

if TYPE_CHECKING:
    from holdfast.run.config import Config


def add_to(app: typer.Typer) -> None:
    app.command()(serve)
    app.command()(dev)
    app.command()(status)
    app.command()(restart)


def serve() -> None:
    """Runs the whole service, one process per role, until it is told to stop.

    SIGTERM stops it in order, SIGHUP renews the processes one after the other.
    """
    serving.serve(terminal.config_path)


def dev(
    break_it: Annotated[
        list[str] | None, typer.Option("--without", help="A role to leave out, to see what happens.")
    ] = None,
) -> None:
    """Runs all roles but `watch` in this one process: for looking inside and for debuggers."""
    from holdfast.run.dev import run

    run(terminal.load_config(), without=break_it or [])


def status(as_json: terminal.Json = False) -> None:
    """Shows each process: how long it lives, how often it was started again. 1 when one isn't ready."""
    config = terminal.load_config()
    found = ask(config, "status")
    rows = found["processes"]
    if not as_json:
        doors = "  ".join(f"{door} {', '.join(at)}" for door, at in found["listeners"].items() if at)
        print(f"{found['hostname']}, process {found['pid']}: {doors}\n")
    terminal.show(
        [_readable(row, as_json) for row in rows], ["process", "state", "pid", "up", "restarts"], as_json
    )
    if not all(row["ready"] for row in rows):
        raise typer.Exit(1)


def restart(
    process: Annotated[
        str, typer.Argument(metavar="[PROCESS]", help="One alone, as `status` names it.")
    ] = "",
    halt: Annotated[bool, typer.Option("--halt", help="End a restart of all where it is.")] = False,
) -> None:
    """Renews every process, one after the other, with the configuration as it is now. Refuses nobody."""
    config = terminal.load_config()
    if halt:
        left = ask(config, "halt")["left"]
        terminal.say(f"left as they are: {', '.join(left)}" if left else "nothing was left to be renewed")
        return
    answer = ask(config, "restart", **({"process": process} if process else {}))
    if said := answer.get("refused") or answer.get("error"):
        raise Refused(Reason.NOT_ALLOWED, said)


def ask(config: Config, what: str, **more: str) -> dict[str, Any]:
    """One request to the supervisor. Raises ``Unavailable('supervisor')``."""
    from holdfast.run import control

    return control.ask(config.control_socket, {"do": what, **more})


def _readable(row: dict[str, Any], as_json: bool) -> dict[str, Any]:
    if as_json:
        return row
    from holdfast.world.clock import RealClock

    state = "ready" if row["ready"] else "starting" if row["pid"] else "down"
    return {**row, "state": state, "up": span(RealClock().now() - row["since"]) if row["pid"] else ""}


def span(seconds: float) -> str:
    """``75`` → ``1m15s``; the two largest units."""
    left = int(seconds)
    parts: list[str] = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        if left >= size or parts:
            parts.append(f"{left // size}{unit}")
            left %= size
    return "".join(parts[:2]) or "0s"
