"""Virtual time, and lives that end."""

from __future__ import annotations

import asyncio

import pytest

from holdfast.model.events import Event
from holdfast.sim.loop import Deadlock, PowerCut
from holdfast.sim.world import EPOCH, Simulation, simulated

EVENT = Event("seen", "info", "for this test", ("n",))


def test_a_week_passes_at_once_and_timers_keep_their_order() -> None:
    with simulated(1) as world:
        order: list[str] = []

        async def main() -> None:
            world.clock.call_later(3, lambda: order.append("c"))
            world.clock.call_later(1, lambda: order.append("a"))
            world.clock.call_later(2, lambda: order.append("cancelled")).cancel()
            world.clock.call_later(2, lambda: order.append("b"))
            await world.clock.sleep(7 * 86_400)

        world.run(main())
        assert order == ["a", "b", "c"]
        assert world.clock.now() == pytest.approx(EPOCH + 7 * 86_400)
        world.clock.skew = -3600
        assert world.clock.now() == pytest.approx(EPOCH + 7 * 86_400 - 3600)
        assert world.clock.monotonic() == pytest.approx(7 * 86_400)


def test_waiting_for_what_can_never_come_is_a_deadlock_that_says_who_waits() -> None:
    """SIM-2."""

    with simulated(1) as world:

        async def waits_in_vain() -> None:
            await asyncio.get_running_loop().create_future()

        with pytest.raises(Deadlock, match="waits_in_vain"):
            world.run(waits_in_vain())


def test_time_outs_are_virtual() -> None:
    with simulated(1) as world:

        async def main() -> None:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(60):
                    await asyncio.get_running_loop().create_future()

        world.run(main())
        assert world.clock.monotonic() == pytest.approx(60)


def test_a_dead_process_runs_nothing_any_more() -> None:
    """SIM-3."""

    simulation = Simulation(1)
    machine = simulation.world("m")
    victim = machine.process("victim")
    seen: list[float] = []

    async def ticks(world: object) -> None:
        while True:
            await victim.clock.sleep(1)
            seen.append(simulation.loop.time())

    async def driver() -> None:
        victim.start(ticks(victim))
        await asyncio.sleep(3.5)
        victim.kill()
        await asyncio.sleep(10)
        machine.start(ticks(machine))
        await asyncio.sleep(1.5)

    simulation.run(driver())
    assert seen == pytest.approx([1, 2, 3, 14.5])
    assert simulation.unhandled == []
    simulation.close()


def test_cutting_the_branch_one_sits_on_is_a_power_cut() -> None:
    with simulated(1) as world:

        async def main() -> None:
            world.power_cut()

        with pytest.raises(PowerCut):
            world.run(main())


def test_an_exception_nobody_awaits_is_kept() -> None:
    with simulated(1) as world:

        async def main() -> None:
            asyncio.get_running_loop().call_soon(lambda: 1 // 0)
            await asyncio.sleep(0)

        world.run(main())
        assert "ZeroDivisionError" in world.simulation.unhandled[0]


def test_the_journal_knows_no_key_that_is_not_registered() -> None:
    with simulated(1) as world:
        world.journal.emit(EVENT, n=1)
        with pytest.raises(ValueError):
            world.journal.emit(EVENT, m=1)
        assert [entry.keys for entry in world.journal.named("seen")] == [{"n": 1}]


def test_entropy_repeats_by_seed_and_differs_between_processes() -> None:
    def draws(seed: int) -> list[object]:
        world = simulated(seed)
        own, other = world.entropy, world.process("other").entropy
        return [own.bytes(8), own.token(), own.uniform(0, 1), other.bytes(8)]

    assert draws(5) == draws(5)
    assert draws(5) != draws(6)
    first = draws(5)
    assert first[0] != first[3]


def test_offloaded_work_runs_later_and_a_thread_keeps_its_order() -> None:
    with simulated(1) as world:
        order: list[int] = []

        async def main() -> None:
            thread = world.thread("t")
            futures = [thread.run(order.append, n) for n in range(20)]
            assert order == []
            await asyncio.gather(*futures)
            with pytest.raises(ZeroDivisionError):
                await world.offload(lambda: 1 // 0)

        world.run(main())
        assert order == list(range(20))
