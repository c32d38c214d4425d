"""Counts whom each incident hits, lists them in a file, and says so: at its beginning, whenever that changes,
and at its end. While the customers can't be read, nothing is said (AFFECTED-2)."""

from __future__ import annotations

import contextlib
import os.path
from collections.abc import Callable, Sequence

import msgspec

from holdfast.care.affected import Scope, affected, as_csv, digest, scopes_so_far
from holdfast.care.turns import Seen
from holdfast.model.errors import ComponentId, Unavailable
from holdfast.model.limits import AFFECTED_AGAIN_S, AFFECTED_NAMED, CARE_AFTER_S
from holdfast.watch.incidents.incidents import Incident
from holdfast.watch.incidents.record import Affected, AnyEntry
from holdfast.world import World

_FOLDER = "affected"


# Accounts that a copy of the directory doesn't know as they are, so many at most. Blocks; raises
# ``Unavailable`` where that can't be read.
Unknown = Callable[[ComponentId, int], Sequence[int]]


def _nobody(copy: ComponentId, most: int) -> Sequence[int]:
    return ()


class AffectedPart:
    """``folder``: ``watch``, in which the lists are."""

    name = "affected"
    every_s = 2.0

    def __init__(self, world: World, folder: str, customers: str, unknown: Unknown = _nobody) -> None:
        self._world = world
        self._folder = folder
        self._customers = customers
        self._unknown = unknown
        self._asked_at: dict[int, float] = {}  # of each incident that hits single accounts
        self._looked: dict[int, object] = {}  # at which state of the record of each
        self._counted: dict[int, tuple[bool, dict[str, Scope]]] = {}

    async def turn(self, seen: Seen) -> list[AnyEntry]:
        found: list[AnyEntry] = []
        for incident in seen.incidents:
            mark = incident.changed_at, len(incident.timeline), incident.thinned
            again = seen.at - self._asked_at.get(incident.number, seen.at) >= AFFECTED_AGAIN_S
            if not self._is_due(incident, seen.at) or (
                self._looked.get(incident.number) == mark and not again
            ):
                continue
            scopes = await self._world.offload(scopes_so_far, incident)
            scopes = await self._world.offload(self._with_accounts, incident, scopes, seen.at)
            state = bool(incident.closed_at), scopes
            if self._counted.get(incident.number) != state:
                entry = await self._world.offload(self._count, incident, scopes, seen.at)
                if not _says(incident.affected, entry):
                    found.append(entry)
                self._counted[incident.number] = state
            self._looked[incident.number] = mark
        return found

    def _with_accounts(self, incident: Incident, scopes: dict[str, Scope], now: float) -> dict[str, Scope]:
        """AFFECTED-5, and whom it hit before with them. Blocks."""
        self._asked_at.pop(incident.number, None)
        return {each: self._by_name(incident, scope, now) for each, scope in scopes.items()}

    def _by_name(self, incident: Incident, scope: Scope, now: float) -> Scope:
        if not scope.behind or incident.closed_at:
            return scope
        self._asked_at[incident.number] = now
        those = set(scope.accounts or ())
        with contextlib.suppress(Unavailable):
            those |= {*self._unknown(scope.behind, AFFECTED_NAMED + 1)}
        if not those or len(those) > AFFECTED_NAMED:  # it hits somebody, or more than are named
            return scope._replace(part="part", accounts=None)
        return scope._replace(part="", accounts=frozenset(those))

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
        return Affected(
            at=now,
            incident=incident.number,
            counts=found.counts,
            file=name,
            digest=sum_,
            bounded=tuple(each for each, bound in found.bound.items() if bound == "bounded"),
            accounts={
                each: tuple(sorted(scope.accounts))
                for each, scope in scopes.items()
                if scope.accounts is not None
            },
        )


def _says(last: Affected | None, entry: Affected) -> bool:
    return last is not None and msgspec.structs.replace(last, at=entry.at) == entry
