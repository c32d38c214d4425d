"""ContactCard. RFC 9610 §3; a card's own properties are JSContact's (RFC 9553).

Photos are kept in the card as ``data:`` URIs; a client may name an uploaded blob instead.
"""

from __future__ import annotations

import base64
import datetime
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import ClassVar, Final

from msgspec import UNSET, UnsetType

from holdfast.functions.jmap.address_books import BOOKS, CARD
from holdfast.functions.jmap.asking import Ask, Describe, Handler
from holdfast.functions.jmap.blobs import read_blob
from holdfast.functions.jmap.listed import Keys, changed_list, listed
from holdfast.functions.jmap.objects import Batch, Kind, Stored
from holdfast.functions.jmap.sendings import utc
from holdfast.model import limits
from holdfast.wire.jmap import contacts as shapes
from holdfast.wire.jmap import jscontact
from holdfast.wire.jmap.contacts import (
    CONTACTS,
    CardCondition,
    CardQuery,
    CardQueryChanges,
    ContactsCapability,
)
from holdfast.wire.jmap.core import Json, Shape
from holdfast.wire.jmap.errors import MethodError, MethodFault, SetFault, SetRefused
from holdfast.wire.jmap.sets import Create
from holdfast.wire.jmap.standard import Copy, QueryChangesResult, QueryResult


class Cards(Kind):
    name: ClassVar[str] = CARD
    settable: ClassVar[Mapping[str, object]] = {}
    required: ClassVar[frozenset[str]] = frozenset({"addressBookIds"})
    fixed: ClassVar[frozenset[str]] = frozenset({"uid"})
    open: ClassVar[bool] = True
    most: ClassVar[int] = limits.JMAP_CARDS

    def __init__(self) -> None:
        super().__init__()
        self._texts: dict[tuple[str, int], str] = {}

    async def check(self, batch: Batch, old: Stored | None, value: Json) -> Json:
        now = utc(batch.ask.parts.world.clock.now())
        card: Json = {"@type": "Card", "version": "1.0", **value}
        if old is None:
            card.setdefault("uid", f"urn:uuid:{_uuid(batch.ask.parts.world.entropy.bytes(16))}")
            card.setdefault("created", now)
            card.setdefault("updated", now)
        elif value.get("updated") == old.value.get("updated"):
            card["updated"] = now
        self._check_books(batch, card)
        jscontact.check_card(card)
        await self._take_media(batch.ask, card)
        if old is None:
            self._check_uid(batch, card)
        return card

    def _check_books(self, batch: Batch, card: Json) -> None:
        books = card.get("addressBookIds")
        if "books" not in batch.memory:
            batch.memory["books"] = BOOKS.all(batch.ask, batch.mail)
        known = batch.memory["books"]
        fits = isinstance(books, dict) and books and all(held is True for held in books.values())
        if not fits or not isinstance(books, dict) or not books.keys() <= known.keys():
            text = "A card is in one address book at least, and only in such as there are."
            raise SetRefused(SetFault.INVALID_PROPERTIES, text, properties=["addressBookIds"])

    def _check_uid(self, batch: Batch, card: Json) -> None:
        if "uids" not in batch.memory:
            batch.memory["uids"] = {each.value.get("uid"): each.id for each in batch.all().values()}
        uids = batch.memory["uids"]
        if (there := uids.get(card["uid"])) is not None:
            refused = SetRefused(SetFault.ALREADY_EXISTS, "There is a card with this uid.")
            refused.error.existing_id = there
            raise refused
        assert isinstance(batch.step, Create)
        uids[card["uid"]] = batch.ids[batch.step.creation_id]

    async def _take_media(self, ask: Ask, card: Json) -> None:
        """Blobs become ``data:`` URIs; so a card is whole wherever it goes. RFC 9610 §3"""
        media = card.get("media")
        if not isinstance(media, dict):
            return
        taken: Json = {}
        for name, each in media.items():
            assert isinstance(each, dict)
            taken[name] = await self._taken(ask, name, each)
        card["media"] = taken

    async def _taken(self, ask: Ask, name: str, each: Json) -> Json:
        blob_id, uri = each.get("blobId"), each.get("uri")
        if isinstance(blob_id, str):
            blob = await read_blob(ask.parts, ask.account, blob_id)
            if blob is None:
                refused = SetRefused(SetFault.BLOB_NOT_FOUND, f"There is no blob {blob_id}.")
                refused.error.not_found = [blob_id]
                raise refused
            _check_photo(name, len(blob.data))
            kind = each.get("mediaType")
            kind = kind if isinstance(kind, str) else blob.type
            uri = f"data:{kind};base64,{base64.b64encode(blob.data).decode()}"
            return {**{key: held for key, held in each.items() if key != "blobId"}, "uri": uri}
        if isinstance(uri, str) and uri[:5].lower() == "data:":
            _check_photo(name, len(uri) * 3 // 4 if ";base64," in uri[:200] else len(uri))
        return each

    # -- queries

    async def query(self, ask: Ask, asked: CardQuery) -> QueryResult:
        return listed(ask, asked, self, asked.where(), self._holds, _keys(asked))

    async def query_changes(self, ask: Ask, asked: CardQueryChanges) -> QueryChangesResult:
        return changed_list(ask, asked, self, asked.where(), self._holds, _keys(asked))

    def _holds(self, stored: Stored, condition: Shape) -> bool:
        assert isinstance(condition, CardCondition)
        return _fits(stored.value, condition) and (
            condition.text is UNSET or _has(self._text_of(stored), condition.text)
        )

    def _text_of(self, stored: Stored) -> str:
        """All its words; kept, as who searches does so with every letter he types."""
        key = (stored.id, stored.modseq)
        if (known := self._texts.get(key)) is None:
            if len(self._texts) >= limits.JMAP_OBJECTS_READ:
                self._texts.clear()
            known = self._texts[key] = "\n".join(jscontact.all_texts(stored.value)).casefold()
        return known

    async def copy(self, ask: Ask, asked: Copy) -> object:
        """An account has no other's to copy from. RFC 8620 §5.4"""
        text = "There is no other account to copy from."
        raise MethodError(MethodFault.FROM_ACCOUNT_NOT_FOUND, text)


def _check_photo(name: str, size: int) -> None:
    if size > limits.JMAP_PHOTO_BYTES:
        text = f"media/{name}: a picture or sound may have {limits.JMAP_PHOTO_BYTES} bytes, this has {size}."
        refused = SetRefused(SetFault.TOO_LARGE, text)
        refused.error.max_size = limits.JMAP_PHOTO_BYTES
        raise refused


def _uuid(raw: bytes) -> str:
    """Version 4. RFC 9562 §5.4"""
    number = int.from_bytes(raw) & ~(0xF000 << 64) & ~(0xC000 << 48) | 0x4000 << 64 | 0x8000 << 48
    digits = f"{number:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


# Filters and orders


def _fits(card: Json, condition: CardCondition) -> bool:
    return (
        (condition.in_address_book is UNSET or condition.in_address_book in _members(card, "addressBookIds"))
        and (condition.uid is UNSET or card.get("uid") == condition.uid)
        and (condition.has_member is UNSET or condition.has_member in _members(card, "members"))
        and (condition.kind is UNSET or card.get("kind", "individual") == condition.kind)
        and _when(condition.created_before, card.get("created"), before=True)
        and _when(condition.created_after, card.get("created"), before=False)
        and _when(condition.updated_before, card.get("updated"), before=True)
        and _when(condition.updated_after, card.get("updated"), before=False)
        and all(
            words is UNSET or _has("\n".join(of(card)).casefold(), words)
            for name, of in _TEXTS.items()
            for words in (getattr(condition, name),)
        )
    )


Texts = Callable[[Json], list[str]]
_TEXTS: Final[dict[str, Texts]] = {
    "name": jscontact.name_parts,
    "name_given": partial(jscontact.name_parts, kind="given"),
    "name_surname": partial(jscontact.name_parts, kind="surname"),
    "name_surname2": partial(jscontact.name_parts, kind="surname2"),
    "nickname": lambda card: jscontact.values(card, "nicknames", "name"),
    "organization": jscontact.organization_texts,
    "email": lambda card: jscontact.values(card, "emails", "address", "label"),
    "phone": lambda card: jscontact.values(card, "phones", "number", "label"),
    "online_service": lambda card: jscontact.values(
        card, "onlineServices", "service", "uri", "user", "label"
    ),
    "address": jscontact.address_texts,
    "note": lambda card: jscontact.values(card, "notes", "note"),
}


def _members(card: Json, name: str) -> Iterable[str]:
    held = card.get(name)
    return held if isinstance(held, dict) else ()


def _when(wanted: datetime.datetime | UnsetType, text: object, *, before: bool) -> bool:
    """RFC 9610 §3.3.1: earlier than the moment, or that and later. A card without the date is never."""
    if wanted is UNSET:
        return True
    if not isinstance(text, str):
        return False
    moment = datetime.datetime.fromisoformat(text)
    return moment < wanted if before else moment >= wanted


def _has(text: str, words: str) -> bool:
    """Every word stands somewhere in the text; case is no matter."""
    return all(word in text for word in words.casefold().split())


def _keys(asked: CardQuery | CardQueryChanges) -> Keys:
    return [(_SORTS[each.property], not each.is_ascending) for each in asked.order()]


def _sorted_by_name(kind: str) -> Callable[[Stored], str]:
    return lambda stored: jscontact.sort_text(stored.value, kind).casefold()


def _sorted_by_date(name: str) -> Callable[[Stored], str]:
    return lambda stored: str(stored.value.get(name, ""))


_SORTS: Final[dict[str, Callable[[Stored], str]]] = {
    "created": _sorted_by_date("created"),
    "updated": _sorted_by_date("updated"),
    "name/given": _sorted_by_name("given"),
    "name/surname": _sorted_by_name("surname"),
    "name/surname2": _sorted_by_name("surname2"),
}

CARDS: Final = Cards()

METHODS: Final = {name: it for name, it in shapes.METHODS.items() if name.startswith("ContactCard/")}
CAPABILITIES: Final[dict[str, Describe]] = {CONTACTS: lambda parts, account: ContactsCapability()}
KINDS: Final = (Cards.name,)
HANDLERS: Final[dict[str, Handler]] = {
    **CARDS.handlers(),
    "ContactCard/query": CARDS.query,
    "ContactCard/queryChanges": CARDS.query_changes,
    "ContactCard/copy": CARDS.copy,
}
