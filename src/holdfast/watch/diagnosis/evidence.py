"""From outcomes of trials to evidence: which sets of components were seen to work, and which not.

A trial that failed at its third step has shown that the first two work: each step is evidence of its own.
DIAG-1 what could not be decided is no evidence, neither for nor against.
DIAG-8 a check that can't see every fault of what it looks at is evidence by its failure alone; going well, it
only takes back what it said before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from holdfast.model.errors import ComponentId
from holdfast.watch.depends import DependencyMap


class Outcome(NamedTuple):
    """What a trial showed at ``at``. ``failed``: its first step that didn't work, '' for none.

    ``reached``: how many steps are known to have worked, where it stopped undecided; None: all before
    the failed one. ``said``: what the failed step met, in the words of the protocol.
    """

    trial: str
    at: float
    failed: str = ""
    reached: int | None = None
    said: str = ""


class Evidence(NamedTuple):
    """One step tried ``tried`` times, ``failed`` of them in vain. ``needs``: all that it passes through.

    ``since``: of the first failure after the last success, 0 without one; ``run``: how many there were
    from then on.
    """

    trial: str
    step: str
    uses: frozenset[ComponentId]
    needs: frozenset[ComponentId]
    tried: int
    failed: int
    since: float
    said: str
    run: int = 0


class _Count:
    __slots__ = ("failed", "run", "said", "since", "tried")

    def __init__(self) -> None:
        self.tried = self.failed = self.run = 0
        self.since = 0.0
        self.said = ""


def gather(known: DependencyMap, outcomes: Iterable[Outcome]) -> list[Evidence]:
    """Evidence by step, from outcomes in order of time. Raises ``KeyError`` for an unknown trial."""
    counts: dict[tuple[str, int], _Count] = {}
    for outcome in outcomes:
        trial = known.trials[outcome.trial]
        steps = trial.steps
        names = [step.name for step in steps]
        failing = names.index(outcome.failed) if outcome.failed else None
        worked = len(steps) if failing is None else failing
        if outcome.reached is not None:
            worked = min(worked, outcome.reached)
        for place in range(worked):
            if not trial.proves:
                counts.pop((outcome.trial, place), None)
                continue
            count = counts.setdefault((outcome.trial, place), _Count())
            count.tried += 1
            count.since, count.run = 0.0, 0
        if failing is not None:
            count = counts.setdefault((outcome.trial, failing), _Count())
            count.tried += 1
            count.failed += 1
            count.run += 1
            count.since = count.since or outcome.at
            count.said = outcome.said
    found: list[Evidence] = []
    for (trial, place), count in counts.items():
        step = known.trials[trial].steps[place]
        needs = known.under(step.uses)
        seen = (count.tried, count.failed, count.since, count.said, count.run)
        found.append(Evidence(trial, step.name, step.uses, needs, *seen))
    return found
