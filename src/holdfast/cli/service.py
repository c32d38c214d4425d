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
    take_back: Annotated[
        bool,
        typer.Option("--take-back", help="End it, and what it has reached goes back to before."),
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Take over again what was taken back, or out of service.")
    ] = False,
) -> None:
    """Renews every process, one after the other, with the configuration as it is now. Refuses nobody."""
    config = terminal.load_config()
    if halt or take_back or resume:
        _tell(ask(config, "resume" if resume else "drain" if take_back else "halt"))
        return
    _tell(ask(config, "restart", **({"process": process} if process else {})))


def _tell(answer: dict[str, Any]) -> None:
    """What became of it. Raises ``Refused``."""
    if said := answer.get("refused") or answer.get("error"):
        raise Refused(Reason.NOT_ALLOWED, said)
    became = {"left": "left as they are", "back": "back to before", "out": "out of service", "in": "in again"}
    told = [f"{how}: {', '.join(answer[key])}" for key, how in became.items() if answer.get(key)]
    if "left" in answer or told:
        terminal.say("\n".join(told) or "nothing was left to be renewed")


def ask(config: Config, what: str, **more: str) -> dict[str, Any]:
    """One request to the supervisor. Raises ``Unavailable('supervisor')``."""
    from holdfast.run import control

    return control.ask(config.control_socket, {"do": what, **more})


def _readable(row: dict[str, Any], as_json: bool) -> dict[str, Any]:
    if as_json:
        return row
    from holdfast.world.clock import RealClock

    down = "out of service" if row.get("out") else "down"
    state = "ready" if row["ready"] else "starting" if row["pid"] else down
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
