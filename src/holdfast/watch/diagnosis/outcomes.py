"""From findings to the outcomes that a diagnosis is made of: which of them still say how it is now.

DIAG-9 a trial speaks by what it has shown last: where it says the same so often that it would hardly have by
chance, it has changed, and what it showed before counts no more; and so have all uses together that met the
same words. That something worked before the newest fault began is no evidence that it works now, nor what
failed well before that and has worked since: half of what comes and goes would be left out, and the rest seem
worse than it is. A fault that spoils a part is none that begins anew with each row of failures, nor with each
who meets what others have met before.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache

from holdfast.model.findings import Finding
from holdfast.model.limits import FINDING_FRESH_S, OUTCOMES_KEPT, OUTCOMES_S
from holdfast.watch.depends import DependencyMap
from holdfast.watch.diagnosis.evidence import Outcome
from holdfast.watch.diagnosis.fitting import RATES

_DIGITS = re.compile(r"\d+")
CLEAN_S = 60.0  # a trial that has failed no longer than this ago and fails again shows the same fault
FIRST_S = 5.0  # so long before a fault is sure of itself its first failures may have been seen
_SURE = 2  # the same so often in a row is no accident, where none errs
_MOST = 5  # … nor is it so often, wherever
_ACCIDENT = 0.1  # rows of failures by accident among all that is tried, at most
_PARTLY = 0.7  # of the shares that a fault may spoil the likeliest but all
_CHANCE = 1e-3  # that what comes and goes says the same so often in a row, at most
_SOUND = 3  # … nor is one more success after so many, though the trial should err again and again


class Outcomes:
    """What the trials of a map have shown. Findings come in the order of their time.

    ``enough``: so many failures in a row are no accident; ``erring``: so many have failed once and not again
    that some will fail twice by accident. ``mended_at``: when one last worked that had failed for certain.
    """

    def __init__(self, known: DependencyMap) -> None:
        self.enough = _SURE
        self._steps = {each.id: [step.name for step in each.steps] for each in known.trials.values()}
        self._function = {each.id: each.function for each in known.trials.values()}
        self._kept: dict[tuple[str, str], list[Outcome]] = {}
        self._failed: dict[
            tuple[str, str], tuple[float, float]
        ] = {}  # since when it fails, and when it did last
        self._sound: dict[tuple[str, str], float] = {}  # when it began to work so often in a row
        self._mended_at = 0.0  # when a trial was last seen to work that had failed
        self.mended_at = 0.0
        self._undecided: dict[tuple[str, str], Outcome] = {}  # where a trial stopped last, if it was so

    @property
    def erring(self) -> bool:
        return self.enough > _SURE

    def add(self, findings: Iterable[Finding]) -> None:
        """What isn't in the map, and a step that its trial doesn't have, is no evidence."""
        for finding in findings:
            steps = self._steps.get(finding.trial)
            if steps is None or (finding.state != "works" and finding.step not in steps):
                continue
            place, outcome = (finding.trial, finding.vantage), _outcome(finding, steps)
            self._undecided.pop(place, None)
            if finding.state == "unknown":
                self._undecided[place] = outcome
                continue
            kept = self._kept.setdefault(place, [])
            if kept and kept[-1].failed and not outcome.failed:
                self._mended_at = max(self._mended_at, outcome.at)
                if len(_row(kept)) >= self.enough:
                    self.mended_at = max(self.mended_at, outcome.at)
            if outcome.failed:
                outcome = outcome._replace(began=_began(kept, outcome), sound=self._sound.get(place, 0.0))
                since, last = self._failed.get(place, (outcome.at, outcome.at))
                same = outcome.at - last <= CLEAN_S or (kept and kept[-1].failed)
                self._failed[place] = (since if same else outcome.at, outcome.at)
            elif _is_sound(kept):
                self._sound[place] = kept[-_SOUND].at
            kept.append(outcome)
            _forget(kept)

    def failing(self, now: float) -> bool:
        """Whether any trial failed when it was last decided."""
        last = (kept[-1] for kept in self._kept.values())
        return any(each.failed and now - each.at <= FINDING_FRESH_S for each in last)

    def now(self, now: float, met: Iterable[Outcome] = ()) -> list[Outcome]:
        """All that still counts, in the order of its time. ``met``: what real sessions showed, of what is
        ``still`` so."""
        for said in self._over():
            self._let_go(said)
        fresh = dict(self._fresh(now))
        self.enough = enough = self._enough(fresh.values())
        begun = self._begun(place for place, kept in fresh.items() if len(_row(kept)) >= enough)
        found = [each for kept in fresh.values() for each in _since(kept, begun)]
        stopped = (each for each in self._undecided.values() if now - each.at <= OUTCOMES_S)
        found += [each for each in stopped if each.reached and each.at >= begun]
        found += [each for each in met if each.failed or each.at >= begun]
        return sorted(found, key=lambda each: each.at)

    def _uses(self) -> list[tuple[tuple[str, str], list[Outcome]]]:
        return [(place, kept) for place, kept in self._kept.items() if self._function[place[0]]]

    def _over(self) -> list[str]:
        """What uses have met, and none has since, so often that it would hardly have gone well by chance."""
        last: dict[str, float] = {}
        met, spared, since = Counter[str](), Counter[str](), Counter[str]()
        uses = self._uses()
        for _, kept in uses:
            for said, at in _met_last(kept).items():
                last[said] = max(at, last.get(said, 0.0))
        for _, kept in uses if last else ():
            begun = set[str]()
            for each in kept:
                if each.failed and each.said:
                    begun.add(_words(each.said))
                for said in begun:
                    count = met if each.failed else spared if each.at <= last[said] else since
                    count[said] += 1
        return [
            said
            for said in last
            if ((spared[said] + 1) / (met[said] + spared[said] + 1)) ** since[said] < _CHANCE
        ]

    def _let_go(self, said: str) -> None:
        """Whoever has met that tells how it is now by what was shown since."""
        for place, kept in self._uses():
            if (last := _met_last(kept).get(said)) is not None:
                kept[:] = [each for each in kept if each.at > last]
                if not kept:
                    del self._kept[place]

    def _begun(self, sure: Iterable[tuple[str, str]]) -> float:
        """When the newest fault was first seen: what meets the same as another has met before is none."""
        seen: dict[tuple[str, ...], float] = {}
        for place in sure:
            last, since = self._kept[place][-1], self._failed[place][0]
            same = (last.failed, _words(last.said), "" if self._function[place[0]] else last.trial)
            seen[same] = min(since, seen.get(same, since))
        return max(seen.values(), default=0.0)

    @staticmethod
    def _enough(shown: Collection[list[Outcome]]) -> int:
        """So many failures in a row are no accident, by how often one stands alone, and of how many."""
        tried = sum(map(len, shown))
        errs = sum(map(_errs, shown)) / tried if tried else 0.0
        return next((row for row in range(_SURE, _MOST) if len(shown) * errs**row < _ACCIDENT), _MOST)

    def still(self, met: Iterable[Outcome]) -> list[Outcome]:
        """Of what real sessions met, what wasn't before something was mended."""
        return [each for each in met if not each.failed or each.at >= self._mended_at]

    def _fresh(self, now: float) -> Iterator[tuple[tuple[str, str], list[Outcome]]]:
        """Of each trial that was tried lately: the row it ends with, and what is recent of before."""
        for place, kept in self._kept.items():
            if now - kept[-1].at <= FINDING_FRESH_S:
                row = _row(kept) or kept[-1:]
                yield place, [each for each in kept[: -len(row)] if now - each.at <= OUTCOMES_S] + row


def _outcome(finding: Finding, steps: list[str]) -> Outcome:
    """DIAG-1: of what couldn't be decided the steps before count, as those went well."""
    if finding.state == "works":
        return Outcome(finding.trial, finding.at - finding.took_s)  # it began to work no later
    if finding.state == "unknown":
        return Outcome(finding.trial, finding.at, reached=steps.index(finding.step))
    return Outcome(finding.trial, finding.at, finding.step, said=finding.said)


@lru_cache(1000)
def _words(said: str) -> str:
    """What was met, but for numbers."""
    return _DIGITS.sub("", said)


def _met_last(kept: Iterable[Outcome]) -> dict[str, float]:
    """By what was met, when it was last."""
    return {_words(each.said): each.at for each in kept if each.failed and each.said}


def _forget(kept: list[Outcome]) -> None:
    """What it showed before it changed for certain, and what is too much."""
    row = next((n for n, each in enumerate(reversed(kept)) if each.failed != kept[-1].failed), len(kept))
    before = [each.failed for each in kept[:-row]]
    if row >= _SURE and len(before) >= _SURE:
        same = before.count(kept[-1].failed)
        partly = 1.0 if same else RATES[_PARTLY]
        if before[-1] == before[-2] and partly * ((same + 0.5) / (len(before) + 1)) ** row < _CHANCE:
            del kept[:-row]
    if len(kept) > OUTCOMES_KEPT:  # when a row of failures began is never forgotten
        del kept[1 if len(_row(kept)) == len(kept) else 0]


def _is_sound(kept: list[Outcome]) -> bool:
    """It works, and doesn't come and go."""
    failed = [bool(each.failed) for each in kept]
    return len(kept) >= _SOUND and not any(failed[-_SOUND:]) and sum(failed) < _SURE


def _began(kept: list[Outcome], failure: Outcome) -> float:
    """One success between failures at the same step may be an accident, and ends no row."""
    for each in reversed(kept[-2:]):
        if each.failed:
            return each.began if each.failed == failure.failed else failure.at
    return failure.at


def _errs(kept: list[Outcome]) -> bool:
    """Whether one of them is a failure between two successes."""
    failed = [bool(each.failed) for each in kept]
    return (False, True, False) in zip(failed, failed[1:], failed[2:])


def _since(kept: list[Outcome], begun: float) -> Iterator[Outcome]:
    """What it has shown of the newest fault, and the failures that it ends with."""
    first = min((each.at for each in kept if each.failed and each.at >= begun - FIRST_S), default=begun)
    yield from (each for each in _row(kept) if each.at < min(first, begun))
    yield from (each for each in kept if each.at >= min(first, begun))


def _row(kept: list[Outcome]) -> list[Outcome]:
    """The failures that it ends with."""
    begin = len(kept)
    while begin and kept[begin - 1].failed:
        begin -= 1
    return kept[begin:]
