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
from holdfast.watch.diagnosis.fitting import RATES, Fit, Part, Tally
from holdfast.watch.diagnosis.passages import Steps, Touch, passages

NOISES = (0.03, 0.01, 0.07)  # how often trials show the wrong thing: each is as likely
PRIOR = 1e-4  # of an ordinary component, beside being well
FOLLOWS = 0.02  # of a component that a faulty one may break
OUTSIDE_PRIOR = 1e-7  # of a cause that the map doesn't know
OUTSIDE_COVERS = 0.01  # … and that steps of a name pass through it …
OUTSIDE_AGAIN = 0.1  # … and each of these steps
_SHARES = {rate: math.log(share) for rate, share in RATES.items()}
MOST = 3  # components at fault together, of which all sets are weighed …
GROWN = 5  # … and the likeliest of these with one more and one more
CLIMBS = 6  # from the likeliest of all to what is next to it, at most
IGNORED = 30.0  # what is less likely than the best by so many orders of e changes no probability
CLASSES = 24  # that pairs are made of; sets of three are made of the better half
LATE_S = 5.0  # a check may show so much later what others have met
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
    hypotheses = sorted(weighing.all(), reverse=True)
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
        through = passages(known).through[trial.id]
        fails = math.fsum(each.probability for each in likely if not each.components.isdisjoint(through))
        if abs(fails - whole / 2) < closest - 1e-9:  # a tie goes to the first by name
            best, closest = trial.id, abs(fails - whole / 2)
    return best


OUTSIDE = frozenset({"outside"})


def _outside(evidence: Sequence[Evidence], fit: Fit) -> _Weighed:
    """What the map lacks spoils steps of a name, wherever they are taken, as a part that it has would."""
    gains: dict[str, float] = {}
    known: dict[tuple[int, int], float] = {}
    for each in evidence:
        seen = each.tried, each.failed
        better = known.get(seen)
        if better is None:
            better = known[seen] = math.log1p(OUTSIDE_AGAIN * (fit.odds(each) - 1))
        gains[each.step] = gains.get(each.step, 0.0) + better
    covered = math.log(OUTSIDE_COVERS)
    weight = math.fsum(max(gain + covered, 0.0) for gain in gains.values())
    return _Weighed(math.log(OUTSIDE_PRIOR) + fit.nothing + weight, (("outside", 1.0),))


def _alone(fit: Fit, part: Part) -> float:
    return fit.gain((part,)) + _SHARES[part[1]]


def _chosen(fit: Fit, every: Sequence[Part]) -> list[int]:
    """What sets of several are made of: what explains most, and most of what the best before leave open."""
    rounds: list[list[int]] = []
    explained: Steps = 0
    for _ in range(MOST):
        ranked = _ranked(fit, every, explained)
        rounds.append(list(dict.fromkeys(touch for touch, _ in ranked))[: CLASSES // MOST])
        if ranked:
            explained |= fit.explains(ranked[0])
    return list(
        dict.fromkeys(touch for same in itertools.zip_longest(*rounds) for touch in same if touch is not None)
    )


def _beside(fit: Fit, every: Sequence[Part], parts: tuple[Part, ...]) -> list[Part]:
    """What explains most of what those leave open."""
    explained: Steps = 0
    for part in parts:
        explained |= fit.explains(part)
    own = {touch for touch, _ in parts}
    return _ranked(fit, [each for each in every if each[0] not in own], explained)[: CLASSES // MOST]


def _ranked(fit: Fit, parts: Sequence[Part], explained: Steps) -> list[Part]:
    return sorted(parts, key=lambda one: -fit.beside(one, explained) - _SHARES[one[1]])


def _meets(evidence: Evidence, members: Iterable[ComponentId]) -> bool:
    return any(evidence.passes(each) for each in members)


class _Weighing:
    """One run. Evidence is numbered; what a component touches is a set of those numbers."""

    def __init__(self, known: DependencyMap, evidence: Sequence[Evidence]) -> None:
        self._known = known
        self._evidence = evidence
        self._failed = [each for each in evidence if each.failed]
        self._tally = Tally(evidence)
        self._since: dict[ComponentId, float] = {}
        self._priors: dict[frozenset[ComponentId], float] = {}
        self._spent: dict[frozenset[ComponentId], Steps] = {}
        self._least = -math.inf  # what weighs less changes no probability
        classes: dict[Touch, list[ComponentId]] = {}
        of, tried, failed = passages(known), self._tally.all, self._tally.failed
        for component, touch in of.touches.items():
            if touch.every & failed:
                early = self._early(touch) if any(each & failed for each in touch.own) else 0
                classes.setdefault(touch.among(tried, early), []).append(component)
        self._touches, self._classes = list(classes), list(classes.values())
        self._every = [(touch, rate) for touch in range(len(classes)) for rate in RATES]
        suspects = {each for alike in self._classes for each in alike}
        self._groups = [
            (group, met)
            for group, those in of.groups.items()
            if (met := those & tried) and not any(suspects.isdisjoint(each) for each in group)
        ]
        odds = (known.components[each].odds for each in suspects)
        self._likeliest = math.log(max(FOLLOWS, PRIOR * max(odds, default=1.0)))  # one member's prior at most

    def _early(self, touch: Touch) -> Steps:
        """DIAG-13: what began to fail well before the checks of a component alone, that fail by now, did."""
        own = [each for each in self._failed if any(1 << each.passage.number & those for those in touch.own)]
        sound = min(each.sound for each in own)
        return self._tally.steps(each.passage.number for each in self._failed if each.began < sound - LATE_S)

    def all(self) -> list[_Weighed]:
        """Every hypothesis that can matter, nothing at fault and a cause outside the map among them."""
        found: list[_Weighed] = []
        matter: dict[tuple[Part, ...], float] = {}
        for number, noise in enumerate(NOISES):
            fit = Fit(self._evidence, self._tally, self._touches, noise)
            single = [_Weighed(fit.nothing, ()), _outside(self._evidence, fit)]
            single += [each for part in self._every for each in self._expand(fit, (part,))]
            self._least = max(self._least, max(single).weight - IGNORED)
            found += single
            for parts in list(matter) if number else self._each_once(self._several(fit, matter)):
                if those := list(self._expand(fit, parts)):
                    matter[parts] = max(each.weight for each in those)
                    self._least = max(self._least, matter[parts] - IGNORED)
                    found += those
        return [each for each in found if each.weight >= self._least]  # of all noises

    @staticmethod
    def _each_once(several: Iterable[tuple[Part, ...]]) -> Iterator[tuple[Part, ...]]:
        """In whichever order its parts come: what is weighed twice would seem twice as likely."""
        known: set[tuple[Part, ...]] = set()
        for parts in several:
            if (ordered := tuple(sorted(parts))) not in known:
                known.add(ordered)
                yield ordered

    def _several(self, fit: Fit, weights: Mapping[tuple[Part, ...], float]) -> Iterator[tuple[Part, ...]]:
        """Sets of more than one, what may explain most first. ``weights``: of those before that matter."""
        chosen = _chosen(fit, self._every)
        best = {touch: max(RATES, key=lambda rate: _alone(fit, (touch, rate))) for touch in chosen}
        yield from self._pairs(fit, chosen)
        for each in chosen:  # two that nothing tells apart
            yield (each, best[each]), (each, best[each])
        for several in itertools.combinations(chosen[: CLASSES // 2], MOST):
            yield tuple((each, best[each]) for each in several)
        for size in range(2, GROWN):
            likeliest = sorted(
                (each for each in weights if len(each) == size), key=lambda each: -weights[each]
            )
            for parts in likeliest[:2]:
                yield from ((*parts, more) for more in _beside(fit, self._every, parts))
        seen: set[tuple[Part, ...]] = set()
        while weights and len(seen) < CLIMBS:  # … and what is next to the likeliest, while one is likelier
            top = max(weights, key=lambda each: weights[each])
            if top in seen:
                break
            seen.add(top)
            yield from self._next_to(fit, top)

    def _next_to(self, fit: Fit, parts: tuple[Part, ...]) -> Iterator[tuple[Part, ...]]:
        """With one less, with another for one, and with one more."""
        for left_out in parts:
            rest = tuple(each for each in parts if each is not left_out)
            if len(rest) > 1:
                yield rest
            yield from ((*rest, more) for more in _beside(fit, self._every, rest))
        if len(parts) < GROWN:
            yield from ((*parts, more) for more in _beside(fit, self._every, parts))

    def _pairs(self, fit: Fit, chosen: Sequence[int]) -> Iterator[tuple[Part, ...]]:
        """Two of them that together may matter, by all their rates."""
        rare = self._likeliest
        most = [[(fit.most((each, r)) + _SHARES[r] + rare, (each, r)) for r in RATES] for each in chosen]
        tops = [max(each)[0] for each in most]
        for one, other in itertools.combinations(range(len(chosen)), 2):
            if fit.nothing + tops[one] + tops[other] < self._least:
                continue
            for (gain, part), (its_gain, its_part) in itertools.product(most[one], most[other]):
                if fit.nothing + gain + its_gain >= self._least:
                    yield part, its_part

    def _expand(self, fit: Fit, parts: tuple[Part, ...]) -> Iterator[_Weighed]:
        """The hypothesis for each choice of components that its classes hold; none that weighs too little."""
        rare, least = self._likeliest * len(parts), self._least
        spoils, most, shared = 0.0, fit.nothing + rare, 0
        for part in parts:
            spoils += _SHARES[part[1]]
            most += fit.most(part)
            shared += bool(self._touches[part[0]].shared)
        if most + spoils < least:
            return
        likelihood = fit.nothing + fit.gain(parts) + spoils
        if shared < 2 and likelihood + rare < least:
            return
        seen: set[frozenset[ComponentId]] = set()
        for members in itertools.product(*(self._classes[touch] for touch, _ in parts)):
            named = frozenset(members)
            if len(named) < len(parts) or named in seen:
                continue
            seen.add(named)
            exhausted = self._exhausted(named) if shared > 1 else 0
            fits = fit.nothing + fit.gain(parts, exhausted) + spoils if exhausted else likelihood
            if fits + rare < least:
                continue
            prior = self._priors.get(named)
            if prior is None:
                prior = self._priors[named] = self._prior(named)
            if fits + prior >= least:
                yield _Weighed(fits + prior, tuple(zip(members, (rate for _, rate in parts))))

    def _exhausted(self, members: frozenset[ComponentId]) -> Steps:
        """Evidence that used one of several, of which none is left."""
        found = self._spent.get(members)
        if found is None:
            found = 0
            for group, those in self._groups:
                if not any(members.isdisjoint(each) for each in group):
                    found |= those
            self._spent[members] = found
        return found

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
        """Of two that may break each other, and began at once, one is the cause: both can't have followed."""
        one, other = (self.since(first), first), (self.since(then), then)
        return self._known.may_break(first, then) and (one < other or not self._known.may_break(then, first))

    def since(self, component: ComponentId) -> float:
        """When it was first seen to fail: what passes through least else says it best."""
        known = self._since.get(component)
        if known is None:
            failing = [each for each in self._evidence if each.failed and each.passes(component)]
            least = min((each.passage.wide for each in failing), default=0)
            known = min((each.since for each in failing if each.passage.wide == least), default=0.0)
            self._since[component] = known
        return known

    def named(self, best: _Weighed, probability: float, runners_up: Sequence[Hypothesis]) -> Diagnosis:
        members = {member for member, _ in best.members}
        explained = tuple(each for each in self._evidence if each.failed and _meets(each, members))
        against = tuple(
            each
            for each in self._evidence
            if (each.failed and not _meets(each, members))
            or (
                not each.failed
                and any(rate == 1.0 and member in each.passage.needs for member, rate in best.members)
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
        runs = [each.run == each.failed > 1 for each in explained if each.passes(member)]
        return sum(runs) * 2 > len(runs)

    def _way(self, member: ComponentId, explained: Iterable[Evidence]) -> tuple[ComponentId, ...]:
        """The longest there is, from where customers notice it rather than from a check of a component."""
        through = [each for each in explained if each.passes(member)]
        noticed = [each for each in through if self._known.trials[each.trial].function] or through
        ways = [self._known.path(each.passage.uses, member) for each in noticed]
        longest: list[ComponentId] = max(sorted(ways), key=len, default=[])
        return tuple(longest)

    def _ruled_out(self, members: set[ComponentId]) -> dict[ComponentId, Evidence]:
        """DIAG-4: what failed steps passed through, and a step that passed through it and worked."""
        found: dict[ComponentId, Evidence] = {}
        suspects = {each for alike in self._classes for each in alike} - members
        for each in sorted(self._evidence, key=lambda each: (len(each.passage.needs), each.trial, each.step)):
            if not each.failed and each.passage.proves:
                for component in sorted(each.passage.needs & suspects):
                    found.setdefault(component, each)
        return found
