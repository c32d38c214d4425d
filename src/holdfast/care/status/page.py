"""The status page whole: from what is known now to files, in every language. It asks nobody, keeps nothing.

STATUS-3 while an incident is open, nothing is published without the time of the next update.
STATUS-4 no word of it hides a time or a number (``care.wording``): whose text does isn't shown.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import jinja2
from markupsafe import Markup

from holdfast.care import wording
from holdfast.care.status import feeds, pictures
from holdfast.care.status.feeds import Maintenance
from holdfast.care.status.lines import Day, Line, Watched, lines
from holdfast.care.status.story import Teller
from holdfast.model.errors import Reason, Refused
from holdfast.model.findings import Finding
from holdfast.model.limits import STATUS_PAST_INCIDENTS
from holdfast.model.people import Brand
from holdfast.pages import colour
from holdfast.pages.texts import LANGUAGES, Texts
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incident, Incidents
from holdfast.watch.summary import moment as iso

_HERE = Path(__file__).parent
_SITE = Path(colour.__file__).parent / "static" / "site.css"
Files = dict[str, bytes]


class Known(NamedTuple):
    """``watched``: when it was known how each is. ``next_update``: until when this page will have been
    written anew, where an incident itself promises no time that is to come."""

    now: float
    findings: Sequence[Finding]
    incidents: Incidents
    watched: Watched
    next_update: float
    maintenances: Sequence[Maintenance] = ()


class Look(NamedTuple):
    """``url``: of the folder, with a slash at its end, '' where it isn't known. ``report``: where customers
    say that something doesn't work, '' for nowhere. ``of``: as whose customers, a tenant's number."""

    brand: Brand
    name: str
    url: str = ""
    language: str = "en"
    report: str = ""
    of: int = 0


@functools.cache
def environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class Page:
    """One look at all that is known. Raises ``Refused`` where STATUS-3 or STATUS-4 would be broken."""

    def __init__(self, known: Known, look: Look, texts: Texts) -> None:
        self.known = known
        self.look = look
        self.texts = texts
        self.lines = lines(known.findings, known.incidents, known.watched, known.now, texts.zone)
        self.due = {each.number: self._due(each) for each in known.incidents.open()}
        self._templates = environment()
        for each in known.maintenances:
            wording.check(each.titles)

    def files(self, shown: Callable[[Incident], bool] = lambda incident: True) -> Files:
        """By name, all in one folder. ``shown``: which incidents' own pages are made."""
        found: Files = {
            "status.css": self._sheet(),
            "status.js": (_HERE / "static" / "status.js").read_bytes(),
        }
        for language in LANGUAGES:
            found |= self._in(language, shown)
        found["index.html"] = found[f"index.{self.look.language}.html"]
        found["feed.atom"] = found[f"feed.{self.look.language}.atom"]
        open_ones = [(each, self.due[each.number]) for each in self.known.incidents.open()]
        name, url, english = self.look.name, self.look.url, self.teller("en")
        found["summary.json"] = feeds.summary_json(
            self.lines, open_ones, self.known.maintenances, self.known.now, name=name, url=url, teller=english
        )
        found["maintenance.ics"] = feeds.calendar(
            self.known.maintenances, name=name, teller=self.teller(self.look.language)
        )
        return found

    @property
    def incidents(self) -> tuple[list[Incident], list[Incident]]:
        """The open ones, and those of the past that have their pages still; the newest first."""
        every = sorted(self.known.incidents, key=lambda each: -each.opened_at)
        past = [each for each in every if each.closed_at]
        return [each for each in every if not each.closed_at], past[:STATUS_PAST_INCIDENTS]

    def teller(self, language: str) -> Teller:
        return Teller(self.texts, language, self.known.incidents)

    def show(self, template: str, language: str, path: str, **values: object) -> bytes:
        """``path``: the page's own name, ``{language}`` in it where there is one for each."""
        teller = self.teller(language)
        shown = self._templates.get_template(template).render(
            language=language,
            languages=LANGUAGES,
            path=path,
            t=lambda key, **given: self.texts.markup(language, key, **given),
            teller=teller,
            moment=teller.moment,
            duration=lambda seconds: self.texts.duration(language, seconds),
            number=lambda value: self.texts.number(language, value),
            date=lambda at: self.texts.date(language, at),
            iso=iso,
            look=self.look,
            now=self.known.now,
            **values,
        )
        return shown.encode()

    def _in(self, language: str, shown: Callable[[Incident], bool]) -> Files:
        teller = self.teller(language)
        open_ones, past = self.incidents
        shared = {"due": self.due, "picture": self.picture(language), "promised": _promised}
        found = {
            f"index.{language}.html": self.show(
                "index.html",
                language,
                "index.{language}.html",
                lines=self.lines,
                headline=headline(self.lines),
                bars=lambda line: self._bars(line, teller),
                stretches=stretches,
                open=open_ones,
                past=past,
                maintenances=[each for each in self.known.maintenances if each.ends > self.known.now],
                **shared,
            )
        }
        for each in filter(shown, (*open_ones, *past)):
            name = incident_page(each, "{language}")
            found[incident_page(each, language)] = self.show(
                "incident.html", language, name, incident=each, **shared
            )
        changed_at = max((each.changed_at for each in self.known.incidents), default=0.0)
        found[f"feed.{language}.atom"] = feeds.atom(
            [*open_ones, *past], changed_at, name=self.look.name, url=self.look.url, teller=teller
        )
        return found

    def _due(self, incident: Incident) -> float:
        """When there is news of it at the latest: as it promised, or as this page does."""
        promised = [
            each.due for each in incident.promises.values() if each.what == "next_update" and not each.settled
        ]
        ahead = [at for at in (*promised, self.known.next_update) if at > self.known.now]
        if not ahead:
            raise Refused(
                Reason.NOT_ALLOWED,
                f"incident {incident.number} is open and nobody says when the next update comes",
            )
        return min(ahead)

    def _bars(self, line: Line, teller: Teller) -> Markup:
        counts = {state: sum(day.state == state for day in line.days) for state in ("works", "unknown")}
        title = teller.say(
            "status.bars",
            function=teller.say(f"status.function.{line.function}"),
            days=len(line.days),
            works=counts["works"],
            unknown=counts["unknown"],
            out=len(line.days) - sum(counts.values()),
        )
        return pictures.bars(line.days, title)

    def picture(self, language: str) -> Callable[[Incident, r.Estimated], Markup]:
        """Of an estimate."""
        teller = self.teller(language)

        def picture(incident: Incident, said: r.Estimated) -> Markup:
            now = incident.closed_at or self.known.now
            title = teller.estimate(said)
            return pictures.interval(incident.since, now, said.low, said.likely, said.high, title)

        return picture

    def _sheet(self) -> bytes:
        own = (_HERE / "static" / "status.css").read_text(encoding="utf-8")
        return (_SITE.read_text(encoding="utf-8") + own + colour.sheet(self.look.brand.colour)).encode()


def incident_page(incident: Incident, language: str) -> str:
    """The name of its own page."""
    return f"incident-{incident.number}.{language}.html"


def headline(known: Sequence[Line]) -> tuple[str, str]:
    """The key of the first sentence and its class: good only where every function works (STATUS-1)."""
    states = {each.state for each in known}
    if "fails" in states:
        return ("status.all.fails" if states == {"fails"} else "status.some.fails"), "bad"
    if "degraded" in states:
        return "status.some.degraded", "warn"
    if "unknown" in states:
        return ("status.all.unknown" if states == {"unknown"} else "status.some.unknown"), "unknown"
    return "status.all.works", "good"


def stretches(days: Sequence[Day]) -> list[tuple[Day, Day, float]]:
    """First and last of days alike, and for how long it failed then: the table beside the bars."""
    found: list[tuple[Day, Day, float]] = []
    for day in days:
        if found and found[-1][1].state == day.state and day.state in ("works", "unknown"):
            found[-1] = (found[-1][0], day, 0.0)
        else:
            found.append((day, day, day.out_s))
    return found[::-1]


def _promised(incident: Incident) -> tuple[int, int]:
    """How many promises were kept, and how many missed."""
    settled = [each.settled for each in incident.promises.values()]
    return settled.count("kept"), settled.count("missed")
