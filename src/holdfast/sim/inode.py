"""What a simulated file holds: the bytes one reads, the bytes that survive, and what lies between."""

from __future__ import annotations

from typing import NamedTuple

from holdfast.sim.seed import Random

SECTOR_BYTES = 512


class Change(NamedTuple):
    """A write not yet synced; `data` None is a truncation to `offset`."""

    offset: int
    data: bytes | None


class Inode:
    """`seen` is the page cache; `durable` is the platter; `unsynced` is what a sync would carry over."""

    __slots__ = ("durable", "number", "seen", "unsynced")

    def __init__(self, number: int) -> None:
        self.number = number
        self.seen = bytearray()
        self.durable = bytearray()
        self.unsynced: list[Change] = []

    def write(self, offset: int, data: bytes) -> None:
        change = Change(offset, data)
        apply(self.seen, change)
        self.unsynced.append(change)

    def truncate(self, n: int) -> None:
        change = Change(n, None)
        apply(self.seen, change)
        self.unsynced.append(change)

    def sync(self) -> None:
        for change in self.unsynced:
            apply(self.durable, change)
        self.unsynced.clear()

    def fail_sync(self, random: Random) -> None:
        """A sync that failed: each unsynced write may have arrived, in part or not at all, and none is
        tried again. Either the cache goes on showing them, or it forgets them at once. Both happen
        in the field, by file system (Rebello et al., "Can Applications Recover from fsync Failures?",
        USENIX ATC 2020). SIM-6.
        """
        lost = self.unsynced
        self.unsynced = []
        for change in lost:
            if random.random() < 0.3:
                for piece in torn(change, random):
                    apply(self.durable, piece)
        if random.random() < 0.5:
            self.forget_cache()

    def forget_cache(self) -> None:
        """The page cache gave the file's clean pages away; reads see the platter again."""
        self.seen = bytearray(self.durable)
        for change in self.unsynced:
            apply(self.seen, change)

    def flip(self, offset: int, bit: int) -> None:
        for image in (self.seen, self.durable):
            if offset < len(image):
                image[offset] ^= 1 << bit

    def survive(self, random: Random, stale: bytes) -> None:
        """Power is gone: of what was unsynced, some is there, some is not, some is torn (SIM-5)."""
        lottery = random.random()
        changes = self.unsynced
        if lottery < 0.2:
            kept = []
        elif lottery < 0.4:
            kept = changes
        elif lottery < 0.65:
            kept = _prefix(changes, random)
        else:
            kept = _some(changes, random, stale)
        for change in kept:
            apply(self.durable, change)
        self.unsynced = []
        self.seen = bytearray(self.durable)


def apply(image: bytearray, change: Change) -> None:
    offset, data = change
    if data is None:
        if offset < len(image):
            del image[offset:]
        else:
            image.extend(bytes(offset - len(image)))
    else:
        if offset > len(image):
            image.extend(bytes(offset - len(image)))
        image[offset : offset + len(data)] = data


def _prefix(changes: list[Change], random: Random) -> list[Change]:
    """The order was kept, and the last write is torn at some byte."""
    if not changes:
        return []
    count = random.randrange(len(changes))
    kept = changes[:count]
    last = changes[count]
    if last.data:
        kept = [*kept, Change(last.offset, last.data[: random.randrange(len(last.data) + 1)])]
    return kept


def _some(changes: list[Change], random: Random, stale: bytes) -> list[Change]:
    """No order was kept, and any write may have arrived in any of its sectors."""
    kept: list[Change] = []
    for change in changes:
        draw = random.random()
        if draw < 0.4:
            kept.append(change)
        elif draw < 0.7:
            kept += torn(change, random)
        elif draw < 0.78 and change.data:  # the size arrived, the bytes did not
            kept.append(Change(change.offset, bytes(len(change.data))))
        elif draw < 0.85 and change.data and stale:  # the block still holds another file's bytes
            start = random.randrange(len(stale))
            kept.append(Change(change.offset, stale[start : start + len(change.data)]))
    return kept


def torn(change: Change, random: Random) -> list[Change]:
    """Some of its sectors; once in a while cut at a byte instead."""
    offset, data = change
    if not data:
        return [change] if random.random() < 0.5 else []
    if random.random() < 0.3:
        cut = random.randrange(len(data) + 1)
        return [Change(offset, data[:cut])] if cut else []
    pieces = []
    at = 0
    while at < len(data):
        end = min(len(data), at + SECTOR_BYTES - (offset + at) % SECTOR_BYTES)
        if random.random() < 0.5:
            pieces.append(Change(offset + at, data[at:end]))
        at = end
    return pieces
