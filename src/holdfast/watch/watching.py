"""The round of the role ``watch``: try, judge, write down, tell; for as long as it lives.

WATCH-7 nothing is tried twice at the same time, and nothing waits for what hangs.
WATCH-9 it goes on whatever fails around it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from holdfast.model.errors import Unavailable
from holdfast.model.findings import BAD, Finding, Signal
from holdfast.model.limits import AROUND, JUDGE_S, NOW_EVERY_S, NOW_REMEDIES, OWN_DESCRIPTORS, TRY_S
from holdfast.watch.canaries.walk import OURS
from holdfast.watch.changes import Change
from holdfast.watch.depends import DependencyMap
from holdfast.watch.diagnosis import Outcome
from holdfast.watch.events import NOW_UNWRITTEN, TRY_FAILED
from holdfast.watch.incidents.keeping import IncidentKeeper
from holdfast.watch.incidents.lifecycle import Seen
from holdfast.watch.incidents.record import Remedied
from holdfast.watch.judging import Judge, settle
from holdfast.watch.now import Now, write_now
from holdfast.watch.ratios import Used
from holdfast.watch.rota import Pace, Rota
from holdfast.world import World

_REST_S = 0.1  # between two judgements at least
_TICK_S = 1.0  # it looks up at least so often


class Job(NamedTuple):
    """``trials``: those that ``run`` makes findings of; what a check of components looked at it says."""

    pace: Pace
    run: Callable[[], Awaitable[Sequence[Finding]]]
    trials: Collection[str] = ()


class Met(NamedTuple):
    """What real sessions met. ``look``: since the last look; ``outcomes``: of the last while, as evidence.

    ``changes``: what was changed of late, in order of time. ``uses``: how real use goes.
    """

    look: Callable[[], Awaitable[list[Signal]]]
    outcomes: Callable[[], list[Outcome]]
    every_s: float
    changes: Callable[[], Sequence[Change]] = tuple
    uses: Callable[[], tuple[Used, ...]] = tuple


Remedy = Callable[[Seen], Awaitable[Sequence[Remedied]]]


class Watching:
    """``now_path``: where how it is now is told. ``remedy``: what may be done about what is seen."""

    def __init__(
        self,
        world: World,
        keeper: IncidentKeeper,
        now_path: str,
        *,
        met: Callable[[DependencyMap], Met] | None = None,
        remedy: Remedy | None = None,
    ) -> None:
        self._world = world
        self._keeper = keeper
        self._now_path = now_path
        self._make_met = met
        self._remedy = remedy
        self._newest: dict[tuple[str, str], Finding] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed: set[str] = set()  # jobs that failed themselves, and were told of
        self._news = asyncio.Event()
        self._changed = asyncio.Event()  # how it is now is to be told
        self._unjudged = asyncio.Event()  # something changed
        self._remedying = False

    def watch(self, known: DependencyMap, jobs: Mapping[str, Job]) -> None:
        """From now on this, by name. What was found before counts on, where its trial is still there."""
        self._known = known
        self._jobs = dict(jobs)
        self._met = self._make_met(known) if self._make_met is not None else None
        if self._met is not None:
            self._jobs["sessions"] = Job(
                Pace(self._met.every_s, self._met.every_s, self._met.every_s), self._sessions
            )
        self._by_trial: dict[str, set[str]] = {}  # the jobs that look at it
        for name, job in self._jobs.items():
            self._looks_at(name, job.trials)
        self._rota = Rota(
            {name: job.pace for name, job in self._jobs.items()},
            self._world.clock.monotonic(),
            lambda: self._world.entropy.uniform(0.0, 1.0),
        )
        self._judge = Judge(known)
        self._judge.hear(sorted(self._newest.values(), key=lambda each: each.at))
        self._news.set()

    async def run(self) -> None:
        """Until it is cancelled. Raises nothing. ``watch`` comes first."""
        self._begin(self._publish())
        self._begin(self._judging())
        try:
            while True:
                now = self._world.clock.monotonic()
                for name in self._rota.due(now):
                    self._begin(self._work(name, self._jobs[name], self._rota))
                self._news.clear()
                wait_s = min(max(self._rota.next_due() - self._world.clock.monotonic(), 0.01), _TICK_S)
                try:
                    async with asyncio.timeout(wait_s):
                        await self._news.wait()
                except TimeoutError:
                    pass
        finally:
            for task in self._tasks:
                task.cancel()

    def look_at(self, functions: Iterable[str]) -> None:
        """Somebody says that these don't work: all their trials at once."""
        wanted = set(functions)
        self._hasten(each.id for each in self._known.trials.values() if each.function in wanted)

    # trying

    def _begin(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, name: str, job: Job, rota: Rota) -> None:
        """One run. ``rota``: which it is of; another one may have begun meanwhile."""
        found: Sequence[Finding] = ()
        try:
            async with asyncio.timeout(TRY_S):
                found = self._sure(await job.run())
            self._failed.discard(name)
        except Unavailable:  # not just now: somebody else does it
            rota.hasten([name], self._world.clock.monotonic())
        except Exception as error:
            self._tell_failed(name, error)
        failing = any(each.state in BAD for each in found)
        rota.ended(name, self._world.clock.monotonic(), failing=failing)
        if rota is self._rota:
            self._looks_at(name, (each.trial for each in found))
        self._take(found)

    def _looks_at(self, name: str, trials: Iterable[str]) -> None:
        for trial in trials:
            self._by_trial.setdefault(trial, set()).add(name)

    def _tell_failed(self, what: str, error: Exception) -> None:
        """Once, until it goes well again."""
        if what not in self._failed:
            self._failed.add(what)
            self._world.journal.emit(TRY_FAILED, what=what, reason=repr(error))

    def _sure(self, found: Sequence[Finding]) -> Sequence[Finding]:
        """CANARY-6: while this process lacks descriptors, whatever it meets is its own fault, and unknown."""
        if not any(each.state in BAD for each in found) or not lacking(self._world):
            return found
        said = "this process has no descriptors left to look with"
        return [each._replace(state="unknown", said=said) if each.state in BAD else each for each in found]

    def _take(self, found: Sequence[Finding]) -> None:
        for finding in found:
            if finding.state == "unknown" and finding.trial not in self._known.trials:
                continue  # nothing depends on it
            place = (finding.trial, finding.vantage)
            before = self._newest.get(place)
            self._newest[place] = finding
            if (before.state if before is not None else "works") != finding.state:
                self._unjudged.set()
                self._hasten_around(
                    finding.trial, finding.step or (before.step if before is not None else "")
                )
        self._judge.hear(found)
        self._news.set()

    async def _sessions(self) -> Sequence[Finding]:
        assert self._met is not None
        signals = await self._met.look()
        self._judge.hear((), signals)
        for signal in signals:
            for component in signal.meant:
                self._hasten(self._known.passing.get(component, ()))
            self._hasten(self._known.under(signal.meant))  # what that needs, by its own checks
        return ()

    def _hasten(self, trials: Iterable[str]) -> None:
        names = {name for each in trials for name in self._by_trial.get(each, ())}
        self._rota.hasten(names, self._world.clock.monotonic())
        self._news.set()

    def _hasten_around(self, trial: str, step: str) -> None:
        """What else looks at the same, and passes through what that step uses: all checks, and the first
        AROUND of all else."""
        trials = self._known.trials
        if trial in trials:
            around = self._known.around(trial, step)
            checks = [each for each in around if not trials[each].function]
            used = [each for each in around if trials[each].function]
            self._hasten([trial, *checks, *used[:AROUND]])

    # judging

    async def _judging(self) -> None:
        """At once where something changed, and else each JUDGE_S; and as long a rest as it took itself."""
        clock = self._world.clock
        while True:
            changed, began = self._unjudged.is_set(), clock.monotonic()
            self._unjudged.clear()
            try:
                await self._round(changed)
                self._failed.discard("judging")
            except Exception as error:
                self._tell_failed("judging", error)
            took_s = clock.monotonic() - began
            await clock.sleep(max(_REST_S, took_s))
            try:
                async with asyncio.timeout(max(JUDGE_S - _REST_S - took_s, 0.01)):
                    await self._unjudged.wait()
            except TimeoutError:
                pass

    async def _round(self, changed: bool) -> None:
        clock, judge, keeper, met = self._world.clock, self._judge, self._keeper, self._met
        told = judge.told
        shown = judge.evidence(clock.now(), met.outcomes() if met else ())
        found = None
        if shown:
            found = await self._world.offload(judge.weigh, shown, met.changes() if met else ())
        judge.conclude(clock.now(), shown, found)
        if judge.deciding:
            self._hasten([judge.deciding])
        open_ones = keeper.incidents.open()
        for incident in open_ones:
            for function in incident.active:
                self._hasten(judge.window.unproven(function, clock.now()))
        uses = met.uses() if met and open_ones else ()
        written = settle(judge, lambda: keeper.incidents, clock.now(), keeper.note, uses)
        if changed or written or judge.told is not told:
            self._changed.set()
        if self._remedy is not None and not self._remedying:  # after an incident, what was done is taken back
            self._remedying = True
            self._begin(self._carry_out(self._remedy))

    async def _carry_out(self, remedy: Remedy) -> None:
        try:
            seen = Seen(self._judge.window, self._judge.told, self._keeper.incidents, self._world.clock.now())
            if done := await remedy(seen):
                self._keeper.note(done)
                self._changed.set()
        finally:
            self._remedying = False

    # telling

    async def _publish(self) -> None:
        """At each change, and every NOW_EVERY_S at least."""
        told = True
        while True:
            self._changed.clear()
            try:
                await self._world.offload(write_now, self._world, self._now_path, self._now())
                told = True
            except OSError as error:
                if told:
                    self._world.journal.emit(NOW_UNWRITTEN, path=self._now_path, reason=str(error))
                told = False
            await self._world.clock.sleep(JUDGE_S / 4)
            try:
                async with asyncio.timeout(NOW_EVERY_S):
                    await self._changed.wait()
            except TimeoutError:
                pass

    def _now(self) -> Now:
        keeper = self._keeper
        remedies = [
            entry
            for incident in keeper.incidents.open()
            for entry in incident.timeline
            if isinstance(entry, Remedied)
        ]
        return Now(
            at=self._world.clock.now(),
            findings=tuple(self._newest[place] for place in sorted(self._newest)),
            report=self._judge.told,
            remedies=tuple(remedies[-NOW_REMEDIES:]),
            uses=self._met.uses() if self._met is not None else (),
            ledger=keeper.trouble,
            held=tuple(keeper.held),
        )


def lacking(world: World) -> bool:
    """Whether this process can't open what a trial needs."""
    with contextlib.ExitStack() as held:
        try:
            for _ in range(OWN_DESCRIPTORS):
                held.callback(world.disk.open("/dev/null").close)
        except OSError as error:
            return error.errno in OURS
    return False
