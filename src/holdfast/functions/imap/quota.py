"""QUOTA: how much an account has and may have. RFC 9208.

One quota root, '', is over all mailboxes of an account. Only what a client adds is held back by it
(IMAPD-9): mail that was accepted is delivered beyond it (STORE-12).
"""

from __future__ import annotations

from holdfast.functions.imap.session import Answer, ImapSession
from holdfast.model.errors import Unavailable
from holdfast.model.mail import MailboxId
from holdfast.model.uidset import UidSet
from holdfast.wire.imap import commands as c
from holdfast.wire.imap import responses
from holdfast.wire.imap.events import Request

ROOT = ""


def get_quota(session: ImapSession, request: Request) -> Answer:
    command = request.command
    assert isinstance(command, c.GetQuota)
    limit = _limit(session) if command.root == ROOT else 0
    if not limit:
        return Answer("No such quota root.", b"NONEXISTENT", b"NO")
    session.connection.write(responses.quota_line(ROOT, session.kept.usage().bytes, limit))
    return Answer("GETQUOTA completed.")


def get_quota_root(session: ImapSession, request: Request) -> Answer:
    """Of a name that is no mailbox too: it would be under the same root (RFC 9208 §4.1.2)."""
    command = request.command
    assert isinstance(command, c.GetQuotaRoot)
    limit = _limit(session)
    session.connection.write(responses.quota_root_line(command.mailbox, [ROOT] if limit else []))
    if limit:
        session.connection.write(responses.quota_line(ROOT, session.kept.usage().bytes, limit))
    return Answer("GETQUOTAROOT completed.")


def check_room(session: ImapSession, more: int) -> None:
    """Raises ``Refused(OVER_QUOTA)`` when ``more`` bytes don't fit."""
    if no := session.serving.over_quota(session.who, more):
        raise no


def check_room_for_copies(session: ImapSession, mailbox: MailboxId, uids: UidSet) -> None:
    """The same for copies of messages; their sizes are read only where there is a limit."""
    try:
        limited = _limit(session)
    except Unavailable:
        return
    if limited:
        check_room(session, session.kept.size_of(mailbox, uids))


def _limit(session: ImapSession) -> int:
    quotas = session.serving.quotas
    return quotas.quota_of(session.who.id) if quotas is not None else 0
