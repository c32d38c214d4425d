"""The cells of one volume, being written: each ready, or behind and catching up by itself.

STORE-5 one cell that can't be written or is being rebuilt holds back no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Sequence

import apsw

from holdfast.model.errors import Unavailable
from holdfast.model.ledgers import ELSEWHERE
from holdfast.model.limits import INDEX_ANEW_PAUSE_S
from holdfast.model.mail import START, AccountId, Position
from holdfast.store import commands as c
from holdfast.store import events, schema
from holdfast.store.fold import CellFold, ReadFrame
from holdfast.store.frames import Item
from holdfast.store.index import IndexPlace, component
from holdfast.store.replay import Group, Volume
from holdfast.world import World

BATCH_ITEMS = 256  # folded in one transaction while rebuilding
RETRY_S = 1.0
_ANEW = (
    "ahead",
    "damaged",
    "Corrupt",
    "NotADB",
    "Constraint",
    "UnicodeDecode",
)  # reasons an index isn't opened again


class Cells:
    """Folds groups into the indexes they concern; remembers how far all have come (``head``)."""

    def __init__(
        self, world: World, place: IndexPlace, volume: Volume, rebuild_volume: Volume, count: int
    ) -> None:
        self._world = world
        self._place = place
        self._volume = volume
        self._rebuild_volume = rebuild_volume  # readers of its own: used by the rebuilding thread
        self._rebuilder = world.thread("rebuild")
        self._ready: dict[int, CellFold] = {}
        self._behind: dict[int, str] = {}  # and why
        self._next_anew: dict[int, float] = {}  # when a reader's word will do again
        self._fresh: dict[int, CellFold] = {}  # being made anew, by the rebuilding thread
        self._restorer: asyncio.Task[None] | None = None
        self.count = count
        self.head = START

    def unavailable(self, cell: int) -> Unavailable | None:
        """Why the cell can't take commands now, or None."""
        if cell in self._ready:
            return None
        if not 0 <= cell < self.count:
            return Unavailable(component(cell), f"there are cells 0 to {self.count - 1}")
        return Unavailable(component(cell), "its index is being made whole", retry_after_s=5.0)

    @property
    def behind(self) -> list[int]:
        return sorted(self._behind)

    @property
    def rebuilt(self) -> Position | None:
        """How far those that are made anew have come on their way to ``head``; None when none is."""
        return min((fold.position for fold in self._fresh.values()), default=None)

    def open(self, head: Position) -> None:
        """Open every index and bring those that are there up to ``head`` in one pass."""
        self.head = head
        for cell in range(self.count):
            db = self._place.open_writer(cell)
            if db is not None:
                self._ready[cell] = self._fold(db, cell)
        # An index ahead of its ledger belongs to another ledger, or the ledger lost its end.
        for cell, fold in list(self._ready.items()):
            if fold.position > head:
                self._fall_behind(cell, "index is ahead of the ledger")
        if self._ready:
            begin = min(fold.position for fold in self._ready.values())
            for batch in _batched(self._volume.replay(begin, head)):
                self.fold(batch)
        for cell in range(self.count):
            if cell not in self._ready and cell not in self._behind:
                self._fall_behind(cell, "index is missing")

    def _fold(self, db: apsw.Connection, cell: int, volume: Volume | None = None) -> CellFold:
        read: ReadFrame = (volume or self._volume).read_frame
        return CellFold(db, cell, read_frame=read)

    def fold(self, groups: Sequence[Group]) -> list[c.AnyOutcome | Unavailable | None]:
        """Fold groups into all cells they concern; one outcome per item, in order.

        The groups may begin before a cell's own position: what it has is left out.
        """
        outcomes: list[c.AnyOutcome | Unavailable | None] = []
        per_cell: dict[int, tuple[list[int], list[Item]]] = {}
        for group in groups:
            for item in group.items:
                outcomes.append(None)
                for cell in item.frame.cells or ():
                    fold = self._ready.get(cell)
                    if fold is None:
                        outcomes[-1] = self.unavailable(cell) if cell != ELSEWHERE else None
                    elif group.after > fold.position:
                        places, items = per_cell.setdefault(cell, ([], []))
                        places.append(len(outcomes) - 1)
                        items.append(item)
        after = groups[-1].after
        for cell, (places, items) in per_cell.items():
            for place, outcome in zip(places, self._apply(cell, items, after)):
                if outcome is not None:
                    outcomes[place] = outcome
        self.head = max(self.head, after)
        return outcomes

    def _apply(
        self, cell: int, items: list[Item], after: Position
    ) -> Sequence[c.AnyOutcome | Unavailable | None]:
        fold = self._ready[cell]
        try:
            return fold.apply(items, after)
        except schema.UNREADABLE as error:
            fold.rollback_buffers()
            self._fall_behind(cell, f"{type(error).__name__}: {error}")
            return [Unavailable(component(cell), str(error))] * len(items)

    def take_touched(self) -> list[tuple[int, AccountId, int]]:
        """(cell, account, modseq) of every account that changed since the last call."""
        found = []
        for cell, fold in self._ready.items():
            if fold.touched:
                found += [(cell, account, modseq) for account, modseq in fold.touched.items()]
                fold.touched = {}
        return found

    def note_head(self) -> None:
        """Write ``head`` into every ready index, so that the next start has little to read."""
        for cell, fold in self._ready.items():
            if fold.position < self.head:
                self._apply(cell, [], self.head)

    def check_files(self) -> None:
        """Look whether somebody removed or replaced an index; if so it is made anew. STORE-6."""
        for cell in list(self._ready):
            if not self._place.intact(cell):
                self._fall_behind(cell, "index file is gone", keep_serving=True)

    def damaged(self, cell: int) -> None:
        """A reader met damage, which may be nowhere that folding leads: it is made anew, at most once in
        ``INDEX_ANEW_PAUSE_S`` on such a word."""
        now = self._world.clock.monotonic()
        if cell in self._ready and now >= self._next_anew.get(cell, now):
            self._next_anew[cell] = now + INDEX_ANEW_PAUSE_S
            self._fall_behind(cell, "damaged: a reader met it")

    def _fall_behind(self, cell: int, why: str, keep_serving: bool = False) -> None:
        """Begin to catch up. While a removed index is rebuilt, its open file still serves."""
        if cell in self._behind:
            return
        if not keep_serving:
            fold = self._ready.pop(cell, None)
            if fold is not None:
                fold.db.close()
        self._world.journal.emit(events.INDEX_BEHIND, cell=cell, error=why)
        self._behind[cell] = why
        if self._restorer is None or self._restorer.done():
            self._restorer = asyncio.get_running_loop().create_task(self._restore())

    async def _restore(self) -> None:
        """Until no cell is behind: catch up those whose index can be opened, make the others anew."""
        while self._behind:
            await self._world.clock.sleep(0)  # so that all that were found missing together go together
            anew: list[int] = []
            for cell, why in list(self._behind.items()):
                keep = cell not in self._ready and not any(word in why for word in _ANEW)
                db = self._place.open_writer(cell) if keep else None
                if db is None:
                    anew.append(cell)
                else:
                    await self._attempt([cell], self._catch_up(cell, db))
            if anew:
                await self._attempt(anew, self._rebuild(anew))
            if self._behind:
                await self._world.clock.sleep(RETRY_S)

    async def _attempt(self, cells: list[int], work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except (*schema.UNREADABLE, OSError, Unavailable) as error:
            for cell in cells:
                if cell in self._behind:
                    self._behind[cell] = why = f"{type(error).__name__}: {error}"
                    self._world.journal.emit(events.INDEX_BEHIND, cell=cell, error=why)

    async def _catch_up(self, cell: int, db: apsw.Connection) -> None:
        """From the index's own position to the head, letting others run in between."""
        fold = self._fold(db, cell)
        while fold.position < self.head:
            for batch in _batched(self._volume.replay(fold.position, self.head, cell)):
                fold.apply([item for group in batch for item in group.items], batch[-1].after)
                await self._world.clock.sleep(0)
        self._ready[cell] = fold
        del self._behind[cell]

    async def _rebuild(self, cells: list[int]) -> None:
        """Fold the whole ledger into fresh indexes, in a thread and in one pass, then put them in place."""
        world, begun = self._world, self._world.clock.monotonic()
        for cell in cells:
            world.journal.emit(events.INDEX_REBUILDING, cell=cell, reason=self._behind[cell])
        fresh = {cell: self._fold(self._place.open_fresh(cell), cell, self._rebuild_volume) for cell in cells}
        self._fresh = fresh
        try:
            frames = await self._rebuilder.run(rebuild, fresh, self._rebuild_volume, self.head)
        finally:
            self._fresh = {}
        rebuild(fresh, self._volume, self.head)  # what came meanwhile: no await from here on
        for cell, fold in fresh.items():
            old = self._ready.pop(cell, None)
            if old is not None:
                old.db.close()
            self._ready[cell] = self._fold(self._place.adopt(cell, fold.db), cell)
            del self._behind[cell]
            world.journal.emit(
                events.INDEX_REBUILT,
                cell=cell,
                frames=frames[cell],
                seconds=round(world.clock.monotonic() - begun, 3),
                bad_frames=fold.bad_frames,
            )

    async def wait_whole(self, patience_s: float) -> None:
        """Return when no cell is behind, or after ``patience_s`` seconds."""
        if self._restorer is not None:
            await asyncio.wait([self._restorer], timeout=patience_s)

    async def close(self) -> None:
        if self._restorer is not None:
            self._restorer.cancel()
        self.note_head()
        for fold in self._ready.values():
            fold.db.close()
        self._rebuilder.close()


def rebuild(folds: dict[int, CellFold], volume: Volume, until: Position) -> dict[int, int]:
    """Fold everything up to ``until`` into several cells in one pass; how many frames concerned each.

    For one cell only its own frames are read; for several, all of them once.
    """
    frames = dict.fromkeys(folds, 0)
    begin = min(fold.position for fold in folds.values())
    if begin >= until:
        return frames
    only = next(iter(folds)) if len(folds) == 1 else None
    for batch in _batched(volume.replay(begin, until, only), BATCH_ITEMS * min(len(folds), 16)):
        per_cell: dict[int, list[Item]] = {cell: [] for cell in folds}
        for group in batch:
            for item in group.items:
                for cell in item.frame.cells or ():
                    if cell in per_cell:
                        per_cell[cell].append(item)
        for cell, items in per_cell.items():
            if items or batch[-1].after == until:
                folds[cell].apply(items, batch[-1].after)
                frames[cell] += len(items)
    return frames


def _batched(groups: Iterator[Group], most: int = BATCH_ITEMS) -> Iterator[list[Group]]:
    batch: list[Group] = []
    count = 0
    for group in groups:
        batch.append(group)
        count += len(group.items)
        if count >= most:
            yield batch
            batch, count = [], 0
    if batch:
        yield batch
