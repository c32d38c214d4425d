"""Which passwords are refused: short ones, ones that many people have, one's own name.

NIST SP 800-63B §5.1.1.2: length and a list of what is guessed first; no rules of composition, no age.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from functools import cache
from importlib import resources

from holdfast.directory.credentials import password_bytes
from holdfast.model.limits import PASSWORD_BYTES, PASSWORD_LEAST

_OWN_LETTERS = 4  # a shorter name is in too many good passwords by chance
_OF_ITS_OWN = 6  # so many letters must be left when everything guessable is taken away
_LOOKS_LIKE = str.maketrans("4@3€1!0$57", "aaeeiiosst")
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertzuiopü", "qwertyuiop", "asdfghjklöä", "yxcvbnm")


class Weakness(enum.Enum):
    """Why a password is refused; the value names the text that says so."""

    SHORT = "weak.short"
    LONG = "weak.long"
    COMMON = "weak.common"
    OWN = "weak.own"


def weakness(password: str, own: Iterable[str] = ()) -> Weakness | None:
    """What is wrong with a new password; None: nothing. ``own``: the person's names and addresses."""
    if len(password) < PASSWORD_LEAST:
        return Weakness.SHORT
    if len(password_bytes(password)) > PASSWORD_BYTES:
        return Weakness.LONG
    plain = password.casefold()
    if _is_guessed(plain):
        return Weakness.COMMON
    words = {part for text in own for part in (text, *re.split(r"[\W_]+", text))}
    words = {word.casefold() for word in words if len(word) >= _OWN_LETTERS}
    rest = _without(plain, words)
    if rest != plain and sum(letter.isalnum() for letter in rest) < _OF_ITS_OWN:
        return Weakness.OWN
    return None


def _is_guessed(plain: str) -> bool:
    """A common password with nothing much around it, a row of keys, or a few letters again and again."""
    letters = re.sub(r"[\W_]+", "", plain)
    if len(set(letters)) < 4 or _is_row(letters) or _repeats(letters):
        return True
    bare = re.sub(r"^[\W_]+|[\W_]+$", "", plain)
    looks_like = bare.translate(_LOOKS_LIKE)
    forms = {letters, bare.strip("0123456789"), looks_like, re.sub(r"\d+$", "", bare).translate(_LOOKS_LIKE)}
    return any(re.sub(r"[\W_]+", "", form) in common() for form in forms)


def _is_row(text: str) -> bool:
    """Made of keys or letters that lie side by side: ``qwertzuiop``, ``abcdef123456``."""
    steps = {row[place : place + 2] for row in _ROWS for place in range(len(row) - 1)}
    steps |= {step[::-1] for step in steps}
    pairs = [text[place : place + 2] for place in range(len(text) - 1)]
    breaks = sum(pair not in steps and pair[0] != pair[1] for pair in pairs)
    return bool(pairs) and breaks <= len(text) // 6


def _repeats(text: str) -> bool:
    """``abcabcabc``: one piece of at most four letters, again and again."""
    return any(text == (text[:size] * len(text))[: len(text)] for size in range(1, 5))


def _without(plain: str, words: set[str]) -> str:
    """What stays when the person's own words are taken out."""
    for word in sorted(words, key=len, reverse=True):
        plain = plain.replace(word, "")
    return plain


@cache
def common() -> frozenset[str]:
    """What is guessed first, case folded; without the digits and signs people put around it."""
    text = resources.files(__package__).joinpath("common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(line.casefold() for line in text.splitlines() if line and not line.startswith("#"))
