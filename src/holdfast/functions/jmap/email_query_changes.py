"""Email/queryChanges, exact. RFC 8620 §5.6, RFC 8621 §4.5

JMAPD-20 the changes applied to a list as it was told give the list as it is now. What may have changed its
place is taken out and put in again: the Emails that changed, and, where one speaks for its thread, all of a
thread that changed. What certainly stayed where it was isn't told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from msgspec import UNSET

from holdfast.functions.jmap.asking import Ask, Handler
from holdfast.functions.jmap.changes import no_such_state, state_of
from holdfast.functions.jmap.email_query import Newest, base_of, search
from holdfast.functions.jmap.filtering import asks_threads, filter_of
from holdfast.functions.jmap.ids import EMAIL, id_of
from holdfast.functions.jmap.query_lists import MailList
from holdfast.model.limits import JMAP_CHANGES, JMAP_QUERY_CHANGED
from holdfast.model.mail import MailboxId, MessageId
from holdfast.store import AccountMail, EmailChanges, EmailState
from holdfast.wire.jmap.errors import MethodError, MethodFault
from holdfast.wire.jmap.methods import EmailQueryChanges
from holdfast.wire.jmap.standard import AddedItem, QueryChangesResult


class Touched(NamedTuple):
    """``emails``: that may have been in the list or may be in it now. ``new``: weren't there then."""

    emails: set[MessageId]
    new: set[MessageId]


async def query_changes(ask: Ask, asked: EmailQueryChanges) -> QueryChangesResult:
    where, order = filter_of(ask, asked), asked.order()
    since = state_of(asked.since_query_state)
    base = base_of(where, order)
    if base.whole:
        return await _of_list(ask, asked, since, base.mailbox)
    modseq, found = await search(ask, asked, where, order)
    mail = ask.mail()
    with mail.moment():
        by_threads = (
            asked.collapse_threads or asks_threads(where) or any("Thread" in each.property for each in order)
        )
        touched = _touched(mail, since, by_threads)
    places = {each: place for place, each in enumerate(found) if each in touched.emails}
    return _told(ask, asked, modseq, touched, places, len(found))


async def _of_list(
    ask: Ask, asked: EmailQueryChanges, since: EmailState, mailbox: MailboxId | None
) -> QueryChangesResult:
    while True:
        kept = await ask.parts.lists.of(ask.mail, mailbox, lambda: ask.parts.world.clock.sleep(0))
        mail = ask.mail()
        with mail.moment():
            if not kept.follow(mail):
                continue
            if since.modseq > kept.modseq:
                raise no_such_state()
            touched = _noted(mail, kept, since, asked.collapse_threads)
            if touched is None:
                touched = _touched(mail, since, asked.collapse_threads)
            rows = mail.emails(touched.emails)
        listed = Newest(kept, asked.collapse_threads)
        found = {each: listed.place(row.received, each) for each, row in rows.items()}
        places = {each: place for each, place in found.items() if place is not None}
        return _told(ask, asked, kept.modseq, touched, places, len(listed))


def _noted(mail: AccountMail, kept: MailList, since: EmailState, by_threads: bool) -> Touched | None:
    """From what came to the kept list and left it; None: that isn't known so far back."""
    if since.modseq < kept.noted_from:
        return None
    notes = [note for note in kept.notes if note.modseq > since.modseq]
    emails = {note.message for note in notes}
    if by_threads:
        emails.update(_members(mail, {note.thread for note in notes}))
    made = {each for each, row in mail.emails(emails).items() if row.made > since.modseq + bool(since.done)}
    return Touched(emails, made - {note.message for note in notes if not note.came})


def _touched(mail: AccountMail, since: EmailState, by_threads: bool) -> Touched:
    emails: set[MessageId] = set()
    new: set[MessageId] = set()
    for changes in _all(mail.email_changes, since):
        new.update(each for each in changes.created if each not in emails)
        emails.update(changes.created, changes.updated, changes.destroyed)
    if by_threads:
        threads = {row.thread for row in mail.emails(emails).values()}
        for changes in _all(mail.thread_changes, since):
            threads.update(changes.created, changes.updated)
        emails.update(_members(mail, threads))
    return Touched(emails, new)


def _all(read: Callable[[EmailState, int], EmailChanges | None], since: EmailState) -> Iterable[EmailChanges]:
    told = 0
    while True:
        changes = read(since, JMAP_CHANGES)
        if changes is None:
            raise no_such_state()
        yield changes
        told += len(changes.created) + len(changes.updated) + len(changes.destroyed)
        if not changes.more:
            return
        if told > JMAP_QUERY_CHANGED:
            raise MethodError(MethodFault.CANNOT_CALCULATE_CHANGES, "So much changed: ask anew.")
        since = changes.state


def _members(mail: AccountMail, threads: Iterable[MessageId]) -> Iterable[MessageId]:
    return (each for members in mail.threads(threads).values() for each in members)


def _told(
    ask: Ask,
    asked: EmailQueryChanges,
    modseq: int,
    touched: Touched,
    places: dict[MessageId, int],
    total: int,
) -> QueryChangesResult:
    removed = sorted(touched.emails - touched.new)
    added = sorted((place, each) for each, place in places.items())
    if asked.max_changes is not None and len(removed) + len(added) > asked.max_changes:
        raise MethodError(MethodFault.TOO_MANY_CHANGES, "There are more changes than that: ask anew.")
    return QueryChangesResult(
        account_id=ask.account_id,
        old_query_state=asked.since_query_state,
        new_query_state=str(modseq),
        removed=[id_of(EMAIL, each) for each in removed],
        added=[AddedItem(id_of(EMAIL, each), place) for place, each in added],
        total=total if asked.calculate_total else UNSET,
    )


HANDLERS: Final[dict[str, Handler]] = {"Email/queryChanges": query_changes}
