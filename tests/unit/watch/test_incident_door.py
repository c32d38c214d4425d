"""One writes the ledger of incidents, others tell it what they have; and how it is now is a file."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from holdfast.model.errors import Refused, Unavailable
from holdfast.model.findings import Finding
from holdfast.model.limits import NOW_STALE_S
from holdfast.sim.world import SimWorld, simulated
from holdfast.watch.incidents import IncidentReader
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.door import IncidentDoor, ask_to_look, tell
from holdfast.watch.incidents.keeping import IncidentKeeper
from holdfast.watch.now import Now, read_now, write_now

FOLDER, SOCKET, NOW = "/data/watch", "/run/watch.sock", "/data/watch/now.json"
NOON = 1_345_032_000.0
OPENED = r.Opened(at=NOON, incident=1, since={"imap": NOON - 5})
NOTICED = r.Noticed(at=NOON + 9, incident=1, notice=1, about="opened")


@pytest.fixture
def world():
    with simulated(1) as made:
        yield made


@contextlib.asynccontextmanager
async def kept(world: SimWorld) -> AsyncIterator[IncidentKeeper]:
    keeper = IncidentKeeper(world, FOLDER)
    task = asyncio.get_running_loop().create_task(keeper.run())
    try:
        yield keeper
    finally:
        await keeper.close()
        task.cancel()


@contextlib.asynccontextmanager
async def served(world: SimWorld) -> AsyncIterator[tuple[IncidentKeeper, list[str]]]:
    asked: list[str] = []
    async with kept(world) as keeper:
        await keeper.opened.wait()
        keeper.note([OPENED])
        listener = await world.net.listen(IncidentDoor(keeper, asked.extend).session, SOCKET)
        yield keeper, asked
        listener.close()


def names(world: SimWorld) -> list[str]:
    return [r.name_of(each) for each in IncidentReader(world, FOLDER).read_all()]


def test_inc_9_what_is_told_at_the_door_is_durable_and_twice_is_as_once(world):
    affected = r.Affected(at=NOON + 5, incident=1, counts={"imap": (r.Hit(what="customers", count=1, of=2),)})
    note = r.Note(at=NOON + 7, incident=1, text="the technician is on the way")
    credit = r.Promised(at=NOON + 8, incident=1, promise=1, what="credit", due=NOON + 9999)
    owed = r.Credited(at=NOON + 8, incident=1, policy="daily", total={"EUR": 500}, contracts=1)
    said = [affected, note, owed, credit, NOTICED, r.Estimated(at=NOON + 9, incident=1, estimate=1)]

    async def main() -> None:
        async with served(world) as (keeper, _):
            keeper.note([r.Promised(at=NOON, incident=1, promise=1, what="next_update", due=NOON + 1800)])
            for _ in range(2):
                await tell(world, SOCKET, said)
                assert keeper.held == []
            wants = ["opened", "promised", "affected", "note", "credited", "promised", "noticed", "estimated"]
            assert names(world) == wants
            assert {n: each.what for n, each in keeper.incidents.open()[0].promises.items()} == {
                1: "next_update",
                2: "credit",
            }

    world.run(main())


def test_actions_without_a_number_get_one_at_the_door_and_keep_it(world):
    first, second = (r.Planned(at=NOON + n, incident=1, action=0, text=f"mend {n}") for n in (1, 2))

    async def main() -> None:
        async with served(world) as (keeper, _):
            for said in ([first], [first, second], [second]):
                await tell(world, SOCKET, said)
            [incident] = keeper.incidents.open()
            assert {n: each.text for n, each in incident.actions.items()} == {1: "mend 1", 2: "mend 2"}

    world.run(main())


@pytest.mark.parametrize(
    "entry", [r.Closed(at=NOON + 9, incident=1, until={}), r.Note(at=NOON, incident=7, text="whose?")]
)
def test_what_only_the_watch_may_say_is_refused_at_the_door(world, entry):
    async def main() -> None:
        async with served(world) as (keeper, _):
            with pytest.raises(Refused):
                await tell(world, SOCKET, [entry])
            assert keeper.incidents.open()[0].number == 1

    world.run(main())


def test_who_asks_makes_it_look_at_once_and_hears_when_nobody_is_there(world):
    async def main() -> None:
        async with served(world) as (_, asked):
            await ask_to_look(world, SOCKET, ["imap"])
            assert asked == ["imap"]
        with pytest.raises(Unavailable):
            await tell(world, SOCKET, [NOTICED])

    world.run(main())


def test_inc_8_what_the_disk_doesn_t_take_is_in_effect_and_written_first_when_it_does(world):
    async def main() -> None:
        async with served(world) as (keeper, _):
            await keeper.write(lambda incidents: [])
            fault = world.platter.fail("append", FOLDER, times=None)
            keeper.note([r.Joined(at=NOON + 1, incident=1, since={"pop3": NOON})])
            assert keeper.incidents.open()[0].functions == ("imap", "pop3")
            with pytest.raises(Unavailable):
                await tell(world, SOCKET, [NOTICED])
            assert keeper.trouble and [r.name_of(each) for each in keeper.held] == ["joined", "noticed"]
            fault.lift()
            await tell(world, SOCKET, [NOTICED])
            assert names(world) == ["opened", "joined", "noticed"] and not keeper.held and not keeper.trouble

    world.run(main())


def test_inc_8_a_disk_that_hangs_delays_nobody(world):
    async def main() -> None:
        async with served(world) as (keeper, _):
            await keeper.write(lambda incidents: [])
            world.platter.hang_at("sync", FOLDER, seconds=30, times=1)
            keeper.note([r.Joined(at=NOON + 1, incident=1, since={"pop3": NOON})])
            await world.clock.sleep(6)
            assert keeper.incidents.open()[0].functions == ("imap", "pop3")
            assert "nothing was written for 6 s" in keeper.trouble
            await world.clock.sleep(60)
            assert names(world) == ["opened", "joined"] and not keeper.trouble

    world.run(main())


def test_a_ledger_that_can_t_even_be_opened_is_opened_later_and_keeps_its_numbers(world):
    async def main() -> None:
        async with served(world):
            pass
        unreadable = world.platter.fail("any", FOLDER, times=None)
        async with kept(world) as keeper:
            await world.clock.sleep(1)
            assert not keeper.opened.is_set()
            keeper.note([r.Opened(at=NOON + 50, incident=1, since={"send": NOON + 40})])
            assert keeper.incidents.open()[0].functions == ("send",)
            unreadable.lift()
            await keeper.opened.wait()
            assert keeper.incidents.open()[0].functions == ("imap",)

    world.run(main())


def test_now_1_only_a_file_of_this_minute_counts(world):
    finding = Finding("imap/imaps", "imap", "fails", "greeting", "nothing", NOON, 5.0, 3, "mail.example.org")

    async def main() -> None:
        world.disk.make_folder(FOLDER)
        assert read_now(world, NOW) is None
        said = Now(at=world.clock.now(), findings=(finding,), held=(OPENED,), ledger="the disk is full")
        write_now(world, NOW, said)
        assert read_now(world, NOW) == said
        await world.clock.sleep(NOW_STALE_S + 1)
        assert read_now(world, NOW) is None
        write_now(world, NOW, Now(at=world.clock.now() + NOW_STALE_S + 1))
        assert read_now(world, NOW) is None
        world.disk.write_atomic(NOW, b'{"at": 1')
        assert read_now(world, NOW) is None

    world.run(main())
