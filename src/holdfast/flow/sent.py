"""How many recipients each account has sent to within a day: what a sending limit is held against.

FLOW-8 the count outlives the process: it is noted beside the intake ledger with the position it was true
at, and what was accepted after that is counted from the ledger again. The note is derived; where it is
gone, the newest pack is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import msgspec

from holdfast.flow.intake import Announce
from holdfast.model.envelope import Delivery
from holdfast.model.errors import Unavailable
from holdfast.model.ledgers import Kind
from holdfast.model.limits import SENT_NOTE_S, SENT_SLOT_S, SENT_WINDOW_S
from holdfast.model.mail import START, AccountId, Position
from holdfast.packs import Frame, LedgerReader
from holdfast.world import World

_SLOTS = int(SENT_WINDOW_S // SENT_SLOT_S) + 1  # of a window; the oldest is counted whole
_SENDING = ("submission-", "jmap-")  # the ledgers of customers' mail: what one takes counts for all
_delivery = msgspec.msgpack.Decoder(Delivery).decode

Slots = dict[int, int]  # number of the slot since 1970 → recipients


class _Noted(msgspec.Struct, frozen=True, array_like=True):
    """File ``<ledger>.sent`` in the volume's folder. ``position``: of the ledger, counted up to there."""

    position: Position
    sent: dict[AccountId, Slots]


class Sent:
    """One process's counts, and what the others that send for customers noted of theirs.

    ``announcing(announce)`` goes between intake and store; ``known``: what was sent before is counted.
    """

    def __init__(self, world: World, volume_folder: str, ledger: str) -> None:
        self._world = world
        self._folder = volume_folder
        self._ledger = ledger
        self._own: dict[AccountId, Slots] = {}
        self._others: dict[str, dict[AccountId, Slots]] = {}
        self._durable = START
        self._noted = START
        self._keeping: asyncio.Task[None] | None = None
        self.known = asyncio.Event()

    # -- counting

    def add(self, account: AccountId, recipients: int) -> None:
        _add(self._own, account, self._slot(), recipients)

    def count(self, account: AccountId) -> int:
        """Recipients within the last day, all workers; others' as of a minute ago."""
        return sum(count for _, count in self._slots(account))

    def free_at(self, account: AccountId, limit: int) -> float:
        """When the account may send to one more: UTC seconds; now, if it may."""
        slots = sorted(self._slots(account))
        left = sum(count for _, count in slots)
        if left < limit:
            return self._world.clock.now()
        for slot, count in slots:
            left -= count
            if left < limit:
                return (slot + _SLOTS) * SENT_SLOT_S
        return self._world.clock.now() + SENT_WINDOW_S  # nothing at all is allowed

    def _slots(self, account: AccountId) -> Iterator[tuple[int, int]]:
        oldest = self._slot() - _SLOTS
        for counts in (self._own, *self._others.values()):
            for slot, count in counts.get(account, {}).items():
                if slot > oldest:
                    yield slot, count

    def _slot(self) -> int:
        return int(self._world.clock.now() // SENT_SLOT_S)

    # -- outliving the process

    def announcing(self, announce: Announce | None) -> Announce:
        """The same, and from its first call on, when the intake has opened, the counts are kept."""

        def tell(ledger: str, durable: Position) -> None:
            self._durable = durable
            if self._keeping is None:
                self._keeping = asyncio.get_running_loop().create_task(self._keep(durable))
            if announce is not None:
                announce(ledger, durable)

        return tell

    async def _keep(self, durable: Position) -> None:
        """Counts what the note and the ledger up to ``durable`` have; mail doesn't wait for that."""
        since = self._slot() - _SLOTS
        before = await self._world.offload(self._read, durable, since)
        for account, slots in before.items():
            for slot, count in slots.items():
                _add(self._own, account, slot, count)
        self.known.set()
        self._read_others()
        while True:
            await self._world.clock.sleep(SENT_NOTE_S)
            await self.note()

    async def close(self) -> None:
        """After the intake is closed: notes the counts a last time."""
        if self._keeping is None:
            return
        self._keeping.cancel()
        await asyncio.wait([self._keeping])
        if self.known.is_set():
            await self.note()

    async def note(self) -> None:
        """Write the counts down, and read what the others did."""
        if self._durable != self._noted:
            oldest = self._slot() - _SLOTS
            for account, slots in list(self._own.items()):
                kept = {slot: count for slot, count in slots.items() if slot > oldest}
                if kept:
                    self._own[account] = kept
                else:
                    del self._own[account]
            position, packed = self._durable, msgspec.msgpack.encode(_Noted(self._durable, self._own))
            try:
                await self._world.offload(self._world.disk.write_atomic, self._path(self._ledger), packed)
                self._noted = position
            except OSError:
                pass  # derived: the ledger has it all, and another minute comes
        self._read_others()

    def _path(self, ledger: str) -> str:
        return f"{self._folder}/{ledger}.sent"

    def _load(self, ledger: str) -> _Noted | None:
        try:
            return msgspec.msgpack.decode(self._world.disk.read(self._path(ledger)), type=_Noted)
        except (OSError, msgspec.DecodeError):
            return None

    def _read_others(self) -> None:
        try:
            names = list(self._world.disk.list(self._folder))
        except OSError:
            return
        others: dict[str, dict[AccountId, Slots]] = {}
        for name in names:
            ledger = name.removesuffix(".sent")
            if name == ledger or not name.startswith(_SENDING) or ledger == self._ledger:
                continue
            if (noted := self._load(ledger)) is not None:
                others[ledger] = noted.sent
        self._others = others

    def _read(self, durable: Position, since: int) -> dict[AccountId, Slots]:
        noted = self._load(self._ledger)
        sent: dict[AccountId, Slots] = {}
        if noted is not None and noted.position <= durable:
            sent, begin = noted.sent, noted.position
        else:
            begin = Position(durable.pack, 0)
        reader = LedgerReader(self._world, self._folder, self._ledger)
        try:
            for frame in reader.follow(begin, until=durable):
                if isinstance(frame, Frame) and frame.kind == Kind.DELIVERY:
                    size = int.from_bytes(frame.body[:4], "little")
                    meta = _delivery(frame.body[4 : 4 + size])
                    slot = int(meta.received_at // SENT_SLOT_S)
                    if meta.account and slot > since:
                        _add(sent, meta.account, slot, len(meta.local) + len(meta.remote))
        except (Unavailable, OSError, msgspec.DecodeError):
            pass  # what can be read counts
        return sent


def _add(counts: dict[AccountId, Slots], account: AccountId, slot: int, recipients: int) -> None:
    slots = counts.setdefault(account, {})
    slots[slot] = slots.get(slot, 0) + recipients
