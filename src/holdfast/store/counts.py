"""How many Emails and threads a mailbox has, and how many are unread. RFC 8621 §2

An Email is unread if it has neither ``$seen`` nor ``$draft``. A thread is unread in each mailbox it has an
Email in, if any Email of it is unread wherever that is; what lies in Trash alone counts for Trash alone,
and what doesn't lie there counts nothing for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from holdfast.model.mail import AccountId, Flag, MailboxId, MessageId
from holdfast.store.accounts import mailboxes_of
from holdfast.store.connection import CellReader
from holdfast.store.emails import merged

_ALL = "SELECT thread, message, mailbox, flags FROM entry WHERE mailbox BETWEEN ? AND ?"


class Counts(NamedTuple):
    emails: int
    unread_emails: int
    threads: int
    unread_threads: int


NOTHING = Counts(0, 0, 0, 0)


def counted(entries: Iterable[tuple[Any, ...]], trash: MailboxId) -> dict[MailboxId, Counts]:
    """``entries``: (thread, message, mailbox, flags), all of each thread they are of."""
    threads: dict[MessageId, dict[MessageId, list[tuple[MailboxId, int]]]] = defaultdict(dict)
    for thread, message, mailbox, flags in entries:
        threads[thread].setdefault(message, []).append((mailbox, flags))
    sums: dict[MailboxId, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for emails in threads.values():
        for mailbox, more in _of_thread(emails, trash).items():
            kept = sums[mailbox]
            for place, each in enumerate(more):
                kept[place] += each
    return {mailbox: Counts(*each) for mailbox, each in sums.items()}


def _of_thread(
    emails: dict[MessageId, list[tuple[MailboxId, int]]], trash: MailboxId
) -> dict[MailboxId, list[int]]:
    """What one thread adds to each mailbox it is in."""
    found: dict[MailboxId, list[int]] = {}
    unread_in_trash = unread_elsewhere = False
    for entries in emails.values():
        flags = merged(each for _, each in entries)
        unread = not flags & (Flag.SEEN | Flag.DRAFT)
        boxes = {mailbox for mailbox, _ in entries}
        for mailbox in boxes:
            kept = found.setdefault(mailbox, [0, 0, 1, 0])
            kept[0] += 1
            kept[1] += unread
        if unread:
            unread_in_trash |= trash in boxes
            unread_elsewhere |= boxes != {trash}
    for mailbox, kept in found.items():
        kept[3] = int(unread_in_trash if mailbox == trash else unread_elsewhere)
    return found


def of_account(reader: CellReader, account: AccountId, trash: MailboxId) -> dict[MailboxId, Counts]:
    """All mailboxes of an account that have mail: reads all of it."""
    return counted(reader.rows(_ALL, *mailboxes_of(account)), trash)
