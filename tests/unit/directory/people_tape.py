"""A people ledger in memory: records as frames, folded without a disk."""

from __future__ import annotations

from typing import Any

from holdfast.directory import records as r
from holdfast.directory.copy import MEMORY, Copy
from holdfast.model.address import parse_address
from holdfast.model.ledgers import Kind
from holdfast.model.mail import PackRef, Position
from holdfast.model.people import Route
from holdfast.packs import BadFrame, Frame
from holdfast.sim.world import SimWorld

NOON = 1_345_032_000.0
IDENTITY = b"0123456789abcdef"
FRAME = 4096
CHEAP = "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + "A" * 43


class Tape:
    """Records in order, each as the frame it would be in the ledger."""

    def __init__(self) -> None:
        self.items: list[Frame | BadFrame] = []

    def add(self, record: r.AnyRecord) -> int:
        """The frame's sequence: the id it makes."""
        self.items.append(frame(len(self.items) + 1, r.encode_record(record)))
        return len(self.items)

    def domain(self, name: str = "example.org", **settings: Any) -> int:
        return self.add(r.DomainMade(at=NOON, name=name, **settings))

    def account(self, address: str, *, at: float = NOON, cell: int = 0, **settings: Any) -> int:
        return self.add(r.AccountMade(at=at, address=address, cell=cell, **settings))

    def alias(self, address: str, *targets: str) -> int:
        return self.add(r.AliasSet(at=NOON, address=address, targets=targets))

    def state(self, account: int, state: Any, *, at: float = NOON) -> int:
        return self.add(r.AccountStateSet(at=at, account=account, state=state))

    def lose(self) -> None:
        """The last frame becomes unreadable."""
        sequence = len(self.items)
        self.items[-1] = BadFrame(self.items[-1].ref, "body checksum", sequence)

    def folded(self, world: SimWorld, *, path: str = MEMORY, chunk: int = 500) -> Copy:
        copy = Copy(world, path)
        self.fold_into(copy, chunk)
        return copy

    def fold_into(self, copy: Copy, chunk: int = 500) -> None:
        """What the copy hasn't folded yet."""
        items = [item for item in self.items if item.ref.offset >= copy.fold.position.offset]
        for at in range(0, len(items), chunk):
            part = items[at : at + chunk]
            copy.take(part, Position(1, part[-1].ref.offset + FRAME), IDENTITY)


def frame(sequence: int, body: bytes) -> Frame:
    return Frame(Kind.PEOPLE, sequence, 0, (), body, PackRef(1, sequence * FRAME, FRAME))


def dump(copy: Copy) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    names = copy._db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
    return {name: sorted(copy._db.execute(f"SELECT * FROM {name}").fetchall()) for (name,) in names}


def route(copy: Copy, address: str, *, sending: bool = False) -> Route:
    return copy.lookup.route(parse_address(address), sending=sending)
