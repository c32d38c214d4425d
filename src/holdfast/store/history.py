"""What became of Emails, threads, mailboxes and objects since a state. RFC 8620 §5.2

STORE-16 the states of an account are its modseqs: a function of the ledger. What is told between two states
is exactly the difference of what there was at each, and what changed of the rest, with any limit: one modseq
that holds more than the limit is told in several answers.

The ground is the change stream. A modseq is one change of one mailbox: entries added or flagged, which are
found as long as they are there; an Email that came into being, which the change names; entries removed,
whose Emails have kept the modseq (``left``). What isn't found any more has changed again later, and is told
there. Whether an Email was there at a state is read from its lives: when it came, when it was gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from holdfast.model.mail import AccountId, MailboxId, MessageId
from holdfast.model.uidset import UidSet
from holdfast.store.accounts import mailboxes_of
from holdfast.store.changes import ADDED, DESCRIBED, FLAGGED, GONE, MADE, REMOVED, RENAMED, SUBSCRIBED
from holdfast.store.connection import CellReader

STREAM_ROWS = 500  # of the change stream read at once
RELATED = 200  # entries of one change whose threads are looked up, to find mailboxes that count anew

_STREAM = (
    "SELECT modseq, mailbox, kind, uids, message, thread FROM change"
    f" WHERE account=? AND modseq>? ORDER BY modseq LIMIT {STREAM_ROWS}"
)
_ENTRIES = "SELECT uid, message, thread FROM entry WHERE mailbox=? AND uid BETWEEN ? AND ? LIMIT ?"
_FLAGGED = _ENTRIES.replace("LIMIT", "AND modseq=? LIMIT")
_LEFT = (
    'SELECT message, thread FROM email WHERE account=?1 AND "left"=?2 AND "left">0 AND message>?3'
    " UNION SELECT l.id, e.thread FROM life l JOIN email e ON e.account=?1 AND e.message=l.id"
    " WHERE l.account=?1 AND l.kind='' AND l.gone=?2 AND l.id>?3 ORDER BY 1 LIMIT ?4"
)


class EmailState(NamedTuple):
    """``done``: how much of the modseq after ``modseq`` is told already; 0: nothing."""

    modseq: int
    done: int = 0

    def __str__(self) -> str:
        return f"{self.modseq}-{self.done}" if self.done else str(self.modseq)

    @classmethod
    def parse(cls, text: str) -> EmailState | None:
        """Of what ``str`` made; None: it didn't."""
        modseq, dash, done = text.partition("-")
        if not _is_number(modseq) or (dash and (not _is_number(done) or done == "0")):
            return None
        return cls(int(modseq), int(done) if dash else 0)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19 and (text == "0" or text[0] != "0")


class EmailChanges(NamedTuple):
    """Between a state and ``state``; ``more``: there are later ones. Each id stands in one list, once.

    What came into being between the two and was gone later is told as created, and then as destroyed.
    """

    created: list[int]
    updated: list[int]
    destroyed: list[int]
    state: EmailState
    more: bool


class MailboxChanges(NamedTuple):
    """The same; ``counts_only``: of those updated nothing has changed but how much is in them."""

    created: list[MailboxId]
    updated: list[MailboxId]
    destroyed: list[MailboxId]
    state: EmailState
    more: bool
    counts_only: bool


class ObjectChanges(NamedTuple):
    created: list[str]
    updated: list[str]
    destroyed: list[str]
    state: EmailState
    more: bool


class Event(NamedTuple):
    """One thing that happened to one message. ``key``: its place within the modseq."""

    modseq: int
    key: int
    message: MessageId
    thread: MessageId


Span = tuple[int, int]  # made, gone; gone 0: there


def stream(reader: CellReader, account: AccountId, since: int) -> Iterator[tuple[Any, ...]]:
    """(modseq, mailbox, kind, packed UIDs, message, thread) of all changes after ``since``, in order."""
    while True:
        found = reader.rows(_STREAM, account, since)
        yield from found
        if len(found) < STREAM_ROWS:
            return
        since = found[-1][0]


def events_of(
    reader: CellReader, account: AccountId, change: tuple[Any, ...], done: int, most: int
) -> Iterator[Event]:
    """What one change of the stream did to messages, behind ``done``, at most ``most`` of it."""
    modseq, mailbox, kind, packed, message, thread = change
    if message:
        yield Event(modseq, 0, message, thread)
    elif kind in (ADDED, FLAGGED):
        sql, also = (_FLAGGED, (modseq,)) if kind == FLAGGED else (_ENTRIES, ())
        for low, high in UidSet.unpack(packed).ranges:
            if high <= done:
                continue
            found = reader.rows(sql, mailbox, max(low, done + 1), high, *also, most)
            for each in found:
                yield Event(modseq, *each)
            most -= len(found)
            if most <= 0:
                return
    elif kind in (REMOVED, GONE):
        for left, of in reader.rows(_LEFT, account, modseq, done, most):
            yield Event(modseq, left, left, of)


def events(reader: CellReader, account: AccountId, since: EmailState, most: int) -> Iterator[Event]:
    """What happened to messages after a state; of each modseq at most ``most``."""
    for change in stream(reader, account, since.modseq):
        done = since.done if change[0] == since.modseq + 1 else 0
        yield from events_of(reader, account, change, done, most)


class _Taken(NamedTuple):
    """``ids``: those concerned, in order, ``limit`` at most."""

    ids: dict[int, MessageId]
    state: EmailState
    more: bool


def _take(found: Iterable[Event], of: int, since: EmailState, end: EmailState, limit: int) -> _Taken:
    """``of``: the field that is the id. Ends before the first event that doesn't go in any more."""
    ids: dict[int, MessageId] = {}
    last = Event(since.modseq + 1, since.done, 0, 0)
    for event in found:
        if event[of] not in ids and len(ids) >= limit:
            done = last.key if last.modseq == event.modseq else 0
            return _Taken(ids, EmailState(event.modseq - 1, done), True)
        ids.setdefault(event[of], event.thread)
        last = event
    return _Taken(ids, end, False)


def _there(spans: Iterable[Span], state: EmailState, id_: int) -> bool:
    """Was it there at that state?"""
    moment = state.modseq + 1 if id_ <= state.done else state.modseq
    return any(made <= moment and (not gone or moment < gone) for made, gone in spans)


def _lives(reader: CellReader, account: AccountId, kind: str) -> dict[Any, list[Span]]:
    """Earlier lives; there are few."""
    found: dict[Any, list[Span]] = {}
    for id_, made, gone in reader.rows(
        "SELECT id, made, gone FROM life WHERE account=? AND kind=?", account, kind
    ):
        found.setdefault(id_, []).append((made, gone))
    return found


def email_changes(
    reader: CellReader, account: AccountId, since: EmailState, end: EmailState, limit: int
) -> EmailChanges:
    taken = _take(events(reader, account, since, limit + 1), 2, since, end, limit)
    lives = _lives(reader, account, "")
    created: list[int] = []
    updated: list[int] = []
    destroyed: list[int] = []
    sql = "SELECT message, made, gone FROM email WHERE account=? AND thread=? AND message=?"
    for id_, made, gone in reader.many(sql, ((account, of, each) for each, of in taken.ids.items())):
        spans = [(made, gone), *lives.get(id_, ())]
        before, after = _there(spans, since, id_), _there(spans, taken.state, id_)
        if before or after:
            (updated if before and after else destroyed if before else created).append(id_)
    return EmailChanges(created, updated, destroyed, taken.state, taken.more)


def thread_changes(
    reader: CellReader, account: AccountId, since: EmailState, end: EmailState, limit: int
) -> EmailChanges:
    """A thread is there while one of its Emails is; it changes when one comes or goes."""
    taken = _take(_comings_and_goings(reader, account, since, limit + 1), 3, since, end, limit)
    lives = _lives(reader, account, "")
    changes = EmailChanges([], [], [], taken.state, taken.more)
    members: dict[MessageId, list[tuple[MessageId, int, int]]] = {}
    sql = "SELECT thread, message, made, gone FROM email WHERE account=? AND thread=?"
    for thread, *email in reader.many(sql, ((account, each) for each in taken.ids)):
        members.setdefault(thread, []).append((email[0], email[1], email[2]))
    for thread, emails in members.items():
        before, after = set(), set()
        for id_, made, gone in emails:
            spans = [(made, gone), *lives.get(id_, ())]
            if _there(spans, since, id_):
                before.add(id_)
            if _there(spans, taken.state, id_):
                after.add(id_)
        if before != after:
            kind = changes.created if not before else changes.updated if after else changes.destroyed
            kind.append(thread)
    return changes


def _comings_and_goings(
    reader: CellReader, account: AccountId, since: EmailState, most: int
) -> Iterator[Event]:
    for change in stream(reader, account, since.modseq):
        if change[4] or change[2] in (REMOVED, GONE):
            done = since.done if change[0] == since.modseq + 1 else 0
            yield from events_of(reader, account, change, done, most)


def mailbox_changes(
    reader: CellReader, account: AccountId, since: EmailState, end: EmailState, limit: int
) -> MailboxChanges:
    kinds: dict[MailboxId, set[int]] = {}

    def found() -> Iterator[Event]:
        for change in stream(reader, account, since.modseq):
            for mailbox in _concerned(reader, account, change):
                if change[0] > since.modseq + 1 or mailbox > since.done:
                    kind = change[2] if mailbox == change[1] else ADDED
                    seen.append(Event(change[0], mailbox, mailbox, kind))
                    yield seen[-1]

    seen: list[Event] = []
    taken = _take(found(), 2, since, end, limit)
    for event in seen:
        if event.message in taken.ids:
            kinds.setdefault(event.message, set()).add(event.thread)
    created = [id_ for id_, of in kinds.items() if MADE in of and GONE not in of]
    destroyed = [id_ for id_, of in kinds.items() if GONE in of and MADE not in of]
    updated = [id_ for id_, of in kinds.items() if not of & {MADE, GONE}]
    more_than_counts = {RENAMED, SUBSCRIBED, DESCRIBED}
    counts_only = not any(kinds[id_] & more_than_counts for id_ in updated)
    return MailboxChanges(created, updated, destroyed, taken.state, taken.more, counts_only)


def _concerned(reader: CellReader, account: AccountId, change: tuple[Any, ...]) -> list[MailboxId]:
    """The mailbox that changed, and those that show other counts of threads or unread mail through it."""
    _, mailbox, kind, *_ = change
    concerned = {mailbox} - {0}
    if kind in (ADDED, FLAGGED, REMOVED, GONE):
        span = mailboxes_of(account)
        threads = {event.thread for event in events_of(reader, account, change, 0, RELATED + 1)}
        if len(threads) > RELATED:
            concerned.update(row[0] for row in reader.rows("SELECT id FROM mailbox WHERE account=?", account))
        else:
            sql = (
                "SELECT DISTINCT e.mailbox FROM email m JOIN entry e ON e.message=m.message"
                " WHERE m.account=? AND m.thread=? AND m.gone=0 AND e.mailbox BETWEEN ? AND ?"
            )
            concerned.update(row[0] for row in reader.many(sql, ((account, each, *span) for each in threads)))
    return sorted(concerned)


def object_changes(
    reader: CellReader, account: AccountId, kind: str, since: EmailState, end: EmailState, limit: int
) -> ObjectChanges:
    """Each object changes at modseqs of its own, so no modseq holds more than one."""
    sql = (
        "SELECT at, id FROM (SELECT made AS at, id FROM object WHERE account=?1 AND kind=?2 AND made>?3"
        " UNION SELECT modseq, id FROM object WHERE account=?1 AND kind=?2 AND modseq>?3"
        " UNION SELECT gone, id FROM life WHERE account=?1 AND kind=?2 AND gone>?3) ORDER BY at"
    )
    ids: dict[str, None] = {}
    state, more = end, False
    for at, id_ in reader.rows(sql, account, kind, since.modseq):
        if id_ not in ids and len(ids) >= limit:
            state, more = EmailState(at - 1), True
            break
        ids[id_] = None
    lives = _lives(reader, account, kind)
    changes = ObjectChanges([], [], [], state, more)
    spans_of = "SELECT id, made, gone FROM object WHERE account=? AND kind=? AND id=?"
    for id_, made, gone in reader.many(spans_of, ((account, kind, each) for each in ids)):
        spans = [(made, gone), *lives.get(id_, ())]
        before, after = _there(spans, since, 1), _there(spans, state, 1)
        if before or after:
            kinds = changes.updated if before and after else changes.destroyed if before else changes.created
            kinds.append(id_)
    return changes
