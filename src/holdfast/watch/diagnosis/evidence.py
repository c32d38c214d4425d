"""From outcomes of trials to evidence: which sets of components were seen to work, and which not.

A trial that failed at its third step has shown that the first two work: each step is evidence of its own.
DIAG-1 what could not be decided is no evidence, neither for nor against.
DIAG-8 a check that can't see every fault of what it looks at counts once where it goes well, however often it
was made, and takes back what it said before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from holdfast.model.errors import ComponentId
from holdfast.watch.depends import DependencyMap
from holdfast.watch.diagnosis.passages import Passage, passages

_SURELY = 3  # a step that failed so often fails, though it worked once


class Outcome(NamedTuple):
    """What a trial showed at ``at``. ``failed``: its first step that didn't work, '' for none.

    ``reached``: how many steps are known to have worked, where it stopped undecided; None: all before
    the failed one. ``said``: what the failed step met, in the words of the protocol. ``began``: the first
    of the failures at that step that it is one of, 0: it itself; ``sound``: the first of the last few
    successes in a row before, 0 where there were none.
    """

    trial: str
    at: float
    failed: str = ""
    reached: int | None = None
    said: str = ""
    began: float = 0.0
    sound: float = 0.0


class Evidence(NamedTuple):
    """One step tried ``tried`` times, ``failed`` of them in vain.

    ``since``: of the first failure after the last success, 0 without one; ``run``: how many there were
    from then on. ``said``: what the last of them met, ``began`` and ``sound`` as it says.
    """

    passage: Passage
    tried: int
    failed: int
    since: float
    said: str
    run: int = 0
    began: float = 0.0
    sound: float = 0.0

    @property
    def trial(self) -> str:
        return self.passage.trial

    @property
    def step(self) -> str:
        return self.passage.step

    def passes(self, component: ComponentId) -> bool:
        """Whether it may pass through it."""
        return component in self.passage.needs or component in self.passage.some


class _Count:
    __slots__ = ("began", "failed", "run", "said", "since", "sound", "tried")

    def __init__(self) -> None:
        self.tried = self.failed = self.run = 0
        self.since = self.began = self.sound = 0.0
        self.said = ""


def gather(known: DependencyMap, outcomes: Iterable[Outcome]) -> list[Evidence]:
    """Evidence by step, from outcomes in order of time. Raises ``KeyError`` for an unknown trial."""
    of = passages(known)
    counts: dict[int, _Count] = {}
    for outcome in outcomes:
        steps = of.of[outcome.trial]
        failing = [each.step for each in steps].index(outcome.failed) if outcome.failed else len(steps)
        worked = failing if outcome.reached is None else min(failing, outcome.reached)
        for passage in steps[:worked]:
            count = counts.get(passage.number)
            if count is None or not passage.proves:
                count = counts[passage.number] = _Count()
            count.tried += 1
            count.since, count.run = 0.0, 0
        if outcome.failed:
            count = counts.setdefault(steps[failing].number, _Count())
            if not steps[failing].proves:
                count.tried = count.failed
            count.tried += 1
            count.failed += 1
            count.run += 1
            count.since = count.since or outcome.at
            count.said = outcome.said
            count.began, count.sound = outcome.began or outcome.at, outcome.sound
    accidents = {number for trial in of.of.values() for number in _by_accident(trial, counts)}
    return [
        Evidence(of.every[number], c.tried, c.failed, c.since, c.said, c.run, c.began, c.sound)
        for number, c in counts.items()
        if number not in accidents
    ]


def _by_accident(trial: Iterable[Passage], counts: Mapping[int, _Count]) -> Iterator[int]:
    """Steps reached once, where all else failed before: a trial that erred once would have erred at each."""
    doubtful = False
    for passage in trial:
        count = counts.get(passage.number)
        if count is None:
            continue
        worked = count.tried - count.failed
        if doubtful and worked == 1 and not count.failed:
            yield passage.number
        doubtful = doubtful or (worked == 1 and count.failed >= _SURELY)
