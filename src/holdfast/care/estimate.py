"""When it will be over: an interval with its ground, or why there is none yet.

ESTIMATE-1 an interval holds what became of four in five repairs so far: it is cut from how wrong the same
reckoning was about earlier ones, not from an assumption about how repairs go.
ESTIMATE-2 with too few to cut it from there is no interval, and the reason is said instead.
ESTIMATE-3 a repair that has its past in the same kind is measured by it; else all kinds are taken together.
ESTIMATE-4 what was said stays, and is scored when the end is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

SHARE = 0.8  # of repairs that end within their interval
LEAST = 9  # earlier ones that an interval needs: with fewer, no place in their order leaves a tenth outside
MARKS = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9)  # of progress, where earlier repairs are compared
_SOON_S = 1.0


class Progress(NamedTuple):
    """``done`` of ``total`` units of work at ``at``; ``total`` 0: not known."""

    at: float
    done: float
    total: float


class Repair(NamedTuple):
    """One that has ended. ``kind``: its fingerprint, what failed and how it was mended."""

    kind: str
    began_at: float
    ended_at: float
    progress: tuple[Progress, ...] = ()


class Estimate(NamedTuple):
    """UTC seconds. ``basis``: ``progress`` or ``past``; ``among``: earlier repairs it is cut from."""

    low: float
    likely: float
    high: float
    basis: str
    among: int
    made_at: float


class NotYet(NamedTuple):
    """``reason``: key of a sentence, with ``known`` earlier repairs of ``needed``."""

    reason: str
    known: int
    needed: int
    made_at: float


class Score(NamedTuple):
    """How an estimate turned out: ``early``, ``within``, ``late``."""

    estimate: Estimate
    ended_at: float
    outcome: str


def estimate(
    kind: str, began_at: float, now: float, progress: Sequence[Progress], past: Iterable[Repair]
) -> Estimate | NotYet:
    """For a repair of ``kind`` under way since ``began_at``."""
    known = list(past)
    seen = [each for each in progress if each.at <= now]
    point = _by_progress(began_at, now, seen)
    if point is not None:
        mark = _mark(seen[-1])
        errors = _choose(kind, [(each.kind, error) for each in known if (error := _error_at(each, mark))])
        if errors is not None:
            return _interval(now, point, errors, "progress")
    return _by_past(kind, began_at, now, known)


def score(said: Estimate, ended_at: float) -> Score:
    outcome = "early" if ended_at < said.low else "late" if ended_at > said.high else "within"
    return Score(said, ended_at, outcome)


def _by_progress(began_at: float, now: float, progress: Sequence[Progress]) -> float | None:
    """Seconds left at the pace of the last half of what was done; None before anything was."""
    if not progress or not progress[-1].total or progress[-1].done <= 0:
        return None
    last = progress[-1]
    from_ = next((each for each in reversed(progress) if each.done <= last.done / 2), None)
    begun, done = (from_.at, from_.done) if from_ is not None else (began_at, 0.0)
    # time that passes without progress slows the pace: what stands still is never nearly done
    pace = (last.done - done) / max(now - begun, _SOON_S)
    return (last.total - last.done) / pace


def _mark(at: Progress) -> float:
    """The mark of progress that was passed last."""
    return max(mark for mark in MARKS if mark <= at.done / at.total)


def _error_at(repair: Repair, mark: float) -> float:
    """What was left in truth, by what the same reckoning said at that mark; 0 where it said nothing."""
    seen: list[Progress] = []
    for each in repair.progress:
        seen.append(each)
        if each.total and each.done > 0 and each.done / each.total >= mark:
            point = _by_progress(repair.began_at, each.at, seen)
            left = repair.ended_at - each.at
            return left / point if point and left > 0 else 0.0
    return 0.0


def _choose(kind: str, of_kinds: Sequence[tuple[str, float]]) -> list[float] | None:
    """Of the same kind where there are enough, else of all; None where even those are too few."""
    same = sorted(value for each, value in of_kinds if each == kind)
    if len(same) >= LEAST:
        return same
    every = sorted(value for _, value in of_kinds)
    return every if len(every) >= LEAST else None


def _interval(now: float, unit: float, factors: Sequence[float], basis: str) -> Estimate:
    """``factors``: sorted; what lies outside the places taken is one fifth of the next one, too."""
    low, likely, high = (now + unit * each for each in _places(factors))
    return Estimate(low, likely, high, basis, len(factors), now)


def _places(values: Sequence[float]) -> tuple[float, float, float]:
    """The values between which ``SHARE`` of one more of the same kind falls, and their middle."""
    tail = (1 - SHARE) / 2

    def at(share: float) -> float:
        place = share * (len(values) + 1) - 1
        below = min(max(math.floor(place), 0), len(values) - 1)
        above = min(below + 1, len(values) - 1)
        return values[below] + (values[above] - values[below]) * min(max(place - below, 0.0), 1.0)

    return at(tail), at(0.5), at(1 - tail)


def _by_past(kind: str, began_at: float, now: float, known: Sequence[Repair]) -> Estimate | NotYet:
    """From how long earlier ones took that were not over by then either."""
    elapsed = now - began_at
    took = [(each.kind, each.ended_at - each.began_at) for each in known]
    longer = [(each, seconds) for each, seconds in took if seconds > elapsed]
    chosen = _choose(kind, longer)
    if chosen is None:
        reason = "estimate.longer_than_ever" if len(took) >= LEAST else "estimate.too_few"
        return NotYet(reason, len(longer), LEAST, now)
    low, likely, high = (began_at + each for each in _places(chosen))
    return Estimate(low, likely, high, "past", len(chosen), now)
