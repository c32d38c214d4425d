"""A mail ledger in memory: frames made by hand, to fold without a disk."""

from __future__ import annotations

import errno

import apsw
from msgspec import structs

from holdfast.model.envelope import Delivery, LocalRecipient, Started
from holdfast.model.ledgers import Kind
from holdfast.model.mail import PackRef, Position
from holdfast.packs import Frame
from holdfast.sim import mail
from holdfast.store import commands as c
from holdfast.store import schema
from holdfast.store.connection import CellReader
from holdfast.store.counts import CountsKept
from holdfast.store.fold import CellFold
from holdfast.store.frames import CommandMeta, Item, MessageMeta, encode
from holdfast.store.reader import AccountMail, Readers
from holdfast.world import Disk

ACCOUNT = 42
CELL = 7
NOON = 1_345_032_000  # 15 August 2012, 12:00 UTC
INTAKE = 256
MAIL = 1


def message(number: int, extra: bytes = b"") -> bytes:
    return b"From: a@example.org\r\nSubject: message %d\r\nMessage-ID: <%d@t>\r\n%s\r\nbody %d\r\n" % (
        number,
        number,
        extra,
        number,
    )


class Tape:
    """Frames in order, each with its place, and a fold of them on demand."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self._next = {INTAKE: 1, MAIL: 1}

    def _put(
        self, ledger: int, kind: Kind, account: int, body: bytes, cells: tuple[int, ...] = (CELL,)
    ) -> int:
        sequence = self._next[ledger]
        self._next[ledger] += 1
        ref = PackRef(1, 64 + len(self.items) * 4096, 40 + len(body))
        self.items.append(Item(ledger, Frame(kind, sequence, account, cells, body, ref)))
        return sequence

    def deliver(self, *accounts: int, body: bytes | None = None, detail: str = "", later: int = 0) -> int:
        body = message(len(self.items)) if body is None else body
        head = b"Return-Path: <s@example.net>\r\n"
        meta = encode(
            Delivery(
                sender="s@example.net",
                local=tuple(LocalRecipient(a, CELL, f"u{a}@example.org", detail) for a in accounts),
                remote=(),
                received_at=NOON + len(self.items) + later,
                trace=f"t{len(self.items)}",
                head_bytes=len(head),
            )
        )
        return self._put(
            INTAKE, Kind.DELIVERY, accounts[0], len(meta).to_bytes(4, "little") + meta + head + body
        )

    def started(self, *unsure: int) -> None:
        meta = encode(Started(NOON, unsure))
        self._put(INTAKE, Kind.STARTED, 0, len(meta).to_bytes(4, "little") + meta)

    def command(self, command: c.AnyCommand, message: bytes = b"") -> None:
        meta = encode(CommandMeta(NOON + len(self.items), command))
        self._put(MAIL, Kind.COMMAND, command.account, len(meta).to_bytes(4, "little") + meta + message)

    def append_all(self, *messages: c.NewMessage, mailbox: str = "INBOX") -> None:
        """Their MESSAGE frames and the command that names them, as the writer lays them down."""
        laid: list[c.NewMessage] = []
        for new in messages:
            at = float(NOON + len(self.items))
            meta = encode(MessageMeta(at))
            sequence = self._put(
                MAIL, Kind.MESSAGE, ACCOUNT, len(meta).to_bytes(4, "little") + meta + new.message
            )
            place = c.Laid(sequence, *self.items[-1].frame.ref, 4 + len(meta), len(new.message))
            laid.append(structs.replace(new, message=b"", internaldate=at, laid=place))
        self.command(c.AppendAll(account=ACCOUNT, cell=CELL, mailbox=mailbox, messages=tuple(laid)))

    def fold(self, *, batch: int = 1000) -> tuple[CellFold, list[c.AnyOutcome | None]]:
        """A fresh index of everything so far, folded ``batch`` frames at a time."""
        db = apsw.Connection(":memory:")
        schema.create(db)
        fold = CellFold(db, CELL, read_frame=self.read)
        outcomes: list[c.AnyOutcome | None] = []
        for at in range(0, len(self.items), batch):
            outcomes += fold.apply(self.items[at : at + batch], Position(1, at + batch))
        return fold, outcomes

    def read(self, ledger: int, ref: PackRef) -> Frame | None:
        for item in self.items:
            if item.frame.ref == ref:
                return item.frame if isinstance(item.frame, Frame) else None
        return None


def mail_of(fold: CellFold, counts: CountsKept | None = None) -> AccountMail:
    """What a function would read of the fold's index; ``counts``: of a process that has read before."""
    readers = Readers.__new__(Readers)
    readers.counts = counts or CountsKept()
    return AccountMail(readers, CellReader(fold.db, CELL, None), ACCOUNT)


def contents(fold: CellFold) -> dict[str, list[tuple[object, ...]]]:
    """Every row of the index but the position."""
    return mail.contents(fold.db)


class FullDisk:
    """Has no room for what is only derived; ``refused``: how often that was met."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self.refused = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._disk, name)

    def write_atomic(self, path: str, data: bytes) -> None:
        if not path.endswith(".state"):
            return self._disk.write_atomic(path, data)
        self.refused += 1
        raise OSError(errno.ENOSPC, "no room", path)
