"""`holdfast status-page`: what 100,000 people read during an outage, written as files that need no server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli import terminal
from holdfast.cli.care import incidents
from holdfast.model.errors import Reason, Refused

if TYPE_CHECKING:
    from holdfast.care.status.feeds import Maintenance
    from holdfast.care.status.lines import Watched
    from holdfast.care.status.page import Files, Known, Page
    from holdfast.run.config import Config
    from holdfast.world import World


def add_to(app: typer.Typer) -> None:
    app.command("status-page")(status_page)


def status_page(
    to: Annotated[str, typer.Option("--to", metavar="FOLDER", help="Where a web server shows them.")],
    name: Annotated[str, typer.Option(help="Whose status it is; '' is the service's host name.")] = "",
    url: Annotated[str, typer.Option(help="The folder's address, as customers reach it.")] = "",
    colour: Annotated[str, typer.Option(help="The brand's colour: #rrggbb.")] = "",
    support: Annotated[str, typer.Option(help="Where customers find help: https://…")] = "",
    maintenance: Annotated[str, typer.Option(metavar="FILE", help="Planned maintenance, as TOML.")] = "",
    customer: Annotated[
        list[int] | None, typer.Option(help="With a page of this customer's own; may be given several times.")
    ] = None,
) -> None:
    """Tries every function and writes the status page; what can't be tried is not called working."""
    from holdfast.care.status.kept import keep_watched, read_watched
    from holdfast.care.status.lines import watched_further
    from holdfast.care.status.page import Look, Page
    from holdfast.care.status.publish import publish
    from holdfast.care.status.story import texts
    from holdfast.model.people import Brand
    from holdfast.run import layout, web
    from holdfast.world import real_world

    world, config = real_world(level="warn"), terminal.load_config()
    watched_path = layout.watched_path(config)
    known = _known(
        world, config, read_watched(world, watched_path), _planned(maintenance) if maintenance else ()
    )
    brand = Brand(colour=colour, support_url=support)
    address = f"{url.rstrip('/')}/" if url else ""
    report = web.url_of(config, "care") if config.workers.care else ""
    look = Look(brand, name or config.service.hostname, address, config.web.language, report)
    said = texts(config.web.time_zone)
    page = Page(known, look, said)
    keep_watched(world, watched_path, watched_further(known.watched, page.lines, known.now))
    page = Page(known._replace(watched=read_watched(world, watched_path)), look, said)
    files = page.files()
    for each in customer or ():
        theirs = _customer(world, config, page, each)
        files |= theirs
        print(next(iter(theirs)))
    changed = publish(world, to, files)
    terminal.say(f"{len(changed)} of {len(files)} files changed in {to}")


def _known(world: World, config: Config, watched: Watched, planned: tuple[Maintenance, ...]) -> Known:
    from holdfast.care.status.page import Known
    from holdfast.model.limits import INCIDENT_UPDATE_S
    from holdfast.run.health import Seeing
    from holdfast.watch.summary import findings
    from holdfast.world import run

    verdicts = run(Seeing(world, config).health().verdicts())
    now = world.clock.now()
    found = incidents(world, config)
    return Known(now, findings(verdicts), found, watched, now + INCIDENT_UPDATE_S, planned)


def _customer(world: World, config: Config, page: Page, number: int) -> Files:
    from holdfast.care import customers
    from holdfast.care.status import customer
    from holdfast.pages.texts import LANGUAGES
    from holdfast.run import keys, layout

    with customers.reading(world, layout.customers_path(config)) as db:
        known, accounts = customers.customer(db, number), customers.accounts_of(db, number)
    if known is None:
        raise Refused(Reason.BAD_SYNTAX, f"there is no customer {number}")
    language = known.language if known.language in LANGUAGES else page.look.language
    pages = customer.Customers(page, keys.key_of(config, "status"))
    return pages.files(number, accounts, language)


def _planned(path: str) -> tuple[Maintenance, ...]:
    from pathlib import Path

    from holdfast.care.status.planned import planned

    try:
        return planned(Path(path).read_text(encoding="utf-8"), Path(path).stat().st_mtime)
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(Reason.BAD_SYNTAX, f"{path}: {error}") from error
