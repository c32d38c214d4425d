"""What is due: walks the objects of all cells whose time has come, and hands each to who carries it out.

In one process of the role, worker 0. It wakes when the store tells that something moved, at the next time
that is known, and once in OUTBOX_HORIZON_S; after an outage what has piled up goes in waves.

JOUT-4 what is due is carried out once it can be, however often that failed; each try begins with what stands
in the store, so that it is no matter where the last one ended.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from holdfast.functions.jmap import events
from holdfast.functions.jmap.asking import Handler, Parts
from holdfast.functions.jmap.releasing import Releasing
from holdfast.functions.jmap.sendings import NOTICE, SUBMISSION
from holdfast.functions.jmap.snooze import Awakening, Snoozes
from holdfast.model.errors import Unavailable
from holdfast.model.limits import (
    OUTBOX_HORIZON_S,
    OUTBOX_LOOK_S,
    OUTBOX_RETRY_FIRST_S,
    OUTBOX_RETRY_LONGEST_S,
    OUTBOX_WAVE,
)
from holdfast.model.mail import AccountId
from holdfast.store import Due, MailStore
from holdfast.world import World

CarryOut = Callable[[Due], Awaitable[None]]
"""Of one kind. Raises ``Unavailable``: it is tried again."""

Key = tuple[AccountId, str, str]


class Outbox:
    """``kinds``: kind of object → what is done when one is due. ``await run()`` until it is cancelled; then
    what is under way comes to its end."""

    def __init__(self, world: World, store: MailStore, kinds: Mapping[str, CarryOut]) -> None:
        self._world = world
        self._store = store
        self._kinds = kinds
        self._woken = asyncio.Event()
        self._stirred: set[int] = set()  # cells to be looked at
        self._under_way: dict[Key, asyncio.Task[None]] = {}
        self._tries: dict[Key, tuple[int, float]] = {}  # failed, and not before (monotonic)
        self._pauses: dict[int, tuple[int, float]] = {}  # the same of cells that can't be read
        self._next = 0.0  # UTC seconds of what is due next

    def stirred(self, cells: set[int]) -> None:
        """Something moved in these cells; in any may have, for none."""
        self._stirred |= cells or set(self._store.cells())
        self._woken.set()

    async def run(self) -> None:
        end = self._store.watch_all(lambda moved: self.stirred({cell for cell, _, _ in moved}))
        try:
            await self._walk()
        finally:
            end()
            if self._under_way:
                await asyncio.wait(list(self._under_way.values()))

    async def _walk(self) -> None:
        while True:
            self._woken.clear()
            self._stirred = set(self._store.cells())
            whole_at = self._world.clock.monotonic() + OUTBOX_HORIZON_S
            self._next = self._world.clock.now() + OUTBOX_HORIZON_S
            while self._world.clock.monotonic() < whole_at:
                self._look()
                await self._rest(whole_at)

    async def _rest(self, whole_at: float) -> None:
        """Until something stirs or is due; then a moment, so that what stirs at once is looked at once."""
        clock = self._world.clock
        try:
            async with asyncio.timeout(max(0.0, min(self._wait(), whole_at - clock.monotonic()))):
                await self._woken.wait()
        except TimeoutError:
            return
        self._woken.clear()
        await clock.sleep(OUTBOX_LOOK_S)

    def _wait(self) -> float:
        """Seconds until the next is due, or may be tried again."""
        now = self._world.clock.monotonic()
        waiting = [at for key, (_, at) in self._tries.items() if key not in self._under_way]
        again = [at - now for at in (*waiting, *(at for _, at in self._pauses.values()))]
        return min(self._next - self._world.clock.now(), *again, OUTBOX_HORIZON_S)

    def _look(self) -> None:
        """Begin what is due in the cells that stirred, as much as a wave has room for."""
        now, monotonic = self._world.clock.now(), self._world.clock.monotonic()
        again = {key for key, (_, at) in self._tries.items() if at <= monotonic} - self._under_way.keys()
        if self._next <= now or again:
            self._stirred |= set(self._store.cells())
            self._next = now + OUTBOX_HORIZON_S
        self._stirred |= {cell for cell, (_, at) in self._pauses.items() if at <= monotonic}
        full: set[int] = set()
        for cell in sorted(self._stirred):
            if self._pauses.get(cell, (0, 0.0))[1] > monotonic:
                continue
            try:
                found = self._store.due(cell, int(self._next))
                self._pauses.pop(cell, None)
            except Unavailable:
                self._pauses[cell] = self._later(self._pauses.get(cell))
                continue
            for each in found:
                if each.due > now:
                    self._next = min(self._next, each.due)
                elif not self._begin(each, monotonic):
                    full.add(cell)
                    break
        self._stirred = full
        for key in again - self._under_way.keys():  # not due any more
            del self._tries[key]

    def _begin(self, due: Due, monotonic: float) -> bool:
        """False: there is no room in this wave."""
        key = (due.account, due.kind, due.id)
        carry_out = self._kinds.get(due.kind)
        if carry_out is None or key in self._under_way or self._tries.get(key, (0, 0.0))[1] > monotonic:
            return True
        if len(self._under_way) >= OUTBOX_WAVE:
            return False
        task = asyncio.get_running_loop().create_task(self._carry_out(key, due, carry_out))
        self._under_way[key] = task
        return True

    async def _carry_out(self, key: Key, due: Due, carry_out: CarryOut) -> None:
        """JOUT-4"""
        try:
            await carry_out(due)
            self._tries.pop(key, None)
        except Unavailable as error:
            self._failed(key, due, str(error), "")
        except Exception as error:
            where = "".join(traceback.format_exception(error)[-6:])
            self._failed(key, due, f"{type(error).__name__}: {error}", where)
        finally:
            del self._under_way[key]
            self.stirred({due.cell})

    def _failed(self, key: Key, due: Due, error: str, where: str) -> None:
        self._tries[key] = tries, at = self._later(self._tries.get(key))
        self._world.journal.emit(
            events.OUTBOX_PUT_OFF,
            account=due.account,
            kind=due.kind,
            id=due.id,
            tries=tries,
            again_s=round(at - self._world.clock.monotonic(), 3),
            error=error,
            where=where,
        )

    def _later(self, before: tuple[int, float] | None) -> tuple[int, float]:
        tries = 1 if before is None else before[0] + 1
        pause = min(OUTBOX_RETRY_FIRST_S * 2.0 ** min(tries - 1, 20), OUTBOX_RETRY_LONGEST_S)
        jitter = self._world.entropy.uniform(0.9, 1.1)
        return tries, self._world.clock.monotonic() + pause * jitter


async def run(parts: Parts) -> None:
    """All that is due in this installation, until it is cancelled."""
    releasing = Releasing(
        parts.world,
        parts.store,
        parts.people,
        parts.intake,
        hostname=parts.hostname,
        limits=parts.mail_limits,
        sending=parts.sending,
        fates=parts.fates,
    )
    kinds = {
        SUBMISSION: releasing.carry_out,
        NOTICE: releasing.carry_out,
        Snoozes.name: Awakening(parts.world, parts.store).carry_out,
    }
    await Outbox(parts.world, parts.store, kinds).run()


HANDLERS: Final[dict[str, Handler]] = {}
RUNS: Final = (run,)
