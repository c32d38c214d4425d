"""What the week leaves behind, as files: pages as they stood, messages, estimates, credits, the report, and
one page that sets it beside what was told in 2012."""

from __future__ import annotations

import datetime
import os.path
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import jinja2
import msgspec

from holdfast.care import customers
from holdfast.care.credits import billing
from holdfast.care.credits.calendar import Span as Days
from holdfast.care.credits.policies import Contract, Credit, Policy, Suffered
from holdfast.care.parts.credits import CreditsPart
from holdfast.care.reports.authorities import Thresholds
from holdfast.care.reports.drafting import Press, reviewed
from holdfast.care.reports.facts import texts as report_texts
from holdfast.care.reports.filing import Provider
from holdfast.care.status.customer import Customers, token
from holdfast.care.status.page import Known, Look, Page
from holdfast.care.status.story import Teller
from holdfast.care.status.story import texts as status_texts
from holdfast.care.turns import Seen
from holdfast.model.functions import FUNCTIONS
from holdfast.model.limits import INCIDENT_UPDATE_S
from holdfast.model.people import Brand
from holdfast.pages.texts import LANGUAGES, Texts
from holdfast.sim.drills.story import week
from holdfast.sim.drills.story.channels import Heard
from holdfast.sim.drills.story.people import HOUSEHOLD
from holdfast.watch.diagnosis.wording import Wording
from holdfast.watch.incidents.incidents import Incident, Incidents, Span
from holdfast.watch.incidents.record import Diagnosed, Noticed
from holdfast.world import World

NAME = "Beispielnetz"
_HERE = Path(__file__).parent
_KEY = b"the story's own"
_WATCHED = week.moment(1, 1)  # since then somebody has looked all the time
FEES = (2990, 7990)  # of which the credits are shown day by day


def link(customer: int, tenant: int = 0) -> tuple[str, str]:
    named = token(_KEY, customer)
    return f"https://status.example.org/customer-{named}.html", named


class Moment(NamedTuple):
    """A status page that was kept. ``customer``: the household's page. ``states``: of each function."""

    at: float
    folder: str
    customer: str
    states: tuple[tuple[str, str], ...]


class Pages:
    """``written``: how many files."""

    def __init__(self, world: World, folder: str, snapshot: str) -> None:
        self._world = world
        self._folder = folder
        self._snapshot = snapshot
        self._moments: list[Moment] = []
        self._texts = status_texts(week.ZONE)
        self.written = 0

    def page(self, seen: Seen, credits: CreditsPart) -> None:
        """As it is now. Blocks; raises ``OSError``."""
        local = datetime.datetime.fromtimestamp(seen.at, self._texts.zone)
        folder = f"status/{local:%m-%dT%H%M}"
        if self._moments and self._moments[-1].folder == folder:
            return
        watched = {each: [Span(_WATCHED, seen.at)] for each in FUNCTIONS}
        next_update = seen.at + INCIDENT_UPDATE_S
        assert seen.now is not None
        known = Known(seen.at, seen.now.findings, seen.incidents, watched, next_update)
        page = Page(known, Look(Brand(colour="#1f4e79"), NAME, language="de"), self._texts)
        made = Customers(page, _KEY)
        with customers.reading(self._world, self._snapshot) as db:
            mailboxes = customers.accounts_of(db, HOUSEHOLD)
        owing = credits.of(f"K{HOUSEHOLD:07d}")
        self._write(folder, page.files() | made.files(HOUSEHOLD, mailboxes, "de", owing))
        states = tuple((line.function, line.state) for line in page.lines)
        self._moments.append(Moment(seen.at, folder, f"{made.name(HOUSEHOLD)}.html", states))

    def end(
        self,
        incidents: Incidents,
        incident: Incident,
        heard: Sequence[Heard],
        policy: Policy,
        now: float,
    ) -> None:
        """All the rest. Blocks; raises ``OSError``."""
        given = sorted((each for one in heard for each in one.kept), key=lambda each: each.at)
        for place, one in enumerate(given, 1):
            name = f"{place:02d}-{one.channel}-{one.message.language}.txt"
            text = one.message.short if one.channel == "sms" else f"{one.message.title}\n\n{one.message.text}"
            self._write("notices", {name: text.encode() + b"\n"})
        press = Press(report_texts(week.ZONE), Thresholds(), Provider())
        self._write("report", reviewed(press, incidents, incident, now))
        self._write(
            "", {"estimates.json": _estimates(incident), "credits.json": _credits(policy, incident, now)}
        )
        shown = _Shown(incidents, incident, self._moments, heard, policy, now)
        self._write("", {f"index.{each}.html": shown.page(each) for each in LANGUAGES})
        self._write("", {"index.html": shown.page("de")})

    def _write(self, folder: str, files: Mapping[str, bytes]) -> None:
        disk, path = self._world.disk, os.path.join(self._folder, folder)
        disk.make_folder(path)
        for name, data in files.items():
            disk.write_atomic(os.path.join(path, name), data, public=True, durable=False)
            self.written += 1


def _estimates(incident: Incident) -> bytes:
    """What was said, and how it turned out."""
    found = [
        {**msgspec.to_builtins(each), "outcome": incident.outcome(each)}
        for each in incident.estimates.values()
    ]
    return msgspec.json.format(msgspec.json.encode(found), indent=2)


def owed(policy: Policy, incident: Incident, fee: int, now: float) -> Credit:
    """To one contract with that fee, hit by all that failed."""
    spans = {
        each: [Days(one.since, one.until or now) for one in spans]
        for each, spans in incident.spans.items()
        if each != "signup"
    }
    return policy.credit(Suffered(Contract("", fee), spans, incident.opened_at), now)


def _credits(policy: Policy, incident: Incident, now: float) -> bytes:
    found = {
        str(fee): {item.first.isoformat(): item.amount for item in owed(policy, incident, fee, now).items}
        for fee in FEES
    }
    return msgspec.json.format(msgspec.json.encode(found), indent=2)


class _Shown:
    """The page that compares."""

    def __init__(
        self,
        incidents: Incidents,
        incident: Incident,
        moments: Sequence[Moment],
        heard: Sequence[Heard],
        policy: Policy,
        now: float,
    ) -> None:
        self._texts = Texts([_HERE / "texts"], time_zone=week.ZONE)
        self._status = status_texts(week.ZONE)
        self._incidents = incidents
        self._incident = incident
        self._moments = moments
        self._heard = heard
        self._policy = policy
        self._now = now
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def page(self, language: str) -> bytes:
        texts, incident = self._texts, self._incident
        teller = Teller(self._status, language, self._incidents)
        facts = self._facts(language)
        return (
            self._templates.get_template("index.html")
            .render(
                language=language,
                other=next(each for each in LANGUAGES if each != language),
                t=lambda key, **given: texts.markup(language, key, **given),
                name=lambda function: self._status.say(language, f"status.function.{function}"),
                moment=lambda at: texts.moment(language, at),
                rows=list(self._rows(language, facts)),
                customers=facts["customers"],
                fee=facts["fee"],
                functions=FUNCTIONS,
                moments=self._moments,
                estimates=[
                    (each, incident.outcome(each), teller.estimate(each))
                    for each in incident.estimates.values()
                ],
                credits=list(self._days(language)),
                score=incident.score(),
                heard=self._heard,
                now=self._now,
            )
            .encode()
        )

    def _rows(self, language: str, facts: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
        """What, how it was in 2012, and how it is here."""
        for then in week.THEN:
            here = self._texts.say(language, f"here.{then}", **facts)
            yield self._texts.say(language, f"what.{then}"), self._texts.say(language, f"then.{then}"), here

    def _facts(self, language: str) -> Mapping[str, str]:
        texts, incident = self._texts, self._incident
        named = next(
            (each for each in incident.timeline if isinstance(each, Diagnosed) and each.report.components),
            None,
        )
        noticed = [each for each in incident.timeline if isinstance(each, Noticed)]
        recurrence = self._incidents.recurrence(incident)
        affected = incident.affected
        counts = {hit.what: hit for hits in (affected.counts.values() if affected else ()) for hit in hits}
        score = incident.score().get("next_update", {"kept": 0, "missed": 0})

        def number(value: float) -> str:
            return texts.number(language, value)

        return {
            "detected": number(round(incident.opened_at - week.BEGAN, 1)),
            "named": number(round(named.at - week.BEGAN, 1)) if named else "–",
            "cause": self._cause(language),
            "noticed": number(round(noticed[0].at - week.BEGAN)) if noticed else "–",
            "customers": number(counts["customers"].count) if counts else "–",
            "mailboxes": number(counts["mailboxes"].count) if counts else "–",
            "estimates": number(len(incident.estimates)),
            "kept": number(score["kept"]),
            "missed": number(score["missed"]),
            "times": number(recurrence.times if recurrence else 1),
            "undone": number(len(recurrence.undone) if recurrence else 0),
            "messages": number(sum(each.count for each in self._heard)),
            "mail": self._back(language, ("receive", "send", "imap", "pop3")),
            "pages": self._back(language, ("webmail", "password", "signup")),
            "fee": billing.money(language, FEES[0], "EUR"),
            "owed": billing.money(language, owed(self._policy, incident, FEES[0], self._now).amount, "EUR"),
        }

    def _back(self, language: str, functions: Iterable[str]) -> str:
        """When the last of those worked again."""
        ends = [self._incident.spans[each][-1].until for each in functions if each in self._incident.spans]
        return self._texts.moment(language, max(ends)) if ends and all(ends) else "–"

    def _cause(self, language: str) -> str:
        """The fullest diagnosis of the first hour, in the order of time."""
        first = [each.report for each in self._incident.opinions if each.at < week.BEGAN + week.HOUR_S]
        report = max(first, key=lambda each: len(each.causes))
        words = Wording(self._status, language)
        return " → ".join(words.component(each.component, report.kinds) for each in report.causes)

    def _days(self, language: str) -> Iterator[tuple[str, str]]:
        """Each line of what is owed for the smaller fee."""
        credit = owed(self._policy, self._incident, FEES[0], self._now)
        for item in credit.items:
            money = billing.money(language, item.amount, "EUR")
            yield money, billing.arithmetic(self._status, language, credit, item)
