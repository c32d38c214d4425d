"""The POP3 function: a customer fetches mail and takes it away. RFC 1939.

The maildrop is INBOX as it was at sign-in. Sessions don't lock it: a message another
session removed meanwhile answers ``-ERR``, and UIDLs never change, because they are made
from the frame a message was accepted in. What was marked is removed at QUIT only, all of
it or, when the store is out of reach, none of it (POP3-5).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple, Protocol

from holdfast import store as s
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.events import register
from holdfast.model.limits import READ_JOIN_BYTES, Limits
from holdfast.model.mail import AccountId, Flag, MailboxId
from holdfast.model.people import Account
from holdfast.model.uidset import UidSet
from holdfast.wire import pop3
from holdfast.world import World
from holdfast.world.connection import Session
from holdfast.world.tls import TlsContext

SIGNED_IN = register("pop3_signed_in", "debug", "a POP3 session began", "account", "peer")
UNAVAILABLE = register(
    "pop3_unavailable",
    "warn",
    "a POP3 command met a component that is out of reach; cell: the account's, null before sign-in",
    "component",
    "verb",
    "peer",
    "cell",
)

READ_AHEAD = 32  # messages read at once when a client fetches one after the other
DROPS = 500  # listings one process keeps
WRONG_PASSWORD_DELAY_S = 1.0


class SignInCheck(Protocol):
    async def check(self, login: str, password: str, *, peer: str, function: str) -> Account: ...


class Settings(NamedTuple):
    """What one listening address offers; shared by its connections."""

    host: str
    tls: TlsContext | None
    sign_in_needs_tls: bool
    limits: Limits


class Drop(NamedTuple):
    """INBOX at one moment; shared by all sessions that see the same. Lists run in order of UID."""

    mailbox: MailboxId
    uids: list[int]
    sizes: list[int]
    refs: list[s.MessageRef]
    ids: list[str]
    list_lines: list[bytes]
    uidl_lines: list[bytes]


_COLUMNS = (s.Column.UID, s.Column.SIZE, s.Column.MESSAGE_ID, s.Column.BORN, s.Column.REF)


class Drops:
    """Listings of the process's maildrops, kept as long as the mailbox has not changed."""

    def __init__(self) -> None:
        self._kept: OrderedDict[MailboxId, tuple[int, Drop]] = OrderedDict()

    def of(self, mail: s.AccountMail) -> Drop:
        """Raises ``Unavailable``: an index that can't be read is no empty maildrop."""
        box = mail.mailbox("INBOX")
        if box is None:
            raise Unavailable("store", "no INBOX in the index")
        kept = self._kept.get(box.id)
        if kept is not None and kept[0] == box.modseq:
            self._kept.move_to_end(box.id)
            return kept[1]
        drop = _drop(mail, box.id, mail.uids(box))
        self._kept[box.id] = (box.modseq, drop)
        if len(self._kept) > DROPS:
            self._kept.popitem(last=False)
        return drop


def _drop(mail: s.AccountMail, mailbox: MailboxId, uids: UidSet) -> Drop:
    drop = Drop(mailbox, [], [], [], [], [], [])
    for chunk in mail.rows(mailbox, uids, _COLUMNS):
        for uid, size, message, born, *ref in chunk:
            number = len(drop.uids) + 1
            id = f"{message:x}.{born:x}" if born else f"{message:x}"
            drop.uids.append(uid)
            drop.sizes.append(size)
            drop.refs.append(s.MessageRef(*ref))
            drop.ids.append(id)
            drop.list_lines.append(b"%d %d\r\n" % (number, size))
            drop.uidl_lines.append(b"%d %b\r\n" % (number, id.encode()))
    return drop


class Pop3Session(Session):
    """One connection."""

    __slots__ = (
        "_account",
        "_ahead",
        "_deleted",
        "_drop",
        "_failures",
        "_fetched",
        "_function",
        "_machine",
    )

    def __init__(self, function: Pop3, *, implicit_tls: bool) -> None:
        self._function = function
        settings = function.settings
        self._machine = pop3.Server(
            pop3.ServerSettings(settings.host, settings.tls is not None, settings.sign_in_needs_tls),
            tls=implicit_tls,
        )
        self._account: Account | None = None
        self._drop: Drop | None = None
        self._deleted: set[int] = set()
        self._fetched: set[int] = set()
        self._ahead: dict[int, bytes | memoryview | None] = {}
        self._failures = 0

    # -- the connection -----------------------------------------------------------

    def connected(self) -> None:
        settings = self._function.settings
        self.connection.set_timeout(settings.limits.pop3_idle_s)
        self._machine.greet()
        self._send()

    def received(self, data: bytes) -> None:
        self._machine.receive(data)
        if not self.connection.busy:
            self._run()

    def ready(self) -> None:
        self._run()

    def failed(self, error: Exception) -> None:
        self._machine.error("internal error, please try again later", "SYS/TEMP")
        self._send()

    def timed_out(self) -> None:
        # RFC 1939 §3: without QUIT nothing is removed.
        self.connection.close()

    def lost(self, error: Exception | None) -> None:
        if self._account is not None:
            self._function.leave(self._account.id, self)

    def sign_out(self) -> None:
        """POP3-6: nothing is removed, as without QUIT; a QUIT under way is carried out."""
        if self._drop is not None and self.connection.busy:
            return
        self._machine.error("signed out: the password was changed or the account closed", "AUTH")
        self._machine.closed = True
        self._send()
        self.connection.close()

    def _send(self) -> None:
        out = self._machine.take()
        if out:
            self.connection.writelines(out)  # type: ignore[arg-type]

    def _run(self) -> None:
        """Carry out what has come in, as long as nothing must be waited for and the client reads."""
        machine = self._machine
        while not self.connection.busy:
            if self.connection.buffered > READ_JOIN_BYTES:
                self.connection.spawn(self.connection.drain())  # `ready` goes on when it is sent
                return
            event = machine.next_event()
            if event is None:
                break
            if isinstance(event, pop3.StartTls):
                self._send()
                assert self._function.settings.tls is not None
                self.connection.start_tls(self._function.settings.tls)
                machine.tls_started()
                return
            if isinstance(event, pop3.SignIn):
                self.connection.spawn(self._sign_in(event))
            else:
                self._carry_out(event)
            self._send()
        self._send()
        if machine.closed and not self.connection.busy:
            self.connection.close()

    def _carry_out(self, command: pop3.Command) -> None:
        try:
            if command.verb == "QUIT":
                self._quit()
            else:
                _VERBS[command.verb](self, *command.numbers)
        except (Refused, Unavailable) as error:
            self._refuse(command.verb, error)

    def _refuse(self, verb: str, error: Refused | Unavailable) -> None:
        if isinstance(error, Unavailable):
            self._function.world.journal.emit(
                UNAVAILABLE,
                component=error.component,
                verb=verb,
                peer=self._address,
                cell=self._account.cell if self._account is not None else None,
            )
        code, text = pop3.reply_for(error)
        self._machine.error(text, code)

    @property
    def _address(self) -> str:
        peer = self.connection.peer
        return peer[0] if isinstance(peer, tuple) else peer

    # -- sign-in ------------------------------------------------------------------

    async def _sign_in(self, event: pop3.SignIn) -> None:
        function, address = self._function, self._address
        try:
            account = await function.sign_in.check(event.login, event.password, peer=address, function="pop3")
            self._account = account
            function.enter(account.id, self)
            mail = await function.store.open_account(account.id, account.cell)
            self._drop = function.drops.of(mail)
        except Refused as refused:
            self._failures += 1
            await function.world.clock.sleep(WRONG_PASSWORD_DELAY_S)
            if self._failures >= function.settings.limits.sign_in_failures:
                self._machine.closed = True
            self._refuse("PASS", refused)
        except Unavailable as unavailable:
            self._refuse("PASS", unavailable)
        else:
            function.world.journal.emit(SIGNED_IN, account=account.id, peer=address)
            self._machine.signed_in(f"{len(self._drop.uids)} messages")
        self._send()

    # -- the maildrop -------------------------------------------------------------

    @property
    def _open_drop(self) -> Drop:
        assert self._drop is not None  # the machine lets no command through before
        return self._drop

    def _place(self, number: int) -> int:
        """Index of message ``number``; refuses one that isn't there or is marked as deleted."""
        if number > len(self._open_drop.uids):
            raise Refused(Reason.NO_SUCH_MESSAGE, f"there are {len(self._open_drop.uids)} messages")
        if number - 1 in self._deleted:
            raise Refused(Reason.NO_SUCH_MESSAGE, f"message {number} is marked as deleted")
        return number - 1

    def _stat(self) -> None:
        drop = self._open_drop
        gone = sum(drop.sizes[place] for place in self._deleted)
        self._machine.ok(f"{len(drop.uids) - len(self._deleted)} {sum(drop.sizes) - gone}")

    def _lines(self, lines: list[bytes]) -> bytes:
        if not self._deleted:
            return b"".join(lines)
        return b"".join(line for place, line in enumerate(lines) if place not in self._deleted)

    def _list(self, number: int = 0) -> None:
        drop = self._open_drop
        if number:
            self._machine.ok(f"{number} {drop.sizes[self._place(number)]}")
        else:
            self._machine.listing("sizes follow", self._lines(drop.list_lines))

    def _uidl(self, number: int = 0) -> None:
        drop = self._open_drop
        if number:
            self._machine.ok(f"{number} {drop.ids[self._place(number)]}")
        else:
            self._machine.listing("unique ids follow", self._lines(drop.uidl_lines))

    def _message(self, place: int) -> bytes | memoryview:
        """A message's bytes; those after it are read along, since most clients fetch them in a row."""
        if place not in self._ahead:
            self._ahead = self._read_from(place)
        message = self._ahead.pop(place)
        if message is None:
            raise Refused(Reason.UNREADABLE, "the message is damaged on disk and can't be read")
        return message

    def _read_from(self, place: int) -> dict[int, bytes | memoryview | None]:
        account, drop = self._account, self._open_drop
        assert account is not None
        end, size = place + 1, drop.sizes[place]
        in_a_row = not place or place - 1 in self._fetched
        while in_a_row and end < len(drop.uids) and end - place < READ_AHEAD:
            size += drop.sizes[end]
            if size > READ_JOIN_BYTES:
                break
            end += 1
        mail = self._function.store.account(account.id, account.cell)
        return dict(zip(range(place, end), mail.messages(drop.refs[place:end])))

    def _retr(self, number: int) -> None:
        place = self._place(number)
        message = self._message(place)
        self._fetched.add(place)
        self._machine.message(f"{len(message)} octets", message)

    def _top(self, number: int, lines: int) -> None:
        message = bytes(self._message(self._place(number)))
        end = message.find(b"\r\n\r\n")
        end = len(message) if end < 0 else end + 4
        for _ in range(lines):
            found = message.find(b"\n", end)
            if found < 0:
                end = len(message)
                break
            end = found + 1
        self._machine.message("top of message follows", message[:end])

    def _dele(self, number: int) -> None:
        self._deleted.add(self._place(number))
        self._machine.ok(f"message {number} marked as deleted")

    def _rset(self) -> None:
        self._deleted.clear()
        self._machine.ok(f"{len(self._open_drop.uids)} messages")

    def _noop(self) -> None:
        self._machine.ok()

    # -- the end ------------------------------------------------------------------

    def _quit(self) -> None:
        if not self._deleted and not self._fetched:
            self._machine.quit()
            return
        self.connection.spawn(self._update())

    async def _update(self) -> None:
        """RFC 1939 §6: remove what was marked; what was fetched and stays has been seen."""
        account, drop = self._account, self._open_drop
        assert account is not None
        commands: list[s.AnyCommand] = []
        if self._deleted:
            uids = UidSet.of(drop.uids[place] for place in self._deleted)
            commands.append(
                s.Expunge(
                    account=account.id,
                    cell=account.cell,
                    mailbox=drop.mailbox,
                    uids=uids.pack(),
                    only_deleted=False,
                )
            )
        seen = UidSet.of(drop.uids[place] for place in self._fetched - self._deleted)
        if seen:
            commands.append(
                s.StoreFlags(
                    account=account.id,
                    cell=account.cell,
                    mailbox=drop.mailbox,
                    uids=seen.pack(),
                    mode="add",
                    flags=Flag.SEEN,
                )
            )
        try:
            outcomes = await self._function.store.commit(commands)
            failed = [o for o in outcomes[: bool(self._deleted)] if isinstance(o, Refused | Unavailable)]
            if failed:
                raise failed[0]
        except (Refused, Unavailable) as error:
            self._refuse("QUIT", error)
            self._machine.closed = True
        else:
            self._machine.quit(f"{len(self._deleted)} messages removed")
        self._send()


_VERBS: dict[str, Callable[..., None]] = {
    "STAT": Pop3Session._stat,
    "LIST": Pop3Session._list,
    "UIDL": Pop3Session._uidl,
    "RETR": Pop3Session._retr,
    "TOP": Pop3Session._top,
    "DELE": Pop3Session._dele,
    "RSET": Pop3Session._rset,
    "NOOP": Pop3Session._noop,
}


class Pop3:
    """What the sessions of one process share."""

    def __init__(self, world: World, settings: Settings, sign_in: SignInCheck, store: s.MailStore) -> None:
        self.world = world
        self.settings = settings
        self.sign_in = sign_in
        self.store = store
        self.drops = Drops()
        self._signed_in: dict[AccountId, set[Pop3Session]] = {}

    def enter(self, account: AccountId, session: Pop3Session) -> None:
        self._signed_in.setdefault(account, set()).add(session)

    def leave(self, account: AccountId, session: Pop3Session) -> None:
        sessions = self._signed_in.get(account, set())
        sessions.discard(session)
        if not sessions:
            self._signed_in.pop(account, None)

    def sign_out(self, account: AccountId) -> None:
        """Ends all sessions of the account."""
        for session in list(self._signed_in.get(account, ())):
            session.sign_out()

    def session(self) -> Pop3Session:
        """For a port where TLS is begun by STLS."""
        return Pop3Session(self, implicit_tls=False)

    def tls_session(self) -> Pop3Session:
        """For a port where TLS comes first (RFC 8314 §3.2)."""
        return Pop3Session(self, implicit_tls=True)
