"""Header fields with their offsets. RFC 5322 §2.2, §3.6, and what breaks it.

A field is a line with a colon and the lines behind it that begin with a blank. Names are
compared in lower case. A line without a colon is no field and belongs to none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class Field(NamedTuple):
    """``name``: lower case, blanks before the colon left out. ``start``/``end``: the whole field with
    its line ends; ``value_start``: behind the colon (offsets in the message). ``raw``: the value as it
    stands there, folded, blanks included, without the last line end."""

    name: bytes
    start: int
    value_start: int
    end: int
    raw: bytes

    @property
    def value(self) -> bytes:
        """The value without blanks at its begin, line ends as LF."""
        return cleaned(self.raw)


_FIELD = re.compile(rb"([^:\r\n]*+)(:?)([^\n]*+(?:\n[ \t][^\n]*+)*+)\n?").match


def iterate(message: bytes, start: int, end: int) -> Iterator[Field]:
    """Every field between two offsets (a header with or without its empty line).

    Lines without a colon come with the name b'' and are of no use but to be shown again.
    """
    at = start
    while at < end:
        match = _FIELD(message, at, end)
        if match is None or match.end() == at:
            return
        raw = match[3]
        if match[2]:
            name = match[1].rstrip(b" \t").lower()
            value_start = match.start(3)
        else:
            if match[0] in (b"\r\n", b"\n"):
                return
            name = b""
            raw = match[1] + raw
            value_start = at
        yield Field(name, at, value_start, match.end(), raw[:-1] if raw.endswith(b"\r") else raw)
        at = match.end()


def cleaned(value: bytes) -> bytes:
    """No blanks at the begin (but of a first line of blanks only), line ends as LF, none at the end."""
    if value[:1] in (b" ", b"\t"):
        stripped = value.lstrip(b" \t")
        value = stripped if stripped and stripped[0] not in b"\r\n" else value[1:]
    if b"\r" in value:
        if value.endswith(b"\r"):
            value = value[:-1]
        value = value.replace(b"\r\n", b"\n")
    return value


def _any_case(text: str) -> str:
    return "".join(f"[{c.upper()}{c.lower()}]" if c.isalpha() else re.escape(c) for c in text)


def _wanted(names: dict[str, tuple[str, ...]]) -> re.Pattern[bytes]:
    """Fields by name, their first letters apart so that a line of another field fails at once."""
    branches = [
        _any_case(begin) + "(?:" + "|".join(_any_case(end) for end in ends) + ")"
        for begin, ends in names.items()
    ]
    return re.compile(
        (
            "\n("
            + "|".join(branches)
            + ")[ \t]*+:(?:[ \t]*+(?=[^ \t\n])|[ \t]?)([^\n]*+(?:\n[ \t][^\n]*+)*+)"
        ).encode("ascii")
    )


_CONTENT: dict[str, tuple[str, ...]] = {
    "content-": (
        "type",
        "transfer-encoding",
        "disposition",
        "id",
        "description",
        "language",
        "location",
        "md5",
    )
}
_MESSAGE = {
    "mime-version": ("",),
    "date": ("",),
    "s": ("ubject", "ender"),
    "from": ("",),
    "re": ("ply-to", "ferences"),
    "to": ("",),
    "cc": ("",),
    "bcc": ("",),
    "in-reply-to": ("",),
    "message-id": ("",),
    **_CONTENT,
}
_of_part = _wanted(_CONTENT).findall
_of_message = _wanted(_MESSAGE).findall


def known(header: bytes, whole: bool) -> dict[bytes, list[bytes]]:
    """The fields that structure and ENVELOPE need: name → values as ``cleaned``, in their order.

    ``header`` begins with a line end. ``whole``: the header of a message, else of a part.
    """
    header = header.replace(b"\r\n", b"\n")
    found: dict[bytes, list[bytes]] = {}
    for name, value in _of_message(header) if whole else _of_part(header):
        name = name.lower()
        if name in found:
            found[name].append(value)
        else:
            found[name] = [value]
    return found
