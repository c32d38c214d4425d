"""Clients that only wait: what each costs in memory, and how soon they hear of new mail."""

from __future__ import annotations

import socket
import time

from bench.load.imap import idle
from bench.load.messages import message
from bench.load.play import Play, client_tls, no_collection
from bench.peers import Peer
from bench.rows import Measures, Program, Stage, percentile
from bench.rows.sessions import ACCOUNTS, FIRST, fill

SOURCES = 8  # client addresses: one address may hold only so many connections
SETTLE_S = 3.0  # Dovecot's hibernation begins after two
LISTENERS, FIRST_LISTENER = 300, 200
# Dovecot waits with one inotify instance per listener; a user has few, and beyond them it polls.
PEER_LISTENERS = 40
HEARD_WITHIN_S = 10.0


def memory(peer: Peer, run: int, stage: Stage) -> Measures:
    """Process memory (proportional set) of all its processes, before and after the connections came."""
    fill(peer, stage)
    count = stage.size(3000, 2000) if peer.name == "holdfast" else stage.size(1000, 500)
    found: Measures = {}
    for door, key in (("imap", "idle-plain kb"), ("imaps", "idle-tls kb")):
        tls = client_tls() if door == "imaps" else None
        peer.new_readers()  # processes left over from before would count as there anyway
        warm = Play(peer.at(door), tls=tls)
        warm.gather(lambda n, there: idle(peer.user(FIRST + n % ACCOUNTS), there), 100, 20)
        warm.close()
        time.sleep(SETTLE_S)
        before = peer.memory_kb()[0]
        load = Play(peer.at(door), tls=tls, sources=SOURCES)
        load.gather(lambda n, there: idle(peer.user(FIRST + n % ACCOUNTS), there), count, 20)
        time.sleep(SETTLE_S)
        after = peer.memory_kb()[0]
        kept = len(load.talks)
        load.close()
        if kept < count:
            raise RuntimeError(f"{peer.name}: only {kept} of {count} stay")
        found[key] = (after - before) / count
        time.sleep(1.0)
    return found


def exists(peer: Peer, run: int, stage: Stage) -> Measures:
    """From the 250 in the sender's hand to EXISTS in the reader's, one message to each client in turn."""
    count = stage.size(LISTENERS, PEER_LISTENERS) if peer.name == "holdfast" else PEER_LISTENERS
    heard: dict[int, float] = {}
    peer.new_readers()  # those of the rows before hold what is to be had of inotify
    load = Play(peer.at("imap"))

    def listening(number: int, there: object) -> object:
        return idle(
            peer.user(FIRST_LISTENER + number),
            there,  # type: ignore[arg-type]
            lambda: heard.setdefault(number, time.perf_counter()),
        )

    load.gather(listening, count, 20)  # type: ignore[arg-type]
    time.sleep(SETTLE_S)
    waits: list[float] = []
    with socket.create_connection(peer.at("smtp"), timeout=30) as sender, no_collection():
        sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def said(data: bytes, lines: int = 1) -> bytes:
            sender.sendall(data)
            got = b""
            while got.count(b"\n") < lines or not got.endswith(b"\n"):
                got += (new := sender.recv(4096))
                if not new:
                    raise ConnectionError(f"{peer.name} hung up after {got!r}")
            return got

        said(b"", 1)
        said(b"HELO client.example.net\r\n")
        for number in range(count):
            heard.pop(number, None)
            to = peer.user(FIRST_LISTENER + number).encode()
            said(b"MAIL FROM:<sender@example.net>\r\n")
            said(b"RCPT TO:<%s>\r\n" % to)
            said(b"DATA\r\n")
            reply = said(message(number, 4096, f"exists-{run}-") + b".\r\n")
            assert reply.startswith(b"250"), reply
            accepted = time.perf_counter()
            load.wait(lambda: number not in heard, HEARD_WITHIN_S)  # noqa: B023
            waits.append(max(0.0, heard[number] - accepted))
    load.close()
    return {
        "exists p50 ms": percentile(waits, 0.5) * 1000,
        "exists p99 ms": percentile(waits, 0.99) * 1000,
        "exists worst ms": max(waits) * 1000,
    }


PROGRAMS: dict[str, Program] = {"exists": exists, "memory": memory}
