"""How many Emails and threads a mailbox has, and how many are unread. RFC 8621 §2

An Email is unread if it has neither ``$seen`` nor ``$draft``. A thread is unread in each mailbox it has an
Email in, if any Email of it is unread wherever that is; what lies in Trash alone counts for Trash alone,
and what doesn't lie there counts nothing for it.

So a mailbox's counts change by what happens in others. They are counted once per account and process, by
reading all its entries; from then on only the threads that changed are counted anew.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from holdfast.model.limits import COUNTED_ANEW, COUNTED_THREADS
from holdfast.model.mail import AccountId, Flag, MailboxId, MessageId
from holdfast.store.accounts import mailboxes_of
from holdfast.store.connection import CellReader
from holdfast.store.emails import OF_THREAD, merged
from holdfast.store.history import EmailState, events

_COLUMNS = "thread, message, mailbox, flags"
_ALL = f"SELECT {_COLUMNS} FROM entry WHERE mailbox BETWEEN ? AND ?"
_OF_THREAD = OF_THREAD.format(_COLUMNS + ", uid")
_READ = int(Flag.SEEN | Flag.DRAFT)


class Counts(NamedTuple):
    emails: int
    unread_emails: int
    threads: int
    unread_threads: int


NOTHING = Counts(0, 0, 0, 0)
Entry = tuple[MessageId, MailboxId, int]  # message, mailbox, flags
Share = tuple[tuple[MailboxId, Counts], ...]  # what one thread adds to the mailboxes it is in


def share(entries: Iterable[Entry], trash: MailboxId) -> Share:
    """``entries``: all of one thread."""
    emails: dict[MessageId, list[tuple[MailboxId, int]]] = {}
    for message, mailbox, flags in entries:
        emails.setdefault(message, []).append((mailbox, flags))
    kept: dict[MailboxId, list[int]] = {}
    unread_in_trash = unread_elsewhere = False
    for of in emails.values():
        unread = not merged(flags for _, flags in of) & _READ
        boxes = {mailbox for mailbox, _ in of}
        for mailbox in boxes:
            sums = kept.setdefault(mailbox, [0, 0])
            sums[0] += 1
            sums[1] += unread
        if unread:
            unread_in_trash |= trash in boxes
            unread_elsewhere |= boxes != {trash}
    return tuple(
        (mailbox, Counts(sums[0], sums[1], 1, int(unread_in_trash if mailbox == trash else unread_elsewhere)))
        for mailbox, sums in sorted(kept.items())
    )


class AccountCounts:
    """Of one account, as of ``modseq``."""

    def __init__(self, reader: CellReader, account: AccountId, modseq: int, trash: MailboxId) -> None:
        self.account = account
        self.modseq = modseq
        self.trash = trash
        self._sums: dict[MailboxId, list[int]] = {}
        self._shapes: dict[Share, Share] = {}  # there are few; each is kept once
        self._shares: dict[MessageId, Share] = {}
        threads: dict[MessageId, list[Entry]] = {}
        for thread, *entry in reader.rows(_ALL, *mailboxes_of(account)):
            threads.setdefault(thread, []).append((entry[0], entry[1], entry[2]))
        simple: dict[tuple[MailboxId, int], Share] = {}  # of threads with one entry, as most are
        for thread, entries in threads.items():
            if len(entries) == 1:
                _, mailbox, flags = entries[0]
                key = mailbox, flags & _READ
                found = simple.get(key)
                if found is None:
                    found = simple[key] = share(entries, trash)
            else:
                found = share(entries, trash)
            self._put(thread, found)

    def __len__(self) -> int:
        return len(self._shares)

    def of(self, mailbox: MailboxId) -> Counts:
        sums = self._sums.get(mailbox)
        return NOTHING if sums is None else Counts(*sums)

    def follow(self, reader: CellReader, modseq: int) -> bool:
        """Count anew what has changed since; False: too much for that."""
        if modseq < self.modseq:
            return False
        changed: set[MessageId] = set()
        for event in events(reader, self.account, EmailState(self.modseq), COUNTED_ANEW):
            changed.add(event.thread)
            if len(changed) >= COUNTED_ANEW:
                return False
        span = mailboxes_of(self.account)
        now: dict[MessageId, list[Entry]] = {thread: [] for thread in changed}
        for thread, *entry in reader.many(_OF_THREAD, ((each, *span) for each in changed)):
            now[thread].append((entry[0], entry[1], entry[2]))
        for thread, entries in now.items():
            self._put(thread, share(entries, self.trash))
        self.modseq = modseq
        return True

    def _put(self, thread: MessageId, new: Share) -> None:
        for sign, each in ((-1, self._shares.pop(thread, ())), (1, new)):
            for mailbox, counts in each:
                sums = self._sums.setdefault(mailbox, [0, 0, 0, 0])
                for place, number in enumerate(counts):
                    sums[place] += sign * number
        if new:
            self._shares[thread] = self._shapes.setdefault(new, new)


class CountsKept:
    """Those of the accounts that were asked for last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[AccountId, AccountCounts] = OrderedDict()
        self._threads = 0

    def of(self, reader: CellReader, account: AccountId, modseq: int, trash: MailboxId) -> AccountCounts:
        found = self._kept.pop(account, None)
        if found is not None:
            self._threads -= len(found)
        if found is None or found.trash != trash or not found.follow(reader, modseq):
            found = AccountCounts(reader, account, modseq, trash)
        self._kept[account] = found
        self._threads += len(found)
        for other in self._oldest():
            self._threads -= len(self._kept.pop(other))
        return found

    def _oldest(self) -> Iterator[Any]:
        """Accounts to be forgotten: the last one asked for stays."""
        while self._threads > COUNTED_THREADS and len(self._kept) > 1:
            yield next(iter(self._kept))

    def clear(self) -> None:
        self._kept.clear()
        self._threads = 0
