"""How far a repair is, as the process that carries it out tells it."""

from __future__ import annotations

from holdfast.care.estimate import Progress
from holdfast.run import layout
from holdfast.run.progress import Measures
from holdfast.run.reading import parse
from holdfast.sim.world import SimWorld, simulated
from holdfast.watch.counting import Counts, tell_at
from holdfast.watch.diagnosis.report import NamedCause, Report
from holdfast.watch.incidents import Incidents
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incident

CONFIG = parse('[service]\ndata = "/data"\n', "/holdfast.toml", {})


def incident(kind: str) -> Incident:
    report = Report(
        verdict="named",
        probability=0.99,
        causes=(NamedCause(component="cell-03/index", since=0.0),),
        kinds={"cell-03/index": kind},
    )
    known = Incidents()
    known.apply(
        [r.Opened(at=1.0, incident=1, since={"imap": 1.0}), r.Diagnosed(at=2.0, incident=1, report=report)]
    )
    found = known.get(1)
    assert found is not None
    return found


async def told(world: SimWorld, done: float, total: float) -> None:
    """The process store, asked at its socket."""
    counts = Counts()
    counts.gauge("holdfast_index_rebuilt_bytes", lambda: done)
    counts.gauge("holdfast_index_rebuild_bytes", lambda: total)
    world.disk.make_folder(layout.metrics_folder(CONFIG))
    assert await tell_at(world, counts, layout.metrics_path(CONFIG, "store-0"))


def test_an_index_that_is_made_anew_tells_how_far_it_is() -> None:
    with simulated(1) as world:

        async def main() -> None:
            measures = Measures(world, CONFIG)
            assert await measures.of(incident("index")) is None  # nobody answers
            await told(world, 3e6, 4e6)
            found = await measures.of(incident("index"))
            assert found is not None
            assert found._replace(at=0.0) == Progress(0.0, 3e6, 4e6)
            assert await measures.of(incident("disk")) is None  # making an index anew mends no disk

        world.run(main())


def test_one_that_is_whole_tells_nothing() -> None:
    with simulated(2) as world:

        async def main() -> None:
            await told(world, 0.0, 0.0)
            assert await Measures(world, CONFIG).of(incident("index")) is None

        world.run(main())
