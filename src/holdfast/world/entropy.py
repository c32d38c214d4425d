"""Randomness, from the world."""

from __future__ import annotations

import os
import random
from typing import Protocol

Raw = bytes  # the method `bytes` hides the builtin within the classes

TOKEN_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # 32 letters, none easily mistaken for another


class Entropy(Protocol):
    def bytes(self, n: int) -> Raw:
        """`n` bytes that no one can guess."""

    def token(self, n: int = 16) -> str:
        """`n` letters of 5 bits each, fit for file names, headers and URLs."""

    def uniform(self, low: float, high: float) -> float:
        """Evenly from `low` to `high`; for jitter, not for secrets."""


def token_of(raw: bytes) -> str:
    return "".join(TOKEN_LETTERS[byte & 31] for byte in raw)


class RealEntropy:
    """Asks the system each time: a forked child never repeats its parent."""

    __slots__ = ("_random",)

    def __init__(self) -> None:
        self._random = random.SystemRandom()

    def bytes(self, n: int) -> Raw:
        return os.urandom(n)

    def token(self, n: int = 16) -> str:
        return token_of(os.urandom(n))

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)
