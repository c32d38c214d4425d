"""Handlers on the messages of the selected mailbox: FETCH, STORE, COPY, MOVE, SEARCH. RFC 3501 §6.4.4-8."""

from __future__ import annotations

from collections.abc import Generator
from typing import Literal, TypeVar

from holdfast.functions.imap import events
from holdfast.functions.imap.fetch import Result, fetch
from holdfast.functions.imap.quota import check_room_for_copies
from holdfast.functions.imap.search import Searching, walk
from holdfast.functions.imap.selecting import must_be_writable, resolve, vanished_since
from holdfast.functions.imap.session import Answer, Handled, ImapSession, Steps
from holdfast.functions.imap.view import View
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.mail import Flag
from holdfast.model.uidset import EMPTY, UidSet
from holdfast.store.commands import Copied, Copy, Move, Stored, StoreFlags
from holdfast.store.reader import Column
from holdfast.wire.imap import commands as c
from holdfast.wire.imap import replies, responses
from holdfast.wire.imap.events import Request

Found = TypeVar("Found")
_MODES: dict[c.StoreMode, Literal["add", "remove", "replace"]] = {
    c.StoreMode.ADD: "add",
    c.StoreMode.REMOVE: "remove",
    c.StoreMode.REPLACE: "replace",
}


# -- FETCH

_SEEN = int(Flag.SEEN)


def fetch_messages(session: ImapSession, request: Request) -> Handled:
    command = request.command
    assert isinstance(command, c.Fetch)
    view = session.selected
    uids = resolve(session, command.ids, command.uid)
    if c.Attribute.MODSEQ in command.attributes:
        session.condstore = True
    if command.vanished:
        if not session.qresync or not command.uid or command.changed_since is None:
            return Answer("VANISHED needs QRESYNC enabled, UID FETCH and CHANGEDSINCE.", b"CLIENTBUG", b"BAD")
        _tell_vanished(session, view, command)
    if command.sets_seen and not view.read_only:
        return _fetch_and_mark(session, view, command, uids)
    return _fetch(session, view, command, uids, EMPTY)


def _tell_vanished(session: ImapSession, view: View, command: c.Fetch) -> None:
    """RFC 7162 §3.2.6"""
    kept = session.kept
    box = kept.by_id(view.mailbox)
    named = command.ids.resolve(box.uidnext if box is not None else 1)
    if gone := vanished_since(kept, view, command.changed_since or 0, named):
        session.connection.write(responses.vanished(gone, earlier=True))


async def _fetch_and_mark(session: ImapSession, view: View, command: c.Fetch, uids: UidSet) -> Answer:
    """Reading a body sets \\Seen: durable first, then told beside the body (IMAPD-4).

    When nothing can be written the bodies are read all the same, and no \\Seen is told.
    """
    unseen = UidSet.of(
        uid
        for chunk in session.kept.rows(view.mailbox, uids, (Column.UID, Column.FLAGS))
        for uid, flags in chunk
        if not flags & _SEEN
    )
    seen = EMPTY
    if unseen:
        marking = StoreFlags(
            account=session.who.id,
            cell=session.who.cell,
            mailbox=view.mailbox,
            uids=unseen.pack(),
            mode="add",
            flags=Flag.SEEN,
        )
        try:
            outcome = await session.commit(marking)
        except (Refused, Unavailable):
            pass
        else:
            assert isinstance(outcome, Stored)
            seen = UidSet.unpack(outcome.changed)
            if seen:
                session.tell(expunges=False, own=outcome.modseq)
    return await session.write_all(_fetch(session, view, command, uids, seen))


def _fetch(session: ImapSession, view: View, command: c.Fetch, uids: UidSet, seen: UidSet) -> Steps:
    shown = 0
    for part in fetch(view, session.kept, command, uids, seen, session.condstore):
        if isinstance(part, Result):
            shown = part.shown
            _report(session, view, part)
        else:
            yield part
    if not command.uid and shown < len(uids) and command.changed_since is None:
        return Answer("Some of the messages are gone; NOOP tells which.", b"EXPUNGEISSUED", b"NO")
    return Answer("FETCH completed.")


def _report(session: ImapSession, view: View, result: Result) -> None:
    for uid in result.unreadable:
        session.serving.world.journal.emit(
            events.UNREADABLE,
            account=session.account.id if session.account else 0,
            mailbox=view.mailbox,
            uid=uid,
        )


# -- STORE


def store_flags(session: ImapSession, request: Request) -> Handled:
    command = request.command
    assert isinstance(command, c.Store)
    view = session.selected
    must_be_writable(view)
    if command.unchanged_since is not None:
        session.condstore = True
    return _store(session, view, command, resolve(session, command.ids, command.uid))


async def _store(session: ImapSession, view: View, command: c.Store, uids: UidSet) -> Answer:
    changed = kept_back = EMPTY
    own = 0
    if uids:
        outcome = await session.commit(
            StoreFlags(
                account=session.who.id,
                cell=session.who.cell,
                mailbox=view.mailbox,
                uids=uids.pack(),
                mode=_MODES[command.mode],
                flags=command.flags,
                keywords=command.keywords,
                unchanged_since=command.unchanged_since,
            )
        )
        assert isinstance(outcome, Stored)
        changed, kept_back = UidSet.unpack(outcome.changed), UidSet.unpack(outcome.kept)
        own = outcome.modseq if changed else 0
    try:
        _tell_stored(session, view, command, uids - kept_back, changed, own)
    except Unavailable:
        pass  # it is durable; the flags are told when they can be read again
    if kept_back:
        ids = kept_back if command.uid else view.numbers_of(kept_back)
        return Answer("Some were changed meanwhile.", responses.modified(ids))
    missing = not command.uid and bool(uids & view.gone)
    if missing:
        return Answer("Some of the messages are gone; NOOP tells which.", b"EXPUNGEISSUED", b"NO")
    return Answer("STORE completed.")


def _tell_stored(
    session: ImapSession, view: View, command: c.Store, uids: UidSet, changed: UidSet, own: int
) -> None:
    """Others' changes first, then this one's FETCH lines.

    ``.SILENT``: none, or with CONDSTORE the new modseqs of what changed (RFC 7162 §3.1.3).
    """
    session.tell(expunges=False, uid=command.uid, own=own)
    telling = session.telling(expunges=False, uid=command.uid)
    kept = session.kept
    if not command.silent:
        lines = view.flag_lines(kept, uids - view.gone, telling)
    elif session.condstore:
        lines = view.modseq_lines(kept, changed - view.gone, telling)
    else:
        return
    for line in lines:
        session.connection.write(line)


# -- COPY, MOVE


def copy(session: ImapSession, request: Request) -> Handled:
    command = request.command
    assert isinstance(command, c.Copy)
    return _copy(session, session.selected, command, resolve(session, command.ids, command.uid))


async def _copy(session: ImapSession, view: View, command: c.Copy, uids: UidSet) -> Answer:
    check_room_for_copies(session, view.mailbox, uids)
    return Answer("COPY completed.", _copyuid(await _commit(Copy, session, view, uids, command.mailbox)))


async def _commit(kind: type[Copy | Move], session: ImapSession, view: View, uids: UidSet, to: str) -> Copied:
    outcome = await session.commit(
        kind(account=session.who.id, cell=session.who.cell, mailbox=view.mailbox, uids=uids.pack(), to=to)
    )
    assert isinstance(outcome, Copied)
    return outcome


def _copyuid(copied: Copied) -> bytes:
    sources, copies = UidSet.unpack(copied.sources), UidSet.unpack(copied.copies)
    return responses.copyuid(copied.uidvalidity, sources, copies)


def move(session: ImapSession, request: Request) -> Handled:
    command = request.command
    assert isinstance(command, c.Move)
    must_be_writable(session.selected)
    return _move(session, session.selected, command, resolve(session, command.ids, command.uid))


async def _move(session: ImapSession, view: View, command: c.Move, uids: UidSet) -> Answer:
    """RFC 6851 §4.3: COPYUID comes untagged, before the EXPUNGEs."""
    if code := _copyuid(await _commit(Move, session, view, uids, command.mailbox)):
        session.connection.write(replies.untagged_ok("Moved.", code))
    try:
        session.tell()
    except Unavailable:
        pass  # it is done; what the client can't be told now is told later
    return Answer("MOVE completed.", responses.highestmodseq(view.modseq) if session.qresync else b"")


# -- SEARCH


def search(session: ImapSession, request: Request) -> Steps:
    command = request.command
    assert isinstance(command, c.Search)
    view = session.selected
    saving = command.returns is not None and c.ReturnOption.SAVE in command.returns
    by_modseq = any(isinstance(key, c.SearchModseq) for key in walk(command.key))
    if by_modseq:
        session.condstore = True
    before, session.saved = session.saved, EMPTY if saving else session.saved
    searching = Searching(
        view,
        session.kept,
        lambda ids, uid: _named(session, ids, uid, before),
        session.serving.world.clock.now(),
    )
    matching = yield from _parts(searching.run(command.key))
    modseq = (yield from _parts(searching.modseq_of(matching))) if by_modseq and matching else 0
    found = UidSet.of(matching)
    if saving:
        session.saved = _to_save(found, command.returns or frozenset())
    if line := _found_line(request.tag, view, command, found, modseq):
        yield line
    return Answer("SEARCH completed.", b"EXPUNGEISSUED" if view.gone and not command.uid else b"")


def _parts(steps: Generator[None, None, Found]) -> Generator[bytes, None, Found]:
    """As parts of an answer: nothing is to be written yet."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: Found = end.value
            return found
        yield b""


def _named(session: ImapSession, ids: c.SequenceSet, uid: bool, saved: UidSet | None) -> UidSet:
    if ids.saved:
        return session.selected.uids & (saved or EMPTY)
    return resolve(session, ids, uid, lenient=True)


def _to_save(found: UidSet, returns: frozenset[c.ReturnOption]) -> UidSet:
    """RFC 5182 §2.4: MIN and MAX alone save only what they tell."""
    ends = returns & {c.ReturnOption.MIN, c.ReturnOption.MAX}
    if not found or not ends or returns & {c.ReturnOption.ALL, c.ReturnOption.COUNT}:
        return found
    picked = [found.first] if c.ReturnOption.MIN in ends else []
    return UidSet.of([*picked, *([found.last] if c.ReturnOption.MAX in ends else [])])


def _found_line(tag: bytes, view: View, command: c.Search, found: UidSet, modseq: int) -> bytes:
    numbers = found if command.uid else view.numbers_of(found)
    returns = command.returns
    if returns is None:
        return responses.search_line(numbers, modseq)
    told = returns - {c.ReturnOption.SAVE}
    if not told:
        return b""
    return responses.esearch_line(
        tag,
        command.uid,
        least=numbers.first if found and c.ReturnOption.MIN in told else None,
        most=numbers.last if found and c.ReturnOption.MAX in told else None,
        all_of=numbers if found and c.ReturnOption.ALL in told else None,
        count=len(found) if c.ReturnOption.COUNT in told else None,
        modseq=modseq,
    )
