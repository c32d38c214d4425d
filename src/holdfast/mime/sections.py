"""FETCH BODY[section]. RFC 3501 §6.4.5, RFC 9051 §6.4.5."""

from __future__ import annotations

import re
from typing import NamedTuple

from holdfast.mime.fields import iterate
from holdfast.mime.structure import LEAF, MESSAGE, MULTIPART, Part


class Section(NamedTuple):
    """``numbers``: the part, () for the message itself. ``what``: '' (all of it), HEADER, HEADER.FIELDS,
    HEADER.FIELDS.NOT, TEXT or MIME. ``names``: field names in lower case."""

    numbers: tuple[int, ...]
    what: str
    names: frozenset[bytes] = frozenset()


_SPEC = re.compile(
    r"(?P<numbers>(?:[1-9][0-9]{0,8}(?:\.(?=[0-9A-Z])|\Z))*)"
    r"(?P<what>HEADER(?:\.FIELDS(?:\.NOT)?)?|TEXT|MIME|)(?: \((?P<names>[^()]+)\))?\Z",
    re.IGNORECASE,
).match


def parse_section(spec: str) -> Section | None:
    """``2.1.HEADER.FIELDS (DATE FROM)`` → ``Section``; None when it isn't one."""
    match = _SPEC(spec)
    if match is None:
        return None
    numbers = tuple(int(number) for number in match["numbers"].split(".") if number)
    what = match["what"].upper()
    names = frozenset(name.strip('"').lower().encode("utf-8") for name in (match["names"] or "").split())
    if (what.startswith("HEADER.FIELDS")) != bool(names) or (what == "MIME" and not numbers):
        return None
    return Section(numbers, what, names)


def section(root: Part, spec: Section | str) -> list[memoryview] | None:
    """The octets asked for, as slices of the message (not copied); None when there is no such part.

    HEADER, TEXT and HEADER.FIELDS of a part that isn't a message are none; MIME is its header.
    What HEADER and MIME return ends with the empty line, if the message has one there.
    """
    asked = parse_section(spec) if isinstance(spec, str) else spec
    if asked is None:
        return None
    view = memoryview(root.message)
    what = asked.what
    if not asked.numbers:
        if what == "":
            return [view]
        return _of_message(root, asked, view)
    part = find_part(root, asked.numbers)
    if part is None:
        return None
    if what == "":
        return [view[part.body_start : part.end]]
    if what == "MIME":
        return [view[part.start : part.body_start]]
    return _of_message(part.children[0], asked, view) if part.kind == MESSAGE else None


def find_part(root: Part, numbers: tuple[int, ...]) -> Part | None:
    """The part with such a number: a message that isn't multipart has one part, 1, itself."""
    container: Part | None = root
    part = root
    for number in numbers:
        if container is None:
            return None
        if container.kind == MULTIPART:
            if number > len(container.children):
                return None
            part = container.children[number - 1]
        elif number == 1:
            part = container
        else:
            return None
        container = part if part.kind == MULTIPART else None if part.kind == LEAF else part.children[0]
    return part


def _of_message(message: Part, asked: Section, view: memoryview) -> list[memoryview]:
    if asked.what == "TEXT":
        return [view[message.body_start : message.end]]
    if asked.what == "HEADER":
        return [view[message.start : message.body_start]]
    chosen = asked.what == "HEADER.FIELDS"
    found = []
    end = message.start
    for field in iterate(message.message, message.start, message.body_start):
        end = field.end
        if (field.name in asked.names) == chosen:
            found.append(view[field.start : end])
    found.append(_EMPTY_LINE if chosen else view[end : message.body_start])
    return found


_EMPTY_LINE = memoryview(b"\r\n")
