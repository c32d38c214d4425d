"""SELECT, EXAMINE, CLOSE, UNSELECT, CHECK, IDLE. RFC 3501 §6.3.1-2, §6.4.1-2; RFC 7162 §3.2.5."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from typing import Any

from holdfast.functions.imap.flags import texts_for
from holdfast.functions.imap.session import Answer, Handled, ImapSession
from holdfast.functions.imap.view import View, union
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.mail import Flag, Mailbox
from holdfast.model.uidset import UidSet
from holdfast.store.commands import Expunge, Removed
from holdfast.store.reader import CHUNK_ROWS, AccountMail, Column
from holdfast.wire.imap import commands as c
from holdfast.wire.imap import replies, responses
from holdfast.wire.imap.events import Request, State

# UNSEEN tells the first unseen message: looked for among so many, else not told (RFC 3501 §6.3.1 allows).
FIRST_UNSEEN_ROWS = 4 * CHUNK_ROWS


def select(session: ImapSession, request: Request) -> Handled:
    command = request.command
    assert isinstance(command, c.Select)
    if command.qresync and not session.qresync:
        return Answer("ENABLE QRESYNC first.", b"CLIENTBUG", b"BAD")
    if session.view is not None:
        session.deselect()  # also when what follows fails (RFC 3501 §6.3.1)
        session.connection.write(replies.untagged_ok("Previous mailbox is closed.", b"CLOSED"))
    kept = session.kept
    found = kept.select(command.mailbox)
    if found is None:
        raise Refused(Reason.NO_SUCH_MAILBOX, f"no mailbox named {command.mailbox!r}")
    box, uids, modseq, keywords = found  # the modseq not after the UIDs: a change is told twice, never missed
    view = View(box, uids, modseq, len(keywords), command.read_only)
    session.condstore = session.condstore or command.condstore
    for line in _facts(kept, box, view, keywords):
        session.connection.write(line)
    if command.qresync is not None and command.qresync.uidvalidity == box.uidvalidity:
        _resync(session, kept, view, command.qresync)
    session.view = view
    session.machine.state = State.SELECTED
    name = "EXAMINE" if command.read_only else "SELECT"
    return Answer(f"{name} completed.", b"READ-ONLY" if command.read_only else b"READ-WRITE")


def _facts(kept: AccountMail, box: Mailbox, view: View, keywords: list[str]) -> Generator[bytes, None, None]:
    """What SELECT must tell. RFC 3501 §6.3.1, RFC 7162 §3.1.2.1."""
    names = texts_for(tuple(keywords)).names
    yield responses.flags(names)
    yield replies.untagged_ok("Flags kept.", responses.permanentflags(names, read_only=view.read_only))
    yield responses.exists(len(view.uids)) + responses.recent(len(view.recent))
    if box.unseen and (first := _first_unseen(kept, view)):
        yield replies.untagged_ok("First unseen.", responses.unseen(first))
    yield replies.untagged_ok("UIDs valid.", responses.uidvalidity(box.uidvalidity))
    yield replies.untagged_ok("Predicted next UID.", responses.uidnext(box.uidnext))
    yield replies.untagged_ok("Highest.", responses.highestmodseq(box.modseq))


def _first_unseen(kept: AccountMail, view: View) -> int:
    """Number of the first message without \\Seen; 0 when it lies too far back."""
    uid = kept.first_without(view.mailbox, view.uids, Flag.SEEN, FIRST_UNSEEN_ROWS)
    return view.uids.rank(uid) + 1 if uid is not None and uid in view.uids else 0


def _resync(session: ImapSession, kept: AccountMail, view: View, known: c.QResync) -> None:
    """RFC 7162 §3.2.5: what went and what changed since the client was here."""
    if gone := vanished_since(kept, view, known.modseq, known.known_uids):
        session.connection.write(responses.vanished(gone, earlier=True))
    telling = session.telling(uid=True)
    wanted = view.uids if known.known_uids is None else view.uids & known.known_uids
    changed = UidSet.of(
        row[0] for chunk in kept.rows(view.mailbox, wanted, (Column.UID,), known.modseq) for row in chunk
    )
    for lines in view.flag_lines(kept, changed, telling):
        session.connection.write(lines)


def vanished_since(kept: AccountMail, view: View, modseq: int, among: UidSet | None) -> UidSet:
    """UIDs removed after ``modseq``."""
    removed = [change.uids for change in kept.changes(view.mailbox, modseq) if isinstance(change, Removed)]
    gone = union(removed) - view.uids
    return gone if among is None else gone & among


def close(session: ImapSession, request: Request) -> Answer | Coroutine[Any, Any, Answer]:
    """Removes what is marked \\Deleted, without telling; not after EXAMINE."""
    view = session.selected
    if view.read_only:
        session.deselect()
        return Answer("CLOSE completed.")
    return _close(session, view)


async def _close(session: ImapSession, view: View) -> Answer:
    box = session.kept.by_id(view.mailbox)
    if box is not None and box.deleted and view.uids:
        await session.commit(
            Expunge(
                account=session.who.id, cell=session.who.cell, mailbox=view.mailbox, uids=view.uids.pack()
            )
        )
    session.deselect()
    return Answer("CLOSE completed.")


def unselect(session: ImapSession, request: Request) -> Answer | Coroutine[Any, Any, Answer]:
    """RFC 3691"""
    session.deselect()
    return Answer("UNSELECT completed.")


def check(session: ImapSession, request: Request) -> Answer:
    """Everything acknowledged is durable already; so this is NOOP."""
    return Answer("CHECK completed.")


def idle(session: ImapSession, request: Request) -> None:
    session.start_idle(request.tag)


def expunge(session: ImapSession, request: Request) -> Handled:
    command = request.command
    assert isinstance(command, c.Expunge)
    view = session.selected
    must_be_writable(view)
    wanted = view.uids if command.uids is None else resolve(session, command.uids, True)
    return _expunge(session, view, wanted)


async def _expunge(session: ImapSession, view: View, uids: UidSet) -> Answer:
    """RFC 3501 §6.4.3, RFC 4315 §2.1. Only messages the client knows: it saw their \\Deleted."""
    box = session.kept.by_id(view.mailbox)
    if uids and (box is None or box.deleted):
        await session.commit(
            Expunge(account=session.who.id, cell=session.who.cell, mailbox=view.mailbox, uids=uids.pack())
        )
    try:
        session.tell()
    except Unavailable:
        pass  # it is done; what the client can't be told now is told later
    code = responses.highestmodseq(view.modseq) if session.qresync else b""
    return Answer("EXPUNGE completed.", code)


def must_be_writable(view: View) -> None:
    if view.read_only:
        raise Refused(Reason.NOT_ALLOWED, "the mailbox is open for reading only: use SELECT")


def resolve(session: ImapSession, ids: c.SequenceSet, uid: bool, *, lenient: bool = False) -> UidSet:
    """The UIDs a client names, of those it knows.

    A message number above the count is the client's error (RFC 3501 §9 seq-number) unless ``lenient``.
    """
    view = session.selected
    uids = view.uids
    if ids.saved:
        return uids & session.saved if session.saved is not None else uids & UidSet()
    if uid:
        return uids & ids.resolve(uids.last) if uids else uids
    count = len(uids)
    if ids.highest > count and not lenient:
        raise Refused(Reason.BAD_SYNTAX, f"no message {ids.highest}: there are {count}")
    numbers = ids.resolve(count)
    if numbers and numbers.first == 1 and numbers.last >= count and len(numbers.ranges) == 1:
        return uids
    return view.uids_at(numbers)
