"""The people ledger's records: each is an event that happened, never a state to be merged.

The body of a frame of kind PEOPLE is one of these as a MessagePack map; ``is`` names which.
Names are on disk: never changed, never used for something else; fields are only ever added.
Ids that a record makes are its frame's sequence.
"""

from __future__ import annotations

import msgspec

from holdfast.model.mail import AccountId
from holdfast.model.people import (
    AccountRole,
    AccountState,
    AdminRole,
    Brand,
    CustomerId,
    FactorKind,
    TenantId,
)


class Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="is", omit_defaults=True):
    """``at``: when it was decided, UTC seconds, by the writer's clock.

    ``by``: who asked for it (see ``AuditEntry``); ``why``: in their words, where an operation wants a reason.
    ``once``: the key under which it was asked; asked again under it, nothing more happens.
    """

    at: float
    by: str = ""
    why: str = ""
    once: str = ""


class DomainMade(Record, frozen=True, tag="domain_made"):
    """``name``: A-labels. Its id is the frame's sequence."""

    name: str
    separator: str = "+"
    catch_all: tuple[str, ...] = ()
    tenant: TenantId = 0


class DomainSet(Record, frozen=True, tag="domain_set"):
    """What is None stays as it was."""

    name: str
    separator: str | None = None
    catch_all: tuple[str, ...] | None = None
    tenant: TenantId | None = None
    quota_bytes: int | None = None
    daily_recipients: int | None = None
    accounts_most: int | None = None


class DomainRemoved(Record, frozen=True, tag="domain_removed"):
    """Softly: mail for it is refused as for a domain that isn't ours, its names are kept."""

    name: str


class DomainBack(Record, frozen=True, tag="domain_back"):
    """A removal undone."""

    name: str


class CustomerMade(Record, frozen=True, tag="customer_made"):
    """Its id is the frame's sequence."""

    name: str = ""
    contract: str = ""
    tenant: TenantId = 0
    external_id: str = ""


class CustomerSet(Record, frozen=True, tag="customer_set"):
    """What is None stays as it was."""

    customer: CustomerId
    name: str | None = None
    contract: str | None = None
    tenant: TenantId | None = None
    external_id: str | None = None


class AccountMade(Record, frozen=True, tag="account_made"):
    """A new account; its id is the frame's sequence.

    ``customer``: 0 makes a customer of the same id and name. ``cell``: where it was placed;
    decided by the writer and written here, so that it is a function of the ledger.
    ``credential``: a PHC string, '' for no password yet.
    ``invitation``: the one that was used for it, 0 for none.
    """

    address: str
    cell: int
    name: str = ""
    customer: CustomerId = 0
    credential: str = ""
    role: AccountRole = AccountRole.NONE
    source: str = ""
    external_id: str = ""
    quota_bytes: int = 0
    daily_recipients: int = 0
    invitation: int = 0


class AccountSet(Record, frozen=True, tag="account_set"):
    """What is None stays as it was."""

    account: AccountId
    name: str | None = None
    role: AccountRole | None = None
    customer: CustomerId | None = None
    quota_bytes: int | None = None
    daily_recipients: int | None = None
    passkey_only: bool | None = None
    external_id: str | None = None


class AccountStateSet(Record, frozen=True, tag="account_state"):
    account: AccountId
    state: AccountState


class CredentialSet(Record, frozen=True, tag="credential"):
    """``credential``: a PHC string; '' takes the password away.

    ``asked_at``: when the person asked, where that was before ``at``: of two passwords the one asked for
    later holds.
    """

    account: AccountId
    credential: str
    asked_at: float = 0.0


class SignedOut(Record, frozen=True, tag="signed_out"):
    """Every session of the account that began before is over; also what mail programs hold open."""

    account: AccountId


class AppPasswordMade(Record, frozen=True, tag="app_password_made"):
    """Its id is the frame's sequence. ``digest``: SHA-256 of ``salt`` and the secret (80 bits at least)."""

    account: AccountId
    name: str
    salt: bytes
    digest: bytes
    functions: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    expires_at: float = 0.0


class AppPasswordRemoved(Record, frozen=True, tag="app_password_removed"):
    id: int


class FactorMade(Record, frozen=True, tag="factor_made"):
    """Its id is the frame's sequence. ``secret``: by kind.

    TOTP: its key, sealed (``directory/sealing.py``). PASSKEY: the credential's id and public key.
    RECOVERY: digests of the codes; a new set takes the old one's place.
    """

    account: AccountId
    kind: FactorKind
    name: str
    secret: bytes


class FactorRemoved(Record, frozen=True, tag="factor_removed"):
    id: int


class RecoveryUsed(Record, frozen=True, tag="recovery_used"):
    """One recovery code, by its digest, is spent."""

    id: int
    digest: bytes


class ContactSet(Record, frozen=True, tag="contact_set"):
    """A customer's contact as a whole."""

    customer: CustomerId
    phone: str = ""
    phone_proven_at: float = 0.0
    address: str = ""
    address_proven_at: float = 0.0
    language: str = "en"
    consent_at: float = 0.0


class MaskedSet(Record, frozen=True, tag="masked_set"):
    """Makes a masked address of ``account``, or changes it. Its name is never another's (PEOPLE-6)."""

    address: str
    account: AccountId
    label: str = ""
    expires_at: float = 0.0
    enabled: bool = True


class TenantMade(Record, frozen=True, tag="tenant_made"):
    """Its id is the frame's sequence."""

    name: str
    accounts_most: int = 0


class TenantSet(Record, frozen=True, tag="tenant_set"):
    """What is None stays as it was."""

    tenant: TenantId
    name: str | None = None
    brand: Brand | None = None
    accounts_most: int | None = None


class Granted(Record, frozen=True, tag="granted"):
    account: AccountId
    role: AdminRole
    tenant: TenantId = 0
    domain: str = ""


class GrantTaken(Record, frozen=True, tag="grant_taken"):
    account: AccountId
    role: AdminRole
    tenant: TenantId = 0
    domain: str = ""


class TokenMade(Record, frozen=True, tag="token_made"):
    """Its id is the frame's sequence. ``digest``: SHA-256 of the secret (128 bits at least)."""

    account: AccountId
    name: str
    role: AdminRole
    digest: bytes
    networks: tuple[str, ...] = ()
    expires_at: float = 0.0


class TokenRemoved(Record, frozen=True, tag="token_removed"):
    id: int


class InvitationMade(Record, frozen=True, tag="invitation_made"):
    """Its id is the frame's sequence. ``digest``: SHA-256 of the code."""

    domain: str
    digest: bytes
    uses: int = 1
    expires_at: float = 0.0
    note: str = ""


class InvitationUsed(Record, frozen=True, tag="invitation_used"):
    id: int


class InvitationRemoved(Record, frozen=True, tag="invitation_removed"):
    id: int


class NamesReserved(Record, frozen=True, tag="names_reserved"):
    """Local parts nobody may sign up with, in every domain ('') or one; ``free``: given free again."""

    names: tuple[str, ...]
    domain: str = ""
    free: bool = False


class HoldSet(Record, frozen=True, tag="hold_set"):
    """Legal hold begins or ends: while it lasts nothing of the account is erased."""

    account: AccountId
    on: bool


class AccessAsked(Record, frozen=True, tag="access_asked"):
    """An auditor asks to see a mailbox; its id is the frame's sequence; ``why`` says why."""

    account: AccountId
    auditor: AccountId


class AccessApproved(Record, frozen=True, tag="access_approved"):
    """By another person than the one who asked. ``until``: UTC seconds."""

    id: int
    approved_by: AccountId
    until: float


class AccessUsed(Record, frozen=True, tag="access_used"):
    """What an auditor looked at, before it was shown."""

    id: int
    what: str


class AddressAdded(Record, frozen=True, tag="address_added"):
    account: AccountId
    address: str


class AddressRemoved(Record, frozen=True, tag="address_removed"):
    """``kept``: the name stays its account's and is never another's; without it, it is free again."""

    address: str
    kept: bool = False


class AliasSet(Record, frozen=True, tag="alias_set"):
    """Makes the alias or gives it other targets."""

    address: str
    targets: tuple[str, ...]


class AliasRemoved(Record, frozen=True, tag="alias_removed"):
    address: str


class BulkAnnounced(Record, frozen=True, tag="bulk_announced"):
    """An operator says that ``count`` accounts leave within the hour, or did: PEOPLE-4."""

    count: int
    reason: str


class HolesAccepted(Record, frozen=True, tag="holes_accepted"):
    """An operator says that what unreadable frames held is known or given up: PEOPLE-5."""

    reason: str


AnyRecord = (
    DomainMade
    | DomainSet
    | DomainRemoved
    | DomainBack
    | CustomerMade
    | CustomerSet
    | SignedOut
    | AppPasswordMade
    | AppPasswordRemoved
    | FactorMade
    | FactorRemoved
    | RecoveryUsed
    | ContactSet
    | MaskedSet
    | TenantMade
    | TenantSet
    | Granted
    | GrantTaken
    | TokenMade
    | TokenRemoved
    | InvitationMade
    | InvitationUsed
    | InvitationRemoved
    | NamesReserved
    | HoldSet
    | AccessAsked
    | AccessApproved
    | AccessUsed
    | AccountMade
    | AccountSet
    | AccountStateSet
    | CredentialSet
    | AddressAdded
    | AddressRemoved
    | AliasSet
    | AliasRemoved
    | BulkAnnounced
    | HolesAccepted
)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(AnyRecord).decode


def encode_record(record: AnyRecord) -> bytes:
    """The body of a frame."""
    return _encode(record)


def decode_record(body: bytes | memoryview) -> AnyRecord:
    """Raises ``msgspec.DecodeError`` (``ValidationError`` for a record of a later version)."""
    record: AnyRecord = _decode(body)
    return record
