"""What may be asked of the people process. ``account`` is an id, or any address of the account."""

from __future__ import annotations

import msgspec

from holdfast.model.mail import AccountId
from holdfast.model.people import (
    AccountRole,
    AccountState,
    AdminRole,
    Brand,
    Contact,
    CustomerId,
    FactorKind,
    TenantId,
)

Who = int | str


class Request(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", omit_defaults=True):
    """One request; answers are named at ``Operations``' methods.

    ``by``: who asks, for the audit trail (see ``AuditEntry``). ``why``: a reason in words.
    ``once``: a key drawn by who asks: asked again under the same key, a request that was carried out
    is answered from what there is, and nothing more happens.
    """

    by: str = ""
    why: str = ""
    once: str = ""


class DomainAdd(Request, frozen=True, tag="domain_add"):
    name: str
    separator: str = "+"
    catch_all: tuple[str, ...] = ()
    tenant: TenantId = 0


class DomainSet(Request, frozen=True, tag="domain_set"):
    name: str
    separator: str | None = None
    catch_all: tuple[str, ...] | None = None
    tenant: TenantId | None = None
    quota_bytes: int | None = None
    daily_recipients: int | None = None
    accounts_most: int | None = None


class DomainRemove(Request, frozen=True, tag="domain_rm"):
    """Softly. ``accounts``: how many active accounts it has, as who asks believes; more is refused."""

    name: str
    accounts: int = 0


class DomainRestore(Request, frozen=True, tag="domain_restore"):
    name: str


class CustomerAdd(Request, frozen=True, tag="customer_add"):
    name: str = ""
    contract: str = ""
    tenant: TenantId = 0
    external_id: str = ""


class CustomerSet(Request, frozen=True, tag="customer_set"):
    customer: CustomerId
    name: str | None = None
    contract: str | None = None
    tenant: TenantId | None = None
    external_id: str | None = None


class ContactSet(Request, frozen=True, tag="contact_set"):
    """The contact as a whole; ``customer`` in it says whose."""

    contact: Contact


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
    quota_bytes: int = 0
    daily_recipients: int = 0
    source: str = ""
    external_id: str = ""
    contact: Contact | None = None  # its ``customer`` doesn't count
    invitation: str = ""  # its code: one use of it goes with the account, or the account is refused


class AccountAddMany(Request, frozen=True, tag="account_add_many"):
    """``keep_existing``: an account whose login it is already counts as made, so that an import can go on."""

    accounts: tuple[NewAccount, ...]
    keep_existing: bool = False


class AccountSet(Request, frozen=True, tag="account_set"):
    account: Who
    name: str | None = None
    role: AccountRole | None = None
    state: AccountState | None = None
    customer: CustomerId | None = None
    quota_bytes: int | None = None
    daily_recipients: int | None = None
    passkey_only: bool | None = None
    external_id: str | None = None


class AccountStateMany(Request, frozen=True, tag="account_state_many"):
    """``announced``: how many accounts who asks believes it hits; far more are refused, None: no belief."""

    accounts: tuple[Who, ...]
    state: AccountState
    announced: int | None = None


class PasswordSet(Request, frozen=True, tag="password_set"):
    """``asked_at``: when the person asked, if that was before now; refused if it was set again since.

    ``sign_out``: end the account's other sessions, too.
    """

    account: Who
    password: str = ""
    credential: str = ""
    asked_at: float = 0.0
    sign_out: bool = False


class SignOut(Request, frozen=True, tag="sign_out"):
    account: Who


class AppPasswordAdd(Request, frozen=True, tag="app_password_add"):
    """``secret``: as shown to the person once; only its digest is kept."""

    account: Who
    name: str
    secret: str
    functions: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    expires_at: float = 0.0


class AppPasswordRemove(Request, frozen=True, tag="app_password_rm"):
    account: Who
    id: int


class FactorAdd(Request, frozen=True, tag="factor_add"):
    """``secret``: see ``records.FactorMade``."""

    account: Who
    kind: FactorKind
    name: str
    secret: bytes


class FactorRemove(Request, frozen=True, tag="factor_rm"):
    account: Who
    id: int


class RecoveryUse(Request, frozen=True, tag="recovery_use"):
    """Refused(BAD_CREDENTIALS) when it is spent."""

    account: Who
    id: int
    digest: bytes


class MaskedSet(Request, frozen=True, tag="masked_set"):
    """``address``: '' draws a name in ``domain``. Changes it when it is this account's already."""

    account: Who
    address: str = ""
    domain: str = ""
    label: str = ""
    expires_at: float = 0.0
    enabled: bool = True


class TenantAdd(Request, frozen=True, tag="tenant_add"):
    name: str
    accounts_most: int = 0


class TenantSet(Request, frozen=True, tag="tenant_set"):
    tenant: TenantId
    name: str | None = None
    brand: Brand | None = None
    accounts_most: int | None = None


class GrantAdd(Request, frozen=True, tag="grant_add"):
    account: Who
    role: AdminRole
    tenant: TenantId = 0
    domain: str = ""


class GrantRemove(Request, frozen=True, tag="grant_rm"):
    account: Who
    role: AdminRole
    tenant: TenantId = 0
    domain: str = ""


class TokenAdd(Request, frozen=True, tag="token_add"):
    account: Who
    name: str
    role: AdminRole
    secret: str
    networks: tuple[str, ...] = ()
    expires_at: float = 0.0


class TokenRemove(Request, frozen=True, tag="token_rm"):
    id: int


class InvitationAdd(Request, frozen=True, tag="invitation_add"):
    domain: str
    code: str
    uses: int = 1
    expires_at: float = 0.0
    note: str = ""


class InvitationUse(Request, frozen=True, tag="invitation_use"):
    """Refused(NOT_ALLOWED) when it is unknown, used up or over."""

    code: str
    domain: str


class InvitationRemove(Request, frozen=True, tag="invitation_rm"):
    id: int


class NamesReserve(Request, frozen=True, tag="names_reserve"):
    names: tuple[str, ...]
    domain: str = ""
    free: bool = False


class HoldSet(Request, frozen=True, tag="hold_set"):
    """``why`` is needed."""

    account: Who
    on: bool


class AccessAsk(Request, frozen=True, tag="access_ask"):
    """``why`` is needed."""

    account: Who
    auditor: Who


class AccessApprove(Request, frozen=True, tag="access_approve"):
    """Refused(NOT_ALLOWED) for who asked."""

    id: int
    approved_by: Who
    until: float


class AccessUse(Request, frozen=True, tag="access_use"):
    """Refused(NOT_ALLOWED) unless it is approved and not over."""

    id: int
    what: str


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
    tenant: TenantId = 0
    after: AccountId = 0
    limit: int = 1000


class ListAliases(Request, frozen=True, tag="aliases"):
    """``domain``: '' for all."""

    domain: str = ""
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


class ShowCustomer(Request, frozen=True, tag="customer"):
    customer: CustomerId


class ShowContact(Request, frozen=True, tag="contact"):
    customer: CustomerId


class FindAccounts(Request, frozen=True, tag="find_accounts"):
    """``text``: the beginning of an address, any address of the account; pages by ``after``, an address."""

    text: str
    tenant: TenantId = 0
    domain: str = ""
    after: str = ""
    limit: int = 100


class ListMasked(Request, frozen=True, tag="masked"):
    account: Who


class ListAppPasswords(Request, frozen=True, tag="app_passwords"):
    account: Who


class ListFactors(Request, frozen=True, tag="factors"):
    account: Who


class ListTenants(Request, frozen=True, tag="tenants"):
    after: TenantId = 0
    limit: int = 1000


class ListGrants(Request, frozen=True, tag="grants"):
    """``account``: 0 for everybody's."""

    account: Who = 0


class ListTokens(Request, frozen=True, tag="tokens"):
    account: Who = 0


class ListInvitations(Request, frozen=True, tag="invitations"):
    domain: str = ""


class ListReserved(Request, frozen=True, tag="reserved"):
    domain: str = ""


class ListAccess(Request, frozen=True, tag="accesses"):
    account: Who = 0


class Follow(Request, frozen=True, tag="follow"):
    """From now on positions are pushed to this connection."""


AnyRequest = (
    DomainAdd
    | DomainSet
    | DomainRemove
    | DomainRestore
    | CustomerAdd
    | CustomerSet
    | ContactSet
    | SignOut
    | AppPasswordAdd
    | AppPasswordRemove
    | FactorAdd
    | FactorRemove
    | RecoveryUse
    | MaskedSet
    | TenantAdd
    | TenantSet
    | GrantAdd
    | GrantRemove
    | TokenAdd
    | TokenRemove
    | InvitationAdd
    | InvitationUse
    | InvitationRemove
    | NamesReserve
    | HoldSet
    | AccessAsk
    | AccessApprove
    | AccessUse
    | ShowCustomer
    | ShowContact
    | FindAccounts
    | ListMasked
    | ListAppPasswords
    | ListFactors
    | ListTenants
    | ListGrants
    | ListTokens
    | ListInvitations
    | ListReserved
    | ListAccess
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
