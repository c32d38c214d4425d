"""What the role ``watch`` learns without trying anything: what sessions met, and what was changed."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.model.errors import ComponentId
from holdfast.model.findings import Signal
from holdfast.model.limits import CHANGES_LOOK_S
from holdfast.run import layout, renewing
from holdfast.run.config import Config
from holdfast.watch.changes import Change, Changes
from holdfast.watch.depends import DependencyMap
from holdfast.watch.diagnosis import Outcome
from holdfast.watch.processes import Processes
from holdfast.watch.ratios import Used
from holdfast.watch.signals import Signals
from holdfast.world import World


class Witness:
    """``processes``: shared with the checks of components. ``changes``: of the last day, at the last look."""

    def __init__(self, world: World, config: Config, processes: Processes, known: DependencyMap) -> None:
        self._world = world
        self._config = config
        self._processes = processes
        self._signals = Signals(world, processes.counts, known)
        self._changes = Changes(world, layout.changes_path(config))
        self._looked_at = float("-inf")
        self.changes: Sequence[Change] = ()

    async def look(self) -> list[Signal]:
        """What sessions met since the last look. Raises nothing."""
        found = await self._signals.look()
        now = self._world.clock.monotonic()
        if now - self._looked_at > CHANGES_LOOK_S:
            self._looked_at = now
            status = (await self._processes.look()).status
            serials = await self._world.offload(self._serials)
            self.changes = await self._world.offload(self._changes.look, status, serials)
        return found

    def outcomes(self) -> list[Outcome]:
        """Evidence of the last moments, in order of time."""
        return self._signals.outcomes()

    def uses(self) -> tuple[Used, ...]:
        """How real use of each function goes."""
        return self._signals.ratios.all()

    def _serials(self) -> dict[ComponentId, str]:
        return {
            f"certificate/{each.target.id}": each.facts.serial
            for each in renewing.standing(self._config, self._world)
            if each.facts is not None
        }
