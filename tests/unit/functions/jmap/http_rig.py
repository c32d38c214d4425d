"""The function over real HTTP, in this process and loop: a rig with doors. Not a test."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import html
import json
import re
import urllib.parse
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2

import holdfast.functions.jmap
from free_ports import free_ports
from holdfast.directory.auth import Checker
from holdfast.directory.credentials import Parameters, hash_password
from holdfast.directory.sign_in import SignIn
from holdfast.functions.jmap.app import Jmap
from holdfast.functions.jmap.authorize import Authorize
from holdfast.functions.jmap.basic import Basic
from holdfast.functions.jmap.clients import Clients
from holdfast.functions.jmap.methods import TABLE
from holdfast.functions.jmap.oauth import OAuth
from holdfast.functions.jmap.session import Sessions
from holdfast.functions.jmap.sign_ins import SignIns
from holdfast.functions.jmap.tokens import Tokens
from holdfast.functions.jmap.watching import Watching
from holdfast.functions.jmap.who import Who
from holdfast.pages import Site
from holdfast.portal import portal
from holdfast.portal.portal import Portal
from holdfast.wire.jmap.core import CORE, WEBSOCKET, CoreLimits, WebSocketCapability
from holdfast.world import real_world
from holdfast.world.http import Door, serve_http_doors
from holdfast.world.net import bind
from unit.functions.jmap.rig import ADA, BEN, Rig

FOLDER = Path(holdfast.functions.jmap.__file__).parent
PASSWORD = "correct horse battery"
CHEAP = Parameters(memory_kib=64, passes=1, lanes=1)
WEBMAIL = "https://mail.example.org"
CORE_ECHO = {"using": [CORE], "methodCalls": [["Core/echo", {"a": 1}, "0"]]}
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class HttpRig(Rig):
    """``http``: a client without sign-in; ``ada``: one with name and password."""

    async def open(self) -> None:
        await super().open()
        self.limits = CoreLimits(max_size_upload=1 << 20)
        hashed = hash_password(PASSWORD, b"0" * 16, CHEAP)
        for login in (ADA, BEN):
            await self.people_writer.password_set(login, credential=hashed)
        await self.people.written(5)
        (self.port,) = free_ports(1)
        self.url = f"http://localhost:{self.port}"
        self.stop = asyncio.Event()
        world = self.world
        self.checker = Checker(world, threads=1, queue=10)
        self.sign_in = SignIn(world, self.people, self.checker, parameters=CHEAP)
        self.sign_ins = SignIns(world, f"{self.folder}/sessions/tokens.sqlite")
        site = Site(
            world,
            function="jmap",
            key=b"k" * 32,
            packages=[portal.FOLDER, FOLDER],
            secure=False,
            url=self.url,
        )
        self.tokens = Tokens(world, site.seal, self.sign_ins, self.people)
        clients = Clients([WEBMAIL])
        Authorize(Portal(world, site, self.people, self.sign_in), self.tokens, clients, self.url)
        self.watching = Watching(self.store, TABLE.kinds)
        self.people.watch_sign_outs(self.watching.sign_out)
        self.basic = Basic(world, self.people, self.sign_in)
        who = Who(self.tokens, self.basic, plain=True)
        parts = self.parts
        socket = WebSocketCapability(url=f"ws://localhost:{self.port}/jmap/ws")
        self.sessions = Sessions(world.clock, parts, TABLE, self.url, {CORE: self.limits, WEBSOCKET: socket})
        oauth = OAuth(self.tokens, self.url)
        self.jmap = Jmap(parts, TABLE, self.sessions, who, oauth, clients, self.watching, site.app)
        ready = asyncio.Event()
        self._serving = asyncio.ensure_future(
            serve_http_doors(
                world,
                self.jmap.app,
                [Door([bind(("127.0.0.1", self.port))], None)],
                stop=self.stop,
                ready=ready.set,
                message_bytes=1 << 20,
            )
        )
        await ready.wait()
        self.http = httpx2.AsyncClient(base_url=self.url, trust_env=False, timeout=20)
        self.ada = httpx2.AsyncClient(base_url=self.url, trust_env=False, timeout=20, auth=(ADA, PASSWORD))

    async def close(self) -> None:
        await self.http.aclose()
        await self.ada.aclose()
        self.watching.close()
        self.stop.set()
        await self._serving
        self.sign_ins.close()
        self.sign_in.close()
        await super().close()

    # -- letting a program in

    def authorize_path(self, **other: str) -> str:
        asked = {
            "response_type": "code",
            "client_id": "test",
            "redirect_uri": f"{WEBMAIL}/",
            "state": "s1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        } | other
        return "/authorize?" + urllib.parse.urlencode(asked)

    async def signed_in_page(self, path: str, login: str = ADA) -> tuple[httpx2.AsyncClient, httpx2.Response]:
        """A browser that was led to ``path`` and signs in; what it is shown then."""
        browser = httpx2.AsyncClient(base_url=self.url, trust_env=False, timeout=20)
        page = await browser.get(path, follow_redirects=True)
        form = {"csrf": hidden(page.text, "csrf"), "next": hidden(page.text, "next")}
        form |= {"name": login, "password": PASSWORD}
        return browser, await browser.post("/sign-in", data=form, follow_redirects=True)

    async def code(self, login: str = ADA, **other: str) -> str:
        browser, page = await self.signed_in_page(self.authorize_path(**other), login)
        await browser.aclose()
        return led_to(page)["code"]

    async def ask_token(self, **form: str) -> httpx2.Response:
        return await self.http.post("/token", data={"client_id": "test"} | form)

    async def pair(self, login: str = ADA) -> dict[str, Any]:
        answer = await self.ask_token(
            grant_type="authorization_code",
            code=await self.code(login),
            redirect_uri=f"{WEBMAIL}/",
            code_verifier=VERIFIER,
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def refresh(self, token: str) -> httpx2.Response:
        return await self.ask_token(grant_type="refresh_token", refresh_token=token)

    async def session(self, token: str) -> httpx2.Response:
        return await self.http.get("/.well-known/jmap", headers=bearer(token))

    # -- what lasts

    @contextlib.asynccontextmanager
    async def events(self, query: str = "", headers: dict[str, str] | None = None) -> AsyncIterator[Events]:
        async with self.ada.stream("GET", f"/jmap/events?{query}", headers=headers) as answer:
            assert answer.status_code == 200
            yield Events(answer)


class Events:
    def __init__(self, answer: httpx2.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def next(self, seconds: float = 10.0) -> dict[str, Any] | None:
        """The next event, its data decoded; None when the stream has ended."""
        event: dict[str, Any] = {}
        async with asyncio.timeout(seconds):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                if not line and event:
                    return event | {"data": json.loads(event["data"])}
                if name in ("event", "id", "data"):
                    event[name] = value
        return None


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, page
    return html.unescape(found[1])


def led_to(page: httpx2.Response) -> dict[str, str]:
    """Where the page goes on to by itself: what the program is told there."""
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]*)"', page.text)
    assert found is not None, page.text
    url = html.unescape(found[1])
    return {"url": url.partition("?")[0]} | dict(urllib.parse.parse_qsl(url.partition("?")[2]))


@contextlib.asynccontextmanager
async def http_rig(folder: Path) -> AsyncIterator[HttpRig]:
    made = HttpRig(real_world(journal_path=str(folder / "journal.jsonl"), level="debug"), str(folder))
    await made.open()
    try:
        yield made
    finally:
        await made.close()
