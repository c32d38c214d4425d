"""Sealing a full pack: its table of contents and its digest, appended behind its frames."""

from __future__ import annotations

from array import array

from holdfast.packs import format
from holdfast.packs.scan import CHUNK_BYTES, Read, walk
from holdfast.packs.shelf import OpenPack, pack_path
from holdfast.packs.words import Frame
from holdfast.world import World


def digest(read: Read, end: int) -> bytes:
    """BLAKE2b-256 of bytes 0 to ``end``."""
    running = format.new_digest()
    for offset in range(0, end, CHUNK_BYTES):
        running.update(read(offset, min(CHUNK_BYTES, end - offset)))
    return running.digest()


def make_footer(pack: OpenPack, end: int) -> format.Footer | None:
    """The footer for frames up to ``end``; ``None`` if anything is damaged. Raises ``OSError``.

    Damage whose cells aren't known would be missing from every cell's list and so be
    hidden from who follows one cell; such a pack stays without a footer and is scanned.
    """
    cells: dict[int, array[int]] = {}
    count, last = 0, pack.header.first_sequence - 1
    read = pack.file.read_at  # never around what can't be read: it may be readable tomorrow
    for item in walk(read, pack.span(format.FIRST_OFFSET, end)):
        if not isinstance(item, Frame):
            return None
        count, last = count + 1, item.sequence
        for cell in set(item.cells):
            places = cells.get(cell)
            if places is None:
                places = cells[cell] = array("Q")
            places.append(item.ref.offset)
    packed = {cell: format.pack_offsets(places) for cell, places in sorted(cells.items())}
    return format.Footer(count, end, last, digest(read, end), packed)


def seal(world: World, folder: str, number: int, end: int) -> format.Footer | None:
    """Appends the footer; blocking. ``None``: damaged, left as it is. Raises ``OSError``."""
    file = world.disk.open(pack_path(folder, number))
    try:
        header = format.parse_header(file.read_at(0, format.FIRST_OFFSET))
        if header is None:
            return None
        footer = make_footer(OpenPack(number, file, header), end)
        if footer is None:
            return None
        if file.size() > end:  # what an earlier, torn footer or a refused append left
            file.truncate(end)
        file.append(format.footer_bytes(footer, header.seed))
        file.sync()
        return footer
    finally:
        file.close()
