"""Ids as programs see them: a letter that says of what, and the store's number in base 36.

They are made of numbers that come from frames, so they are the same after any rebuild, and no move changes
them (JMAPD-11).
"""

from __future__ import annotations

import re
from typing import Final

EMAIL, THREAD, MAILBOX, MESSAGE_BLOB, PART_BLOB = "m", "t", "b", "B", "P"

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_PART = re.compile(r"P([0-9a-z]+)((?:_[1-9][0-9]{0,4})+)").fullmatch


def id_of(kind: str, number: int) -> str:
    """``id_of(EMAIL, 71)`` → ``m1z``."""
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return kind + (digits or "0")


def number_of(kind: str, id: str) -> int | None:
    """The inverse; None for what such an id never is: another letter, other spellings of a number."""
    digits = id[1:]
    if id[:1] != kind or not digits or len(digits) > 13 or (digits[0] == "0" and digits != "0"):
        return None
    if not digits.isascii() or not digits.isalnum() or digits != digits.lower():
        return None
    number = int(digits, 36)
    return number if number < 1 << 63 else None


def part_blob(message: int, number: str) -> str:
    """The blob of a message's part, decoded: ``P1z_2_1`` is part 2.1."""
    return "_".join([id_of(PART_BLOB, message), *number.split(".")])


def read_part_blob(id: str) -> tuple[int, str] | None:
    """The message and the part's number."""
    match = _PART(id)
    message = number_of(PART_BLOB, PART_BLOB + match[1]) if match else None
    return None if match is None or message is None else (message, match[2][1:].replace("_", "."))
