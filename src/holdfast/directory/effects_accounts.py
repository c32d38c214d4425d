"""What records of accounts and their names do to the tables. Checks first, then changes."""

from __future__ import annotations

from holdfast.directory import records as r
from holdfast.directory.effects_domains import keep_customer
from holdfast.directory.names import name_key
from holdfast.directory.tables import (
    ALIAS,
    FIRST,
    FURTHER,
    GIVEN_UP,
    MASKED,
    OVER,
    Tables,
    targets_text,
)
from holdfast.model.errors import Reason, Refused
from holdfast.model.people import AccountState


def account_made(tables: Tables, sequence: int, at: float, record: r.AccountMade) -> None:
    if record.customer:
        tables.check_customer(record.customer)
    domain = tables.take_name(record.address, sequence, FIRST, cell=record.cell)
    tables.db.execute(
        "INSERT INTO account VALUES"
        " (?, ?, ?, ?, ?, ?, 'active', ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0, 0, ?, ?)",
        (
            sequence,
            record.customer or sequence,
            domain,
            record.address,
            record.name,
            record.cell,
            str(record.role),
            sequence if record.credential else 0,
            at,
            record.quota_bytes,
            record.daily_recipients,
            record.source,
            record.external_id,
            record.credential,
            at,
        ),
    )
    if record.invitation:
        tables.db.execute("UPDATE invitation SET used = used + 1 WHERE id = ?", (record.invitation,))
    tables.fill(record.cell, domain, 1)
    tables.shrinking.joined(at)


def account_set(tables: Tables, sequence: int, at: float, record: r.AccountSet) -> None:
    tables.account_of(record.account)
    tables.limited |= record.quota_bytes is not None
    if record.customer is not None:
        tables.check_customer(record.customer)
        keep_customer(tables, record.account)
    tables.db.execute(
        "UPDATE account SET name = coalesce(?, name), role = coalesce(?, role),"
        " customer = coalesce(?, customer), quota_bytes = coalesce(?, quota_bytes),"
        " daily_recipients = coalesce(?, daily_recipients), passkey_only = coalesce(?, passkey_only),"
        " external_id = coalesce(?, external_id) WHERE id = ?",
        (
            record.name,
            None if record.role is None else str(record.role),
            record.customer,
            record.quota_bytes,
            record.daily_recipients,
            record.passkey_only,
            record.external_id,
            record.account,
        ),
    )


def account_state(tables: Tables, sequence: int, at: float, record: r.AccountStateSet) -> None:
    row = tables.db.execute(
        "SELECT state, cell, domain, left_at, removed_at, login, held FROM account WHERE id = ?",
        (record.account,),
    ).fetchone()
    if row is None:
        raise Refused(Reason.NO_SUCH_USER, f"no account {record.account}")
    old, cell, domain, left_at, removed_at, login, held = row
    new = str(record.state)
    if old == new:
        return
    if new == AccountState.REMOVED and held:
        raise Refused(Reason.NOT_ALLOWED, f"{login} is under legal hold: end the hold first")
    if new == AccountState.ACTIVE:
        left_at = 0.0
        tables.shrinking.joined(at)
    elif old == AccountState.ACTIVE:
        left_at = 0.0 if tables.shrinking.left(at) else at
    removed_at = at if new == AccountState.REMOVED else 0.0
    account = record.account
    tables.db.execute(
        "UPDATE account SET state = ?, left_at = ?, removed_at = ? WHERE id = ?",
        (new, left_at, removed_at, account),
    )
    tables.db.execute(
        "UPDATE address SET state = ?, left_at = ? WHERE account = ? AND account > 0", (new, left_at, account)
    )
    tables.fill(cell, domain, (old == AccountState.REMOVED) - (new == AccountState.REMOVED))
    if new == AccountState.REMOVED:
        tables.db.execute("DELETE FROM granted WHERE account = ?", (account,))
        tables.db.execute("DELETE FROM token WHERE account = ?", (account,))
    if new != AccountState.ACTIVE:
        tables.ended[account] = sequence


def credential(tables: Tables, sequence: int, at: float, record: r.CredentialSet) -> None:
    tables.account_of(record.account)
    tables.db.execute(
        "UPDATE account SET credential = ?, phc = ?, credential_at = ? WHERE id = ?",
        (
            sequence if record.credential else 0,
            record.credential,
            min(record.asked_at or at, at),
            record.account,
        ),
    )


def signed_out(tables: Tables, sequence: int, at: float, record: r.SignedOut) -> None:
    tables.account_of(record.account)
    tables.db.execute("UPDATE account SET signed_out_at = ? WHERE id = ?", (at, record.account))
    tables.ended[record.account] = sequence


def hold_set(tables: Tables, sequence: int, at: float, record: r.HoldSet) -> None:
    tables.account_of(record.account)
    tables.db.execute("UPDATE account SET held = ? WHERE id = ?", (record.on, record.account))


def address_added(tables: Tables, sequence: int, at: float, record: r.AddressAdded) -> None:
    state, cell = tables.account_of(record.account)
    key = name_key(record.address)
    own = tables.db.execute(
        "SELECT 1 FROM address WHERE key = ? AND account = ? AND kind = ?", (key, record.account, GIVEN_UP)
    ).fetchone()
    if own is None:
        tables.take_name(record.address, record.account, FURTHER, cell=cell, state=state)
        return
    tables.place(key.rpartition("@")[2])
    tables.db.execute(
        "UPDATE address SET kind = ?, address = ?, ends_at = 0 WHERE key = ?", (FURTHER, record.address, key)
    )


def address_removed(tables: Tables, sequence: int, at: float, record: r.AddressRemoved) -> None:
    key = name_key(record.address)
    row = tables.db.execute("SELECT account, kind FROM address WHERE key = ?", (key,)).fetchone()
    if row is None or row[1] not in (FIRST, FURTHER):
        raise Refused(Reason.NO_SUCH_USER, f"{record.address} is no account's address")
    tables.account_of(row[0])
    if row[1] == FIRST:
        raise Refused(Reason.NOT_ALLOWED, f"{record.address} is the account's login: remove the account")
    if record.kept:
        tables.db.execute("UPDATE address SET kind = ?, ends_at = ? WHERE key = ?", (GIVEN_UP, OVER, key))
    else:
        tables.db.execute("DELETE FROM address WHERE key = ?", (key,))


def alias_set(tables: Tables, sequence: int, at: float, record: r.AliasSet) -> None:
    targets = targets_text(record.targets)
    key = name_key(record.address)
    row = tables.db.execute("SELECT account FROM address WHERE key = ?", (key,)).fetchone()
    if row is not None and row[0] == 0:
        tables.db.execute(
            "UPDATE address SET address = ?, targets = ? WHERE key = ?", (record.address, targets, key)
        )
        return
    tables.take_name(record.address, 0, ALIAS, targets=targets)


def alias_removed(tables: Tables, sequence: int, at: float, record: r.AliasRemoved) -> None:
    key = name_key(record.address)
    if not tables.db.execute("SELECT 1 FROM address WHERE key = ? AND account = 0", (key,)).fetchone():
        raise Refused(Reason.NO_SUCH_USER, f"{record.address} is no alias")
    tables.db.execute("DELETE FROM address WHERE key = ?", (key,))


def masked_set(tables: Tables, sequence: int, at: float, record: r.MaskedSet) -> None:
    state, cell = tables.account_of(record.account)
    key = name_key(record.address)
    ends_at = record.expires_at if record.enabled else OVER
    row = tables.db.execute("SELECT account, kind FROM address WHERE key = ?", (key,)).fetchone()
    if row is not None and row == (record.account, MASKED):
        tables.db.execute("UPDATE address SET ends_at = ? WHERE key = ?", (ends_at, key))
        tables.db.execute(
            "UPDATE masked SET label = ?, expires_at = ?, enabled = ? WHERE key = ?",
            (record.label, record.expires_at, record.enabled, key),
        )
        return
    tables.take_name(record.address, record.account, MASKED, cell=cell, state=state, ends_at=ends_at)
    tables.db.execute(
        "INSERT INTO masked VALUES (?, ?, ?, ?, ?, ?, ?)",
        (key, record.account, sequence, record.label, record.expires_at, record.enabled, at),
    )
