"""How real use goes, and for whom otherwise than for the rest: by cell, by client network, by release.

RATIO-1 few tries make no ratio, and nothing is far from the rest where the rest are few.
RATIO-2 nothing is taken from silence, nor from what was counted before anybody looked.
RATIO-3 it is a hint for people: it is no evidence, and ranks no cause.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Literal, TypeVar

import msgspec

from holdfast.model.functions import BEHIND, FUNCTIONS, function_behind
from holdfast.model.limits import (
    RATIO_APART,
    RATIO_FEW,
    RATIO_NEARLY_ALL,
    RATIO_PLACES,
    RATIO_S,
    RATIO_SLOWER,
    RATIO_STEP_S,
    SLOW_LEAST_S,
)
from holdfast.watch.counting import OTHER, Labels, Told
from holdfast.watch.scores import quantile
from holdfast.watch.speeds import ANSWERS, taken
from holdfast.watch.words import FAST_S, RELEASE, used

By = Literal["cell", "network", "release"]


class Share(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of some use: how often it went well, and how often somebody was told to come again. ``late``: of what
    went well, what took longer than USE_LATE_S.

    ``usual_s``: half of the answers took no longer, in seconds; None where few were timed.
    """

    served: int = 0
    missed: int = 0
    late: int = 0
    usual_s: float | None = None

    @property
    def tries(self) -> int:
        return self.served + self.missed

    @property
    def well(self) -> float | None:
        """The share that went well; None where there were few (RATIO-1)."""
        return self.served / self.tries if self.tries >= RATIO_FEW else None

    @property
    def in_time(self) -> float | None:
        """Of what went well the share that wasn't late; None where it was little."""
        return 1 - self.late / self.served if self.served >= RATIO_FEW else None


class Apart(Share, frozen=True, kw_only=True):
    """A place where it goes far worse than elsewhere. ``nearly_all``: whoever misses something is there."""

    by: By
    where: str
    nearly_all: bool = False


class Used(Share, frozen=True, kw_only=True):
    """One function in the last RATIO_S seconds. ``apart``: the places that stand out, the worst first."""

    function: str
    apart: tuple[Apart, ...] = ()


class Ratios:
    """From what processes tell again and again. Pure: ``now`` is of any clock that never goes back.

    By release are compared processes of one role, the first that is behind a function: that other roles
    answer otherwise says nothing of a release.
    """

    def __init__(self) -> None:
        self._before: dict[str, _Counted] = {}
        self._steps: deque[_Step] = deque()
        self._all: tuple[Used, ...] | None = None  # since the last look

    def look(self, told: Mapping[str, list[Told] | None], now: float) -> None:
        """RATIO-2"""
        self._all = None
        while self._steps and now - self._steps[0].began >= RATIO_S:
            self._steps.popleft()
        if not self._steps or now - self._steps[-1].began >= RATIO_STEP_S:
            self._steps.append(_Step(now))
        for process, each in told.items():
            if each is None:
                continue
            counted = _Counted(process, each)
            if (before := self._before.get(process)) is not None:
                self._steps[-1].add(counted, before)
            self._before[process] = counted

    def all(self) -> tuple[Used, ...]:
        """Of each function that somebody used, in the order of FUNCTIONS."""
        if self._all is None:
            self._all = self._sum_up()
        return self._all

    def _sum_up(self) -> tuple[Used, ...]:
        uses: _Numbers = {}
        times: dict[tuple[str, str], list[float]] = {}
        for step in self._steps:
            _add(uses, step.uses)
            _add(times, step.times)
        found = (_used(function, uses, times) for function in FUNCTIONS)
        return tuple(each for each in found if each.tries)


_Place = tuple[str, By, str]  # function, by what, where
_Numbers = dict[_Place, list[float]]  # served, missed, late
_COUNTS = ("served", "missed", "late")
_METRICS: Mapping[str, tuple[int, By]] = {
    used(what, by): (at, by) for at, what in enumerate(_COUNTS) for by in ("network", "cell")
}


class _Counted:
    """What one process has counted. ``release``: '' for one that doesn't say. ``since``: it has counted.
    ``function``: that it does the work of, else ''."""

    __slots__ = ("function", "release", "since", "times", "uses")

    def __init__(self, process: str, told: list[Told]) -> None:
        self.function = _first_behind(process.rpartition("-")[0])
        self.release, self.since = "", 0.0
        self.uses: dict[tuple[str, Labels], float] = {}
        for each in told:
            if each.metric in _METRICS:
                for labels, value in each.values:
                    self.uses[each.metric, labels] = value[0]
            elif each.metric == RELEASE:
                for (version, configuration), value in each.values:
                    self.release, self.since = f"{version} {configuration[:8]}", value[0]
        _, self.times = taken(told).get(ANSWERS, ((), []))


class _Step:
    """What came in RATIO_STEP_S seconds from ``began`` on. ``times``: by function and release, as histograms
    have them."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.uses: _Numbers = {}
        self.times: dict[tuple[str, str], list[float]] = {}

    def add(self, counted: _Counted, before: _Counted) -> None:
        anew = counted.since != before.since  # it counts from nought
        for at, value in counted.uses.items():
            old = 0.0 if anew else before.uses.get(at, 0.0)
            if value != old:
                self._note(at, value - old if value > old else value, counted.release)
        old_times = [] if anew else before.times
        grown = [now - old for now, old in zip(counted.times, old_times)] if old_times else counted.times
        if counted.function and any(grown) and min(grown) >= 0:
            _add(self.times, {(counted.function, counted.release): grown})

    def _note(self, at: tuple[str, Labels], times: float, release: str) -> None:
        metric, (role, where) = at
        function = function_behind(role)
        place, by = _METRICS[metric]
        if not function:
            return
        numbers = [0.0] * len(_COUNTS)
        numbers[place] = times
        _add(self.uses, {(function, by, where): numbers})
        if by == "network" and _first_behind(role):  # all use has a network
            _add(self.uses, {(function, "release", release): numbers})


def _first_behind(role: str) -> str:
    function = function_behind(role)
    return function if function and BEHIND[function][0] == role else ""


_Key = TypeVar("_Key")


def _add(to: dict[_Key, list[float]], what: Mapping[_Key, list[float]]) -> None:
    for key, numbers in what.items():
        before = to.get(key)
        to[key] = [*numbers] if before is None else [x + y for x, y in zip(before, numbers)]


def _used(function: str, uses: _Numbers, times: Mapping[tuple[str, str], list[float]]) -> Used:
    slow = {release: counts for (name, release), counts in times.items() if name == function}
    groups: dict[By, dict[str, list[float]]] = {"cell": {}, "network": {}, "release": {}}
    for (name, by, where), numbers in uses.items():
        if name == function:
            groups[by][where] = numbers
    whole = _share(_sum(groups["network"]), _sum(slow))
    apart: list[Apart] = []
    for by, places in groups.items():
        every, every_time = _sum(places), _sum(slow) if by == "release" else []
        for where in places.keys() - {"", OTHER}:
            numbers, timed = places[where], slow.get(where, []) if by == "release" else []
            here, rest = _share(numbers, timed), _share(_less(every, numbers), _less(every_time, timed))
            more = _misses_more(here, rest)
            if more or _takes_longer(here, rest):
                apart.append(
                    Apart(
                        served=here.served,
                        missed=here.missed,
                        late=here.late,
                        usual_s=here.usual_s,
                        by=by,
                        where=where,
                        nearly_all=more and here.missed >= RATIO_NEARLY_ALL * whole.missed,
                    )
                )
    apart.sort(key=lambda each: (-each.missed, -each.late, each.by, each.where))
    return Used(
        served=whole.served,
        missed=whole.missed,
        late=whole.late,
        usual_s=whole.usual_s,
        function=function,
        apart=tuple(apart[:RATIO_PLACES]),
    )


def _sum(groups: Mapping[str, list[float]]) -> list[float]:
    return [sum(each) for each in zip(*groups.values())]


def _less(every: list[float], some: list[float]) -> list[float]:
    return [x - y for x, y in zip(every, some)]


def _share(numbers: list[float], timed: list[float]) -> Share:
    served, missed, late = numbers or (0.0, 0.0, 0.0)
    usual_s = quantile(FAST_S, timed, 0.5) if sum(timed) >= RATIO_FEW else None
    return Share(served=round(served), missed=round(missed), late=round(late), usual_s=usual_s)


def _misses_more(here: Share, rest: Share) -> bool:
    """RATIO-1"""
    return here.well is not None and rest.well is not None and rest.well - here.well >= RATIO_APART


def _takes_longer(here: Share, rest: Share) -> bool:
    """RATIO-1"""
    if here.in_time is not None and rest.in_time is not None and rest.in_time - here.in_time >= RATIO_APART:
        return True
    if here.usual_s is None or rest.usual_s is None:
        return False
    return here.usual_s >= max(SLOW_LEAST_S, RATIO_SLOWER * rest.usual_s)
