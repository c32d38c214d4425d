"""What a hook is told of each record of the people ledger, and what it is never told: secrets."""

from __future__ import annotations

from typing import Any

import msgspec

from holdfast.directory import records as r
from holdfast.directory.audit import SECRETS
from holdfast.directory.people import People
from holdfast.model.errors import Unavailable
from holdfast.model.people import AccountState

# What happened, by record. Names are for others' programs: never changed, only added.
NAMES: dict[type[msgspec.Struct], str] = {
    r.DomainMade: "domain.created",
    r.DomainSet: "domain.changed",
    r.DomainRemoved: "domain.removed",
    r.DomainBack: "domain.restored",
    r.CustomerMade: "customer.created",
    r.CustomerSet: "customer.changed",
    r.ContactSet: "contact.changed",
    r.AccountMade: "account.created",
    r.AccountSet: "account.changed",
    r.CredentialSet: "account.password_changed",
    r.SignedOut: "account.signed_out",
    r.AppPasswordMade: "app_password.created",
    r.AppPasswordRemoved: "app_password.removed",
    r.FactorMade: "factor.created",
    r.FactorRemoved: "factor.removed",
    r.RecoveryUsed: "factor.recovery_used",
    r.MaskedSet: "masked.changed",
    r.TenantMade: "tenant.created",
    r.TenantSet: "tenant.changed",
    r.Granted: "grant.given",
    r.GrantTaken: "grant.taken",
    r.TokenMade: "token.created",
    r.TokenRemoved: "token.removed",
    r.InvitationMade: "invitation.created",
    r.InvitationUsed: "invitation.used",
    r.InvitationRemoved: "invitation.removed",
    r.NamesReserved: "names.reserved",
    r.HoldSet: "hold.changed",
    r.AccessAsked: "access.asked",
    r.AccessApproved: "access.approved",
    r.AccessUsed: "access.used",
    r.AddressAdded: "address.added",
    r.AddressRemoved: "address.removed",
    r.AliasSet: "alias.changed",
    r.AliasRemoved: "alias.removed",
    r.BulkAnnounced: "bulk.announced",
    r.HolesAccepted: "holes.accepted",
}
_TOLD_APART = frozenset({"is", "at", "by", "why", "once", "account"})
_STATES = {
    AccountState.ACTIVE: "account.enabled",
    AccountState.DISABLED: "account.disabled",
    AccountState.REMOVED: "account.removed",
}


class Event(msgspec.Struct, frozen=True):
    """``id``: grows, and is the same however often it is told. ``login``: the account's, as it is now."""

    id: int
    event: str
    at: float
    by: str
    why: str
    account: int
    login: str
    data: dict[str, Any]


def name_of(record: r.AnyRecord) -> str:
    if isinstance(record, r.AccountStateSet):
        return _STATES[record.state]
    return NAMES.get(type(record), "")


def event_of(sequence: int, record: r.AnyRecord, people: People) -> Event | None:
    """None for a record that hooks aren't told of."""
    name = name_of(record)
    if not name:
        return None
    fields = msgspec.to_builtins(record, builtin_types=(bytes,))
    data = {
        key: value
        for key, value in fields.items()
        if key not in SECRETS and not isinstance(value, bytes) and key not in _TOLD_APART
    }
    account = sequence if isinstance(record, r.AccountMade) else getattr(record, "account", 0)
    return Event(sequence, name, record.at, record.by, record.why, account, _login(people, account), data)


def _login(people: People, account: int) -> str:
    try:
        found = people.account(account) if account else None
    except Unavailable:
        return ""
    return found.login if found is not None else ""
