"""What there is to be checked on this machine, for ``watch.components``."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import msgspec

from holdfast.model.errors import ComponentId, Unavailable
from holdfast.model.findings import Finding
from holdfast.packs import Scrub
from holdfast.run import canaries, control, layout, mapping, renewing, wholeness
from holdfast.run.config import Config
from holdfast.run.health import CONTROL_S, targets
from holdfast.run.resolving import resolver
from holdfast.run.roles import plan
from holdfast.run.ways import ways
from holdfast.watch.clients import Target
from holdfast.watch.collecting import Source
from holdfast.watch.components import Checks, Ending, Places
from holdfast.watch.processes import Processes, Status
from holdfast.world import World

_DNS_S = 3.0
_OUTSIDE = "a.root-servers.net"  # a name that lives as long as the DNS does
_NOBODYS = ("example", "invalid", "localhost", "test")
_EXAMPLES = (".example.com", ".example.net", ".example.org")
_MAIL_DOORS = ("imaps", "pop3s", "submissions")


async def look_once(world: World, config: Config) -> list[Finding]:
    return await Checks(world, places(world, config), config.service.hostname).look()


def places(world: World, config: Config, shared: Processes | None = None) -> Places:
    """``shared``: what the processes are at, where others look at that, too."""
    host = config.service.hostname
    names, own = resolver(config, _DNS_S), canaries.accounts(world, config)
    databases = wholeness.databases(config)
    named = "." in host and (bool(config.dns.servers) or not _reserved(host))
    return Places(
        mapping.disks(config),
        _ledgers(world, config),
        wholeness.looks(world, config),
        partial(wholeness.writers, world, databases),
        partial(wholeness.missing, world, databases),
        shared or running(world, config),
        {f"socket/{role}": layout.socket_path(config, role) for role in _answering(config)},
        lambda: _endings(world, config),
        _served(config),
        canaries.doors(config).pages,
        names,
        _OUTSIDE if named else "",
        [host] if named else [],
        ways(world, config, names, own[0].address if own else ""),
    )


def running(world: World, config: Config) -> Processes:
    """What the processes are at: one for all who look."""

    async def supervisor() -> Status:
        said = await world.offload(control.ask, config.control_socket, {"do": "status"}, CONTROL_S)
        return _status(said)

    def ever() -> list[str]:
        folder, disk = layout.metrics_folder(config), world.disk
        return sorted(name.removesuffix(".sock") for name in disk.list(folder)) if disk.exists(folder) else []

    return Processes(world, supervisor, lambda name: Source(name, layout.metrics_path(config, name)), ever)


def _status(said: dict[str, Any]) -> Status:
    try:
        return msgspec.convert(said, Status)
    except msgspec.ValidationError as error:
        raise Unavailable("supervisor", f"not understood: {error}") from None


def _answering(config: Config) -> list[str]:
    there = {role for role, _, _ in plan(config)}
    return [role for role in mapping.SOCKETS if role in there]


def _reserved(host: str) -> bool:
    """RFC 2606, RFC 6761: names that are nobody's; the DNS is not asked for them."""
    return host.rpartition(".")[2] in _NOBODYS or host.lower().endswith(_EXAMPLES)


def _ledgers(world: World, config: Config) -> dict[ComponentId, Callable[[Collection[int]], str]]:
    """Under their names in the map: of a volume's, what follows the volume."""
    return {
        f"ledger/{name.rpartition('/')[2]}": partial(damaged, Scrub(world, *place))
        for name, place in layout.ledgers(world.disk, config)
    }


def damaged(scrub: Scrub, packs: Collection[int] = ()) -> str:
    """Blocks. What is damaged in a ledger, '' for nothing. ``packs``: those that somebody met damage in."""
    scrub.suspect(packs)
    found = scrub.look()
    if not found:
        return ""
    ref, reason = found[0].ref, found[0].reason
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return f"pack {ref.pack} at {ref.offset}: {reason}{more}"


def _endings(world: World, config: Config) -> list[Ending]:
    return [
        Ending(
            f"certificate/{each.target.id}",
            each.target.certificate,
            each.facts.ends_at if each.facts is not None else None,
            each.soon,
            each.facts is not None and each.facts.self_signed,
        )
        for each in renewing.standing(config, world)
    ]


def _served(config: Config) -> Target | None:
    found = {each.door: each for doors in targets(config).values() for each in doors}
    return next((found[door] for door in _MAIL_DOORS if door in found), None)
