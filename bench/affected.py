"""How fast the snapshot of customers is written, and the affected are counted and listed.

    python bench/affected.py [--accounts 100000] [--output bench/results/affected.json]

One JSON object of seconds. The people are made in the ledger first, as an import does it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from holdfast.care import affected
from holdfast.directory import NewAccount
from holdfast.run import customers, doors, layout, system
from holdfast.run.config import Config
from holdfast.run.reading import parse
from holdfast.world import World, real_world, run

BATCH = 1000
PHC = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"
T = TypeVar("T")


async def made(world: World, config: Config, count: int) -> None:
    async with doors.people(world, config) as people:
        await people.domain_add("example.org")
        for first in range(0, count, BATCH):
            await people.account_add_many(
                [
                    NewAccount(address=f"user{n}@example.org", name=f"User {n}", credential=PHC)
                    for n in range(first, min(first + BATCH, count))
                ]
            )


def timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    found = work()
    return found, round(time.perf_counter() - started, 3)


def measured(accounts: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        world = real_world(level="error")
        config = parse(f"[service]\ndata = '{folder}/data'\n", f"{folder}/holdfast.toml", {})
        for path in (layout.people_folder(config), config.run_folder):
            system.make_folder(path)
        run(made(world, config, accounts))
        written, write_s = timed(lambda: customers.write_if_changed(world, config))
        assert written
        path, now = layout.customers_path(config), world.clock.now()
        every = {"imap": affected.Scope(), "pop3": affected.Scope(frozenset(range(10)))}
        found, all_s = timed(lambda: affected.affected(world, path, every, now))
        assert len(found.rows) == accounts
        few = dict.fromkeys(("imap", "pop3", "webmail"), affected.Scope(frozenset({3, 7})))
        _, cells_s = timed(lambda: affected.affected(world, path, few, now))
        _, csv_s = timed(lambda: affected.as_csv(found))
        _, json_s = timed(lambda: affected.as_json(found))
    return {
        "accounts": accounts,
        "snapshot_written_s": write_s,
        "all_accounts_counted_and_listed_s": all_s,
        "two_cells_counted_and_listed_s": cells_s,
        "csv_s": csv_s,
        "json_s": json_s,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    text = json.dumps(measured(arguments.accounts), indent=1)
    print(text)
    if arguments.output:
        arguments.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
