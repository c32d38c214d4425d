"""Lists of Emails by receipt, kept from one query to the next: totals, and any place of a long list.

JMAPD-19 a kept list is what a fresh one would be: it follows the account's changes up to the moment in which
it is used, and is made anew where it can't. All lists of a process together have a bounded number of Emails.

A list is one process's, of one mailbox or of all mail; three numbers per Email. What comes to it and leaves
it is noted, so that the changes of a query are told without a look at what stayed.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

from holdfast.model.limits import JMAP_LIST_NOTES, JMAP_LIST_UPDATES, JMAP_LISTED
from holdfast.model.mail import AccountId, MailboxId, MessageId
from holdfast.store import AccountMail, EmailRow, EmailState

Turn = Callable[[], Awaitable[None]]


class Note(NamedTuple):
    """An Email that came or left by ``modseq``."""

    modseq: int
    message: MessageId
    thread: MessageId
    came: bool


class Ordered:
    """Emails by (received, id), the oldest first."""

    __slots__ = ("messages", "received")

    def __init__(self) -> None:
        self.received = array("q")
        self.messages = array("q")

    def __len__(self) -> int:
        return len(self.messages)

    def place(self, received: int, message: MessageId) -> tuple[int, bool]:
        """Where it is or would be, and whether it is."""
        low = bisect_left(self.received, received)
        high = bisect_right(self.received, received, low)
        at = bisect_left(self.messages, message, low, high)
        return at, at < high and self.messages[at] == message

    def put(self, received: int, message: MessageId) -> int:
        """Its place; -1 where it is there already."""
        at, there = self.place(received, message)
        if there:
            return -1
        self.received.insert(at, received)
        self.messages.insert(at, message)
        return at

    def take(self, received: int, message: MessageId) -> int:
        """The place it had; -1 for none."""
        at, there = self.place(received, message)
        if not there:
            return -1
        del self.received[at], self.messages[at]
        return at


class MailList(Ordered):
    """``heads``: of each thread the last received, made when it is first asked for. ``noted_from``: the state
    since which ``notes`` are whole."""

    __slots__ = ("_heads", "mailbox", "modseq", "noted_from", "notes", "threads")

    def __init__(self, mailbox: MailboxId | None, modseq: int) -> None:
        super().__init__()
        self.threads = array("q")
        self.mailbox = mailbox
        self.modseq = modseq
        self.notes: deque[Note] = deque()
        self.noted_from = modseq
        self._heads: Ordered | None = None

    async def read(self, mail: AccountMail, turn: Turn) -> None:
        """What there is; what changes meanwhile is for ``follow``."""
        for chunk in mail.listing(self.mailbox, newest_first=False):
            messages, threads, received = zip(*chunk)
            self.messages.extend(messages)
            self.threads.extend(threads)
            self.received.extend(received)
            await turn()

    def follow(self, mail: AccountMail) -> bool:
        """Takes in what changed until now; False: too much did."""
        with mail.moment() as modseq:
            if modseq == self.modseq:
                return True
            changes = mail.email_changes(EmailState(self.modseq), JMAP_LIST_UPDATES)
            if changes is None or changes.more:
                return False
            changed = [*changes.created, *changes.updated, *changes.destroyed]
            rows = mail.emails(changed)
            touched: dict[MessageId, list[tuple[int, MessageId]]] = {}
            for each in changed:
                self._place(each, rows.get(each), modseq, touched)
            if self._heads is not None:
                self._follow_heads(mail, touched)
        self.modseq = modseq
        while len(self.notes) > JMAP_LIST_NOTES:
            self.noted_from = self.notes.popleft().modseq
        return True

    def _place(
        self,
        message: MessageId,
        row: EmailRow | None,
        modseq: int,
        touched: dict[MessageId, list[tuple[int, MessageId]]],
    ) -> None:
        is_in = row is not None and (self.mailbox is None or self.mailbox in row.mailboxes)
        if is_in:
            assert row is not None
            at = self.put(row.received, message)
            if at < 0:
                return
            self.threads.insert(at, row.thread)
            received, thread = row.received, row.thread
        else:
            try:
                at = self.place(row.received, message)[0] if row is not None else self.messages.index(message)
                if self.messages[at] != message:
                    return
            except (ValueError, IndexError):
                return
            received, thread = self.received[at], self.threads[at]
            del self.received[at], self.messages[at], self.threads[at]
        self.notes.append(Note(modseq, message, thread, is_in))
        touched.setdefault(thread, []).append((received, message))

    # -- one of each thread

    @property
    def heads(self) -> Ordered:
        if self._heads is None:
            self._heads = heads = Ordered()
            last = dict(zip(self.threads, range(len(self))))
            places = sorted(last.values())
            heads.messages = array("q", [self.messages[at] for at in places])
            heads.received = array("q", [self.received[at] for at in places])
        return self._heads

    def _follow_heads(self, mail: AccountMail, touched: dict[MessageId, list[tuple[int, MessageId]]]) -> None:
        heads = self._heads
        assert heads is not None
        members = mail.threads(touched)
        rows = mail.emails(each for of in members.values() for each in of)
        for thread, moved in touched.items():
            there = [(rows[each].received, each) for each in members.get(thread, ()) if each in rows]
            for each in {*moved, *there}:
                heads.take(*each)
            if inside := [each for each in there if self.place(*each)[1]]:
                heads.put(*max(inside))


class Lists:
    """Of one process, those used last. A list that ``of`` gives is good until the next await."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[AccountId, MailboxId | None], MailList] = OrderedDict()
        self._found: OrderedDict[tuple[AccountId, bytes], tuple[int, array[int]]] = OrderedDict()

    def known(self, mail: AccountMail, mailbox: MailboxId | None) -> MailList | None:
        """The list, if it is kept and can follow."""
        key = (mail.account, mailbox)
        kept = self._kept.get(key)
        if kept is None:
            return None
        self._kept.move_to_end(key)
        if kept.follow(mail):
            return kept
        del self._kept[key]
        return None

    async def of(self, fresh: Callable[[], AccountMail], mailbox: MailboxId | None, turn: Turn) -> MailList:
        """Raises ``Unavailable``."""
        while True:
            mail = fresh()
            if (kept := self.known(mail, mailbox)) is not None:
                return kept
            made = MailList(mailbox, mail.modseq)
            await made.read(mail, turn)
            self._kept[mail.account, mailbox] = made
            self._bound()

    def found(self, account: AccountId, what: bytes, modseq: int) -> array[int] | None:
        """What a query found, if nothing has changed since."""
        kept = self._found.get((account, what))
        if kept is None or kept[0] != modseq:
            return None
        self._found.move_to_end((account, what))
        return kept[1]

    def keep_found(
        self, account: AccountId, what: bytes, modseq: int, ids: Iterable[MessageId]
    ) -> array[int]:
        kept = array("q", ids)
        self._found[account, what] = (modseq, kept)
        self._bound()
        return kept

    def _bound(self) -> None:
        while sum(map(len, self._kept.values())) > JMAP_LISTED and len(self._kept) > 1:
            self._kept.popitem(last=False)
        while sum(len(ids) for _, ids in self._found.values()) > JMAP_LISTED and len(self._found) > 1:
            self._found.popitem(last=False)
