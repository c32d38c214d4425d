"""The role password: the pages on which customers look after their accounts.

It needs its copy of the directory and a disk. The people process, the auth process, the store and all
indexes may be gone (PASSWORD-1, PASSWORD-6).
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from holdfast.directory.auth import AUTH
from holdfast.directory.deferred import Deferred
from holdfast.directory.factors import Factors
from holdfast.directory.sealing import Sealing
from holdfast.directory.writer import PeopleClient
from holdfast.functions.password import pages
from holdfast.functions.password.desk import Desk, Reach, Server, Settings
from holdfast.functions.password.letters import Letters
from holdfast.portal import portal
from holdfast.run import doors, layout, parts, web
from holdfast.run.child import Start
from holdfast.run.config import Config
from holdfast.run.reaching import reach, running
from holdfast.run.reading import split_address
from holdfast.world.link import Link

FORGOTTEN = "/forgotten"
_READ_BY = (("imaps", "imap"), ("imap", "imap"), ("pop3s", "pop3"), ("pop3", "pop3"))
_SENT_BY = (("submissions", "submission"), ("submission", "submission"))


async def run_password(start: Start) -> None:
    config, world = start.config, start.world
    async with contextlib.AsyncExitStack() as stack:
        people = await stack.enter_async_context(parts.people_copy(start))
        operations = await stack.enter_async_context(web.operations(start))
        writes = await stack.enter_async_context(parts.store_writes(start))
        history = await stack.enter_async_context(parts.history_of(start))
        sign_in = await stack.enter_async_context(parts.sign_in_noted(start, people, history))
        deferred = await stack.enter_async_context(_deferred(start, operations))
        reached = await stack.enter_async_context(reach(start, people))
        auth = stack.enter_context(contextlib.closing(Link(world, layout.socket_path(config, "auth"), AUTH)))
        auth.start()
        letters = Letters(world, sms=reached.sms, mail=reached.mail)
        stack.push_async_callback(letters.close)
        site = web.site(start, packages=[portal.FOLDER, pages.FOLDER], brand=web.brand_for(people))
        sealing = Sealing.open(world, layout.key_path(config, "factors"))
        desk = Desk(
            world,
            site,
            settings(config),
            people=people,
            operations=operations,
            deferred=deferred,
            sign_in=sign_in,
            history=history,
            portal=web.portal(start, site, people, sign_in, operations, history=history, forgotten=FORGOTTEN),
            proofs=reached.proofs,
            letters=letters,
            mail=doors.mail_store(world, config, writes),
            reach=lambda: Reach(people.has_writer, auth.connected, writes.connected),
        )
        factors = Factors(world, people, sealing, issuer=config.service.hostname)
        pages.add_pages(desk, factors, web.passkeys(start, people), lambda: doors.reading(world, config))
        await web.serve(start, site.app)


def settings(config: Config) -> Settings:
    return Settings(
        servers=tuple(servers(config)),
        url=web.url_of(config, "password"),
        country=config.gateways.country,
        undelete_s=config.limits.undelete_s,
    )


def servers(config: Config) -> list[Server]:
    """What to type into a mail program: of each function the door with TLS, or else with STARTTLS."""
    found: dict[str, Server] = {}
    for door, how in (*_READ_BY, *_SENT_BY):
        listeners: list[str] = getattr(config.listen, door)
        if listeners and how not in found:
            _, port = split_address(listeners[0])
            found[how] = Server(how, config.service.hostname, port, not door.endswith("s"))
    return list(found.values())


@contextlib.asynccontextmanager
async def _deferred(start: Start, operations: PeopleClient) -> AsyncIterator[Deferred]:
    config, volume = start.config, layout.main_volume(start.config)
    deferred = await Deferred.open(
        start.world,
        config.volume_folder(volume),
        f"password-asked-{start.worker}",
        operations,
        copies=config.copies_of(volume, "synchronous"),
        trailing=config.copies_of(volume, "trailing"),
    )
    try:
        with running(deferred.run()):
            yield deferred
    finally:
        await deferred.close()
