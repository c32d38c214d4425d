"""Mail through power cuts in simulated universes, and the proof that the checker sees what it should see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from holdfast.flow.intake import Intake
from holdfast.model.mail import START
from holdfast.packs.writer import LedgerWriter
from holdfast.sim import __main__ as play
from holdfast.sim import mail
from holdfast.store.cells import Cells
from holdfast.store.fold import CellFold
from holdfast.store.writer import StoreWriter

UNIVERSES = 800
ENOUGH = 60  # universes in which a planted bug must show


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_no_universe_breaks_a_promise() -> None:
    assert play.main(["mail", "--seeds", str(UNIVERSES)]) == 0


def second_tries_are_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CellFold, "_started", lambda *_: None)


def doubts_are_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Intake, "unsure", lambda *_: None)


def merging_begins_anew_after_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    def forget(writer: Any) -> None:
        writer._merged = {}

    monkeypatch.setattr(StoreWriter, "_load_merged", forget)


def the_index_forgets_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CellFold, "_meta", lambda *_: START)


def what_is_not_durable_is_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    right = LedgerWriter.submit

    def announced_at_once(writer: Any, frames: Any, acknowledged: Any = None) -> Any:
        future = right(writer, frames, acknowledged)
        if not future.done() and writer.component.endswith("mx-0"):
            sequence = writer.next_sequence
            future.set_result([mail_written(sequence + n) for n, _ in enumerate(frames)])
        return future

    monkeypatch.setattr(LedgerWriter, "submit", announced_at_once)


def mail_written(sequence: int) -> Any:
    from holdfast.model.mail import PackRef
    from holdfast.packs import Written

    return Written(PackRef(1, 64, 64), sequence)


def a_cell_that_fell_behind_skips_what_it_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Cells._catch_up

    async def skip(cells: Any, cell: int, db: Any) -> None:
        db.execute(
            "INSERT OR REPLACE INTO meta VALUES('position', ?)", (f"{cells.head.pack}:{cells.head.offset}",)
        )
        await right(cells, cell, db)

    def adopt(cells: Any, head: Any) -> None:
        cells.head = head
        for cell in range(cells.count):
            cells._fall_behind(cell, "left for later")

    monkeypatch.setattr(Cells, "_catch_up", skip)
    monkeypatch.setattr(Cells, "open", adopt)


@pytest.mark.slow
@pytest.mark.parametrize(
    "plant",
    [
        second_tries_are_delivered,
        doubts_are_not_told,
        merging_begins_anew_after_a_restart,
        the_index_forgets_where_it_was,
        what_is_not_durable_is_folded,
        a_cell_that_fell_behind_skips_what_it_missed,
    ],
)
def test_a_planted_bug_is_found(
    plant: Callable[[pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plant(monkeypatch)
    assert play.main(["mail", "--seeds", str(ENOUGH)]) == 1
    assert "Again: python -m holdfast.sim mail --seed" in capsys.readouterr().err


@pytest.mark.slow
def test_a_universe_is_the_same_each_time() -> None:
    def history(seed: int) -> list[Any]:
        seen: list[Any] = []
        right = mail.Scenario.check

        def check(scenario: mail.Scenario, *rest: Any) -> None:
            seen.append((sorted(scenario.acknowledged), sorted(scenario.appended), scenario.next_number))
            right(scenario, *rest)

        mail.Scenario.check = check  # type: ignore[method-assign]
        try:
            mail.run(seed)
        finally:
            mail.Scenario.check = right  # type: ignore[method-assign]
        return seen

    assert history(5) == history(5) != history(6)
