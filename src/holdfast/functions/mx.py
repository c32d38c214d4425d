"""The function "receive": mail from other servers to our customers. RFC 5321.

MX-1 what is accepted is durable (FLOW-1, FLOW-5). MX-2 nobody relays here: a recipient
that isn't ours is refused (550 5.7.1). MX-3 what can't be looked up is 451, never 550.
It needs its copy of the directory and its own ledger; the store may be gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from holdfast.flow import recipients
from holdfast.flow.intake import Announce
from holdfast.flow.reception import Reception, ReceptionSettings, SaysNo, SmtpSession, Transaction
from holdfast.flow.recipients import IsFull, Routes, nobody_is_full
from holdfast.model.address import Address
from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import Limits
from holdfast.model.mail import AccountId
from holdfast.model.people import Remote
from holdfast.wire.smtp.events import Rcpt
from holdfast.wire.smtp.replies import Reply
from holdfast.world import Peer, World

_NO_RELAY = Reply(550, "5.7.1", "not an address of ours, and we don't relay")


class Settings(ReceptionSettings, frozen=True, kw_only=True):
    """``tls``: for STARTTLS; None: not offered. ``ledger``: ``mx-`` and the worker's number."""

    ledger: str = "mx-0"


class MxPolicy:
    """Who may send, and to whom."""

    function = "mx"

    def __init__(self, people: Routes, limits: Limits, is_full: IsFull = nobody_is_full) -> None:
        self._people = people
        self._limits = limits
        self._is_full = is_full

    def sender(self, session: SmtpSession, address: Address) -> None:
        """Anybody, the null sender too."""

    def recipient(self, session: SmtpSession, transaction: Transaction, event: Rcpt) -> None:
        route = recipients.find(self._people, event.address)
        if isinstance(route, Remote):
            raise SaysNo(_NO_RELAY)  # MX-2
        recipients.check_room(route, self._is_full)
        recipients.add(transaction, event, route, self._limits.recipients)

    def message(self, session: SmtpSession, transaction: Transaction, data: bytes) -> bytes:
        return data

    async def sign_in(self, login: str, password: str, peer: str) -> AccountId:
        raise Refused(Reason.NOT_ALLOWED, "nobody signs in here")


def reception(
    world: World,
    settings: Settings,
    people: Routes,
    announce: Announce | None,
    is_full: IsFull = nobody_is_full,
) -> Reception:
    """All of the function but its doors."""
    policy = MxPolicy(people, settings.limits, is_full)
    intake, machine = settings.intake(world, announce), settings.machine()
    return Reception(world, intake, policy, machine, settings.limits, settings.tls)


async def serve(
    world: World,
    settings: Settings,
    sockets: Peer | Sequence[Any],
    people: Routes,
    *,
    stop: asyncio.Event,
    announce: Announce | None = None,
    is_full: IsFull = nobody_is_full,
    ready: Callable[[], object] | None = None,
) -> None:
    """Serves until ``stop``. ``announce``: ``MailStore.announce``; ``is_full``: is an account known to
    have no room. Raises ``OSError`` if it can't listen."""
    await reception(world, settings, people, announce, is_full).serve([(sockets, None)], stop, ready)
