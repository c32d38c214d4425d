"""From a message's bytes to the properties of an Email. RFC 8621 §4.1, §4.2"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final

from holdfast.mime.fields import Field
from holdfast.mime.structure import Root
from holdfast.mime.text import preview
from holdfast.wire.jmap.bodies import (
    BlobOf,
    Bodies,
    Numbered,
    bodies,
    body_value,
    leaves,
    numbered,
    part_properties,
    raw_headers,
)
from holdfast.wire.jmap.core import Json
from holdfast.wire.jmap.headers import HeaderProperty, header_property, header_values
from holdfast.wire.jmap.mail import (
    BODY_PROPERTIES,
    DEFAULT_EMAIL_PROPERTIES,
    EMAIL_PROPERTIES,
    KEPT_PROPERTIES,
    EmailBodyValue,
)
from holdfast.wire.jmap.methods import BodyWishes

# What these stand for. RFC 8621 §4.1.3
SHORT_HEADERS: Final = {
    "messageId": HeaderProperty(b"message-id", "asMessageIds", False),
    "inReplyTo": HeaderProperty(b"in-reply-to", "asMessageIds", False),
    "references": HeaderProperty(b"references", "asMessageIds", False),
    "sender": HeaderProperty(b"sender", "asAddresses", False),
    "from": HeaderProperty(b"from", "asAddresses", False),
    "to": HeaderProperty(b"to", "asAddresses", False),
    "cc": HeaderProperty(b"cc", "asAddresses", False),
    "bcc": HeaderProperty(b"bcc", "asAddresses", False),
    "replyTo": HeaderProperty(b"reply-to", "asAddresses", False),
    "subject": HeaderProperty(b"subject", "asText", False),
    "sentAt": HeaderProperty(b"date", "asDate", False),
}


def _headers_of(names: Collection[str], known: Collection[str]) -> dict[str, HeaderProperty]:
    """The ``header:…`` among them; MethodError for what is no property at all."""
    return {name: header_property(name) for name in names if name not in known}


class EmailReader:
    """Which properties are asked for, checked once for a whole Email/get or Email/parse.

    MethodError invalidArguments when one of them doesn't exist.
    """

    __slots__ = ("_bodies", "_headers", "_part_headers", "properties")

    def __init__(self, properties: Collection[str] | None, wishes: BodyWishes) -> None:
        asked = DEFAULT_EMAIL_PROPERTIES if properties is None else properties
        self.properties = tuple(dict.fromkeys(("id", *asked)))
        self._headers = _headers_of(self.properties, EMAIL_PROPERTIES)
        self._headers.update((name, SHORT_HEADERS[name]) for name in self.properties if name in SHORT_HEADERS)
        self._part_headers = _headers_of(wishes.properties, BODY_PROPERTIES)
        self._bodies = wishes

    def needs_message(self, kept: Collection[str] = KEPT_PROPERTIES) -> bool:
        """Whether more is asked for than ``kept``, which is known without the message's bytes."""
        wanted = (name for name in self.properties if name not in kept)
        return any(name != "bodyValues" or self.asks_values for name in wanted)

    @property
    def asks_values(self) -> bool:
        """Whether texts are asked for."""
        return self._bodies.text or self._bodies.html or self._bodies.every

    def read(self, root: Root | None, kept: Mapping[str, object], blob_of: BlobOf) -> Json:
        """The properties, those in ``kept`` from there. ``root`` None: ``needs_message`` said no.

        ``blob_of`` names a part's blob. Whatever the message is, this doesn't fail (JMAP-8).
        """
        email: Json = {}
        reading: _Reading | None = None
        for name in self.properties:
            if name in kept:
                email[name] = kept[name]
            elif name == "bodyValues" and not self.asks_values:
                email[name] = {}
            elif name not in KEPT_PROPERTIES:
                if reading is None:
                    assert root is not None
                    reading = _Reading(root, self._bodies, self._part_headers, blob_of)
                if name in self._headers:
                    email[name] = header_values(reading.fields, self._headers[name])
                else:
                    email[name] = _READERS[name](reading)
        return email


class _Reading:
    """One message while it is read: what several properties need is made once."""

    __slots__ = ("_blob_of", "_decomposed", "_fields", "_part_headers", "_tree", "root", "wishes")

    def __init__(
        self, root: Root, wishes: BodyWishes, part_headers: dict[str, HeaderProperty], blob_of: BlobOf
    ) -> None:
        self.root = root
        self.wishes = wishes
        self._part_headers = part_headers
        self._blob_of = blob_of
        self._fields: list[Field] | None = None
        self._tree: Numbered | None = None
        self._decomposed: Bodies[Numbered] | None = None

    @property
    def fields(self) -> list[Field]:
        if self._fields is None:
            self._fields = list(self.root.fields())
        return self._fields

    @property
    def tree(self) -> Numbered:
        if self._tree is None:
            self._tree = numbered(self.root)
        return self._tree

    @property
    def decomposed(self) -> Bodies[Numbered]:
        if self._decomposed is None:
            self._decomposed = bodies(self.tree)
        return self._decomposed

    def shown(self, what: Numbered, deep: bool = False) -> Json:
        return part_properties(what, self.wishes.properties, self._part_headers, self._blob_of, deep)

    def all_shown(self, parts: list[Numbered]) -> list[Json]:
        return [self.shown(each) for each in parts]

    def values(self) -> dict[str, EmailBodyValue]:
        """Of the texts asked for, by part."""
        wanted: list[Numbered] = []
        if self.wishes.every:
            wanted += leaves(self.tree)
        if self.wishes.text:
            wanted += self.decomposed.text
        if self.wishes.html:
            wanted += self.decomposed.html
        most = self.wishes.most_bytes
        texts = {each.number: each.part for each in wanted if each.part.type == "text"}
        values = {number: body_value(part, most) for number, part in texts.items()}
        if self.wishes.clean is not None:
            for number, value in values.items():
                if texts[number].subtype == "html":
                    value.value = self.wishes.clean(value.value)
        return values


_READERS: Final[dict[str, Callable[[_Reading], object]]] = {
    "headers": lambda reading: raw_headers(reading.root),
    "bodyStructure": lambda reading: reading.shown(reading.tree, deep=True),
    "bodyValues": _Reading.values,
    "textBody": lambda reading: reading.all_shown(reading.decomposed.text),
    "htmlBody": lambda reading: reading.all_shown(reading.decomposed.html),
    "attachments": lambda reading: reading.all_shown(reading.decomposed.attachments),
    "hasAttachment": lambda reading: reading.decomposed.has_attachment,
    "preview": lambda reading: preview(reading.root),
}
