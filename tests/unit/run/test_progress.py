"""How far a repair is, as the process that carries it out tells it."""

from __future__ import annotations

import msgspec
import pytest

from holdfast.care.estimate import Progress
from holdfast.care.parts.estimate import EstimatePart
from holdfast.care.turns import Seen
from holdfast.run import layout
from holdfast.run.mapping import components
from holdfast.run.progress import BACKLOGS, Measures
from holdfast.run.reading import parse
from holdfast.sim.world import simulated
from holdfast.watch.counting import Counts, tell_at
from holdfast.watch.diagnosis.report import NamedCause, Report
from holdfast.watch.incidents import Incidents
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incident
from holdfast.watch.words import METRICS
from holdfast.world import World

CONFIG = parse('[service]\ndata = "/data"\n', "/holdfast.toml", {})


def incident(kind: str, component: str = "cell-03/index", at: float = 1.0) -> Incident:
    report = Report(
        verdict="named",
        probability=0.99,
        causes=(NamedCause(component=component, since=0.0),),
        kinds={component: kind},
    )
    known = Incidents()
    known.apply(
        [
            r.Opened(at=at, incident=1, since={"imap": at}),
            r.Diagnosed(at=at + 1, incident=1, report=report),
        ]
    )
    found = known.get(1)
    assert found is not None
    return found


async def told(world: World, done: float, total: float) -> None:
    """The process store, asked at its socket."""
    counts = Counts()
    counts.gauge("holdfast_index_rebuilt_bytes", lambda: done)
    counts.gauge("holdfast_index_rebuild_bytes", lambda: total)
    await answering(world, "store-0", counts)


async def answering(world: World, process: str, counts: Counts) -> None:
    world.disk.make_folder(layout.metrics_folder(CONFIG))
    assert await tell_at(world, counts, layout.metrics_path(CONFIG, process))


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


def test_what_piled_up_tells_how_far_it_is_worked_off_and_nothing_while_it_grows() -> None:
    with simulated(3) as world:
        waits = 0.0

        async def main() -> list[Progress | None]:
            nonlocal waits
            counts = Counts()
            counts.gauge("holdfast_queue_recipients", lambda: waits)
            await answering(world, "relay-0", counts)
            measures, of = Measures(world, CONFIG), incident("partner", "elsewhere")
            found = []
            for count in (20.0, 60.0, 120.0, 95.0, 45.0, 20.0):  # twenty always wait
                waits = count
                found.append(await measures.of(of))
            return found

        first, grows, grows_yet, begun, on, over = world.run(main())
        assert (first, grows, grows_yet, over) == (None, None, None, None)
        assert begun is not None and (begun.done, begun.total) == (25.0, 100.0)
        assert on is not None and (on.done, on.total) == (75.0, 100.0)


def test_mail_that_is_not_shown_yet_counts_from_the_first_look_at_a_store_that_is_back() -> None:
    with simulated(4) as world:
        waits = {("mx-0",): 6e6, ("jmap-0",): 2e6}

        async def main() -> None:
            measures, of = Measures(world, CONFIG), incident("process", "process/store-0")
            assert await measures.of(of) is None  # it doesn't answer yet
            counts = Counts()
            counts.gauge("holdfast_intake_unmerged_bytes", lambda: waits)
            await answering(world, "store-0", counts)
            assert await measures.of(of) is None
            waits[("mx-0",)] = 1e6
            found = await measures.of(of)
            assert found is not None and (found.done, found.total) == (5e6, 8e6)
            waits.clear()
            assert await measures.of(of) is None

        world.run(main())


@pytest.mark.slow
def test_estimate_1_a_queue_that_drains_has_an_interval_from_how_fast_it_does() -> None:
    """Twelve outages of the smarthost, each with its own backlog and pace: by the last it is known how such
    things end."""
    with simulated(5) as world:
        waits = 0.0

        async def main() -> list[r.Estimated]:
            nonlocal waits
            counts = Counts()
            counts.gauge("holdfast_queue_recipients", lambda: waits)
            await answering(world, "relay-0", counts)
            part = EstimatePart(world, "/data/care/repairs.json", Measures(world, CONFIG).of)
            known = Incidents()
            for number in range(1, 13):
                begun, top, pace = world.clock.now(), 400.0 + 150 * number, 2.0 + number % 3
                opening = incident("partner", "elsewhere", begun).timeline
                known.apply(msgspec.structs.replace(each, incident=number) for each in opening)
                waits = 5.0
                while True:
                    past = world.clock.now() - begun
                    waits = 5.0 + max(min(past, 300.0) / 300.0 * top - max(past - 300.0, 0.0) * pace, 0.0)
                    known.apply(await part.turn(Seen(known, None, world.clock.now())))
                    if past > 300.0 and waits == 5.0:
                        break
                    await world.clock.sleep(10.0)
                now = world.clock.now()
                known.apply([r.Closed(at=now, incident=number, until={"imap": now})])
            last = known.get(12)
            assert last is not None
            return [
                each for each in last.estimates.values() if last.outcome(each) and each.basis == "progress"
            ]

        by_progress = world.run(main())
        assert by_progress and all(each.high - each.low < 120 for each in by_progress)


def test_what_is_told_of_how_far_it_is_has_a_metric_and_a_component_that_there_is() -> None:
    there = components(CONFIG)
    for each in BACKLOGS:
        assert each.metric in METRICS
        assert any(each.is_of([one]) for one in there), each
