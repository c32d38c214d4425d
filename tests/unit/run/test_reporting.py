"""Reports as the role care has them, with a real door of the watch, in virtual time."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from holdfast.care.reports.kept import CustomerReport, KeptReports
from holdfast.run import layout, reporting
from holdfast.run.caring import turns
from holdfast.run.config import Config, Service
from holdfast.sim.world import SimWorld, simulated
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.door import IncidentDoor
from holdfast.watch.incidents.keeping import IncidentKeeper

CONFIG = Config(service=Service(data="/data", run="/run"))
REPORT = "/data/care/reports/incident-1/report.de.md"


@pytest.fixture
def world():
    with simulated(1) as made:
        yield made


async def call(world: SimWorld, kept: KeptReports, function: str, count: int) -> None:
    for _ in range(count):
        await kept.add(CustomerReport(0, world.clock.now(), function, by="phone"))


@pytest.mark.slow
def test_draft_2_and_reports_3_from_the_first_call_to_the_report_after_the_end(world: SimWorld) -> None:
    async def main() -> None:
        looked: list[str] = []
        keeper = IncidentKeeper(world, layout.watch_folder(CONFIG))
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(keeper.run())]
        await keeper.opened.wait()
        parts = reporting.parts(world, CONFIG)
        tasks.append(loop.create_task(turns(world, CONFIG).run(parts)))
        kept = KeptReports(world, layout.reports_path(CONFIG))
        await call(world, kept, "send", 3)
        await world.clock.sleep(30)  # nobody listens at the door yet
        door = IncidentDoor(keeper, looked.extend)
        listener = await world.net.listen(door.session, layout.socket_path(CONFIG, "watch"))
        await world.clock.sleep(30)
        assert looked == ["send"]

        began = world.clock.now()
        keeper.note([r.Opened(at=began + 4, incident=1, since={"imap": began})])
        await call(world, kept, "imap", 2)
        await world.clock.sleep(30)
        [incident] = keeper.incidents
        assert incident.reported is not None and incident.reported.counts == {"imap": 2}

        ended = world.clock.now()
        keeper.note([r.Closed(at=ended + 60, incident=1, until={"imap": ended})])
        await world.clock.sleep(300)
        assert b"2 Meldungen kamen" in world.disk.read(REPORT)
        listener.close()
        await keeper.close()
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    world.run(main())
