"""When the disk fails under a writer: refused, cut off, a new pack (PACK-2)."""

from __future__ import annotations

import errno
from collections.abc import Iterator

import pytest

from holdfast.model.errors import Unavailable
from holdfast.sim.world import SimWorld, simulated
from unit.packs.disk import bodies, opened, path, stored, write

LONG = b"y" * 5000


@pytest.fixture
def world() -> Iterator[SimWorld]:
    with simulated(3) as made:
        yield made


@pytest.mark.parametrize("operation", ["append", "sync"])
def test_a_failed_batch_is_refused_and_a_new_pack_takes_the_next(world: SimWorld, operation: str) -> None:
    async def main() -> None:
        writer = await opened(world)
        await write(writer, b"one")
        world.platter.fail(operation, path(1), times=1)  # type: ignore[arg-type]
        with pytest.raises(Unavailable) as refused:
            await write(writer, LONG, b"three")
        assert refused.value.component == "volume-v1/mx-0"
        (written,) = await write(writer, b"two")
        assert (written.ref.pack, written.sequence) == (2, 2)
        assert bodies(world) == [b"one", b"two"]
        before = stored(world, 1)
        await write(writer, b"three")
        await writer.close()
        assert stored(world, 1) == before  # never written again, nor sealed

    world.run(main())
    assert [entry.keys["pack"] for entry in world.journal.named("pack_failed")] == [1]
    world.platter.forget_caches()
    world.power_cut()
    assert bodies(world.restart()) == [b"one", b"two", b"three"]


def test_a_disk_that_fails_for_ever_is_unavailable_until_it_is_well(world: SimWorld) -> None:
    async def main() -> None:
        writer = await opened(world)
        await write(writer, b"one")
        rule = world.platter.fail("sync", "/v1")
        for _ in range(3):
            with pytest.raises(Unavailable):
                await write(writer, LONG)
        rule.lift()
        await write(writer, b"two")
        assert bodies(world) == [b"one", b"two"]
        await writer.close()

    world.run(main())


def test_a_full_disk_refuses_cleanly_and_the_same_pack_goes_on_when_there_is_room(world: SimWorld) -> None:
    async def main() -> None:
        writer = await opened(world)
        await write(writer, b"one")
        used = len(stored(world))
        world.platter.capacity_bytes = used + 2000
        for _ in range(3):
            with pytest.raises(Unavailable):
                await write(writer, b"small", LONG)
            assert len(stored(world)) == used  # what arrived is cut off
        (fits,) = await write(writer, b"two")
        assert (fits.ref.pack, fits.sequence) == (1, 2)
        world.platter.capacity_bytes = None
        await write(writer, LONG)
        assert bodies(world) == [b"one", b"two", LONG]
        await writer.close()

    world.run(main())
    assert len(world.journal.named("volume_full")) == 3 and not world.journal.named("pack_failed")


def test_a_disk_too_full_for_a_new_pack_is_unavailable_until_there_is_room(world: SimWorld) -> None:
    async def main() -> None:
        writer = await opened(world, pack_bytes=8300)
        await write(writer, LONG)
        rule = world.platter.fail("append", "/v1", errno.ENOSPC)
        with pytest.raises(Unavailable):
            await write(writer, b"two")
        rule.lift()
        (written,) = await write(writer, b"two")
        assert written.ref.pack == 2
        await writer.close()

    world.run(main())
    assert bodies(world) == [LONG, b"two"]


def test_frames_of_a_refused_batch_are_never_shown_by_a_reader(world: SimWorld) -> None:
    async def main() -> None:
        writer = await opened(world)
        await write(writer, b"one")
        rule = world.platter.fail("sync", path(1), times=1)
        with pytest.raises(Unavailable):
            await write(writer, b"refused")
        rule.lift()
        await write(writer, b"two")  # has the sequence the refused one had
        assert bodies(world) == [b"one", b"two"]

    world.run(main())
    world.kill()
    world = world.restart()
    world.run(opened(world))
    assert bodies(world) == [b"one", b"two"]


def test_only_the_batch_that_failed_is_refused(world: SimWorld) -> None:
    async def main() -> None:
        writer = await opened(world)
        world.platter.fail("sync", path(1), times=1)
        first = writer.submit([])  # an empty append is a batch of its own mark
        await world.clock.sleep(0)
        with pytest.raises(Unavailable):
            await first
        assert len(await write(writer, b"one")) == 1
        await writer.close()

    world.run(main())
