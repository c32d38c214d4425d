"""Messages as JMAP has them: one Email per message and account, in all the mailboxes it has entries in.

RFC 8621 §4. Its keywords are those that any entry has, but ``\\Seen`` only if all have it; ``\\Deleted``
isn't one. Two entries of one message in one mailbox are one. A move changes neither id nor thread.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from holdfast.model.mail import AccountId, Flag, MailboxId, MessageId
from holdfast.store.accounts import mailboxes_of
from holdfast.store.columns import Column, MessageRef
from holdfast.store.connection import CellReader

LIST_ROWS = 2000  # of one chunk of a listing
_SEEN, _DELETED = int(Flag.SEEN), int(Flag.DELETED)

_EMAILS = (
    "SELECT e.message, e.mailbox, e.flags, e.modseq, e.thread, e.received, e.made,"
    f" m.envelope, m.structure, m.preview, {Column.REF.value}"
    " FROM entry e JOIN message m ON m.id=e.message"
    " WHERE e.message=? AND e.mailbox BETWEEN ? AND ? ORDER BY e.mailbox, e.uid"
)
_PLACES = (
    "SELECT message, mailbox, uid, flags, modseq FROM entry WHERE message=? AND mailbox BETWEEN ? AND ?"
    " ORDER BY mailbox, uid"
)
# Of a thread's entries; the one that it is named after is found by its own id.
OF_THREAD = (
    "SELECT {0} FROM entry WHERE thread=?1 AND thread != message AND mailbox BETWEEN ?2 AND ?3"
    " UNION SELECT {0} FROM entry WHERE message=?1 AND thread=message AND mailbox BETWEEN ?2 AND ?3"
)
_THREADS = OF_THREAD.format("thread, message, received") + " ORDER BY received, message"


class EmailRow(NamedTuple):
    """One Email. ``received``: UTC seconds; ``size``: RFC822.SIZE; ``flags``: system flags and keywords as
    bits; ``made``: modseq at which it came into being; ``modseq``: of the last change of an entry it has."""

    id: MessageId
    thread: MessageId
    received: int
    size: int
    mailboxes: tuple[MailboxId, ...]
    flags: int
    made: int
    modseq: int
    envelope: bytes
    structure: bytes
    preview: str
    ref: MessageRef


class Place(NamedTuple):
    """One entry of a message."""

    mailbox: MailboxId
    uid: int
    flags: int
    modseq: int


class Listed(NamedTuple):
    """One Email of a list."""

    message: MessageId
    thread: MessageId
    received: int


def merged(flags: Iterable[int]) -> int:
    """The flags of an Email from those of its entries."""
    union, seen = 0, _SEEN
    for each in flags:
        union |= each
        seen &= each
    return union & ~(_SEEN | _DELETED) | seen


def rows(reader: CellReader, account: AccountId, ids: Iterable[MessageId]) -> dict[MessageId, EmailRow]:
    """Those of ``ids`` that stand in a mailbox; one look-up each."""
    span = mailboxes_of(account)
    found = reader.many(_EMAILS, ((each, *span) for each in ids))
    entries: dict[MessageId, list[Any]] = {}
    for row in found:
        entries.setdefault(row[0], []).append(row)
    return {message: _email(of) for message, of in entries.items()}


def _email(entries: list[Any]) -> EmailRow:
    id_, _, _, _, thread, received, made, envelope, structure, preview, *ref = entries[0]
    return EmailRow(
        id_,
        thread,
        received,
        ref[-1],
        tuple(dict.fromkeys(row[1] for row in entries)),
        merged(row[2] for row in entries),
        made,
        max(row[3] for row in entries),
        envelope,
        structure,
        preview,
        MessageRef(*ref),
    )


def places(reader: CellReader, account: AccountId, ids: Iterable[MessageId]) -> dict[MessageId, list[Place]]:
    """Where messages stand; those that stand nowhere are left out."""
    span = mailboxes_of(account)
    found: dict[MessageId, list[Place]] = {}
    for message, *place in reader.many(_PLACES, ((each, *span) for each in ids)):
        found.setdefault(message, []).append(Place(*place))
    return found


def threads(
    reader: CellReader, account: AccountId, ids: Iterable[MessageId]
) -> dict[MessageId, list[MessageId]]:
    """The Emails of threads, in the order they were received; empty threads are left out."""
    found: dict[MessageId, list[MessageId]] = {}
    span = mailboxes_of(account)
    for thread, message, _ in reader.many(_THREADS, ((each, *span) for each in ids)):
        found.setdefault(thread, []).append(message)
    return found


def listing(
    reader: CellReader, mailboxes: list[MailboxId], newest_first: bool, after: Listed | None, rows: int
) -> Iterator[list[Listed]]:
    """The Emails of mailboxes by (received, message), in chunks; what lies behind ``after``.
    ``rows``: of a mailbox read at once."""
    walks = [_walk(reader, each, newest_first, after, rows) for each in mailboxes]
    if len(walks) == 1:
        yield from walks[0]
        return
    chunk: list[Listed] = []
    last: Listed | None = None
    singles = [(each for part in walk for each in part) for walk in walks]
    for each in heapq.merge(*singles, key=_order, reverse=newest_first):
        if each == last:
            continue
        chunk.append(last := each)
        if len(chunk) == rows:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _order(listed: Listed) -> tuple[int, int]:
    return listed.received, listed.message


def _walk(
    reader: CellReader, mailbox: MailboxId, newest_first: bool, after: Listed | None, rows: int
) -> Iterator[list[Listed]]:
    """One mailbox, from its covering index; each chunk is its own read."""
    sign, order = ("<", "DESC") if newest_first else (">", "ASC")
    sql = (
        "SELECT DISTINCT message, thread, received FROM entry"
        f" WHERE mailbox=? AND (received, message) {sign} (?, ?)"
        f" ORDER BY received {order}, message {order} LIMIT {int(rows)}"
    )
    edge = 1 << 62 if newest_first else -1 << 62
    received, message = (after.received, after.message) if after is not None else (edge, edge)
    while True:
        found = [Listed(*row) for row in reader.rows(sql, mailbox, received, message)]
        if found:
            yield found
        if len(found) < rows:
            return
        message, received = found[-1].message, found[-1].received
