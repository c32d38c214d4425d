"""What can be done to people: one method each, the same in the people process and from any other."""

from __future__ import annotations

from typing import TypeVar, Unpack

import msgspec

from holdfast.directory import requests as q
from holdfast.directory.ask_accounts import AccountOperations
from holdfast.directory.ask_domains import DomainOperations
from holdfast.directory.ask_rights import RightsOperations
from holdfast.directory.asking import Said
from holdfast.model.people import Counts

T = TypeVar("T")


class Operations(DomainOperations, AccountOperations, RightsOperations):
    """All raise ``Refused`` with a text that says what to do, and ``Unavailable("people")``.

    A change is durable when its method returns, and told to every process that follows.
    After ``Unavailable`` it may or may not have happened; asking again under the same ``once`` (PEOPLE-12),
    or for the same state, does no harm.
    """

    def acting(self, by: str) -> Operations:
        """The same, with ``by`` in all it asks that names nobody else."""
        return _Acting(self, by)

    async def announce(self, count: int, reason: str, **said: Unpack[Said]) -> int:
        """PEOPLE-4: ``count`` accounts left or will within the hour. Returns how many are unexplained."""
        return await self.ask(q.Announce(count=count, reason=reason, **said), int)

    async def accept_holes(self, reason: str, **said: Unpack[Said]) -> int:
        """PEOPLE-5: unreadable frames are given up. Returns how many."""
        return await self.ask(q.AcceptHoles(reason=reason, **said), int)

    async def counts(self) -> Counts:
        return await self.ask(q.CountAll(), Counts)


class _Acting(Operations):
    def __init__(self, people: Operations, by: str) -> None:
        self._people = people
        self._by = by

    async def ask(self, request: q.AnyRequest, answer: type[T]) -> T:
        if not request.by:
            request = msgspec.structs.replace(request, by=self._by)
        return await self._people.ask(request, answer)
