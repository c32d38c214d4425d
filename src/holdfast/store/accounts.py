"""Accounts and mailboxes as the fold holds them during one transaction: read once, written back once."""

from __future__ import annotations

from typing import Any

import apsw

from holdfast.model.errors import Reason
from holdfast.model.limits import KEYWORD_BYTES, KEYWORDS_PER_ACCOUNT
from holdfast.model.mail import FIRST_KEYWORD_BIT, AccountId, Flag, MailboxId, MessageId, Role
from holdfast.model.uidset import EMPTY, UidSet
from holdfast.store import schema
from holdfast.store.refusal import Refusal

# Every account's first mailboxes, in this order (RFC 6154 §2).
FIRST_MAILBOXES = (
    ("INBOX", Role.INBOX),
    ("Drafts", Role.DRAFTS),
    ("Sent", Role.SENT),
    ("Junk", Role.JUNK),
    ("Trash", Role.TRASH),
    ("Archive", Role.ARCHIVE),
)


# account, modseq, mailbox, kind, packed UIDs; the message whose Email came into being, its thread; the
# first and the last number of what was removed for good
ChangeRow = tuple[int, int, int, int, bytes, int, int, int, int]

_SEEN, _DELETED = int(Flag.SEEN), int(Flag.DELETED)


def mailboxes_of(account: AccountId) -> tuple[MailboxId, MailboxId]:
    """The ids that the account's mailboxes have lie between these."""
    return account << 20, (account + 1 << 20) - 1


class MailboxState:
    """A mailbox's row, open for change."""

    __slots__ = (
        "account",
        "bytes",
        "counted",
        "deleted",
        "first_recent",
        "id",
        "made",
        "modseq",
        "name",
        "role",
        "sort_order",
        "total",
        "uidnext",
        "uidvalidity",
        "unseen",
    )

    def __init__(self, row: tuple[Any, ...]) -> None:
        (
            self.id,
            self.account,
            self.name,
            self.role,
            self.uidvalidity,
            self.uidnext,
            self.modseq,
            self.total,
            self.unseen,
            self.deleted,
            self.bytes,
            self.first_recent,
            self.sort_order,
            self.made,
        ) = row
        self.counted = (self.total, self.bytes)  # what the account's own sums have of it

    def count(self, sign: int, flags: int, size: int) -> None:
        """Count one entry in (``sign`` 1) or out (-1)."""
        self.total += sign
        if not flags & _SEEN:
            self.unseen += sign
        if flags & _DELETED:
            self.deleted += sign
        self.bytes += sign * size

    def row(self) -> tuple[Any, ...]:
        return (
            self.id,
            self.account,
            self.name,
            self.role,
            self.uidvalidity,
            self.uidnext,
            self.modseq,
            self.total,
            self.unseen,
            self.deleted,
            self.bytes,
            self.first_recent,
            self.sort_order,
            self.made,
        )


class AccountState:
    """An account's row, open for change. ``total`` and ``bytes`` are summed up when it is written back."""

    __slots__ = ("bytes", "id", "keywords", "made", "modseq", "removed", "total", "uidvalidity")

    def __init__(self, row: tuple[Any, ...]) -> None:
        self.id: AccountId = row[0]
        self.modseq: int = row[1]
        self.uidvalidity: int = row[2]
        self.made: int = row[3]
        self.keywords: list[str] = row[4].split("\n") if row[4] else []
        self.total: int = row[5]
        self.bytes: int = row[6]
        self.removed: int = row[7]

    def row(self) -> tuple[Any, ...]:
        return (
            self.id,
            self.modseq,
            self.uidvalidity,
            self.made,
            "\n".join(self.keywords),
            self.total,
            self.bytes,
            self.removed,
        )


class Accounts:
    """What one transaction has loaded."""

    def __init__(self, db: apsw.Connection, changes: list[ChangeRow]) -> None:
        self._db = db
        self._changes = changes
        self._accounts: dict[AccountId, AccountState] = {}
        self._boxes: dict[MailboxId, MailboxState] = {}
        self._by_name: dict[tuple[AccountId, str], MailboxState] = {}
        self._gone: set[MailboxId] = set()

    def known(self, account: AccountId) -> AccountState | None:
        state = self._accounts.get(account)
        if state is None:
            row = schema.row(self._db, "SELECT * FROM account WHERE id=?", account)
            if row is None:
                return None
            self._accounts[account] = state = AccountState(row)
        return state

    def get(self, account: AccountId, at: int) -> AccountState:
        """The account; made with its first mailboxes when it is met for the first time."""
        state = self.known(account)
        if state is None:
            state = AccountState((account, 0, 0, 0, "", 0, 0, 0))
            self._accounts[account] = state
            for name, role in FIRST_MAILBOXES:
                self.make(state, name, role, at)
                self.subscribe(state, name, True)
        return state

    def make(self, account: AccountState, name: str, role: Role, at: int) -> MailboxState:
        """A new mailbox; UIDVALIDITY grows with time and never repeats in an account (RFC 3501 §2.3.1.1)."""
        account.uidvalidity = max(at & 0x7FFFFFFF, account.uidvalidity + 1)
        account.made += 1
        account.modseq += 1
        box = MailboxState(
            (
                account.id << 20 | account.made,
                account.id,
                name,
                role.value,
                account.uidvalidity,
                1,
                account.modseq,
                0,
                0,
                0,
                0,
                1,
                0,
                account.modseq,
            )
        )
        self._boxes[box.id] = box
        self._by_name[account.id, name] = box
        self._db.execute("INSERT INTO mailbox VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)", box.row())
        self.note(account, box.id, 3, EMPTY)
        return box

    def subscribe(self, account: AccountState, name: str, on: bool) -> bool:
        """Change the list of subscriptions; False when it was so already."""
        if on:
            self._db.execute("INSERT OR IGNORE INTO subscription VALUES(?,?)", (account.id, name))
        else:
            self._db.execute("DELETE FROM subscription WHERE account=? AND name=?", (account.id, name))
        return self._db.changes() > 0

    def note(
        self,
        account: AccountState,
        mailbox: MailboxId,
        kind: int,
        uids: UidSet,
        came: tuple[MessageId, MessageId] = (0, 0),
        removed: tuple[int, int] = (0, 0),
    ) -> None:
        """Put a change on the account's stream, at its modseq as it stands.

        ``came``: the message whose Email came into being by it, and its thread; ``removed``: the first and
        the last number of what was removed for good.
        """
        self._changes.append((account.id, account.modseq, mailbox, kind, uids.pack(), *came, *removed))

    def _load(self, where: str, *values: object) -> MailboxState | None:
        row = schema.row(self._db, f"SELECT * FROM mailbox WHERE {where}", *values)
        if row is None:
            return None
        box = self._boxes.get(row[0])
        if box is None:
            box = MailboxState(row)
            self._boxes[box.id] = box
            self._by_name[box.account, box.name] = box
        return box

    def by_name(self, account: AccountState, name: str) -> MailboxState | None:
        if name.upper() == "INBOX":
            name = "INBOX"
        box = self._by_name.get((account.id, name))
        return box or self._load("account=? AND name=?", account.id, name)

    def named(self, account: AccountState, name: str) -> MailboxState:
        box = self.by_name(account, name)
        if box is None:
            raise Refusal(Reason.NO_SUCH_MAILBOX, f"no mailbox named {name!r}")
        return box

    def mailbox_ignoring_case(self, account: AccountState, name: str) -> MailboxState | None:
        return self.by_name(account, name) or self._load(
            "account=? AND name=? COLLATE NOCASE ORDER BY name LIMIT 1", account.id, name
        )

    def inbox(self, account: AccountState) -> MailboxState:
        box = self.by_name(account, "INBOX")
        if box is None:  # cannot be deleted by any command; made anew rather than mail lost
            box = self.make(account, "INBOX", Role.INBOX, account.uidvalidity)
        return box

    def by_id(self, account: AccountState, mailbox: MailboxId) -> MailboxState:
        box = self._boxes.get(mailbox) or self._load("id=?", mailbox)
        if box is None or box.account != account.id or mailbox in self._gone:
            raise Refusal(Reason.NO_SUCH_MAILBOX, "the mailbox is gone")
        return box

    def below(self, account: AccountState, name: str) -> list[MailboxState]:
        """Mailboxes under ``name``, in order of their names."""
        low, high = name + "/", name + "0"  # '0' follows '/'
        ids = schema.rows(
            self._db,
            "SELECT id FROM mailbox WHERE account=? AND name>? AND name<? ORDER BY name",
            account.id,
            low,
            high,
        )
        return [self.by_id(account, row[0]) for row in ids]

    def describe(self, box: MailboxState, role: Role, sort_order: int) -> None:
        box.role, box.sort_order = role.value, sort_order
        self._db.execute("UPDATE mailbox SET role=?, sort_order=? WHERE id=?", (box.role, sort_order, box.id))

    def has_role(self, account: AccountState, role: Role) -> bool:
        """Is there a mailbox that has it?"""
        sql = "SELECT 1 FROM mailbox WHERE account=? AND role=?"
        return self._db.execute(sql, (account.id, role.value)).get is not None

    def rename(self, account: AccountState, box: MailboxState, name: str) -> None:
        self._by_name.pop((account.id, box.name), None)
        box.name = name
        self._by_name[account.id, name] = box
        self._db.execute("UPDATE mailbox SET name=? WHERE id=?", (name, box.id))

    def remove(self, account: AccountState, box: MailboxState) -> None:
        """The mailbox and its entries; whoever may want them back has noted them before."""
        self._gone.add(box.id)
        box.total = box.bytes = 0
        self._sum_up(box)
        self._boxes.pop(box.id, None)
        self._by_name.pop((account.id, box.name), None)
        self._db.execute("DELETE FROM entry WHERE mailbox=?", (box.id,))
        self._db.execute("DELETE FROM mailbox WHERE id=?", (box.id,))

    def keyword_bits(self, account: AccountState, names: tuple[str, ...]) -> int:
        """Bits of keywords, new ones get the next. Case is ignored (RFC 3501 §2.3.2)."""
        bits = 0
        for name in names:
            place = next((i for i, k in enumerate(account.keywords) if k.lower() == name.lower()), -1)
            if place < 0:
                if len(account.keywords) >= KEYWORDS_PER_ACCOUNT:
                    raise Refusal(Reason.LIMIT, f"an account has at most {KEYWORDS_PER_ACCOUNT} keywords")
                if len(name.encode()) > KEYWORD_BYTES or "\n" in name:
                    raise Refusal(Reason.BAD_NAME, f"a keyword has at most {KEYWORD_BYTES} bytes")
                place = len(account.keywords)
                account.keywords.append(name)
            bits |= 1 << (FIRST_KEYWORD_BIT + place)
        return bits

    def _sum_up(self, box: MailboxState) -> None:
        """What the mailbox has more or less than before goes into its account's sums."""
        total, size = box.counted
        if box.total != total or box.bytes != size:
            account = self._accounts[box.account]
            account.total += box.total - total
            account.bytes += box.bytes - size
            box.counted = (box.total, box.bytes)

    def write_back(self, touched: dict[AccountId, int]) -> None:
        """Rows of all that was loaded go back; ``touched`` gets the modseq of each account."""
        for box in self._boxes.values():
            self._sum_up(box)
        self._db.executemany(
            "INSERT OR REPLACE INTO account VALUES(?,?,?,?,?,?,?,?)",
            [account.row() for account in self._accounts.values()],
        )
        self._db.executemany(
            "UPDATE mailbox SET uidnext=?, modseq=?, total=?, unseen=?, deleted=?, bytes=?, first_recent=?"
            " WHERE id=?",
            [
                (b.uidnext, b.modseq, b.total, b.unseen, b.deleted, b.bytes, b.first_recent, b.id)
                for b in self._boxes.values()
            ],
        )
        for account in self._accounts.values():
            touched[account.id] = account.modseq
