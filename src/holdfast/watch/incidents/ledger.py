"""The ledger ``incidents``: one writes it, anybody reads it, with no process needed.

INC-3 an entry holds from when it is durable; what is lost of a ledger loses no other entry.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from holdfast.model.errors import Unavailable
from holdfast.model.ledgers import INCIDENTS, Kind
from holdfast.model.mail import START, Position
from holdfast.packs import BadFrame, Frame, LedgerReader, LedgerWriter, NewFrame
from holdfast.watch.events import INCIDENT_ENTRY_LOST
from holdfast.watch.incidents.incidents import Incidents
from holdfast.watch.incidents.record import AnyEntry, decode_entry, encode_entry
from holdfast.world import World


class IncidentReader:
    """Follows it, wherever the writer is; ``incidents`` is what has been read so far."""

    def __init__(self, world: World, folder: str) -> None:
        self._world = world
        self._reader = LedgerReader(world, folder, INCIDENTS)
        self._at: Position = START
        self.incidents = Incidents()
        self.lost = 0  # stretches and entries that can't be read

    def catch_up(self, until: Position | None = None) -> list[AnyEntry]:
        """What is new, read and folded. Raises ``Unavailable`` when the disk doesn't read at present.

        ``until``: what the writer says is durable. Without it, up to its last mark, which is certain; the
        writer makes one a second after it fell silent.
        """
        stop = self._reader.marked() if until is None else until
        return self._read(stop)

    def read_all(self) -> list[AnyEntry]:
        """Up to the last whole entry: for one look, as what isn't certain may be gone later."""
        return self._read(None)

    def _read(self, stop: Position | None) -> list[AnyEntry]:
        if stop is not None and stop <= self._at:
            return []
        found: list[AnyEntry] = []
        for item in self._reader.follow(self._at, until=stop):
            if isinstance(item, BadFrame) and item.temporary:
                self.incidents.apply(found)
                raise Unavailable("incidents", item.reason)
            entry = self._entry(item)
            if entry is not None:
                found.append(entry)
            self._at = self._reader.after(item)
        self._at = max(self._at, stop) if stop is not None else self._at
        self.incidents.apply(found)
        return found

    def _entry(self, item: Frame | BadFrame) -> AnyEntry | None:
        if isinstance(item, BadFrame):
            self._lose(item.sequence, item.reason)
            return None
        if item.kind != Kind.INCIDENT:
            return None
        try:
            return decode_entry(item.body)
        except msgspec.DecodeError as error:
            self._lose(item.sequence, str(error))
            return None

    def _lose(self, sequence: int | None, reason: str) -> None:
        self.lost += 1
        self._world.journal.emit(INCIDENT_ENTRY_LOST, sequence=sequence, reason=reason)


class IncidentLedger:
    """Its one writer, with what it says so far."""

    def __init__(self, ledger: LedgerWriter, reader: IncidentReader) -> None:
        self._ledger = ledger
        self._reader = reader
        self._acknowledged = ledger.recovered.acknowledged or 0

    @classmethod
    async def open(cls, world: World, folder: str) -> IncidentLedger:
        """Raises ``Unavailable``: somebody else writes it, or the disk fails."""
        ledger = await LedgerWriter.open(world, folder, INCIDENTS)
        reader = IncidentReader(world, folder)
        try:
            reader.catch_up(ledger.durable)
        except BaseException:
            await ledger.close()
            raise
        return cls(ledger, reader)

    @property
    def incidents(self) -> Incidents:
        return self._reader.incidents

    @property
    def durable(self) -> Position:
        return self._ledger.durable

    async def write(self, entries: Sequence[AnyEntry]) -> None:
        """Durable, then in effect (INC-3). Raises ``Unavailable``: then none of it is."""
        if entries:
            await self.append(entries)
            self._reader.catch_up(self._ledger.durable)

    async def append(self, entries: Sequence[AnyEntry]) -> None:
        """Durable, for who has it in effect already. Raises ``Unavailable``: then none of it is written."""
        frames = [NewFrame(Kind.INCIDENT, encode_entry(entry)) for entry in entries]
        written = await self._ledger.append(frames, self._acknowledged)
        self._acknowledged = max(self._acknowledged, written[-1].sequence)
        self._ledger.mark(self._acknowledged)

    async def close(self) -> None:
        await self._ledger.close()
