"""The ways to a customer: each hands a message to somebody who isn't us, and answers when that was taken.

None of them goes through our mail: not the relay, not the queue, not the directory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from holdfast.care.notices.recipients import Contact
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.partners.mail import Mailer, Sender, compose
from holdfast.partners.sms import HttpPartner, SmsPartner
from holdfast.world import World

ALARM = "partner/alarms"


class Message(NamedTuple):
    """``short``: as a text message. ``token``: names the customer and can't be guessed, as the link does.
    ``sender``: the tenant whose customer it is, '' for the provider."""

    to: Contact
    language: str
    title: str
    text: str
    short: str
    link: str
    token: str
    sender: str = ""


class Channel(Protocol):
    """``name``: as it is kept. ``quiet``: it wakes people up, and rests at night. ``single``: it is told once
    for everybody, and no customer by himself. ``per_hour``: most of them."""

    name: str
    quiet: bool
    single: bool
    per_hour: int

    def reaches(self, contact: Contact) -> bool: ...

    async def send(self, message: Message) -> None:
        """Raises ``Unavailable`` to be asked again, ``Refused`` when this can't be."""

    def close(self) -> None: ...


class Sms:
    quiet, single = True, False

    def __init__(self, name: str, partner: SmsPartner, per_hour: int) -> None:
        self.name, self.per_hour = name, per_hour
        self._partner = partner

    def reaches(self, contact: Contact) -> bool:
        if not contact.phone:
            return False
        try:
            self._partner.check(contact.phone)
        except Refused:
            return False
        return True

    async def send(self, message: Message) -> None:
        await self._partner.send(message.to.phone, message.short)

    def close(self) -> None:
        pass


class Mail:
    """To the second address, by a server elsewhere."""

    quiet, single = False, False

    def __init__(self, world: World, mailer: Mailer, sender: Sender, per_hour: int) -> None:
        self.name, self.per_hour = "mail", per_hour
        self._world = world
        self._mailer = mailer
        self._sender = sender

    def reaches(self, contact: Contact) -> bool:
        return bool(contact.address)

    async def send(self, message: Message) -> None:
        to, title, text = message.to.address, message.title, message.text
        sender = self._sender._replace(name=message.sender or self._sender.name)
        await self._mailer.send(to, compose(self._world, sender, to, title, text, message.language))

    def close(self) -> None:
        self._mailer.close()


class Push:
    """To a topic: each customer's own, or one for everybody. Who wants it subscribes to it; nobody's
    consent is needed, and nothing is known of who listens. So it is told beside the other channels."""

    quiet = False

    def __init__(self, name: str, partner: HttpPartner, per_hour: int, *, single: bool) -> None:
        self.name, self.per_hour, self.single = name, per_hour, single
        self._partner = partner

    def reaches(self, contact: Contact) -> bool:
        return True

    async def send(self, message: Message) -> None:
        values: Mapping[str, str] = {
            "title": message.title,
            "text": message.text,
            "language": message.language,
            "link": message.link,
            "token": message.token,
        }
        await self._partner.hand_over(values)

    def close(self) -> None:
        pass


class Alarm:
    """The staff's, by any address that apprise knows. It says no more than whether it was taken on."""

    quiet, single = True, True
    per_hour = 1000

    def __init__(self, world: World, name: str, address: Callable[[], str]) -> None:
        """``address``: read each time; may raise ``OSError``."""
        self.name = name
        self._world = world
        self._address = address

    def reaches(self, contact: Contact) -> bool:
        return True

    async def send(self, message: Message) -> None:
        try:
            address = self._address()
        except OSError as error:
            raise Unavailable(ALARM, f"its file can't be read: {error}") from error
        if not await self._world.offload(_notify, address, message.title, message.text):
            raise Unavailable(ALARM, "it did not take the message")

    def close(self) -> None:
        pass


def _notify(address: str, title: str, text: str) -> bool:
    """Blocks; apprise waits for no answer longer than some seconds by itself."""
    try:
        import apprise
    except ImportError:
        raise Refused(Reason.NOT_ALLOWED, "alarms need the extra `notify`") from None
    known = apprise.Apprise()
    if not known.add(address):
        raise Refused(Reason.BAD_SYNTAX, "apprise doesn't know this kind of address")
    return bool(known.notify(body=text, title=title))
