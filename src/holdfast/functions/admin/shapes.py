"""What each operation is asked with, and what it gives: the only description of either.

One struct per operation: fields named in the operation's path come from there, the others from the query
(GET, DELETE) or the body. A field that isn't named here is refused, so a misspelled one is never ignored.
``UNSET`` in a change means: leave it as it is; null (RFC 7396) sets it back to what a new one has.
"""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from holdfast.model.limits import ADMIN_BULK, ADMIN_PAGE, ADMIN_PAGE_MOST, NAME_CHARACTERS
from holdfast.model.people import (
    AccountRole,
    AccountState,
    AdminRole,
    Brand,
    Grant,
)

T = TypeVar("T")

_MOST = 2**53 - 1  # what every reader of JSON counts exactly (RFC 7493 §2.2)

Id = Annotated[int, Meta(ge=1, le=_MOST)]
IdOrNone = Annotated[int, Meta(ge=0, le=_MOST)]
Who = Annotated[
    str, Meta(min_length=1, max_length=320, description="An account's number, or any of its addresses.")
]
WhoOrNone = Annotated[
    str, Meta(max_length=320, description="An account's number, or any of its addresses; '' for all.")
]
_ADDRESS = r"[^\x00-\x20\x7f@]+@[^\x00-\x20\x7f@]+"
AddressText = Annotated[str, Meta(min_length=3, max_length=320, pattern=f"^{_ADDRESS}$")]
DomainName = Annotated[str, Meta(min_length=1, max_length=253, pattern=r"^[^\x00-\x20\x7f@/]+$")]
DomainOrNone = Annotated[str, Meta(max_length=253, pattern=r"^[^\x00-\x20\x7f@/]*$")]
Text = Annotated[str, Meta(max_length=NAME_CHARACTERS)]
Why = Annotated[
    str, Meta(min_length=3, max_length=NAME_CHARACTERS, description="The reason, for the record.")
]
Count = Annotated[int, Meta(ge=0, le=_MOST)]
Seconds = Annotated[float, Meta(ge=0, le=1e11, description="UTC seconds since 1970; 0: never.")]
Limit = Annotated[int, Meta(ge=1, le=ADMIN_PAGE_MOST, description="Rows of one page, at most.")]
Cursor = Annotated[str, Meta(max_length=1000, description="`next` of the page before; '' is the first page.")]
Network = Annotated[str, Meta(min_length=2, max_length=50, description="CIDR.")]
Phone = Annotated[str, Meta(pattern=r"^(\+[1-9][0-9]{6,14})?$", description="E.164; '' for none.")]

SecondAddress = Annotated[
    str, Meta(max_length=320, pattern=f"^({_ADDRESS})?$", description="Elsewhere; '' for none.")
]


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operation is asked with."""


class Nothing(Asked, frozen=True, kw_only=True):
    pass


class PageAsked(Asked, frozen=True, kw_only=True):
    limit: Limit = ADMIN_PAGE
    cursor: Cursor = ""


class Page(msgspec.Struct, Generic[T], frozen=True):
    """``next``: where the next page begins, '' at the end. A page may be shorter than it was asked for."""

    items: list[T]
    next: str = ""


# Oneself and the service


class Right(msgspec.Struct, frozen=True):
    """Permissions at one place; ``tenant`` 0 and ``domain`` '': everywhere."""

    permissions: list[str]
    tenant: int = 0
    domain: str = ""


class Me(msgspec.Struct, frozen=True):
    """``account`` 0: the machine's own command line. ``by``: how the audit trail names you."""

    account: int
    by: str
    login: str
    rights: list[Right]


class Announcement(Asked, frozen=True, kw_only=True):
    """``count`` accounts leave within the hour, or did: the other processes then believe it."""

    count: Annotated[int, Meta(ge=1, le=_MOST)]
    reason: Why


class Explained(msgspec.Struct, frozen=True):
    unexplained: int


# Domains


class DomainListAsked(PageAsked, frozen=True, kw_only=True):
    pass


class DomainAsked(Asked, frozen=True, kw_only=True):
    domain: DomainName


class DomainAdd(Asked, frozen=True, kw_only=True):
    name: DomainName
    separator: Annotated[str, Meta(max_length=3)] = "+"
    catch_all: tuple[AddressText, ...] = ()
    tenant: IdOrNone = 0


class DomainSet(DomainAsked, frozen=True, kw_only=True):
    separator: Annotated[str, Meta(max_length=3)] | UnsetType | None = UNSET
    catch_all: tuple[AddressText, ...] | UnsetType | None = UNSET
    tenant: IdOrNone | UnsetType | None = UNSET


class DomainLimits(DomainAsked, frozen=True, kw_only=True):
    """Of each account that has none of its own; 0 for no limit. ``accounts_most``: of the domain."""

    quota_bytes: Count | UnsetType | None = UNSET
    daily_recipients: Count | UnsetType | None = UNSET
    accounts_most: Count | UnsetType | None = UNSET


class DomainRemove(DomainAsked, frozen=True, kw_only=True):
    accounts: Annotated[
        int, Meta(ge=0, le=_MOST, description="How many active accounts it has, as you believe.")
    ] = 0


class AliasListAsked(PageAsked, frozen=True, kw_only=True):
    domain: DomainName


class AliasAsked(Asked, frozen=True, kw_only=True):
    address: AddressText


class AliasSet(AliasAsked, frozen=True, kw_only=True):
    """``replace``: other targets take the place of those there are; otherwise that is refused."""

    targets: Annotated[tuple[AddressText, ...], Meta(min_length=1, max_length=1000)]
    replace: bool = False


class AddressAsked(Asked, frozen=True, kw_only=True):
    address: AddressText


class AddressFound(msgspec.Struct, frozen=True):
    """``is``: account, alias, masked, or free. ``account``: whose, 0 for none."""

    address: str
    kind: str = msgspec.field(name="is")
    account: int = 0
    state: str = ""
    targets: tuple[str, ...] = ()
    reserved: bool = False


class InvitationListAsked(DomainAsked, frozen=True, kw_only=True):
    pass


class InvitationAdd(DomainAsked, frozen=True, kw_only=True):
    uses: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    expires_at: Seconds = 0.0
    note: Text = ""


class InvitationAsked(DomainAsked, frozen=True, kw_only=True):
    invitation: Id


class InvitationMade(msgspec.Struct, frozen=True):
    """``code``: shown this once."""

    id: int
    domain: str
    uses: int
    expires_at: float
    note: str
    code: str


class ReservedAsked(Asked, frozen=True, kw_only=True):
    """``domain`` '': in every domain."""

    domain: DomainOrNone = ""


LocalName = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x20\x7f@/]+$")]


class ReserveAsked(ReservedAsked, frozen=True, kw_only=True):
    names: Annotated[tuple[LocalName, ...], Meta(min_length=1, max_length=1000)]


class FreeAsked(ReservedAsked, frozen=True, kw_only=True):
    name: LocalName


# Customers


class CustomerListAsked(PageAsked, frozen=True, kw_only=True):
    pass


class CustomerAsked(Asked, frozen=True, kw_only=True):
    customer: Id


class CustomerAdd(Asked, frozen=True, kw_only=True):
    name: Text = ""
    contract: Text = ""
    tenant: IdOrNone = 0
    external_id: Text = ""


class CustomerSet(CustomerAsked, frozen=True, kw_only=True):
    name: Text | UnsetType | None = UNSET
    contract: Text | UnsetType | None = UNSET
    tenant: IdOrNone | UnsetType | None = UNSET
    external_id: Text | UnsetType | None = UNSET


class ContactSet(CustomerAsked, frozen=True, kw_only=True):
    """``…_proven``: somebody has seen that it is theirs; otherwise it counts as unproven."""

    phone: Phone | UnsetType | None = UNSET
    phone_proven: bool = False
    second_address: SecondAddress | UnsetType | None = UNSET
    address_proven: bool = False
    language: Annotated[str, Meta(pattern=r"^(de|en)$")] | UnsetType | None = UNSET
    consent: bool | UnsetType = UNSET


# Accounts


class AccountListAsked(PageAsked, frozen=True, kw_only=True):
    """``q``: the beginning of an address. ``state`` '': all."""

    domain: DomainOrNone = ""
    customer: IdOrNone = 0
    tenant: IdOrNone = 0
    q: Annotated[str, Meta(max_length=320)] = ""
    state: Annotated[str, Meta(pattern=r"^(active|disabled|removed)?$")] = ""


class AccountAsked(Asked, frozen=True, kw_only=True):
    account: Who


class AccountAdd(Asked, frozen=True, kw_only=True):
    """``credential``: a ready argon2id PHC string; else ``password``; neither: no sign-in yet.

    ``customer`` 0 makes one of the account's name.
    """

    address: AddressText
    name: Text = ""
    password: Annotated[str, Meta(max_length=1000)] = ""
    credential: Annotated[str, Meta(max_length=500)] = ""
    customer: IdOrNone = 0
    external_id: Text = ""


class AccountSet(AccountAsked, frozen=True, kw_only=True):
    """``role`` owner: gets postmaster@ and abuse@ of its domain; no rights here."""

    name: Text | UnsetType | None = UNSET
    role: AccountRole | UnsetType | None = UNSET
    customer: Id | UnsetType = UNSET
    external_id: Text | UnsetType | None = UNSET


class AccountLimits(AccountAsked, frozen=True, kw_only=True):
    """0 or null: the domain's."""

    quota_bytes: Count | UnsetType | None = UNSET
    daily_recipients: Count | UnsetType | None = UNSET


class StateSet(AccountAsked, frozen=True, kw_only=True):
    state: AccountState
    why: Text = ""


class AccountRemove(AccountAsked, frozen=True, kw_only=True):
    why: Text = ""


class PasswordSet(AccountAsked, frozen=True, kw_only=True):
    """One of both. ``sign_out``: end the sessions there are, too."""

    password: Annotated[str, Meta(max_length=1000)] = ""
    credential: Annotated[str, Meta(max_length=500)] = ""
    sign_out: bool = True


class AppPasswordAsked(AccountAsked, frozen=True, kw_only=True):
    app_password: Id


class FactorAsked(AccountAsked, frozen=True, kw_only=True):
    factor: Id


class AddressOf(AccountAsked, frozen=True, kw_only=True):
    address: AddressText


class MaskedSet(AccountAsked, frozen=True, kw_only=True):
    address: AddressText
    enabled: bool


class BulkState(Asked, frozen=True, kw_only=True):
    """``expected``: how many you mean to hit; far more than that are refused as a whole."""

    accounts: Annotated[tuple[Who, ...], Meta(min_length=1, max_length=ADMIN_BULK)]
    state: AccountState
    expected: Count
    why: Text = ""


class BulkOutcome(msgspec.Struct, frozen=True):
    """``refused``: account → why. What isn't there was in that state already, or is done."""

    changed: int
    unchanged: int
    refused: dict[str, str]


# Rights


class TenantListAsked(PageAsked, frozen=True, kw_only=True):
    pass


class TenantAsked(Asked, frozen=True, kw_only=True):
    tenant: Id


class TenantAdd(Asked, frozen=True, kw_only=True):
    name: Annotated[str, Meta(min_length=1, max_length=NAME_CHARACTERS)]
    accounts_most: Count = 0


class TenantSet(TenantAsked, frozen=True, kw_only=True):
    name: Annotated[str, Meta(min_length=1, max_length=NAME_CHARACTERS)] | UnsetType = UNSET
    brand: Brand | UnsetType | None = UNSET


class TenantLimits(TenantAsked, frozen=True, kw_only=True):
    accounts_most: Count


class GrantAsked(Asked, frozen=True, kw_only=True):
    """``domain``: there alone; else ``tenant``: all of it; neither: everywhere."""

    account: Who
    role: AdminRole
    tenant: IdOrNone = 0
    domain: DomainOrNone = ""


class GrantList(msgspec.Struct, frozen=True):
    items: list[Grant]


class TokenAdd(Asked, frozen=True, kw_only=True):
    """Acts for you, at most as ``role``."""

    name: Annotated[str, Meta(min_length=1, max_length=NAME_CHARACTERS)]
    role: AdminRole
    networks: Annotated[tuple[Network, ...], Meta(max_length=100)] = ()
    expires_at: Seconds = 0.0


class TokenAsked(Asked, frozen=True, kw_only=True):
    token: Id


class TokenMade(msgspec.Struct, frozen=True):
    """``token``: shown this once."""

    id: int
    name: str
    role: AdminRole
    networks: tuple[str, ...]
    expires_at: float
    token: str


# Oversight


class HoldSet(AccountAsked, frozen=True, kw_only=True):
    on: bool
    why: Why


class AuditAsked(PageAsked, frozen=True, kw_only=True):
    """``what``: a kind of change; ``since``: UTC seconds."""

    account: WhoOrNone = ""
    by: Annotated[str, Meta(max_length=200)] = ""
    what: Annotated[str, Meta(max_length=100)] = ""
    since: Seconds = 0.0


class AccessAdd(Asked, frozen=True, kw_only=True):
    account: Who
    why: Why


class AccessAsked(Asked, frozen=True, kw_only=True):
    access: Id


class AccessApprove(AccessAsked, frozen=True, kw_only=True):
    hours: Annotated[float, Meta(gt=0, le=24 * 31)] = 24.0
    why: Text = ""


class MessagesAsked(AccessAsked, frozen=True, kw_only=True):
    mailbox: Id
    limit: Limit = ADMIN_PAGE
    cursor: Cursor = ""


class MessageAsked(AccessAsked, frozen=True, kw_only=True):
    mailbox: Id
    uid: Id


class SealedMailbox(msgspec.Struct, frozen=True):
    id: int
    name: str
    messages: int


class SealedMessage(msgspec.Struct, frozen=True):
    uid: int
    received_at: float
    size_bytes: int
    preview: str
    subject: str
    sender: str


# Imports


class ImportAsked(Asked, frozen=True, kw_only=True):
    """``digest``: of the report you read. Without it nothing is made: you get that report."""

    digest: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?$")] = ""


class ImportShow(Asked, frozen=True, kw_only=True):
    digest: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


class LineFault(msgspec.Struct, frozen=True):
    """``line``: of the file, its header being line 1."""

    line: int
    address: str
    text: str


class ImportReport(msgspec.Struct, frozen=True):
    """What would happen, or how far it is. ``state``: reported, running, done, broken.

    ``new``: to be made; ``there``: accounts that have their address already and stay as they are;
    ``faults``: lines that can't be carried out, the first hundred; ``wrong``: how many there are.
    ``made``, ``kept``, ``refused``: what has happened so far.
    """

    digest: str
    state: str
    lines: int
    new: int
    there: int
    wrong: int
    faults: list[LineFault]
    made: int = 0
    kept: int = 0
    refused: int = 0
    text: str = ""


# Hooks


class HookState(msgspec.Struct, frozen=True):
    """``behind``: changes that wait; ``failing_since``: 0 while all is well."""

    name: str
    url: str
    events: list[str]
    sequence: int
    behind: bool
    failing_since: float
    last_error: str


class HookList(msgspec.Struct, frozen=True):
    items: list[HookState]
