"""How a person who can't read our mail gets a code: text messages over HTTP, and mail to elsewhere.

Both answer when the other side took the message on; both raise ``Unavailable`` to be asked again, and
``Refused`` for a number or an address that can't be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from holdfast.flow.intake import Envelope, Intake
from holdfast.model.address import Address, parse_address
from holdfast.model.envelope import LocalRecipient, RemoteRecipient
from holdfast.model.errors import Unavailable
from holdfast.model.people import Forward, Local, Many, Remote, Route
from holdfast.partners.mail import Sender, Smarthost, by_smarthost, compose
from holdfast.partners.sms import SmsPartner, SmsSettings
from holdfast.world import World
from holdfast.world.http import HttpClient


class Say(Protocol):
    """``pages.Texts.say``."""

    def __call__(self, language: str, key: str, **values: object) -> str: ...


class SmsGateway(SmsPartner):
    def __init__(self, http: HttpClient, settings: SmsSettings, say: Say, sender: str) -> None:
        """``sender``: who it is from, in the text."""
        super().__init__(http, settings)
        self._say = say
        self._sender = sender

    async def send_code(self, to: str, code: str, language: str, purpose: str) -> None:
        await self.send(to, self._say(language, "proof.sms", code=code, sender=self._sender))


class Routes(Protocol):
    """What ``directory.People`` gives: see ``route`` there."""

    def route(self, address: Address, *, sending: bool = False) -> Route: ...


class MailGateway:
    """Mail of our own to somebody: at the smarthost if there is one, else, or if that is gone, by the relay.

    What the intake took is durable: the relay sends it when it runs (QUEUE-1).
    """

    def __init__(
        self,
        world: World,
        people: Routes,
        intake: Intake,
        say: Say,
        *,
        sender: str,
        address: str,
        host: str,
        smarthost: Callable[[], Smarthost] | None = None,
    ) -> None:
        """``sender``, ``address``: of the From field. ``host``: our name, for message ids.

        ``smarthost``: asked for each message, so that a changed password is honoured; may raise ``OSError``.
        """
        self._world = world
        self._people = people
        self._intake = intake
        self._say = say
        self._sender = Sender(sender, address, host)
        self._smarthost = smarthost

    async def send_code(self, to: str, code: str, language: str, purpose: str) -> None:
        subject = self._say(language, "proof.mail_subject", code=code)
        await self.send(to, subject, self._say(language, "proof.mail", code=code, address=to), language)

    async def send(self, to: str, subject: str, text: str, language: str) -> None:
        message = compose(self._world, self._sender, to, subject, text, language)
        if self._smarthost is not None:
            try:
                await by_smarthost(self._world, self._smarthost, to, message)
                return
            except Unavailable:
                await self._by_intake(to, message)  # the relay may have another way
                return
        await self._by_intake(to, message)

    async def _by_intake(self, to: str, message: bytes) -> None:
        address = parse_address(to)
        local: dict[int, LocalRecipient] = {}
        remote: dict[str, RemoteRecipient] = {}
        route = self._people.route(address, sending=True)
        for member in route.routes if isinstance(route, Many) else (route,):
            if isinstance(member, Local):
                local[member.account] = LocalRecipient(member.account, member.cell, to, member.detail)
            elif isinstance(member, Remote | Forward):
                name = str(member.address)
                remote[name] = RemoteRecipient(name, "NEVER")
        envelope = Envelope("", tuple(local.values()), tuple(remote.values()))
        self._intake.check(len(message))
        [written] = await asyncio.shield(self._intake.submit(envelope, message).written)
        self._intake.acknowledged(written.sequence)
