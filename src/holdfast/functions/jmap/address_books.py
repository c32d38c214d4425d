"""AddressBook. RFC 9610 §2

Every account has one at least: the first is there by itself, and the default one can't be destroyed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Final

import msgspec

from holdfast.functions.jmap.asking import Ask, Handler
from holdfast.functions.jmap.objects import Batch, Kind, Stored, decode, encode, read
from holdfast.model import limits
from holdfast.store import AccountMail, AnyCommand, PutObject, RemoveObject
from holdfast.wire.jmap import contacts as shapes
from holdfast.wire.jmap.contacts import AddressBookRights, AddressBookSet, AddressBookWrite
from holdfast.wire.jmap.core import Json
from holdfast.wire.jmap.errors import SetFault, SetRefused
from holdfast.wire.jmap.standard import Set

CARD: Final = "ContactCard"
FIRST: Final = "contacts"  # id of the book that is there by itself
_TRIES: Final = 3
_RIGHTS: Final[Json] = msgspec.to_builtins(AddressBookRights())


class AddressBooks(Kind):
    name: ClassVar[str] = "AddressBook"
    settable: ClassVar[Mapping[str, object]] = {
        "name": None,
        "description": None,
        "sortOrder": 0,
        "isSubscribed": True,
        "shareWith": None,
    }
    required: ClassVar[frozenset[str]] = frozenset({"name"})
    server_set: ClassVar[frozenset[str]] = frozenset({"isDefault", "myRights"})
    most: ClassVar[int] = limits.JMAP_ADDRESS_BOOKS

    def show(self, ask: Ask, stored: Stored) -> Json:
        default = stored.value.get("isDefault") is True
        rights = {**_RIGHTS, "mayDelete": not default}
        return {**super().show(ask, stored), "isDefault": default, "myRights": rights}

    def find(self, ask: Ask, mail: AccountMail, object_id: str) -> Stored | None:
        return self.all(ask, mail).get(object_id)

    def all(self, ask: Ask, mail: AccountMail) -> dict[str, Stored]:
        found = super().all(ask, mail)
        if not any(each.value.get("isDefault") is True for each in found.values()):
            first = found.get(FIRST, Stored(FIRST, {"name": "Contacts"}, 0))
            found[FIRST] = first._replace(value={**first.value, "isDefault": True})
        return found

    def by_itself(self, ask: Ask) -> Collection[str]:
        return (FIRST,)

    async def check(self, batch: Batch, old: Stored | None, value: Json) -> Json:
        written: AddressBookWrite = read(value, AddressBookWrite)
        if wrong := written.wrong():
            text = f"A name has 1 to {limits.JMAP_NAME_BYTES} bytes."
            raise SetRefused(SetFault.INVALID_PROPERTIES, text, properties=wrong)
        kept: Json = msgspec.to_builtins(written)
        if old is not None and old.value.get("isDefault") is True:
            kept["isDefault"] = True
        return kept

    async def check_destroy(self, batch: Batch, old: Stored) -> None:
        if old.value.get("isDefault") is True:
            raise SetRefused(SetFault.FORBIDDEN, "The default address book stays: make another the default.")
        removing = getattr(batch.asked, "on_destroy_remove_contents", False)
        commands = _taking_out(batch, old.id)
        if commands and not removing:
            text = f"There are {len(commands)} cards in it."
            raise SetRefused(SetFault.ADDRESS_BOOK_HAS_CONTENTS, text)
        for _ in range(_TRIES):  # before the book goes: a card in no book at all would be lost to sight
            if not commands:
                return
            await batch.ask.commit(commands)
            batch.mail = batch.ask.mail()
            commands = _taking_out(batch, old.id)
        raise SetRefused(SetFault.SERVER_FAIL, "Its cards are being changed elsewhere: try again.")

    async def prepare(self, batch: Batch, asked: Set) -> None:
        """``onSuccessSetIsDefault``: where nothing failed before. RFC 9610 §2.3"""
        assert isinstance(asked, AddressBookSet)
        if asked.on_success_set_is_default is None or batch.refused:
            return
        real = batch.ask.server.real_id(asked.on_success_set_is_default)
        books = batch.all()
        if real is None or real not in books:
            return
        for each in books.values():
            is_default = each.value.get("isDefault") is True
            if is_default != (each.id == real):
                value = {name: held for name, held in each.value.items() if name != "isDefault"}
                batch.put(each.id, {**value, "isDefault": True} if each.id == real else value, each)


def _taking_out(batch: Batch, book: str) -> list[AnyCommand]:
    """What takes every card out of a book; those that are in no other go."""
    account = batch.ask.account
    commands: list[AnyCommand] = []
    for each in batch.mail.objects(CARD):
        card = decode(each.data)
        if book not in _books(card):
            continue
        others = {name: True for name in _books(card) if name != book}
        whose: dict[str, Any] = {"account": account.id, "cell": account.cell, "kind": CARD, "id": each.id}
        if others:
            data = encode({**card, "addressBookIds": others})
            commands.append(PutObject(**whose, data=data, if_modseq=each.modseq))
        else:
            commands.append(RemoveObject(**whose, if_modseq=each.modseq))
    return commands


def _books(card: Json) -> list[str]:
    held = card.get("addressBookIds")
    return list(held) if isinstance(held, dict) else []


BOOKS: Final = AddressBooks()

METHODS: Final = {name: it for name, it in shapes.METHODS.items() if name.startswith("AddressBook/")}
KINDS: Final = (AddressBooks.name,)
HANDLERS: Final[dict[str, Handler]] = BOOKS.handlers()
