"""A report as PDF. Loaded by who prints one."""

from __future__ import annotations

import datetime

from fpdf.enums import TableCellFillMode, XPos, YPos

from holdfast.care.paper import Paper
from holdfast.care.reports import document as d
from holdfast.care.reports import timeline as t
from holdfast.world import Disk

_SIZES = {2: 14, 3: 11.5}
_LINE = 5.0  # mm
_GREY, _WHITE = 232, 255


def as_pdf(document: d.Document, disk: Disk) -> bytes:
    paper = Paper(disk, title=document.title, language=document.language)
    paper.set_creation_date(datetime.datetime.fromtimestamp(document.made_at, datetime.UTC))
    paper.set_auto_page_break(True, 18)
    paper.add_page()
    paper.face(19, bold=True)
    _lines(paper, document.title, 8)
    paper.face(bold=True)
    paper.set_fill_color(_GREY)
    paper.ln(2)
    paper.multi_cell(0, 7, document.mark, align="L", fill=True, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    paper.set_fill_color(_WHITE)
    paper.ln(3)
    for block in document.blocks:
        _block(paper, block)
    return bytes(paper.output())


def _block(paper: Paper, block: d.Block) -> None:
    match block:
        case d.Heading():
            _room(paper, 25)
            paper.ln(3)
            paper.face(_SIZES[block.level], bold=True)
            _lines(paper, block.text, 7)
            paper.face()
        case d.Paragraph():
            _lines(paper, block.text)
        case d.Facts():
            _table(paper, (), block.rows)
        case d.Table():
            _table(paper, block.head, block.rows)
        case d.Bullets():
            for each in block.items:
                _lines(paper, f"• {each}")
        case d.Picture():
            _picture(paper, block.timeline)
        case d.Blank():
            paper.face(bold=True)
            _lines(paper, block.label)
            paper.face()
            for _ in range(block.lines):
                _room(paper, 9)
                paper.ln(9)
                paper.line(paper.l_margin, paper.y, paper.w - paper.r_margin, paper.y)
    paper.ln(2)


def _lines(paper: Paper, text: str, height: float = _LINE) -> None:
    paper.multi_cell(0, height, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _table(paper: Paper, head: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> None:
    paper.face(9)
    with paper.table(
        first_row_as_headings=bool(head),
        borders_layout="HORIZONTAL_LINES",
        cell_fill_mode=TableCellFillMode.NONE,
        text_align="LEFT",
        line_height=_LINE,
        col_widths=(1, 2) if not head else None,
    ) as table:
        for cells in (head, *rows) if head else rows:
            table.row(cells)
    paper.face()


def _room(paper: Paper, height: float) -> None:
    if paper.will_page_break(height):
        paper.add_page()


def _picture(paper: Paper, timeline: t.Timeline) -> None:
    """The same as the SVG draws."""
    unit = paper.epw / t.WIDE  # mm
    _room(paper, timeline.height * unit)
    left, top = paper.l_margin, paper.y
    bottom = t.TOP + t.ROW * len(timeline.rows)
    paper.face(7)
    paper.set_draw_color(200)
    for tick in timeline.ticks:
        x = left + timeline.place(tick.at) * unit
        paper.line(x, top + t.TOP * unit, x, top + bottom * unit)
        paper.text(x - paper.get_string_width(tick.label) / 2, top + (bottom + 18) * unit, tick.label)
    for number, row in enumerate(timeline.rows):
        y = top + t.middle(number) * unit
        paper.text(left, y + 1, row.label)
        for bar in row.bars:
            begins, ends = timeline.place(bar.begins), timeline.place(bar.ends)
            tall = 14 if bar.kind == "fails" else 8
            paper.set_fill_color(t.COLOURS[bar.kind])
            wide = max(ends - begins, 2) * unit
            paper.rect(left + begins * unit, y - tall / 2 * unit, wide, tall * unit, style="F")
        for mark in row.marks:
            _mark(paper, left + timeline.place(mark.at) * unit, y, mark.kind, unit)
    paper.set_draw_color(0)
    paper.set_fill_color(_WHITE)
    paper.face()
    paper.set_y(top + timeline.height * unit)


def _mark(paper: Paper, x: float, y: float, kind: t.MarkKind, unit: float) -> None:
    paper.set_fill_color(t.COLOURS[kind])
    if kind in t.SHAPES:
        points = [(x + right * unit, y + down * unit) for right, down in t.SHAPES[kind]]
        paper.polygon(points, style="F")
    else:
        paper.circle(x, y, t.RADIUS * unit, style="F")
