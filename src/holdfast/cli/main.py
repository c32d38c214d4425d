"""`holdfast`: the commands, and what their errors look like. Everything heavy is imported in the command."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from holdfast.cli import (
    admin,
    bulk,
    certificates,
    configuration,
    demonstration,
    directories,
    dns,
    examine,
    exporting,
    importing,
    people,
    queue,
    service,
    setup,
    sign_in,
    storage,
    terminal,
)
from holdfast.model.errors import Refused, Unavailable

app = typer.Typer(
    name="holdfast",
    help="A mail service for a provider that must not go dark.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def settings(
    config: Annotated[
        str | None, typer.Option("--config", "-c", help="The configuration file.", envvar="HOLDFAST_CONFIG")
    ] = None,
) -> None:
    terminal.config_path = config


setup.add_to(app)
service.add_to(app)
demonstration.add_to(app)
people.add_to(app)
admin.add_to(app)
sign_in.add_to(app)
bulk.add_to(app)
directories.add_to(app)
storage.add_to(app)
importing.add_to(app)
exporting.add_to(app)
queue.add_to(app)
dns.add_to(app)
certificates.add_to(app)
examine.add_to(app)
configuration.add_to(app)

EXIT_REFUSED = 2
EXIT_UNAVAILABLE = 75  # EX_TEMPFAIL of sysexits.h: try again later


def main() -> None:
    """The program. CLI-2: a mistake is a sentence on standard error, never a traceback."""
    try:
        app()
    except Refused as refused:
        print(f"holdfast: {refused.text}", file=sys.stderr)
        sys.exit(EXIT_REFUSED)
    except Unavailable as unavailable:
        print(f"holdfast: not now: {unavailable}", file=sys.stderr)
        sys.exit(EXIT_UNAVAILABLE)
    except BrokenPipeError:  # `holdfast account list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # noqa: TID251
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
