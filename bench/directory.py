"""How fast people are imported, folded, found, listed and signed in.

    python bench/directory.py [--accounts 100000] [--output bench/results/directory.json]

One JSON object: rates per second, times in seconds or microseconds, as their names say. The people
process, its client and the follower share one process and one core here: apart they are no slower.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from holdfast.directory import Checker, NewAccount, People, PeopleClient, PeopleWriter, SignIn
from holdfast.directory.credentials import hash_password
from holdfast.model.address import Address
from holdfast.world import World, real_world, run

BATCHES_AT_ONCE = 4


async def imported(client: PeopleClient, count: int, phc: str) -> float:
    await client.domain_add("example.org")

    async def part(first: int, last: int) -> None:
        accounts = [
            NewAccount(address=f"user{n}@example.org", name=f"User {n}", credential=phc)
            for n in range(first, last)
        ]
        made = await client.account_add_many(accounts)
        assert all(one.new for one in made)

    started = time.perf_counter()
    step = -(-count // BATCHES_AT_ONCE)
    await asyncio.gather(*(part(n, min(n + step, count)) for n in range(0, count, step)))
    return time.perf_counter() - started


async def opened(world: World, folder: str, name: str) -> tuple[People, float]:
    started = time.perf_counter()
    people = await People.open(world, f"{folder}/{name}.db", f"{folder}/v1", writer=f"{folder}/people.sock")
    return people, time.perf_counter() - started


def each_us(fn: Callable[[int], object], count: int, times: int = 20_000) -> float:
    """Microseconds of one call, each with another argument, median of five runs."""
    step = 7919  # spread over all accounts
    runs = []
    for turn in range(5):
        numbers = [(turn * times + n) * step % count for n in range(times)]
        started = time.perf_counter()
        for number in numbers:
            fn(number)
        runs.append((time.perf_counter() - started) / times * 1e6)
    return round(statistics.median(runs), 2)


def page_ms(people: People) -> float:
    """The slowest of all pages of the domain."""
    slowest, after = 0.0, 0
    while True:
        started = time.perf_counter()
        page = people.lists.accounts(domain="example.org", after=after)
        slowest = max(slowest, time.perf_counter() - started)
        if not page:
            return round(slowest * 1e3, 2)
        after = page[-1].id


async def in_effect_ms(world: World, client: PeopleClient, people: People, phc: str) -> float:
    """From asking for a password change until another copy knows it, median of 50."""
    follower = asyncio.ensure_future(people.follow())
    await asyncio.sleep(0.2)
    taken = []
    for n in range(50):
        account = people.by_login(f"user{n}@example.org")
        assert account is not None
        started = time.perf_counter()
        changed = await client.password_set(account.id, credential=phc)
        while people.credential(account.id).sequence != changed.credential:
            await asyncio.sleep(0)
        taken.append((time.perf_counter() - started) * 1e3)
    follower.cancel()
    return round(statistics.median(taken), 2)


async def sign_ins(world: World, people: People) -> dict[str, float]:
    checker = Checker(world)
    sign_in = SignIn(world, people, checker)

    async def one(n: int) -> None:
        await sign_in.check(f"user{1000 + n}@example.org", "right", peer="127.0.0.1", function="bench")

    started = time.perf_counter()
    await asyncio.gather(*(one(n) for n in range(150)))
    cold = 150 / (time.perf_counter() - started)
    started = time.perf_counter()
    for n in range(15_000):
        await one(n % 150)
    known = 15_000 / (time.perf_counter() - started)
    checker.close()
    return {"sign_in_cold_per_s": round(cold, 1), "sign_in_known_per_s": round(known)}


async def measure(count: int) -> dict[str, float]:
    world = real_world(level="warn")
    phc = hash_password("right", b"0123456789abcdef")
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        writer = await PeopleWriter.open(world, f"{folder}/v1", f"{folder}/people.db")
        await writer.serve(f"{folder}/people.sock")
        client = PeopleClient(world, f"{folder}/people.sock")
        import_s = await imported(client, count, phc)
        people, nothing_s = await opened(world, folder, "new")
        people.close()
        people, existing_s = await opened(world, folder, "new")
        found: dict[str, float] = {
            "accounts": count,
            "import_s": round(import_s, 2),
            "import_per_s": round(count / import_s),
            "open_from_nothing_s": round(nothing_s, 2),
            "open_existing_ms": round(existing_s * 1e3, 1),
            "route_us": each_us(lambda n: people.route(Address(f"user{n}", "example.org")), count),
            "route_detail_us": each_us(lambda n: people.route(Address(f"user{n}+x", "example.org")), count),
            "route_again_us": each_us(lambda n: people.route(Address("user7", "example.org")), count),
            "by_login_us": each_us(lambda n: people.by_login(f"user{n}@example.org"), count),
            "account_us": each_us(lambda n: people.account(2 + n), count),
            "list_page_slowest_ms": page_ms(people),
            "in_effect_ms": await in_effect_ms(world, client, people, phc),
            "copy_bytes_per_account": round(Path(f"{folder}/new.db").stat().st_size / count),
            "ledger_bytes_per_account": round(
                sum(f.stat().st_size for f in Path(f"{folder}/v1/people").iterdir()) / count
            ),
        }
        found |= await sign_ins(world, people)
        people.close()
        client.close()
        await writer.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    found = json.dumps(run(measure(options.accounts)), indent=2)
    print(found)
    if options.output:
        options.output.write_text(found + "\n")


if __name__ == "__main__":
    main()
