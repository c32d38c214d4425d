"""Makes the status page: at once when something changed, and every half minute anyway. What it can't know is
shown as not known; a part of it that can't be made keeps no other from being published."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from holdfast.care import customers
from holdfast.care.affected import scopes_during
from holdfast.care.credits.owing import Owing
from holdfast.care.events import STATUS_PLANS_LEFT_OUT
from holdfast.care.status.customer import Customers
from holdfast.care.status.feeds import Maintenance
from holdfast.care.status.kept import keep_watched, read_watched
from holdfast.care.status.lines import Watched, watched_further
from holdfast.care.status.many import Many
from holdfast.care.status.page import Files, Known, Look, Page, incident_page
from holdfast.care.status.shelf import Shelf
from holdfast.care.turns import Seen
from holdfast.model.errors import Refused
from holdfast.model.limits import (
    CARE_AFTER_S,
    INCIDENT_UPDATE_S,
    STATUS_EVERY_S,
    STATUS_OWN_PAUSE_S,
    STATUS_OWN_S,
    STATUS_PAST_S,
)
from holdfast.pages.texts import LANGUAGES, Texts
from holdfast.watch.incidents.incidents import Incident, Incidents
from holdfast.watch.incidents.record import AnyEntry
from holdfast.world import World


class Sources(NamedTuple):
    """``planned``: raises ``Refused``, ``OSError``. ``customers``: path of the snapshot, '' without pages of
    their own; ``key``: for their names. ``owing``: to a contract by now."""

    planned: Callable[[], tuple[Maintenance, ...]]
    watched: str
    customers: str
    key: bytes
    owing: Callable[[str], Sequence[Owing]]


class StatusPart:
    name = "status"
    every_s = 1.0

    def __init__(self, world: World, look: Look, texts: Texts, sources: Sources, shelf: Shelf) -> None:
        self._world = world
        self._look = look
        self._texts = texts
        self._sources = sources
        self._shelf = shelf
        self._watched: Watched | None = None
        self._made: tuple[float, object] = (0.0, None)
        self._past: dict[int, tuple[float, float, Files]] = {}  # changed at, made at
        self._own: tuple[float, object, Many] | None = None
        self._planned_wrong = ""

    async def turn(self, seen: Seen) -> list[AnyEntry]:
        made_at, material = self._made
        now = _material(seen)
        if now == material and 0 <= seen.at - made_at < STATUS_EVERY_S:
            return []
        page, files = await self._world.offload(self._make, seen)
        self._made = seen.at, now
        self._shelf.put(files, self._own[2] if self._own is not None else None)
        if self._sources.customers:  # they may take a while
            before = self._own
            await self._world.offload(self._make_own, page, seen)
            if self._own is not None and self._own is not before:
                self._shelf.put(files, self._own[2])
        return []

    # for everybody

    def _make(self, seen: Seen) -> tuple[Page, Files]:
        page = self._page(seen, self._plans())
        known = page.known._replace(watched=self._watch(page, seen.at))
        page = Page(known, self._look, self._texts)
        return page, self._files(page, seen.at)

    def _page(self, seen: Seen, planned: tuple[Maintenance, ...]) -> Page:
        findings = seen.now.findings if seen.now is not None else ()
        watched = self._watched
        if watched is None:
            watched = read_watched(self._world, self._sources.watched)
        known = Known(seen.at, findings, seen.incidents, watched, seen.at + INCIDENT_UPDATE_S, planned)
        try:
            return Page(known, self._look, self._texts)
        except Refused as refused:  # a planned text that hides a time or a number (STATUS-4)
            self._leave_out(refused.text)
            return Page(known._replace(maintenances=()), self._look, self._texts)

    def _plans(self) -> tuple[Maintenance, ...]:
        try:
            return self._sources.planned()
        except (Refused, OSError) as error:
            self._leave_out(str(error))
            return ()

    def _leave_out(self, reason: str) -> None:
        if reason != self._planned_wrong:
            self._world.journal.emit(STATUS_PLANS_LEFT_OUT, reason=reason)
        self._planned_wrong = reason

    def _files(self, page: Page, now: float) -> Files:
        """Pages of incidents that are over are seldom made anew."""

        def stale(incident: Incident) -> bool:
            changed_at, made_at, _ = self._past.get(incident.number, (0.0, 0.0, {}))
            fresh = changed_at == incident.changed_at and 0 <= now - made_at < STATUS_PAST_S
            return not (incident.closed_at and fresh)

        files = page.files(stale)
        for incident in page.incidents[1]:
            own = {
                name: files[name] for each in LANGUAGES if (name := incident_page(incident, each)) in files
            }
            if own:
                self._past[incident.number] = incident.changed_at, now, own
            files |= self._past[incident.number][2]
        return files

    def _watch(self, page: Page, now: float) -> Watched:
        self._watched = watched_further(page.known.watched, page.lines, now)
        with contextlib.suppress(OSError):  # a disk that is full keeps nothing from being published
            keep_watched(self._world, self._sources.watched, self._watched)
        return self._watched

    # for those whom an incident hits

    def _make_own(self, page: Page, seen: Seen) -> None:
        """Kept as it was while nothing changes. Raises ``Unavailable``: what was made before stays."""
        material = _own_material(page, seen.at)
        if self._own is not None:
            made_at, before, _ = self._own
            if material == before or 0 <= seen.at - made_at < STATUS_OWN_PAUSE_S:
                return
        made = Many(Customers(page, self._sources.key), material)
        cells = _cells(seen.incidents, seen.at)
        if cells is None or cells:
            with customers.reading(self._world, self._sources.customers) as db:
                for customer, contract, language, accounts in customers.with_accounts(db, cells):
                    spoken = language if language in LANGUAGES else self._look.language
                    made.add(customer, accounts, spoken, self._sources.owing(contract))
        self._own = seen.at, material, made


def _material(seen: Seen) -> object:
    """What the page depends on beside the time."""
    findings = seen.now.findings if seen.now is not None else None
    return (
        tuple((each.number, each.changed_at) for each in seen.incidents),
        None if findings is None else frozenset((each.trial, each.vantage, each.state) for each in findings),
    )


def _own_material(page: Page, now: float) -> object:
    """What customers' own pages depend on beside what each is made of."""
    open_ones, _ = page.incidents
    told = tuple(
        (each.number, page.due[each.number], len(each.estimates), len(each.opinions)) for each in open_ones
    )
    states = tuple((each.function, each.state) for each in page.lines)
    return told, states, now // STATUS_OWN_S


def _cells(incidents: Incidents, now: float) -> frozenset[int] | None:
    """Of those whom an incident of these days hit; None for all."""
    found: frozenset[int] = frozenset()
    for incident in incidents:
        if not incident.closed_at or now - incident.closed_at < CARE_AFTER_S:
            for scope in scopes_during(incident).values():
                if scope.cells is None:
                    return None
                found |= scope.cells
    return found
