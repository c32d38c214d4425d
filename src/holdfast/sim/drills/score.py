"""The score card of a drill, from what was done and what was seen: pure.

DRILL-2 what was not seen is not judged, and never counted as right.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Literal, NamedTuple

import msgspec

from holdfast.model.findings import Finding
from holdfast.model.functions import FUNCTIONS
from holdfast.sim.drills.catalogue import ANSWERS, Fault, covered, names, rank
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incidents, Opinion

OUTSIDE = "outside"  # as a cause: the map doesn't know it
FORBIDDEN = (
    "forbidden"  # as an answer: for good what is only for now, "wrong password" for a right one, a loss
)
BRIEFLY_S = 10.0  # what lasts for less is a delay: whoever tries again gets through

Verdict = Literal["right", "corrected", "wrong", "undecided", ""]
Whom = Literal["exact", "bounded", "wrong", "untold", ""]


class Try(NamedTuple):
    """One customer tried one function at ``at`` (UTC seconds). ``answer``: of ANSWERS, or FORBIDDEN."""

    function: str
    account: str
    at: float
    answer: str
    said: str = ""


class Truth(NamedTuple):
    """What was really done. ``causes``: patterns, as the catalogue has them; none: nothing is at fault.

    ``hit``: by function, whom it hits; None where that isn't known. ``repaired_at``: UTC seconds.
    ``follows``: what the causes bring down: that it is named beside them is not wrong, and not enough.
    ``hurts_at``: when the first function began to suffer, where a chain hurts none at first; 0: at once.
    """

    injected_at: float
    repaired_at: float
    causes: tuple[str, ...]
    hit: Mapping[str, frozenset[str]] | None = None
    follows: tuple[str, ...] = ()
    hurts_at: float = 0.0


class Told(NamedTuple):
    """Whom an incident is said to hit, of one function."""

    accounts: frozenset[str]
    bound: Literal["exact", "bounded"]


class Observed(NamedTuple):
    """What was seen until ``until``. ``tries`` none: customers' answers aren't judged.

    ``findings``: those that didn't go well, in order of time. ``reports``: what was told of causes beside
    incidents, as of what hurts no function. ``told``: None where nobody told.
    ``noticed_at``, ``published_at``: a notice reached a customer; the page told of it; 0 for never, None:
    not judged.
    """

    incidents: Incidents
    until: float
    tries: Sequence[Try] = ()
    findings: Sequence[Finding] = ()
    told: Mapping[str, Told] | None = None
    noticed_at: float | None = None
    published_at: float | None = None
    reports: Sequence[Opinion] = ()


class Behaviour(msgspec.Struct, frozen=True):
    """The worst answer expected, and what those who are hit and all others met; '' where nobody tried."""

    expected: str
    hit: str
    others: str
    good: bool


class ScoreCard(msgspec.Struct, frozen=True, kw_only=True):
    """Times in seconds, None where it didn't happen: from the injection to detection and naming, from the
    detection to notice and page, from the repair to the last function and the incident's end."""

    fault: str
    title: str
    where: str
    at: float
    seed: int | None = None
    slow: bool = False
    chain: bool = False
    silent: bool = False
    detected_after_s: float | None = None
    named_after_s: float | None = None
    verdict: Verdict = ""
    named: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    affected: Whom = ""
    noticed_after_s: float | None = None
    published_after_s: float | None = None
    functions: dict[str, Behaviour] = {}
    forbidden: tuple[str, ...] = ()
    returned_after_s: float | None = None
    closed_after_s: float | None = None
    tries: int = 0
    notes: tuple[str, ...] = ()

    @property
    def behaved(self) -> bool:
        return all(each.good for each in self.functions.values()) and not self.forbidden


def score(
    fault: Fault,
    truth: Truth,
    seen: Observed,
    *,
    where: str,
    alone: bool = False,
    seed: int | None = None,
    notes: Sequence[str] = (),
) -> ScoreCard:
    """``alone``: one machine, with no second of what is hit."""
    detected = _detected(truth, seen)
    opinions = _opinions(truth, seen)
    right, wrong = _right(truth, opinions), _wrong(truth, opinions)
    returned = _returned(truth, seen.tries)
    functions = behaviour(fault.worst(alone=alone), truth, seen.tries)
    return ScoreCard(
        fault=fault.id,
        title=fault.en,
        where=where,
        at=truth.injected_at,
        seed=seed,
        slow=fault.slow,
        chain=len(truth.causes) > 1,
        silent=not truth.causes,
        detected_after_s=_detected_after(truth, detected, opinions),
        named_after_s=_after(right.at if right else None, truth.injected_at),
        verdict=_verdict(truth, opinions, right is not None, bool(wrong)),
        named=_named(right or (opinions[-1] if opinions else None)),
        wrong=wrong,
        affected=_whom(_hurt(fault.fails(alone=alone), functions), truth, seen),
        noticed_after_s=_after(seen.noticed_at, detected),
        published_after_s=_after(seen.published_at, detected),
        functions=functions,
        forbidden=tuple(f"{each.function} {each.account}: {each.said}" for each in _forbidden(seen.tries)),
        returned_after_s=_after(returned, truth.repaired_at),
        closed_after_s=_after(_closed(truth, seen.incidents), truth.repaired_at),
        tries=len(seen.tries),
        notes=tuple(notes),
    )


def _after(at: float | None, since: float | None) -> float | None:
    return round(max(at - since, 0.0), 2) if at and since else None


# What the watchers made of it


def _detected(truth: Truth, seen: Observed) -> float | None:
    """When an incident was opened; where none was, when a trial first showed it."""
    found = [
        entry.at
        for each in seen.incidents
        for entry in each.timeline
        if isinstance(entry, r.Opened | r.Joined | r.Reopened) and entry.at >= truth.injected_at
    ]
    found = found or [each.at for each in seen.findings if each.at >= truth.injected_at]
    return min(found, default=None)


def _detected_after(truth: Truth, detected: float | None, opinions: Sequence[Opinion]) -> float | None:
    """From the injection. A chain that hurts no function at first has to be seen twice: by a cause of it that
    is named meanwhile, and by the incident once it hurts: each timed from its start, the worse counts."""
    if detected is not None and truth.injected_at < truth.hurts_at <= detected:
        early = (each for each in opinions if each.at < truth.hurts_at and _causes(truth, each))
        warned = next((each for each in early if not _wrong(truth, [each])), None)
        if warned is not None:
            return round(max(warned.at - truth.injected_at, detected - truth.hurts_at), 2)
    return _after(detected, truth.injected_at)


def _opinions(truth: Truth, seen: Observed) -> list[Opinion]:
    told = [*seen.reports, *(each for incident in seen.incidents for each in incident.opinions)]
    given = [each for each in told if each.at >= truth.injected_at]
    return sorted(given, key=lambda each: each.at)


def _named(opinion: Opinion | None) -> tuple[str, ...]:
    if opinion is None:
        return ()
    if opinion.report.verdict != "named":
        return (opinion.report.verdict,)
    return tuple(cause.component for cause in opinion.report.causes)


def _right(truth: Truth, opinions: Iterable[Opinion]) -> Opinion | None:
    """The first that names all causes and nothing else."""
    for each in opinions:
        if truth.causes == (OUTSIDE,):
            if each.report.verdict == OUTSIDE:
                return each
        elif truth.causes and covered(truth.causes, _causes(truth, each)):
            return each
    return None


def _causes(truth: Truth, opinion: Opinion) -> frozenset[str]:
    """What it names, but for what only follows."""
    named = opinion.report.components
    return frozenset(
        each
        for each in named
        if any(names(cause, each) for cause in truth.causes)
        or not any(names(other, each) for other in truth.follows)
    )


def _wrong(truth: Truth, opinions: Iterable[Opinion]) -> tuple[str, ...]:
    """What was named and is well. That a chain was named in part is not wrong."""
    named = {component for each in opinions for component in _causes(truth, each)}
    return tuple(sorted(each for each in named if not any(names(cause, each) for cause in truth.causes)))


def _verdict(truth: Truth, opinions: Sequence[Opinion], right: bool, wrong: bool) -> Verdict:
    if wrong:
        return "corrected" if right else "wrong"
    return "right" if right or not truth.causes else "undecided"


def _closed(truth: Truth, incidents: Incidents) -> float | None:
    """When the last incident of this drill was closed."""
    mine = [each for each in incidents if each.changed_at >= truth.injected_at]
    if not mine or not all(each.closed_at for each in mine):
        return None
    return max(each.closed_at for each in mine)


def _hurt(failing: Sequence[str], functions: Mapping[str, Behaviour]) -> tuple[str, ...]:
    """Those of the functions that are expected to fail of which customers did miss something; all, where
    nobody tried."""
    return tuple(
        each
        for each in failing
        if not functions or (each in functions and rank(functions[each].hit or "ok") > rank("ok*"))
    )


def _whom(failing: Sequence[str], truth: Truth, seen: Observed) -> Whom:
    """Judged where it is known whom it really hits."""
    if truth.hit is None:
        return ""
    told_of = seen.told or {}
    if not seen.tries:  # it is known all the same of which functions nobody misses anything
        failing = [each for each in failing if truth.hit.get(each) or each in told_of]
    if not failing:
        return ""
    if seen.told is None:
        return "untold"
    exact = True
    for function in failing:
        really, told = truth.hit.get(function, frozenset()), seen.told.get(function)
        if told is None:
            return "untold"
        if really - told.accounts or (told.bound == "exact" and told.accounts != really):
            return "wrong"
        exact = exact and told.accounts == really
    return "exact" if exact else "bounded"


# What customers met


def behaviour(worst: Mapping[str, str], truth: Truth, tries: Sequence[Try]) -> dict[str, Behaviour]:
    """Of each function that was tried, while the fault lasted."""
    found: dict[str, Behaviour] = {}
    during = [each for each in tries if truth.injected_at <= each.at <= truth.repaired_at]
    for function in FUNCTIONS:
        mine = [each for each in during if each.function == function]
        if not mine:
            continue
        all_hit = truth.hit is None
        hit = frozenset() if truth.hit is None else truth.hit.get(function, frozenset())
        met = _met(each for each in mine if all_hit or each.account in hit)
        others = _met(each for each in mine if not all_hit and each.account not in hit)
        good = rank(met or "ok") <= rank(worst[function]) and rank(others or "ok") <= rank("ok*")
        found[function] = Behaviour(worst[function], met, others, good)
    return found


def _met(tries: Iterable[Try]) -> str:
    """The worst that any of them met for longer than ``BRIEFLY_S``; ``ok*`` for what was shorter."""
    by_account: dict[str, list[Try]] = {}
    for each in tries:
        by_account.setdefault(each.account, []).append(each)
    return max((_lasting(each) for each in by_account.values()), key=rank, default="")


def _lasting(tries: Sequence[Try]) -> str:
    ranks = [(each.at, rank(_counted(each.answer))) for each in sorted(tries, key=lambda each: each.at)]
    for level in range(len(ANSWERS) - 1, rank("ok*"), -1):
        if any(length >= BRIEFLY_S for length in _stretches(ranks, level)):
            return ANSWERS[level]
    return "ok*" if any(each for _, each in ranks) else "ok"


def _counted(answer: str) -> str:
    return "x" if answer == FORBIDDEN else answer


def _stretches(ranks: Sequence[tuple[float, int]], level: int) -> Iterator[float]:
    """How long each run of answers as bad as that lasted, up to the next that was better."""
    ended = 0.0
    runs = [(bad, list(run)) for bad, run in groupby(ranks, lambda each: each[1] >= level)]
    for place, (bad, run) in enumerate(runs):
        ended = runs[place + 1][1][0][0] if place + 1 < len(runs) else run[-1][0]
        if bad:
            yield ended - run[0][0]


def _forbidden(tries: Iterable[Try]) -> list[Try]:
    return [each for each in tries if each.answer == FORBIDDEN]


def _returned(truth: Truth, tries: Sequence[Try]) -> float | None:
    """When the last of all tries that went wrong was followed by one that went well; None while one isn't."""
    latest = truth.repaired_at
    by_who: dict[tuple[str, str], list[Try]] = {}
    for each in tries:
        if each.at > truth.repaired_at:
            by_who.setdefault((each.function, each.account), []).append(each)
    for after in by_who.values():
        bad = [place for place, one in enumerate(after) if rank(_counted(one.answer)) > rank("ok*")]
        if bad and bad[-1] + 1 == len(after):
            return None
        if bad:
            latest = max(latest, after[bad[-1] + 1].at)
    return latest if tries else None


# All of them


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of 1, seconds; None where nothing was judged. ``named``: of faults that have a cause."""

    drills: int
    named: float | None
    chains: float | None
    undecided: int
    wrong: int
    detected: float | None
    detection_p99_s: float | None
    slow_detection_p99_s: float | None
    naming_p99_s: float | None
    notice_p99_s: float | None
    affected_exact: float | None
    behaved: float | None
    forbidden: int
    returned: float | None


def totals(cards: Sequence[ScoreCard]) -> Totals:
    caused = [each for each in cards if not each.silent]
    judged = [each for each in cards if each.functions]
    whom = [each.affected for each in cards if each.affected]
    return Totals(
        drills=len(cards),
        named=_share([each.verdict == "right" for each in caused if not each.chain]),
        chains=_share([each.verdict == "right" for each in caused if each.chain]),
        undecided=sum(each.verdict == "undecided" for each in cards),
        wrong=sum(bool(each.wrong) for each in cards),
        detected=_share([each.detected_after_s is not None for each in caused]),
        detection_p99_s=_p99([each.detected_after_s for each in caused if not each.slow]),
        slow_detection_p99_s=_p99([each.detected_after_s for each in caused if each.slow]),
        naming_p99_s=_p99([each.named_after_s for each in caused]),
        notice_p99_s=_p99([each.noticed_after_s for each in cards]),
        affected_exact=_share([each == "exact" for each in whom]),
        behaved=_share([each.behaved for each in judged]),
        forbidden=sum(len(each.forbidden) for each in cards),
        returned=_share([each.returned_after_s is not None for each in judged]),
    )


def _share(those: Sequence[bool]) -> float | None:
    return round(sum(those) / len(those), 4) if those else None


def _p99(values: Iterable[float | None]) -> float | None:
    """Nearest rank, of those that happened."""
    known = sorted(each for each in values if each is not None)
    return known[math.ceil(0.99 * len(known)) - 1] if known else None
