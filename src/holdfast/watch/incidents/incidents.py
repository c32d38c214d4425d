"""Incidents, made from the entries of their ledger and from nothing else.

INC-1 incidents are a function of the ledger: read at once or in any pieces, they are the same.
INC-2 what was said stays: a diagnosis that was wrong, an estimate that failed, a promise that was missed
are shown with what became of them, never replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

import msgspec

from holdfast.model.findings import State
from holdfast.model.functions import FUNCTIONS
from holdfast.model.limits import INCIDENT_ENTRIES, RECURRENCE_S
from holdfast.watch.diagnosis.report import Report
from holdfast.watch.incidents import record as r


class Opinion(msgspec.Struct):
    """A diagnosis as it was given. ``fate``: '' while it stands, else what became of it, at ``until``."""

    at: float
    report: Report
    fate: str = ""
    until: float = 0.0


class Promise(msgspec.Struct):
    """``settled``: '' while it is open, else ``kept`` or ``missed``, at ``settled_at``."""

    number: int
    what: r.PromiseKind
    made_at: float
    due: float
    about: int = 0
    text: str = ""
    settled: Literal["", "kept", "missed"] = ""
    settled_at: float = 0.0


class Action(msgspec.Struct):
    number: int
    text: str
    due: float = 0.0
    by: str = ""
    done_at: float = 0.0


class Span(msgspec.Struct):
    """From its first failure on; ``until`` 0: it still fails."""

    since: float
    until: float = 0.0


class Incident(msgspec.Struct):
    """``spans``: when each of its functions failed. ``parted``: functions that went to another incident.

    ``closed_at``: 0 while it is open. ``thinned``: findings left out of a timeline that became too long.
    ``singled``: each place once.
    ``changed_at``, ``spans_changed_at``, ``found_at``: of the last entry, of any kind and of those kinds.
    """

    number: int
    opened_at: float
    closed_at: float = 0.0
    spans: dict[str, list[Span]] = {}
    parted: dict[str, int] = {}
    states: dict[str, State] = {}
    failing: tuple[r.Failing, ...] = ()
    affected: r.Affected | None = None
    reached: dict[int, r.Reached] = {}
    reported: r.Reported | None = None
    filed: dict[str, r.Filed] = {}
    credited: dict[str, r.Credited] = {}
    opinions: list[Opinion] = []
    estimates: dict[int, r.Estimated] = {}
    promises: dict[int, Promise] = {}
    notices: dict[int, r.Noticed] = {}
    actions: dict[int, Action] = {}
    links: dict[int, str] = {}
    singled: list[r.Singled] = []
    changed_at: float = 0.0
    spans_changed_at: float = 0.0
    found_at: float = 0.0
    timeline: list[r.AnyEntry] = []
    thinned: int = 0

    @property
    def functions(self) -> tuple[str, ...]:
        return tuple(each for each in FUNCTIONS if each in self.spans)

    @property
    def active(self) -> tuple[str, ...]:
        """Those it is open for: all, unless it was opened again for some."""
        return tuple(each for each in self.functions if not self.spans[each][-1].until)

    @property
    def since(self) -> float:
        """The first failure of all; when it was opened, where the ledger doesn't tell."""
        return min((span.since for spans in self.spans.values() for span in spans), default=self.opened_at)

    @property
    def ended_at(self) -> float:
        """When the last of its functions came back; 0 while it is open."""
        ends = [span.until for spans in self.spans.values() for span in spans]
        return max(ends, default=self.closed_at) if self.closed_at else 0.0

    @property
    def lead_s(self) -> float | None:
        """How long it was known before the first customer reported it; below 0: customers came first."""
        return None if self.reported is None else self.reported.first_at - self.opened_at

    @property
    def opinion(self) -> Opinion | None:
        """The diagnosis that stands, if any does."""
        return self.opinions[-1] if self.opinions and not self.opinions[-1].fate else None

    @property
    def fingerprint(self) -> str:
        """docs/formats/incidents.md: alike for the same fault in another cell."""
        return f"{'+'.join(self.functions)}/{'+'.join(sorted(self._kinds()))}"

    def _kinds(self) -> set[str]:
        """Of all that was named and not taken back."""
        found: set[str] = set()
        for opinion in self.opinions:
            if opinion.fate in ("corrected", "withdrawn"):
                continue
            if opinion.report.verdict == "outside":
                found.add("outside")
            found |= {opinion.report.kinds[each] for each in opinion.report.components}
        return found - {"outside"} if len(found) > 1 else found

    @property
    def recognisable(self) -> bool:
        """Whether its fingerprint says what was at fault."""
        return bool(self._kinds())

    def outcome(self, estimate: r.Estimated) -> str:
        """``early``, ``within``, ``late``; '' while that is open, or where it said nothing."""
        if not self.closed_at or not estimate.high:
            return ""
        ended = self.ended_at
        return "early" if ended < estimate.low else "within" if ended <= estimate.high else "late"

    def reach(self, notice: r.Noticed) -> r.Noticed | r.Reached:
        """Who has ``sent`` and ``failed`` of it: the newest that says how far it has come."""
        return self.reached.get(notice.notice, notice)

    def score(self) -> dict[str, dict[str, int]]:
        """How many promises of each sort were kept, missed, or are open."""
        found: dict[str, dict[str, int]] = {}
        for promise in self.promises.values():
            counts = found.setdefault(promise.what, {"kept": 0, "missed": 0, "open": 0})
            counts[promise.settled or "open"] += 1
        return found

    def has_singled(self, function: str, by: str, where: str) -> bool:
        return any((each.function, each.by, each.where) == (function, by, where) for each in self.singled)

    def apply(self, entry: r.AnyEntry) -> None:
        self.changed_at = max(self.changed_at, entry.at)
        self._keep(entry)
        match entry:
            case r.Opened() | r.Joined() | r.Reopened():
                self._fail(entry)
            case r.Parted():
                self.spans_changed_at = entry.at
                for function in entry.functions:
                    self.spans.pop(function, None)
                    self.parted[function] = entry.to
            case r.Found():
                self._find(entry)
            case r.Diagnosed():
                if (stands := self.opinion) is not None:
                    stands.fate, stands.until = entry.before or "followed", entry.at
                self.opinions.append(Opinion(entry.at, entry.report))
            case r.Affected():
                self.affected = entry
            case r.Reached():
                self.reached[entry.notice] = entry
            case r.Reported():
                self.reported = entry
            case r.Credited():
                self.credited[entry.policy] = entry
            case r.Closed():
                self._close(entry)
            case r.Linked():
                self.links.setdefault(entry.earlier, entry.why)
            case _:
                self._said(entry)

    def _fail(self, entry: r.Opened | r.Joined | r.Reopened) -> None:
        if isinstance(entry, r.Opened):
            self.opened_at = entry.at
        if isinstance(entry, r.Reopened) and (ended := self.opinion) is not None:
            ended.fate, ended.until = "mended", self.closed_at or entry.at
        self.closed_at, self.spans_changed_at = 0.0, entry.at
        for function, since in entry.since.items():
            spans = self.spans.setdefault(function, [])
            if not spans or spans[-1].until:
                spans.append(Span(since))

    def _find(self, entry: r.Found) -> None:
        self.states, self.failing, self.found_at = entry.states, entry.failing, entry.at
        if not self.spans:  # what opened it can't be read
            self.spans = {each: [Span(entry.at)] for each in entry.states}

    def _close(self, entry: r.Closed) -> None:
        self.closed_at = entry.at
        for function, spans in self.spans.items():
            if not spans[-1].until:
                spans[-1].until = max(entry.until.get(function, entry.at), spans[-1].since)

    def _said(self, entry: r.AnyEntry) -> None:
        """What has a number or a name within the incident: the first of it counts."""
        match entry:
            case r.Estimated():
                self.estimates.setdefault(entry.estimate, entry)
            case r.Noticed():
                self.notices.setdefault(entry.notice, entry)
            case r.Promised():
                made = Promise(entry.promise, entry.what, entry.at, entry.due, entry.about, entry.text)
                self.promises.setdefault(entry.promise, made)
            case r.Singled():
                if not self.has_singled(entry.function, entry.by, entry.where):
                    self.singled.append(entry)
            case r.Filed():
                self.filed.setdefault(entry.report, entry)
            case r.Kept() | r.Missed():
                promise = self.promises.get(entry.promise)
                if promise is not None and not promise.settled:
                    promise.settled = "kept" if isinstance(entry, r.Kept) else "missed"
                    promise.settled_at = entry.at
            case r.Planned():
                action = Action(entry.action, entry.text, entry.due, entry.by)
                self.actions.setdefault(entry.action, action)
            case r.Done():
                known = self.actions.get(entry.action)
                if known is not None and not known.done_at:
                    known.done_at = entry.at
            case _:
                pass  # remedies and notes: the timeline has them

    def _keep(self, entry: r.AnyEntry) -> None:
        """What is superseded anyway goes first where a timeline becomes too long."""
        self.timeline.append(entry)
        if len(self.timeline) > INCIDENT_ENTRIES:
            for sort in (r.Found | r.Affected | r.Reached | r.Reported | r.Credited, r.Estimated):
                for place, each in enumerate(self.timeline):
                    if isinstance(each, sort):
                        del self.timeline[place]
                        self.thinned += 1
                        return


class Recurrence(NamedTuple):
    """The ``times``-th of its kind since ``since``. ``undone``: what was to be done about it after earlier
    ones and isn't, with their incident's number."""

    times: int
    since: float
    earlier: tuple[int, ...]
    undone: tuple[tuple[int, Action], ...]


class Incidents:
    """All of them, by number."""

    def __init__(self) -> None:
        self._known: dict[int, Incident] = {}

    def __iter__(self) -> Iterator[Incident]:
        """By number."""
        return iter([self._known[number] for number in sorted(self._known)])

    def __len__(self) -> int:
        return len(self._known)

    def get(self, number: int) -> Incident | None:
        return self._known.get(number)

    @classmethod
    def of(cls, incidents: Iterable[Incident]) -> Incidents:
        """These and no others."""
        found = cls()
        found._known = {each.number: each for each in incidents}
        return found

    @property
    def next_number(self) -> int:
        return max(self._known, default=0) + 1

    def open(self) -> list[Incident]:
        return [each for each in self if not each.closed_at]

    def apply(self, entries: Iterable[r.AnyEntry]) -> None:
        for entry in entries:
            incident = self._known.get(entry.incident)
            if incident is None:
                incident = self._known[entry.incident] = Incident(entry.incident, entry.at)
            incident.apply(entry)

    def alike(self, incident: Incident) -> list[Incident]:
        """Earlier ones of the same fingerprint, the oldest first; none while the cause is unknown."""
        if not incident.recognisable:
            return []
        return [
            each
            for each in self
            if each.number < incident.number
            and each.fingerprint == incident.fingerprint
            and incident.opened_at - each.opened_at <= RECURRENCE_S
        ]

    def recurrence(self, incident: Incident) -> Recurrence | None:
        """“The third time in ten weeks”; None for the first time."""
        numbers = [number for number, why in sorted(incident.links.items()) if why == "fingerprint"]
        earlier = [each for number in numbers if (each := self._known.get(number)) is not None]
        if not earlier:
            return None
        undone = tuple(
            (each.number, action)
            for each in earlier
            for action in each.actions.values()
            if not action.done_at
        )
        times = len(earlier) + 1
        return Recurrence(times, earlier[0].since, tuple(each.number for each in earlier), undone)


def told(incidents: Incidents, incident: Incident) -> dict[str, Any]:
    """One incident whole, as JSON has it."""
    recurrence = incidents.recurrence(incident)
    plain: dict[str, Any] = msgspec.to_builtins(incident)
    return {
        "number": incident.number,
        "state": "closed" if incident.closed_at else "open",
        "functions": list(incident.functions),
        "since": incident.since,
        "fingerprint": incident.fingerprint,
        **plain,
        "estimates": [
            {**msgspec.to_builtins(each), "outcome": incident.outcome(each)}
            for each in incident.estimates.values()
        ],
        "score": incident.score(),
        "recurrence": None
        if recurrence is None
        else {
            "times": recurrence.times,
            "since": recurrence.since,
            "earlier": list(recurrence.earlier),
            "undone": [
                {"incident": number, **msgspec.to_builtins(action)} for number, action in recurrence.undone
            ],
        },
    }
