"""Whether each function works, in four words: healthy, degraded, unhealthy, unknown.

Apache James has the first three. The fourth is for what could not be tried; it is never taken for
healthy (WATCH-5).
"""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from holdfast.watch.clients import NOT_UNDERSTOOD, Fault, Steps, Target
from holdfast.watch.probes import try_door
from holdfast.world import World

PROBE_S = 5.0  # one door
_OURS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL)
KEPT_S = 5.0  # an answer is given again for so long


class Check(msgspec.Struct, frozen=True):
    """One door. ``passed``: the steps that went well; ``step``, ``cause``: of the one that didn't."""

    door: str
    state: str
    passed: list[str]
    step: str = ""
    cause: str = ""
    seconds: float = 0.0


class Verdict(msgspec.Struct, frozen=True):
    """``component``, ``cause``: of the worst check; '' when healthy. ``at``: UTC seconds."""

    function: str
    state: str
    component: str
    cause: str
    at: float
    checks: list[Check]

    @property
    def serves(self) -> bool:
        return self.state in ("healthy", "degraded")


Inside = Callable[[], Awaitable[Check]]


class Health:
    """``targets``: the doors of each function; ``inside``: for functions without any, how they are asked."""

    def __init__(
        self, world: World, targets: Mapping[str, Sequence[Target]], inside: Mapping[str, Inside]
    ) -> None:
        self._world = world
        self._targets = targets
        self._inside = inside
        self._kept: dict[str, tuple[float, Verdict]] = {}
        self._under_way: dict[str, asyncio.Task[Verdict]] = {}

    @property
    def functions(self) -> list[str]:
        return [*self._targets, *self._inside]

    async def verdicts(self) -> list[Verdict]:
        return list(await asyncio.gather(*(self.verdict(each) for each in self.functions)))

    async def verdict(self, function: str) -> Verdict:
        """Tried now, or not longer than KEPT_S ago. Each function is tried by itself (WATCH-6)."""
        kept = self._kept.get(function)
        if kept is not None and self._world.clock.monotonic() - kept[0] < KEPT_S:
            return kept[1]
        task = self._under_way.get(function)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._try(function))
            self._under_way[function] = task
            task.add_done_callback(lambda _: self._under_way.pop(function, None))
        return await asyncio.shield(task)

    async def _try(self, function: str) -> Verdict:
        inside = self._inside.get(function)
        if inside is not None:
            checks = [await self._look(inside)]
        else:
            checks = list(
                await asyncio.gather(*(check(self._world, each) for each in self._targets[function]))
            )
        verdict = conclude(function, checks, self._world.clock.now())
        self._kept[function] = self._world.clock.monotonic(), verdict
        return verdict

    async def _look(self, inside: Inside) -> Check:
        try:
            async with asyncio.timeout(PROBE_S):
                return await inside()
        except Exception as error:
            return Check("", "unknown", [], "ask", f"{type(error).__name__}: {error}")


async def check(world: World, target: Target, patience_s: float = PROBE_S) -> Check:
    steps, begun = Steps(), world.clock.monotonic()
    state, step, cause = "healthy", "", ""
    try:
        async with asyncio.timeout(patience_s):
            await try_door(world, target, steps)
    except Fault as fault:
        state, step, cause = "degraded" if fault.partly else "unhealthy", fault.step, fault.cause
    except TimeoutError:
        state, step, cause = "unhealthy", steps.doing, f"no answer within {patience_s:g} s"
    except NOT_UNDERSTOOD as error:
        state, step, cause = "unhealthy", steps.doing, f"not understood: {error!r}"[:300]
    except Exception as error:
        refused = error.__cause__
        if isinstance(refused, ssl.SSLCertVerificationError):
            text, seconds = refused.verify_message, world.clock.monotonic() - begun
            return Check(target.door, "unhealthy", steps.done, "certificate", text, seconds)
        # What this process lacks to try with says nothing about the function (WATCH-5).
        ours = not isinstance(error, OSError) or error.errno in _OURS
        state, step = "unknown" if ours else "unhealthy", steps.doing
        cause = f"{type(error).__name__}: {error}"[:300]
    return Check(target.door, state, steps.done, step, cause, world.clock.monotonic() - begun)


def conclude(function: str, checks: Sequence[Check], at: float) -> Verdict:
    """Healthy when all doors are; degraded when some serve; unknown when nothing was found out."""
    states = {each.state for each in checks}
    if states == {"healthy"}:
        return Verdict(function, "healthy", "", "", at, list(checks))
    if states <= {"unknown"}:
        state = "unknown"
    elif states & {"healthy", "degraded"}:
        state = "degraded"
    else:
        state = "unhealthy"
    worst = max(checks, key=lambda each: _RANK[each.state], default=None)
    if worst is None:
        return Verdict(function, state, function, "it has no door", at, [])
    component = f"{function}/{worst.door}" if worst.door else function
    return Verdict(function, state, component, f"{worst.step}: {worst.cause}", at, list(checks))


_RANK = {"healthy": 0, "unknown": 1, "degraded": 2, "unhealthy": 3}
