"""What the frames of mail hold, and what is known of a delivery whose frame can't be read any more.

A MERGED frame repeats where each delivery goes: another file and another place of the disk. So a delivery
that is damaged later, on every copy, keeps its place in every mailbox it is in (STORE-4).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from holdfast.model.envelope import Delivery, LocalRecipient
from holdfast.model.ledgers import Kind
from holdfast.model.mail import Position
from holdfast.packs import BadFrame, Frame
from holdfast.store import commands as c


class Placed(msgspec.Struct, frozen=True, array_like=True):
    """One DELIVERY for somebody here. ``frame``: bytes of the whole frame; ``head``: where in its body the
    message begins; ``size``: the message's bytes; ``local``: as in ``Delivery``, without addresses."""

    sequence: int
    pack: int
    offset: int
    frame: int
    head: int
    size: int
    received_at: float
    local: tuple[LocalRecipient, ...]

    def concerns(self, cell: int | None) -> bool:
        return cell is None or any(recipient.cell == cell for recipient in self.local)


class Lost(NamedTuple):
    """In the place of a delivery that can't be read: what its MERGED frame says of it."""

    placed: Placed
    cells: tuple[int, ...]


class Merged(msgspec.Struct, frozen=True, array_like=True):
    """Body of a MERGED frame: frames of ``ledger`` from ``begin`` up to ``end`` come here in the order.

    ``placed``: its deliveries, as they could be read then.
    """

    ledger: str
    begin: Position
    end: Position
    at: float
    placed: tuple[Placed, ...] | None = None  # None: written before there were any


class CommandMeta(msgspec.Struct, frozen=True, array_like=True):
    """Body of a COMMAND frame, before an Append's message: when, and what."""

    at: float
    command: c.AnyCommand


class MessageMeta(msgspec.Struct, frozen=True, array_like=True):
    """Body of a MESSAGE frame, before the message. ``received_at``: its INTERNALDATE, UTC seconds."""

    received_at: float


decode_merged = msgspec.msgpack.Decoder(Merged).decode
decode_command = msgspec.msgpack.Decoder(CommandMeta).decode
decode_message = msgspec.msgpack.Decoder(MessageMeta).decode
decode_delivery = msgspec.msgpack.Decoder(Delivery).decode
encode = msgspec.msgpack.Encoder().encode


class Item(NamedTuple):
    """One frame in its place of the order: of the mail ledger itself or of a merged range."""

    ledger: int
    frame: Frame | BadFrame | Lost


def split_body(body: bytes | memoryview) -> tuple[memoryview, int]:
    """A body of meta and message: the meta, and where the message begins."""
    view = memoryview(body)
    length = int.from_bytes(view[:4], "little")
    return view[4 : 4 + length], 4 + length


def place(frame: Frame | BadFrame | Lost) -> Placed | None:
    """What a MERGED frame says of an intake's frame; ``None``: nothing of it goes into a mailbox here."""
    if not isinstance(frame, Frame) or frame.kind != Kind.DELIVERY:
        return None
    packed, head = split_body(frame.body)
    meta = decode_delivery(packed)
    if not meta.local:
        return None
    local = tuple(LocalRecipient(r.account, r.cell, "", r.detail) for r in meta.local)
    return Placed(frame.sequence, *frame.ref, head, len(frame.body) - head, meta.received_at, local)


def whole(frames: Iterable[Frame | BadFrame], placed: Iterable[Placed]) -> Iterator[Frame | BadFrame | Lost]:
    """The frames of a merged range, in order; where one of ``placed`` is missing or damaged: ``Lost``."""
    awaited = deque(placed)
    known = {each.sequence for each in awaited}
    for frame in frames:
        if frame.sequence is None or (isinstance(frame, BadFrame) and frame.sequence in known):
            continue
        while awaited and awaited[0].sequence < frame.sequence:
            yield _lost(awaited.popleft())
        if awaited and awaited[0].sequence == frame.sequence:
            awaited.popleft()
        yield frame
    for each in awaited:
        yield _lost(each)


def _lost(placed: Placed) -> Lost:
    return Lost(placed, tuple(sorted({recipient.cell for recipient in placed.local})))
