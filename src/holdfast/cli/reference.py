"""`python -m holdfast.cli.reference FOLDER`: writes docs/reference from the code; what `make docs` calls."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from typing import Any, NamedTuple

import typer.main

import holdfast
from holdfast.model.events import EVENTS


class Command(NamedTuple):
    path: str  # 'account add'
    words: str  # what it is called with
    text: str
    options: list[tuple[str, str]]


def commands() -> list[Command]:
    """Every command, in the order of `holdfast --help`."""
    from holdfast.cli.commands import app

    found: list[Command] = []
    _walk(typer.main.get_command(app), "", found)
    return found


def _walk(command: Any, path: str, found: list[Command]) -> None:
    inner = getattr(command, "commands", None)
    if inner is None:
        parameters = [each for each in command.params if each.name != "help"]
        arguments = [each for each in parameters if each.param_type_name == "argument"]
        options = [each for each in parameters if each.param_type_name == "option"]
        words = [f"[{each.name.upper()}]" if not each.required else each.name.upper() for each in arguments]
        text = "\n".join(line.strip() for line in (command.help or "").splitlines()).strip()
        listed = [(each.name.upper(), getattr(each, "help", None) or "") for each in arguments]
        listed += [(", ".join(each.opts), each.help or "") for each in options]
        found.append(Command(path, " ".join(["holdfast", path, *words]), text, listed))
        return
    for name, each in inner.items():
        _walk(each, f"{path} {name}".strip(), found)


def commands_page() -> str:
    lines = [
        "# Commands",
        "",
        "Generated from `src/holdfast/cli` by `make docs`.",
        "",
        "`--config FILE` stands before the command; else `$HOLDFAST_CONFIG`, `/etc/holdfast/holdfast.toml`.",
        "Exit status: 0 done, 2 refused (ask otherwise), 75 not now (ask again), 1 see the command.",
    ]
    for command in commands():
        lines += ["", f"## `{command.words}`", "", command.text]
        if command.options:
            lines += ["", "| | |", "|---|---|"]
            lines += [f"| `{name}` | {meaning} |" for name, meaning in command.options]
    return "\n".join(lines) + "\n"


def events_page() -> str:
    _import_everything()
    lines = [
        "# Events",
        "",
        "Generated from each package's `events.py` by `make docs`.",
        "",
        "The journal has one line of JSON per event: `at` (seconds since 1970), `event`, `level`, its keys.",
        "",
        "| event | level | meaning | keys |",
        "|---|---|---|---|",
    ]
    for name, event in sorted(EVENTS.items()):
        keys = ", ".join(f"`{key}`" for key in event.keys)
        lines.append(f"| `{name}` | {event.level} | {event.meaning} | {keys} |")
    return "\n".join(lines) + "\n"


def _import_everything() -> None:
    for module in pkgutil.walk_packages(holdfast.__path__, "holdfast."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def map_picture() -> str:
    """What needs what, as a configuration has it that says nothing."""
    from holdfast.run import mapping
    from holdfast.run.config import Config
    from holdfast.watch import picture

    return picture.svg(mapping.dependency_map(Config()))


def main() -> None:
    from holdfast.functions.admin import openapi, reference
    from holdfast.run import describe

    folder = sys.argv[1]
    pages = {
        "commands.md": commands_page(),
        "configuration.md": describe.markdown(),
        "events.md": events_page(),
    }
    pages |= {"openapi.json": openapi.text(), "admin-api.md": reference.page()}
    for name, page in pages.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(page)
    with open(os.path.join(folder, "..", "operate", "map.svg"), "w", encoding="utf-8") as file:
        file.write(map_picture())
    with open(os.path.join(folder, "..", "..", "deploy", "holdfast.toml"), "w", encoding="utf-8") as file:
        file.write(describe.template())


if __name__ == "__main__":
    main()
