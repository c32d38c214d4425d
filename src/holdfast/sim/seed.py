"""All randomness of a simulation comes from one number (SIM-1)."""

from __future__ import annotations

from random import Random  # noqa: TID251  # seeded, and handed out below

from holdfast.world.entropy import Raw, token_of

__all__ = ["Random", "SimEntropy", "stream"]


def stream(seed: int, *purpose: str) -> Random:
    """A generator of its own for each purpose, so that one more draw here changes nothing there."""
    return Random("/".join((str(seed), *purpose)))


class SimEntropy:
    __slots__ = ("_random",)

    def __init__(self, random: Random) -> None:
        self._random = random

    def bytes(self, n: int) -> Raw:
        return self._random.randbytes(n)

    def token(self, n: int = 16) -> str:
        return token_of(self._random.randbytes(n))

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)
