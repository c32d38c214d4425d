"""The IMAP function over a real store in one process, and a client that speaks bytes to it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from holdfast.functions import imap
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import Limits
from holdfast.model.people import Account, AccountRole, AccountState
from holdfast.store import IndexFiles, MailStore, StoreWriter
from holdfast.world import Entry, World, real_world

LITERAL = re.compile(rb"\{(\d+)\}\r\n\Z")
ACCOUNTS = {"ada": 1, "ben": 2}


def message(number: int, text: str = "", **fields: str) -> bytes:
    head = {
        "From": "Ann Author <ann@example.net>",
        "To": "ada@example.org",
        "Subject": f"message {number}",
        "Date": "Mon, 7 Feb 1994 21:52:25 -0800",
        "Message-ID": f"<{number}@example.net>",
        **{name.replace("_", "-"): value for name, value in fields.items()},
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items() if value)
    return f"{lines}\r\n{text or f'body {number}'}\r\n".encode()


class SignIn:
    """Everybody's password is ``secret``. ``down``: the directory can't be asked."""

    def __init__(self) -> None:
        self.down = False

    async def check(self, login: str, password: str, *, peer: str, function: str) -> Account:
        assert function == "imap"
        if self.down:
            raise Unavailable("people")
        if login not in ACCOUNTS or password != "secret":
            raise Refused(Reason.BAD_CREDENTIALS)
        return Account(ACCOUNTS[login], 1, login, login, 0, AccountState.ACTIVE, AccountRole.NONE, 0, 0.0)


class Quotas:
    """``limit``: bytes everybody may have. ``down``: it can't be asked."""

    def __init__(self) -> None:
        self.limit = 0
        self.down = False

    def quota_of(self, account: int) -> int:
        if self.down:
            raise Unavailable("people")
        return self.limit


class Reply:
    """What came between a command and its tagged reply. ``lines``: untagged ones, without ``* ``."""

    def __init__(self, lines: list[bytes], last: bytes) -> None:
        self.lines = lines
        self.last = last

    @property
    def status(self) -> str:
        return self.last.split(b" ")[0].decode()

    @property
    def code(self) -> str:
        found = re.match(rb"[A-Z]+ \[([^\]]*)\]", self.last)
        return found[1].decode() if found else ""

    def having(self, word: bytes) -> list[bytes]:
        return [line for line in self.lines if word in line]

    def __repr__(self) -> str:
        return f"Reply({self.lines}, {self.last!r})"


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.tags = 0

    async def line(self) -> bytes:
        """One response with its literals, without ``* `` and the line end."""
        async with asyncio.timeout(60):
            whole = await self.reader.readline()
            while announced := LITERAL.search(whole):
                whole += await self.reader.readexactly(int(announced[1]))
                whole += await self.reader.readline()
        return whole.removesuffix(b"\r\n").removeprefix(b"* ")

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def until(self, tag: bytes) -> Reply:
        lines: list[bytes] = []
        while True:
            line = await self.line()
            if line.startswith(tag + b" "):
                return Reply(lines, line[len(tag) + 1 :])
            if not line:
                return Reply(lines, b"EOF")
            lines.append(line)

    def put(self, command: str | bytes) -> bytes:
        """Sends a command; its tag."""
        self.tags += 1
        tag = b"a%d" % self.tags
        self.send(tag + b" " + (command.encode() if isinstance(command, str) else command) + b"\r\n")
        return tag

    async def do(self, command: str | bytes) -> Reply:
        return await self.until(self.put(command))

    async def ok(self, command: str | bytes) -> Reply:
        reply = await self.do(command)
        assert reply.status == "OK", (command, reply)
        return reply

    async def append(self, body: bytes, mailbox: str = "INBOX", more: str = "") -> Reply:
        more = more and more + " "
        return await self.ok(b"APPEND %b %b{%d+}\r\n%b" % (mailbox.encode(), more.encode(), len(body), body))

    async def close(self) -> None:
        self.writer.close()


class Service:
    """``clients`` are closed at the end."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = str(folder)
        self.world: World = real_world(journal_path=f"{folder}/journal")
        self.events: list[Entry] = []
        self.world.journal.at(self.events.append)
        self.files = IndexFiles(self.world, f"{folder}/index")
        self.sign_in = SignIn()
        self.quotas = Quotas()
        settings.setdefault("limits", Limits())
        self.settings = imap.Settings(hostname="mail.example.org", **settings)
        self.clients: list[Client] = []

    async def open(self) -> None:
        self.writer = await StoreWriter.open(self.world, f"{self.folder}/volume", self.files, cells=1)
        async with asyncio.timeout(60):
            while self.writer.behind:
                await asyncio.sleep(0.001)
        self.store = MailStore(self.world, self.writer, self.files, f"{self.folder}/volume")
        self.shared = imap.serving(self.world, self.settings, self.sign_in, self.store, self.quotas)
        self.listeners = await imap.listen(
            self.shared, [imap.Sockets(f"{self.folder}/imap"), imap.Sockets(("127.0.0.1", 0))]
        )

    async def connect(self, *, tcp: bool = False) -> Client:
        if tcp:
            streams = await asyncio.open_connection(*self.listeners[1].addresses[0])
        else:
            streams = await asyncio.open_unix_connection(f"{self.folder}/imap")
        client = Client(*streams)
        self.clients.append(client)
        assert (await client.line()).startswith(b"OK [CAPABILITY IMAP4rev1")
        return client

    async def client(self, login: str = "ada", select: str = "") -> Client:
        client = await self.connect()
        await client.ok(f"LOGIN {login} secret")
        if select:
            await client.ok(f"SELECT {select}")
        return client

    async def close(self) -> None:
        for client in self.clients:
            await client.close()
        for listener in self.listeners:
            listener.close()
        await self.writer.close()


@asynccontextmanager
async def service(folder: Path, **settings: Any) -> AsyncIterator[Service]:
    running = Service(folder, **settings)
    await running.open()
    try:
        yield running
    finally:
        await running.close()


def play(folder: Path, scene: Callable[[Service], Awaitable[None]], **settings: Any) -> None:
    """Runs ``scene`` with a service of its own."""

    async def whole() -> None:
        async with service(folder, **settings) as running:
            await scene(running)

    asyncio.run(whole())
