"""The real clock, entropy, journal and threads."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from pathlib import Path

import pytest

from holdfast.model.events import Event
from holdfast.world import Entry, real_world, run
from holdfast.world.disk import IOV_MAX, RealFile
from holdfast.world.world import SWITCH_INTERVAL_S

INFO = Event("something", "info", "for this test", ("a", "b"))
DEBUG = Event("detail", "debug", "for this test", ("a",))


def test_the_journal_is_lines_of_json(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    world = real_world(journal_path=str(path))
    world.journal.emit(INFO, a="x\ny", b={"deep": [1, b"raw"]})
    world.journal.emit(DEBUG, a=1)
    world.journal.emit(INFO, a=ValueError("odd"), b=None)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["something", "something"]
    assert lines[0]["a"] == "x\ny"
    assert lines[0]["level"] == "info"
    assert lines[1]["a"] == "odd"
    assert abs(lines[0]["at"] - world.clock.now()) < 60


def test_a_subscriber_gets_every_level_and_can_not_break_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    world = real_world(journal_path=str(path))
    seen: list[Entry] = []

    def breaks(entry: Entry) -> None:
        raise RuntimeError

    world.journal.at(breaks)
    world.journal.at(seen.append)
    world.journal.emit(DEBUG, a=1)
    world.journal.emit(INFO, a=2)
    assert [(entry.name, entry.keys) for entry in seen] == [("detail", {"a": 1}), ("something", {"a": 2})]
    assert len(path.read_text().splitlines()) == 1


def test_a_journal_on_a_full_disk_stops_nothing() -> None:
    """WORLD-7."""

    if not os.path.exists("/dev/full"):
        pytest.fail("needs /dev/full")
    world = real_world(journal_path="/dev/full")
    world.journal.emit(INFO, a=1)
    assert world.journal.lost == 1  # type: ignore[attr-defined]


def test_the_interpreter_switches_soon_enough_for_a_committer(tmp_path: Path) -> None:
    real_world(journal_path=str(tmp_path / "j"))
    assert sys.getswitchinterval() == pytest.approx(SWITCH_INTERVAL_S)


def test_a_thread_is_one_thread_in_order() -> None:
    """WORLD-6."""

    async def main() -> None:
        world = real_world()
        thread = world.thread("committer")
        order: list[int] = []
        await asyncio.gather(*(thread.run(order.append, n) for n in range(200)))
        assert order == list(range(200))
        names = {await thread.run(lambda: threading.current_thread().name) for _ in range(5)}
        assert names == {"committer"}
        with pytest.raises(ZeroDivisionError):
            await thread.run(lambda: 1 // 0)
        with pytest.raises(RuntimeError, match="StopIteration"):
            await thread.run(next, iter(()))
        thread.close()

    run(main())


def test_a_given_up_wait_hurts_neither_thread_nor_loop() -> None:
    """WORLD-6."""

    async def main() -> None:
        thread = real_world().thread("t")
        gate = threading.Event()
        given_up = thread.run(gate.wait)
        given_up.cancel()
        gate.set()
        assert await thread.run(lambda: "next") == "next"

    run(main())


def test_offloaded_work_runs_beside_the_loop() -> None:
    async def main() -> None:
        world = real_world()
        gate = threading.Event()
        blocked = asyncio.ensure_future(world.offload(gate.wait, 10))
        assert await world.offload(lambda: 7) == 7
        gate.set()
        assert await blocked

    run(main())


def test_entropy_differs_each_time() -> None:
    entropy = real_world().entropy
    assert len({entropy.bytes(16) for _ in range(100)}) == 100
    assert len({entropy.token() for _ in range(100)}) == 100
    assert {len(entropy.token(n)) for n in (1, 16, 40)} == {1, 16, 40}
    assert all(2 <= entropy.uniform(2, 3) <= 3 for _ in range(100))


def test_short_writes_are_carried_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """WORLD-2."""

    real = os.pwritev
    calls: list[int] = []

    def short(fd: int, buffers: list[bytes], offset: int) -> int:
        calls.append(len(buffers))
        whole = b"".join(buffers)
        return real(fd, [whole[: max(1, len(whole) // 2)]], offset)

    monkeypatch.setattr(os, "pwritev", short)
    file = real_world().disk.open(str(tmp_path / "f"), create=True)
    parts = [bytes([n & 255]) * (n % 7) for n in range(IOV_MAX + 300)]
    file.append(*parts)
    assert (tmp_path / "f").read_bytes() == b"".join(parts)
    assert max(calls) <= IOV_MAX


def test_a_failed_append_is_overwritten_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """WORLD-3."""

    file = real_world().disk.open(str(tmp_path / "f"), create=True)
    assert isinstance(file, RealFile)
    file.append(b"first")
    real = os.pwritev
    answers = [3, 0]

    def full(fd: int, buffers: list[bytes], offset: int) -> int:
        n = answers.pop(0)
        return real(fd, [b"".join(buffers)[:n]], offset) if n else 0

    monkeypatch.setattr(os, "pwritev", full)
    with pytest.raises(OSError, match="No space"):
        file.append(b"second")
    monkeypatch.setattr(os, "pwritev", real)
    assert file.append(b"third") == 5
    assert (tmp_path / "f").read_bytes() == b"firstthird"
