"""Checks of components without a service: what is damaged or gone is said, what is well isn't."""

from __future__ import annotations

from pathlib import Path

from holdfast.model.ledgers import INCIDENTS
from holdfast.packs import LedgerWriter, NewFrame
from holdfast.run.components import sample
from holdfast.run.layout import LedgerPlace
from holdfast.watch.components import Checks, Places
from holdfast.world import real_world, run
from holdfast.world.dns import RealResolver

WORLD = real_world(level="error")


def ledger(folder: Path) -> LedgerPlace:
    async def write() -> None:
        writer = await LedgerWriter.open(WORLD, str(folder), INCIDENTS)
        for number in range(20):
            await writer.append([NewFrame(1, b"frame %d " % number * 50)])
        await writer.close()

    run(write())
    return LedgerPlace(str(folder), INCIDENTS, ())


def test_canary_6_a_flipped_bit_in_a_pack_is_found_and_a_whole_pack_is_well(tmp_path):
    place = ledger(tmp_path)
    assert sample(WORLD, place) == ""
    [pack] = sorted((tmp_path / INCIDENTS).glob("*.pack"))
    bytes_ = bytearray(pack.read_bytes())
    bytes_[bytes_.index(b"frame 7 ") + 3] ^= 4
    pack.write_bytes(bytes_)
    assert "pack" in sample(WORLD, place)


def test_canary_6_each_folder_is_judged_by_itself_and_nothing_is_left_in_it(tmp_path):
    async def nobody() -> list[object]:
        return []

    places = Places(
        {"disk/data": str(tmp_path), "disk/volume-v1": str(tmp_path / "gone")},
        {"ledger/mail": lambda: 1 // 0},
        nobody,
        list,
        None,
        {},
        RealResolver(),
        [],
    )
    found = {each.trial: each for each in run(Checks(WORLD, places).look())}
    assert found["disk/data"].state == "works"
    assert (found["disk/volume-v1"].state, found["disk/volume-v1"].step) == ("fails", "room")
    assert found["ledger/mail"].state == "unknown", "a check that fails itself decides nothing"
    assert found["machine"].state == "unknown"
    assert list(tmp_path.iterdir()) == []
