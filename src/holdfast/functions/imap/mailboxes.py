"""CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, APPEND. RFC 3501 §6.3.3-7, §6.3.11.

DELETE of a mailbox with others below it removes its messages; the name stays as ``\\Noselect`` for as
long as something is below it (RFC 3501 §6.3.4 leaves the choice). To delete it again is refused.
"""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.functions.imap.listing import above
from holdfast.functions.imap.quota import check_room
from holdfast.functions.imap.session import Answer, Handled, ImapSession
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.mail import Role
from holdfast.model.uidset import UidSet
from holdfast.store.commands import (
    AnyCommand,
    AnyOutcome,
    Append,
    AppendAll,
    Appended,
    AppendedAll,
    Delete,
    MakeMailbox,
    NewMessage,
    Rename,
    Subscribe,
)
from holdfast.store.reader import AccountMail
from holdfast.wire.imap import commands as c
from holdfast.wire.imap import responses
from holdfast.wire.imap.events import Request
from holdfast.wire.imap.names import SEPARATOR

# \All and \Flagged are views of other mailboxes, which we don't have (RFC 6154 §2).
_USES = frozenset((Role.ARCHIVE, Role.DRAFTS, Role.JUNK, Role.SENT, Role.TRASH))


async def create(session: ImapSession, request: Request) -> Answer:
    """With what is missing above it (§6.3.3); USE by RFC 6154 §3."""
    command = request.command
    assert isinstance(command, c.Create)
    kept = session.kept
    role = _role(kept, command.uses)
    if role is None:
        return Answer("That use is not possible here, or another mailbox has it.", b"USEATTR", b"NO")
    parents = _missing_above(kept, command.mailbox)
    _must_have_room(session, kept, len(parents) + 1)
    made = [MakeMailbox(account=session.who.id, cell=session.who.cell, name=name) for name in parents]
    await _commit_all(
        session,
        [*made, MakeMailbox(account=session.who.id, cell=session.who.cell, name=command.mailbox, role=role)],
    )
    return Answer("CREATE completed.")


def _role(kept: AccountMail, uses: tuple[Role, ...]) -> Role | None:
    """The one use asked for; None when it can't be given."""
    if not uses:
        return Role.NONE
    if len(uses) > 1 or uses[0] not in _USES:
        return None
    return None if any(box.role is uses[0] for box in kept.mailboxes()) else uses[0]


def _missing_above(kept: AccountMail, name: str) -> list[str]:
    return [parent for parent in above(name) if kept.mailbox(parent) is None]


def _must_have_room(session: ImapSession, kept: AccountMail, more: int) -> None:
    most = session.serving.settings.limits.mailboxes
    if len(kept.mailboxes()) + more > most:
        raise Refused(Reason.LIMIT, f"an account has at most {most} mailboxes")


async def _commit_all(session: ImapSession, commands: Sequence[AnyCommand]) -> AnyOutcome:
    """All of them; the last one's outcome. That a parent was made by somebody else meanwhile is no error."""
    outcomes = await session.serving.store.commit(commands)
    for outcome in outcomes[:-1]:
        if isinstance(outcome, Unavailable) or (
            isinstance(outcome, Refused) and outcome.reason is not Reason.MAILBOX_EXISTS
        ):
            raise outcome
    last = outcomes[-1]
    if isinstance(last, Refused | Unavailable):
        raise last
    return last


async def delete(session: ImapSession, request: Request) -> Answer:
    command = request.command
    assert isinstance(command, c.Delete)
    box = session.kept.mailbox(command.mailbox)
    await session.commit(Delete(account=session.who.id, cell=session.who.cell, name=command.mailbox))
    if box is not None and session.view is not None and session.view.mailbox == box.id:
        session.deselect()
        return Answer("The selected mailbox is deleted and closed.", b"CLOSED")
    return Answer("DELETE completed.")


async def rename(session: ImapSession, request: Request) -> Answer:
    """With what is missing above the new name; INBOX's messages move and INBOX stays (§6.3.5)."""
    command = request.command
    assert isinstance(command, c.Rename)
    kept = session.kept
    parents: list[str] = []
    moving = any(
        box.name == command.mailbox or command.mailbox in above(box.name) for box in kept.mailboxes()
    )
    into_itself = command.to.startswith(command.mailbox + SEPARATOR)
    if moving and not into_itself and kept.mailbox(command.to) is None:
        parents = _missing_above(kept, command.to)
    made = [MakeMailbox(account=session.who.id, cell=session.who.cell, name=name) for name in parents]
    await _commit_all(
        session,
        [*made, Rename(account=session.who.id, cell=session.who.cell, old=command.mailbox, new=command.to)],
    )
    return Answer("RENAME completed.")


async def subscribe(session: ImapSession, request: Request) -> Answer:
    """Any name: a subscription outlives its mailbox (§6.3.6)."""
    command = request.command
    assert isinstance(command, c.Subscribe)
    await session.commit(
        Subscribe(account=session.who.id, cell=session.who.cell, name=command.mailbox, on=True)
    )
    return Answer("SUBSCRIBE completed.")


async def unsubscribe(session: ImapSession, request: Request) -> Answer:
    command = request.command
    assert isinstance(command, c.Unsubscribe)
    await session.commit(
        Subscribe(account=session.who.id, cell=session.who.cell, name=command.mailbox, on=False)
    )
    return Answer("UNSUBSCRIBE completed.")


def append(session: ImapSession, request: Request) -> Handled:
    command = request.command
    assert isinstance(command, c.Append)
    return _append(session, command)


async def _append(session: ImapSession, command: c.Append) -> Answer:
    """§6.3.11; several messages are all kept or none (RFC 3502). An empty literal gives the command up."""
    try:
        if session.kept.mailbox(command.mailbox) is None:
            raise Refused(Reason.NO_SUCH_MAILBOX, f"no mailbox named {command.mailbox!r}")
        if not all(message.message for message in command.messages):
            return Answer("A message of no bytes: nothing was appended.", b"", b"NO")
        check_room(session, sum(len(message.message) for message in command.messages))
        outcome = await session.commit(_append_command(session, command))
    finally:
        session.release()
    if isinstance(outcome, AppendedAll):
        uids = UidSet.unpack(outcome.uids)
    else:
        assert isinstance(outcome, Appended)
        uids = UidSet([(outcome.uid, outcome.uid)])
    return Answer("APPEND completed.", responses.appenduid(outcome.uidvalidity, uids))


def _append_command(session: ImapSession, command: c.Append) -> Append | AppendAll:
    """One message is one frame and one sync; several cost a second one."""
    account, cell, mailbox = session.who.id, session.who.cell, command.mailbox
    if len(command.messages) > 1:
        messages = tuple(NewMessage(m.message, m.flags, m.keywords, m.internaldate) for m in command.messages)
        return AppendAll(account=account, cell=cell, mailbox=mailbox, messages=messages)
    (message,) = command.messages
    return Append(
        account=account,
        cell=cell,
        mailbox=mailbox,
        message=message.message,
        flags=message.flags,
        keywords=message.keywords,
        internaldate=message.internaldate,
    )
