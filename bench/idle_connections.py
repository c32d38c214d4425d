"""What an idle connection costs, and how fast an echo goes round; prints JSON.

    python bench/idle_connections.py [connections] [rounds]

The server runs in a process of its own; its memory is read from the kernel
(private resident bytes) before and after the connections are made, each with an
IMAP-like session object and an idle timer. The client is as plain as can be.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import ssl
import subprocess
import sys
import tempfile
import time
from typing import Any

import uvloop

from holdfast.world import Session, real_world, run
from holdfast.world.tls import server_context

MAKE_CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=bench "
    "-keyout {folder}/key.pem -out {folder}/cert.pem"
)


class Machine:
    """As much as a protocol machine keeps between two commands."""

    __slots__ = ("buffer", "events", "literal", "state", "tag")

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.events: list[bytes] = []
        self.state = "greeting"
        self.tag = b""
        self.literal = 0


class ImapLike(Session):
    __slots__ = (
        "account",
        "failures",
        "idling",
        "keywords",
        "machine",
        "mailbox",
        "modseq",
        "reported",
        "uids",
    )

    def __init__(self) -> None:
        self.machine = Machine()
        self.account = 0
        self.mailbox = 0
        self.modseq = 0
        self.uids: tuple[int, ...] = ()
        self.reported = 0
        self.keywords: tuple[str, ...] = ()
        self.idling = False
        self.failures = 0

    def connected(self) -> None:
        self.connection.set_timeout(1800)
        self.connection.write(b"* OK ready\r\n")

    def received(self, data: bytes) -> None:
        if data.startswith(b"M"):
            self.connection.write(b"%d\n" % private_bytes())
        else:
            self.connection.write(data)


def private_bytes() -> int:
    gc.collect()
    total = 0
    with open("/proc/self/smaps_rollup") as file:
        for line in file:
            if line.startswith(("Private_Clean:", "Private_Dirty:")):
                total += int(line.split()[1]) * 1024
    return total


def raise_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def serve(folder: str, with_tls: bool) -> None:
    raise_limit()

    async def main() -> None:
        world = real_world()
        context = server_context(f"{folder}/cert.pem", f"{folder}/key.pem") if with_tls else None
        listener = await world.net.listen(ImapLike, ("127.0.0.1", 0), context)
        print(listener.addresses[0][1], flush=True)
        await asyncio.get_running_loop().create_future()

    run(main())


class Client(asyncio.Protocol):
    def __init__(self) -> None:
        self.greeted = asyncio.get_running_loop().create_future()
        self.answer: asyncio.Future[bytes] | None = None
        self.left = 0
        self.done: asyncio.Future[None] | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if not self.greeted.done():
            self.greeted.set_result(None)
        elif self.answer is not None:
            self.answer.set_result(data)
            self.answer = None
        elif self.left:
            self.left -= 1
            self.transport.write(b"a1 NOOP\r\n")
        elif self.done is not None:
            self.done.set_result(None)
            self.done = None

    async def ask(self) -> int:
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(b"M")
        return int(await self.answer)

    def rounds(self, count: int) -> asyncio.Future[None]:
        self.left = count
        self.done = asyncio.get_running_loop().create_future()
        self.transport.write(b"a1 NOOP\r\n")
        return self.done


async def measure(port: int, context: ssl.SSLContext | None, count: int, rounds: int) -> dict[str, float]:
    loop = asyncio.get_running_loop()

    async def connect() -> Client:
        _, client = await loop.create_connection(Client, "127.0.0.1", port, ssl=context)
        await client.greeted
        return client

    probe = await connect()
    warm = [await connect() for _ in range(50)]
    before = await probe.ask()
    began = time.perf_counter()
    clients = []
    for _ in range(count // 100):
        clients += await asyncio.gather(*(connect() for _ in range(100)))
    took = time.perf_counter() - began
    after = await probe.ask()
    echo_began = time.perf_counter()
    await probe.rounds(rounds)
    one = rounds / (time.perf_counter() - echo_began)
    echo_began = time.perf_counter()
    await asyncio.gather(*(client.rounds(rounds // 10) for client in warm))
    many = len(warm) * (rounds // 10) / (time.perf_counter() - echo_began)
    return {
        "connections": len(clients),
        "bytes_per_idle_connection": round((after - before) / len(clients)),
        "connects_per_s": round(len(clients) / took),
        "echo_round_trips_per_s_one_connection": round(one),
        "echo_round_trips_per_s_50_connections": round(many),
    }


def bench(with_tls: bool, count: int, rounds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            MAKE_CERTIFICATE.format(folder=folder).split(),
            check=True,
            capture_output=True,
        )
        server = subprocess.Popen(
            [sys.executable, __file__, "serve", folder, "tls" if with_tls else "plain"],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline())
            context = None
            if with_tls:
                context = ssl.create_default_context()
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                return runner.run(measure(port, context, count, rounds))
        finally:
            server.kill()
            server.wait()


def main() -> None:
    if len(sys.argv) > 1 and sys.argv[1] == "serve":
        serve(sys.argv[2], sys.argv[3] == "tls")
        return
    raise_limit()
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
    result = {"plain": bench(False, count, rounds), "tls": bench(True, count, rounds)}
    print(json.dumps({"bench": "idle_connections", **result}, indent=2))


if __name__ == "__main__":
    main()
