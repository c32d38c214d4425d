"""Email/changes, Thread/changes, Mailbox/changes: from the account's modseqs. RFC 8620 §5.2

JMAPD-17 what a client is told between two states is exactly what changed, whatever its ``maxChanges``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from holdfast.functions.jmap.asking import Ask, Handler
from holdfast.functions.jmap.ids import EMAIL, MAILBOX, THREAD, id_of
from holdfast.model.limits import JMAP_CHANGES
from holdfast.store import AccountMail, EmailChanges, EmailState, MailboxChanges
from holdfast.wire.jmap.errors import MethodError, MethodFault
from holdfast.wire.jmap.methods import MailboxChangesResult
from holdfast.wire.jmap.standard import Changes, ChangesResult

COUNTS: Final = ["totalEmails", "unreadEmails", "totalThreads", "unreadThreads"]


def state_of(text: str) -> EmailState:
    """MethodError cannotCalculateChanges for what was never a state."""
    state = EmailState.parse(text)
    if state is None:
        raise no_such_state()
    return state


def no_such_state() -> MethodError:
    return MethodError(MethodFault.CANNOT_CALCULATE_CHANGES, "There has been no such state: read all anew.")


def _asked(
    ask: Ask,
    asked: Changes,
    read: Callable[[AccountMail, EmailState, int], EmailChanges | MailboxChanges | None],
) -> EmailChanges | MailboxChanges:
    found = read(
        ask.mail(), state_of(asked.since_state), min(asked.max_changes or JMAP_CHANGES, JMAP_CHANGES)
    )
    if found is None:
        raise no_such_state()
    return found


def _said(ask: Ask, asked: Changes, kind: str, found: EmailChanges | MailboxChanges) -> ChangesResult:
    return ChangesResult(
        account_id=ask.account_id,
        old_state=asked.since_state,
        new_state=str(found.state),
        has_more_changes=found.more,
        created=[id_of(kind, each) for each in found.created],
        updated=[id_of(kind, each) for each in found.updated],
        destroyed=[id_of(kind, each) for each in found.destroyed],
    )


async def emails(ask: Ask, asked: Changes) -> ChangesResult:
    return _said(ask, asked, EMAIL, _asked(ask, asked, AccountMail.email_changes))


async def threads(ask: Ask, asked: Changes) -> ChangesResult:
    return _said(ask, asked, THREAD, _asked(ask, asked, AccountMail.thread_changes))


async def mailboxes(ask: Ask, asked: Changes) -> MailboxChangesResult:
    """RFC 8621 §2.2: ``updatedProperties`` where nothing changed but counts."""
    found = _asked(ask, asked, AccountMail.mailbox_changes)
    assert isinstance(found, MailboxChanges)
    said = _said(ask, asked, MAILBOX, found)
    only_counts = found.counts_only and bool(found.updated)
    return MailboxChangesResult(
        **{name: getattr(said, name) for name in ChangesResult.__struct_fields__},
        updated_properties=COUNTS if only_counts else None,
    )


HANDLERS: Final[dict[str, Handler]] = {
    "Email/changes": emails,
    "Thread/changes": threads,
    "Mailbox/changes": mailboxes,
}
