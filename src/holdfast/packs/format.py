"""The pack format, to the byte: `docs/formats/pack.md`. Pure functions of bytes.

A frame's checksums: the head's covers the head and the list of cells, begun with the
pack's seed XOR its place, so that a frame that strayed from another pack or another
place verifies nowhere else; the body's covers the body.
"""

from __future__ import annotations

import hashlib
import struct
import sys
from array import array
from collections.abc import Iterable
from typing import NamedTuple
from zlib import crc32

import msgspec

from holdfast.model.mail import PackRef
from holdfast.packs.words import Frame

MAGIC = b"HFPACK1\n"
SEAL_MAGIC = b"HFSEAL1\n"
VERSION = 1
HEADER_BYTES = 64
TWIN_OFFSET = 4096  # the header's second copy: another page, another sector
FIRST_OFFSET = 8192  # where frames begin
HEAD_BYTES = 32
TRAILER_BYTES = 24
ALIGN = 8

# Internal kinds; the others belong to `model/ledgers.py`.
FIRST_INTERNAL = 248
REPEAT = 251  # bytes of this pack whose durability was in doubt
RESCUE = 252  # bytes of the pack before whose durability was in doubt
VOID = 253  # a torn stretch, never acknowledged
MARK = 254  # everything before it is durable
FOOTER = 255

PREVIOUS_FAILED = 1  # header flag: the pack before failed and is never written again

_HEADER = struct.Struct("<8sHHI16sQQQI")  # up to the checksum
_HEAD = struct.Struct("<IIQQIHBB")
_REST = struct.Struct("<IQQIHBB")  # a head without its checksum
_TRAILER = struct.Struct("<Q8s")
_U32 = struct.Struct("<I")

# What stopped `parse`.
END = 0  # the data ended with a frame
MORE = 1  # the frame reaches beyond the data
BAD_HEAD = 2
BAD_BODY = 3


class Header(NamedTuple):
    """``previous_end``: where the pack before ends, 0 for the first. ``created``: microseconds since 1970."""

    ledger: int
    pack: int
    identity: bytes
    first_sequence: int
    created: int
    previous_end: int
    flags: int
    seed: int


class Head(NamedTuple):
    """A frame's head that verified; ``size`` is the whole frame's."""

    body_size: int
    sequence: int
    account: int
    body_crc: int
    cells: tuple[int, ...]
    kind: int
    flags: int
    size: int


class Parsed(NamedTuple):
    """``used``: bytes taken; ``why``: what stopped; ``head``: of the frame that stopped, if it verified;
    ``need``: bytes needed from ``used`` on to get further (for ``MORE``)."""

    used: int
    why: int
    need: int
    head: Head | None


class Footer(msgspec.Struct, frozen=True):
    """A sealed pack's table of contents: ``cells`` maps a cell to its frames' offsets, 8 bytes each."""

    frames: int
    end: int
    last: int
    digest: bytes
    cells: dict[int, bytes]


def header_block(header: Header) -> tuple[bytes, int]:
    """The first ``FIRST_OFFSET`` bytes of a pack, and its seed. ``header.seed`` is not looked at."""
    raw = _HEADER.pack(
        MAGIC, VERSION, header.ledger, header.pack, header.identity,
        header.first_sequence, header.created, header.previous_end, header.flags,
    )  # fmt: skip
    seed = crc32(raw)
    one = raw + _U32.pack(seed)
    return one.ljust(TWIN_OFFSET, b"\0") + one.ljust(FIRST_OFFSET - TWIN_OFFSET, b"\0"), seed


def parse_header(block: bytes) -> Header | None:
    """The header, from whichever of its two copies verifies."""
    for offset in (0, TWIN_OFFSET):
        raw = block[offset : offset + HEADER_BYTES]
        if len(raw) < HEADER_BYTES:
            continue
        (seed,) = _U32.unpack_from(raw, HEADER_BYTES - 4)
        if crc32(raw[: HEADER_BYTES - 4]) != seed:
            continue
        magic, version, ledger, pack, identity, first, created, previous, flags = _HEADER.unpack_from(raw)
        if magic == MAGIC and version == VERSION:
            return Header(ledger, pack, identity, first, created, previous, flags, seed)
    return None


def frame_size(cells: int, body_size: int) -> int:
    return (HEAD_BYTES + 2 * cells + body_size + 7) & ~7


def head_size(data: bytes) -> int:
    """What a head at ``data[0]`` would take with its list of cells; nothing is verified."""
    count: int = _HEAD.unpack_from(data)[5]
    return HEAD_BYTES + 2 * count


def padding(cells: int, body_size: int) -> bytes:
    return bytes(-(2 * cells + body_size) & 7)


def head_bytes(
    kind: int, sequence: int, account: int, cells: bytes, size: int, body_crc: int, seed: int, offset: int
) -> bytes:
    """Head and list of cells. ``cells``: as on disk; ``size``: the body's; ``offset``: the frame's."""
    rest = _REST.pack(size, sequence, account, body_crc, len(cells) >> 1, kind, 0) + cells
    return crc32(rest, seed ^ (offset >> 3)).to_bytes(4, "little") + rest


def cell_list(cells: tuple[int, ...]) -> bytes:
    if len(cells) == 1:
        return cells[0].to_bytes(2, "little")
    return struct.pack(f"<{len(cells)}H", *cells)


def whole_frame(kind: int, sequence: int, account: int, body: bytes, seed: int, offset: int) -> bytes:
    """A frame without cells, in one piece; for internal kinds."""
    head = head_bytes(kind, sequence, account, b"", len(body), crc32(body), seed, offset)
    return head + body + padding(0, len(body))


def mark_bytes(sequence: int, acknowledged: int | None, seed: int, offset: int) -> bytes:
    """A mark: all up to ``sequence`` is durable, all up to ``acknowledged`` was acknowledged."""
    account = 0 if acknowledged is None else acknowledged + 1
    return head_bytes(MARK, sequence, account, b"", 0, 0, seed, offset)


def mark_acknowledged(account: int) -> int | None:
    return account - 1 if account else None


def parse_head(data: bytes | memoryview, at: int, offset: int, seed: int) -> Head | None:
    """The head at ``data[at:]``, which lies at ``offset`` of its pack, or ``None`` if it doesn't verify."""
    if at + HEAD_BYTES > len(data):
        return None
    check, size, sequence, account, body_crc, count, kind, flags = _HEAD.unpack_from(data, at)
    start = at + HEAD_BYTES + 2 * count
    if start > len(data) or crc32(memoryview(data)[at + 4 : start], seed ^ (offset >> 3)) != check:
        return None
    cells = struct.unpack_from(f"<{count}H", data, at + HEAD_BYTES)
    return Head(size, sequence, account, body_crc, cells, kind, flags, frame_size(count, size))


def same_frame(head: Head | None, frame: Frame) -> bool:
    """Whether a frame found elsewhere is the one this head belongs to; ``None``: nothing contradicts."""
    return head is None or (
        (head.kind, head.sequence, head.account, head.cells, head.size, head.body_crc)
        == (frame.kind, frame.sequence, frame.account, frame.cells, frame.ref.size, crc32(frame.body))
    )


def parse(
    data: bytes, offset: int, pack: int, seed: int, frames: list[Frame], internal: list[Frame] | None = None
) -> Parsed:
    """Appends the whole frames at the beginning of ``data`` to ``frames``, up to the first that isn't.

    ``offset``: where ``data`` begins in the pack. Frames of internal kinds go to ``internal``.
    """
    view = memoryview(data)
    n = len(data)
    at = 0
    # Names bound here are looked up faster in the loop, and tuple.__new__ spares a call for each tuple.
    unpack_from, crc, make, append = _HEAD.unpack_from, crc32, tuple.__new__, frames.append
    while at + HEAD_BYTES <= n:
        check, size, sequence, account, body_crc, count, kind, flags = unpack_from(data, at)
        start = at + HEAD_BYTES + 2 * count
        if start > n:
            return Parsed(at, MORE, start - at, None)
        if crc(data[at + 4 : start], seed ^ ((offset + at) >> 3)) != check:
            return Parsed(at, BAD_HEAD, 0, None)
        stop = start + size
        after = (stop + 7) & ~7
        if after > n or flags:
            head = parse_head(data, at, offset + at, seed)
            return Parsed(at, BAD_BODY if flags else MORE, after - at, head)
        body = view[start:stop]
        if crc(body) != body_crc:
            return Parsed(at, BAD_BODY, after - at, parse_head(data, at, offset + at, seed))
        if kind < FIRST_INTERNAL:
            if not count:
                cells: tuple[int, ...] = ()
            elif count == 1:
                cells = (data[at + 32] | data[at + 33] << 8,)
            else:
                cells = struct.unpack_from(f"<{count}H", data, at + HEAD_BYTES)
            ref = make(PackRef, (pack, offset + at, after - at))
            append(make(Frame, (kind, sequence, account, cells, body, ref)))
        elif internal is not None:
            internal.append(Frame(kind, sequence, account, (), body, PackRef(pack, offset + at, after - at)))
        at = after
    if at == n:
        return Parsed(at, END, 0, None)
    return Parsed(at, MORE, HEAD_BYTES, None)


def parse_one(data: bytes, at: int, ref: PackRef, seed: int) -> Frame | None:
    """The one frame that fills ``data[at : at + ref.size]``, or ``None``."""
    if at + ref.size > len(data) or ref.size < HEAD_BYTES:
        return None
    check, size, sequence, account, body_crc, count, kind, flags = _HEAD.unpack_from(data, at)
    start = at + HEAD_BYTES + 2 * count
    stop = start + size
    if (stop - at + 7) & ~7 != ref.size or flags:
        return None
    if crc32(data[at + 4 : start], seed ^ (ref.offset >> 3)) != check:
        return None
    body = memoryview(data)[start:stop]
    if crc32(body) != body_crc:
        return None
    if count == 1:
        cells: tuple[int, ...] = (data[at + 32] | data[at + 33] << 8,)
    elif count:
        cells = struct.unpack_from(f"<{count}H", data, at + HEAD_BYTES)
    else:
        cells = ()
    return tuple.__new__(Frame, (kind, sequence, account, cells, body, ref))


def next_head(data: bytes, offset: int, seed: int, low: int, high: int) -> int | None:
    """The first place in ``data`` (a multiple of 8) where a head verifies whose sequence is in low..high.

    A head that doesn't lie wholly in ``data`` is not found. ``offset``: where ``data`` begins in the pack.
    """
    whole = len(data) & ~7
    words = array("Q")
    words.frombytes(memoryview(data)[:whole])
    if sys.byteorder == "big":
        words.byteswap()
    # The sequence is the head's second word; hardly any other word has such a value.
    for index, word in enumerate(words):
        if low <= word <= high and index:
            at = (index - 1) * 8
            if parse_head(data, at, offset + at, seed) is not None:
                return at
    return None


# Body size's upper half, cells, kind and flags of a mark: bytes 24-31 of its head.
_MARK_END = bytes(4) + struct.pack("<HBB", 0, MARK, 0)


def last_mark(data: bytes, offset: int, seed: int) -> tuple[int, Head] | None:
    """The last mark in ``data`` and where it is; ``offset``: where ``data`` begins in the pack."""
    found = data.rfind(_MARK_END)
    while found >= 0:
        at = found - 24
        if at >= 0 and not (offset + at) & 7:
            head = parse_head(data, at, offset + at, seed)
            if head is not None and head.kind == MARK:
                return at, head
        found = data.rfind(_MARK_END, 0, found + 7)
    return None


def footer_bytes(footer: Footer, seed: int) -> bytes:
    """The footer's frame and the trailer, to be appended at ``footer.end``."""
    frame = whole_frame(FOOTER, footer.last, 0, msgspec.msgpack.encode(footer), seed, footer.end)
    trailer = _TRAILER.pack(footer.end, SEAL_MAGIC)
    place = (footer.end + len(frame)) >> 3
    return frame + trailer + _U32.pack(crc32(trailer, seed ^ place)) + bytes(4)


def parse_trailer(tail: bytes, size: int, seed: int) -> int | None:
    """Where the footer begins, from the last bytes of a file of ``size`` bytes; ``None``: not sealed."""
    if len(tail) < TRAILER_BYTES or size < FIRST_OFFSET + HEAD_BYTES + TRAILER_BYTES or size & 7:
        return None
    raw = tail[-TRAILER_BYTES:]
    offset, magic = _TRAILER.unpack_from(raw)
    (check,) = _U32.unpack_from(raw, 16)
    place = (size - TRAILER_BYTES) >> 3
    if magic != SEAL_MAGIC or crc32(raw[:16], seed ^ place) != check:
        return None
    return offset if FIRST_OFFSET <= offset < size else None


def parse_footer(data: bytes, offset: int, seed: int) -> Footer | None:
    """The footer whose frame begins at ``data[0]`` and lies at ``offset`` of its pack."""
    head = parse_head(data, 0, offset, seed)
    if head is None or head.kind != FOOTER or HEAD_BYTES + head.body_size > len(data):
        return None
    body = memoryview(data)[HEAD_BYTES : HEAD_BYTES + head.body_size]
    if crc32(body) != head.body_crc:
        return None
    try:
        return msgspec.msgpack.decode(body, type=Footer)
    except msgspec.MsgspecError:
        return None


def offsets(raw: bytes) -> list[int]:
    """A cell's frames in a footer."""
    return list(struct.unpack(f"<{len(raw) // 8}Q", raw[: len(raw) & ~7]))


def pack_offsets(numbers: Iterable[int]) -> bytes:
    words = list(numbers)
    return struct.pack(f"<{len(words)}Q", *words)


def new_digest() -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=32)
