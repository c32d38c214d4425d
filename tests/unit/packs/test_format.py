"""The format, to the byte: what is written is read, what was changed is not."""

from __future__ import annotations

import struct
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.packs import format
from holdfast.packs.words import Frame

SEED = 0x1234_5678

frames = st.lists(
    st.tuples(
        st.integers(1, format.FIRST_INTERNAL - 1),
        st.integers(0, 2**64 - 1),
        st.lists(st.integers(0, 65535), max_size=5).map(tuple),
        st.binary(max_size=200),
    ),
    max_size=8,
)


def block(made: list[tuple[int, int, tuple[int, ...], bytes]], offset: int = format.FIRST_OFFSET) -> bytes:
    out = b""
    for sequence, (kind, account, cells, body) in enumerate(made, 1):
        packed = format.cell_list(cells)
        at = offset + len(out)
        out += format.head_bytes(kind, sequence, account, packed, len(body), crc32(body), SEED, at)
        out += body + format.padding(len(cells), len(body))
    return out


@pytest.mark.slow
@given(frames)
@settings(max_examples=60)
def test_frames_come_back_as_they_were_written(made: list[tuple[int, int, tuple[int, ...], bytes]]) -> None:
    data = block(made)
    found: list[Frame] = []
    got = format.parse(data, format.FIRST_OFFSET, 1, SEED, found)
    assert (got.used, got.why) == (len(data), format.END)
    assert [(f.kind, f.account, f.cells, bytes(f.body)) for f in found] == made
    assert [f.sequence for f in found] == list(range(1, len(made) + 1))
    for frame in found:
        at = frame.ref.offset - format.FIRST_OFFSET
        assert format.parse_one(data, at, frame.ref, SEED) == frame
        assert frame.ref.size == format.frame_size(len(frame.cells), len(frame.body))


@pytest.mark.slow
@given(frames, st.data())
@settings(max_examples=100)
def test_a_frame_with_any_byte_changed_is_never_returned(
    made: list[tuple[int, int, tuple[int, ...], bytes]], data: st.DataObject
) -> None:
    whole = bytearray(block(made))
    if not whole:
        return
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    found: list[Frame] = []
    format.parse(bytes(whole), format.FIRST_OFFSET, 1, SEED, found)
    for frame, (kind, account, cells, body) in zip(found, made):
        assert (frame.kind, frame.account, frame.cells, bytes(frame.body)) == (kind, account, cells, body)


@pytest.mark.slow
@given(st.binary(max_size=300))
def test_any_bytes_are_parsed_without_an_error(data: bytes) -> None:
    found: list[Frame] = []
    got = format.parse(data, format.FIRST_OFFSET, 1, SEED, found)
    assert found == [] and got.used == 0
    assert format.parse_header(data) is None
    assert format.parse_footer(data, format.FIRST_OFFSET, SEED) is None
    assert format.parse_trailer(data[-24:], len(data), SEED) is None
    assert format.last_mark(data, format.FIRST_OFFSET, SEED) is None
    assert format.next_head(data, format.FIRST_OFFSET, SEED, 0, 2**64 - 1) is None


def test_a_frame_verifies_only_in_its_pack_and_at_its_place() -> None:
    data = block([(1, 2, (3,), b"body")])
    assert format.parse_head(data, 0, format.FIRST_OFFSET, SEED) is not None
    assert format.parse_head(data, 0, format.FIRST_OFFSET + 8, SEED) is None
    assert format.parse_head(data, 0, format.FIRST_OFFSET, SEED + 1) is None


def test_the_header_is_read_from_either_of_its_places() -> None:
    header = format.Header(259, 7, bytes(range(16)), 1000, 1_700_000_000_000_000, 123_456, 1, 0)
    raw, seed = format.header_block(header)
    assert len(raw) == format.FIRST_OFFSET
    assert format.parse_header(raw) == header._replace(seed=seed)
    for place in (0, format.TWIN_OFFSET):
        one_lost = raw[:place] + bytes(512) + raw[place + 512 :]
        assert format.parse_header(one_lost) == header._replace(seed=seed)


def test_the_header_is_as_the_page_has_it() -> None:
    raw, seed = format.header_block(format.Header(1, 2, b"i" * 16, 3, 4, 5, 6, 0))
    fields = struct.pack("<8sHHI16sQQQI", b"HFPACK1\n", 1, 1, 2, b"i" * 16, 3, 4, 5, 6)
    assert raw[:64] == raw[4096:4160] == fields + struct.pack("<I", crc32(fields))
    assert seed == crc32(fields)


def test_a_frame_is_as_the_page_has_it() -> None:
    body = b"hello"
    at = 8192
    cells = struct.pack("<2H", 9, 10)
    rest = struct.pack("<IQQIHBB", 5, 77, 88, crc32(body), 2, 17, 0) + cells
    head = struct.pack("<I", crc32(rest, SEED ^ (at // 8))) + rest
    written = format.head_bytes(17, 77, 88, cells, 5, crc32(body), SEED, at)
    assert written == head and len(head) == 36
    assert format.frame_size(2, 5) == 48
    assert format.padding(2, 5) == bytes(48 - 36 - 5)


def test_a_footer_tells_where_a_cells_frames_are() -> None:
    footer = format.Footer(3, 9000, 12, b"d" * 32, {4: format.pack_offsets([8192, 8400]), 5: b""})
    raw = format.footer_bytes(footer, SEED)
    size = footer.end + len(raw)
    assert format.parse_trailer(raw, size, SEED) == footer.end
    assert format.parse_trailer(raw, size + 8, SEED) is None
    read = format.parse_footer(raw, footer.end, SEED)
    assert read == footer
    assert format.offsets(read.cells[4]) == [8192, 8400]


def test_the_last_mark_is_found_among_frames_that_look_like_marks() -> None:
    at = format.FIRST_OFFSET
    first = format.mark_bytes(4, None, SEED, at)
    second = format.mark_bytes(9, 7, SEED, at + 32)
    forged = format.mark_bytes(9, 7, SEED, at + 32)  # right bytes, wrong place
    data = first + second + forged + bytes(24)
    found = format.last_mark(data, at, SEED)
    assert found is not None
    place, head = found
    assert (place, head.sequence, format.mark_acknowledged(head.account)) == (32, 9, 7)
    assert format.mark_acknowledged(format.parse_head(data, 0, at, SEED).account) is None  # type: ignore[union-attr]
