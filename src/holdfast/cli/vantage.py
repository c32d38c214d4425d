"""`holdfast vantage`: our doors, tried from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli import terminal

if TYPE_CHECKING:
    from holdfast.model.findings import Finding
    from holdfast.world import World


def add_to(app: typer.Typer) -> None:
    words = typer.Typer(help="Our doors, tried from elsewhere.", no_args_is_help=True)
    words.command("run")(run)
    words.command("describe")(describe)
    words.command("check")(check)
    app.add_typer(words, name="vantage")


def run(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Its own; `vantage describe` prints one.")],
) -> None:
    """Runs a vantage point, on another machine than the service: it needs nothing of the service but its
    public names. SIGTERM ends it."""
    from holdfast.run import lookout
    from holdfast.world import real_world
    from holdfast.world import run as go

    settings = lookout.load(file)
    tries = ", ".join(settings.doors)
    ready = lambda: terminal.say(f"{settings.name} tells at {settings.listen} what it sees of {tries}")  # noqa: E731
    go(lookout.run(real_world(), settings, ready))


def describe(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `[vantages.NAME]` has it.")],
    recipient: Annotated[
        str, typer.Option(help="Asked for at the door mx, nothing is sent; '' is the first canary.")
    ] = "",
) -> None:
    """Prints the file for a vantage point: which doors it is to try, and where strangers find them."""
    from holdfast.run import canaries, lookout
    from holdfast.world import real_world

    config = terminal.become_service()
    own = canaries.accounts(real_world(level="error"), config)
    recipient = recipient or (own[0].address if own else "")
    print(lookout.describe(config, name, recipient), end="")


def check(as_json: terminal.Json = False) -> None:
    """Asks each vantage point what it sees. 1 when one can't be believed, or doesn't see all well."""
    from holdfast.world import real_world
    from holdfast.world import run as go

    rows = [_row(found) for found in go(_ask(real_world(level="error")))]
    terminal.show(rows, ["vantage", "state", "said", "well", "ill", "unknown"], as_json)
    if not rows:
        terminal.say("there are none: see docs/operate/vantage.md")
    if any(row["state"] != "works" or row["ill"] or row["unknown"] for row in rows):
        raise typer.Exit(1)


async def _ask(world: World) -> list[list[Finding]]:
    import asyncio

    from holdfast.run import mapping
    from holdfast.run.asking_vantages import Vantages

    config = terminal.become_service()
    vantages = Vantages(world, config)
    try:
        askers = vantages.askers(mapping.dependency_map(config))
        return list(await asyncio.gather(*(asker.look() for _, asker in askers)))
    finally:
        await vantages.close()


def _row(found: list[Finding]) -> dict[str, object]:
    """The last of all is its own; of each door the newest counts."""
    *tried, own = found
    newest = {each.trial.partition("@")[0]: each for each in tried}
    by: dict[str, list[str]] = {}
    for door, each in newest.items():
        by.setdefault(each.state, []).append(f"{door} ({each.step}: {each.said})" if each.step else door)
    said = f"{own.step}: {own.said}" if own.step else ""
    ill = [*by.get("fails", ()), *by.get("degraded", ())]
    return {
        "vantage": own.vantage,
        "state": own.state,
        "said": said,
        "well": len(by.get("works", ())),
        "ill": ill,
        "unknown": sorted(by.get("unknown", ())),
    }
