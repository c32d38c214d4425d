"""How long a text message is: 3GPP TS 23.038 §6.2.1 (the alphabet), TS 23.040 §9.2.3.24.1 (parts)."""

from __future__ import annotations

import unicodedata

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWICE = frozenset("\f^{}\\[~]|€")  # an escape before them
_ONE, _PART = 160, 153  # septets of a message alone, and of one of several
_ONE_WIDE, _PART_WIDE = 70, 67  # UTF-16 units, where a letter isn't in the alphabet
_PLAIN = str.maketrans(
    {"„": '"', "“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "−": "-", "…": "...", "·": "-"}
)


def plain(text: str) -> str:
    """The same with the marks of a text message: no typographic quotes, dashes and spaces."""
    text = text.translate(_PLAIN)
    return "".join(" " if unicodedata.category(each) == "Zs" else each for each in text)


def segments(text: str) -> int:
    """How many messages it costs."""
    if all(each in _BASIC or each in _TWICE for each in text):
        septets = sum(1 + (each in _TWICE) for each in text)
        # an escaped letter isn't split: a part may end one septet early
        return 1 if septets <= _ONE else -(-septets // (_PART - (not _TWICE.isdisjoint(text))))
    units = len(text.encode("utf-16-le")) // 2
    return 1 if units <= _ONE_WIDE else -(-units // _PART_WIDE)
