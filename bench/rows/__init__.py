"""What is played. A program takes a peer and the number of the run, and returns measures by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.peers import Peer

Measures = dict[str, float]


@dataclass
class Stage:
    """What programs share: sizes of the day, and what was made once per peer."""

    quick: bool
    folder: Path
    made: set[tuple[str, str]] = field(default_factory=set)  # (peer, what)

    def once(self, peer: Peer, what: str) -> bool:
        """True the first time."""
        new = (peer.name, what) not in self.made
        self.made.add((peer.name, what))
        return new

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full


Program = Callable[[Peer, int, Stage], Measures]


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
