"""Filters and sort orders of queries. RFC 8620 §5.5"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from holdfast.model.limits import JMAP_FILTER_DEPTH
from holdfast.wire.jmap.core import Shape
from holdfast.wire.jmap.errors import MethodError, MethodFault

Word = Literal["AND", "OR", "NOT"]


class Comparator(Shape, kw_only=True, forbid_unknown_fields=True):
    """One order; ``keyword`` belongs to the orders of RFC 8621 §4.4.2 that need one."""

    property: str
    is_ascending: bool = True
    collation: str | None = None
    keyword: str | None = None


class Operator(msgspec.Struct):
    """AND: all match; OR: one matches; NOT: none matches."""

    operator: Word
    conditions: list[Operator | Shape]


class _Operator(msgspec.Struct, forbid_unknown_fields=True):
    operator: Word
    conditions: list[dict[str, object]]


def read_filter(value: dict[str, object], condition: type[Shape], depth: int = 1) -> Operator | Shape:
    """At most JMAP_FILTER_DEPTH levels. An unknown property is unsupportedFilter, a wrong value
    invalidArguments."""
    if depth > JMAP_FILTER_DEPTH:
        text = f"The filter nests deeper than {JMAP_FILTER_DEPTH} levels."
        raise MethodError(MethodFault.UNSUPPORTED_FILTER, text)
    try:
        if "operator" in value:
            read = msgspec.convert(value, _Operator)
            inner = [read_filter(each, condition, depth + 1) for each in read.conditions]
            return Operator(read.operator, inner)
        known = condition.__struct_encode_fields__
        if strange := [name for name in value if name not in known]:
            raise MethodError(MethodFault.UNSUPPORTED_FILTER, f"Can't filter by {', '.join(strange)}.")
        return msgspec.convert(value, condition)
    except msgspec.ValidationError as error:
        raise MethodError(MethodFault.INVALID_ARGUMENTS, f"The filter: {error}") from None


def matches(what: Operator | Shape | None, holds: Callable[[Shape], bool]) -> bool:
    """Whether the filter matches; ``holds`` answers for a condition. No filter matches everything."""
    if what is None:
        return True
    if not isinstance(what, Operator):
        return holds(what)
    if what.operator == "AND":
        return all(matches(each, holds) for each in what.conditions)
    found = any(matches(each, holds) for each in what.conditions)
    return found if what.operator == "OR" else not found
