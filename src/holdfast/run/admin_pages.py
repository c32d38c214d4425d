"""The pages of the role admin: their site, who signs in there, and what they say of this machine."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from holdfast.directory.auth import AuthClient
from holdfast.directory.people import People
from holdfast.directory.sign_in import SignIn
from holdfast.functions.admin.desk import Desk
from holdfast.functions.admin.web import pages
from holdfast.functions.admin.web.office import Office, Settings, Surroundings, Warned
from holdfast.model.limits import DISK_FREE_BYTES
from holdfast.pages import Site
from holdfast.portal import portal
from holdfast.run import layout, records, renewing, web
from holdfast.run.child import Start
from holdfast.run.config import Config
from holdfast.run.parts import history_of
from holdfast.world import World


@contextlib.asynccontextmanager
async def admin_site(start: Start, people: People, desk: Desk) -> AsyncIterator[Site]:
    config, world = start.config, start.world
    site = web.site(start, packages=[portal.FOLDER, pages.FOLDER], brand=web.brand_for(people))
    async with web.operations(start) as changes, history_of(start) as history, _auth(start) as auth:
        desk.history = history
        sign_in = SignIn(world, people, auth, history=history)
        office = Office(
            site,
            desk,
            web.portal(start, site, people, sign_in, changes, history=history),
            Settings(
                second_factor=config.web.admin_second_factor, account_url=web.url_of(config, "password")
            ),
            Surroundings(
                lambda: _warnings(config, world),
                lambda: [] if people.has_writer else ["people"],
                lambda domain: records.checked(domain, config, world),
            ),
        )
        pages.add_pages(office)
        yield site
        sign_in.close()


@contextlib.asynccontextmanager
async def _auth(start: Start) -> AsyncIterator[AuthClient]:
    auth = AuthClient(start.world, layout.socket_path(start.config, "auth"))
    try:
        yield auth
    finally:
        auth.close()


def _warnings(config: Config, world: World) -> list[Warned]:
    found = []
    for each in renewing.standing(config, world):
        if each.facts is None:
            found.append(Warned("no_certificate", each.target.id, 0.0))
        elif each.soon:
            found.append(Warned("certificate", each.target.id, each.facts.ends_at - world.clock.now()))
    for name in config.volumes:
        with contextlib.suppress(OSError):
            free = world.disk.free_bytes(config.volume_folder(name))
            if free < DISK_FREE_BYTES:
                found.append(Warned("disk", name, float(free)))
    return found
