"""A notice as it is laid down: in which words, and for whom. It is held where something speaks against it.

TELL-6 a notice that would go to far more customers than were counted as affected is held, and that is said.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec

from holdfast.care.affected import Scope, scopes_during, scopes_of
from holdfast.care.notices.due import NoticeDue, said_of
from holdfast.care.notices.kept import Body, Notice
from holdfast.care.notices.recipients import (
    Account,
    Contact,
    Hurt,
    accounts,
    hurt,
    kept,
    of_tenants,
    tenants,
)
from holdfast.care.notices.together import Along, Beside, Reading, along, reading
from holdfast.care.notices.words import Composer, Facts, Words, works
from holdfast.care.turns import Seen
from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import NOTICE_SLACK
from holdfast.pages.texts import Texts
from holdfast.watch.incidents.incidents import Incident
from holdfast.watch.incidents.record import Affected, Hit
from holdfast.world import World

ALONE = Beside()


class Plan(NamedTuple):
    """``alongs``: who isn't told by it, as another notice tells him."""

    notice: Notice
    customers: list[Contact]
    alongs: list[Along]


class Planner:
    """``snapshot``: of the customers. ``name``: whose service it is."""

    def __init__(self, world: World, snapshot: str, texts: Texts, name: str, most_share: float) -> None:
        self._world = world
        self._snapshot = snapshot
        self._texts = texts
        self._name = name
        self._most_share = most_share

    def plan(
        self,
        seen: Seen,
        incident: Incident,
        due: NoticeDue,
        number: int,
        told_before: Collection[int],
        beside: Beside = ALONE,
    ) -> Plan:
        """Blocks. Raises ``Refused`` for what is to be held, with the reason, and ``Unavailable``."""
        scopes = {} if incident.closed_at else scopes_of(incident)
        if due.quiet:  # nobody is told by himself
            found = Hurt([], ())
        else:
            found = hurt(self._world, self._snapshot, scopes, seen.at, told_before)
            self._check(incident, scopes, found)
        still = _failing_elsewhere(seen, incident) if incident.closed_at else set[str]()
        facts = Facts(
            incident,
            due,
            seen.at,
            found.total or _most(incident.affected),
            any(each.part for each in scopes.values()),
            works(seen.now, seen.incidents, seen.at),
            tuple(each for each in due.said.functions if each in still),
            tuple(each for each in due.said.functions if each not in still) if incident.closed_at else (),
        )
        composer = Composer(self._texts, seen.incidents, self._name)
        words = composer.words(facts)
        body = Body(
            due.said, due.promise, due.next_at, due.quiet, kept(scopes), words, beside.others, beside.left
        )
        plan = Plan(Notice(incident.number, number, seen.at, due.about, body), found.customers, [])
        if due.quiet or not (beside.others or beside.left or any(each.tenant for each in found.customers)):
            return plan
        plan, readings = self._sorted(plan, due, beside, seen.at)
        during = scopes_during(incident) if incident.closed_at else scopes
        return _with(plan, self._read(seen, plan.notice, readings, facts, during))

    def joining(
        self, seen: Seen, incident: Incident, notice: Notice, known: Collection[int], beside: Beside = ALONE
    ) -> Plan:
        """Who is hit by now and hasn't been told. Blocks; raises as ``plan``."""
        scopes = scopes_of(incident)
        found = hurt(self._world, self._snapshot, scopes, seen.at)
        self._check(incident, scopes, found)
        before = {each.incident for each in notice.body.others if each.state != "silent"}
        later = (
            msgspec.structs.replace(each, later=True)
            for each in beside.others
            if each.incident not in before and each.state == "open"
        )
        body = msgspec.structs.replace(
            notice.body,
            said=said_of(incident, seen.at),
            scopes=kept(scopes),
            others=(*notice.body.others, *later),
        )
        new = [each for each in found.customers if each.customer not in known]
        plan = Plan(notice._replace(body=body), new, [])
        if not new or not (beside.others or any(each.tenant for each in new)):
            return plan
        plan, readings = self._sorted(plan, None, beside._replace(others=body.others), seen.at)
        known_ones = {each for each, _ in body.readings}
        readings = [each for each in readings if each not in known_ones]
        due = NoticeDue("opened", body.said, body.promise, body.next_at)  # to them, it is new
        facts = Facts(incident, due, seen.at, found.total, False, works(seen.now, seen.incidents, seen.at))
        return _with(plan, [*body.readings, *self._read(seen, plan.notice, readings, facts, scopes)])

    def _read(
        self,
        seen: Seen,
        notice: Notice,
        readings: Sequence[Reading],
        facts: Facts,
        scopes: Mapping[str, Scope],
    ) -> list[tuple[Reading, dict[str, Words]]]:
        """The words of each. ``facts``: as everybody reads them; ``scopes``: whom it hits, or hit."""
        others = {each.incident: each for each in notice.body.others}
        names, theirs = {0: self._name}, dict[int, Sequence[Hit]]()
        if any(each.tenant for each in readings):
            names |= tenants(self._world, self._snapshot)
            theirs |= of_tenants(self._world, self._snapshot, scopes, seen.at)
        found = []
        for each in readings:
            composer = Composer(self._texts, seen.incidents, names.get(each.tenant, self._name))
            own = facts._replace(still=(), again=each.works, since=each.since)
            if each.tenant:
                own = own._replace(total=theirs.get(each.tenant, ()))
            base = notice.body.words if own == facts and not each.tenant else composer.words(own)
            found.append((each, composer.read(base, each, others, seen.at)))
        return found

    def _sorted(
        self, plan: Plan, due: NoticeDue | None, beside: Beside, now: float
    ) -> tuple[Plan, list[Reading]]:
        """Without those whom another notice tells; and how the others read it."""
        own, is_over = plan.notice.own, due is not None and due.about == "ended"
        theirs = accounts(self._world, self._snapshot, {each.customer for each in plan.customers})
        customers: list[Contact] = []
        alongs: list[Along] = []
        readings: dict[Reading, None] = {}
        for contact in plan.customers:
            mailboxes: list[Account] = theirs[contact.customer]
            if (by := along(contact.customer, mailboxes, own, due, beside, now)) is not None:
                alongs.append(by)
            else:
                customers.append(contact)
                tenant = contact.tenant
                by_him = reading(mailboxes, own.said, is_over=is_over, beside=beside, tenant=tenant)
                readings[by_him] = None
        return Plan(plan.notice, customers, alongs), list(readings)

    def _check(self, incident: Incident, scopes: dict[str, Scope], found: Hurt) -> None:
        if incident.affected is None or incident.closed_at:
            return
        of_each = _customers(incident.affected)
        counted = max(of_each, default=0) if len(set(scopes.values())) == 1 else sum(of_each)
        if found.many > counted * self._most_share + NOTICE_SLACK:
            raise Refused(
                Reason.LIMIT, f"it would go to {found.many} customers, and {counted} are counted as affected"
            )


def _with(plan: Plan, readings: Sequence[tuple[Reading, dict[str, Words]]]) -> Plan:
    body = msgspec.structs.replace(plan.notice.body, readings=tuple(readings))
    return plan._replace(notice=plan.notice._replace(body=body))


def _failing_elsewhere(seen: Seen, incident: Incident) -> set[str]:
    """What doesn't work by any other incident, for whomever (TELL-8)."""
    return {
        function
        for each in seen.incidents.open()
        if each.number != incident.number
        for function in each.active
    }


def _customers(affected: Affected) -> list[int]:
    return [hit.count for hits in affected.counts.values() for hit in hits if hit.what == "customers"]


def _most(affected: Affected | None) -> Sequence[Hit]:
    """Of the function that hits most."""
    if affected is None or not affected.counts:
        return ()
    return max(affected.counts.values(), key=lambda hits: [each.count for each in hits])
