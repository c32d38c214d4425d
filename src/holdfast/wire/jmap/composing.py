"""A message made of an Email that a client creates. RFC 8621 §4.6; RFC 2045, RFC 2046, RFC 2183, RFC 2387

The bytes are a function of what is given (JMAP-9): boundaries, date and Message-ID come from ``Stamp``.
"""

from __future__ import annotations

import binascii
import datetime
import re
from collections.abc import Iterator, Mapping
from typing import Final, Literal, NamedTuple

import msgspec

from holdfast.model.limits import MIME_DEPTH, MIME_PARTS
from holdfast.wire.jmap.core import Json, Shape, UnsignedInt
from holdfast.wire.jmap.email import SHORT_HEADERS
from holdfast.wire.jmap.errors import MethodError, SetFault, SetRefused
from holdfast.wire.jmap.headers import HeaderProperty, header_property
from holdfast.wire.jmap.writing import date_text, fields_of, folded, parameter, text_words, wrong

_LINE = 998  # RFC 5322 §2.1.1
_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+\-]{1,100}/[A-Za-z0-9!#$&^_.+\-]{1,100}").fullmatch
_TOKEN = re.compile(r"[A-Za-z0-9!#$&^_.+\-]{1,100}").fullmatch
_CID = re.compile(r"[!-;=?-~]{1,900}").fullmatch
_BODIES: Final = ("textBody", "htmlBody", "attachments")
_OF_CONTENT: Final = frozenset({*_BODIES, "bodyStructure", "bodyValues"})
_ORDER: Final = (b"date", b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc", b"subject", b"message-id")
_NAMES: Final = {
    "messageId": "Message-ID",
    "inReplyTo": "In-Reply-To",
    "replyTo": "Reply-To",
    "sentAt": "Date",
}
_OURS: Final = frozenset({b"content-type", b"content-transfer-encoding"})
_PART_NAMES: Final = {
    b"content-disposition": "disposition",
    b"content-id": "cid",
    b"content-language": "language",
    b"content-location": "location",
}


class Blob(NamedTuple):
    """What a blob holds. ``type``: as it was uploaded, '' where nothing is known."""

    data: bytes
    type: str


class Stamp(NamedTuple):
    """``date`` and ``message_id`` (without brackets) where the client gives none. ``boundary``: a word no
    content holds."""

    date: datetime.datetime
    message_id: str
    boundary: str


class NewPart(Shape, kw_only=True, forbid_unknown_fields=True):
    """An EmailBodyPart as it may be given; ``header:…`` stand beside these."""

    part_id: str | None = None
    blob_id: str | None = None
    size: UnsignedInt | None = None
    name: str | None = None
    type: str | None = None
    charset: str | None = None
    disposition: str | None = None
    cid: str | None = None
    language: list[str] | None = None
    location: str | None = None
    sub_parts: list[dict[str, object]] | None = None


class NewValue(Shape, kw_only=True, forbid_unknown_fields=True):
    value: str
    is_encoding_problem: Literal[False] = False
    is_truncated: Literal[False] = False


class _Node(NamedTuple):
    """A part to be written. ``where``: its property, for errors. ``fields``: of its header, by client."""

    where: str
    part: NewPart
    type: str
    disposition: str | None
    fields: list[bytes]
    children: list[_Node]


def blobs_named(value: Json) -> list[str]:
    """The blobs an Email is made of, each once. What is no body part is passed over."""
    found: dict[str, None] = {}
    pending = [value.get("bodyStructure"), *_lists(value)]
    while pending:
        each = pending.pop()
        if isinstance(each, dict):
            if isinstance(blob := each.get("blobId"), str):
                found[blob] = None
            parts = each.get("subParts")
            pending += parts if isinstance(parts, list) else []
    return list(found)


def _lists(value: Json) -> Iterator[object]:
    for name in _BODIES:
        held = value.get(name)
        if isinstance(held, list):
            yield from held


def compose(value: Json, blobs: Mapping[str, Blob], stamp: Stamp) -> bytes:
    """The message. ``value``: of the properties of an Email those that say what it is made of (no
    mailboxes, keywords or dates of receipt). ``blobs``: at least those of ``blobs_named`` that exist.

    SetRefused invalidProperties or blobNotFound.
    """
    if missing := [each for each in blobs_named(value) if each not in blobs]:
        error = SetRefused(SetFault.BLOB_NOT_FOUND, "What was uploaded isn't there, or not any more.")
        error.error.not_found = missing
        raise error
    header = _Header(stamp)
    for name, held in value.items():
        if name not in _OF_CONTENT:
            header.take(name, held)
    root = _Tree(value, header.names).root()
    writer = _Writer(_values(value), blobs, stamp.boundary)
    pieces = [*header.fields(), b"MIME-Version: 1.0\r\n"]
    writer.write(root, pieces)
    return b"".join(pieces)


def _values(value: Json) -> dict[str, NewValue]:
    try:
        return msgspec.convert(value.get("bodyValues") or {}, dict[str, NewValue])
    except msgspec.ValidationError as error:
        raise wrong("bodyValues", str(error)) from None


# Fields


class _Header:
    """The fields of the message itself, each name once as the client gives it."""

    def __init__(self, stamp: Stamp) -> None:
        self._stamp = stamp
        self._fields: dict[bytes, list[bytes]] = {}

    @property
    def names(self) -> frozenset[bytes]:
        return frozenset(self._fields)

    def take(self, shown: str, held: object) -> None:
        name, form = _named(shown)
        if form.name.startswith(b"content-") or form.name == b"mime-version":
            raise wrong(shown, "fields of the content are said of its parts")
        if form.name in self._fields:
            raise wrong(shown, "two properties stand for one field")
        self._fields[form.name] = fields_of(shown, name, form, held)

    def fields(self) -> list[bytes]:
        own = self._fields
        if not own.get(b"date"):
            own[b"date"] = [folded("Date", [date_text(self._stamp.date).encode()])]
        if not own.get(b"message-id"):
            own[b"message-id"] = [folded("Message-ID", [f"<{self._stamp.message_id}>".encode()])]
        order = [*_ORDER, *(name for name in own if name not in _ORDER)]
        return [field for name in order for field in own.get(name, ())]


def _named(shown: str) -> tuple[str, HeaderProperty]:
    """A field's name as it is written, and the form in which its value is given."""
    if shown in SHORT_HEADERS:
        return _NAMES.get(shown, shown.capitalize()), SHORT_HEADERS[shown]
    try:
        form = header_property(shown)
    except MethodError:
        raise wrong(shown, "this can't be set") from None
    return shown.split(":", 2)[1], form


# Parts


class _Tree:
    """The parts in the order and depth in which they are written."""

    def __init__(self, value: Json, taken: frozenset[bytes]) -> None:
        self._value = value
        self._taken = taken
        self._count = 0

    def root(self) -> _Node:
        value = self._value
        if value.get("bodyStructure") is None:
            return self._usual()
        if given := [name for name in _BODIES if value.get(name)]:
            raise wrong(given[0], "either this or bodyStructure")
        return self._node("bodyStructure", value["bodyStructure"], self._taken)

    def _usual(self) -> _Node:
        """Text and HTML as alternatives, what is shown within the HTML beside it, the rest attached."""
        text, html = self._body("textBody", "text/plain"), self._body("htmlBody", "text/html")
        attached = self._value.get("attachments") or []
        if not isinstance(attached, list):
            raise wrong("attachments", "Expected `array`")
        files = [self._node(f"attachments/{index}", each) for index, each in enumerate(attached)]
        inline = [each for each in files if html and each.part.cid and each.disposition != "attachment"]
        rest = [
            each._replace(disposition=each.disposition or "attachment")
            for each in files
            if each not in inline
        ]
        if html and inline:
            html = _around("related", [html, *(each._replace(disposition="inline") for each in inline)])
        bodies = [each for each in (text, html) if each is not None]
        if len(bodies) > 1:
            bodies = [_around("alternative", bodies)]
        if not bodies and not rest:
            return _Node("textBody", NewPart(), "text/plain", None, [], [])
        return _around("mixed", [*bodies, *rest]) if rest else bodies[0]

    def _body(self, name: str, kind: str) -> _Node | None:
        held = self._value.get(name)
        if not held:
            return None
        if not isinstance(held, list) or len(held) != 1:
            raise wrong(name, "exactly one part")
        node = self._node(f"{name}/0", held[0], default=kind)
        if node.type != kind or node.children:
            raise wrong(f"{name}/0/type", f"its part is {kind}")
        return node

    def _node(
        self,
        where: str,
        given: object,
        taken: frozenset[bytes] = frozenset(),
        *,
        depth: int = 1,
        default: str = "",
    ) -> _Node:
        self._count += 1
        if depth > MIME_DEPTH or self._count > MIME_PARTS:
            raise wrong(where, f"at most {MIME_PARTS} parts, {MIME_DEPTH} within each other")
        if not isinstance(given, dict):
            raise wrong(where, "Expected `object`")
        try:
            part = msgspec.convert({k: v for k, v in given.items() if not k.startswith("header:")}, NewPart)
        except msgspec.ValidationError as error:
            raise wrong(where, str(error)) from None
        kind = _kind(where, part, default)
        fields = _part_fields(where, part, given, taken)
        children = []
        if kind.startswith("multipart/"):
            if not part.sub_parts or part.blob_id or part.part_id:
                raise wrong(f"{where}/subParts", "a multipart has parts, and nothing else")
            children = [
                self._node(f"{where}/subParts/{index}", each, depth=depth + 1)
                for index, each in enumerate(part.sub_parts)
            ]
        elif part.sub_parts:
            raise wrong(f"{where}/type", "what has parts is a multipart")
        return _Node(where, part, kind, part.disposition, fields, children)


def _around(subtype: str, children: list[_Node]) -> _Node:
    return _Node("bodyStructure", NewPart(), f"multipart/{subtype}", None, [], children)


def _kind(where: str, part: NewPart, default: str) -> str:
    """Its type, '' where the blob is to say it."""
    if part.type is not None and not _TYPE(part.type):
        raise wrong(f"{where}/type", "a type and a subtype, without parameters")
    kind = (part.type or default).lower()
    if kind.startswith("multipart/") or (part.sub_parts and not kind):
        return kind or "multipart/mixed"
    if part.part_id is not None and part.blob_id is not None:
        raise wrong(where, "either partId or blobId")
    if part.part_id is None and part.blob_id is None and part.sub_parts is None:
        raise wrong(where, "a partId or a blobId says what is in it")
    if part.part_id is not None:
        if part.charset is not None or part.size is not None:
            raise wrong(where, "charset and size of what stands in bodyValues are ours to choose")
        kind = kind or "text/plain"
        if not kind.startswith("text/"):
            raise wrong(f"{where}/type", "what stands in bodyValues is text")
    return kind


def _part_fields(
    where: str, part: NewPart, given: Mapping[str, object], taken: frozenset[bytes]
) -> list[bytes]:
    """What the client says of a part's header by ``header:…``."""
    found: list[bytes] = []
    seen = set(taken)
    for shown, held in given.items():
        if not shown.startswith("header:"):
            continue
        name, form = _named(shown)
        own = _PART_NAMES.get(form.name)
        if form.name in _OURS or form.name in seen or (own and getattr(part, own) is not None):
            raise wrong(f"{where}/{shown}", "this field is said by another property, or ours to write")
        seen.add(form.name)
        found += fields_of(f"{where}/{shown}", name, form, held)
    return found


class _Writer:
    """Writes parts one after the other."""

    def __init__(self, values: Mapping[str, NewValue], blobs: Mapping[str, Blob], boundary: str) -> None:
        self._values = values
        self._blobs = blobs
        self._boundary = boundary
        self._multiparts = 0

    def write(self, node: _Node, pieces: list[bytes]) -> None:
        if not node.children:
            self._leaf(node, pieces)
            return
        self._multiparts += 1
        boundary = f"{self._boundary}-{self._multiparts}".encode()
        words = [b'boundary="' + boundary + b'"']
        if node.type == "multipart/related":  # RFC 2387 §3.1
            words += parameter("type", node.children[0].type or "application/octet-stream")
        pieces += [_content_type(node, words), *_described(node), b"\r\n"]
        for child in node.children:
            pieces.append(b"--" + boundary + b"\r\n")
            self.write(child, pieces)
            pieces.append(b"\r\n")
        pieces.append(b"--" + boundary + b"--\r\n")

    def _leaf(self, node: _Node, pieces: list[bytes]) -> None:
        part = node.part
        words: list[bytes] = []
        if part.blob_id is not None:
            blob = self._blobs[part.blob_id]
            kind = node.type or (blob.type.lower() if _TYPE(blob.type) else "")
            if not kind or kind.startswith("multipart/"):
                kind = "application/octet-stream"
            node = node._replace(type=kind)
            data, encoding, charset = _encoded_blob(blob.data, kind, part.charset)
        else:
            data, encoding, charset = _encoded_text(self._text(node))
        if charset:
            words += parameter("charset", charset)
        if part.name is not None and node.disposition is None:
            words += parameter("name", part.name)
        pieces += [_content_type(node, words), *_described(node)]
        if encoding != b"7bit":
            pieces.append(b"Content-Transfer-Encoding: " + encoding + b"\r\n")
        pieces += [b"\r\n", data]

    def _text(self, node: _Node) -> str:
        number = node.part.part_id
        if number is None:
            return ""
        value = self._values.get(number)
        if value is None:
            raise wrong(f"{node.where}/partId", f"there is no “{number}” in bodyValues")
        return value.value


def _content_type(node: _Node, parameters: list[bytes]) -> bytes:
    kind = node.type.encode()
    if not parameters:
        return b"Content-Type: " + kind + b"\r\n"
    return folded("Content-Type", [kind + b";", *(each + b";" for each in parameters[:-1]), parameters[-1]])


def _described(node: _Node) -> Iterator[bytes]:
    """The fields that say what a part is for."""
    part = node.part
    if node.disposition is not None:
        if not _TOKEN(node.disposition):
            raise wrong(f"{node.where}/disposition", "one word, such as inline or attachment")
        words = [node.disposition.lower().encode()]
        for each in parameter("filename", part.name) if part.name is not None else ():
            words[-1] += b";"
            words.append(each)
        yield folded("Content-Disposition", words)
    if part.cid is not None:
        if not _CID(part.cid):
            raise wrong(f"{node.where}/cid", "an id has no blanks and no brackets")
        yield folded("Content-ID", [f"<{part.cid}>".encode()])
    if part.language:
        if not all(map(_TOKEN, part.language)):
            raise wrong(f"{node.where}/language", "tags such as de or en-GB")
        tags = [each.encode() for each in part.language]
        yield folded("Content-Language", [*(each + b"," for each in tags[:-1]), tags[-1]])
    if part.location is not None:
        yield folded("Content-Location", text_words(part.location, _LINE))
    yield from node.fields


# Content and its transfer encoding


_LINE_END = re.compile(r"\r\n|\r|\n")
_LONG = re.compile(rb"[^\n]{%d}" % _LINE).search
_NO_LINE_END = re.compile(rb"(?<!\r)\n|\r(?!\n)|\0").search


def _encoded_text(text: str) -> tuple[bytes, bytes, str]:
    """Content, transfer encoding and charset."""
    data = _LINE_END.sub("\r\n", text).encode("utf-8", "replace")
    charset = "us-ascii" if data.isascii() else "utf-8"
    if data.isascii() and not _LONG(data) and b"\0" not in data:
        return data, b"7bit", charset
    coded = _NOT_CRLF.sub(b"\r\n", binascii.b2a_qp(data, istext=True))
    if len(coded) <= (len(data) + 2) // 3 * 4:
        return coded, b"quoted-printable", charset
    return _base64(data), b"base64", charset


_NOT_CRLF = re.compile(rb"(?<!\r)\n")


def _encoded_blob(data: bytes, kind: str, charset: str | None) -> tuple[bytes, bytes, str]:
    """A file keeps its bytes. A message within a message isn't encoded (RFC 2046 §5.2.1); its line ends are
    made those of mail."""
    if kind.startswith("message/"):
        data = _LINE_END_BYTES.sub(b"\r\n", data)
        return data, b"7bit" if data.isascii() else b"8bit", ""
    if not kind.startswith("text/"):
        return _base64(data), b"base64", ""
    if charset is None:
        charset = _charset_of(data)
    elif not _TOKEN(charset):
        raise wrong("charset", "one word, such as utf-8")
    if data.isascii() and not _LONG(data) and not _NO_LINE_END(data):
        return data, b"7bit", charset
    return _base64(data), b"base64", charset


_LINE_END_BYTES = re.compile(rb"\r\n|\r|\n")


def _charset_of(data: bytes) -> str:
    if data.isascii():
        return "us-ascii"
    try:
        data.decode()
    except UnicodeDecodeError:
        return ""
    return "utf-8"


def _base64(data: bytes) -> bytes:
    """Lines of 76. RFC 2045 §6.8"""
    coded = binascii.b2a_base64(data, newline=False)
    return b"\r\n".join(coded[at : at + 76] for at in range(0, len(coded), 76))
