"""`holdfast map`: what needs what, in this configuration."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from holdfast.cli import terminal

Svg = Annotated[str | None, typer.Option("--svg", metavar="FILE", help="Draws it, as SVG.")]


def add_to(app: typer.Typer) -> None:
    app.command("map")(show)


def show(svg: Svg = None, as_json: terminal.Json = False) -> None:
    """By function: what it can't do without, what only makes it wait, and what it never meets."""
    from holdfast.run import mapping
    from holdfast.watch import outline, picture

    def device(folder: str) -> object:
        try:
            return os.stat(folder).st_dev
        except OSError:
            return None

    known = mapping.dependency_map(terminal.load_config(), device=device)
    if svg is not None:
        with open(svg, "w", encoding="utf-8") as file:
            file.write(picture.svg(known))
    elif as_json:
        print(outline.json(known))
    else:
        print(outline.text(known), end="")
