"""Packs in simulated universes, and the proof that the checker sees what it should see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from holdfast.packs import copies, format, recovery, writer
from holdfast.sim import __main__ as play
from holdfast.sim import packs
from holdfast.sim.loop import PowerCut

UNIVERSES = 1200
ENOUGH = 150  # universes in which a planted bug must show


@pytest.mark.slow
def test_no_universe_breaks_a_promise() -> None:
    assert play.main(["packs", "--seeds", str(UNIVERSES)]) == 0


def without_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(file: Any, buffers: Any) -> tuple[str, OSError | None]:
        try:
            file.append(*buffers)
        except OSError as error:
            return "write", error
        return "", None

    monkeypatch.setattr(writer, "_write", write)


def nothing_is_unsure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery._Opening, "_unsure", lambda *_: ())


def all_damage_is_torn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery._Opening, "_torn", lambda *_: True)


def a_mark_tells_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    right = format.mark_bytes
    monkeypatch.setattr(format, "mark_bytes", lambda last, told, seed, at: right(last, last, seed, at))


def a_failed_pack_is_written_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ignore(*_: object) -> None:
        pass

    monkeypatch.setattr(writer.LedgerWriter, "_handle_failure", ignore)


def bodies_are_not_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    right = format.parse_one

    def parse_one(data: bytes, at: int, ref: Any, seed: int) -> Any:
        found = right(data, at, ref, seed)
        head = format.parse_head(data, at, ref.offset, seed)
        if found is not None or head is None:
            return found
        body = memoryview(data)[at + 32 + 2 * len(head.cells) :][: head.body_size]
        return packs.Frame(head.kind, head.sequence, head.account, head.cells, body, ref)

    monkeypatch.setattr(format, "parse_one", parse_one)


def a_copy_takes_over_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "_damaged", lambda *_: [])


@pytest.mark.slow
@pytest.mark.parametrize(
    "plant",
    [
        without_sync,
        nothing_is_unsure,
        all_damage_is_torn,
        a_mark_tells_too_much,
        a_failed_pack_is_written_on,
        bodies_are_not_verified,
        a_copy_takes_over_damage,
    ],
)
def test_a_planted_bug_is_found(
    plant: Callable[[pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plant(monkeypatch)
    assert play.main(["packs", "--seeds", str(ENOUGH)]) == 1
    told = capsys.readouterr().err
    assert "Violation" in told
    assert "Again: python -m holdfast.sim packs --seed" in told


def test_a_universe_is_the_same_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def history(seed: int) -> list[object]:
        universe = packs.Universe(seed)
        universe.run()
        return [sorted(universe.ledger.acknowledged), universe.ledger.flips, universe.simulation.loop.time()]

    assert history(5) == history(5) != history(6)


def test_a_power_cut_is_no_failure() -> None:
    assert not issubclass(PowerCut, Exception)  # it must never be handled by the code under test
