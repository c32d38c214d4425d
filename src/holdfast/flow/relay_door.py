"""The relay's socket: intakes announce what they took, commands ask for the queue and change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from holdfast.flow.queue import Entry, EntryId, Fate
from holdfast.model.mail import Position
from holdfast.world import World
from holdfast.world.link import Link, LinkPeer

if TYPE_CHECKING:  # who only announces needs nothing of how mail is relayed
    from holdfast.flow.relay import Relay


class Announce(msgspec.Struct, frozen=True, array_like=True, tag="announce"):
    ledger: str
    durable: Position


class List(msgspec.Struct, frozen=True, array_like=True, tag="list"):
    """Answered with ``list[Entry]``."""


class Retry(msgspec.Struct, frozen=True, array_like=True, tag="retry"):
    """All for no ids; answered with how many recipients it concerns."""

    ids: list[EntryId]


class Remove(msgspec.Struct, frozen=True, array_like=True, tag="remove"):
    """All for no ids; answered with how many recipients it concerns."""

    ids: list[EntryId]
    bounce: bool


class Look(msgspec.Struct, frozen=True, array_like=True, tag="look"):
    """What became of these recipients of one message; answered with ``dict[str, Fate]``."""

    id: EntryId
    addresses: list[str]


class Resend(msgspec.Struct, frozen=True, array_like=True, tag="resend"):
    """What was sent within that time (UTC seconds) once more; answered with ``list[Entry]``."""

    since: float
    until: float
    only_look: bool = False


class Steer(msgspec.Struct, frozen=True, array_like=True, tag="steer"):
    """By the first or the second way out, or ``hold``."""

    course: Literal["first", "second", "hold"]


_decode = msgspec.msgpack.Decoder(Announce | List | Retry | Remove | Look | Steer | Resend).decode
_encode = msgspec.msgpack.Encoder().encode


class RelayService:
    """The relay's end."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def session(self) -> LinkPeer:
        """One connection's session: the factory to listen with."""
        return LinkPeer(self._handle, lambda peer: None)

    async def _handle(self, peer: LinkPeer, payload: bytes) -> bytes:
        request = _decode(payload)
        answer: Any = None
        if isinstance(request, Announce):
            self._relay.announce(request.ledger, request.durable)
        elif isinstance(request, List):
            answer = self._relay.entries
        elif isinstance(request, Look):
            answer = self._relay.fates(request.id, request.addresses)
        elif isinstance(request, Retry):
            answer = await self._relay.retry(request.ids)
        elif isinstance(request, Resend):
            answer = await self._relay.resend(request.since, request.until, only_look=request.only_look)
        elif isinstance(request, Steer):
            await self._relay.steer(request.course)
        else:
            answer = await self._relay.remove(request.ids, bounce=request.bounce)
        return _encode(answer)


class RelayClient:
    """The other end. What was announced while the relay was gone is announced again when it is back."""

    def __init__(self, world: World, socket_path: str) -> None:
        self._link = Link(world, socket_path, "relay")

    def start(self) -> None:
        self._link.start()

    @property
    def connected(self) -> bool:
        return self._link.connected

    def announce(self, ledger: str, durable: Position) -> None:
        self._link.keep_saying(ledger, _encode(Announce(ledger, durable)))

    async def entries(self) -> list[Entry]:
        """Raises ``Unavailable("relay")``, as do the others."""
        return msgspec.msgpack.decode(await self._link.call(_encode(List())), type=list[Entry])

    async def fates(self, entry: EntryId, addresses: list[str]) -> dict[str, Fate]:
        answer = await self._link.call(_encode(Look(entry, addresses)))
        return msgspec.msgpack.decode(answer, type=dict[str, Fate])

    async def retry(self, ids: list[EntryId]) -> int:
        return msgspec.msgpack.decode(await self._link.call(_encode(Retry(ids))), type=int)

    async def remove(self, ids: list[EntryId], bounce: bool) -> int:
        return msgspec.msgpack.decode(await self._link.call(_encode(Remove(ids, bounce))), type=int)

    async def resend(self, since: float, until: float, *, only_look: bool = False) -> list[Entry]:
        answer = await self._link.call(_encode(Resend(since, until, only_look)))
        return msgspec.msgpack.decode(answer, type=list[Entry])

    async def steer(self, course: Literal["first", "second", "hold"]) -> None:
        """Raises ``Refused`` as well."""
        await self._link.call(_encode(Steer(course)))

    def close(self) -> None:
        self._link.close()
