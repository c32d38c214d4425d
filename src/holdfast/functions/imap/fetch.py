"""FETCH: index rows into lines, messages into literals. RFC 3501 §6.4.5, §7.4.2.

The way of a list (FLAGS UID RFC822.SIZE ENVELOPE): rows come in chunks, columns are turned as wholes,
and one ``%`` of bytes makes the line; no Python function is called per row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from holdfast.functions.imap.flags import FlagTexts, texts_for
from holdfast.functions.imap.opened import Opened
from holdfast.functions.imap.view import View
from holdfast.model.limits import READ_JOIN_BYTES, WRITE_BUFFER_BYTES
from holdfast.model.uidset import UidSet
from holdfast.store.reader import AccountMail, Column, MessageRef
from holdfast.wire.imap.commands import Attribute, Fetch, Section, SectionKind
from holdfast.wire.imap.dates import internaldate

_COLUMNS = {
    Attribute.UID: Column.UID,
    Attribute.FLAGS: Column.FLAGS,
    Attribute.INTERNALDATE: Column.INTERNALDATE,
    Attribute.SIZE: Column.SIZE,
    Attribute.ENVELOPE: Column.ENVELOPE,
    Attribute.BODYSTRUCTURE: Column.BODYSTRUCTURE,
    Attribute.MODSEQ: Column.MODSEQ,
}
_FORMS = {
    Attribute.UID: b"UID %d",
    Attribute.FLAGS: b"FLAGS %b",
    Attribute.INTERNALDATE: b"INTERNALDATE %b",
    Attribute.SIZE: b"RFC822.SIZE %d",
    Attribute.ENVELOPE: b"ENVELOPE %b",
    Attribute.BODYSTRUCTURE: b"BODYSTRUCTURE %b",
    Attribute.MODSEQ: b"MODSEQ (%d)",
}

_WHOLE = Section()

Row = tuple[Any, ...]


class Result(NamedTuple):
    """``shown``: how many messages were answered; ``unreadable``: UIDs of those with a damaged frame."""

    shown: int
    unreadable: list[int]


class Listing:
    """What is told of each message from its index row, as one form and the columns that fill it."""

    __slots__ = ("columns", "form", "texts", "words")

    def __init__(self, attributes: Iterable[Attribute], texts: FlagTexts) -> None:
        self.texts = texts
        self.words = [word for word in attributes if word is not Attribute.BODY]
        self.columns: list[Column] = [Column.UID]
        for word in self.words:
            if _COLUMNS[word] not in self.columns:
                self.columns.append(_COLUMNS[word])
        self.form = b"* %d FETCH (" + b" ".join(_FORMS[word] for word in self.words)

    def lines(self, view: View, chunk: Sequence[Row], form: bytes) -> Iterator[bytes]:
        """``form`` filled in for each row of ``chunk``: rows of ``columns``, more values may follow."""
        told = dict(zip(self.columns, zip(*chunk)))
        uids = told[Column.UID]
        fields: list[Iterable[object]] = [view.numbers(uids)]
        for word in self.words:
            values: Iterable[object] = told[_COLUMNS[word]]
            if word is Attribute.FLAGS:
                flags = view.with_recent(uids, told[Column.FLAGS])
                values = map(self.texts.__getitem__, flags)
            elif word is Attribute.INTERNALDATE:
                values = map(internaldate, told[Column.INTERNALDATE])
            fields.append(values)
        return map(form.__mod__, zip(*fields))


def fetch(
    view: View, kept: AccountMail, command: Fetch, uids: UidSet, seen: UidSet, condstore: bool
) -> Iterator[bytes | Result]:
    """Untagged FETCH responses of ``uids`` in writes of about WRITE_BUFFER_BYTES; last a ``Result``.

    ``seen``: those that became ``\\Seen`` just now: their FLAGS (and MODSEQ, with ``condstore``) are told
    beside what was asked for.
    Raises ``Unavailable`` when the index can't be read.
    """
    attributes = command.attributes
    if command.sections or Attribute.BODY in attributes:
        return _messages(view, kept, command, uids, seen, condstore)
    return _rows(view, kept, command, uids)


def _rows(view: View, kept: AccountMail, command: Fetch, uids: UidSet) -> Iterator[bytes | Result]:
    listing = Listing(command.attributes, texts_for(tuple(kept.keywords())))
    form = listing.form + b")\r\n"
    shown = size = 0
    parts: list[bytes | memoryview] = []
    for chunk in kept.rows(view.mailbox, uids, listing.columns, command.changed_since or 0):
        shown += len(chunk)
        part = b"".join(listing.lines(view, chunk, form))
        parts.append(part)
        size += len(part)
        if size >= WRITE_BUFFER_BYTES - 65_536:
            yield b"".join(parts)
            parts.clear()
            size = 0
    if parts:
        yield b"".join(parts)
    yield Result(shown, [])


def _messages(
    view: View, kept: AccountMail, command: Fetch, uids: UidSet, seen: UidSet, condstore: bool
) -> Iterator[bytes | Result]:
    attributes = command.attributes
    texts = texts_for(tuple(kept.keywords()))
    plain = Listing(attributes, texts)
    more = [Attribute.FLAGS, Attribute.MODSEQ] if condstore else [Attribute.FLAGS]
    more = [word for word in more if word not in attributes]
    marked = Listing((*attributes, *more), texts) if more else plain
    columns = [*marked.columns, Column.REF]  # its six values come last in the row
    whole = _whole_form(command, blank=bool(plain.words))
    shown = size = 0
    unreadable: list[int] = []
    parts: list[bytes | memoryview] = []
    for chunk in kept.rows(view.mailbox, uids, columns, command.changed_since or 0):
        for batch in batches(chunk):
            messages = kept.messages([MessageRef(*row[-6:]) for row in batch])
            heads = _heads(view, batch, plain, marked, seen)
            for head, row, message in zip(heads, batch, messages):
                shown += 1
                if message is None:
                    unreadable.append(row[0])
                elif whole:  # by far the most: all of the message and nothing else
                    count = len(message)
                    parts += (head, whole % count, message, b")\r\n")
                    size += count
                if message is None or not whole:
                    size += _one(parts, head, Opened.of(message), command)
                if size >= WRITE_BUFFER_BYTES:
                    yield b"".join(parts)
                    parts.clear()
                    size = 0
    if parts:
        yield b"".join(parts)
    yield Result(shown, unreadable)


def batches(chunk: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Neighbours whose messages are read at once: together about READ_JOIN_BYTES, or one.

    Rows end with the values of ``Column.REF``, whose last is the size.
    """
    first = total = 0
    for at, row in enumerate(chunk):
        if total and total + row[-1] > READ_JOIN_BYTES:
            yield chunk[first:at]
            first, total = at, 0
        total += row[-1]
    yield chunk[first:]


def _whole_form(command: Fetch, *, blank: bool) -> bytes:
    """``BODY[] {%d}`` when that is the one section asked for, else b''."""
    asked = command.sections
    if len(asked) != 1 or Attribute.BODY in command.attributes or asked[0].section != _WHOLE:
        return b""
    if asked[0].partial or asked[0].kind is not SectionKind.BODY:
        return b""
    return b"%b%b {%%d}\r\n" % (b" " if blank else b"", asked[0].label)


def _heads(view: View, batch: Sequence[Row], plain: Listing, marked: Listing, seen: UidSet) -> list[bytes]:
    """The lines' beginnings; those of ``seen`` with FLAGS."""
    heads = list(plain.lines(view, batch, plain.form))
    if seen and plain is not marked:
        with_flags = marked.lines(view, batch, marked.form)
        heads = [marked_ if row[0] in seen else head for row, head, marked_ in zip(batch, heads, with_flags)]
    return heads


def _one(parts: list[bytes | memoryview], head: bytes, message: Opened, command: Fetch) -> int:
    """Append one message's whole response to ``parts``; gives its bytes."""
    size = len(head)
    parts.append(head)
    blank = b"" if head.endswith(b"(") else b" "
    if Attribute.BODY in command.attributes:
        parts.append(b"%bBODY %b" % (blank, message.structure()))
        size += len(parts[-1])
        blank = b" "
    for section in command.sections:
        answer = message.answer(section)
        parts.append(blank + section.label + b" ")
        parts += answer
        size += sum(map(len, answer))
        blank = b" "
    parts.append(b")\r\n")
    return size
