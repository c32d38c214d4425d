"""How fast customers are told: laid down, and handed to a gateway on this machine that takes its time.

    python bench/notices.py [--customers 10000] [--gateway-s 0.1] [--at-once 32] [--output FILE]

One JSON object. The gateway is a process of its own and answers each message after ``--gateway-s`` seconds,
as one across a network does; it counts what it was given.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import apsw

from holdfast.care import customers
from holdfast.care.affected import Scope
from holdfast.care.notices.due import Said
from holdfast.care.notices.kept import Body, KeptNotices, Notice
from holdfast.care.notices.recipients import Cells, hurt
from holdfast.care.notices.sending import Sending
from holdfast.care.notices.words import Words
from holdfast.run import noticing, system
from holdfast.run.reading import parse
from holdfast.world import World, real_world, run
from holdfast.world.http import HttpClient, serve_http
from holdfast.world.net import bind

CELLS = 64
_LONG = ("This does not work: Webmail. It began on 15 August 2012, 09:03 CEST. " * 4,)
WORDS = dict.fromkeys(("en", "de"), Words("Outage", _LONG, _LONG, ("Example: out since 9:03: webmail.",), ()))


def gateway(port: int, answer_s: float, taken: Any) -> None:
    """Until it is ended."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await asyncio.sleep(answer_s)
        taken.value += 1
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def serve() -> None:
        await serve_http(real_world(level="error"), app, [bind(("127.0.0.1", port))], stop=asyncio.Event())

    run(serve())


def written(world: World, path: str, count: int) -> None:
    def fill(db: apsw.Connection) -> int:
        with db:
            db.executemany(
                "INSERT INTO customer VALUES (?, ?, 0, ?, 1, '', 0, 'de', 1)",
                ((each, f"c-{each}", f"+491700{each:07d}") for each in range(1, count + 1)),
            )
            db.executemany(
                "INSERT INTO account VALUES (?, ?, ?, 'active', ?, 1, 0, 0)",
                ((each, each, each % CELLS, f"user{each}@example.org") for each in range(1, count + 1)),
            )
        return 1

    customers.write(world, path, fill)


async def told(world: World, folder: str, port: int, count: int, at_once: int) -> dict[str, float]:
    text = f'[gateways]\nsms_url = "http://127.0.0.1:{port}/"\n[status]\nurl = "https://status.example.org"\n'
    config = parse(f"[service]\ndata = '{folder}/data'\n{text}", f"{folder}/holdfast.toml", {})
    system.make_folder(f"{folder}/data/care")
    snapshot = f"{folder}/data/care/customers.sqlite"
    written(world, snapshot, count)
    kept, thread, http = (
        KeptNotices(world, f"{folder}/data/care/notices.sqlite"),
        world.thread("n"),
        HttpClient(world),
    )
    writer = noticing.writer(world, config)
    ways, quiet = noticing.ways(world, config, http), noticing.quiet_hours(config)
    sending = Sending(world, kept, thread, writer, ways, at_once=at_once, quiet=quiet)
    task = asyncio.get_running_loop().create_task(sending.run())
    began, cpu = time.perf_counter(), time.process_time()
    found = await world.offload(hurt, world, snapshot, {"imap": Scope()}, world.clock.now())
    body = Body(Said(("imap",)), 1, 0.0, False, {"imap": Cells(None, False)}, WORDS)
    notice = Notice(1, 1, world.clock.now(), "opened", body)
    await thread.run(kept.add, notice, ways.firsts(found.customers))
    laid_s = time.perf_counter() - began
    sending.wake()
    while (counts := await thread.run(kept.counts, 1, 1)).waiting:
        await asyncio.sleep(0.1)
    whole_s = time.perf_counter() - began
    assert counts.reached == count, counts
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await http.close()
    return {
        "laid_down_s": round(laid_s, 3),
        "all_told_s": round(whole_s, 3),
        "per_minute": round(60 * count / (whole_s - laid_s)),
        "cpu_ms_each": round((time.process_time() - cpu) / count * 1000, 3),
    }


def measured(count: int, answer_s: float, at_once: int) -> dict[str, float]:
    [port] = _free_ports()
    taken = multiprocessing.Value("i", 0)
    process = multiprocessing.Process(target=gateway, args=(port, answer_s, taken), daemon=True)
    process.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            world = real_world(level="error")
            found = run(told(world, folder, port, count, at_once))
        assert taken.value == count
    finally:
        process.terminate()
        process.join()
    return {"customers": count, "gateway_s": answer_s, "at_once": at_once, **found}


def _free_ports() -> list[int]:
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from free_ports import free_ports

    return list(free_ports(1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--gateway-s", type=float, default=0.1)
    parser.add_argument("--at-once", type=int, default=32)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    text = json.dumps(measured(arguments.customers, arguments.gateway_s, arguments.at_once), indent=1)
    print(text)
    if arguments.output:
        arguments.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
