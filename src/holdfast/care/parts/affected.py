"""Counts whom each incident hits, lists them in a file, and says so: at its beginning, whenever that changes,
and at its end. While the customers can't be read, nothing is said (AFFECTED-2)."""

from __future__ import annotations

import os.path

from holdfast.care.affected import Scope, affected, as_csv, digest, scopes_so_far
from holdfast.care.turns import Seen
from holdfast.model.limits import CARE_AFTER_S
from holdfast.watch.incidents.incidents import Incident
from holdfast.watch.incidents.record import Affected, AnyEntry
from holdfast.world import World

_FOLDER = "affected"


class AffectedPart:
    """``folder``: ``watch``, in which the lists are."""

    name = "affected"
    every_s = 2.0

    def __init__(self, world: World, folder: str, customers: str) -> None:
        self._world = world
        self._folder = folder
        self._customers = customers
        self._looked: dict[int, object] = {}  # at which state of the record of each
        self._counted: dict[int, tuple[bool, dict[str, Scope]]] = {}

    async def turn(self, seen: Seen) -> list[AnyEntry]:
        found: list[AnyEntry] = []
        for incident in seen.incidents:
            mark = incident.changed_at, len(incident.timeline), incident.thinned
            if not self._is_due(incident, seen.at) or self._looked.get(incident.number) == mark:
                continue
            state = bool(incident.closed_at), await self._world.offload(scopes_so_far, incident)
            if self._counted.get(incident.number) != state:
                entry = await self._world.offload(self._count, incident, state[1], seen.at)
                if not _says(incident.affected, entry):
                    found.append(entry)
                self._counted[incident.number] = state
            self._looked[incident.number] = mark
        return found

    @staticmethod
    def _is_due(incident: Incident, now: float) -> bool:
        return not incident.closed_at or now - incident.closed_at < CARE_AFTER_S

    def _count(self, incident: Incident, scopes: dict[str, Scope], now: float) -> Affected:
        """Blocks. Raises ``Unavailable`` and ``OSError``."""
        found = affected(self._world, self._customers, scopes, incident.ended_at or now)
        data = as_csv(found).encode()
        sum_ = digest(data)
        name = f"{_FOLDER}/incident-{incident.number}-{sum_[:12]}.csv"
        path = os.path.join(self._folder, name)
        if not self._world.disk.exists(path):
            self._world.disk.make_folder(os.path.dirname(path))
            self._world.disk.write_atomic(path, data)
        bounded = tuple(each for each, bound in found.bound.items() if bound == "bounded")
        return Affected(
            at=now, incident=incident.number, counts=found.counts, file=name, digest=sum_, bounded=bounded
        )


def _says(last: Affected | None, entry: Affected) -> bool:
    return last is not None and (last.counts, last.bounded, last.digest) == (
        entry.counts,
        entry.bounded,
        entry.digest,
    )
