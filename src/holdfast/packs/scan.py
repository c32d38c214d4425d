"""Walking a pack frame by frame, around whatever is damaged (PACK-5)."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from typing import NamedTuple

from holdfast.model.limits import MIB
from holdfast.model.mail import PackRef
from holdfast.packs import format
from holdfast.packs.words import BadFrame, Frame
from holdfast.world import File

CHUNK_BYTES = MIB
_LONGEST_HEAD = format.HEAD_BYTES + 2 * 65_535
_PAGE_BYTES = 4096
_UNREADABLE = b"\xee" * _PAGE_BYTES  # never zeros: zeros would pass for a torn write

Read = Callable[[int, int], bytes]  # offset, size → bytes, fewer only at the end


class Span(NamedTuple):
    """A part of one pack to walk. ``start`` is a frame's place, ``stop`` where the last one ends.

    ``last``: sequence of the frame before ``start``; ``final``: of the last one before ``stop``;
    ``None`` where not known. ``low``: no frame in the span has a smaller sequence.
    """

    pack: int
    seed: int
    start: int
    stop: int
    low: int = 0
    last: int | None = None
    final: int | None = None


def read_safely(file: File, offset: int, n: int) -> bytes:
    """Reads around pages the disk refuses; those come back as bytes that verify nowhere."""
    try:
        return file.read_at(offset, n)
    except OSError:
        pass
    pieces = []
    end = offset + n
    while offset < end:
        step = min(end, (offset // _PAGE_BYTES + 1) * _PAGE_BYTES) - offset
        try:
            piece = file.read_at(offset, step)
        except OSError:
            piece = _UNREADABLE[: max(0, min(step, file.size() - offset))]
        pieces.append(piece)
        if len(piece) < step:
            break
        offset += step
    return b"".join(pieces)


def overlaid(read: Read, start: int, data: bytes) -> Read:
    """Reads with ``data`` in the place of what lies from ``start`` on, and nothing behind it."""

    def both(offset: int, n: int) -> bytes:
        before = read(offset, min(n, start - offset)) if offset < start else b""
        begin = max(0, offset - start)
        return before + data[begin : begin + n - len(before)]

    return both


def disk_reason(error: OSError) -> str:
    return "disk: " + errno.errorcode.get(error.errno or 0, str(error))


def walk(read: Read, span: Span, internal: list[Frame] | None = None) -> Iterator[Frame | BadFrame]:
    """Every frame of the span in order, and one ``BadFrame`` for each damaged stretch; see ``runs``."""
    for run in runs(read, span, internal):
        yield from run


def runs(
    read: Read, span: Span, internal: list[Frame] | None = None
) -> Iterator[list[Frame] | tuple[BadFrame]]:
    """Whole frames in lists, as many as were read at once, and each damaged stretch by itself.

    A stretch in which, by the sequences around it, no frame is missing is passed over.
    Frames of internal kinds are appended to ``internal`` as they are met.
    """
    at, last = span.start, span.last
    want = CHUNK_BYTES
    while at < span.stop:
        asked = min(want, span.stop - at)
        data = read(at, asked)
        frames: list[Frame] = []
        got = format.parse(data, at, span.pack, span.seed, frames, internal)
        if frames:
            yield frames
            last = frames[-1].sequence
        at += got.used
        want = CHUNK_BYTES
        if got.why == format.END and data:
            continue
        if got.why == format.MORE and at + got.need <= span.stop and len(data) == asked:
            want = max(CHUNK_BYTES, got.need)
            continue
        head = got.head
        if got.why == format.BAD_BODY and head is not None and at + head.size <= span.stop:
            if head.kind < format.FIRST_INTERNAL:
                yield (bad_body(PackRef(span.pack, at, head.size), head),)
                last = head.sequence
            at += head.size
            continue
        stretch, before = _stretch(read, span, at, last, head)
        lost = 0 if last is None or before is None else before - last
        if lost or last is None or before is None:
            reason = "head checksum" if got.why == format.BAD_HEAD else "cut short"
            yield (_lost(PackRef(span.pack, at, stretch), reason, last, lost, head),)
        if before is not None:
            last = before
        at += stretch


def bad_body(ref: PackRef, head: format.Head) -> BadFrame:
    return BadFrame(ref, "body checksum", head.sequence, head.kind, head.account, head.cells)


def _lost(ref: PackRef, reason: str, last: int | None, count: int, head: format.Head | None) -> BadFrame:
    if head is not None:
        return BadFrame(ref, reason, head.sequence, head.kind, head.account, head.cells)
    return BadFrame(ref, reason, None if last is None else last + 1, lost=count)


def _stretch(
    read: Read, span: Span, at: int, last: int | None, head: format.Head | None
) -> tuple[int, int | None]:
    """How long the damage at ``at`` is, and the sequence of the last frame in it, if known."""
    found = None
    if head is None:  # a head that verifies tells that its frame reaches beyond the span
        low = span.low if last is None else last
        high = span.final if span.final is not None else low + (span.stop - at) // format.HEAD_BYTES + 1
        found = resync(read, at + format.ALIGN, span.stop, span.seed, low, high)
    if found is None:
        return span.stop - at, span.final
    place, next_head = found
    inside = next_head.sequence - (1 if next_head.kind < format.FIRST_INTERNAL else 0)
    return place - at, inside


def resync(read: Read, at: int, stop: int, seed: int, low: int, high: int) -> tuple[int, format.Head] | None:
    """The next place from ``at`` on where a head verifies, its sequence in low..high."""
    while at < stop:
        data = read(at, min(CHUNK_BYTES + _LONGEST_HEAD, stop - at))
        found = format.next_head(data, at, seed, low, high)
        if found is not None:
            head = format.parse_head(data, found, at + found, seed)
            assert head is not None
            return at + found, head
        if len(data) <= CHUNK_BYTES:
            return None
        at += CHUNK_BYTES
    return None


def last_mark(read: Read, seed: int, start: int, stop: int) -> tuple[int, format.Head] | None:
    """The last mark in start..stop, searched from the end."""
    while stop > start:
        begin = max(start, stop - CHUNK_BYTES)
        found = format.last_mark(read(begin, stop - begin), begin, seed)
        if found is not None:
            return begin + found[0], found[1]
        if begin == start:
            return None
        stop = begin + format.HEAD_BYTES - format.ALIGN
    return None
