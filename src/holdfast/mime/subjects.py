"""What a subject is about, without what programs put around it. RFC 5256 §2.1"""

from __future__ import annotations

import re

_CHARACTERS = 500  # of a subject that are looked at
_BLOB = r"\[[^\[\]]*+\]\s*+"
# RFC 5256 knows re, fw and fwd; the others are what programs write in German, Dutch and the north.
_REPLY = rf"(?:re|fwd?|aw|wg|antw|sv|vs)\s*+(?:{_BLOB})?:"
_LEADER = re.compile(rf"(?:\s++|(?:{_BLOB})*+{_REPLY})++").match
_ONE_BLOB = re.compile(rf"{_BLOB}(?=\S)").match
_TRAILER = "(fwd)"


def base_subject(subject: str) -> str:
    """Of a decoded subject (``decode_header``); equal for a message and all answers to it. Case-folded."""
    text = " ".join(subject[:_CHARACTERS].casefold().split())
    while True:
        while text.endswith(_TRAILER):
            text = text[: -len(_TRAILER)].rstrip()
        text = _without_leaders(text)
        if not (text.startswith("[fwd:") and text.endswith("]")):
            return text
        text = text[len("[fwd:") : -1].strip()


def _without_leaders(text: str) -> str:
    while True:
        found = _LEADER(text) or _ONE_BLOB(text)
        if found is None:
            return text
        text = text[found.end() :]
