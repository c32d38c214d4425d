"""What pages show: facts, tables and ways on, as plain words; the templates only set them."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from holdfast.model.people import AccountState
from holdfast.pages import Visit

TONES = {AccountState.ACTIVE: "good", AccountState.DISABLED: "warn", AccountState.REMOVED: "bad"}


class Act(NamedTuple):
    """A way on: a link to the page that asks and does it. ``about``: tells equal ones apart."""

    text: str
    path: str
    about: str = ""


class Cell(NamedTuple):
    """``tone``: of a mark, '' for none. ``more``: further lines, less important."""

    text: str
    link: str = ""
    tone: str = ""
    acts: tuple[Act, ...] = ()
    more: tuple[str, ...] = ()


class Fact(NamedTuple):
    label: str
    cell: Cell


class Table(NamedTuple):
    """``none``: what is said when there is no row. ``more``: the path of the next page, '' at the end."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    none: str
    more: str = ""
    acts: Sequence[Act] = ()


class Said:
    """Words in the visitor's language."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._texts, self._language = visit.site.texts, visit.language

    def __call__(self, key: str, **values: object) -> str:
        return self._visit.say(key, **values)

    def columns(self, names: str) -> list[str]:
        return [self("field." + name) for name in names.split()]

    def moment(self, at: float, never: str = "word.never") -> Cell:
        return Cell(self._texts.moment(self._language, at) if at else self(never))

    def number(self, value: float) -> Cell:
        return Cell(self._texts.number(self._language, value))

    def limit(self, value: int, inherited: str = "word.no_limit") -> Cell:
        return self.number(value) if value else Cell(self(inherited))

    def size(self, value: int, inherited: str = "word.no_limit") -> Cell:
        return Cell(self._texts.size(self._language, value) if value else self(inherited))

    def state(self, state: AccountState) -> Cell:
        return Cell(self("state." + str(state)), tone=TONES[state])

    def truth(self, true: bool) -> Cell:
        return Cell(self("word.yes" if true else "word.no"))

    def items(self, values: Iterable[str], none: str = "word.none") -> Cell:
        return Cell(", ".join(values) or self(none))

    def facts(self, **cells: Cell) -> list[Fact]:
        return [Fact(self("field." + name), cell) for name, cell in cells.items()]


def way(path: str, **query: object) -> str:
    """A path with its query; empty values are left out."""
    words = {name: str(value) for name, value in query.items() if value not in ("", 0, None)}
    return path + ("?" + urllib.parse.urlencode(words) if words else "")


def named(text: str) -> str:
    """One segment of a path."""
    return urllib.parse.quote(text, safe="@")
