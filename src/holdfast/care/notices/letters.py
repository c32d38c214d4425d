"""Letters for those whom no channel reaches: PDF for window envelopes and a list for the print shop.

A4 by DIN 5008, form B: the address stands where the window is; where none is known it is the contract, for
whoever has the addresses. Imported by who prints, for ``fpdf`` takes a second to load.
"""

from __future__ import annotations

import csv
import io
import os.path
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from holdfast.care.paper import Paper
from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import LETTERS_PER_FILE
from holdfast.pages.texts import Texts
from holdfast.world import World

COLUMNS = ("file", "page", "pages", "contract", "customer", "language", "address")
_WINDOW_MM = (25.0, 54.7, 75.0)  # left, top and width of the address within the window
_SUBJECT_MM = 103.4
_LEFT_MM, _RIGHT_MM, _BOTTOM_MM = 25.0, 20.0, 25.0
_FOLDS_MM = (105.0, 210.0)
_LINE_MM = 5.0


class Letter(NamedTuple):
    """``address``: lines; () where none is known. ``sender``: '' for the provider."""

    customer: int
    contract: str
    language: str
    title: str
    text: str
    address: tuple[str, ...] = ()
    sender: str = ""


def addresses(text: str) -> dict[str, tuple[str, ...]]:
    """Of a CSV file: a contract, then the lines of its address. Raises ``Refused``."""
    found: dict[str, tuple[str, ...]] = {}
    for number, row in enumerate(csv.reader(io.StringIO(text)), 1):
        lines = tuple(each.strip() for each in row[1:] if each.strip())
        if not row:
            continue
        if not lines:
            raise Refused(Reason.BAD_SYNTAX, f"line {number}: a contract, then the lines of its address")
        found[row[0].strip()] = lines
    return found


def print_letters(
    world: World, folder: str, name: str, letters: Sequence[Letter], texts: Texts, sender: str
) -> list[str]:
    """Names of the files made: PDFs of LETTERS_PER_FILE letters, and the list. Blocks; raises ``OSError``."""
    disk = world.disk
    disk.make_folder(folder)
    made: list[str] = []
    rows: list[tuple[object, ...]] = []
    for begin in range(0, len(letters), LETTERS_PER_FILE):
        file = f"{name}-{begin // LETTERS_PER_FILE + 1:03d}.pdf"
        some = letters[begin : begin + LETTERS_PER_FILE]
        data, pages = _pdf(world, some, texts, sender)
        disk.write_atomic(os.path.join(folder, file), data)
        made.append(file)
        for each, (first, count) in zip(some, pages):
            address = ", ".join(each.address)
            rows.append((file, first, count, each.contract, each.customer, each.language, address))
    listed = f"{name}.csv"
    disk.write_atomic(os.path.join(folder, listed), _csv(rows).encode())
    return [*made, listed]


def _pdf(
    world: World, letters: Iterable[Letter], texts: Texts, sender: str
) -> tuple[bytes, list[tuple[int, int]]]:
    """And of each letter its first page, and how many it has."""
    letters = list(letters)
    paper = Paper(world.disk, title=sender, language=letters[0].language)
    paper.set_margins(_LEFT_MM, 20, _RIGHT_MM)
    paper.set_auto_page_break(True, _BOTTOM_MM)
    pages = []
    for letter in letters:
        first = len(paper.pages) + 1
        _write(paper, letter, texts, letter.sender or sender)
        pages.append((first, len(paper.pages) - first + 1))
    return bytes(paper.output()), pages


def _write(paper: Paper, letter: Letter, texts: Texts, sender: str) -> None:
    contract = texts.say(letter.language, "notice.letter.contract", contract=letter.contract)
    paper.add_page()
    for fold in _FOLDS_MM:
        paper.line(5, fold, 9, fold)
    left, top, width = _WINDOW_MM
    paper.set_xy(left, top - 7)
    paper.face(7)
    paper.multi_cell(width, 3, sender, new_x="LEFT", new_y="NEXT")
    paper.set_xy(left, top)
    paper.face(10)
    paper.multi_cell(width, _LINE_MM, "\n".join(letter.address or (contract,)))
    paper.set_xy(_LEFT_MM, _SUBJECT_MM)
    paper.face(10, bold=True)
    paper.multi_cell(0, _LINE_MM, letter.title, new_x="LMARGIN", new_y="NEXT")
    paper.face(10)
    paper.multi_cell(0, _LINE_MM, contract, new_x="LMARGIN", new_y="NEXT")
    paper.ln(_LINE_MM)
    paper.multi_cell(0, _LINE_MM, letter.text, new_x="LMARGIN", new_y="NEXT", align="L")


def _csv(rows: Iterable[Sequence[object]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")  # RFC 4180
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return file.getvalue()
