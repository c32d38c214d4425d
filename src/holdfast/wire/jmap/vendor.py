"""What this server offers beside the standards, for its webmail; documented in docs/reference/jmap.md."""

from __future__ import annotations

from typing import Final

from holdfast.wire.jmap.core import Date, Id, IdOrCreation, Shape
from holdfast.wire.jmap.server import Method
from holdfast.wire.jmap.standard import Changes, Get, Set

WEBMAIL: Final = "https://holdfast.dev/ns/webmail"


class Snooze(Shape, kw_only=True):
    """An Email out of sight until ``until``. ``id``: the Email's. ``mailbox_id``: where it returns to."""

    id: str
    until: Date
    mailbox_id: str


class SnoozeCreate(Shape, kw_only=True, forbid_unknown_fields=True):
    """``mailbox_id`` None: the Email's mailbox it is taken from, the Inbox where it is in several."""

    email_id: IdOrCreation
    until: Date
    mailbox_id: IdOrCreation | None = None


class SnoozeUpdate(Shape, kw_only=True, forbid_unknown_fields=True):
    until: Date
    mailbox_id: Id


METHODS: Final[dict[str, Method]] = {
    "Snooze/get": Method(WEBMAIL, Get),
    "Snooze/changes": Method(WEBMAIL, Changes),
    "Snooze/set": Method(WEBMAIL, Set),
    "Settings/get": Method(WEBMAIL, Get),
    "Settings/changes": Method(WEBMAIL, Changes),
    "Settings/set": Method(WEBMAIL, Set),
}
