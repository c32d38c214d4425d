"""The function "send": mail from our customers to anybody. RFC 6409, RFC 8314.

SUB-1 nothing is taken from who has not signed in. SUB-2 passwords cross only TLS, or the
loopback where the configuration allows it. SUB-3 nobody sends under another's address. SUB-4 nobody
sends to more recipients within a day than he may.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from holdfast.flow import recipients
from holdfast.flow.intake import Announce
from holdfast.flow.reception import Door, Reception, ReceptionSettings, SaysNo, SmtpSession, Transaction
from holdfast.flow.recipients import IsFull, Routes, nobody_is_full
from holdfast.flow.sending import Completing, DailyLimits, SendingLimits, TooMany
from holdfast.flow.sent import Sent
from holdfast.model.address import Address
from holdfast.model.mail import AccountId
from holdfast.model.people import Account
from holdfast.wire.sasl import MECHANISMS
from holdfast.wire.smtp.events import Rcpt
from holdfast.wire.smtp.replies import Reply
from holdfast.world import Peer, World


class SignInCheck(Protocol):
    """What ``directory.SignIn`` gives."""

    async def check(self, login: str, password: str, *, peer: str, function: str) -> Account: ...


class Senders(Routes, DailyLimits, Protocol):
    """What ``directory.People`` gives."""

    def may_send_as(self, account: AccountId, address: Address) -> bool: ...


class SignOuts(Protocol):
    """What ``directory.People`` gives: who is to be signed out is told until the watch is ended."""

    def watch_sign_outs(self, watcher: Callable[[AccountId], None]) -> Callable[[], object]: ...


class Settings(ReceptionSettings, frozen=True, kw_only=True):
    """``tls``: for STARTTLS and for the doors where TLS comes first; None: neither is offered.

    ``plain_sign_in``: passwords may cross a connection without TLS, from anywhere.
    ``plain_from_loopback``: the same, from this machine only.
    """

    ledger: str = "submission-0"
    plain_sign_in: bool = False
    plain_from_loopback: bool = False


def _not_now(too_many: TooMany) -> Reply:
    """450: 452 would have programs try at once with fewer."""
    return Reply(450, "4.7.1", too_many.text)


class SubmissionPolicy:
    """Who may send, as whom, and what is added to the message."""

    function = "submission"

    def __init__(
        self,
        world: World,
        settings: Settings,
        people: Senders,
        sign_in: SignInCheck,
        is_full: IsFull = nobody_is_full,
        sending: SendingLimits | None = None,
    ) -> None:
        self._is_full = is_full
        self._sending = sending
        self._settings = settings
        self._people = people
        self._sign_in = sign_in
        self._completing = Completing(world, settings.hostname)

    def sender(self, session: SmtpSession, address: Address) -> None:
        """SUB-3. The null sender is for notifications (RFC 8098 §3), and its writer is known all the same."""
        if address.domain and not self._people.may_send_as(session.account, address):
            raise SaysNo(Reply(550, "5.7.1", f"{address} is not an address of the account that signed in"))

    def recipient(self, session: SmtpSession, transaction: Transaction, event: Rcpt) -> None:
        if self._sending is not None:
            already = len(transaction.local) + len(transaction.remote)
            peer = session.connection.peer
            address = peer[0] if isinstance(peer, tuple) else ""
            if (too_many := self._sending.check(session.account, already + 1, address)) is not None:
                raise SaysNo(_not_now(too_many))
        route = recipients.find(self._people, event.address, sending=True)
        recipients.check_room(route, self._is_full)
        recipients.add(transaction, event, route, self._settings.limits.recipients)

    def message(self, session: SmtpSession, transaction: Transaction, data: bytes) -> bytes:
        """Date and Message-ID are added where missing. RFC 6409 §8.1, §8.2."""
        if self._sending is not None:
            too_many = self._sending.take(session.account, len(transaction.local) + len(transaction.remote))
            if too_many is not None:
                raise SaysNo(_not_now(too_many))
        return self._completing.complete(data, transaction.sender.domain)

    async def sign_in(self, login: str, password: str, peer: str) -> AccountId:
        return (await self._sign_in.check(login, password, peer=peer, function=self.function)).id


def reception(
    world: World,
    settings: Settings,
    people: Senders,
    sign_in: SignInCheck,
    announce: Announce | None,
    is_full: IsFull = nobody_is_full,
    sending: SendingLimits | None = None,
) -> Reception:
    """All of the function but its doors."""
    intake = settings.intake(world, announce)
    machine = settings.machine()._replace(
        mechanisms=MECHANISMS,
        auth_needs_tls=not settings.plain_sign_in,
        auth_required=True,
    )
    nearby = machine._replace(auth_needs_tls=not (settings.plain_sign_in or settings.plain_from_loopback))
    policy = SubmissionPolicy(world, settings, people, sign_in, is_full, sending)
    return Reception(world, intake, policy, machine, settings.limits, settings.tls, loopback=nearby)


async def serve(
    world: World,
    settings: Settings,
    sockets: Peer | Sequence[Any] | None,
    tls_sockets: Peer | Sequence[Any] | None,
    people: Senders,
    sign_in: SignInCheck,
    *,
    stop: asyncio.Event,
    announce: Announce | None = None,
    is_full: IsFull = nobody_is_full,
    ready: Callable[[], object] | None = None,
    sign_outs: SignOuts | None = None,
) -> None:
    """Serves until ``stop``. ``sockets``: with STARTTLS (587); ``tls_sockets``: in TLS (465); None: not.

    ``announce``: ``MailStore.announce``; ``is_full``: is an account known to have no room.
    ``sign_outs``: says whose sessions end (SUB-5). Raises ``OSError`` if it can't listen.
    """
    doors: list[Door] = []
    if sockets:
        doors.append((sockets, None))
    if tls_sockets and settings.tls is not None:
        doors.append((tls_sockets, settings.tls))
    sent = Sent(world, settings.volume_folder, settings.ledger)
    sending = SendingLimits(world, people, sent)
    made = reception(world, settings, people, sign_in, sent.announcing(announce), is_full, sending)
    if sign_outs is not None:
        sign_outs.watch_sign_outs(made.sign_out)
    try:
        await made.serve(doors, stop, ready)
    finally:
        await sent.close()
