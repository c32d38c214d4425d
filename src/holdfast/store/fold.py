"""The fold: frames of the mail ledger into the index of one cell. Deterministic.

STORE-1 the index is a function of the ledger: no clock, no randomness, no batch size shows in it.
STORE-2 position and effects are one transaction, so replay is idempotent.
STORE-3 only durable frames are folded (the caller's duty), so no index is ever ahead of its ledger.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import apsw
import msgspec

from holdfast import mime
from holdfast.model.envelope import Delivery, LocalRecipient, Started
from holdfast.model.ledgers import Kind
from holdfast.model.limits import SECOND_TRY_S
from holdfast.model.mail import START, AccountId, MessageId, PackRef, Position
from holdfast.model.uidset import UidSet
from holdfast.packs import BadFrame, Frame
from holdfast.store import commands as c
from holdfast.store import schema
from holdfast.store.accounts import Accounts, AccountState, ChangeRow, MailboxState
from holdfast.store.changes import ADDED, INSERT_ENTRY, Carrier
from holdfast.store.frames import Item, Lost, decode_command, decode_delivery, decode_message, split_body
from holdfast.store.refusal import Refusal
from holdfast.store.threads import Threads, digests

_decode_started = msgspec.msgpack.Decoder(Started).decode


class Summary(NamedTuple):
    envelope: bytes
    structure: bytes
    preview: str
    references: bytes  # see threads.py


class Mail(NamedTuple):
    """A message that is put into mailboxes."""

    id: MessageId
    size: int
    received: int
    references: bytes


class Email(NamedTuple):
    """What all entries of a message in one account have."""

    thread: MessageId
    made: int


Summarise = Callable[[bytes | memoryview], Summary]
ReadFrame = Callable[[int, PackRef], Frame | None]


UNREADABLE = Summary(
    b'(NIL "[unreadable message]" NIL NIL NIL NIL NIL NIL NIL NIL)',
    b'("text" "plain" NIL NIL NIL "7bit" 0 0)',
    "",
    b"",
)


def summarise(message: bytes | memoryview) -> Summary:
    """What the index keeps of a message. A message that defeats the parser is kept, listed as unreadable."""
    try:
        found = mime.summary(bytes(message))
        return Summary(found.envelope, found.bodystructure, found.preview, digests(found))
    except Exception:  # mime promises never to raise; if it breaks that, one message pays, not the fold
        return UNREADABLE


def delivery_digest(meta: Delivery, message: memoryview) -> bytes:
    """Equal for two tries of one sender at one message: envelope and bytes as they came in."""
    digest = hashlib.blake2b(digest_size=16)
    recipients = sorted([r.address for r in meta.local] + [r.address for r in meta.remote])
    digest.update("\0".join([meta.sender, *recipients]).encode("utf-8", "surrogateescape"))
    digest.update(b"\0\0")
    digest.update(message[meta.head_bytes :])
    return digest.digest()


_INSERT_MESSAGE = "INSERT OR IGNORE INTO message VALUES(?,?,?,?,?,?,?,?,?,?,?,?)"
_INSERT_CHANGE = "INSERT INTO change VALUES(?,?,?,?,?,?,?,?,?)"


class CellFold:
    """One cell's index being written. Not thread-safe; one owner at a time."""

    def __init__(
        self, db: apsw.Connection, cell: int, *, read_frame: ReadFrame, summarise: Summarise = summarise
    ) -> None:
        self.db = db
        self.cell = cell
        self.position = Position(*self._meta("position", START))
        self.touched: dict[AccountId, int] = {}  # account → modseq, since the owner last took it
        self.bad_frames = 0
        self.suppressed = 0
        self._read_frame = read_frame
        self._summarise = summarise
        self._unsure = bool(db.execute("SELECT 1 FROM unsure LIMIT 1").get)
        self._messages: list[tuple[object, ...]] = []
        self._entries: list[tuple[int, ...]] = []
        self._changes: list[ChangeRow] = []
        self._threads = Threads(db)

    def _meta(self, key: str, default: tuple[int, int]) -> tuple[int, int]:
        packed = self.db.execute("SELECT value FROM meta WHERE key=?", (key,)).get
        if packed is None:
            return default
        pack, _, offset = str(packed).partition(":")
        return int(pack), int(offset)

    def apply(self, items: Sequence[Item], after: Position) -> list[c.AnyOutcome | None]:
        """Fold frames in order; ``after``: the mail ledger's position behind them.

        Gives one outcome per item: of commands for this cell, ``None`` for all others.
        All or nothing: on any error the index is as before.
        """
        outcomes: list[c.AnyOutcome | None] = []
        touched: dict[AccountId, int] = {}
        with self.db:
            accounts = Accounts(self.db, self._changes)
            for item in items:
                outcomes.append(self._one(item, accounts))
            self._flush()
            accounts.write_back(touched)
            self.db.execute(
                "INSERT OR REPLACE INTO meta VALUES('position', ?)", (f"{after.pack}:{after.offset}",)
            )
        self.position = after
        self.touched.update(touched)
        return outcomes

    def rollback_buffers(self) -> None:
        """After a failed ``apply``: forget rows that were collected but not written."""
        self._messages.clear()
        self._entries.clear()
        self._changes.clear()
        self._threads.forget()

    def _flush(self) -> None:
        """Rows collected so far go to the tables; needed before anything reads or changes them."""
        if self._messages:
            self.db.executemany(_INSERT_MESSAGE, self._messages)
            self._messages.clear()
        if self._entries:
            self.db.executemany(INSERT_ENTRY, self._entries)
            self._entries.clear()
        self._threads.flush()
        if self._changes:
            self.db.executemany(_INSERT_CHANGE, self._changes)
            self._changes.clear()

    def _one(self, item: Item, accounts: Accounts) -> c.AnyOutcome | None:
        frame = item.frame
        if isinstance(frame, BadFrame):
            self._bad(item.ledger, frame, accounts)
        elif isinstance(frame, Lost):
            self._lost(item.ledger, frame, accounts)
        elif frame.kind == Kind.DELIVERY:
            self._deliver(item.ledger, frame, accounts)
        elif frame.kind == Kind.COMMAND:
            return self._command(item.ledger, frame, accounts)
        elif frame.kind == Kind.MESSAGE:
            self._lay_down(item.ledger, frame)
        elif frame.kind == Kind.STARTED:
            self._started(item.ledger, frame)
        return None

    # -- deliveries ---------------------------------------------------------------

    def _deliver(self, ledger: int, frame: Frame, accounts: Accounts) -> None:
        packed, head = split_body(frame.body)
        meta = decode_delivery(packed)
        mine = [r for r in meta.local if r.cell == self.cell]
        if not mine:
            return
        message = memoryview(frame.body)[head:]
        if self._unsure and self._is_second_try(meta, message):
            self.suppressed += 1
            return
        message_id = ledger << 48 | frame.sequence
        received = int(meta.received_at)
        mail = self._keep(message_id, ledger, frame.ref, head, message, received)
        self._hand_out(mail, mine, accounts)

    def _hand_out(self, mail: Mail, mine: Sequence[LocalRecipient], accounts: Accounts) -> None:
        emails: dict[AccountId, Email] = {}  # an account may have two addresses among them
        for recipient in mine:
            account = accounts.get(recipient.account, mail.received)
            box = self._target(accounts, account, recipient)
            emails[account.id] = self._enter(account, box, mail, 0, 0, emails.get(account.id))

    def _target(self, accounts: Accounts, account: AccountState, recipient: LocalRecipient) -> MailboxState:
        """INBOX, or the mailbox the sub-address names when there is one. RFC 5233 §4."""
        if recipient.detail:
            named = accounts.mailbox_ignoring_case(account, recipient.detail)
            if named is not None:
                return named
        return accounts.inbox(account)

    def _keep(
        self, message_id: int, ledger: int, ref: PackRef, head: int, message: memoryview, received: int
    ) -> Mail:
        found = self._summarise(message)
        self._messages.append(
            (
                message_id,
                ledger,
                ref.pack,
                ref.offset,
                ref.size,
                head,
                len(message),
                received,
                *found,
            )
        )
        return Mail(message_id, len(message), received, found.references)

    def _enter(
        self,
        account: AccountState,
        box: MailboxState,
        mail: Mail,
        flags: int,
        born: int,
        there: Email | None = None,
    ) -> Email:
        """One new entry at the end of a mailbox, and its Email. ``there``: that is one the account has.

        STORE-15 each Email comes into being at a modseq of its own.
        """
        uid: int = box.uidnext
        box.uidnext = uid + 1
        account.modseq = modseq = account.modseq + 1
        box.modseq = modseq
        box.count(1, flags, mail.size)
        uids = UidSet([(uid, uid)]).pack()
        if there is None:
            thread = self._threads.of(account.id, mail.id, mail.references)
            email = Email(thread, modseq)
            self._changes.append((account.id, modseq, box.id, ADDED, uids, mail.id, thread, 0, 0))
        else:
            email = there
            self._changes.append((account.id, modseq, box.id, ADDED, uids, 0, 0, 0, 0))
        self._entries.append((box.id, uid, modseq, flags, mail.id, born, mail.size, mail.received, *email))
        return email

    def _is_second_try(self, meta: Delivery, message: memoryview) -> bool:
        digest = delivery_digest(meta, message)
        found = self.db.execute(
            "SELECT 1 FROM unsure WHERE digest=? AND until>?", (digest, int(meta.received_at))
        )
        return found.get is not None

    def _started(self, ledger: int, frame: Frame) -> None:
        """Remember what the writer found whole but perhaps unacknowledged when it came back."""
        packed, _ = split_body(frame.body)
        self._flush()
        started = _decode_started(packed)
        until = int(started.at) + SECOND_TRY_S
        for sequence in started.unsure:
            message_id = ledger << 48 | sequence
            row = schema.row(
                self.db, 'SELECT pack, "offset", frame, head FROM message WHERE id=?', message_id
            )
            if row is None:
                continue
            kept = self._read_frame(ledger, PackRef(*row[:3]))
            if kept is None:
                continue
            meta = decode_delivery(split_body(kept.body)[0])
            digest = delivery_digest(meta, memoryview(kept.body)[row[3] :])
            self.db.execute("INSERT OR REPLACE INTO unsure VALUES(?,?,?)", (digest, message_id, until))
            self._unsure = True

    def _bad(self, ledger: int, bad: BadFrame, accounts: Accounts) -> None:
        """A frame that fails its checksum costs its own message and nothing else. STORE-4.

        Where the header still verifies we know whose it was, and its UID is not given to
        the next message: the account's owner is shown an entry that says so instead.
        """
        self.bad_frames += 1
        if bad.sequence is None or not bad.account or bad.kind != Kind.DELIVERY:
            return
        if self.cell not in (bad.cells or ()):
            return
        message_id = ledger << 48 | bad.sequence
        account = accounts.get(bad.account, 0)
        self._messages.append(
            (
                message_id,
                ledger,
                bad.ref.pack,
                bad.ref.offset,
                bad.ref.size,
                0,
                0,
                0,
                *UNREADABLE,
            )
        )
        self._enter(account, accounts.inbox(account), Mail(message_id, 0, 0, b""), 0, 0)

    def _lost(self, ledger: int, lost: Lost, accounts: Accounts) -> None:
        """As if it had been delivered, but for what it says. STORE-4"""
        self.bad_frames += 1
        number, *place, received_at, local = msgspec.structs.astuple(lost.placed)
        message_id, received = ledger << 48 | number, int(received_at)
        self._messages.append((message_id, ledger, *place, received, *UNREADABLE))
        mine = [recipient for recipient in local if recipient.cell == self.cell]
        self._hand_out(Mail(message_id, lost.placed.size, received, b""), mine, accounts)

    # -- commands -----------------------------------------------------------------

    def _command(self, ledger: int, frame: Frame, accounts: Accounts) -> c.AnyOutcome | None:
        packed, head = split_body(frame.body)
        meta = decode_command(packed)
        command = meta.command
        if command.cell != self.cell:
            return None
        account = accounts.get(command.account, int(meta.at))
        if isinstance(command, c.Append):
            return self._append(ledger, frame, head, command, int(meta.at), account, accounts)
        if isinstance(command, c.AppendAll):
            return self._append_all(ledger, frame.sequence, command, account, accounts)
        self._flush()
        carrier = Carrier(self.db, accounts, account, frame.sequence, int(meta.at))
        try:
            outcome = carrier.carry_out(command)
        except Refusal as refusal:
            outcome = c.Failed(modseq=account.modseq, reason=refusal.reason.value, text=refusal.text)
        return outcome

    def _append(
        self,
        ledger: int,
        frame: Frame,
        head: int,
        command: c.Append,
        at: int,
        account: AccountState,
        accounts: Accounts,
    ) -> c.AnyOutcome:
        try:
            box = accounts.named(account, command.mailbox)
            flags = command.flags | accounts.keyword_bits(account, command.keywords)
        except Refusal as refusal:
            return c.Failed(modseq=account.modseq, reason=refusal.reason.value, text=refusal.text)
        message = memoryview(frame.body)[head:]
        message_id = ledger << 48 | frame.sequence
        when = at if command.internaldate is None else int(command.internaldate)
        mail = self._keep(message_id, ledger, frame.ref, head, message, when)
        uid = box.uidnext
        self._enter(account, box, mail, flags, frame.sequence)
        return c.Appended(
            modseq=account.modseq, mailbox=box.id, uidvalidity=box.uidvalidity, uid=uid, message=message_id
        )

    def _lay_down(self, ledger: int, frame: Frame) -> None:
        """A message in the heap, in no mailbox yet, and in none ever if its command wasn't written."""
        packed, head = split_body(frame.body)
        received = int(decode_message(packed).received_at)
        message_id = ledger << 48 | frame.sequence
        self._keep(message_id, ledger, frame.ref, head, memoryview(frame.body)[head:], received)

    def _append_all(
        self, ledger: int, sequence: int, command: c.AppendAll, account: AccountState, accounts: Accounts
    ) -> c.AnyOutcome:
        """STORE-13. What is missing of the messages was durable once: it is damaged, not torn."""
        keywords = list(account.keywords)
        try:
            box = accounts.named(account, command.mailbox)
            flags = [new.flags | accounts.keyword_bits(account, new.keywords) for new in command.messages]
        except Refusal as refusal:
            account.keywords = keywords
            return c.Failed(modseq=account.modseq, reason=refusal.reason.value, text=refusal.text)
        first = box.uidnext
        laid: list[Mail] = []
        for new in command.messages:
            assert new.laid is not None and new.internaldate is not None
            number, *place, size = msgspec.structs.astuple(new.laid)
            mail = Mail(ledger << 48 | number, size, int(new.internaldate), b"")
            # Taken only where the heap has no such row: a damaged frame costs its own message. STORE-4
            self._messages.append((mail.id, ledger, *place, size, mail.received, *UNREADABLE))
            laid.append(mail)
        self._flush()
        for mail, bits in zip(laid, flags):
            found = self.db.execute('SELECT "references" FROM message WHERE id=?', (mail.id,)).get
            self._enter(account, box, mail._replace(references=found), bits, sequence)
        return c.AppendedAll(
            modseq=account.modseq,
            mailbox=box.id,
            uidvalidity=box.uidvalidity,
            uids=UidSet([(first, box.uidnext - 1)]).pack() if laid else b"",
            messages=tuple(mail.id for mail in laid),
        )
