"""How fast the snapshot of customers is written, and the affected are counted and listed.

    python bench/affected.py [--accounts 100000] [--output bench/results/affected.json]

One JSON object of seconds. The people process's copy is made first.
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
from holdfast.directory.schema import open_copy
from holdfast.run import customers, layout, system
from holdfast.run.reading import parse
from holdfast.world import real_world

CELLS = 64
_ACCOUNTS = """
WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number LIMIT ?)
INSERT INTO account
SELECT n, n, 1, 'user' || n || '@example.org', '', n % ?, 'active', 'member', 0, 0, 0, 0, '', '', 0, 0, 0, 0,
       0, 0, '', 0 FROM number
"""
_ADDRESSES = """
INSERT INTO address SELECT login, 1, id, 1, login, '', cell, state, 0, 0 FROM account
"""
T = TypeVar("T")


def made(path: str, count: int) -> None:
    """The people process's own copy, as it is after an import of so many accounts."""
    db = open_copy(path)
    with db:
        db.execute("INSERT INTO domain VALUES (1, 'example.org', '', '[]', 0, 0, 0, 0, 0, 0, ?)", (count,))
        db.execute(_ACCOUNTS, (count, CELLS))
        db.execute(_ADDRESSES)
        db.execute("UPDATE fold SET sequence = ?", (count,))
    db.close()


def timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    found = work()
    return found, round(time.perf_counter() - started, 3)


def measured(accounts: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        world = real_world(level="error")
        config = parse(f"[service]\ndata = '{folder}/data'\n", f"{folder}/holdfast.toml", {})
        system.make_folder(layout.copies_folder(config))
        made(layout.copy_path(config, layout.PEOPLE_WRITER), accounts)
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
