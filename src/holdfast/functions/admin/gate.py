"""What stands before every operation: is what it names within the asker's rights?

The rule goes by the names of fields (ADMIN-2): whatever a request names (an account, a domain, an address,
a customer, a tenant, a sealed access) is looked up, and must lie where the asker has the operation's
permission. So an operation can't forget to look, and one that names nothing needs rights everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from holdfast.functions.admin.call import Call
from holdfast.functions.admin.operation import Reach
from holdfast.functions.admin.permissions import EVERYWHERE, Forbidden, Missing, Permission, Place
from holdfast.model.address import parse_address
from holdfast.model.errors import Refused
from holdfast.model.people import AccountState, AdminRole, Grant


def check(call: Call, asked: Any) -> None:
    """Raises ``Forbidden`` where the right is missing, ``Missing`` where not even the thing may be known."""
    actor, operation = call.actor, call.operation
    if not actor.has(operation.permission):
        raise Forbidden(f"your role doesn't have the right '{operation.permission}'")
    if operation.reach is Reach.OWN:
        return
    places: list[Place] = []
    for name, find in _FINDERS.items():
        value = getattr(asked, name, None)
        if value and isinstance(value, int | str):
            thing = f"{name} {value}"
            found = list(find(call, value))
            for place in found:
                _check_place(call, place, thing)
            places += found
    if not places and operation.reach is Reach.NAMED:
        _check_place(call, EVERYWHERE, "")
    if operation.changes and operation.guarded and "account" in call.found:
        check_rank(call, call.account.id)


def _check_place(call: Call, place: Place, thing: str) -> None:
    """One who knows of it is told that the right is missing; another, that there is nothing."""
    if call.actor.may(call.operation.permission, place):
        return
    if place == EVERYWHERE:
        raise Forbidden("this needs rights for the whole service")
    if call.actor.sees(place):
        raise Forbidden(f"your rights there don't include '{call.operation.permission}'")
    raise Missing(thing)


# What the fields name


def _account(call: Call, who: str) -> Iterable[Place]:
    account = call.desk.account(who)
    if account is None:
        raise Missing(f"account {who}")
    call.found["account"] = account
    return [place_of_address(call, account.login)]


def _domain(call: Call, name: str) -> Iterable[Place]:
    domain = call.desk.domain(name)
    if domain is None:
        raise Missing(f"domain {name}")
    call.found["domain"] = domain
    return [Place(domain.tenant, domain.name)]


def _address(call: Call, address: str) -> Iterable[Place]:
    name = parse_address(address).domain
    domain = call.desk.domain(name)
    if domain is None:
        raise Missing(f"domain {name}")
    return [Place(domain.tenant, domain.name)]


def _customer(call: Call, id_: int) -> Iterable[Place]:
    """A customer is where its accounts are, all of them; without one, where its tenant is."""
    try:
        customer = call.people.customer(id_)
    except Refused:
        raise Missing(f"customer {id_}") from None
    call.found["customer"] = customer
    places = {place_of_address(call, each.login) for each in call.people.customer_accounts(id_)}
    if customer.tenant or not places:
        places.add(Place(customer.tenant))
    if customer.tenant and all(place.tenant == customer.tenant for place in places) and len(places) > 1:
        places.discard(Place(customer.tenant))  # who has its accounts has the customer
    return places


def _tenant(call: Call, id_: int) -> Iterable[Place]:
    try:
        tenant = call.people.tenant(id_)
    except Refused:
        raise Missing(f"tenant {id_}") from None
    call.found["tenant"] = tenant
    return [Place(id_)]


def _access(call: Call, id_: int) -> Iterable[Place]:
    access = call.people.access(id_)
    if access is None:
        raise Missing(f"access {id_}")
    call.found["access"] = access
    account = call.people.account(access.account)
    if account is None:
        raise Missing(f"access {id_}")
    call.found["seen"] = account
    return [place_of_address(call, account.login)]


_FINDERS: dict[str, Callable[[Call, Any], Iterable[Place]]] = {
    "account": _account,
    "domain": _domain,
    "address": _address,
    "customer": _customer,
    "tenant": _tenant,
    "access": _access,
}


def place_of_address(call: Call, address: str) -> Place:
    """Where the address' domain is. A domain that isn't known any more belongs to the provider."""
    return place_of_domain(call, address.rpartition("@")[2])


def place_of_domain(call: Call, name: str) -> Place:
    domain = call.desk.domain(name)
    return Place(domain.tenant, domain.name) if domain is not None else Place(0, name.lower())


def place_of_grant(call: Call, grant: Grant) -> Place:
    return place_of_domain(call, grant.domain) if grant.domain else Place(grant.tenant)


# Who has rights himself


def check_rank(call: Call, account: int) -> None:
    """Who may not give a grant may not change the account that has it, nor sign in as it (ADMIN-3)."""
    for grant in call.people.grants(account):
        if not call.actor.may_give(grant, place_of_grant(call, grant)):
            raise Forbidden(f"this account has rights ({grant.role}) beyond those that you may give")


def check_last_owner(call: Call, account: int) -> None:
    """Somebody always owns the service (ADMIN-4)."""
    owners = {
        grant.account
        for grant in call.people.grants()
        if grant.role is AdminRole.OWNER and not grant.tenant and not grant.domain
    }
    if account in owners and not any(_is_active(call, each) for each in owners - {account}):
        raise Forbidden("this is the last owner of the whole service: make another one first")


def _is_active(call: Call, account: int) -> bool:
    found = call.people.account(account)
    return found is not None and found.state is AccountState.ACTIVE


def may(call: Call, permission: Permission, address: str) -> bool:
    """For lists: whether the asker has the right where the address is."""
    return call.actor.may(permission, place_of_address(call, address))
