"""Opening a ledger for writing: what the last writer left is told apart, kept, cut or reported.

Behind the last mark lies at most one batch, and whether it was acknowledged can't be
known. So whole frames stay, whatever lies before them; what a torn write left is cut or
voided; and damage that is no torn write is kept and reported (PACK-4, PACK-8).
"""

from __future__ import annotations

import errno
import posixpath
from collections.abc import Iterator
from typing import NamedTuple

from holdfast.model.errors import Unavailable
from holdfast.model.ledgers import ledger_number
from holdfast.model.mail import Position
from holdfast.packs import format
from holdfast.packs.events import FRAME_BAD, PACK_FAILED, PACK_STARTED, TAIL_CUT, TORN_VOIDED
from holdfast.packs.reader import LedgerReader
from holdfast.packs.scan import last_mark, walk
from holdfast.packs.shelf import OpenPack, component, ledger_folder, pack_numbers, pack_path
from holdfast.packs.words import BadFrame, Frame, Recovery, Unsure
from holdfast.world import File, Lock, World

_SECTOR_BYTES = 512
_ZEROS_BYTES = 16  # fewer zeros at the edge of a stretch are no evidence


class Place(NamedTuple):
    """Where a writer goes on: pack, its file open for appending, its end, and the next sequence."""

    number: int
    file: File
    seed: int
    identity: bytes
    end: int
    next_sequence: int


class Opened(NamedTuple):
    place: Place
    recovery: Recovery
    unsealed: tuple[tuple[int, int], ...]  # packs to seal: number, end
    lock: Lock


class Unreadable(OSError):
    """The disk refuses to read what opening must know. Trying again soon may help."""


class _Tail(NamedTuple):
    """What lies behind the last mark of the last pack."""

    start: int  # where the mark is
    acknowledged: int | None  # what it tells
    end: int  # behind what is kept
    last: int  # the last sequence that may have been used
    bad: tuple[BadFrame, ...]
    void: tuple[BadFrame, ...]


def new_pack(
    world: World,
    folder: str,
    ledger_name: str,
    number: int,
    identity: bytes,
    first_sequence: int,
    *,
    previous_end: int = 0,
    failed: bool = False,
    acknowledged: int | None = None,
    rescue: tuple[int, bytes] | None = None,
) -> Place:
    """Makes a pack, whole or not at all; blocking. ``rescue``: offset and bytes of the pack before."""
    created = int(world.clock.now() * 1e6)
    flags = format.PREVIOUS_FAILED if failed else 0
    header = format.Header(
        ledger_number(ledger_name), number, identity, first_sequence, created, previous_end, flags, 0
    )
    block, seed = format.header_block(header)
    if rescue is not None:
        start, data = rescue
        at = format.FIRST_OFFSET
        block += format.whole_frame(format.RESCUE, first_sequence - 1, start, data, seed, at)
    block += format.mark_bytes(first_sequence - 1, acknowledged, seed, len(block))
    path = pack_path(folder, number)
    world.disk.write_atomic(path, block)
    file = world.disk.open(path)
    return Place(number, file, seed, identity, len(block), first_sequence)


def open_ledger(
    world: World, volume: str, ledger_name: str, copies: tuple[str, ...], patient: bool
) -> Opened:
    """Blocking. Raises ``Unavailable`` when another writer has it or the disk doesn't let us.

    ``patient``: raises ``Unreadable`` rather than count as lost what the disk refuses to read.
    """
    folder = ledger_folder(volume, ledger_name)
    name = component(volume, ledger_name)
    ledger_number(ledger_name)  # refused before anything is made
    try:
        world.disk.make_folder(folder)
        try:
            lock = world.disk.lock(posixpath.join(folder, "lock"))
        except Unavailable as error:
            raise Unavailable(name, error.text, error.retry_after_s) from None
        try:
            return _Opening(world, volume, ledger_name, copies, patient).open(lock)
        except BaseException:
            lock.release()
            raise
    except Unreadable:
        raise
    except OSError as error:
        raise Unavailable(name, f"can't be opened: {error}") from error


class _Opening:
    def __init__(
        self, world: World, volume: str, ledger_name: str, copies: tuple[str, ...], patient: bool
    ) -> None:
        self.world = world
        self.patient = patient
        self.ledger_name = ledger_name
        self.folder = ledger_folder(volume, ledger_name)
        self.component = component(volume, ledger_name)
        self.reader = LedgerReader(world, volume, ledger_name, copies=copies)

    def open(self, lock: Lock) -> Opened:
        # A pack whose making failed at the last step has a name that a power cut would take away.
        self.world.disk.sync_folder(posixpath.dirname(self.folder) or ".")
        self.world.disk.sync_folder(self.folder)
        numbers = pack_numbers(self.world, self.folder)
        if not numbers:
            identity = self.reader.identity or self.world.entropy.bytes(16)
            place = new_pack(self.world, self.folder, self.ledger_name, 1, identity, 1)
            self.world.journal.emit(PACK_STARTED, ledger=self.component, pack=1)
            return Opened(place, Recovery(), (), lock)
        number = numbers[-1]
        file = self.world.disk.open(pack_path(self.folder, number))
        size = file.size()
        known = self.reader.pack(number)
        if known is None:
            self.reader.shelves[0].get(number)  # raises if the disk only refuses to read it
            return Opened(self._behind_lost_pack(number, size), Recovery(), (), lock)
        pack = OpenPack(number, file, known.header)
        tail = self._tail(pack, size)
        if tail.bad:
            kept = pack.read(tail.start, tail.end - tail.start)
            place = self._leave(pack, tail, "read", "damaged", kept)
        else:
            place = self._keep(pack, tail)
        recovery = self._recovery(pack, tail, size)
        return Opened(place, recovery, self._unsealed(place.number), lock)

    # The tail

    def _tail(self, pack: OpenPack, size: int) -> _Tail:
        mark = last_mark(pack.read, pack.header.seed, format.FIRST_OFFSET, size & ~7)
        start = mark[0] if mark else format.FIRST_OFFSET
        last = mark[1].sequence if mark else pack.header.first_sequence - 1
        items = _ascending(walk(pack.read, pack.span(start, size, last)), last)
        if any(isinstance(item, BadFrame) for item in items):
            # A read that went wrong once must cost nothing, nor what a copy has whole.
            size = self._mend(pack, start, [item for item in items if isinstance(item, BadFrame)], size)
            items = _ascending(walk(pack.read, pack.span(start, size, last)), last)
        if pack.unreadable and self.patient:
            raise Unreadable(errno.EIO, "the last pack's end can't be read")
        torn = [isinstance(item, BadFrame) and self._torn(pack, item) for item in items]
        end = size & ~7
        while items and torn[-1]:
            end = items.pop().ref.offset
            torn.pop()
        bad: list[BadFrame] = []
        void: list[BadFrame] = []
        for index, item in enumerate(items):
            if isinstance(item, Frame):
                last = item.sequence
            elif torn[index] and any(isinstance(other, Frame) for other in items[index:]):
                void.append(item)
            else:
                bad.append(item)
                if item.sequence is not None and item.kind is not None:
                    last = item.sequence
                else:  # no sequence that the stretch may have held is used again (PACK-6)
                    last += item.lost or item.ref.size // format.HEAD_BYTES
        if mark is None and pack.unreadable:
            raise OSError(errno.EIO, "no mark of the last pack can be read")
        told = format.mark_acknowledged(mark[1].account) if mark else self._told_before(pack.number)
        return _Tail(start, told, end, last, tuple(bad), tuple(void))

    def _told_before(self, number: int) -> int | None:
        """What the last mark before a pack tells; asked when the pack's own is damaged."""
        for before in reversed([n for n in self.reader.numbers() if n < number]):
            pack = self.reader.pack(before)
            if pack is None:
                self.reader.shelves[0].get(before)
                continue
            stop = pack.file.size() & ~7
            found = last_mark(pack.file.read_at, pack.header.seed, format.FIRST_OFFSET, stop)
            if found is not None:
                return format.mark_acknowledged(found[1].account)
        return None

    def _mend(self, pack: OpenPack, start: int, damage: list[BadFrame], size: int) -> int:
        """Writes what a copy of the batch at ``start`` has of damaged stretches; returns the file's end.

        The copy may have another batch in that place, which was refused here: only what
        the damaged frame's own head, or all that lies around it, bears out is taken.
        """
        for bad in damage:
            begin, end = bad.ref.offset, bad.ref.offset + bad.ref.size
            for other in self.reader.same_pack(pack):
                if other.read(start, begin - start) != pack.read(start, begin - start):
                    continue
                frames: list[Frame] = []
                limit = max(other.file.size(), end) if end >= size else end
                data = other.read(begin, limit - begin)
                used = format.parse(data, begin, pack.number, pack.header.seed, frames, frames).used
                head = format.parse_head(pack.read(begin, end - begin), 0, begin, pack.header.seed)
                if head is not None:
                    used = frames[0].ref.size if frames and format.same_frame(head, frames[0]) else 0
                elif end >= size or other.read(end, size - end) != pack.read(end, size - end):
                    continue
                if not used or (head is None and used < end - begin):
                    continue
                try:
                    pack.file.pwrite(begin, data[:used])
                except OSError:
                    continue
                size = max(size, begin + used)
                break
        return size

    def _torn(self, pack: OpenPack, bad: BadFrame) -> bool:
        """Whether a write that was never synced explains the damage.

        The file ends within the frame, or a sector is zero: of the frame, if its head verifies;
        otherwise of what should be the head, for a torn frame may follow a rotten one.
        """
        if bad.kind is not None and bad.reason == "cut short":
            return True
        start = bad.ref.offset
        stop = start + bad.ref.size
        if bad.ref.size < format.HEAD_BYTES:
            return True
        data = pack.read(start, stop - start)
        if len(data) < stop - start:
            return True
        left = pack.file.size() - start
        if left & 7 and left < _SECTOR_BYTES and left < format.head_size(data):
            return True  # the file ends within the list of cells
        last = stop if bad.kind is not None else start + format.HEAD_BYTES
        at = start
        while at < last:
            after = min(stop, (at // _SECTOR_BYTES + 1) * _SECTOR_BYTES)
            if after - at >= _ZEROS_BYTES and not any(data[at - start : after - start]):
                return True
            at = after
        return False

    def _keep(self, pack: OpenPack, tail: _Tail) -> Place:
        """Cuts the torn tail, voids torn stretches, makes sure of what stays (PACK-4), and goes on.

        What stays behind the last mark is repeated, because the last writer's sync may have
        failed: then the page cache still shows what the disk never got, the pages count as
        clean, and a sync alone does nothing. It isn't written in its place: that could tear it.
        """
        file, seed = pack.file, pack.header.seed
        kept, end = b"", tail.end
        try:
            for stretch in tail.void:
                body = pack.read(stretch.ref.offset, stretch.ref.size)[format.HEAD_BYTES :]
                sequence = (stretch.sequence or 1) - 1
                frame = format.whole_frame(format.VOID, sequence, 0, body, seed, stretch.ref.offset)
                file.pwrite(stretch.ref.offset, frame[: format.HEAD_BYTES])
            if file.size() > end:
                file.truncate(end)
            kept = file.read_at(tail.start, end - tail.start)
            if len(kept) > format.HEAD_BYTES:
                end = _append_if_room(
                    file, format.whole_frame(format.REPEAT, tail.last, tail.start, kept, seed, end), end
                )
            file.sync()
            if end > tail.end:
                # Only now: a mark that reached the disk before what it vouches for would lie.
                end = _append_if_room(file, format.mark_bytes(tail.last, tail.acknowledged, seed, end), end)
                file.sync()
        except OSError as error:
            return self._leave(pack, tail, "sync", str(error), kept)
        return Place(pack.number, file, seed, pack.header.identity, end, tail.last + 1)

    def _leave(self, pack: OpenPack, tail: _Tail, step: str, error: str, kept: bytes) -> Place:
        """Goes on in a new pack, which repeats what may not be durable in the old one (PACK-2)."""
        rescue = (tail.start, kept) if kept else None
        self.world.journal.emit(
            PACK_FAILED, ledger=self.component, pack=pack.number, step=step, error=error, frames=0
        )
        place = new_pack(
            self.world, self.folder, self.ledger_name, pack.number + 1, pack.header.identity,
            tail.last + 1, previous_end=tail.end, failed=True, acknowledged=tail.acknowledged, rescue=rescue,
        )  # fmt: skip
        self.world.journal.emit(PACK_STARTED, ledger=self.component, pack=place.number)
        return place

    def _behind_lost_pack(self, number: int, size: int) -> Place:
        """Both copies of the last pack's header are damaged: none of its frames can be told."""
        before = self.reader.end_before(number)
        identity = self.reader.identity or self.world.entropy.bytes(16)
        used = max(0, size - format.FIRST_OFFSET) // format.HEAD_BYTES
        self.world.journal.emit(
            FRAME_BAD, ledger=self.component, pack=number, offset=0, bytes=size, sequence=before + 1,
            reason="header damaged",
        )  # fmt: skip
        return new_pack(
            self.world, self.folder, self.ledger_name, number + 1, identity, before + used + 1,
            previous_end=size & ~7, failed=True,
        )  # fmt: skip

    # What is told about it

    def _recovery(self, pack: OpenPack, tail: _Tail, size: int) -> Recovery:
        cut = max(0, size - tail.end)
        emit = self.world.journal.emit
        if cut:
            emit(TAIL_CUT, ledger=self.component, pack=pack.number, offset=tail.end, bytes=cut)
        for stretch in tail.void:
            ref = stretch.ref
            emit(TORN_VOIDED, ledger=self.component, pack=ref.pack, offset=ref.offset, bytes=ref.size)
        for bad in tail.bad:
            self.reader.report_bad(bad)
        void = sum(stretch.ref.size for stretch in tail.void)
        return Recovery(cut, void, self._unsure(pack, tail), tail.bad, tail.acknowledged)

    def _unsure(self, pack: OpenPack, tail: _Tail) -> tuple[Unsure, ...]:
        """Whole frames behind the last acknowledged one; if none was ever told, behind the last mark."""
        acknowledged = tail.acknowledged
        start = Position(pack.number, tail.start)
        if acknowledged is None:
            return self._frames_after(start, pack, tail, 0)
        for number in reversed([n for n in self.reader.numbers() if n <= pack.number]):
            each = self.reader.pack(number)
            if each is None:
                continue
            stop = each.file.size() & ~7
            while found := last_mark(each.read, each.header.seed, format.FIRST_OFFSET, stop):
                stop = found[0]
                start = Position(number, stop)
                if found[1].sequence <= acknowledged:
                    return self._frames_after(start, pack, tail, acknowledged)
            start = Position(number, format.FIRST_OFFSET)
            if each.header.first_sequence <= acknowledged + 1:
                break
        return self._frames_after(start, pack, tail, acknowledged)

    def _frames_after(
        self, start: Position, pack: OpenPack, tail: _Tail, acknowledged: int
    ) -> tuple[Unsure, ...]:
        end = Position(pack.number, tail.end)
        found = []
        for item in self.reader.follow(start, end):
            if isinstance(item, BadFrame) and item.temporary and self.patient:
                raise Unreadable(errno.EIO, "the frames behind the last acknowledged one can't be read")
            if item.sequence is not None and item.kind is not None and item.sequence > acknowledged:
                found.append(Unsure(item.ref, item.sequence, item.kind, item.account or 0))
        return tuple(found)

    def _unsealed(self, open_number: int) -> tuple[tuple[int, int], ...]:
        """Packs before the open one that lack their footer, newest first, up to one that has it."""
        found = []
        following = self.reader.pack(open_number)
        for number in reversed([n for n in self.reader.numbers() if n < open_number]):
            pack = self.reader.pack(number)
            if pack is not None:
                if pack.footer() is not None:
                    break
                if following is not None and following.number == number + 1:
                    header = following.header
                    if not header.flags & format.PREVIOUS_FAILED:
                        found.append((number, header.previous_end))
            following = pack
        return tuple(found)


def _append_if_room(file: File, data: bytes, end: int) -> int:
    """The new end. A full disk must not keep the ledger from being opened: then nothing is appended."""
    try:
        file.append(data)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        file.truncate(end)
        return end
    return end + len(data)


def _ascending(items: Iterator[Frame | BadFrame], last: int) -> list[Frame | BadFrame]:
    """Up to the first whole frame whose sequence doesn't grow; that one, a leftover of a refused batch
    that a later and shorter one half covers, and all behind it count as torn."""
    found: list[Frame | BadFrame] = []
    leftover: Frame | None = None
    end = 0
    for item in items:
        end = item.ref.offset + item.ref.size
        if leftover is None and isinstance(item, Frame):
            if item.sequence <= last:
                leftover = item
            else:
                last = item.sequence
        if leftover is None:
            found.append(item)
    if leftover is not None:
        ref = leftover.ref._replace(size=end - leftover.ref.offset)
        found.append(BadFrame(ref, "cut short", leftover.sequence, leftover.kind))
    return found
