"""What is searched for in texts, and whether it is there. RFC 8621 §4.4.1

Words, or phrases in quotation marks; all of them are to be found, in any order, whatever their case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from holdfast import mime
from holdfast.mime.structure import LEAF, Part
from holdfast.mime.text import html_text
from holdfast.model.limits import JMAP_SEARCH_TERMS

_TERM = re.compile(r'"((?:[^"\\]|\\.)*)"?|\'((?:[^\'\\]|\\.)*)\'|(\S+)')
_ESCAPED = re.compile(r"\\(.)")
_BLANKS = re.compile(r"\s+")


def terms(text: str) -> list[str]:
    """Folded; at most JMAP_SEARCH_TERMS. A quotation mark within a word is a letter of it."""
    found = (match[1] or match[2] or match[3] or "" for match in _TERM.finditer(text))
    folded = (" ".join(_ESCAPED.sub(r"\1", each).casefold().split()) for each in found)
    return [each for each in dict.fromkeys(folded) if each][:JMAP_SEARCH_TERMS]


def has_all(text: str, wanted: list[str]) -> bool:
    folded = text.casefold()
    if any("  " in folded or "\n" in folded for each in wanted if " " in each):
        folded = _BLANKS.sub(" ", folded)
    return all(each in folded for each in wanted)


def texts(root: Part) -> Iterator[str]:
    """What a message says: its texts, also those attached or in attached messages; of HTML the words."""
    for part in root.walk():
        if part.kind == LEAF and part.type == "text":
            text = mime.decode_text(part)
            yield html_text(text) if part.subtype == "html" else text
