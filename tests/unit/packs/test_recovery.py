"""Opening what another left: torn, damaged, unsure (PACK-4, PACK-6, PACK-8, PACK-9)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from holdfast.model.errors import Unavailable
from holdfast.packs import LedgerWriter, Recovery, Written
from holdfast.sim.world import SimWorld, simulated
from unit.packs.disk import bodies, damage, opened, path, store, stored, write

LONG = b"x" * 3000


@pytest.fixture
def world() -> Iterator[SimWorld]:
    with simulated(2) as made:
        yield made


def left_behind(world: SimWorld, *batches: tuple[bytes, ...], told: int | None = None) -> list[Written]:
    """A writer appends these batches and is killed."""

    async def main() -> list[Written]:
        writer = await opened(world)
        written = []
        for batch in batches:
            written += await write(writer, *batch, told=told)
        return written

    result = world.run(main())
    world.kill()
    return result


def reopened(world: SimWorld) -> tuple[Recovery, SimWorld, int]:
    """The next life's recovery, world and next sequence."""
    world = world.restart()

    async def main() -> tuple[Recovery, int]:
        writer = await opened(world)
        return writer.recovered, writer.next_sequence

    recovered, following = world.run(main())
    return recovered, world, following


def events(world: SimWorld, name: str) -> int:
    return len(world.journal.named(name))


def test_a_frame_cut_short_at_the_end_is_cut_off(world: SimWorld) -> None:
    left_behind(world, (b"one", b"two"))
    store(world, stored(world)[:-4])
    recovered, world, following = reopened(world)
    assert bodies(world) == [b"one"] and following == 2
    assert recovered.cut_bytes == 36 and events(world, "tail_cut") == 1


def test_zeros_behind_the_last_frame_are_cut_off(world: SimWorld) -> None:
    left_behind(world, (b"one",))
    store(world, stored(world) + bytes(5000))
    recovered, world, following = reopened(world)
    assert bodies(world) == [b"one"] and recovered.cut_bytes == 5000 and following == 2


def test_a_torn_stretch_before_a_whole_frame_becomes_void(world: SimWorld) -> None:
    _, second, third = left_behind(world, (b"one", LONG, b"three"))
    damage(world, (second.ref.offset + 600) // 512 * 512, bytes(512))
    recovered, world, following = reopened(world)
    assert bodies(world) == [b"one", b"three"] and following == 4
    assert recovered.void_bytes == second.ref.size and recovered.cut_bytes == 0
    assert [unsure.sequence for unsure in recovered.unsure] == [1, 3]
    assert events(world, "torn_voided") == 1 and events(world, "frame_bad") == 0
    assert recovered.unsure[1].ref == third.ref
    assert reopened(world)[0].void_bytes == 0  # decided once


def test_damage_that_is_no_torn_write_is_kept_and_reported(world: SimWorld) -> None:
    _, second, _ = left_behind(world, (b"one", LONG, b"three"))
    damage(world, second.ref.offset + 100, b"!")
    recovered, world, following = reopened(world)
    assert [bad.sequence for bad in recovered.bad] == [2] and events(world, "frame_bad") == 1
    assert bodies(world) == [b"one", None, b"three"] and following == 4
    assert [unsure.sequence for unsure in recovered.unsure] == [1, 2, 3]


def test_the_sequence_of_a_damaged_last_frame_is_not_used_again(world: SimWorld) -> None:
    left_behind(world, (b"one", LONG))
    last = len(stored(world)) - len(LONG) - 40
    damage(world, last // 8 * 8 + 8, b"!!")
    recovered, world, following = reopened(world)
    assert len(recovered.bad) == 1 and following > 2
    assert bodies(world)[0] == b"one"


def test_before_the_last_mark_nothing_is_cut(world: SimWorld) -> None:
    first, _ = left_behind(world, (LONG,), (b"two",))
    damage(world, first.ref.offset, bytes(first.ref.size))
    recovered, world, following = reopened(world)
    assert recovered.cut_bytes == 0 and recovered.void_bytes == 0 and following == 3
    assert bodies(world) == [None, b"two"]


def test_a_leftover_of_a_refused_batch_is_cut_off(world: SimWorld) -> None:
    left_behind(world, (b"one",))
    before = stored(world)
    world = world.restart()
    left_behind(world, (b"2" * 80, b"refused"))  # the second begins where three small ones end
    longer = stored(world)
    store(world, before)
    world = world.restart()
    left_behind(world, (b"two", b"three", b"four"))
    shorter = stored(world)
    store(world, shorter + longer[len(shorter) :])
    recovered, world, following = reopened(world)
    assert bodies(world) == [b"one", b"two", b"three", b"four"] and following == 5
    assert recovered.cut_bytes == len(longer) - len(shorter) == 48


def test_what_was_told_as_acknowledged_is_not_unsure(world: SimWorld) -> None:
    async def main() -> None:
        writer = await opened(world)
        await write(writer, b"one", b"two", told=0)
        await write(writer, b"three", told=1)

    world.run(main())
    world.kill()
    recovered, world, _ = reopened(world)
    assert recovered.acknowledged == 1
    assert [(u.sequence, u.kind, u.account) for u in recovered.unsure] == [(2, 1, 5), (3, 1, 5)]
    assert [u.sequence for u in reopened(world)[0].unsure] == [2, 3]  # until the next writer tells more


def test_unsure_frames_are_found_in_earlier_packs(world: SimWorld) -> None:
    async def main() -> None:
        writer = await opened(world, pack_bytes=9000)
        for n in range(6):
            await write(writer, LONG, told=min(n, 2))

    world.run(main())
    world.kill()
    recovered, world, _ = reopened(world)
    assert recovered.acknowledged == 2 and [u.sequence for u in recovered.unsure] == [3, 4, 5, 6]
    assert {u.ref.pack for u in recovered.unsure} != {recovered.unsure[-1].ref.pack}


def test_a_writer_that_is_idle_marks_what_was_acknowledged(world: SimWorld) -> None:
    async def main() -> None:
        writer = await opened(world)
        await write(writer, b"one")
        writer.mark(1)
        await world.clock.sleep(3)

    world.run(main())
    world.kill()
    assert reopened(world)[0].unsure == ()


def test_after_a_clean_close_only_what_was_not_acknowledged_is_unsure(world: SimWorld) -> None:
    async def main() -> None:
        writer = await opened(world)
        await write(writer, b"one", b"two")
        writer.mark(1)
        await writer.close()

    world.run(main())
    assert [u.sequence for u in reopened(world)[0].unsure] == [2]


def test_what_is_kept_is_synced_before_anything_follows(world: SimWorld) -> None:
    left_behind(world, (b"one",))
    inode = world.platter.names.file(path())
    kept = bytes(inode.seen)
    inode.durable = bytearray(kept[:-40])  # the last frame only in the cache
    inode.write(len(kept) - 40, kept[-40:])
    _, world, _ = reopened(world)
    world.power_cut()
    assert bodies(world.restart()) == [b"one"]


def test_when_the_sync_at_opening_fails_the_tail_is_repeated_in_a_new_pack(world: SimWorld) -> None:
    left_behind(world, (b"one",), (b"two", LONG))
    inode = world.platter.names.file(path())
    kept = bytes(inode.seen)
    inode.durable = bytearray(kept[:-3000])
    inode.write(len(kept) - 3000, kept[-3000:])
    world = world.restart()
    rule = world.platter.fail("sync", path(), times=1)

    async def main() -> LedgerWriter:
        return await opened(world)

    writer = world.run(main())
    assert writer.durable.pack == 2 and writer.next_sequence == 4
    rule.lift()
    world.platter.forget_caches()
    assert bodies(world) == [b"one", b"two", LONG]
    assert {entry.keys["copy"] for entry in world.journal.named("frame_repaired")} == {"repeated"}
    world.power_cut()
    assert bodies(world.restart()) == [b"one", b"two", LONG]


def test_a_pack_whose_headers_are_both_lost_is_left_and_reported(world: SimWorld) -> None:
    left_behind(world, (b"one",))
    damage(world, 0, bytes(8192))
    _, world, following = reopened(world)
    assert following > 1 and events(world, "frame_bad") == 1
    assert bodies(world) == [None]


def test_a_disk_that_refuses_to_read_is_unavailable_and_nothing_is_concluded(world: SimWorld) -> None:
    left_behind(world, (b"one",))
    before = stored(world)
    world = world.restart()
    rule = world.platter.fail("read", "/v1")

    async def main() -> None:
        with pytest.raises(Unavailable) as refused:
            await opened(world)
        assert refused.value.component == "volume-v1/mx-0"

    world.run(main())
    rule.lift()
    assert stored(world) == before and bodies(world) == [b"one"]


def test_a_read_that_lies_once_costs_nothing(world: SimWorld) -> None:
    left_behind(world, (LONG,), (LONG, LONG))
    world = world.restart()
    for after in range(6):
        world.platter.misread("/v1", after=after)
    recovered, world, following = reopened(world)
    assert recovered.cut_bytes == 0 and following == 4
    assert bodies(world) == [LONG, LONG, LONG]


def test_the_name_of_a_pack_is_made_durable_before_it_is_used(world: SimWorld) -> None:
    rule = world.platter.fail("sync_folder", "/v1/mx-0")

    async def fails() -> None:
        with pytest.raises(Unavailable):
            await opened(world)

    world.run(fails())
    rule.lift()
    left_behind(world, (b"one",))
    world = world.restart()
    world.power_cut()
    assert bodies(world.restart()) == [b"one"]
