"""`holdfast console`: who may open the operator's console."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli import terminal

if TYPE_CHECKING:
    from holdfast.care.console.tokens import Tokens
    from holdfast.run.config import Config

Name = Annotated[str, typer.Argument(metavar="NAME", help="Whose it is; notes have that name.")]


def add_to(app: typer.Typer) -> None:
    words = typer.Typer(help="The operator's console: who may open it.", no_args_is_help=True)
    words.command("token")(token)
    words.command("list")(list_)
    words.command("revoke")(revoke)
    app.add_typer(words, name="console")


def token(
    name: Name,
    hours: Annotated[float, typer.Option(help="Until it ends; 0: as configured.", min=0)] = 0,
) -> None:
    """Makes a token and says it once, with where it is used. One that NAME had before ends."""
    from holdfast.run import web

    config = terminal.become_service()
    secret = _tokens(config).make(name, (hours or config.console.token_hours) * 3600)
    url = web.url_of(config, "care")
    terminal.say(f"at {url}/console:" if url else "there is no door for it: see listen.care_https")
    print(secret)


def list_(as_json: terminal.Json = False) -> None:
    """Lists whose tokens hold, and until when."""
    from holdfast.cli.queue import moment

    rows = [
        {"name": each.name, "until": moment(each.until)}
        for each in _tokens(terminal.become_service()).known()
    ]
    terminal.show(rows, ["name", "until"], as_json)


def revoke(name: Name) -> None:
    """Ends the token of NAME, and whatever it has opened."""
    _tokens(terminal.become_service()).revoke(name)


def _tokens(config: Config) -> Tokens:
    from holdfast.run import consoling
    from holdfast.world import real_world

    return consoling.tokens(real_world(level="error"), config)
