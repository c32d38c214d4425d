"""What is told of an incident: its timeline in words, what was promised, whom it hits. Notes of operators
stay inside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from holdfast.care.credits import billing
from holdfast.care.credits.owing import Owing
from holdfast.care.wording import vague
from holdfast.model.functions import FUNCTIONS
from holdfast.pages.texts import Texts
from holdfast.watch.diagnosis import wording
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incident, Incidents

FOLDER = Path(__file__).parent / "texts"
PAGES = Path(wording.__file__).parents[2] / "pages" / "texts"
NUMBERS_MOST = 12  # counts up to this are words


def texts(time_zone: str = "UTC") -> Texts:
    """All that status pages say."""
    return Texts([PAGES, wording.FOLDER, FOLDER, billing.FOLDER], time_zone=time_zone)


class Told(NamedTuple):
    at: float
    text: str


class Teller:
    """In one language."""

    def __init__(self, texts: Texts, language: str, incidents: Incidents) -> None:
        self.texts = texts
        self.language = language
        self._incidents = incidents
        self._diagnoses = wording.Wording(texts, language)

    def say(self, key: str, **values: object) -> str:
        return self.texts.say(self.language, key, **values)

    def moment(self, at: float) -> str:
        return self.texts.moment(self.language, at)

    def names(self, functions: object) -> str:
        """``Receiving mail and Webmail``, in their own order."""
        assert isinstance(functions, dict | tuple | list | set | frozenset)
        known = [self.say(f"status.function.{each}") for each in FUNCTIONS if each in functions]
        return self.texts.listing(self.language, known)

    def spelled(self, count: int) -> str:
        """A small number as a word."""
        words = self.say("status.numbers").split(",")
        return words[count] if count <= NUMBERS_MOST else self.texts.number(self.language, count)

    def title(self, incident: Incident) -> str:
        return self.say("status.incident.title", functions=self.names(incident.spans))

    def diagnosis(self, incident: Incident) -> str:
        opinion = incident.opinion
        return "" if opinion is None else self._diagnoses.tell(opinion.report).headline

    def recurrence(self, incident: Incident) -> str:
        again = self._incidents.recurrence(incident)
        if again is None:
            return ""
        return self.say("status.again", times=again.times, since=self.texts.date(self.language, again.since))

    def hits(self, affected: r.Affected) -> list[tuple[str, dict[str, r.Hit]]]:
        """By function, and what is counted."""
        return [
            (self.say(f"status.function.{each}"), {hit.what: hit for hit in affected.counts[each]})
            for each in FUNCTIONS
            if each in affected.counts
        ]

    def credits(self, incident: Incident) -> list[str]:
        """What is owed in all, by each rule."""
        return [
            self.say(
                f"status.credit.{'final' if each.final else 'so_far'}",
                policy=each.policy,
                total=self.texts.listing(
                    self.language,
                    [
                        billing.money(self.language, amount, currency)
                        for currency, amount in each.total.items()
                    ],
                ),
                contracts=self.texts.number(self.language, each.contracts),
            )
            for each in incident.credited.values()
            if each.contracts
        ]

    def owing(self, owing: Owing) -> tuple[str, str, list[str]]:
        """What one contract gets, on which ground, and the arithmetic."""
        credit = owing.credit
        amount = billing.money(self.language, credit.amount, credit.contract.currency)
        return (
            self.say(f"status.yours.credit.{'final' if owing.final else 'so_far'}", amount=amount),
            self.say("status.yours.credit.ground", source=credit.source),
            [billing.arithmetic(self.texts, self.language, credit, item) for item in credit.items],
        )

    def estimate(self, said: r.Estimated) -> str:
        if not said.high:
            return self.say(f"status.{said.reason or 'estimate.none'}", known=said.known, needed=said.needed)
        same_day = self.texts.date(self.language, said.low) == self.texts.date(self.language, said.high)
        high = self.texts.clock(self.language, said.high) if same_day else self.moment(said.high)
        return self.say("status.estimate.interval", low=self.moment(said.low), high=high)

    def timeline(self, incident: Incident) -> list[Told]:
        """The newest first; what says nothing new is left out."""
        found: list[Told] = []
        for entry in incident.timeline:
            for text in self._entry(incident, entry):
                if not any(text == each.text for each in found[-1:]):
                    found.append(Told(entry.at, text))
        return found[::-1]

    def _entry(self, incident: Incident, entry: r.AnyEntry) -> Iterator[str]:
        match entry:
            case r.Opened() | r.Joined() | r.Reopened():
                yield self.say(f"status.entry.{r.name_of(entry)}", functions=self.names(entry.since))
            case r.Parted():
                names = self.names(entry.functions)
                yield self.say("status.entry.parted", functions=names, number=entry.to)
            case r.Diagnosed():
                yield self._diagnoses.tell(entry.report, entry.before).headline
            case r.Affected():
                yield from self._counted(entry)
            case r.Estimated():
                yield self.estimate(entry)
            case r.Noticed():
                text = entry.texts.get(self.language, "")
                if text and not vague(self.language, text):  # STATUS-4
                    yield text
            case r.Missed():
                promise = incident.promises.get(entry.promise)
                if promise is not None:
                    yield self.say(f"status.entry.missed.{promise.what}", due=self.moment(promise.due))
            case r.Remedied() if entry.outcome in ("done", "failed"):
                shed = entry.outcome == "done" and entry.action == "shed"
                yield self.say(f"status.entry.remedied.{'shed' if shed else entry.outcome}")
            case r.Closed():
                yield self.say("status.entry.closed")
            case _:
                pass

    def _counted(self, entry: r.Affected) -> Iterator[str]:
        most = max(
            (
                (hit.count, hit.of)
                for hits in entry.counts.values()
                for hit in hits
                if hit.what == "mailboxes"
            ),
            default=None,
        )
        if most is not None:
            count, of = (self.texts.number(self.language, each) for each in most)
            key = "status.entry.affected.most" if entry.bounded else "status.entry.affected"
            yield self.say(key, mailboxes=count, of=of)
