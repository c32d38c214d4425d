"""Who is to be told, and how each can be reached: from what failed and the snapshot of customers.

TELL-3 one notice goes to a customer, whatever the number of mailboxes, and names them all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

import apsw
import msgspec

from holdfast.care import customers
from holdfast.care.affected import Scope, counted_by_tenant, whom
from holdfast.model.functions import FUNCTIONS
from holdfast.watch.incidents.record import Hit
from holdfast.world import World

OF_OTHERS = ("signup",)  # nothing that who has a mailbox needs


class Cells(msgspec.Struct, frozen=True, array_like=True):
    """A scope as it is kept. ``cells``, ``accounts``: None for all. ``uncertain``: it isn't known whether it
    hits them."""

    cells: tuple[int, ...] | None
    uncertain: bool
    accounts: tuple[int, ...] | None = None

    def has(self, account: Account) -> bool:
        return (self.cells is None or account.cell in self.cells) and (
            self.accounts is None or account.id in self.accounts
        )


class Account(NamedTuple):
    login: str
    cell: int
    id: int = 0


class Mailbox(NamedTuple):
    """``functions``: that don't work for it. ``uncertain``: or of which that isn't known; then no other."""

    login: str
    functions: tuple[str, ...]
    uncertain: bool


class Contact(NamedTuple):
    """'' for what isn't known, isn't proven to be theirs, or was never agreed to. ``tenant``: whose customer,
    0 for the provider's own."""

    customer: int
    contract: str
    phone: str
    address: str
    language: str
    tenant: int = 0


class Hurt(NamedTuple):
    """``customers``: all to tell. ``total``: of customers and mailboxes that it hits now, and of how many."""

    customers: list[Contact]
    total: tuple[Hit, ...]

    @property
    def many(self) -> int:
        """Customers that it hits now."""
        return next((each.count for each in self.total if each.what == "customers"), 0)


def kept(scopes: Mapping[str, Scope]) -> dict[str, Cells]:
    return {
        function: Cells(_sorted(each.cells), each.part == "undecided", _sorted(each.accounts))
        for function, each in scopes.items()
    }


def _sorted(those: Collection[int] | None) -> tuple[int, ...] | None:
    return None if those is None else tuple(sorted(those))


def hurt(
    world: World, path: str, scopes: Mapping[str, Scope], at: float, told_before: Collection[int] = ()
) -> Hurt:
    """Blocks; ``path``: of the snapshot. ``told_before``: who must hear how it goes on. Raises
    ``Unavailable``."""
    total: tuple[Hit, ...] = ()
    theirs = {each: scope for each, scope in scopes.items() if each not in OF_OTHERS}
    if not theirs:  # strangers are hit, and nobody can tell them
        wanted = set(told_before)
    else:
        hit, total = whom(world, path, theirs, at)
        wanted = hit | set(told_before)
    with customers.reading(world, path) as db:
        return Hurt([each for each in _contacts(db) if each.customer in wanted], total)


def contacts(world: World, path: str, ids: Collection[int]) -> dict[int, tuple[Contact, list[Account]]]:
    """Blocks; of these customers. Who is gone meanwhile isn't among them. Raises ``Unavailable``."""
    listed = ", ".join(str(int(each)) for each in ids)
    with customers.reading(world, path) as db:
        found: dict[int, tuple[Contact, list[Account]]] = {
            each.customer: (each, []) for each in _contacts(db, f"id IN ({listed})")
        }
        for customer, login, cell, account in db.execute(
            "SELECT customer, login, cell, id FROM account"
            f" WHERE state = 'active' AND customer IN ({listed}) ORDER BY id"
        ):
            if customer in found:
                found[customer][1].append(Account(login, cell, account))
    return found


def tenants(world: World, path: str) -> dict[int, str]:
    """How their customers know them. Blocks; raises ``Unavailable``."""
    with customers.reading(world, path) as db:
        return {each.id: each.shown for each in customers.tenants(db)}


def of_tenants(world: World, path: str, scopes: Mapping[str, Scope], at: float) -> dict[int, tuple[Hit, ...]]:
    """Of each tenant's customers whom it hits, by the function that hits most. Blocks; raises
    ``Unavailable``."""
    theirs = {each: scope for each, scope in scopes.items() if each not in OF_OTHERS}
    with customers.reading(world, path) as db:
        found = counted_by_tenant(db, theirs, at)
    return {each: max(of.values(), key=lambda hits: hits[0].count) for each, of in found.items()}


def accounts(world: World, path: str, ids: Collection[int]) -> dict[int, list[Account]]:
    """Blocks; the active ones of these customers. Raises ``Unavailable``."""
    found: dict[int, list[Account]] = {each: [] for each in ids}
    with customers.reading(world, path) as db:
        sql = "SELECT customer, login, cell, id FROM account WHERE state = 'active' ORDER BY id"
        for customer, *account in db.execute(sql):
            if customer in found:
                found[customer].append(Account(*account))
    return found


def mailboxes(accounts: Iterable[Account], *scopes: Mapping[str, Cells]) -> list[Mailbox]:
    """``scopes``: of each incident that is open."""
    return [_mailbox(each, scopes) for each in accounts]


def _mailbox(account: Account, scopes: Iterable[Mapping[str, Cells]]) -> Mailbox:
    hit: dict[str, bool] = {}
    for incident in scopes:
        for function, each in incident.items():
            if function not in OF_OTHERS and each.has(account):
                hit[function] = hit.get(function, True) and each.uncertain
    ordered = {each: hit[each] for each in FUNCTIONS if each in hit}
    sure = tuple(function for function, uncertain in ordered.items() if not uncertain)
    return Mailbox(account.login, sure or tuple(ordered), not sure and bool(hit))


def _contacts(db: apsw.Connection, within: str = "1") -> Iterator[Contact]:
    tenants = {each.id for each in customers.tenants(db)}
    for id, contract, phone, proven, address, owned, language, consent, tenant in db.execute(
        "SELECT id, contract, phone, phone_proven_at, address, address_proven_at, language, consent_at,"
        f" tenant FROM customer WHERE {within} ORDER BY id"
    ):
        agreed = consent > 0
        yield Contact(
            id,
            contract,
            phone if agreed and proven > 0 else "",
            address if agreed and owned > 0 else "",
            language,
            tenant if tenant in tenants else 0,
        )
