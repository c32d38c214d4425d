"""What everybody is owed for one incident by one policy, from the record of incidents, the snapshot of
customers and their contracts' fees. No process is needed for it.

CREDIT-5 a contract is owed for the functions that failed where its mailboxes lie, and for no others; whose
fee isn't known is named, and nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import apsw

from holdfast.care import customers
from holdfast.care.affected import Scope, scopes_during
from holdfast.care.credits.calendar import Span
from holdfast.care.credits.fees import Fee
from holdfast.care.credits.policies import Contract, Credit, Flat, Policy, Suffered
from holdfast.model.limits import CREDIT_BEFORE_S, INCIDENT_REOPEN_S
from holdfast.watch.incidents.incidents import Incident, Incidents
from holdfast.world import World

_OF_STRANGERS = ("signup",)  # who can't become a customer has no contract


class Owed(NamedTuple):
    """``credits``: of the contracts that get something, by name. ``unknown``: whose fee nobody told.

    ``bounded``: it isn't certain that all of them were hit.
    """

    incident: int
    policy: Policy
    at: float
    final: bool
    credits: tuple[Credit, ...]
    unknown: tuple[str, ...]
    bounded: bool

    @property
    def total(self) -> dict[str, int]:
        """Cents by currency."""
        found: dict[str, int] = {}
        for credit in self.credits:
            currency = credit.contract.currency
            found[currency] = found.get(currency, 0) + credit.amount
        return found


class Owing(NamedTuple):
    """What one contract is owed for an incident, so far or (``final``) in all."""

    incident: int
    credit: Credit
    final: bool


class _Outage(NamedTuple):
    """An incident, and whom it hit. ``named``: contracts of a function that hit single accounts."""

    spans: Mapping[str, Sequence[Span]]
    scopes: Mapping[str, Scope]
    reported_at: float
    named: Mapping[str, frozenset[str]]

    def within(self, cells: frozenset[int]) -> tuple[str, ...]:
        """The functions that failed in one of these cells."""
        return tuple(
            each for each, scope in self.scopes.items() if scope.cells is None or scope.cells & cells
        )

    def hit(self, contract: str, functions: tuple[str, ...]) -> tuple[str, ...]:
        """Of these, those that failed for the contract."""
        if not self.named:
            return functions
        return tuple(each for each in functions if contract in self.named.get(each, {contract}))

    def suffered(self, contract: Contract, hit: tuple[str, ...]) -> Suffered:
        return Suffered(contract, {each: self.spans[each] for each in hit}, self.reported_at)


def owed(
    world: World,
    path: str,
    incidents: Incidents,
    incident: Incident,
    policy: Policy,
    fees: Mapping[str, Fee],
    now: float,
    currency: str = "EUR",
) -> Owed:
    """``path``: of the snapshot. ``currency``: of what is given to contracts whose fee doesn't matter.
    Blocks. Raises ``Unavailable``."""
    with customers.reading(world, path) as db:
        outages = [_outage(db, each, now) for each in (incident, *_before(incidents, incident))]
    credits: list[Credit] = []
    unknown: list[str] = []
    alike: dict[tuple[Fee, tuple[tuple[str, ...], ...]], Credit] = {}  # most differ by their name alone
    failed: dict[frozenset[int], list[tuple[str, ...]]] = {}
    for name, cells, mailboxes in _contracts(world, path, now):
        if cells not in failed:
            failed[cells] = [each.within(cells) for each in outages]
        hits = tuple(each.hit(name, those) for each, those in zip(outages, failed[cells]))
        if not set(hits[0]) & set(policy.functions or hits[0]):
            continue
        fee = fees.get(name) or (Fee(0, currency) if isinstance(policy.rule, Flat) else None)
        if fee is None:
            unknown.append(name)
            continue
        contract = Contract(name, fee.amount, fee.currency, mailboxes)
        if (fee, hits) not in alike:
            first, *before = (each.suffered(contract, hit) for each, hit in zip(outages, hits))
            alike[fee, hits] = policy.credit(first, now, before)
        if alike[fee, hits].items:
            credits.append(alike[fee, hits]._replace(contract=contract))
    bounded = any(scope.part for scope in outages[0].scopes.values())
    final = is_final(incident, now)
    return Owed(incident.number, policy, now, final, tuple(credits), tuple(unknown), bounded)


def is_final(incident: Incident, now: float) -> bool:
    """It is over, and won't be opened again."""
    return bool(incident.closed_at) and now - incident.closed_at >= INCIDENT_REOPEN_S


def _outage(db: apsw.Connection, incident: Incident, now: float) -> _Outage:
    scopes = {each: scope for each, scope in scopes_during(incident).items() if each not in _OF_STRANGERS}
    spans = {each: [Span(one.since, one.until or now) for one in incident.spans[each]] for each in scopes}
    told = incident.reported
    known_at = incident.opened_at if told is None else min(incident.opened_at, told.first_at)
    named = {
        each: customers.contracts_of(db, scope.accounts)
        for each, scope in scopes.items()
        if scope.accounts is not None
    }
    return _Outage(spans, scopes, known_at, named)


def _before(incidents: Incidents, incident: Incident) -> Iterator[Incident]:
    """Those that may have a day or a month in common with it, and are credited first."""
    for each in incidents:
        ended = each.ended_at or incident.since
        if each.number < incident.number and incident.since - ended < CREDIT_BEFORE_S:
            yield each


def _contracts(world: World, path: str, now: float) -> Iterator[tuple[str, frozenset[int], int]]:
    """Each with the cells of its mailboxes, and how many it has; by name."""
    with customers.reading(world, path) as db:
        rows: Iterable[tuple[str, int, int]] = db.execute(
            "SELECT contract, cell, count(*) FROM account a JOIN customer c ON c.id = a.customer"
            " WHERE state = 'active' AND made_at < ? GROUP BY contract, cell ORDER BY contract",
            (now,),
        )
        name, cells, mailboxes = "", set[int](), 0
        for contract, cell, count in rows:
            if contract != name and cells:
                yield name, frozenset(cells), mailboxes
                cells, mailboxes = set(), 0
            name, mailboxes = contract, mailboxes + count
            cells.add(cell)
        if cells:
            yield name, frozenset(cells), mailboxes
