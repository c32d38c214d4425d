"""How often a password may be guessed: per login and network, and nobody else is concerned."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator

from holdfast.model.limits import WRONG_BURST, WRONG_ENTRIES, WRONG_EVERY_S
from holdfast.world import World

Key = tuple[int | str, str]


class WrongCounts:
    """Wrong passwords per login and network, as one number each: when it would be forgotten.

    WRONG_BURST at once, then one per WRONG_EVERY_S. Nothing here concerns the owner
    elsewhere, nor one whose password is known to be right.
    """

    __slots__ = ("_asked", "_clock", "_until")

    def __init__(self, world: World) -> None:
        self._clock = world.clock
        self._until: dict[Key, float] = {}
        self._asked: dict[Key, Counter[bytes]] = {}

    def wait_s(self, key: Key, digest: bytes = b"") -> float:
        """Seconds until another guess is allowed, 0 for now. ``digest``: this guess, begun before or not."""
        ahead = len(self._asked.get(key, {}).keys() - {digest})
        now = self._clock.monotonic()
        counted = max(0.0, self._until.get(key, now) - now)
        return max(0.0, counted - (WRONG_BURST - 1 - ahead) * WRONG_EVERY_S)

    @contextlib.contextmanager
    def asking(self, key: Key, digest: bytes) -> Iterator[None]:
        """A guess counts as soon as it is being checked: many at once are no way around the limit."""
        asked = self._asked.setdefault(key, Counter())
        asked[digest] += 1
        try:
            yield
        finally:
            asked[digest] -= 1
            if not asked[digest]:
                del asked[digest]
            if not asked:
                self._asked.pop(key, None)

    def count(self, key: Key) -> None:
        now = self._clock.monotonic()
        until = max(self._until.pop(key, now), now) + WRONG_EVERY_S
        if len(self._until) >= WRONG_ENTRIES:
            del self._until[next(iter(self._until))]
        self._until[key] = until
