"""All that the ledger says of an incident, in words: what the status page tells, and what stays inside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from holdfast.care.status import story
from holdfast.pages.texts import Texts
from holdfast.watch.diagnosis import wording
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incident, Incidents

FOLDER = Path(__file__).parent


def texts(time_zone: str = "UTC") -> Texts:
    folders = [story.PAGES, wording.FOLDER, story.FOLDER, FOLDER / "texts"]
    return Texts(folders, time_zone=time_zone)


class Teller(story.Teller):
    """``status.story.Teller`` for people who work here: every entry has its line."""

    def __init__(self, texts: Texts, language: str, incidents: Incidents) -> None:
        super().__init__(texts, language, incidents)
        self.wording = wording.Wording(texts, language)

    def component(self, component: str, incident: Incident | None = None) -> str:
        kinds: dict[str, str] = {}
        for opinion in incident.opinions if incident is not None else ():
            kinds |= opinion.report.kinds
        kinds.setdefault(component, component.partition("/")[0])
        return self.wording.component(component, kinds)

    def action(self, action: str, component: str, incident: Incident | None = None) -> str:
        """What is done, as a button says it."""
        kind = component.partition("/")[0]
        keys = (f"console.action.{action}.{kind}", f"console.action.{action}", "console.action.other")
        key = next(each for each in keys if self.texts.has(each))
        return self.say(key, name=self.component(component, incident), action=action)

    def singled(self, entry: r.Singled) -> str:
        """RATIO-3"""
        return self.say(
            "console.singled",
            function=self.say(f"status.function.{entry.function}"),
            place=self.say(f"console.use.{entry.by}", where=entry.where),
            missed=self.texts.number(self.language, entry.missed),
            of=self.texts.number(self.language, entry.of),
        )

    def _entry(self, incident: Incident, entry: r.AnyEntry) -> Iterator[str]:
        said = [] if isinstance(entry, r.Remedied) else list(super()._entry(incident, entry))
        yield from said or self._inside(incident, entry)

    def _inside(self, incident: Incident, entry: r.AnyEntry) -> Iterator[str]:
        match entry:
            case r.Found():
                states = self.texts.listing(
                    self.language,
                    [
                        f"{self.names((each,))}: {self.say(f'status.state.{state}')}"
                        for each, state in entry.states.items()
                    ],
                )
                yield self.say("console.entry.found", states=states, count=entry.count)
            case r.Promised():
                what = self.say(f"status.promise.{entry.what}")
                yield self.say("console.entry.promised", what=what, due=self.moment(entry.due))
            case r.Kept():
                promise = incident.promises.get(entry.promise)
                what = (
                    self.say(f"status.promise.{promise.what}") if promise is not None else str(entry.promise)
                )
                yield self.say("console.entry.kept", what=what)
            case r.Noticed():
                about = self.say(f"console.about.{entry.about}")
                yield self.say(
                    "console.entry.noticed",
                    number=entry.notice,
                    about=about,
                    sent=self._counts(entry.sent),
                )
            case r.Remedied():
                yield self._remedied(incident, entry)
            case _:
                yield from self._people(entry)

    def _remedied(self, incident: Incident, entry: r.Remedied) -> str:
        action = self.action(entry.action, entry.component, incident)
        said = f" ({entry.said})" if entry.said else ""
        return self.say(f"console.entry.remedied.{entry.outcome}", action=action, rule=entry.rule) + said

    def _people(self, entry: r.AnyEntry) -> Iterator[str]:
        """What people wrote, and what was counted for them."""
        match entry:
            case r.Note():
                yield self.say("console.entry.note", by=entry.by or "–", text=entry.text)
            case r.Planned():
                yield self.say(
                    "console.entry.planned", number=entry.action, text=entry.text, by=entry.by or "–"
                )
            case r.Done():
                yield self.say("console.entry.done", number=entry.action, by=entry.by or "–")
            case r.Linked():
                yield self.say(f"console.entry.linked.{entry.why}", number=entry.earlier)
            case r.Singled():
                yield self.singled(entry)
            case r.Reported():
                yield self.say("console.entry.reported", count=sum(entry.counts.values()))
            case r.Reached():
                yield self.say(
                    "console.entry.reached", number=entry.notice, customers=entry.customers, of=entry.of
                )
            case _:
                yield self.say("console.entry.other", what=r.name_of(entry))

    def _counts(self, counts: Mapping[str, int]) -> str:
        return ", ".join(
            f"{name} {self.texts.number(self.language, count)}" for name, count in counts.items()
        )
