"""Starts, the death of everything under load, and indexes made anew."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import time
from collections import Counter, deque

from bench.load.imap import Imap
from bench.load.messages import message
from bench.load.play import Gone, Play, Script, lines, smtp_reply
from bench.load.smtp import ENVELOPE
from bench.peers import Holdfast, Peer
from bench.rows import Measures, Program, Stage
from bench.rows.mailbox import BIG, opened

GREETED = ("smtp", "imap", "pop3")
TARGETS = 50  # accounts that get mail while everything is killed
STUCK_S = 15.0
ALL_ACCOUNTS = 100_000


def greeted(peer: Peer, since: float, doors: tuple[str, ...] = GREETED) -> float:
    """Seconds since ``since`` until each of its doors has greeted."""
    for door in doors:
        while True:
            with contextlib.suppress(OSError), socket.create_connection(peer.at(door), timeout=5) as probe:
                if probe.recv(100):
                    break
            time.sleep(0.003)
            if time.perf_counter() - since > 120:
                raise TimeoutError(f"{peer.name}: no greeting from {door}")
    return time.perf_counter() - since


def start(peer: Peer, run: int, stage: Stage) -> Measures:
    """Stopped and started as it stands: what the rows before left in it."""
    peer.stop()
    began = time.perf_counter()
    peer.launch()
    seconds = greeted(peer, began)
    peer.settled()
    return {"start s": seconds}


def start_full(peer: Peer, run: int, stage: Stage) -> Measures:
    """With 100,000 accounts. The peers look nobody up: theirs is the empty start."""
    measures: Measures = {}
    if isinstance(peer, Holdfast):
        if stage.once(peer, "everybody"):
            began = time.perf_counter()
            peer.add(f"everybody{n}" for n in range(stage.size(ALL_ACCOUNTS, 10_000)))
            measures["import accounts/s"] = stage.size(ALL_ACCOUNTS, 10_000) / (time.perf_counter() - began)
            time.sleep(3.0)
        measures["start-100k s"] = start(peer, run, stage)["start s"]
    return measures


class _Load:
    """Sends its messages once each, and again what was not acknowledged, as a mail server would."""

    def __init__(self, peer: Peer, count: int, stamp: str) -> None:
        self.peer = peer
        self.stamp = stamp
        self.rest = deque(range(count))
        self.accepted: dict[int, float] = {}
        self.killed = False

    def script(self) -> Script:
        reply = yield b"", smtp_reply
        yield b"EHLO client.example.net\r\n", smtp_reply
        while self.rest:
            number = self.rest.popleft()
            try:
                to = self.peer.user(number % TARGETS).encode()
                reply = yield ENVELOPE % to, lines(3)
                if b"\r\n354" not in reply:
                    raise Gone(repr(reply))
                reply = yield message(number, 4096, self.stamp) + b".\r\n", smtp_reply
                if not reply.startswith(b"250"):
                    raise Gone(repr(reply))
            except Gone:
                self.rest.append(number)
                raise
            self.accepted[number] = time.perf_counter()

    def until_killed(self, seconds: float) -> float:
        """Plays until everything was killed; when that was."""
        killed: list[float] = []

        def kill() -> None:
            time.sleep(seconds)
            killed.append(time.perf_counter())
            self.peer.kill_everything()

        killer = threading.Thread(target=kill)
        killer.start()
        load = Play(self.peer.at("smtp"))
        load.run((self.script() for _ in range(20)), 20)
        load.close()
        killer.join()
        return killed[0]

    def first_250(self) -> None:
        """One message as soon as anybody takes it."""
        while True:
            before = len(self.accepted)
            load = Play(self.peer.at("smtp"))
            rest, self.rest = self.rest, deque([self.rest[0]])
            with contextlib.suppress(OSError, AssertionError):
                load.run([self.script()], 1)
            load.close()
            if len(self.accepted) > before:
                rest.popleft()
                self.rest = rest
                return
            self.rest = rest
            time.sleep(0.003)

    def remainder(self) -> None:
        while self.rest:
            load = Play(self.peer.at("smtp"))
            load.run((self.script() for _ in range(20)), 20)
            load.close()

    def found(self) -> Counter[int]:
        """How often each message is there, by its Message-ID."""
        seen: Counter[int] = Counter()
        mark = f"<{self.stamp}".encode()
        for number in range(TARGETS):
            imap = Imap(self.peer.at("imap"), self.peer.user(number))
            imap.do(b"SELECT INBOX")
            text = imap.read(b"UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
            imap.close()
            for piece in text.split(mark)[1:]:
                seen[int(piece[: piece.index(b"@")])] += 1
        return seen


def kill(peer: Peer, run: int, stage: Stage) -> Measures:
    """kill -9 of every process while twenty connections deliver, and a start at once."""
    load = _Load(peer, 20_000 if isinstance(peer, Holdfast) else 4_000, f"kill-{run}-{int(time.time())}-")
    killed = load.until_killed(1.0)
    before = len(load.accepted)
    restarted = time.perf_counter()
    peer.launch()
    load.first_250()
    first = time.perf_counter()
    for _ in range(len(load.rest) - 1000):
        load.rest.pop()  # a thousand more are enough
    tried = set(load.accepted) | set(load.rest)
    peer.settled()
    load.remainder()
    until = time.monotonic() + STUCK_S
    while not tried <= (found := load.found()).keys() and time.monotonic() < until:
        time.sleep(0.5)
    stuck = sum(number not in found for number in load.accepted)
    if stuck:
        peer.flush()
        time.sleep(10.0)
        found = load.found()
    lost = sum(number not in found for number in load.accepted)
    return {
        "kill first s": first - restarted,
        "kill first after kill s": first - killed,
        "kill lost": float(lost),
        "kill doubled": float(sum(times - 1 for times in found.values())),
        "kill stuck": float(stuck - lost),
        "kill accepted before": float(before),
    }


def rebuild(peer: Peer, run: int, stage: Stage) -> Measures:
    """One cell's index deleted while the service runs; then all of them by the command."""
    if not isinstance(peer, Holdfast):
        return {}
    opened(peer, stage).close()
    cell = peer.cell_of(BIG)
    peer.rebuilt = len(peer.service.events("index_rebuilt"))
    for path in peer.index_files(cell):
        path.unlink(missing_ok=True)
    live = _rebuilt(peer, cell, time.perf_counter())
    began = time.perf_counter()
    done = subprocess.run(
        [*peer.command, "index", "rebuild", "--all"], capture_output=True, env=peer.service._environment()
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-500:])
    everything = time.perf_counter() - began
    return {
        "rebuild-cell/s": peer.messages_in([cell]) / live,
        "rebuild-cell s": live,
        "rebuild-all/s": peer.messages_in(range(64)) / everything,
        "rebuild-all s": everything,
    }


def _rebuilt(peer: Holdfast, cell: int, since: float) -> float:
    """Seconds from ``since`` until the journal says that the cell is whole again, the noticing included."""
    while True:
        if any(each["cell"] == cell for each in peer.service.events("index_rebuilt")[peer.rebuilt :]):
            return time.perf_counter() - since
        if time.perf_counter() - since > 120:
            raise TimeoutError(f"cell {cell} isn't rebuilt")
        time.sleep(0.01)


PROGRAMS: dict[str, Program] = {"kill": kill, "rebuild": rebuild, "start": start, "start-100k": start_full}
