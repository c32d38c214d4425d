"""A diagnosis in words that somebody on the telephone can read out, in each language (DIAG-7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from holdfast.model.errors import ComponentId
from holdfast.pages.texts import Texts
from holdfast.watch.changes import Change
from holdfast.watch.diagnosis.report import NamedCause, Report, Rival, Shown

FOLDER = Path(__file__).parents[1] / "texts"

_LINES = 4  # of evidence that are read out; the rest is a number
_NAMED = 3  # candidates in a headline


class Section(NamedTuple):
    title: str
    lines: tuple[str, ...]


class Told(NamedTuple):
    """``headline``: one sentence, or two where something said before is put right."""

    headline: str
    sections: tuple[Section, ...]

    @property
    def text(self) -> str:
        """Plain, with an empty line before each section."""
        parts = [
            "\n".join((f"{each.title}:", *(f"- {line}" for line in each.lines))) for each in self.sections
        ]
        return "\n\n".join((self.headline, *parts)) + "\n"


class Wording:
    """``texts``: with those of FOLDER among them."""

    def __init__(self, texts: Texts, language: str) -> None:
        self._texts = texts
        self._language = language

    def tell(self, report: Report, before: str = "") -> Told:
        """``before``: what it makes of the diagnosis before, as in the ledger of incidents."""
        sections = {"named": self._named, "undecided": self._undecided, "outside": self._outside}
        return Told(self._headline(report, before), tuple(sections[report.verdict](report)))

    def function(self, function: str) -> str:
        return self._say(f"function.{function}")

    def component(self, component: ComponentId, kinds: dict[ComponentId, str]) -> str:
        """By its own name where it has one, else by its kind, else as it is."""
        head, _, rest = component.partition("/")
        kind = kinds.get(component, "")
        key = next(
            key
            for key in (f"component.{component}", f"component.{kind}", "component.other")
            if self._texts.has(key)
        )
        name = head.removeprefix("cell-").lstrip("0") or "0" if kind == "index" else rest or head
        return self._say(key, name=name, id=component)

    # the verdicts

    def _headline(self, report: Report, before: str) -> str:
        if report.verdict == "outside":
            now = self._say("diagnosis.outside")
        elif report.verdict == "named":
            names = [self.component(each.component, report.kinds) for each in report.causes]
            if before == "mended":
                return self._say("diagnosis.also", names=self._list(names))
            now = self._say("diagnosis.named", count=len(names), names=self._list(names))
        else:
            likely = [self._rival(each, report) for each in report.runners_up[:_NAMED]]
            key = "diagnosis.undecided" if len(likely) > 1 else "diagnosis.undecided_one"
            now = self._say(key, names=self._list(likely or [self._say("diagnosis.none")]))
        return f"{self._say(f'diagnosis.{before}')} {now}" if before else now

    def _named(self, report: Report) -> Iterator[Section]:
        causes = tuple(self._cause(each, report) for each in report.causes)
        yield Section(self._say("diagnosis.causes"), causes)
        shows = []
        functions = dict.fromkeys(function for cause in report.causes for function in cause.functions)
        if functions:
            noticed = self._list([self.function(each) for each in functions])
            shows.append(self._say("diagnosis.noticed", functions=noticed))
        for cause in report.causes:
            if len(cause.path) > 1:
                way = " → ".join(self.component(each, report.kinds) for each in cause.path)
                shows.append(self._say("diagnosis.path", path=way))
        if shows:
            yield Section(self._say("diagnosis.shows"), tuple(shows))
        yield from self._evidence(report)
        if report.ruled_out:
            well = [
                self._say(
                    "diagnosis.well",
                    name=self.component(each.component, report.kinds),
                    trial=each.by.trial,
                    step=each.by.step,
                    worked=each.by.tried - each.by.failed,
                    tried=each.by.tried,
                )
                for each in report.ruled_out
            ]
            yield Section(self._say("diagnosis.cleared"), self._first(well))
        yield Section(self._say("diagnosis.confidence"), (self._confidence(report.probability),))

    def _undecided(self, report: Report) -> Iterator[Section]:
        candidates = tuple(
            self._say(
                "diagnosis.candidate",
                names=self._rival(each, report),
                percent=self._percent(each.probability),
            )
            for each in report.runners_up
        )
        if candidates:
            yield Section(self._say("diagnosis.candidates"), candidates)
        deciding = (
            self._say("diagnosis.trial", trial=report.deciding)
            if report.deciding
            else self._say("diagnosis.no_trial")
        )
        yield Section(self._say("diagnosis.deciding"), (deciding,))
        certain = self._say("diagnosis.open", percent=self._percent(report.probability))
        yield Section(self._say("diagnosis.confidence"), (certain,))

    def _outside(self, report: Report) -> Iterator[Section]:
        yield from self._evidence(report)
        yield Section(self._say("diagnosis.unmapped"), (self._say("diagnosis.look"),))
        yield Section(self._say("diagnosis.confidence"), (self._confidence(report.probability),))

    # their parts

    def _cause(self, cause: NamedCause, report: Report) -> str:
        name, since = self.component(cause.component, report.kinds), self._at(cause.since)
        if cause.after:
            after = self.component(cause.after, report.kinds)
            said = self._say("diagnosis.follows", name=name, since=since, after=after)
        else:
            said = self._say("diagnosis.cause", name=name, since=since)
        if cause.rate < 1:
            part = self._texts.number(self._language, round(cause.rate * 100))
            said += " " + self._say("diagnosis.part", percent=part)
        if cause.change is not None:
            said += " " + self._changed(cause.change, report)
        return said[0].upper() + said[1:]

    def _changed(self, change: Change, report: Report) -> str:
        """A hint, and called one."""
        name = self.component(change.component, report.kinds) if change.component else ""
        what = self._say(f"change.{change.what}", name=name, said=change.said)
        return self._say("diagnosis.changed", what=what, at=self._at(change.at))

    def _evidence(self, report: Report) -> Iterator[Section]:
        if report.explained:
            yield Section(
                self._say("diagnosis.evidence"), self._first([self._shown(each) for each in report.explained])
            )
        if report.against:
            yield Section(
                self._say("diagnosis.against"), self._first([self._shown(each) for each in report.against])
            )

    def _shown(self, shown: Shown) -> str:
        if not shown.failed:
            return self._say(
                "diagnosis.worked", trial=shown.trial, step=shown.step, worked=shown.tried, tried=shown.tried
            )
        return self._say(
            "diagnosis.failed_with" if shown.said else "diagnosis.failed",
            trial=shown.trial,
            step=shown.step,
            failed=shown.failed,
            tried=shown.tried,
            since=self._at(shown.since),
            said=shown.said,
        )

    def _first(self, lines: Sequence[str]) -> tuple[str, ...]:
        kept = [line[0].upper() + line[1:] for line in lines[:_LINES]]
        if len(lines) > _LINES:
            kept.append(self._say("diagnosis.more", count=len(lines) - _LINES))
        return tuple(kept)

    def _rival(self, rival: Rival, report: Report) -> str:
        if not rival.components:
            return self._say("diagnosis.none")
        return " + ".join(
            self._say("component.outside") if each == "outside" else self.component(each, report.kinds)
            for each in rival.components
        )

    def _confidence(self, probability: float) -> str:
        """DIAG-7: the word and the number, always both."""
        word = "sure" if probability >= 0.995 else "likely" if probability >= 0.97 else "probable"
        return self._say(f"diagnosis.{word}", percent=self._percent(probability))

    def _percent(self, probability: float) -> str:
        """Never 100: nothing is that certain."""
        return self._texts.number(self._language, min(round(probability * 100, 1), 99.9))

    def _at(self, at: float) -> str:
        return self._texts.instant(self._language, at)

    def _list(self, items: Sequence[str]) -> str:
        return self._texts.listing(self._language, items)

    def _say(self, key: str, **values: object) -> str:
        return self._texts.say(self._language, key, **values)
