"""A message opened for FETCH and SEARCH: parsed when first needed; a damaged one says that it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from holdfast import mime
from holdfast.mime.fields import Field, iterate
from holdfast.mime.structure import LEAF, MESSAGE, MULTIPART
from holdfast.model.limits import HEADER_BYTES
from holdfast.wire.imap.commands import BodySection, Section, SectionKind, SectionText

Bytes = bytes | memoryview
_NIL: list[Bytes] = [b"NIL"]

# What can make the text of a message differ from its bytes; without any of it bytes decide.
_CODED = re.compile(
    rb"=\?|base64|quoted-printable|uuencode|x-uue|utf-?7|utf-?16|utf-?32|iso-2022|hz-gb", re.IGNORECASE
)


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
        """RFC 3516 §4.2-4.3: the part without its transfer encoding; for a message, its bytes."""
        found = find(self.part, asked.section.part)
        if found is None:
            return [b"0"] if asked.kind is SectionKind.BINARY_SIZE else _NIL
        value = mime.decode_bytes(found) if asked.section.part else self.data
        if asked.kind is SectionKind.BINARY_SIZE:
            return [b"%d" % len(value)]
        if asked.partial:
            first, count = asked.partial
            value = value[first : first + count]
        return [b"%b{%d}\r\n" % (b"~" if b"\0" in value else b"", len(value)), value]

    def _section(self, section: Section) -> bytes | None:
        """RFC 3501 §6.4.5; None: there is no such part."""
        data = self.data
        if not section.part:
            return _text(data, section, 0, header_end(data), len(data))
        part = find(self.part, section.part)
        if part is None:
            return None
        if section.text is SectionText.ALL:
            return data[part.body_start : part.end]
        if section.text is SectionText.MIME:
            return data[part.start : part.body_start]
        if part.kind != MESSAGE or not part.children:
            return None
        inner = part.children[0]
        return _text(data, section, inner.start, inner.body_start, inner.end)

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
        if needle.isascii() and data.isascii() and not _CODED.search(data):
            word = max(needle.encode().split(), key=len, default=b"")
            if word not in data.lower():
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


def find(root: mime.Part, path: tuple[int, ...]) -> mime.Part | None:
    """The part a section number names: ``1`` of a message that isn't multipart is its body."""
    part = root
    of_message = True  # ``part`` stands for a message, not for a part of one
    for number in path:
        if not of_message and part.kind == MESSAGE and part.children:
            part, of_message = part.children[0], True
        if part.kind == MULTIPART:
            if not 0 < number <= len(part.children):
                return None
            part = part.children[number - 1]
        elif not of_message or number != 1:
            return None
        of_message = False
    return part


def _text(data: bytes, section: Section, start: int, body: int, end: int) -> bytes | None:
    """HEADER, TEXT and the like of the message between ``start`` and ``end``."""
    if section.text is SectionText.TEXT:
        return data[body:end]
    if section.text is SectionText.HEADER:
        return data[start:body]
    names = {name.lower().encode("utf-8", "surrogateescape") for name in section.fields}
    wanted = section.text is SectionText.FIELDS
    lines = [data[f.start : f.end] for f in iterate(data, start, body) if (f.name in names) is wanted]
    if lines and not lines[-1].endswith(b"\n"):
        lines.append(b"\r\n")
    return b"".join([*lines, b"\r\n"])  # the empty line is always there (§6.4.5)


def _shown(field: Field) -> str:
    """A field's value as people read it: on one line, encoded words decoded."""
    return mime.decode_header(b" ".join(line.strip(b" \t\r") for line in field.raw.split(b"\n"))).strip()


def _header_texts(data: bytes, start: int, end: int) -> Iterator[str]:
    """``Name: value`` of each field."""
    for field in iterate(data, start, end):
        yield f"{field.name.decode('ascii', 'replace')}: {_shown(field)}"


PLACEHOLDER = (
    b"From: Mail service <mailer-daemon@localhost>\r\n"
    b"Subject: This message can't be read\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"\r\n"
    b"The message in this place was kept, but what lies on the disk is damaged\r\n"
    b"and there is no second copy of it. It was reported to the provider.\r\n"
    b"All other messages are as they were.\r\n"
)
