"""The report after an incident, drafted from the record alone, for people to review and complete.

REVIEW-1 what was wrong stands in it with what became of it: diagnoses, estimates, promises.
REVIEW-2 whatever became of an incident, its report can be written, in each language.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator

from holdfast.care.reports import document as d
from holdfast.care.reports.facts import Facts
from holdfast.care.reports.timeline import Bar, Mark, Row, Tick, Timeline
from holdfast.pages.texts import Texts
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incident, Incidents

_STEPS_S = (60, 300, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 172_800, 604_800)
_TICKS = 7  # at most
_ACTIONS = 4  # empty lines for them
_DAY_S = 86_400


def review(incidents: Incidents, incident: Incident, said: Texts, language: str, now: float) -> d.Document:
    """``said``: made by ``facts.texts``."""
    facts = Facts(incidents, incident, said, language, now)
    blocks = [
        *_summary(facts),
        *_functions(facts),
        *_cause(facts),
        *_people(facts),
        *_promised(facts),
        *_done(facts),
        *_earlier(facts),
        *_next(facts),
        *_timeline(facts),
    ]
    title = facts.say("review.title", number=incident.number, functions=facts.teller.names(incident.spans))
    return d.Document(title, language, facts.say("review.draft", at=facts.moment(now)), now, tuple(blocks))


def _section(facts: Facts, key: str, *blocks: d.Block) -> Iterator[d.Block]:
    """With a word where there is nothing to say: a table without rows is none."""
    yield d.Heading(facts.say(f"review.section.{key}"))
    shown = [each for each in blocks if not (isinstance(each, d.Table) and not each.rows)]
    yield from shown or [d.Paragraph(facts.say(f"review.nothing.{key}"))]


def _summary(facts: Facts) -> Iterator[d.Block]:
    incident = facts.incident
    rows = [
        ("functions", facts.teller.names(incident.spans)),
        ("began", facts.moment(incident.since)),
        ("noticed", facts.after(incident.opened_at)),
        ("named", facts.after(facts.named_at)),
        ("told", facts.after(facts.told_at)),
        ("ended", facts.moment(facts.ended_at) if facts.ended_at else facts.say("review.lasts")),
        ("time", facts.took(facts.until - incident.since)),
        ("cause", facts.cause()),
        ("customers", facts.hit(facts.most("customers"))),
        ("mailboxes", facts.hit(facts.most("mailboxes"))),
    ]
    named = tuple((facts.say(f"review.fact.{key}"), value) for key, value in rows)
    yield from _section(facts, "summary", d.Facts(named), d.Blank(facts.say("review.blank.summary"), 3))


def _functions(facts: Facts) -> Iterator[d.Block]:
    yield from _section(facts, "functions", facts.outages(), d.Picture(picture(facts)))
    yield d.Paragraph(facts.say("review.legend"))


def _cause(facts: Facts) -> Iterator[d.Block]:
    yield d.Heading(facts.say("review.section.cause"))
    yield d.Paragraph(facts.cause())
    opinion = facts.last_opinion
    for section in facts.diagnoses.tell(opinion.report).sections if opinion is not None else ():
        yield d.Heading(section.title, 3)
        yield d.Bullets(section.lines)
    yield from _section(facts, "opinions", facts.opinions())


def _people(facts: Facts) -> Iterator[d.Block]:
    yield from _section(facts, "affected", facts.affected())
    yield from _section(facts, "reports", d.Paragraph(facts.lead()))
    yield from _section(facts, "notices", facts.notices())


def _promised(facts: Facts) -> Iterator[d.Block]:
    yield from _section(facts, "estimates", facts.estimates())
    yield from _section(facts, "promises", facts.promises())


def _done(facts: Facts) -> Iterator[d.Block]:
    yield from _section(facts, "remedies", facts.remedied())
    credits = facts.credits()
    yield from _section(facts, "credits", *([d.Bullets(tuple(credits))] if credits else []))


def _earlier(facts: Facts) -> Iterator[d.Block]:
    """Earlier ones like it, and what was to be done after them and isn't."""
    again = facts.incidents.recurrence(facts.incident)
    if again is None:
        yield from _section(facts, "earlier")
        return
    sentence = facts.teller.recurrence(facts.incident)
    numbers = facts.say("review.earlier", numbers=", ".join(map(str, again.earlier)))
    undone = tuple(
        facts.say(
            "review.undone", number=number, text=action.text, by=action.by or facts.say("review.nobody")
        )
        for number, action in again.undone
    )
    yield from _section(facts, "earlier", d.Paragraph(f"{sentence} {numbers}"))
    if undone:
        yield d.Paragraph(facts.say("review.undone.title"))
        yield d.Bullets(undone)


def _next(facts: Facts) -> Iterator[d.Block]:
    yield d.Heading(facts.say("review.section.next"))
    planned = tuple(
        facts.say(
            "review.action",
            text=each.text,
            by=each.by or facts.say("review.nobody"),
            state=facts.say("review.action.done" if each.done_at else "review.action.open"),
        )
        for each in facts.incident.actions.values()
    )
    if planned:
        yield d.Bullets(planned)
    yield d.Blank(facts.say("review.blank.actions"), _ACTIONS)
    for key in ("well", "badly", "luck"):
        yield d.Blank(facts.say(f"review.blank.{key}"), 2)


def _timeline(facts: Facts) -> Iterator[d.Block]:
    """As customers are told it, and what operators wrote beside it: who reviews decides what is published."""
    told = [(each.at, each.text) for each in facts.teller.timeline(facts.incident)]
    for entry in facts.incident.timeline:
        if isinstance(entry, r.Note):
            told.append(
                (
                    entry.at,
                    facts.say("review.note", text=entry.text, by=entry.by or facts.say("review.nobody")),
                )
            )
    rows = tuple((facts.moment(at), text) for at, text in sorted(told))
    head = (facts.say("review.head.at"), facts.say("review.head.what"))
    yield from _section(facts, "timeline", d.Table(head, rows))
    if facts.incident.thinned:
        yield d.Paragraph(facts.say("review.thinned", count=facts.incident.thinned))


def picture(facts: Facts) -> Timeline:
    """What failed when; what was said and done meanwhile; what was expected."""
    incident = facts.incident
    begins = min(incident.since, incident.reported.first_at if incident.reported else incident.since)
    long = max(facts.until - begins, 60.0)
    expected = max((each.high for each in incident.estimates.values()), default=0.0)
    ends = max(facts.until, min(expected, facts.until + long)) + long * 0.04
    rows = [
        Row(
            facts.function(name),
            tuple(Bar(span.since, span.until or facts.until, "fails") for span in incident.spans[name]),
        )
        for name in incident.functions
    ]
    causes = tuple(Mark(each.at, "cause") for each in incident.opinions)
    rows.append(Row(facts.say("review.row.cause"), marks=causes))
    rows.append(
        Row(facts.say("review.row.told"), marks=tuple(Mark(e.at, "told") for e in incident.notices.values()))
    )
    if incident.reported is not None:
        rows.append(Row(facts.say("review.row.report"), marks=(Mark(incident.reported.first_at, "report"),)))
    if remedies := tuple(Mark(each.at, "remedy") for each in facts.remedies()):
        rows.append(Row(facts.say("review.row.remedy"), marks=remedies))
    for each in incident.estimates.values():
        if each.high:
            label = facts.say("review.row.estimate", at=f"{facts.date(each.at):%H:%M}")
            rows.append(Row(label, (Bar(each.low, each.high, "estimate"),), (Mark(each.likely, "likely"),)))
    title = facts.say("review.picture", number=incident.number)
    return Timeline(title, begins, ends, tuple(rows), tuple(_ticks(facts, begins, ends)))


def _ticks(facts: Facts, begins: float, ends: float) -> Iterator[Tick]:
    """At round moments of the local day."""
    weeks = math.ceil((ends - begins) / _STEPS_S[-1] / _TICKS)
    step = next((each for each in _STEPS_S if (ends - begins) / each <= _TICKS), _STEPS_S[-1] * weeks)
    day = facts.date(begins).replace(hour=0, minute=0, second=0, microsecond=0)
    at = day
    while at.timestamp() <= ends:
        if at.timestamp() >= begins:
            yield Tick(at.timestamp(), f"{at:%H:%M}" if step < _DAY_S else f"{at:%d.%m.}")
        at = _later(at, step)


def _later(at: datetime.datetime, step: int) -> datetime.datetime:
    """By the clock on the wall where it is a day or more, else by seconds."""
    if step >= _DAY_S:
        return at + datetime.timedelta(seconds=step)
    return datetime.datetime.fromtimestamp(at.timestamp() + step, at.tzinfo)
