"""The order of Emails in a query. RFC 8621 §4.4.2"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from holdfast.functions.jmap.filtering import Filtering, Ids, chunked
from holdfast.functions.jmap.rows import Keywords
from holdfast.mime.envelope_fields import FROM, SUBJECT, TO, field_text, fields
from holdfast.mime.subjects import base_subject
from holdfast.mime.words import decode_header
from holdfast.model.mail import MessageId
from holdfast.store import AccountMail, EmailRow
from holdfast.wire.jmap.filters import Comparator
from holdfast.wire.jmap.headers import as_date

OPTIONS: Final = (
    *("receivedAt", "size", "from", "to", "subject", "sentAt"),
    *("hasKeyword", "allInThreadHaveKeyword", "someInThreadHaveKeyword"),
)
NEWEST_FIRST: Final = Comparator(property="receivedAt", is_ascending=False)


def _person(place: int) -> Callable[[EmailRow], str]:
    """The first one's name, or where there is none the address."""

    def of(row: EmailRow) -> str:
        found = fields(row.envelope)
        if not found or not found[place]:
            return ""
        name, _, local, host = found[place][0]
        shown = name or b"@".join(each for each in (local, host) if each)
        return decode_header(shown).casefold()

    return of


def _sent(row: EmailRow) -> float:
    found = fields(row.envelope)
    date = as_date(found[0]) if found and found[0] else None
    return row.received if date is None else date.timestamp()


_OF_ROWS: Final[dict[str, Callable[[EmailRow], Any]]] = {
    "size": lambda row: row.size,
    "from": _person(FROM),
    "to": _person(TO),
    "subject": lambda row: base_subject(field_text(row.envelope, SUBJECT) or ""),
    "sentAt": _sent,
}


async def ordered(
    ids: Ids,
    order: Sequence[Comparator],
    mail: AccountMail,
    search: Filtering,
    received: dict[MessageId, int],
    thread: dict[MessageId, MessageId],
) -> list[MessageId]:
    """What is equal is ordered by receipt, the newest first."""
    found = sorted(ids, key=lambda each: (received[each], each), reverse=True)
    needed = {each.property for each in order} & _OF_ROWS.keys()
    keys: dict[str, dict[MessageId, Any]] = {name: {} for name in needed}
    for chunk in chunked(found) if needed else ():
        for row in mail.emails(chunk).values():
            for name in needed:
                keys[name][row.id] = _OF_ROWS[name](row)
        await search.turn()
    for each in reversed(order):
        if each.property == "receivedAt":
            found.sort(key=lambda id: (received[id], id), reverse=not each.is_ascending)
        elif each.property in keys:
            found = _by(keys[each.property], found, not each.is_ascending)
        else:
            having = await _having(each, ids, mail, search, thread)
            found.sort(key=having.__contains__, reverse=not each.is_ascending)
    return found


def _by(keys: dict[MessageId, Any], found: list[MessageId], reverse: bool) -> list[MessageId]:
    """What has gone meanwhile is left out."""
    return sorted((each for each in found if each in keys), key=keys.__getitem__, reverse=reverse)


async def _having(
    order: Comparator, ids: Ids, mail: AccountMail, search: Filtering, thread: dict[MessageId, MessageId]
) -> Ids:
    """Those that have the keyword, by themselves or by their threads."""
    bit = Keywords(mail.keywords()).bit(order.keyword or "")
    flags = (await search.marks()).flags
    if order.property == "hasKeyword":
        return {each for each in ids if flags.get(each, 0) & bit}
    every, some = await search.of_threads(bit, ids, flags)
    threads = every if order.property == "allInThreadHaveKeyword" else some
    return {each for each in ids if thread[each] in threads}
