"""Identity: as whom an account sends. RFC 8621 §6

Every address of the account is an identity by itself, and so are aliases that lead to it and masked
addresses; what a client says of one, or adds, is kept as an object.

JOUT-5 an identity is there as long as its address may be sent from: who loses the address loses it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import ClassVar, Final
from weakref import WeakKeyDictionary

import msgspec

from holdfast.directory.people import People
from holdfast.functions.jmap.asking import Ask, Handler
from holdfast.functions.jmap.objects import Batch, Kind, Stored, read
from holdfast.model import limits
from holdfast.model.address import Address, parse_address
from holdfast.model.errors import Refused
from holdfast.model.mail import AccountId, Position
from holdfast.store import AccountMail, EmailState
from holdfast.wire.jmap.core import Json, Shape
from holdfast.wire.jmap.errors import MethodError, MethodFault, SetFault, SetRefused
from holdfast.wire.jmap.mail import Addresses
from holdfast.wire.jmap.standard import Changes, ChangesResult


class _Written(Shape, kw_only=True, forbid_unknown_fields=True):
    name: str
    email: str
    reply_to: Addresses
    bcc: Addresses
    text_signature: str
    html_signature: str


class Identities(Kind):
    name: ClassVar[str] = "Identity"
    settable: ClassVar[Mapping[str, object]] = {
        "name": "",
        "email": None,
        "replyTo": None,
        "bcc": None,
        "textSignature": "",
        "htmlSignature": "",
    }
    required: ClassVar[frozenset[str]] = frozenset({"email"})
    fixed: ClassVar[frozenset[str]] = frozenset({"email"})
    server_set: ClassVar[frozenset[str]] = frozenset({"mayDelete"})
    most: ClassVar[int] = limits.JMAP_IDENTITIES

    def show(self, ask: Ask, stored: Stored) -> Json:
        shown = super().show(ask, stored)
        shown["mayDelete"] = stored.id != default_id(str(stored.value["email"]))
        return shown

    async def check(self, batch: Batch, old: Stored | None, value: Json) -> Json:
        written: _Written = read(value, _Written)
        if len(written.name.encode()) > limits.JMAP_NAME_BYTES:
            text = f"A name has at most {limits.JMAP_NAME_BYTES} bytes."
            raise SetRefused(SetFault.INVALID_PROPERTIES, text, properties=["name"])
        for name, addresses in (("replyTo", written.reply_to), ("bcc", written.bcc)):
            for each in addresses or ():
                _address(each.email, name)
        if not may_send_as(batch.ask, _address(written.email, "email")):
            text = f"{written.email} is no address of this account: mail can't be sent from it."
            raise SetRefused(SetFault.FORBIDDEN_FROM, text)
        kept: Json = msgspec.to_builtins(written)
        return kept

    async def check_destroy(self, batch: Batch, old: Stored) -> None:
        if old.id == default_id(str(old.value["email"])):
            text = f"{old.value['email']} is an address of the account: its identity stays as long as it is."
            raise SetRefused(SetFault.FORBIDDEN, text)

    def find(self, ask: Ask, mail: AccountMail, object_id: str) -> Stored | None:
        return self.all(ask, mail).get(object_id)

    def all(self, ask: Ask, mail: AccountMail) -> dict[str, Stored]:
        """JOUT-5"""
        found: dict[str, Stored] = {}
        for address in _addresses(ask):
            object_id = default_id(address)
            found[object_id] = Stored(object_id, {"name": ask.account.name, "email": address}, 0)
        for each in super().all(ask, mail).values():
            if each.id in found or may_send_as(ask, parse_address(str(each.value["email"]))):
                found[each.id] = each
        return found

    def state(self, ask: Ask, mail: AccountMail) -> str:
        """With what the directory says: an address more or less is another state."""
        return f"{super().state(ask, mail)}.{_directory_state(ask)}"

    async def changes(self, ask: Ask, asked: Changes) -> ChangesResult:
        since, _, directory = asked.since_state.rpartition(".")
        if EmailState.parse(since) is None or directory != _directory_state(ask):
            text = "The addresses of the account are others now: read all identities anew."
            raise MethodError(MethodFault.CANNOT_CALCULATE_CHANGES, text)
        found = await super().changes(ask, msgspec.structs.replace(asked, since_state=since))
        found.old_state = asked.since_state
        found.new_state = f"{found.new_state}.{directory}"
        return found

    def by_itself(self, ask: Ask) -> Collection[str]:
        return {default_id(address) for address in _addresses(ask)}


def may_send_as(ask: Ask, address: Address) -> bool:
    """Raises ``Unavailable("people")``."""
    return ask.parts.people.may_send_as(ask.account.id, address)


def default_id(email: str) -> str:
    """Of the identity that an address is by itself."""
    return "i" + hashlib.blake2b(email.lower().encode(), digest_size=10).hexdigest()


def _addresses(ask: Ask) -> list[str]:
    """The account's own, its login first; then aliases and masked addresses. Looked up once for each
    position of the directory: to find the aliases all of them are read."""
    people, account = ask.parts.people, ask.account
    known = _KNOWN.setdefault(people, {})
    position = people.position
    found = known.get(account.id)
    if found is None or found[0] != position:
        if len(known) >= limits.PEOPLE_CACHE:
            known.clear()
        found = known[account.id] = (position, _look_up(ask))
    return found[1]


def _look_up(ask: Ask) -> list[str]:
    people, account = ask.parts.people, ask.account
    found = [account.login, *people.addresses(account.id), *people.aliases_to(account.id)]
    found += [each.address for each in people.masked(account.id) if each.enabled]
    unique = {each.lower(): each for each in reversed(found)}
    ordered = [unique[each] for each in dict.fromkeys(each.lower() for each in found)]
    return [each for each in ordered if may_send_as(ask, parse_address(each))]


_KNOWN: WeakKeyDictionary[People, dict[AccountId, tuple[Position, list[str]]]] = WeakKeyDictionary()


def _directory_state(ask: Ask) -> str:
    text = "\n".join([ask.account.name, *_addresses(ask)])
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def _address(text: str, name: str) -> Address:
    try:
        return parse_address(text)
    except Refused as error:
        raise SetRefused(SetFault.INVALID_PROPERTIES, error.text, properties=[name]) from None


IDENTITIES: Final = Identities()

KINDS: Final = (Identities.name,)
HANDLERS: Final[dict[str, Handler]] = IDENTITIES.handlers()
