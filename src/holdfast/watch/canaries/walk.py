"""One trial on its way: its steps with their times, and what it comes to (CANARY-1, CANARY-2)."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from holdfast.model.errors import Refused, Unavailable
from holdfast.model.findings import Finding, State
from holdfast.model.limits import CANARY_S, CANARY_STEP_S
from holdfast.watch.canaries.words import COURSES, Account, Result, Taken, Unsure
from holdfast.watch.clients import NOT_UNDERSTOOD, Fault, Steps, Turned
from holdfast.world import World

# What this process lacks to try with says nothing about the function.
OURS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL)

# Whether any door lets the account in: None when none could be asked.
Stands = Callable[[Account], Awaitable[bool | None]]


class Walk(Steps):
    """``account``: whose it is at present, for a second opinion on a refusal."""

    def __init__(self, world: World, first: str) -> None:
        super().__init__()
        self.doing = first
        self.account: Account | None = None
        self.passed: list[Taken] = []
        self.notes: list[str] = []
        self._clock = world.clock
        self._since = self._clock.monotonic()
        self._until = self._since + CANARY_S
        self._alarm: asyncio.Timeout | None = None

    def begin(self, step: str, least_s: float = 0.0) -> None:
        """``least_s``: what the step may take at least, beyond the common measure."""
        now = self._clock.monotonic()
        self.passed.append(Taken(self.doing, now - self._since))
        super().begin(step)
        self._since = now
        self.may_take(max(CANARY_STEP_S, least_s))

    def may_take(self, step_s: float) -> None:
        """From now on, and a while longer than all together when it is longer than a common step."""
        now = self._clock.monotonic()
        if step_s > CANARY_STEP_S:
            self._until = max(self._until, now + step_s)
        if self._alarm is not None:
            left = max(min(step_s, self._until - now), 0.0)
            self._alarm.reschedule(asyncio.get_running_loop().time() + left)

    async def go(self, work: Callable[[Walk], Awaitable[None]]) -> None:
        """Raises ``TimeoutError`` when a step takes longer than it may, and whatever the work does."""
        async with asyncio.timeout(CANARY_STEP_S) as self._alarm:
            await work(self)
        self._alarm = None
        self.begin("")


async def attempt(
    world: World,
    trial: str,
    work: Callable[[Walk], Awaitable[None]],
    stands: Stands,
    *,
    cell: int | None = None,
    vantage: str = "",
) -> Result:
    """Raises nothing: whatever happens is a finding. ``cell``: where its mail lies."""
    walk, began = Walk(world, COURSES[trial].steps[0]), world.clock.monotonic()
    said = _Said("works", "")
    step = ""
    try:
        await walk.go(work)
    except Exception as error:
        step = error.step if isinstance(error, Fault) else walk.doing
        said = await _judged(error, walk, stands)
    function, at = COURSES[trial].function, world.clock.now()
    took = world.clock.monotonic() - began
    finding = Finding(trial, function, said.state, step, said.text[:300], at, took, cell, vantage)
    return Result(finding, tuple(walk.passed), tuple(walk.notes), said.ours)


class _Said(NamedTuple):
    """``ours``: the canary's own account is at fault."""

    state: State
    text: str
    ours: bool = False


async def _judged(error: Exception, walk: Walk, stands: Stands) -> _Said:
    match error:
        case Unsure():
            return _Said("unknown", str(error))
        case Fault():
            return _Said("degraded" if error.partly else "fails", error.cause)
        case Turned(full=True):
            return _Said("unknown", f"the canary's mailbox is full: {error}", ours=True)
        case Turned(temporary=False) if walk.account is not None:
            return await _refused(str(error), walk.account, stands)
        case Turned(temporary=False):
            return _Said("unknown", str(error))
        case Turned():
            return _Said("fails", str(error))
        case Refused():
            return _Said("unknown", error.text)
        case Unavailable():
            return _Said("unknown" if "answered 429" in error.text else "fails", error.text)
        case TimeoutError():
            return _Said("fails", "no answer in time")
        case OSError():
            state: State = "unknown" if error.errno in OURS else "fails"
            return _Said(state, f"{type(error).__name__}: {error}")
        case _ if isinstance(error, NOT_UNDERSTOOD):
            return _Said("fails", f"not understood: {error!r}")
        case _:
            return _Said("unknown", f"the canary itself failed: {error!r}")


async def _refused(said: str, account: Account, stands: Stands) -> _Said:
    """CANARY-2: that an account is refused is the function's fault only if some door lets it in."""
    found = await stands(account)
    if found:
        return _Said("fails", f"{said}; another door lets {account.address} in")
    if found is None:
        text = f"{said}; no other door could be asked whether {account.address} is to blame"
        return _Said("unknown", text)
    text = f"no door lets {account.address} in: it is locked, removed or has another password"
    return _Said("unknown", text, ours=True)
