"""The people ledger's records: each is an event that happened, never a state to be merged.

The body of a frame of kind PEOPLE is one of these as a MessagePack map; ``is`` names which.
Names are on disk: never changed, never used for something else; fields are only ever added.
Ids that a record makes are its frame's sequence.
"""

from __future__ import annotations

import msgspec

from holdfast.model.mail import AccountId
from holdfast.model.people import AccountRole, AccountState, CustomerId


class Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="is", omit_defaults=True):
    """``at``: when it was decided, UTC seconds, by the writer's clock."""

    at: float


class DomainMade(Record, frozen=True, tag="domain_made"):
    """``name``: A-labels. Its id is the frame's sequence."""

    name: str
    separator: str = "+"
    catch_all: tuple[str, ...] = ()


class DomainSet(Record, frozen=True, tag="domain_set"):
    """What is None stays as it was."""

    name: str
    separator: str | None = None
    catch_all: tuple[str, ...] | None = None


class CustomerMade(Record, frozen=True, tag="customer_made"):
    """Its id is the frame's sequence."""

    name: str = ""


class AccountMade(Record, frozen=True, tag="account_made"):
    """A new account; its id is the frame's sequence.

    ``customer``: 0 makes a customer of the same id and name. ``cell``: where it was placed;
    decided by the writer and written here, so that it is a function of the ledger.
    ``credential``: a PHC string, '' for no password yet.
    """

    address: str
    cell: int
    name: str = ""
    customer: CustomerId = 0
    credential: str = ""
    role: AccountRole = AccountRole.NONE


class AccountSet(Record, frozen=True, tag="account_set"):
    """What is None stays as it was."""

    account: AccountId
    name: str | None = None
    role: AccountRole | None = None


class AccountStateSet(Record, frozen=True, tag="account_state"):
    account: AccountId
    state: AccountState


class CredentialSet(Record, frozen=True, tag="credential"):
    """``credential``: a PHC string; '' takes the password away."""

    account: AccountId
    credential: str


class AddressAdded(Record, frozen=True, tag="address_added"):
    account: AccountId
    address: str


class AddressRemoved(Record, frozen=True, tag="address_removed"):
    address: str


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
    | CustomerMade
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
