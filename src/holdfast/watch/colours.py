"""How each component is, as far as findings and the diagnosis tell: what the live map shows.

Nothing is green by default: a component works only where a trial that passes through it got further, or where
its own check says so.
"""

from __future__ import annotations

from collections.abc import Iterable

from holdfast.model.errors import ComponentId
from holdfast.model.findings import Finding, State
from holdfast.model.limits import FINDING_FRESH_S
from holdfast.watch.depends import DependencyMap, Trial
from holdfast.watch.diagnosis.report import Report


def colours(
    known: DependencyMap, findings: Iterable[Finding], report: Report | None, now: float
) -> dict[ComponentId, State]:
    """``fails``: named as at fault, or its own check fails; ``degraded``: suspected, or its check says so."""
    found: dict[ComponentId, State] = dict.fromkeys(known.components, "unknown")
    fresh = [each for each in findings if abs(now - each.at) <= FINDING_FRESH_S]
    for finding in fresh:
        trial = known.trials.get(finding.trial)
        if trial is not None:
            found |= dict.fromkeys(known.under(_passed(trial, finding)), "works")
    for finding in fresh:
        if finding.trial in found and finding.state in ("fails", "degraded"):
            found[finding.trial] = finding.state
    if report is not None:
        suspected = {each for rival in report.runners_up for each in rival.components}
        if report.verdict == "undecided":
            found |= dict.fromkeys(suspected & found.keys(), "degraded")
        found |= dict.fromkeys(report.components & found.keys(), "fails")
    return found


def _passed(trial: Trial, finding: Finding) -> frozenset[ComponentId]:
    """What it went through before the step that didn't go well; all of it where all went well."""
    if finding.state == "unknown":
        return frozenset()
    passed: frozenset[ComponentId] = frozenset()
    for step in trial.steps:
        if finding.state != "works" and step.name == finding.step:
            return passed
        passed |= step.uses
    return passed if finding.state == "works" else frozenset()
