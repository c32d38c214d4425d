"""The part `customers first`: staff is alarmed and a function tried at once, where customers report what our
own trials haven't noticed. It tells the record nothing, so it waits for nobody who doesn't take it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from holdfast.care.reports.clustering import first
from holdfast.care.reports.events import CUSTOMERS_FIRST, STAFF_NOT_TOLD
from holdfast.care.reports.kept import Ahead, KeptReports
from holdfast.care.turns import Seen
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.limits import REPORT_APART_S, REPORTS_FIRST_S
from holdfast.watch.incidents import record as r
from holdfast.world import World


class CustomersFirstPart:
    """``look``: these functions are tried at once; ``alarm``: staff is told. Both raise ``Unavailable``, and
    ``alarm`` ``Refused`` where it never can be."""

    name = "customers first"
    every_s = 5.0

    def __init__(
        self,
        world: World,
        kept: KeptReports,
        look: Callable[[Collection[str]], Awaitable[None]],
        alarm: Callable[[Ahead], Awaitable[None]],
    ) -> None:
        self._world = world
        self._kept = kept
        self._look = look
        self._alarm = alarm
        self._to_look: set[str] = set()
        self._untold: list[Ahead] = []
        self._waits = False

    async def turn(self, seen: Seen) -> list[r.AnyEntry]:
        await self._notice(seen)
        await self._tell_staff()
        if self._to_look:
            await self._look(sorted(self._to_look))
            self._to_look.clear()
        return []

    async def _notice(self, seen: Seen) -> None:
        """Once for each function within REPORT_APART_S; that it was said outlives a restart."""
        found = first(await self._kept.since(seen.at - REPORTS_FIRST_S), seen.incidents, seen.at)
        said = {each.function for each in await self._kept.aheads(seen.at - REPORT_APART_S)} if found else ()
        for ahead in found:
            if ahead.function in said:
                continue
            await self._kept.note_ahead(ahead)
            self._world.journal.emit(
                CUSTOMERS_FIRST, function=ahead.function, people=ahead.people, first_at=ahead.first_at
            )
            self._to_look.add(ahead.function)
            self._untold.append(ahead)

    async def _tell_staff(self) -> None:
        """What is out of reach is tried again next turn, and keeps nothing else from being done."""
        while self._untold:
            try:
                await self._alarm(self._untold[0])
            except (Unavailable, Refused) as error:
                if not self._waits:
                    self._world.journal.emit(STAFF_NOT_TOLD, reason=error.text)
                self._waits = isinstance(error, Unavailable)
                if self._waits:
                    return
            self._waits = False
            del self._untold[0]
