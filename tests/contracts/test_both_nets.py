"""One suite for the connection driver on real sockets and on the simulated network."""

from __future__ import annotations

import asyncio
import gc
import os
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.wires import Client, Lines, make_certificate
from holdfast.model.limits import WRITE_BUFFER_BYTES
from holdfast.sim.world import simulated
from holdfast.world import Entry, Session, World, real_world, run
from holdfast.world.tls import client_context, server_context

LOOPBACK = ("127.0.0.1", 0)

Test = Callable[[World], Coroutine[Any, Any, None]]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=["real", "simulated"])
def go(request: pytest.FixtureRequest) -> Iterator[Callable[[Test], list[Entry]]]:
    """Runs a test in a world; returns what was journalled."""

    def really(test: Test) -> list[Entry]:
        world = real_world(journal_path=os.devnull)
        entries: list[Entry] = []
        world.journal.at(entries.append)
        run(test(world))
        return entries

    def simulating(test: Test) -> list[Entry]:
        with simulated(11) as world:
            world.run(test(world))
            assert world.simulation.unhandled == []
            return world.journal.entries

    yield really if request.param == "real" else simulating


async def pair(world: World, factory: Callable[[], Session], tls: Any = None) -> Client:
    listener = await world.net.listen(factory, LOOPBACK, tls and tls[0])
    return await world.net.connect(Client, listener.addresses[0], tls and tls[1])


def test_lines_go_round(go: Callable[[Test], list[Entry]]) -> None:
    async def test(world: World) -> None:
        client = await pair(world, Lines)
        client.connection.write(b"one\ntw")
        client.connection.writelines([b"o\n", b"three\n"])
        assert await client.until(b"three\n") == b"one\ntwo\nthree\n"

    assert go(test) == []


def test_a_unix_socket_serves_like_any_other(go: Callable[[Test], list[Entry]]) -> None:
    async def test(world: World) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/s"
            await world.net.listen(Lines, path)
            client = await world.net.connect(Client, path)
            client.connection.write(b"x\n")
            await client.until(b"x\n")

    go(test)


def test_a_door_stays_open_when_its_handle_is_dropped(go: Callable[[Test], list[Entry]]) -> None:
    async def test(world: World) -> None:
        with tempfile.TemporaryDirectory() as folder:
            await world.net.listen(Lines, f"{folder}/s")
            gc.collect()
            client = await world.net.connect(Client, f"{folder}/s")
            client.connection.write(b"x\n")
            await client.until(b"x\n")

    go(test)


def test_nobody_listens_is_connection_refused(go: Callable[[Test], list[Entry]]) -> None:
    async def test(world: World) -> None:
        with pytest.raises(ConnectionRefusedError):
            await world.net.connect(Client, ("127.0.0.1", 1))
        with pytest.raises(FileNotFoundError):
            await world.net.connect(Client, "/nowhere/socket")

    go(test)


def test_a_listener_closed_accepts_no_more_and_keeps_what_it_has(go: Callable[[Test], list[Entry]]) -> None:
    async def test(world: World) -> None:
        listener = await world.net.listen(Lines, LOOPBACK)
        client = await world.net.connect(Client, listener.addresses[0])
        client.connection.write(b"a\n")
        await client.until(b"a\n")
        assert len(list(listener.connections)) == 1
        listener.close()
        await world.clock.sleep(0)
        with pytest.raises(ConnectionRefusedError):
            await world.net.connect(Client, listener.addresses[0])
        client.connection.write(b"b\n")
        await client.until(b"b\n")

    go(test)


def test_tls_from_the_start(go: Callable[[Test], list[Entry]], certificate: tuple[str, str]) -> None:
    seen = []

    class Greets(Lines):
        def connected(self) -> None:
            seen.append(self.connection.tls.version())
            self.connection.write(b"hello\n")

    async def test(world: World) -> None:
        contexts = server_context(*certificate), client_context(authority_path=certificate[0])
        client = await pair(world, Greets, contexts)
        await client.until(b"hello\n")
        client.connection.write(b"x" * 100_000 + b"\n")
        assert len(await client.until(b"x\n")) == 100_001
        client.connection.close()
        await client.until_lost()
        assert client.end is None

    assert go(test) == []
    assert seen == ["TLSv1.3"]


def test_start_tls_in_mid_connection(go: Callable[[Test], list[Entry]], certificate: tuple[str, str]) -> None:
    server_tls = server_context(*certificate)

    class StartsTls(Lines):
        def line(self, line: bytes) -> None:
            if line == b"STARTTLS":
                self.connection.write(b"go ahead\n")
                self.connection.start_tls(server_tls)
            else:
                self.connection.write(line + (b" secret\n" if self.connection.tls else b" open\n"))

    async def test(world: World) -> None:
        client = await pair(world, StartsTls)
        client.connection.write(b"a\nSTARTTLS\n")
        assert await client.until(b"ahead\n") == b"a open\ngo ahead\n"
        context = client_context(authority_path=certificate[0])
        await client.connection.start_tls(context, server_side=False, server_name="localhost")
        client.connection.write(b"b\n")
        assert await client.until(b"\n") == b"b secret\n"

    assert go(test) == []


def test_a_certificate_that_does_not_verify_is_a_connection_error(
    go: Callable[[Test], list[Entry]], certificate: tuple[str, str]
) -> None:
    async def test(world: World) -> None:
        with pytest.raises(ConnectionError):
            await pair(world, Lines, (server_context(*certificate), client_context()))
        await world.clock.sleep(0.05)

    assert {entry.name for entry in go(test)} == {"tls_failed"}


def test_plain_bytes_on_a_tls_port_end_the_connection(
    go: Callable[[Test], list[Entry]], certificate: tuple[str, str]
) -> None:
    async def test(world: World) -> None:
        listener = await world.net.listen(Lines, LOOPBACK, server_context(*certificate))
        client = await world.net.connect(Client, listener.addresses[0])
        client.connection.write(b"EHLO plain\r\n")
        await client.until_lost()
        assert list(listener.connections) == []

    assert [entry.name for entry in go(test)] == ["tls_failed"]


def test_an_exception_is_journalled_and_the_last_words_are_heard(go: Callable[[Test], list[Entry]]) -> None:
    """WORLD-11."""

    class Fails(Lines):
        def line(self, line: bytes) -> None:
            raise KeyError("a bug")

        def failed(self, error: Exception) -> None:
            self.connection.write(b"421 internal error\n")

    async def test(world: World) -> None:
        client = await pair(world, Fails)
        client.connection.write(b"x\n")
        assert await client.until_lost() == b"421 internal error\n"

    (entry,) = go(test)
    assert entry.name == "session_failed"
    assert "a bug" in entry.keys["error"]


def test_an_exception_of_the_spawned_coroutine_is_the_session_s(go: Callable[[Test], list[Entry]]) -> None:
    class Fails(Lines):
        def line(self, line: bytes) -> None:
            self.connection.spawn(self.work())

        async def work(self) -> None:
            await asyncio.sleep(0)
            raise ValueError("later bug")

        def failed(self, error: Exception) -> None:
            self.connection.write(b"* BYE\n")

    async def test(world: World) -> None:
        client = await pair(world, Fails)
        client.connection.write(b"x\n")
        assert await client.until_lost() == b"* BYE\n"

    assert [entry.name for entry in go(test)] == ["session_failed"]


def test_one_coroutine_at_a_time_and_input_goes_on_meanwhile(go: Callable[[Test], list[Entry]]) -> None:
    class Works(Lines):
        __slots__ = ("queue", "running")

        def __init__(self) -> None:
            super().__init__()
            self.queue: list[bytes] = []
            self.running = 0

        def line(self, line: bytes) -> None:
            self.queue.append(line)
            if not self.connection.busy:
                self.connection.spawn(self.work())

        async def work(self) -> None:
            self.running += 1
            assert self.running == 1
            with pytest.raises(RuntimeError):
                self.connection.spawn(self.nothing())
            while self.queue:
                line = self.queue.pop(0)
                await asyncio.sleep(0.001)
                self.connection.write(line + b"\n")
            self.running -= 1

        async def nothing(self) -> None:
            pass

        def ready(self) -> None:
            self.connection.write(b".\n")

    async def test(world: World) -> None:
        client = await pair(world, Works)
        client.connection.write(b"1\n2\n")
        await client.until(b"1\n")
        client.connection.write(b"3\n")
        assert b"3\n" in await client.until(b"3\n.\n")

    assert go(test) == []


def test_replies_reach_a_client_that_has_ended_its_side(go: Callable[[Test], list[Entry]]) -> None:
    class Slow(Lines):
        def line(self, line: bytes) -> None:
            self.connection.spawn(self.work())

        async def work(self) -> None:
            await asyncio.sleep(0.01)
            self.connection.write(b"done\n")

    class Ends(Client):
        def connected(self) -> None:
            self.connection.write(b"x\n")
            self.connection.close()

        def received(self, data: bytes) -> None:
            raise AssertionError("closed at this end")

    async def test(world: World) -> None:
        listener = await world.net.listen(Slow, LOOPBACK)
        closer = await world.net.connect(Ends, listener.addresses[0])
        await closer.until_lost()
        assert closer.end is None

    assert go(test) == []


@pytest.mark.slow
def test_a_slow_reader_stops_the_reading_of_its_own_input(go: Callable[[Test], list[Entry]]) -> None:
    """WORLD-8."""

    servers = []

    class Floods(Lines):
        def connected(self) -> None:
            servers.append(self)

        def line(self, line: bytes) -> None:
            self.log.append(line)
            self.connection.write(bytes(64 * 1024))

        def writable(self) -> None:
            self.log.append("writable")

    async def test(world: World) -> None:
        client = await pair(world, Floods)
        client.connection.pause()
        for _ in range(100):
            client.connection.write(b"more\n" * 3)
            await world.clock.sleep(0.0005)
        (server,) = servers
        asked = server.log.count(b"more")
        assert asked < 300
        assert server.connection.buffered >= WRITE_BUFFER_BYTES // 4
        client.connection.resume()
        while len(client.data) < 300 * 64 * 1024:
            client._news.clear()
            await client._news.wait()
        assert "writable" in server.log

    assert go(test) == []


def test_drain_waits_for_the_reader_and_fails_when_it_is_gone(go: Callable[[Test], list[Entry]]) -> None:
    log: list[str] = []

    class Drains(Lines):
        def line(self, line: bytes) -> None:
            self.connection.spawn(self.work())

        async def work(self) -> None:
            try:
                while True:
                    self.connection.write(bytes(100_000))
                    await self.connection.drain()
                    log.append("on")
            except ConnectionResetError:
                log.append("gone")

    async def test(world: World) -> None:
        client = await pair(world, Drains)
        client.connection.pause()
        client.connection.write(b"x\n")
        await world.clock.sleep(0.1)
        assert "gone" not in log
        assert 2 <= len(log) < 500
        client.connection.abort()
        while "gone" not in log:
            await world.clock.sleep(0.001)

    assert go(test) == []


def test_writes_to_a_closed_connection_do_nothing(go: Callable[[Test], list[Entry]]) -> None:
    async def test(world: World) -> None:
        client = await pair(world, Lines)
        client.connection.close()
        client.connection.write(b"x")
        client.connection.writelines([b"x", b"y"])
        client.connection.close()
        await client.until_lost()
        client.connection.write(b"x")
        client.connection.abort()
        client.connection.set_timeout(1)
        assert client.connection.closing
        with pytest.raises(ConnectionResetError):
            await client.connection.drain()

    assert go(test) == []


def test_many_connections_are_all_served(go: Callable[[Test], list[Entry]]) -> None:
    async def test(world: World) -> None:
        listener = await world.net.listen(Lines, LOOPBACK)
        clients = [await world.net.connect(Client, listener.addresses[0]) for _ in range(40)]
        for number, client in enumerate(clients):
            client.connection.write(b"%d\n" % number)
        for number, client in enumerate(clients):
            assert await client.until(b"\n") == b"%d\n" % number
        for client in clients:
            client.connection.close()
        for client in clients:
            await client.until_lost()
        while list(listener.connections):
            await world.clock.sleep(0.001)

    assert go(test) == []


def test_names_of_both_ends(go: Callable[[Test], list[Entry]]) -> None:
    servers: list[Lines] = []

    class Notes(Lines):
        def connected(self) -> None:
            servers.append(self)
            self.connection.write(b"hi\n")

    async def test(world: World) -> None:
        client = await pair(world, Notes)
        await client.until(b"hi\n")
        (server,) = servers
        assert server.connection.peer[0] == "127.0.0.1"
        assert client.connection.peer == server.connection.local
        assert client.connection.local == server.connection.peer

    go(test)


def test_a_passed_socket_is_served(tmp_path: Path) -> None:
    from holdfast.world.net import bind

    async def test() -> None:
        world = real_world(journal_path=os.devnull)
        sockets = [bind(("127.0.0.1", 0)), bind(str(tmp_path / "s"))]
        listener = await world.net.listen(Lines, sockets)
        for address in listener.addresses:
            client = await world.net.connect(Client, address)
            client.connection.write(b"x\n")
            await client.until(b"x\n")
        bind(str(tmp_path / "s")).close()  # a socket file left behind is replaced

    run(test())


def test_what_was_begun_for_a_client_that_left_is_finished(go: Callable[[Test], list[Entry]]) -> None:
    """WORLD-12."""
    log: list[str] = []

    class Commits(Lines):
        def line(self, line: bytes) -> None:
            self.connection.spawn(self.work())

        async def work(self) -> None:
            log.append("begun")
            while "lost" not in log:
                self.connection.write(b"* still at it\n")
                await asyncio.sleep(0.001)
            self.connection.write(b"250 kept\n")
            log.append("finished")

        def lost(self, error: Exception | None) -> None:
            log.append("lost")

    async def test(world: World) -> None:
        client = await pair(world, Commits)
        client.connection.write(b"x\n")
        while "begun" not in log:
            await world.clock.sleep(0.001)
        client.connection.abort()
        while "finished" not in log:
            await world.clock.sleep(0.001)

    assert go(test) == []
    assert log == ["begun", "lost", "finished"]


def test_two_ends_that_both_have_much_to_say_do_not_wait_for_each_other(
    go: Callable[[Test], list[Entry]],
) -> None:
    """WORLD-8."""

    class Echoes(Lines):
        def received(self, data: bytes) -> None:
            self.connection.write(data)

    async def test(world: World) -> None:
        client = await pair(world, Echoes)
        client.connection.write(bytes(12_000_000) + b"\n")
        assert len(await client.until(b"\n")) == 12_000_001

    assert go(test) == []


def test_the_last_reply_is_heard_over_unread_input(go: Callable[[Test], list[Entry]]) -> None:
    """WORLD-14."""

    class Refuses(Lines):
        def line(self, line: bytes) -> None:
            if not self.connection.closing:
                self.connection.write(b"552 too large\n")
                self.connection.close()

    async def test(world: World) -> None:
        client = await pair(world, Refuses)
        for _ in range(20):
            client.connection.write(b"x" * 50_000 + b"\n")
            await world.clock.sleep(0.0005)
        assert await client.until_lost() == b"552 too large\n"
        assert client.end is None

    assert go(test) == []
