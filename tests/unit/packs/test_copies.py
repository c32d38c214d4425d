"""Copies: synchronous and trailing, lost and made again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from holdfast.model.errors import Unavailable
from holdfast.model.mail import START
from holdfast.packs import Frame, LedgerReader, LedgerWriter
from holdfast.packs.verify import verify
from holdfast.sim.world import SimWorld, simulated
from unit.packs.disk import COPY, LEDGER, VOLUME, damage, opened, reader, stored, write

LONG = b"c" * 3000


@pytest.fixture
def world() -> Iterator[SimWorld]:
    with simulated(7) as made:
        yield made


async def joined(world: SimWorld, **options: object) -> LedgerWriter:
    writer = await opened(world, copies=(COPY,), pack_bytes=20_000, **options)
    await world.clock.sleep(1)
    return writer


def in_copy(world: SimWorld) -> list[bytes]:
    alone = LedgerReader(world, COPY, LEDGER)
    return [bytes(item.body) for item in alone.follow(START) if isinstance(item, Frame)]


def test_an_append_resolves_when_the_copy_has_it_too(world: SimWorld) -> None:
    async def main() -> None:
        writer = await joined(world)
        for n in range(10):
            await write(writer, b"%d" % n + LONG)
            assert len(in_copy(world)) == n + 1
        await world.clock.sleep(1)
        await writer.close()

    world.run(main())
    for number in (1, 2):
        assert stored(world, number) == stored(world, number, COPY)
    assert verify(reader(world, (COPY,))).good
    assert writer_lag_is_nothing(world)


def writer_lag_is_nothing(world: SimWorld) -> bool:
    return verify(reader(world, (COPY,))).copies[0].missing_bytes == 0


def test_a_lost_copy_refuses_nothing_is_told_and_made_again(world: SimWorld) -> None:
    async def main() -> None:
        writer = await joined(world)
        await write(writer, b"one")
        rule = world.platter.fail("any", COPY)
        await write(writer, b"two")
        await write(writer, b"three")
        (lag,) = writer.copies()
        assert lag.failing and lag.bytes > 0
        await world.clock.sleep(20)
        assert writer.copies()[0].seconds > 19
        rule.lift()
        await world.clock.sleep(60)
        (lag,) = writer.copies()
        assert (lag.bytes, lag.seconds, lag.failing) == (0, 0.0, False)
        assert in_copy(world) == [b"one", b"two", b"three"]
        await writer.close()

    world.run(main())
    assert len(world.journal.named("copy_lost")) == 1
    assert len(world.journal.named("copy_caught_up")) == 1


def test_with_copies_required_a_lost_copy_refuses_and_nothing_of_the_batch_stays(world: SimWorld) -> None:
    async def main() -> None:
        writer = await joined(world, copies_required=1)
        await write(writer, b"one")
        rule = world.platter.fail("any", COPY)
        for _ in range(2):
            with pytest.raises(Unavailable):
                await write(writer, b"refused")
        rule.lift()
        await world.clock.sleep(60)
        (written,) = await write(writer, b"two")
        assert written.sequence == 2 and in_copy(world) == [b"one", b"two"]
        await writer.close()

    world.run(main())


def test_a_batch_the_ledger_refused_does_not_stay_in_the_copy(world: SimWorld) -> None:
    async def main() -> None:
        writer = await joined(world)
        await write(writer, b"one")
        world.platter.fail("sync", f"{VOLUME}/{LEDGER}/00000001", times=1)
        with pytest.raises(Unavailable):
            await write(writer, b"refused")
        await write(writer, b"two")
        assert in_copy(world) == [b"one", b"two"]
        await writer.close()

    world.run(main())


def test_a_trailing_copy_holds_nobody_up_and_its_lag_is_known(world: SimWorld) -> None:
    async def main() -> None:
        writer = await opened(world, trailing=(COPY,), pack_bytes=20_000)
        await world.clock.sleep(1)
        rule = world.platter.hang_at("sync", COPY, 3.0)
        began = world.clock.monotonic()
        for n in range(12):
            await write(writer, b"%d" % n + LONG)
        assert world.clock.monotonic() - began < 1.0
        assert writer.copies()[0].bytes > 0
        rule.lift()
        await world.clock.sleep(60)
        assert writer.copies()[0].bytes == 0
        assert len(in_copy(world)) == 12
        await writer.close()

    world.run(main())


def test_what_the_ledger_lost_at_its_end_is_taken_from_the_copy(world: SimWorld) -> None:
    async def main() -> int:
        writer = await joined(world)
        await write(writer, b"one")
        (_, last) = await write(writer, b"two", LONG)
        return last.ref.offset

    offset = world.run(main())
    world.kill()
    damage(world, offset + 100, bytes(1024))
    world = world.restart()

    async def again() -> int:
        writer = await joined(world)
        return writer.next_sequence

    assert world.run(again()) == 4
    assert [f.sequence for f in reader(world).follow(START)] == [1, 2, 3]
    assert not world.journal.named("tail_cut")


def test_a_copy_never_takes_over_damage(world: SimWorld) -> None:
    async def main() -> int:
        writer = await joined(world)
        (written, _) = await write(writer, LONG, b"two")
        await writer.close()
        return written.ref.offset

    offset = world.run(main())
    damage(world, offset + 50, b"\0")

    async def again() -> None:
        writer = await joined(world)
        await write(writer, b"three")
        await writer.close()

    world.run(again())
    assert in_copy(world) == [LONG, b"two", b"three"]
