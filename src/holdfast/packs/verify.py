"""Reading all of a ledger, to know that all of it can be read."""

from __future__ import annotations

from holdfast.model.mail import START, Position
from holdfast.packs.reader import LedgerReader
from holdfast.packs.scan import CHUNK_BYTES
from holdfast.packs.sealing import digest
from holdfast.packs.shelf import OpenPack, Shelf
from holdfast.packs.words import BadFrame, CopyReport, Frame, PackInfo, VerifyReport


def pack_infos(reader: LedgerReader) -> list[PackInfo]:
    """One entry for each pack whose header can be read. Those not sealed are scanned."""
    found = []
    for number in reader.numbers(refresh=True):
        pack = reader.pack(number)
        if pack is None:
            continue
        footer = pack.footer()
        if footer is not None:
            frames, last = footer.frames, footer.last
        else:
            frames, last = 0, pack.header.first_sequence - 1
            for item in reader.follow(Position(number, 0), _up_to(reader, number)):
                if isinstance(item, Frame):
                    frames, last = frames + 1, item.sequence
        header = pack.header
        found.append(
            PackInfo(
                number,
                pack.file.size(),
                frames,
                pack.footer_at is not None,
                header.first_sequence,
                last,
                header.created / 1e6,
            )
        )
    return found


def _up_to(reader: LedgerReader, number: int) -> Position | None:
    """The end of a pack that is not the last."""
    return Position(number + 1, 0) if number != reader.numbers()[-1] else None


def verify(reader: LedgerReader) -> VerifyReport:
    """Reads everything: frames one by one in the first folder, then digests, then copies byte by byte."""
    shelf, *copies = reader.shelves
    alone = LedgerReader.of_shelf(reader, shelf)
    bad: list[BadFrame] = []
    frames = 0
    for item in alone.follow(START):
        if isinstance(item, Frame):
            frames += 1
        else:
            bad.append(item)
    digests = []
    total = 0
    for number in shelf.numbers:
        pack = alone.pack(number)
        if pack is not None:
            total += pack.file.size()
            if not _digest_good(pack):
                digests.append(number)
    reports = tuple(_compare(alone, shelf, copy) for copy in copies)
    return VerifyReport(
        len(shelf.numbers), frames, total, tuple(bad), alone.repaired, tuple(digests), reports
    )


def _digest_good(pack: OpenPack) -> bool:
    footer = pack.footer()
    if pack.footer_at is None:
        return True
    return footer is not None and digest(pack.read, footer.end) == footer.digest


def _compare(reader: LedgerReader, shelf: Shelf, copy: Shelf) -> CopyReport:
    copy.refresh()
    missing, different = 0, []
    for number in shelf.numbers:
        pack, other = reader.pack(number), copy.get(number)
        if pack is None:
            continue
        size = pack.file.size() if pack.footer_at is not None else (pack.end or pack.file.size())
        if other is None:
            missing += size
            continue
        common = min(size, other.file.size())
        missing += size - common
        for offset in range(0, common, CHUNK_BYTES):
            step = min(CHUNK_BYTES, common - offset)
            if pack.read(offset, step) != other.read(offset, step):
                different.append(number)
                break
    return CopyReport(copy.folder, missing, tuple(different))
