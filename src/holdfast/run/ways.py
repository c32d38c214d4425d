"""How each partner of a configuration is tried, for ``watch.ways``."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Iterator
from functools import cache, partial

from holdfast.model.errors import ComponentId
from holdfast.partners.mail import Smarthost
from holdfast.partners.outbound import Manners
from holdfast.run.config import Config
from holdfast.run.health import here
from holdfast.run.reading import split_address
from holdfast.run.smarthosts import relay_manners, smarthost
from holdfast.watch.ways import Question, Way, answered, connected, would_take
from holdfast.world import World
from holdfast.world.dns import Resolver
from holdfast.world.http import HttpClient


def ways(world: World, config: Config, resolver: Resolver, sender: str) -> dict[ComponentId, Way]:
    """Of what is configured. ``sender``: an address of ours, '' for none. The relay's second smarthost is
    the first one's stand-in, and no component."""
    http = cache(lambda: HttpClient(world))  # made by whoever asks first, and kept
    found: dict[ComponentId, Way] = {
        name: partial(answered, http, name, url) for name, url in _asked(config) if url
    }
    for name, url in _met(config):
        if (address := _address(url)) is not None:
            found[name] = partial(connected, world, address)
    for name, question in _smarthosts(config, sender):
        found[name] = partial(would_take, world, resolver, question)
    for listener in config.listen.health_http[:1] if config.workers.health else ():
        found["door/health_http"] = partial(connected, world, here(listener))
    return found


def _asked(config: Config) -> Iterator[tuple[ComponentId, str]]:
    """Who hands our customers something, or us about them."""
    yield "partner/sms", config.gateways.sms_url
    yield "partner/contracts", config.signup.contract_url
    yield from ((f"partner/channel/{name}", each.url) for name, each in config.channels.items())


def _met(config: Config) -> Iterator[tuple[ComponentId, str]]:
    """Who may have reasons to answer only what he expects."""
    yield "partner/acme", config.acme.directory
    yield "partner/traces", config.traces.endpoint
    yield from ((f"partner/hook/{name}", each.url) for name, each in config.hooks.items())


def _smarthosts(config: Config, sender: str) -> Iterator[tuple[ComponentId, Question]]:
    """Each is asked as whoever sends by it does, for the canaries' address elsewhere."""
    relay, recipient = config.relay, config.canary.outside
    if relay.smarthost:
        host, port = split_address(relay.smarthost)
        literal = ":" in host or host.replace(".", "").isdecimal()
        manners = cache(lambda: relay_manners(config, relay.user, relay.password))
        asked = recipient if sender else ""
        yield "partner/relay", Question(host, port, manners, sender, asked, not literal)
    made = smarthost(config) if config.gateways.mail else None
    if made is not None:
        host, port = split_address(config.gateways.mail_smarthost)
        yield "partner/smarthost", Question(host, port, partial(_manners, made), "", recipient)


def _manners(made: Callable[[], Smarthost]) -> Manners:
    return made().manners


def _address(url: str) -> tuple[str, int] | None:
    parts = urllib.parse.urlsplit(url)
    if not parts.hostname:
        return None
    return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
