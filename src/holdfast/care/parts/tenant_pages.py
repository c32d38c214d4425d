"""Makes the status pages of tenants, beside everybody's, which waits for none: when something changed, and
every few minutes anyway."""

from __future__ import annotations

import contextlib
from itertools import islice

from holdfast.care import customers
from holdfast.care.parts.status import Planned, material_of
from holdfast.care.status import tenants
from holdfast.care.status.kept import read_watched
from holdfast.care.status.page import Files, Known, Look, Page
from holdfast.care.status.past import PageFiles
from holdfast.care.status.shelf import Shelf
from holdfast.care.status.tenants import Places
from holdfast.care.turns import Seen
from holdfast.model.errors import Refused
from holdfast.model.limits import INCIDENT_UPDATE_S, STATUS_TENANTS, STATUS_TENANTS_S
from holdfast.pages.texts import Texts
from holdfast.watch.incidents.record import AnyEntry
from holdfast.world import World


class TenantPagesPart:
    """``snapshot``: of customers. ``watched_path``: what everybody's page has noted of when it was known how
    each function is. ``look``: everybody's."""

    name = "tenants' pages"
    every_s = 5.0

    def __init__(
        self,
        world: World,
        look: Look,
        texts: Texts,
        planned: Planned,
        watched_path: str,
        snapshot: str,
        places: Places,
        shelf: Shelf,
    ) -> None:
        self._world = world
        self._look = look
        self._texts = texts
        self._planned = planned
        self._watched_path = watched_path
        self._snapshot = snapshot
        self._places = places
        self._shelf = shelf
        self._theirs = tenants.Theirs()
        self._files: dict[int, PageFiles] = {}
        self._made: tuple[float, object] = (0.0, None)

    async def turn(self, seen: Seen) -> list[AnyEntry]:
        made_at, material = self._made
        now = material_of(seen)
        is_due = now != material or not 0 <= seen.at - made_at < STATUS_TENANTS_S
        # without a snapshot there will be one soon, and what was made before stays
        if is_due and await self._world.offload(self._world.disk.exists, self._snapshot):
            self._shelf.put_theirs(await self._world.offload(self._make, seen))
            self._made = seen.at, now
        return []

    def _make(self, seen: Seen) -> Files:
        """Blocks. Raises ``Unavailable``: what was made before stays."""
        found: Files = {}
        with customers.reading(self._world, self._snapshot) as db:
            those = list(islice(self._theirs.tenants(db), STATUS_TENANTS))
            known = self._known(seen) if those else None
            for each in those:
                assert known is not None
                look = tenants.look_of(each.row, self._look, self._places)
                files = self._files.setdefault(each.row.id, PageFiles())
                made = files.of(Page(self._theirs.known(db, each, known), look, self._texts))
                folder = tenants.place_of(each.row.id, self._places, self._look.url).folder
                found |= {f"{folder}/{name}": data for name, data in made.items()}
        return found

    def _known(self, seen: Seen) -> Known:
        findings = seen.now.findings if seen.now is not None else ()
        watched = read_watched(self._world, self._watched_path)
        known = Known(seen.at, findings, seen.incidents, watched, seen.at + INCIDENT_UPDATE_S)
        with contextlib.suppress(Refused, OSError):  # everybody's page says so
            planned = known._replace(maintenances=self._planned())
            Page(planned, self._look, self._texts)
            return planned
        return known
