"""Makes the own pages of customers whom an incident hits or has hit these days: their links are in notices.

They are made when what they say changes and every hour, beside everybody's page, which waits for none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple

import apsw

from holdfast.care import customers
from holdfast.care.affected import scopes_during
from holdfast.care.credits.owing import Owing
from holdfast.care.status import tenants
from holdfast.care.status.customer import Customers
from holdfast.care.status.many import Many
from holdfast.care.status.page import Known, Look, Page
from holdfast.care.status.shelf import Shelf
from holdfast.care.status.tenants import Places
from holdfast.care.turns import Seen
from holdfast.model.limits import (
    CARE_AFTER_S,
    INCIDENT_UPDATE_S,
    STATUS_OWN_PAUSE_S,
    STATUS_OWN_S,
    STATUS_PAST_S,
    STATUS_TENANTS,
)
from holdfast.pages.texts import LANGUAGES, Texts
from holdfast.watch.incidents.incidents import Incident
from holdfast.watch.incidents.record import AnyEntry
from holdfast.world import World


class Theirs(NamedTuple):
    """``customers``: path of the snapshot; ``key``: for the names of pages. ``owing``: to a contract by now;
    ``owed``: what has to be the same for that to be. ``places``: of tenants' pages."""

    customers: str
    key: bytes
    owing: Callable[[str], Sequence[Owing]]
    owed: Callable[[], object]
    places: Places = {}


class OwnPagesPart:
    name = "own pages"
    every_s = 3.0

    def __init__(self, world: World, look: Look, texts: Texts, theirs: Theirs, shelf: Shelf) -> None:
        self._world = world
        self._look = look
        self._texts = texts
        self._theirs = theirs
        self._shelf = shelf
        self._tenants = tenants.Theirs()
        self._made: tuple[float, object] | None = None

    async def turn(self, seen: Seen) -> list[AnyEntry]:
        if self._made is not None and 0 <= seen.at - self._made[0] < STATUS_OWN_PAUSE_S:
            return []
        recent = [each for each in seen.incidents if _is_recent(each, seen.at)]
        if self._made is not None and not recent and self._made[1] == ():
            return []  # nobody has any
        page = await self._world.offload(self._page, seen)
        material = self._material(page, recent, seen.at) if recent else ()
        if self._made is None or self._made[1] != material:
            self._shelf.put_own(await self._world.offload(self._make, page, recent, material))
            self._made = seen.at, material
        return []

    def _page(self, seen: Seen) -> Page:
        findings = seen.now.findings if seen.now is not None else ()
        known = Known(seen.at, findings, seen.incidents, {}, seen.at + INCIDENT_UPDATE_S)
        return Page(known, self._look, self._texts)

    def _make(self, page: Page, recent: Sequence[Incident], material: object) -> Many:
        """Blocks. Raises ``Unavailable``: what was made before stays."""
        cells = _cells(recent)
        with customers.reading(self._world, self._theirs.customers) as db:
            made = Many(self._customers(db, page), material)
            if cells is None or cells:
                for customer, tenant, contract, language, accounts in customers.with_accounts(db, cells):
                    spoken = language if language in LANGUAGES else self._look.language
                    made.add(customer, accounts, spoken, self._theirs.owing(contract), tenant)
        return made

    def _customers(self, db: apsw.Connection, page: Page) -> dict[int, Customers]:
        """By tenant, each as its own page says it (TENANT-1)."""
        key, places = self._theirs.key, self._theirs.places
        found = {0: Customers(page, key)}
        for each in islice(self._tenants.tenants(db), STATUS_TENANTS):
            look = tenants.look_of(each.row, self._look, places)
            theirs = Page(self._tenants.known(db, each, page.known), look, self._texts)
            folder = tenants.place_of(each.row.id, places, self._look.url).folder
            found[each.row.id] = Customers(theirs, key, f"{folder}/")
        return found

    def _material(self, page: Page, recent: Sequence[Incident], now: float) -> object:
        """What they depend on beside what each is made of."""
        told = tuple(
            (
                each.number,
                self._due(page, each),
                len(each.estimates),
                len(each.opinions),
                each.closed_at,
                tuple(each.affected.accounts.items()) if each.affected is not None else (),
            )
            for each in recent
        )
        states = tuple((each.function, each.state) for each in page.lines)
        return told, states, self._theirs.owed(), now // STATUS_OWN_S

    @staticmethod
    def _due(page: Page, incident: Incident) -> float:
        """Of the next update; where nobody promised one, the page's own time for it moves on seldom."""
        due = page.due.get(incident.number, 0.0)
        return due if due != page.known.next_update else due // STATUS_PAST_S


def _is_recent(incident: Incident, now: float) -> bool:
    return not incident.closed_at or now - incident.closed_at < CARE_AFTER_S


def _cells(incidents: Sequence[Incident]) -> frozenset[int] | None:
    """Of those whom one of them hit; None for all."""
    found: frozenset[int] = frozenset()
    for incident in incidents:
        for scope in scopes_during(incident).values():
            if scope.cells is None:
                return None
            found |= scope.cells
    return found
