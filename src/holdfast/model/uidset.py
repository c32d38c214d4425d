"""Sets of UIDs as sorted, disjoint ranges: what a change names and what a view holds.

A mailbox of a million messages with few gaps is a handful of pairs here, which is
why an idle session can hold its view in a few hundred bytes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator


class UidSet:
    """An immutable sorted set of integers ≥ 1; membership and rank in O(log ranges)."""

    __slots__ = ("_before", "_highs", "_lows")

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        """``ranges``: inclusive pairs in any order, overlaps allowed."""
        lows: list[int] = []
        highs: list[int] = []
        for low, high in sorted(ranges):
            if highs and low <= highs[-1] + 1:
                if high > highs[-1]:
                    highs[-1] = high
            else:
                lows.append(low)
                highs.append(high)
        self._lows = lows
        self._highs = highs
        before = 0
        self._before: list[int] = []
        for low, high in zip(lows, highs):
            self._before.append(before)
            before += high - low + 1
        self._before.append(before)

    @classmethod
    def of(cls, numbers: Iterable[int]) -> UidSet:
        return cls(_runs(sorted(set(numbers))))

    @property
    def ranges(self) -> list[tuple[int, int]]:
        return list(zip(self._lows, self._highs))

    def __len__(self) -> int:
        return self._before[-1]

    def __bool__(self) -> bool:
        return bool(self._lows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UidSet) and self._lows == other._lows and self._highs == other._highs

    def __hash__(self) -> int:
        return hash((tuple(self._lows), tuple(self._highs)))

    def __repr__(self) -> str:
        return f"UidSet({self})"

    def __str__(self) -> str:
        """As the wire has it: ``1:4,7,9:12`` (RFC 3501 §9 sequence-set)."""
        return ",".join(f"{a}:{b}" if a != b else str(a) for a, b in zip(self._lows, self._highs))

    def __iter__(self) -> Iterator[int]:
        for low, high in zip(self._lows, self._highs):
            yield from range(low, high + 1)

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        at = bisect_right(self._lows, number) - 1
        return at >= 0 and number <= self._highs[at]

    @property
    def first(self) -> int:
        return self._lows[0]

    @property
    def last(self) -> int:
        return self._highs[-1]

    def rank(self, number: int) -> int:
        """How many members are smaller than ``number``: a member's sequence number less one."""
        at = bisect_right(self._lows, number) - 1
        if at < 0:
            return 0
        return self._before[at] + min(number - self._lows[at], self._highs[at] - self._lows[at] + 1)

    def nth(self, rank: int) -> int:
        """The member with ``rank`` smaller ones, 0-based. Raises IndexError."""
        if not 0 <= rank < self._before[-1]:
            raise IndexError(rank)
        at = bisect_right(self._before, rank) - 1
        return self._lows[at] + rank - self._before[at]

    def slice(self, first_rank: int, last_rank: int) -> UidSet:
        """Members with ranks ``first_rank`` .. ``last_rank`` inclusive, cut to what there is."""
        first_rank = max(first_rank, 0)
        last_rank = min(last_rank, len(self) - 1)
        if first_rank > last_rank:
            return EMPTY
        return self & UidSet([(self.nth(first_rank), self.nth(last_rank))])

    def __and__(self, other: UidSet) -> UidSet:
        found: list[tuple[int, int]] = []
        small, large = (self, other) if len(self._lows) <= len(other._lows) else (other, self)
        for low, high in zip(small._lows, small._highs):
            at = bisect_left(large._highs, low)
            while at < len(large._lows) and large._lows[at] <= high:
                found.append((max(low, large._lows[at]), min(high, large._highs[at])))
                at += 1
        return UidSet(found)

    def __or__(self, other: UidSet) -> UidSet:
        if not other:
            return self
        if not self:
            return other
        return UidSet([*self.ranges, *other.ranges])

    def __sub__(self, other: UidSet) -> UidSet:
        if not other or not self:
            return self
        left: list[tuple[int, int]] = []
        for low, high in zip(self._lows, self._highs):
            at = bisect_left(other._highs, low)
            while at < len(other._lows) and other._lows[at] <= high:
                if other._lows[at] > low:
                    left.append((low, other._lows[at] - 1))
                low = other._highs[at] + 1
                at += 1
            if low <= high:
                left.append((low, high))
        return UidSet(left)

    def pack(self) -> bytes:
        """Little varints: gap and length by turns; short, and the same for equal sets (MODEL-2)."""
        out = bytearray()
        last = 0
        for low, high in zip(self._lows, self._highs):
            for number in (low - last, high - low):
                while number > 127:
                    out.append(number & 127 | 128)
                    number >>= 7
                out.append(number)
            last = high
        return bytes(out)

    @classmethod
    def unpack(cls, packed: bytes) -> UidSet:
        numbers: list[int] = []
        value = shift = 0
        for byte in packed:
            value |= (byte & 127) << shift
            if byte & 128:
                shift += 7
            else:
                numbers.append(value)
                value = shift = 0
        ranges = []
        last = 0
        for gap, extent in zip(numbers[::2], numbers[1::2]):
            ranges.append((last + gap, last + gap + extent))
            last += gap + extent
        return cls(ranges)


def _runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    start = last = 0
    for number in numbers:
        if number != last + 1 or not start:
            if start:
                yield start, last
            start = number
        last = number
    if start:
        yield start, last


EMPTY = UidSet()
