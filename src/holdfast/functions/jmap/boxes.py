"""Mailboxes as JMAP has them: levels of names as a tree. RFC 8621 §2

A name's levels are split by ``/``. Where a level is missing (IMAP can delete one that has others below it),
what lies below is shown under the nearest one that is there, with the missing levels in its name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from holdfast.functions.jmap.ids import MAILBOX, id_of
from holdfast.model.limits import MAILBOX_DEPTH
from holdfast.model.mail import Mailbox as Kept
from holdfast.model.mail import MailboxId, Role
from holdfast.store import AccountMail, Counts
from holdfast.wire.jmap.core import Json
from holdfast.wire.jmap.mail import Mailbox, MailboxRights

PROPERTIES: Final = frozenset(Mailbox.__struct_encode_fields__)
COUNTS: Final = frozenset(("totalEmails", "unreadEmails", "totalThreads", "unreadThreads"))
ROLES: Final = frozenset(each.value for each in Role if each is not Role.NONE)


class Box(NamedTuple):
    """``name``: what is shown; ``parent`` None: at the top."""

    kept: Kept
    name: str
    parent: MailboxId | None
    subscribed: bool

    @property
    def id(self) -> MailboxId:
        return self.kept.id


class Tree:
    """All mailboxes of an account, of one moment."""

    def __init__(self, mail: AccountMail) -> None:
        with mail.moment() as self.modseq:
            kept = mail.mailboxes()
            subscribed = mail.subscriptions()
        by_name = {each.name: each for each in kept}
        self.boxes: dict[MailboxId, Box] = {}
        for each in kept:
            above = _nearest(each.name, by_name)
            name = each.name if above is None else each.name[len(above.name) + 1 :]
            parent = None if above is None else above.id
            self.boxes[each.id] = Box(each, name, parent, each.name in subscribed)

    def children(self, of: MailboxId) -> list[Box]:
        return [each for each in self.boxes.values() if each.parent == of]

    def chain(self, of: MailboxId) -> list[Box]:
        """From the top down to it."""
        found = [self.boxes[of]]
        while (parent := found[-1].parent) is not None:
            found.append(self.boxes[parent])
        return found[::-1]

    def with_role(self, role: str) -> Box | None:
        return next((each for each in self.boxes.values() if each.kept.role == role), None)


def _nearest(name: str, by_name: dict[str, Kept]) -> Kept | None:
    while "/" in name:
        name = name.rpartition("/")[0]
        if name in by_name:
            return by_name[name]
    return None


def shown(box: Box, counts: Counts | None) -> Json:
    """All properties; ``counts`` None: but for those."""
    inbox = box.kept.role is Role.INBOX
    made: Json = {
        "id": id_of(MAILBOX, box.id),
        "name": box.name,
        "parentId": None if box.parent is None else id_of(MAILBOX, box.parent),
        "role": box.kept.role.value or None,
        "sortOrder": box.kept.sort_order,
        "myRights": MailboxRights(
            may_create_child=box.kept.name.count("/") < MAILBOX_DEPTH - 1,
            may_rename=not inbox,
            may_delete=not inbox,
        ),
        "isSubscribed": box.subscribed,
    }
    if counts is not None:
        made["totalEmails"] = counts.emails
        made["unreadEmails"] = counts.unread_emails
        made["totalThreads"] = counts.threads
        made["unreadThreads"] = counts.unread_threads
    return made


def all_shown(mail: AccountMail, tree: Tree, properties: Iterable[str] | None) -> dict[str, Json]:
    """By id. Counts are made only where they are asked for."""
    counted = properties is None or not COUNTS.isdisjoint(properties)
    return {
        id_of(MAILBOX, each.id): shown(each, mail.mail_counts(each.id) if counted else None)
        for each in tree.boxes.values()
    }
