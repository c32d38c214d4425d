"""One connection: bytes to commands, commands to handlers, answers in their order.

Most handlers run at once, without a task; those that wait (sign-in, the store's commit) or write more
than one buffer run as the connection's one coroutine, while further input waits in the machine
(IMAPD-1).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any, NamedTuple

from holdfast.functions.imap import events
from holdfast.functions.imap.serving import Serving
from holdfast.functions.imap.view import MailboxDeleted, Telling, View
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.limits import WRITE_BUFFER_BYTES
from holdfast.model.mail import MailboxId
from holdfast.model.people import Account
from holdfast.model.uidset import UidSet
from holdfast.store.commands import AnyCommand, AnyOutcome, TakeRecent
from holdfast.store.reader import AccountMail
from holdfast.wire.imap import commands as c
from holdfast.wire.imap import replies, responses
from holdfast.wire.imap.events import (
    AuthenticationResponse,
    BadCommand,
    Event,
    IdleDone,
    LiteralWanted,
    Request,
    State,
)
from holdfast.wire.imap.server import ServerMachine
from holdfast.wire.sasl import SaslServer
from holdfast.world.session import Session


class Answer(NamedTuple):
    """How a command ended: its tagged reply without the tag."""

    text: str = "Done."
    code: bytes = b""
    condition: bytes = b"OK"


class Stopped(Exception):
    """A handler gives up with an answer of its own."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.text)
        self.answer = answer


Steps = Generator[bytes, None, Answer]  # each step is written before the next is asked for
Handled = Answer | Steps | Coroutine[Any, Any, Answer | None] | None  # None: answered already, or later
Handler = Callable[["ImapSession", Request], Handled]


class ImapSession(Session):
    """``account``: who signed in; ``view``: the mailbox selected; ``idle``: the tag of the IDLE under way.

    ``held``: bytes of an APPEND counted as inflight; ``saved``: SEARCH's ``$`` (RFC 5182);
    ``securing``: STARTTLS was answered and TLS doesn't run yet; ``sasl``: the exchange of an
    AUTHENTICATE under way; ``debt``: mailboxes whose ``\\Recent`` is shown here and not yet taken.
    """

    __slots__ = (
        "account",
        "address",
        "begun",
        "condstore",
        "debt",
        "failures",
        "held",
        "idle",
        "machine",
        "qresync",
        "sasl",
        "saved",
        "securing",
        "serving",
        "view",
    )

    def __init__(self, serving: Serving) -> None:
        self.serving = serving
        self.machine = ServerMachine(serving.settings.limits)
        self.account: Account | None = None
        self.view: View | None = None
        self.saved: UidSet | None = None
        self.sasl: SaslServer | None = None
        self.idle = b""
        self.debt: tuple[MailboxId, ...] = ()
        self.address: str | None = None
        self.securing = False
        self.condstore = False
        self.qresync = False
        self.failures = 0
        self.held = 0
        self.begun = 0.0  # when the command under way began, monotonic

    # -- what the connection says ---------------------------------------------------

    def connected(self) -> None:
        peer = self.connection.peer
        address = peer[0] if isinstance(peer, tuple) else "local"
        if refusal := self.serving.admit(address):
            self.connection.write(replies.bye(refusal, b"LIMIT"))
            self.connection.close()
            return
        self.address = address
        self.connection.set_timeout(self.serving.settings.limits.imap_unauthenticated_s)
        text = f"{self.serving.settings.hostname} Holdfast IMAP ready."
        self.connection.write(responses.greeting(text, self.capabilities))

    def received(self, data: bytes) -> None:
        if self.securing:
            self.secured()  # a command may come in one piece with the end of the handshake
        self.machine.receive(data)
        self._run()

    def secured(self) -> None:
        """After STARTTLS: if TLS runs now, commands are read again."""
        if self.securing and self.connection.tls is not None:
            self.securing = False
            self.machine.tls_started()
            self.connection.set_timeout(self.serving.settings.limits.imap_unauthenticated_s)

    def ready(self) -> None:
        self._run()

    def timed_out(self) -> None:
        self.bye("Autologout: you were silent too long.")

    def sign_out(self) -> None:
        """IMAPD-10: the password was changed, or the account is no more."""
        self.bye("Signed out: the password was changed or the account closed.")

    def failed(self, error: Exception) -> None:
        self.connection.write(replies.bye("An error of ours, try again.", b"UNAVAILABLE"))

    def lost(self, error: Exception | None) -> None:
        self.end_idle()
        self.release()
        if self.address is not None:
            self.serving.leave(self.address)
        if self.account is not None:
            self.serving.exit(self.account.id, self)
        self._owe_recent()
        if self.debt and not self.connection.busy:
            self.connection.spawn(self._take_recent())

    # -- commands --------------------------------------------------------------------

    def _run(self) -> None:
        """Everything that has come in, until a coroutine runs, the client is slow, or no more is whole."""
        connection = self.connection
        while not connection.busy and not connection.closing:
            if connection.buffered > WRITE_BUFFER_BYTES:
                connection.spawn(connection.drain())  # ``ready`` goes on when the client has taken enough
                return
            event = self.machine.next_event()
            if event is None:
                return
            _EVENTS[type(event)](self, event)

    def _request(self, request: Request) -> None:
        self.begun = self.serving.world.clock.monotonic()
        self._handle(request, self.serving.handlers[type(request.command)])

    def _handle(self, request: Request, handler: Callable[..., Handled], *more: object) -> None:
        try:
            handled = handler(self, request, *more)
        except Exception as error:
            self._refuse(request, error)
            return
        if handled is None:
            return
        if isinstance(handled, Answer):
            self.complete(request, handled)
        elif isinstance(handled, Generator):
            self._first_step(request, handled)
        else:
            self.connection.spawn(self._await(request, handled))

    def _first_step(self, request: Request, steps: Steps) -> None:
        """Most answers are one buffer and need no task."""
        try:
            self.connection.write(next(steps))
        except StopIteration as end:
            self.complete(request, end.value)
        except Exception as error:
            self._refuse(request, error)
        else:
            searches = isinstance(request.command, c.Search)
            work = self._search_on(steps) if searches else self.write_all(steps)
            self.connection.spawn(self._await(request, work))

    async def _await(self, request: Request, work: Coroutine[Any, Any, Answer | None]) -> None:
        try:
            answer = await work
        except ConnectionError:
            raise  # the client is gone; nobody is left to answer
        except Exception as error:
            self._refuse(request, error)
        else:
            if answer is not None:
                self.complete(request, answer)
        if self.debt:
            await self._take_recent()

    async def _search_on(self, steps: Steps) -> Answer:
        """What one has read of a mailbox by then is much: an account's searches go on one after another."""
        async with self.serving.search_turn(self.who.id):
            return await self.write_all(steps)

    async def write_all(self, steps: Steps) -> Answer:
        """Writes what the steps give, as fast as the client takes it; others have their turn (IMAPD-7), and
        an account one at a time, however many connections it has (IMAPD-11)."""
        sleep, turn = self.serving.world.clock.sleep, self.serving.turn(self.who.id)
        try:
            while True:
                async with turn:
                    if part := next(steps):
                        self.connection.write(part)
                    await sleep(0)
                await self.connection.drain()
        except StopIteration as end:
            answer: Answer = end.value
            return answer
        finally:
            steps.close()

    def complete(self, request: Request, answer: Answer) -> None:
        """What changed meanwhile, then the tagged reply."""
        try:
            if self.view is not None:
                self.tell(expunges=not isinstance(request.command, _NUMBERED) or request.command.uid)
        except Unavailable as error:
            self._emit_unavailable(request.command.name, error)
            if isinstance(request.command, c.Noop | c.Check):  # news is all they ask for
                self.connection.write(replies.failed(request.tag, error))
                return
        except MailboxDeleted:
            self._mailbox_deleted()
            return
        self.connection.write(replies.status(request.tag, answer.condition, answer.text, answer.code))
        self._note(request, answer.condition)
        if isinstance(request.command, c.Select):
            self._owe_recent()
        if self.debt and not self.connection.busy:
            self.connection.spawn(self._take_recent())

    def _refuse(self, request: Request, error: Exception) -> None:
        """The tagged reply to a command that met an error. The session goes on: whole lines were
        written, and a view moves only after all has been read (IMAPD-3)."""
        command = request.command
        if not isinstance(error, Stopped):
            self._note(request, "NO")
        if isinstance(error, Unavailable):
            self._emit_unavailable(command.name, error)
        elif isinstance(error, MailboxDeleted):
            self._mailbox_deleted()
            return
        elif isinstance(error, Stopped):
            self.complete(request, error.answer)
            return
        elif not isinstance(error, Refused):
            self.serving.world.journal.emit(
                events.SESSION_FAILED,
                command=command.name,
                account=self.account.id if self.account else 0,
                peer=str(self.connection.peer),
                error=f"{type(error).__name__}: {error}",
            )
            self.connection.write(replies.no(request.tag, "An error of ours; it was reported.", b"SERVERBUG"))
            return
        self.connection.write(replies.failed(request.tag, error, command.name))

    def _note(self, request: Request, result: str | bytes) -> None:
        world = self.serving.world
        seconds = world.clock.monotonic() - self.begun
        world.journal.emit(
            events.COMMAND,
            command=request.command.name,
            result=result,
            seconds=seconds,
            peer=self.address,
            cell=self.account.cell if self.account else None,
        )

    def _emit_unavailable(self, command: str, error: Unavailable) -> None:
        self.serving.world.journal.emit(
            events.UNAVAILABLE,
            command=command,
            account=self.account.id if self.account else 0,
            component=error.component,
            text=error.text,
            peer=self.address,
            cell=self.account.cell if self.account else None,
        )

    def _mailbox_deleted(self) -> None:
        self.deselect()
        self.bye("The selected mailbox was deleted by another session.")

    def bye(self, text: str, code: bytes = b"", after: bytes = b"") -> None:
        """Ends the connection; ``after``: a last tagged reply, behind BYE (RFC 3501 §6.1.3)."""
        self.end_idle()
        self.machine.state = State.LOGOUT
        self.connection.write(replies.bye(text, code) + after)
        self.connection.close()

    # -- other events ----------------------------------------------------------------

    def _bad(self, event: BadCommand) -> None:
        self.end_idle()
        self.sasl = None
        self.release()
        self.connection.write(event.reply)

    def _literal(self, event: LiteralWanted) -> None:
        if event.message:
            no = self.serving.over_quota(self.who, event.size) if self.account is not None else None
            if no is not None:
                self.connection.write(self.machine.refuse_literal(no.text, "OVERQUOTA"))
                self.release()
                return
            if not self.serving.hold(event.size):
                text = "Too much is being sent just now, try again"
                self.connection.write(self.machine.refuse_literal(text, "UNAVAILABLE"))
                self.release()
                return
            self.held += event.size
        if reply := self.machine.accept_literal():
            self.connection.write(reply)
            self.connection.acknowledge_at_once()  # literal and line end often come in two pieces

    def _idle_done(self, event: IdleDone) -> None:
        self.end_idle()
        self.complete(Request(event.tag, c.Idle()), Answer("Idle done."))

    def _authentication(self, event: AuthenticationResponse) -> None:
        self._handle(Request(event.tag, c.Authenticate("")), self.serving.respond, event.data)

    # -- for the handlers --------------------------------------------------------------

    @property
    def capabilities(self) -> tuple[str, ...]:
        return self.serving.capabilities(
            signed_in=self.account is not None,
            tls=self.connection.tls is not None,
            private=self.private,
        )

    @property
    def private(self) -> bool:
        """A password may cross this connection."""
        settings = self.serving.settings
        if self.connection.tls is not None or settings.allow_plaintext:
            return True
        return settings.allow_plaintext_loopback and self.address in _THIS_MACHINE

    @property
    def who(self) -> Account:
        assert self.account is not None
        return self.account

    @property
    def kept(self) -> AccountMail:
        """The account's mail as it is now. Raises ``Unavailable``."""
        return self.serving.store.account(self.who.id, self.who.cell)

    @property
    def selected(self) -> View:
        assert self.view is not None
        return self.view

    async def commit(self, command: AnyCommand) -> AnyOutcome:
        """Durable and in effect when it returns. Raises ``Refused`` and ``Unavailable``."""
        return await self.serving.store.commit_one(command)

    def telling(self, *, expunges: bool = True, uid: bool = False, own: int = 0) -> Telling:
        return Telling(expunges, uid or self.qresync, self.condstore, self.qresync, own)

    def tell(self, *, expunges: bool = True, uid: bool = False, own: int = 0) -> None:
        """Untagged responses for what changed in the selected mailbox. Raises ``Unavailable``."""
        telling = self.telling(expunges=expunges, uid=uid, own=own)
        for lines in self.selected.sync(self.kept, telling, self.serving.readings):
            self.connection.write(lines)

    def deselect(self) -> None:
        self._owe_recent()
        self.view = None
        self.saved = None
        self.machine.state = State.AUTHENTICATED

    def release(self) -> None:
        """The message of an APPEND is no longer held."""
        if self.held:
            self.serving.release(self.held)
            self.held = 0

    def _owe_recent(self) -> None:
        """What this session shows as ``\\Recent`` is to be taken: when it selects, and when it leaves.

        Between the two new mail may be ``\\Recent`` in two sessions (RFC 3501 §2.3.2 prefers that to
        none), and costs no write of its own.
        """
        if self.view is not None and self.view.owes_recent:
            self.view.owes_recent = False
            self.debt = (*self.debt, self.view.mailbox)

    async def _take_recent(self) -> None:
        """The store learns it; nobody waits for that and nothing fails by it."""
        debt, self.debt = self.debt, ()
        taking = [TakeRecent(account=self.who.id, cell=self.who.cell, mailbox=mailbox) for mailbox in debt]
        try:
            await self.serving.store.commit(taking)
        except Unavailable:
            pass

    # -- IDLE (RFC 2177) -----------------------------------------------------------------

    def start_idle(self, tag: bytes) -> None:
        assert self.account is not None
        self.idle = tag
        self.connection.write(self.machine.start_idle())
        self.serving.store.watch(self.account.id, self.wake)
        self.wake()

    def end_idle(self) -> None:
        if self.idle and self.account is not None:
            self.idle = b""
            self.serving.store.unwatch(self.account.id, self.wake)

    def wake(self) -> None:
        """The account's mail has changed, or may have."""
        if self.view is None or self.connection.closing:
            return
        try:
            self.tell()
        except Unavailable as error:  # told when it can be read again
            self._emit_unavailable("IDLE", error)
        except MailboxDeleted:
            self._mailbox_deleted()


_THIS_MACHINE = ("127.0.0.1", "::1", "local")
_NUMBERED = (c.Fetch, c.Store, c.Search)  # RFC 3501 §7.4.1: no EXPUNGE while these are answered

_EVENTS: dict[type[Event], Callable[[ImapSession, Any], None]] = {
    Request: ImapSession._request,
    BadCommand: ImapSession._bad,
    LiteralWanted: ImapSession._literal,
    IdleDone: ImapSession._idle_done,
    AuthenticationResponse: ImapSession._authentication,
}
