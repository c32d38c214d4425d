"""Appending: what resolves is durable, in order, in packs (PACK-1, PACK-6, PACK-7)."""

from __future__ import annotations

import asyncio

import pytest

from holdfast.model.errors import Refused, Unavailable
from holdfast.model.limits import FRAME_BODY_BYTES
from holdfast.model.mail import START
from holdfast.packs import Frame, LedgerReader, LedgerWriter, NewFrame
from holdfast.packs.verify import pack_infos, verify
from holdfast.sim.world import SimWorld, simulated

VOLUME = "/volumes/v1"


@pytest.fixture
def world():
    with simulated(1) as made:
        yield made


def test_what_was_appended_is_read_back(world: SimWorld) -> None:
    async def main() -> None:
        writer = await LedgerWriter.open(world, VOLUME, "mx-0")
        first = await writer.append([NewFrame(1, b"one", 7, (3,)), NewFrame(1, (b"tw", b"o"), 8, (1, 2))])
        second = await writer.append([NewFrame(2, b"")])
        assert [written.sequence for written in first + second] == [1, 2, 3]
        reader = LedgerReader(world, VOLUME, "mx-0")
        frames = list(reader.follow(START))
        assert [(f.kind, f.sequence, f.account, f.cells, bytes(f.body)) for f in frames] == [
            (1, 1, 7, (3,), b"one"),
            (1, 2, 8, (1, 2), b"two"),
            (2, 3, 0, (), b""),
        ]
        assert [f.ref for f in frames] == [written.ref for written in first + second]
        assert reader.read(first[1].ref).body == b"two"
        assert reader.after(frames[-1]) == writer.durable == reader.end()
        assert reader.identity == writer.identity and len(reader.identity) == 16
        await writer.close()

    world.run(main())


def test_appends_made_at_once_share_one_sync(world: SimWorld) -> None:
    async def main() -> None:
        writer = await LedgerWriter.open(world, VOLUME, "mx-0")
        world.platter.trace = []
        await asyncio.gather(*(writer.append([NewFrame(1, bytes([n]) * 10)]) for n in range(50)))
        assert [operation for operation, _ in world.platter.trace] == ["append", "sync"]
        await writer.close()

    world.run(main())


def test_frames_keep_the_order_of_submission_over_many_packs(world: SimWorld) -> None:
    async def main() -> None:
        writer = await LedgerWriter.open(world, VOLUME, "mx-0", pack_bytes=20_000)
        refs = []
        for n in range(30):
            refs += await writer.append([NewFrame(1, b"%d" % n * 500, n, (n % 4,))])
        await writer.close()
        reader = LedgerReader(world, VOLUME, "mx-0")
        frames = list(reader.follow(START))
        assert [bytes(f.body) for f in frames if isinstance(f, Frame)] == [b"%d" % n * 500 for n in range(30)]
        infos = pack_infos(reader)
        assert len(infos) > 2
        assert all(info.sealed for info in infos[:-1]) and not infos[-1].sealed
        assert sum(info.frames for info in infos) == 30
        for cell in range(4):
            assert [f.account for f in reader.follow(START, cell=cell)] == list(range(cell, 30, 4))
        assert verify(reader).good and verify(reader).frames == 30
        assert [f.sequence for f in reader.read_many([w.ref for w in reversed(refs)])] == list(
            range(30, 0, -1)
        )

    world.run(main())


def test_a_second_writer_is_refused(world: SimWorld) -> None:
    async def main() -> None:
        writer = await LedgerWriter.open(world, VOLUME, "mx-0")
        with pytest.raises(Unavailable) as refused:
            await LedgerWriter.open(world, VOLUME, "mx-0")
        assert refused.value.component == "volume-v1/mx-0"
        await writer.close()
        again = await LedgerWriter.open(world, VOLUME, "mx-0")
        await again.close()

    world.run(main())


def test_a_ledger_goes_on_where_it_ended(world: SimWorld) -> None:
    async def main() -> None:
        for n in range(1, 4):
            writer = await LedgerWriter.open(world, VOLUME, "mx-0")
            assert writer.recovered.unsure == () and writer.recovered.cut_bytes == 0
            (written,) = await writer.append([NewFrame(1, b"x")])
            assert written.sequence == n
            await writer.close()

    world.run(main())


def test_frames_that_cannot_be_are_refused(world: SimWorld) -> None:
    async def main() -> None:
        writer = await LedgerWriter.open(world, VOLUME, "mx-0")
        with pytest.raises(Refused):
            await writer.append([NewFrame(255, b"")])
        with pytest.raises(Refused):
            await writer.append([NewFrame(1, b"", -1)])
        with pytest.raises(Refused):
            await writer.append([NewFrame(1, bytes(FRAME_BODY_BYTES + 1))])
        assert (await writer.append([NewFrame(1, b"fine")]))[0].sequence == 1
        await writer.close()
        with pytest.raises(Unavailable):
            await writer.append([NewFrame(1, b"")])

    world.run(main())
