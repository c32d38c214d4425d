"""How each trial stands, from its findings: what of them still counts, and nothing of what is long past."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from holdfast.model.errors import ComponentId
from holdfast.model.findings import BAD, Finding, Signal, State, alike
from holdfast.model.functions import FUNCTIONS
from holdfast.model.limits import (
    FINDING_FRESH_S,
    INCIDENT_FAILURES,
    INCIDENT_HEARD,
    INCIDENT_QUIET_S,
    INCIDENT_SIGNAL_S,
    INCIDENT_TOGETHER_S,
    SIGNALS_S,
)
from holdfast.watch.depends import Trial, cell_of
from holdfast.watch.signals import PREFIX as SESSIONS


class Standing(msgspec.Struct):
    """One trial from one place. ``bad``: failures in a row, ``bad_since`` the first of them, by UTC.

    What couldn't be decided breaks a row of successes, but no row of failures. ``works_since``: since when
    it has worked whenever it was tried, 0 when it doesn't.
    """

    last: Finding
    bad: int = 0
    bad_since: float = 0.0
    works_since: float = 0.0

    def add(self, finding: Finding) -> None:
        self.last = finding
        if finding.state == "works":
            self.bad, self.bad_since = 0, 0.0
            self.works_since = self.works_since or finding.at
            return
        self.works_since = 0.0
        if finding.state in BAD:
            self.bad += 1
            self.bad_since = self.bad_since or finding.at


class Worked(NamedTuple):
    """A trial works: ever since ``since`` where it was tried, last at ``at``."""

    since: float
    at: float


class Window:
    """``trials``: all there are; what was never tried is unknown, but for what can't be tried at will.
    ``under``: all that must be well for some components to be; they themselves at least."""

    def __init__(
        self,
        trials: Collection[Trial],
        fresh_s: float = FINDING_FRESH_S,
        under: Callable[[Iterable[ComponentId]], frozenset[ComponentId]] = frozenset,
    ) -> None:
        self.enough = INCIDENT_FAILURES  # failures in a row that are no accident
        self._fresh_s = fresh_s
        self._under = under
        self._steps = {each.id: [step.name for step in each.steps] for each in trials}
        self._uses = {(each.id, step.name): step.uses for each in trials for step in each.steps}
        self._trials: dict[str, list[str]] = {function: [] for function in FUNCTIONS}
        self._heard: dict[str, list[str]] = {function: [] for function in FUNCTIONS}
        for trial in trials:
            if trial.function:
                (self._trials if trial.at_will else self._heard)[trial.function].append(trial.id)
        self._alike = {function: _alike(those) for function, those in self._trials.items()}
        self._standings: dict[str, dict[str, Standing]] = {}
        self._signals: dict[str, float] = {}
        self._blamed: dict[str, frozenset[ComponentId]] = {}  # by sessions of which trial, at the last look

    def add(self, findings: Iterable[Finding], signals: Sequence[Signal] = ()) -> None:
        """Of what isn't expected nothing is kept, and of a finding older than the last one nothing either."""
        for finding in [*findings, *self._met(signals)]:
            if finding.trial not in self._steps:
                continue
            places = self._standings.setdefault(finding.trial, {})
            standing = places.get(finding.vantage)
            if standing is None or finding.at - standing.last.at > self._counts_s(finding.trial):
                standing = places[finding.vantage] = Standing(finding)
            elif finding.at < standing.last.at:
                continue
            standing.add(finding)
        for trial, those in _by_trial(signals).items():
            self._blamed[trial] = frozenset(component for each in those for component in each.meant)
        for signal in signals:
            self._signals[signal.function] = max(signal.at, self._signals.get(signal.function, 0.0))

    @staticmethod
    def _met(signals: Iterable[Signal]) -> Iterator[Finding]:
        """What real sessions met in vain, one finding a process: it serves, and not all who come."""
        for trial, those in _by_trial(signals).items():
            first, cell = those[0], _cell(those)
            yield Finding(trial, first.function, "degraded", first.component, first.said, first.at, 0.0, cell)

    def _counts_s(self, trial: str) -> float:
        """For so long a finding of it counts: nobody may come any more who could meet that it works."""
        return SIGNALS_S if trial.startswith(SESSIONS) else self._fresh_s

    def state(self, trial: str, now: float) -> State:
        """The worst that any place sees; unknown only where no place can decide."""
        seen = {each.last.state for each in self._fresh(trial, now)}
        for state in ("fails", "degraded", "works"):
            if state in seen:
                return state
        return "unknown"

    def _together(self, trials: Iterable[str], now: float) -> State:
        """What several places try alike: it fails where none of them sees it work (VANTAGE-3)."""
        states = {self.state(trial, now) for trial in trials} - {"unknown"}
        if not states & set(BAD):
            return "works" if states else "unknown"
        return "degraded" if states & {"works", "degraded"} else "fails"

    def works_since(self, trial: str, now: float) -> float:
        """Since when it has worked wherever it was tried; 0 where it doesn't, or isn't known to."""
        found = [each.works_since for each in self._fresh(trial, now)]
        return max(found) if found and all(found) else 0.0

    def function(self, function: str, now: float) -> State:
        """INC-4: it works only if all its trials do; it fails if none of them does. What can't be tried at
        will counts only where it doesn't go well."""
        states = {self._together(trials, now) for trials in self._alike[function]}
        states |= {state for trial in self._heard[function] if (state := self.state(trial, now)) in BAD}
        if states == {"works"}:
            return "works"
        if not states & set(BAD):
            return "unknown"
        return "degraded" if states & {"works", "degraded"} else "fails"

    def failing(self, function: str, now: float) -> list[Standing]:
        """All of its trials that don't go well at present, those that began first at first."""
        found = [
            standing
            for trial in (*self._trials[function], *self._heard[function])
            for standing in self._fresh(trial, now)
            if standing.last.state in BAD
        ]
        return sorted(found, key=lambda each: (each.bad_since, each.last.trial, each.last.vantage))

    def confirmed(self, function: str, now: float) -> list[Standing]:
        """Of those the ones that are no accident."""
        return [
            each
            for each in self.failing(function, now)
            if (self._is_met(each) if each.last.trial.startswith(SESSIONS) else self._is_sure(each))
        ]

    def _is_sure(self, tried: Standing) -> bool:
        """``enough`` in a row; or met by a real session as well; or what its step uses fails as often by its
        own check."""
        signal = self._signals.get(tried.last.function, float("-inf"))
        return (
            tried.bad >= self.enough
            or abs(signal - tried.last.at) <= INCIDENT_SIGNAL_S
            or self._are_ill(self._uses.get((tried.last.trial, tried.last.step), ()), tried, self.enough)
        )

    def _is_met(self, met: Standing) -> bool:
        """Again and again; or what these sessions blame, or what that needs, fails by its own check."""
        blamed = self._under(self._blamed.get(met.last.trial, ()))
        return met.bad >= INCIDENT_HEARD or self._are_ill(blamed, met, 1)

    def _are_ill(self, components: Iterable[ComponentId], of: Standing, failures: int) -> bool:
        """Whether any fails by its own check so often in a row, and since about then: what is ill for long is
        no proof of what was met just now."""
        return any(
            each.last.state == "fails"
            and each.bad >= failures
            and abs(each.bad_since - of.bad_since) <= INCIDENT_TOGETHER_S
            for component in components
            for each in self._standings.get(component, {}).values()
        )

    def worked(self, function: str, now: float) -> list[Worked] | None:
        """For each of its trials since when it works; None where one doesn't or isn't known, or none is."""
        if any(self.state(trial, now) in BAD for trial in self._heard[function]):
            return None
        found = []
        for trials in self._alike[function]:
            if self._together(trials, now) != "works":
                return None
            seeing = [each for one in trials for each in self._fresh(one, now) if each.works_since]
            found.append(
                Worked(max(each.works_since for each in seeing), max(each.last.at for each in seeing))
            )
        return [*found, *self._met_last(function, now)] if found else None

    def _met_last(self, function: str, now: float) -> Iterator[Worked]:
        """Since when real sessions meet nothing any more."""
        for trial in self._heard[function]:
            for each in self._standings.get(trial, {}).values():
                if each.last.state in BAD and trial.startswith(SESSIONS):
                    yield Worked(each.last.at, now)

    def unproven(self, function: str, now: float) -> list[str]:
        """Its trials that went well again so long ago that one more try would show that it is over."""
        return [
            trial
            for trial in self._trials[function]
            for each in self._fresh(trial, now)
            if each.works_since
            and each.last.at - each.works_since < INCIDENT_QUIET_S <= now - each.works_since
        ]

    def over(self, trial: str, step: str, now: float) -> bool:
        """Whether that step of it fails no longer: it works, or gets further."""
        steps = self._steps.get(trial, [])
        if step not in steps or self.state(trial, now) == "unknown":
            return False
        failing = [each.last.step for each in self._fresh(trial, now) if each.last.state in BAD]
        return all(each in steps and steps.index(each) > steps.index(step) for each in failing)

    def _fresh(self, trial: str, now: float) -> list[Standing]:
        places = self._standings.get(trial, {})
        return [each for each in places.values() if now - each.last.at <= self._counts_s(trial)]


def _alike(trials: Iterable[str]) -> list[list[str]]:
    found: dict[str, list[str]] = {}
    for each in trials:
        found.setdefault(alike(each), []).append(each)
    return list(found.values())


def _by_trial(signals: Iterable[Signal]) -> dict[str, list[Signal]]:
    """Of functions of customers, and where it is known what may be meant."""
    met: dict[str, list[Signal]] = {}
    for each in signals:
        if each.process and each.function and each.meant:
            met.setdefault(f"{SESSIONS}{each.process}", []).append(each)
    return met


def _cell(signals: Iterable[Signal]) -> int | None:
    """The one in which all lies that may be meant; None where there isn't one."""
    numbers = {cell_of(component) for each in signals for component in each.meant}
    return numbers.pop() if len(numbers) == 1 else None
