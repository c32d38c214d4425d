"""HTTP served and asked: real sockets; what a slow, greedy or broken other end costs (WORLD-20)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from holdfast.model.errors import Unavailable
from holdfast.world import World, http, real_world, run
from holdfast.world.http import App, HttpClient, Proxies, Receive, Scope, Send, peer_of, serve_http
from holdfast.world.net import bind


@pytest.fixture
def world(tmp_path: Path) -> World:
    return real_world(journal_path=str(tmp_path / "journal"))


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with who asks, and the size of what was sent."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await answer(send, 200, f"{scope['client'][0]} {scope['scheme']} {size}".encode())


async def answer(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [*headers]})
    await send({"type": "http.response.body", "body": body})


@contextlib.asynccontextmanager
async def serving(world: World, app: App, **keys: object) -> AsyncIterator[int]:
    """The port of ``app``."""
    listener = bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    stop, ready = asyncio.Event(), asyncio.Event()
    served = serve_http(world, app, [listener], stop=stop, ready=ready.set, **keys)  # type: ignore[arg-type]
    task = asyncio.get_running_loop().create_task(served)
    await ready.wait()
    try:
        yield port
    finally:
        stop.set()
        await task


async def said(port: int, *sent: bytes, timeout_s: float = 5.0) -> bytes:
    """All that comes back until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in sent:
            writer.write(part)
            await writer.drain()
        async with asyncio.timeout(timeout_s):
            return await reader.read(-1)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def request(*fields: str, method: str = "GET", body: bytes = b"") -> bytes:
    lines = [f"{method} / HTTP/1.1", "Host: localhost", "Connection: close", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


def test_an_answer_has_a_date_and_does_not_say_what_serves(world: World):
    async def main() -> bytes:
        async with serving(world, hello) as port:
            return await said(port, request())

    head, _, body = run(main()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200") and b"date: " in head.lower() and b"server:" not in head.lower()
    assert body.endswith(b"127.0.0.1 http 0\r\n0\r\n\r\n") or b"127.0.0.1 http 0" in body


@pytest.mark.slow
@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: localhost\r\n"])
def test_world_20_who_is_slow_to_ask_is_cut_off(world: World, monkeypatch: pytest.MonkeyPatch, begun: bytes):
    monkeypatch.setattr(http, "WEB_HEAD_S", 0.3)

    async def main() -> bytes:
        async with serving(world, hello) as port:
            return await said(port, begun)

    assert run(main()) == b""


@pytest.mark.slow
def test_world_20_a_second_request_on_a_connection_has_no_longer_than_the_first(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(http, "WEB_HEAD_S", 0.3)

    async def main() -> bytes:
        async with serving(world, hello) as port:
            return await said(port, request().replace(b"Connection: close\r\n", b""), b"GET / HTT")

    assert run(main()).count(b"HTTP/1.1") == 1


def test_world_20_one_address_has_so_many_connections_and_others_have_theirs(
    world: World,
):
    async def main() -> tuple[bytes, bytes, bytes]:
        async with serving(world, hello, crowd=http.Crowd(per_address=3)) as port:
            held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
            refused = await said(port, request())
            other = socket.socket()
            other.bind(("127.0.0.2", 0))
            other.setblocking(False)
            await asyncio.get_running_loop().sock_connect(other, ("127.0.0.1", port))
            reader, writer = await asyncio.open_connection(sock=other)
            writer.write(request())
            neighbour = await reader.read(-1)
            for _, each in held:
                each.close()
            writer.close()
            while (again := await said(port, request())) == b"":
                await asyncio.sleep(0.01)
            return refused, neighbour, again

    refused, neighbour, again = run(main())
    assert refused == b"" and b"127.0.0.2 http 0" in neighbour and b"127.0.0.1 http 0" in again


def test_an_application_that_raises_is_answered_for_and_the_next_request_served(world: World, tmp_path: Path):
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("a secret within")

    async def main() -> bytes:
        async with serving(world, broken) as port:
            await said(port, request())
            return await said(port, request())

    got = run(main())
    assert got.startswith(b"HTTP/1.1 500") and b"secret" not in got
    assert (tmp_path / "journal").read_text().count('"http_failed"') == 2


@pytest.mark.slow
def test_a_stop_lets_a_request_in_work_end(world: World):
    async def main() -> bytes:
        begun, stop = asyncio.Event(), asyncio.Event()

        async def slow(scope: Scope, receive: Receive, send: Send) -> None:
            begun.set()
            await asyncio.sleep(0.3)
            await answer(send, 200, b"done")

        listener = bind(("127.0.0.1", 0))
        task = asyncio.ensure_future(serve_http(world, slow, [listener], stop=stop))
        asked = asyncio.ensure_future(said(listener.getsockname()[1], request()))
        await begun.wait()
        stop.set()
        await task
        return await asked

    assert b"done" in run(main())


# Proxies


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", ["198.51.100.9"], "192.0.2.1"),  # no proxy of ours
        ("10.0.0.1", ["198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", ["198.51.100.9, 10.0.0.2"], "198.51.100.9"),
        ("10.0.0.1", ["203.0.113.5, 198.51.100.9"], "198.51.100.9"),  # the left one is the client's own word
        ("10.0.0.1", ["203.0.113.5", "198.51.100.9:4711"], "198.51.100.9"),
        ("10.0.0.1", ["[2001:db8::1]:443"], "2001:db8::1"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
    ],
)
def test_world_20_a_proxy_is_believed_as_far_as_it_is_ours(peer: str, forwarded: list[str], client: str):
    assert Proxies(["10.0.0.0/8"]).client(peer, forwarded) == client


def test_what_is_no_network_is_no_proxy():
    with pytest.raises(ValueError):
        Proxies(["proxy.example.org"])
    assert "192.0.2.1" not in Proxies([]) and "nonsense" not in Proxies(["10.0.0.0/8"])
    assert "::ffff:10.0.0.1" in Proxies(["10.0.0.0/8"])
    assert peer_of(" 192.0.2.1:80 ") == "192.0.2.1"


def test_a_proxy_says_for_whom_and_in_which_scheme_it_asks(world: World):
    fields = ("X-Forwarded-For: 198.51.100.9", "X-Forwarded-Proto: https")

    async def main() -> tuple[bytes, bytes]:
        async with serving(world, hello, trusted_proxies=["127.0.0.1"]) as port:
            trusted = await said(port, request(*fields))
        async with serving(world, hello) as port:
            return trusted, await said(port, request(*fields))

    trusted, strange = run(main())
    assert b"198.51.100.9 https 0" in trusted and b"127.0.0.1 http 0" in strange


# Asking others


def asked(
    world: World, app: App, ask: Callable[[HttpClient, str], Awaitable[http.HttpAnswer]]
) -> http.HttpAnswer:
    async def main() -> http.HttpAnswer:
        client = HttpClient(world)
        try:
            async with serving(world, app) as port:
                return await ask(client, f"http://127.0.0.1:{port}/")
        finally:
            await client.close()

    return run(main())


def test_an_answer_is_given_as_it_came_and_no_redirect_followed(world: World):
    async def moved(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, 302, b"there", (b"location", b"http://127.0.0.1:1/"))

    got = asked(world, moved, lambda client, url: client.ask("GET", url, component="partner/x"))
    assert (got.status, got.body, got.headers["location"]) == (302, b"there", "http://127.0.0.1:1/")


def test_what_was_sent_arrives(world: World):
    got = asked(
        world,
        hello,
        lambda client, url: client.ask("POST", url, component="partner/x", content=b"12345"),
    )
    assert got.body == b"127.0.0.1 http 5"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_is_unavailable_by_its_name_and_says_when(world: World, status: int):
    async def troubled(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, status, b"", (b"retry-after", b"7"))

    with pytest.raises(Unavailable) as caught:
        asked(world, troubled, lambda client, url: client.ask("GET", url, component="partner/x"))
    assert caught.value.component == "partner/x" and caught.value.retry_after_s == 7


@pytest.mark.slow
def test_nobody_there_no_answer_and_an_endless_one_are_unavailable(world: World):
    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(1)

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, 200, b"x" * 2000)

    for app, ask in (
        (hello, lambda client, url: client.ask("GET", "http://127.0.0.1:1/", component="partner/x")),
        (silent, lambda client, url: client.ask("GET", url, component="partner/x", timeout_s=0.05)),
        (endless, lambda client, url: client.ask("GET", url, component="partner/x", most_bytes=1000)),
        (hello, lambda client, url: client.ask("GET", "nonsense:/", component="partner/x")),
    ):
        with pytest.raises(Unavailable) as caught:
            asked(world, app, ask)
        assert caught.value.component == "partner/x"
