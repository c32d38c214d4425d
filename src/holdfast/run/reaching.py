"""How a role with pages reaches people who can't read their mail here: gateways, and proofs by codes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import holdfast.portal
from holdfast.directory.people import People
from holdfast.flow.intake import Intake
from holdfast.model.errors import Reason, Refused
from holdfast.pages import Texts
from holdfast.partners.sms import SmsSettings
from holdfast.portal.gateways import MailGateway, SmsGateway
from holdfast.portal.posting import Gateway
from holdfast.portal.proofs import Proofs
from holdfast.run import keys, layout, parts
from holdfast.run.child import Start
from holdfast.run.config import Gateways
from holdfast.run.sections import Secret
from holdfast.run.smarthosts import smarthost
from holdfast.world.http import HttpClient

MESSAGES = Path(holdfast.portal.__file__).parent / "messages"


class Reach(NamedTuple):
    """``sms``, ``mail``: None where the configuration has none. ``sender``: who messages are from."""

    http: HttpClient
    proofs: Proofs
    sms: SmsGateway | None
    mail: MailGateway | None
    texts: Texts
    sender: str


@contextlib.asynccontextmanager
async def reach(start: Start, people: People, *messages: Path) -> AsyncIterator[Reach]:
    """``messages``: further folders with texts of messages. What is to be sent is sent until the end."""
    config = start.config
    texts = Texts([MESSAGES, *messages], time_zone=config.web.time_zone)
    sender = config.gateways.sender or config.service.hostname
    http = HttpClient(start.world)
    async with parts.announcing(start) as announce:
        volume = layout.main_volume(config)
        intake = Intake(
            start.world,
            config.volume_folder(volume),
            start.name,
            host=config.service.hostname,
            inflight_bytes=config.limits.inflight_bytes,
            announce=announce,
            copies=config.copies_of(volume, "synchronous"),
            trailing=config.copies_of(volume, "trailing"),
            pack_bytes=config.volumes[volume].pack_bytes,
        )
        await intake.open()
        sms = _sms(config.gateways, http, texts, sender)
        mail = _mail(start, people, intake, texts, sender)
        proofs = _proofs(start, sms, mail)
        try:
            with running(proofs.run()):
                yield Reach(http, proofs, sms, mail, texts, sender)
        finally:
            await proofs.close()
            await http.close()
            await intake.close()


@contextlib.contextmanager
def running(work: Coroutine[None, None, None]) -> Iterator[None]:
    """A task for as long as the block lasts."""
    task = asyncio.get_running_loop().create_task(work)
    try:
        yield
    finally:
        task.cancel()


def _proofs(start: Start, sms: SmsGateway | None, mail: MailGateway | None) -> Proofs:
    config = start.config
    gateways: dict[str, Gateway] = {}
    if sms is not None:
        gateways["phone"] = sms
    if mail is not None:
        gateways["address"] = mail
    return Proofs(
        start.world,
        layout.proofs_path(config, start.role),
        keys.key_of(config, keys.PAGES),
        gateways,
        per_day={"phone": config.gateways.sms_per_day, "address": config.gateways.mail_per_day},
    )


def _sms(gateways: Gateways, http: HttpClient, texts: Texts, sender: str) -> SmsGateway | None:
    settings = sms_settings(gateways)
    return SmsGateway(http, settings, texts.say, sender) if settings is not None else None


def sms_settings(gateways: Gateways) -> SmsSettings | None:
    """None where there is no gateway. Raises ``Refused`` for a line that is no header."""
    if not gateways.sms_url:
        return None
    return SmsSettings(
        url=gateways.sms_url,
        method=gateways.sms_method,
        headers=header_lines(gateways.sms_headers),
        body=gateways.sms_body if gateways.sms_method != "GET" else "",
        secret=secret_of(gateways.sms_secret),
        countries=tuple(gateways.sms_countries),
        expect=gateways.sms_expect,
    )


def _mail(start: Start, people: People, intake: Intake, texts: Texts, sender: str) -> MailGateway | None:
    gateways, host = start.config.gateways, start.config.service.hostname
    if not gateways.mail:
        return None
    return MailGateway(
        start.world,
        people,
        intake,
        texts.say,
        sender=sender,
        address=gateways.mail_from or f"no-reply@{host}",
        host=host,
        smarthost=smarthost(start.config),
    )


def secret_of(secret: Secret) -> Callable[[], str]:
    """Read each time: a secret that is changed is honoured without a restart. '' where none is named."""
    return secret.read if secret else str


def header_lines(lines: list[str], key: str = "gateways.sms_headers") -> Mapping[str, str]:
    """Raises ``Refused`` for a line that is no header."""
    found: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise Refused(Reason.BAD_SYNTAX, f"{key}: '{line}' is not of the form 'Name: value'")
        found[name.strip()] = value.strip()
    return found
