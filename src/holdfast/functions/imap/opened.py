"""A message opened for FETCH and SEARCH: parsed when first needed; a damaged one says that it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from holdfast import mime
from holdfast.mime.fields import Field, iterate
from holdfast.mime.sections import find_part
from holdfast.mime.structure import LEAF, MESSAGE
from holdfast.model.limits import HEADER_BYTES
from holdfast.store.damaged import PLACEHOLDER
from holdfast.wire.imap.commands import BodySection, Section, SectionKind, SectionText

Bytes = bytes | memoryview
_NIL: list[Bytes] = [b"NIL"]

# What can make the text of a message differ from its bytes; without any of it bytes decide.
_CODED = (b"=?", b"base64", b"quoted-printable", b"uuencode", b"x-uu")
_CHARSET = re.compile(rb"charset *= *\"?([a-z0-9_-]*)")
_PLAIN_CHARSET = re.compile(rb"us-ascii|utf-8|iso-8859-\d+|windows-125\d|\Z")


class Opened:
    __slots__ = ("_data", "_part", "raw")

    def __init__(self, raw: Bytes) -> None:
        self.raw = raw
        self._data: bytes | None = None
        self._part: mime.Part | None = None

    @classmethod
    def of(cls, message: Bytes | None) -> Opened:
        """``None``: its frame is damaged (IMAPD-6)."""
        return cls(PLACEHOLDER if message is None else message)

    @property
    def data(self) -> bytes:
        if self._data is None:
            self._data = bytes(self.raw)
        return self._data

    @property
    def part(self) -> mime.Part:
        if self._part is None:
            self._part = mime.parse(self.data)
        return self._part

    def structure(self) -> bytes:
        """BODY: the structure without extension data."""
        return mime.bodystructure(self.part, extended=False)

    # -- FETCH ------------------------------------------------------------------------

    def answer(self, asked: BodySection) -> list[Bytes]:
        """The value of one ``BODY[…]``: a literal in its pieces, or NIL for what isn't there."""
        section = asked.section
        if asked.kind is not SectionKind.BODY:
            return self._binary(asked)
        if not section.part and section.text is SectionText.ALL:
            value: Bytes | None = self.raw
        else:
            value = self._section(section)
        if value is None:
            return _NIL
        if asked.partial:
            first, count = asked.partial
            value = value[first : first + count]
        return [b"{%d}\r\n" % len(value), value]

    def _binary(self, asked: BodySection) -> list[Bytes]:
        """RFC 3516 §4.2-4.3: the part without its transfer encoding; without a part, the message."""
        found = find_part(self.part, asked.section.part)
        if found is None:
            return [b"0"] if asked.kind is SectionKind.BINARY_SIZE else _NIL
        value = mime.decode_bytes(found) if asked.section.part else self.data
        if asked.kind is SectionKind.BINARY_SIZE:
            return [b"%d" % len(value)]
        if asked.partial:
            first, count = asked.partial
            value = value[first : first + count]
        return [b"%b{%d}\r\n" % (b"~" if b"\0" in value else b"", len(value)), value]

    def _section(self, section: Section) -> Bytes | None:
        """RFC 3501 §6.4.5; None: there is no such part. The message's own header needs no parsing."""
        if not section.part and section.text is not SectionText.FIELDS_NOT:
            data = self.data
            body = header_end(data)
            if section.text is SectionText.TEXT:
                return data[body:]
            header = data[:body]
            if section.text is SectionText.HEADER:
                return header
            lines = [match[0] for match in _fields_named(section.fields).finditer(header)]
            return b"".join([*lines, b"\r\n"])  # the empty line is always there
        names = frozenset(name.lower().encode("utf-8", "surrogateescape") for name in section.fields)
        pieces = mime.section(self.part, mime.Section(section.part, section.text.value, names))
        return None if pieces is None else b"".join(pieces)

    # -- SEARCH -----------------------------------------------------------------------

    def header_fields(self) -> Iterator[Field]:
        data = self.data
        return iterate(data, 0, header_end(data))

    def has_header(self, name: bytes, value: str) -> bool:
        """``name`` in lower case, ``value`` folded; '' matches when the field is there."""
        return any(
            not value or value in _shown(field).casefold()
            for field in self.header_fields()
            if field.name == name
        )

    def has_text(self, needle: str, headers: bool) -> bool:
        """``needle`` folded: in a text part, in an embedded message's header, or with ``headers`` in ours."""
        data = self.data
        if needle.isascii() and data.isascii() and not _may_say(data.lower(), needle.encode()):
            return False
        if headers and any(needle in text.casefold() for text in _header_texts(data, 0, header_end(data))):
            return True
        for part in self.part.walk():
            if part.kind == MESSAGE and part.children:
                inner = part.children[0]
                if any(needle in t.casefold() for t in _header_texts(data, inner.start, inner.body_start)):
                    return True
            elif part.kind == LEAF and part.type == "text" and needle in mime.decode_text(part).casefold():
                return True
        return False


def _may_say(data: bytes, needle: bytes) -> bool:
    """False when an ASCII message (in lower case) can't have ``needle`` in its text. Blanks may be folded."""
    if all(word in data for word in needle.split()):
        return True
    if any(mark in data for mark in _CODED):
        return True
    return not all(_PLAIN_CHARSET.match(charset) for charset in _CHARSET.findall(data))


def header_end(message: bytes) -> int:
    """Where the body begins; the same as ``mime.parse(message).body_start``, without the parsing."""
    if message.startswith(b"\n"):
        return 1
    if message.startswith(b"\r\n"):
        return 2
    crlf = message.find(b"\n\r\n", 0, HEADER_BYTES)
    bare = message.find(b"\n\n", 0, crlf + 1 if crlf >= 0 else HEADER_BYTES)
    if crlf < 0 and bare < 0:
        return mime.parse(message).body_start
    return bare + 2 if bare >= 0 else crlf + 3


@lru_cache(maxsize=256)
def _fields_named(names: tuple[str, ...]) -> re.Pattern[bytes]:
    """The fields of these names, each with the lines that go on with it."""
    any_of = b"|".join(re.escape(name.encode("utf-8", "surrogateescape")) for name in names)
    return re.compile(
        rb"^(?:%b)[ \t]*+:[^\n]*+(?:\n[ \t][^\n]*+)*+\n?" % any_of, re.MULTILINE | re.IGNORECASE
    )


def _shown(field: Field) -> str:
    """A field's value as people read it: on one line, encoded words decoded."""
    return mime.decode_header(b" ".join(line.strip(b" \t\r") for line in field.raw.split(b"\n"))).strip()


def _header_texts(data: bytes, start: int, end: int) -> Iterator[str]:
    """``Name: value`` of each field."""
    for field in iterate(data, start, end):
        yield f"{field.name.decode('ascii', 'replace')}: {_shown(field)}"
