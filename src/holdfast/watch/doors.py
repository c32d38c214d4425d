"""One door, tried as its clients use it, and what that says of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from holdfast.model.findings import Finding, State
from holdfast.model.limits import DOOR_S, DOOR_SILENT_S, OWN_LAG_S
from holdfast.watch.clients import Target
from holdfast.watch.health import Check, check
from holdfast.world import World

_STATES: Mapping[str, State] = {"healthy": "works", "degraded": "degraded", "unhealthy": "fails"}


async def try_door(world: World, target: Target) -> list[tuple[Check, float]]:
    """What it showed, and when (UTC). One that is silent for a moment is tried once more beside, so that two
    tries are known to fail as soon as one could."""
    first = asyncio.ensure_future(_timed(world, target))
    done, _ = await asyncio.wait([first], timeout=DOOR_SILENT_S)
    if done:
        return [first.result()]
    second = asyncio.ensure_future(_timed(world, target))
    return [await first, await second]


async def _timed(world: World, target: Target) -> tuple[Check, float]:
    found = await check(world, target, DOOR_S)
    return found, world.clock.now()


def finding_of(trial: str, function: str, found: Check, at: float, cell: int | None, vantage: str) -> Finding:
    """WATCH-8 what this process was too late for is unknown; so is what an account lacks (CANARY-2)."""
    state: State = _STATES.get(found.state, "unknown")
    own = (
        found.step in ("sign-in", "RCPT")
        and state == "degraded"
        and (cell is not None or trial.startswith("mx/"))
    )
    if own or (state == "fails" and found.seconds > DOOR_S + OWN_LAG_S):
        state = "unknown"
    return Finding(trial, function, state, found.step, found.cause, at, found.seconds, cell, vantage)
