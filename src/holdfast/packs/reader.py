"""Reading a ledger, in any process: by reference, in order, and all of it to see that it is whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from operator import gt

from holdfast.model.limits import KIB, READ_JOIN_BYTES
from holdfast.model.mail import PackRef, Position
from holdfast.packs import format
from holdfast.packs.events import FRAME_BAD, FRAME_REPAIRED
from holdfast.packs.scan import Read, Span, bad_body, disk_reason, last_mark, overlaid, runs, walk
from holdfast.packs.shelf import OpenPack, Shelf, component, ledger_folder
from holdfast.packs.words import BadFrame, BadFrameError, Frame
from holdfast.world import World

Item = Frame | BadFrame

# Where a frame came from at last, in events, if it wasn't a copy's folder.
REPEATED = "repeated"
AGAIN = "read again"

_JOIN_GAP_BYTES = 4 * KIB  # reading over a gap of this size is cheaper than a second read
_CELL_READ_BYTES = 8 * KIB  # what is read for a frame whose size only its head tells
_REPORTED = 10_000  # damaged places remembered as reported


class LedgerReader:
    """Reads one ledger; sees new packs and growth without being told.

    ``volume_folder`` holds the ledger's folder, ``copies`` are further volumes with the
    same ledger: a frame that fails its checksum is read from them (PACK-3).
    Frames of the open pack may not be durable yet: follow only up to a position the
    writer announced, or up to ``marked()``.
    """

    def __init__(
        self, world: World, volume_folder: str, ledger_name: str, *, copies: Sequence[str] = ()
    ) -> None:
        self._world = world
        self.component = component(volume_folder, ledger_name)
        self.shelves = [Shelf(world, ledger_folder(v, ledger_name)) for v in (volume_folder, *copies)]
        self.repaired = 0  # places read only with the help of a copy or a repeat
        self._reported: set[PackRef] = set()

    @classmethod
    def of_shelf(cls, other: LedgerReader, shelf: Shelf) -> LedgerReader:
        """A reader of one of ``other``'s folders alone."""
        reader = cls.__new__(cls)
        reader._world, reader.component = other._world, other.component
        reader.shelves, reader._reported, reader.repaired = [shelf], set(), 0
        return reader

    # What there is

    @property
    def identity(self) -> bytes:
        """Random, the same in all packs of a ledger's life; ``b''`` before the first pack."""
        for number in self.numbers(refresh=True):
            pack = self.pack(number)
            if pack is not None:
                return pack.header.identity
        return b""

    def numbers(self, refresh: bool = False) -> list[int]:
        """Numbers of all packs, ascending."""
        if refresh:
            for shelf in self.shelves:
                shelf.refresh()
        if len(self.shelves) == 1:
            return self.shelves[0].numbers
        return sorted({number for shelf in self.shelves for number in shelf.numbers})

    def pack(self, number: int) -> OpenPack | None:
        """The pack from the first folder that has it readable."""
        for shelf in self.shelves:
            try:
                pack = shelf.get(number)
            except OSError:
                continue
            if pack is not None:
                return pack
        return None

    def _why_no_pack(self, number: int) -> str:
        try:
            self.shelves[0].get(number)
        except OSError as error:
            return disk_reason(error)
        return "no such pack, or its header is damaged"

    def _is_trusted(self, source: int, ref: PackRef) -> bool:
        """Not so if the first folder has the pack, and the copy may hold a refused batch in that place."""
        shelf = self.shelves[source]
        try:
            copy = shelf.get(ref.pack)
        except OSError:
            return False
        try:
            lost = self.shelves[0].get(ref.pack) is None
        except OSError:
            lost = False
        return copy is not None and (lost or ref.offset + ref.size <= _trusted(shelf, copy))

    def same_pack(self, pack: OpenPack) -> Iterator[OpenPack]:
        """The copies of a pack that can be opened."""
        for _, other in self._same_pack(pack):
            yield other

    def _same_pack(self, pack: OpenPack) -> Iterator[tuple[Shelf, OpenPack]]:
        for shelf in self.shelves[1:]:
            try:
                other = shelf.get(pack.number)
            except OSError:
                continue
            if other is not None and other.header.seed == pack.header.seed:
                yield shelf, other

    def _next_number(self, number: int) -> int | None:
        """The first pack behind ``number``."""
        for refresh in (False, True):
            for other in self.numbers(refresh):
                if other > number:
                    return other
        return None

    def _final(self, pack: OpenPack) -> int | None:
        """Learns where a pack ends that is not the last; returns its last sequence, if known."""
        after = self._next_number(pack.number)
        following = self.pack(after) if after == pack.number + 1 and after is not None else None
        if following is not None:
            pack.end = following.header.previous_end
            return following.header.first_sequence - 1
        if pack.end is None:
            pack.look_for_seal()
        return None

    # By reference

    def read(self, ref: PackRef) -> Frame:
        """One frame, verified. Raises ``BadFrameError`` when neither the pack nor a copy has it whole."""
        frame, _ = self._read_from(0, ref)
        if frame is not None:
            return frame
        found = self._elsewhere(ref)
        if isinstance(found, BadFrame):
            raise BadFrameError(found)
        return found

    def read_many(self, refs: Sequence[PackRef]) -> list[Item]:
        """The frames in the order of ``refs``; neighbours are read in one piece. Bodies are views into it."""
        order: Sequence[int] = range(len(refs))
        if any(map(gt, refs, islice(refs, 1, None))):
            order = sorted(order, key=refs.__getitem__)
        found: list[Item | None] = [None] * len(refs)
        run: list[int] = []
        start = stop = number = 0
        for index in order:
            pack, offset, size = refs[index]
            if run and (
                pack != number or offset > stop + _JOIN_GAP_BYTES or offset + size - start > READ_JOIN_BYTES
            ):
                self._read_run(refs, run, found, number, start, stop)
                run = []
            if not run:
                number, start, stop = pack, offset, offset
            run.append(index)
            stop = max(stop, offset + size)
        if run:
            self._read_run(refs, run, found, number, start, stop)
        return found  # type: ignore[return-value]

    def _read_run(
        self,
        refs: Sequence[PackRef],
        run: list[int],
        found: list[Item | None],
        number: int,
        start: int,
        stop: int,
    ) -> None:
        data, seed = b"", 0
        try:
            pack = self.shelves[0].get(number)
            if pack is not None:
                data, seed = pack.file.read_at(start, stop - start), pack.header.seed
        except OSError:
            pass  # each frame of the run is tried by itself
        parse_one = format.parse_one
        for index in run:
            ref = refs[index]
            frame = parse_one(data, ref.offset - start, ref, seed)
            found[index] = frame if frame is not None else self._elsewhere(ref)

    def _read_from(self, source: int, ref: PackRef) -> tuple[Frame | None, BadFrame | None]:
        try:
            pack = self.shelves[source].get(ref.pack)
            if pack is None:
                return None, BadFrame(ref, "no such pack, or its header is damaged")
            data = pack.file.read_at(ref.offset, ref.size)
        except OSError as error:
            return None, BadFrame(ref, disk_reason(error))
        frame = format.parse_one(data, 0, ref, pack.header.seed)
        if frame is not None:
            return frame, None
        if len(data) < ref.size:
            return None, BadFrame(ref, "cut short")
        head = format.parse_head(data, 0, ref.offset, pack.header.seed)
        if head is not None and head.size == ref.size:
            return None, bad_body(ref, head)
        return None, BadFrame(ref, "head checksum")

    def _elsewhere(self, ref: PackRef) -> Item:
        """A frame the first folder hasn't whole, from a copy or from what the next pack rescued of it."""
        frame, bad = self._read_from(0, ref)
        if frame is not None:
            self._report_repaired(ref, frame.sequence, AGAIN)
            return frame
        pack = self.pack(ref.pack)
        head = self._head(pack, ref) if pack is not None else None
        for source in range(1, len(self.shelves)):
            frame, other = self._read_from(source, ref)
            if frame is not None and self._is_trusted(source, ref) and format.same_frame(head, frame):
                self._report_repaired(ref, frame.sequence, self.shelves[source].folder)
                return frame
            if other is not None and other.kind is not None:
                bad = other
        for read in self._rescued(pack) if pack is not None else ():
            assert pack is not None
            frame = format.parse_one(read(ref.offset, ref.size), 0, ref, pack.header.seed)
            if frame is not None:
                self._report_repaired(ref, frame.sequence, REPEATED)
                return frame
        assert bad is not None
        self.report_bad(bad)
        return bad

    def _rescued(self, pack: OpenPack) -> list[Read]:
        """The pack, read with what it or the next pack repeats of it (PACK-2, PACK-4)."""
        internal: list[Frame] = []
        for _ in walk(pack.read, pack.span(format.FIRST_OFFSET, pack.file.size() & ~7), internal):
            pass
        found = [frame for frame in internal if frame.kind == format.REPEAT]
        after = self.pack(pack.number + 1)
        first = after.first_frame() if after is not None else None
        if first is not None and first.kind == format.RESCUE:
            found.append(first)
        return [overlaid(pack.read, frame.account, bytes(frame.body)) for frame in found]

    def report_bad(self, bad: BadFrame) -> None:
        """Tells the journal, once for each place."""
        if self._first_time(bad.ref):
            self._world.journal.emit(
                FRAME_BAD, ledger=self.component, pack=bad.ref.pack, offset=bad.ref.offset,
                bytes=bad.ref.size, sequence=bad.sequence, reason=bad.reason,
            )  # fmt: skip

    def _report_repaired(self, ref: PackRef, sequence: int | None, source: str) -> None:
        if self._first_time(ref):
            self.repaired += 1
            self._world.journal.emit(
                FRAME_REPAIRED, ledger=self.component, pack=ref.pack, offset=ref.offset,
                bytes=ref.size, sequence=sequence, copy=source,
            )  # fmt: skip

    def _first_time(self, ref: PackRef) -> bool:
        if ref in self._reported:
            return False
        if len(self._reported) >= _REPORTED:
            self._reported.clear()
        self._reported.add(ref)
        return True

    # In order

    def after(self, item: Item) -> Position:
        """Where to follow on behind ``item``."""
        return Position(item.ref.pack, item.ref.offset + item.ref.size)

    def follow(
        self, position: Position, until: Position | None = None, cell: int | None = None
    ) -> Iterator[Item]:
        """Every frame from ``position`` on, and a ``BadFrame`` for each damaged stretch no copy has.

        Up to ``until``, which the writer announced as durable: there, whatever is missing is
        reported. Without it up to the last whole frame, durable or not. ``cell``: only the
        frames that name this cell (sealed packs: found by the footer), and all damage
        that may have been one.
        """
        for span, pack in self._spans(position, until):
            if cell is not None:
                yield from self._follow_cell(pack, span, cell, until is None)
            else:
                yield from self._follow_span(pack, span, until is None)

    def _spans(self, position: Position, until: Position | None) -> Iterator[tuple[Span, OpenPack | None]]:
        """The stretches to walk, pack by pack; a pack that can't be opened comes as an empty span."""
        numbers = self.numbers(refresh=True)
        number: int | None = position.pack or (numbers[0] if numbers else None)
        offset = max(position.offset, format.FIRST_OFFSET)
        while number is not None and (until is None or number <= until.pack):
            pack = self.pack(number)
            after = self._next_number(number)
            if pack is None:
                if number in self.numbers() or after is not None:
                    yield Span(number, 0, offset, offset), None
            else:
                final = self._final(pack) if after is not None else None
                stop = pack.end
                if stop is None:
                    stop = until.offset if until and until.pack == number else pack.file.size() & ~7
                elif until and until.pack == number:
                    stop = min(stop, until.offset)
                    final = final if stop == pack.end else None
                if offset < stop:
                    yield pack.span(offset, stop, None, final), pack
            number, offset = (number + 1 if after is not None else None), format.FIRST_OFFSET

    def _follow_span(self, pack: OpenPack | None, span: Span, open_end: bool) -> Iterator[Item]:
        if pack is None:
            bad = BadFrame(PackRef(span.pack, span.start, 0), self._why_no_pack(span.pack), lost=0)
            self.report_bad(bad)
            yield bad
            return
        read = self._trusted_read(pack)
        pieces = runs(read, span)
        first = next(pieces, None)
        if first is not None and isinstance(first, tuple) and span.last is None:
            span = span._replace(last=self._last_before(pack, span.start))
            pieces = runs(read, span)
        elif first is not None:
            pieces = chain((first,), pieces)
        for run in pieces:
            if isinstance(run, list):
                yield from run
                continue
            bad = run[0]
            if open_end and pack.end is None and bad.ref.offset + bad.ref.size >= span.stop:
                return  # being written, or torn: the writer will tell
            yield from self._second_try(pack, span, bad)

    def _trusted_read(self, pack: OpenPack) -> Read:
        """If it is a copy's, while the ledger's own only can't be read just now: only what is certain."""
        for shelf, other in self._same_pack(pack):
            if other is pack and pack.number in self.shelves[0].numbers:
                return overlaid(pack.read, _trusted(shelf, pack), b"")
        return pack.read

    def _last_before(self, pack: OpenPack, at: int) -> int | None:
        """The sequence of the last frame before ``at``: it tells whether damage there cost a frame."""
        mark = last_mark(pack.read, pack.header.seed, format.FIRST_OFFSET, at)
        last = pack.header.first_sequence - 1 if mark is None else mark[1].sequence
        known: int | None = last
        for item in walk(pack.read, pack.span(mark[0] if mark else format.FIRST_OFFSET, at, last)):
            if isinstance(item, Frame) or item.kind is not None:
                known = item.sequence
            else:
                known = item.sequence + item.lost - 1 if item.sequence and item.lost else None
        return known

    def _second_try(self, pack: OpenPack, span: Span, bad: BadFrame) -> Iterator[Item]:
        """What another reading, copies and repeats have of a damaged stretch; what none has, as bad."""
        yield from self._recover(list(self._other_reads(pack)), pack, span, bad)

    def _recover(
        self, sources: list[tuple[Read, str]], pack: OpenPack, span: Span, bad: BadFrame
    ) -> Iterator[Item]:
        if not sources:
            try:
                own = self.shelves[0].get(pack.number) or pack
                own.file.read_at(bad.ref.offset, bad.ref.size)
            except OSError as error:
                bad = bad._replace(reason=disk_reason(error))
            self.report_bad(bad)
            yield bad
            return
        (read, name), *others = sources
        last = None if bad.sequence is None else bad.sequence - 1
        final = None if last is None or not bad.lost else last + bad.lost
        start, stop = bad.ref.offset, bad.ref.offset + bad.ref.size
        items = list(walk(read, span._replace(start=start, stop=stop, last=last, final=final)))
        if items and not self._fits(pack, bad, items):
            items = [bad]  # told best by whoever met it first
        else:
            self._report_repaired(bad.ref, bad.sequence, name)
        for item in items:
            if isinstance(item, Frame):
                yield item
            else:
                yield from self._recover(others, pack, span, item)

    def _fits(self, pack: OpenPack, bad: BadFrame, items: list[Item]) -> bool:
        """Whether frames found elsewhere can be those of the stretch: not so if a copy has another batch."""
        frames = [item for item in items if isinstance(item, Frame)]
        if bad.kind is not None:
            head = self._head(pack, bad.ref)
            return len(items) == len(frames) == 1 and format.same_frame(head, frames[0])
        low = bad.sequence or 0
        high = low + bad.lost - 1 if bad.sequence and bad.lost else 1 << 64
        return bool(frames) and all(low <= frame.sequence <= high for frame in frames)

    def _head(self, pack: OpenPack, ref: PackRef) -> format.Head | None:
        return format.parse_head(pack.read(ref.offset, ref.size), 0, ref.offset, pack.header.seed)

    def _other_reads(self, pack: OpenPack) -> Iterator[tuple[Read, str]]:
        yield self._trusted_read(pack), AGAIN
        for shelf, other in self._same_pack(pack):
            if other is not pack:
                yield overlaid(other.read, _trusted(shelf, other), b""), other.file.path
        for read in self._rescued(pack):
            yield read, REPEATED

    def _follow_cell(self, pack: OpenPack | None, span: Span, cell: int, open_end: bool) -> Iterator[Item]:
        footer = pack.footer() if pack is not None else None
        if pack is None or footer is None:
            for item in self._follow_span(pack, span, open_end):
                if item.cells is None or cell in item.cells:
                    yield item
            return
        places = [at for at in format.offsets(footer.cells.get(cell, b"")) if span.start <= at < span.stop]
        index = 0
        while index < len(places):
            begin = places[index]
            upto = index + 1
            while upto < len(places) and places[upto] + _CELL_READ_BYTES - begin <= READ_JOIN_BYTES // 4:
                upto += 1
            data = pack.read(begin, min(places[upto - 1] + _CELL_READ_BYTES, span.stop) - begin)
            for at in places[index:upto]:
                yield self._at(pack, span, data, begin, at)
            index = upto

    def _at(self, pack: OpenPack, span: Span, data: bytes, begin: int, at: int) -> Item:
        """The frame at ``at``, of which ``data`` has at least the beginning."""
        head = format.parse_head(data, at - begin, at, span.seed)
        if head is not None:
            ref = PackRef(span.pack, at, head.size)
            frame = format.parse_one(data, at - begin, ref, span.seed)
            if frame is not None:
                return frame
            return self.read_many([ref])[0]
        for item in self._follow_span(pack, span._replace(start=at, last=None), False):
            return item
        return BadFrame(PackRef(span.pack, at, format.HEAD_BYTES), "head checksum")

    # The whole

    def end(self) -> Position:
        """Behind the last whole frame on disk. It may not be durable, nor ever be acknowledged."""
        for number in reversed(self.numbers(refresh=True)):
            pack = self.pack(number)
            if pack is None:
                continue
            mark = self._last_mark(pack)
            start = mark.offset if mark is not None else format.FIRST_OFFSET
            span = pack.span(start, pack.file.size() & ~7)
            seen: list[Frame] = []
            end = start
            for item in walk(pack.read, span, seen):
                if isinstance(item, Frame):
                    end = item.ref.offset + item.ref.size
            ends = [frame.ref.offset + frame.ref.size for frame in seen if frame.kind != format.FOOTER]
            return Position(number, max([end, *ends]))
        return Position(0, 0)

    def end_before(self, number: int) -> int:
        """The last sequence before pack ``number``; 0 if there is none."""
        last = 0
        before = Position(number - 1, 0)
        for item in self.follow(before, Position(number, 0)) if before.pack else ():
            last = item.sequence if item.sequence is not None else last
        return last

    def marked(self) -> Position:
        """Everything before it is durable, for certain, whether the writer lives or not."""
        for number in reversed(self.numbers(refresh=True)):
            pack = self.pack(number)
            if pack is not None:
                return self._last_mark(pack) or Position(number, format.FIRST_OFFSET)
        return Position(0, 0)

    def _last_mark(self, pack: OpenPack) -> Position | None:
        found = last_mark(pack.read, pack.header.seed, format.FIRST_OFFSET, pack.file.size() & ~7)
        return Position(pack.number, found[0]) if found else None


def _trusted(shelf: Shelf, copy: OpenPack) -> int:
    """Up to where a copy's pack is certainly the ledger's.

    Behind the last mark it may hold a batch that the ledger refused, or lost in a power cut.
    """
    copy.look_for_seal()
    if copy.end is not None:
        return copy.end
    try:
        following = shelf.get(copy.number + 1)
    except OSError:
        following = None
    if following is not None:
        return following.header.previous_end
    stop = copy.file.size() & ~7
    mark = last_mark(copy.read, copy.header.seed, format.FIRST_OFFSET, stop)
    return mark[0] if mark is not None else format.FIRST_OFFSET
