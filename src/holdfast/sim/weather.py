"""How long a calm service takes for its answers, in rounds of ten seconds: what alarms are measured on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Protocol

DAY = 8640  # rounds


class Dice(Protocol):
    def gauss(self, mu: float, sigma: float) -> float: ...
    def random(self) -> float: ...


def calm(dice: Dice, rounds: int, spread: float = 0.3, lasts: float = 0.8) -> Iterator[float]:
    """Seconds: three times as slow by day as by night, with an outlier of fifty times in a thousand.

    Around that they scatter by ``spread`` (of logarithms), each keeping ``lasts`` of the one before.
    """
    weather = 0.0
    for number in range(rounds):
        weather = lasts * weather + math.sqrt(1 - lasts**2) * dice.gauss(0, spread)
        by_day = 1 + 2 * math.sin(2 * math.pi * number / DAY) ** 2
        outlier = 50.0 if dice.random() < 0.001 else 1.0
        yield 0.02 * by_day * math.exp(weather) * outlier
