"""What is made of all that was tried and met: how each function is, and which cause is told of.

DIAG-10 a wrong cause is worse than none: a cause is told when diagnoses have named the same for VERDICT_S,
for DOUBT_S without a doubt between where trials often err, and what was told is taken back by another that
stood for DOUBT_S, longer while one thing after another comes back, or when nothing has been named for as
long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from holdfast.model.errors import ComponentId
from holdfast.model.findings import Finding, Signal
from holdfast.model.limits import DOUBT_S, INCIDENT_FAILURES, VERDICT_S
from holdfast.watch.changes import Change
from holdfast.watch.depends import DependencyMap
from holdfast.watch.diagnosis import Outcome, diagnose, gather
from holdfast.watch.diagnosis.outcomes import Outcomes
from holdfast.watch.diagnosis.report import Report, report
from holdfast.watch.incidents.incidents import Incidents
from holdfast.watch.incidents.lifecycle import Seen, due
from holdfast.watch.incidents.record import AnyEntry
from holdfast.watch.incidents.window import Window
from holdfast.watch.ratios import Used

BACK_S = 12.0  # within which what was at fault comes back, by what is tried rarely, too
_ENTRIES_AT_ONCE = 100  # of one round; a rule that never has enough must not hold the loop


class Judge:
    """``told``: the report that stands, None where nothing is at fault. ``deciding``: the trial whose outcome
    would tell, '' for none."""

    def __init__(self, known: DependencyMap) -> None:
        self._known = known
        self._outcomes = Outcomes(known)
        self._gist = _Gist()
        self._since = 0.0
        self._named, self._named_since = frozenset[ComponentId](), 0.0  # by the last that named any
        self.window = Window(known.trials.values(), under=known.under)
        self.told: Report | None = None
        self.deciding = ""

    def hear(self, findings: Sequence[Finding], signals: Sequence[Signal] = ()) -> None:
        """In the order of their time."""
        self.window.add(findings, signals)
        self._outcomes.add(findings)

    def judge(self, now: float, met: Iterable[Outcome] = (), changes: Sequence[Change] = ()) -> Report | None:
        """``told``, by all that is known now. ``met``: what real sessions showed, in order of time, as are
        ``changes``."""
        shown = self.evidence(now, met)
        return self.conclude(now, shown, self.weigh(shown, changes))

    def evidence(self, now: float, met: Iterable[Outcome] = ()) -> list[Outcome]:
        """[] where nothing fails: then there is nothing to explain."""
        still = self._outcomes.still(met)
        if not self._outcomes.failing(now) and not any(each.failed for each in still):
            return []
        shown = self._outcomes.now(now, still)
        self.window.enough = max(self._outcomes.enough, INCIDENT_FAILURES)
        return shown

    def weigh(self, shown: Sequence[Outcome], changes: Sequence[Change] = ()) -> Report | None:
        """It takes a tenth of a second and touches nothing: for another thread, too."""
        if not shown:
            return None
        return report(self._known, diagnose(self._known, gather(self._known, shown)), changes)

    def conclude(self, now: float, shown: Sequence[Outcome], found: Report | None) -> Report | None:
        """``told``, now that the evidence came to this."""
        gist = _Gist(bool(shown), found.components if found is not None else frozenset())
        self.deciding = found.deciding if found is not None else ""
        if gist != self._gist:
            self._gist, self._since = gist, now
        patience_s = 0.0 if self._outcomes.erring else DOUBT_S  # with a doubt that goes by
        if gist.named != self._named and (gist.named or now - self._since >= patience_s or not gist.failing):
            self._named, self._named_since = gist.named, now
        since = self._named_since if gist.named else self._since
        if now - since >= self._stands_s(gist, since):
            self.told = found
        return self.told

    def _stands_s(self, gist: _Gist, since: float) -> float:
        """How long it must have stood ``since`` then to be told. To take a cause back needs more than to name
        one, and as much again after each thing that comes back: while they do so one after another, another
        cause may seem to be left. So does naming one where trials err."""
        told = self.told.components if self.told is not None else frozenset()
        if gist.failing and not told <= gist.named:
            return DOUBT_S + min(max(self._outcomes.mended_at - since, 0.0), BACK_S)
        return DOUBT_S if gist.failing and (not gist.named or self._outcomes.erring) else VERDICT_S


class _Gist(NamedTuple):
    """Whether anything fails, and what is named for it."""

    failing: bool = False
    named: frozenset[ComponentId] = frozenset()


def settle(
    judge: Judge,
    incidents: Callable[[], Incidents],
    now: float,
    note: Callable[[list[AnyEntry]], object],
    uses: tuple[Used, ...] = (),
) -> int:
    """Writes down by ``note`` all that is due. How many entries. ``uses``: how real use goes."""
    written = 0
    while written < _ENTRIES_AT_ONCE:
        entries = due(Seen(judge.window, judge.told, incidents(), now, uses))
        if not entries:
            break
        note(entries)
        written += len(entries)
    return written
