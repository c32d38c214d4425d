"""A report to an authority, prefilled from the record, for people to check, complete and hand in.

AUTHORITIES-3 what a program can't know (intent, risk, what crosses a border) is an empty line for people.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any, NamedTuple

from holdfast.care.reports import document as d
from holdfast.care.reports.authorities import Duty, Ground
from holdfast.care.reports.facts import COUNTED, Facts


class Provider(NamedTuple):
    """As an authority is to know it; '' where the configuration doesn't say."""

    name: str = ""
    contact: str = ""
    privacy: str = ""


class Field(NamedTuple):
    """``value`` '': for people to fill in."""

    name: str
    label: str
    value: str


def fields(duty: Duty, facts: Facts, provider: Provider) -> list[Field]:
    found = []
    for name in duty.form.fields:
        plain = name.removesuffix("?")
        label = facts.say(f"authority.field.{plain}")
        found.append(Field(plain, label, "" if name != plain else _FILLED[plain](duty, facts, provider)))
    return found


def filing(duty: Duty, facts: Facts, provider: Provider) -> d.Document:
    given = fields(duty, facts, provider)
    law, form = duty.law, duty.form
    head = (
        (facts.say("authority.due"), facts.moment(duty.due_at)),
        (facts.say("authority.law"), f"{law.source}; {form.clause}"),
        (facts.say("authority.valid"), f"{law.since.isoformat()} –"),
        (facts.say("authority.link"), law.link),
    )
    blocks: list[d.Block] = [
        d.Paragraph(facts.say("authority.never")),
        d.Facts(head),
        d.Heading(facts.say("authority.known")),
        d.Facts(tuple((each.label, each.value) for each in given if each.value)),
        d.Heading(facts.say("authority.people")),
        *(d.Blank(each.label) for each in given if not each.value),
    ]
    title = facts.say(f"authority.title.{duty.report}", number=duty.incident)
    return d.Document(
        title, facts.language, facts.say("review.draft", at=facts.moment(facts.now)), facts.now, tuple(blocks)
    )


def as_plain(duty: Duty, facts: Facts, provider: Provider) -> dict[str, Any]:
    """For JSON: times as ISO 8601 with their zone."""
    return {
        "report": duty.report,
        "incident": duty.incident,
        "state": duty.state,
        "due": facts.date(duty.due_at).isoformat(),
        "source": duty.law.source,
        "clause": duty.form.clause,
        "valid_since": duty.law.since.isoformat(),
        "valid_until": None if duty.law.until == datetime.date.max else duty.law.until.isoformat(),
        "link": duty.law.link,
        "grounds": [ground(facts, each) for each in duty.grounds],
        "fields": [each._asdict() for each in fields(duty, facts, provider)],
    }


def ground(facts: Facts, ground: Ground) -> str:
    function = facts.function(ground.function)
    return facts.say(f"authority.ground.{ground.why}", function=function, time=facts.took(ground.seconds))


def _affected(facts: Facts) -> str:
    counts = [
        f"{facts.said.say(facts.language, f'status.count.{what}')}: {facts.hit(facts.most(what))}"
        for what in COUNTED
        if facts.most(what) is not None
    ]
    return "; ".join(counts) or facts.say("review.uncounted")


def _evidence(facts: Facts) -> str:
    opinion = facts.last_opinion
    if opinion is None:
        return facts.say("review.cause.none")
    sections = facts.diagnoses.tell(opinion.report).sections
    return " ".join(f"{each.title}: {' '.join(each.lines)}" for each in sections)


def _wrong(facts: Facts) -> str:
    rows = [
        f"{facts.moment(each.at)}: {facts.diagnoses.tell(each.report).headline}"
        for each in facts.incident.opinions
        if each.fate in ("corrected", "withdrawn")
    ]
    return " ".join(rows) or facts.say("authority.none")


def _measures(facts: Facts) -> str:
    done = [
        f"{facts.moment(each.at)}: {each.action} {each.component}"
        for each in facts.remedies()
        if each.outcome == "done"
    ]
    return "; ".join(done) or facts.say("authority.none")


def _planned(facts: Facts) -> str:
    return "; ".join(each.text for each in facts.incident.actions.values()) or facts.say("authority.none")


def _earlier(facts: Facts) -> str:
    return facts.teller.recurrence(facts.incident) or facts.say("review.nothing.earlier")


def _told(facts: Facts) -> str:
    notices = facts.incident.notices.values()
    sent = sum(sum(facts.incident.reach(each).sent.values()) for each in notices)
    if not notices:
        return facts.say("review.nothing.notices")
    return facts.say(
        "authority.told", count=len(notices), first=facts.moment(facts.told_at), sent=facts.number(sent)
    )


def _estimate(facts: Facts) -> str:
    if facts.ended_at:
        return facts.say("authority.over", at=facts.moment(facts.ended_at))
    estimates = facts.incident.estimates
    return (
        facts.teller.estimate(estimates[max(estimates)])
        if estimates
        else facts.say("review.nothing.estimates")
    )


def _state(facts: Facts) -> str:
    if facts.ended_at:
        return facts.say("authority.over", at=facts.moment(facts.ended_at))
    return facts.say("review.lasts")


_FILLED: dict[str, Callable[[Duty, Facts, Provider], str]] = {
    "entity": lambda duty, facts, provider: provider.name,
    "contact": lambda duty, facts, provider: provider.contact,
    "privacy": lambda duty, facts, provider: provider.privacy,
    "incident": lambda duty, facts, provider: f"{facts.incident.number} ({facts.incident.fingerprint})",
    "aware": lambda duty, facts, provider: facts.moment(facts.incident.opened_at),
    "functions": lambda duty, facts, provider: facts.teller.names(facts.incident.spans),
    "began": lambda duty, facts, provider: facts.moment(facts.incident.since),
    "ended": lambda duty, facts, provider: _state(facts),
    "state": lambda duty, facts, provider: _state(facts),
    "time": lambda duty, facts, provider: facts.took(facts.until - facts.incident.since),
    "grounds": lambda duty, facts, provider: " ".join(ground(facts, each) for each in duty.grounds),
    "nature": lambda duty, facts, provider: " ".join(ground(facts, each) for each in duty.grounds),
    "affected": lambda duty, facts, provider: _affected(facts),
    "people": lambda duty, facts, provider: facts.hit(facts.most("customers")),
    "records": lambda duty, facts, provider: facts.hit(facts.most("mailboxes")),
    "cause": lambda duty, facts, provider: facts.cause(),
    "evidence": lambda duty, facts, provider: _evidence(facts),
    "wrong": lambda duty, facts, provider: _wrong(facts),
    "measures": lambda duty, facts, provider: _measures(facts),
    "planned": lambda duty, facts, provider: _planned(facts),
    "earlier": lambda duty, facts, provider: _earlier(facts),
    "told": lambda duty, facts, provider: _told(facts),
    "estimate": lambda duty, facts, provider: _estimate(facts),
}
