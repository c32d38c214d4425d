"""The parts of a message as JMAP sees them: structure, texts and attachments. RFC 8621 §4.1.4"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, NamedTuple, Protocol, TypeVar

from holdfast.mime.defects import Defect
from holdfast.mime.fields import Field
from holdfast.mime.media import languages
from holdfast.mime.structure import LEAF, MULTIPART, Part
from holdfast.mime.text import decode_bytes, decode_text
from holdfast.mime.words import decode_header, parameter_text
from holdfast.wire.jmap.core import Json
from holdfast.wire.jmap.headers import HeaderProperty, as_raw, header_values
from holdfast.wire.jmap.mail import EmailBodyValue, EmailHeader

BlobOf = Callable[["Numbered"], str]


class Outline(Protocol):
    """What of a part decides where it is shown."""

    @property
    def type(self) -> str: ...
    @property
    def subtype(self) -> str: ...
    @property
    def is_multipart(self) -> bool: ...
    @property
    def parts(self: Shown) -> tuple[Shown, ...]: ...
    @property
    def disposition(self) -> str | None: ...
    @property
    def name(self) -> str | None: ...


Shown = TypeVar("Shown", bound=Outline)


class Numbered(NamedTuple):
    """A part under its number (RFC 3501 §6.4.5: ``1``, ``2.1``; the message itself '' when it is a
    multipart). An embedded message is one part, and not looked into."""

    number: str
    part: Part
    parts: tuple[Numbered, ...]  # of a multipart

    @property
    def is_multipart(self) -> bool:
        return self.part.kind == MULTIPART

    @property
    def type(self) -> str:
        return f"{self.part.type}/{self.part.subtype}"

    @property
    def subtype(self) -> str:
        return self.part.subtype

    @property
    def name(self) -> str | None:
        """The file name of Content-Disposition, else the name of Content-Type."""
        disposition = self.part.disposition
        name = None if disposition is None else parameter_text(disposition.parameters, b"filename")
        return parameter_text(self.part.parameters, b"name") if name is None else name

    @property
    def disposition(self) -> str | None:
        disposition = self.part.disposition
        return None if disposition is None else disposition.main


def numbered(part: Part, number: str = "") -> Numbered:
    """The tree below a message or part. As deep as MIME_DEPTH."""
    if part.kind != MULTIPART:
        return Numbered(number or "1", part, ())
    prefix = number + "." if number else ""
    parts = tuple(numbered(child, f"{prefix}{index}") for index, child in enumerate(part.children, 1))
    return Numbered(number, part, parts)


def leaves(what: Numbered) -> Iterator[Numbered]:
    if what.is_multipart:
        for each in what.parts:
            yield from leaves(each)
    else:
        yield what


class Bodies(NamedTuple, Generic[Shown]):
    """What to show where plain text, or HTML, is preferred; and what to offer as attached."""

    text: list[Shown]
    html: list[Shown]
    attachments: list[Shown]

    @property
    def has_attachment(self) -> bool:
        """Whether something is attached that doesn't say it is shown inline."""
        return any(each.disposition != "inline" for each in self.attachments)


def bodies(root: Shown) -> Bodies[Shown]:
    """The decomposition of RFC 8621 §4.1.4 (JMAP-7)."""
    found: Bodies[Shown] = Bodies([], [], [])
    _sort((root,), "mixed", False, found.text, found.html, found.attachments)
    return found


def _sort(
    parts: tuple[Shown, ...],
    around: str,
    in_alternative: bool,
    text: list[Shown] | None,
    html: list[Shown] | None,
    attachments: list[Shown],
) -> None:
    """``around``: the subtype of the multipart these parts stand in. ``text`` or ``html`` None: an
    alternative around them showed that this one is made of other parts."""
    texts_before = -1 if text is None else len(text)
    htmls_before = -1 if html is None else len(html)
    for index, each in enumerate(parts):
        kind = each.type
        if each.is_multipart:
            inner = each.subtype
            _sort(each.parts, inner, in_alternative or inner == "alternative", text, html, attachments)
        elif not _is_body(each, kind, index, around):
            attachments.append(each)
        elif around == "alternative":
            into = text if kind == "text/plain" else html if kind == "text/html" else attachments
            if into is not None:
                into.append(each)
        else:
            if in_alternative and kind == "text/plain":
                html = None
            elif in_alternative and kind == "text/html":
                text = None
            if text is not None:
                text.append(each)
            if html is not None:
                html.append(each)
            if (text is None or html is None) and _is_media(kind):
                attachments.append(each)
    if around == "alternative" and text is not None and html is not None:
        if len(text) == texts_before and len(html) != htmls_before:
            text += html[htmls_before:]
        elif len(html) == htmls_before and len(text) != texts_before:
            html += text[texts_before:]


def _is_media(kind: str) -> bool:
    return kind.startswith(("image/", "audio/", "video/"))


def _is_body(each: Outline, kind: str, index: int, around: str) -> bool:
    """Not attached, of a type that can be shown; in a multipart/related only the first; and a text with a
    name is a file unless it comes first."""
    media = _is_media(kind)
    if each.disposition == "attachment" or not (media or kind in ("text/plain", "text/html")):
        return False
    return index == 0 or (around != "related" and (media or not each.name))


# Properties of a part


def part_properties(
    what: Numbered, wanted: tuple[str, ...], headers: dict[str, HeaderProperty], blob_of: BlobOf, deep: bool
) -> Json:
    """The properties asked for. ``headers``: those of the form ``header:…``. ``deep``: with ``subParts``."""
    made: Json = {}
    fields: list[Field] | None = None
    for name in wanted:
        if name in headers:
            fields = list(what.part.fields()) if fields is None else fields
            made[name] = header_values(fields, headers[name])
        elif name != "subParts":
            made[name] = _READERS[name](what, blob_of)
    if deep and what.is_multipart:
        made["subParts"] = [part_properties(each, wanted, headers, blob_of, True) for each in what.parts]
    elif "subParts" in wanted:
        made["subParts"] = None
    return made


def raw_headers(part: Part) -> list[EmailHeader]:
    """All fields as they stand; lines without a colon aren't fields."""
    message = part.message
    return [
        EmailHeader(
            name=as_raw(message[field.start : field.value_start - 1].rstrip(b" \t")), value=as_raw(field.raw)
        )
        for field in part.fields()
        if field.name
    ]


def _size(what: Numbered, _: BlobOf) -> int:
    """Octets without the transfer encoding."""
    part = what.part
    if part.kind != LEAF or part.encoding in ("7bit", "8bit", "binary", ""):
        return part.size
    return len(decode_bytes(part))


def _charset(what: Numbered, _: BlobOf) -> str | None:
    if what.part.type != "text":
        return None
    return what.part.declared.charset if what.part.declared is not None else "us-ascii"


def _first(what: Numbered, name: bytes) -> str | None:
    values = what.part.known.get(name)
    return decode_header(values[0]).strip() if values else None


def _cid(what: Numbered, _: BlobOf) -> str | None:
    value = _first(what, b"content-id")
    return None if value is None else value.removeprefix("<").removesuffix(">") or None


def _languages(what: Numbered, _: BlobOf) -> list[str] | None:
    found = languages(what.part.known.get(b"content-language", ()))
    return [each.decode("utf-8", "replace") for each in found] or None


_READERS: dict[str, Callable[[Numbered, BlobOf], object]] = {
    "partId": lambda what, _: None if what.is_multipart else what.number,
    "blobId": lambda what, blob_of: None if what.is_multipart else blob_of(what),
    "size": _size,
    "headers": lambda what, _: raw_headers(what.part),
    "name": lambda what, _: what.name,
    "type": lambda what, _: what.type,
    "charset": _charset,
    "disposition": lambda what, _: what.disposition,
    "cid": _cid,
    "language": _languages,
    "location": lambda what, _: _first(what, b"content-location"),
}


def body_value(part: Part, most_bytes: int = 0) -> EmailBodyValue:
    """A text part as text. ``most_bytes``: of it as UTF-8, never within a character nor, in HTML, a tag."""
    defects: list[Defect] = []
    text = decode_text(part, defects=defects).replace("\r\n", "\n")
    truncated = False
    if most_bytes and len(text) > most_bytes // 4:
        encoded = text.encode("utf-8", "replace")
        if len(encoded) > most_bytes:
            truncated = True
            text = encoded[:most_bytes].decode("utf-8", "ignore")
            if part.subtype == "html" and text.rfind("<") > text.rfind(">"):
                text = text[: text.rfind("<")]
    return EmailBodyValue(value=text, is_encoding_problem=bool(defects), is_truncated=truncated)
