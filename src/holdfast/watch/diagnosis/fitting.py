"""How well the evidence fits what is supposed to be at fault.

What passes through a faulty component fails as often as that spoils; what passes through none fails by noise.

DIAG-11 a fault spoils all of one kind of use or none of it: a disk that can't be written may be read all the
same. Each kind that it spares makes it less likely, a check of its own that goes well most; where its own
check shows it, no use needs to have met it yet. What a narrower fault beside it explains speaks neither way.
DIAG-12 where one of several is used, a fault of one spoils its share, or nothing once another has taken over,
and a fault of all of them everything.
DIAG-13 what began to fail well before the check of a component did, while that went well again and again, is
not what its fault has done, unless that spoils a part only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from holdfast.watch.diagnosis.evidence import Evidence
from holdfast.watch.diagnosis.passages import Steps, Touch, steps

RATES = {1.0: 1.0, 0.7: 0.1, 0.4: 0.3, 0.08: 0.1}  # how much a fault spoils: how likely that is
# … of what uses it or another: of one of two half, of one of three a third.
_LESS = {1.0: (0.5, 0.33), 0.7: (0.33,), 0.4: (0.08,), 0.08: (0.08,)}
_MOSTLY = 0.7  # of what spoils so much its own check doesn't go well again and again
_SPARED = math.log(0.02)  # a kind of use that a fault leaves alone
_SHOWN = math.log(0.05)  # any number of them, where its own check shows it
_DENIED = math.log(1e-5)  # that its own check shows nothing of it

_MOST_ODDS = 600.0  # of a logarithm

Part = tuple[int, float]  # of a hypothesis: one component, by the number of its touch, and how much it spoils


class Tally(dict[Steps, tuple[int, int]]):
    """How often what is in a set of steps failed, and how often it worked; counted once for each set."""

    def __init__(self, evidence: Sequence[Evidence]) -> None:
        self._most = max((each.passage.number for each in evidence), default=0)
        failed = {each.passage.number: each.failed for each in evidence}
        worked = {each.passage.number: each.tried - each.failed for each in evidence}
        self._failed, self._worked = self._planes(failed), self._planes(worked)
        self.all = self.steps(failed)
        self.failed = self.steps(number for number, count in failed.items() if count)

    def steps(self, numbers: Iterable[int]) -> Steps:
        return steps(numbers, self._most)

    def __missing__(self, those: Steps) -> tuple[int, int]:
        found = self[those] = (_weight(self._failed, those), _weight(self._worked, those))
        return found

    def _planes(self, counts: dict[int, int]) -> list[Steps]:
        """For each power of two, whose count has it: so that any set is added up by counting bits."""
        size = max(counts.values(), default=0).bit_length()
        return [self.steps(n for n, count in counts.items() if count >> bit & 1) for bit in range(size)]


def _union(sets: Iterable[Steps]) -> Steps:
    found: Steps = 0
    for each in sets:
        found |= each
    return found


def _weight(planes: Sequence[Steps], those: Steps) -> int:
    return sum((those & plane).bit_count() << bit for bit, plane in enumerate(planes))


class _Reach(NamedTuple):
    """What a fault spoils, and how often; ``spared``: what it costs that it doesn't spoil the rest."""

    spoils: tuple[tuple[float, Steps], ...]
    spared: float

    @property
    def all(self) -> Steps:
        return _union(those for _, those in self.spoils)


class Fit:
    """The evidence where so much of it is noise. ``nothing``: how well it fits if nothing is at fault."""

    def __init__(
        self, evidence: Sequence[Evidence], tally: Tally, touches: Sequence[Touch], noise: float
    ) -> None:
        self.noise = noise
        self._tally = tally
        self._touches = touches
        failed, worked = tally[tally.all]
        self.nothing = failed * math.log(noise) + worked * math.log1p(-noise)
        self._gains = {
            rate: _gain(rate * (1 - noise) + (1 - rate) * noise, noise) for rate in {*RATES, *_LESS[1.0]}
        }
        self._better = {
            rate: tally.steps(each.passage.number for each in evidence if _count(each, gain) > 0)
            for rate, gain in self._gains.items()
        }
        self._reaches: dict[tuple[Part, Steps], _Reach] = {}
        self._whole = [each.every for each in touches]
        self._most: dict[Part, float] = {}

    def gain(self, parts: Iterable[Part], exhausted: Steps = 0) -> float:
        """How much better than by noise the evidence is explained: where several touch, the worst counts.

        ``exhausted``: what used one of several, all of which are among the parts.
        """
        spoils = [(1.0, exhausted)] if exhausted else []
        gained = 0.0
        explained: Steps = 0
        for part in sorted(parts, key=self._width):
            reach = self.reach(part, explained & self._whole[part[0]])
            gained += reach.spared
            spoils += reach.spoils
            explained |= reach.all
        spoils.sort(reverse=True)
        seen: Steps = 0
        for rate, those in spoils:
            new = those & ~seen
            seen |= those
            failed, worked = self._tally[new]
            by_failed, by_worked = self._gains[rate]
            gained += failed * by_failed + worked * by_worked
        return gained

    def most(self, part: Part) -> float:
        """No hypothesis gains more by that part."""
        found = self._most.get(part)
        if found is None:
            touch, better = self._touches[part[0]], self._better
            whole = _union((*touch.uses, *touch.own)) & better[part[1]]
            shared = _union(touch.shared)
            found = self._most[part] = self._sum(whole, part[1]) + sum(
                self._sum(shared & better[rate], rate) for rate in {1.0, *_LESS[part[1]]}
            )
        return found

    def beside(self, part: Part, known: Steps) -> float:
        """What it explains of all that isn't explained yet."""
        reach = self.reach(part)
        return reach.spared + sum(self._sum(those & ~known, rate) for rate, those in reach.spoils)

    def odds(self, evidence: Evidence) -> float:
        """How much likelier it is where something spoils it, by all that this may spoil, than by noise."""
        gains = ((share, _count(evidence, self._gains[rate])) for rate, share in RATES.items())
        return math.fsum(share * math.exp(min(gain, _MOST_ODDS)) for share, gain in gains)

    def explains(self, part: Part) -> Steps:
        return self.reach(part).all

    def reach(self, part: Part, explained: Steps = 0) -> _Reach:
        """Beside others, that touch less than it and explain so much of what it touches."""
        known = self._reaches.get((part, explained))
        if known is None:
            known = self._reaches[part, explained] = self._reached(self._touches[part[0]], part[1], explained)
        return known

    def _width(self, part: Part) -> int:
        return self._whole[part[0]].bit_count()

    def _reached(self, touch: Touch, rate: float, explained: Steps) -> _Reach:
        spoiled: Steps = 0
        spared = 0.0
        later = ~touch.early if rate >= _MOSTLY else -1
        for those in touch.uses:
            those &= later
            if self._sum(those & ~explained, rate) >= _SPARED:
                spoiled |= those
            else:
                spared += _SPARED
        shown = [those for those in touch.own if self._sum(those, rate) > 0]
        if shown:
            spared = max(spared, _SHOWN)
        elif sum(self._sum(those, rate) for those in touch.own) >= _DENIED:
            shown = list(touch.own)
        else:
            spared += _DENIED
        for those in shown:
            spoiled |= those
        partly, less = (
            0,
            max(_LESS[rate], key=lambda less: sum(self._sum(each, less) for each in touch.shared)),
        )
        for those in touch.shared:
            those &= later
            if self._sum(those & ~explained, less) > 0:
                partly |= those
        return _Reach(tuple(each for each in ((rate, spoiled), (less, partly)) if each[1]), spared)

    def _sum(self, those: Steps, rate: float) -> float:
        failed, worked = self._tally[those]
        by_failed, by_worked = self._gains[rate]
        return failed * by_failed + worked * by_worked


def _gain(fails: float, noise: float) -> tuple[float, float]:
    """How much better than noise explains it one that fails so often, for each failure and each success."""
    return math.log(fails / noise), math.log1p(-fails) - math.log1p(-noise)


def _count(evidence: Evidence, gain: tuple[float, float]) -> float:
    return evidence.failed * gain[0] + (evidence.tried - evidence.failed) * gain[1]
