"""One folder of packs: which there are, and each opened for reading."""

from __future__ import annotations

import posixpath
import re

from holdfast.model.limits import OPEN_PACKS
from holdfast.packs import format
from holdfast.packs.scan import Span, read_safely
from holdfast.packs.words import Frame
from holdfast.world import File, World

_NAME = re.compile(r"(\d{8})\.pack\Z")


def ledger_folder(volume_folder: str, ledger_name: str) -> str:
    return posixpath.join(volume_folder, ledger_name)


def component(volume_folder: str, ledger_name: str) -> str:
    """The ledger's name in errors and events: `volume-v1/mail`."""
    volume = posixpath.basename(volume_folder.rstrip("/"))
    return f"{volume if volume.startswith('volume-') else f'volume-{volume}'}/{ledger_name}"


def pack_path(folder: str, number: int) -> str:
    return posixpath.join(folder, f"{number:08d}.pack")


def pack_numbers(world: World, folder: str) -> list[int]:
    """The numbers of a folder's packs, ascending; none if there is no folder."""
    try:
        names = world.disk.list(folder)
    except FileNotFoundError:
        return []
    return sorted(int(found[1]) for name in names if (found := _NAME.match(name)))


class OpenPack:
    """A pack open for reading. ``end``: where its frames end, once nothing can follow them."""

    __slots__ = ("end", "file", "footer_at", "header", "number", "sealed_checked_at", "unreadable")

    def __init__(self, number: int, file: File, header: format.Header) -> None:
        self.number = number
        self.file = file
        self.header = header
        self.end: int | None = None
        self.footer_at: int | None = None
        self.sealed_checked_at = -1
        self.unreadable = 0  # how many reads the disk refused

    def read(self, offset: int, n: int) -> bytes:
        """Around what the disk refuses to read."""
        try:
            return self.file.read_at(offset, n)
        except OSError:
            self.unreadable += 1
            return read_safely(self.file, offset, n)

    def look_for_seal(self) -> None:
        """Learns ``footer_at`` and ``end`` from the trailer, if the file has one by now."""
        size = self.file.size()
        if self.footer_at is not None or size == self.sealed_checked_at:
            return
        self.sealed_checked_at = size
        tail = self.read(max(0, size - format.TRAILER_BYTES), format.TRAILER_BYTES)
        self.footer_at = format.parse_trailer(tail, size, self.header.seed)
        if self.footer_at is not None:
            self.end = self.footer_at

    def footer(self) -> format.Footer | None:
        self.look_for_seal()
        if self.footer_at is None:
            return None
        size = self.file.size()
        return format.parse_footer(
            self.read(self.footer_at, size - self.footer_at), self.footer_at, self.header.seed
        )

    def span(self, start: int, stop: int, last: int | None = None, final: int | None = None) -> Span:
        low = self.header.first_sequence - 1
        if last is None and start <= format.FIRST_OFFSET:
            last = low
        return Span(self.number, self.header.seed, start, stop, max(0, low), last, final)

    def first_frame(self) -> Frame | None:
        """The frame at the beginning, of whatever kind."""
        found: list[Frame] = []
        head = self.read(format.FIRST_OFFSET, format.HEAD_BYTES)
        known = format.parse_head(head, 0, format.FIRST_OFFSET, self.header.seed)
        if known is None:
            return None
        data = self.read(format.FIRST_OFFSET, known.size)
        format.parse(data, format.FIRST_OFFSET, self.number, self.header.seed, found, found)
        return found[0] if found else None


class Shelf:
    """A folder's packs, opened as they are asked for. Files are closed when nobody holds them any more."""

    __slots__ = ("_open", "_world", "folder", "numbers")

    def __init__(self, world: World, folder: str) -> None:
        self._world = world
        self.folder = folder
        self._open: dict[int, OpenPack] = {}
        self.numbers: list[int] = pack_numbers(world, folder)

    def refresh(self) -> None:
        self.numbers = pack_numbers(self._world, self.folder)

    def get(self, number: int) -> OpenPack | None:
        """``None``: there is no such pack, or its header can't be read. Raises ``OSError`` of the disk."""
        pack = self._open.get(number)
        if pack is not None:
            return pack
        try:
            file = self._world.disk.open(pack_path(self.folder, number), write=False)
        except FileNotFoundError:
            return None
        header = format.parse_header(read_safely(file, 0, format.FIRST_OFFSET))
        if header is None:
            file.read_at(0, format.FIRST_OFFSET)  # raises if that is why
        if header is None or header.pack != number:
            return None
        while len(self._open) >= OPEN_PACKS:
            self._open.pop(next(iter(self._open)), None)
        pack = self._open[number] = OpenPack(number, file, header)
        return pack

    def forget(self) -> None:
        self._open.clear()
