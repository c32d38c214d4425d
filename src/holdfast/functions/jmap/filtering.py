"""Which Emails match a filter: what the index tells first, then what only the message tells. RFC 8621 §4.4.1

Each condition is asked of what the cheaper ones left. Others have their turn between two chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from msgspec import UNSET

from holdfast import mime
from holdfast.functions.jmap.asking import Ask
from holdfast.functions.jmap.email_get import batches
from holdfast.functions.jmap.ids import MAILBOX, number_of
from holdfast.functions.jmap.rows import Keywords
from holdfast.functions.jmap.words import has_all, terms, texts
from holdfast.mime.envelope_fields import BCC, CC, FROM, SUBJECT, TO, field_text
from holdfast.model.errors import Reason
from holdfast.model.limits import JMAP_SEARCH_BYTES
from holdfast.model.mail import Flag, MailboxId, MessageId
from holdfast.store import AccountMail, Column, EmailRow
from holdfast.wire.jmap.core import Shape
from holdfast.wire.jmap.errors import MethodError, MethodFault
from holdfast.wire.jmap.filters import Operator
from holdfast.wire.jmap.indexed import attachment_names, has_attachment
from holdfast.wire.jmap.methods import EmailCondition, EmailQuery, EmailQueryChanges
from holdfast.wire.jmap.vendor import WEBMAIL
from holdfast.world import World

Ids = set[MessageId]
CHUNK = 250  # rows looked at before others have their turn
_SEEN, _DELETED = int(Flag.SEEN), int(Flag.DELETED)
_PLACES: Final = {"from_": FROM, "to": TO, "cc": CC, "bcc": BCC, "subject": SUBJECT}
_IN_THREAD: Final = (
    "all_in_thread_have_keyword",
    "some_in_thread_have_keyword",
    "none_in_thread_have_keyword",
)


class Marks(NamedTuple):
    """Of every Email of the account its mailboxes and flags; read once for a whole search."""

    mailboxes: dict[MessageId, tuple[MailboxId, ...]]
    flags: dict[MessageId, int]


def conditions(where: Operator | Shape | None) -> Iterator[EmailCondition]:
    """All that stand in a filter."""
    if isinstance(where, Operator):
        for each in where.conditions:
            yield from conditions(each)
    elif isinstance(where, EmailCondition):
        yield where


def filter_of(ask: Ask, asked: EmailQuery | EmailQueryChanges) -> Operator | Shape | None:
    """Its filter. MethodError unsupportedFilter also for what the request's capabilities don't have."""
    where = asked.where()
    asks_names = any(each.attachment_name is not UNSET for each in conditions(where))
    if asks_names and not ask.server.is_using(WEBMAIL):
        text = f"Only a request that uses {WEBMAIL} can filter by attachmentName."
        raise MethodError(MethodFault.UNSUPPORTED_FILTER, text)
    return where


def asks_threads(where: Operator | Shape | None) -> bool:
    """Whether an Email may match because of others of its thread."""
    return any(getattr(each, name) is not UNSET for each in conditions(where) for name in _IN_THREAD)


def asks_words(where: Operator | Shape | None) -> bool:
    return any(_cost(each) == 2 for each in conditions(where))


class Filtering:
    """One search. ``received`` and ``thread``: of all Emails it may be about."""

    def __init__(
        self,
        world: World,
        mail: AccountMail,
        received: dict[MessageId, int],
        thread: dict[MessageId, MessageId],
    ) -> None:
        self._world = world
        self._mail = mail
        self._received = received
        self._thread = thread
        self._keywords = Keywords(mail.keywords())
        self._marks: Marks | None = None
        self._read_bytes = 0

    async def find(self, where: Operator | Shape | None, among: Ids) -> Ids:
        """MethodError requestTooLarge where too much would have to be read."""
        if where is None or not among:
            return among
        if isinstance(where, EmailCondition):
            return await self._condition(where, among)
        assert isinstance(where, Operator)
        inner = sorted(where.conditions, key=_cost)
        if where.operator == "AND":
            for each in inner:
                among = await self.find(each, among)
            return among
        found: Ids = set()
        for each in inner:
            found |= await self.find(each, among - found)
        return found if where.operator == "OR" else among - found

    async def turn(self) -> None:
        await self._world.clock.sleep(0)

    async def marks(self) -> Marks:
        if self._marks is None:
            self._marks = await self._read_marks()
        return self._marks

    async def _read_marks(self) -> Marks:
        mailboxes: dict[MessageId, tuple[MailboxId, ...]] = {}
        union: dict[MessageId, int] = {}
        for box in self._mail.mailboxes():
            here = (box.id,)
            uids = self._mail.uids(box)
            for chunk in self._mail.rows(box.id, uids, (Column.MESSAGE_ID, Column.FLAGS)):
                for message, flags in chunk:
                    if message in union:
                        before = union[message]
                        union[message] = (before | flags) & ~_SEEN | (before & flags & _SEEN)
                        if box.id not in mailboxes[message]:
                            mailboxes[message] += here
                    else:
                        union[message] = flags
                        mailboxes[message] = here
                await self.turn()
        return Marks(mailboxes, {message: flags & ~_DELETED for message, flags in union.items()})

    async def _condition(self, where: EmailCondition, among: Ids) -> Ids:
        among = self._by_date(where, among)
        if among and _asks_marks(where):
            among = await self._by_marks(where, among)
        if among and any(getattr(where, name) is not UNSET for name in _OF_ROWS):
            holds = _row_condition(where)
            found: Ids = set()
            for chunk in chunked(among):
                found.update(row.id for row in self._mail.emails(chunk).values() if holds(row))
                await self.turn()
            among = found
        if among and _cost(where) == 2:
            among = await self._by_words(where, among)
        return among

    def _by_date(self, where: EmailCondition, among: Ids) -> Ids:
        received = self._received
        if where.before is not UNSET:
            before = where.before.timestamp()
            among = {each for each in among if received[each] < before}
        if where.after is not UNSET:
            after = where.after.timestamp()
            among = {each for each in among if received[each] >= after}
        return among

    async def _by_marks(self, where: EmailCondition, among: Ids) -> Ids:
        mailboxes, flags = await self.marks()
        if where.in_mailbox is not UNSET:
            wanted = number_of(MAILBOX, where.in_mailbox)
            among = {each for each in among if wanted in mailboxes.get(each, ())}
        if where.in_mailbox_other_than is not UNSET:
            other = {number_of(MAILBOX, each) for each in where.in_mailbox_other_than}
            among = {each for each in among if not other.issuperset(mailboxes.get(each, ()))}
        if where.has_keyword is not UNSET:
            bit = self._keywords.bit(where.has_keyword)
            among = {each for each in among if flags.get(each, 0) & bit}
        if where.not_keyword is not UNSET:
            bit = self._keywords.bit(where.not_keyword)
            among = {each for each in among if not flags.get(each, 0) & bit}
        for name in _IN_THREAD:
            keyword = getattr(where, name)
            if keyword is not UNSET:
                among = await self._by_thread(name, self._keywords.bit(keyword), among, flags)
        return among

    async def _by_thread(self, name: str, bit: int, among: Ids, flags: dict[MessageId, int]) -> Ids:
        every, some = await self.of_threads(bit, among, flags)
        threads = every if name.startswith("all") else some
        inside = {each for each in among if self._thread[each] in threads}
        return among - inside if name.startswith("none") else inside

    async def of_threads(self, bit: int, among: Ids, flags: dict[MessageId, int]) -> tuple[Ids, Ids]:
        """The threads of which every Email, and those of which some Email has a keyword."""
        every: Ids = set()
        some: Ids = set()
        for chunk in chunked({self._thread[each] for each in among}):
            for thread, members in self._mail.threads(chunk).items():
                having = [bool(flags.get(each, 0) & bit) for each in members]
                if all(having):
                    every.add(thread)
                if any(having):
                    some.add(thread)
            await self.turn()
        return every, some

    async def _by_words(self, where: EmailCondition, among: Ids) -> Ids:
        holds = _message_condition(where)
        found: Ids = set()
        for chunk in chunked(sorted(among, key=self._received.__getitem__)):
            for batch in batches(list(self._mail.emails(chunk).values())):
                self._read_bytes += sum(row.size for row in batch)
                if self._read_bytes > JMAP_SEARCH_BYTES:
                    text = "Too much would have to be read: narrow the search by a mailbox or a date."
                    raise MethodError(MethodFault.REQUEST_TOO_LARGE, text, Reason.TOO_LARGE)
                messages = self._mail.messages([row.ref for row in batch])
                found |= await self._world.offload(_matching, holds, batch, messages)
        return found


def chunked(ids: Iterable[MessageId]) -> Iterator[list[MessageId]]:
    walk = iter(ids)
    while chunk := list(islice(walk, CHUNK)):
        yield chunk


# Conditions of one Email


_OF_ROWS: Final = ("min_size", "max_size", "has_attachment", "attachment_name", *_PLACES)
_OF_MARKS: Final = ("in_mailbox", "in_mailbox_other_than", "has_keyword", "not_keyword", *_IN_THREAD)
_OF_MESSAGES: Final = ("text", "body", "header")


def _asks_marks(where: EmailCondition) -> bool:
    return any(getattr(where, name) is not UNSET for name in _OF_MARKS)


def _cost(where: Operator | Shape) -> int:
    """0: dates and marks; 1: rows of the index; 2: messages."""
    if isinstance(where, Operator):
        return max(map(_cost, where.conditions), default=0)
    if any(getattr(where, name) is not UNSET for name in _OF_MESSAGES):
        return 2
    return int(any(getattr(where, name) is not UNSET for name in _OF_ROWS))


def _row_condition(where: EmailCondition) -> Callable[[EmailRow], bool]:
    wanted = {
        place: terms(text) for name, place in _PLACES.items() if (text := getattr(where, name)) is not UNSET
    }
    named = None if where.attachment_name is UNSET else terms(where.attachment_name)

    def holds(row: EmailRow) -> bool:
        return (
            (where.min_size is UNSET or row.size >= where.min_size)
            and (where.max_size is UNSET or row.size < where.max_size)
            and all(has_all(field_text(row.envelope, place) or "", of) for place, of in wanted.items())
            and (where.has_attachment is UNSET or has_attachment(row.structure) == where.has_attachment)
            and (named is None or any(has_all(each, named) for each in attachment_names(row.structure)))
        )

    return holds


def _message_condition(where: EmailCondition) -> Callable[[EmailRow, mime.Root], bool]:
    whole = terms(where.text) if where.text is not UNSET else []
    body = terms(where.body) if where.body is not UNSET else []
    name, value = ("", "")
    if where.header is not UNSET:
        name, value = (*where.header, "")[:2]

    def holds(row: EmailRow, root: mime.Root) -> bool:
        if name and not _has_header(root, name.lower().encode(), value.casefold()):
            return False
        said = " ".join(texts(root)) if whole or body else ""
        if body and not has_all(said, body):
            return False
        if not whole:
            return True
        heads = (field_text(row.envelope, place) or "" for place in _PLACES.values())
        return has_all("\n".join((*heads, said)), whole)

    return holds


def _has_header(root: mime.Root, name: bytes, value: str) -> bool:
    return any(
        not value or value in mime.decode_header(field.value).casefold()
        for field in root.fields()
        if field.name == name
    )


def _matching(
    holds: Callable[[EmailRow, mime.Root], bool],
    batch: Sequence[EmailRow],
    messages: Sequence[bytes | memoryview | None],
) -> Ids:
    """Damaged ones match nothing."""
    return {
        row.id
        for row, message in zip(batch, messages)
        if message is not None and holds(row, mime.parse(bytes(message)))
    }
