"""Rows of a copy as the structs of ``model.people``."""

from __future__ import annotations

from typing import Any

import msgspec

from holdfast.model.people import (
    Account,
    AccountRole,
    AccountState,
    AdminRole,
    ApiToken,
    AppPassword,
    Contact,
    Customer,
    Domain,
    FactorKind,
    Grant,
    Invitation,
    Masked,
    SealedAccess,
    SecondFactor,
)

Row = tuple[Any, ...]

DOMAIN = (
    "SELECT id, name, separator, catch_all, made_at, tenant, quota_bytes, daily_recipients, accounts_most,"
    " removed_at FROM domain "
)
ACCOUNT = (
    "SELECT id, customer, login, name, cell, state, role, credential, made_at, quota_bytes,"
    " daily_recipients, source, external_id, signed_out_at, removed_at, two_factor, passkey_only, held"
    " FROM account "
)
CUSTOMER = "SELECT id, name, made_at, contract, tenant, external_id FROM customer c "
CUSTOMER_OF_ACCOUNT = (  # made with its first account, and not changed since
    "SELECT id, name, made_at, '', (SELECT tenant FROM domain WHERE id = a.domain), '' FROM account a"
    " WHERE customer = id AND NOT EXISTS (SELECT 1 FROM customer WHERE id = a.id) "
)
CONTACT = "SELECT * FROM contact "
MASKED = (
    "SELECT a.address, m.account, m.label, m.expires_at, m.enabled, m.made_at"
    " FROM masked m JOIN address a ON a.key = m.key "
)
APP_PASSWORD = (
    "SELECT id, account, name, functions, networks, expires_at, made_at, salt, digest FROM app_password "
)
FACTOR = "SELECT id, account, kind, name, made_at, secret FROM factor "
GRANT = "SELECT account, role, tenant, domain FROM granted "
TOKEN = "SELECT id, account, name, role, networks, expires_at, made_at FROM token "
INVITATION = "SELECT id, domain, uses, used, expires_at, note, made_at FROM invitation "
ACCESS = "SELECT id, account, auditor, reason, asked_at, approved_by, approved_at, until FROM access "

DIGEST_BYTES = 32  # SHA-256
_STATES = {str(state): state for state in AccountState}
_ROLES = {str(role): role for role in AccountRole}
as_names = msgspec.json.Decoder(tuple[str, ...]).decode


def as_account(row: Row) -> Account:
    values: list[Any] = list(row)
    values[5], values[6] = _STATES[row[5]], _ROLES[row[6]]
    values[15:] = map(bool, row[15:])
    return Account(*values)


def as_domain(row: Row) -> Domain:
    id_, name, separator, catch_all, *others = row
    return Domain(id_, name, separator, as_names(catch_all), *others)


def as_customer(row: Row) -> Customer:
    return Customer(*row)


def as_contact(row: Row) -> Contact:
    return Contact(*row)


def as_masked(row: Row) -> Masked:
    address, account, label, expires_at, enabled, made_at = row
    return Masked(address, account, label, expires_at, bool(enabled), made_at)


def as_app_password(row: Row) -> AppPassword:
    id_, account, name, functions, networks, expires_at, made_at, *_ = row
    return AppPassword(id_, account, name, as_names(functions), as_names(networks), expires_at, made_at)


def as_factor(row: Row) -> SecondFactor:
    id_, account, kind, name, made_at, secret = row
    left = len(secret) // DIGEST_BYTES if kind == FactorKind.RECOVERY else 0
    return SecondFactor(id_, account, FactorKind(kind), name, made_at, left)


def as_grant(row: Row) -> Grant:
    account, role, tenant, domain = row
    return Grant(account, AdminRole(role), tenant, domain)


def as_token(row: Row) -> ApiToken:
    id_, account, name, role, networks, expires_at, made_at = row
    return ApiToken(id_, account, name, AdminRole(role), as_names(networks), expires_at, made_at)


def as_invitation(row: Row) -> Invitation:
    return Invitation(*row)


def as_access(row: Row) -> SealedAccess:
    return SealedAccess(*row)
