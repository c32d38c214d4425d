"""What belongs to whom: contacts, app passwords, factors, masked addresses, grants, tokens, brands, limits.

Read from one copy, synchronously. Errors of the database are ``Unavailable("people")`` (PEOPLE-2).
"""

from __future__ import annotations

from typing import Any, TypeVar

import apsw
import msgspec

from holdfast.directory import rows
from holdfast.directory.lookup import PEOPLE, Lookup, unreadable
from holdfast.directory.names import fold_domain, fold_local, name_key, parse_domain, sub_address
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.mail import AccountId
from holdfast.model.people import (
    Account,
    AccountState,
    ApiToken,
    AppPassword,
    Brand,
    Contact,
    Customer,
    CustomerId,
    Domain,
    Grant,
    Invitation,
    Masked,
    SealedAccess,
    SecondFactor,
    Tenant,
    TenantId,
)
from holdfast.world.clock import Clock

T = TypeVar("T")

_brand = msgspec.msgpack.Decoder(Brand).decode
_TENANT = "SELECT id, name, brand, accounts_most, made_at FROM tenant "


class Belongings:
    """Reads one copy; see ``People``, which has the same."""

    def __init__(self, connection: apsw.Connection, lookup: Lookup, clock: Clock) -> None:
        self._db = connection
        self._lookup = lookup
        self._clock = clock

    def customer(self, customer: CustomerId) -> Customer:
        """Raises ``Refused(NO_SUCH_USER)``."""
        found = self._rows(f"{rows.CUSTOMER} WHERE id = ?", customer)
        found = found or self._rows(f"{rows.CUSTOMER_OF_ACCOUNT} AND id = ?", customer)
        if not found:
            raise Refused(Reason.NO_SUCH_USER, f"no customer {customer}")
        return rows.as_customer(found[0])

    def contact(self, customer: CustomerId) -> Contact:
        """An empty one where none was given."""
        found = self._rows(f"{rows.CONTACT} WHERE customer = ?", customer)
        return rows.as_contact(found[0]) if found else Contact(customer)

    def has_contact(self, customer: CustomerId) -> bool:
        return bool(self._rows("SELECT 1 FROM contact WHERE customer = ?", customer))

    def customer_accounts(self, customer: CustomerId) -> list[Account]:
        """All of a customer's accounts, removed ones too, oldest first."""
        found = self._rows(
            f"{rows.ACCOUNT} WHERE customer = ?1 AND customer <> id"
            f" UNION ALL {rows.ACCOUNT} WHERE id = ?1 AND customer = id ORDER BY id",
            customer,
        )
        return [rows.as_account(row) for row in found]

    def app_passwords(self, account: AccountId) -> list[AppPassword]:
        """Those that are over, too."""
        return [found for found, _, _ in self.app_password_digests(account)]

    def app_password_digests(self, account: AccountId) -> list[tuple[AppPassword, bytes, bytes]]:
        """With salt and digest: SHA-256 of both, see ``digests.app_password_digest``."""
        found = self._rows(f"{rows.APP_PASSWORD} WHERE account = ? ORDER BY id", account)
        return [(rows.as_app_password(row), bytes(row[7]), bytes(row[8])) for row in found]

    def app_password(self, id_: int) -> AppPassword | None:
        found = self._rows(f"{rows.APP_PASSWORD} WHERE id = ?", id_)
        return rows.as_app_password(found[0]) if found else None

    def factors(self, account: AccountId) -> list[SecondFactor]:
        return [found for found, _ in self.factor_secrets(account)]

    def factor_secrets(self, account: AccountId) -> list[tuple[SecondFactor, bytes]]:
        """With its secret, see ``records.FactorMade``."""
        found = self._rows(f"{rows.FACTOR} WHERE account = ? ORDER BY id", account)
        return [(rows.as_factor(row), bytes(row[5])) for row in found]

    def factor(self, id_: int) -> SecondFactor | None:
        found = self._rows(f"{rows.FACTOR} WHERE id = ?", id_)
        return rows.as_factor(found[0]) if found else None

    def masked(self, account: AccountId) -> list[Masked]:
        """Those that are over, too; oldest first."""
        found = self._rows(f"{rows.MASKED} WHERE m.account = ? ORDER BY m.made", account)
        return [rows.as_masked(row) for row in found]

    def masked_by(self, *, key: str = "", made: int = 0) -> Masked | None:
        """By its folded address, or by the frame that made it."""
        where, value = ("m.key", key) if key else ("m.made", made)
        found = self._rows(f"{rows.MASKED} WHERE {where} = ?", value)
        return rows.as_masked(found[0]) if found else None

    def grants(self, account: AccountId = 0) -> list[Grant]:
        """0: everybody's."""
        found = self._rows(f"{rows.GRANT} WHERE ?1 = 0 OR account = ?1", account)
        return [rows.as_grant(row) for row in found]

    def token(self, digest: bytes) -> ApiToken | None:
        """One that isn't over, of an active account. Raises ``Unavailable("people")`` in doubt."""
        found = self._rows(f"{rows.TOKEN} WHERE digest = ?", digest)
        if not found:
            self._check_doubt()
            return None
        token = rows.as_token(found[0])
        account = self._lookup.account(token.account)
        if account is None or account.state != AccountState.ACTIVE:
            return None
        return None if token.expires_at and token.expires_at <= self._clock.now() else token

    def token_of(self, id_: int) -> ApiToken | None:
        found = self._rows(f"{rows.TOKEN} WHERE id = ?", id_)
        return rows.as_token(found[0]) if found else None

    def tokens(self, account: AccountId = 0) -> list[ApiToken]:
        """0: everybody's; those that are over, too."""
        found = self._rows(f"{rows.TOKEN} WHERE ?1 = 0 OR account = ?1 ORDER BY id", account)
        return [rows.as_token(row) for row in found]

    def tenant(self, tenant: TenantId) -> Tenant:
        """Raises ``Refused(NO_SUCH_USER)``."""
        found = self._rows(f"{_TENANT} WHERE id = ?", tenant)
        if not found:
            raise Refused(Reason.NO_SUCH_USER, f"no tenant {tenant}")
        return _as_tenant(found[0])

    def tenant_named(self, name: str) -> TenantId:
        """0 for none."""
        found = self._rows("SELECT id FROM tenant WHERE name = ?", name)
        return int(found[0][0]) if found else 0

    def tenants(self, *, after: TenantId = 0, limit: int = 1000) -> list[Tenant]:
        found = self._rows(f"{_TENANT} WHERE id > ? ORDER BY id LIMIT ?", after, max(1, min(limit, 1000)))
        return [_as_tenant(row) for row in found]

    def brand_of(self, domain: str) -> Brand:
        """Of the domain's tenant; an empty one for the provider's own domains, and unknown ones."""
        try:
            name = fold_domain(domain)
        except Refused:
            return Brand()
        found = self._rows(
            "SELECT t.brand FROM domain d JOIN tenant t ON t.id = d.tenant WHERE d.name = ?", name
        )
        return _brand(found[0][0]) if found else Brand()

    def reserved(self, name: str, domain: str) -> bool:
        """Whether nobody may sign up with this local part there."""
        return bool(
            self._rows(
                "SELECT 1 FROM reserved WHERE name = ? AND domain IN ('', ?)",
                fold_local(name),
                fold_domain(domain),
            )
        )

    def reserved_names(self, domain: str = "") -> list[str]:
        """In order: those of one domain, or with '' those of all domains."""
        found = self._rows("SELECT name FROM reserved WHERE domain = ? ORDER BY name", fold_domain(domain))
        return [str(row[0]) for row in found]

    def is_free(self, address: str) -> bool:
        """Whether an account could have this name, reserved or not: it is nobody's and never was.

        Not a name that reads as another's with a detail (RFC 5233). Raises ``Refused(BAD_SYNTAX)``,
        ``Unavailable("people")`` where names may be lacking here; who left keeps his (PEOPLE-6).
        """
        key = name_key(address)
        local, _, name = key.rpartition("@")
        try:
            if self._lookup.entry(key) is not None:
                return False
            domain = self._lookup.domain(name)
        except apsw.Error as error:
            raise unreadable(error) from error
        if self._lookup.lacking:
            raise Unavailable(PEOPLE, self._lookup.lacking)
        return domain is not None and not sub_address(local, domain.separator)[1]

    def invitation(self, digest: bytes) -> Invitation | None:
        """Used up or not. Raises ``Unavailable("people")`` in doubt."""
        found = self.find_invitation(digest)
        if found is None:
            self._check_doubt()
        return found

    def find_invitation(self, digest: bytes) -> Invitation | None:
        """As these tables have it, doubt or not."""
        found = self._rows(f"{rows.INVITATION} WHERE digest = ?", digest)
        return rows.as_invitation(found[0]) if found else None

    def invitation_of(self, id_: int) -> Invitation | None:
        found = self._rows(f"{rows.INVITATION} WHERE id = ?", id_)
        return rows.as_invitation(found[0]) if found else None

    def invitations(self, domain: str = "") -> list[Invitation]:
        """'': of all domains."""
        name = parse_domain(domain) if domain else ""
        found = self._rows(f"{rows.INVITATION} WHERE ?1 = '' OR domain = ?1 ORDER BY id", name)
        return [rows.as_invitation(row) for row in found]

    def access(self, id_: int) -> SealedAccess | None:
        found = self._rows(f"{rows.ACCESS} WHERE id = ?", id_)
        return rows.as_access(found[0]) if found else None

    def accesses(self, account: AccountId = 0) -> list[SealedAccess]:
        """To one account's mail, or to all."""
        found = self._rows(f"{rows.ACCESS} WHERE ?1 = 0 OR account = ?1 ORDER BY id", account)
        return [rows.as_access(row) for row in found]

    def quota_of(self, account: AccountId) -> int:
        """Bytes, its own or its domain's; 0: none."""
        return self._limit("quota_bytes", account)

    def daily_recipients_of(self, account: AccountId) -> int:
        """Its own or its domain's; 0: none."""
        return self._limit("daily_recipients", account)

    def _limit(self, name: str, account: AccountId) -> int:
        found = self._rows(
            f"SELECT a.{name}, d.{name} FROM account a JOIN domain d ON d.id = a.domain WHERE a.id = ?",
            account,
        )
        return int(found[0][0] or found[0][1]) if found else 0

    def domain_of(self, account: AccountId) -> Domain:
        """The domain of its login, removed or not."""
        found = self._rows(f"{rows.DOMAIN} WHERE id = (SELECT domain FROM account WHERE id = ?)", account)
        if not found:
            raise Refused(Reason.NO_SUCH_USER, f"no account {account}")
        return rows.as_domain(found[0])

    def credential_at(self, account: AccountId) -> float:
        """When the present password was asked for (or that there be none), UTC seconds."""
        found = self._rows("SELECT credential_at FROM account WHERE id = ?", account)
        return float(found[0][0]) if found else 0.0

    def _rows(self, select: str, *values: int | str | bytes) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(select, values).fetchall()
        except apsw.Error as error:
            raise unreadable(error) from error

    def _check_doubt(self) -> None:
        if self._lookup.doubt:
            raise Unavailable(PEOPLE, self._lookup.doubt)


def _as_tenant(row: tuple[Any, ...]) -> Tenant:
    id_, name, brand, accounts_most, made_at = row
    return Tenant(id_, name, _brand(brand), accounts_most, made_at)
