"""Reading: growth is seen, damage is passed by and told, copies help (PACK-3, PACK-5)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.model.mail import START, PackRef, Position
from holdfast.packs import BadFrame, BadFrameError, Frame, LedgerReader, NewFrame, Written, format
from holdfast.packs.verify import pack_infos, verify
from holdfast.sim.world import SimWorld, simulated
from unit.packs.disk import (
    COPY,
    LEDGER,
    VOLUME,
    bodies,
    damage,
    opened,
    path,
    reader,
    sequences,
    store,
    stored,
    write,
)

LONG = b"z" * 4000


@pytest.fixture
def world() -> Iterator[SimWorld]:
    with simulated(4) as made:
        yield made


def filled(world: SimWorld, packs: int = 1, copies: tuple[str, ...] = ()) -> list[Written]:
    """Each pack but the last is sealed and holds three frames; a clean close."""

    async def main() -> list[Written]:
        writer = await opened(world, pack_bytes=8300, copies=copies, copies_required=0)
        await world.clock.sleep(1)  # the copy joins
        written = []
        for number in range(packs):
            written += await write(writer, b"%d" % number + LONG, b"b", b"c")
        await world.clock.sleep(1)  # sealing is done beside
        await writer.close()
        return written

    return world.run(main())


def test_a_reader_sees_growth_and_new_packs_without_being_opened_again(world: SimWorld) -> None:
    async def main() -> None:
        writer = await opened(world, pack_bytes=9000)
        late = LedgerReader(world.process("other"), VOLUME, LEDGER)
        position, seen = START, []
        for n in range(8):
            await write(writer, b"%d" % n + LONG)
            for item in late.follow(position, writer.durable):
                position = late.after(item)
                seen.append(bytes(item.body)[:1] if isinstance(item, Frame) else None)
        assert seen == [b"%d" % n for n in range(8)]
        assert writer.durable.pack > 3
        await writer.close()

    world.run(main())


def test_nothing_is_read_behind_the_position_asked_for(world: SimWorld) -> None:
    written = filled(world, 2)
    until = Position(1, written[2].ref.offset)
    assert sequences(list(reader(world).follow(START, until))) == [1, 2]
    assert sequences(list(reader(world).follow(until))) == [3, 4, 5, 6]


@pytest.mark.parametrize("packs", [1, 2])
def test_one_bad_frame_hides_no_other(world: SimWorld, packs: int) -> None:
    written = filled(world, packs)
    damage(world, written[1].ref.offset + 3, b"\xff\xff")  # the head
    items = list(reader(world).follow(START))
    assert [item.sequence for item in items] == list(range(1, 3 * packs + 1))
    bad = items[1]
    assert isinstance(bad, BadFrame) and bad.kind is None and bad.ref == written[1].ref and bad.lost == 1
    assert reader(world).after(bad) == Position(1, written[2].ref.offset)


def test_a_bad_body_is_told_with_what_the_head_says(world: SimWorld) -> None:
    written = filled(world)
    damage(world, written[0].ref.offset + 100, b"\0")
    (bad,) = [item for item in reader(world).follow(START) if isinstance(item, BadFrame)]
    assert (bad.sequence, bad.kind, bad.account, bad.cells) == (1, 1, 5, (0,))
    with pytest.raises(BadFrameError) as raised:
        reader(world).read(written[0].ref)
    assert raised.value.bad == bad and not bad.temporary
    many = reader(world).read_many([w.ref for w in written])
    assert many[0] == bad and [item.sequence for item in many] == [1, 2, 3]
    assert {e.keys["sequence"] for e in world.journal.named("frame_bad")} == {1}


def test_a_damaged_mark_costs_no_frame_and_is_no_bad_frame(world: SimWorld) -> None:
    async def main() -> None:
        writer = await opened(world)
        for n in range(3):
            await write(writer, b"%d" % n)
        await writer.close()

    world.run(main())
    second = [i.ref for i in reader(world).follow(START)][1]
    damage(world, second.offset - 32, b"????")
    assert bodies(world) == [b"0", b"1", b"2"]
    assert len(list(reader(world).follow(Position(1, second.offset - 32)))) == 2


def test_following_one_cell_gives_its_frames_and_the_damage_among_them(world: SimWorld) -> None:
    written = filled(world, 3)
    assert sequences(list(reader(world).follow(START, cell=1))) == [2, 5, 8]
    damage(world, written[4].ref.offset + 30, b"\xff", number=2)
    items = list(reader(world).follow(START, cell=1))
    assert sequences(items) == [2, 5, 8] and isinstance(items[1], BadFrame)
    assert sequences(list(reader(world).follow(START, cell=0))) == [1, 4, 7]


def test_a_sealed_pack_with_a_damaged_footer_is_scanned(world: SimWorld) -> None:
    filled(world, 3)
    for offset in (-20, -60):
        whole = stored(world, 1)
        damage(world, len(whole) + offset, b"\xff\xff")
    assert bodies(world)[:3] == [b"0" + LONG, b"b", b"c"] and len(bodies(world)) == 9
    assert sequences(list(reader(world).follow(START, cell=1))) == [2, 5, 8]
    assert not verify(reader(world)).bad


def test_a_lost_pack_is_told_and_hides_no_other(world: SimWorld) -> None:
    filled(world, 3)
    world.disk.remove(path(2))
    items = list(reader(world).follow(START))
    assert isinstance(items[3], BadFrame) and sequences(items[:3] + items[4:]) == [1, 2, 3, 7, 8, 9]
    store(world, b"no header at all", 1)
    items = list(reader(world).follow(START))
    assert isinstance(items[0], BadFrame) and sequences(items)[-3:] == [7, 8, 9]


def test_a_damaged_frame_is_read_from_a_copy_and_told(world: SimWorld) -> None:
    written = filled(world, 2, copies=(COPY,))
    damage(world, written[0].ref.offset + 100, b"\0")
    damage(world, written[4].ref.offset + 9, b"\xff\xff", number=2)
    assert None not in bodies(world, (COPY,)) and len(bodies(world, (COPY,))) == 6
    assert bytes(reader(world, (COPY,)).read(written[0].ref).body) == b"0" + LONG
    many = reader(world, (COPY,)).read_many([w.ref for w in reversed(written)])
    assert [item.sequence for item in many] == [6, 5, 4, 3, 2, 1]
    assert not world.journal.named("frame_bad")
    assert {e.keys["sequence"] for e in world.journal.named("frame_repaired")} == {1, 5}
    report = verify(reader(world, (COPY,)))
    assert [bad.sequence for bad in report.bad] == [1, 5]
    assert report.digests == (1,) and report.copies[0].different == (1, 2) and not report.good


def test_a_disk_that_refuses_to_read_is_told_from_damage(world: SimWorld) -> None:
    written = filled(world)
    late = reader(world)
    late.read(written[0].ref)
    world.platter.fail("read", path())
    with pytest.raises(BadFrameError) as raised:
        late.read(written[0].ref)
    assert raised.value.bad.temporary and raised.value.bad.reason == "disk: EIO"


def test_a_read_that_lies_is_tried_again(world: SimWorld) -> None:
    written = filled(world)
    late = reader(world)
    late.read(written[1].ref)
    world.platter.misread(path())
    assert bytes(late.read(written[0].ref).body) == b"0" + LONG
    assert [e.keys["copy"] for e in world.journal.named("frame_repaired")] == ["read again"]


def test_verify_finds_what_no_frame_shows(world: SimWorld) -> None:
    filled(world, 2)
    assert verify(reader(world)).good
    padding = format.FIRST_OFFSET - 1
    damage(world, padding, b"\1")
    report = verify(reader(world))
    assert report.digests == (1,) and not report.bad and report.frames == 6


def test_packs_are_listed_with_what_is_in_them(world: SimWorld) -> None:
    filled(world, 3)
    infos = pack_infos(reader(world))
    assert [(i.number, i.frames, i.sealed, i.first_sequence, i.last_sequence) for i in infos] == [
        (1, 3, True, 1, 3),
        (2, 3, True, 4, 6),
        (3, 3, False, 7, 9),
    ]
    assert infos[0].created > 1.7e9 and infos[0].bytes == len(stored(world, 1))


def test_an_empty_ledger_has_an_end_and_no_frames(world: SimWorld) -> None:
    empty = LedgerReader(world, VOLUME, "mx-9")
    assert empty.end() == empty.marked() == START and list(empty.follow(START)) == []
    assert empty.identity == b"" and pack_infos(empty) == [] and verify(empty).good


def test_what_is_marked_is_durable_and_the_end_may_not_be(world: SimWorld) -> None:
    async def main() -> None:
        writer = await opened(world)
        (first,) = await write(writer, b"one")
        (second,) = await write(writer, b"two")
        late = reader(world)
        assert late.end() == writer.durable == Position(1, second.ref.offset + second.ref.size)
        assert late.marked() == Position(1, first.ref.offset + first.ref.size)
        await writer.close()
        assert late.marked() > writer.durable or late.marked().offset == second.ref.offset + second.ref.size

    world.run(main())


def test_a_reference_to_nowhere_is_a_bad_frame(world: SimWorld) -> None:
    filled(world)
    for ref in (PackRef(1, 8200, 40), PackRef(1, 10**9, 48), PackRef(7, 8192, 40), PackRef(1, 8256, 0)):
        with pytest.raises(BadFrameError):
            reader(world).read(ref)


def _ledger_bytes() -> tuple[bytes, bytes, dict[int, tuple[int, bytes]]]:
    with simulated(5) as world:

        async def main() -> dict[int, tuple[int, bytes]]:
            writer = await opened(world, pack_bytes=9000)
            sent: dict[int, tuple[int, bytes]] = {}
            for n in range(6):
                frames = [NewFrame(1, b"%d" % n * (n * 60 + k), n, (k,)) for k in range(3)]
                for frame, written in zip(frames, await writer.append(frames)):
                    sent[written.sequence] = (frame.account, bytes(frame.body))  # type: ignore[arg-type]
            await world.clock.sleep(1)
            await writer.close()
            return sent

        sent = world.run(main())
        return stored(world, 1), stored(world, 2), sent


FIRST, SECOND, SENT = _ledger_bytes()


@pytest.mark.slow
@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_bytes_change_no_wrong_body_is_returned_and_nothing_else_is_raised(
    data: st.DataObject,
) -> None:
    with simulated(6) as world:
        world.disk.make_folder(f"{VOLUME}/{LEDGER}")
        for number, whole in ((1, FIRST), (2, SECOND)):
            changed = bytearray(whole)
            if data.draw(st.booleans()):
                for _ in range(data.draw(st.integers(1, 3))):
                    low = data.draw(st.sampled_from((0, 8192)))
                    at = data.draw(st.integers(low, len(changed) - 1))
                    patch = data.draw(st.binary(min_size=1, max_size=40))
                    changed[at : at + len(patch)] = patch
                if data.draw(st.booleans()):
                    del changed[data.draw(st.integers(0, len(changed))) :]
            file = world.disk.open(path(number), create=True)
            file.append(bytes(changed))
        found = reader(world)
        refs = []
        for item in [*found.follow(START), *found.follow(START, cell=1), *found.follow(START, found.end())]:
            refs.append(item.ref)
            if isinstance(item, Frame):
                assert SENT[item.sequence] == (item.account, bytes(item.body))
        for item in found.read_many(refs):
            assert isinstance(item, BadFrame) or SENT[item.sequence] == (item.account, bytes(item.body))
        verify(found), pack_infos(found), found.marked()
        for ref in refs:
            try:
                assert SENT[(frame := found.read(ref)).sequence] == (frame.account, bytes(frame.body))
            except BadFrameError:
                pass
