"""What the status page costs: everybody's, and the own pages of 100,000 customers whom an outage hits.

    python bench/status_pages.py [--contracts 100000] [--output bench/results/status_pages.json]

One JSON object: seconds by the clock and of the processor, for making the pages, for writing them into a
folder, and for doing both once more when what they say has changed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from bench.credits import BEGAN, fill, outage
from holdfast.care import customers
from holdfast.care.parts.own_pages import OwnPagesPart, Theirs
from holdfast.care.parts.status import StatusPart
from holdfast.care.status.page import Look
from holdfast.care.status.push import FolderPlace, PushedFile, PushPart
from holdfast.care.status.shelf import Shelf
from holdfast.care.status.story import texts
from holdfast.care.turns import Seen
from holdfast.model.findings import Finding
from holdfast.model.functions import FUNCTIONS
from holdfast.model.people import Brand
from holdfast.watch.incidents import record as r
from holdfast.watch.now import Now
from holdfast.world import real_world


async def timed(work: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """Seconds by the clock, and of the processor."""
    began, used = time.perf_counter(), time.process_time()
    await work()
    return round(time.perf_counter() - began, 3), round(time.process_time() - used, 3)


async def measured(contracts: int, folder: str) -> dict[str, object]:
    world, path = real_world(level="error"), f"{folder}/care/customers.sqlite"
    customers.write(world, path, lambda db: fill(db, contracts))
    shelf, incidents = Shelf(), outage()
    look = Look(Brand(), "Example Mail", "https://status.example.org/")
    page = StatusPart(world, look, texts(), lambda: (), f"{folder}/watched.json", shelf)
    theirs = Theirs(path, b"k", lambda contract: (), lambda: ())
    every = OwnPagesPart(world, look, texts(), theirs, shelf)
    place = FolderPlace(world, f"{folder}/www")
    push = PushPart(world, "here", "here", place, shelf, PushedFile(world, f"{folder}/pushed.json"))

    def seen(after_s: float) -> Seen:
        at = BEGAN + after_s
        findings = [Finding(f"{each}/door", each, "works", "", "", at, 0.1) for each in FUNCTIONS]
        findings.append(Finding("imap/imaps", "imap", "fails", "greeting", "", at, 2.0))
        return Seen(incidents, Now(at=at, findings=tuple(findings)), at)

    async def put() -> None:
        while not push.is_whole:
            await push.turn(seen(0))

    found: dict[str, object] = {"contracts": contracts}
    await page.turn(seen(0))  # templates are compiled
    found["page_s"] = await timed(lambda: page.turn(seen(60)))
    found["all_made_s"] = await timed(lambda: every.turn(seen(60)))
    found["all_put_into_a_folder_s"] = await timed(put)
    incidents.apply([r.Estimated(at=BEGAN + 90, incident=1, estimate=1, reason="estimate.too_few")])
    found["all_made_anew_s"] = await timed(lambda: every.turn(seen(120)))
    found["all_put_anew_s"] = await timed(put)
    found["files"] = len(shelf.stand.versions) if shelf.stand is not None else 0
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contracts", type=int, default=100_000)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        text = json.dumps(asyncio.run(measured(arguments.contracts, folder)), indent=1)
    print(text)
    if arguments.output:
        arguments.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
