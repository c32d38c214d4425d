"""Queries of objects: what matches, in its order, and what changed of that. RFC 8620 §5.5, §5.6

Where an object stands in a list follows from the object alone, so the changes of a list follow from the
changes of objects, exactly: what changed left its place, and is put in where it stands now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec import UNSET

from holdfast.functions.jmap.asking import Ask
from holdfast.functions.jmap.objects import Kind, Stored
from holdfast.model.limits import JMAP_CHANGES
from holdfast.store import EmailState
from holdfast.wire.jmap.core import Shape
from holdfast.wire.jmap.errors import MethodError, MethodFault
from holdfast.wire.jmap.filters import Operator, matches
from holdfast.wire.jmap.standard import AddedItem, Query, QueryChanges, QueryChangesResult, QueryResult
from holdfast.wire.jmap.windows import window

Where = Operator | Shape | None
Holds = Callable[[Stored, Any], bool]
Keys = Sequence[tuple[Callable[[Stored], Any], bool]]
"""By what to sort, the first first, and whether backwards."""


def listed(ask: Ask, asked: Query, kind: Kind, where: Where, holds: Holds, keys: Keys) -> QueryResult:
    mail = ask.mail()
    with mail.moment():
        state, objects = kind.state(ask, mail), kind.all(ask, mail)
    return answered(ask, asked, state, _ids(objects.values(), where, holds, keys))


def answered(ask: Ask, asked: Query, state: str, ids: list[str]) -> QueryResult:
    """The part of a whole list that is asked for."""
    shown = window(ids, asked, ask.parts.limits.max_objects_in_get)
    return QueryResult(
        account_id=ask.account_id,
        query_state=state,
        can_calculate_changes=True,
        position=shown.position,
        ids=shown.ids,
        total=len(ids) if asked.calculate_total else UNSET,
        limit=shown.limit if shown.limit is not None else UNSET,
    )


def changed_list(
    ask: Ask, asked: QueryChanges, kind: Kind, where: Where, holds: Holds, keys: Keys
) -> QueryChangesResult:
    since = EmailState.parse(asked.since_query_state)
    mail = ask.mail()
    with mail.moment():
        found = None if since is None else mail.object_changes(kind.name, since, JMAP_CHANGES)
        state, objects = kind.state(ask, mail), kind.all(ask, mail)
    if found is None or found.more:
        raise MethodError(MethodFault.CANNOT_CALCULATE_CHANGES, "Ask for the list anew.")
    ids = _ids(objects.values(), where, holds, keys)
    moved = {*found.created, *found.updated, *found.destroyed}
    added = [AddedItem(each, index) for index, each in enumerate(ids) if each in moved]
    if asked.max_changes is not None and len(moved) + len(added) > asked.max_changes:
        raise MethodError(MethodFault.TOO_MANY_CHANGES, "Ask for the list anew, or for more changes.")
    return QueryChangesResult(
        account_id=ask.account_id,
        old_query_state=asked.since_query_state,
        new_query_state=state,
        removed=[*found.updated, *found.destroyed, *found.created],
        added=added,
        total=len(ids) if asked.calculate_total else UNSET,
    )


def _ids(objects: Iterable[Stored], where: Where, holds: Holds, keys: Keys) -> list[str]:
    def fits(each: Stored) -> bool:
        return matches(where, lambda condition: holds(each, condition))

    found = sorted(filter(fits, objects), key=lambda each: each.id)
    for key, backwards in reversed(keys):
        found.sort(key=key, reverse=backwards)
    return [each.id for each in found]
