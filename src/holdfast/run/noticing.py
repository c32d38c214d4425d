"""How customers are told: channels as the configuration has them, and the part that uses them."""

from __future__ import annotations

import contextlib
import zoneinfo
from collections.abc import AsyncIterator, Callable, Iterator

from holdfast.care.notices.channels import Alarm, Channel, Mail, Push, Sms
from holdfast.care.notices.kept import KeptNotices
from holdfast.care.notices.part import NoticesPart
from holdfast.care.notices.planning import Planner
from holdfast.care.notices.sending import Quiet, Sending, Ways
from holdfast.care.notices.words import texts
from holdfast.care.notices.writing import Writer
from holdfast.care.status.customer import token
from holdfast.care.status.tenants import place_of as tenant_place
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.partners.mail import Mailer, Sender
from holdfast.partners.sms import HttpPartner, SmsPartner, SmsSettings
from holdfast.run import keys, layout, publishing
from holdfast.run.config import Config
from holdfast.run.config_care import Channel as ChannelSection
from holdfast.run.reaching import header_lines, running, secret_of, sms_settings
from holdfast.run.smarthosts import smarthost
from holdfast.world import World
from holdfast.world.http import HttpClient

SMS, MAIL = "sms", "mail"


@contextlib.asynccontextmanager
async def noticing(world: World, config: Config) -> AsyncIterator[NoticesPart]:
    """What is to be sent is sent until the end. Raises ``Refused`` for a configuration that can't be."""
    http, thread = HttpClient(world), world.thread("notices")
    kept = KeptNotices(world, layout.notices_path(config))
    sending = Sending(
        world,
        kept,
        thread,
        writer(world, config),
        ways(world, config, http),
        at_once=config.notices.at_once,
        quiet=quiet_hours(config),
    )
    try:
        with running(sending.run()):
            yield NoticesPart(world, kept, thread, sending, planner(world, config))
    finally:
        sending.close()
        await http.close()
        await thread.run(kept.close)
        thread.close()


def writer(world: World, config: Config) -> Writer:
    said = texts(config.web.time_zone)
    return Writer(world, layout.customers_path(config), said, links(config), config.web.language)


def planner(world: World, config: Config) -> Planner:
    return Planner(
        world,
        layout.customers_path(config),
        texts(config.web.time_zone),
        sender_name(config),
        config.notices.most_share,
    )


def ways(world: World, config: Config, http: HttpClient) -> Ways:
    """Raises ``Refused`` for a configuration that can't be."""
    found: dict[str, Channel] = {}
    settings = sms_settings(config.gateways)
    if settings is not None:
        found[SMS] = Sms(SMS, SmsPartner(http, settings), config.notices.sms_per_hour)
    beside: list[Channel] = []
    for name, section in sorted(config.channels.items()):
        made = _settings(name, section)
        component = f"partner/channel/{name}"
        if section.kind == "sms":
            found[name] = Sms(name, SmsPartner(http, made, component), section.per_hour)
        else:
            single = not any("{token}" in each for each in (made.url, made.body, *made.headers.values()))
            beside.append(Push(name, HttpPartner(http, made, component), section.per_hour, single=single))
    way_out = smarthost(config)
    if way_out is not None and config.gateways.mail:
        host = config.service.hostname
        sender = Sender(sender_name(config), config.gateways.mail_from or f"no-reply@{host}", host)
        found[MAIL] = Mail(world, Mailer(world, way_out), sender, config.notices.mail_per_hour)
    return Ways(_ordered(config, found), [*beside, *alarms(world, config)])


def quiet_hours(config: Config) -> Quiet:
    return Quiet(config.notices.quiet, zoneinfo.ZoneInfo(config.web.time_zone))


def sender_name(config: Config) -> str:
    """Who messages are from."""
    return config.gateways.sender or config.status.name or config.service.hostname


def links(config: Config) -> Callable[[int, int], tuple[str, str]]:
    """Of a customer's own page, '' while there is none, and its token; by customer and tenant."""
    everybody, places = config.status.url.rstrip("/"), publishing.tenants(config)

    def link(customer: int, tenant: int = 0) -> tuple[str, str]:
        folder = f"{everybody}/" if everybody else ""
        url = (tenant_place(tenant, places, folder).url if tenant else folder).rstrip("/")
        try:
            key = keys.key_of(config, "status")
        except Unavailable:
            return url, ""
        named = token(key, customer)
        return (f"{url}/customer-{named}.html" if url and config.status.customers else url), named

    return link


def _ordered(config: Config, ways: dict[str, Channel]) -> list[Channel]:
    unknown = [each for each in config.notices.order if each not in ways]
    if unknown:
        raise Refused(
            Reason.BAD_SYNTAX,
            f"notices.order: {unknown[0]} is no way to a customer; there are {', '.join(ways) or 'none'}",
        )
    return [ways[each] for each in config.notices.order or ways]


def _settings(name: str, section: ChannelSection) -> SmsSettings:
    return SmsSettings(
        url=section.url,
        method=section.method,
        headers=header_lines(section.headers, f"channels.{name}.headers"),
        body=section.body if section.method != "GET" else "",
        secret=secret_of(section.secret),
        countries=tuple(section.countries),
        expect=section.expect,
    )


def alarms(world: World, config: Config) -> Iterator[Alarm]:
    """One for each address in the file, so that one that takes nothing makes no other be told twice."""
    if not config.notices.alarms:
        return
    try:
        count = len(_addresses(config))
    except OSError:
        count = 1  # it is read again when there is something to say
    for place in range(count):
        yield Alarm(world, f"alarm-{place + 1}", lambda at=place: _addresses(config)[at])  # type: ignore[misc]


def _addresses(config: Config) -> list[str]:
    """Raises ``OSError``."""
    lines = (line.strip() for line in config.notices.alarms.read().splitlines())
    return [line for line in lines if line and not line.startswith("#")]
