"""Exact inference: which set of components at fault explains best what was seen. DIAG-2 to DIAG-6.

A hypothesis is a set of at most ``MOST`` components and how much of what passes through each it spoils.
Its weight is its prior (faults are rare; one that another fault brings about is not) times the likelihood
of every piece of evidence: what passes through no faulty component fails only by noise, what passes
through one fails as often as that spoils. How much noise there is isn't known and is weighed too. All
hypotheses that can matter are weighed, so the weights of all together are known and a probability is one.
"""

from __future__ import annotations

import enum
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from holdfast.model.errors import ComponentId
from holdfast.watch.depends import DependencyMap
from holdfast.watch.diagnosis.evidence import Evidence

NOISES = (0.01, 0.03, 0.07)  # how often trials show the wrong thing: each is as likely
PRIOR = 1e-4  # of an ordinary component, beside being well
FOLLOWS = 0.02  # of a component that a faulty one may break
OUTSIDE_PRIOR = 1e-7  # of a cause that the map doesn't know
OUTSIDE_COVERS = 0.01  # … and that a step passes through it
RATES = {1.0: 1.0, 0.4: 0.3, 0.08: 0.1}  # how much a fault spoils: how likely that is
MOST = 3
CLASSES = 24  # that pairs are made of; sets of three are made of the better half
NAMED = 0.9  # the probability from which on a cause is named


class Verdict(enum.Enum):
    WELL = "well"
    NAMED = "named"
    UNDECIDED = "undecided"
    OUTSIDE = "outside the map"


class Cause(NamedTuple):
    """``rate``: the share of what passes through that fails. ``after``: what brought it about, '' for none.

    ``path``: from what a failed step used to the component.
    """

    component: ComponentId
    since: float
    rate: float
    after: ComponentId
    path: tuple[ComponentId, ...]


class Hypothesis(NamedTuple):
    components: frozenset[ComponentId]
    probability: float


class Diagnosis(NamedTuple):
    """``causes``: in the order of time, none unless the verdict is NAMED.

    ``explained``, ``against``: evidence that fails because of them; that speaks against them.
    ``ruled_out``: what a failed step passed through all the same, and the evidence that it works.
    ``runners_up``: what else it may be; ``deciding``: the trial whose outcome would tell, '' for none.
    """

    verdict: Verdict
    probability: float
    causes: tuple[Cause, ...] = ()
    explained: tuple[Evidence, ...] = ()
    against: tuple[Evidence, ...] = ()
    ruled_out: Mapping[ComponentId, Evidence] = {}
    runners_up: tuple[Hypothesis, ...] = ()
    deciding: str = ""


class _Weighed(NamedTuple):
    weight: float  # logarithm
    members: tuple[tuple[ComponentId, float], ...]  # with their rates


def diagnose(known: DependencyMap, evidence: Sequence[Evidence]) -> Diagnosis:
    """The best explanation of the evidence, or why there is none."""
    weighings = [_Weighing(known, evidence, noise) for noise in NOISES]
    weighing = weighings[0]
    hypotheses = sorted((each for one in weighings for each in one.all()), reverse=True)
    top = hypotheses[0].weight
    whole = math.fsum(math.exp(each.weight - top) for each in hypotheses)
    found: dict[frozenset[ComponentId], list[_Weighed]] = {}
    for each in hypotheses:
        found.setdefault(frozenset(member for member, _ in each.members), []).append(each)
    ranked = sorted(
        (
            Hypothesis(components, math.fsum(math.exp(each.weight - top) for each in same) / whole)
            for components, same in found.items()
        ),
        key=lambda each: (-each.probability, sorted(each.components)),
    )
    best = ranked[0]
    if best.components == OUTSIDE and best.probability >= NAMED:
        return Diagnosis(Verdict.OUTSIDE, best.probability, runners_up=tuple(ranked[1:4]))
    if not best.components and best.probability >= NAMED:
        return Diagnosis(Verdict.WELL, best.probability)
    if best.components and best.components != OUTSIDE and best.probability >= NAMED:
        return weighing.named(found[best.components][0], best.probability, ranked[1:4])
    likely = tuple(itertools.takewhile(lambda each: each.probability >= 0.02, ranked))[:6]
    return Diagnosis(Verdict.UNDECIDED, best.probability, runners_up=likely, deciding=deciding(known, likely))


def deciding(known: DependencyMap, likely: Sequence[Hypothesis]) -> str:
    """DIAG-5: the trial whose outcome splits what is likely most evenly; '' where none splits it."""
    whole = math.fsum(each.probability for each in likely)
    best, closest = "", 0.5 * whole - 1e-9
    for trial in sorted(known.trials.values()):
        through = known.under(use for step in trial.steps for use in step.uses)
        fails = math.fsum(each.probability for each in likely if each.components & through)
        if abs(fails - whole / 2) < closest:
            best, closest = trial.id, abs(fails - whole / 2)
    return best


OUTSIDE = frozenset({"outside"})


class _Weighing:
    """One run. Evidence is numbered; what a component touches is a set of those numbers."""

    def __init__(self, known: DependencyMap, evidence: Sequence[Evidence], noise: float) -> None:
        self._known = known
        self._evidence = evidence
        self._plain = [_likelihood(each, noise) for each in evidence]
        self._gains = {
            rate: [
                _likelihood(each, rate * (1 - noise) + (1 - rate) * noise) - plain
                for each, plain in zip(evidence, self._plain)
            ]
            for rate in RATES
        }
        self._since: dict[ComponentId, float] = {}
        touched: dict[ComponentId, list[int]] = {}
        for each in evidence:
            if each.failed:
                for component in each.needs:
                    touched.setdefault(component, [])
        for number, each in enumerate(evidence):
            for component in each.needs & touched.keys():
                touched[component].append(number)
        self._classes: dict[tuple[int, ...], list[ComponentId]] = {}
        for component, numbers in touched.items():
            self._classes.setdefault(tuple(numbers), []).append(component)

    def all(self) -> Iterator[_Weighed]:
        """Every hypothesis that can matter, nothing at fault and a cause outside the map among them."""
        yield _Weighed(math.fsum(self._plain), ())
        yield self._outside()
        singles = sorted(
            (
                (self._gain(((touched, rate),)) + math.log(share), touched, rate)
                for touched in self._classes
                for rate, share in RATES.items()
            ),
            reverse=True,
        )
        chosen = list(dict.fromkeys(touched for _, touched, _ in singles))[:CLASSES]
        best = {touched: rate for _, touched, rate in reversed(singles)}
        for _, touched, rate in singles:
            yield from self._expand(((touched, rate),))
        for one, other in itertools.combinations(chosen, 2):
            for rates in itertools.product(RATES, repeat=2):
                yield from self._expand(tuple(zip((one, other), rates)))
        for each in chosen:  # two that nothing tells apart
            yield from self._expand(((each, best[each]), (each, best[each])))
        for several in itertools.combinations(chosen[: CLASSES // 2], MOST):
            yield from self._expand(tuple((each, best[each]) for each in several))

    def _outside(self) -> _Weighed:
        covered = math.log(OUTSIDE_COVERS)
        weight = math.log(OUTSIDE_PRIOR)
        for each, plain in zip(self._evidence, self._plain):
            share = each.failed / each.tried
            weight += max(plain, covered + _likelihood(each, min(max(share, 0.01), 0.99)))
        return _Weighed(weight, (("outside", 1.0),))

    def _gain(self, parts: Sequence[tuple[tuple[int, ...], float]]) -> float:
        """How much better the evidence is explained than by noise: where two touch, the worse counts."""
        rate_of: dict[int, float] = {}
        for touched, rate in parts:
            for number in touched:
                rate_of[number] = max(rate, rate_of.get(number, 0.0))
        return math.fsum(self._gains[rate][number] for number, rate in rate_of.items())

    def _expand(self, parts: tuple[tuple[tuple[int, ...], float], ...]) -> Iterator[_Weighed]:
        """The hypothesis for each choice of components that its classes hold."""
        likelihood = math.fsum(self._plain) + self._gain(parts)
        likelihood += math.fsum(math.log(RATES[rate]) for _, rate in parts)
        rates = [rate for _, rate in parts]
        choices = itertools.product(*(self._classes[touched] for touched, _ in parts))
        seen: set[frozenset[ComponentId]] = set()
        for members in choices:
            named = frozenset(members)
            if len(named) == len(parts) and named not in seen:
                seen.add(named)
                yield _Weighed(likelihood + self._prior(named), tuple(zip(members, rates)))

    def _prior(self, members: frozenset[ComponentId]) -> float:
        """DIAG-3: a fault that another of them brings about is no second coincidence."""
        prior = 0.0
        for each in members:
            if any(self._followed(other, each) for other in members if other != each):
                prior += math.log(FOLLOWS)
            else:
                prior += math.log(PRIOR * self._known.components[each].odds)
        return prior

    def _followed(self, first: ComponentId, then: ComponentId) -> bool:
        return self._known.may_break(first, then) and (
            self.since(first) <= self.since(then) or not self._known.may_break(then, first)
        )

    def since(self, component: ComponentId) -> float:
        """When it was first seen to fail: what passes through least else says it best."""
        known = self._since.get(component)
        if known is None:
            failing = [each for each in self._evidence if each.failed and component in each.needs]
            least = min((len(each.needs) for each in failing), default=0)
            known = min((each.since for each in failing if len(each.needs) == least), default=0.0)
            self._since[component] = known
        return known

    def named(self, best: _Weighed, probability: float, runners_up: Sequence[Hypothesis]) -> Diagnosis:
        members = {member for member, _ in best.members}
        explained = tuple(each for each in self._evidence if each.failed and each.needs & members)
        against = tuple(
            each
            for each in self._evidence
            if (each.failed and not each.needs & members)
            or (
                not each.failed and any(rate == 1.0 and member in each.needs for member, rate in best.members)
            )
        )
        causes = [
            Cause(
                member,
                self.since(member),
                rate,
                next((other for other in sorted(members - {member}) if self._followed(other, member)), ""),
                self._way(member, explained),
            )
            for member, rate in best.members
        ]
        causes.sort(key=lambda each: (bool(each.after), each.since, each.component))
        return Diagnosis(
            Verdict.NAMED,
            probability,
            tuple(causes),
            explained,
            against,
            self._ruled_out(members),
            tuple(runners_up),
        )

    def _way(self, member: ComponentId, explained: Iterable[Evidence]) -> tuple[ComponentId, ...]:
        ways = [self._known.path(each.uses, member) for each in explained if member in each.needs]
        longest: list[ComponentId] = max(sorted(ways), key=len, default=[])
        return tuple(longest)

    def _ruled_out(self, members: set[ComponentId]) -> dict[ComponentId, Evidence]:
        """DIAG-4: what failed steps passed through, and a step that passed through it and worked."""
        found: dict[ComponentId, Evidence] = {}
        suspects = {each for touched in self._classes.values() for each in touched} - members
        for each in sorted(self._evidence, key=lambda each: len(each.needs)):
            if not each.failed:
                for component in each.needs & suspects:
                    found.setdefault(component, each)
        return found


def _likelihood(evidence: Evidence, fails: float) -> float:
    """Logarithm, but for the number of orders, which is the same for all."""
    return evidence.failed * math.log(fails) + (evidence.tried - evidence.failed) * math.log1p(-fails)
