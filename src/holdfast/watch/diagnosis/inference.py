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
_SHARES = {rate: math.log(share) for rate, share in RATES.items()}
MOST = 3
IGNORED = 30.0  # what is less likely than the best by so many orders of e changes no probability
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
    weighing = _Weighing(known, evidence)
    hypotheses = sorted((each for noise in NOISES for each in weighing.all(noise)), reverse=True)
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
    for trial in sorted(each for each in known.trials.values() if each.at_will):
        through = known.under(use for step in trial.steps for use in step.uses)
        fails = math.fsum(each.probability for each in likely if each.components & through)
        if abs(fails - whole / 2) < closest - 1e-9:  # a tie goes to the first by name
            best, closest = trial.id, abs(fails - whole / 2)
    return best


OUTSIDE = frozenset({"outside"})

_Touched = tuple[int, ...]  # numbers of evidence, ascending
_Parts = tuple[tuple[_Touched, float], ...]  # what each of a hypothesis touches, and how much it spoils


class _Fit:
    """How well the evidence fits where so much of it is noise. ``nothing``: if nothing is at fault."""

    def __init__(self, evidence: Sequence[Evidence], noise: float) -> None:
        self.plain = [_likelihood(each, noise) for each in evidence]
        self.nothing = math.fsum(self.plain)
        self._gains = {
            rate: [
                _likelihood(each, rate * (1 - noise) + (1 - rate) * noise) - plain
                for each, plain in zip(evidence, self.plain)
            ]
            for rate in RATES
        }
        self._sums: dict[tuple[_Touched, float], float] = {}
        self._shared: dict[tuple[_Touched, _Touched], dict[float, float]] = {}

    def gain(self, parts: _Parts) -> float:
        """How much better than by noise the evidence is explained: where several touch, the worst counts."""
        if len(parts) == 1:
            return self._sum(*parts[0])
        if len(parts) == 2:
            (one, rate), (other, its_rate) = parts
            return (
                self._sum(one, rate)
                + self._sum(other, its_rate)
                - self._both(one, other, min(rate, its_rate))
            )
        rate_of: dict[int, float] = {}
        for touched, rate in sorted(parts, key=lambda each: each[1]):
            rate_of.update(dict.fromkeys(touched, rate))
        return sum(self._gains[rate][number] for number, rate in rate_of.items())

    def _sum(self, touched: _Touched, rate: float) -> float:
        known = self._sums.get((touched, rate))
        if known is None:
            gains = self._gains[rate]
            known = self._sums[touched, rate] = sum(gains[number] for number in touched)
        return known

    def _both(self, one: _Touched, other: _Touched, rate: float) -> float:
        """Of what they share."""
        sums = self._shared.get((one, other))
        if sums is None:
            shared = set(one).intersection(other)
            sums = {each: sum(gains[number] for number in shared) for each, gains in self._gains.items()}
            self._shared[one, other] = sums
        return sums[rate]


def _outside(evidence: Sequence[Evidence], fit: _Fit) -> _Weighed:
    covered = math.log(OUTSIDE_COVERS)
    weight = math.log(OUTSIDE_PRIOR)
    for each, plain in zip(evidence, fit.plain):
        share = each.failed / each.tried
        weight += max(plain, covered + _likelihood(each, min(max(share, 0.01), 0.99)))
    return _Weighed(weight, (("outside", 1.0),))


class _Weighing:
    """One run. Evidence is numbered; what a component touches is a set of those numbers."""

    def __init__(self, known: DependencyMap, evidence: Sequence[Evidence]) -> None:
        self._known = known
        self._evidence = evidence
        self._since: dict[ComponentId, float] = {}
        self._priors: dict[frozenset[ComponentId], float] = {}
        touched: dict[ComponentId, list[int]] = {}
        for each in evidence:
            if each.failed:
                for component in each.needs:
                    touched.setdefault(component, [])
        for number, each in enumerate(evidence):
            for component in each.needs & touched.keys():
                touched[component].append(number)
        self._classes: dict[_Touched, list[ComponentId]] = {}
        for component, numbers in touched.items():
            self._classes.setdefault(tuple(numbers), []).append(component)
        odds = (known.components[each].odds for each in touched)
        self._likeliest = math.log(max(FOLLOWS, PRIOR * max(odds, default=1.0)))  # one member's prior at most

    def all(self, noise: float) -> Iterator[_Weighed]:
        """Every hypothesis that can matter, nothing at fault and a cause outside the map among them."""
        fit = _Fit(self._evidence, noise)
        nothing, outside = _Weighed(fit.nothing, ()), _outside(self._evidence, fit)
        yield from (nothing, outside)
        singles = sorted(
            (
                (fit.gain(((touched, rate),)) + math.log(share), touched, rate)
                for touched in self._classes
                for rate, share in RATES.items()
            ),
            reverse=True,
        )
        chosen = list(dict.fromkeys(touched for _, touched, _ in singles))[:CLASSES]
        best = {touched: rate for _, touched, rate in reversed(singles)}
        alone = [each for _, touched, rate in singles for each in self._expand(fit, ((touched, rate),))]
        yield from alone
        least = max((nothing, outside, *alone)).weight - IGNORED
        for one, other in itertools.combinations(chosen, 2):
            for rates in itertools.product(RATES, repeat=2):
                yield from self._expand(fit, ((one, rates[0]), (other, rates[1])), least)
        for each in chosen:  # two that nothing tells apart
            yield from self._expand(fit, ((each, best[each]), (each, best[each])), least)
        for several in itertools.combinations(chosen[: CLASSES // 2], MOST):
            yield from self._expand(fit, tuple((each, best[each]) for each in several), least)

    def _expand(self, fit: _Fit, parts: _Parts, least: float = -math.inf) -> Iterator[_Weighed]:
        """The hypothesis for each choice of components that its classes hold; none that weighs too little."""
        likelihood = fit.nothing + fit.gain(parts) + sum(_SHARES[rate] for _, rate in parts)
        if likelihood + self._likeliest * len(parts) < least:
            return
        rates = [rate for _, rate in parts]
        choices = itertools.product(*(self._classes[touched] for touched, _ in parts))
        seen: set[frozenset[ComponentId]] = set()
        for members in choices:
            named = frozenset(members)
            if len(named) == len(parts) and named not in seen:
                seen.add(named)
                prior = self._priors.get(named)
                if prior is None:
                    prior = self._priors[named] = self._prior(named)
                yield _Weighed(likelihood + prior, tuple(zip(members, rates)))

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
                1.0 if self._wholly(member, explained) else rate,
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

    def _wholly(self, member: ComponentId, explained: Iterable[Evidence]) -> bool:
        """Whether nothing has worked since it began: what worked before it makes no part of it."""
        runs = [each.run == each.failed > 1 for each in explained if member in each.needs]
        return sum(runs) * 2 > len(runs)

    def _way(self, member: ComponentId, explained: Iterable[Evidence]) -> tuple[ComponentId, ...]:
        """The longest there is, from where customers notice it rather than from a check of a component."""
        through = [each for each in explained if member in each.needs]
        noticed = [each for each in through if self._known.trials[each.trial].function] or through
        ways = [self._known.path(each.uses, member) for each in noticed]
        longest: list[ComponentId] = max(sorted(ways), key=len, default=[])
        return tuple(longest)

    def _ruled_out(self, members: set[ComponentId]) -> dict[ComponentId, Evidence]:
        """DIAG-4: what failed steps passed through, and a step that passed through it and worked."""
        found: dict[ComponentId, Evidence] = {}
        suspects = {each for touched in self._classes.values() for each in touched} - members
        for each in sorted(self._evidence, key=lambda each: (len(each.needs), each.trial, each.step)):
            if not each.failed:
                for component in sorted(each.needs & suspects):
                    found.setdefault(component, each)
        return found


def _likelihood(evidence: Evidence, fails: float) -> float:
    """Logarithm, but for the number of orders, which is the same for all."""
    return evidence.failed * math.log(fails) + (evidence.tried - evidence.failed) * math.log1p(-fails)
