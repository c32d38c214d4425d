"""How the fold carries out one command on the tables, range by range."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import apsw

from holdfast.model.errors import Reason
from holdfast.model.limits import MAILBOX_DEPTH, MAILBOX_NAME_BYTES, SORT_ORDER_MOST
from holdfast.model.mail import FIRST_KEYWORD_BIT, Flag, MailboxId, Role
from holdfast.model.uidset import EMPTY, UidSet
from holdfast.store import commands as c
from holdfast.store import objects, schema
from holdfast.store.accounts import Accounts, AccountState, MailboxState, mailboxes_of
from holdfast.store.refusal import Refusal

ADDED, FLAGGED, REMOVED, MADE, RENAMED, GONE, SUBSCRIBED, DESCRIBED = range(8)
_SYSTEM = (1 << FIRST_KEYWORD_BIT) - 1
_SEEN, _DELETED = int(Flag.SEEN), int(Flag.DELETED)


class Found(NamedTuple):
    """Entries of a mailbox, and what they sum up to."""

    uids: UidSet
    unseen: int
    deleted: int
    bytes: int


class GoneRow(NamedTuple):
    """A removed entry that comes back. ``made``: its Email's, None while there is none."""

    number: int
    mailbox: int
    name: str
    flags: int
    message: int
    size: int
    received: int
    thread: int
    made: int | None


INSERT_ENTRY = "INSERT INTO entry VALUES(?,?,?,?,?,?,?,?,?,?)"
_COPY = (
    "INSERT INTO entry SELECT ?1, uid+?2, ?3, flags, message, ?4, size, received, thread, made"
    " FROM entry WHERE mailbox=?5 AND uid BETWEEN ?6 AND ?7"
)
_SUMS = f"SELECT count(*), min(uid), max(uid), sum(NOT flags&{_SEEN}), sum((flags&{_DELETED})>0), sum(size) "
_GONE_ROWS = (
    "SELECT g.number, g.mailbox, g.name, g.flags, g.message, m.size, m.received, g.thread,"
    " (SELECT e.made FROM entry e WHERE e.message=g.message AND e.mailbox BETWEEN ?4 AND ?5 LIMIT 1)"
    " FROM gone g JOIN message m ON m.id=g.message"
    " WHERE g.account=?1 AND g.number BETWEEN ?2 AND ?3 AND NOT g.back"
)


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
    ) -> None:
        self.db = db
        self.accounts = accounts
        self.account = account
        self.sequence = sequence
        self.at = at

    def carry_out(self, command: c.AnyCommand) -> c.AnyOutcome:
        return _CARRY[type(command)](self, command)

    def _next(self, box: MailboxState) -> int:
        self.account.modseq += 1
        box.modseq = self.account.modseq
        return self.account.modseq

    def _found(self, box: MailboxId, uids: UidSet, condition: str = "") -> Found:
        """The entries among ``uids``."""
        ranges: list[tuple[int, int]] = []
        unseen = deleted = size = 0
        where = f"FROM entry WHERE mailbox=? AND uid BETWEEN ? AND ? {condition}"
        for low, high in uids.ranges:
            count, first, last, *sums = schema.row(self.db, _SUMS + where, box, low, high)
            if not count:
                continue
            if last - first + 1 == count:
                ranges.append((first, last))
            else:
                there = schema.rows(self.db, "SELECT uid " + where, box, low, high)
                ranges += UidSet.of(row[0] for row in there).ranges
            unseen, deleted, size = unseen + sums[0], deleted + sums[1], size + sums[2]
        return Found(UidSet(ranges), unseen, deleted, size)

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

    def _copy_found(self, box: MailboxId, found: Found, target: MailboxState) -> UidSet:
        """New entries for those found in ``box`` at the end of ``target``."""
        modseq = self._next(target)
        first = target.uidnext
        shifts: list[tuple[int, ...]] = []
        for low, high in found.uids.ranges:
            shift = target.uidnext - low
            shifts.append((target.id, shift, modseq, self.sequence, box, low, high))
            target.uidnext = high + shift + 1
        self.db.executemany(_COPY, shifts)
        _count(target, 1, found)
        copies = UidSet([(first, target.uidnext - 1)])
        self.accounts.note(self.account, target.id, ADDED, copies)
        return copies

    def _note_gone(self, box: MailboxState, uids: UidSet) -> tuple[int, int]:
        """STORE-10: what is removed for good, by the modseq that comes next, can be brought back.

        Every one of ``uids`` is there. The first and the last number of the removals.
        """
        first = self.account.removed + 1
        for low, high in uids.ranges:
            self.db.execute(
                "INSERT INTO gone SELECT ?1, ?2 + uid - ?3, mailbox, ?4, uid, flags, message, thread,"
                " made, ?8, 0, 0, ?5"
                " FROM entry WHERE mailbox=?6 AND uid BETWEEN ?3 AND ?7",
                (
                    self.account.id,
                    self.account.removed + 1,
                    low,
                    box.name,
                    self.at,
                    box.id,
                    high,
                    self.account.modseq + 1,
                ),
            )
            self.account.removed += high - low + 1
        return first, self.account.removed

    def _note_last(self, removed: tuple[int, int]) -> None:
        """The entries of these removals are no more: which Emails went with them?"""
        self.db.execute(
            "UPDATE gone SET last=1 WHERE account=?1 AND number BETWEEN ?2 AND ?3 AND NOT EXISTS("
            "SELECT 1 FROM entry e WHERE e.message=gone.message AND e.mailbox BETWEEN ?4 AND ?5)",
            (self.account.id, *removed, *mailboxes_of(self.account.id)),
        )

    def _remove_found(self, box: MailboxState, found: Found, *, for_good: bool = False) -> None:
        """``for_good``: they aren't moved."""
        removed = self._note_gone(box, found.uids) if for_good else (0, 0)
        for low, high in found.uids.ranges:
            self.db.execute("DELETE FROM entry WHERE mailbox=? AND uid BETWEEN ? AND ?", (box.id, low, high))
        if for_good:
            self._note_last(removed)
        _count(box, -1, found)
        self._next(box)
        self.accounts.note(self.account, box.id, REMOVED, found.uids, removed=removed)

    def _copy(self, command: c.Copy) -> c.AnyOutcome:
        box, target, found = self._from_and_to(command)
        copies = self._copy_found(box.id, found, target) if found.uids else EMPTY
        return self._copied(target, found, copies)

    def _move(self, command: c.Move) -> c.AnyOutcome:
        box, target, found = self._from_and_to(command)
        copies = self._copy_found(box.id, found, target) if found.uids else EMPTY
        if found.uids:
            self._remove_found(box, found)
        return self._copied(target, found, copies)

    def _from_and_to(self, command: c.Copy | c.Move) -> tuple[MailboxState, MailboxState, Found]:
        box = self.accounts.by_id(self.account, command.mailbox)
        target = self.accounts.named(self.account, command.to)
        return box, target, self._found(box.id, UidSet.unpack(command.uids))

    def _copied(self, target: MailboxState, found: Found, copies: UidSet) -> c.AnyOutcome:
        return c.Copied(
            modseq=self.account.modseq,
            mailbox=target.id,
            uidvalidity=target.uidvalidity,
            sources=found.uids.pack(),
            copies=copies.pack(),
        )

    def _expunge(self, command: c.Expunge) -> c.AnyOutcome:
        box = self.accounts.by_id(self.account, command.mailbox)
        condition = f"AND flags&{_DELETED}" if command.only_deleted else ""
        found = self._found(box.id, UidSet.unpack(command.uids), condition)
        if found.uids:
            self._remove_found(box, found, for_good=True)
        return c.Expunged(modseq=self.account.modseq, uids=found.uids.pack())

    def _restore(self, command: c.Restore) -> c.AnyOutcome:
        """Into the mailbox they were in; if that is gone, into the one of its name, or INBOX. STORE-10."""
        found: list[GoneRow] = []
        account = self.account.id
        for low, high in UidSet.unpack(command.rows).ranges:
            rows = schema.rows(self.db, _GONE_ROWS, account, low, high, *mailboxes_of(account))
            found += map(GoneRow._make, rows)
            self.db.execute(
                "UPDATE gone SET back=1 WHERE account=? AND number BETWEEN ? AND ?", (account, low, high)
            )
        rows_of: dict[MailboxId, list[GoneRow]] = {}
        for row in found:
            rows_of.setdefault(self._home(row.mailbox, row.name).id, []).append(row)
        made = {row.message: row.made for row in found if row.made is not None}
        placed = {
            mailbox: self._bring_back(self.accounts.by_id(self.account, mailbox), rows, made)
            for mailbox, rows in rows_of.items()
        }
        return c.Restored(
            modseq=self.account.modseq, rows=UidSet.of(row.number for row in found).pack(), placed=placed
        )

    def _bring_back(self, target: MailboxState, rows: list[GoneRow], made: dict[int, int]) -> bytes:
        """Entries at the end of ``target``: their packed UIDs. ``made``: of the Emails that are there; each
        that comes into being again does so at a modseq of its own (STORE-15)."""
        first = target.uidnext
        entries: list[tuple[int, ...]] = []
        for row in rows:
            modseq = self._next(target)
            uid, flags = target.uidnext, row.flags & ~_DELETED
            target.uidnext = uid + 1
            target.count(1, flags, row.size)
            came = (0, 0) if row.message in made else (row.message, row.thread)
            email = (row.size, row.received, row.thread, made.setdefault(row.message, modseq))
            entries.append((target.id, uid, modseq, flags, row.message, self.sequence, *email))
            self.accounts.note(self.account, target.id, ADDED, UidSet([(uid, uid)]), came)
        self.db.executemany(INSERT_ENTRY, entries)
        return UidSet([(first, target.uidnext - 1)]).pack()

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
        found = self._found(inbox.id, UidSet([(1, inbox.uidnext)]))
        if found.uids:
            self._copy_found(inbox.id, found, target)
            self._remove_found(inbox, found)
        return c.Made(modseq=self.account.modseq, mailbox=target.id)

    def _delete(self, command: c.Delete) -> c.AnyOutcome:
        box = self.accounts.by_name(self.account, command.name)
        if box is None:
            raise Refusal(Reason.NO_SUCH_MAILBOX, f"no mailbox named {command.name!r}")
        if box.name == "INBOX":
            raise Refusal(Reason.NOT_ALLOWED, "INBOX can't be deleted")
        removed = (0, 0)
        if box.total:
            uids = schema.rows(self.db, "SELECT uid FROM entry WHERE mailbox=? ORDER BY uid", box.id)
            removed = self._note_gone(box, UidSet.of(row[0] for row in uids))
        self._next(box)
        self.accounts.note(self.account, box.id, GONE, EMPTY, removed=removed)
        self.accounts.remove(self.account, box)
        self._note_last(removed)
        return c.Done(modseq=self.account.modseq)

    def _describe(self, command: c.Describe) -> c.AnyOutcome:
        box = self.accounts.by_id(self.account, command.mailbox)
        role, sort_order = Role(box.role), box.sort_order
        if command.role is not None:
            role = self._role(box, command.role)
        if command.sort_order is not None:
            sort_order = command.sort_order
            if not 0 <= sort_order <= SORT_ORDER_MOST:
                raise Refusal(Reason.BAD_SYNTAX, f"a sort order is a number from 0 to {SORT_ORDER_MOST}")
        if (role, sort_order) != (box.role, box.sort_order):
            self._next(box)
            self.accounts.describe(box, role, sort_order)
            self.accounts.note(self.account, box.id, DESCRIBED, EMPTY)
        return c.Done(modseq=self.account.modseq)

    def _role(self, box: MailboxState, wanted: str) -> Role:
        """The role that the mailbox shall have, if it may."""
        if wanted == box.role:
            return Role(wanted)
        if wanted not in Role.__members__.values():
            raise Refusal(Reason.BAD_SYNTAX, f"there is no role {wanted!r}")
        if Role.INBOX in (wanted, box.role):
            raise Refusal(Reason.NOT_ALLOWED, "INBOX and its role belong together")
        role = Role(wanted)
        if role and self.accounts.has_role(self.account, role):
            raise Refusal(Reason.EXISTS, f"another mailbox is {wanted!r} already")
        return role

    def _subscribe(self, command: c.Subscribe) -> c.AnyOutcome:
        name = "INBOX" if command.name.upper() == "INBOX" else command.name
        check_name(name)
        if self.accounts.subscribe(self.account, name, command.on):
            self.account.modseq += 1
            box = self.accounts.by_name(self.account, name)
            self.accounts.note(self.account, box.id if box else 0, SUBSCRIBED, EMPTY)
        return c.Done(modseq=self.account.modseq)

    def _recent(self, command: c.TakeRecent) -> c.AnyOutcome:
        box = self.accounts.by_id(self.account, command.mailbox)
        box.first_recent = box.uidnext
        return c.Done(modseq=self.account.modseq)

    def _put(self, command: c.PutObject) -> c.AnyOutcome:
        objects.put(self.db, self.account, command)
        return c.Done(modseq=self.account.modseq)

    def _drop(self, command: c.RemoveObject) -> c.AnyOutcome:
        objects.remove(self.db, self.account, command)
        return c.Done(modseq=self.account.modseq)

    def _open(self, command: c.Open) -> c.AnyOutcome:
        return c.Done(modseq=self.account.modseq)


def _count(box: MailboxState, sign: int, found: Found) -> None:
    """Count many entries in or out at once."""
    box.total += sign * len(found.uids)
    box.unseen += sign * found.unseen
    box.deleted += sign * found.deleted
    box.bytes += sign * found.bytes


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
    c.Describe: Carrier._describe,
    c.PutObject: Carrier._put,
    c.RemoveObject: Carrier._drop,
    c.Open: Carrier._open,
}
