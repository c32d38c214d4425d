"""The fold: people records in, tables out. The same frames give the same tables, always.

A record that can't be carried out (its name is taken, its account unknown) changes nothing
and raises ``Refused``: the writer asks the fold itself before it writes, and a replay of a
ledger that holds such a record refuses it in the same way. Every check stands before the
first change, so that a refusal leaves no trace.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from holdfast.directory import effects_accounts, effects_domains, effects_rights
from holdfast.directory import records as r
from holdfast.directory.tables import Tables
from holdfast.model.limits import ONCE_LIFE_S


class Carried(NamedTuple):
    """What a request's key stands for: the frame that carries it, that frame's record, and when."""

    sequence: int
    what: str
    at: float


class Fold(Tables):
    """Tables with what each record does to them."""

    def apply(self, sequence: int, record: r.AnyRecord) -> None:
        """Carries out one record within the transaction. Raises ``Refused``, then nothing is changed."""
        at = max(self.shrinking.at, record.at)
        _APPLY[type(record)](self, sequence, at, record)
        self.shrinking.at = at
        if record.once:
            self._remember(sequence, at, record)
        self.sequence = sequence

    def carried(self, once: str) -> Carried | None:
        """PEOPLE-12: what was done under this key."""
        row = self.db.execute("SELECT sequence, what, at FROM once WHERE key = ?", (once,)).fetchone()
        return Carried(*row) if row else None

    def _remember(self, sequence: int, at: float, record: r.AnyRecord) -> None:
        """Forgetting is the records' doing too, so that it is a function of the ledger."""
        self.db.execute("DELETE FROM once WHERE at < ?", (at - ONCE_LIFE_S,))
        self.db.execute(
            "INSERT OR REPLACE INTO once VALUES (?, ?, ?, ?)",
            (record.once, sequence, record.__struct_config__.tag, at),
        )

    def refuse(self, sequence: int) -> None:
        """A frame of the ledger whose record ``apply`` refused: passed over, and counted."""
        self.sequence = sequence
        self.refused += 1

    def hole(self, sequence: int | None, count: int = 1) -> None:
        """Frames that can't be read: what they said is unknown (PEOPLE-5)."""
        count = max(count, 1)
        if sequence:
            self.sequence = max(self.sequence, sequence + count - 1)
        self.holes += count


def _bulk_announced(tables: Tables, sequence: int, at: float, record: r.BulkAnnounced) -> None:
    tables.shrinking.announced(record.count, at)


def _holes_accepted(tables: Tables, sequence: int, at: float, record: r.HolesAccepted) -> None:
    tables.holes = 0


_APPLY: dict[type, Callable[[Fold, int, float, Any], None]] = {
    r.DomainMade: effects_domains.domain_made,
    r.DomainSet: effects_domains.domain_set,
    r.DomainRemoved: effects_domains.domain_removed,
    r.DomainBack: effects_domains.domain_back,
    r.CustomerMade: effects_domains.customer_made,
    r.CustomerSet: effects_domains.customer_set,
    r.ContactSet: effects_domains.contact_set,
    r.TenantMade: effects_domains.tenant_made,
    r.TenantSet: effects_domains.tenant_set,
    r.NamesReserved: effects_domains.names_reserved,
    r.AccountMade: effects_accounts.account_made,
    r.AccountSet: effects_accounts.account_set,
    r.AccountStateSet: effects_accounts.account_state,
    r.CredentialSet: effects_accounts.credential,
    r.SignedOut: effects_accounts.signed_out,
    r.HoldSet: effects_accounts.hold_set,
    r.AddressAdded: effects_accounts.address_added,
    r.AddressRemoved: effects_accounts.address_removed,
    r.AliasSet: effects_accounts.alias_set,
    r.AliasRemoved: effects_accounts.alias_removed,
    r.MaskedSet: effects_accounts.masked_set,
    r.AppPasswordMade: effects_rights.app_password_made,
    r.AppPasswordRemoved: effects_rights.app_password_removed,
    r.FactorMade: effects_rights.factor_made,
    r.FactorRemoved: effects_rights.factor_removed,
    r.RecoveryUsed: effects_rights.recovery_used,
    r.Granted: effects_rights.granted,
    r.GrantTaken: effects_rights.grant_taken,
    r.TokenMade: effects_rights.token_made,
    r.TokenRemoved: effects_rights.token_removed,
    r.InvitationMade: effects_rights.invitation_made,
    r.InvitationUsed: effects_rights.invitation_used,
    r.InvitationRemoved: effects_rights.invitation_removed,
    r.AccessAsked: effects_rights.access_asked,
    r.AccessApproved: effects_rights.access_approved,
    r.AccessUsed: effects_rights.access_used,
    r.BulkAnnounced: _bulk_announced,
    r.HolesAccepted: _holes_accepted,
}
