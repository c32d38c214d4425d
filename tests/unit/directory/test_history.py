"""The history of sign-ins: one line for what is one to a person, of all processes, and never in the way."""

from __future__ import annotations

import itertools
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.directory.history import FLUSH_S, History, SignInSeen, merged, read_history
from holdfast.model.limits import HISTORY_DAYS, HISTORY_GAP_S, HISTORY_PENDING, HISTORY_ROWS_PER_ACCOUNT
from holdfast.sim.world import EPOCH, SimWorld

FOLDER = "/data/history"
ANN, BOB = 7, 8
DAY = 86_400.0


def play(world: SimWorld, main: Coroutine[Any, Any, None]) -> None:
    world.run(main)
    assert world.simulation.unhandled == []


def history(world: SimWorld, name: str = "imap-0") -> History:
    return History(world, f"{FOLDER}/{name}.sqlite")


def brief(rows: list[SignInSeen]) -> list[tuple[str, str, int]]:
    return [(row.function, row.result, row.count) for row in rows]


def test_equal_sign_ins_are_one_line_with_their_number_and_times(world: SimWorld) -> None:
    async def main() -> None:
        noted = history(world)
        for _ in range(3):
            noted.note(ANN, "imap", "192.0.2.7", "right")
            await world.clock.sleep(600)
        noted.note(ANN, "imap", "192.0.2.9", "right")
        noted.note(BOB, "imap", "192.0.2.9", "right")
        [row] = await noted.read_all(ANN)
        assert (row.network, row.peer, row.count) == ("192.0.2.0/24", "192.0.2.9", 4)
        assert row.first == pytest.approx(EPOCH, abs=1)
        assert row.last == pytest.approx(EPOCH + 1800, abs=1)

    play(world, main())


def test_what_differs_is_a_line_of_its_own_newest_first(world: SimWorld) -> None:
    async def main() -> None:
        noted = history(world)
        for function, peer, result, program in (
            ("imap", "192.0.2.7", "right", ""),
            ("imap", "192.0.2.7", "wrong", ""),
            ("imap", "198.51.100.1", "wrong", ""),
            ("imap", "192.0.2.7", "right", "phone"),
            ("web", "192.0.2.7", "right", ""),
        ):
            noted.note(ANN, function, peer, result, program)
            await world.clock.sleep(1)
        rows = await noted.read_all(ANN)
        assert [(row.function, row.result, row.program) for row in rows] == [
            ("web", "right", ""),
            ("imap", "right", "phone"),
            ("imap", "wrong", ""),
            ("imap", "wrong", ""),
            ("imap", "right", ""),
        ]

    play(world, main())


def test_what_two_processes_saw_is_one_line(world: SimWorld) -> None:
    async def main() -> None:
        first, second = history(world), history(world, "imap-1")
        for _ in range(3):
            first.note(ANN, "imap", "192.0.2.7", "right")
            second.note(ANN, "imap", "192.0.2.8", "right")
            await world.clock.sleep(60)
        second.note(ANN, "imap", "192.0.2.8", "wrong")
        await second.close()
        assert brief(await first.read_all(ANN)) == [("imap", "wrong", 1), ("imap", "right", 6)]

    play(world, main())


def test_who_comes_back_after_more_than_a_day_begins_a_new_line(world: SimWorld) -> None:
    async def main() -> None:
        noted = history(world)
        noted.note(ANN, "imap", "192.0.2.7", "right")
        await world.clock.sleep(HISTORY_GAP_S + 60)
        noted.note(ANN, "imap", "192.0.2.7", "right")
        assert brief(await noted.read_all(ANN)) == [("imap", "right", 1)] * 2

    play(world, main())


@pytest.mark.slow
def test_a_phone_that_asks_all_day_takes_few_lines_and_ninety_days_later_none(world: SimWorld) -> None:
    async def main() -> None:
        noted = history(world)
        for _ in range(HISTORY_DAYS * 2):
            noted.note(ANN, "imap", "192.0.2.7", "right")
            await world.clock.sleep(DAY / 2)
        path = world.disk.database_path(f"{FOLDER}/imap-0.sqlite")
        assert _lines(path) <= 4
        assert sum(row.count for row in await noted.read_all(ANN)) == HISTORY_DAYS * 2
        await world.clock.sleep((HISTORY_DAYS + 1) * DAY)
        assert await noted.read_all(ANN) == []
        noted.note(BOB, "imap", "192.0.2.7", "right")
        await world.clock.sleep(FLUSH_S + 1)
        assert _lines(path) == 1, "and they are deleted, not only hidden"

    play(world, main())


def _lines(path: str) -> int:
    import apsw

    return int(apsw.Connection(path).execute("SELECT count(*) FROM seen").fetchone()[0])  # type: ignore[index, arg-type]


def test_it_is_written_within_seconds_and_outlives_a_kill(world: SimWorld) -> None:
    async def main() -> None:
        function = world.process("imap")
        history(function).note(ANN, "imap", "192.0.2.7", "right")
        await world.clock.sleep(FLUSH_S + 0.1)
        function.kill()
        assert brief(read_history(world, FOLDER, ANN)) == [("imap", "right", 1)]

    play(world, main())


def test_guesses_from_everywhere_do_not_push_out_what_the_owner_did(world: SimWorld) -> None:
    async def main() -> None:
        noted = history(world)
        noted.note(ANN, "imap", "192.0.2.7", "right")
        await world.clock.sleep(FLUSH_S + 1)
        for n in range(HISTORY_ROWS_PER_ACCOUNT + 50):
            noted.note(ANN, "imap", f"10.{n // 250}.{n % 250}.1", "wrong")
        rows = await noted.read_all(ANN)
        assert len(rows) == HISTORY_ROWS_PER_ACCOUNT + 1
        assert rows[-1].result == "right"

    play(world, main())


def test_a_damaged_file_is_passed_over_and_reported(world: SimWorld) -> None:
    async def main() -> None:
        good, bad = history(world), history(world, "pop3-0")
        good.note(ANN, "imap", "192.0.2.7", "right")
        bad.note(ANN, "pop3", "192.0.2.7", "right")
        await bad.close()
        Path(world.disk.database_path(f"{FOLDER}/pop3-0.sqlite")).write_bytes(b"no database at all" * 100)
        assert brief(await good.read_all(ANN)) == [("imap", "right", 1)]
        assert world.journal.named("history_damaged")
        again = history(world, "pop3-0")
        again.note(ANN, "pop3", "192.0.2.7", "right")
        assert ("pop3", "right", 1) in brief(await again.read_all(ANN)), "its own process begins a new one"

    play(world, main())


def test_what_cannot_be_written_is_lost_and_said_and_nobody_waits(world: SimWorld) -> None:
    async def main() -> None:
        noted = history(world)
        folder = Path(world.disk.database_path(f"{FOLDER}/imap-0.sqlite"))
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()  # a folder where the file should be
        noted.note(ANN, "imap", "192.0.2.7", "right")
        await world.clock.sleep(FLUSH_S + 1)
        noted.note(ANN, "imap", "192.0.2.7", "right")
        await world.clock.sleep(FLUSH_S + 1)
        assert len(world.journal.named("history_failed")) == 1, "once, not for each"
        folder.rmdir()
        noted.note(ANN, "imap", "192.0.2.7", "right")
        assert brief(await noted.read_all(ANN)) == [("imap", "right", 1)]

    play(world, main())


@pytest.mark.slow
def test_memory_is_bounded_and_what_is_too_much_is_counted(world: SimWorld) -> None:
    async def main() -> None:
        noted = history(world)
        for n in range(HISTORY_PENDING + 5):
            noted.note(1000 + n, "imap", "192.0.2.7", "wrong")
        await world.clock.sleep(FLUSH_S + 1)
        [event] = world.journal.named("history_failed")
        assert event.keys["lost"] == 5

    play(world, main())


ROWS = st.lists(
    st.builds(
        lambda function, first, length, count: SignInSeen(
            function, "192.0.2.0/24", "192.0.2.1", "right", "", first, first + length, count
        ),
        st.sampled_from(["imap", "pop3"]),
        st.floats(0, 20 * DAY),
        st.floats(0, 3 * DAY),
        st.integers(1, 9),
    )
)


@pytest.mark.slow
@given(ROWS)
def test_merging_loses_no_sign_in_and_leaves_no_two_lines_that_are_one(rows: list[SignInSeen]) -> None:
    found = merged(rows)
    assert sum(row.count for row in found) == sum(row.count for row in rows)
    assert [row.last for row in found] == sorted((row.last for row in found), reverse=True)
    for function in ("imap", "pop3"):
        own = sorted((row for row in found if row.function == function), key=lambda row: row.first)
        for before, after in itertools.pairwise(own):
            assert after.first > before.last + HISTORY_GAP_S
