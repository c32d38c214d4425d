"""Email/query. RFC 8621 §4.4

A mailbox, or all mail, newest first is read from the index's covering order as far as it is asked for; totals
and far places come from a kept list. Everything else is searched for, and the outcome kept until the account
changes.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET

from holdfast.functions.jmap.asking import Ask, Describe, Handler, Parts
from holdfast.functions.jmap.filtering import Filtering, filter_of
from holdfast.functions.jmap.ids import EMAIL, MAILBOX, id_of, number_of
from holdfast.functions.jmap.query_lists import MailList
from holdfast.functions.jmap.sorting import NEWEST_FIRST, OPTIONS, ordered
from holdfast.model.mail import MailboxId, MessageId
from holdfast.model.people import Account
from holdfast.store import AccountMail
from holdfast.wire.jmap.core import MAIL, MailCapability, Shape
from holdfast.wire.jmap.filters import Comparator, Operator
from holdfast.wire.jmap.methods import EmailCondition, EmailQuery, EmailQueryChanges
from holdfast.wire.jmap.standard import QueryResult
from holdfast.wire.jmap.windows import span

Where = Operator | Shape | None
NOWHERE: Final = -1  # the id of no mailbox


class Base(NamedTuple):
    """Where to look. ``whole``: what is there is what is asked for, newest first."""

    mailbox: MailboxId | None
    whole: bool


def base_of(where: Where, order: Sequence[Comparator]) -> Base:
    mailbox = _mailbox(where)
    newest = not order or list(order) == [NEWEST_FIRST]
    only_mailbox = isinstance(where, EmailCondition) and where == EmailCondition(in_mailbox=where.in_mailbox)
    return Base(mailbox, newest and (where is None or only_mailbox))


def _mailbox(where: Where) -> MailboxId | None:
    """The one mailbox that all of it lies in; None: anywhere."""
    if isinstance(where, EmailCondition) and where.in_mailbox is not UNSET:
        number = number_of(MAILBOX, where.in_mailbox)
        return NOWHERE if number is None else number
    if isinstance(where, Operator) and where.operator == "AND":
        return next((found for each in where.conditions if (found := _mailbox(each)) is not None), None)
    return None


async def query(ask: Ask, asked: EmailQuery) -> QueryResult:
    where, order = filter_of(ask, asked), asked.order()
    base = base_of(where, order)
    if not base.whole:
        modseq, found = await search(ask, asked, where, order)
        return _answer(ask, asked, modseq, found)
    mail = ask.mail()
    kept = ask.parts.lists.known(mail, base.mailbox)
    if kept is None:
        if (needed := _reach(asked, ask.parts.limits.max_objects_in_get)) is not None:
            with mail.moment() as modseq:
                ids = _first(mail, base.mailbox, needed, asked.collapse_threads)
            return _answer(ask, asked, modseq, ids)
        kept = await ask.parts.lists.of(ask.mail, base.mailbox, lambda: ask.parts.world.clock.sleep(0))
    return _answer(ask, asked, kept.modseq, Newest(kept, asked.collapse_threads))


def _reach(asked: EmailQuery, most: int) -> int | None:
    """How many from the top answer the query; None: more has to be known than that."""
    if asked.calculate_total or asked.anchor is not None or asked.position < 0:
        return None
    needed = asked.position + min(most if asked.limit is None else asked.limit, most)
    return needed if needed <= most else None


def _first(mail: AccountMail, mailbox: MailboxId | None, count: int, collapse: bool) -> list[MessageId]:
    ids: list[MessageId] = []
    seen: set[MessageId] = set()
    for chunk in mail.listing(mailbox, rows=2 * count) if count else ():
        for each in chunk:
            if collapse and each.thread in seen:
                continue
            seen.add(each.thread)
            ids.append(each.message)
            if len(ids) == count:
                return ids
    return ids


class Newest(Sequence[int]):
    """A kept list from its end. Good until the next await."""

    def __init__(self, kept: MailList, collapse: bool) -> None:
        self._of = kept.heads if collapse else kept

    def __len__(self) -> int:
        return len(self._of)

    def __getitem__(self, at):  # type: ignore[no-untyped-def]
        if isinstance(at, slice):
            return [self._of.messages[len(self) - 1 - each] for each in range(*at.indices(len(self)))]
        return self._of.messages[len(self) - 1 - at]

    def __iter__(self) -> Iterator[int]:
        return reversed(self._of.messages)

    def index(self, message: object, start: int = 0, stop: int = 0) -> int:
        return len(self) - 1 - self._of.messages.index(message)  # type: ignore[arg-type]

    def place(self, received: int, message: MessageId) -> int | None:
        """The same where it is known when it was received."""
        at, there = self._of.place(received, message)
        return len(self) - 1 - at if there else None


def _answer(ask: Ask, asked: EmailQuery, modseq: int, found: Sequence[MessageId]) -> QueryResult:
    def find(anchor: str) -> int | None:
        try:
            return found.index(number_of(EMAIL, anchor))
        except (ValueError, TypeError):
            return None

    part = span(len(found), find, asked, ask.parts.limits.max_objects_in_get)
    return QueryResult(
        account_id=ask.account_id,
        query_state=str(modseq),
        can_calculate_changes=True,
        position=part.begin,
        ids=[id_of(EMAIL, each) for each in found[part.begin : part.end]],
        total=len(found) if asked.calculate_total else UNSET,
        limit=UNSET if part.limit is None else part.limit,
    )


async def search(
    ask: Ask, asked: EmailQuery | EmailQueryChanges, where: Where, order: Sequence[Comparator]
) -> tuple[int, array[int]]:
    """What is found, in its order, and the state it is of.

    What changes while it is searched for may or may not be in it: whoever has it at that state is told all
    that changed since (JMAPD-20).
    """
    lists = ask.parts.lists
    what = msgspec.json.encode((asked.filter, asked.sort, asked.collapse_threads))
    modseq = ask.mail().modseq
    if (known := lists.found(ask.account.id, what, modseq)) is not None:
        return modseq, known
    base = _mailbox(where)
    kept = await lists.of(ask.mail, base, lambda: ask.parts.world.clock.sleep(0))
    modseq = kept.modseq
    received = dict(zip(kept.messages, kept.received))
    thread = dict(zip(kept.messages, kept.threads))
    mail = ask.mail()
    filtering = Filtering(ask.parts.world, mail, received, thread)
    ids = await filtering.find(where, set(received))
    found = await ordered(ids, order, mail, filtering, received, thread)
    if asked.collapse_threads:
        seen: dict[MessageId, MessageId] = {}
        for each in found:
            seen.setdefault(thread[each], each)
        found = list(seen.values())
    return modseq, lists.keep_found(ask.account.id, what, modseq, found)


def _capability(parts: Parts, account: Account) -> MailCapability:
    """RFC 8621 §1.3.1"""
    return MailCapability(
        max_size_attachments_per_email=min(parts.mail_limits.message_bytes, parts.limits.max_size_upload),
        email_query_sort_options=OPTIONS,
    )


CAPABILITIES: Final[dict[str, Describe]] = {MAIL: _capability}
HANDLERS: Final[dict[str, Handler]] = {"Email/query": query}
