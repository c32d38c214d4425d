"""From outcomes of trials to evidence: which sets of components were seen to work, and which not.

A trial that failed at its third step has shown that the first two work: each step is evidence of its own.
DIAG-1 what could not be decided is no evidence, neither for nor against.
DIAG-8 a check that can't see every fault of what it looks at counts once where it goes well, however often it
was made, and takes back what it said before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from holdfast.model.errors import ComponentId
from holdfast.watch.depends import DependencyMap, Step


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

    ``groups``: of each it passes through one, by what each of them needs; ``some``: all that is in one of
    these and not in ``needs``. ``kind``: steps of one kind use what they pass through in the same way.
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
    groups: tuple[tuple[frozenset[ComponentId], ...], ...] = ()
    some: frozenset[ComponentId] = frozenset()
    kind: tuple[str, ...] = ()

    def passes(self, component: ComponentId) -> bool:
        """Whether it may pass through it."""
        return component in self.needs or component in self.some


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
            count = counts.setdefault((outcome.trial, place), _Count())
            count.tried += 1
            count.since, count.run = 0.0, 0
        if failing is not None:
            count = counts.setdefault((outcome.trial, failing), _Count())
            if not trial.proves:
                count.tried = count.failed
            count.tried += 1
            count.failed += 1
            count.run += 1
            count.since = count.since or outcome.at
            count.said = outcome.said
    found: list[Evidence] = []
    for (id, place), count in counts.items():
        step = known.trials[id].steps[place]
        groups = tuple(tuple(known.closure(each) for each in sorted(group)) for group in step.one_of)
        needs = known.under(step.uses).union(*(frozenset.intersection(*group) for group in groups if group))
        some = frozenset().union(*(each for group in groups for each in group)) - needs
        seen = (count.tried, count.failed, count.since, count.said, count.run)
        kind = _kind(known, id, step)
        found.append(Evidence(id, step.name, step.touches, needs, *seen, groups, some, kind))
    return found


def _kind(known: DependencyMap, trial: str, step: Step) -> tuple[str, ...]:
    """Of a function's trial the function and the step; of a check what sort of thing is checked."""
    function = known.trials[trial].function
    if function:
        return function, step.name
    return "", step.name, *sorted({known.components[each].kind for each in step.touches})
