"""Faults that nobody listed, on maps that nobody drew: both by lot, and how often the cause is found.

Of components that no trial tells apart one alone can't be named, so faults are of those that trials do tell.
A cause that the map lacks is one as well: then nothing of the map may be named.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from holdfast.model.errors import ComponentId
from holdfast.model.functions import FUNCTIONS
from holdfast.sim.seed import Random, stream
from holdfast.watch.depends import Component, DependencyMap, Edge, Step, Trial
from holdfast.watch.diagnosis import Outcome, Verdict, diagnose, gather

Kind = Literal["single", "part", "pair", "chain", "unmapped"]
KINDS: tuple[Kind, ...] = ("single", "part", "pair", "chain", "unmapped")
_LAYERS = (("door", 6), ("process", 8), ("index", 10), ("ledger", 5), ("disk", 4), ("partner", 5))
_CHECKED = 0.7  # of components have a check of their own
_ROUNDS = 6
HIDDEN = "hidden"  # what the map lacks


class Judged(NamedTuple):
    """``named``: what was; ``right``: exactly what is at fault and seen; nothing, where the map lacks it."""

    kind: Kind
    truth: frozenset[ComponentId]
    named: frozenset[ComponentId]
    right: bool

    @property
    def wrong(self) -> bool:
        """Something was named, and something of it is well."""
        return bool(self.named - self.truth)


def judged(kind: Kind, seed: int, wrong: float = 0.0) -> Judged:
    """``wrong``: the share of trials that show the opposite of what is so."""
    random = stream(seed, "unlisted", kind)
    known, hidden = random_map(random)
    truth = _faults(known, kind, random)
    shown = list(_outcomes(known, truth, hidden, wrong, random))
    said = diagnose(known, gather(known, shown))
    named = frozenset(each.component for each in said.causes)
    visible = frozenset(each for each in truth if each != HIDDEN and _is_seen(known, each, truth))
    right = not named if kind == "unmapped" else named == visible and said.verdict is Verdict.NAMED
    return Judged(kind, frozenset(truth), named, right)


def _is_seen(known: DependencyMap, component: ComponentId, truth: Mapping[ComponentId, float]) -> bool:
    """Whether any trial comes to it before another fault stops it; else it is found when that is mended."""
    others = truth.keys() - {component}
    for trial in known.trials.values():
        for step in trial.steps:
            under = known.under(step.uses)
            if under & others:
                break
            if component in under:
                return True
    return False


def random_map(random: Random) -> tuple[DependencyMap, frozenset[str]]:
    """And through which trials' last steps something goes that it lacks."""
    layers = [[f"{kind}/{n}" for n in range(random.randint(2, most))] for kind, most in _LAYERS]
    ids = [each for layer in layers for each in layer]
    needs = []
    for upper, lower in itertools.pairwise(layers[1:]):
        needs += [Edge(each, random.choice(lower), "lies on") for each in upper if random.random() < 0.6]
    breaks = [
        Edge(one, other, "fills it")
        for one, other in zip(random.sample(ids, 6), random.sample(ids, 6))
        if one != other
    ]
    trials = [
        Trial(f"check/{each}", "", (_step("look", {each}),)) for each in ids if random.random() < _CHECKED
    ]
    for number in range(14):
        steps = tuple(
            _step(f"step {place}", set(random.sample(layer, random.randint(1, min(2, len(layer))))))
            for place, layer in enumerate(random.sample(layers, 4))
        )
        trials.append(Trial(f"trial/{number}", random.choice(FUNCTIONS), steps))
    hidden = frozenset(f"trial/{number}" for number in random.sample(range(14), 5))
    return DependencyMap(
        [Component(each, each.partition("/")[0]) for each in ids], needs, breaks, trials
    ), hidden


def _step(name: str, uses: set[ComponentId]) -> Step:
    return Step(name, frozenset(uses))


def _faults(known: DependencyMap, kind: Kind, random: Random) -> Mapping[ComponentId, float]:
    """What is at fault, and how much each spoils."""
    told = _told_apart(known)
    if kind == "unmapped":
        return {HIDDEN: 1.0}
    if kind == "chain":
        links = [(e.source, e.target) for e in known.breaks if {e.source, e.target} <= set(told)]
        if links:
            return dict.fromkeys(random.choice(links), 1.0)
    several = random.sample(told, 2 if kind in ("pair", "chain") else 1)
    return dict.fromkeys(several, 0.4 if kind == "part" else 1.0)


def _told_apart(known: DependencyMap) -> list[ComponentId]:
    """Those that some trial passes through, and no other component passes through just the same."""
    signs: dict[tuple[tuple[str, str], ...], list[ComponentId]] = {}
    for component in known.components:
        through = tuple(
            (trial.id, step.name)
            for trial in known.trials.values()
            for step in trial.steps
            if component in known.under(step.uses)
        )
        signs.setdefault(through, []).append(component)
    return [alike[0] for through, alike in signs.items() if through and len(alike) == 1]


def _outcomes(
    known: DependencyMap,
    faults: Mapping[ComponentId, float],
    hidden: frozenset[str],
    wrong: float,
    random: Random,
) -> Iterator[Outcome]:
    for second in range(_ROUNDS):
        for trial in known.trials.values():
            yield Outcome(trial.id, 1000.0 + second, _failed(known, trial, faults, hidden, wrong, random))


def _failed(
    known: DependencyMap,
    trial: Trial,
    faults: Mapping[ComponentId, float],
    hidden: frozenset[str],
    wrong: float,
    random: Random,
) -> str:
    for step in trial.steps:
        under = known.under(step.uses)
        lacks = HIDDEN in faults and trial.id in hidden and step is trial.steps[-1]
        bad = lacks or any(random.random() < rate for part, rate in faults.items() if part in under)
        if bad != (random.random() < wrong):
            return step.name
    return ""
