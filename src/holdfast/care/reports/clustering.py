"""Which reports are about the same, of which incident they are, and whether customers came first.

REPORTS-2 it is a function of reports and incidents, whatever their order, and small enough to be told:
the same function within half an hour, or the same words.
REPORTS-3 three people who report one function within ten minutes, and no open incident has it: that is an
alarm. One who sends much is one.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from holdfast.care.reports.kept import OTHER, Ahead, CustomerReport
from holdfast.model.functions import FUNCTIONS
from holdfast.model.limits import (
    REPORT_ALIKE,
    REPORT_APART_S,
    REPORT_EARLY_S,
    REPORT_LATE_S,
    REPORTS_COMPARED,
    REPORTS_FIRST,
    REPORTS_FIRST_S,
)
from holdfast.watch.incidents.incidents import Incident, Incidents

_WORD = re.compile(r"[a-z]{3,}")
_STEM = 6  # letters that words of one stem have in common, in both languages, nearly always
_SHOWN = 5  # words that a cluster is told by
# What says nothing of what is wrong.
_EMPTY = """
the and not can cannot with for from have has that this since was are you your please does doesnt work works
working nicht der die das ein eine einen ist sind seit und mit mehr ich kann mein meine geht gehen auf bei wir
mir von zum zur habe hat kein keine bitte funktioniert funktionieren
"""
# By which words of both languages somebody names a function who didn't choose one.
_NAMES = {
    "receive": ("receive", "receiving", "incoming", "empfangen", "empfange", "empfang"),
    "send": ("send", "sending", "outgoing", "senden", "sende", "verschicken", "versenden"),
    "imap": ("imap", "outlook", "thunderbird", "smartphone", "iphone", "handy"),
    "pop3": ("pop",),
    "webmail": ("webmail", "browser", "website", "webseite"),
    "password": ("password", "passwort", "kennwort"),
    "signup": ("registration", "registrieren", "registrierung"),
}


class Cluster(NamedTuple):
    """``functions``: how often each was named. ``words``: that most of its reports have, the commonest first.

    ``incident``: of which most are, 0 for none.
    """

    functions: dict[str, int]
    first_at: float
    last_at: float
    reports: tuple[int, ...]
    words: tuple[str, ...]
    incident: int


def words_of(text: str) -> frozenset[str]:
    """Stems of what says something, without accents: ``häuser``, ``Hauser`` → ``hauser``."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(each for each in plain if not unicodedata.combining(each))
    return frozenset(word[:_STEM] for word in _WORD.findall(plain) if word not in _SILENT)


_SILENT = frozenset(_EMPTY.split())
_HINTS = {name: frozenset(word[:_STEM] for word in words) for name, words in _NAMES.items()}


def alike(one: frozenset[str], other: frozenset[str]) -> float:
    """Words in common, of all that either has: 0 to 1."""
    return len(one & other) / len(one | other) if one and other else 0.0


def meant(report: CustomerReport) -> str:
    """The function it names, or that its words name if they name one alone; OTHER."""
    if report.function != OTHER:
        return report.function
    words = words_of(report.seen)
    named = [name for name, hints in _HINTS.items() if hints & words]
    return named[0] if len(named) == 1 else OTHER


class _Time(NamedTuple):
    """Of one incident, in which a report may be of it."""

    number: int
    functions: frozenset[str]
    since: float
    until: float
    is_open: bool


class Matching:
    """Which incident a report is of."""

    def __init__(self, incidents: Iterable[Incident]) -> None:
        self._times = [
            _Time(
                each.number,
                frozenset(each.spans),
                each.since,
                each.ended_at + REPORT_LATE_S if each.closed_at else math.inf,
                not each.closed_at,
            )
            for each in incidents
        ]

    def of(self, report: CustomerReport) -> int:
        """Of those whose time it falls into: an open one before one that is over, the newer before the older.

        Who names no function means the only one there is at that time. 0 for none.
        """
        function, at = meant(report), report.at
        there = [each for each in self._times if each.since - REPORT_EARLY_S <= at <= each.until]
        if function != OTHER:
            there = [each for each in there if function in each.functions]
        elif len(there) > 1:
            return 0
        return max(there, key=lambda each: (each.is_open, each.since, each.number)).number if there else 0


def clusters(reports: Iterable[CustomerReport], incidents: Incidents) -> list[Cluster]:
    """The newest first. Of the newest ``REPORTS_COMPARED``."""
    ordered = sorted(reports, key=lambda each: (each.at, each.number))[-REPORTS_COMPARED:]
    known, words = Matching(incidents), [words_of(each.seen) for each in ordered]
    functions = [meant(each) for each in ordered]
    roots = list(range(len(ordered)))

    def root(place: int) -> int:
        while roots[place] != place:
            roots[place] = roots[roots[place]]
            place = roots[place]
        return place

    # Of each function its newest, and of each set of words its newest: what is like an older one in between
    # is like those, too, or was joined to them.
    last: dict[tuple[str, frozenset[str]], int] = {}
    for place, report in enumerate(ordered):
        for other in [each for each in last.values() if report.at - ordered[each].at <= REPORT_APART_S]:
            same = functions[place] == functions[other] != OTHER
            if same or alike(words[place], words[other]) >= REPORT_ALIKE:
                roots[root(place)] = root(other)
        last = {key: each for key, each in last.items() if report.at - ordered[each].at <= REPORT_APART_S}
        last[functions[place], words[place]] = place
    found: dict[int, list[int]] = {}
    for place in range(len(ordered)):
        found.setdefault(root(place), []).append(place)
    made = [
        _cluster([ordered[each] for each in places], [words[each] for each in places], known)
        for places in found.values()
    ]
    return sorted(made, key=lambda each: (-each.last_at, each.reports))


def _cluster(reports: Sequence[CustomerReport], words: Sequence[frozenset[str]], known: Matching) -> Cluster:
    counts = Counter(word for each in words for word in each)
    common = sorted((-count, word) for word, count in counts.items() if 2 * count >= len(reports))
    named = Counter(meant(each) for each in reports)
    of = Counter(known.of(each) for each in reports)
    return Cluster(
        {each: named[each] for each in (*FUNCTIONS, OTHER) if each in named},
        reports[0].at,
        reports[-1].at,
        tuple(each.number for each in reports),
        tuple(word for _, word in common[:_SHOWN]),
        max(of.items(), key=lambda each: (each[1], each[0]))[0],
    )


def first(reports: Iterable[CustomerReport], incidents: Incidents, now: float) -> list[Ahead]:
    """Functions that customers report, and we don't know of (REPORTS-3)."""
    known = Matching(incidents)
    open_now = {function for each in incidents.open() for function in each.active}
    of: dict[str, list[CustomerReport]] = {}
    for report in reports:
        function = meant(report)
        recent = now - REPORTS_FIRST_S <= report.at <= now
        if recent and function not in (OTHER, *open_now) and not known.of(report):
            of.setdefault(function, []).append(report)
    found = []
    for function in FUNCTIONS:
        people = {each.sender for each in of.get(function, ())}
        if len(people) >= REPORTS_FIRST:
            found.append(Ahead(function, now, min(each.at for each in of[function]), len(people)))
    return found
