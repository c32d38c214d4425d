"""How long a text message is: 3GPP TS 23.038 §6.2.1 (the alphabet), TS 23.040 §9.2.3.24.1 (parts)."""

from __future__ import annotations

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWICE = frozenset("\f^{}\\[~]|€")  # an escape before them
_ALL = _BASIC | _TWICE
_ONE, _PART = 160, 153  # septets of a message alone, and of one of several
_ONE_WIDE, _PART_WIDE = 70, 67  # UTF-16 units, where a letter isn't in the alphabet
_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_PLAIN = str.maketrans(
    {"„": '"', "“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "−": "-", "…": "...", "·": "-"}
    | dict.fromkeys(_SPACES, " ")
)


def plain(text: str) -> str:
    """The same with the marks of a text message: no typographic quotes, dashes and spaces."""
    return text.translate(_PLAIN)


def segments(text: str) -> int:
    """How many messages it costs."""
    letters = set(text)
    if letters <= _ALL:
        escaped = letters & _TWICE
        septets = len(text) + sum(map(text.count, escaped))
        # an escaped letter isn't split: a part may end one septet early
        return 1 if septets <= _ONE else -(-septets // (_PART - bool(escaped)))
    units = len(text.encode("utf-16-le")) // 2
    return 1 if units <= _ONE_WIDE else -(-units // _PART_WIDE)
