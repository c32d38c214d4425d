"""How fast real traffic is served, by what each process counts, beside its own last hours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from holdfast.model.limits import SLOW_EVENTS
from holdfast.watch.checking import WELL, Said
from holdfast.watch.counting import Told
from holdfast.watch.scores import Series, quantile
from holdfast.watch.words import METRICS

PREFIX = "speed/"  # of trials; the process follows
ANSWERS = "answers"
STEPS = ("commits", ANSWERS)
_HISTOGRAMS: Mapping[str, str] = {
    "holdfast_commit_seconds": "commits",
    "holdfast_smtp_accept_seconds": ANSWERS,
    "holdfast_imap_command_seconds": ANSWERS,
    "holdfast_jmap_request_seconds": ANSWERS,
    "holdfast_page_seconds": ANSWERS,
}
_WAITING = ("IDLE",)  # lasts as long as the client likes


class Slow(NamedTuple):
    """``score``: the higher, the less usual; for ranking."""

    process: str
    step: str
    seconds: float
    usual: float
    score: float

    @property
    def said(self) -> Said:
        what = "a group commit" if self.step == "commits" else "an answer"
        times = self.seconds / self.usual
        return Said(
            "degraded", self.step, f"{what} takes {self.seconds:.2f} s, {times:.0f} times what is usual"
        )


class Speeds:
    """``look`` in steady rounds: a series compares values of equal spans of time."""

    def __init__(self) -> None:
        self._before: dict[tuple[str, str], list[float]] = {}
        self._series: dict[tuple[str, str], Series] = {}
        self._slow: set[str] = set()
        self._heard: set[str] = set()  # in the last look

    def look(self, told: Mapping[str, list[Told] | None]) -> list[Slow]:
        """What is slow now, the least usual first. A process that doesn't answer has no news."""
        found: list[Slow] = []
        self._heard.clear()
        for process, each in told.items():
            for step, (bounds, counts) in taken(each or []).items():
                place = (process, step)
                before = self._before.get(place)
                self._before[place] = counts
                series = self._series.setdefault(place, Series())
                if before is None or any(now < old for now, old in zip(counts, before)):
                    continue  # it has begun to count anew
                grown = [now - old for now, old in zip(counts, before)]
                if sum(grown) < SLOW_EVENTS:
                    continue
                self._heard.add(process)
                series.add(quantile(bounds, grown, 0.5))
                if series.slow and series.usual is not None:
                    found.append(Slow(process, step, series.last, series.usual, series.score))
        return sorted(found, key=lambda each: -each.score)

    def findings(self, told: Mapping[str, list[Told] | None]) -> dict[str, Said]:
        """By process: what is slow, and once what no longer is; what always was as usual isn't mentioned."""
        found: dict[str, Said] = {}
        for each in self.look(told):
            if each.process not in found or each.step == STEPS[0]:
                found[each.process] = each.said
        over = self._slow - found.keys()
        self._slow = set(found)
        quiet = Said("unknown", STEPS[-1], "too few came to say")
        return found | {process: WELL if process in self._heard else quiet for process in over}


def taken(told: list[Told]) -> dict[str, tuple[tuple[float, ...], list[float]]]:
    """By step: the bounds, and how many there were of each; all of a process together."""
    found: dict[str, tuple[tuple[float, ...], list[float]]] = {}
    for each in told:
        step = _HISTOGRAMS.get(each.metric)
        if step is None:
            continue
        bounds = METRICS[each.metric].bounds
        _, counts = found.setdefault(step, (bounds, [0.0] * (len(bounds) + 1)))
        for labels, value in each.values:
            if labels[0] not in _WAITING:
                for place, count in enumerate(value[:-1]):
                    counts[place] += count
    return found
