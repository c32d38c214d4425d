"""The words for people kept: customers, accounts, domains, and where an address leads."""

from __future__ import annotations

import enum
from typing import NamedTuple

import msgspec

from holdfast.model.address import Address
from holdfast.model.mail import AccountId

CustomerId = int  # sequence of the people frame that made the customer, or its first account
DomainId = int  # sequence of the people frame that made the domain
TenantId = int  # sequence of the people frame that made the tenant; 0: the provider itself

CANARY = "holdfast:canary"  # ``external_id`` of accounts that are the service's own: nobody's, never counted


class AccountState(enum.StrEnum):
    """ACTIVE ↔ DISABLED (mail refused, no sign-in, mail kept) → REMOVED (softly; its names stay taken)."""

    ACTIVE = "active"
    DISABLED = "disabled"
    REMOVED = "removed"


class AccountRole(enum.StrEnum):
    """OWNER: gets postmaster@ and abuse@ of its domain where nobody else does. RFC 2142 §4."""

    NONE = ""
    OWNER = "owner"


class AdminRole(enum.StrEnum):
    """What an account may do beyond its own mail. What each may call: functions/admin/permissions.py.

    OWNER: everything in its scope. DOMAIN_ADMIN: people and addresses of its domain or tenant.
    SUPPORT: reads, changes nothing. AUDITOR: the audit trail, and sealed access once another approved it.
    """

    OWNER = "owner"
    DOMAIN_ADMIN = "domain_admin"
    SUPPORT = "support"
    AUDITOR = "auditor"


class FactorKind(enum.StrEnum):
    """TOTP: RFC 6238. PASSKEY: a WebAuthn credential. RECOVERY: one-time codes."""

    TOTP = "totp"
    PASSKEY = "passkey"
    RECOVERY = "recovery"


class Account(msgspec.Struct, frozen=True):
    """One account. ``login``: its first address, as the person wrote it; ``made_at``: UTC seconds.

    ``credential``: sequence of the frame that set the password, 0 for none; never the password's hash.
    ``quota_bytes``, ``daily_recipients``: 0 for the domain's. ``source``: the directory outside it comes
    from (``ldap:staff``), '' for ours; ``external_id``: its name there, or the CRM's.
    ``signed_out_at``: sessions older than this are over. ``removed_at``: 0 unless removed.
    ``two_factor``: it has a second factor, so mail programs need app passwords. ``passkey_only``: no
    password signs in on the web. ``held``: under legal hold, nothing of it is erased.
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
    quota_bytes: int = 0
    daily_recipients: int = 0
    source: str = ""
    external_id: str = ""
    signed_out_at: float = 0.0
    removed_at: float = 0.0
    two_factor: bool = False
    passkey_only: bool = False
    held: bool = False


class Customer(msgspec.Struct, frozen=True):
    """Who has a contract; has one account or several. ``contract``: its number, '' for none."""

    id: CustomerId
    name: str
    made_at: float
    contract: str = ""
    tenant: TenantId = 0
    external_id: str = ""


class Domain(msgspec.Struct, frozen=True):
    """A domain of ours. ``name``: A-labels, lower case; ``separator``: sub-addressing's, '' for none.

    ``catch_all``: addresses that get what is sent to names nobody has; () for a refusal.
    ``quota_bytes``, ``daily_recipients``: of each account that has none of its own; 0 for no limit.
    ``accounts_most``: 0 for no limit. ``removed_at``: 0 unless removed (softly: mail is refused, names kept).
    """

    id: DomainId
    name: str
    separator: str
    catch_all: tuple[str, ...]
    made_at: float
    tenant: TenantId = 0
    quota_bytes: int = 0
    daily_recipients: int = 0
    accounts_most: int = 0
    removed_at: float = 0.0


class Alias(msgspec.Struct, frozen=True):
    """An address that is no account's and leads to others, here or elsewhere."""

    address: str
    targets: tuple[str, ...]


class Masked(msgspec.Struct, frozen=True):
    """An address that hides another: made by its account, ended by it or by time.

    ``expires_at``: UTC seconds, 0 for never. ``enabled``: whether it takes mail now, time apart.
    """

    address: str
    account: AccountId
    label: str
    expires_at: float
    enabled: bool
    made_at: float


class Contact(msgspec.Struct, frozen=True):
    """How a customer is reached when our mail is what fails. '' for none.

    ``phone``: E.164. ``…_proven_at``: when its code came back, 0 for never. ``language``: ``de`` or
    ``en``. ``consent_at``: when it was agreed to notices of outages, 0 for not.
    """

    customer: CustomerId
    phone: str = ""
    phone_proven_at: float = 0.0
    address: str = ""
    address_proven_at: float = 0.0
    language: str = "en"
    consent_at: float = 0.0


class AppPassword(msgspec.Struct, frozen=True):
    """A password for one program. ``functions``: imap, pop3, submission, jmap; () for all.

    ``networks``: CIDR, () for anywhere. ``expires_at``: 0 for never. The secret is kept as a digest only.
    """

    id: int
    account: AccountId
    name: str
    functions: tuple[str, ...]
    networks: tuple[str, ...]
    expires_at: float
    made_at: float


class SecondFactor(msgspec.Struct, frozen=True):
    """``left``: recovery codes not used yet; 0 for the other kinds."""

    id: int
    account: AccountId
    kind: FactorKind
    name: str
    made_at: float
    left: int = 0


class Brand(msgspec.Struct, frozen=True):
    """How a tenant's pages look. ``colour``: ``#rrggbb``. ``logo``: a data: URL (PNG, SVG, WebP)."""

    title: str = ""
    colour: str = ""
    logo: str = ""
    support_url: str = ""
    support_phone: str = ""


class Tenant(msgspec.Struct, frozen=True):
    """A reseller, or a part of the provider, with domains of its own."""

    id: TenantId
    name: str
    brand: Brand
    accounts_most: int
    made_at: float


class Grant(msgspec.Struct, frozen=True):
    """``account`` may act as ``role``: in ``domain``, or all of ``tenant``, or (0 and '') everywhere."""

    account: AccountId
    role: AdminRole
    tenant: TenantId = 0
    domain: str = ""


class ApiToken(msgspec.Struct, frozen=True):
    """A program's key to the admin interface; acts for ``account``, at most as ``role``."""

    id: int
    account: AccountId
    name: str
    role: AdminRole
    networks: tuple[str, ...]
    expires_at: float
    made_at: float


class Invitation(msgspec.Struct, frozen=True):
    """Lets ``uses`` people sign up in ``domain`` until ``expires_at`` (0: for ever); its code isn't kept."""

    id: int
    domain: str
    uses: int
    used: int
    expires_at: float
    note: str
    made_at: float


class SealedAccess(msgspec.Struct, frozen=True):
    """An auditor's view of one mailbox: asked for by one, approved by another, for a time, on record."""

    id: int
    account: AccountId
    auditor: AccountId
    reason: str
    asked_at: float
    approved_by: AccountId = 0
    approved_at: float = 0.0
    until: float = 0.0


class AuditEntry(msgspec.Struct, frozen=True):
    """One change of people, as the ledger has it. ``id``: its frame's sequence; ``by``: who did it.

    ``by``: ``account:7``, ``token:91``, ``cli:root``, ``source:ldap:staff``, ``signup``; '' is unknown.
    ``detail``: the record's other fields, secrets left out.
    """

    id: int
    at: float
    by: str
    what: str
    account: AccountId
    why: str
    detail: dict[str, object]


class Found(msgspec.Struct, frozen=True):
    """One hit of a search. ``address``: which of the account's addresses fits; the next page is after it."""

    address: str
    account: Account


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
