"""The outbox: what is due is carried out, in waves, and nobody is asked in vain (JOUT-4)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from holdfast.functions.jmap.outbox import Outbox
from holdfast.model.errors import Unavailable
from holdfast.model.limits import OUTBOX_HORIZON_S, OUTBOX_WAVE
from holdfast.sim.world import SimWorld, simulated
from holdfast.store import Due

Watcher = Callable[[list[tuple[int, int, int]]], object]


class Store:
    """Of the store what the outbox asks: objects that are due, and who watches."""

    def __init__(self, world: SimWorld) -> None:
        self.world = world
        self.objects: dict[tuple[int, str], int] = {}  # (cell, id) → due
        self.broken: set[int] = set()
        self.asked = 0
        self.watchers: list[Watcher] = []

    def cells(self) -> list[int]:
        return [0, 1]

    def due(self, cell: int, before: int, limit: int = 1000) -> list[Due]:
        self.asked += 1
        if cell in self.broken:
            raise Unavailable(f"cell-0{cell}/index")
        found = [Due(7, at, "K", id_, when) for (at, id_), when in self.objects.items() if at == cell]
        return sorted((each for each in found if each.due <= before), key=lambda each: each.due)[:limit]

    def watch_all(self, watcher: Watcher) -> Callable[[], object]:
        self.watchers.append(watcher)
        return lambda: self.watchers.remove(watcher)

    def put(self, id_: str, due: float, cell: int = 0) -> None:
        self.objects[cell, id_] = int(due)
        for tell in self.watchers:
            tell([(cell, 7, 1)])


class Carrying:
    """Carries out what is due, so that it is no more; notes when, and how much at once."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.done: dict[str, float] = {}
        self.at_once = self.most = 0
        self.fails: dict[str, int] = {}

    async def carry_out(self, due: Due) -> None:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await self.store.world.clock.sleep(0.1)
        self.at_once -= 1
        if self.fails.get(due.id, 0):
            self.fails[due.id] -= 1
            raise Unavailable("people")
        assert due.id not in self.done
        self.done[due.id] = self.store.world.clock.now()
        del self.store.objects[due.cell, due.id]


def outbox(test: Callable[[SimWorld, Store, Carrying], Coroutine[Any, Any, None]]) -> None:
    with simulated(1) as world:
        store = Store(world)
        carrying = Carrying(store)

        async def main() -> None:
            box = Outbox(world, store, {"K": carrying.carry_out})  # type: ignore[arg-type]
            running = asyncio.ensure_future(box.run())
            await world.clock.sleep(1)
            await test(world, store, carrying)
            running.cancel()
            await asyncio.wait([running])
            assert store.watchers == []

        world.run(main())


def test_each_is_carried_out_at_its_time() -> None:
    async def test(world: SimWorld, store: Store, carrying: Carrying) -> None:
        now = world.clock.now()
        whens = {"now": now, "soon": now + 5, "hours": now + 2.5 * OUTBOX_HORIZON_S, "other": now + 7}
        for name, when in whens.items():
            store.put(name, when, cell=int(name == "other"))
        await world.clock.sleep(3 * OUTBOX_HORIZON_S)
        assert carrying.done.keys() == whens.keys()
        for name, when in whens.items():
            assert int(when) <= carrying.done[name] < when + 1

    outbox(test)


def test_nobody_is_asked_while_nothing_happens() -> None:
    async def test(world: SimWorld, store: Store, carrying: Carrying) -> None:
        before = store.asked
        await world.clock.sleep(10 * OUTBOX_HORIZON_S)
        assert store.asked - before <= 11 * len(store.cells())

    outbox(test)


def test_what_stirs_at_once_is_looked_at_once() -> None:
    async def test(world: SimWorld, store: Store, carrying: Carrying) -> None:
        before = store.asked
        for number in range(1000):
            store.put(f"later-{number}", world.clock.now() + 2 * OUTBOX_HORIZON_S)
        await world.clock.sleep(1)
        assert store.asked - before <= 3

    outbox(test)


def test_what_has_piled_up_goes_in_waves() -> None:
    async def test(world: SimWorld, store: Store, carrying: Carrying) -> None:
        for number in range(10 * OUTBOX_WAVE):
            store.put(f"due-{number}", world.clock.now() - number, cell=number % 2)
        await world.clock.sleep(60)
        assert len(carrying.done) == 10 * OUTBOX_WAVE
        assert carrying.most == OUTBOX_WAVE

    outbox(test)


def test_jout_4_what_failed_is_tried_again_and_holds_back_nothing() -> None:
    async def test(world: SimWorld, store: Store, carrying: Carrying) -> None:
        carrying.fails = {"bad": 5}
        begun = world.clock.now()
        store.put("bad", begun)
        store.put("good", begun)
        await world.clock.sleep(120)
        assert carrying.done["good"] < begun + 2
        assert begun + 8 < carrying.done["bad"] < begun + 60

    outbox(test)


def test_a_cell_that_can_t_be_read_holds_back_no_other_and_is_looked_at_when_it_is_back() -> None:
    async def test(world: SimWorld, store: Store, carrying: Carrying) -> None:
        store.broken = {0}
        begun = world.clock.now()
        store.put("broken", begun, cell=0)
        store.put("whole", begun, cell=1)
        await world.clock.sleep(30)
        assert set(carrying.done) == {"whole"}
        store.broken = set()
        await world.clock.sleep(70)
        assert set(carrying.done) == {"whole", "broken"}

    outbox(test)
