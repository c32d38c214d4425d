"""The SMTP session that MX and submission share: the machine driven, policy asked, the message handed in.

FLOW-5: 250 is written only after the intake's future resolved. FLOW-6: while a message is
on its way to the disk its connection is read no further than READ_CHUNK_BYTES.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from holdfast.flow import events
from holdfast.flow.intake import Envelope, Receipt
from holdfast.flow.trace import LOOP, Origin, protocol, runs_in_circle
from holdfast.model.address import Address
from holdfast.model.envelope import LocalRecipient, RemoteRecipient
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import READ_CHUNK_BYTES
from holdfast.model.mail import AccountId
from holdfast.packs import Written
from holdfast.wire.smtp import replies
from holdfast.wire.smtp.events import (
    Authenticate,
    Failed,
    Hello,
    Mail,
    MailParameters,
    MessageComplete,
    Quit,
    Rcpt,
    Rejected,
    Reset,
    StartTls,
)
from holdfast.wire.smtp.replies import Reply
from holdfast.wire.smtp.server import Server, ServerSettings
from holdfast.world import Session

if TYPE_CHECKING:
    from holdfast.flow.reception import Reception


address_text = functools.lru_cache(maxsize=4096)(str)
"""An address as the wire has it; cached, because a busy server meets the same ones again."""


class SaysNo(Exception):
    """A policy's refusal with words of SMTP's own."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


class Transaction:
    """One message's envelope while it is being said."""

    __slots__ = ("begun", "local", "parameters", "remote", "sender")

    def __init__(self, sender: Address, parameters: MailParameters, begun: float) -> None:
        """``begun``: when MAIL came, monotonic."""
        self.begun = begun
        self.sender = sender
        self.parameters = parameters
        # by account: one account gets a message once, however many of its addresses are named (FLOW-7)
        self.local: dict[AccountId, LocalRecipient] = {}
        self.remote: dict[str, RemoteRecipient] = {}


class SmtpSession(Session):
    """One connection."""

    __slots__ = (
        "_address",
        "_charged",
        "_ended",
        "_failures",
        "_gone",
        "_machine",
        "_origin",
        "_pending",
        "_reception",
        "_secure",
        "_settings",
        "_signed_out",
        "_transaction",
        "account",
        "paused",
    )

    def __init__(self, reception: Reception, machine: ServerSettings, *, secure: bool) -> None:
        self._reception = reception
        self._settings = machine
        self._secure = secure
        self._address = ""
        self._origin: Origin | None = None
        self._transaction: Transaction | None = None
        self._pending: int = 0  # bytes of the message on its way to the disk, and one
        self._charged = 0  # what the intake counts for us
        self._failures = 0
        self.paused = False
        self._gone = False
        self._ended = False  # the client sends no more
        self._signed_out = False
        self.account: AccountId = 0  # who signed in

    # what the driver calls

    def connected(self) -> None:
        peer = self.connection.peer
        self._address = peer[0] if isinstance(peer, tuple) else ""
        if self._address.startswith("127.") or self._address == "::1":
            self._settings = self._reception.loopback
        self._machine = Server(self._settings, secure=self._secure)
        self._machine.greet(self._reception.admit(self, self._address))
        self.connection.set_timeout(self._reception.limits.smtp_idle_s)
        self._go_on()

    def received(self, data: bytes) -> None:
        self._machine.receive(data)
        self._go_on()

    def ready(self) -> None:
        self._go_on()

    def ended(self) -> None:
        self._ended = True
        if not self._pending:
            self.connection.close()

    def timed_out(self) -> None:
        if self._pending or self._machine.deciding:
            self.connection.set_timeout(self._reception.limits.smtp_idle_s)
        else:
            self._give_up(replies.IDLE)

    def failed(self, error: Exception) -> None:
        self._give_up(replies.FAILED)

    def lost(self, error: Exception | None) -> None:
        self._gone = True
        self._reception.leave(self, self._address)
        if not self._pending:
            self._charge(0)

    @property
    def busy(self) -> bool:
        """Whether a message of ours is on its way to the disk."""
        return self._pending > 0

    @property
    def client_left(self) -> bool:
        """Whether the client sends no more."""
        return self._gone or self._ended

    def stop(self) -> None:
        """The process ends."""
        if not self._pending:
            self._give_up(replies.SHUTTING_DOWN)

    def sign_out(self) -> None:
        """The account's sessions are over; a message on its way to the disk is answered first."""
        self._signed_out = True
        if not self._pending:
            self._give_up(replies.SIGNED_OUT)

    # the machine's events

    def _go_on(self) -> None:
        machine = self._machine
        while (event := machine.next_event()) is not None:
            _HANDLERS[type(event)](self, event)
        held = machine.held + self._pending
        if held != self._charged:
            self._charge(held)
        if said := machine.take():
            self.connection.write(said)
        if machine.closed and not self._pending:
            self.connection.close()
        elif self.paused:
            if machine.backlog <= READ_CHUNK_BYTES:
                self.paused = False
                self.connection.resume()
        elif machine.backlog > READ_CHUNK_BYTES:
            self.paused = True
            self.connection.pause()

    def _charge(self, size: int) -> None:
        """FLOW-3: what we hold is counted; beyond the limit the message being received is let go."""
        fits = self._reception.intake.hold(size - self._charged)
        self._charged = size
        if not fits and self._machine.held:
            self._machine.shed(replies.unavailable(Unavailable("memory/messages")))
            self._reception.intake.hold(self._machine.held + self._pending - size)
            self._charged = self._machine.held + self._pending

    def _on_hello(self, event: Hello) -> None:
        self._transaction = None

    def _on_mail(self, event: Mail) -> None:
        reception = self._reception
        try:
            reception.intake.check(event.parameters.size)
            reception.policy.sender(self, event.sender)
        except (Refused, Unavailable, SaysNo) as error:
            self._refuse(error, "MAIL", str(event.sender))
            return
        begun = reception.world.clock.monotonic()
        self._transaction = Transaction(event.sender, event.parameters, begun)
        self._machine.accept()

    def _on_rcpt(self, event: Rcpt) -> None:
        assert self._transaction is not None
        try:
            self._reception.policy.recipient(self, self._transaction, event)
        except (Refused, Unavailable, SaysNo) as error:
            self._refuse(error, "RCPT", str(event.address))
            return
        self._machine.accept()

    def _on_message(self, event: MessageComplete) -> None:
        reception, transaction = self._reception, self._transaction
        assert transaction is not None
        self._transaction = None
        data = event.data
        try:
            if runs_in_circle(data):
                raise SaysNo(LOOP)
            data = reception.policy.message(self, transaction, data)
            envelope = self._envelope(transaction)
            receipt = reception.intake.submit(envelope, data, self._from(transaction.parameters))
        except (Refused, Unavailable, SaysNo) as error:
            self._refuse(error, "DATA", str(transaction.sender))
            return
        self._pending = len(data) + 1
        receipt.written.add_done_callback(
            lambda written: self._settled(written, receipt, envelope, len(data), transaction.begun)
        )

    def _on_authenticate(self, event: Authenticate) -> None:
        self.connection.spawn(self._sign_in(event))

    def _on_starttls(self, event: StartTls) -> None:
        tls = self._reception.tls
        assert tls is not None, "STARTTLS is offered only with a certificate"
        self.connection.write(self._machine.take())
        self.connection.start_tls(tls)
        self._transaction = None
        self._machine.tls_started()

    def _on_reset(self, event: Reset) -> None:
        self._transaction = None

    def _on_rejected(self, event: Rejected) -> None:
        sender = self._transaction.sender if self._transaction is not None else ""
        self._transaction = None
        self._emit(events.REJECTED, reply=str(event.reply), sender=str(sender))

    def _on_quit(self, event: Quit) -> None:
        pass

    def _on_failed(self, event: Failed) -> None:
        self._emit(events.SMTP_FAILED, reason=event.reason)

    # a message's way

    def _envelope(self, transaction: Transaction) -> Envelope:
        parameters = transaction.parameters
        return Envelope(
            address_text(transaction.sender),
            tuple(transaction.local.values()),
            tuple(transaction.remote.values()),
            self.account,
            parameters.ret,
            parameters.envid,
            parameters.smtputf8,
            parameters.body_8bit,
        )

    def _from(self, parameters: MailParameters) -> Origin:
        machine = self._machine
        word = protocol(
            extended=machine.extended,
            secure=machine.secure,
            authenticated=machine.authenticated,
            smtputf8=parameters.smtputf8,
        )
        origin = self._origin
        if origin is None or origin.protocol != word or origin.name != machine.client_name:
            origin = self._origin = Origin(machine.client_name, self._address, word)
        return origin

    def _settled(
        self,
        written: asyncio.Future[list[Written]],
        receipt: Receipt,
        envelope: Envelope,
        size: int,
        begun: float,
    ) -> None:
        """The message is durable, or it could not be kept."""
        try:
            self._settle(written, receipt, envelope, size, begun)
        except Exception:
            self._give_up(replies.FAILED)
            raise

    def _settle(
        self,
        written: asyncio.Future[list[Written]],
        receipt: Receipt,
        envelope: Envelope,
        size: int,
        begun: float,
    ) -> None:
        self._pending = 0
        error = None if written.cancelled() else written.exception()
        if error is None and not written.cancelled():
            self._answer(written.result()[0], receipt, envelope, size, begun)
        elif isinstance(error, Refused | Unavailable):
            self._refuse(error, "DATA", envelope.sender)
        else:
            self._machine.close(replies.FAILED)
        self._go_on()
        if self._gone:
            self._charge(0)
        elif self._reception.stopping:
            self._give_up(replies.SHUTTING_DOWN)
        elif self._signed_out:
            self._give_up(replies.SIGNED_OUT)
        elif self._ended and not self._pending:
            self.connection.close()

    def _answer(
        self, written: Written, receipt: Receipt, envelope: Envelope, size: int, begun: float
    ) -> None:
        intake = self._reception.intake
        reached = not self._gone and not self.connection.closing
        if reached:
            self._machine.accept(Reply(250, "2.0.0", f"taken as {receipt.trace}"))
            self.connection.write(self._machine.take())
        # A client that has closed its half and left no command behind has most likely given up on us:
        # our 250 goes out, but whether anybody reads it is as unsure as if it had not.
        if not reached or (self._ended and not self._machine.backlog):
            intake.unsure(written, envelope.cells, receipt.trace)
            return
        intake.acknowledged(written.sequence)
        reception = self._reception
        reception.world.journal.emit(
            events.ACCEPTED,
            function=reception.policy.function,
            trace=receipt.trace,
            sender=envelope.sender,
            recipients=len(envelope.local) + len(envelope.remote),
            bytes=size,
            peer=self._address,
            seconds=reception.world.clock.monotonic() - begun,
        )

    async def _sign_in(self, event: Authenticate) -> None:
        login, password = event.credentials.login, event.credentials.password
        try:
            if event.credentials.authorize not in ("", login):
                raise Refused(Reason.BAD_CREDENTIALS, "acting for somebody else is not offered")
            self.account = await self._reception.policy.sign_in(login, password, self._address)
        except (Refused, Unavailable) as error:
            self._refuse(error, "AUTH", login, replies.for_sign_in(error))
            if isinstance(error, Refused):
                self._failures += 1
            if self._failures >= self._reception.limits.sign_in_failures:
                self._machine.close(replies.TOO_MANY_ERRORS)
            return
        self._machine.accept()

    # ends

    def _refuse(
        self, error: Refused | Unavailable | SaysNo, step: str, address: str, reply: Reply | None = None
    ) -> None:
        if reply is None:
            reply = error.reply if isinstance(error, SaysNo) else replies.for_error(error)
        self._machine.refuse(reply)
        if isinstance(error, Unavailable):
            self._emit(events.SMTP_UNAVAILABLE, step=step, component=error.component, reason=error.text)
        else:
            self._emit(events.SMTP_REFUSED, step=step, address=address, reply=str(reply))

    def _give_up(self, reply: Reply) -> None:
        self._machine.close(reply)
        self.connection.write(self._machine.take())
        self.connection.close()

    def _emit(self, event: Any, **keys: object) -> None:
        reception = self._reception
        reception.world.journal.emit(event, function=reception.policy.function, peer=self._address, **keys)


_HANDLERS: dict[type, Callable[[SmtpSession, Any], None]] = {
    Hello: SmtpSession._on_hello,
    Mail: SmtpSession._on_mail,
    Rcpt: SmtpSession._on_rcpt,
    MessageComplete: SmtpSession._on_message,
    Authenticate: SmtpSession._on_authenticate,
    StartTls: SmtpSession._on_starttls,
    Reset: SmtpSession._on_reset,
    Rejected: SmtpSession._on_rejected,
    Quit: SmtpSession._on_quit,
    Failed: SmtpSession._on_failed,
}
