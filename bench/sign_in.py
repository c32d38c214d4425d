"""How many sign-ins a second one function's process has answered, with the auth process beside it.

    python bench/sign_in.py [--runs 3] [--output bench/results/sign_in.json]

One JSON object. cold: each password is hashed in the auth process (argon2id as configured). again: as after
a restart of the function, known to the auth process. known: to the function's own process. app: by app
passwords. mixed: known ones, one after the other, while the auth process is busy hashing others.
Each figure is the median of the runs; ``load_before`` says how quiet the machine was. cold_cpu_ms: what the
auth process needed of a processor for each, which tells more than the rate where others were busy.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from holdfast.directory import AuthClient, AuthService, NewAccount, People, PeopleWriter, SignIn
from holdfast.directory.app_passwords import new_app_password
from holdfast.directory.credentials import hash_password
from holdfast.world import World, real_world, run

COLD = 160
KNOWN = 10_000
AT_ONCE = 50


async def serve_auth(path: str) -> None:
    """The auth process, until it is killed."""
    await AuthService.serve(real_world(level="warn"), path)
    print("ready", flush=True)
    await asyncio.get_running_loop().create_future()


@contextlib.asynccontextmanager
async def house(world: World, folder: str) -> AsyncIterator[tuple[People, int]]:
    """COLD people whose password is ``right``, and the auth process, by its id."""
    path = f"{folder}/auth.sock"
    auth = subprocess.Popen([sys.executable, __file__, "--serve", path], stdout=subprocess.PIPE, text=True)
    assert auth.stdout is not None and auth.stdout.readline() == "ready\n"
    writer = await PeopleWriter.open(world, f"{folder}/v1", f"{folder}/people.db")
    try:
        await writer.domain_add("example.org")
        phc = hash_password("right", b"0123456789abcdef")
        accounts = [NewAccount(address=f"user{n}@example.org", credential=phc) for n in range(COLD)]
        await writer.account_add_many(accounts)
        people = await People.open(world, f"{folder}/imap.db", f"{folder}/v1")
        yield people, auth.pid
        people.close()
    finally:
        await writer.close()
        auth.kill()
        auth.wait()


def cpu_s(pid: int) -> float:
    """Seconds of a processor that the process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def rate(sign_in: SignIn, count: int, words: dict[int, str] | None = None) -> float:
    """Sign-ins a second, AT_ONCE at a time."""
    left = iter(range(count))

    async def client() -> None:
        for n in left:
            who = n % COLD
            word = words[who] if words else "right"
            await sign_in.check(f"user{who}@example.org", word, peer="127.0.0.1", function="imap")

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    return count / (time.perf_counter() - started)


async def beside_hashing(world: World, people: People, path: str, sign_in: SignIn) -> tuple[float, float]:
    """Known sign-ins one by one while others are being hashed: a second, and the slowest one in ms."""
    others = SignIn(world, people, AuthClient(world, path))

    async def wrong(n: int) -> None:
        with contextlib.suppress(Exception):
            await others.check(f"user{n}@example.org", f"wrong {n}", peer=f"10.0.{n}.1", function="imap")

    busy = asyncio.gather(*(wrong(n) for n in range(COLD // 2)))
    count, slowest = 0, 0.0
    started = last = time.perf_counter()
    while not busy.done():
        await sign_in.check(f"user{count % COLD}@example.org", "right", peer="127.0.0.1", function="imap")
        await asyncio.sleep(0)
        now = time.perf_counter()
        slowest, last = max(slowest, now - last), now
        count += 1
    await busy
    return count / (last - started), slowest * 1e3


async def once(world: World) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        async with house(world, folder) as (people, auth):
            path = f"{folder}/auth.sock"
            first = SignIn(world, people, AuthClient(world, path))
            before = cpu_s(auth)
            found = {"cold_per_s": await rate(first, COLD)}
            found["cold_cpu_ms"] = (cpu_s(auth) - before) / COLD * 1e3
            again = SignIn(world, people, AuthClient(world, path))
            found["again_per_s"] = await rate(again, COLD)
            found["known_per_s"] = await rate(again, KNOWN)
            mixed, slowest = await beside_hashing(world, people, path, again)
            found |= {"mixed_per_s": mixed, "mixed_slowest_ms": slowest}
            return found


async def app_passwords(world: World) -> float:
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        writer = await PeopleWriter.open(world, f"{folder}/v1", f"{folder}/people.db")
        await writer.domain_add("example.org")
        words: dict[int, str] = {}
        for n in range(COLD):
            account = await writer.account_add(f"user{n}@example.org")
            for name in ("phone", "tablet", "desk"):
                words[n] = new_app_password(world)
                await writer.app_password_add(account.id, name, words[n])
        people = await People.open(world, f"{folder}/imap.db", f"{folder}/v1")
        found = await rate(SignIn(world, people, None), KNOWN, words)
        people.close()
        await writer.close()
        return found


async def measure(runs: int) -> dict[str, float]:
    world = real_world(level="warn")
    load = os.getloadavg()[0]
    found = [await once(world) for _ in range(runs)]
    medians = {name: round(statistics.median(each[name] for each in found), 1) for name in found[0]}
    app = round(statistics.median([await app_passwords(world) for _ in range(runs)]), 1)
    return {"load_before": round(load, 2), "runs": runs, **medians, "app_per_s": app}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--serve", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        run(serve_auth(options.serve))
        return
    found = json.dumps(run(measure(options.runs)), indent=2)
    print(found)
    if options.output:
        options.output.write_text(found + "\n")


if __name__ == "__main__":
    main()
