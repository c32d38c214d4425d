"""What is answered without a change: from the tables as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from holdfast.directory import requests as q
from holdfast.directory.copy import Copy
from holdfast.directory.draft import find
from holdfast.model.errors import Reason, Refused


def read(copy: Copy, request: q.AnyRequest) -> object:
    """The request's answer. Raises ``Refused``."""
    reads = _READS.get(type(request))
    if reads is None:
        raise Refused(Reason.BAD_SYNTAX, f"{type(request).__name__} is nothing to ask here")
    return reads(copy, request)


def _of_account(name: str) -> Callable[[Copy, Any], object]:
    """One that takes an account; 0 is everybody's where there is such a list."""

    def reads(copy: Copy, request: Any) -> object:
        return getattr(copy.belongings, name)(find(copy, request.account))

    return reads


_READS: dict[type, Callable[[Copy, Any], object]] = {
    q.ListAccounts: lambda copy, ask: copy.lists.accounts(
        domain=ask.domain, customer=ask.customer, tenant=ask.tenant, after=ask.after, limit=ask.limit
    ),
    q.FindAccounts: lambda copy, ask: copy.lists.find_accounts(
        ask.text, tenant=ask.tenant, domain=ask.domain, after=ask.after, limit=ask.limit
    ),
    q.ListAliases: lambda copy, ask: copy.lists.aliases(domain=ask.domain, after=ask.after, limit=ask.limit),
    q.ListDomains: lambda copy, ask: copy.lists.domains(after=ask.after, limit=ask.limit),
    q.ListCustomers: lambda copy, ask: copy.lists.customers(after=ask.after, limit=ask.limit),
    q.ListTenants: lambda copy, ask: copy.belongings.tenants(after=ask.after, limit=ask.limit),
    q.ShowAccount: lambda copy, ask: copy.lists.account(find(copy, ask.account)),
    q.ListAddresses: lambda copy, ask: copy.lists.addresses(find(copy, ask.account)),
    q.CountAll: lambda copy, ask: copy.lists.counts(),
    q.ShowCustomer: lambda copy, ask: copy.belongings.customer(ask.customer),
    q.ShowContact: lambda copy, ask: copy.belongings.contact(ask.customer),
    q.ListMasked: _of_account("masked"),
    q.ListAppPasswords: _of_account("app_passwords"),
    q.ListFactors: _of_account("factors"),
    q.ListGrants: _of_account("grants"),
    q.ListTokens: _of_account("tokens"),
    q.ListAccess: _of_account("accesses"),
    q.ListInvitations: lambda copy, ask: copy.belongings.invitations(ask.domain),
    q.ListReserved: lambda copy, ask: copy.belongings.reserved_names(ask.domain),
}
