"""The ledger of incidents has one writer; who else has something to say asks it here.

INC-9 what is told from outside is durable when that is answered, and telling it twice is as once: what has a
number within its incident counts by that, all else by what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

import msgspec

from holdfast.model.errors import Reason, Refused
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incident, Incidents
from holdfast.world import World
from holdfast.world.link import Link, LinkPeer

COMPONENT = "watch"
ANSWER_S = 10.0

# What others may say. What fails, why, and when it is over is for the watch alone.
OUTSIDE = (
    *(r.Affected, r.Estimated, r.Noticed, r.Reached, r.Promised, r.Kept, r.Credited),
    *(r.Remedied, r.Reported, r.Filed, r.Planned, r.Done, r.Note),
)


class Tell(msgspec.Struct, frozen=True, array_like=True, tag="tell"):
    entries: list[r.AnyEntry]


class Look(msgspec.Struct, frozen=True, array_like=True, tag="look"):
    """These functions are to be tried at once: somebody says that they don't work."""

    functions: list[str]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Tell | Look).decode

Choose = Callable[[Incidents], list[r.AnyEntry]]


class Record(Protocol):
    async def write(self, choose: Choose) -> None:
        """What is chosen from how it stands, with nobody writing in between: durable when this returns.
        Raises ``Unavailable``: then none of it is said."""


class IncidentDoor:
    """The writer's end. ``look``: what is done where functions are to be tried at once."""

    def __init__(self, record: Record, look: Callable[[Collection[str]], object]) -> None:
        self._record = record
        self._look = look

    def session(self) -> LinkPeer:
        """One connection's session: the factory to listen with."""
        return LinkPeer(self._handle)

    async def _handle(self, peer: LinkPeer, payload: bytes) -> bytes:
        request = _decode(payload)
        if isinstance(request, Look):
            self._look(request.functions)
        else:
            await self._record.write(lambda incidents: news(incidents, request.entries))
        return b""


async def tell(world: World, path: str, entries: Sequence[r.AnyEntry]) -> None:
    """``path``: the socket of the role ``watch``. Raises ``Unavailable``: tell it again, it does no harm;
    ``Refused``: it will never be taken."""
    await _ask(world, path, Tell(list(entries)))


async def ask_to_look(world: World, path: str, functions: Collection[str]) -> None:
    """Raises ``Unavailable``."""
    await _ask(world, path, Look(list(functions)))


async def _ask(world: World, path: str, request: Tell | Look) -> None:
    link = Link(world, path, COMPONENT)
    try:
        await link.ask(_encode(request), ANSWER_S)
    finally:
        link.close()


def news(incidents: Incidents, entries: Sequence[r.AnyEntry]) -> list[r.AnyEntry]:
    """What of it isn't said yet. Raises ``Refused``."""
    found: list[r.AnyEntry] = []
    for entry in entries:
        incident = incidents.get(entry.incident)
        if incident is None:
            raise Refused(Reason.BAD_SYNTAX, f"there is no incident {entry.incident}")
        if not isinstance(entry, OUTSIDE):
            raise Refused(Reason.NOT_ALLOWED, f"`{r.name_of(entry)}` is for the watch to say")
        said = _is_said(incident, entry) or entry in found
        if not said:
            found.append(_numbered(incident, entry, found))
    return found


def _numbered(incident: Incident, entry: r.AnyEntry, others: list[r.AnyEntry]) -> r.AnyEntry:
    """Promises, and actions without a number, get theirs here, so that none is given twice."""
    same = [each for each in others if each.incident == entry.incident]
    if isinstance(entry, r.Promised):
        taken = (*incident.promises, *(each.promise for each in same if isinstance(each, r.Promised)))
        return msgspec.structs.replace(entry, promise=max(taken, default=0) + 1)
    if isinstance(entry, r.Planned) and not entry.action:
        planned = (*incident.actions, *(each.action for each in same if isinstance(each, r.Planned)))
        return msgspec.structs.replace(entry, action=max(planned, default=0) + 1)
    return entry


def _is_said(incident: Incident, entry: r.AnyEntry) -> bool:
    match entry:
        case r.Estimated():
            return entry.estimate in incident.estimates
        case r.Noticed():
            return entry.notice in incident.notices
        case r.Planned() if not entry.action:
            return any(
                isinstance(each, r.Planned) and (each.at, each.text) == (entry.at, entry.text)
                for each in incident.timeline
            )
        case r.Planned():
            return entry.action in incident.actions
        case r.Done():
            action = incident.actions.get(entry.action)
            return action is None or bool(action.done_at)
        case r.Promised():
            return any(
                each.what == entry.what and not each.settled and each.about == entry.about
                for each in incident.promises.values()
            )
        case r.Kept():
            promise = incident.promises.get(entry.promise)
            return promise is None or bool(promise.settled)
        case r.Reported():
            told = incident.reported
            return told is not None and (told.counts, told.first_at) == (entry.counts, entry.first_at)
        case r.Filed():
            return entry.report in incident.filed
        case r.Affected():
            last = incident.affected
            return last is not None and _without_time(last) == _without_time(entry)
        case r.Credited():
            known = incident.credited.get(entry.policy)
            return known is not None and _without_time(known) == _without_time(entry)
        case _:
            return entry in incident.timeline


def _without_time(entry: r.AnyEntry) -> r.AnyEntry:
    return msgspec.structs.replace(entry, at=0.0)
