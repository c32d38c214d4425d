"""The queue: mail to elsewhere, kept in a ledger of its own. RFC 5321 §4.5.4.1.

The messages stay where the intakes wrote them; the queue's ledger says which ranges of which
intake it has taken over, and what became of every try. The entries are a fold over it:

QUEUE-1 what an intake acknowledged for a recipient elsewhere stays in the queue until it was
delivered, or its sender was told that it was not, or an operator removed it.
QUEUE-2 the queue is a function of its ledger; ``queue.state`` only saves reading it.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Iterable
from typing import Literal

import msgspec

from holdfast.model.envelope import Delivery, Started
from holdfast.model.errors import Reason, Refused
from holdfast.model.ledgers import ELSEWHERE, QUEUE, Kind
from holdfast.model.limits import RELAY_FATES, SECOND_TRY_S
from holdfast.model.mail import START, PackRef, Position
from holdfast.packs import Frame, LedgerReader, LedgerWriter, NewFrame
from holdfast.store.fold import delivery_digest
from holdfast.store.frames import split_body
from holdfast.world import World

EntryId = str  # 'submission-0:17': ledger and sequence of the frame the message is in

DSN_MARK = "holdfast-dsn:"  # ENVID of the reports we write: the entry they are about
REMEMBERED = 1000  # taken messages whose second try can be told apart, per intake
_TAKE_FRAMES = 500


class Recipient(msgspec.Struct):
    """One address that waits. ``next_at``: UTC seconds; ``failed``: for good, its sender is to be told."""

    address: str
    notify: str = ""
    orcpt: str = ""
    tries: int = 0
    next_at: float = 0.0
    reply: str = ""
    failed: bool = False
    delay_told: bool = False


class Fate(msgspec.Struct, frozen=True, array_like=True):
    """What became of one recipient. ``state``: it waits, another server took it (sent), or it ended
    (failed). ``reply``: of the other side, last; '' where there was none yet."""

    state: Literal["waits", "sent", "failed"]
    reply: str = ""


class Entry(msgspec.Struct):
    """One message with all recipients that are not settled yet."""

    ledger: str
    sequence: int
    ref: PackRef
    head: int  # where in the frame's body the message begins
    sender: str
    received_at: float
    recipients: dict[str, Recipient]
    ret: str = ""
    envid: str = ""
    smtputf8: bool = False
    body_8bit: bool = False
    trace: str = ""

    @property
    def id(self) -> EntryId:
        return f"{self.ledger}:{self.sequence}"


def _is_report(ledger: str, meta: Delivery) -> bool:
    """Of ours."""
    return ledger.startswith("relay-") and meta.envid.startswith(DSN_MARK)


def _entry(ledger: str, frame: Frame, meta: Delivery, head: int) -> Entry:
    return Entry(
        ledger=ledger,
        sequence=frame.sequence,
        ref=frame.ref,
        head=head,
        sender=meta.sender,
        received_at=meta.received_at,
        recipients={r.address: Recipient(r.address, r.notify, r.orcpt) for r in meta.remote},
        ret=meta.ret,
        envid="" if _is_report(ledger, meta) else meta.envid,
        smtputf8=meta.smtputf8,
        body_8bit=meta.body_8bit,
        trace=meta.trace,
    )


def entry_of(ledger: str, frame: Frame) -> Entry:
    """A DELIVERY frame of an intake, as it is when it comes into the queue."""
    packed, head = split_body(frame.body)
    return _entry(ledger, frame, _decode_delivery(packed), head)


class Taken(msgspec.Struct, frozen=True, array_like=True, tag="take"):
    """A range of an intake is taken over: its messages to elsewhere are in the queue from here."""

    ledger: str
    begin: Position
    end: Position


class Settled(msgspec.Struct, frozen=True, array_like=True, tag="tried"):
    """What a try, or an operator, made of some recipients of an entry, at ``at`` (UTC seconds; 0: not noted).

    ``what``: sent, later (again at ``next_at``), failed (for good, its sender is yet to be told),
    told (the sender was told), delayed (the sender was told of the delay), removed.
    """

    entry: EntryId
    what: Literal["sent", "later", "failed", "told", "delayed", "removed"]
    addresses: tuple[str, ...]
    reply: str = ""
    next_at: float = 0.0
    at: float = 0.0


class Again(msgspec.Struct, frozen=True, array_like=True, tag="again"):
    """What was sent is to be sent once more, to these recipients. ``ref``: of the message's frame."""

    entry: EntryId
    ref: PackRef
    addresses: tuple[str, ...]


class _State(msgspec.Struct, frozen=True):
    """File ``queue.state``: derived."""

    position: Position
    taken: dict[str, Position]
    entries: list[Entry]


Record = Taken | Settled | Again
_decode_record = msgspec.msgpack.Decoder(Record).decode
_decode_delivery = msgspec.msgpack.Decoder(Delivery).decode
_decode_started = msgspec.msgpack.Decoder(Started).decode
_encode = msgspec.msgpack.Encoder().encode


class Queue:
    """The queue's ledger, open for writing, and its entries. One per volume."""

    def __init__(self, world: World, volume_folder: str, ledger: LedgerWriter) -> None:
        self._world = world
        self._folder = volume_folder
        self._ledger = ledger
        self._readers: dict[str, LedgerReader] = {}
        self._recent: dict[str, OrderedDict[int, PackRef]] = {}
        self._unsure: dict[bytes, float] = {}  # and until when the same is a second try
        self._looked: dict[str, Position] = {}  # in memory: how far there was nothing more to take
        self._fates: OrderedDict[tuple[EntryId, str], Fate] = OrderedDict()
        self.taken: dict[str, Position] = {}
        self.entries: dict[EntryId, Entry] = {}

    @classmethod
    async def open(
        cls, world: World, volume_folder: str, *, copies: tuple[str, ...] = (), trailing: tuple[str, ...] = ()
    ) -> Queue:
        ledger = await LedgerWriter.open(world, volume_folder, QUEUE, copies=copies, trailing=trailing)
        queue = cls(world, volume_folder, ledger)
        begin = queue._load()
        for frame in queue.reader(QUEUE).follow(begin, until=ledger.durable):
            if isinstance(frame, Frame) and frame.kind == Kind.QUEUE:
                queue._apply(_decode_record(bytes(frame.body)))
        return queue

    async def close(self) -> None:
        looked = {ledger: max(at, self.taken.get(ledger, START)) for ledger, at in self._looked.items()}
        state = _State(self._ledger.durable, self.taken | looked, list(self.entries.values()))
        with contextlib.suppress(OSError):  # derived: a full disk costs a longer start, and nothing else
            self._world.disk.write_atomic(f"{self._folder}/queue.state", _encode(state))
        await self._ledger.close()

    def _load(self) -> Position:
        path = f"{self._folder}/queue.state"
        if not self._world.disk.exists(path):
            return START
        try:
            state = msgspec.msgpack.decode(self._world.disk.read(path), type=_State)
        except (msgspec.DecodeError, OSError):
            return START
        if state.position > self._ledger.durable:
            return START
        self.taken = dict(state.taken)
        self.entries = {entry.id: entry for entry in state.entries}
        return state.position

    def reader(self, ledger: str) -> LedgerReader:
        found = self._readers.get(ledger)
        if found is None:
            found = self._readers[ledger] = LedgerReader(self._world, self._folder, ledger)
        return found

    # -- the fold -----------------------------------------------------------------

    def _apply(self, record: Record) -> None:
        if isinstance(record, Taken):
            for frame in self.reader(record.ledger).follow(record.begin, until=record.end, cell=ELSEWHERE):
                if isinstance(frame, Frame):
                    self._take(record.ledger, frame)
            self.taken[record.ledger] = record.end
            return
        if isinstance(record, Again):
            self._wait_again(record)
            return
        entry = self.entries.get(record.entry)
        if entry is None:
            return
        for address in record.addresses:
            self._settle(entry, address, record)
        if not entry.recipients:
            del self.entries[record.entry]

    def _wait_again(self, record: Again) -> None:
        ledger = record.entry.rpartition(":")[0]
        frame = self.reader(ledger).read_many([record.ref])[0]
        if isinstance(frame, Frame):
            entry = entry_of(ledger, frame)
            there = self.entries.setdefault(entry.id, entry)
            fresh = {
                address: each for address, each in entry.recipients.items() if address in record.addresses
            }
            there.recipients = fresh if there is entry else fresh | there.recipients

    def _settle(self, entry: Entry, address: str, record: Settled) -> None:
        recipient = entry.recipients.get(address)
        if recipient is None:
            return
        if record.what in ("sent", "told", "removed"):
            del entry.recipients[address]
            self._ended(entry.id, address, record, recipient)
        elif record.what == "delayed":
            recipient.delay_told = True
        else:
            recipient.tries += bool(record.reply)
            recipient.reply = record.reply or recipient.reply
            recipient.next_at = record.next_at
            recipient.failed = record.what == "failed"

    def _ended(self, entry: EntryId, address: str, record: Settled, recipient: Recipient) -> None:
        sent = record.what == "sent"
        self._fates[entry, address] = Fate("sent" if sent else "failed", record.reply or recipient.reply)
        if len(self._fates) > RELAY_FATES:
            self._fates.popitem(last=False)

    def fates(self, entry: EntryId, addresses: Iterable[str]) -> dict[str, Fate]:
        """Of those of a message's recipients that are known of: who waits, and who ended not long ago."""
        waiting = self.entries[entry].recipients if entry in self.entries else {}
        known = {
            address: Fate("failed" if each.failed else "waits", each.reply)
            for address, each in waiting.items()
        }
        return {
            address: fate
            for address in addresses
            if (fate := known.get(address) or self._fates.get((entry, address))) is not None
        }

    def _take(self, ledger: str, frame: Frame) -> None:
        if frame.kind == Kind.STARTED:
            self._doubt(ledger, _decode_started(split_body(frame.body)[0]))
            return
        if frame.kind != Kind.DELIVERY:
            return
        packed, head = split_body(frame.body)
        meta = _decode_delivery(packed)
        if _is_report(ledger, meta):
            # QUEUE-3: a report is written once: its own frame says so, even before the queue's ledger does.
            about, _, addresses = meta.envid.removeprefix(DSN_MARK).partition("/")
            self._apply(Settled(about, "told", tuple(addresses.split(","))))
        if not meta.remote:
            return
        recent = self._recent.setdefault(ledger, OrderedDict())
        recent[frame.sequence] = frame.ref
        if len(recent) > REMEMBERED:
            recent.popitem(last=False)
        if self._unsure:
            digest = delivery_digest(meta, memoryview(frame.body)[head:])
            if self._unsure.get(digest, 0) > meta.received_at:
                return
        entry = _entry(ledger, frame, meta, head)
        self.entries[entry.id] = entry

    def _doubt(self, ledger: str, started: Started) -> None:
        """The sender of these may try again; the same once more is not sent on again (STORE-9's twin)."""
        recent = self._recent.get(ledger) or OrderedDict()
        wanted = [recent[n] for n in started.unsure if n in recent]
        for frame in self.reader(ledger).read_many(wanted):
            if isinstance(frame, Frame):
                packed, head = split_body(frame.body)
                digest = delivery_digest(_decode_delivery(packed), memoryview(frame.body)[head:])
                self._unsure[digest] = started.at + SECOND_TRY_S

    # -- changing it --------------------------------------------------------------

    async def take(self, ledger: str, until: Position) -> bool:
        """Take over what an intake has up to ``until``; True if something came into the queue.

        Where a range has nothing for elsewhere, nothing is written: most mail never leaves.
        """
        before = len(self.entries)
        while (begin := self.looked(ledger)) < until:
            reader = self.reader(ledger)
            end, count = until, 0
            for count, frame in enumerate(reader.follow(begin, until=until, cell=ELSEWHERE), 1):
                if count == _TAKE_FRAMES:
                    end = reader.after(frame)
                    break
            if count:
                await self.write([Taken(ledger, begin, end)])
            self._looked[ledger] = end
        return len(self.entries) != before

    def looked(self, ledger: str) -> Position:
        """How far the intake has been looked through."""
        return max(self.taken.get(ledger, START), self._looked.get(ledger, START))

    async def write(self, records: list[Record]) -> None:
        """Durable, then in effect. Raises ``Unavailable``: then none of it is."""
        await self._ledger.append([NewFrame(Kind.QUEUE, _encode(record)) for record in records])
        for record in records:
            self._apply(record)

    @property
    def durable(self) -> Position:
        return self._ledger.durable

    @property
    def folder(self) -> str:
        """Of the volume."""
        return self._folder

    def message(self, entry: Entry) -> bytes | None:
        """The message as it goes out, without our Return-Path; None: damaged on disk."""
        found = self.reader(entry.ledger).read_many([entry.ref])[0]
        if not isinstance(found, Frame):
            return None
        message = bytes(memoryview(found.body)[entry.head :])
        # RFC 5321 §4.4: Return-Path is for final delivery; it is taken off when mail goes on.
        if message[:12].lower() == b"return-path:":
            message = message[message.index(b"\r\n") + 2 :]
        return message

    def find(self, ids: Iterable[EntryId]) -> list[Entry]:
        """Entries by id, all for none named. Raises ``Refused`` for an id that is not there."""
        wanted = list(ids)
        missing = [each for each in wanted if each not in self.entries]
        if missing:
            raise Refused(Reason.NO_SUCH_MESSAGE, f"not in the queue: {', '.join(missing)}")
        return [self.entries[each] for each in wanted] if wanted else list(self.entries.values())
