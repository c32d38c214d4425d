"""What can go wrong between two simulated machines."""

from __future__ import annotations

import asyncio

import pytest

from contracts.wires import Client, Lines
from holdfast.sim.world import Simulation, SimWorld


async def connected(server: SimWorld, client: SimWorld, port: int = 25) -> tuple[Client, str]:
    listener = await server.net.listen(Lines, (server.net.ip, port))
    session = await client.net.connect(Client, listener.addresses[0])
    session.connection.write(b"hello\n")
    await session.until(b"hello\n")
    return session, server.net.ip


def two() -> tuple[Simulation, SimWorld, SimWorld]:
    simulation = Simulation(4)
    return simulation, simulation.world("a"), simulation.world("b")


def test_bytes_wait_for_a_cut_line_to_heal() -> None:
    simulation, a, b = two()

    async def main() -> None:
        session, _ = await connected(a, b)
        simulation.network.cut("a", "b")
        session.connection.write(b"late\n")
        await asyncio.sleep(100)
        assert session.data == b""
        with pytest.raises(TimeoutError):
            await b.net.connect(Client, (a.net.ip, 25), timeout_s=5)
        simulation.network.heal("a", "b")
        await session.until(b"late\n")

    simulation.run(main())


def test_a_reset_is_an_error_at_both_ends() -> None:
    simulation, a, b = two()

    async def main() -> None:
        session, _ = await connected(a, b)
        simulation.network.reset("a")
        await session.until_lost()
        assert isinstance(session.end, ConnectionResetError)

    simulation.run(main())
    assert a.life.dead is False


def test_a_half_open_connection_is_silent_until_the_idle_timer() -> None:
    simulation, a, b = two()
    fired: list[float] = []

    class Timed(Client):
        def timed_out(self) -> None:
            fired.append(simulation.loop.time())
            self.connection.abort()

    async def main() -> None:
        await a.net.listen(Lines, (a.net.ip, 25))
        session = await b.net.connect(Timed, (a.net.ip, 25))
        session.connection.set_timeout(60)
        simulation.network.half_open("a")
        await session.until_lost()

    simulation.run(main())
    assert 60 <= fired[0] <= 61.1


def test_a_killed_process_hangs_up_and_refuses() -> None:
    simulation, a, b = two()

    async def main() -> None:
        session, address = await connected(a, b)
        a.kill()
        await session.until_lost()
        with pytest.raises(ConnectionRefusedError):
            await b.net.connect(Client, (address, 25))
        session, _ = await connected(a.restart(), b)

    simulation.run(main())
    assert simulation.unhandled == []


def test_a_machine_without_power_says_nothing_and_after_its_return_resets() -> None:
    simulation, a, b = two()

    async def main() -> None:
        session, address = await connected(a, b)
        a.power_cut()
        session.connection.write(b"anyone?\n")
        await asyncio.sleep(1000)
        assert not session.gone
        with pytest.raises(TimeoutError):
            await b.net.connect(Client, (address, 25), timeout_s=30)
        a.restart()
        session.connection.write(b"anyone now?\n")
        await session.until_lost()
        assert isinstance(session.end, ConnectionResetError)

    simulation.run(main())


def test_refused_and_silent_addresses() -> None:
    simulation, a, b = two()

    async def main() -> None:
        await connected(a, b)
        where = (a.net.ip, 25)
        simulation.network.refuse(where)
        with pytest.raises(ConnectionRefusedError):
            await b.net.connect(Client, where)
        simulation.network.silence(where)
        with pytest.raises(TimeoutError):
            await b.net.connect(Client, where, timeout_s=3)
        simulation.network.restore(where)
        await b.net.connect(Client, where)

    simulation.run(main())


def test_loopback_and_unix_sockets_are_the_machine_s_own() -> None:
    simulation, a, b = two()

    async def main() -> None:
        await a.net.listen(Lines, ("127.0.0.1", 25))
        await a.net.listen(Lines, "/run/x.sock")
        second = a.process("second")
        await second.net.connect(Client, ("127.0.0.1", 25))
        await second.net.connect(Client, "/run/x.sock")
        with pytest.raises(ConnectionRefusedError):
            await b.net.connect(Client, ("127.0.0.1", 25))
        with pytest.raises(FileNotFoundError):
            await b.net.connect(Client, "/run/x.sock")
        with pytest.raises(OSError, match="in use"):
            await second.net.listen(Lines, ("127.0.0.1", 25))

    simulation.run(main())


def test_bytes_arrive_late_split_and_in_order() -> None:
    simulation, a, b = two()
    pieces: list[bytes] = []

    class Counts(Lines):
        def received(self, data: bytes) -> None:
            pieces.append(data)

    async def main() -> None:
        simulation.network.latency_s = (0.01, 0.5)
        simulation.network.split = 0.5
        await a.net.listen(Counts, (a.net.ip, 25))
        session = await b.net.connect(Client, (a.net.ip, 25))
        for n in range(100):
            session.connection.write(b"%04d" % n)
            await asyncio.sleep(0.001)
        await asyncio.sleep(100)

    simulation.run(main())
    assert b"".join(pieces) == b"".join(b"%04d" % n for n in range(100))
    assert len(pieces) > 120
