"""How fast mail is accepted durably: an MX with its own ledger, one client process; prints JSON.

    python bench/intake.py [messages] [rounds] [connections,connections,…]

The server is the MX function as it is (machine, policy, intake, group commit, fdatasync)
with a directory that answers at once; it runs in a process of its own. The client keeps its
connections open and sends as Postfix does (MAIL, RCPT and DATA in one write, then the
message), or chained (the next three commands follow the dot in the same write), or one
message per connection. Medians of the rounds; CPU is the server's, user and system, per message.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

import uvloop

from holdfast.functions import mx
from holdfast.model.address import Address
from holdfast.model.people import Local, Remote, Route
from holdfast.world import real_world, run

ACCOUNTS = 1000
HEADER = (
    "Date: Thu, 1 Jan 2026 00:00:00 +0000\r\nFrom: a@elsewhere.example\r\n"
    "Subject: speed {}\r\nMessage-ID: <{}@x>\r\n\r\n"
)
LINE = "A line of an ordinary message, as long as they mostly are in mail.\r\n"
COMMANDS = b"MAIL FROM:<a@elsewhere.example>\r\nRCPT TO:<u%d@example.org>\r\nDATA\r\n"


class Everybody:
    """``u0`` to ``u999`` at example.org, spread over 64 cells."""

    def __init__(self) -> None:
        self.routes: dict[Address, Route] = {
            Address(f"u{i}", "example.org"): Local(i + 1, i % 64) for i in range(ACCOUNTS)
        }

    def route(self, address: Address, *, sending: bool = False) -> Route:
        return self.routes.get(address) or Remote(address)


def serve(folder: str) -> None:
    async def main() -> None:
        world = real_world(journal_path=os.path.join(folder, "journal"))
        settings = mx.Settings(hostname="mx.example.org", volume_folder=os.path.join(folder, "v1"))
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        reception = mx.reception(world, settings, Everybody(), None)
        await reception.intake.open()
        listener = await world.net.listen(reception.session, ("127.0.0.1", 0))
        print(json.dumps(listener.addresses[0]), flush=True)
        await stop.wait()
        listener.close()
        await reception.intake.close()

    os.makedirs(os.path.join(folder, "v1"))
    run(main())


class Sender(asyncio.Protocol):
    """Sends ``count`` messages on one connection."""

    def __init__(self, load: Load, count: int) -> None:
        self.load = load
        self.left = count
        self.buffer = b""
        self.expected = [b"220"]
        self.sent_at = 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n")) >= 0:
            line, self.buffer = self.buffer[:end], self.buffer[end + 2 :]
            if line[3:4] == b" ":
                code = self.expected.pop(0)
                if line[:3] != code:
                    raise SystemExit(f"expected {code!r}, got {line!r}")
                if not self.expected:
                    self.next(code)

    def next(self, code: bytes) -> None:
        load = self.load
        if code == b"220":
            self.transport.write(b"EHLO bench.example\r\n")
            self.expected = [b"250"]
        elif code == b"354":
            self.sent_at = time.perf_counter()
            self.left -= 1
            data = load.message()
            if load.chained and self.left:
                self.transport.write(data + load.commands())
                self.expected = [b"250", b"250", b"250", b"354"]
            else:
                self.transport.write(data)
                self.expected = [b"250"]
        elif self.left:
            if self.sent_at:
                load.latencies.append(time.perf_counter() - self.sent_at)
            self.transport.write(load.commands())
            self.expected = [b"250", b"250", b"354"]
        else:
            load.latencies.append(time.perf_counter() - self.sent_at)
            self.transport.write(b"QUIT\r\n")
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.load.ended(self.left)


class Load:
    def __init__(self, address: Any, size: int, chained: bool) -> None:
        self.address = address
        self.chained = chained
        body = LINE * (size // len(LINE))
        self.head, self.tail = HEADER, (body + ".\r\n").encode()
        self.count = 0
        self.latencies: list[float] = []
        self.waiting = 0
        self.done = asyncio.Event()

    def message(self) -> bytes:
        self.count += 1
        return self.head.format(self.count, self.count).encode() + self.tail

    def commands(self) -> bytes:
        return COMMANDS % (self.count % ACCOUNTS)

    def ended(self, left: int) -> None:
        if left:
            raise SystemExit(f"a connection ended with {left} messages unsent")
        self.waiting -= 1
        if not self.waiting:
            self.done.set()

    async def kept(self, connections: int, messages: int) -> None:
        self.waiting = connections
        loop = asyncio.get_running_loop()
        each = messages // connections
        for _ in range(connections):
            await loop.create_connection(lambda: Sender(self, each), *self.address)
        await self.done.wait()

    async def one_each(self, at_once: int, messages: int) -> None:
        loop = asyncio.get_running_loop()

        async def worker(count: int) -> None:
            for _ in range(count):
                lost = loop.create_future()
                sender = Sender(self, 1)
                sender.connection_lost = lambda exc, lost=lost: lost.done() or lost.set_result(None)  # type: ignore[method-assign,misc]
                await loop.create_connection(lambda sender=sender: sender, *self.address)  # type: ignore[misc]
                await lost

        await asyncio.gather(*(worker(messages // at_once) for _ in range(at_once)))


def cpu_s(pid: int) -> tuple[float, float]:
    """User and system seconds."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    ticks = os.sysconf("SC_CLK_TCK")
    return int(fields[11]) / ticks, int(fields[12]) / ticks


def once(kind: str, connections: int, messages: int, size: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="hf-bench-", dir=os.environ.get("BENCH_FOLDER")) as folder:
        server = subprocess.Popen([sys.executable, __file__, "--serve", folder], stdout=subprocess.PIPE)
        assert server.stdout is not None
        address = tuple(json.loads(server.stdout.readline()))

        async def main() -> tuple[float, tuple[float, float], list[float]]:
            warm = Load(address, size, False)
            await warm.kept(2, 200)
            load = Load(address, size, kind == "chained")
            before, start = cpu_s(server.pid), time.perf_counter()
            await (load.one_each if kind == "one each" else load.kept)(connections, messages)
            took = time.perf_counter() - start
            after = cpu_s(server.pid)
            return took, (after[0] - before[0], after[1] - before[1]), load.latencies

        took, cpu, latencies = uvloop.run(main())
        server.send_signal(signal.SIGTERM)
        server.wait()
    latencies.sort()
    sent = messages // connections * connections
    return {
        "messages_s": round(sent / took),
        "cpu_user_us": round(cpu[0] / sent * 1e6, 1),
        "cpu_system_us": round(cpu[1] / sent * 1e6, 1),
        "p50_ms": round(latencies[len(latencies) // 2] * 1000, 2),
        "p99_ms": round(latencies[len(latencies) * 99 // 100] * 1000, 2),
    }


def main(messages: int, rounds: int, counts: list[int]) -> None:
    results = {}
    for kind, connections in [*((k, n) for n in counts for k in ("kept", "chained")), ("one each", 20)]:
        runs = [once(kind, connections, messages, 4096) for _ in range(rounds)]
        name = f"{kind}, {connections} connections, 4 KiB"
        results[name] = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        print(f"{name}: {results[name]}", file=sys.stderr)
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2])
    else:
        numbers = sys.argv[1:]
        main(
            int(numbers[0]) if numbers else 20_000,
            int(numbers[1]) if len(numbers) > 1 else 3,
            [int(n) for n in numbers[2].split(",")] if len(numbers) > 2 else [20, 100],
        )
