"""What roles with pages share: their site, their doors, and the way to the people process."""

from __future__ import annotations

import contextlib
import urllib.parse
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.model.errors import Unavailable
from holdfast.model.people import Brand
from holdfast.pages import Site, Visit
from holdfast.pages.ended import Ended
from holdfast.run import directories, keys, layout, parts, ports
from holdfast.run.child import Start
from holdfast.run.config import Config
from holdfast.run.reading import split_address
from holdfast.world.http import COMMON_CROWD, App, Crowd, Door, serve_http_doors

if TYPE_CHECKING:
    from holdfast.directory.history import History
    from holdfast.directory.passkeys import Passkeys
    from holdfast.directory.people import People
    from holdfast.directory.sign_in import SignIn
    from holdfast.directory.writer import PeopleClient
    from holdfast.portal.portal import Portal

_HTTPS = 443


def url_of(config: Config, role: str) -> str:
    """Where people reach a role's pages: as configured, else its TLS door on this machine; '' for none."""
    configured = {
        "password": config.web.account_url,
        "signup": config.web.signup_url,
        "admin": config.web.admin_url,
        "jmap": config.web.jmap_url,
        "webmail": config.web.webmail_url,
        "care": config.web.care_url,
    }.get(role, "")
    if configured:
        return configured.rstrip("/")
    for door in ports.DOORS[role]:
        listeners: list[str] = getattr(config.listen, door)
        if door.endswith("s") and listeners:
            port = split_address(listeners[0])[1]
            host = config.service.hostname
            return f"https://{host}" if port == _HTTPS else f"https://{host}:{port}"
    return ""


def site(
    start: Start,
    packages: Sequence[Path] = (),
    *,
    brand: Callable[[Visit], Brand] = lambda visit: Brand(),
    plain: bool | None = None,
    key: bytes = b"",
) -> Site:
    """The role's site. ``packages``: folders with ``templates``, ``texts`` and ``static``.

    ``key``: seals what browsers keep; without one, that of all pages. Raises ``Unavailable("keys")``.

    ``plain``: whether pages are served without TLS; None: as the configuration has it for passwords.
    """
    config = start.config
    return Site(
        start.world,
        function=start.role,
        key=key or keys.key_of(config, keys.PAGES),
        packages=packages,
        brand=brand,
        secure=not (config.tls.plain_sign_in if plain is None else plain),
        url=url_of(config, start.role),
        language=config.web.language,
        time_zone=config.web.time_zone,
        session_s=config.web.session_s,
        ended=Ended(start.world, layout.sessions_folder(config), start.name),
    )


def brand_for(people: People) -> Callable[[Visit], Brand]:
    """A tenant's look: that of the account that is signed in, else of the domain that the page is under."""

    def brand(visit: Visit) -> Brand:
        try:
            account = people.account(visit.shown_session.account) if visit.shown_session else None
            if account is not None:
                return people.brand_of(account.login.rpartition("@")[2])
            host = (visit.request.url.hostname or "").lower()
            while host:
                if people.domain(host) is not None:
                    return people.brand_of(host)
                host = host.partition(".")[2]
        except Unavailable:  # a look is never worth a page
            return Brand()
        return Brand()

    return brand


async def serve(start: Start, app: App, *, message_bytes: int = 0, crowd: Crowd = COMMON_CROWD) -> None:
    """Serves on the role's doors until it is told to stop; in TLS where a door's name ends with s.

    ``message_bytes``: of one message of a websocket; 0: none are served.
    """
    tls = parts.tls_context(start)
    doors = []
    for name, sockets in start.sockets.items():
        if not name.endswith("s"):
            doors.append(Door(sockets, None))
        elif tls is not None:
            doors.append(Door(sockets, tls))
    await serve_http_doors(
        start.world,
        app,
        doors,
        stop=start.stop,
        ready=start.ready,
        trusted_proxies=start.config.web.trusted_proxies,
        message_bytes=message_bytes,
        crowd=crowd,
    )


@contextlib.asynccontextmanager
async def operations(start: Start) -> AsyncIterator[PeopleClient]:
    """Changes of people, asked of the people process; each is ``Unavailable("people")`` while it is gone."""
    from holdfast.directory.writer import PeopleClient

    client = PeopleClient(start.world, layout.socket_path(start.config, "people"))
    try:
        yield client
    finally:
        client.close()


def portal(
    start: Start,
    site: Site,
    people: People,
    sign_in: SignIn,
    changes: PeopleClient,
    *,
    history: History | None = None,
    home: str = "/",
    forgotten: str = "",
) -> Portal:
    """Signing in to the role's site, with second factors. ``site`` has ``holdfast.portal.portal.FOLDER``."""
    from holdfast.directory.factors import Factors
    from holdfast.directory.sealing import Sealing
    from holdfast.portal.portal import Portal

    sealing = Sealing.open(start.world, layout.key_path(start.config, "factors"))
    return Portal(
        start.world,
        site,
        people,
        sign_in,
        factors=Factors(start.world, people, sealing, issuer=start.config.service.hostname),
        passkeys=passkeys(start, people),
        operations=changes,
        history=history,
        home=home,
        forgotten=forgotten,
        providers=directories.providers(start.world, start.config, start.role),
    )


def passkeys(start: Start, people: People) -> Passkeys:
    """Bound to the name that the role's pages are reached under; behind another name they don't work."""
    from holdfast.directory.passkeys import Passkeys

    url = url_of(start.config, start.role)
    host = urllib.parse.urlsplit(url).hostname or start.config.service.hostname
    title = start.config.service.hostname
    return Passkeys(start.world, people, host=host, title=title, origins=[url])


async def run_bare(start: Start) -> None:
    """A role whose pages aren't written yet: it says that it lives."""
    await serve(start, site(start).app)
