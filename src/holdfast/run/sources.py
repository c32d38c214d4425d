"""The role sources: follows the directories outside, as the configuration has them."""

from __future__ import annotations

import asyncio

from holdfast.run import directories, layout, parts
from holdfast.run.child import Start


async def run_sources(start: Start) -> None:
    """The role: a task for each directory. None of them, nor what they ask, is needed for mail."""
    from holdfast.directory.writer import PeopleClient

    async with parts.people_copy(start) as people:
        client = PeopleClient(start.world, layout.socket_path(start.config, "people"))
        try:
            names = directories.with_people(start.config)
            syncs = [directories.sync(start.world, start.config, name, people, client) for name in names]

            async def all_of_them() -> None:
                await asyncio.gather(*(each.run() for each in syncs))

            await parts.until_stopped(start, all_of_them())
        finally:
            client.close()
