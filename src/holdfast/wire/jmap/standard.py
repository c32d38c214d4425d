"""The standard methods' arguments and results, for any type of object. RFC 8620 §5."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import ClassVar

import msgspec
from msgspec import UNSET, UnsetType

from holdfast.wire.jmap.core import Arguments, Id, IdOrCreation, Int, PositiveInt, Shape, UnsignedInt
from holdfast.wire.jmap.errors import MethodError, MethodFault, SetError
from holdfast.wire.jmap.filters import Comparator, Operator, read_filter

Objects = list[object]
Ids = list[str]


class Get(Arguments, kw_only=True):
    """Foo/get. ``ids`` None: all objects. What isn't an id is not found, not refused."""

    account_id: Id
    ids: list[str] | None = None
    properties: list[str] | None = None

    def objects_read(self) -> int:
        return len(self.ids or ())


class GetResult(Shape, kw_only=True):
    account_id: str
    state: str
    list: Objects
    not_found: Ids


def select(
    ids: Iterable[str],
    properties: Collection[str] | None,
    known: Collection[str],
    find: Callable[[str], Mapping[str, object] | None],
) -> tuple[list[object], list[str]]:
    """The objects asked for, each once, with the properties asked for and their id; and the ids not found."""
    if properties is not None and (strange := [name for name in properties if name not in known]):
        text = f"There is no property {', '.join(strange)}."
        raise MethodError(MethodFault.INVALID_ARGUMENTS, text)
    objects: list[object] = []
    not_found: list[str] = []
    for each in dict.fromkeys(ids):
        found = find(each)
        if found is None:
            not_found.append(each)
        elif properties is None:
            objects.append(found)
        else:
            wanted = {"id": each}
            wanted.update((name, found[name]) for name in properties if name in found)  # type: ignore[misc]
            objects.append(wanted)
    return objects, not_found


class Changes(Arguments, kw_only=True):
    """Foo/changes"""

    account_id: Id
    since_state: str
    max_changes: PositiveInt | None = None


class ChangesResult(Shape, kw_only=True):
    account_id: str
    old_state: str
    new_state: str
    has_more_changes: bool
    created: list[str]
    updated: list[str]
    destroyed: list[str]


class Set(Arguments, kw_only=True):
    """Foo/set. Objects and patches are read one by one, so that a wrong one fails alone."""

    account_id: Id
    if_in_state: str | None = None
    create: dict[Id, dict[str, object]] | None = None
    update: dict[IdOrCreation, dict[str, object]] | None = None
    destroy: list[IdOrCreation] | None = None

    def objects_changed(self) -> int:
        return len(self.create or ()) + len(self.update or ()) + len(self.destroy or ())

    def check_state(self, state: str) -> None:
        """MethodError stateMismatch."""
        if self.if_in_state is not None and self.if_in_state != state:
            text = f"The state is “{state}” now: nothing was changed. Read what changed, and send it again."
            raise MethodError(MethodFault.STATE_MISMATCH, text)


class SetResult(Shape, kw_only=True):
    account_id: str
    old_state: str | None
    new_state: str
    created: dict[str, object] | None = None
    updated: dict[str, object] | None = None
    destroyed: list[str] | None = None
    not_created: dict[str, SetError] | None = None
    not_updated: dict[str, SetError] | None = None
    not_destroyed: dict[str, SetError] | None = None


class Copy(Arguments, kw_only=True):
    """Foo/copy"""

    from_account_id: Id
    account_id: Id
    create: dict[Id, dict[str, object]]
    if_from_in_state: str | None = None
    if_in_state: str | None = None
    on_success_destroy_original: bool = False
    destroy_from_if_in_state: str | None = None

    def objects_changed(self) -> int:
        return len(self.create)


class CopyResult(Shape, kw_only=True):
    from_account_id: str
    account_id: str
    old_state: str | None
    new_state: str
    created: dict[str, object] | None = None
    not_created: dict[str, SetError] | None = None


class _Listed(Arguments, kw_only=True):
    """What Foo/query and Foo/queryChanges share; each type says its CONDITION and its SORTS."""

    CONDITION: ClassVar[type[Shape] | None] = None
    SORTS: ClassVar[frozenset[str]] = frozenset()
    COLLATIONS: ClassVar[frozenset[str]] = frozenset({"i;ascii-casemap", "i;unicode-casemap", "i;octet"})

    account_id: Id
    filter: dict[str, object] | None = None
    sort: list[Comparator] | None = None
    calculate_total: bool = False

    def where(self) -> Operator | Shape | None:
        """The filter in its types, None: everything. MethodError unsupportedFilter or invalidArguments."""
        if self.filter is None:
            return None
        assert self.CONDITION is not None
        return read_filter(self.filter, self.CONDITION)

    def order(self) -> list[Comparator]:
        """MethodError unsupportedSort."""
        for each in self.sort or ():
            if each.property not in self.SORTS:
                raise MethodError(MethodFault.UNSUPPORTED_SORT, f"Can't sort by “{each.property}”.")
            if each.collation is not None and each.collation not in self.COLLATIONS:
                raise MethodError(MethodFault.UNSUPPORTED_SORT, f"Unknown collation “{each.collation}”.")
        return self.sort or []


class Query(_Listed, kw_only=True):
    """Foo/query"""

    position: Int = 0
    anchor: Id | None = None
    anchor_offset: Int = 0
    limit: UnsignedInt | None = None


class QueryResult(Shape, kw_only=True):
    account_id: str
    query_state: str
    can_calculate_changes: bool
    position: int
    ids: list[str]
    total: int | UnsetType = UNSET
    limit: int | UnsetType = UNSET


class QueryChanges(_Listed, kw_only=True):
    """Foo/queryChanges"""

    since_query_state: str
    max_changes: PositiveInt | None = None
    up_to_id: Id | None = None


class AddedItem(msgspec.Struct):
    id: str
    index: int


class QueryChangesResult(Shape, kw_only=True):
    account_id: str
    old_query_state: str
    new_query_state: str
    removed: list[str]
    added: list[AddedItem]
    total: int | UnsetType = UNSET
