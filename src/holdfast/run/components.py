"""What there is to be checked on this machine, for ``watch.components``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from holdfast.model.errors import ComponentId
from holdfast.model.findings import Finding
from holdfast.model.limits import SAMPLE_BYTES
from holdfast.model.mail import Position
from holdfast.packs import BadFrame, LedgerReader
from holdfast.run import canaries, control, layout, mapping, renewing
from holdfast.run.config import Config
from holdfast.run.health import CONTROL_S, targets
from holdfast.run.layout import LedgerPlace
from holdfast.run.resolving import resolver
from holdfast.watch.clients import Target
from holdfast.watch.collecting import Source
from holdfast.watch.components import Checks, Ending, Places
from holdfast.world import World

_DNS_S = 3.0
_MAIL_DOORS = ("imaps", "pop3s", "submissions")


async def look_once(world: World, config: Config) -> list[Finding]:
    return await Checks(world, places(world, config), config.service.hostname).look()


def places(world: World, config: Config) -> Places:
    async def processes() -> Sequence[Source]:
        status = await world.offload(control.ask, config.control_socket, {"do": "status"}, CONTROL_S)
        names = [each["process"] for each in status["processes"]]
        return [Source(name, layout.metrics_path(config, name)) for name in names]

    host = config.service.hostname
    return Places(
        mapping.disks(config),
        _ledgers(world, config),
        processes,
        lambda: _endings(world, config),
        _served(config),
        canaries.doors(config).pages,
        resolver(config, _DNS_S),
        [host] if "." in host else [],
    )


def _ledgers(world: World, config: Config) -> dict[ComponentId, Callable[[], str]]:
    """Under their names in the map: of a volume's, what follows the volume."""
    return {
        f"ledger/{name.rpartition('/')[2]}": partial(sample, world, place)
        for name, place in layout.ledgers(world.disk, config)
    }


def sample(world: World, place: LedgerPlace) -> str:
    """Blocks. What is wrong with one pack, drawn by lot, as far as SAMPLE_BYTES go; '' for nothing."""
    reader = LedgerReader(world, place.folder, place.ledger, copies=place.copies)
    end, numbers = reader.marked(), reader.numbers()
    if not numbers:
        return ""
    number = numbers[int(world.entropy.uniform(0, len(numbers))) % len(numbers)]
    size = 0
    for item in reader.follow(Position(number, 0), min(end, Position(number + 1, 0))):
        if isinstance(item, BadFrame):
            return f"pack {item.ref.pack} at {item.ref.offset}: {item.reason}"
        size += len(item.body)
        if size > SAMPLE_BYTES:
            break
    return ""


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
