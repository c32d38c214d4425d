"""All canaries once: what was left is cleared first, and what they made afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial

from holdfast.model.findings import Finding
from holdfast.model.limits import CANARY_S, CANARY_STEP_S
from holdfast.watch.canaries import mailing, paging
from holdfast.watch.canaries.ground import Ground
from holdfast.watch.canaries.walk import Walk, attempt
from holdfast.watch.canaries.words import COURSES, Result, Unsure
from holdfast.watch.clients import NOT_UNDERSTOOD, Fault, Turned

ACCOUNTS = "canary/accounts"

CANARIES: Mapping[str, Callable[[Ground, Walk], Awaitable[None]]] = {
    "canary/receive": mailing.receive,
    "canary/refuse": mailing.refuse,
    "canary/send": mailing.send,
    "canary/relay": mailing.relay,
    "canary/imap": mailing.imap,
    "canary/pop3": mailing.pop3,
    "canary/webmail": paging.webmail,
    "canary/password": paging.password,
    "canary/signup": paging.signup,
}


OUTSIDE = "canary/relay"
_NO_MAIL = ("canary/password", "canary/signup")


def trials_of(functions: Collection[str], *, outside: bool) -> list[str]:
    """``outside``: with the one that goes elsewhere and back."""
    return [
        trial for trial in CANARIES if COURSES[trial].function in functions and (trial != OUTSIDE or outside)
    ]


async def run_canaries(
    ground: Ground,
    trials: Collection[str],
    vantage: str = "",
    heard: Callable[[Finding], object] = lambda finding: None,
) -> list[Result]:
    """One result for each, and one for the canaries' own accounts. All at once: none waits for another
    (CANARY-1), and each is ``heard`` as soon as it has ended. What can't be tidied is said with the accounts.
    One that goes elsewhere may run beside others; all else is one run at a time (CANARY-5)."""
    began = ground.world.clock.monotonic()

    async def go(trial: str) -> Result:
        work, cell = partial(CANARIES[trial], ground), _cell(ground, trial)
        result = await attempt(ground.world, trial, work, ground.stands, cell=cell, vantage=vantage)
        heard(result.finding)
        return result

    untidy = await _tidy(ground, set(trials) - {OUTSIDE})  # what comes back late is looked for first
    if "canary/signup" in trials:
        untidy += await _clear(ground)
    results = await asyncio.gather(*(go(trial) for trial in trials))
    untidy += await _tidy(ground, trials)
    took = ground.world.clock.monotonic() - began
    return [*results, _accounts(ground, results, untidy, took, vantage)]


_CELL_OF_SECOND = ("canary/send",)
_NO_CELL = ("canary/refuse", "canary/password", "canary/signup")


def _cell(ground: Ground, trial: str) -> int | None:
    """None for what needs no mail of theirs."""
    if trial in _NO_CELL:
        return None
    return ground.second.cell if trial in _CELL_OF_SECOND else ground.first.cell


async def _tidy(ground: Ground, trials: Collection[str]) -> list[str]:
    """What these make or need. Why messages stay, if they do."""
    rest = not set(trials) <= {OUTSIDE, *_NO_MAIL}
    out = OUTSIDE in trials
    if not rest and not out:
        return []
    try:
        async with asyncio.timeout(CANARY_STEP_S):
            await mailing.tidy(ground, out=out, rest=rest)
    except (Turned, Fault, Unsure, OSError, *NOT_UNDERSTOOD) as error:
        return [f"messages stay until the next run: {str(error) or paging.NO_ANSWER}"]
    return []


async def _clear(ground: Ground) -> list[str]:
    """Which accounts stay, and why."""
    try:
        async with asyncio.timeout(CANARY_S):
            return await paging.clear(ground)
    except TimeoutError:
        return [f"accounts stay until the next run: {paging.NO_ANSWER}"]


def _accounts(
    ground: Ground, results: list[Result], untidy: list[str], took_s: float, vantage: str
) -> Result:
    """The canaries' accounts are watched themselves (CANARY-2)."""
    blamed = [each.finding for each in results if each.ours]
    step, said = (blamed[0].step, blamed[0].said) if blamed else ("", "")
    finding = Finding(
        ACCOUNTS,
        "",
        "fails" if blamed else "works",
        step,
        said,
        ground.world.clock.now(),
        took_s,
        vantage=vantage,
    )
    return Result(finding, (), tuple(dict.fromkeys(untidy)))
