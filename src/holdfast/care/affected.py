"""Whom it hits: the exact set, per function and minute, from where accounts lie and what failed.

AFFECTED-1 customers, contracts and mailboxes are counted apart, each beside how many there are in all.
AFFECTED-2 what isn't known exactly is called bounded, with the reason; it is never less than the truth.
AFFECTED-3 who was hit stays so when all goes well again; whom a diagnosis meant that was taken back was not.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Literal, NamedTuple

import apsw
import msgspec

from holdfast.care import customers
from holdfast.model.functions import FUNCTIONS
from holdfast.model.limits import ACTIVE_S
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
from holdfast.world import World

COLUMNS = ("account", "login", "customer", "contract", "cell", "functions", "active")
MINUTE_S = 60
_THERE = "state = 'active' AND made_at < :until"


class Scope(NamedTuple):
    """``cells``: of the accounts it hits, None for all who may use the function.

    ``part``: why it may be fewer, the key of a reason (``part``, ``undecided``); '' where it is all of them.
    """

    cells: frozenset[int] | None = None
    part: str = ""


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
        return now
    before = scopes_during(incident)
    return {each: now.get(each, before[each]) for each in incident.functions}


def scopes_during(incident: Incident) -> dict[str, Scope]:
    """Who has been hit at any time since it began, by what stands of the diagnoses. One that was taken back
    hit nobody; before the first that stands, it was uncertain whom."""
    seen: dict[str, list[Scope]] = {}
    again = Incident(incident.number, incident.opened_at)
    for entry in incident.timeline:
        if not isinstance(entry, _TELLS):
            continue
        again.apply(entry)
        if isinstance(entry, Found | Diagnosed) and again.opinion is not None:
            place = len(again.opinions) - 1
            if incident.opinions[place].fate not in _TAKEN_BACK:
                for function, scope in _failing_now(again).items():
                    seen.setdefault(function, []).append(scope)
    return {each: _together(seen.get(each, [])) for each in incident.functions}


_TAKEN_BACK = ("corrected", "withdrawn")
_TELLS = Opened | Joined | Reopened | Parted | Found | Diagnosed | Closed  # what says what fails and why


def _together(scopes: Sequence[Scope]) -> Scope:
    """Bounded where more than those are meant who were hit for certain."""
    decided = [each for each in scopes if each.part != "undecided"]
    if not decided:
        return Scope(None, "undecided")
    certain = [each.cells for each in decided if not each.part]
    every = _union(each.cells for each in decided)
    return Scope(every, "" if certain and _union(certain) == every else "part")


def _failing_now(incident: Incident) -> dict[str, Scope]:
    """The accounts of some cells where the cause lies in these, and nobody else's trial failed; else all who
    may use the function, since another cell may not have been tried yet (AFFECTED-2)."""
    found: dict[str, Scope] = {}
    part, causes = _uncertain(incident), _cells_of(incident)
    left_out = len(incident.failing) < _failing(incident)
    for function in incident.functions:
        failing = [each for each in incident.failing if each.function == function]
        tried = frozenset(each.cell for each in failing if each.cell is not None)
        if not failing and not left_out:
            continue
        if left_out or any(each.cell is None for each in failing):
            found[function] = Scope(None, part or _partly(failing))
        elif causes is None:
            found[function] = Scope(None, part or "part")
        else:
            found[function] = Scope(causes | tried, part or _partly(failing))
    return found


def _cells_of(incident: Incident) -> frozenset[int] | None:
    """That the causes lie in; None where one lies elsewhere, or isn't named."""
    opinion = incident.opinion
    if opinion is None or opinion.report.verdict != "named":
        return None
    found = [each.cells for each in opinion.report.causes]
    return frozenset(chain.from_iterable(found)) if all(found) else None


def affected(world: World, path: str, scopes: Mapping[str, Scope], at: float) -> AffectedSet:
    """Blocks; ``path``: of the snapshot. Raises ``Unavailable``."""
    minute = at // MINUTE_S * MINUTE_S
    ordered = [each for each in FUNCTIONS if each in scopes]
    with customers.reading(world, path) as db:
        values = {"until": minute + MINUTE_S, "used": minute - ACTIVE_S}
        whole = _count(db, values, None)
        counts = {each: _hits(_count(db, values, scopes[each].cells), whole) for each in ordered}
        union = _union(scopes[each].cells for each in ordered)
        total = _hits(_count(db, values, union), whole)
        rows = list(_rows(db, values, union, {each: scopes[each].cells for each in ordered}))
        made = customers.made(db)
    return AffectedSet(
        minute,
        made.made_at,
        counts,
        {each: "bounded" if scopes[each].part else "exact" for each in ordered},
        {each: scopes[each].part or ("all" if scopes[each].cells is None else "cells") for each in ordered},
        total,
        rows,
    )


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


def _uncertain(incident: Incident) -> str:
    opinion = incident.opinion
    if opinion is None or opinion.report.verdict != "named":
        return "undecided"
    return "part" if any(cause.rate < 1 for cause in opinion.report.causes) else ""


def _failing(incident: Incident) -> int:
    """How many trials don't go well in all, by the last entry that says so."""
    return next((entry.count for entry in reversed(incident.timeline) if isinstance(entry, Found)), 0)


def _partly(failing: Iterable[Failing]) -> str:
    return "part" if any(each.state == "degraded" for each in failing) else ""


def _union(scopes: Iterable[frozenset[int] | None]) -> frozenset[int] | None:
    cells: frozenset[int] = frozenset()
    for each in scopes:
        if each is None:
            return None
        cells |= each
    return cells


def _within(cells: frozenset[int] | None) -> str:
    return "1" if cells is None else f"cell IN ({', '.join(str(int(each)) for each in sorted(cells))})"


def _count(db: apsw.Connection, values: dict[str, float], cells: frozenset[int] | None) -> tuple[int, ...]:
    """Customers, contracts, mailboxes, and those of them that are active."""
    row = db.execute(
        "SELECT count(DISTINCT customer), count(DISTINCT contract), count(*),"
        " coalesce(sum(last_used_at >= :used), 0)"
        " FROM account a JOIN customer c ON c.id = a.customer"
        f" WHERE {_THERE} AND {_within(cells)}",
        values,
    ).fetchone()
    assert row is not None
    return tuple(map(int, row))


def _hits(count: tuple[int, ...], whole: tuple[int, ...]) -> tuple[Hit, ...]:
    names = ("customers", "contracts", "mailboxes", "active")
    return tuple(Hit(what=name, count=each, of=of) for name, each, of in zip(names, count, whole))


def _rows(
    db: apsw.Connection,
    values: dict[str, float],
    union: frozenset[int] | None,
    scopes: Mapping[str, frozenset[int] | None],
) -> Iterator[Row]:
    by_cell: dict[int, tuple[str, ...]] = {}
    for account, login, customer, contract, cell, active in db.execute(
        "SELECT a.id, login, customer, contract, cell, last_used_at >= :used"
        " FROM account a JOIN customer c ON c.id = a.customer"
        f" WHERE {_THERE} AND {_within(union)} ORDER BY a.id",
        values,
    ):
        functions = by_cell.get(cell)
        if functions is None:
            hit = [name for name, cells in scopes.items() if cells is None or cell in cells]
            functions = by_cell[cell] = tuple(hit)
        yield Row(account, login, customer, contract, cell, functions, bool(active))
