"""A service of three tiny roles under the real supervisor: ``python small_service.py FOLDER``.

mx and imap answer each connection with their process id; store only waits. ``stubborn`` in the
hostname makes imap ignore being asked to end, ``twins`` makes two of mx, and begins with them.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys

from holdfast.run.child import Start
from holdfast.run.config import Config
from holdfast.run.reading import parse
from holdfast.run.standing_in import run_stand_in
from holdfast.run.supervisor import Supervisor
from holdfast.world import real_world


async def answer_pid(start: Start) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"{os.getpid()} {start.config.limits.recipients} {gc.get_freeze_count()}\n".encode())
        writer.close()

    for listener in start.sockets[start.role]:
        await asyncio.start_server(answer, sock=listener, backlog=4096)
    start.ready()
    await start.stop.wait()
    if start.role == "imap" and start.config.service.hostname == "stubborn":
        await asyncio.sleep(60)


async def only_wait(start: Start) -> None:
    start.ready()
    await start.stop.wait()


def main() -> None:
    folder = sys.argv[1]
    path = os.path.join(folder, "holdfast.toml")

    def load() -> Config:
        with open(path, encoding="utf-8") as file:
            return parse(file.read(), path, {})

    plan = [("store", 0, only_wait), ("mx", 0, answer_pid), ("imap", 0, answer_pid)]
    config = load()
    if config.service.hostname == "twins":
        plan = [("mx", 0, answer_pid), ("mx", 1, answer_pid), *plan[::2]]
    world = real_world(journal_path=os.path.join(folder, "journal"))
    Supervisor(world, config, plan, back=["store"], reload=load, stand_in=run_stand_in).run()


if __name__ == "__main__":
    main()
