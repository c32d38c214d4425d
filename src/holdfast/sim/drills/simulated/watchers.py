"""Those who watch the simulated provider: the real rota, judge and record, in virtual time.

What is tried goes to the provider as it is at that moment; what it shows goes to the same code that watches a
real service. Nothing here knows what was done to the provider.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from holdfast.model.errors import ComponentId
from holdfast.model.findings import BAD, Finding, Signal
from holdfast.model.functions import FUNCTIONS
from holdfast.model.limits import AROUND, DOOR_SILENT_S, INCIDENT_SIGNAL_S, SURE_S
from holdfast.sim.drills.simulated import provider as p
from holdfast.sim.drills.simulated import trying, visits
from holdfast.sim.seed import Random, stream
from holdfast.watch.changes import Change
from holdfast.watch.depends import DependencyMap
from holdfast.watch.incidents.incidents import Incidents, Opinion
from holdfast.watch.judging import Judge, settle
from holdfast.watch.rota import Pace, Rota

# As the real role has them (``run/watching.py``): between two tries at least, and while one fails.
_LEAST_S: Mapping[trying.Sort, float] = {"door": 0.5, "check": 1.0, "canary": 5.0}
_FAILING_S: Mapping[trying.Sort, float] = {"door": trying.DOOR_S, "check": 5.0, "canary": 10.0}
SESSIONS = 2  # of real customers at a time, of each function, of which signals are told


def _pace(one: trying.Try) -> Pace:
    failing_s = min(_FAILING_S[one.sort], one.every_s)
    return Pace(one.every_s, _LEAST_S[one.sort], failing_s, sure_s=SURE_S)


Parts = Mapping[ComponentId, p.Now]


class Errors(NamedTuple):
    """How those who watch are hampered: the share of trials that show the opposite of what is so, and vantage
    points that see nothing."""

    wrong: float = 0.0
    blind: Collection[str] = ()


class Watchers:
    """``findings``: all that didn't go well, in the order of time. ``reports``: all that was told of causes.
    ``judge_s``: how often all is judged; ``changes``: what is changed meanwhile, in order of time."""

    def __init__(
        self,
        known: DependencyMap,
        tries: Mapping[str, trying.Try],
        seed: int,
        errors: Errors,
        incidents: Incidents,
        *,
        begin: float,
        judge_s: float = 2.0,
        changes: Sequence[Change] = (),
    ) -> None:
        self._changes = changes
        self._tries = {id: each for id, each in tries.items() if id in known.trials}
        self._known = known
        self._errors = errors
        self._shows, self._errs = stream(seed, "trials"), stream(seed, "errors")
        paces = {id: _pace(each) for id, each in self._tries.items()}
        self._rota = Rota(paces, begin, stream(seed, "rota").random)
        self._under_way: list[tuple[float, str, Finding]] = []
        self._newest: dict[str, Finding] = {}
        self._canaries: dict[str, list[str]] = {function: [] for function in FUNCTIONS}
        for id, each in self._tries.items():
            if each.sort == "canary":
                self._canaries[each.trial.function].append(id)
        self._met: dict[str, float] = {}  # function → when real sessions last met something
        self._news = False  # not settled yet
        self._judged_at = begin
        self._judge_s = judge_s
        self.judge = Judge(known)
        self.incidents = incidents
        self.findings: list[Finding] = []
        self.reports: list[Opinion] = []

    def look(self, now: float, parts: Parts, signals: Iterable[Signal] = (), *, judging: bool = True) -> None:
        """What is due is tried, what has ended is heard, and judged."""
        for name in self._rota.due(now):
            one = self._tries[name]
            finding = self._try(one, parts, now)
            heapq.heappush(self._under_way, (now + finding.took_s, name, finding))
            if one.sort == "door" and finding.took_s > DOOR_SILENT_S:
                beside = self._try(one, parts, now)
                heapq.heappush(self._under_way, (now + DOOR_SILENT_S + beside.took_s, name, beside))
        while self._under_way and self._under_way[0][0] <= now:
            _, name, finding = heapq.heappop(self._under_way)
            self._hear(name, finding._replace(at=now), now)
        self._meet(signals, now)
        if judging and now - self._judged_at >= self._judge_s:
            self._judged_at = now
            told = self.judge.told
            changes = [each for each in self._changes if each.at <= now]
            if self.judge.judge(now, changes=changes) is not told and self.judge.told is not None:
                self.reports.append(Opinion(now, self.judge.told))
            if self.judge.deciding:
                self._rota.hasten([self.judge.deciding], now)
            self._news = True
        if judging and self._news:
            self._news = False
            settle(self.judge, lambda: self.incidents, now, self.incidents.apply)

    def _meet(self, signals: Iterable[Signal], now: float) -> None:
        """What real sessions begin to meet is tried at once."""
        self.judge.hear((), signals := list(signals))
        for function in {each.function for each in signals}:
            if now - self._met.get(function, 0.0) > INCIDENT_SIGNAL_S:
                self._rota.hasten(self._canaries[function], now)
            self._met[function] = now
            self._news = True

    @property
    def newest(self) -> list[Finding]:
        """Of each trial."""
        return [self._newest[each] for each in sorted(self._newest)]

    def _try(self, one: trying.Try, parts: Parts, now: float) -> Finding:
        if one.vantage and one.vantage in self._errors.blind:
            return trying.undecided(one, now)
        finding = trying.show(one, parts, self._shows, now)
        if self._errors.wrong and self._errs.random() < self._errors.wrong:
            return trying.wrongly(one, finding, self._errs)
        return finding

    def _hear(self, name: str, finding: Finding, now: float) -> None:
        failing = finding.state in BAD
        self._rota.ended(name, now, failing=failing)
        before = self._newest.get(name)
        self._newest[name] = finding
        if failing:
            self.findings.append(finding)
            self._news = True
        if failing != (before is not None and before.state in BAD):
            step = finding.step or (before.step if before is not None else "")
            self._rota.hasten(self._around(name, step), now)
        self.judge.hear([finding])

    def _around(self, trial: str, step: str) -> list[str]:
        """As in a real service: all checks of what that step uses, and the first AROUND of all else."""
        around = self._known.around(trial, step)
        used = [each for each in around if self._known.trials[each].function]
        return [trial, *(each for each in around if not self._known.trials[each].function), *used[:AROUND]]


def sessions(parts: Parts, random: Random, now: float) -> list[Signal]:
    """What real customers meet who come in now, and when: whoever can't come in tells nobody."""
    found = []
    for function, way in (*visits.WAYS.items(), *visits.OLD.items()):
        for _ in range(SESSIONS):
            visit = visits.Visit(parts, random)
            met = visits.walk(way, visit, random.randrange(p.CELLS))
            if (said := met.stopped or visit.missed) and met.step not in ("resolve", "connect"):
                found.append(Signal(function, "", now + visit.took_s, said))
    return found
