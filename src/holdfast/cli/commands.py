"""All commands. Everything heavy is imported in the command."""

from __future__ import annotations

from typing import Annotated

import typer

from holdfast.cli import (
    admin,
    bulk,
    canaries,
    care,
    certificates,
    configuration,
    console,
    credits,
    demonstration,
    directories,
    dns,
    drill,
    examine,
    exporting,
    importing,
    incidents,
    mapping,
    notices,
    people,
    queue,
    remedies,
    reports,
    service,
    setup,
    sign_in,
    status_page,
    storage,
    terminal,
    vantage,
)

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
canaries.add_to(app)
drill.add_to(app)
mapping.add_to(app)
vantage.add_to(app)
configuration.add_to(app)
console.add_to(app)
incidents.add_to(app)
remedies.add_to(app)
care.add_to(app)
notices.add_to(app)
reports.add_to(app)
credits.add_to(app)
status_page.add_to(app)
