"""The status page and the places it goes to, as the configuration has them."""

from __future__ import annotations

import os.path
import urllib.parse
from collections.abc import Iterator

from holdfast.care.parts.credits import CreditsPart
from holdfast.care.parts.own_pages import OwnPagesPart, Theirs
from holdfast.care.parts.status import StatusPart
from holdfast.care.parts.tenant_pages import TenantPagesPart
from holdfast.care.status import tenants as tenant_pages
from holdfast.care.status.feeds import Maintenance
from holdfast.care.status.page import Look
from holdfast.care.status.places import S3Place, S3Settings, SftpPlace, sftp_settings
from holdfast.care.status.planned import planned
from holdfast.care.status.push import FolderPlace, Place, PushedFile, PushPart
from holdfast.care.status.shelf import Shelf
from holdfast.care.status.story import texts
from holdfast.care.turns import Part
from holdfast.model.errors import Unavailable
from holdfast.model.people import Brand
from holdfast.run import keys, layout, web
from holdfast.run.config import Config
from holdfast.run.config_care import Publish
from holdfast.world import World

KEY = "status"  # of customers' own links
HERE = "here"


def parts(world: World, config: Config, credits: CreditsPart) -> Iterator[Part]:
    shelf, file = Shelf(), PushedFile(world, layout.pushed_path(config))
    seen_as, said = look(config), texts(config.web.time_zone)
    watched = layout.watched_path(config)
    yield StatusPart(world, seen_as, said, lambda: _planned(world, config), watched, shelf)
    snapshot = layout.customers_path(config)
    yield TenantPagesPart(
        world, seen_as, said, lambda: _planned(world, config), watched, snapshot, tenants(config), shelf
    )
    theirs = _theirs(config, credits)
    if theirs is not None:
        yield OwnPagesPart(world, seen_as, said, theirs, shelf)
    folder = layout.status_folder(config)
    yield PushPart(world, HERE, folder, FolderPlace(world, folder), shelf, file)
    for name, section in sorted(config.publish.items()):
        yield PushPart(world, name, section.to, place(world, config, name, section), shelf, file)


def look(config: Config) -> Look:
    status = config.status
    brand = Brand(colour=status.colour, support_url=status.support_url, support_phone=status.support_phone)
    url = f"{status.url.rstrip('/')}/" if status.url else ""
    report = web.url_of(config, "care") if config.workers.care else ""
    return Look(brand, status.name or config.service.hostname, url, config.web.language, report)


def tenants(config: Config) -> dict[int, tenant_pages.Place]:
    """Where their pages are, of those that the configuration names."""
    everybody = look(config).url
    return {
        each.tenant: tenant_pages.Place(
            name, f"{each.url.rstrip('/')}/" if each.url else f"{everybody}{name}/" if everybody else ""
        )
        for name, each in config.brands.items()
    }


def place(world: World, config: Config, name: str, section: Publish) -> Place:
    parts = urllib.parse.urlsplit(section.to)
    match parts.scheme:
        case "sftp":
            settings = sftp_settings(section.to, section.key, section.known_hosts)
            return SftpPlace(world, settings, os.path.join(config.run_folder, "publish", name))
        case "s3":
            return S3Place(
                S3Settings(
                    parts.hostname or "",
                    parts.path.strip("/"),
                    section.region,
                    section.endpoint,
                    section.access_key,
                    section.secret_key.read,
                )
            )
        case _:
            return FolderPlace(world, section.to)


def _theirs(config: Config, credits: CreditsPart) -> Theirs | None:
    """None where customers have no pages of their own, or these can't be named: everybody's needs no key."""
    if not config.status.customers:
        return None
    try:
        key = keys.key_of(config, KEY)
    except Unavailable:
        return None
    return Theirs(layout.customers_path(config), key, credits.of, lambda: credits.stage, tenants(config))


def _planned(world: World, config: Config) -> tuple[Maintenance, ...]:
    """Blocks; raises ``Refused`` and ``OSError``."""
    path = config.status.maintenance
    if not path:
        return ()
    return planned(world.disk.read(path).decode("utf-8", "replace"), os.path.getmtime(path))
