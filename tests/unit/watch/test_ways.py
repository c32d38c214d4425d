"""Partners are met as far as can be gone without handing anything over."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable

import pytest

from holdfast.model.errors import Unavailable
from holdfast.partners.outbound import Manners
from holdfast.watch.checking import WELL, Said
from holdfast.watch.ways import Question, answered, connected, plain, would_take
from holdfast.world import real_world, run
from holdfast.world.dns import RealResolver
from holdfast.world.http import HttpClient

WORLD = real_world(level="error")
HOST = "127.0.0.1"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def met(serve: Serve, way: Callable[[int], Awaitable[Said]]) -> Said:
    async def go() -> Said:
        server = await asyncio.start_server(serve, HOST, 0)
        try:
            return await way(server.sockets[0].getsockname()[1])
        finally:
            server.close()

    return run(go())


# gateways


class Gateway:
    """``status`` 0: it takes the connection and says nothing."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.asked: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append(await reader.readuntil(b"\r\n\r\n"))
        if self.status:
            writer.write(f"HTTP/1.1 {self.status} so\r\nContent-Length: 0\r\n\r\n".encode())


def asked(gateway: Gateway, path: str = "/send") -> Said:
    async def way(port: int) -> Said:
        http = HttpClient(WORLD)
        try:
            return await answered(lambda: http, "partner/sms", f"http://{HOST}:{port}{path}")
        finally:
            await http.close()

    return met(gateway, way)


@pytest.mark.timed
def test_a_gateway_that_takes_connections_and_is_silent_fails(monkeypatch):
    monkeypatch.setattr("holdfast.watch.ways.CHECK_S", 0.1)
    said = asked(Gateway(0))
    assert (said.state, said.step) == ("fails", "answer") and said.text


@pytest.mark.parametrize("status", [200, 204, 401, 404, 405, 429, 500, 501])
def test_a_gateway_that_answers_whatever_it_is_works(status):
    assert asked(Gateway(status)) == WELL


@pytest.mark.parametrize("status", [502, 503, 504])
def test_one_that_says_for_another_that_nobody_is_there_fails(status):
    assert asked(Gateway(status)) == Said("fails", "answer", f"answered {status}")


def test_a_gateway_is_asked_for_nothing_and_told_nothing():
    gateway = Gateway(200)
    asked(gateway, "/v1/{secret}/send?to={phone}&text={text}")
    assert gateway.asked[0].startswith(b"OPTIONS /v1/ HTTP/1.1\r\n")
    assert plain("https://sms.example?to={phone}") == "https://sms.example/"
    assert plain("https://sms.example/send/?key=1") == "https://sms.example/send/"


def test_nobody_there_fails_with_what_was_met():
    said = run(connected(WORLD, (HOST, 1)))
    assert said.state == "fails" and HOST in said.text


# smarthosts


class Smarthost:
    """``replies``: to what begins so; all else is taken."""

    def __init__(self, **replies: str) -> None:
        self.replies = replies
        self.heard: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self.replies.get("greeting", "220 ready").encode() + b"\r\n")
        while line := (await reader.readline()).decode().strip():
            self.heard.append(line)
            said = self.replies.get(line[:4], "250 fine")
            writer.write(said.encode() + b"\r\n")
        writer.close()


def would(smarthost: Smarthost, recipient: str = "canary@elsewhere.example") -> Said:
    def manners() -> Manners:
        return Manners("mail.example.org", "none", ssl.create_default_context())

    def way(port: int) -> Awaitable[Said]:
        question = Question(HOST, port, manners, "canary-1@example.org", recipient)
        return would_take(WORLD, RealResolver(), question)

    return met(smarthost, way)


def test_a_smarthost_that_takes_the_recipient_works_and_gets_no_message():
    smarthost = Smarthost()
    assert would(smarthost) == WELL
    words = [each[:4] for each in smarthost.heard]
    assert words[:3] == ["EHLO", "MAIL", "RCPT"] and "DATA" not in words


def test_one_that_greets_and_refuses_all_we_send_fails_in_its_own_words():
    said = would(Smarthost(RCPT="451 4.7.1 203.0.113.7 is listed: https://blocklist.example/"))
    assert said.state == "fails" and "203.0.113.7 is listed" in said.text
    assert would(Smarthost(RCPT="550 5.7.1 203.0.113.7 is listed")).state == "fails"
    assert would(Smarthost(greeting="421 too busy")).state == "fails"


def test_a_refusal_of_the_one_address_says_nothing_of_the_smarthost():
    assert would(Smarthost(RCPT="550 5.1.1 nobody of that name")).state == "unknown"


def test_without_an_address_elsewhere_nobody_is_asked_for():
    smarthost = Smarthost(RCPT="451 no")
    assert would(smarthost, recipient="") == WELL
    assert not [each for each in smarthost.heard if each.startswith("MAIL")]


def test_a_smarthost_whose_name_cant_be_looked_up_is_not_said_to_be_at_fault():
    class Silent(RealResolver):
        async def addresses(self, host: str) -> list[str]:
            raise Unavailable("dns", "SERVFAIL")

    question = Question("smarthost.example.net", 1, lambda: 1 // 0, by_name=True)
    said = run(would_take(WORLD, Silent(), question))
    assert (said.state, said.step) == ("unknown", "answer")
