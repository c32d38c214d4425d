"""How far a repair is, where processes of the service tell it: an index that is made anew, or what piled up
and is being worked off once what was at fault is back.

Copies of ledgers and of the people that lag behind end no incident: nothing waits for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from holdfast.care.estimate import Progress
from holdfast.model.errors import ComponentId
from holdfast.run import layout
from holdfast.run.child import process_name
from holdfast.run.config import Config
from holdfast.run.roles import plan
from holdfast.watch.collecting import Source, collect
from holdfast.watch.incidents.incidents import Incident
from holdfast.world import World

_STORE = "store"
_MENDED_BY_REBUILDING = "index"  # the kind of component
_DONE, _TOTAL = "holdfast_index_rebuilt_bytes", "holdfast_index_rebuild_bytes"


class Backlog(NamedTuple):
    """What waits at a role's processes, as ``metric`` of theirs says, while one of ``behind`` is at fault;
    a name with / at its end stands for all below it. ``always``: some of it waits at any time."""

    role: str
    metric: str
    behind: tuple[ComponentId, ...]
    always: bool = False

    def is_of(self, components: Iterable[ComponentId]) -> bool:
        return any(
            each == one or (one.endswith("/") and each.startswith(one))
            for each in components
            for one in self.behind
        )


BACKLOGS = (
    Backlog(
        "relay",
        "holdfast_queue_recipients",
        ("partner/relay", "elsewhere", "process/relay-0", "socket/relay", "ledger/queue"),
        always=True,
    ),
    Backlog(
        "store",
        "holdfast_intake_unmerged_bytes",
        ("process/store-0", "socket/store", "ledger/mail", "disk/"),
    ),
    Backlog("auth", "holdfast_auth_wait_seconds", ("process/auth-0", "socket/auth")),
)


class _Pile(NamedTuple):
    """Of one incident: how much waits without it, and how much waited at most."""

    least: float
    most: float


class Measures:
    """``of`` asks for it; a process that doesn't answer tells nothing."""

    def __init__(self, world: World, config: Config) -> None:
        self._world = world
        self._config = config
        self._piles: dict[tuple[int, str], _Pile] = {}

    async def of(self, incident: Incident) -> Progress | None:
        opinion = incident.opinion
        if opinion is None:
            return None
        if _MENDED_BY_REBUILDING in opinion.report.kinds.values():
            total, done = await self._sum(_STORE, _TOTAL), await self._sum(_STORE, _DONE)
            return Progress(self._world.clock.now(), done or 0.0, total) if total else None
        components = opinion.report.components
        backlog = next((each for each in BACKLOGS if each.is_of(components)), None)
        return None if backlog is None else await self._worked_off(incident.number, backlog)

    async def _worked_off(self, incident: int, backlog: Backlog) -> Progress | None:
        """Of what has piled up. None while that grows, and when all of it is gone: then something else is
        waited for."""
        waits = await self._sum(backlog.role, backlog.metric)
        if waits is None:
            return None
        of = incident, backlog.metric
        before = self._piles.get(of, _Pile(waits if backlog.always else 0.0, waits))
        pile = self._piles[of] = before._replace(most=max(before.most, waits))
        if not pile.least < waits < pile.most:
            return None
        return Progress(self._world.clock.now(), pile.most - waits, pile.most - pile.least)

    async def _sum(self, role: str, metric: str) -> float | None:
        """Over all processes of the role; None where one of them doesn't say."""
        names = [process_name(each, worker) for each, worker, _ in plan(self._config) if each == role]
        sources = [Source(each, layout.metrics_path(self._config, each)) for each in names]
        whole = None
        for told in (await collect(self._world, sources)).told.values():
            found = [value[0] for each in told or () if each.metric == metric for _, value in each.values]
            if told is None:
                return None
            whole = (whole or 0.0) + sum(found)
        return whole
