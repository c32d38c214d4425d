"""One drill on a real service after another: calm before, the fault, its repair, calm again, the score."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import NamedTuple

from holdfast.model.errors import Unavailable
from holdfast.sim.drills.catalogue import Fault, fault, rank
from holdfast.sim.drills.real.customers import Customers, Household
from holdfast.sim.drills.real.elsewhere import Partners, Ports
from holdfast.sim.drills.real.installation import Installation, free_ports
from holdfast.sim.drills.real.rows import CELL, CHANGED_TOO, ROWS, Hit
from holdfast.sim.drills.real.seams import NotHere
from holdfast.sim.drills.real.witness import LOOK_S, Witness
from holdfast.sim.drills.score import Observed, ScoreCard, Truth, Try, score
from holdfast.world import World

CALM_S = 240.0  # all canaries have run, and an incident before is closed
BEFORE_S = 3.0  # customers are at it for so long before
_OTHER_CELL = 5

Say = Callable[[str], object]


class Patience(NamedTuple):
    """``least_s``, ``most_s``: a fault lasts; ``slow_s``: at most, where it slows or hits a part.

    ``after_s``: until all functions are well again, and with ``closed`` all incidents closed.
    """

    least_s: float = 25.0
    most_s: float = 60.0
    slow_s: float = 90.0
    after_s: float = 150.0
    closed: bool = True


PATIENT = Patience()


class Skipped(NamedTuple):
    fault: str
    why: str


@contextlib.asynccontextmanager
async def service(world: World, say: Say, folder: str = "") -> AsyncIterator[Installation]:
    """A service for drills that runs. ``folder``: kept afterwards; '' is one of its own, that isn't."""
    with contextlib.ExitStack() as kept:
        where = folder or kept.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-drill-"))
        partners = Partners(world, Ports(*free_ports(world, len(Ports._fields))))
        place = Installation(world, os.path.abspath(where), partners)
        await partners.open()
        try:
            say("making the service: its people, certificate and canaries")
            await place.prepare()
            await place.start()
            partners.back = place.hand_in
            yield place
        finally:
            await place.stop()
            place.close()
            await partners.close()


async def drill(place: Installation, id: str, say: Say, patience: Patience = PATIENT) -> ScoreCard | Skipped:
    """Raises ``Unavailable`` when the service isn't well before."""
    row, it = ROWS.get(id), fault(id)
    if row is None:
        return Skipped(id, "one machine can't show it: --simulated does")
    witness = Witness(place, place.world.clock.now())
    await _calm(place, witness, say)
    customers = Customers(place, households(place))
    try:
        return await _run(place, it, customers, say, patience)
    except NotHere as reason:
        return Skipped(id, str(reason))


async def _run(
    place: Installation, it: Fault, customers: Customers, say: Say, patience: Patience
) -> ScoreCard:
    clock = place.world.clock
    using = asyncio.ensure_future(customers.watch())
    try:
        await clock.sleep(BEFORE_S)
        witness = Witness(place, clock.now())
        say(f"{it.id}: {it.inject}")
        async with ROWS[it.id](place) as accounts:
            injected = clock.now()
            if accounts:
                customers.join(min(accounts))
            await _hold(place, it, witness, patience)
            if accounts and it.id in CHANGED_TOO:
                accounts |= {each.account for each in customers.tries if _changed(each, injected)}
            told = await place.world.offload(witness.told, accounts or ())
            repaired = clock.now()
        say(f"{it.id}: repaired after {repaired - injected:.0f} s")
        truth = Truth(injected, repaired, it.causes, hit(place, it, accounts), it.follows)
        await _return(place, witness, customers, patience)
    finally:
        using.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await using
    lost, notes = await customers.count()
    seen = Observed(
        witness.incidents,
        clock.now(),
        [*customers.tries, *lost],
        witness.findings,
        told,
        witness.noticed_at(),
        witness.published_at,
        witness.reports,
    )
    return score(it, truth, seen, where="real", alone=True, notes=notes)


def _changed(tried: Try, since: float) -> bool:
    """A password that then was another."""
    return tried.function == "password" and tried.at >= since and rank(tried.answer) <= rank("ok*")


def households(place: Installation) -> list[Household]:
    """Of two cells: the one whose index drills hit, and another."""
    found = []
    for cell in (CELL, _OTHER_CELL):
        logins = [each.login for each in place.people if each.cell == cell]
        found.append(Household(logins[0], logins[1]))
    return found


def hit(place: Installation, it: Fault, accounts: Hit) -> Mapping[str, frozenset[str]] | None:
    """By function; of senders and others whom nothing lists, None."""
    if it.hits == "some":
        return None
    if it.hits == "nobody":
        return {}
    those = accounts
    if those is None:
        those = frozenset(each.login for each in place.people if it.hits != "cells" or each.cell == CELL)
    return dict.fromkeys(it.fails(alone=True), those)


async def _calm(place: Installation, witness: Witness, say: Say) -> None:
    clock = place.world.clock
    until, why = clock.monotonic() + CALM_S, ""
    while clock.monotonic() < until:
        with contextlib.suppress(Unavailable):
            await place.world.offload(witness.look)
            if not (now := witness.calm()):
                return
            if now != why:
                say(f"waiting: {now}")
            why = now
        await clock.sleep(LOOK_S)
    raise Unavailable("service", f"it isn't well before the drill: {why}")


async def _hold(place: Installation, it: Fault, witness: Witness, patience: Patience) -> None:
    """Until it is named, told and counted, for as long as it takes at most."""
    clock = place.world.clock
    began = clock.monotonic()
    most_s = patience.slow_s if it.slow else patience.most_s
    while (lasted := clock.monotonic() - began) < most_s:
        await clock.sleep(LOOK_S)
        with contextlib.suppress(Unavailable):
            await place.world.offload(witness.look)
        told = witness.reports[-1].report if witness.reports else None
        # of a chain: every part of it, right or wrong
        named = told is not None and told.verdict == "named" and len(told.causes) >= len(it.causes)
        counted = any(each.affected for each in witness.mine())
        heard = not it.fails(alone=True) or (counted and witness.noticed_at())
        if lasted >= patience.least_s and named and heard:
            return


async def _return(place: Installation, witness: Witness, customers: Customers, patience: Patience) -> None:
    """Until every function answers well again and every incident is closed."""
    clock = place.world.clock
    since, until = clock.now(), clock.monotonic() + patience.after_s
    while clock.monotonic() < until:
        await clock.sleep(LOOK_S)
        with contextlib.suppress(Unavailable):
            await place.world.offload(witness.look)
        newest = {(each.function, each.account): each for each in customers.tries if each.at > since}
        well = newest and all(each.answer in ("ok", "ok*") for each in newest.values())
        closed = not patience.closed or not witness.incidents.open()
        if well and closed and clock.now() - since > 2 * BEFORE_S:
            return


async def run(
    world: World,
    ids: Iterable[str],
    say: Say,
    done: Callable[[ScoreCard | Skipped], object],
    folder: str = "",
) -> None:
    """All on one service, one after another; after one that isn't well again, on a new one. ``done`` gets
    what came of each. Ended by a signal it leaves nothing running."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    waiting = deque(ids)
    while waiting:
        async with service(world, say, folder) as place:
            fresh = True
            while waiting:
                try:
                    done(await drill(place, waiting[0], say))
                except Unavailable as unavailable:
                    if fresh:
                        done(Skipped(waiting.popleft(), str(unavailable)))
                    break
                waiting.popleft()
                fresh = False
