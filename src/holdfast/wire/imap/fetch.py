"""FETCH's arguments. RFC 3501 §6.4.5, RFC 3516 (BINARY), RFC 7162 §3.1.4.1 and §3.2.6 (modifiers)."""

from __future__ import annotations

import re
from functools import lru_cache

from holdfast.wire.imap.commands import (
    Attribute,
    BodySection,
    Fetch,
    Section,
    SectionKind,
    SectionText,
)
from holdfast.wire.imap.reader import MOST_NUMBER64, Malformed, Reader, as_text
from holdfast.wire.imap.syntax import astring

Items = tuple[tuple[Attribute, ...], tuple[BodySection, ...]]

_NAMES = {attribute.value.encode(): attribute for attribute in Attribute}
_FAST = (Attribute.FLAGS, Attribute.INTERNALDATE, Attribute.SIZE)
_MACROS = {
    b"ALL": (*_FAST, Attribute.ENVELOPE),
    b"FAST": _FAST,
    b"FULL": (*_FAST, Attribute.ENVELOPE, Attribute.BODY),
}
_OLD = {  # RFC 3501 §6.4.5: equal to BODY[...] but for the name in the answer
    b"RFC822": BodySection(Section(), b"RFC822"),
    b"RFC822.HEADER": BodySection(Section(text=SectionText.HEADER), b"RFC822.HEADER", peek=True),
    b"RFC822.TEXT": BodySection(Section(text=SectionText.TEXT), b"RFC822.TEXT"),
}
_TEXTS = {text.value.encode(): text for text in SectionText if text.value}
_WORD = re.compile(rb"[A-Za-z0-9.]+")
_PART = re.compile(rb"[1-9]\d{0,5}(?:\.[1-9]\d{0,5})*")
_MODIFIERS = re.compile(rb" \((?:CHANGEDSINCE|VANISHED)[^()]*\) *\Z", re.IGNORECASE)
_CACHED_BYTES = 256  # what clients ask again and again is short; the cache holds 512 of them


def parse_fetch(reader: Reader, uid: bool) -> Fetch:
    """Everything after the word FETCH."""
    reader.space("a sequence set")
    ids = reader.sequence_set()
    reader.space("what to fetch")
    text = reader.text
    modifiers = _MODIFIERS.search(text, reader.at) if text[-1:] == b")" else None
    end = modifiers.start() if modifiers else len(text)
    attributes, sections = _items(reader, end)
    reader.at = end
    changed_since, vanished = _modifiers(reader, end) if modifiers else (None, False)
    if vanished and (not uid or changed_since is None):
        raise Malformed("VANISHED is for UID FETCH with CHANGEDSINCE (RFC 7162 3.2.6)")
    if uid and Attribute.UID not in attributes:
        attributes = (Attribute.UID, *attributes)
    if changed_since is not None and Attribute.MODSEQ not in attributes:
        attributes = (*attributes, Attribute.MODSEQ)
    return Fetch(ids, attributes, sections, uid, changed_since, vanished)


def _items(reader: Reader, end: int) -> Items:
    if end - reader.at <= _CACHED_BYTES and not reader.literals:
        try:
            return _cached_items(reader.text[reader.at : end])
        except Malformed:
            pass  # parsed again below, so that the error has its place in the line
    return parse_items(Reader(reader.text[:end], reader.at, reader.literals))


@lru_cache(maxsize=512)
def _cached_items(text: bytes) -> Items:
    return parse_items(Reader(text))


def _modifiers(reader: Reader, at: int) -> tuple[int | None, bool]:
    changed_since = None
    vanished = False
    reader.at = at + 2
    while True:
        if reader.maybe(b"CHANGEDSINCE "):
            changed_since = reader.number("a mod-sequence", MOST_NUMBER64)
        elif reader.maybe(b"VANISHED"):
            vanished = True
        else:
            raise reader.fail("CHANGEDSINCE or VANISHED")
        if reader.maybe(b")"):
            reader.end()
            return changed_since, vanished
        reader.space("another modifier")


def parse_items(reader: Reader) -> Items:
    """A macro, an item, or items in parentheses, up to the end of the text."""
    attributes: dict[Attribute, None] = {}
    sections: dict[BodySection, None] = {}
    if reader.maybe(b"("):
        while True:
            _item(reader, attributes, sections)
            if reader.maybe(b")"):
                break
            reader.space("another item or ')'")
    else:
        macro = _WORD.match(reader.text, reader.at)
        if macro and macro[0].upper() in _MACROS:
            reader.at = macro.end()
            attributes.update(dict.fromkeys(_MACROS[macro[0].upper()]))
        else:
            _item(reader, attributes, sections)
    reader.end()
    return tuple(attributes), tuple(sections)


def _item(reader: Reader, attributes: dict[Attribute, None], sections: dict[BodySection, None]) -> None:
    word = _WORD.match(reader.text, reader.at)
    if not word:
        raise reader.fail("a fetch item")
    name = word[0].upper()
    if reader.text[word.end() : word.end() + 1] == b"[" and name in _SECTIONS:
        reader.at = word.end() + 1
        sections[_section_item(reader, *_SECTIONS[name])] = None
    elif name in _NAMES:
        reader.at = word.end()
        attributes[_NAMES[name]] = None
    elif name in _OLD:
        reader.at = word.end()
        sections[_OLD[name]] = None
    else:
        raise reader.fail("a fetch item")


_SECTIONS = {
    b"BODY": (SectionKind.BODY, False),
    b"BODY.PEEK": (SectionKind.BODY, True),
    b"BINARY": (SectionKind.BINARY, False),
    b"BINARY.PEEK": (SectionKind.BINARY, True),
    b"BINARY.SIZE": (SectionKind.BINARY_SIZE, True),
}


def _section_item(reader: Reader, kind: SectionKind, peek: bool) -> BodySection:
    section = _section(reader, kind)
    reader.literally(b"]", "']' at the end of the section")
    partial = None
    label = b"%b[%b]" % (kind.value.encode(), section_name(section))
    if kind is not SectionKind.BINARY_SIZE and reader.maybe(b"<"):
        first = reader.number("the first byte", MOST_NUMBER64)
        reader.literally(b".", "'.' and a count of bytes")
        count = reader.number("a count of bytes", MOST_NUMBER64)
        if not count:
            raise Malformed("Partial fetch of 0 bytes: the count begins at 1")
        reader.literally(b">")
        partial = (first, count)
        label += b"<%d>" % first
    return BodySection(section, label, peek, partial, kind)


def _section(reader: Reader, kind: SectionKind) -> Section:
    part: tuple[int, ...] = ()
    numbers = _PART.match(reader.text, reader.at)
    if numbers:
        part = tuple(map(int, numbers[0].split(b".")))
        reader.at = numbers.end()
        if reader.peek() == b"]":
            return Section(part)
        reader.literally(b".", "'.' or ']' after the part's number")
    elif reader.peek() == b"]":
        return Section()
    word = _WORD.match(reader.text, reader.at)
    text = _TEXTS.get(word[0].upper()) if word else None
    if text is None or word is None or kind is not SectionKind.BODY:
        raise reader.fail("a part's number" if kind is not SectionKind.BODY else "a section")
    if text is SectionText.MIME and not part:
        raise reader.fail("a part's number before MIME")
    reader.at = word.end()
    fields: tuple[str, ...] = ()
    if text in (SectionText.FIELDS, SectionText.FIELDS_NOT):
        reader.space("names of header fields")
        fields = _fields(reader)
    return Section(part, text, fields)


def _fields(reader: Reader) -> tuple[str, ...]:
    reader.literally(b"(", "'(' and names of header fields")
    fields = []
    while True:
        fields.append(as_text(reader.astring("the name of a header field")))
        if reader.maybe(b")"):
            return tuple(fields)
        reader.space("another field name or ')'")


def section_name(section: Section) -> bytes:
    """What stands between ``BODY[`` and ``]``, in a request and in its answer."""
    words = [b"%d" % number for number in section.part]
    if section.text is not SectionText.ALL:
        words.append(section.text.value.encode())
    name = b".".join(words)
    if section.fields:
        name += b" (%b)" % b" ".join(astring(field.encode("utf-8")) for field in section.fields)
    return name
