"""What the packs reach on this machine: `python bench/packs.py [--folder F] [--seconds S]`; JSON on stdout.

Each number is the median of three runs. `append`: appenders that each wait for their
one frame before they append the next; `cpu_us`: CPU of the event loop's thread per frame.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable

import uvloop

from holdfast.model.mail import START
from holdfast.packs import LedgerReader, LedgerWriter, NewFrame
from holdfast.packs.verify import verify
from holdfast.world import World, real_world

RUNS = 3


async def append(
    world: World, volume: str, appenders: int, size: int, seconds: float, copies: list[str]
) -> dict[str, float]:
    writer = await LedgerWriter.open(world, volume, "mx-0", copies=copies)
    body = os.urandom(size)
    waits: list[float] = []
    clock = time.perf_counter
    end = clock() + seconds

    async def one() -> None:
        while (began := clock()) < end:
            await writer.append([NewFrame(1, body, 1, (5,))])
            waits.append(clock() - began)

    began, cpu = clock(), time.thread_time()
    await asyncio.gather(*(one() for _ in range(appenders)))
    took, cpu = clock() - began, time.thread_time() - cpu
    await writer.close()
    waits.sort()
    return {
        "frames_per_s": len(waits) / took,
        "cpu_us": cpu / len(waits) * 1e6,
        "p50_ms": waits[len(waits) // 2] * 1e3,
        "p99_ms": waits[len(waits) * 99 // 100] * 1e3,
    }


async def fill(world: World, volume: str, ledger: str, frames: int, size: int) -> None:
    writer = await LedgerWriter.open(world, volume, ledger)
    body = os.urandom(size)
    for first in range(0, frames, 500):
        await writer.append([NewFrame(1, body, 1, (n % 64,)) for n in range(first, first + 500)])
    await writer.close()


def timed(work: Callable[[], int]) -> float:
    gc.collect()
    began = time.perf_counter()
    done = work()
    return done / (time.perf_counter() - began)


def reading(world: World, volume: str, frames: int) -> dict[str, float]:
    large, small = LedgerReader(world, volume, "mx-1"), LedgerReader(world, volume, "mx-2")
    refs = [item.ref for item in large.follow(START)]
    scattered = refs[::7]

    def many() -> int:
        for first in range(0, len(refs), 500):
            large.read_many(refs[first : first + 500])
        return len(refs)

    def single() -> int:
        for ref in scattered:
            large.read(ref)
        return len(scattered)

    def follow() -> int:
        return sum(1 for _ in small.follow(START))

    def follow_cell() -> int:
        return sum(1 for _ in large.follow(START, cell=7))

    return {
        "read_many_4k_frames_per_s": timed(many),
        "read_4k_frames_per_s": timed(single),
        "follow_small_frames_per_s": timed(follow),
        "follow_one_cell_frames_per_s": timed(follow_cell),
        "verify_mb_per_s": timed(lambda: verify(large).bytes) / 1e6,
    }


def median(results: list[dict[str, float]]) -> dict[str, float]:
    return {key: round(statistics.median(result[key] for result in results), 2) for key in results[0]}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", default=None, help="where to write (default: a temporary folder)")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each append run")
    arguments = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="holdfast-bench-", dir=arguments.folder)
    world = real_world(level="error")
    uvloop.install()
    results: dict[str, dict[str, float]] = {}
    try:
        for name, appenders, size, copies in (
            ("append_100_appenders_4k", 100, 4096, 0),
            ("append_20_appenders_4k", 20, 4096, 0),
            ("append_1_appender_4k", 1, 4096, 0),
            ("append_500_appenders_4k", 500, 4096, 0),
            ("append_100_appenders_4k_one_copy", 100, 4096, 1),
        ):
            runs = []
            for run in range(RUNS):
                volume = os.path.join(folder, f"{name}-{run}")
                others = [volume + f"-copy{n}" for n in range(copies)]
                runs.append(asyncio.run(append(world, volume, appenders, size, arguments.seconds, others)))
                for used in (volume, *others):
                    shutil.rmtree(used, ignore_errors=True)
            results[name] = median(runs)
        asyncio.run(fill(world, folder, "mx-1", 100_000, 4096))
        asyncio.run(fill(world, folder, "mx-2", 300_000, 64))
        results["read"] = median([reading(world, folder, 100_000) for _ in range(RUNS)])
    finally:
        shutil.rmtree(folder)
    print(json.dumps({"bench": "packs", "runs": RUNS, "median": results}, indent=1))


if __name__ == "__main__":
    main()
