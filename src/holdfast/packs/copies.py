"""Copies of a ledger on other volumes: the same folder, the same packs, byte for byte.

``Copy`` is the blocking half and runs in the copy's own thread; ``CopyKeeper`` decides
in the event loop when it takes part in the group commit and when it catches up.
"""

from __future__ import annotations

import asyncio
import errno
import posixpath
from collections.abc import Callable

from holdfast.model.limits import MIB
from holdfast.model.mail import Position
from holdfast.packs import format
from holdfast.packs.events import COPY_CAUGHT_UP, COPY_LOST
from holdfast.packs.scan import CHUNK_BYTES, last_mark, read_safely, walk
from holdfast.packs.shelf import OpenPack, pack_numbers, pack_path
from holdfast.packs.words import BadFrame, Buffer, CopyLag, Frame
from holdfast.world import File, World

_PAGE_BYTES = 4096
_JOIN_LAG_BYTES = 4 * MIB  # a copy that lacks no more than this joins the group commit again
_TRAIL_S = 0.1  # a trailing copy is synced no more often
_RETRY_FIRST_S = 0.5
_RETRY_LONGEST_S = 30.0


class Copy:
    """One copy's files. Everything blocks; all errors of its disk come out as ``OSError``."""

    def __init__(self, world: World, folder: str, copy_folder: str) -> None:
        self._world = world
        self._from = folder
        self.folder = copy_folder
        self.position = Position(0, 0)  # everything before it is in the copy, and synced
        self._file: File | None = None
        self._doubtful: set[int] = set()  # packs whose file had an error: made anew, never written on

    def write(self, number: int, offset: int, buffers: list[Buffer]) -> None:
        """One batch, written and synced; first whatever lacks before it."""
        self.catch_up(Position(number, offset))
        assert self._file is not None
        self._guarded(number, self._append, self._file, buffers)
        self.position = Position(number, offset + sum(len(buffer) for buffer in buffers))

    def _append(self, file: File, buffers: list[Buffer]) -> None:
        file.append(*buffers)
        file.sync()

    def _guarded(self, number: int, work: Callable[..., None], *args: object) -> None:
        try:
            work(*args)
        except OSError:
            self._doubtful.add(number)
            self._file = None
            self.position = Position(number, 0)
            raise

    def compare(self) -> None:
        """Sets right what lacks or differs in all packs but the last, and learns where the copy stands.

        What the copy has whole is never replaced by something damaged.
        """
        self._world.disk.make_folder(self.folder)
        self._world.disk.sync_folder(self.folder)
        here, there = pack_numbers(self._world, self._from), pack_numbers(self._world, self.folder)
        self.position = Position(here[0] if here else 1, 0)
        for number in here:
            last = number == here[-1]
            end = self._size(self._from, number) & ~7 if last else self._end_of(number)
            have = self._size(self.folder, number) if number in there else 0
            common = min(have, end) & ~7
            if common and (have != end or number >= here[-1] - 1):
                self._guarded(number, self._mend, number, common)
            if have != end and not last:
                self._guarded(number, self._bring, number, common, end)
            if last:  # behind the last mark the cache may show what a failed sync never wrote
                common = min(common, self._last_mark(number, end))
            self.position = Position(number, common if last else end)
        self._file = None  # of whichever pack was the last to be set right

    def _last_mark(self, number: int, end: int) -> int:
        file = self._world.disk.open(pack_path(self._from, number), write=False)
        header = format.parse_header(file.read_at(0, format.FIRST_OFFSET))
        mark = last_mark(file.read_at, header.seed, format.FIRST_OFFSET, end) if header is not None else None
        return mark[0] if mark is not None else 0

    def _size(self, folder: str, number: int) -> int:
        file = self._world.disk.open(pack_path(folder, number), write=False)
        try:
            return file.size()
        finally:
            file.close()

    def _mend(self, number: int, stop: int) -> None:
        """Makes the copy's first ``stop`` bytes the ledger's, but for what is damaged there."""
        file = self._world.disk.open(pack_path(self._from, number), write=False)
        copy = self._world.disk.open(pack_path(self.folder, number))
        damaged: list[tuple[int, int]] | None = None
        for offset in range(0, stop, CHUNK_BYTES):
            step = min(CHUNK_BYTES, stop - offset)
            data, other = file.read_at(offset, step), read_safely(copy, offset, step)
            if data == other:
                continue
            if damaged is None:
                damaged = self._better_here(file, copy, number)
            for at in range(0, step, _PAGE_BYTES):
                page, end = data[at : at + _PAGE_BYTES], offset + at + _PAGE_BYTES
                hurt = any(begin < end and offset + at < upto for begin, upto in damaged)
                if hurt or page == other[at : at + _PAGE_BYTES]:
                    continue
                if file.read_at(offset + at, len(page)) == page:  # read twice: a read may lie
                    copy.pwrite(offset + at, page)
        copy.sync()

    def _better_here(self, file: File, copy: File, number: int) -> list[tuple[int, int]]:
        """Stretches damaged in the ledger and whole in the copy, where the copy's are the same frames."""
        found = []
        header = format.parse_header(read_safely(file, 0, format.FIRST_OFFSET))
        for begin, end in _damaged(file, number, 0, file.size() & ~7):
            data = read_safely(copy, begin, end - begin)
            frames: list[Frame] = []
            if header is None or format.parse(data, begin, number, header.seed, frames).used < len(data):
                continue
            head = format.parse_head(read_safely(file, begin, end - begin), 0, begin, header.seed)
            if frames and format.same_frame(head, frames[0]):
                found.append((begin, end))
        return found

    def catch_up(self, target: Position) -> None:
        """Copies from ``position`` to ``target``; what lies behind it in the copy is cut off."""
        if self.position == target and self._file is not None:
            return
        for number in pack_numbers(self._world, self._from):
            if not self.position.pack <= number <= target.pack:
                continue
            start = self.position.offset if number == self.position.pack else 0
            stop = target.offset if number == target.pack else self._end_of(number)
            self._guarded(number, self._bring, number, start, stop)
            self.position = Position(number, stop)

    def _end_of(self, number: int) -> int:
        """All of a pack that is not the last: its footer too, but nothing of a batch that failed."""
        file = self._world.disk.open(pack_path(self._from, number), write=False)
        header = format.parse_header(read_safely(file, 0, format.FIRST_OFFSET))
        if header is not None:
            pack = OpenPack(number, file, header)
            pack.look_for_seal()
            if pack.footer_at is not None:
                return file.size()
        after = self._world.disk.open(pack_path(self._from, number + 1), write=False)
        following = format.parse_header(read_safely(after, 0, format.FIRST_OFFSET))
        return following.previous_end if following is not None else file.size()

    def _bring(self, number: int, start: int, stop: int) -> None:
        """Bytes ``start`` to ``stop`` of one pack; a doubtful file is made anew as a whole."""
        path = pack_path(self.folder, number)
        source = self._world.disk.open(pack_path(self._from, number), write=False)
        anew = number in self._doubtful or not self._world.disk.exists(path)
        written = path if not anew else posixpath.join(self.folder, f".new-{number:08d}")
        file = self._world.disk.open(written, create=True)
        start = 0 if anew else min(start, stop, file.size())
        if file.size() > start:
            file.truncate(start)
        for offset in range(start, stop, CHUNK_BYTES):
            step = min(CHUNK_BYTES, stop - offset)
            data = source.read_at(offset, step)  # what can't be read here is no copy: tried again later
            if len(data) < step:
                raise OSError(errno.EIO, f"{source.path} is shorter than it should be")
            file.append(data)
        for begin, end in _damaged(file, number, start, stop):  # perhaps only the reading went wrong
            file.pwrite(begin, source.read_at(begin, end - begin))
        if anew and self._world.disk.exists(path):
            self._save_whole_frames(source, self._world.disk.open(path, write=False), file, number, stop)
        file.sync()
        if anew:
            self._world.disk.rename(written, path)
            self._world.disk.sync_folder(self.folder)
            self._doubtful.discard(number)
        self._file = file

    def _save_whole_frames(self, source: File, old: File, file: File, number: int, stop: int) -> None:
        """What is damaged here may be whole in the copy that is being replaced."""
        for begin, end in self._better_here(source, old, number):
            if end <= stop:
                file.pwrite(begin, read_safely(old, begin, end - begin))

    def finish(self, number: int) -> None:
        """The pack was sealed: its footer, if the copy went on before it was made."""
        if self.position.pack <= number or number in self._doubtful:
            return
        source = self._world.disk.open(pack_path(self._from, number), write=False)
        header = format.parse_header(read_safely(source, 0, format.FIRST_OFFSET))
        if header is None:
            return
        pack = OpenPack(number, source, header)
        pack.look_for_seal()
        at = pack.footer_at
        file = self._world.disk.open(pack_path(self.folder, number))
        if at is None or file.size() < at:
            return
        footer = source.read_at(at, source.size() - at)
        if read_safely(file, at, file.size() - at) != footer:
            file.truncate(at)
            file.append(footer)
            file.sync()


def _damaged(file: File, number: int, start: int, stop: int) -> list[tuple[int, int]]:
    """Stretches that don't verify between two frames' places; all of it if the header doesn't."""
    header = format.parse_header(read_safely(file, 0, format.FIRST_OFFSET))
    if header is None:
        return [(0, stop)] if stop else []
    pack = OpenPack(number, file, header)
    pack.look_for_seal()
    items = walk(pack.read, pack.span(max(start, format.FIRST_OFFSET), min(stop, pack.end or stop)))
    return [(i.ref.offset, i.ref.offset + i.ref.size) for i in items if isinstance(i, BadFrame)]


class CopyKeeper:
    """Keeps one copy near the ledger. ``live``: it takes part in the group commit."""

    def __init__(self, world: World, component: str, copy: Copy, synchronous: bool) -> None:
        self._world = world
        self._component = component
        self.copy = copy
        self.synchronous = synchronous
        self.live = False
        self.failing = False
        self._behind_since: float | None = world.clock.monotonic()
        self._thread = world.thread(f"copy {copy.folder}")
        self._durable = Position(0, 0)
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._compared = False

    def start(self, durable: Position) -> None:
        self._durable = durable
        self._task = asyncio.get_running_loop().create_task(self._keep())

    def write(self, number: int, offset: int, buffers: list[Buffer]) -> asyncio.Future[None]:
        return self._thread.run(self.copy.write, number, offset, buffers)

    def announce(self, durable: Position) -> None:
        """The ledger is durable up to there."""
        self._durable = durable
        if self.live:
            return
        if self._behind_since is None:
            self._behind_since = self._world.clock.monotonic()
        self._wake.set()

    def lost(self, error: OSError) -> None:
        """A write or sync of the copy failed: it is made again in the background."""
        self.live = False
        if not self.failing:
            self.failing = True
            self._behind_since = self._world.clock.monotonic()
            self._world.journal.emit(
                COPY_LOST, ledger=self._component, copy=self.copy.folder, error=str(error)
            )
        self._wake.set()

    def lag(self, pack_bytes: int) -> CopyLag:
        """Bytes are exact within a pack, and ``pack_bytes`` for each pack between."""
        at, durable = self.copy.position, self._durable
        behind = (durable.pack - at.pack) * pack_bytes + durable.offset - at.offset
        since = self._behind_since
        seconds = 0.0 if since is None or behind <= 0 else self._world.clock.monotonic() - since
        return CopyLag(self.copy.folder, max(0, behind), seconds, self.failing)

    async def level(self) -> None:
        """Compares and catches up once; raises ``OSError``."""
        if not self._compared:
            await self._thread.run(self.copy.compare)
            self._compared = True
        await self._thread.run(self.copy.catch_up, self._durable)
        self._is_level()

    def _is_level(self) -> None:
        at, durable = self.copy.position, self._durable
        if self.failing:
            self.failing = False
            self._world.journal.emit(COPY_CAUGHT_UP, ledger=self._component, copy=self.copy.folder)
        near = at >= durable or (at.pack == durable.pack and durable.offset - at.offset <= _JOIN_LAG_BYTES)
        self.live = self.synchronous and near
        if at >= durable or self.live:
            self._behind_since = None

    async def _keep(self) -> None:
        wait = _RETRY_FIRST_S
        while not self._closed:
            self._wake.clear()
            if not self.live and (self.synchronous or self.failing or self.copy.position < self._durable):
                try:
                    await self.level()
                    wait = _RETRY_FIRST_S
                except OSError as error:
                    self.lost(error)
                    await self._world.clock.sleep(wait)
                    wait = min(wait * 2, _RETRY_LONGEST_S)
                    continue
            if self.live or self.copy.position >= self._durable:
                await self._wake.wait()
            elif not self.synchronous:
                await self._world.clock.sleep(_TRAIL_S)

    def sealed(self, number: int) -> asyncio.Future[None]:
        return self._thread.run(self.copy.finish, number)

    async def close(self) -> None:
        """Stops; a trailing copy gets what it lacks if its disk lets it."""
        self._closed = True
        self._wake.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if not self.failing and self.copy.position < self._durable:
            try:
                await self.level()
            except OSError as error:
                self.lost(error)
        self._thread.close()
