"""What a report is made of, and how it is written: Markdown, HTML; PDF is in ``printed``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import jinja2
from markupsafe import Markup

from holdfast.care.reports.timeline import Timeline, as_svg

_TEMPLATES = Path(__file__).parent / "templates"
_SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")
_LIST_LIKE = re.compile(r"^(\d+)([.)])(?=\s|$)|^([-+])(?=\s|$)")


class Heading(NamedTuple):
    """``level``: 2 or 3; the title is the only one of level 1."""

    text: str
    level: int = 2


class Paragraph(NamedTuple):
    text: str


class Facts(NamedTuple):
    """What, and how it is."""

    rows: tuple[tuple[str, str], ...]


class Table(NamedTuple):
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Bullets(NamedTuple):
    items: tuple[str, ...]


class Picture(NamedTuple):
    timeline: Timeline


class Blank(NamedTuple):
    """For people to fill in. ``lines``: empty ones."""

    label: str
    lines: int = 3


Block = Heading | Paragraph | Facts | Table | Bullets | Picture | Blank


class Document(NamedTuple):
    """``mark``: what stands above all of it, for a draft. ``made_at``: UTC seconds."""

    title: str
    language: str
    mark: str
    made_at: float
    blocks: tuple[Block, ...]


def as_markdown(document: Document, picture: str = "") -> str:
    """CommonMark with tables. ``picture``: the file that has its timeline, '' for none."""
    parts = [f"# {escape(document.title)}", f"> **{escape(document.mark)}**"]
    for block in document.blocks:
        parts += _written(block, picture)
    return "\n\n".join(parts) + "\n"


def _written(block: Block, picture: str) -> Iterator[str]:
    match block:
        case Heading():
            yield f"{'#' * block.level} {escape(block.text)}"
        case Paragraph():
            yield _begun(block.text)
        case Facts():
            yield "\n".join(f"- **{escape(name)}:** {escape(value)}" for name, value in block.rows)
        case Table():
            yield "\n".join(_row(each) for each in (block.head, ("---",) * len(block.head), *block.rows))
        case Bullets():
            yield "\n".join(f"- {_begun(each)}" for each in block.items)
        case Picture() if picture:
            yield f"![{escape(block.timeline.title)}]({picture})"
        case Blank():
            yield f"**{escape(block.label)}**"
            yield "\n".join("- [ ] " + "_" * 60 for _ in range(block.lines))


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(each if each == "---" else escape(each) for each in cells) + " |"


def escape(text: str) -> str:
    """So that it is shown as it stands, in one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _begun(text: str) -> str:
    """At the beginning of a line, where ``1.`` and ``-`` would make a list."""
    return _LIST_LIKE.sub(lambda match: f"{match[1] or ''}\\{match[2] or match[3]}", escape(text))


def as_html(document: Document) -> str:
    """One file that needs no other."""
    return (
        _environment()
        .get_template("document.html")
        .render(
            document=document, kind=lambda block: type(block).__name__, svg=lambda each: Markup(as_svg(each))
        )
    )


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
