"""Address books and contact cards. RFC 9610; what a card holds is in ``jscontact``."""

from __future__ import annotations

from typing import ClassVar, Final

import msgspec
from msgspec import UNSET, UnsetType, field

from holdfast.model.limits import JMAP_NAME_BYTES
from holdfast.wire.jmap.core import Date, Id, IdOrCreation, Shape, UnsignedInt
from holdfast.wire.jmap.server import Method
from holdfast.wire.jmap.standard import Changes, Copy, Get, Query, QueryChanges, Set

CONTACTS: Final = "urn:ietf:params:jmap:contacts"


class ContactsCapability(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """Of one account. RFC 9610 §1.4.1"""

    max_address_books_per_card: UnsignedInt | None = None
    may_create_address_book: bool = True


class AddressBookRights(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """RFC 9610 §2"""

    may_read: bool = True
    may_write: bool = True
    may_share: bool = False
    may_delete: bool = True


class AddressBook(Shape, kw_only=True):
    """RFC 9610 §2"""

    id: str
    name: str
    description: str | None = None
    sort_order: UnsignedInt = 0
    is_default: bool
    is_subscribed: bool = True
    share_with: dict[Id, AddressBookRights] | None = None
    my_rights: AddressBookRights


class AddressBookWrite(Shape, kw_only=True, forbid_unknown_fields=True):
    """What a client may set. ``share_with``: nothing is shared yet, so only null is possible."""

    name: str
    description: str | None = None
    sort_order: UnsignedInt = 0
    is_subscribed: bool = True
    share_with: None = None

    def wrong(self) -> list[str]:
        return [] if 1 <= len(self.name.encode()) <= JMAP_NAME_BYTES else ["name"]


class AddressBookSet(Set, kw_only=True):
    """RFC 9610 §2.3"""

    on_destroy_remove_contents: bool = False
    on_success_set_is_default: IdOrCreation | None = None


class CardCondition(Shape, kw_only=True):
    """RFC 9610 §3.3.1"""

    in_address_book: Id | UnsetType = UNSET
    uid: str | UnsetType = UNSET
    has_member: str | UnsetType = UNSET
    kind: str | UnsetType = UNSET
    created_before: Date | UnsetType = UNSET
    created_after: Date | UnsetType = UNSET
    updated_before: Date | UnsetType = UNSET
    updated_after: Date | UnsetType = UNSET
    text: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    name_given: str | UnsetType = field(default=UNSET, name="name/given")
    name_surname: str | UnsetType = field(default=UNSET, name="name/surname")
    name_surname2: str | UnsetType = field(default=UNSET, name="name/surname2")
    nickname: str | UnsetType = UNSET
    organization: str | UnsetType = UNSET
    email: str | UnsetType = UNSET
    phone: str | UnsetType = UNSET
    online_service: str | UnsetType = UNSET
    address: str | UnsetType = UNSET
    note: str | UnsetType = UNSET


_CARD_SORTS = frozenset({"created", "updated", "name/given", "name/surname", "name/surname2"})


class CardQuery(Query, kw_only=True):
    CONDITION: ClassVar = CardCondition
    SORTS: ClassVar = _CARD_SORTS


class CardQueryChanges(QueryChanges, kw_only=True):
    CONDITION: ClassVar = CardCondition
    SORTS: ClassVar = _CARD_SORTS


METHODS: Final[dict[str, Method]] = {
    "AddressBook/get": Method(CONTACTS, Get),
    "AddressBook/changes": Method(CONTACTS, Changes),
    "AddressBook/set": Method(CONTACTS, AddressBookSet),
    "ContactCard/get": Method(CONTACTS, Get),
    "ContactCard/changes": Method(CONTACTS, Changes),
    "ContactCard/query": Method(CONTACTS, CardQuery),
    "ContactCard/queryChanges": Method(CONTACTS, CardQueryChanges),
    "ContactCard/set": Method(CONTACTS, Set),
    "ContactCard/copy": Method(CONTACTS, Copy),
}
