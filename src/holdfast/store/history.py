"""What became of Emails, threads, mailboxes and objects since a state. RFC 8620 §5.2

STORE-16 the states of an account are its modseqs: a function of the ledger. What is told between two states
is exactly the difference of what there was at each, and what changed of the rest, with any limit: one modseq
that holds more than the limit is told in several answers.

The ground is the change stream. A modseq is one change of one mailbox: an Email that came into being, which
the change names; entries added or flagged, which are found as long as they are there; entries removed for
good, which are listed in ``gone``. What isn't found any more has changed again later, and is told there; so
is what was moved, where it was moved to. Whether an Email was there at a state is read from its lives: the
entries it has tell when the last one began, ``gone`` tells of all before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from holdfast.model.mail import AccountId, MailboxId, MessageId
from holdfast.model.uidset import UidSet
from holdfast.store.accounts import mailboxes_of
from holdfast.store.changes import ADDED, DESCRIBED, FLAGGED, GONE, MADE, REMOVED, RENAMED, SUBSCRIBED
from holdfast.store.connection import CellReader
from holdfast.store.emails import OF_THREAD

STREAM_ROWS = 500  # of the change stream read at once
RELATED = 200  # entries of one change whose threads are looked up, to find mailboxes that count anew

_STREAM = (
    "SELECT modseq, mailbox, kind, uids, message, thread, first, last FROM change"
    f" WHERE account=? AND modseq>? ORDER BY modseq LIMIT {STREAM_ROWS}"
)
_ENTRIES = "SELECT uid, message, thread FROM entry WHERE mailbox=? AND uid BETWEEN ? AND ? LIMIT ?"
_FLAGGED = _ENTRIES.replace("LIMIT", "AND modseq=? LIMIT")
_GONE = "SELECT number, message, thread FROM gone WHERE account=? AND number BETWEEN ? AND ? LIMIT ?"
_MADE = "SELECT message, made FROM entry WHERE message=? AND mailbox BETWEEN ? AND ? LIMIT 1"
# Named, for SQLite would rather go through all that the account has removed.
_LAST = "FROM gone INDEXED BY gone_email WHERE account=? AND thread=? AND last=1"
_LIVES = f"SELECT message, made, modseq, number {_LAST} AND message=?"
_OBJECT = "SELECT id, made, gone FROM object WHERE account=? AND kind=? AND id=?"
_OBJECT_LIVES = _OBJECT.replace("object", "life")
_OF_THREAD = OF_THREAD.format("thread, message, made")
_MAILBOXES = OF_THREAD.format("mailbox")
_THREADS_LIVES = f"SELECT thread, message, made, modseq, number {_LAST}"
_OBJECTS = (
    "SELECT at, id FROM (SELECT made AS at, id FROM object WHERE account=?1 AND kind=?2 AND made>?3"
    " UNION SELECT modseq, id FROM object WHERE account=?1 AND kind=?2 AND modseq>?3"
    " UNION SELECT made, id FROM life WHERE account=?1 AND kind=?2 AND made>?3"
    " UNION SELECT gone, id FROM life WHERE account=?1 AND kind=?2 AND gone>?3) ORDER BY at"
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


class Life(NamedTuple):
    """From when to when something was there; ``gone`` and ``number``, of the removal: None, it is there."""

    made: int
    gone: int | None = None
    number: int = 1


Lives = dict[Any, list[Life]]


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
    modseq, mailbox, kind, packed, message, thread, first, last = change
    if message:
        yield Event(modseq, 0, message, thread)
    elif first:
        for each in reader.rows(_GONE, account, max(first, done + 1), last, most):
            yield Event(modseq, *each)
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


def _there(lives: Iterable[Life], state: EmailState) -> bool:
    """Was it there at that state?"""
    told = (state.modseq + 1, state.done)
    return any(
        life.made <= state.modseq and (life.gone is None or (life.gone, life.number) > told) for life in lives
    )


def _sort(lives: Lives, since: EmailState, until: EmailState) -> tuple[list[Any], list[Any], list[Any]]:
    """Those created, updated and destroyed between the two."""
    found: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
    for id_, of in lives.items():
        before, after = _there(of, since), _there(of, until)
        if before or after:
            found[1 if before and after else 2 if before else 0].append(id_)
    return found


def email_changes(
    reader: CellReader, account: AccountId, since: EmailState, end: EmailState, limit: int
) -> EmailChanges:
    taken = _take(events(reader, account, since, limit + 1), 2, since, end, limit)
    span = mailboxes_of(account)
    lives: Lives = {id_: [] for id_ in taken.ids}
    for id_, made in reader.many(_MADE, ((each, *span) for each in taken.ids)):
        lives[id_].append(Life(made))
    for id_, *life in reader.many(_LIVES, ((account, of, each) for each, of in taken.ids.items())):
        lives[id_].append(Life(*life))
    return EmailChanges(*_sort(lives, since, taken.state), taken.state, taken.more)


def thread_changes(
    reader: CellReader, account: AccountId, since: EmailState, end: EmailState, limit: int
) -> EmailChanges:
    """A thread is there while one of its Emails is; it changes when one comes or goes."""
    taken = _take(_comings_and_goings(reader, account, since, limit + 1), 3, since, end, limit)
    span = mailboxes_of(account)
    members: dict[MessageId, Lives] = {thread: {} for thread in taken.ids}
    for thread, id_, made in reader.many(_OF_THREAD, ((each, *span) for each in taken.ids)):
        members[thread].setdefault(id_, []).append(Life(made))
    for thread, id_, *life in reader.many(_THREADS_LIVES, ((account, each) for each in taken.ids)):
        members[thread].setdefault(id_, []).append(Life(*life))
    moved: Lives = {
        thread: [life for each in lives.values() for life in each]
        for thread, lives in members.items()
        if any(_there(each, since) != _there(each, taken.state) for each in lives.values())
    }
    return EmailChanges(*_sort(moved, since, taken.state), taken.state, taken.more)


def _comings_and_goings(
    reader: CellReader, account: AccountId, since: EmailState, most: int
) -> Iterator[Event]:
    for change in stream(reader, account, since.modseq):
        if change[4] or change[6]:
            done = since.done if change[0] == since.modseq + 1 else 0
            yield from events_of(reader, account, change, done, most)


def mailbox_changes(
    reader: CellReader, account: AccountId, since: EmailState, end: EmailState, limit: int
) -> MailboxChanges:
    kinds: dict[MailboxId, set[int]] = {}
    there = dict(reader.rows("SELECT id, made FROM mailbox WHERE account=?", account))

    def found() -> Iterator[Event]:
        for change in stream(reader, account, since.modseq):
            for mailbox in _concerned(reader, account, change, there):
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


def _concerned(
    reader: CellReader, account: AccountId, change: tuple[Any, ...], there: dict[MailboxId, int]
) -> list[MailboxId]:
    """The mailbox that changed, and those that show other counts of threads or unread mail through it.

    ``there``: the account's mailboxes, and when each was made: none is told to change before that.
    """
    modseq, mailbox, kind, *_ = change
    concerned: set[MailboxId] = set()
    if kind in (ADDED, FLAGGED, REMOVED, GONE):
        span = mailboxes_of(account)
        threads = {event.thread for event in events_of(reader, account, change, 0, RELATED + 1)}
        if len(threads) <= RELATED:
            found = reader.many(_MAILBOXES, ((each, *span) for each in threads))
            concerned = {row[0] for row in found}
        concerned = {
            id_
            for id_, made in there.items()
            if made <= modseq and (len(threads) > RELATED or id_ in concerned)
        }
    concerned.add(mailbox)
    return sorted(concerned - {0})


def object_changes(
    reader: CellReader, account: AccountId, kind: str, since: EmailState, end: EmailState, limit: int
) -> ObjectChanges:
    """Each object changes at modseqs of its own, so no modseq holds more than one."""
    ids: dict[str, None] = {}
    state, more = end, False
    for at, id_ in reader.rows(_OBJECTS, account, kind, since.modseq):
        if id_ not in ids and len(ids) >= limit:
            state, more = EmailState(at - 1), True
            break
        ids[id_] = None
    lives: Lives = {id_: [] for id_ in ids}
    for sql in (_OBJECT, _OBJECT_LIVES):
        for id_, made, gone in reader.many(sql, ((account, kind, each) for each in ids)):
            lives[id_].append(Life(made, gone or None))
    return ObjectChanges(*_sort(lives, since, state), state, more)
