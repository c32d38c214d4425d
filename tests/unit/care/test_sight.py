"""What a part of care is shown: the ledger, what the watch sees now, and what it can't write down."""

from __future__ import annotations

from holdfast.care.turns import Sight
from holdfast.model.limits import NOW_STALE_S
from holdfast.sim.world import SimWorld, simulated
from holdfast.watch.incidents import IncidentLedger
from holdfast.watch.incidents import record as r
from holdfast.watch.now import Now, write_now

FOLDER, NOW = "/data/watch", "/data/watch/now.json"


def opened(world: SimWorld, number: int) -> r.Opened:
    return r.Opened(at=world.clock.now(), incident=number, since={"imap": world.clock.now()})


async def written(world: SimWorld, *entries: r.AnyEntry) -> None:
    world.disk.make_folder(FOLDER)
    ledger = await IncidentLedger.open(world, FOLDER)
    await ledger.write(entries)
    await ledger.close()


def test_without_a_ledger_nothing_has_ever_happened_and_nothing_is_known() -> None:
    with simulated(1) as world:
        seen = Sight(world, FOLDER, NOW)()
        assert len(seen.incidents) == 0 and seen.now is None and seen.at == world.clock.now()


def test_what_is_new_in_the_ledger_is_seen_with_the_next_look() -> None:
    with simulated(2) as world:

        async def main() -> None:
            await written(world, opened(world, 1))
            look = Sight(world, FOLDER, NOW)
            assert [each.number for each in look().incidents] == [1]
            await written(world, opened(world, 2))
            assert [each.number for each in look().incidents] == [1, 2]

        world.run(main())


def test_status_1_what_the_watch_said_too_long_ago_counts_for_nothing() -> None:
    with simulated(3) as world:

        async def main() -> None:
            world.disk.make_folder(FOLDER)
            write_now(world, NOW, Now(at=world.clock.now()))
            look = Sight(world, FOLDER, NOW)
            assert look().now is not None
            await world.clock.sleep(NOW_STALE_S + 1)
            assert look().now is None

        world.run(main())


def test_what_the_watch_cannot_write_down_is_in_effect_and_once_it_can_counts_once() -> None:
    with simulated(4) as world:

        async def main() -> None:
            await written(world, opened(world, 1))
            held = r.Closed(at=world.clock.now(), incident=1, until={"imap": world.clock.now()})
            look = Sight(world, FOLDER, NOW)
            for _ in range(2):
                write_now(world, NOW, Now(at=world.clock.now(), held=(held, opened(world, 2))))
                seen = look()
                assert [(each.number, bool(each.closed_at)) for each in seen.incidents] == [
                    (1, True),
                    (2, False),
                ]
            await written(world, held)
            write_now(world, NOW, Now(at=world.clock.now()))
            [incident] = look().incidents
            assert [r.name_of(each) for each in incident.timeline] == ["opened", "closed"]

        world.run(main())
