"""What the DNS should say of our domains: ``flow/records``, told what the configuration says."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator

from holdfast.flow.records import DkimKeys, Place, Report, Service, Wanted, check, records_of
from holdfast.functions.setup.certificates.authority import known_account
from holdfast.functions.setup.certificates.files import CertificateFiles
from holdfast.model.errors import Unavailable
from holdfast.model.limits import DNS_CHECK_S
from holdfast.run import layout
from holdfast.run.config import Config
from holdfast.run.reading import split_address
from holdfast.run.resolving import resolver
from holdfast.world import World
from holdfast.world.http import HttpClient

# service name → door, preference. RFC 6186 §3, RFC 8314 §5.1: in TLS from the first byte is preferred
_SERVICES = {
    "_submissions": ("submissions", 0),
    "_imaps": ("imaps", 0),
    "_pop3s": ("pop3s", 0),
    "_submission": ("submission", 10),
    "_imap": ("imap", 10),
    "_pop3": ("pop3", 10),
}


def place_of(config: Config, world: World) -> Place:
    """Reads the certificate and the account at the authority, as far as there are any; asks nobody."""
    facts = CertificateFiles(world, config.certificate, config.key).facts()
    account = known_account(world, layout.acme_folder(config)) if config.acme.directory else None
    issuers: tuple[str, ...] = ()
    if account is not None:  # RFC 8657: this account alone, by this kind of proof
        issuers = tuple(
            f"{each}; accounturi={account.uri}; validationmethods=http-01" for each in account.issuers
        )
    return Place(
        hostname=config.service.hostname.lower(),
        addresses=tuple(config.dns.addresses),
        services=(
            *(
                Service(name, port_of(config, door), preference if port_of(config, door) else 0)
                for name, (door, preference) in _SERVICES.items()
            ),
            *_jmap(config),
        ),
        setup_port=port_of(config, "setup_https") if config.workers.setup else 0,
        sts_mode=config.dns.mta_sts,
        issuers=issuers,
        key_digest=facts.key_digest if facts is not None else "",
        signing=False,
    )


def _jmap(config: Config) -> Iterator[Service]:
    """RFC 8620 §2.2; not where it is reached under another name, as behind a proxy."""
    parts = urllib.parse.urlsplit(config.web.jmap_url)
    port = (parts.port or 443) if parts.hostname else port_of(config, "jmap_https")
    here = parts.hostname in (None, config.service.hostname.lower())
    if config.workers.jmap and port and here and parts.scheme != "http":
        yield Service("_jmap", port)


def port_of(config: Config, door: str) -> int:
    """The port a door listens on, 0 for none."""
    listeners: list[str] = getattr(config.listen, door)
    return split_address(listeners[0])[1] if listeners else 0


def dkim_keys(config: Config, world: World) -> DkimKeys:
    return DkimKeys(world, layout.dkim_folder(config))


def records_for(domain: str, config: Config, world: World) -> list[Wanted]:
    """``domain``: A-labels, lower case."""
    return records_of(domain, place_of(config, world), dkim_keys(config, world).of(domain))


async def checked(domain: str, config: Config, world: World) -> Report:
    """The same, held against the real DNS."""
    wanted, client = records_for(domain, config, world), HttpClient(world)

    async def fetch(url: str) -> bytes:
        answer = await client.ask("GET", url, component="mta-sts", timeout_s=DNS_CHECK_S)
        if answer.status != 200:
            raise Unavailable("mta-sts", f"answered {answer.status}")
        return answer.body

    try:
        asking = resolver(config, DNS_CHECK_S)
        return await check(asking, domain, place_of(config, world), wanted, fetch)
    finally:
        await client.close()
