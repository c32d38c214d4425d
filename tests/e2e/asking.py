"""A process that asks for password changes as self-service does: `python asking.py CONFIG`.

Reads a line of JSON for each thing to do and answers with one: {"set": id, "credential": "$argon2id…"} →
{"done": true} or {"ticket": "…"}; {"state": ticket} → {"state": "Waiting" | "Carried" | "Denied"}.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from holdfast.directory import PeopleClient
from holdfast.directory.deferred import Deferred, Taken
from holdfast.directory.requests import PasswordSet
from holdfast.model.people import Account
from holdfast.run import layout, reading
from holdfast.world import real_world, run

LEDGER = "password-asked-7"


async def answer(deferred: Deferred, asked: dict[str, Any]) -> dict[str, Any]:
    if "state" in asked:
        return {"state": type(deferred.state(asked["state"])).__name__}
    request = PasswordSet(account=asked["set"], credential=asked["credential"], sign_out=True, by="account:0")
    done = await deferred.ask(request, Account)
    return {"ticket": done.ticket} if isinstance(done, Taken) else {"done": True}


async def main() -> None:
    world = real_world(level="error")
    config = reading.load(sys.argv[1], os.environ)
    client = PeopleClient(world, layout.socket_path(config, "people"))
    deferred = await Deferred.open(world, config.volume_folder("v1"), LEDGER, client)
    running = asyncio.ensure_future(deferred.run())
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(await answer(deferred, json.loads(line))), flush=True)
    running.cancel()
    await deferred.close()


if __name__ == "__main__":
    run(main())
