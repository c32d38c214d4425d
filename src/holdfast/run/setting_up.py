"""The role `setup`: client set-up, challenges of certificates, and their renewal."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

from holdfast.directory.names import fold_domain
from holdfast.directory.people import People
from holdfast.flow.records import sts_policy
from holdfast.functions.setup import pages
from holdfast.functions.setup.answers import Answers, Settings
from holdfast.functions.setup.certificates.sni import ByName
from holdfast.functions.setup.servers import Kind, Security, Server, Servers
from holdfast.model.errors import Refused
from holdfast.run import layout, parts, records, renewing, web
from holdfast.run.child import Start
from holdfast.run.config import Config
from holdfast.world.http import Door, serve_http_doors


async def run_setup(start: Start) -> None:
    config, world = start.config, start.world
    async with parts.people_copy(start) as people:
        site = web.site(start, packages=[pages.FOLDER], brand=web.brand_for(people))
        settings = Settings(
            servers=servers(config),
            domain_of=lambda name: our_domain(people, name),
            title=lambda domain: people.brand_of(domain).title,
            url=web.url_of(config, "setup"),
            sts_policy=sts_policy(records.place_of(config, world)),
            acme=layout.acme_folder(config),
            signing=(config.certificate, config.key),
            jmap=jmap_url(config),
        )
        site.app.router.routes.extend(Answers(world, settings).routes())
        account_url = web.url_of(config, "password") if config.workers.password else ""
        pages.Pages(site, settings.servers, settings.domain_of, account_url)
        tls = parts.tls_context(start)
        if tls is not None:
            ByName(world, renewing.paths_by_name(config)).choose_in(tls)
        doors = [Door(start.sockets.get("setup_http", ()), None)]
        if tls is not None:
            doors.append(Door(start.sockets.get("setup_https", ()), tls))
        async with _certificates(start, people):
            await serve_http_doors(
                world,
                site.app,
                doors,
                stop=start.stop,
                ready=start.ready,
                trusted_proxies=config.web.trusted_proxies,
            )


def our_domain(people: People, name: str) -> str | None:
    """A-labels of a domain of ours; None for another's. Raises ``Unavailable("people")`` in doubt."""
    try:
        folded = fold_domain(name) if name else ""
    except Refused:
        return None
    return folded if folded and people.is_local_domain(folded) else None


def jmap_url(config: Config) -> str:
    url = web.url_of(config, "jmap") if config.workers.jmap else ""
    return f"{url}/.well-known/jmap" if url else ""


def servers(config: Config) -> Servers:
    """What is listened to, as programs are told of it."""

    def found(kind: Kind, tls: str, starttls: str) -> Iterator[Server]:
        for door, security in ((tls, Security.TLS), (starttls, Security.STARTTLS)):
            if port := records.port_of(config, door):
                yield Server(kind, config.service.hostname, port, security)

    workers = config.workers
    incoming: list[Server] = []
    if workers.imap:
        incoming += found("imap", "imaps", "imap")
    if workers.pop3:
        incoming += found("pop3", "pop3s", "pop3")
    outgoing = found("smtp", "submissions", "submission") if workers.submission else ()
    return Servers(tuple(incoming), tuple(outgoing))


@contextlib.asynccontextmanager
async def _certificates(start: Start, people: People) -> AsyncIterator[None]:
    """Renewed by the first of the role's processes, so that one alone asks."""
    if start.worker:
        yield
        return

    async def domains() -> list[str]:
        return renewing.domains_of(people)

    async with renewing.renewal(start.world, start.config, domains) as renewal:
        task = asyncio.get_running_loop().create_task(renewal.follow())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
