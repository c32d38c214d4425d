"""`holdfast config`: is the file right, and what may it say."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from holdfast.cli import terminal


def add_to(app: typer.Typer) -> None:
    words = typer.Typer(help="The configuration: test it, describe its keys.", no_args_is_help=True)
    words.command("test")(test)
    words.command("describe")(describe)
    app.add_typer(words, name="config")


def test() -> None:
    """Reads the configuration and names every mistake with its place; 0 when there is none."""
    from holdfast.run import reading

    path = reading.find(terminal.config_path, os.environ)
    reading.load(path, os.environ)
    print(f"{path}: good")


def describe(
    key: Annotated[str, typer.Argument(help="Only keys whose section or name contains this.")] = "",
    as_json: terminal.Json = False,
) -> None:
    """Lists every key with its default and meaning."""
    from holdfast.run.describe import every_key

    rows = [
        {
            "key": f"{each.section}.{each.name}",
            "kind": each.kind,
            "default": each.default,
            "meaning": each.meaning,
            "variable": each.variable,
        }
        for each in every_key()
        if key in f"{each.section}.{each.name}"
    ]
    terminal.show(rows, ["key", "default", "meaning"], as_json)
