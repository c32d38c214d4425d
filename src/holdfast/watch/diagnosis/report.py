"""A diagnosis as it is kept and told: it says all by itself, without the map (docs/formats/incidents.md)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from holdfast.model.errors import ComponentId
from holdfast.model.functions import FUNCTIONS
from holdfast.model.limits import REPORT_EVIDENCE
from holdfast.watch.changes import Change, before
from holdfast.watch.depends import DependencyMap
from holdfast.watch.diagnosis.evidence import Evidence
from holdfast.watch.diagnosis.inference import OUTSIDE, Diagnosis, Verdict
from holdfast.watch.whom import Cells, whom


class _Map(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    pass


class NamedCause(_Map, frozen=True):
    """``since``: UTC seconds. ``after``: the component whose fault brought it about, '' for none.

    ``path``: from what a failed step used to it. ``functions``: those that fail because of it.
    ``hits``: by function, the steps that pass through it, and of each the cells whose accounts do; none: all.
    ``change``: what was changed before it began and may have to do with it, None for nothing.
    """

    component: ComponentId
    since: float
    rate: float = 1.0
    after: ComponentId = ""
    path: tuple[ComponentId, ...] = ()
    functions: tuple[str, ...] = ()
    hits: dict[str, dict[str, Cells]] = {}
    change: Change | None = None


class Shown(_Map, frozen=True):
    """One step of one trial: of ``tried`` tries, ``failed`` in vain, first at ``since``."""

    trial: str
    step: str
    function: str = ""
    tried: int = 0
    failed: int = 0
    since: float = 0.0
    said: str = ""


class Cleared(_Map, frozen=True):
    component: ComponentId
    by: Shown


class Rival(_Map, frozen=True):
    """``components``: at fault together; none: nothing is, but the trials err."""

    components: tuple[ComponentId, ...]
    probability: float


class Report(_Map, frozen=True):
    """``kinds``: of each component that is named in it."""

    verdict: Literal["named", "undecided", "outside"]
    probability: float
    causes: tuple[NamedCause, ...] = ()
    explained: tuple[Shown, ...] = ()
    against: tuple[Shown, ...] = ()
    ruled_out: tuple[Cleared, ...] = ()
    runners_up: tuple[Rival, ...] = ()
    deciding: str = ""
    kinds: dict[ComponentId, str] = {}

    @property
    def components(self) -> frozenset[ComponentId]:
        """What is named as being at fault."""
        return frozenset(cause.component for cause in self.causes)


_VERDICTS: dict[Verdict, Literal["named", "undecided", "outside"]] = {
    Verdict.NAMED: "named",
    Verdict.UNDECIDED: "undecided",
    Verdict.OUTSIDE: "outside",
}


def report(known: DependencyMap, diagnosis: Diagnosis, changes: Sequence[Change] = ()) -> Report | None:
    """None where all is well. ``changes``: of late, in order of time.

    Of evidence the first few of each sort: what there is can be thousands.
    """
    verdict = _VERDICTS.get(diagnosis.verdict)
    if verdict is None:
        return None
    causes = tuple(
        NamedCause(
            component=cause.component,
            since=cause.since,
            rate=cause.rate,
            after=cause.after,
            path=cause.path,
            functions=_functions(known, (e for e in diagnosis.explained if e.passes(cause.component))),
            hits=whom(known, cause.component),
            change=before(changes, cause.component, known.closure(cause.component), cause.since),
        )
        for cause in diagnosis.causes
    )
    cleared = tuple(
        Cleared(component=component, by=_shown(known, by))
        for component, by in list(diagnosis.ruled_out.items())[:REPORT_EVIDENCE]
    )
    rivals = tuple(
        Rival(components=tuple(sorted(each.components)), probability=each.probability)
        for each in diagnosis.runners_up
    )
    named = {each for cause in causes for each in (cause.component, *cause.path)}
    named |= {cause.change.component for cause in causes if cause.change is not None} - {""}
    named |= {each.component for each in cleared} | {each for rival in rivals for each in rival.components}
    return Report(
        verdict=verdict,
        probability=diagnosis.probability,
        causes=causes,
        explained=_first(known, diagnosis.explained),
        against=_first(known, diagnosis.against),
        ruled_out=cleared,
        runners_up=rivals,
        deciding=diagnosis.deciding,
        kinds={each: known.components[each].kind for each in sorted(named - OUTSIDE)},
    )


def _first(known: DependencyMap, evidence: Iterable[Evidence]) -> tuple[Shown, ...]:
    """What failed longest first; in each function at least one before a second of another."""
    place: dict[str, int] = {}
    ranked: list[tuple[int, float, Shown]] = []
    for each in sorted(evidence, key=lambda each: (each.since or float("inf"), each.trial, each.step)):
        shown = _shown(known, each)
        place[shown.function] = place.get(shown.function, 0) + 1
        ranked.append((place[shown.function], each.since, shown))
    ranked.sort(key=lambda each: each[:2])
    return tuple(shown for _, _, shown in ranked[:REPORT_EVIDENCE])


def _shown(known: DependencyMap, evidence: Evidence) -> Shown:
    return Shown(
        trial=evidence.trial,
        step=evidence.step,
        function=known.trials[evidence.trial].function,
        tried=evidence.tried,
        failed=evidence.failed,
        since=evidence.since,
        said=evidence.said,
    )


def _functions(known: DependencyMap, evidence: Iterable[Evidence]) -> tuple[str, ...]:
    found = {known.trials[each.trial].function for each in evidence}
    return tuple(each for each in FUNCTIONS if each in found)
