"""A notice as it is laid down: in which words, and for whom. It is held where something speaks against it.

TELL-6 a notice that would go to far more customers than were counted as affected is held, and that is said.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from holdfast.care.affected import Scope, scopes_of
from holdfast.care.notices.due import NoticeDue, said_of
from holdfast.care.notices.kept import Body, Notice
from holdfast.care.notices.recipients import Contact, Hurt, hurt, kept
from holdfast.care.notices.words import Composer, Facts, works
from holdfast.care.turns import Seen
from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import NOTICE_SLACK
from holdfast.pages.texts import Texts
from holdfast.watch.incidents.incidents import Incident
from holdfast.watch.incidents.record import Affected, Hit
from holdfast.world import World


class Plan(NamedTuple):
    notice: Notice
    customers: list[Contact]


class Planner:
    """``snapshot``: of the customers. ``name``: whose service it is."""

    def __init__(self, world: World, snapshot: str, texts: Texts, name: str, most_share: float) -> None:
        self._world = world
        self._snapshot = snapshot
        self._texts = texts
        self._name = name
        self._most_share = most_share

    def plan(
        self, seen: Seen, incident: Incident, due: NoticeDue, number: int, told_before: Collection[int]
    ) -> Plan:
        """Blocks. Raises ``Refused`` for what is to be held, with the reason, and ``Unavailable``."""
        scopes = {} if incident.closed_at else scopes_of(incident)
        if due.quiet:  # nobody is told by himself
            found = Hurt([], ())
        else:
            found = hurt(self._world, self._snapshot, scopes, seen.at, told_before)
            self._check(incident, scopes, found)
        facts = Facts(
            incident,
            due,
            seen.at,
            found.total or _most(incident.affected),
            any(each.part for each in scopes.values()),
            works(seen.now, seen.incidents, seen.at),
        )
        words = Composer(self._texts, seen.incidents, self._name).words(facts)
        body = Body(due.said, due.promise, due.next_at, due.quiet, kept(scopes), words)
        return Plan(Notice(incident.number, number, seen.at, due.about, body), found.customers)

    def joining(self, seen: Seen, incident: Incident, notice: Notice, known: Collection[int]) -> Plan:
        """Who is hit by now and hasn't been told. Blocks; raises as ``plan``."""
        scopes = scopes_of(incident)
        found = hurt(self._world, self._snapshot, scopes, seen.at)
        self._check(incident, scopes, found)
        body = notice.body
        body = Body(
            said_of(incident, seen.at), body.promise, body.next_at, body.quiet, kept(scopes), body.words
        )
        new = [each for each in found.customers if each.customer not in known]
        return Plan(notice._replace(body=body), new)

    def _check(self, incident: Incident, scopes: dict[str, Scope], found: Hurt) -> None:
        if incident.affected is None or incident.closed_at:
            return
        of_each = _customers(incident.affected)
        counted = max(of_each, default=0) if len(set(scopes.values())) == 1 else sum(of_each)
        if found.many > counted * self._most_share + NOTICE_SLACK:
            raise Refused(
                Reason.LIMIT, f"it would go to {found.many} customers, and {counted} are counted as affected"
            )


def _customers(affected: Affected) -> list[int]:
    return [hit.count for hits in affected.counts.values() for hit in hits if hit.what == "customers"]


def _most(affected: Affected | None) -> Sequence[Hit]:
    """Of the function that hits most."""
    if affected is None or not affected.counts:
        return ()
    return max(affected.counts.values(), key=lambda hits: [each.count for each in hits])
