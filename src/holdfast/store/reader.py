"""Reading mail: one cell's index through a read-only connection, bodies from the packs.

Every method that reads more than one row set does so in one read transaction.
An index that can't be read is ``Unavailable``; it is never an empty mailbox (STORE-8).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import apsw

from holdfast.model.errors import Unavailable
from holdfast.model.mail import AccountId, Mailbox, MailboxId, MessageId, PackRef, Role
from holdfast.model.uidset import EMPTY, UidSet
from holdfast.packs import Frame
from holdfast.store import commands as c
from holdfast.store import emails, export, history, schema
from holdfast.store.columns import OF_ENTRY, Column, GoneMessage, MessageRef, Usage
from holdfast.store.connection import CellReader
from holdfast.store.counts import Counts, CountsKept
from holdfast.store.emails import LIST_ROWS, EmailRow, Listed, Place
from holdfast.store.history import EmailChanges, EmailState, MailboxChanges, ObjectChanges
from holdfast.store.index import IndexFiles, component
from holdfast.store.objects import Due, Object
from holdfast.store.replay import Volume
from holdfast.world import World

CHUNK_ROWS = 500
VIEWS = 2000  # UID sets one process keeps
OPEN_CELLS = 128

__all__ = ["AccountMail", "CellReader", "Column", "GoneMessage", "MessageRef", "Readers", "Usage"]


class Readers:
    """The indexes and packs one process reads; connections and UID sets are shared by all its sessions.

    ``on_damage``: told of a cell whenever its index is met damaged.
    """

    def __init__(
        self,
        world: World,
        files: IndexFiles,
        volume: Volume,
        on_damage: Callable[[int], object] | None = None,
    ) -> None:
        self._world = world
        self._files = files
        self._on_damage = on_damage
        self.volume = volume
        self._cells: OrderedDict[int, CellReader] = OrderedDict()
        self._uids: OrderedDict[MailboxId, tuple[int, int, UidSet]] = OrderedDict()
        self.counts = CountsKept()

    def cell(self, cell: int) -> CellReader:
        """The cell's index as it stands at its place; a removed one serves until a new one is there."""
        path = self._files.path(cell)
        identity = self._world.disk.identity(path)
        reader = self._cells.get(cell)
        if reader is not None and (identity is None or identity == reader.identity):
            return reader
        if identity is None:
            raise Unavailable(component(cell), "there is no index yet", retry_after_s=5.0)
        try:
            db = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)
            schema.tune_reader(db)
            version = db.execute("SELECT value FROM meta WHERE key='version'").get
        except schema.UNREADABLE as error:
            if isinstance(error, schema.DAMAGED) and self._on_damage is not None:
                self._on_damage(cell)
            raise Unavailable(component(cell), f"{type(error).__name__}: {error}") from error
        if version != schema.VERSION:
            raise Unavailable(component(cell), "the index is of another version and is being made anew")
        if reader is not None:
            self._uids.clear()
            self.counts.clear()
        self._cells[cell] = reader = CellReader(db, cell, identity, self._on_damage)
        if len(self._cells) > OPEN_CELLS:
            self._cells.popitem(last=False)
        return reader

    def cells(self) -> list[int]:
        return self._files.cells()

    def due(self, cell: int, before: int, limit: int) -> list[Due]:
        """See ``MailStore.due``."""
        sql = "SELECT account, kind, id, due FROM object WHERE due>0 AND due<=? ORDER BY due, id LIMIT ?"
        return [
            Due(account, cell, kind, id_, due)
            for account, kind, id_, due in self.cell(cell).rows(sql, before, limit)
        ]

    def account(self, account: AccountId, cell: int) -> AccountMail:
        return AccountMail(self, self.cell(cell), account)

    def known_uids(self, box: Mailbox) -> UidSet | None:
        """All UIDs of a mailbox as of ``box.modseq``, if they needn't be read."""
        known = self._uids.get(box.id)
        if known is None or known[0] != box.modseq or known[1] != box.uidvalidity:
            return None
        self._uids.move_to_end(box.id)
        return known[2]

    def uids(self, reader: CellReader, box: Mailbox) -> UidSet:
        """All UIDs of a mailbox as of ``box.modseq``; shared between sessions, kept by modseq."""
        if (there := self.known_uids(box)) is not None:
            return there
        known = self._uids.get(box.id)
        uids = _read_uids(
            reader, box, known[2] if known is not None and known[1] == box.uidvalidity else None
        )
        self._uids[box.id] = (box.modseq, box.uidvalidity, uids)
        if len(self._uids) > VIEWS:
            self._uids.popitem(last=False)
        return uids


def _read_uids(reader: CellReader, box: Mailbox, known: UidSet | None) -> UidSet:
    if not box.exists:
        return EMPTY
    low, high = reader.rows(
        "SELECT (SELECT min(uid) FROM entry WHERE mailbox=?1), (SELECT max(uid) FROM entry WHERE mailbox=?1)",
        box.id,
    )[0]
    if high - low + 1 == box.exists:  # no gaps: the common case costs two look-ups
        return UidSet([(low, high)])
    if known and known.last <= high:
        # Nothing but new mail since: only the tail is read.
        tail = UidSet.of(
            row[0]
            for row in reader.rows("SELECT uid FROM entry WHERE mailbox=? AND uid>?", box.id, known.last)
        )
        if len(known) + len(tail) == box.exists:
            return known | tail
    return UidSet.of(row[0] for row in reader.rows("SELECT uid FROM entry WHERE mailbox=?", box.id))


class Selected(NamedTuple):
    """A mailbox, its UIDs, the account's modseq and keywords: of one moment, or the modseq of one before."""

    box: Mailbox
    uids: UidSet
    modseq: int
    keywords: list[str]


class AccountMail:
    """One account's mail, as its cell's index has it now."""

    __slots__ = ("_modseq", "_reader", "_readers", "account")

    def __init__(self, readers: Readers, reader: CellReader, account: AccountId) -> None:
        self._readers = readers
        self._reader = reader
        self._modseq = 0
        self.account = account

    @property
    def cell(self) -> int:
        return self._reader.cell

    def exists(self) -> bool:
        """Has the account mailboxes yet? If not, ``commands.Open`` makes the first ones."""
        rows = self._reader.rows("SELECT modseq FROM account WHERE id=?", self.account)
        self._modseq = rows[0][0] if rows else 0
        return bool(rows)

    @property
    def modseq(self) -> int:
        """As of when the handle was asked for, by ``MailStore.account``: nothing read later is older."""
        if not self._modseq:
            self.exists()
        return self._modseq

    def _mailboxes(self, where: str, *values: object) -> list[Mailbox]:
        rows = self._reader.rows(f"SELECT * FROM mailbox WHERE account=? AND {where}", self.account, *values)
        return [_mailbox(row) for row in rows]

    def mailboxes(self) -> list[Mailbox]:
        """All mailboxes, INBOX first, then by name."""
        return sorted(self._mailboxes("1"), key=lambda box: (box.name != "INBOX", box.name))

    def mailbox(self, name: str) -> Mailbox | None:
        """The mailbox of that name; INBOX in any case (RFC 3501 §5.1)."""
        found = self._mailboxes("name=?", "INBOX" if name.upper() == "INBOX" else name)
        return found[0] if found else None

    def by_id(self, mailbox: MailboxId) -> Mailbox | None:
        found = self._mailboxes("id=?", mailbox)
        return found[0] if found else None

    def subscriptions(self) -> set[str]:
        rows = self._reader.rows("SELECT name FROM subscription WHERE account=?", self.account)
        return {row[0] for row in rows}

    def keywords(self) -> list[str]:
        """Names of keywords; place ``i`` is bit ``FIRST_KEYWORD_BIT + i`` of an entry's flags."""
        rows = self._reader.rows("SELECT keywords FROM account WHERE id=?", self.account)
        return rows[0][0].split("\n") if rows and rows[0][0] else []

    def uids(self, box: Mailbox) -> UidSet:
        """All UIDs of the mailbox. ``box`` must be fresh: read just before."""
        return self._readers.uids(self._reader, box)

    def select(self, name: str) -> Selected | None:
        """A mailbox as SELECT needs it, in one look-up where its UIDs are known; None if there is none."""
        found = self._reader.rows(
            "SELECT a.modseq, a.keywords, m.* FROM mailbox m JOIN account a ON a.id=m.account"
            " WHERE m.account=? AND m.name=?",
            self.account,
            "INBOX" if name.upper() == "INBOX" else name,
        )
        if not found:
            return None
        modseq, keywords, *row = found[0]
        box = _mailbox(row)
        uids = self._readers.known_uids(box)
        if uids is None:
            again = self.selected(box.id)
            if again is None:
                return None
            box, uids = again
        return Selected(box, uids, modseq, keywords.split("\n") if keywords else [])

    def selected(self, mailbox: MailboxId) -> tuple[Mailbox, UidSet] | None:
        """A mailbox and its UIDs, of one moment."""
        with self._reader.moment():
            box = self.by_id(mailbox)
            return None if box is None else (box, self.uids(box))

    def changes(self, mailbox: MailboxId, since: int) -> list[c.Change]:
        """What happened to a mailbox after modseq ``since``, in order."""
        rows = self._reader.rows(
            "SELECT modseq, kind, uids FROM change"
            " WHERE account=? AND modseq>? AND mailbox=? ORDER BY modseq",
            self.account,
            since,
            mailbox,
        )
        return [_change(mailbox, *row) for row in rows]

    def rows(
        self, mailbox: MailboxId, uids: UidSet, columns: Sequence[Column], changed_since: int = 0
    ) -> Iterator[list[tuple[Any, ...]]]:
        """Rows of the entries among ``uids`` in order of UID, in chunks of at most ``CHUNK_ROWS``.

        Each chunk is its own read: between two the mailbox may change; an entry gone by
        then is left out. ``Column.REF`` gives six values in its place of the row.
        """
        names = ", ".join(column.value for column in columns)
        join = "" if OF_ENTRY.issuperset(columns) else " JOIN message m ON m.id=e.message"
        also = f" AND e.modseq>{int(changed_since)}" if changed_since else ""
        sql = (
            f"SELECT e.uid, {names} FROM entry e{join}"
            f" WHERE e.mailbox=? AND e.uid BETWEEN ? AND ?{also} LIMIT ?"
        )
        if columns and columns[0] is Column.UID:
            sql = sql.replace("SELECT e.uid, ", "SELECT ", 1)
            cut = False
        else:
            cut = True
        pending: list[tuple[Any, ...]] = []
        for low, high in uids.ranges:
            while low <= high:
                wanted = CHUNK_ROWS - len(pending)
                found = self._reader.rows(sql, mailbox, low, high, wanted)
                low = found[-1][0] + 1 if len(found) == wanted else high + 1
                pending += [row[1:] for row in found] if cut else found
                if len(pending) >= CHUNK_ROWS:
                    yield pending
                    pending = []
        if pending:
            yield pending

    def first_without(self, mailbox: MailboxId, uids: UidSet, flag: int, among: int) -> int | None:
        """The UID of the first entry that hasn't ``flag``; only the first ``among`` are looked at."""
        if not uids:
            return None
        found = self._reader.rows(
            "SELECT uid FROM (SELECT uid, flags FROM entry WHERE mailbox=? AND uid BETWEEN ? AND ?"
            " ORDER BY uid LIMIT ?) WHERE NOT flags & ? LIMIT 1",
            mailbox, uids.first, uids.last, among, int(flag),
        )  # fmt: skip
        return int(found[0][0]) if found else None

    # -- as JMAP has it

    @contextmanager
    def moment(self) -> Iterator[int]:
        """All that is read within is of one moment; gives the account's modseq then. No await within."""
        with self._reader.moment():
            self.exists()
            yield self._modseq

    def emails(self, ids: Iterable[MessageId]) -> dict[MessageId, EmailRow]:
        """Those of the messages that stand in a mailbox now."""
        return emails.rows(self._reader, self.account, ids)

    def places(self, ids: Iterable[MessageId]) -> dict[MessageId, list[Place]]:
        """Where each of the messages stands, by mailbox and UID."""
        return emails.places(self._reader, self.account, ids)

    def threads(self, ids: Iterable[MessageId]) -> dict[MessageId, list[MessageId]]:
        """The Emails of each thread, the first received first; threads without any are left out."""
        return emails.threads(self._reader, self.account, ids)

    def listing(
        self,
        mailbox: MailboxId | None,
        newest_first: bool = True,
        after: Listed | None = None,
        rows: int = LIST_ROWS,
    ) -> Iterator[list[Listed]]:
        """The Emails of a mailbox, or of all (None), by (received, message); in chunks, each its own read
        unless all is within ``moment``. ``after``: only what follows it."""
        boxes = [mailbox] if mailbox is not None else [box.id for box in self._mailboxes("total>0")]
        return emails.listing(self._reader, boxes, newest_first, after, rows)

    def mail_counts(self, mailbox: MailboxId) -> Counts:
        """How many Emails and threads, and how many are unread; see ``counts.py`` for what it costs."""
        with self.moment() as modseq:
            trash = self._mailboxes("role=?", Role.TRASH.value)
            id_ = trash[0].id if trash else 0
            return self._readers.counts.of(self._reader, self.account, modseq, id_).of(mailbox)

    def email_changes(self, since: EmailState, limit: int) -> EmailChanges | None:
        """Of at most ``limit`` Emails; None: the account has never been at that state."""
        with self.moment() as modseq:
            end = EmailState(modseq)
            return (
                None if since > end else history.email_changes(self._reader, self.account, since, end, limit)
            )

    def thread_changes(self, since: EmailState, limit: int) -> EmailChanges | None:
        """The same of threads."""
        with self.moment() as modseq:
            end = EmailState(modseq)
            return (
                None if since > end else history.thread_changes(self._reader, self.account, since, end, limit)
            )

    def mailbox_changes(self, since: EmailState, limit: int) -> MailboxChanges | None:
        """The same of mailboxes, those among them whose counts alone may have changed."""
        with self.moment() as modseq:
            end = EmailState(modseq)
            return (
                None
                if since > end
                else history.mailbox_changes(self._reader, self.account, since, end, limit)
            )

    def object_changes(self, kind: str, since: EmailState, limit: int) -> ObjectChanges | None:
        """The same of objects of a kind."""
        with self.moment() as modseq:
            end = EmailState(modseq)
            return (
                None
                if since > end
                else history.object_changes(self._reader, self.account, kind, since, end, limit)
            )

    def object_state(self, kind: str) -> EmailState:
        """Of the last change of any of a kind: it moves with nothing else."""
        sql = "SELECT max(modseq) FROM object WHERE account=? AND kind=?"
        return EmailState(self._reader.rows(sql, self.account, kind)[0][0] or 0)

    def object_count(self, kind: str) -> int:
        """How many of a kind there are."""
        rows = self._reader.rows("SELECT total FROM kept WHERE account=? AND kind=?", self.account, kind)
        return int(rows[0][0]) if rows else 0

    def objects(self, kind: str) -> list[Object]:
        """All of a kind, in order of their ids."""
        sql = f"{_OBJECTS} AND gone=0 ORDER BY id"
        return [Object(*row) for row in self._reader.rows(sql, self.account, kind)]

    def object(self, kind: str, id_: str) -> Object | None:
        found = self._reader.rows(f"{_OBJECTS} AND id=? AND gone=0", self.account, kind, id_)
        return Object(*found[0]) if found else None

    # -- what there is in all, and what there was

    def usage(self) -> Usage:
        """Bytes and messages of the whole account; one look-up."""
        found = self._reader.rows("SELECT bytes, total FROM account WHERE id=?", self.account)
        return Usage(*found[0]) if found else Usage(0, 0)

    def size_of(self, mailbox: MailboxId, uids: UidSet, flag: int = 0) -> int:
        """RFC822.SIZE of the entries among ``uids`` summed up; ``flag``: only of those that have it."""
        return sum(
            self._reader.rows(
                "SELECT coalesce(sum(size), 0) FROM entry"
                " WHERE mailbox=? AND uid BETWEEN ? AND ? AND flags&?=?",
                mailbox, low, high, int(flag), int(flag),
            )[0][0]
            for low, high in uids.ranges
        )  # fmt: skip

    def gone(self, since: float = 0.0, limit: int = 100, after: int = 0) -> list[GoneMessage]:
        """Messages removed at ``since`` (UTC seconds) or later, the last one first (STORE-10).

        ``after``: the ``number`` of the last one of the page before; 0 for the first page.
        Moved messages aren't gone; those of deleted mailboxes are. ``since`` 0: all there ever were, as
        for an account under legal hold.
        """
        return [
            GoneMessage._make((*row[:-6], MessageRef(*row[-6:])))
            for row in self._reader.rows(
                "SELECT g.number, g.mailbox, g.name, g.uid, g.flags, g.removed_at, g.message,"
                f" m.size, m.received, m.envelope, m.preview, {Column.REF.value}"
                " FROM gone g JOIN message m ON m.id=g.message"
                " WHERE g.account=? AND g.number<? AND g.removed_at>=? AND NOT g.back"
                " ORDER BY g.number DESC LIMIT ?",
                self.account, after or 1 << 62, int(since), limit,
            )
        ]  # fmt: skip

    def export(self, box: Mailbox, damaged: list[int] | None = None) -> Iterator[bytes]:
        """The mailbox as an mbox file, in pieces; see ``store/export.py``."""
        return export.mbox(self, box, damaged)

    def messages(self, refs: Sequence[MessageRef]) -> list[bytes | memoryview | None]:
        """The bytes of messages, neighbours read at once; None: damaged beyond any copy (STORE-4)."""
        found: list[bytes | memoryview | None] = [None] * len(refs)
        by_ledger: dict[int, list[int]] = {}
        for place, ref in enumerate(refs):
            by_ledger.setdefault(ref[0], []).append(place)
        for ledger, places in by_ledger.items():
            wanted = [PackRef(refs[p][1], refs[p][2], refs[p][3]) for p in places]
            frames = self._readers.volume.ledger(ledger).read_many(wanted)
            for place, frame in zip(places, frames):
                if isinstance(frame, Frame):
                    found[place] = memoryview(frame.body)[refs[place][4] :]
        return found


_OBJECTS = "SELECT id, data, made, modseq, due FROM object WHERE account=? AND kind=?"


def _mailbox(row: Sequence[Any]) -> Mailbox:
    return Mailbox(row[0], row[1], row[2], Role(row[3]), *row[4:])


def _change(mailbox: MailboxId, modseq: int, kind: int, uids: bytes) -> c.Change:
    made: Any = c.CHANGE_KINDS[kind]
    return made(modseq, mailbox, UidSet.unpack(uids)) if kind < 3 else made(modseq, mailbox)  # type: ignore[no-any-return]
