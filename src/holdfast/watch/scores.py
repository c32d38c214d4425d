"""How unusual the newest values of a series are beside its own last hours. Pure.

SCORE-1 a score ranks, and opens nothing by itself: called slow is only what takes SLOW_TIMES what is usual,
by the median of the last SLOW_ROUNDS values and half of that by each, and SLOW_SCORE of the series' own
spreads more.
SCORE-2 where less is known than SLOW_KNOWN values, nothing is unusual.
SCORE-3 what is slow doesn't become usual by lasting, but after SLOW_USUAL values of it.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Sequence
from itertools import accumulate, pairwise
from statistics import median

from holdfast.model.limits import (
    SLOW_KEPT,
    SLOW_KNOWN,
    SLOW_LEAST_S,
    SLOW_ROUNDS,
    SLOW_SCORE,
    SLOW_TIMES,
    SLOW_USUAL,
)

_MAD = 1.4826  # times it, the spread of what is normally distributed (Rousseeuw & Croux 1993)
_PARTS = 7  # of what is known of a disk
_LEAST_SPREAD = 0.1  # of logarithms: buckets of a histogram are no finer


class Series:
    """Seconds, one value a round, compared by their logarithms: times scatter by factors."""

    def __init__(self) -> None:
        self._order: deque[float] = deque()  # what is usual, in order of time …
        self._sorted: list[float] = []  # … and of size
        self._last: deque[float] = deque(maxlen=SLOW_ROUNDS)
        self._slow = 0  # values in a row that were slow
        self._known_spread: float | None = None  # of what is usual, until that changes

    def add(self, seconds: float) -> None:
        self._last.append(math.log(max(seconds, 1e-6)))
        if self.slow:
            self._slow += 1
            if self._slow > SLOW_USUAL:
                self._begin_anew()
            return
        self._slow = 0
        if len(self._last) == SLOW_ROUNDS:  # what is still looked at as new isn't usual yet
            self._keep(self._last[0])

    @property
    def usual(self) -> float | None:
        """Seconds; None while too little is known (SCORE-2)."""
        return math.exp(self._median()) if len(self._sorted) >= SLOW_KNOWN else None

    @property
    def last(self) -> float:
        """Seconds; 0 for none."""
        return math.exp(self._last[-1]) if self._last else 0.0

    @property
    def score(self) -> float:
        """By how many spreads the last values together are above what is usual; 0 for nothing."""
        if len(self._sorted) < SLOW_KNOWN or len(self._last) < SLOW_ROUNDS:
            return 0.0
        return max(0.0, (median(self._last) - self._median()) / self._spread())

    @property
    def slow(self) -> bool:
        """SCORE-1"""
        if len(self._sorted) < SLOW_KNOWN or len(self._last) < SLOW_ROUNDS:
            return False
        least = max(self._median() + math.log(SLOW_TIMES), math.log(SLOW_LEAST_S))
        each = min(self._last) >= least - math.log(2)
        return each and median(self._last) >= least and self.score >= SLOW_SCORE

    def _median(self) -> float:
        return self._sorted[len(self._sorted) // 2]

    def _spread(self) -> float:
        if self._known_spread is None:
            middle = self._median()
            apart = sorted(abs(each - middle) for each in self._sorted)
            self._known_spread = max(_MAD * apart[len(apart) // 2], _LEAST_SPREAD)
        return self._known_spread

    def _keep(self, value: float) -> None:
        self._known_spread = None
        self._order.append(value)
        insort(self._sorted, value)
        if len(self._order) > SLOW_KEPT:
            self._sorted.pop(bisect_left(self._sorted, self._order.popleft()))

    def _begin_anew(self) -> None:
        """SCORE-3"""
        self._order.clear()
        self._sorted.clear()
        self._slow = 0


def quantile(bounds: Sequence[float], counts: Sequence[float], share: float) -> float:
    """Of a histogram, ``counts`` having one more for what is above the last bound; 0 for an empty one."""
    whole = sum(counts)
    if not whole:
        return 0.0
    wanted = share * whole
    below = list(accumulate(counts))
    place = next(number for number, each in enumerate(below) if each >= wanted and counts[number])
    if place == len(bounds):
        return bounds[-1]
    low = bounds[place - 1] if place else 0.0
    inside = 1 - (below[place] - wanted) / counts[place]
    return low + (bounds[place] - low) * inside


def full_in_s(samples: Sequence[tuple[float, float]]) -> float | None:
    """From (time, free bytes), in order of time: until nothing is left, if it goes on as it did; None where
    it doesn't shrink, or too little is known.

    The samples are cut into parts, and the slope is the median of those from part to part: a burst that is
    over, or a file that was removed, is no trend.
    """
    size = len(samples) // (_PARTS + 1)
    if not size:
        return None
    ends = samples[-1 - _PARTS * size :: size]
    slopes = sorted((free - before) / (at - began) for (began, before), (at, free) in pairwise(ends))
    slope = slopes[len(slopes) // 2]
    return samples[-1][1] / -slope if slope < 0 else None
