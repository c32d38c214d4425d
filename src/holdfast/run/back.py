"""The roles that others need: store, people, auth (RUN-6)."""

from __future__ import annotations

import asyncio

from holdfast.run import doors, layout, parts, telling
from holdfast.run.child import Start


async def run_store(start: Start) -> None:
    from holdfast.store.mailstore import StoreService

    writer = await doors.open_store(start.world, start.config)
    telling.of_store(start, writer)
    service = StoreService(writer)
    listener = await start.world.net.listen(service.session, layout.socket_path(start.config, "store"))
    async with parts.people_copy(start) as people:
        fullness = doors.fullness(start.world, start.config, people)
        service.tell_full(fullness)
        looking = asyncio.get_running_loop().create_task(fullness.run())
        await parts.until_stop(start)
        looking.cancel()
    listener.close()
    await writer.close()


async def run_people(start: Start) -> None:
    from holdfast.run import customers

    writer = await doors.open_people(start.world, start.config)
    await writer.serve(layout.socket_path(start.config, "people"))
    snapshots = asyncio.get_running_loop().create_task(customers.keep_written(start.world, start.config))
    await parts.until_stop(start)
    snapshots.cancel()
    await writer.close()


async def run_auth(start: Start) -> None:
    from holdfast.directory.auth import AuthService

    service = await AuthService.serve(
        start.world,
        layout.socket_path(start.config, "auth"),
        history=layout.history_folder(start.config),
    )
    telling.of_auth(start, service)
    await parts.until_stop(start)
    service.close()
