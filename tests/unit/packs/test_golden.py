"""Packs that earlier versions wrote are read by this one: files under `golden`, made by `golden/make.py`."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from pathlib import Path

from holdfast.model.mail import START
from holdfast.packs import Frame, LedgerReader, LedgerWriter, NewFrame
from holdfast.packs.verify import pack_infos, verify
from holdfast.world import real_world
from unit.packs.golden.make import FRAMES

V1 = Path(__file__).parent / "golden" / "v1"


def expected() -> list[tuple[int, int, tuple[int, ...], bytes]]:
    out = []
    for round_ in range(3):
        for kind, body, account, cells in FRAMES:
            whole = b"".join(body) if isinstance(body, tuple) else bytes(body)
            out.append((kind, account ^ round_, cells, whole))
    return out


def seen(reader: LedgerReader) -> list[tuple[int, int, tuple[int, ...], bytes]]:
    items = list(reader.follow(START))
    assert all(isinstance(item, Frame) for item in items)
    return [(f.kind, f.account, f.cells, bytes(f.body)) for f in items if isinstance(f, Frame)]


def test_version_1_is_read_as_it_was_written() -> None:
    reader = LedgerReader(real_world(level="error"), str(V1), "mail")
    assert seen(reader) == expected()
    report = verify(reader)
    assert report.good and report.frames == 15
    assert [info.sealed for info in pack_infos(reader)] == [True] * (report.packs - 1) + [False]
    assert len(list(reader.follow(START, cell=63))) == 6


def test_version_1_is_gone_on_with(tmp_path: Path) -> None:
    shutil.copytree(V1 / "mail", tmp_path / "mail")
    world = real_world(level="error")

    async def main() -> None:
        writer = await LedgerWriter.open(world, str(tmp_path), "mail")
        assert [unsure.sequence for unsure in writer.recovered.unsure] == [14, 15]
        assert writer.recovered.acknowledged == 13
        (written,) = await writer.append([NewFrame(1, b"later")])
        assert written.sequence == 16
        await writer.close()

    asyncio.run(main())
    assert seen(LedgerReader(world, str(tmp_path), "mail"))[-1] == (1, 0, (), b"later")


def test_the_golden_files_are_the_ones_that_were_made() -> None:
    digests = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in sorted(V1.rglob("*.pack"))
    }
    assert digests == DIGESTS


DIGESTS = {
    "00000001.pack": "756913f939140585",
    "00000002.pack": "8de8362372a3e491",
    "00000003.pack": "b8c176e8f1c62d41",
    "00000004.pack": "c4b92b457cfcef23",
    "00000005.pack": "312020712fc61cb0",
    "00000006.pack": "ba46b9fc4a8fae9c",
}
