"""The role care: who is hurt, what they are told, when it is over, what they are owed. It needs no other
process: it reads the record of incidents, what the watch sees now, and the snapshot of customers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence

from holdfast.care.turns import Part, Sight, Turns
from holdfast.run import care_site, layout, web
from holdfast.run.child import Start
from holdfast.run.config import Config
from holdfast.watch.incidents import door
from holdfast.watch.incidents.record import AnyEntry
from holdfast.world import World


async def run_care(start: Start) -> None:
    task = asyncio.get_running_loop().create_task(turns(start.world, start.config).run(_parts(start)))
    try:
        await web.serve(start, care_site.make(start).app)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def turns(world: World, config: Config) -> Turns:
    folder, now = layout.watch_folder(config), layout.now_path(config)
    socket = layout.socket_path(config, "watch")

    async def tell(entries: Sequence[AnyEntry]) -> None:
        await door.tell(world, socket, entries)

    return Turns(world, lambda: Sight(world, folder, now), tell)


def _parts(start: Start) -> Iterator[Part]:
    from holdfast.care.parts.affected import AffectedPart

    world, config = start.world, start.config
    customers = layout.customers_path(config)
    yield AffectedPart(world, layout.watch_folder(config), customers)
