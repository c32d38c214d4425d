"""What people add to the record of incidents: told to the role watch, or written here while none runs."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.run import layout, system
from holdfast.run.config import Config
from holdfast.watch.incidents import IncidentLedger, door
from holdfast.watch.incidents.record import AnyEntry
from holdfast.world import World
from holdfast.world.link import OutOfReach


async def add(world: World, config: Config, entries: Sequence[AnyEntry]) -> None:
    """Durable when it returns. Raises ``Refused`` for an incident that isn't there, ``Unavailable``."""
    try:
        await door.tell(world, layout.socket_path(config, "watch"), entries)
        return
    except OutOfReach:
        pass  # nobody runs
    system.become(config.service.user)
    system.make_folder(layout.watch_folder(config))
    ledger = await IncidentLedger.open(world, layout.watch_folder(config))
    try:
        await ledger.write(door.news(ledger.incidents, entries))
    finally:
        await ledger.close()
