"""What a process's own copy answers: lookups, belongings, pages; synchronously, and with nobody's help."""

from __future__ import annotations

from holdfast.directory.belongings import Belongings
from holdfast.directory.lists import Lists
from holdfast.directory.lookup import Credential, Lookup
from holdfast.model.address import Address
from holdfast.model.limits import PEOPLE_PAGE
from holdfast.model.mail import AccountId
from holdfast.model.people import (
    Account,
    ApiToken,
    AppPassword,
    Brand,
    Contact,
    Customer,
    CustomerId,
    Domain,
    Found,
    Grant,
    Invitation,
    Masked,
    Route,
    SealedAccess,
    SecondFactor,
    Tenant,
    TenantId,
)


class Copied:
    """All raise ``Unavailable("people")`` while there is no copy; see what they call."""

    @property
    def _answers(self) -> Lookup:
        raise NotImplementedError

    @property
    def _belongings(self) -> Belongings:
        raise NotImplementedError

    @property
    def lists(self) -> Lists:
        """Pages of this copy; for operators, where the people process is gone."""
        raise NotImplementedError

    # Where mail goes, who is who

    def route(self, address: Address, *, sending: bool = False) -> Route:
        return self._answers.route(address, sending=sending)

    def domain(self, name: str) -> Domain | None:
        """None for one that isn't ours, or is removed."""
        return self._answers.domain(name)

    def is_local_domain(self, domain: str) -> bool:
        return self._answers.is_local_domain(domain)

    def account(self, account: AccountId) -> Account | None:
        return self._answers.account(account)

    def by_login(self, name: str) -> Account | None:
        return self._answers.by_login(name)

    def may_send_as(self, account: AccountId, address: Address) -> bool:
        return self._answers.may_send_as(account, address)

    def credential(self, account: AccountId) -> Credential:
        return self._answers.credential(account)

    def credential_at(self, account: AccountId) -> float:
        return self._belongings.credential_at(account)

    # Customers

    def customer(self, customer: CustomerId) -> Customer:
        return self._belongings.customer(customer)

    def customer_accounts(self, customer: CustomerId) -> list[Account]:
        return self._belongings.customer_accounts(customer)

    def contact(self, customer: CustomerId) -> Contact:
        return self._belongings.contact(customer)

    # What an account has

    def addresses(self, account: AccountId) -> list[str]:
        return self.lists.addresses(account)

    def aliases_to(self, account: AccountId) -> list[str]:
        return self.lists.aliases_to(account)

    def masked(self, account: AccountId) -> list[Masked]:
        return self._belongings.masked(account)

    def app_passwords(self, account: AccountId) -> list[AppPassword]:
        return self._belongings.app_passwords(account)

    def app_password_digests(self, account: AccountId) -> list[tuple[AppPassword, bytes, bytes]]:
        return self._belongings.app_password_digests(account)

    def factors(self, account: AccountId) -> list[SecondFactor]:
        return self._belongings.factors(account)

    def factor_secrets(self, account: AccountId) -> list[tuple[SecondFactor, bytes]]:
        return self._belongings.factor_secrets(account)

    def quota_of(self, account: AccountId) -> int:
        return self._belongings.quota_of(account)

    def daily_recipients_of(self, account: AccountId) -> int:
        return self._belongings.daily_recipients_of(account)

    # Administration

    def tenant(self, tenant: TenantId) -> Tenant:
        return self._belongings.tenant(tenant)

    def tenants(self, *, after: TenantId = 0, limit: int = PEOPLE_PAGE) -> list[Tenant]:
        return self._belongings.tenants(after=after, limit=limit)

    def brand_of(self, domain: str) -> Brand:
        return self._belongings.brand_of(domain)

    def grants(self, account: AccountId = 0) -> list[Grant]:
        return self._belongings.grants(account)

    def token(self, digest: bytes) -> ApiToken | None:
        return self._belongings.token(digest)

    def tokens(self, account: AccountId = 0) -> list[ApiToken]:
        return self._belongings.tokens(account)

    def invitation(self, digest: bytes) -> Invitation | None:
        return self._belongings.invitation(digest)

    def invitations(self, domain: str = "") -> list[Invitation]:
        return self._belongings.invitations(domain)

    def accesses(self, account: AccountId = 0) -> list[SealedAccess]:
        return self._belongings.accesses(account)

    def access(self, id: int) -> SealedAccess | None:
        return self._belongings.access(id)

    # Names

    def reserved(self, name: str, domain: str) -> bool:
        return self._belongings.reserved(name, domain)

    def reserved_names(self, domain: str = "") -> list[str]:
        return self._belongings.reserved_names(domain)

    def is_free(self, address: str) -> bool:
        return self._belongings.is_free(address)

    # Pages

    def by_external(self, source: str, external_id: str) -> Account | None:
        return self.lists.by_external(source, external_id)

    def domains(self, *, after: int = 0, limit: int = PEOPLE_PAGE) -> list[Domain]:
        """Removed ones too."""
        return self.lists.domains(after=after, limit=limit)

    def find_accounts(
        self, text: str, *, tenant: TenantId = 0, domain: str = "", after: str = "", limit: int = 100
    ) -> list[Found]:
        return self.lists.find_accounts(text, tenant=tenant, domain=domain, after=after, limit=limit)
