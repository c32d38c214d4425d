"""The round of the role watch, in virtual time: what it does when something fails, itself included."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from types import SimpleNamespace

import pytest

from holdfast.model.errors import Unavailable
from holdfast.model.findings import Finding, Signal
from holdfast.model.limits import AROUND
from holdfast.sim.world import SimWorld, simulated
from holdfast.watch import judging
from holdfast.watch import watching as watching_module
from holdfast.watch.depends import Component, DependencyMap, Edge, Step, Trial
from holdfast.watch.incidents.keeping import IncidentKeeper
from holdfast.watch.incidents.lifecycle import Seen
from holdfast.watch.incidents.record import Remedied
from holdfast.watch.now import Now, read_now
from holdfast.watch.ratios import Apart, Used
from holdfast.watch.rota import Pace
from holdfast.watch.watching import Job, Met, Watching

FOLDER, NOW = "/data/watch", "/other/now.json"
DOOR, CANARY = Pace(2.0, 0.5, 2.0), Pace(60.0, 5.0, 10.0)


def trial(name: str, function: str, **steps: str) -> Trial:
    return Trial(name, function, tuple(Step(step, frozenset(uses.split())) for step, uses in steps.items()))


TRIALS = (
    trial("imap", "imap", greeting="imap"),
    trial("imaps", "imap", connect="imap"),
    trial("canary/imap", "imap", greeting="imap", read="imap index"),
    trial("pop3", "pop3", greeting="pop3"),
    trial("pop3s", "pop3", greeting="pop3"),
    trial("canary/pop3", "pop3", greeting="pop3", read="pop3 index"),
    trial("metrics/imap", "", answer="imap"),
    trial("metrics/pop3", "", answer="pop3"),
    trial("disk", "", sync="disk"),
)
MAP = DependencyMap(
    [Component(each, "process") for each in ("imap", "pop3", "index", "disk")],
    [Edge("index", "disk", "lies on")],
    trials=TRIALS,
)
RARE = ("canary/imap", "canary/pop3", "disk")


class Service:
    """What is tried: fails whatever uses a component that is ``broken``, as the map says."""

    def __init__(self, world: SimWorld) -> None:
        self.world = world
        self.broken: set[str] = set()
        self.hangs: set[str] = set()
        self.raises: dict[str, Exception] = {}
        self.begun: dict[str, list[float]] = {}

    def jobs(self) -> dict[str, Job]:
        paces = {each.id: CANARY if each.id in RARE else DOOR for each in TRIALS}
        return {each.id: Job(paces[each.id], self._run(each), (each.id,)) for each in TRIALS}

    def _run(self, tried: Trial) -> Callable[[], object]:
        async def run() -> Sequence[Finding]:
            clock = self.world.clock
            self.begun.setdefault(tried.id, []).append(clock.now())
            if tried.id in self.raises:
                raise self.raises[tried.id]
            await clock.sleep(1e6 if tried.id in self.hangs else 0.01)
            step = next((each.name for each in tried.steps if each.uses & self.broken), "")
            state, said = ("fails", "refused") if step else ("works", "")
            return [Finding(tried.id, tried.function, state, step, said, clock.now(), 0.01)]

        return run


@pytest.fixture
def world():
    with simulated(1) as made:
        made.disk.make_folder("/other")
        yield made


@contextlib.asynccontextmanager
async def watched(world: SimWorld, **more: object) -> AsyncIterator[tuple[Service, Watching, IncidentKeeper]]:
    service, keeper = Service(world), IncidentKeeper(world, FOLDER)
    watching = Watching(world, keeper, NOW, **more)
    watching.watch(MAP, service.jobs())
    tasks = [asyncio.ensure_future(each) for each in (keeper.run(), watching.run())]
    try:
        yield service, watching, keeper
    finally:
        tasks[1].cancel()
        await keeper.close()
        tasks[0].cancel()


def now(world: SimWorld) -> Now:
    found = read_now(world, NOW)
    assert found is not None
    return found


def test_watch_9_what_fails_is_an_incident_within_seconds_is_named_told_and_closed(world):
    async def main() -> None:
        async with watched(world) as (service, _, keeper):
            await world.clock.sleep(5)
            said = now(world)
            assert {each.state for each in said.findings} == {"works"} and len(said.findings) == len(TRIALS)
            assert said.report is None and not len(keeper.incidents)
            began = world.clock.now()
            service.broken.add("pop3")
            await world.clock.sleep(5)
            [incident] = keeper.incidents.open()
            assert incident.functions == ("pop3",) and incident.opened_at - began <= 5
            await world.clock.sleep(10)
            assert incident.opinion is not None and incident.opinion.report.components == {"pop3"}
            assert incident.opinion.at - began <= 12
            report = now(world).report
            assert report is not None and report.components == {"pop3"}
            service.broken.clear()
            await world.clock.sleep(200)
            assert not keeper.incidents.open() and now(world).report is None
            assert incident.ended_at - began <= 30
            told = [entry for entry in world.journal.entries if entry.name.startswith("incident_")]
            wants = ["incident_opened", "incident_diagnosed", "incident_closed"]
            assert [each.name for each in told] == wants and told[1].keys["causes"] == ["pop3"]

    world.run(main())


def test_canary_6_while_it_has_no_descriptors_left_nothing_is_known_and_nothing_is_blamed(world):
    def none_left(_: str) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    starved = SimpleNamespace(disk=SimpleNamespace(open=none_left))

    async def main() -> None:
        async with watched(world) as (service, _, keeper):
            await world.clock.sleep(20)
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(
                    watching_module, "lacking", lambda _, really=watching_module.lacking: really(starved)
                )
                service.broken |= {"imap", "pop3"}  # as it looks from here
                await world.clock.sleep(60)
            assert not len(keeper.incidents)
            service.broken.clear()

    world.run(main())


def test_what_begins_to_fail_has_all_tried_at_once_that_uses_the_same(world):
    async def main() -> None:
        async with watched(world) as (service, _, _):
            await world.clock.sleep(20)
            service.broken.add("imap")
            began = world.clock.now()
            await world.clock.sleep(5)
            assert [each for each in service.begun["canary/imap"] if each >= began]
            assert not [each for each in service.begun["canary/pop3"] if each >= began]

    world.run(main())


def test_however_many_checks_there_are_what_uses_the_same_is_tried_at_once(world):
    checks = [trial(each, "", sync=each) for each in (f"disk/{number}" for number in range(AROUND + 1))]
    canaries = {f"canary/{function}": function for function in ("receive", "imap", "pop3")}
    using = [trial(each, function, keep="ledger") for each, function in canaries.items()]
    below = [trial("ledger", "", frames="ledger"), *using]
    parts = [Component(each, "part") for each in ("ledger", *(each.id for each in checks))]
    needs = [Edge("ledger", each.id, "lies on") for each in checks]
    known = DependencyMap(parts, needs, trials=[*checks, *below])
    ill: set[str] = set()
    tried: dict[str, float] = {}

    async def look() -> Sequence[Finding]:
        state = "fails" if ill else "works"
        return [Finding("ledger", "", state, "frames" if ill else "", "", world.clock.now(), 0.01)]

    async def use(name: str) -> Sequence[Finding]:
        tried[name] = world.clock.now()
        return ()

    async def main() -> None:
        async with watched(world) as (_, watching, _):
            jobs = {each: Job(CANARY, partial(use, each), (each,)) for each in canaries}
            watching.watch(known, jobs | {"check/ledgers": Job(DOOR, look)})
            await world.clock.sleep(5)
            ill.add("ledger")
            began = world.clock.now()
            await world.clock.sleep(3)
            assert all(tried[each] >= began for each in canaries)

    world.run(main())


def test_what_is_found_ill_is_looked_at_at_once_by_all_that_look_at_it(world):
    async def main() -> None:
        async with watched(world) as (service, watching, _):
            looked: list[float] = []

            async def look() -> Sequence[Finding]:
                looked.append(world.clock.now())
                return [Finding("metrics/pop3", "", "works", "", "", world.clock.now(), 0.01)]

            watching.watch(MAP, service.jobs() | {"another look": Job(CANARY, look)})
            await world.clock.sleep(20)
            service.broken.add("pop3")
            began = world.clock.now()
            await world.clock.sleep(3)
            assert looked[-1] >= began

    world.run(main())


def test_what_real_sessions_met_and_what_somebody_asks_for_is_tried_at_once(world):
    met: list[Signal] = []

    async def look() -> list[Signal]:
        found, met[:] = list(met), []
        return found

    async def main() -> None:
        async with watched(world, met=lambda known: Met(look, list, 2.0)) as (service, watching, _):
            await world.clock.sleep(20)
            began = world.clock.now()
            met.append(Signal("imap", "index", began, meant=("index",)))
            await world.clock.sleep(3)
            tried = {name for name in service.begun if service.begun[name][-1] >= began}
            assert set(RARE) <= tried, "and what lies below"
            await world.clock.sleep(20)
            began = world.clock.now()
            watching.look_at(["pop3"])
            await world.clock.sleep(0.1)
            assert service.begun["canary/pop3"][-1] >= began > service.begun["canary/imap"][-1]

    world.run(main())


def test_how_real_use_goes_is_told_with_how_it_is_now(world):
    use = Used(
        function="imap",
        served=9,
        missed=30,
        usual_s=0.25,
        apart=(Apart(by="cell", where="cell-07", missed=30, nearly_all=True),),
    )

    async def look() -> list[Signal]:
        return []

    async def main() -> None:
        met = Met(look, list, 2.0, uses=lambda: (use,))
        async with watched(world, met=lambda known: met):
            await world.clock.sleep(20)
            now = read_now(world, NOW)
            assert now is not None and now.uses == (use,)

    world.run(main())


def test_watch_9_what_hangs_or_raises_keeps_nothing_else_from_being_tried(world):
    async def main() -> None:
        async with watched(world) as (service, _, keeper):
            service.hangs |= {"imap", "canary/pop3"}
            service.raises["metrics/imap"] = RuntimeError("a bug of the check")
            service.raises["canary/imap"] = Unavailable("canary", "somebody else runs it")
            await world.clock.sleep(60)
            assert len(service.begun["pop3"]) > 20 and len(service.begun["imap"]) == 1
            assert len(service.begun["canary/imap"]) > 5  # not put off: it was somebody else's turn
            assert [each.keys["what"] for each in world.journal.named("try_failed")] == ["metrics/imap"]
            service.broken.add("pop3")
            await world.clock.sleep(5)
            assert keeper.incidents.open()

    world.run(main())


def test_watch_9_a_judgement_that_fails_itself_is_journalled_once_and_made_again(world, monkeypatch):
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    async def main() -> None:
        async with watched(world) as (service, _, keeper):
            await world.clock.sleep(5)
            with monkeypatch.context() as broken:
                broken.setattr(judging, "diagnose", fail)
                service.broken.add("pop3")
                await world.clock.sleep(10)
                assert [each.keys["what"] for each in world.journal.named("try_failed")] == ["judging"]
            await world.clock.sleep(10)
            assert keeper.incidents.open() and now(world).report is not None

    world.run(main())


def test_watch_9_with_a_full_disk_it_goes_on_and_says_what_it_could_not_write(world):
    async def main() -> None:
        async with watched(world) as (service, _, keeper):
            await world.clock.sleep(5)
            full = world.platter.fail("append", FOLDER, errno.ENOSPC)
            service.broken.add("pop3")
            await world.clock.sleep(8)
            said = now(world)
            assert said.ledger and [each.incident for each in said.held][:1] == [1]
            full.lift()
            await world.clock.sleep(8)
            assert not now(world).ledger and not now(world).held and len(keeper.incidents.open()) == 1

    world.run(main())


def test_watch_9_where_it_can_t_tell_how_it_is_it_is_journalled_once_and_told_later(world):
    async def main() -> None:
        async with watched(world) as (service, _, keeper):
            await world.clock.sleep(5)
            full = world.platter.fail("change", "/other", errno.ENOSPC)
            service.broken.add("pop3")
            await world.clock.sleep(90)
            assert read_now(world, NOW) is None and keeper.incidents.open()
            assert len(world.journal.named("now_unwritten")) == 1
            full.lift()
            await world.clock.sleep(5)
            assert now(world).report is not None

    world.run(main())


def test_what_was_done_about_it_is_written_down_and_told_and_taken_back_after_its_end(world):
    def entry(action: str) -> list[Remedied]:
        head = {"at": world.clock.now(), "incident": 1, "rule": "hold", "component": "pop3"}
        return [Remedied(**head, action=action, outcome="done")]

    async def remedy(seen: Seen) -> list[Remedied]:
        await world.clock.sleep(3)
        done = [each.action for one in seen.incidents for each in one.timeline if isinstance(each, Remedied)]
        if not done and seen.incidents.open():
            return entry("hold")
        return entry("resume") if done == ["hold"] and not seen.incidents.open() else []

    async def main() -> None:
        async with watched(world, remedy=remedy) as (service, _, keeper):
            service.broken.add("pop3")
            await world.clock.sleep(20)
            assert [each.component for each in now(world).remedies] == ["pop3"]
            service.broken.clear()
            await world.clock.sleep(300)
            [incident] = keeper.incidents
            taken_back = [each for each in incident.timeline if isinstance(each, Remedied)][-1]
            assert taken_back.action == "resume" and 0 < incident.closed_at < taken_back.at

    world.run(main())


def test_what_is_watched_may_change_and_what_was_found_before_counts_on(world):
    async def main() -> None:
        async with watched(world) as (service, watching, keeper):
            service.broken.add("pop3")
            await world.clock.sleep(10)
            [incident] = keeper.incidents.open()
            watching.watch(MAP, service.jobs())
            await world.clock.sleep(10)
            assert keeper.incidents.open() == [incident] and now(world).report is not None

    world.run(main())
