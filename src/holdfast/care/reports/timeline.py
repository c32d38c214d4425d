"""An incident as a picture: what failed when, and what was done meanwhile. What it shows stands beside it in
tables, too; no colour is alone: bars and marks differ in shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from markupsafe import escape

WIDE, LABEL, ROW, TOP, FOOT = 800, 250, 28, 10, 34
BarKind = Literal["fails", "estimate"]
MarkKind = Literal["told", "cause", "report", "remedy", "likely"]
COLOURS = {
    "fails": "#b3261e",
    "estimate": "#9db8d2",
    "told": "#1f5f8b",
    "cause": "#5b3e8c",
    "report": "#8a5a00",
    "remedy": "#1d6b3a",
    "likely": "#1c2430",
}
# Each mark around its moment, in units of the picture; a circle is drawn as one.
SHAPES: dict[str, tuple[tuple[int, int], ...]] = {
    "cause": ((0, -7), (7, 0), (0, 7), (-7, 0)),
    "report": ((0, -7), (7, 6), (-7, 6)),
    "remedy": ((-6, -6), (6, -6), (6, 6), (-6, 6)),
    "likely": ((0, -5), (4, 0), (0, 5), (-4, 0)),
}
RADIUS = 6


class Bar(NamedTuple):
    begins: float
    ends: float
    kind: BarKind


class Mark(NamedTuple):
    at: float
    kind: MarkKind


class Row(NamedTuple):
    label: str
    bars: tuple[Bar, ...] = ()
    marks: tuple[Mark, ...] = ()


class Tick(NamedTuple):
    at: float
    label: str


class Timeline(NamedTuple):
    """``begins`` to ``ends``: UTC seconds, what it shows; what lies outside is drawn at its edge."""

    title: str
    begins: float
    ends: float
    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]

    @property
    def height(self) -> int:
        return TOP + ROW * len(self.rows) + FOOT

    def place(self, at: float) -> float:
        """From the left, in units of which the picture is WIDE."""
        share = (at - self.begins) / max(self.ends - self.begins, 1.0)
        return round(LABEL + min(max(share, 0.0), 1.0) * (WIDE - LABEL - 16), 1)


def middle(number: int) -> int:
    """Of a row, from the top."""
    return TOP + ROW * number + ROW // 2


def as_svg(timeline: Timeline) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(timeline.title)}" '
        f'viewBox="0 0 {WIDE} {timeline.height}" font-family="sans-serif" font-size="13">'
        f"<title>{escape(timeline.title)}</title>"
        f'<rect width="{WIDE}" height="{timeline.height}" rx="8" fill="#ffffff"/>'
    )
    return head + "".join(_drawn(timeline)) + "</svg>"


def _drawn(timeline: Timeline) -> Iterator[str]:
    bottom = TOP + ROW * len(timeline.rows)
    for tick in timeline.ticks:
        x = timeline.place(tick.at)
        yield f'<path d="M{x} {TOP}V{bottom}" stroke="#d5dae0"/>'
        below = f'x="{x}" y="{bottom + 20}" text-anchor="middle" fill="#4d5866"'
        yield f"<text {below}>{escape(tick.label)}</text>"
    for number, row in enumerate(timeline.rows):
        y = middle(number)
        yield f'<text x="8" y="{y + 4}" fill="#1c2430">{escape(row.label)}</text>'
        for bar in row.bars:
            begins, ends = timeline.place(bar.begins), timeline.place(bar.ends)
            tall = 14 if bar.kind == "fails" else 8
            yield (
                f'<rect x="{begins}" y="{y - tall // 2}" width="{max(ends - begins, 2):g}" height="{tall}" '
                f'rx="3" fill="{COLOURS[bar.kind]}"/>'
            )
        for mark in row.marks:
            yield _mark(timeline.place(mark.at), y, mark.kind)


def _mark(x: float, y: int, kind: MarkKind) -> str:
    colour = COLOURS[kind]
    if kind not in SHAPES:
        return f'<circle cx="{x}" cy="{y}" r="{RADIUS}" fill="{colour}"/>'
    points = " ".join(f"{x + right:g},{y + down}" for right, down in SHAPES[kind])
    return f'<polygon points="{points}" fill="{colour}"/>'
