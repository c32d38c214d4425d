"""A short message of ours to somebody, and a server elsewhere that takes it on."""

from __future__ import annotations

import asyncio
import base64
import email.utils
from collections.abc import Callable
from typing import NamedTuple

from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import GATEWAY_S, RELAY_MESSAGES_PER_CONNECTION
from holdfast.partners.outbound import Manners, Outbound, Unreachable
from holdfast.wire.smtp.transaction import Outcome, Recipient, Transaction
from holdfast.world import World

SMARTHOST = "partner/smarthost"


class Smarthost(NamedTuple):
    """A server elsewhere that takes this mail while ours can't send."""

    host: str
    port: int
    manners: Manners


class Sender(NamedTuple):
    """``name``, ``address``: of the From field. ``host``: our name, for message ids."""

    name: str
    address: str
    host: str


def compose(world: World, sender: Sender, to: str, subject: str, text: str, language: str) -> bytes:
    """RFC 5322; Auto-Submitted as of RFC 3834 §5: nothing answers it by itself."""
    date = email.utils.formatdate(world.clock.now())
    head = (
        f"From: {_word(sender.name)} <{sender.address}>\r\nTo: <{to}>\r\n"
        f"Subject: {_word(subject)}\r\nDate: {date}\r\n"
        f"Message-ID: <{world.entropy.token(24)}@{sender.host}>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: base64\r\nContent-Language: {language}\r\n"
        "Auto-Submitted: auto-generated\r\n\r\n"
    )
    lines = text.replace("\r\n", "\n").strip("\n").split("\n")
    body = base64.encodebytes("\r\n".join([*lines, ""]).encode()).replace(b"\n", b"\r\n")
    return head.encode() + body


async def by_smarthost(world: World, smarthost: Callable[[], Smarthost], to: str, message: bytes) -> None:
    """One. Raises ``Unavailable`` and ``Refused``."""
    many = Mailer(world, smarthost)
    try:
        await many.send(to, message)
    finally:
        many.close()


class Mailer:
    """Many, one after the other and several at a time: connections are kept for the next."""

    def __init__(self, world: World, smarthost: Callable[[], Smarthost]) -> None:
        """``smarthost``: asked for each connection, so that a changed password is honoured; may raise
        ``OSError``."""
        self._world = world
        self._smarthost = smarthost
        self._idle: list[tuple[Outbound, int]] = []  # and how many messages each has had

    async def send(self, to: str, message: bytes) -> None:
        """Raises ``Unavailable`` and ``Refused``."""
        try:
            async with asyncio.timeout(GATEWAY_S / 2):
                session, had = await self._session()
                outcome = await _send(session, to, message)
        except Unreachable as error:
            raise Unavailable(SMARTHOST, str(error.reply)) from error
        except TimeoutError:
            raise Unavailable(SMARTHOST, f"no answer within {GATEWAY_S / 2:g} seconds") from None
        if had + 1 < RELAY_MESSAGES_PER_CONNECTION and session.usable:
            self._idle.append((session, had + 1))
        else:
            session.quit()
        if outcome.delivered:
            return
        if outcome.reply.temporary:
            raise Unavailable(SMARTHOST, str(outcome.reply))
        raise Refused(Reason.NO_SUCH_USER, f"the address isn't taken: {outcome.reply}")

    async def _session(self) -> tuple[Outbound, int]:
        while self._idle:
            session, had = self._idle.pop()
            if session.usable:
                return session, had
        try:
            host, port, manners = self._smarthost()
        except OSError as error:
            raise Unavailable(SMARTHOST, f"its password can't be read: {error}") from error
        return await Outbound.open(self._world, manners, host, host, port), 0

    def close(self) -> None:
        while self._idle:
            self._idle.pop()[0].quit()


async def _send(session: Outbound, to: str, message: bytes) -> Outcome:
    try:
        [outcome] = await session.send(Transaction("", (Recipient(to),), message))
    except BaseException:
        session.connection.abort()
        raise
    return outcome


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
