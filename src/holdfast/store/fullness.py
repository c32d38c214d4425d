"""Which accounts have no room left: found out beside the folding, told to whoever takes mail.

STORE-12 a full account's senders are asked to wait before anything is taken; what was accepted is
delivered however full. Nothing waits for this: what isn't known yet is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from holdfast.model.errors import Unavailable
from holdfast.model.mail import AccountId
from holdfast.store import events
from holdfast.store.reader import Readers
from holdfast.world import World

LOOK_S = 0.25  # between two looks at what has moved
AGAIN_S = 2.0  # full accounts are looked at again: their limit may be another one
SWEEP_S = 3600.0  # and all of them
ROWS = 100  # accounts looked at without letting others run

Told = Callable[[list[AccountId], list[AccountId]], object]


class Quotas(Protocol):
    """What ``directory.People`` gives. ``quotas_moved``: another number whenever a limit may be another."""

    quotas_moved: int

    def quota_of(self, account: AccountId) -> int:
        """Bytes, 0 for no limit. Raises ``Unavailable``."""
        ...


class Fullness:
    """Looks at usage in the indexes and at limits in the process's copy of the directory.

    ``full``: the accounts without room, and their cells; ``known``: all were looked at once.
    ``on_change(full, free)`` is told what changed, ``on_known()`` when ``known`` becomes true.
    """

    def __init__(self, world: World, readers: Readers, cells: int, quotas: Quotas) -> None:
        self._world = world
        self._readers = readers
        self._cells = cells
        self._quotas = quotas
        self._touched: dict[AccountId, int] = {}  # and its cell
        self.full: dict[AccountId, int] = {}
        self.known = False
        self.on_change: list[Told] = []
        self.on_known: list[Callable[[], object]] = []

    def moved(self, moved: Iterable[tuple[int, AccountId, int]]) -> None:
        """For ``StoreWriter.on_moved``."""
        for cell, account, _ in moved:
            self._touched[account] = cell

    async def run(self) -> None:
        """Until cancelled."""
        clock = self._world.clock
        swept: float | None = None
        again = clock.monotonic()
        limits = self._quotas.quotas_moved
        while True:
            now = clock.monotonic()
            try:
                moved = self._quotas.quotas_moved
                every_s = SWEEP_S if moved == limits else AGAIN_S  # one may have come down
                if swept is None or now - swept >= every_s:
                    await self._sweep()
                    swept, limits = now, moved
                    self._is_known()
                if now - again >= AGAIN_S:
                    self._touched = {**self.full, **self._touched}
                    again = now
                await self._look()
            except Unavailable:
                pass  # an index or the directory: another look finds it
            await clock.sleep(LOOK_S)

    def _is_known(self) -> None:
        if not self.known:
            self.known = True
            for tell in self.on_known:
                tell()

    async def _look(self) -> None:
        while self._touched:
            some = [self._touched.popitem() for _ in range(min(ROWS, len(self._touched)))]
            try:
                self._tell([(account, cell, self._usage(account, cell)) for account, cell in some])
            except Unavailable:
                self._touched = {**dict(some), **self._touched}
                raise
            await self._world.clock.sleep(0)

    async def _sweep(self) -> None:
        """All accounts that have mail, cell by cell; an index that can't be read is left to the next time."""
        for cell in range(self._cells):
            last = 0
            while True:
                try:
                    rows = self._readers.cell(cell).rows(
                        "SELECT id, bytes FROM account WHERE id>? ORDER BY id LIMIT ?", last, ROWS
                    )
                except Unavailable:
                    break
                if not rows:
                    break
                last = rows[-1][0]
                self._tell([(account, cell, size) for account, size in rows if size])
                await self._world.clock.sleep(0)

    def _usage(self, account: AccountId, cell: int) -> int:
        return self._readers.account(account, cell).usage().bytes

    def _tell(self, found: Iterable[tuple[AccountId, int, int]]) -> None:
        """Raises ``Unavailable`` when a limit can't be looked up: then nothing has changed."""
        full: dict[AccountId, int] = {}
        free: list[AccountId] = []
        for account, cell, used in found:
            limit = self._quotas.quota_of(account)
            if limit and used >= limit and account not in self.full:
                full[account] = cell
                self._world.journal.emit(events.ACCOUNT_FULL, account=account, bytes=used, limit=limit)
            elif account in self.full and (not limit or used < limit):
                free.append(account)
                self._world.journal.emit(events.ACCOUNT_HAS_ROOM, account=account, bytes=used, limit=limit)
        if not full and not free:
            return
        self.full.update(full)
        for account in free:
            del self.full[account]
        for tell in self.on_change:
            tell(list(full), free)
