"""Which certificates there are to be, and what renews them: for the role `setup` and for commands."""

from __future__ import annotations

import contextlib
import os.path
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from holdfast.directory.people import People
from holdfast.functions.setup.certificates.authority import Authority, Settings
from holdfast.functions.setup.certificates.files import CertificateFiles, Facts, State, States, Target
from holdfast.functions.setup.certificates.renewal import Renewal, warning_due
from holdfast.functions.setup.servers import domain_under, service_names
from holdfast.model.errors import Refused
from holdfast.model.limits import DNS_CHECK_S
from holdfast.run import layout
from holdfast.run.config import Config
from holdfast.run.resolving import resolver
from holdfast.world import World

Domains = Callable[[], Awaitable[Sequence[str]]]


def targets(config: Config, domains: Iterable[str]) -> list[Target]:
    """The machine's own certificate first; then one for each domain's service names (CERT-3)."""
    hostname = config.service.hostname.lower()
    names = (hostname, *(name.lower() for name in config.acme.names))
    found = [Target(hostname, names, (), config.certificate, config.key)]
    if config.acme.domains:
        for domain in domains:
            paths = layout.domain_certificate(config, domain)
            found.append(Target(domain, (), service_names(domain), *paths))
    return found


class Standing(NamedTuple):
    """How one certificate stands. ``facts`` None: there is none. ``soon``: of the days that are warned of."""

    target: Target
    facts: Facts | None
    state: State
    soon: int


def standing(config: Config, world: World) -> list[Standing]:
    """All that there are or were tried for; from the files alone."""
    known = states(config, world)
    domains = [id for id in sorted(known.by_id) if id != config.service.hostname.lower()]
    found = []
    for target in targets(config, domains):
        facts = CertificateFiles(world, target.certificate, target.key).facts()
        soon = warning_due(facts, world.clock.now()) if facts is not None else 0
        found.append(Standing(target, facts, known.of(target.id), soon))
    return found


def states(config: Config, world: World) -> States:
    return States(world, os.path.join(layout.acme_folder(config), "state.json"))


@contextlib.asynccontextmanager
async def renewal(world: World, config: Config, domains: Domains) -> AsyncIterator[Renewal]:
    """Without an authority in the configuration it only warns of ends that come."""
    authority = Authority(world, _settings(config)) if config.acme.directory else None

    async def wanted() -> list[Target]:
        return targets(config, await domains())

    try:
        yield Renewal(world, authority, wanted, _leads_here(config), states(config, world))
    finally:
        if authority is not None:
            authority.close()


def _settings(config: Config) -> Settings:
    acme = config.acme
    return Settings(
        directory=acme.directory,
        contact=acme.contact,
        trust=acme.trust,
        key_id=acme.key_id,
        key_secret=acme.key_secret.read() if acme.key_id else "",
        folder=layout.acme_folder(config),
    )


def _leads_here(config: Config) -> Callable[[str], Awaitable[bool]]:
    """Whether a name has an address of this machine; raises ``Unavailable("dns")``."""
    dns = resolver(config, DNS_CHECK_S)

    async def leads(name: str) -> bool:
        try:
            theirs = await dns.addresses(name)
        except Refused:
            return False
        ours = config.dns.addresses or await dns.addresses(config.service.hostname)
        return not set(ours).isdisjoint(theirs)

    return leads


def domains_of(people: People) -> list[str]:
    """All that aren't removed. Raises ``Unavailable("people")``."""
    return list(_names(people))


def _names(people: People) -> Iterator[str]:
    after = 0
    while page := people.lists.domains(after=after):
        yield from (each.name for each in page if not each.removed_at)
        after = page[-1].id


def paths_by_name(config: Config) -> Callable[[str], tuple[str, str] | None]:
    """The certificate for a service name of a domain; what a client says never leads out of the folder."""

    def paths(name: str) -> tuple[str, str] | None:
        domain = domain_under(name)
        if not domain or "/" in domain or domain.startswith("."):
            return None
        found = layout.domain_certificate(config, domain)
        return found if os.path.exists(found[0]) else None

    return paths
