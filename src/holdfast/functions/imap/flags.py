"""Flag sets as the wire has them, each text made once."""

from __future__ import annotations

from functools import lru_cache

from holdfast.model.mail import FIRST_KEYWORD_BIT
from holdfast.wire.imap.responses import FlagNames

# \Recent as a bit beside the kept ones: above all 64 of them, so that no keyword has it.
RECENT = 1 << 64


class FlagTexts(dict[int, bytes]):
    """``texts[flags]`` is ``(\\Seen work)``; a missing one is made and kept, so that a look-up is all
    that a row costs. ``RECENT`` may be among the bits."""

    __slots__ = ("names",)

    def __init__(self, keywords: tuple[str, ...]) -> None:
        super().__init__()
        self.names = FlagNames(keywords)

    def __missing__(self, flags: int) -> bytes:
        text = self[flags] = self.names.of(flags & (RECENT - 1), bool(flags & RECENT))
        return text


@lru_cache(maxsize=256)
def texts_for(keywords: tuple[str, ...]) -> FlagTexts:
    """The texts for an account with these keywords; accounts with the same ones share them."""
    return FlagTexts(keywords)


def keyword_bit(keywords: list[str], name: str) -> int:
    """The bit of a keyword; 0 for one the account doesn't know. Case is ignored (RFC 3501 §2.3.2)."""
    folded = name.lower()
    for place, keyword in enumerate(keywords):
        if keyword.lower() == folded:
            return 1 << (FIRST_KEYWORD_BIT + place)
    return 0
