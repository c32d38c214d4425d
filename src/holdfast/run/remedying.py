"""Remedies carried out: through the supervisor's control socket, the relay's and that of auth
(``watch.remedies`` decides).

The role ``watch`` calls ``Remedies.round`` after each look; an operator's confirmation takes the same way.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import Any, Literal

from holdfast.directory.auth import AuthClient
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.limits import REMEDY_ANSWER_S, SHED_LEASE_S, SHED_RENEW_S
from holdfast.run import control, doors, layout
from holdfast.run.child import process_name
from holdfast.run.config import Config
from holdfast.run.roles import plan
from holdfast.watch.incidents.incidents import Incidents
from holdfast.watch.incidents.lifecycle import Seen
from holdfast.watch.incidents.record import Remedied
from holdfast.watch.remedies import (
    SIGN_INS,
    SUPERVISOR,
    Allowed,
    Remedy,
    Rolling,
    Touched,
    due,
    in_force,
    leases,
)
from holdfast.world import World

_COURSES: dict[str, Literal["first", "second", "hold"]] = {
    "reroute": "second",
    "hold": "hold",
    "resume": "first",
}
# Of what the supervisor answers about a rolling restart.
_BECAME = {
    "back": "back to the configuration before",
    "out": "out of service",
    "left": "not reached",
    "in": "in service again",
}
_KEPT = 100  # of what was carried out here; more is in the ledger


def allowed(config: Config) -> Allowed:
    said = config.remedies
    return Allowed(
        said.mode,
        frozenset(said.rules),
        said.probability,
        said.stands_s,
        said.per_hour,
        tuple(process_name(role, worker) for role, worker, _ in plan(config)),
        bool(config.relay.second),
    )


class Remedies:
    """What the role ``watch`` asks each round."""

    def __init__(self, world: World, config: Config) -> None:
        self._world = world
        self._config = config
        self._allowed = allowed(config)
        self._touched: deque[Touched] = deque(maxlen=_KEPT)
        self._renew_at = float("-inf")
        self._rests_at = 0  # entries of all incidents when nothing was left in force

    async def round(self, seen: Seen) -> list[Remedied]:
        """What was done, or would be: to be written down. Raises nothing, and takes a few seconds at most."""
        if self._allowed.mode == "off" or self._rests(seen.incidents):
            return []
        await self._renew(seen)
        return [await self._one(each, seen.now) for each in self.due(seen, await self._rolling())]

    def _rests(self, incidents: Incidents) -> bool:
        """Whether there is nothing to be done, and won't be before an incident changes."""
        if incidents.open():
            return False
        entries = sum(len(each.timeline) for each in incidents)
        if entries != self._rests_at and not in_force(incidents):
            self._rests_at = entries
        return entries == self._rests_at

    def due(self, seen: Seen, rolling: Rolling | None = None) -> list[Remedy]:
        return due(seen, self._allowed, self._touched, rolling)

    async def _one(self, remedy: Remedy, now: float) -> Remedied:
        if not remedy.carried_out:
            return _remedied(remedy, now, "would", remedy.why)
        # counted before it is begun (REMEDY-3)
        self._touched.append(Touched(now, remedy.incident, remedy.component, remedy.action))
        return await carry_out(self._world, self._config, remedy, now)

    async def _renew(self, seen: Seen) -> None:
        """REMEDY-6. Who can't be told now is told the next time."""
        now = self._world.clock.monotonic()
        if now < self._renew_at or not leases(seen, self._allowed):
            return
        self._renew_at = now + SHED_RENEW_S
        with contextlib.suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(REMEDY_ANSWER_S):
                await _shed(self._world, self._config, SHED_LEASE_S)

    async def _rolling(self) -> Rolling | None:
        """The last rolling restart; None also where that can't be said."""
        try:
            status = await _supervisor(self._world, self._config, {"do": "status"})
        except Unavailable:
            return None
        if not status.get("renewed"):
            return None
        return Rolling(status["renewed_since"], tuple(status["renewed"]), not status["rolling_since"])


async def carry_out(world: World, config: Config, remedy: Remedy, now: float) -> Remedied:
    """At once, whatever the limits; the supervisor and the relay still refuse what is never safe."""
    try:
        async with asyncio.timeout(REMEDY_ANSWER_S):
            if remedy.action == "restart":
                name = remedy.component.partition("/")[2]
                return _said(
                    remedy, now, await _supervisor(world, config, {"do": "restart", "process": name})
                )
            if remedy.component == SUPERVISOR:
                return _said(remedy, now, await _supervisor(world, config, {"do": remedy.action}))
            if remedy.component == SIGN_INS:
                await _shed(world, config, SHED_LEASE_S if remedy.action == "shed" else 0.0)
                return _remedied(remedy, now, "done", remedy.why)
            return await _steer(world, config, remedy, now)
    except (Unavailable, TimeoutError) as error:
        return _remedied(remedy, now, "failed", str(error) or "no answer")


async def _supervisor(world: World, config: Config, request: dict[str, Any]) -> dict[str, Any]:
    return await world.offload(control.ask, config.control_socket, request, REMEDY_ANSWER_S)


async def _shed(world: World, config: Config, for_s: float) -> None:
    """SIGN-4: at the process that checks all passwords; 0 takes it back. Raises ``Unavailable``."""
    with contextlib.closing(AuthClient(world, layout.socket_path(config, "auth"))) as auth:
        await auth.shed(for_s)


async def _steer(world: World, config: Config, remedy: Remedy, now: float) -> Remedied:
    course = _COURSES.get(remedy.action)
    if course is None:
        return _remedied(remedy, now, "refused", f"nobody knows how to {remedy.action}")
    try:
        async with doors.queue(world, config) as relay:
            await relay.steer(course)
    except Refused as refused:
        return _remedied(remedy, now, "refused", refused.text)
    return _remedied(remedy, now, "done", remedy.why)


def _said(remedy: Remedy, now: float, answer: dict[str, Any]) -> Remedied:
    if why := answer.get("refused") or answer.get("error"):
        return _remedied(remedy, now, "refused", str(why))
    became = [f"{how}: {', '.join(answer[key])}" for key, how in _BECAME.items() if answer.get(key)]
    return _remedied(remedy, now, "done", "; ".join(each for each in (remedy.why, *became) if each))


def _remedied(
    remedy: Remedy, now: float, outcome: Literal["done", "failed", "refused", "would"], said: str = ""
) -> Remedied:
    return Remedied(
        at=now,
        incident=remedy.incident,
        rule=remedy.rule,
        component=remedy.component,
        action=remedy.action,
        outcome=outcome,
        said=said,
    )
