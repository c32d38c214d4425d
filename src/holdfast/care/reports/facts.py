"""What reports say of an incident, each fact in one place: sentences and tables in one language.

What isn't known is said to be unknown, never left out and never guessed.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

from holdfast.care.credits.billing import money
from holdfast.care.reports.document import Table
from holdfast.care.status.story import FOLDER as STATUS
from holdfast.care.status.story import PAGES, Teller
from holdfast.model.functions import FUNCTIONS
from holdfast.pages.texts import Texts
from holdfast.watch.diagnosis import wording
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incident, Incidents, Opinion

FOLDER = Path(__file__).parent / "texts"
COUNTED = ("customers", "contracts", "mailboxes", "active")
NONE = "–"


def texts(time_zone: str = "UTC") -> Texts:
    """All that reports say."""
    return Texts([PAGES, wording.FOLDER, STATUS, FOLDER], time_zone=time_zone)


class Facts:
    """Of one incident, as it was known at ``now``. ``said``: made by ``texts``."""

    def __init__(
        self, incidents: Incidents, incident: Incident, said: Texts, language: str, now: float
    ) -> None:
        self.incidents = incidents
        self.incident = incident
        self.said = said
        self.language = language
        self.now = now
        self.teller = Teller(said, language, incidents)
        self.diagnoses = wording.Wording(said, language)

    # Words

    def say(self, key: str, **values: object) -> str:
        return self.said.say(self.language, key, **values)

    def moment(self, at: float) -> str:
        """To the second; a word where it isn't known or hasn't come."""
        return self.said.instant(self.language, at) if at else self.say("review.unknown")

    def took(self, seconds: float) -> str:
        """``1 h 05 min 09 s``: to the second, as long as it may be."""
        days, rest = divmod(max(round(seconds), 0), 86_400)
        parts = [(days, "d"), (rest // 3600, "h"), (rest // 60 % 60, "min"), (rest % 60, "s")]
        shown = [f"{count} {unit}" for count, unit in parts if count]
        return " ".join(shown) or "0 s"

    def number(self, value: float) -> str:
        return self.said.number(self.language, value)

    def function(self, name: str) -> str:
        return self.said.say(self.language, f"status.function.{name}")

    # When

    @property
    def ended_at(self) -> float:
        return self.incident.ended_at

    @property
    def until(self) -> float:
        """The end, or now while there is none."""
        return self.ended_at or self.now

    def after(self, at: float) -> str:
        """A moment, and how long after the beginning it was; a word where there was none."""
        if not at:
            return self.say("review.not_yet" if not self.incident.closed_at else "review.never")
        return self.say("review.after", at=self.moment(at), time=self.took(at - self.incident.since))

    @property
    def named_at(self) -> float:
        """When the cause was named that was not taken back; 0: it never was."""
        right = [
            each.at
            for each in self.incident.opinions
            if each.report.verdict == "named" and each.fate not in ("corrected", "withdrawn")
        ]
        return min(right, default=0.0)

    @property
    def told_at(self) -> float:
        return min((each.at for each in self.incident.notices.values()), default=0.0)

    # What

    @property
    def last_opinion(self) -> Opinion | None:
        """The diagnosis that wasn't taken back, the newest."""
        right = [each for each in self.incident.opinions if each.fate not in ("corrected", "withdrawn")]
        return right[-1] if right else None

    def cause(self) -> str:
        """One sentence. A cause is named only where one is."""
        opinion = self.last_opinion
        return (
            self.say("review.cause.none") if opinion is None else self.diagnoses.tell(opinion.report).headline
        )

    def most(self, what: str) -> r.Hit | None:
        """Of all functions the one with most of them."""
        affected = self.incident.affected
        hits = [
            hit for each in (affected.counts if affected else {}).values() for hit in each if hit.what == what
        ]
        return max(hits, key=lambda hit: hit.count, default=None)

    def hit(self, hit: r.Hit | None) -> str:
        if hit is None:
            return self.say("review.uncounted")
        return self.say("review.of", count=self.number(hit.count), all=self.number(hit.of))

    def lead(self) -> str:
        """Who was first: our trials, or customers."""
        reported, lead = self.incident.reported, self.incident.lead_s
        if reported is None or lead is None:
            return self.say("review.reports.none")
        return self.say(
            "review.reports.after" if lead >= 0 else "review.reports.before",
            count=sum(reported.counts.values()),
            at=self.moment(reported.first_at),
            time=self.took(abs(lead)),
        )

    def credits(self) -> list[str]:
        found = []
        for each in self.incident.credited.values():
            total = [
                money(self.language, amount, currency) for currency, amount in sorted(each.total.items())
            ]
            found.append(
                self.say(
                    "review.credit.final" if each.final else "review.credit.so_far",
                    policy=each.policy,
                    total=self.said.listing(self.language, total) if total else NONE,
                    contracts=self.number(each.contracts),
                )
            )
            if each.unknown:
                found.append(self.say("review.credit.unknown", contracts=self.number(each.unknown)))
        return found

    def remedies(self) -> Iterator[r.Remedied]:
        return (each for each in self.incident.timeline if isinstance(each, r.Remedied))

    # Tables

    def outages(self) -> Table:
        """Functions × time."""
        rows = []
        for name in self.incident.functions:
            for span in self.incident.spans[name]:
                ended = span.until or self.until
                until = self.moment(span.until) if span.until else self.say("review.lasts")
                rows.append(
                    (self.function(name), self.moment(span.since), until, self.took(ended - span.since))
                )
        return Table(self._head("function", "from", "until", "time"), tuple(rows))

    def affected(self) -> Table:
        affected = self.incident.affected
        rows = []
        for name in FUNCTIONS:
            if affected is not None and name in affected.counts:
                hits = {hit.what: hit for hit in affected.counts[name]}
                counts = [self.hit(hits.get(what)) for what in COUNTED]
                bound = self.say("review.at_most" if name in affected.bounded else "review.exact")
                rows.append((self.function(name), *counts, bound))
        names = tuple(self.said.say(self.language, f"status.count.{what}") for what in COUNTED)
        return Table((self.say("review.head.function"), *names, self.say("review.head.count")), tuple(rows))

    def notices(self) -> Table:
        rows = []
        for each in self.incident.notices.values():
            reach = self.incident.reach(each)
            counts = [sum(found.values()) for found in (reach.sent, reach.failed)]
            rows.append(
                (
                    self.moment(each.at),
                    self.say(f"review.notice.{each.about}"),
                    *(self.number(count) for count in counts),
                    each.texts.get(self.language, "") or NONE,
                )
            )
        return Table(self._head("at", "about", "sent", "failed", "text"), tuple(rows))

    def estimates(self) -> Table:
        rows = []
        for each in self.incident.estimates.values():
            became = self.incident.outcome(each)
            rows.append(
                (
                    self.moment(each.at),
                    self.teller.estimate(each),
                    self.say(f"review.estimate.{became}")
                    if became
                    else (self.say("review.open") if each.high else NONE),
                )
            )
        return Table(self._head("said", "estimate", "became"), tuple(rows))

    def promises(self) -> Table:
        rows = [
            (
                self.said.say(self.language, f"status.promise.{each.what}"),
                self.moment(each.made_at),
                self.moment(each.due),
                self.said.say(self.language, f"status.became.{each.settled or 'open'}"),
            )
            for each in self.incident.promises.values()
        ]
        return Table(self._head("promise", "made", "due", "became"), tuple(rows))

    def remedied(self) -> Table:
        rows = [
            (
                self.moment(each.at),
                f"{each.action} {each.component}".strip(),
                each.rule,
                self.say(f"review.remedy.{each.outcome}"),
                each.said or NONE,
            )
            for each in self.remedies()
        ]
        return Table(self._head("at", "remedy", "rule", "became", "said"), tuple(rows))

    def opinions(self) -> Table:
        """What was said of the cause, and what became of it."""
        rows = [
            (
                self.moment(each.at),
                self.diagnoses.tell(each.report).headline,
                self.say(f"review.fate.{each.fate or 'stands'}"),
            )
            for each in self.incident.opinions
        ]
        return Table(self._head("said", "diagnosis", "became"), tuple(rows))

    def _head(self, *names: str) -> tuple[str, ...]:
        return tuple(self.say(f"review.head.{each}") for each in names)

    def date(self, at: float) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(at, self.said.zone)
