"""How often something may be tried: token buckets by key, each one number."""

from __future__ import annotations

from holdfast.model.errors import Unavailable
from holdfast.model.limits import PACE_KEYS
from holdfast.world import World

PACE = "pace"


class Pace:
    """``burst`` at once, then one per ``every_s`` seconds, for each key by itself.

    Bounded: beyond ``PACE_KEYS`` the key that was used longest ago is forgotten (PAGES-9).
    """

    __slots__ = ("_burst", "_clock", "_every_s", "_most", "_until")

    def __init__(self, world: World, *, burst: int, every_s: float, most: int = PACE_KEYS) -> None:
        self._clock = world.clock
        self._burst = burst
        self._every_s = every_s
        self._most = most
        self._until: dict[str, float] = {}  # when all that was used will have come back

    def wait_s(self, key: str) -> float:
        """Seconds until the next try is allowed; 0 for now."""
        owed = self._until.get(key, 0.0) - self._clock.monotonic()
        return max(0.0, owed - (self._burst - 1) * self._every_s)

    def use(self, key: str) -> float:
        """Takes one try if there is one: 0; else the seconds to wait, and nothing is taken."""
        wait = self.wait_s(key)
        if wait > 0:
            return wait
        now = self._clock.monotonic()
        until = max(self._until.pop(key, now), now) + self._every_s
        if len(self._until) >= self._most:
            del self._until[next(iter(self._until))]
        self._until[key] = until
        return 0.0

    def take(self, key: str) -> None:
        """Takes one try. Raises ``Unavailable("pace")``, which the site shows as 429, when there is none."""
        wait = self.use(key)
        if wait > 0:
            raise Unavailable(PACE, "tried too often", wait)

    def forget(self, key: str) -> None:
        """All tries come back: what was tried was right."""
        self._until.pop(key, None)

    def __len__(self) -> int:
        return len(self._until)
