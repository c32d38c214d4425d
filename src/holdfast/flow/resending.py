"""What another server took and may have dropped: found again, to be sent once more (QUEUE-5)."""

from __future__ import annotations

from collections import defaultdict

import msgspec

from holdfast.flow.queue import Entry, EntryId, Record, Settled, Taken, entry_of
from holdfast.model.ledgers import ELSEWHERE, QUEUE, Kind
from holdfast.model.mail import START, Position
from holdfast.packs import Frame, LedgerReader
from holdfast.world import World

_record = msgspec.msgpack.Decoder(Record).decode


def sent_between(world: World, folder: str, durable: Position, since: float, until: float) -> list[Entry]:
    """Messages with those recipients whom another server took from ``since`` to ``until`` (UTC seconds).

    ``folder``: of the volume; ``durable``: of the queue's ledger. Reports of ours are left out: who gets one
    knows already. Reads files for as long as that takes: not for the loop.
    """
    sent: dict[EntryId, set[str]] = defaultdict(set)
    taken: dict[str, list[Taken]] = defaultdict(list)
    for frame in LedgerReader(world, folder, QUEUE).follow(START, until=durable):
        if not isinstance(frame, Frame) or frame.kind != Kind.QUEUE:
            continue
        record = _record(bytes(frame.body))
        if isinstance(record, Taken):
            taken[record.ledger].append(record)
        elif isinstance(record, Settled) and record.what == "sent" and since <= record.at <= until:
            sent[record.entry].update(record.addresses)
    ledgers = {each.rpartition(":")[0] for each in sent}
    found = [entry for ledger in sorted(ledgers) for entry in _entries(world, folder, ledger, taken[ledger])]
    for entry in found:
        entry.recipients = {
            address: each for address, each in entry.recipients.items() if address in sent[entry.id]
        }
    return [entry for entry in found if entry.sender and entry.recipients]


def _entries(world: World, folder: str, ledger: str, ranges: list[Taken]) -> list[Entry]:
    """All that ever went to elsewhere from there."""
    reader = LedgerReader(world, folder, ledger)
    return [
        entry_of(ledger, frame)
        for each in ranges
        for frame in reader.follow(each.begin, until=each.end, cell=ELSEWHERE)
        if isinstance(frame, Frame) and frame.kind == Kind.DELIVERY
    ]
