"""A link between two processes: every call has an outcome, and nothing piles up without end."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import (
    LINK_ANSWER_S,
    LINK_ASKED_BYTES,
    LINK_REQUESTS,
    LINK_RETRY_LONGEST_S,
    LINK_UNHEARD_BYTES,
    LINK_WAIT_S,
)
from holdfast.sim.world import SimWorld, simulated
from holdfast.world import Session, World, real_world, run
from holdfast.world.link import (
    FAILED,
    HEAD,
    PUSH,
    REFUSED,
    REPLY,
    REQUEST,
    UNAVAILABLE,
    Handler,
    Link,
    LinkPeer,
    Lost,
    OutOfReach,
    _LinkSession,
    ping,
)

PATH = "/run/echo.sock"
one_frame = st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 255), st.binary(max_size=40))
frames = st.lists(one_frame, max_size=8)


@pytest.fixture
def world() -> Iterator[SimWorld]:
    with simulated(1) as made:
        yield made


class Collecting(_LinkSession):
    __slots__ = ("seen",)

    def __init__(self, most_bytes: int = 1000) -> None:
        super().__init__(most_bytes)
        self.seen: list[tuple[int, int, bytes]] = []

    def _frame(self, id: int, kind: int, payload: bytes) -> None:
        self.seen.append((id, kind, payload))


class Script(Session):
    """A server that answers with whatever bytes its script makes of the first request's id."""

    __slots__ = ("_answer", "heard")

    def __init__(self, answer: Callable[[int], bytes]) -> None:
        self._answer = answer

    def received(self, data: bytes) -> None:
        _, id, _ = HEAD.unpack_from(data)
        self.connection.write(self._answer(id))


class Service:
    """The serving end in a process of its own."""

    def __init__(self, world: SimWorld, handle: Handler, most_bytes: int = 1 << 20) -> None:
        self.world = world
        self.handle = handle
        self.most_bytes = most_bytes
        self.peers: list[LinkPeer] = []
        self.lost: list[LinkPeer] = []

    def _session(self) -> LinkPeer:
        self.peers.append(LinkPeer(self.handle, self.lost.append, most_bytes=self.most_bytes))
        return self.peers[-1]

    async def open(self) -> Service:
        await self.world.net.listen(self._session, PATH)
        return self


async def echo(peer: LinkPeer, payload: bytes) -> bytes:
    return payload[::-1]


def frame(id: int, kind: int, payload: bytes) -> bytes:
    return HEAD.pack(len(payload) + 5, id, kind) + payload


async def outcome(call: asyncio.Future[bytes]) -> object:
    try:
        return await call
    except (Refused, Unavailable) as error:
        return type(error)


@pytest.mark.slow
@given(frames, st.data())
def test_the_stream_may_be_split_anywhere(sent: list[tuple[int, int, bytes]], data: st.DataObject) -> None:
    stream = b"".join(frame(*one) for one in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=30)))
    session = Collecting()
    for start, end in zip([0, *cuts], [*cuts, len(stream)]):
        session.received(stream[start:end])
    assert session.seen == sent


@given(st.integers(0, 2**32 - 1), st.binary(max_size=8))  # no second head
def test_a_frame_is_never_longer_than_was_agreed(length: int, more: bytes) -> None:
    session = Collecting(most_bytes=100)
    head = length.to_bytes(4, "little") + bytes(5)
    if 5 <= length <= 105:
        session.received(head + more)
        assert len(session.seen) == (len(more) >= length - 5) or more
    else:
        with pytest.raises(ValueError, match="link frame"):
            session.received(head + more)


def test_an_answer_comes_back_and_what_is_sent_is_heard(world: SimWorld) -> None:
    heard: list[bytes] = []

    async def handle(peer: LinkPeer, payload: bytes) -> bytes:
        heard.append(payload)
        peer.push(b"told " + payload)
        return payload

    async def main() -> None:
        await Service(world.process("server"), handle).open()
        link = Link(world, PATH, "echo", on_push=heard.append)
        assert link.send(b"too early") is False
        assert await link.ask(b"one") == b"one"
        assert link.send(b"two") is True
        assert await link.call(b"three") == b"three"
        assert heard == [b"one", b"told one", b"two", b"three", b"told two", b"told three"]

    world.run(main())
    assert world.simulation.unhandled == []


def test_world_15_both_errors_cross_the_link_as_they_are(world: SimWorld) -> None:
    async def handle(peer: LinkPeer, payload: bytes) -> bytes:
        if payload == b"wrong":
            raise Refused(Reason.OVER_QUOTA, "delete some")
        raise Unavailable("cell-07/index", "being rebuilt", 7)

    async def main() -> None:
        await Service(world.process("server"), handle).open()
        link = Link(world, PATH, "echo")
        with pytest.raises(Refused) as refused:
            await link.ask(b"wrong")
        assert (refused.value.reason, refused.value.text) == (Reason.OVER_QUOTA, "delete some")
        with pytest.raises(Unavailable) as late:
            await link.ask(b"late")
        error = late.value
        assert (error.component, error.text, error.retry_after_s) == ("cell-07/index", "being rebuilt", 7.0)
        assert not isinstance(error, Lost | OutOfReach)

    world.run(main())


def test_world_15_a_handler_that_fails_is_journalled_and_answered(world: SimWorld) -> None:
    async def handle(peer: LinkPeer, payload: bytes) -> bytes:
        match payload:
            case b"bug":
                raise ZeroDivisionError("division by zero")
            case b"cancelled":
                raise asyncio.CancelledError
            case b"long":
                return bytes((1 << 20) + 1)
        return b"well"

    async def main() -> None:
        server = world.process("server")
        await Service(server, handle).open()
        link = Link(world, PATH, "echo")
        for payload in (b"bug", b"cancelled", b"long"):
            with pytest.raises(Lost) as caught:
                await link.ask(payload)
            assert caught.value.component == "echo"
        link.send(b"bug")
        assert await link.ask(b"anything") == b"well"
        failed = server.journal.named("request_failed")
        assert [str(entry.keys["error"]).partition(":")[0] for entry in failed] == [
            "ZeroDivisionError",
            "CancelledError",
            "ValueError",
            "ZeroDivisionError",
        ]
        assert "test_link.py" in str(failed[0].keys["where"])

    world.run(main())
    assert world.simulation.unhandled == []


@pytest.mark.parametrize(
    ("kind", "payload", "expected"),
    [
        (REPLY, b"well", b"well"),
        (FAILED, b"\xff\xfe", Lost),
        (77, b"of a later version", Lost),
        (REQUEST, b"", Lost),
        (REFUSED, b"\xc1 no MessagePack", Lost),
        (REFUSED, msgspec.msgpack.encode(("a reason of a later version", "")), Lost),
        (UNAVAILABLE, msgspec.msgpack.encode(("people",)), Lost),
    ],
)
def test_world_15_an_answer_that_is_not_understood_is_no_silence(
    world: SimWorld, kind: int, payload: bytes, expected: object
) -> None:
    async def main() -> None:
        def answer(id: int) -> bytes:
            strange = frame(id + 1000, REPLY, b"to nobody") + frame(0, 99, b"?") + frame(0, PUSH, b"unheard")
            return strange + frame(id, kind, payload)

        await world.process("server").net.listen(lambda: Script(answer), PATH)
        link = Link(world, PATH, "echo")
        await link._connect()
        started = world.clock.monotonic()
        assert await outcome(link.call(b"?")) == expected
        assert world.clock.monotonic() - started < 1 and link.connected

    world.run(main())


def test_world_15_what_is_no_frame_ends_the_connection(world: SimWorld) -> None:
    async def main() -> None:
        await world.process("server").net.listen(lambda: Script(lambda id: b"HTTP/1.1 400 Bad\r\n"), PATH)
        link = Link(world, PATH, "echo")
        with pytest.raises(Lost):
            await link.ask(b"?")
        assert not link.connected
        assert [entry.name for entry in world.journal.entries] == ["session_failed"]

    world.run(main())


def test_a_request_of_unknown_kind_is_answered_as_failed(world: SimWorld) -> None:
    class Asking(Collecting):
        __slots__ = ()

        def connected(self) -> None:
            self.connection.write(frame(7, 42, b"?") + frame(8, REQUEST, b"abc") + frame(0, 42, b""))

    async def main() -> None:
        server = world.process("server")
        await Service(server, echo).open()
        session = await world.net.connect(Asking, PATH)
        await world.clock.sleep(1)
        assert session.seen == [(7, FAILED, b"ValueError"), (8, REPLY, b"cba")]
        assert len(server.journal.named("request_failed")) == 2

    world.run(main())


def test_world_15_who_was_asked_and_who_was_not_are_told_apart(world: SimWorld) -> None:
    async def never(peer: LinkPeer, payload: bytes) -> bytes:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    async def main() -> None:
        server = world.process("server")
        link = Link(world, PATH, "echo")
        assert await outcome(asyncio.ensure_future(link.ask(b"?"))) is OutOfReach
        assert await outcome(link.call(b"?")) is OutOfReach
        await Service(server, never).open()
        asked = [asyncio.ensure_future(link.ask(b"?")) for _ in range(20)]
        world.clock.call_later(1, server.kill)
        assert [await outcome(one) for one in asked] == [Lost] * 20
        await link.ended()
        assert await outcome(link.call(b"?")) is OutOfReach

    world.run(main())
    assert world.simulation.unhandled == []


def test_world_15_a_call_without_an_answer_is_given_up_in_its_time(world: SimWorld) -> None:
    async def slow(peer: LinkPeer, payload: bytes) -> bytes:
        await world.clock.sleep(float(payload))
        return payload

    async def main() -> None:
        await Service(world.process("server"), slow).open()
        link = Link(world, PATH, "echo")
        started = world.clock.monotonic()
        first = asyncio.ensure_future(link.ask(b"1000"))
        patient = asyncio.ensure_future(link.ask(b"100", timeout_s=200))
        hasty = asyncio.ensure_future(link.ask(b"1000", timeout_s=0.5))
        assert await outcome(hasty) is Lost
        assert 0.5 <= world.clock.monotonic() - started <= 1.6
        assert await outcome(first) is Lost
        assert LINK_ANSWER_S <= world.clock.monotonic() - started <= LINK_ANSWER_S + 1.1
        assert await patient == b"100"
        assert link._asked_bytes == 0 and not link._calls

    world.run(main())


def test_a_started_link_finds_a_server_that_comes_late_and_one_that_comes_again(world: SimWorld) -> None:
    async def main() -> None:
        server = world.process("server")
        known: list[float] = []
        link = Link(world, PATH, "echo", on_connected=lambda: known.append(world.clock.monotonic()))
        link.start()
        await world.clock.sleep(30)
        assert not link.connected
        for times in (1, 2, 3):
            started = world.clock.monotonic()
            await Service(server, echo).open()
            await world.clock.sleep(LINK_RETRY_LONGEST_S + 0.1)
            assert len(known) == times and known[-1] - started <= LINK_RETRY_LONGEST_S + 0.01
            assert await link.call(b"ab") == b"ba"
            server.kill()
            await link.ended()
            server = server.restart()
        link.close()
        await Service(server, echo).open()
        await world.clock.sleep(5)
        assert len(known) == 3
        assert await outcome(asyncio.ensure_future(link.ask(b"?"))) is OutOfReach

    world.run(main())
    assert world.simulation.unhandled == []


def test_world_18_a_call_waits_a_moment_for_a_server_that_starts_again_and_is_said_once(
    world: SimWorld,
) -> None:
    heard: list[bytes] = []

    async def hears(peer: LinkPeer, payload: bytes) -> bytes:
        heard.append(payload)
        return payload

    async def main() -> None:
        server = world.process("server")
        link = Link(world, PATH, "echo")
        link.start()
        await Service(server, hears).open()
        assert await link.call(b"1") == b"1"
        server.kill()
        await link.ended()
        early = [link.call(b"2"), link.call(b"3")]
        early[1].cancel()
        server = server.restart()
        await world.clock.sleep(LINK_WAIT_S / 2)
        await Service(server, hears).open()
        assert await early[0] == b"2"
        assert heard == [b"1", b"2"]
        server.kill()
        await link.ended()
        started = world.clock.monotonic()
        assert await outcome(link.call(b"4")) is OutOfReach
        assert world.clock.monotonic() - started == pytest.approx(LINK_WAIT_S, abs=0.01)
        late = link.call(b"5")
        link.close()
        assert await outcome(late) is OutOfReach
        await Service(server.restart(), hears).open()
        await world.clock.sleep(5)
        assert heard == [b"1", b"2"]

    world.run(main())
    assert world.simulation.unhandled == []


def test_world_17_one_that_was_silent_is_asked_again_as_soon_as_it_is_heard(world: SimWorld) -> None:
    """Frozen, its socket still takes connections; then it goes on, and answers what lies there."""
    frozen = [True]

    class Freezes(LinkPeer):
        def received(self, data: bytes) -> None:
            self.label += data.decode("latin-1")
            if not frozen[0]:
                came, self.label = self.label.encode("latin-1"), ""
                super().received(came)

    async def main() -> None:
        peers: list[Freezes] = []

        def accept() -> Freezes:
            peers.append(Freezes(echo))
            return peers[-1]

        await world.process("server").net.listen(accept, PATH)
        link = Link(world, PATH, "echo")
        assert await outcome(asyncio.ensure_future(link.ask(b"ab"))) is Lost
        started = world.clock.monotonic()
        assert await outcome(asyncio.ensure_future(link.ask(b"ab"))) is OutOfReach
        assert world.clock.monotonic() - started <= LINK_WAIT_S + 0.1
        early = asyncio.ensure_future(link.ask(b"ab"))
        await world.clock.sleep(LINK_WAIT_S / 2)
        frozen[0] = False
        peers[-1].received(b"")
        assert await early == b"ba"
        assert await link.ask(b"cd") == b"dc"

    world.run(main())
    assert world.simulation.unhandled == []


def test_what_is_kept_saying_is_said_again_to_a_server_that_is_new(world: SimWorld) -> None:
    heard: list[bytes] = []

    async def hear(peer: LinkPeer, payload: bytes) -> bytes:
        heard.append(payload)
        return b""

    async def main() -> None:
        server = world.process("server")
        link = Link(world, PATH, "echo")
        link.start()
        for word in (b"mx-0 at 1", b"mx-0 at 2"):
            link.keep_saying("mx-0", word)
        link.keep_saying("mx-1", b"mx-1 at 7")
        await Service(server, hear).open()
        await world.clock.sleep(2)
        link.keep_saying("mx-0", b"mx-0 at 3")
        await world.clock.sleep(1)
        assert heard == [b"mx-0 at 2", b"mx-1 at 7", b"mx-0 at 3"]
        server.kill()
        await Service(server.restart(), hear).open()
        await world.clock.sleep(2)
        assert heard[3:] == [b"mx-0 at 3", b"mx-1 at 7"]

    world.run(main())


def test_a_server_that_hangs_up_at_once_is_not_called_without_pause(world: SimWorld) -> None:
    class HangsUp(Session):
        def connected(self) -> None:
            self.connection.close()

    async def main() -> None:
        reached: list[int] = []
        await world.process("server").net.listen(HangsUp, PATH)
        link = Link(world, PATH, "echo", on_connected=lambda: reached.append(1))
        link.start()
        await world.clock.sleep(20)
        most = 20 / LINK_RETRY_LONGEST_S
        assert 0.8 * most <= len(reached) <= 1.5 * most

    world.run(main())


def test_closing_tells_who_waits(world: SimWorld) -> None:
    async def main() -> None:
        service = await Service(world.process("server"), echo).open()
        link = Link(world, PATH, "echo")
        link.start()
        await world.clock.sleep(1)
        waiting = link.call(b"?")
        link.close()
        assert await outcome(waiting) is Lost
        await world.clock.sleep(1)
        assert service.lost == service.peers and len(service.peers) == 1

    world.run(main())


@pytest.mark.slow
def test_thousands_of_calls_at_once_each_get_their_own_answer(world: SimWorld) -> None:
    working: list[int] = []
    most = 0

    async def handle(peer: LinkPeer, payload: bytes) -> bytes:
        nonlocal most
        working.append(1)
        most = max(most, len(working))
        await world.clock.sleep(0.01 if payload[-1] % 2 else 0.02)
        working.pop()
        return payload * 2

    async def main() -> None:
        await Service(world.process("server"), handle).open()
        link = Link(world, PATH, "echo")
        asked = [n.to_bytes(4, "little") * 64 for n in range(3 * LINK_REQUESTS)]
        answers = await asyncio.gather(*(link.ask(payload) for payload in asked))
        assert answers == [payload * 2 for payload in asked]
        assert LINK_REQUESTS // 2 < most < 2 * LINK_REQUESTS  # WORLD-16: a busy server reads no more

    world.run(main())


def test_world_16_who_does_not_listen_is_cut_off_and_comes_again(world: SimWorld) -> None:
    async def main() -> None:
        service = await Service(world.process("server"), echo).open()
        known: list[int] = []
        link = Link(world, PATH, "echo", on_push=lambda _: None, on_connected=lambda: known.append(1))
        link.start()
        await world.clock.sleep(1)
        assert link._session is not None
        stuck = link._session.connection
        stuck.pause()
        peer = service.peers[0]
        most = 0
        for _ in range(10):
            for _ in range(LINK_UNHEARD_BYTES // 8 // 100_000):
                peer.push(bytes(100_000))
                most = max(most, peer.connection.buffered)
            await world.clock.sleep(0.01)
        assert most <= LINK_UNHEARD_BYTES + 100_009
        assert service.lost == [peer]
        stuck.resume()
        await world.clock.sleep(5)
        assert len(known) == 2 and await link.call(b"ab") == b"ba"

    world.run(main())
    assert world.simulation.unhandled == []


@pytest.mark.slow
def test_world_16_what_waits_for_a_stuck_server_is_bounded(world: SimWorld) -> None:
    class Stuck(Session):
        def connected(self) -> None:
            self.connection.pause()

    async def main() -> None:
        await world.process("server").net.listen(Stuck, PATH)
        link = Link(world, PATH, "echo")
        large = bytes(100 << 20)
        await link._connect()
        calls = [link.call(large) for _ in range(LINK_ASKED_BYTES // len(large) + 2)]
        found = [type(call.exception()) if call.done() else None for call in calls]
        assert found == [None] * (len(calls) - 2) + [OutOfReach] * 2
        assert link._asked_bytes <= LINK_ASKED_BYTES
        link.close()
        assert {await outcome(call) for call in calls} == {Lost, OutOfReach}

    world.run(main())


def test_a_payload_that_is_too_large_harms_no_other_call(world: SimWorld) -> None:
    async def main() -> None:
        service = await Service(world.process("server"), echo, most_bytes=1000).open()
        link = Link(world, PATH, "echo", most_bytes=1000)
        await link._connect()
        small, large, most = link.call(b"ab"), link.call(bytes(1001)), link.call(bytes(1000))
        assert link.send(bytes(1001)) is False
        assert await small == b"ba"
        with pytest.raises(Refused) as refused:
            await large
        assert refused.value.reason is Reason.TOO_LARGE
        assert await most == bytes(1000)
        with pytest.raises(ValueError, match="too many to push"):
            service.peers[0].push(bytes(1001))

    world.run(main())


def test_one_who_no_longer_waits_disturbs_nobody(world: SimWorld) -> None:
    async def main() -> None:
        await Service(world.process("server"), echo).open()
        link = Link(world, PATH, "echo")
        await link._connect()
        given_up, other = link.call(b"ab"), link.call(b"cd")
        given_up.cancel()
        assert await other == b"dc"
        await world.clock.sleep(2)
        assert not link._calls and link._asked_bytes == 0

    world.run(main())
    assert world.simulation.unhandled == []


def test_over_a_real_socket_which_is_its_owners_only(tmp_path: Path) -> None:
    path = str(tmp_path / "echo.sock")

    async def handle(peer: LinkPeer, payload: bytes) -> bytes:
        return payload[::-1]

    async def main(world: World) -> None:
        listener = await world.net.listen(lambda: LinkPeer(handle), path)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        link = Link(world, path, "echo")
        large = os.urandom(3 << 20)
        answers = await asyncio.gather(*(link.ask(one) for one in (b"ab", large, b"", large[::-1])))
        assert answers == [b"ba", large[::-1], b"", large]
        listener.close()
        for connection in listener.connections:
            connection.close()
        await link.ended()
        with pytest.raises(OutOfReach):
            await link.ask(b"?")
        link.close()

    run(main(real_world(level="error")))


def test_a_ping_is_answered_by_a_loop_that_lives_and_asks_it_nothing(world: SimWorld) -> None:
    asked: list[bytes] = []

    async def handle(peer: LinkPeer, payload: bytes) -> bytes:
        asked.append(payload)
        return payload

    class Stuck(Session):
        def received(self, data: bytes) -> None:
            pass

    class HangsUp(Session):
        def received(self, data: bytes) -> None:
            self.connection.close()

    async def main() -> None:
        await Service(world.process("server"), handle).open()
        await ping(world, PATH, 2.0)
        for silent in (Stuck, HangsUp):
            await world.process("server").net.listen(silent, f"{PATH}.{silent.__name__}")
            with pytest.raises(OSError):
                await ping(world, f"{PATH}.{silent.__name__}", 2.0)
        with pytest.raises(OSError):
            await ping(world, f"{PATH}.nobody", 2.0)
        assert not asked

    world.run(main())
