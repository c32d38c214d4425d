"""From findings to the outcomes that a diagnosis is made of: which of them still say how it is now.

DIAG-9 a trial speaks by what it has shown last: where it says the same twice, after it had said something
else as often, it has changed, and what it showed before counts no more. That something worked before the
newest fault began is no evidence that it works now, nor what failed before that and has worked since: half
of what comes and goes would be left out, and the rest seem worse than it is. A fault that spoils a part is
none that begins anew with each row of failures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from holdfast.model.findings import Finding
from holdfast.model.limits import FINDING_FRESH_S, OUTCOMES_KEPT, OUTCOMES_S
from holdfast.watch.depends import DependencyMap
from holdfast.watch.diagnosis.evidence import Outcome

CLEAN_S = 60.0  # a trial that has failed no longer than this ago and fails again shows the same fault
_SURE = 2  # the same so often in a row is no accident
_SOUND = 3  # … nor is one more success after so many, though the trial should err again and again


class Outcomes:
    """What the trials of a map have shown. Findings come in the order of their time."""

    def __init__(self, known: DependencyMap) -> None:
        self._steps = {each.id: [step.name for step in each.steps] for each in known.trials.values()}
        self._kept: dict[tuple[str, str], list[Outcome]] = {}
        self._failed: dict[
            tuple[str, str], tuple[float, float]
        ] = {}  # since when it fails, and when it did last
        self._sound: dict[tuple[str, str], float] = {}  # when it began to work so often in a row
        self._mended_at = 0.0  # when a trial was last seen to work that had failed
        self._undecided: dict[tuple[str, str], Outcome] = {}  # where a trial stopped last, if it was so

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
            if outcome.failed:
                same_step = kept and kept[-1].failed == outcome.failed
                began = kept[-1].began if same_step else outcome.at
                outcome = outcome._replace(began=began, sound=self._sound.get(place, 0.0))
                since, last = self._failed.get(place, (outcome.at, outcome.at))
                same = outcome.at - last <= CLEAN_S or (kept and kept[-1].failed)
                self._failed[place] = (since if same else outcome.at, outcome.at)
            elif len(kept) >= _SOUND and not any(each.failed for each in kept[-_SOUND:]):
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
        fresh = dict(self._fresh(now))
        sure = (place for place, kept in fresh.items() if len(_row(kept)) >= _SURE)
        begun = max((self._failed[place][0] for place in sure), default=0.0)
        found = [each for kept in fresh.values() for each in kept if each.at >= begun]
        found += [each for kept in fresh.values() for each in _row(kept) if each.at < begun]
        stopped = (each for each in self._undecided.values() if now - each.at <= OUTCOMES_S)
        found += [each for each in stopped if each.reached and each.at >= begun]
        found += [each for each in met if each.failed or each.at >= begun]
        return sorted(found, key=lambda each: each.at)

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


def _forget(kept: list[Outcome]) -> None:
    """What it showed before it changed for certain, and what is too much."""
    last, before = kept[-_SURE:], kept[-2 * _SURE : -_SURE]
    shown = [{each.failed for each in some} for some in (last, before)]
    if len(before) == _SURE and all(len(each) == 1 for each in shown) and shown[0] != shown[1]:
        del kept[:-_SURE]
    if len(kept) > OUTCOMES_KEPT:  # when a row of failures began is never forgotten
        del kept[1 if len(_row(kept)) == len(kept) else 0]


def _row(kept: list[Outcome]) -> list[Outcome]:
    """The failures that it ends with."""
    begin = len(kept)
    while begin and kept[begin - 1].failed:
        begin -= 1
    return kept[begin:]
