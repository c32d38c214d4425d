"""What customers report, for those on duty: a page of the console."""

from __future__ import annotations

from starlette.responses import Response

from holdfast.care.console.console import Console, Look
from holdfast.care.reports.clustering import Matching, clusters
from holdfast.care.reports.kept import KeptReports
from holdfast.model.limits import REPORTS_SHOWN
from holdfast.pages import Visit
from holdfast.world import World

HOURS = 24


class Desk:
    """Mounts itself on the console."""

    def __init__(self, world: World, kept: KeptReports, console: Console, look: Look) -> None:
        self._world = world
        self._kept = kept
        self._console = console
        self._look = look
        console.add_page("/console/reports", "report.desk.nav", self._page)

    async def _page(self, visit: Visit) -> Response:
        since = self._world.clock.now() - HOURS * 3600
        reports, aheads = await self._kept.since(since), await self._kept.aheads(since)
        async with self._look() as looked:
            incidents = looked.seen.incidents
            known = Matching(incidents)
            found = await self._world.offload(lambda: clusters(reports, incidents))
            newest = [(each, known.of(each)) for each in reports[: -REPORTS_SHOWN - 1 : -1]]
            return self._console.show(
                visit,
                "desk.html",
                looked,
                hours=HOURS,
                aheads=aheads,
                clusters=found[:REPORTS_SHOWN],
                reports=newest,
            )
