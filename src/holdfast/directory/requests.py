"""What may be asked of the people process. ``account`` is an id, or any address of the account."""

from __future__ import annotations

import msgspec

from holdfast.model.mail import AccountId
from holdfast.model.people import AccountRole, AccountState, CustomerId

Who = int | str


class Request(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", omit_defaults=True):
    """One request; answers are named at ``PeopleWriter``'s methods."""


class DomainAdd(Request, frozen=True, tag="domain_add"):
    name: str
    separator: str = "+"
    catch_all: tuple[str, ...] = ()


class DomainSet(Request, frozen=True, tag="domain_set"):
    name: str
    separator: str | None = None
    catch_all: tuple[str, ...] | None = None


class CustomerAdd(Request, frozen=True, tag="customer_add"):
    name: str = ""


class NewAccount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``credential``: a ready PHC string; else ``password`` in plain is hashed here; neither: no sign-in yet.

    ``customer``: 0 makes one of the account's name.
    """

    address: str
    name: str = ""
    password: str = ""
    credential: str = ""
    customer: CustomerId = 0
    role: AccountRole = AccountRole.NONE


class AccountAddMany(Request, frozen=True, tag="account_add_many"):
    """``keep_existing``: an account whose login it is already counts as made, so that an import can go on."""

    accounts: tuple[NewAccount, ...]
    keep_existing: bool = False


class AccountSet(Request, frozen=True, tag="account_set"):
    account: Who
    name: str | None = None
    role: AccountRole | None = None
    state: AccountState | None = None


class AccountStateMany(Request, frozen=True, tag="account_state_many"):
    accounts: tuple[Who, ...]
    state: AccountState


class PasswordSet(Request, frozen=True, tag="password_set"):
    account: Who
    password: str = ""
    credential: str = ""


class AddressAdd(Request, frozen=True, tag="address_add"):
    account: Who
    address: str


class AddressRemove(Request, frozen=True, tag="address_rm"):
    address: str


class AliasSet(Request, frozen=True, tag="alias_set"):
    """``replace``: other targets take the place of those there are; otherwise that is refused."""

    address: str
    targets: tuple[str, ...]
    replace: bool = False


class AliasRemove(Request, frozen=True, tag="alias_rm"):
    address: str


class Announce(Request, frozen=True, tag="announce"):
    count: int
    reason: str


class AcceptHoles(Request, frozen=True, tag="accept_holes"):
    reason: str


class ListAccounts(Request, frozen=True, tag="accounts"):
    domain: str = ""
    customer: CustomerId = 0
    after: AccountId = 0
    limit: int = 1000


class ListAliases(Request, frozen=True, tag="aliases"):
    domain: str
    after: str = ""
    limit: int = 1000


class ListDomains(Request, frozen=True, tag="domains"):
    after: int = 0
    limit: int = 1000


class ListCustomers(Request, frozen=True, tag="customers"):
    after: CustomerId = 0
    limit: int = 1000


class ShowAccount(Request, frozen=True, tag="account"):
    account: Who


class ListAddresses(Request, frozen=True, tag="addresses"):
    account: Who


class CountAll(Request, frozen=True, tag="counts"):
    pass


class Follow(Request, frozen=True, tag="follow"):
    """From now on positions are pushed to this connection."""


AnyRequest = (
    DomainAdd
    | DomainSet
    | CustomerAdd
    | AccountAddMany
    | AccountSet
    | AccountStateMany
    | PasswordSet
    | AddressAdd
    | AddressRemove
    | AliasSet
    | AliasRemove
    | Announce
    | AcceptHoles
    | ListAccounts
    | ListAliases
    | ListDomains
    | ListCustomers
    | ShowAccount
    | ListAddresses
    | CountAll
    | Follow
)


class Announced(msgspec.Struct, frozen=True, array_like=True):
    """How far the ledger is durable, and which ledger it is; answer to ``Follow``, and pushed."""

    identity: bytes
    pack: int
    offset: int
    sequence: int  # of the last frame before it


class Made(msgspec.Struct, frozen=True, array_like=True):
    """What came of one item of many: ``id`` and whether it is new, or why it was refused."""

    id: AccountId = 0
    new: bool = False
    reason: str = ""
    text: str = ""
