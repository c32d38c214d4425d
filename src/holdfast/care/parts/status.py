"""Makes the status page: at once when something changed, and every half minute anyway. What it can't know is
shown as not known; a part of it that can't be made keeps no other from being published."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from holdfast.care.events import STATUS_PLANS_LEFT_OUT
from holdfast.care.status.feeds import Maintenance
from holdfast.care.status.kept import keep_watched, read_watched
from holdfast.care.status.lines import Watched, watched_further
from holdfast.care.status.page import Files, Known, Look, Page
from holdfast.care.status.past import PageFiles
from holdfast.care.status.shelf import Shelf
from holdfast.care.turns import Seen
from holdfast.model.errors import Refused
from holdfast.model.limits import INCIDENT_UPDATE_S, STATUS_EVERY_S
from holdfast.pages.texts import Texts
from holdfast.watch.incidents.record import AnyEntry
from holdfast.world import World

Planned = Callable[[], tuple[Maintenance, ...]]  # raises ``Refused``, ``OSError``


class StatusPart:
    name = "status"
    every_s = 1.0

    def __init__(
        self, world: World, look: Look, texts: Texts, planned: Planned, watched_path: str, shelf: Shelf
    ) -> None:
        self._world = world
        self._look = look
        self._texts = texts
        self._planned = planned
        self._watched_path = watched_path
        self._shelf = shelf
        self._watched: Watched | None = None
        self._made: tuple[float, object] = (0.0, None)
        self._files = PageFiles()
        self._planned_wrong = ""

    async def turn(self, seen: Seen) -> list[AnyEntry]:
        made_at, material = self._made
        now = material_of(seen)
        if now == material and 0 <= seen.at - made_at < STATUS_EVERY_S:
            return []
        self._shelf.put(await self._world.offload(self._make, seen))
        self._made = seen.at, now
        return []

    def _make(self, seen: Seen) -> Files:
        page = self._page(seen, self._plans())
        known = page.known._replace(watched=self._watch(page, seen.at))
        return self._files.of(Page(known, self._look, self._texts))

    def _page(self, seen: Seen, planned: tuple[Maintenance, ...]) -> Page:
        findings = seen.now.findings if seen.now is not None else ()
        watched = self._watched
        if watched is None:
            watched = read_watched(self._world, self._watched_path)
        known = Known(seen.at, findings, seen.incidents, watched, seen.at + INCIDENT_UPDATE_S, planned)
        try:
            return Page(known, self._look, self._texts)
        except Refused as refused:  # a planned text that hides a time or a number (STATUS-4)
            self._leave_out(refused.text)
            return Page(known._replace(maintenances=()), self._look, self._texts)

    def _plans(self) -> tuple[Maintenance, ...]:
        try:
            return self._planned()
        except (Refused, OSError) as error:
            self._leave_out(str(error))
            return ()

    def _leave_out(self, reason: str) -> None:
        if reason != self._planned_wrong:
            self._world.journal.emit(STATUS_PLANS_LEFT_OUT, reason=reason)
        self._planned_wrong = reason

    def _watch(self, page: Page, now: float) -> Watched:
        self._watched = watched_further(page.known.watched, page.lines, now)
        with contextlib.suppress(OSError):  # a disk that is full keeps nothing from being published
            keep_watched(self._world, self._watched_path, self._watched)
        return self._watched


def material_of(seen: Seen) -> object:
    """What the page depends on beside the time."""
    findings = seen.now.findings if seen.now is not None else None
    return (
        tuple((each.number, each.changed_at) for each in seen.incidents),
        None if findings is None else frozenset((each.trial, each.vantage, each.state) for each in findings),
    )
