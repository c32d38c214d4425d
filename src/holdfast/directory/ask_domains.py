"""Operations on domains, tenants, customers and contacts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from holdfast.directory import requests as q
from holdfast.directory.asking import Asking, Said
from holdfast.model.limits import PEOPLE_PAGE
from holdfast.model.people import Brand, Contact, Customer, CustomerId, Domain, Tenant, TenantId


class DomainOperations(Asking):
    async def domain_add(
        self,
        name: str,
        *,
        separator: str = "+",
        catch_all: Sequence[str] = (),
        tenant: TenantId = 0,
        **said: Unpack[Said],
    ) -> Domain:
        """A domain that exists with these settings is returned as it is."""
        request = q.DomainAdd(
            name=name, separator=separator, catch_all=tuple(catch_all), tenant=tenant, **said
        )
        return await self.ask(request, Domain)

    async def domain_set(
        self,
        name: str,
        *,
        separator: str | None = None,
        catch_all: Sequence[str] | None = None,
        tenant: TenantId | None = None,
        quota_bytes: int | None = None,
        daily_recipients: int | None = None,
        accounts_most: int | None = None,
        **said: Unpack[Said],
    ) -> Domain:
        """What is None stays as it is."""
        request = q.DomainSet(
            name=name,
            separator=separator,
            catch_all=None if catch_all is None else tuple(catch_all),
            tenant=tenant,
            quota_bytes=quota_bytes,
            daily_recipients=daily_recipients,
            accounts_most=accounts_most,
            **said,
        )
        return await self.ask(request, Domain)

    async def domain_rm(self, name: str, *, accounts: int = 0, **said: Unpack[Said]) -> None:
        """Softly: mail is refused, names stay. ``accounts``: how many active ones it has, for the guard."""
        await self.ask(q.DomainRemove(name=name, accounts=accounts, **said), type(None))

    async def domain_restore(self, name: str, **said: Unpack[Said]) -> Domain:
        """Undoes ``domain_rm``."""
        return await self.ask(q.DomainRestore(name=name, **said), Domain)

    async def domains(self, *, after: int = 0, limit: int = PEOPLE_PAGE) -> list[Domain]:
        """One page, removed ones too; the next begins ``after`` its last id."""
        return await self.ask(q.ListDomains(after=after, limit=limit), list[Domain])

    async def names_reserve(
        self, names: Sequence[str], *, domain: str = "", free: bool = False, **said: Unpack[Said]
    ) -> None:
        """Local parts nobody may sign up with; ``domain`` '': in all of them. ``free``: given free again."""
        request = q.NamesReserve(names=tuple(names), domain=domain, free=free, **said)
        await self.ask(request, type(None))

    async def reserved(self, *, domain: str = "") -> list[str]:
        """Those reserved in one domain, or (with '') those in all."""
        return await self.ask(q.ListReserved(domain=domain), list[str])

    async def tenant_add(self, name: str, *, accounts_most: int = 0, **said: Unpack[Said]) -> Tenant:
        return await self.ask(q.TenantAdd(name=name, accounts_most=accounts_most, **said), Tenant)

    async def tenant_set(
        self,
        tenant: TenantId,
        *,
        name: str | None = None,
        brand: Brand | None = None,
        accounts_most: int | None = None,
        **said: Unpack[Said],
    ) -> Tenant:
        """What is None stays as it is."""
        request = q.TenantSet(tenant=tenant, name=name, brand=brand, accounts_most=accounts_most, **said)
        return await self.ask(request, Tenant)

    async def tenants(self, *, after: TenantId = 0, limit: int = PEOPLE_PAGE) -> list[Tenant]:
        return await self.ask(q.ListTenants(after=after, limit=limit), list[Tenant])

    async def customer_add(
        self,
        name: str = "",
        *,
        contract: str = "",
        tenant: TenantId = 0,
        external_id: str = "",
        **said: Unpack[Said],
    ) -> Customer:
        request = q.CustomerAdd(name=name, contract=contract, tenant=tenant, external_id=external_id, **said)
        return await self.ask(request, Customer)

    async def customer_set(
        self,
        customer: CustomerId,
        *,
        name: str | None = None,
        contract: str | None = None,
        tenant: TenantId | None = None,
        external_id: str | None = None,
        **said: Unpack[Said],
    ) -> Customer:
        """What is None stays as it is."""
        request = q.CustomerSet(
            customer=customer,
            name=name,
            contract=contract,
            tenant=tenant,
            external_id=external_id,
            **said,
        )
        return await self.ask(request, Customer)

    async def customer(self, customer: CustomerId) -> Customer:
        return await self.ask(q.ShowCustomer(customer=customer), Customer)

    async def customers(self, *, after: CustomerId = 0, limit: int = PEOPLE_PAGE) -> list[Customer]:
        return await self.ask(q.ListCustomers(after=after, limit=limit), list[Customer])

    async def contact_set(self, contact: Contact, **said: Unpack[Said]) -> Contact:
        """The contact as a whole; ``customer`` in it says whose. The answer has the phone number as E.164."""
        return await self.ask(q.ContactSet(contact=contact, **said), Contact)

    async def contact(self, customer: CustomerId) -> Contact:
        """An empty one where none was given."""
        return await self.ask(q.ShowContact(customer=customer), Contact)
