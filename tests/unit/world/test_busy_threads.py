"""A thread that stands still is seen by whoever asks the others."""

from __future__ import annotations

import asyncio
import threading

from holdfast.world.threads import OFFLOAD_THREADS, OFFLOADED, RealThreads


def test_a_thread_that_stands_still_is_told_by_name_and_what_waits_for_a_free_one():
    asyncio.run(stand_still())


async def stand_still() -> None:
    threads, go = RealThreads(), threading.Event()
    commits = threads.thread("packs volume/mx-0")
    try:
        assert threads.busy() == {"packs volume/mx-0": 0.0, OFFLOADED: 0.0}
        stuck = commits.run(go.wait)
        pool = [asyncio.ensure_future(threads.offload(go.wait)) for _ in range(OFFLOAD_THREADS)]
        await asyncio.sleep(0.05)
        busy = threads.busy()
        assert busy["packs volume/mx-0"] > 0.0 and busy[OFFLOADED] == 0.0, "all are at work, and nobody waits"
        waits = asyncio.ensure_future(threads.offload(int))
        given_up = asyncio.ensure_future(threads.offload(int))
        await asyncio.sleep(0.02)
        assert threads.busy()[OFFLOADED] >= 0.015
        given_up.cancel()
        go.set()
        await asyncio.gather(stuck, waits, *pool)
        await asyncio.sleep(0)
        assert threads.busy() == {"packs volume/mx-0": 0.0, OFFLOADED: 0.0}
    finally:
        go.set()
        commits.close()
        threads.close()
