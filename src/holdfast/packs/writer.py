"""Writing a ledger: appends join the running group commit and resolve when it is synced (PACK-1)."""

from __future__ import annotations

import asyncio
import errno
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from zlib import crc32

from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import FRAME_BODY_BYTES, GROUP_COMMIT_BYTES, MARK_IDLE_S, PACK_BYTES
from holdfast.model.mail import PackRef, Position
from holdfast.packs import format
from holdfast.packs.copies import Copy, CopyKeeper
from holdfast.packs.events import COMMITTED, PACK_FAILED, PACK_SEALED, PACK_STARTED, SEAL_FAILED, VOLUME_FULL
from holdfast.packs.recovery import Opened, Place, Unreadable, new_pack, open_ledger
from holdfast.packs.scan import read_safely
from holdfast.packs.sealing import seal
from holdfast.packs.shelf import component, ledger_folder, pack_path
from holdfast.packs.words import Buffer, CopyLag, NewFrame, Recovery, Written
from holdfast.world import File, World

# A frame ready to be written but for its sequence and place:
# kind, account, cell list, parts of the body, body's size and checksum, whole size.
_Ready = tuple[int, int, bytes, tuple[Buffer, ...], int, int, int]

_PAGE_BYTES = 4096
_PADDING = tuple(bytes(n) for n in range(8))
_CELLS = 65_535
_RETRY_S = 5.0
_UNREADABLE_WAITS_S = (0.2, 1.0, 4.0)


class _Waiting:
    """One `submit` on its way."""

    __slots__ = ("frames", "future", "size")

    def __init__(self, future: asyncio.Future[list[Written]], frames: list[_Ready], size: int) -> None:
        self.future = future
        self.frames = frames
        self.size = size


class LedgerWriter:
    """The one writer of a ledger (PACK-7). Made by ``open``; its methods belong to the event loop."""

    recovered: Recovery
    durable: Position
    on_durable: list[Callable[[Position], object]]

    def __init__(
        self,
        world: World,
        volume_folder: str,
        ledger_name: str,
        opened: Opened,
        *,
        pack_bytes: int,
        group_wait_s: float,
        keepers: list[CopyKeeper],
        copies_required: int,
    ) -> None:
        """Used by ``open`` only."""
        self.component = component(volume_folder, ledger_name)
        self.recovered = opened.recovery
        self.durable = Position(opened.place.number, opened.place.end)
        self.on_durable = []
        self._world = world
        self._volume = volume_folder
        self._ledger = ledger_name
        self._folder = ledger_folder(volume_folder, ledger_name)
        self._lock = opened.lock
        self._pack_bytes = pack_bytes
        self._group_wait_s = group_wait_s
        self._keepers = keepers
        self._copies_required = copies_required
        self._thread = world.thread(f"packs {self.component}")
        self._loop = asyncio.get_running_loop()
        self._place = opened.place
        self._file: File = opened.place.file
        self._number = opened.place.number
        self._seed = opened.place.seed
        self._end = opened.place.end
        self._next = opened.place.next_sequence
        self._failed = False  # the open pack is never written again: the next batch begins a new one
        self._waiting: deque[_Waiting] = deque()
        self._task: asyncio.Task[None] | None = None
        self._background: set[asyncio.Task[None]] = set()
        self._closed = False
        self._acknowledged = opened.recovery.acknowledged
        self._marked = (-1, self._acknowledged)  # where the last mark ends, and what it told
        self._mark_wanted = False
        self._idle_timer = False

    @classmethod
    async def open(
        cls,
        world: World,
        volume_folder: str,
        ledger_name: str,
        *,
        copies: Sequence[str] = (),
        trailing: Sequence[str] = (),
        copies_required: int = 0,
        pack_bytes: int = PACK_BYTES,
        group_wait_s: float = 0,
    ) -> LedgerWriter:
        """Recovers what the last writer left (see ``recovered``) and makes the ledger ready for appends.

        ``copies``, ``trailing``: further volumes that get everything, before an append
        resolves and after it. ``copies_required``: how many of ``copies`` must have a
        batch, or it is refused. ``group_wait_s``: how long a batch waits for company.
        Raises ``Unavailable``: another writer has it, or the disk fails.
        """
        opened = await _open_patiently(world, volume_folder, ledger_name, (*copies, *trailing))
        name = component(volume_folder, ledger_name)
        folder = ledger_folder(volume_folder, ledger_name)
        keepers = [
            CopyKeeper(world, name, Copy(world, folder, ledger_folder(volume, ledger_name)), volume in copies)
            for volume in (*copies, *trailing)
        ]
        writer = cls(
            world,
            volume_folder,
            ledger_name,
            opened,
            pack_bytes=pack_bytes,
            group_wait_s=group_wait_s,
            keepers=keepers,
            copies_required=copies_required,
        )
        for keeper in keepers:
            keeper.start(writer.durable)
        for number, end in opened.unsealed:
            writer._in_background(writer._seal(number, end))
        return writer

    @property
    def identity(self) -> bytes:
        return self._place.identity

    @property
    def next_sequence(self) -> int:
        """The sequence the next frame gets that is written."""
        return self._next

    # Taking frames

    async def append(self, frames: Sequence[NewFrame], acknowledged: int | None = None) -> list[Written]:
        """Resolves when all frames are durable. Raises ``Unavailable`` when none of them is acknowledged.

        ``acknowledged``: the last sequence up to which everything was acknowledged to its
        client, or named in a STARTED frame; it is recorded with this batch.
        """
        return await self.submit(frames, acknowledged)

    def submit(
        self, frames: Sequence[NewFrame], acknowledged: int | None = None
    ) -> asyncio.Future[list[Written]]:
        """As ``append``, without a task. Raises ``Refused`` for a frame that can't be."""
        future: asyncio.Future[list[Written]] = self._loop.create_future()
        if self._closed:
            future.set_exception(Unavailable(self.component, "closed", _RETRY_S))
            return future
        ready: list[_Ready] = []
        total = 0
        for kind, body, account, cells in frames:
            parts = body if isinstance(body, tuple) else (body,)
            size = check = 0
            for part in parts:
                size += len(part)
                check = crc32(part, check)
            if not 0 < kind < format.FIRST_INTERNAL or not 0 <= account < 1 << 64:
                raise Refused(Reason.BAD_SYNTAX, f"not a kind of frame, or not an account: {kind}, {account}")
            if size > FRAME_BODY_BYTES or len(cells) > _CELLS:
                raise Refused(Reason.TOO_LARGE, f"a frame of {size} bytes for {len(cells)} cells")
            packed = format.cell_list(cells) if cells else b""
            whole = (format.HEAD_BYTES + len(packed) + size + 7) & ~7
            ready.append((kind, account, packed, parts, size, check, whole))
            total += whole
        if acknowledged is not None:
            self.mark(acknowledged)
        self._waiting.append(_Waiting(future, ready, total))
        if self._task is None:
            self._task = self._loop.create_task(self._run())
        return future

    def mark(self, acknowledged: int) -> None:
        """Tells that everything up to ``acknowledged`` was acknowledged; written with the next batch.

        If none comes, it is written by itself after a moment.
        """
        if acknowledged >= self._next:
            raise ValueError(f"{acknowledged} was never written")
        if self._acknowledged is None or acknowledged > self._acknowledged:
            self._acknowledged = acknowledged
            self._mark_when_idle()

    # Group commit

    async def _run(self) -> None:
        try:
            while self._waiting or self._mark_wanted:
                if self._group_wait_s and self._waiting:
                    await self._world.clock.sleep(self._group_wait_s)
                batch = self._take()
                try:
                    await self._commit(batch)
                except Exception as error:  # whatever it is: nobody waits for ever, and no frame is doubtful
                    if not isinstance(error, OSError):
                        await self._handle_failure("commit", OSError(str(error)), len(batch))
                    self._refuse(batch, str(error))
        finally:
            self._task = None
        self._mark_when_idle()

    def _take(self) -> list[_Waiting]:
        """What goes into the next batch: at most GROUP_COMMIT_BYTES, unless one submit has more."""
        self._mark_wanted = False
        batch: list[_Waiting] = []
        size = 0
        while self._waiting:
            size += self._waiting[0].size
            if batch and size > GROUP_COMMIT_BYTES:
                break
            batch.append(self._waiting.popleft())
        return batch

    async def _commit(self, batch: list[_Waiting]) -> None:
        if self._failed or (batch and self._end >= self._pack_bytes):
            await self._begin_pack()
        buffers, results, end, sequence = self._encode(batch)
        told, frames = self._acknowledged, sequence - self._next
        begun = self._world.clock.monotonic()
        if self._keepers:
            step, error = await self._write_everywhere(buffers)
        else:
            step, error = await self._thread.run(_write, self._file, buffers)
        if error is not None:
            await self._handle_failure(step, error, frames)
            self._refuse(batch, f"{step} failed: {error}")
            return
        self._world.journal.emit(
            COMMITTED,
            ledger=self.component,
            frames=frames,
            bytes=end - self._end,
            seconds=self._world.clock.monotonic() - begun,
        )
        self._end, self._next = end, sequence
        self._marked = (end if not batch else -1, told)
        self.durable = position = Position(self._number, end)
        for keeper in self._keepers:
            keeper.announce(position)
        for callback in self.on_durable:
            callback(position)
        for waiting, written in zip(batch, results):
            if not waiting.future.done():
                waiting.future.set_result(written)

    async def _write_everywhere(self, buffers: list[Buffer]) -> tuple[str, OSError | None]:
        """The ledger and its live copies at the same time. A copy that fails falls behind, no more."""
        live = [keeper for keeper in self._keepers if keeper.live]
        if len(live) < self._copies_required:
            return "copy", OSError(errno.EAGAIN, "too few copies are in reach")
        ours = self._thread.run(_write, self._file, buffers)
        theirs = [keeper.write(self._number, self._end, buffers) for keeper in live]
        step, error = await ours
        good = 0
        for keeper, outcome in zip(live, theirs):
            try:
                await outcome
                good += 1
            except OSError as lost:
                keeper.lost(lost)
        if error is None and good < self._copies_required:
            return "copy", OSError(errno.EAGAIN, "too few copies could be written")
        return step, error

    def _encode(self, batch: list[_Waiting]) -> tuple[list[Buffer], list[list[Written]], int, int]:
        """The batch's bytes, where its frames will be, its end and the sequence after it."""
        number, seed, at, sequence = self._number, self._seed, self._end, self._next
        buffers: list[Buffer] = []
        results: list[list[Written]] = []
        before = format.mark_bytes(sequence - 1, self._acknowledged, seed, at)  # or the last frame's padding
        at += format.HEAD_BYTES
        head_bytes, make = format.head_bytes, tuple.__new__  # spares a call for each tuple
        for waiting in batch:
            written: list[Written] = []
            for kind, account, cells, parts, size, check, whole in waiting.frames:
                buffers.append(before + head_bytes(kind, sequence, account, cells, size, check, seed, at))
                buffers += parts
                before = _PADDING[-(len(cells) + size) & 7]
                written.append(make(Written, (make(PackRef, (number, at, whole)), sequence)))
                at += whole
                sequence += 1
            results.append(written)
        if before:
            buffers.append(before)
        return buffers, results, at, sequence

    def _refuse(self, batch: list[_Waiting], text: str) -> None:
        for waiting in batch:
            if not waiting.future.done():
                waiting.future.set_exception(Unavailable(self.component, text, _RETRY_S))

    # When the disk fails

    async def _handle_failure(self, step: str, error: OSError, frames: int) -> None:
        """A full disk, or too few copies: what arrived of the batch is cut off. Anything else: PACK-2."""
        full = step == "write" and error.errno in (errno.ENOSPC, errno.EDQUOT)
        if full or step == "copy":
            try:
                await self._thread.run(self._file.truncate, self._end)
            except OSError as worse:
                error = worse
            else:
                if full:
                    self._world.journal.emit(
                        VOLUME_FULL, ledger=self.component, pack=self._number, frames=frames
                    )
                return
        self._failed = True
        self._world.journal.emit(
            PACK_FAILED, ledger=self.component, pack=self._number, step=step, error=str(error), frames=frames
        )

    async def _begin_pack(self) -> None:
        """The next pack. Raises ``OSError``: then the old state stays and the next batch tries again."""
        failed, old, end = self._failed, self._number, self._end
        try:
            place = await self._thread.run(self._make_next)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                self._world.journal.emit(VOLUME_FULL, ledger=self.component, pack=old, frames=0)
            raise
        self._go_on_at(place)
        self._failed = False
        self._world.journal.emit(PACK_STARTED, ledger=self.component, pack=place.number)
        for keeper in self._keepers:
            keeper.announce(Position(place.number, place.end))
        if not failed:
            self._in_background(self._seal(old, end))

    def _make_next(self) -> Place:
        rescue = None
        if self._failed:
            # The failed write may have been of a page that begins with acknowledged frames.
            start = max(format.FIRST_OFFSET, self._end & -_PAGE_BYTES)
            fresh = self._world.disk.open(pack_path(self._folder, self._number), write=False)
            data = read_safely(fresh, start, self._end - start)
            rescue = (start, data) if data else None
        return new_pack(
            self._world, self._folder, self._ledger, self._number + 1, self._place.identity, self._next,
            previous_end=self._end, failed=self._failed, acknowledged=self._acknowledged, rescue=rescue,
        )  # fmt: skip

    def _go_on_at(self, place: Place) -> None:
        self._place = place
        self._file = place.file
        self._number = place.number
        self._seed = place.seed
        self._end = place.end
        self._next = place.next_sequence

    # Beside the commits

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _seal(self, number: int, end: int) -> None:
        try:
            footer = await self._world.offload(seal, self._world, self._folder, number, end)
        except OSError as error:
            self._world.journal.emit(SEAL_FAILED, ledger=self.component, pack=number, error=str(error))
            return
        if footer is None:
            self._world.journal.emit(SEAL_FAILED, ledger=self.component, pack=number, error="damaged")
            return
        self._world.journal.emit(
            PACK_SEALED, ledger=self.component, pack=number, frames=footer.frames, bytes=end
        )
        for keeper in self._keepers:
            try:
                await keeper.sealed(number)
            except OSError as error:
                keeper.lost(error)

    def _mark_due(self) -> bool:
        return not self._failed and self._marked != (self._end, self._acknowledged) and self._next > 1

    def _mark_when_idle(self) -> None:
        if not self._idle_timer and not self._closed and self._mark_due():
            self._idle_timer = True
            self._world.clock.call_later(MARK_IDLE_S, self._idle)

    def _idle(self) -> None:
        self._idle_timer = False
        if not self._closed and self._mark_due() and self._task is None:
            self._mark_wanted = True
            self._task = self._loop.create_task(self._run())

    def copies(self) -> list[CopyLag]:
        """How far each copy is behind, synchronous ones first."""
        return [keeper.lag(self._pack_bytes) for keeper in self._keepers]

    async def close(self) -> None:
        """Waits for what was submitted, writes a last mark, and lets go of the ledger."""
        if self._closed:
            return
        self._closed = True
        while self._task is not None:
            await asyncio.wait([self._task])
        if self._mark_due():
            try:
                await self._commit([])
            except (OSError, Unavailable):
                pass  # the next opening is then less sure of its last frames; nothing else
        for task in list(self._background):
            await asyncio.wait([task])
        for keeper in self._keepers:
            await keeper.close()
        self._thread.close()
        self._file.close()
        self._lock.release()


async def _open_patiently(world: World, volume: str, ledger_name: str, copies: tuple[str, ...]) -> Opened:
    """A disk that refuses to read gets a few seconds; then what it keeps to itself counts as damaged."""
    thread = world.thread(f"open {ledger_name}")
    try:
        for wait in _UNREADABLE_WAITS_S:
            try:
                return await thread.run(open_ledger, world, volume, ledger_name, copies, True)
            except Unreadable:
                await world.clock.sleep(wait)
        return await thread.run(open_ledger, world, volume, ledger_name, copies, False)
    finally:
        thread.close()


def _write(file: File, buffers: list[Buffer]) -> tuple[str, OSError | None]:
    try:
        file.append(*buffers)
    except OSError as error:
        return "write", error
    try:
        file.sync()
    except OSError as error:
        return "sync", error
    return "", None
