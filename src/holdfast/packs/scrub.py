"""Reading a ledger again and again, a piece at a time, to know early of what no longer can be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from holdfast.model.limits import SCRUB_BYTES, SCRUB_DAMAGED
from holdfast.model.mail import START, Position
from holdfast.packs.reader import Item, LedgerReader
from holdfast.packs.words import BadFrame
from holdfast.world import World


class Scrub:
    """``look`` reads on where the last one ended, SCRUB_BYTES far, and begins anew at the ledger's end. What
    was found damaged is looked at again each time, until it is whole; before all else the packs that somebody
    met damage in."""

    def __init__(self, world: World, volume_folder: str, ledger: str, copies: tuple[str, ...] = ()) -> None:
        self._world = world
        self._place = volume_folder, ledger, copies
        self._at = START
        self._bad: list[BadFrame] = []
        self._suspected: set[int] = set()

    def suspect(self, packs: Iterable[int]) -> None:
        self._suspected.update(packs)

    def look(self) -> list[BadFrame]:
        """Blocks. What is damaged, as far as it is known by now."""
        folder, ledger, copies = self._place
        reader = LedgerReader(self._world, folder, ledger, copies=copies)
        known = [(Position(each.ref.pack, each.ref.offset), reader.after(each)) for each in self._bad]
        self._bad = [bad for begin, end in known for bad in _bad(reader.follow(begin, end))]
        while self._suspected:
            pack = self._suspected.pop()
            self._note(reader.follow(Position(pack, 0), min(Position(pack + 1, 0), reader.marked())))
        self._note(self._on(reader))
        del self._bad[SCRUB_DAMAGED:]
        return self._bad

    def _note(self, items: Iterable[Item]) -> None:
        self._bad += [bad for bad in _bad(items) if bad not in self._bad]

    def _on(self, reader: LedgerReader) -> Iterator[Item]:
        size = 0
        for item in reader.follow(self._at, reader.marked()):
            yield item
            self._at = reader.after(item)
            size += item.ref.size
            if size > SCRUB_BYTES:
                return
        self._at = START


def _bad(items: Iterable[Item]) -> Iterator[BadFrame]:
    return (each for each in items if isinstance(each, BadFrame))
