"""What the console shows, made of what is known: pure.

CONSOLE-3 what is not known is shown as not known, whatever there was before: while nobody watches, no
function works.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from holdfast.care.status.lines import Line, lines
from holdfast.care.turns import Seen
from holdfast.model.errors import ComponentId
from holdfast.model.findings import Finding, State
from holdfast.model.functions import FUNCTIONS
from holdfast.model.limits import FINDING_FRESH_S
from holdfast.watch import remedies
from holdfast.watch.incidents.incidents import Incident, Incidents, Promise
from holdfast.watch.incidents.record import Remedied
from holdfast.watch.remedies import REVERSES, SUPERVISOR, Remedy

OPERATOR = "operator"  # the rule by which what somebody confirmed is done
_WORSE: tuple[State, ...] = ("fails", "degraded", "unknown", "works")


class Row(NamedTuple):
    """One function. ``worst``: of the trials that don't go well the first; None where all do."""

    line: Line
    worst: Finding | None


class Open(NamedTuple):
    """A remedy to be confirmed, or one to be taken back; ``at``: when it was said or done."""

    remedy: Remedy
    at: float


def rows(seen: Seen, zone: ZoneInfo) -> list[Row]:
    """In the order of FUNCTIONS."""
    findings = seen.now.findings if seen.now is not None else ()
    found = lines(findings, seen.incidents, {}, seen.at, zone)
    return [
        Row(each, next((f for f in bad(findings) if f.function == each.function), None)) for each in found
    ]


def bad(findings: Iterable[Finding]) -> list[Finding]:
    """Those that don't go well, the worst first."""
    return [each for each in ordered(findings) if each.state != "works"]


def to_be_seen(findings: Iterable[Finding]) -> list[Finding]:
    """Of those the ones that somebody should look at: what isn't known of a component alone is left out."""
    return [each for each in bad(findings) if each.state != "unknown" or each.function]


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """The worst first; those of one state by function and trial."""
    places = {each: place for place, each in enumerate((*FUNCTIONS, ""))}
    return sorted(
        findings,
        key=lambda each: (_WORSE.index(each.state), places.get(each.function, 99), each.trial, each.vantage),
    )


def stale(finding: Finding, now: float) -> bool:
    """Too old to say how it is."""
    return abs(now - finding.at) > FINDING_FRESH_S


def proposed(incidents: Incidents) -> list[Open]:
    """What would be done and hasn't been, of incidents that are open, while it is still thought to help."""
    found: list[Open] = []
    for incident in incidents.open():
        named = incident.opinion.report.components if incident.opinion is not None else frozenset()
        for (component, action), entry in _last(incident).items():
            if entry.outcome == "would" and component in (*named, SUPERVISOR):
                found.append(Open(_remedy(incident, entry.rule, component, action), entry.at))
    return found


def in_force(incidents: Incidents) -> list[Open]:
    """What was done and can be taken back."""
    return [
        Open(Remedy(each.incident, OPERATOR, each.component, REVERSES[each.action]), each.at)
        for each in remedies.in_force(incidents)
    ]


def _last(incident: Incident) -> dict[tuple[ComponentId, str], Remedied]:
    """Of each thing that may be done the last word."""
    return {
        (entry.component, entry.action): entry for entry in incident.timeline if isinstance(entry, Remedied)
    }


def _remedy(incident: Incident, rule: str, component: ComponentId, action: str) -> Remedy:
    return Remedy(incident.number, rule, component, action, reverses=REVERSES.get(action, ""))


def promises(incidents: Sequence[Incident]) -> list[tuple[Incident, Promise]]:
    """Those that are open, the next one first."""
    found = [(each, one) for each in incidents for one in each.promises.values() if not one.settled]
    return sorted(found, key=lambda each: each[1].due)
