"""How the fold carries out one command on the tables, range by range."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import apsw

from holdfast.model.errors import Reason
from holdfast.model.limits import MAILBOX_DEPTH, MAILBOX_NAME_BYTES
from holdfast.model.mail import FIRST_KEYWORD_BIT, Flag, MailboxId, Role
from holdfast.model.uidset import EMPTY, UidSet
from holdfast.store import commands as c
from holdfast.store import schema
from holdfast.store.accounts import Accounts, AccountState, MailboxState
from holdfast.store.refusal import Refusal

ADDED, FLAGGED, REMOVED, MADE, RENAMED, GONE, SUBSCRIBED = range(7)
_SYSTEM = (1 << FIRST_KEYWORD_BIT) - 1
_SEEN, _DELETED = int(Flag.SEEN), int(Flag.DELETED)

Row = tuple[int, int, int, int]  # uid, flags, message, size


def check_name(name: str) -> None:
    """A mailbox name that can be kept, or ``Refusal``."""
    levels = name.split("/")
    if not name or any(not level for level in levels) or any(ord(ch) < 32 or ord(ch) == 127 for ch in name):
        raise Refusal(
            Reason.BAD_NAME,
            f"mailbox name {name!r}: levels are split by '/', none empty, no control characters",
        )
    if len(name.encode("utf-8", "surrogatepass")) > MAILBOX_NAME_BYTES or len(levels) > MAILBOX_DEPTH:
        raise Refusal(
            Reason.BAD_NAME,
            f"a mailbox name has at most {MAILBOX_NAME_BYTES} bytes and {MAILBOX_DEPTH} levels",
        )


class Carrier:
    """Carries out one command for one account. Rows collected before it were flushed."""

    def __init__(
        self,
        db: apsw.Connection,
        accounts: Accounts,
        account: AccountState,
        sequence: int,
        at: int,
        changes: list[tuple[int, int, int, int, bytes]],
    ) -> None:
        self.db = db
        self.accounts = accounts
        self.account = account
        self.sequence = sequence
        self.at = at
        self.changes = changes

    def carry_out(self, command: c.AnyCommand) -> c.AnyOutcome:
        return _CARRY[type(command)](self, command)

    def _next(self, box: MailboxState) -> int:
        self.account.modseq += 1
        box.modseq = self.account.modseq
        return self.account.modseq

    def _rows(self, box: MailboxId, uids: UidSet, condition: str = "", *values: int) -> list[Row]:
        """(uid, flags, message, size) of the entries among ``uids``, in order."""
        found: list[Any] = []
        sql = (
            "SELECT e.uid, e.flags, e.message, m.size FROM entry e JOIN message m ON m.id=e.message"
            f" WHERE e.mailbox=? AND e.uid BETWEEN ? AND ? {condition}"
        )
        for low, high in uids.ranges:
            found += schema.rows(self.db, sql, box, low, high, *values)
        return found

    # -- flags --------------------------------------------------------------------

    def _flags(self, command: c.StoreFlags) -> c.AnyOutcome:
        box = self.accounts.by_id(self.account, command.mailbox)
        uids = UidSet.unpack(command.uids)
        bits = int(command.flags) & _SYSTEM | self.accounts.keyword_bits(self.account, command.keywords)
        keep, put = {"add": (-1, bits), "remove": (~bits, 0), "replace": (0, bits)}[command.mode]
        kept = EMPTY
        if command.unchanged_since is not None:
            kept = UidSet.of(
                row[0]
                for low, high in uids.ranges
                for row in schema.rows(
                    self.db,
                    "SELECT uid FROM entry WHERE mailbox=? AND uid BETWEEN ? AND ? AND modseq>?",
                    box.id,
                    low,
                    high,
                    command.unchanged_since,
                )
            )
            uids = uids - kept
        changed: list[int] = []
        modseq = self.account.modseq + 1
        for low, high in uids.ranges:
            where = (box.id, low, high, keep, put)
            for uid, flags in schema.rows(
                self.db,
                "SELECT uid, flags FROM entry WHERE mailbox=? AND uid BETWEEN ? AND ? AND flags&?|? != flags",
                *where,
            ):
                new = flags & keep | put
                box.unseen += (flags & 1) - (new & 1)
                box.deleted += ((new & _DELETED) - (flags & _DELETED)) // _DELETED
                changed.append(uid)
            self.db.execute(
                "UPDATE entry SET flags=flags&?4|?5, modseq=?6"
                " WHERE mailbox=?1 AND uid BETWEEN ?2 AND ?3 AND flags&?4|?5 != flags",
                (*where, modseq),
            )
        done = UidSet.of(changed)
        if done:
            self._next(box)
            self.accounts.note(self.account, box.id, FLAGGED, done)
        return c.Stored(modseq=self.account.modseq, changed=done.pack(), kept=kept.pack())

    # -- copy, move, expunge ------------------------------------------------------

    def _copy_rows(self, rows: list[Row], target: MailboxState) -> tuple[bytes, bytes]:
        """New entries for ``rows`` at the end of ``target``: packed UIDs from and to."""
        modseq = self._next(target)
        first = target.uidnext
        self.db.executemany(
            "INSERT INTO entry VALUES(?,?,?,?,?,?)",
            [
                (target.id, first + place, modseq, flags, message, self.sequence)
                for place, (_, flags, message, _) in enumerate(rows)
            ],
        )
        target.uidnext += len(rows)
        _count_all(target, 1, rows)
        copies = UidSet([(first, first + len(rows) - 1)])
        self.accounts.note(self.account, target.id, ADDED, copies)
        return UidSet.of(row[0] for row in rows).pack(), copies.pack()

    def _note_gone(self, box: MailboxState, uids: UidSet) -> None:
        """STORE-10: what is removed for good can be brought back. Every one of ``uids`` is there."""
        for low, high in uids.ranges:
            self.db.execute(
                "INSERT INTO gone SELECT ?1, ?2 + uid - ?3, mailbox, ?4, uid, flags, message, ?5"
                " FROM entry WHERE mailbox=?6 AND uid BETWEEN ?3 AND ?7",
                (self.account.id, self.account.removed + 1, low, box.name, self.at, box.id, high),
            )
            self.account.removed += high - low + 1

    def _remove_rows(self, box: MailboxState, rows: list[Row], *, for_good: bool = False) -> UidSet:
        """``for_good``: they are nowhere else then."""
        uids = UidSet.of(row[0] for row in rows)
        if for_good:
            self._note_gone(box, uids)
        for low, high in uids.ranges:
            self.db.execute("DELETE FROM entry WHERE mailbox=? AND uid BETWEEN ? AND ?", (box.id, low, high))
        _count_all(box, -1, rows)
        self._next(box)
        self.accounts.note(self.account, box.id, REMOVED, uids)
        return uids

    def _copy(self, command: c.Copy) -> c.AnyOutcome:
        box = self.accounts.by_id(self.account, command.mailbox)
        return self._copied(
            self._rows(box.id, UidSet.unpack(command.uids)), self.accounts.named(self.account, command.to)
        )

    def _copied(self, rows: list[Row], target: MailboxState) -> c.AnyOutcome:
        sources, copies = self._copy_rows(rows, target) if rows else (b"", b"")
        return c.Copied(
            modseq=self.account.modseq,
            mailbox=target.id,
            uidvalidity=target.uidvalidity,
            sources=sources,
            copies=copies,
        )

    def _move(self, command: c.Move) -> c.AnyOutcome:
        box = self.accounts.by_id(self.account, command.mailbox)
        target = self.accounts.named(self.account, command.to)
        rows = self._rows(box.id, UidSet.unpack(command.uids))
        copied = self._copied(rows, target)
        if rows:
            self._remove_rows(box, rows)
        return _with_modseq(copied, self.account.modseq)

    def _expunge(self, command: c.Expunge) -> c.AnyOutcome:
        box = self.accounts.by_id(self.account, command.mailbox)
        condition = f"AND e.flags&{int(Flag.DELETED)}" if command.only_deleted else ""
        rows = self._rows(box.id, UidSet.unpack(command.uids), condition)
        gone = self._remove_rows(box, rows, for_good=True) if rows else EMPTY
        return c.Expunged(modseq=self.account.modseq, uids=gone.pack())

    def _restore(self, command: c.Restore) -> c.AnyOutcome:
        """Into the mailbox they were in; if that is gone, into the one of its name, or INBOX. STORE-10."""
        found: list[Any] = []
        for low, high in UidSet.unpack(command.rows).ranges:
            found += schema.rows(
                self.db,
                "SELECT g.number, g.mailbox, g.name, g.flags, g.message, m.size"
                " FROM gone g JOIN message m ON m.id=g.message"
                " WHERE g.account=? AND g.number BETWEEN ? AND ?",
                self.account.id,
                low,
                high,
            )
            self.db.execute(
                "DELETE FROM gone WHERE account=? AND number BETWEEN ? AND ?", (self.account.id, low, high)
            )
        rows_of: dict[MailboxId, list[Row]] = {}
        for _, mailbox, name, flags, message, size in found:
            target = self._home(mailbox, name)
            rows_of.setdefault(target.id, []).append((0, flags & ~_DELETED, message, size))
        placed: dict[MailboxId, bytes] = {}
        for mailbox, rows in rows_of.items():
            target = self.accounts.by_id(self.account, mailbox)
            placed[mailbox] = self._copy_rows(rows, target)[1]
        return c.Restored(
            modseq=self.account.modseq, rows=UidSet.of(row[0] for row in found).pack(), placed=placed
        )

    def _home(self, mailbox: MailboxId, name: str) -> MailboxState:
        try:
            return self.accounts.by_id(self.account, mailbox)
        except Refusal:
            return self.accounts.by_name(self.account, name) or self.accounts.inbox(self.account)

    # -- mailboxes ----------------------------------------------------------------

    def _make(self, command: c.MakeMailbox) -> c.AnyOutcome:
        check_name(command.name)
        if self.accounts.by_name(self.account, command.name) is not None:
            raise Refusal(Reason.MAILBOX_EXISTS, f"a mailbox named {command.name!r} exists")
        box = self.accounts.make(self.account, command.name, Role(command.role), self.at)
        return c.Made(modseq=self.account.modseq, mailbox=box.id)

    def _rename(self, command: c.Rename) -> c.AnyOutcome:
        check_name(command.new)
        if self.accounts.by_name(self.account, command.new) is not None:
            raise Refusal(Reason.MAILBOX_EXISTS, f"a mailbox named {command.new!r} exists")
        if command.old.upper() == "INBOX":
            return self._rename_inbox(command.new)
        box = self.accounts.by_name(self.account, command.old)
        below = self.accounts.below(self.account, command.old)
        if box is None and not below:
            raise Refusal(Reason.NO_SUCH_MAILBOX, f"no mailbox named {command.old!r}")
        if command.new.startswith(command.old + "/"):
            raise Refusal(Reason.BAD_NAME, "a mailbox can't be moved below itself")
        moving = ([box] if box else []) + below
        for each in moving:
            name = command.new + each.name[len(command.old) :]
            if self.accounts.by_name(self.account, name) is not None:
                raise Refusal(Reason.MAILBOX_EXISTS, f"a mailbox named {name!r} exists")
            check_name(name)
        for each in moving:
            self._next(each)
            self.accounts.rename(self.account, each, command.new + each.name[len(command.old) :])
            self.accounts.note(self.account, each.id, RENAMED, EMPTY)
        return c.Done(modseq=self.account.modseq)

    def _rename_inbox(self, new: str) -> c.AnyOutcome:
        """RFC 3501 §6.3.5: INBOX's messages move to the new mailbox, INBOX stays and is empty."""
        inbox = self.accounts.inbox(self.account)
        target = self.accounts.make(self.account, new, Role.NONE, self.at)
        rows = self._rows(inbox.id, UidSet([(1, inbox.uidnext)]))
        if rows:
            self._copy_rows(rows, target)
            self._remove_rows(inbox, rows)
        return c.Made(modseq=self.account.modseq, mailbox=target.id)

    def _delete(self, command: c.Delete) -> c.AnyOutcome:
        box = self.accounts.by_name(self.account, command.name)
        if box is None:
            raise Refusal(Reason.NO_SUCH_MAILBOX, f"no mailbox named {command.name!r}")
        if box.name == "INBOX":
            raise Refusal(Reason.NOT_ALLOWED, "INBOX can't be deleted")
        if box.total:
            uids = schema.rows(self.db, "SELECT uid FROM entry WHERE mailbox=? ORDER BY uid", box.id)
            self._note_gone(box, UidSet.of(row[0] for row in uids))
        self._next(box)
        self.accounts.note(self.account, box.id, GONE, EMPTY)
        self.accounts.remove(self.account, box)
        return c.Done(modseq=self.account.modseq)

    def _subscribe(self, command: c.Subscribe) -> c.AnyOutcome:
        name = "INBOX" if command.name.upper() == "INBOX" else command.name
        check_name(name)
        if self.accounts.subscribe(self.account, name, command.on):
            self.account.modseq += 1
            self.accounts.note(self.account, 0, SUBSCRIBED, EMPTY)
        return c.Done(modseq=self.account.modseq)

    def _recent(self, command: c.TakeRecent) -> c.AnyOutcome:
        box = self.accounts.by_id(self.account, command.mailbox)
        box.first_recent = box.uidnext
        return c.Done(modseq=self.account.modseq)

    def _open(self, command: c.Open) -> c.AnyOutcome:
        return c.Done(modseq=self.account.modseq)


def _count_all(box: MailboxState, sign: int, rows: list[Row]) -> None:
    """Count many entries in or out at once."""
    box.total += sign * len(rows)
    box.unseen += sign * sum(1 for row in rows if not row[1] & 1)
    box.deleted += sign * sum(1 for row in rows if row[1] & 8)
    box.bytes += sign * sum(row[3] for row in rows)


def _with_modseq(copied: c.AnyOutcome, modseq: int) -> c.AnyOutcome:
    assert isinstance(copied, c.Copied)
    return c.Copied(
        modseq=modseq,
        mailbox=copied.mailbox,
        uidvalidity=copied.uidvalidity,
        sources=copied.sources,
        copies=copied.copies,
    )


_CARRY: dict[type, Callable[[Carrier, Any], c.AnyOutcome]] = {
    c.StoreFlags: Carrier._flags,
    c.Copy: Carrier._copy,
    c.Move: Carrier._move,
    c.Expunge: Carrier._expunge,
    c.Restore: Carrier._restore,
    c.MakeMailbox: Carrier._make,
    c.Rename: Carrier._rename,
    c.Delete: Carrier._delete,
    c.Subscribe: Carrier._subscribe,
    c.TakeRecent: Carrier._recent,
    c.Open: Carrier._open,
}
