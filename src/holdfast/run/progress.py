"""How far a repair is, where a process of the service tells it."""

from __future__ import annotations

from holdfast.care.estimate import Progress
from holdfast.run import layout
from holdfast.run.config import Config
from holdfast.watch.collecting import Source, collect
from holdfast.watch.incidents.incidents import Incident
from holdfast.world import World

_STORE = "store-0"
_MENDED_BY_REBUILDING = "index"  # the kind of component
_DONE, _TOTAL = "holdfast_index_rebuilt_bytes", "holdfast_index_rebuild_bytes"


class Measures:
    """``of`` asks for it; a process that doesn't answer tells nothing."""

    def __init__(self, world: World, config: Config) -> None:
        self._world = world
        self._source = Source(_STORE, layout.metrics_path(config, _STORE))

    async def of(self, incident: Incident) -> Progress | None:
        opinion = incident.opinion
        if opinion is None or _MENDED_BY_REBUILDING not in opinion.report.kinds.values():
            return None
        told = (await collect(self._world, [self._source])).told[_STORE]
        values = {each.metric: each.values[0][1][0] for each in told or () if each.metric in (_DONE, _TOTAL)}
        total = values.get(_TOTAL, 0.0)
        return Progress(self._world.clock.now(), values.get(_DONE, 0.0), total) if total else None
