"""How something reaches a person who can't read our mail: text messages over HTTP, and mail to elsewhere.

Both answer when the other side took the message on; both raise ``Unavailable`` to be asked again, and
``Refused`` for a number or an address that can't be.
"""

from __future__ import annotations

import asyncio
import base64
import email.utils
import json
import re
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, Protocol

from holdfast.flow.intake import Envelope, Intake
from holdfast.flow.outbound import Manners, Outbound, Unreachable
from holdfast.model.address import Address, parse_address
from holdfast.model.envelope import LocalRecipient, RemoteRecipient
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import GATEWAY_S
from holdfast.model.people import Forward, Local, Many, Remote, Route
from holdfast.wire.smtp.transaction import Recipient, Transaction
from holdfast.world import World
from holdfast.world.http import HttpClient

SMS = "partner/sms"
SMARTHOST = "partner/smarthost"
_BAD_NUMBER = (400, 404, 422)  # the gateway understood us, and this number isn't one for it


class Say(Protocol):
    """``pages.Texts.say``."""

    def __call__(self, language: str, key: str, **values: object) -> str: ...


# Phones


def parse_phone(text: str, country: str = "") -> str:
    """What a person types → E.164 (ITU-T E.164 §6): ``0170 123 45 67``, country 49 → ``+491701234567``.

    ``country``: the country code of numbers that begin with one 0, without ``+``; '' if there is none.
    Raises ``Refused(BAD_SYNTAX)``.
    """
    digits = re.sub(r"[\s()./\-\u00a0\u2009\u2011\u2013]", "", text)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    elif digits.startswith("0") and country:
        digits = f"+{country}{digits[1:]}"
    if country and digits.startswith(f"+{country}0"):  # +49 (0)170 …
        digits = f"+{country}{digits[len(country) + 2 :]}"
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", digits):
        raise Refused(Reason.BAD_SYNTAX, "not a phone number: write it with its country, +49 170 1234567")
    return digits


def shown_phone(number: str) -> str:
    """Enough of it to know it again: ``+49 … 67``."""
    return f"{number[:3]} … {number[-2:]}"


# Text messages


class SmsSettings(NamedTuple):
    """``{phone}``, ``{text}`` and ``{secret}`` stand in ``url``, ``headers`` and ``body``.

    How they are quoted in the body follows from its Content-Type: JSON, form, or as they are.
    ``countries``: beginnings of numbers that are served, ``+49``; () for all.
    ``expect``: a word that the answer must contain, for gateways that say 200 to everything.
    """

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = {}
    body: str = ""
    secret: Callable[[], str] = str
    countries: tuple[str, ...] = ()
    expect: str = ""


class SmsGateway:
    def __init__(self, http: HttpClient, settings: SmsSettings, say: Say, sender: str) -> None:
        """``sender``: who it is from, in the text."""
        self._http = http
        self._settings = settings
        self._say = say
        self._sender = sender

    def check(self, number: str) -> None:
        """Raises ``Refused(NOT_ALLOWED)`` for a country that isn't served."""
        countries = self._settings.countries
        if countries and not number.startswith(countries):
            raise Refused(
                Reason.NOT_ALLOWED, f"numbers of this country aren't served: {', '.join(countries)}"
            )

    async def send_code(self, to: str, code: str, language: str, purpose: str) -> None:
        await self.send(to, self._say(language, "proof.sms", code=code, sender=self._sender))

    async def send(self, to: str, text: str) -> None:
        self.check(to)
        settings = self._settings
        try:
            values = {"phone": to, "text": text, "secret": settings.secret()}
        except OSError as error:
            raise Unavailable(SMS, f"its secret can't be read: {error}") from error
        kind = next((value for name, value in settings.headers.items() if name.lower() == "content-type"), "")
        try:
            answer = await self._http.ask(
                settings.method,
                _fill(settings.url, values, _in_url),
                component=SMS,
                headers={name: _fill(value, values, _plain) for name, value in settings.headers.items()},
                content=_fill(settings.body, values, _quoting(kind)).encode(),
            )
        except Unavailable as error:  # its words go to the journal (PROOF-1)
            raise Unavailable(SMS, _without(error.text, values.values()), error.retry_after_s) from None
        if answer.status in _BAD_NUMBER:
            raise Refused(Reason.NO_SUCH_USER, f"the gateway refuses this number ({answer.status})")
        if not 200 <= answer.status < 300:
            raise Unavailable(SMS, f"answered {answer.status}")
        if settings.expect and settings.expect.encode() not in answer.body:
            raise Unavailable(SMS, f"its answer doesn't contain {settings.expect!r}")


def _fill(template: str, values: Mapping[str, str], quote: Callable[[str], str]) -> str:
    """Each name once, in one pass: what a value contains is never taken for a name."""
    return re.sub(r"\{(phone|text|secret)\}", lambda found: quote(values[found[1]]), template)


def _without(text: str, secrets: Iterable[str]) -> str:
    """The text, if nothing of these is in it in any spelling."""
    spelled = [spell(each) for each in secrets if each for spell in (_plain, _in_url, _in_json)]
    return "out of reach" if any(each in text for each in spelled) else text


def _in_url(text: str) -> str:
    return urllib.parse.quote(text, safe="")


def _in_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _plain(text: str) -> str:
    return text


def _quoting(content_type: str) -> Callable[[str], str]:
    if "json" in content_type:
        return _in_json
    return _in_url if "x-www-form-urlencoded" in content_type else _plain


# Mail


class Routes(Protocol):
    """What ``directory.People`` gives: see ``route`` there."""

    def route(self, address: Address, *, sending: bool = False) -> Route: ...


class Smarthost(NamedTuple):
    """A server elsewhere that takes this mail while ours can't send."""

    host: str
    port: int
    manners: Manners


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
        self._from = f"{_word(sender)} <{address}>"
        self._host = host
        self._smarthost = smarthost

    async def send_code(self, to: str, code: str, language: str, purpose: str) -> None:
        subject = self._say(language, "proof.mail_subject", code=code)
        await self.send(to, subject, self._say(language, "proof.mail", code=code, address=to), language)

    async def send(self, to: str, subject: str, text: str, language: str) -> None:
        message = self._message(to, subject, text, language)
        if self._smarthost is not None:
            try:
                await self._by_smarthost(self._smarthost, to, message)
                return
            except Unavailable:
                await self._by_intake(to, message)  # the relay may have another way
                return
        await self._by_intake(to, message)

    def _message(self, to: str, subject: str, text: str, language: str) -> bytes:
        """RFC 5322; Auto-Submitted as of RFC 3834 §5: nothing answers it by itself."""
        date = email.utils.formatdate(self._world.clock.now())
        head = (
            f"From: {self._from}\r\nTo: <{to}>\r\nSubject: {_word(subject)}\r\nDate: {date}\r\n"
            f"Message-ID: <{self._world.entropy.token(24)}@{self._host}>\r\n"
            "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Transfer-Encoding: base64\r\nContent-Language: {language}\r\n"
            "Auto-Submitted: auto-generated\r\n\r\n"
        )
        lines = text.replace("\r\n", "\n").strip("\n").split("\n")
        body = base64.encodebytes("\r\n".join([*lines, ""]).encode()).replace(b"\n", b"\r\n")
        return head.encode() + body

    async def _by_smarthost(self, smarthost: Callable[[], Smarthost], to: str, message: bytes) -> None:
        try:
            host, port, manners = smarthost()
        except OSError as error:
            raise Unavailable(SMARTHOST, f"its password can't be read: {error}") from error
        try:
            async with asyncio.timeout(GATEWAY_S / 2):
                session = await Outbound.open(self._world, manners, host, host, port)
                [outcome] = await session.send(Transaction("", (Recipient(to),), message))
        except Unreachable as error:
            raise Unavailable(SMARTHOST, str(error.reply)) from error
        except TimeoutError:
            raise Unavailable(SMARTHOST, f"no answer within {GATEWAY_S / 2:g} seconds") from None
        session.quit()
        if outcome.delivered:
            return
        if outcome.reply.temporary:
            raise Unavailable(SMARTHOST, str(outcome.reply))
        raise Refused(Reason.NO_SUCH_USER, f"the address isn't taken: {outcome.reply}")

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


def _word(text: str) -> str:
    """As a header's text: encoded words of UTF-8 where it isn't ASCII. RFC 2047 §2, §4.1."""
    text = " ".join(text.split())
    if text.isascii():
        return text
    words, piece = [], b""
    for each in text:
        raw = each.encode()
        if len(piece) + len(raw) > 45:  # an encoded word has 75 characters at most
            words.append(piece)
            piece = b""
        piece += raw
    encoded = [base64.b64encode(each).decode() for each in [*words, piece]]
    return "\r\n ".join(f"=?utf-8?b?{each}?=" for each in encoded)
