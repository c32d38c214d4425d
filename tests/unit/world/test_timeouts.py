"""Idle timers: never early, at most a tick late, one timer of the loop for all."""

from __future__ import annotations

from contracts.wires import Client, Lines
from holdfast.model.limits import CLOSE_LINGER_S, CLOSE_UNSENT_S
from holdfast.sim.loop import VirtualLoop
from holdfast.sim.world import SimWorld, simulated
from holdfast.world.timeouts import TICK_S, Timeouts

WHERE = ("127.0.0.1", 143)


class Sleeper:
    def __init__(self, loop: VirtualLoop, timeout: float) -> None:
        self.slot = 0
        self.deadline_from = loop.time()
        self.timeout = timeout
        self._loop = loop
        self.fired: list[float] = []

    def expired(self) -> None:
        self.fired.append(self._loop.time())


def run_for(loop: VirtualLoop, seconds: float) -> None:
    loop.call_later(seconds, loop.stop)
    loop.run_forever()


def test_each_fires_once_within_its_tick() -> None:
    """WORLD-9."""

    loop = VirtualLoop()
    timeouts = Timeouts(loop)
    sleepers = [Sleeper(loop, 0.1 + n * 0.37) for n in range(200)]
    for sleeper in reversed(sleepers):
        timeouts.watch(sleeper)
    run_for(loop, 100)
    for sleeper in sleepers:
        (fired,) = sleeper.fired
        assert sleeper.timeout <= fired <= sleeper.timeout + TICK_S + 1e-6


def test_activity_puts_it_off_and_forgetting_ends_it() -> None:
    loop = VirtualLoop()
    timeouts = Timeouts(loop)
    active, forgotten, disabled = (Sleeper(loop, 10) for _ in range(3))
    for sleeper in (active, forgotten, disabled):
        timeouts.watch(sleeper)
    run_for(loop, 8)
    active.deadline_from = loop.time()
    timeouts.forget(forgotten)
    disabled.timeout = 0
    run_for(loop, 60)
    assert len(active.fired) == 1
    assert 18 <= active.fired[0] <= 19
    assert forgotten.fired == disabled.fired == []


def test_a_shorter_timeout_takes_effect_at_once() -> None:
    loop = VirtualLoop()
    timeouts = Timeouts(loop)
    sleeper = Sleeper(loop, 1800)
    timeouts.watch(sleeper)
    sleeper.timeout = 5
    timeouts.watch(sleeper)
    run_for(loop, 10)
    assert len(sleeper.fired) == 1


def test_one_that_expires_may_end_the_others() -> None:
    loop = VirtualLoop()
    timeouts = Timeouts(loop)
    sleepers = [Sleeper(loop, 5) for _ in range(3)]

    def end_others() -> None:
        sleepers[0].fired.append(loop.time())
        for other in sleepers[1:]:
            other.timeout = 0
            timeouts.forget(other)

    sleepers[0].expired = end_others  # type: ignore[method-assign]
    for sleeper in sleepers:
        timeouts.watch(sleeper)
    run_for(loop, 20)
    assert [len(sleeper.fired) for sleeper in sleepers] == [1, 0, 0]


class Idles(Lines):
    seconds: float = 60

    def connected(self) -> None:
        self.connection.set_timeout(self.seconds)

    def timed_out(self) -> None:
        self.connection.write(b"* BYE idle\n")
        self.connection.close()


def idle_since(
    world: SimWorld, factory: type[Lines], silent_from: int, client: type[Client] = Client
) -> float:
    """Virtual seconds from the last word of the client to the end of the connection."""

    async def main() -> float:
        await world.net.listen(factory, WHERE)
        session = await world.net.connect(client, WHERE)
        for _ in range(silent_from):
            session.connection.write(b"x\n")
            await world.clock.sleep(1)
        began = world.clock.monotonic()
        await session.until_lost()
        return world.clock.monotonic() - began

    return world.run(main())


def test_an_idle_connection_is_told_and_closed() -> None:
    with simulated(1) as world:
        took = idle_since(world, Idles, 0)
        assert 60 <= took <= 61 + CLOSE_LINGER_S + TICK_S + 0.1


def test_input_puts_the_end_off() -> None:
    with simulated(1) as world:
        assert 59 <= idle_since(world, Idles, 300) <= 61 + CLOSE_LINGER_S + TICK_S + 0.1


def test_our_own_slowness_is_not_the_clients_idleness() -> None:
    """WORLD-9."""

    class Works(Idles):
        def line(self, line: bytes) -> None:
            self.connection.spawn(self.work())

        async def work(self) -> None:
            await world.clock.sleep(600)
            self.connection.write(b"done\n")

    with simulated(1) as world:

        async def main() -> bytes:
            await world.net.listen(Works, WHERE)
            session = await world.net.connect(Client, WHERE)
            session.connection.write(b"x\n")
            return await session.until_lost()

        assert world.run(main()) == b"done\n* BYE idle\n"
        assert world.clock.monotonic() >= 660


def test_a_client_that_takes_nothing_is_ended() -> None:
    class Floods(Idles):
        def connected(self) -> None:
            super().connected()
            self.connection.write(bytes(3_000_000))

    class Stalls(Client):
        def connected(self) -> None:
            self.connection.pause()

    with simulated(1) as world:
        assert idle_since(world, Floods, 0, Stalls) <= 61 + CLOSE_UNSENT_S + 2 * TICK_S


def test_a_closed_connection_ends_even_if_the_peer_never_does() -> None:
    """WORLD-14."""

    class Leaves(Lines):
        def line(self, line: bytes) -> None:
            self.connection.write(b"bye\n")
            self.connection.close()

    class Talks(Client):
        def ended(self) -> None:
            """Keeps on talking into a connection that the server has closed."""

    with simulated(1) as world:

        async def main() -> float:
            listener = await world.net.listen(Leaves, WHERE)
            session = await world.net.connect(Talks, WHERE)
            session.connection.write(b"x\n" * 1000)
            await session.until(b"bye\n")
            began = world.clock.monotonic()
            while list(listener.connections):
                session.connection.write(b"more\n")
                await world.clock.sleep(0.1)
            return world.clock.monotonic() - began

        assert CLOSE_LINGER_S - 0.1 <= world.run(main()) <= CLOSE_LINGER_S + TICK_S + 0.1
