"""Ways to partners, each gone as far as it goes without handing anything over.

That a connection is taken says little: a gateway that takes it and stays silent serves nobody, and a
smarthost that greets may refuse whatever we send.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from holdfast.model.errors import ComponentId, Refused, Unavailable
from holdfast.model.limits import CHECK_S
from holdfast.partners.outbound import Manners, Outbound, Unreachable
from holdfast.watch.checking import WELL, Said
from holdfast.watch.talking import talking
from holdfast.wire.smtp.replies import Reply
from holdfast.wire.smtp.transaction import Recipient, Transaction
from holdfast.world import World
from holdfast.world.dns import Resolver
from holdfast.world.http import HttpClient

Way = Callable[[], Awaitable[Said]]

STEP = "answer"  # of each: how far it came stands in the text
_GONE = ("answered 502", "answered 503", "answered 504")  # whoever answers says that nobody is behind it


async def connected(world: World, address: tuple[str, int]) -> Said:
    try:
        async with talking(world, address):
            return WELL
    except OSError as error:
        return Said("fails", STEP, f"{address[0]}: {error or 'no answer in time'}")


async def answered(http: Callable[[], HttpClient], component: ComponentId, url: str) -> Said:
    """Whatever it answers: it is asked for what it offers (OPTIONS, RFC 9110 §9.3.7), which does nothing.

    ``url``: as it is configured; nothing after the first thing that is filled in is asked for.
    """
    try:
        await http().ask("OPTIONS", plain(url), component=component, timeout_s=CHECK_S)
    except Unavailable as error:
        if not error.text.startswith("answered") or error.text in _GONE:
            return Said("fails", STEP, error.text or f"it is silent for {CHECK_S:g} s")
    return WELL


def plain(url: str) -> str:
    """``https://sms.example/v1/send?to={phone}`` → ``https://sms.example/v1/send``."""
    parts = urllib.parse.urlsplit(url)
    path, filled, _ = parts.path.partition("{")
    if filled:
        path = path[: path.rfind("/") + 1]
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc, path or "/", "", ""))


class Question(NamedTuple):
    """Whether a smarthost would take a message; ``recipient`` '': only whether it lets us in.

    ``by_name``: where it is, is looked up at the resolver, as the relay does; else by the system.
    """

    host: str
    port: int
    manners: Callable[[], Manners]
    sender: str = ""
    recipient: str = ""
    by_name: bool = False


async def would_take(world: World, resolver: Resolver, question: Question) -> Said:
    """Greeting, TLS, sign-in, and the recipient; then it is let go. Nothing is sent."""
    host = question.host
    try:
        address = (await resolver.addresses(host))[0] if question.by_name else host
        manners = question.manners()
    except (Unavailable, Refused, OSError) as error:
        return Said("unknown", STEP, f"{host} can't be asked: {error}")
    try:
        session = await Outbound.open(world, manners, host, address, question.port)
        said = WELL
        if question.recipient:
            said = await _asked(session, question)
        session.quit()
        return said
    except Unreachable as error:
        return Said("fails", STEP, f"{host}: {error.reply}")


async def _asked(session: Outbound, question: Question) -> Said:
    asked = Transaction(question.sender, (Recipient(question.recipient),), b"")
    try:
        [outcome] = await session.send(asked, asks=True)
    except BaseException:
        session.connection.abort()
        raise
    return _taken(question.host, outcome.reply)


def _taken(host: str, reply: Reply) -> Said:
    """A refusal for good may be for the one address alone; one by policy (RFC 3463 §3.8) isn't."""
    if reply.code // 100 == 2:
        return WELL
    own = reply.temporary or reply.enhanced.startswith("5.7.")
    return Said("fails" if own else "unknown", STEP, f"{host}: {reply}")
