"""Which ids of a list a query answers, and what became of a list since. RFC 8620 §5.5, §5.6"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from holdfast.wire.jmap.errors import MethodError, MethodFault
from holdfast.wire.jmap.standard import AddedItem, Query


class Window(NamedTuple):
    """``position``: of the first id in the whole list. ``limit``: the server's, where it was the smaller."""

    position: int
    ids: list[str]
    limit: int | None


class Span(NamedTuple):
    """``begin`` to ``end`` of a list. ``limit``: the server's, where it was the smaller."""

    begin: int
    end: int
    limit: int | None


def span(count: int, find: Callable[[str], int | None], asked: Query, most: int) -> Span:
    """The part of a sorted list of ``count`` that is asked for, ``most`` at most. ``find``: the place of an
    anchor. MethodError anchorNotFound."""
    if asked.anchor is not None:
        at = find(asked.anchor)
        if at is None:
            text = f"“{asked.anchor}” isn't among the results."
            raise MethodError(MethodFault.ANCHOR_NOT_FOUND, text)
        begin = max(0, at + asked.anchor_offset)
    else:
        begin = asked.position if asked.position >= 0 else max(0, count + asked.position)
    cut = asked.limit is None or asked.limit > most
    limit = most if asked.limit is None else min(asked.limit, most)
    return Span(begin, max(begin, min(begin + limit, count)), most if cut else None)


def window(ids: Sequence[str], asked: Query, most: int) -> Window:
    """The same of a list at hand."""

    def find(anchor: str) -> int | None:
        try:
            return ids.index(anchor)
        except ValueError:
            return None

    part = span(len(ids), find, asked, most)
    return Window(part.begin, list(ids[part.begin : part.end]), part.limit)


def query_changes(
    old: Sequence[str], new: Sequence[str], up_to_id: str | None = None
) -> tuple[list[str], list[AddedItem]]:
    """``removed`` and ``added`` that make the one list of the other, as few as possible (JMAP-6).

    Ids stand once in a list. What moved is in both. ``up_to_id`` is to be given only where order and
    filter can't change for an object; what lies behind it is left out.
    """
    place = {each: index for index, each in enumerate(new)}
    stay = _longest_rising([place[each] for each in old if each in place])
    removed = [each for each in old if each not in place or place[each] not in stay]
    added = [AddedItem(each, index) for index, each in enumerate(new) if index not in stay]
    cut = place.get(up_to_id) if up_to_id is not None else None
    if cut is not None and cut in stay and not {item.id for item in added} & set(removed):
        assert up_to_id is not None
        seen = set(old[: old.index(up_to_id)])
        removed = [each for each in removed if each in seen]
        added = [item for item in added if item.index < cut]
    return removed, added


def _longest_rising(places: list[int]) -> set[int]:
    """The longest rising subsequence: what needn't move. O(n log n)."""
    ends: list[int] = []  # ends[k]: the least place at which a rising run of k + 1 ends
    ends_at: list[int] = []  # … and its index
    before = [-1] * len(places)
    for index, each in enumerate(places):
        length = len(ends) if not ends or each > ends[-1] else bisect_left(ends, each)
        if length:
            before[index] = ends_at[length - 1]
        if length == len(ends):
            ends.append(each)
            ends_at.append(index)
        else:
            ends[length] = each
            ends_at[length] = index
    chosen: set[int] = set()
    at = ends_at[-1] if ends_at else -1
    while at >= 0:
        chosen.add(places[at])
        at = before[at]
    return chosen


def apply_query_changes(old: Sequence[str], removed: Iterable[str], added: Iterable[AddedItem]) -> list[str]:
    """The client's side: the new list from the one it has. Linear, however much was added."""
    gone = set(removed)
    kept = [each for each in old if each not in gone]
    new: list[str] = []
    at = 0
    for item in added:
        wanted = max(0, item.index - len(new))
        new += kept[at : at + wanted]
        at += wanted
        new.append(item.id)
    return new + kept[at:]
