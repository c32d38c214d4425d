"""What there is to be checked on this machine, for ``watch.components``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import msgspec

from holdfast.model.errors import ComponentId, Unavailable
from holdfast.model.findings import Finding
from holdfast.model.limits import SCRUB_BYTES, SCRUB_DAMAGED
from holdfast.model.mail import START, Position
from holdfast.packs import BadFrame, Frame, LedgerReader
from holdfast.run import canaries, control, layout, mapping, renewing, wholeness
from holdfast.run.config import Config
from holdfast.run.health import CONTROL_S, targets
from holdfast.run.layout import LedgerPlace
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


def _ledgers(world: World, config: Config) -> dict[ComponentId, Callable[[], str]]:
    """Under their names in the map: of a volume's, what follows the volume."""
    return {
        f"ledger/{name.rpartition('/')[2]}": Scrub(world, place).look
        for name, place in layout.ledgers(world.disk, config)
    }


class Scrub:
    """Reads a ledger through, SCRUB_BYTES at each look, and begins anew at its end. What was found damaged
    is looked at again each time, until it is whole."""

    def __init__(self, world: World, place: LedgerPlace) -> None:
        self._world = world
        self._place = place
        self._at = START
        self._bad: list[BadFrame] = []

    def look(self) -> str:
        """Blocks. What is damaged, '' for nothing."""
        place = self._place
        reader = LedgerReader(self._world, place.folder, place.ledger, copies=place.copies)
        known = [(Position(each.ref.pack, each.ref.offset), reader.after(each)) for each in self._bad]
        self._bad = [bad for begin, end in known for bad in _bad(reader.follow(begin, end))]
        self._bad += [bad for bad in _bad(self._on(reader)) if bad not in self._bad]
        del self._bad[SCRUB_DAMAGED:]
        more = f", and {len(self._bad) - 1} more" if len(self._bad) > 1 else ""
        return "".join(
            f"pack {bad.ref.pack} at {bad.ref.offset}: {bad.reason}{more}" for bad in self._bad[:1]
        )

    def _on(self, reader: LedgerReader) -> Iterator[Frame | BadFrame]:
        size = 0
        for item in reader.follow(self._at, reader.marked()):
            yield item
            self._at = reader.after(item)
            size += item.ref.size
            if size > SCRUB_BYTES:
                return
        self._at = START


def _bad(items: Iterable[Frame | BadFrame]) -> Iterator[BadFrame]:
    return (each for each in items if isinstance(each, BadFrame))


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
