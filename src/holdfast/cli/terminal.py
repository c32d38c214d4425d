"""What all commands share with the person in front of them: configuration, tables, JSON, passwords."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast.model.errors import Reason, Refused

if TYPE_CHECKING:
    from holdfast.run.config import Config

config_path: str | None = None  # --config

Json = Annotated[bool, typer.Option("--json", help="JSON lines instead of a table.")]


def load_config() -> Config:
    """The configuration that --config, the environment or the default place names. Raises ``Refused``."""
    from holdfast.run import reading

    return reading.load(reading.find(config_path, os.environ), os.environ)


def become_service() -> Config:
    """The configuration; from here on this is the service's user: what root wrote, it could not read."""
    from holdfast.run import system

    config = load_config()
    system.become(config.service.user)
    return config


def user_name() -> str:
    """Who types, for the audit trail."""
    import pwd

    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def say(text: str = "") -> None:
    """A line for the person; results go to standard output, talk to standard error."""
    print(text, file=sys.stderr, flush=True)


def show(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    """CLI-3: ``rows`` as JSON lines with all they have, or as a table of ``columns``."""
    if as_json:
        for row in rows:
            print(json.dumps(row, default=str, ensure_ascii=False))
        return
    cells = [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [max([len(title), *(len(line[at]) for line in cells)]) for at, title in enumerate(columns)]
    for line in [[title.replace("_", " ") for title in columns], *cells]:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def password_for(login: str, generate: bool) -> tuple[str, bool]:
    """CLI-1: from the terminal, from standard input, or made here (then the second value is True).

    Never from the arguments: those are everybody's to read on the machine.
    """
    if generate:
        return new_password(), True
    if not sys.stdin.isatty():
        line = sys.stdin.readline().rstrip("\r\n")
        if not line:
            raise Refused(
                Reason.BAD_SYNTAX,
                "no password on standard input: pipe one line in, or let --generate make one",
            )
        return line, False
    import getpass

    first = getpass.getpass(f"Password for {login} (empty: make one): ")
    if not first:
        return new_password(), True
    if getpass.getpass("Once more: ") != first:
        raise Refused(Reason.BAD_SYNTAX, "the two passwords differ; nothing was changed")
    return first, False


def new_password() -> str:
    """Twenty random letters in four groups: 100 bits."""
    from holdfast.world.entropy import RealEntropy

    word = RealEntropy().token(20)
    return "-".join(word[at : at + 5] for at in range(0, 20, 5))


def time_of(option: str, text: str) -> float:
    """UTC seconds; without a zone it is UTC. Raises ``Refused``."""
    import datetime

    try:
        at = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise Refused(
            Reason.BAD_SYNTAX, f"{option} {text}: a time is written 2012-08-15T08:30+02:00"
        ) from None
    return (at if at.tzinfo else at.replace(tzinfo=datetime.UTC)).timestamp()


def confirm(question: str, yes: bool) -> None:
    """Raises ``Refused`` unless the person agrees; ``yes`` agrees in advance."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused(Reason.NOT_ALLOWED, f"{question} Say --yes: nobody is here to ask.")
    if not typer.confirm(question, err=True):
        raise Refused(Reason.NOT_ALLOWED, "nothing was changed")
