"""What a notice says: what doesn't work, since when, what does instead, why, how many it hits, when it will
be over, when there is more, and what becomes of the reader's own mailboxes.

NOTICE-1 holds for each sentence: one that hides a time or a number is left out, and a notice in which that
remains is refused. What is the same for all is put into words once, and kept with the notice.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from babel.dates import format_datetime

from holdfast.care import wording
from holdfast.care.notices import gsm
from holdfast.care.notices.due import NoticeDue, estimate_of
from holdfast.care.notices.recipients import Mailbox
from holdfast.care.notices.together import Other, Reading
from holdfast.care.status import customer, story
from holdfast.care.status.lines import newest, state_of
from holdfast.model.functions import FUNCTIONS
from holdfast.model.limits import SMS_SEGMENTS
from holdfast.pages.texts import LANGUAGES, Texts
from holdfast.watch.diagnosis import wording as diagnosis
from holdfast.watch.incidents.incidents import Incident, Incidents
from holdfast.watch.incidents.record import Hit
from holdfast.watch.now import Now

FOLDER = Path(__file__).parent / "texts"
_SHORT_AT = {"en": "d MMM HH:mm", "de": "d.M. HH:mm"}


class Words(msgspec.Struct, frozen=True):
    """In one language. ``before``, ``after``: paragraphs around what is the reader's own.

    ``short``: of a text message, what it must say; ``extras``: what it may, the most useful first;
    ``closing``: until when there is more, '' at the end.
    """

    title: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    short: tuple[str, ...]
    extras: tuple[str, ...]
    closing: str = ""

    def beside(self, others: Sequence[tuple[Sequence[str], str]]) -> Words:
        """With what other incidents mean for the reader: sentences, and the text message's."""
        first, *rest = self.short
        return msgspec.structs.replace(
            self,
            before=(*self.before, *(each for sentences, _ in others for each in sentences)),
            short=(first, *(short for _, short in others), *rest),
        )

    @property
    def public(self) -> str:
        """For everybody, as the status page shows it."""
        return " ".join((*self.before, *self.after))


class Facts(NamedTuple):
    """``total``: whom it hits in all. ``works``: what goes meanwhile, as far as that is known. At the end,
    ``still``: what by other incidents doesn't work for some; ``again``: what works again. ``since``: when it
    began for its reader, 0 where that is when it began."""

    incident: Incident
    due: NoticeDue
    at: float
    total: Sequence[Hit]
    bounded: bool
    works: tuple[str, ...]
    still: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    since: float = 0.0

    @property
    def about(self) -> str:
        """``over``: it is, and nothing works again by that."""
        return "over" if self.due.about == "ended" and self.still and not self.again else self.due.about

    @property
    def functions(self) -> tuple[str, ...]:
        return self.again or self.due.said.functions


def texts(time_zone: str) -> Texts:
    """All that notices say."""
    return Texts([story.PAGES, diagnosis.FOLDER, story.FOLDER, FOLDER], time_zone=time_zone)


def works(now: Now | None, incidents: Incidents, at: float) -> tuple[str, ...]:
    """What was tried and is well, and in no open incident."""
    if now is None:
        return ()
    open_ones = {function for each in incidents.open() for function in each.active}
    found = []
    for function in FUNCTIONS:
        tried = newest(each for each in now.findings if each.function == function)
        if function not in open_ones and state_of(tried, at) == "works":
            found.append(function)
    return tuple(found)


class Composer:
    """``name``: whose service it is."""

    def __init__(self, texts: Texts, incidents: Incidents, name: str) -> None:
        self._texts = texts
        self._incidents = incidents
        self._name = name
        self._tellers = {each: story.Teller(texts, each, incidents) for each in LANGUAGES}

    def words(self, facts: Facts) -> dict[str, Words]:
        """By language. Raises ``Refused`` for what hides a time or a number."""
        found = {language: self._words(teller, facts) for language, teller in self._tellers.items()}
        wording.check({language: f"{each.title} {each.public}" for language, each in found.items()})
        wording.check({language: " ".join((*each.short, *each.extras)) for language, each in found.items()})
        return found

    def read(
        self, base: dict[str, Words], reading: Reading, others: Mapping[int, Other], at: float
    ) -> dict[str, Words]:
        """``base``, as it is read by whom others of these hit, too."""
        found = {
            language: base[language].beside(
                [self._beside(teller, others[each[0]], *each[1:], at) for each in reading.also]
            )
            for language, teller in self._tellers.items()
        }
        wording.check({language: each.public for language, each in found.items()})
        return found

    def _beside(
        self,
        teller: story.Teller,
        other: Other,
        functions: tuple[str, ...],
        unsure: tuple[str, ...],
        now: float,
    ) -> tuple[list[str], str]:
        incident = self._incidents.get(other.incident)
        assert incident is not None
        state = "ended" if other.state == "over" else "fails"
        at = incident.ended_at if other.state == "over" else incident.since
        names = ", ".join(teller.say(f"notice.sms.function.{each}") for each in functions or unsure)
        kind = state if functions else "unsure"
        short = teller.say(
            f"notice.sms.beside.{kind}", at=self._short_at(teller.language, at), functions=names
        )
        found = []
        in_part = [each for each in functions if state == "fails" and incident.states.get(each) == "degraded"]
        whole = [each for each in functions if each not in in_part]
        for key, those in ((state, whole), ("part", in_part), ("unsure", unsure)):
            if those:
                at_, those_ = teller.moment(at), teller.names(those)
                found.append(teller.say(f"notice.beside.{key}", at=at_, functions=those_))
        if state == "fails":
            if other.said.causes:
                found.append(teller.diagnosis(incident))
            found.append(self._expected(teller, incident, now))
        return [each for each in found if not wording.vague(teller.language, each)], short

    def _words(self, teller: story.Teller, facts: Facts) -> Words:
        title = teller.say(f"notice.title.{facts.about}", functions=teller.names(facts.functions))
        parts = self._ended if facts.due.about == "ended" else self._goes_on
        before, after = parts(teller, facts)
        short, extras = self._short(teller, facts)
        closing = ""
        if facts.due.about != "ended":
            next_at = self._short_at(teller.language, facts.due.next_at)
            closing = teller.say("notice.sms.next", at=next_at)
        clear = functools.partial(_clear, teller.language)
        return Words(title, clear(before), clear(after), clear(short), clear(extras), closing)

    def _goes_on(self, teller: story.Teller, facts: Facts) -> tuple[list[str], list[str]]:
        incident, due = facts.incident, facts.due
        before = self._wrong(teller, facts)
        if "again" in due.news:
            before.append(teller.say("notice.again"))
        elif due.quiet or due.news == ("still",):
            before.append(teller.say("notice.no_news"))
        in_part = [each for each in due.said.functions if incident.states.get(each) == "degraded"]
        whole = [each for each in due.said.functions if each not in in_part]
        if whole:
            before.append(teller.say("notice.fails", functions=teller.names(whole)))
        if in_part:
            before.append(teller.say("notice.part", functions=teller.names(in_part)))
        before.append(teller.say("notice.since", at=teller.moment(incident.since)))
        if facts.works:
            before.append(teller.say("notice.works", functions=teller.names(facts.works)))
        before += self._safe(teller, facts)
        after = []
        if due.said.causes:
            after.append(teller.diagnosis(incident))
        after += [
            *self._count(teller, facts),
            self._expected(teller, facts.incident, facts.at),
            *self._credit(teller, facts),
        ]
        if (again := teller.recurrence(incident)) and due.about == "opened":
            after.append(again)
        after.append(teller.say("notice.next", at=teller.moment(due.next_at)))
        return before, after

    def _ended(self, teller: story.Teller, facts: Facts) -> tuple[list[str], list[str]]:
        incident = facts.incident
        began_at = min(facts.since or incident.since, incident.since)
        lasted = self._texts.duration(teller.language, max(incident.ended_at - began_at, 1.0))
        over = [
            teller.say(
                f"notice.{facts.about}",
                at=teller.moment(incident.ended_at),
                functions=teller.names(facts.functions),
                duration=lasted,
            )
        ]
        if facts.still:
            over.append(teller.say("notice.still", functions=teller.names(facts.still)))
        return [*over, *self._safe(teller, facts)], [
            *self._count(teller, facts),
            *self._credit(teller, facts),
        ]

    def _wrong(self, teller: story.Teller, facts: Facts, *, short: bool = False) -> list[str]:
        found = []
        if "cause" in facts.due.wrong:
            found.append(teller.say("notice.sms.wrong.cause" if short else "notice.wrong.cause"))
        if "estimate" in facts.due.wrong:
            told = [each.high for each in facts.incident.estimates.values() if each.high]
            high = ([each for each in told if each <= facts.at] or told)[-1]
            if short:
                at = self._short_at(teller.language, high)
                found.append(teller.say("notice.sms.wrong.estimate", high=at))
            else:
                found.append(teller.say("notice.wrong.estimate", high=teller.moment(high)))
        return found

    def _safe(self, teller: story.Teller, facts: Facts) -> list[str]:
        """What was accepted is on disk, and what isn't now is refused for now only; where a disk is what is
        at fault, nothing is said of what lies on it."""
        if any(each.startswith(("disk/", "ledger/")) for each in facts.due.said.causes):
            return []
        hit = "receive" in facts.due.said.functions
        return [teller.say("notice.safe_elsewhere" if hit else "notice.safe")]

    def _count(self, teller: story.Teller, facts: Facts) -> list[str]:
        counts = {each.what: each for each in facts.total}
        if not counts:
            return []
        values = {}
        for what in ("customers", "mailboxes"):
            values[what] = self._texts.number(teller.language, counts[what].count)
            values[f"{what}_of"] = self._texts.number(teller.language, counts[what].of)
        return [teller.say("notice.customers_most" if facts.bounded else "notice.customers", **values)]

    @staticmethod
    def _expected(teller: story.Teller, incident: Incident, at: float) -> str:
        said = estimate_of(incident, at)
        return teller.say("status.estimate.none") if said is None else teller.estimate(said)

    def _credit(self, teller: story.Teller, facts: Facts) -> list[str]:
        incident = facts.incident
        due = [each.due for each in incident.promises.values() if each.what == "credit" and not each.settled]
        if due:
            return [teller.say("notice.credit_by", at=teller.moment(max(due)))]
        owed = any(any(each.total.values()) for each in incident.credited.values())
        return [teller.say("notice.credit")] if owed else []

    def _short(self, teller: story.Teller, facts: Facts) -> tuple[list[str], list[str]]:
        incident, due = facts.incident, facts.due
        is_over = due.about == "ended"
        first = teller.say(
            f"notice.sms.{facts.about}",
            name=self._name,
            at=self._short_at(teller.language, incident.ended_at if is_over else incident.since),
            functions=", ".join(teller.say(f"notice.sms.function.{each}") for each in facts.functions),
        )
        short, extras = [first, *self._wrong(teller, facts, short=True)], []
        if self._safe(teller, facts):
            extras.append(teller.say("notice.sms.safe"))
        if self._credit(teller, facts):
            extras.append(teller.say("notice.sms.credit"))
        if is_over:
            return short, extras
        if due.said.high:
            low, high = (self._short_at(teller.language, each) for each in (due.said.low, due.said.high))
            same_day = low.rpartition(" ")[0] == high.rpartition(" ")[0]
            high = high.rpartition(" ")[2] if same_day else high
            extras.insert(0, teller.say("notice.sms.estimate", low=low, high=high))
        if due.said.causes:
            extras.append(teller.diagnosis(incident))
        return short, extras

    def _short_at(self, language: str, at: float) -> str:
        local = datetime.datetime.fromtimestamp(at, self._texts.zone)
        return format_datetime(local, _SHORT_AT[language], locale=language)


class Reader:
    """What one customer reads of it."""

    def __init__(self, texts: Texts, language: str) -> None:
        self._teller = story.Teller(texts, language, Incidents())

    def whole(self, words: Words, mailboxes: Sequence[Mailbox], link: str) -> str:
        """Plain, paragraphs with an empty line between; the title stands elsewhere."""
        teller = self._teller
        parts = [" ".join(words.before)]
        if mailboxes:
            own = [customer.sentence(teller, _counts(mailboxes))]
            own += [
                teller.say(
                    f"notice.mailbox.{_state(each)}", login=each.login, functions=teller.names(each.functions)
                )
                for each in mailboxes
            ]
            parts.append("\n".join(own))
        parts.append(" ".join(words.after))
        if link:
            parts.append(teller.say("notice.link", link=link))
        return "\n\n".join(each for each in parts if each)

    def short(self, words: Words, mailboxes: Sequence[Mailbox], link: str) -> str:
        """As a text message: in SMS_SEGMENTS of them, with as much of the extras as there is room for; what
        is at the link anyway goes first where there isn't enough."""
        first, *rest = words.short
        own = [self._yours(mailboxes)] if mailboxes else []
        end = _end(words.closing, link)
        must = next(
            (each for each in ([*own, *rest], rest, rest[:1]) if _fits([first, *each, *end])), list[str]()
        )
        chosen = [first, *must]
        for extra in words.extras:
            if _fits([*chosen, extra, *end]):
                chosen.append(extra)
        return _joined([*chosen, *end])

    def _yours(self, mailboxes: Sequence[Mailbox]) -> str:
        counts = {state: count for state, count in _counts(mailboxes).items() if count}
        say = self._teller.say
        if len(mailboxes) == 1:
            parts = next(say(f"status.yours.{state}").lower() for state in counts)
        else:
            parts = ", ".join(
                say(f"notice.sms.yours.{state}", count=count) for state, count in counts.items()
            )
        return say("notice.sms.yours", count=len(mailboxes), parts=parts)


def _clear(language: str, sentences: Iterable[str]) -> tuple[str, ...]:
    """Those that hide nothing."""
    return tuple(each for each in sentences if not wording.vague(language, each))


def _end(closing: str, link: str) -> list[str]:
    """The link is where the next update will be."""
    if closing:
        return [f"{closing}: {link}" if link else f"{closing}."]
    return [link] if link else []


def _fits(parts: Iterable[str]) -> bool:
    return gsm.segments(_joined(parts)) <= SMS_SEGMENTS


def _joined(parts: Iterable[str]) -> str:
    return gsm.plain(" ".join(parts))


def _state(mailbox: Mailbox) -> customer.MailboxState:
    if not mailbox.functions:
        return "fine"
    return "unknown" if mailbox.uncertain else "affected"


def _counts(mailboxes: Iterable[Mailbox]) -> dict[str, int]:
    counts = {"affected": 0, "unknown": 0, "fine": 0}
    for each in mailboxes:
        counts[_state(each)] += 1
    return counts
