"""Mailbox/query and Mailbox/queryChanges. RFC 8621 §2.3, §2.4

There are few mailboxes: the whole list is made each time, and where anything but counts changed it is told
anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec import UNSET

from holdfast.functions.jmap.asking import Ask, Handler
from holdfast.functions.jmap.boxes import Box, Tree
from holdfast.functions.jmap.changes import no_such_state, state_of
from holdfast.functions.jmap.ids import MAILBOX, id_of
from holdfast.model.limits import JMAP_CHANGES
from holdfast.model.mail import MailboxId
from holdfast.store import AccountMail
from holdfast.wire.jmap.core import Shape
from holdfast.wire.jmap.errors import MethodError, MethodFault
from holdfast.wire.jmap.filters import Comparator, matches
from holdfast.wire.jmap.methods import MailboxCondition, MailboxQuery, MailboxQueryChanges
from holdfast.wire.jmap.standard import AddedItem, QueryChangesResult, QueryResult
from holdfast.wire.jmap.windows import window


async def query(ask: Ask, asked: MailboxQuery) -> QueryResult:
    tree = Tree(ask.mail())
    ids = _listed(tree, asked)
    part = window(ids, asked, ask.parts.limits.max_objects_in_get)
    return QueryResult(
        account_id=ask.account_id,
        query_state=str(tree.modseq),
        can_calculate_changes=True,
        position=part.position,
        ids=part.ids,
        total=len(ids) if asked.calculate_total else UNSET,
        limit=UNSET if part.limit is None else part.limit,
    )


async def query_changes(ask: Ask, asked: MailboxQueryChanges) -> QueryChangesResult:
    mail = ask.mail()
    with mail.moment():
        removed, moved = _changed(mail, asked.since_query_state)
        tree = Tree(mail)
    ids = _listed(tree, asked)
    added = [AddedItem(each, index) for index, each in enumerate(ids)] if moved else []
    gone = list(dict.fromkeys([*(id_of(MAILBOX, each) for each in (*removed, *tree.boxes))])) if moved else []
    if asked.max_changes is not None and len(added) + len(gone) > asked.max_changes:
        raise MethodError(MethodFault.TOO_MANY_CHANGES, "There are more changes than that.")
    return QueryChangesResult(
        account_id=ask.account_id,
        old_query_state=asked.since_query_state,
        new_query_state=str(tree.modseq),
        removed=gone,
        added=added,
        total=len(ids) if asked.calculate_total else UNSET,
    )


def _changed(mail: AccountMail, since: str) -> tuple[list[MailboxId], bool]:
    """Mailboxes that are gone, and whether anything changed that a list may show."""
    state = state_of(since)
    gone: list[MailboxId] = []
    while True:
        found = mail.mailbox_changes(state, JMAP_CHANGES)
        if found is None:
            raise no_such_state()
        gone += found.destroyed
        if found.created or found.destroyed or (found.updated and not found.counts_only) or found.more:
            moved = True
        else:
            moved = False
        if not found.more:
            return gone, moved or bool(gone)
        state = found.state


def _listed(tree: Tree, asked: MailboxQuery | MailboxQueryChanges) -> list[str]:
    where, order = asked.where(), asked.order()
    keep = {
        each.id
        for each in tree.boxes.values()
        if matches(where, lambda condition, each=each: _holds(tree, each, condition))  # type: ignore[misc]
    }
    if asked.filter_as_tree:
        keep = {each for each in keep if all(above.id in keep for above in tree.chain(each))}
    boxes = _sorted(list(tree.boxes.values()), order)
    if asked.sort_as_tree:
        boxes = _as_tree(boxes)
    return [id_of(MAILBOX, each.id) for each in boxes if each.id in keep]


def _holds(tree: Tree, box: Box, condition: Shape) -> bool:
    assert isinstance(condition, MailboxCondition)
    parent = None if box.parent is None else id_of(MAILBOX, box.parent)
    role = box.kept.role.value or None
    return (
        (condition.parent_id is UNSET or condition.parent_id == parent)
        and (condition.name is UNSET or str(condition.name).casefold() in box.name.casefold())
        and (condition.role is UNSET or condition.role == role)
        and (condition.has_any_role is UNSET or condition.has_any_role == (role is not None))
        and (condition.is_subscribed is UNSET or condition.is_subscribed == box.subscribed)
    )


_KEYS: Final[dict[str, Callable[[Box], Any]]] = {
    "sortOrder": lambda box: box.kept.sort_order,
    "name": lambda box: box.name.casefold(),
}


def _sorted(boxes: list[Box], order: list[Comparator]) -> list[Box]:
    boxes.sort(key=lambda box: box.id)
    for each in reversed(order):
        boxes.sort(key=_KEYS[each.property], reverse=not each.is_ascending)
    return boxes


def _as_tree(boxes: list[Box]) -> list[Box]:
    """RFC 8621 §2.3: each after its parent, before its parent's next sibling."""
    below: dict[MailboxId | None, list[Box]] = {}
    for each in boxes:
        below.setdefault(each.parent, []).append(each)
    found: list[Box] = []
    pending = below.get(None, [])[::-1]
    while pending:
        box = pending.pop()
        found.append(box)
        pending += below.get(box.id, [])[::-1]
    return found


HANDLERS: Final[dict[str, Handler]] = {"Mailbox/query": query, "Mailbox/queryChanges": query_changes}
