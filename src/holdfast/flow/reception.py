"""What the functions that take mail over SMTP share: doors, counts of connections, the order of ending.

A function gives a ``Policy``; what it raises is the reply (``wire/smtp/replies.py``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from holdfast.flow.intake import Announce, Intake
from holdfast.flow.smtp_session import SaysNo, SmtpSession, Transaction
from holdfast.model.address import Address
from holdfast.model.limits import PACK_BYTES, SMTP_STOP_S, Limits
from holdfast.model.mail import AccountId
from holdfast.wire.smtp import replies
from holdfast.wire.smtp.events import Rcpt
from holdfast.wire.smtp.replies import Reply
from holdfast.wire.smtp.server import ServerSettings
from holdfast.world import Peer, World
from holdfast.world.tls import TlsContext

__all__ = ["Door", "Policy", "Reception", "ReceptionSettings", "SaysNo", "SmtpSession", "Transaction"]


class Policy(Protocol):
    """What a function decides. Each method raises ``Refused`` or ``Unavailable``, or ``SaysNo``."""

    function: str  # 'mx', 'submission': in events

    def sender(self, session: SmtpSession, address: Address) -> None: ...

    def recipient(self, session: SmtpSession, transaction: Transaction, event: Rcpt) -> None:
        """Adds to ``transaction.local`` and ``transaction.remote``."""
        ...

    def message(self, session: SmtpSession, transaction: Transaction, data: bytes) -> bytes:
        """The message as it is to be kept."""
        ...

    async def sign_in(self, login: str, password: str, peer: str) -> AccountId: ...


Door = tuple[Peer | Sequence[Any], TlsContext | None]
"""Where to listen (an address, or sockets passed down), and the certificate where TLS comes first."""


class ReceptionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where what a function accepts is kept, and what it tells its clients.

    ``ledger``: the intake's name; ``tls``: for STARTTLS; None: not offered.
    """

    hostname: str
    volume_folder: str
    ledger: str
    copies: tuple[str, ...] = ()
    trailing: tuple[str, ...] = ()
    pack_bytes: int = PACK_BYTES
    tls: TlsContext | None = None
    limits: Limits = Limits()

    def intake(self, world: World, announce: Announce | None) -> Intake:
        """Yet to be opened."""
        return Intake(
            world,
            self.volume_folder,
            self.ledger,
            host=self.hostname,
            inflight_bytes=self.limits.inflight_bytes,
            announce=announce,
            copies=self.copies,
            trailing=self.trailing,
            pack_bytes=self.pack_bytes,
        )

    def machine(self) -> ServerSettings:
        return ServerSettings(
            host=self.hostname,
            message_bytes=self.limits.message_bytes,
            recipients=self.limits.recipients,
            errors=self.limits.smtp_errors,
            starttls=self.tls is not None,
        )


class Reception:
    """What all sessions of one function's process share."""

    __slots__ = (
        "by_address",
        "intake",
        "limits",
        "loopback",
        "machine",
        "policy",
        "sessions",
        "stopping",
        "tls",
        "world",
    )

    def __init__(
        self,
        world: World,
        intake: Intake,
        policy: Policy,
        machine: ServerSettings,
        limits: Limits,
        tls: TlsContext | None,
        *,
        loopback: ServerSettings | None = None,
    ) -> None:
        """``machine``: what is offered; ``loopback``: the same for clients on this machine."""
        self.world = world
        self.intake = intake
        self.policy = policy
        self.machine = machine
        self.limits = limits
        self.tls = tls
        self.loopback = loopback or machine
        self.sessions: set[SmtpSession] = set()
        self.by_address: dict[str, int] = {}
        self.stopping = False

    def session(self) -> SmtpSession:
        """For a door where TLS, if at all, is begun by STARTTLS."""
        return SmtpSession(self, self.machine, secure=False)

    def tls_session(self) -> SmtpSession:
        """For a door where TLS comes first (RFC 8314 §3.3)."""
        return SmtpSession(self, self.machine, secure=True)

    def admit(self, session: SmtpSession, address: str) -> Reply | None:
        """Counts a connection in; why it is not wanted, or None."""
        if self.stopping:
            return replies.SHUTTING_DOWN
        if len(self.sessions) >= self.limits.connections:
            return replies.TOO_MANY_CONNECTIONS
        if self.by_address.get(address, 0) >= self.limits.connections_per_address:
            return replies.TOO_MANY_CONNECTIONS
        self.sessions.add(session)
        self.by_address[address] = self.by_address.get(address, 0) + 1
        return None

    def leave(self, session: SmtpSession, address: str) -> None:
        if session not in self.sessions:
            return
        self.sessions.remove(session)
        left = self.by_address[address] - 1
        if left:
            self.by_address[address] = left
        else:
            del self.by_address[address]

    async def serve(
        self, doors: Sequence[Door], stop: asyncio.Event, ready: Callable[[], object] | None = None
    ) -> None:
        """Takes mail until ``stop``; then waits for what is on its way to the disk."""
        await self.intake.open()
        try:
            listeners = [
                await self.world.net.listen(self.tls_session if tls else self.session, sockets, tls)
                for sockets, tls in doors
            ]
            if ready is not None:
                ready()
            await stop.wait()
            for listener in listeners:
                listener.close()
            self.stop()
            deadline = self.world.clock.monotonic() + SMTP_STOP_S
            while any(session.busy for session in self.sessions) and self.world.clock.monotonic() < deadline:
                await self.world.clock.sleep(SMTP_STOP_S / 200)
        finally:
            await self.intake.close()

    def sign_out(self, account: AccountId) -> None:
        """421 to all sessions of the account."""
        for session in list(self.sessions):
            if session.account == account:
                session.sign_out()

    def stop(self) -> None:
        """421 to all who have no message on its way to the disk; they are asked to come again."""
        self.stopping = True
        for session in list(self.sessions):
            session.stop()
