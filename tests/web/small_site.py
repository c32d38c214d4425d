"""A site with people and signing in, in a thread of this process: for tests of what all pages share."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import uvloop
from starlette.responses import Response

from free_ports import free_ports
from holdfast.directory.auth import Checker
from holdfast.directory.factors import Factors
from holdfast.directory.passkeys import Passkeys
from holdfast.directory.people import People
from holdfast.directory.sealing import Sealing
from holdfast.directory.sign_in import SignIn
from holdfast.directory.writer import PeopleWriter
from holdfast.model.people import Account, FactorKind
from holdfast.pages import MenuEntry, Site, Visit, Wrong
from holdfast.portal.portal import FOLDER, Portal
from holdfast.portal.second_step import PasskeyForm
from holdfast.world import World, real_world
from holdfast.world.http import serve_http
from holdfast.world.net import bind

T = TypeVar("T")
PAGES = Path(__file__).parent / "small_pages"
PASSWORD = "correct horse battery"


class SmallSite:
    """``more(self)`` is awaited in its loop before it serves: for pages of the test's own."""

    def __init__(
        self,
        folder: Path,
        more: Callable[[SmallSite], Awaitable[None]] | None = None,
        *,
        trusted_proxies: Sequence[str] = (),
        tls: ssl.SSLContext | None = None,
        **settings: object,
    ) -> None:
        self.folder = folder
        self.journal_path = folder / "journal.jsonl"
        (self.port,) = free_ports(1)
        self.trusted_proxies = trusted_proxies
        self.tls = tls
        self.url = f"{'https' if tls else 'http'}://localhost:{self.port}"
        self.settings: dict[str, Any] = {"secure": False, **settings}
        self._more = more
        self._begun = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._begun.wait(20), "it doesn't start"
        if self._error is not None:
            raise self._error

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs something in its loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive(), "it doesn't stop"

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve())
        except BaseException as error:
            self._error = error
            self._begun.set()

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.stop = asyncio.Event()
        self.world: World = real_world(journal_path=str(self.journal_path))
        data = str(self.folder)
        self.writer = await PeopleWriter.open(self.world, data, f"{data}/writer.db")
        await self.writer.domain_add("example.org")
        self.anna = await self.writer.account_add("anna@example.org", name="Anna", password=PASSWORD)
        await self.writer.serve(f"{data}/people.sock")
        self.people = await People.open(self.world, f"{data}/copy.db", data, writer=f"{data}/people.sock")
        following = self.loop.create_task(self.people.follow())
        checker = Checker(self.world)
        self.sign_in = SignIn(self.world, self.people, checker)
        self.site = Site(
            self.world, function="small", key=b"k" * 32, packages=[FOLDER, PAGES], **self.settings
        )
        self.sealing = Sealing.open(self.world, f"{data}/factors.key")
        self.factors = Factors(self.world, self.people, self.sealing, issuer="Example")
        self.passkeys = Passkeys(
            self.world, self.people, host="localhost", title="Example", origins=[self.url]
        )
        self.portal = Portal(
            self.world,
            self.site,
            self.people,
            self.sign_in,
            factors=self.factors,
            passkeys=self.passkeys,
            operations=self.writer,
            forgotten="/forgotten",
        )
        self._add_pages()
        if self._more is not None:
            await self._more(self)
        await serve_http(
            self.world,
            self.site.app,
            [bind(("127.0.0.1", self.port))],
            stop=self.stop,
            ready=self._begun.set,
            tls=self.tls,
            trusted_proxies=self.trusted_proxies,
        )
        following.cancel()
        self.sign_in.close()
        checker.close()
        self.people.close()
        await self.writer.close()

    def _add_pages(self) -> None:
        site, portal = self.site, self.portal
        site.menu += [MenuEntry("/", "small.home"), MenuEntry("/name", "small.name")]
        self.names: list[str] = []
        self.keys: dict[str, Account] = {}

        async def home(visit: Visit) -> Response:
            return visit.show("home.html", account=portal.account(visit))

        async def name(visit: Visit) -> Response:
            if visit.method == "GET":
                return visit.show("name.html")
            if len(visit.form.get("name")) < 3:
                return visit.show("name.html", wrong=Wrong("small.too_short", "name", least=3))
            self.names.append(visit.form.get("name"))
            visit.notice("small.done", name=visit.form.get("name"))
            return visit.go("/")

        async def new_key(visit: Visit) -> Response:
            account = portal.account(visit)
            if visit.method == "GET":
                question = self.passkeys.new(account)
                state = visit.seal("new", question.challenge)
                return visit.show("new_key.html", passkey=PasskeyForm(question.options, state))
            challenge = visit.open("new", visit.form.get("state")) or b""
            secret = self.passkeys.made(visit.form.exact("answer"), challenge)
            await self.writer.factor_add(account.id, FactorKind.PASSKEY, "key", secret)
            return visit.go("/")

        async def broken(visit: Visit) -> Response:
            raise RuntimeError("a secret within")

        site.page("/new-key")(portal.required(new_key))
        site.page("/broken")(broken)
        site.page("/", methods=("GET",))(portal.required(home))
        site.page("/name")(portal.required(name))
        site.page("/grave")(portal.required(name, fresh_s=900))
