"""Which password checks go first while more are asked for than can be made, and which are put off.

SIGN-4 while checks wait for long, who has signed in rightly from a network goes first from there, and takes
the place of one who hasn't where none is free. While it is shed, all others have one thread, and SHED_PLACES
checks that run or wait; what doesn't fit is put off, never called wrong. What is remembered as right asks
nobody. Shedding ends by itself unless it is ordered again.
"""

from __future__ import annotations

import asyncio
import os.path
from collections import deque
from collections.abc import Callable
from hashlib import blake2b
from typing import Literal

import apsw

from holdfast.directory.events import HISTORY_DAMAGED, SHEDDING_BEGAN, SHEDDING_ENDED
from holdfast.directory.history import ENDING, right_from
from holdfast.model.limits import (
    CROWDED_KEPT_S,
    PUT_OFF_KEPT,
    PUT_OFF_S,
    SHED_KNOWN,
    SHED_LONGEST_S,
)
from holdfast.model.mail import AccountId
from holdfast.world import World

Why = Literal["full", "shed"]


class Shedding:
    """One per auth process. ``history``: the folder where all processes note their sign-ins.

    ``changed``: is called when it began or ended, or who is known is known now.
    ``sheds``: as it was last seen.
    """

    def __init__(self, world: World, history: str) -> None:
        self._world = world
        self._history = history
        self.changed: Callable[[], object] = lambda: None
        self._until = self._crowded_until = float("-inf")
        self._known: set[int] | None = None  # None: everybody is treated alike
        self._reading: asyncio.Task[None] | None = None
        self.sheds = False
        self._put_off: dict[Why, deque[float]] = {why: deque(maxlen=PUT_OFF_KEPT) for why in ("full", "shed")}

    async def order(self, for_s: float) -> int:
        """Until ``for_s`` seconds from now, 0 to end it at once. How many pairs of account and network are
        known."""
        if for_s <= 0:
            self._until = float("-inf")
            self._review()
            return 0
        self._until = self._world.clock.monotonic() + min(for_s, SHED_LONGEST_S)
        if self._known is None:
            await asyncio.shield(self._read_known())
        self._review()
        return len(self._known or ())

    def crowded(self) -> None:
        """Checks wait for long."""
        self._crowded_until = self._world.clock.monotonic() + CROWDED_KEPT_S
        if self._known is None:
            self._read_known()

    @property
    def at_work(self) -> bool:
        """Whether it is ordered, and it is known who is known."""
        self._review()
        return self.sheds

    def is_stranger(self, account: AccountId, network: str) -> bool:
        """Whether others go first."""
        self._review()
        return self._known is not None and _digest(account, network) not in self._known

    def learn(self, account: AccountId, network: str) -> None:
        """Its password was right."""
        if self._known is not None and len(self._known) < SHED_KNOWN:
            self._known.add(_digest(account, network))

    # what was put off

    def note(self, why: Why) -> None:
        self._put_off[why].append(self._world.clock.monotonic())

    def put_off(self) -> dict[tuple[str, ...], float]:
        """Within the last PUT_OFF_S seconds, by why; PUT_OFF_KEPT of each at most."""
        since = self._world.clock.monotonic() - PUT_OFF_S
        return {(why,): float(sum(at >= since for at in those)) for why, those in self._put_off.items()}

    # who is known

    def _read_known(self) -> asyncio.Task[None]:
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._take_known())
        return self._reading

    async def _take_known(self) -> None:
        try:
            self._known = await self._world.offload(_read, self._world, self._history)
        finally:
            self._reading = None
        self._review()
        self.changed()

    def _review(self) -> None:
        """What ended by itself has ended, and what began or ended is said once."""
        now = self._world.clock.monotonic()
        if now >= max(self._until, self._crowded_until):
            self._known = None
        sheds = self._known is not None and now < self._until
        if sheds != self.sheds:
            self.sheds = sheds
            if self._known is not None and sheds:
                self._world.journal.emit(SHEDDING_BEGAN, known=len(self._known))
            else:
                self._world.journal.emit(SHEDDING_ENDED)
            self.changed()


def _digest(account: AccountId, network: str) -> int:
    return int.from_bytes(blake2b(b"%d:%s" % (account, network.encode()), digest_size=8).digest())


def _read(world: World, folder: str) -> set[int]:
    """Blocks. What can't be read is passed over and reported: those are strangers, and still have their
    places."""
    known: set[int] = set()
    for name in world.disk.list(folder) if world.disk.exists(folder) else []:
        path = os.path.join(folder, name)
        if not name.endswith(ENDING):
            continue
        try:
            for account, network in right_from(world, path):
                if len(known) >= SHED_KNOWN:
                    return known
                known.add(_digest(account, network))
        except (apsw.Error, OSError) as error:
            world.journal.emit(HISTORY_DAMAGED, path=path, reason=str(error))
    return known
