"""`holdfast remedy`: what is proposed about a fault, and what was done and can be taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli import terminal
from holdfast.model.errors import Reason, Refused, Unavailable

if TYPE_CHECKING:
    from holdfast.care.console.view import Open


def add_to(app: typer.Typer) -> None:
    words = typer.Typer(help="What may be done about a fault, and can be taken back.", no_args_is_help=True)
    words.command("list")(list_)
    words.command("do")(do)
    app.add_typer(words, name="remedy")


def list_(as_json: terminal.Json = False) -> None:
    """Lists what is proposed, and what takes back what was done; no process needs to run."""
    from holdfast.cli.queue import moment

    rows = [
        {
            "incident": each.remedy.incident,
            "action": each.remedy.action,
            "component": each.remedy.component,
            "since": moment(each.at),
        }
        for each in _open()
    ]
    terminal.show(rows, ["incident", "action", "component", "since"], as_json)


def do(
    incident: Annotated[int, typer.Argument(metavar="INCIDENT", help="As `remedy list` shows it.")],
    action: Annotated[str, typer.Argument(metavar="ACTION", help="Likewise.")],
    component: Annotated[str, typer.Argument(metavar="COMPONENT", help="Likewise.")],
    by: Annotated[str, typer.Option(help="Who says so; '' is who is signed in.")] = "",
) -> None:
    """Carries out one of them at once, and writes it down."""
    import msgspec

    from holdfast.care.console.view import OPERATOR
    from holdfast.run.incidents import add
    from holdfast.run.remedying import carry_out
    from holdfast.world import real_world, run

    asked = (incident, action, component)
    there = {
        (each.remedy.incident, each.remedy.action, each.remedy.component): each.remedy for each in _open()
    }
    if asked not in there:
        raise Refused(Reason.NOT_ALLOWED, "that isn't among them; see `holdfast remedy list`")
    config, world = terminal.load_config(), real_world(level="warn")
    remedy = there[asked]._replace(rule=OPERATOR)
    done = run(carry_out(world, config, remedy, world.clock.now()))
    said = by or terminal.user_name()
    entry = msgspec.structs.replace(done, said=f"{said}: {done.said}" if done.said else said)
    run(add(world, config, [entry]))
    if done.outcome == "failed":
        raise Unavailable(component, done.said)
    if done.outcome == "refused":
        raise Refused(Reason.NOT_ALLOWED, done.said)


def _open() -> list[Open]:
    from holdfast.care.console import view
    from holdfast.cli.care import incidents
    from holdfast.world import real_world

    known = incidents(real_world(level="warn"), terminal.load_config())
    return [*view.proposed(known), *view.in_force(known)]
