"""A connection to another mail server, driven for the relay: the SMTP client machine on a socket."""

from __future__ import annotations

import asyncio
import ssl
from typing import NamedTuple

from holdfast.model.limits import RELAY_CONNECT_S, RELAY_CONTENT_S, RELAY_REPLY_S
from holdfast.wire.sasl import Credentials
from holdfast.wire.smtp.client import Client, Outcome, Stage, Transaction
from holdfast.wire.smtp.replies import Reply
from holdfast.wire.smtp.transaction import AuthFailed, Broken, Closed, Done, Ready, TlsReady, TlsRefused
from holdfast.world import World
from holdfast.world.connection import Session


class Unreachable(Exception):
    """No transaction is possible with this host now. ``reply``: what was said, or what we say about it."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class Manners(NamedTuple):
    """How we behave towards a host. ``tls``: none, opportunistic (RFC 7435) or required."""

    name: str
    tls: str
    context: ssl.SSLContext
    credentials: Credentials | None = None


class Outbound(Session):
    """Connects, secures and signs in (``open``), then sends one message at a time (``send``)."""

    __slots__ = ("_failure", "_host", "_machine", "_manners", "_outcomes", "_ready", "_tried_tls")

    def __init__(self, manners: Manners, host: str) -> None:
        self._manners = manners
        self._host = host
        self._machine = Client(manners.name, bdat=True)
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._outcomes: asyncio.Future[tuple[Outcome, ...]] | None = None
        self._failure: Reply | None = None
        self._tried_tls = False

    @classmethod
    async def open(cls, world: World, manners: Manners, host: str, address: str, port: int) -> Outbound:
        """Raises ``Unreachable``."""
        session = cls(manners, host)
        try:
            async with asyncio.timeout(RELAY_CONNECT_S):
                await world.net.connect(lambda: session, (address, port))
        except (OSError, TimeoutError) as error:
            text = str(error) or "no answer"
            raise Unreachable(Reply(451, "4.4.1", f"{host} [{address}]:{port}: {text}")) from error
        try:
            await session._ready
        except BaseException:
            session.connection.abort()  # who gave up waiting leaves nothing open
            raise
        return session

    @property
    def usable(self) -> bool:
        """Another message can be sent."""
        return self._failure is None and not self.connection.closing

    async def send(self, transaction: Transaction, *, asks: bool = False) -> tuple[Outcome, ...]:
        """An outcome for each recipient; a broken connection is a temporary one. ``asks``: whether they would
        be taken; no message follows."""
        self._outcomes = asyncio.get_running_loop().create_future()
        (self._machine.ask if asks else self._machine.send)(transaction)
        self._run()
        return await self._outcomes

    def quit(self) -> None:
        if self.usable:
            self._machine.quit()
            self._run()

    # -- the connection -----------------------------------------------------------

    def connected(self) -> None:
        self.connection.set_timeout(RELAY_REPLY_S)

    def received(self, data: bytes) -> None:
        self._machine.receive(data)
        self._run()

    def timed_out(self) -> None:
        self._machine.lost()
        self._run()
        self.connection.abort()

    def ended(self) -> None:
        self._machine.lost()
        self._run()
        self.connection.close()

    def lost(self, error: Exception | None) -> None:
        self._machine.lost()
        self._run()
        self._fail(Reply(451, "4.4.2", f"{self._host}: connection lost"))

    def _run(self) -> None:
        machine = self._machine
        while (event := machine.next_event()) is not None:
            if isinstance(event, Done):
                if self._outcomes is not None and not self._outcomes.done():
                    self._outcomes.set_result(event.outcomes)
            elif isinstance(event, Broken):
                self._fail(event.reply)
            elif isinstance(event, Closed):
                self.connection.close()
            else:
                self._prepare(event)
        if out := machine.take():
            long = machine.waiting_for is Stage.CONTENT
            self.connection.set_timeout(RELAY_CONTENT_S if long else RELAY_REPLY_S)
            self.connection.write(out)

    def _prepare(self, event: Ready | TlsReady | TlsRefused | AuthFailed) -> None:
        """What comes before the first message: TLS where it is offered, then sign-in."""
        if isinstance(event, TlsReady):
            self.connection.spawn(self._start_tls())
        elif isinstance(event, TlsRefused):
            if self._manners.tls == "required":
                self._fail(Reply(451, "4.7.5", f"{self._host} refuses TLS: {event.reply}"))
        elif isinstance(event, AuthFailed):
            self._fail(Reply(451, "4.7.8", f"{self._host} refuses our sign-in: {event.reply}"))
        elif self._failure is None:
            self._next_step(event)

    def _next_step(self, event: Ready) -> None:
        manners = self._manners
        if manners.tls != "none" and not event.secure and not self._tried_tls:
            self._tried_tls = True
            if event.extensions.starttls:
                self._machine.start_tls()
                return
            if manners.tls == "required":
                self._fail(Reply(451, "4.7.4", f"{self._host} offers no TLS, and we must have it"))
                return
        if manners.credentials is not None and not event.authenticated:
            if not event.secure and manners.tls == "required":
                self._fail(Reply(451, "4.7.4", f"{self._host}: no sign-in without TLS"))
                return
            self._machine.authenticate(manners.credentials)
            return
        if not self._ready.done():
            self._ready.set_result(None)

    async def _start_tls(self) -> None:
        try:
            await self.connection.start_tls(self._manners.context, server_side=False, server_name=self._host)
        except ConnectionError as error:
            self._fail(Reply(451, "4.7.5", f"{self._host}: {error}"))
            return
        self._machine.tls_started()
        self._run()

    def _fail(self, reply: Reply) -> None:
        """No further message goes over this connection; whoever waits is told."""
        if self._failure is None:
            self._failure = reply
        if not self._ready.done():
            self._ready.set_exception(Unreachable(reply))
        if self._outcomes is not None and not self._outcomes.done():
            self._outcomes.set_exception(Unreachable(reply))
        self.connection.close()
