"""The mail ledger as one ordered stream of frames, merged ranges opened up: the one loop behind rebuilding,
catching up and following."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from holdfast.model.ledgers import MAIL, Kind, ledger_name, ledger_number
from holdfast.model.mail import PackRef, Position
from holdfast.packs import BadFrameError, Frame, LedgerReader
from holdfast.store.frames import Item, Merged, decode_merged, whole
from holdfast.world import World


class Group(NamedTuple):
    """What one frame of the mail ledger stands for, in order, and the ledger's position behind it."""

    items: list[Item]
    after: Position


class Volume:
    """The ledgers of one volume, for reading. One per process and thread."""

    def __init__(self, world: World, folder: str, copies: tuple[str, ...] = ()) -> None:
        self._world = world
        self._folder = folder
        self._copies = copies
        self._readers: dict[int, LedgerReader] = {}

    def ledger(self, number: int) -> LedgerReader:
        reader = self._readers.get(number)
        if reader is None:
            reader = LedgerReader(self._world, self._folder, ledger_name(number), copies=self._copies)
            self._readers[number] = reader
        return reader

    def read_frame(self, ledger: int, ref: PackRef) -> Frame | None:
        """The frame, or None when it is damaged beyond what a copy can mend (reported by packs)."""
        try:
            return self.ledger(ledger).read(ref)
        except BadFrameError:
            return None

    def merged_items(self, merged: Merged, cell: int | None = None) -> Iterator[Item]:
        """The intake frames a MERGED frame stands for; ``cell``: only those that concern it."""
        number = ledger_number(merged.ledger)
        frames = self.ledger(number).follow(merged.begin, until=merged.end, cell=cell)
        for frame in whole(frames, [each for each in merged.placed or () if each.concerns(cell)]):
            yield Item(number, frame)

    def replay(self, begin: Position, until: Position, cell: int | None = None) -> Iterator[Group]:
        """The mail ledger from ``begin`` up to ``until``; ``cell``: only frames that concern it.

        Ends with an empty group at ``until``, so that whoever folds gets there.
        """
        number = ledger_number(MAIL)
        mail = self.ledger(number)
        for frame in mail.follow(begin, until=until, cell=cell):
            if isinstance(frame, Frame) and frame.kind == Kind.MERGED:
                items = list(self.merged_items(decode_merged(bytes(frame.body)), cell))
            else:
                items = [Item(number, frame)]
            yield Group(items, mail.after(frame))
        yield Group([], until)
