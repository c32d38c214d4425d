"""How well the evidence fits what is supposed to be at fault.

What passes through a faulty component fails as often as that spoils; what passes through none fails by noise.

DIAG-11 a fault spoils all of one kind of use or none of it: a disk that can't be written may be read all the
same. Each kind that it spares makes it less likely, a check of its own that goes well most; where its own
check shows it, no use needs to have met it yet.
DIAG-12 where one of several is used, a fault of one spoils its share, or nothing once another has taken over,
and a fault of all of them everything.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from holdfast.watch.diagnosis.evidence import Evidence

RATES = {1.0: 1.0, 0.4: 0.3, 0.08: 0.1}  # how much a fault spoils: how likely that is
_LESS = {1.0: 0.4, 0.4: 0.08, 0.08: 0.08}  # … of what uses it or another
_SPARED = math.log(0.02)  # a kind of use that a fault leaves alone
_SHOWN = math.log(0.05)  # any number of them, where its own check shows it
_DENIED = math.log(1e-5)  # that its own check shows nothing of it

Numbers = tuple[int, ...]  # of pieces of evidence, ascending


class Touch(NamedTuple):
    """What of the evidence passes through a component, each kind of use by itself: for certain (``uses``),
    through it or another (``shared``); ``own``: steps of checks of it alone."""

    uses: tuple[Numbers, ...]
    shared: tuple[Numbers, ...]
    own: tuple[Numbers, ...]


class _Reach(NamedTuple):
    """What a fault spoils, and how often; ``spared``: what it costs that it doesn't spoil the rest."""

    spoils: tuple[tuple[Numbers, float], ...]
    spared: float


Part = tuple[Touch, float]  # of a hypothesis: one component, and how much it spoils


class Fit:
    """The evidence where so much of it is noise. ``nothing``: how well it fits if nothing is at fault."""

    def __init__(self, evidence: Sequence[Evidence], noise: float) -> None:
        self.plain = [likelihood(each, noise) for each in evidence]
        self.nothing = math.fsum(self.plain)
        self._gains = {
            rate: [
                likelihood(each, rate * (1 - noise) + (1 - rate) * noise) - plain
                for each, plain in zip(evidence, self.plain)
            ]
            for rate in RATES
        }
        self._reaches: dict[Part, _Reach] = {}
        self._most: dict[Part, float] = {}
        self._sums: dict[tuple[Numbers, float], float] = {}
        self._shared: dict[tuple[Numbers, Numbers], dict[float, float]] = {}

    def gain(self, parts: Iterable[Part], exhausted: Numbers = ()) -> float:
        """How much better than by noise the evidence is explained: where several touch, the worst counts.

        ``exhausted``: what used one of several, all of which are among the parts.
        """
        reaches = [self.reach(each) for each in parts]
        spoils = [each for reach in reaches for each in reach.spoils]
        if exhausted:
            spoils.append((exhausted, 1.0))
        return self._explained(spoils) + sum(reach.spared for reach in reaches)

    def most(self, part: Part) -> float:
        """No hypothesis gains more by that part."""
        found = self._most.get(part)
        if found is None:
            touch, _ = part
            reach = self.reach(part)
            spoils = [*reach.spoils, *((numbers, 1.0) for numbers in touch.shared)]
            gains = (self._gains[rate][number] for numbers, rate in spoils for number in numbers)
            found = self._most[part] = reach.spared + sum(each for each in gains if each > 0)
        return found

    def beside(self, part: Part, known: set[int]) -> float:
        """What it explains of all that isn't explained yet."""
        reach = self.reach(part)
        return reach.spared + sum(
            self._gains[rate][number]
            for numbers, rate in reach.spoils
            for number in numbers
            if number not in known
        )

    def reach(self, part: Part) -> _Reach:
        known = self._reaches.get(part)
        if known is None:
            known = self._reaches[part] = self._reached(*part)
        return known

    def _reached(self, touch: Touch, rate: float) -> _Reach:
        spoiled: list[int] = []
        spared = 0.0
        for numbers in touch.uses:
            if self._sum(numbers, rate) >= _SPARED:
                spoiled += numbers
            else:
                spared += _SPARED
        shown = [numbers for numbers in touch.own if self._sum(numbers, rate) > 0]
        if shown:
            spared = max(spared, _SHOWN)
        elif sum(self._sum(numbers, rate) for numbers in touch.own) >= _DENIED:
            shown = list(touch.own)
        else:
            spared += _DENIED
        spoiled += [number for numbers in shown for number in numbers]
        less = _LESS[rate]
        partly = [n for numbers in touch.shared if self._sum(numbers, less) > 0 for n in numbers]
        found = ((tuple(sorted(spoiled)), rate), (tuple(sorted(partly)), less))
        return _Reach(tuple(each for each in found if each[0]), spared)

    def _explained(self, spoils: Sequence[tuple[Numbers, float]]) -> float:
        if not spoils:
            return 0.0
        if len(spoils) == 1:
            return self._sum(*spoils[0])
        if len(spoils) == 2:
            (one, rate), (other, its_rate) = spoils
            both = self._both(one, other, min(rate, its_rate))
            return self._sum(one, rate) + self._sum(other, its_rate) - both
        rate_of: dict[int, float] = {}
        for numbers, rate in sorted(spoils, key=lambda each: each[1]):
            rate_of.update(dict.fromkeys(numbers, rate))
        return sum(self._gains[rate][number] for number, rate in rate_of.items())

    def _sum(self, numbers: Numbers, rate: float) -> float:
        known = self._sums.get((numbers, rate))
        if known is None:
            gains = self._gains[rate]
            known = self._sums[numbers, rate] = sum(gains[number] for number in numbers)
        return known

    def _both(self, one: Numbers, other: Numbers, rate: float) -> float:
        """Of what they share."""
        sums = self._shared.get((one, other))
        if sums is None:
            shared = set(one).intersection(other)
            sums = {each: sum(gains[number] for number in shared) for each, gains in self._gains.items()}
            self._shared[one, other] = sums
        return sums[rate]


def likelihood(evidence: Evidence, fails: float) -> float:
    """Logarithm, but for the number of orders, which is the same for all."""
    return evidence.failed * math.log(fails) + (evidence.tried - evidence.failed) * math.log1p(-fails)
