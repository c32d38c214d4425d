"""What customers' programs are told at the doors of a role whose processes end again and again (RUN-11)."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from holdfast.model.errors import Unavailable
from holdfast.model.limits import STAND_IN_RETRY_S
from holdfast.run import certificate
from holdfast.run.child import Start
from holdfast.run.reading import parse
from holdfast.run.standing_in import run_stand_in
from holdfast.run.standing_in_pages import Refusing
from holdfast.watch.clients import Fault, Steps, Target, Turned, imap_ready, pop3_ready, smtp_ready
from holdfast.watch.counting import Counts
from holdfast.watch.talking import talking
from holdfast.world import World, real_world, run
from holdfast.world.http import HttpClient


def at_doors(
    tmp_path: Path, role: str, door: str, meet: Callable[[World, Target], Awaitable[object]]
) -> None:
    """``meet``: what a customer's program does at the role's door."""
    config = parse(f'[service]\ndata = "{tmp_path}"\n', str(tmp_path / "holdfast.toml"), {})
    world = real_world(journal_path=os.devnull)
    certificate.make(config.certificate, config.key, ["localhost"], world.clock.now())
    trust = ssl.create_default_context(cafile=config.certificate)

    async def go() -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        stop, ready = asyncio.Event(), asyncio.Event()
        start = Start(world, config, role, 0, {door: [listener]}, stop, ready.set, Counts())
        serving = asyncio.create_task(run_stand_in(start))
        await ready.wait()
        address = listener.getsockname()
        try:
            await meet(world, Target("", door, address, "localhost", trust, in_tls=door.endswith("s")))
        finally:
            stop.set()
            await serving
            listener.close()

    run(go())


@pytest.mark.parametrize("door", ["imap", "imaps"])
def test_run_11_a_mail_program_is_told_that_it_is_not_for_good(tmp_path, door):
    async def meet(world: World, target: Target) -> None:
        async with talking(world, target.address, target.tls if target.in_tls else None, "localhost") as talk:
            with pytest.raises(Turned) as turned:
                await imap_ready(world, talk, target, Steps())
            assert turned.value.temporary

    at_doors(tmp_path, "imap", door, meet)


def test_run_11_so_is_one_that_speaks_pop3(tmp_path):
    async def meet(world: World, target: Target) -> None:
        async with talking(world, target.address, target.tls, "localhost") as talk:
            with pytest.raises(Turned) as turned:
                await pop3_ready(world, talk, target, Steps())
            assert turned.value.temporary

    at_doors(tmp_path, "pop3", "pop3s", meet)


def test_run_11_a_server_that_has_mail_for_us_keeps_it(tmp_path):
    async def meet(world: World, target: Target) -> None:
        async with talking(world, target.address) as talk:
            with pytest.raises(Fault, match=r"421 4\.3\.2"):
                await smtp_ready(world, talk, target, Steps())

    at_doors(tmp_path, "mx", "mx", meet)


def test_run_11_over_http_it_is_503_and_when_to_come_again(tmp_path):
    async def meet(world: World, target: Target) -> None:
        client = HttpClient(world, tls=target.tls)
        url = f"https://localhost:{target.address[1]}/.well-known/jmap"
        try:
            with pytest.raises(Unavailable, match="answered 503") as unavailable:
                await client.ask("GET", url, component="jmap")
            assert unavailable.value.retry_after_s == STAND_IN_RETRY_S
        finally:
            await client.close()

    at_doors(tmp_path, "jmap", "jmap_https", meet)


async def asked(app: Refusing, method: str, **headers: str) -> tuple[int, dict[str, str], str]:
    sent: list[dict] = []

    async def send(message: dict) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await app({"type": "http", "method": method, "headers": raw}, None, send)
    fields = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], fields, sent[1]["body"].decode()


def test_run_11_people_read_a_page_in_both_languages_that_leads_on():
    app = Refusing("jmap", "https://status.example.org/?a&b")
    status, fields, page = asyncio.run(asked(app, "GET", accept="text/html,*/*"))
    assert status == 503 and fields["content-type"].startswith("text/html")
    assert "IMAP" in page and 'lang="de"' in page and 'lang="en"' in page
    assert page.count('href="https://status.example.org/?a&amp;b"') == 2
    assert "IMAP" not in asyncio.run(asked(Refusing("password", ""), "GET", accept="text/html"))[2]


def test_run_11_a_webmail_of_another_origin_may_read_the_refusal():
    app = Refusing("jmap", "")
    status, fields, _ = asyncio.run(asked(app, "OPTIONS", origin="https://webmail.example.org"))
    assert status == 204 and "authorization" in fields["access-control-allow-headers"]
    status, fields, body = asyncio.run(asked(app, "POST", origin="https://webmail.example.org"))
    assert status == 503 and fields["access-control-allow-origin"] == "*" and '"status":503' in body
    assert "retry-after" in fields["access-control-expose-headers"]
