"""A vantage point: tries the public doors again and again, and tells who has the key what it saw.

VANTAGE-2 it needs nothing of the installation but its public names, and whoever has its key can do nothing
but read what it saw.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from holdfast.model.errors import Unavailable
from holdfast.model.findings import BAD, Finding
from holdfast.model.limits import DOOR_S, SURE_S, VANTAGE_EVERY_S, VANTAGE_KEPT
from holdfast.watch.clients import Fault, Target
from holdfast.watch.doors import finding_of, try_door
from holdfast.watch.health import Check
from holdfast.watch.vantage import page
from holdfast.watch.vantage.names import STEP, Names
from holdfast.world import World

_LIFE_LETTERS = 16


class Place(NamedTuple):
    """A door. ``target``: how it is tried; where it is, is looked up each time. ``domain``: whose mail it
    takes, '' where that is nobody's."""

    target: Target
    port: int
    domain: str = ""


class _Kept(NamedTuple):
    number: int
    at: float  # of the monotonic clock
    finding: Finding


class Lookout:
    """``name``: its own. ``doors``: as the dependency map names their trials, ``imap/imaps``."""

    def __init__(self, world: World, name: str, doors: Mapping[str, Place], names: Names) -> None:
        self._world = world
        self._name = name
        self._doors = doors
        self._names = names
        self._life = world.entropy.token(_LIFE_LETTERS)
        self._number = 0
        self._kept: dict[str, deque[_Kept]] = {door: deque(maxlen=VANTAGE_KEPT) for door in doors}

    async def run(self) -> None:
        """Until it is cancelled. Each door by itself: none waits for another."""
        async with asyncio.TaskGroup() as group:
            for door in self._doors:
                group.create_task(self._watch(door))

    def page(self) -> page.Page:
        now = self._world.clock.monotonic()
        tried = [
            page.Tried(
                number=each.number,
                door=door,
                state=each.finding.state,
                step=each.finding.step,
                said=page.text(each.finding.said),
                age_s=max(now - each.at, 0.0),
                took_s=max(each.finding.took_s, 0.0),
            )
            for door, kept in self._kept.items()
            for each in kept
        ]
        return page.Page(vantage=self._name, life=self._life, tried=tried)

    async def _watch(self, door: str) -> None:
        clock = self._world.clock
        await clock.sleep(self._world.entropy.uniform(0.0, VANTAGE_EVERY_S))  # not all in step
        while True:
            began = clock.monotonic()
            failing = False
            for found, at in await self._try(self._doors[door]):
                finding = finding_of(door, "", found, at, None, self._name)
                failing = finding.state in BAD
                self._number += 1
                ended = clock.monotonic() - (clock.now() - at)
                self._kept[door].append(_Kept(self._number, ended, finding))
            every_s = SURE_S if failing else VANTAGE_EVERY_S
            await clock.sleep(max(every_s - (clock.monotonic() - began), 0.1))

    async def _try(self, place: Place) -> list[tuple[Check, float]]:
        clock, target = self._world.clock, place.target
        began = clock.monotonic()
        state, cause = "unknown", ""
        try:
            async with asyncio.timeout(DOOR_S):
                address = await self._names.address(target.host, place.domain)
            return await try_door(self._world, target._replace(address=(address, place.port)))
        except Fault as fault:
            state, cause = "unhealthy", fault.cause
        except (Unavailable, TimeoutError) as error:
            cause = str(error) or f"no resolver answered within {DOOR_S:g} s"
        return [(Check(target.door, state, [], STEP, cause, clock.monotonic() - began), clock.now())]
