"""The parts of care take their turns: each in a task of its own, so that one that fails or hangs stops no
other (TURNS-1).

A part is shown what is known and returns what is to be written down. Until that is durable it isn't asked
again (TURNS-2): a part may count on its own entries being in what it is shown.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from holdfast.care.events import PART_BACK, PART_FAILED
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.ledgers import INCIDENTS
from holdfast.model.limits import TURN_S, TURN_TOLD_S
from holdfast.watch.incidents import IncidentReader, Incidents
from holdfast.watch.incidents.record import AnyEntry
from holdfast.watch.now import Now, read_now
from holdfast.world import World


class Seen(NamedTuple):
    """``now``: None when nobody has watched for too long; then nothing is known of how it is."""

    incidents: Incidents
    now: Now | None
    at: float


class Part(Protocol):
    """``every_s``: between two turns."""

    name: str
    every_s: float

    async def turn(self, seen: Seen) -> list[AnyEntry]:
        """What is to be told. Raises ``Unavailable`` or ``OSError``: it is tried again next turn."""


Look = Callable[[], Seen]
Tell = Callable[[Sequence[AnyEntry]], Awaitable[None]]


class Sight:
    """What one part sees. Each has its own: what is new is folded in while nobody else reads it."""

    def __init__(self, world: World, folder: str, now_path: str) -> None:
        self._world = world
        self._folder = folder
        self._now_path = now_path
        self._reader: IncidentReader | None = None

    def __call__(self) -> Seen:
        """Blocks. Raises ``Unavailable`` while the ledger can't be read."""
        incidents, now = self._incidents(), read_now(self._world, self._now_path)
        if now is not None and now.held:  # in effect, and not in the ledger as that can't be written
            incidents = copy.deepcopy(incidents)
            incidents.apply(now.held)
        return Seen(incidents, now, self._world.clock.now())

    def _incidents(self) -> Incidents:
        if self._reader is None:
            if not self._world.disk.exists(f"{self._folder}/{INCIDENTS}"):
                return Incidents()  # nothing has ever happened
            self._reader = IncidentReader(self._world, self._folder)
        self._reader.catch_up()
        return self._reader.incidents


class Turns:
    """``sight`` makes each part's own look; ``tell`` returns when the entries are durable."""

    def __init__(self, world: World, sight: Callable[[], Look], tell: Tell) -> None:
        self._world = world
        self._sight = sight
        self._tell = tell

    async def run(self, parts: Iterable[Part]) -> None:
        """Until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(self._follow(part, self._sight()))

    async def _follow(self, part: Part, look: Look) -> None:
        untold: list[AnyEntry] = []
        failing = ""
        # its own thread: a look that hangs holds up no other part, and isn't overtaken by the next one
        thread = self._world.thread(f"look-{part.name}")
        while True:
            what, reason, told = "", "", False
            try:
                async with asyncio.timeout(TURN_S):
                    untold = untold or await part.turn(await thread.run(look))
                    if untold:
                        await self._tell(untold)
                        untold, told = [], True
            except Exception as error:  # Unavailable, OSError, late, or a fault of the part's own (TURNS-1)
                untold = [] if isinstance(error, Refused) else untold
                what = error.component if isinstance(error, Unavailable) else type(error).__name__
                reason = f"{type(error).__name__}: {error}"
            if what and what != failing:
                self._world.journal.emit(PART_FAILED, part=part.name, reason=reason)
            elif failing and not what:
                self._world.journal.emit(PART_BACK, part=part.name)
            failing = what
            # what was told is to be seen in the ledger a moment later
            await self._world.clock.sleep(max(part.every_s, TURN_TOLD_S) if told else part.every_s)
