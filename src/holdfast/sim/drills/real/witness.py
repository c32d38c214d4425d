"""What the watchers of a real service made of a drill, read as anybody may read it: the record of incidents,
how it is now, the lists of whom it hits, and what arrived at customers' telephones and other addresses."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Collection

import msgspec

from holdfast.model.findings import Finding
from holdfast.model.functions import FUNCTIONS
from holdfast.run import layout
from holdfast.sim.drills.real.installation import FROM_AFAR, Installation
from holdfast.sim.drills.real.vantages import NAMES
from holdfast.sim.drills.score import Told
from holdfast.watch.incidents.incidents import Incident, Incidents, Opinion
from holdfast.watch.incidents.ledger import IncidentReader
from holdfast.watch.now import Now, read_now

LOOK_S = 1.0
_FINDINGS = 2000  # that didn't go well, of one drill


class Witness:
    """``look`` again and again; ``findings``: those since ``since`` that didn't go well, each once;
    ``reports``: what was told of causes, also of what hurts no function.

    ``published_at``: when the page first told of an incident; 0 while it doesn't.
    """

    def __init__(self, place: Installation, since: float) -> None:
        self.since = since
        self.findings: list[Finding] = []
        self.reports: list[Opinion] = []
        self.now: Now | None = None
        self.published_at = 0.0
        self._place = place
        self._folder = layout.watch_folder(place.config)
        self._reader = IncidentReader(place.world, self._folder)
        self._known: set[tuple[str, str, float]] = set()

    @property
    def incidents(self) -> Incidents:
        return self._reader.incidents

    def look(self) -> None:
        """Blocks. Raises ``Unavailable`` when the record can't be read."""
        self._reader.catch_up()
        self.now = read_now(self._place.world, layout.now_path(self._place.config))
        report = self.now.report if self.now is not None else None
        if self.now is not None and report is not None:
            last = self.reports[-1].report if self.reports else None
            if last is None or (last.verdict, last.components) != (report.verdict, report.components):
                self.reports.append(Opinion(self.now.at, report))
        for each in self.now.findings if self.now is not None else ():
            if each.state not in ("works", "unknown") and each.at >= self.since:
                key = (each.trial, each.vantage, each.at)
                if key not in self._known and len(self.findings) < _FINDINGS:
                    self._known.add(key)
                    self.findings.append(each)

        if not self.published_at and self._page_tells():
            self.published_at = self._place.world.clock.now()

    def _page_tells(self) -> bool:
        """Of an open incident, for programs; the pages for people are written with it."""
        config = self._place.config
        folder = config.status.folder or os.path.join(layout.care_folder(config), "status")
        try:
            feed = msgspec.json.decode(self._place.world.disk.read(os.path.join(folder, "summary.json")))
        except (OSError, msgspec.MsgspecError):
            return False
        return bool(feed.get("incidents"))

    def calm(self) -> str:
        """'' when all seven functions are known to work and no incident is open; else what is missing."""
        if self.now is None:
            return "how it is now isn't known"
        if found := self.incidents.open():
            return f"incident {found[0].number} is open"
        if self.now.report is not None:
            return "a cause is still told"
        for function in FUNCTIONS:
            mine = [each for each in self.now.findings if each.function == function]
            if not any(each.trial.startswith("canary/") for each in mine):
                return f"no canary of {function} has run"
            if bad := [each for each in mine if each.state in ("fails", "degraded")]:
                return f"{bad[0].trial} {bad[0].state}: {bad[0].step} {bad[0].said}"
        for name in NAMES:
            seen = [each for each in self.now.findings if each.vantage == name and each.state == "works"]
            if len(seen) < 1 + len(FROM_AFAR):
                return f"vantage point {name} doesn't see all well yet"
        return ""

    def mine(self) -> list[Incident]:
        """Incidents of this drill."""
        return [each for each in self.incidents if each.changed_at >= self.since]

    def told(self, more: Collection[str] = ()) -> dict[str, Told] | None:
        """Whom they are said to hit, of all incidents of this drill; None while nobody has said.
        ``more``: who is a customer since it began."""
        found: dict[str, Told] = {}
        known = {each.login for each in self._place.people} | set(more)
        for incident in self.mine():
            last = incident.affected
            if last is None or not last.file:
                continue
            with open(os.path.join(self._folder, last.file), encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(io.StringIO(file.read())))
            for function in last.counts:
                logins = {row["login"] for row in rows if function in row["functions"].split()}
                before = found.get(function)
                accounts = frozenset(logins & known) | (before.accounts if before else frozenset())
                bounded = function in last.bounded or (before is not None and before.bound == "bounded")
                found[function] = Told(accounts, "bounded" if bounded else "exact")
        return found or None

    def noticed_at(self) -> float:
        """When the first customer was told on his telephone or at another address; 0 for nobody."""
        sent = [each.at for each in self._place.partners.sent if each.at >= self.since]
        return min(sent, default=0.0)
