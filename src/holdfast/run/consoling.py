"""The operator's console of this machine: what it is given to show, and what it may do."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import partial
from typing import Any

from holdfast.care.console.console import Backstage, Console, Look
from holdfast.care.console.tokens import Tokens
from holdfast.pages import Site
from holdfast.run import control, layout, remedying, reporting
from holdfast.run.child import Start
from holdfast.run.config import Config
from holdfast.run.health import CONTROL_S
from holdfast.run.system import version
from holdfast.run.watching import Watched
from holdfast.watch.depends import DependencyMap
from holdfast.watch.incidents import door
from holdfast.watch.incidents.record import AnyEntry, Remedied
from holdfast.watch.remedies import Remedy
from holdfast.world import World


def console(start: Start, site: Site, look: Look) -> Console:
    """``look``: as ``care_site`` has it, for all pages of the site."""
    world, config = start.world, start.config

    async def processes() -> dict[str, Any]:
        return await world.offload(control.ask, config.control_socket, {"do": "status"}, CONTROL_S)

    async def carry_out(remedy: Remedy) -> Remedied:
        return await remedying.carry_out(world, config, remedy, world.clock.now())

    async def tell(entries: Sequence[AnyEntry]) -> None:
        await door.tell(world, layout.socket_path(config, "watch"), entries)

    backstage = Backstage(
        look=look,
        known=_Known(world, config),
        processes=processes,
        carry_out=carry_out,
        tell=tell,
        admits=partial(admits, config.console.networks),
        thresholds=reporting.thresholds(config),
        drills=layout.drills_folder(config),
        pushed=layout.pushed_path(config),
        version=version(),
    )
    return Console(site, tokens(world, config), backstage, config.web.time_zone)


def tokens(world: World, config: Config) -> Tokens:
    return Tokens(world, layout.console_path(config))


def admits(networks: Sequence[str], peer: str) -> bool:
    """Whether the console may be opened from there; what is no address may not."""
    try:
        address = ipaddress.ip_address(peer.strip("[]"))
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in ipaddress.ip_network(each, strict=False) for each in networks)


class _Known:
    """The dependency map with what the watch tries of it, made when it is first looked at."""

    def __init__(self, world: World, config: Config) -> None:
        self._world = world
        self._config = config
        self._made: DependencyMap | None = None

    async def __call__(self) -> DependencyMap:
        if self._made is None:
            known, _ = await self._world.offload(Watched(self._world, self._config).all)
            self._made = known
        return self._made
