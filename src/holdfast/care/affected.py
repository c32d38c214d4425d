"""Whom it hits: the exact set, per function and minute, from where accounts lie and what failed.

AFFECTED-1 customers, contracts and mailboxes are counted apart, each beside how many there are in all.
AFFECTED-2 what isn't known exactly is called bounded, with the reason; it is never less than the truth.
AFFECTED-3 who was hit stays so when all goes well again; whom a diagnosis meant that was taken back was not.
AFFECTED-4 what fails by nothing that is named hits its own accounts once it lasts; an accident hits nobody.
AFFECTED-5 a copy of the directory that stands still hits those by name whom it doesn't know as they are, and
the ledger of people those who left and aren't believed to be gone.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import apsw
import msgspec

from holdfast.care import customers
from holdfast.model.errors import ComponentId
from holdfast.model.functions import FUNCTIONS
from holdfast.model.limits import ACTIVE_S, AFFECTED_LASTS_S
from holdfast.watch.diagnosis.report import NamedCause
from holdfast.watch.incidents.incidents import Incident
from holdfast.watch.incidents.record import (
    Closed,
    Diagnosed,
    Failing,
    Found,
    Hit,
    Joined,
    Opened,
    Parted,
    Reopened,
)
from holdfast.watch.signals import PREFIX as SESSIONS
from holdfast.world import World

COLUMNS = ("account", "login", "customer", "contract", "cell", "functions", "active")
MINUTE_S = 60
_THERE = "state = 'active' AND made_at < :until"


class Scope(NamedTuple):
    """``cells``: of the accounts it hits, None for all who may use the function.

    ``part``: why it may be fewer, the key of a reason (``part``, ``undecided``); '' where it is all of them.
    ``behind``: the copy of the directory, or its ledger, that hits whom it doesn't know as they are, '' for
    none;
    ``accounts``: their numbers once they were counted, None for all of those cells.
    """

    cells: frozenset[int] | None = None
    part: str = ""
    behind: ComponentId = ""
    accounts: frozenset[int] | None = None

    def has(self, cell: int, account: int) -> bool:
        return (self.cells is None or cell in self.cells) and (
            self.accounts is None or account in self.accounts
        )


class Row(NamedTuple):
    """One mailbox. ``active``: used in the 30 days before."""

    account: int
    login: str
    customer: int
    contract: str
    cell: int
    functions: tuple[str, ...]
    active: bool


class AffectedSet(NamedTuple):
    """In the minute from ``minute`` on. ``as_of``: when the customers were written down.

    ``bound``: ``bounded``: these at most, because of ``basis``; ``exact``: ``basis`` says by what.
    """

    minute: float
    as_of: float
    counts: dict[str, tuple[Hit, ...]]
    bound: dict[str, Literal["exact", "bounded"]]
    basis: dict[str, str]
    total: tuple[Hit, ...]
    rows: list[Row]


def scopes_of(incident: Incident) -> dict[str, Scope]:
    """Who is hit now. Of a function whose trials go well again, and of an incident that is over: who was hit
    while they didn't."""
    now = {} if incident.closed_at else _failing_now(incident)
    if len(now) == len(incident.functions):
        return _counted(incident, now)
    before = scopes_during(incident)
    return _counted(incident, {each: now.get(each, before[each]) for each in incident.functions})


def scopes_so_far(incident: Incident) -> dict[str, Scope]:
    """Who is hit now or was before, since it was opened or opened again; while it is uncertain whom it hits
    now, anybody may be."""
    now, during = scopes_of(incident), scopes_during(incident)
    if not incident.closed_at:
        again = (each.at for each in reversed(incident.timeline) if isinstance(each, Reopened))
        lately = _hit_since(incident, next(again, 0.0))
        during |= _counted(incident, {each: _together(scopes) for each, scopes in lately.items()})
    return {each: scope if scope.part == "undecided" else during[each] for each, scope in now.items()}


def scopes_during(incident: Incident) -> dict[str, Scope]:
    """Who has been hit at any time since it began, by what stands of the diagnoses. One that was taken back
    hit nobody; before the first that stands, it was uncertain whom."""
    seen = _hit_since(incident, 0.0)
    return _counted(incident, {each: _together(seen.get(each, [])) for each in incident.functions})


def _hit_since(incident: Incident, since: float) -> dict[str, list[Scope]]:
    """By function, in the order of time. What was named before it was opened again and then turned out to be
    mended says nothing of who is hit since."""
    found: dict[str, list[Scope]] = {}
    again, opened_at = Incident(incident.number, incident.opened_at), 0.0
    for entry in incident.timeline:
        if not isinstance(entry, _TELLS):
            continue
        again.apply(entry)
        opened_at = entry.at if isinstance(entry, Reopened) else opened_at
        if isinstance(entry, Found | Diagnosed) and entry.at >= since and again.opinion is not None:
            opinion = incident.opinions[len(again.opinions) - 1]
            if opinion.fate not in _TAKEN_BACK and not (opinion.fate and opinion.at < opened_at):
                for function, scope in _failing_now(again).items():
                    found.setdefault(function, []).append(scope)
    return {each: scopes for each, scopes in found.items() if each in incident.spans}


def _counted(incident: Incident, scopes: dict[str, Scope]) -> dict[str, Scope]:
    """Where it hits single accounts: these, when they were counted (AFFECTED-5)."""
    known = incident.affected.accounts if incident.affected is not None else {}
    return {
        each: scope._replace(part="", accounts=frozenset(known[each]))
        if scope.behind and each in known
        else scope
        for each, scope in scopes.items()
    }


_TAKEN_BACK = ("corrected", "withdrawn")
_TELLS = Opened | Joined | Reopened | Parted | Found | Diagnosed | Closed  # what says what fails and why


def _together(scopes: Sequence[Scope]) -> Scope:
    """Bounded where more than those are meant who were hit for certain."""
    decided = [each for each in scopes if each.part != "undecided"]
    if not decided:
        return Scope(None, "undecided")
    certain = [each.cells for each in decided if not each.part]
    every = _union(each.cells for each in decided)
    behind = {each.behind for each in decided}
    only = behind.pop() if len(behind) == 1 else ""
    return Scope(every, "" if certain and _union(certain) == every else "part", only)


def _failing_now(incident: Incident) -> dict[str, Scope]:
    """Of each function that doesn't go well now. What is named says whom a step that fails hits; while
    nothing is, it may be anybody (AFFECTED-2)."""
    named = incident.opinion is not None and incident.opinion.report.verdict == "named"
    left_out = len(incident.failing) < _failing(incident)
    found: dict[str, Scope] = {}
    for function in incident.functions:
        failing = [each for each in incident.failing if each.function == function]
        if not failing and not left_out:
            continue
        hit = _hit(incident, function, failing, left_out) if named else Scope(None, "undecided")
        if hit is not None:
            found[function] = hit
    return found


def _hit(incident: Incident, function: str, failing: Sequence[Failing], left_out: bool) -> Scope | None:
    """By the causes that are named; None where nothing but an accident fails. ``left_out``: more fails than
    the entry has, by any step that may."""
    assert incident.opinion is not None
    causes = [each for each in incident.opinion.report.causes if function in each.hits]
    blamed = [(each, _blamed(each, causes)) for each in failing]
    met = [each for each, by in blamed if by]
    lasting = [each for each, by in blamed if not by and _lasts(incident, each)]
    if not left_out and _are_sessions(met + lasting or failing) and (behind := _behind(incident, function)):
        return Scope(None, "part", behind)
    if lasting and not met:
        explained = any(function in each.functions for each in incident.opinion.report.causes)
        only_met = explained and _are_sessions(lasting)  # by what no trial passes through
        return Scope(None, "part" if only_met else "undecided")  # or by something else than what is named
    sure = _union(cells for _, by in blamed for cells in by)
    cells = _union((sure, *(_own(each) for each in lasting)))
    if left_out:
        cells = _union((cells, *(_step(steps) for one in causes for steps in one.hits[function].values())))
    if cells is not None and not cells:
        return None
    part = any(each.rate < 1 for each in causes) or _are_sessions(met) or _limited(met)
    part = part or any(incident.opinion.report.kinds.get(each.component) in _FROM_THERE for each in causes)
    return Scope(cells, "part" if part or cells != sure else "")


def _behind(incident: Incident, function: str) -> ComponentId:
    """What people are known by when they sign in, where that alone is named: it serves all but whom it
    doesn't know as they are, when no trial with an account that it knows fails."""
    assert incident.opinion is not None
    names = {each.component for each in incident.opinion.report.causes}
    known_by = next(iter(names)) if len(names) == 1 and function in _SIGNING_IN else ""
    return known_by if known_by.startswith(_COPIES) or known_by == PEOPLE_LEDGER else ""


_FROM_THERE = ("transit",)  # a way from elsewhere: it hits those who come that way
_SIGNING_IN = ("send", "imap", "pop3", "webmail", "password")
PEOPLE_LEDGER: ComponentId = "ledger/people"
_COPIES = tuple(f"copy/{role}-" for role in ("submission", "imap", "pop3", "jmap"))


def _blamed(failing: Failing, causes: Iterable[NamedCause]) -> list[frozenset[int] | None]:
    """Whom each of the causes hits by the step that failed. What real sessions met has steps of its own:
    there it is by any."""
    found = []
    for cause in causes:
        steps = cause.hits[failing.function]
        met = failing.trial.startswith(SESSIONS)
        cells = _union(map(_step, steps.values())) if met else _step(steps.get(failing.step))
        if met and cells is None and failing.cell is not None:
            cells = frozenset((failing.cell,))
        if cells is None or failing.cell in cells or (failing.cell is None and cells):
            found.append(cells)
    return found


def _step(cells: Sequence[int] | None) -> frozenset[int] | None:
    """As a scope has it; nobody's where that step has nothing to do with the cause."""
    if cells is None:
        return frozenset()
    return frozenset(cells) if cells else None


def _own(failing: Failing) -> frozenset[int] | None:
    return None if failing.cell is None else frozenset((failing.cell,))


def _lasts(incident: Incident, failing: Failing) -> bool:
    """It is no accident: a trial that erred is made again at once."""
    return incident.found_at - failing.since >= AFFECTED_LASTS_S


def _are_sessions(failing: Collection[Failing]) -> bool:
    """Whether real sessions alone meet it: all others who came were served."""
    return bool(failing) and all(each.trial.startswith(SESSIONS) for each in failing)


def _limited(failing: Iterable[Failing]) -> bool:
    """Whether those may be hit, or served worse."""
    return any(each.state == "degraded" and not each.trial.startswith(SESSIONS) for each in failing)


def affected(world: World, path: str, scopes: Mapping[str, Scope], at: float) -> AffectedSet:
    """Blocks; ``path``: of the snapshot. Raises ``Unavailable``."""
    ordered = {each: scopes[each] for each in FUNCTIONS if each in scopes}
    with customers.reading(world, path) as db:
        counting = _Counting(db, _times(at))
        return AffectedSet(
            at // MINUTE_S * MINUTE_S,
            customers.made(db).made_at,
            {each: counting.hits([scope]) for each, scope in ordered.items()},
            {each: "bounded" if scope.part else "exact" for each, scope in ordered.items()},
            {each: _basis(scope) for each, scope in ordered.items()},
            counting.hits(ordered.values()),
            list(_rows(db, _times(at), ordered)),
        )


def whom(world: World, path: str, scopes: Mapping[str, Scope], at: float) -> tuple[set[int], tuple[Hit, ...]]:
    """The customers alone, and how many there are of each. Blocks; raises ``Unavailable``."""
    with customers.reading(world, path) as db:
        within = _within(scopes.values())
        those = db.execute(f"SELECT DISTINCT customer FROM account a WHERE {_THERE} AND {within}", _times(at))
        found = {each for (each,) in those}
        return found, _Counting(db, _times(at)).hits(scopes.values())


class _Counting:
    """Whoever is hit alike is counted once."""

    def __init__(self, db: apsw.Connection, values: dict[str, float]) -> None:
        self._db = db
        self._values = values
        self._known: dict[str, tuple[int, ...]] = {}

    def hits(self, scopes: Iterable[Scope]) -> tuple[Hit, ...]:
        return _hits(self._count(scopes), self._count([Scope()]))

    def _count(self, scopes: Iterable[Scope]) -> tuple[int, ...]:
        within = _within(scopes)
        if within not in self._known:
            [(_, self._known[within])] = _counts(self._db, self._values, within)
        return self._known[within]


Counts = dict[str, tuple[Hit, ...]]  # by function


def counted_by_tenant(db: apsw.Connection, scopes: Mapping[str, Scope], at: float) -> dict[int, Counts]:
    """Of each tenant's customers, and of how many it has; without functions and tenants that it hits none
    of."""
    values = _times(at)
    whole = dict(_counts(db, values, _within([Scope()]), "tenant"))
    found: dict[int, Counts] = {}
    for function in (each for each in FUNCTIONS if each in scopes):
        for tenant, count in _counts(db, values, _within([scopes[function]]), "tenant"):
            found.setdefault(tenant, {})[function] = _hits(count, whole[tenant])
    return found


def _times(at: float) -> dict[str, float]:
    minute = at // MINUTE_S * MINUTE_S
    return {"until": minute + MINUTE_S, "used": minute - ACTIVE_S}


def as_csv(found: AffectedSet) -> str:
    """RFC 4180; functions with spaces between."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows((*row[:5], " ".join(row.functions), int(row.active)) for row in found.rows)
    return file.getvalue()


def as_json(found: AffectedSet) -> bytes:
    """One object; the list is ``mailboxes``."""
    return msgspec.json.encode(summary(found) | {"mailboxes": [row._asdict() for row in found.rows]})


def summary(found: AffectedSet) -> dict[str, Any]:
    functions = {
        each: {"counts": _plain(hits), "bound": found.bound[each], "basis": found.basis[each]}
        for each, hits in found.counts.items()
    }
    return {
        "minute": found.minute,
        "as_of": found.as_of,
        "functions": functions,
        "total": _plain(found.total),
    }


def digest(data: bytes) -> str:
    """As an entry of the incident names the list."""
    return hashlib.sha256(data).hexdigest()


def _plain(hits: Iterable[Hit]) -> dict[str, dict[str, int]]:
    return {hit.what: {"count": hit.count, "of": hit.of} for hit in hits}


def _failing(incident: Incident) -> int:
    """How many trials don't go well in all, by the last entry that says so."""
    return next((entry.count for entry in reversed(incident.timeline) if isinstance(entry, Found)), 0)


def _union(scopes: Iterable[frozenset[int] | None]) -> frozenset[int] | None:
    cells: frozenset[int] = frozenset()
    for each in scopes:
        if each is None:
            return None
        cells |= each
    return cells


def _basis(scope: Scope) -> str:
    if scope.part:
        return scope.part
    return "accounts" if scope.accounts is not None else "all" if scope.cells is None else "cells"


def _within(scopes: Iterable[Scope]) -> str:
    """Those whom any of them hits; alike for scopes that mean the same."""
    found = sorted({_clause(each) for each in scopes})
    if "1" in found:
        return "1"
    return f"({' OR '.join(found)})" if found else "0"


def _clause(scope: Scope) -> str:
    listed = (("cell", scope.cells), ("a.id", scope.accounts))
    found = [
        f"{column} IN ({', '.join(str(int(each)) for each in sorted(those))})"
        for column, those in listed
        if those is not None
    ]
    return f"({' AND '.join(found)})" if found else "1"


def _counts(
    db: apsw.Connection, values: dict[str, float], within: str, by: str = ""
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Customers, contracts, mailboxes, and those of them that are active; ``by``: for each value of that
    column of the customers, else once for all."""
    rows = db.execute(
        f"SELECT {f'c.{by}' if by else '0'}, count(DISTINCT customer), count(DISTINCT contract), count(*),"
        " coalesce(sum(last_used_at >= :used), 0)"
        " FROM account a JOIN customer c ON c.id = a.customer"
        f" WHERE {_THERE} AND {within}{f' GROUP BY c.{by}' if by else ''}",
        values,
    )
    for value, *count in rows:
        yield int(value), tuple(map(int, count))


def _hits(count: tuple[int, ...], whole: tuple[int, ...]) -> tuple[Hit, ...]:
    names = ("customers", "contracts", "mailboxes", "active")
    return tuple(Hit(what=name, count=each, of=of) for name, each, of in zip(names, count, whole))


def _rows(db: apsw.Connection, values: dict[str, float], scopes: Mapping[str, Scope]) -> Iterator[Row]:
    single = any(each.accounts is not None for each in scopes.values())
    known: dict[tuple[int, int], tuple[str, ...]] = {}
    for account, login, customer, contract, cell, active in db.execute(
        "SELECT a.id, login, customer, contract, cell, last_used_at >= :used"
        " FROM account a JOIN customer c ON c.id = a.customer"
        f" WHERE {_THERE} AND {_within(scopes.values())} ORDER BY a.id",
        values,
    ):
        place = cell, account if single else 0
        functions = known.get(place)
        if functions is None:
            hit = [name for name, scope in scopes.items() if scope.has(cell, account)]
            functions = known[place] = tuple(hit)
        yield Row(account, login, customer, contract, cell, functions, bool(active))
