"""The dependency map as a drawing: SVG that is read by eye, by a screen reader, on paper and in the dark.

Six rows: functions, processes with doors, processes behind, files of one process, ledgers and indexes, disks
and partners. What differs in a number alone is one box. A whole line: can't be done without; a broken one:
waits without.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from statistics import fmean
from typing import Literal, NamedTuple

from holdfast.model.errors import ComponentId
from holdfast.model.findings import State
from holdfast.model.functions import BEHIND, FUNCTIONS
from holdfast.watch.depends import DependencyMap

_ROWS = (
    "functions",
    "processes with doors",
    "processes behind them",
    "files of one process",
    "ledgers and indexes",
    "disks and partners",
)
_WIDTH, _BOX, _ROW, _TOP, _LEFT = 1480, 34, 128, 96, 20  # the width is the least
_LETTER, _GAP = 7.1, 14.0
_SWEEPS = 8

# What isn't drawn by itself: it stands and falls with what it belongs to, or is everybody's.
_LEFT_OUT = ("metrics", "door", "socket", "machine", "network", "supervisor", "journal")
STYLE = """
.map { --ink: #1c2430; --paper: #ffffff; --soft: #8a94a3; --hard: #1c2430; --fill: #eef2f7; --top: #d9e8f7;
  --truth: #dff0e3; --far: #f7e9d7; --works: #d7f0df; --degraded: #fbe3b3; --fails: #f9c9c5;
  --unknown: #e4e7eb; font: 13px system-ui, sans-serif; background: var(--paper); }
@media (prefers-color-scheme: dark) { .map { --ink: #e8ecf2; --paper: #12171f; --soft: #6c7887;
  --hard: #cdd6e2; --fill: #232c39; --top: #1d3a56; --truth: #1f3f2b; --far: #4a3820; --works: #1b4a2c;
  --degraded: #5a4310; --fails: #6b201b; --unknown: #30363f; } }
@media print { .map { --ink: #000; --paper: #fff; --soft: #777; --hard: #000; --fill: #fff; --top: #fff;
  --truth: #fff; --far: #fff; --works: #fff; --degraded: #fff; --fails: #fff; --unknown: #fff; } }
.map text { fill: var(--ink); } .map .row { fill: var(--soft); font-size: 12px; }
.map .name { font-size: 18px; font-weight: 600; } .map .box { fill: var(--fill); stroke: var(--ink); }
.map .r0 { fill: var(--top); } .map .r4 { fill: var(--truth); } .map .r5 { fill: var(--far); }
.map .hard { stroke: var(--hard); stroke-width: 1.4; fill: none; }
.map .soft { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 4 4; fill: none; }
.map .works { fill: var(--works); } .map .degraded { fill: var(--degraded); stroke-width: 2; }
.map .fails { fill: var(--fails); stroke-width: 3; } .map .unknown { fill: var(--unknown); }
"""
_SIGNS: dict[State, str] = {
    "works": "✓",
    "degraded": "!",
    "fails": "✕",
    "unknown": "?",
}  # colour is never alone
_WORSE: tuple[State, ...] = ("works", "unknown", "degraded", "fails")


class _Box(NamedTuple):
    """``state``: '' where none is to be shown."""

    id: str
    row: int
    text: str
    state: State | Literal[""] = ""


class _Line(NamedTuple):
    source: str
    target: str
    hard: bool
    text: str


def svg(
    known: DependencyMap, states: Mapping[ComponentId, State] | None = None, *, inline: bool = False
) -> str:
    """``states``: coloured by how each component and each ``function/…`` is; of many as one the worst, and
    nothing works that isn't known to. ``inline``: for a page that brings ``STYLE`` itself."""
    boxes = _boxes(known, states)
    lines = _lines(known, boxes)
    rows = [[box for box in boxes.values() if box.row == row] for row in range(len(_ROWS))]
    width = max(_WIDTH, *(2 * _LEFT + sum(_wide(box) + _GAP for box in row) for row in rows))
    _order(rows, lines, width)
    places = {box.id: place for row in rows for box, place in zip(row, _spread(row, width))}
    height = _TOP + _ROW * len(_ROWS)
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="map" viewBox="0 0 {width:g} {height}" role="img"'
        ' aria-labelledby="title desc">',
        '<title id="title">What needs what</title>',
        f'<desc id="desc">{escape(_said(boxes, lines))}</desc>',
        *([] if inline else [f"<style>{STYLE}</style>"]),
        f'<text class="name" x="{_LEFT}" y="32">What needs what</text>',
        *_legend(),
        *(
            f'<text class="row" x="{_LEFT}" y="{_TOP + _ROW * row - 8}">{name}</text>'
            for row, name in enumerate(_ROWS)
        ),
        *(_curve(each, boxes, places) for each in sorted(lines, key=lambda each: each.hard)),
        *(_drawn(boxes[id], *place) for id, place in places.items()),
        "</svg>",
    ]
    return "\n".join(drawn) + "\n"


# what is drawn


def _boxes(known: DependencyMap, states: Mapping[ComponentId, State] | None) -> dict[str, _Box]:
    def state(those: Sequence[ComponentId]) -> State | Literal[""]:
        if states is None:
            return ""
        return max((states.get(each, "unknown") for each in those), key=_WORSE.index)

    found = {
        name: _Box(name, 0, name.partition("/")[2], state([name]))
        for name in (f"function/{each}" for each in FUNCTIONS)
    }
    members: dict[str, list[ComponentId]] = {}
    for each in known.components:
        if _group(each).partition("/")[0] not in _LEFT_OUT:
            members.setdefault(_group(each), []).append(each)
    fronts = _fronts(known)
    for id, those in members.items():
        text = _TEXTS.get(id, id.removeprefix("process/").replace("disk/volume-", "disk of volume "))
        row = _row(id, not fronts.isdisjoint(those))
        found[id] = _Box(id, row, text + _times(those), state(those))
    return found


def _fronts(known: DependencyMap) -> set[ComponentId]:
    """What answers at a door: the process that a trial which begins at one meets first, where that is of one
    role alone."""
    found: set[ComponentId] = set()
    for trial in known.trials.values():
        if any(use.startswith("door/") for use in trial.steps[0].uses):
            met = ({use for use in step.uses if use.startswith("process/")} for step in trial.steps)
            first = next(filter(None, met), set())
            if len({_group(each) for each in first}) == 1:
                found |= first
    return found


def _times(those: Sequence[ComponentId]) -> str:
    return f" ×{len(those)}" if len(those) > 1 else ""


_TEXTS = {
    "copy": "copies of the directory",
    "customers": "list of customers",
    "admin": "requests answered, hooks",
    "ledger/mail": "changes of mail",
    "ledger/people": "changes of people",
    "ledger/queue": "queue of the relay",
    "ledger/incidents": "record of outages",
    "index": "index of each cell",
    "ledger/intake": "accepted mail",
    "ledger/asked": "asked, to be done later",
    "history": "sign-ins noted",
    "sessions": "sign-outs",
    "proofs": "codes under way",
    "key": "keys",
    "secret": "secrets",
    "elsewhere": "other mail servers",
    "dns": "DNS",
    "partner/push": "push services",
    "acme/account": "account at the authority",
    "signup/requests": "sign-ups that wait",
    "disk/data": "disk of the data folder",
    "vantage": "vantage points",
    "transit": "ways from vantage points",
    "entry": "ways in from outside",
}
# each is one box
_WHOLE = (
    *("copy", "history", "sessions", "proofs", "key", "certificate", "admin", "secret"),
    *("vantage", "transit", "entry"),
)


def _group(component: ComponentId) -> str:
    """The box it is drawn in."""
    head, _, rest = component.partition("/")
    if rest == "index":
        return "index"
    if head in _WHOLE:
        return head
    if head == "public":
        return "entry"
    if head == "ledger":
        kind = "asked" if "-asked-" in rest else "intake" if re.search("-[0-9]+$", rest) else rest
        return f"ledger/{kind}"
    return re.sub("-[0-9]+$", "", component) if head == "process" else component


def _row(id: str, has_door: bool) -> int:
    head = id.partition("/")[0]
    if head == "process":
        return 1 if has_door or id in ("process/health", "process/watch") else 2
    if head in ("ledger", "index"):
        return 4
    return (
        5 if head in ("disk", "partner", "source", "dns", "elsewhere", "vantage", "transit", "entry") else 3
    )


def _lines(known: DependencyMap, boxes: Mapping[str, _Box]) -> list[_Line]:
    found: dict[tuple[str, str], _Line] = {}

    def add(source: str, target: str, hard: bool, text: str) -> None:
        before = found.get((source, target))
        if source in boxes and target in boxes and source != target and not (before and before.hard):
            found[source, target] = _Line(source, target, hard, text)

    for function, roles in BEHIND.items():
        for role in roles:
            add(f"function/{function}", f"process/{role}", boxes.get(f"process/{role}", _NO).row == 1, "")
    for each in known.reaches:
        target = each.target
        if target.startswith("socket/"):
            target = f"process/{target.removeprefix('socket/')}-0"
        add(_group(each.source), _group(target), not each.without, each.without or each.what)
    for need in known.needs:
        add(_group(need.source), _group(need.target), True, need.what)
    # a file's disk is drawn for ledgers and indexes; all others lie on the data folder's
    return [each for each in found.values() if boxes[each.source].row != 3 or boxes[each.target].row != 5]


_NO = _Box("", 2, "")


# where it is drawn


def _order(rows: list[list[_Box]], lines: Sequence[_Line], width: float) -> None:
    """So that lines cross little: each box near the middle of those it has a line to."""
    at = {box.id: box.row for row in rows for box in row}
    near: dict[str, list[str]] = {}
    for each in lines:
        near.setdefault(each.target, []).append(each.source)
        if at[each.source] != 1:  # processes with doors stand below their functions
            near.setdefault(each.source, []).append(each.target)
    for _ in range(_SWEEPS):
        middle = {box.id: x + wide / 2 for row in rows for box, (x, _, wide) in zip(row, _spread(row, width))}
        for row in rows[1:]:
            row.sort(key=lambda box: fmean(middle[each] for each in near.get(box.id, [box.id])))


def _wide(box: _Box) -> float:
    return round((len(box.text) + (2 if box.state else 0)) * _LETTER + 18, 1)


def _spread(row: Sequence[_Box], width: float) -> list[tuple[float, float, float]]:
    """x, y and width of each box."""
    gap = (width - 2 * _LEFT - sum(map(_wide, row))) / (len(row) or 1)
    found, x = [], _LEFT + gap / 2
    for box in row:
        found.append((round(x, 1), float(_TOP + _ROW * box.row), _wide(box)))
        x += _wide(box) + gap
    return found


def _drawn(box: _Box, x: float, y: float, width: float) -> str:
    look = box.state or f"r{box.row}"
    said = f"{_SIGNS[box.state]} {box.text}" if box.state else box.text
    name = f"{box.id}: {box.state}" if box.state else box.id
    return (
        f'<g><title>{escape(name)}</title><rect class="box {look}" x="{x}" y="{y:g}" width="{width}"'
        f' height="{_BOX}" rx="6"/><text x="{round(x + width / 2, 1)}" y="{y + 22:g}" text-anchor="middle">'
        f"{escape(said)}</text></g>"
    )


def _curve(line: _Line, boxes: Mapping[str, _Box], places: Mapping[str, tuple[float, float, float]]) -> str:
    (x, y, w), (tx, ty, tw) = places[line.source], places[line.target]
    begin, end = round(x + w / 2, 1), round(tx + tw / 2, 1)
    down = ty > y
    y, ty = (y + _BOX, ty) if down else (y, ty if ty == y else ty + _BOX)
    bend = max(28.0, abs(ty - y) / 2) * (1 if down else -1)
    back = ty - bend if down else ty + (bend if ty == y else -bend)
    kind = "hard" if line.hard else "soft"
    return (
        f'<path class="{kind}" d="M{begin} {y:g}C{begin} {y + bend:g} {end} {back:g} {end} {ty:g}">'
        f"<title>{escape(boxes[line.source].text)} → {escape(boxes[line.target].text)}"
        f"{': ' + escape(line.text) if line.text else ''}</title></path>"
    )


def _legend() -> list[str]:
    x, y = 640, 28
    return [
        f'<path class="hard" d="M{x} {y}h40"/><text x="{x + 48}" y="{y + 4}">can\'t be done without</text>',
        f'<path class="soft" d="M{x + 240} {y}h40"/><text x="{x + 288}" y="{y + 4}">reached; waits, or goes'
        " on with less, without</text>",
    ]


def _said(boxes: Mapping[str, _Box], lines: Sequence[_Line]) -> str:
    """The whole lines in words."""
    said: dict[str, list[str]] = {}
    for each in lines:
        if each.hard:
            said.setdefault(boxes[each.source].text, []).append(boxes[each.target].text)
    return " ".join(f"{source} can't do without {', '.join(targets)}." for source, targets in said.items())
