"""What the store's fold and its index cost, without a disk's syncs; prints JSON.

    python bench/store.py [messages]

One cell on a real file: ``messages`` (default 20,000) of 4 KB, each naming two others, are delivered to ten
accounts, one frame each, 64 at a time as merging brings them; then commands on one mailbox of all that one
account has, made of a quarter of them. Times are processor seconds of this process: microseconds per
message, or messages a second.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw

from holdfast.model.envelope import Delivery, LocalRecipient
from holdfast.model.ledgers import Kind
from holdfast.model.mail import PackRef, Position
from holdfast.model.uidset import UidSet
from holdfast.packs import Frame
from holdfast.store import commands as c
from holdfast.store import schema
from holdfast.store.connection import CellReader
from holdfast.store.counts import CountsKept
from holdfast.store.fold import CellFold
from holdfast.store.frames import CommandMeta, Item, encode
from holdfast.store.history import EmailState
from holdfast.store.reader import AccountMail, Readers
from load.messages import message

CELL, BATCH, ACCOUNTS = 0, 64, 10
INTAKE, MAIL = 256, 1
BIG = 1  # the account with a big mailbox
NOON = 1_345_032_000


class Index:
    """A cell's index and the frames it is made of."""

    def __init__(self, folder: str) -> None:
        self.db = apsw.Connection(f"{folder}/cell.sqlite")
        schema.tune_writer(self.db)
        schema.create(self.db)
        self.fold = CellFold(self.db, CELL, read_frame=lambda *_: None)
        self._sequence = {INTAKE: 0, MAIL: 0}
        self._at = 0

    def item(self, ledger: int, kind: Kind, account: int, frame: bytes) -> Item:
        self._sequence[ledger] += 1
        self._at += 8192
        ref = PackRef(1, self._at, len(frame) + 40)
        return Item(ledger, Frame(kind, self._sequence[ledger], account, (CELL,), frame, ref))

    def delivery(self, number: int) -> Item:
        account = BIG if number % 4 == 0 else 2 + number % (ACCOUNTS - 1)
        to = (LocalRecipient(account, CELL, f"u{account}@example.org", ""),)
        meta = encode(Delivery("s@example.net", to, (), NOON + number, f"t{number}", 0))
        return self.item(
            INTAKE, Kind.DELIVERY, account, len(meta).to_bytes(4, "little") + meta + message(number, 4096)
        )

    def apply(self, items: list[Item]) -> list[Any]:
        return self.fold.apply(items, Position(1, self._at))

    def command(self, command: c.AnyCommand) -> Any:
        meta = encode(CommandMeta(NOON, command))
        return self.apply([self.item(MAIL, Kind.COMMAND, BIG, len(meta).to_bytes(4, "little") + meta)])[0]


def spent(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def deliveries(index: Index, items: list[Item]) -> None:
    for at in range(0, len(items), BATCH):
        index.apply(items[at : at + BATCH])


def commands(index: Index, count: int) -> dict[str, float]:
    """Each on all messages of the big mailbox at once, and flags of one message at a time."""
    mine = {"account": BIG, "cell": CELL}
    inbox, archive = BIG << 20 | 1, BIG << 20 | 6
    every = UidSet([(1, count)]).pack()

    def rate(command: c.AnyCommand) -> float:
        return round(count / spent(lambda: index.command(command)))

    def singly() -> None:
        for uid in range(1, 2001):
            one = UidSet([(uid, uid)]).pack()
            index.command(c.StoreFlags(**mine, mailbox=inbox, uids=one, mode="add", flags=4))

    found = {
        "flags_per_s": rate(c.StoreFlags(**mine, mailbox=inbox, uids=every, mode="add", flags=1)),
        "flags_singly_us": round(spent(singly) / 2000 * 1e6, 1),
        "copy_per_s": rate(c.Copy(**mine, mailbox=inbox, uids=every, to="Archive")),
        "move_per_s": rate(c.Move(**mine, mailbox=archive, uids=every, to="Trash")),
        "expunge_per_s": rate(c.Expunge(**mine, mailbox=inbox, uids=every, only_deleted=False)),
        "restore_per_s": rate(c.Restore(**mine, rows=every)),
    }

    def one_by_one() -> None:
        for uid in range(count + 1, count + 1001):
            one = UidSet([(uid, uid)]).pack()
            index.command(c.Expunge(**mine, mailbox=inbox, uids=one, only_deleted=False))

    found["expunge_singly_us"] = round(spent(one_by_one) * 1000, 1)
    return found


def reading(index: Index, mailbox: int) -> dict[str, float]:
    """What JMAP asks: milliseconds, of a mailbox as large as it is."""
    mail = Readers.__new__(Readers)
    mail.counts = CountsKept()
    account = AccountMail(mail, CellReader(index.db, CELL, None), BIG)
    listed = [each for chunk in account.listing(mailbox) for each in chunk]
    fifty = [each.message for each in listed[:50]]
    state = EmailState(account.modseq - 500)
    asked: dict[str, Callable[[], object]] = {
        "list_50": lambda: next(account.listing(mailbox))[:50],
        "list_all": lambda: [len(chunk) for chunk in account.listing(mailbox)],
        "emails_50": lambda: account.emails(fifty),
        "changes_500": lambda: account.email_changes(state, 500),
        "mailbox_changes_500": lambda: account.mailbox_changes(state, 500),
        "counts_first": lambda: account.mail_counts(mailbox),
    }
    found = {f"{name}_ms": round(spent(ask) * 1e3, 2) for name, ask in asked.items()}
    index.apply([index.delivery(4 * number) for number in range(10)])
    again = AccountMail(mail, CellReader(index.db, CELL, None), BIG)
    found["counts_again_ms"] = round(spent(lambda: again.mail_counts(mailbox)) * 1e3, 2)
    return {"listed": len(listed)} | found


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as folder:
        index = Index(folder)
        items = [index.delivery(number) for number in range(count)]
        found: dict[str, float] = {
            "delivery_us": round(spent(lambda: deliveries(index, items)) / count * 1e6, 1)
        }
        index.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        found["index_bytes_per_message"] = round(Path(f"{folder}/cell.sqlite").stat().st_size / count)
        found |= reading(index, BIG << 20 | 1)
        print(json.dumps(found | commands(index, len(range(0, count, 4)))))


if __name__ == "__main__":
    main()
