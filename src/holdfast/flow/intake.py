"""Where accepted mail becomes durable: one intake ledger per process that takes mail.

FLOW-1: an intake answers only for what is synced; the store need not be there.
FLOW-2: a frame is marked as acknowledged only after its 250 was given to the system, so
that after a crash the frames behind the mark are those a sender may send again.
FLOW-3: message bytes held by one process are counted, and bounded by ``inflight_bytes``.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import msgspec

from holdfast.flow import events
from holdfast.flow.trace import Dates, Origin, head
from holdfast.model.envelope import Delivery, LocalRecipient, RemoteRecipient, Started
from holdfast.model.errors import Unavailable
from holdfast.model.ledgers import ELSEWHERE, Kind
from holdfast.model.limits import (
    INTAKE_RETRY_FIRST_S,
    INTAKE_RETRY_LONGEST_S,
    INTAKE_TRACE_LETTERS,
    PACK_BYTES,
)
from holdfast.model.mail import AccountId, PackRef, Position
from holdfast.packs import Frame, LedgerReader, LedgerWriter, NewFrame, Written
from holdfast.packs.shelf import component
from holdfast.world import World

_pack = msgspec.msgpack.Encoder().encode
_read_delivery = msgspec.msgpack.Decoder(Delivery).decode
_length = struct.Struct("<I").pack

Announce = Callable[[str, Position], object]
"""Tells the store how far a ledger is durable; best effort."""


class Envelope(NamedTuple):
    """Who a message is from and for, as it was accepted. ``account``: who signed in, 0 for nobody."""

    sender: str
    local: tuple[LocalRecipient, ...]
    remote: tuple[RemoteRecipient, ...] = ()
    account: AccountId = 0
    ret: str = ""
    envid: str = ""
    smtputf8: bool = False
    body_8bit: bool = False

    @property
    def cells(self) -> tuple[int, ...]:
        if len(self.local) == 1 and not self.remote and not self.envid:
            return (self.local[0].cell,)
        cells = {recipient.cell for recipient in self.local}
        if self.remote or self.envid:  # by its ENVID the relay knows its own reports again (QUEUE-3)
            cells.add(ELSEWHERE)
        return tuple(sorted(cells))


class Receipt(NamedTuple):
    """``written`` resolves when the message is durable, or raises ``Unavailable``."""

    trace: str
    written: asyncio.Future[list[Written]]


class Intake:
    """The writer of one intake ledger (``mx-0``, ``submission-1``, ``relay-0``, …)."""

    __slots__ = (
        "_acknowledged",
        "_announce",
        "_beyond",
        "_closed",
        "_copies",
        "_count",
        "_dates",
        "_doubts",
        "_fresh",
        "_host",
        "_in_doubt",
        "_ledger",
        "_limit",
        "_opening",
        "_pack_bytes",
        "_prefix",
        "_retry_s",
        "_trailing",
        "_volume",
        "_why",
        "_world",
        "_writer",
        "held",
    )

    def __init__(
        self,
        world: World,
        volume_folder: str,
        ledger: str,
        *,
        host: str,
        inflight_bytes: int,
        announce: Announce | None = None,
        copies: Sequence[str] = (),
        trailing: Sequence[str] = (),
        pack_bytes: int = PACK_BYTES,
        in_doubt: bool = True,
    ) -> None:
        """``host``: our name in Received. ``in_doubt`` False: who sends by it looks up for itself what was
        kept, so that nothing is taken for a second try. Call ``open`` next."""
        self._world = world
        self._volume = volume_folder
        self._ledger = ledger
        self._host = host
        self._limit = inflight_bytes
        self._announce = announce
        self._copies = copies
        self._trailing = trailing
        self._pack_bytes = pack_bytes
        self._in_doubt = in_doubt
        self._writer: LedgerWriter | None = None
        self._why = "not open yet"
        self._retry_s = INTAKE_RETRY_FIRST_S
        self._opening: asyncio.Task[None] | None = None
        self._closed = False
        self._acknowledged = 0  # every sequence up to this one
        self._beyond: set[int] = set()  # and these
        self._fresh: list[int] = []  # acknowledged in this turn of the loop
        self._doubts: dict[int, tuple[int, ...]] = {}  # unsure sequences no durable STARTED names yet: cells
        self._dates = Dates()
        self._prefix = world.entropy.token(INTAKE_TRACE_LETTERS)
        self._count = 0
        self.held = 0

    async def open(self) -> None:
        """Opens the ledger. When that can't be, it is tried again and again; until then no mail is taken."""
        try:
            await self._open()
        except Unavailable as error:
            self._why = error.text
            self._world.journal.emit(
                events.INTAKE_UNAVAILABLE, ledger=self.component, reason=error.text, again_s=self._retry_s
            )
            if not self._closed:
                self._world.clock.call_later(self._retry_s, self._again)
                self._retry_s = min(self._retry_s * 2, INTAKE_RETRY_LONGEST_S)

    async def close(self) -> None:
        """Waits for what was submitted; nothing more is taken."""
        self._closed = True
        self._note()
        if self._opening is not None:
            await asyncio.wait([self._opening])
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.close()

    @property
    def component(self) -> str:
        return component(self._volume, self._ledger)

    @property
    def ledger(self) -> str:
        """Its name."""
        return self._ledger

    @property
    def durable(self) -> Position:
        """How far the ledger is durable. Raises ``Unavailable`` while it isn't open."""
        self.check()
        assert self._writer is not None
        return self._writer.durable

    def check(self, size: int = 0) -> None:
        """Raises ``Unavailable`` when a message of ``size`` bytes could not be taken now."""
        if self._writer is None:
            raise Unavailable(self.component, self._why, self._retry_s)
        if self.held + size > self._limit:
            raise Unavailable("memory/messages", "too many messages at once")

    def hold(self, size: int) -> bool:
        """Counts message bytes held by a connection (negative: let go). False: over the limit (FLOW-3)."""
        self.held += size
        return self.held <= self._limit

    # taking mail

    def submit(
        self, envelope: Envelope, message: bytes, origin: Origin | None = None, trace: str = ""
    ) -> Receipt:
        """Puts the trace fields before the message and the whole on its way to the disk.

        ``trace``: its id, where the caller has one that nothing else has.
        Raises ``Unavailable``; ``Refused(TOO_LARGE)`` for what no frame can hold.
        """
        writer = self._writer
        if writer is None:
            raise Unavailable(self.component, self._why, self._retry_s)
        sender, local, remote, account, ret, envid, smtputf8, body_8bit = envelope
        if not trace:
            self._count += 1
            trace = f"{self._prefix}{self._count:x}"
        now = self._world.clock.now()
        only = ""
        if len(local) + len(remote) == 1:
            only = local[0].address if local else remote[0].address
        ours = head(sender, origin, self._host, trace, only, self._dates.at(now))
        peer = str(origin) if origin is not None else ""
        meta = _pack(
            Delivery(
                sender, local, remote, now, trace, len(ours), peer, account, ret, envid, smtputf8, body_8bit
            )
        )
        whose = local[0].account if len(local) == 1 else 0
        cells = envelope.cells
        frame = NewFrame(Kind.DELIVERY, (_length(len(meta)) + meta + ours, message), whose, cells)
        if self._doubts:
            # This may be the second try of a message in doubt: the doubt must stand before it in the order,
            # also when the batch with the first word of it is refused.
            self._tell_doubts(writer)
        return Receipt(trace, writer.submit((frame,)))

    async def kept(self, traces: Collection[str], since: Position) -> dict[str, int]:
        """Which of these stand in the ledger from ``since`` on, durably: trace → sequence. Raises
        ``Unavailable``."""
        return await self._world.offload(self._look_up, frozenset(traces), since, self.durable)

    def acknowledged(self, sequence: int) -> None:
        """The 250 for this frame was written to its connection; called in the same turn of the loop."""
        if not self._fresh:
            # a connection hands over what was written at the end of the turn: the mark must not overtake it
            asyncio.get_running_loop().call_soon(self._note)
        self._fresh.append(sequence)

    def unsure(self, written: Written, cells: tuple[int, ...], trace: str) -> None:
        """The sender was gone before its 250: the ledger says so, its second try isn't delivered again."""
        self._world.journal.emit(
            events.INTAKE_UNSURE, ledger=self.component, sequence=written.sequence, trace=trace
        )
        self._doubts[written.sequence] = cells
        if self._writer is not None:
            self._tell_doubts(self._writer)

    # inside

    def _tell_doubts(self, writer: LedgerWriter) -> None:
        named = tuple(self._doubts)
        cells = tuple(sorted({cell for each in self._doubts.values() for cell in each}))
        future = writer.submit((_started(Started(self._world.clock.now(), named), cells),))
        future.add_done_callback(lambda done: self._named(done, named))

    def _named(self, done: asyncio.Future[list[Written]], named: tuple[int, ...]) -> None:
        """A STARTED frame is durable: what it names is no longer in doubt, nor is itself."""
        if not done.cancelled() and done.exception() is None:
            self._fresh += [number for number in named if self._doubts.pop(number, None) is not None]
            self._fresh.append(done.result()[0].sequence)
            self._note()

    def _note(self) -> None:
        """Moves the mark over all that is acknowledged without a gap."""
        fresh, self._fresh = self._fresh, []
        last, beyond = self._acknowledged, self._beyond
        for sequence in fresh:
            if sequence == last + 1:
                last = sequence
            else:
                beyond.add(sequence)
        while beyond and last + 1 in beyond:
            last += 1
            beyond.remove(last)
        if last != self._acknowledged and self._writer is not None:
            self._acknowledged = last
            self._writer.mark(last)

    def _again(self) -> None:
        if not self._closed:
            self._opening = asyncio.get_running_loop().create_task(self.open())

    async def _open(self) -> None:
        writer = await LedgerWriter.open(
            self._world,
            self._volume,
            self._ledger,
            copies=self._copies,
            trailing=self._trailing,
            pack_bytes=self._pack_bytes,
        )
        try:
            await self._say_started(writer)
        except BaseException:
            await writer.close()
            raise
        if self._announce is not None:
            announce, ledger = self._announce, self._ledger
            announce(ledger, writer.durable)
            writer.on_durable.append(lambda position: announce(ledger, position))
        self._retry_s = INTAKE_RETRY_FIRST_S
        self._writer = writer

    async def _say_started(self, writer: LedgerWriter) -> None:
        """STARTED names what may never have been acknowledged; from here on all before it is told."""
        recovered = writer.recovered
        unsure = [frame for frame in recovered.unsure if frame.kind == Kind.DELIVERY and self._in_doubt]
        cells = await self._world.offload(self._cells, [frame.ref for frame in unsure]) if unsure else ()
        started = Started(self._world.clock.now(), tuple(frame.sequence for frame in unsure))
        (written,) = await writer.append([_started(started, cells)])
        self._acknowledged = written.sequence
        self._beyond.clear()
        writer.mark(written.sequence)
        self._world.journal.emit(
            events.INTAKE_OPENED, ledger=self.component, unsure=len(unsure), cut_bytes=recovered.cut_bytes
        )

    def _look_up(self, traces: frozenset[str], since: Position, until: Position) -> dict[str, int]:
        reader = LedgerReader(self._world, self._volume, self._ledger, copies=self._copies)
        found: dict[str, int] = {}
        for frame in reader.follow(since, until=until):
            if isinstance(frame, Frame) and frame.kind == Kind.DELIVERY:
                size = int.from_bytes(frame.body[:4], "little")
                trace = _read_delivery(frame.body[4 : 4 + size]).trace
                if trace in traces:
                    found[trace] = frame.sequence
        return found

    def _cells(self, refs: Sequence[PackRef]) -> tuple[int, ...]:
        """The cells these frames concern; only those need to hear of the doubt."""
        reader = LedgerReader(self._world, self._volume, self._ledger, copies=self._copies)
        return tuple(sorted({cell for frame in reader.read_many(refs) for cell in frame.cells or ()}))


def _started(started: Started, cells: tuple[int, ...]) -> NewFrame:
    meta = _pack(started)
    return NewFrame(Kind.STARTED, _length(len(meta)) + meta, 0, cells)
