"""The words for people kept: customers, accounts, domains, and where an address leads."""

from __future__ import annotations

import enum
from typing import NamedTuple

import msgspec

from holdfast.model.address import Address
from holdfast.model.mail import AccountId

CustomerId = int  # sequence of the people frame that made the customer, or its first account
DomainId = int  # sequence of the people frame that made the domain


class AccountState(enum.StrEnum):
    """ACTIVE ↔ DISABLED (mail refused, no sign-in, mail kept) → REMOVED (softly; its names stay taken)."""

    ACTIVE = "active"
    DISABLED = "disabled"
    REMOVED = "removed"


class AccountRole(enum.StrEnum):
    """OWNER: gets postmaster@ and abuse@ of its domain where nobody else does. RFC 2142 §4."""

    NONE = ""
    OWNER = "owner"


class Account(msgspec.Struct, frozen=True):
    """One account. ``login``: its first address, as the person wrote it; ``made_at``: UTC seconds.

    ``credential``: sequence of the frame that set the password, 0 for none; never the password's hash.
    """

    id: AccountId
    customer: CustomerId
    login: str
    name: str
    cell: int
    state: AccountState
    role: AccountRole
    credential: int
    made_at: float


class Customer(msgspec.Struct, frozen=True):
    """Who has a contract; has one account or several."""

    id: CustomerId
    name: str
    made_at: float


class Domain(msgspec.Struct, frozen=True):
    """A domain of ours. ``name``: A-labels, lower case; ``separator``: sub-addressing's, '' for none.

    ``catch_all``: addresses that get what is sent to names nobody has; () for a refusal.
    """

    id: DomainId
    name: str
    separator: str
    catch_all: tuple[str, ...]
    made_at: float


class Alias(msgspec.Struct, frozen=True):
    """An address that is no account's and leads to others, here or elsewhere."""

    address: str
    targets: tuple[str, ...]


class Counts(msgspec.Struct, frozen=True):
    """How many there are; ``active + disabled + removed`` is all accounts ever made."""

    domains: int
    customers: int
    active: int
    disabled: int
    removed: int
    aliases: int


class Local(NamedTuple):
    """An account of ours. ``detail``: the sub-address (RFC 5233), '' for none."""

    account: AccountId
    cell: int
    detail: str = ""


class Forward(NamedTuple):
    """An address of ours that leads to ``address`` elsewhere."""

    address: Address


class Remote(NamedTuple):
    """Not a domain of ours."""

    address: Address


class Many(NamedTuple):
    """An address of ours that leads to several, none twice."""

    routes: tuple[Local | Forward, ...]


Route = Local | Forward | Remote | Many
