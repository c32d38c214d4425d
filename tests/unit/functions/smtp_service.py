"""MX and submission on the real world with real packs; people of our own making."""

from __future__ import annotations

import asyncio
import dataclasses
import struct
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from holdfast import world as w
from holdfast.model.address import Address
from holdfast.model.envelope import Delivery, Started
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.ledgers import Kind
from holdfast.model.mail import START, AccountId, Position
from holdfast.model.people import Account, AccountRole, AccountState, Forward, Local, Many, Remote, Route
from holdfast.packs import Frame, LedgerReader

ANNA, BEN = Local(101, 1), Local(102, 2)


def account(number: int, login: str) -> Account:
    return Account(number, 1, login, "", 1, AccountState.ACTIVE, AccountRole.NONE, 1, 0.0)


class People:
    """``example.org`` has anna, ben, an alias for both, one to elsewhere, one disabled."""

    def __init__(self) -> None:
        self.gone = False
        self.a_day = 0  # recipients
        self.routes: dict[str, Route] = {
            "anna": ANNA,
            "anna+folder": ANNA._replace(detail="folder"),
            "ben": BEN,
            "both": Many((ANNA, BEN)),
            "away": Forward(Address("me", "elsewhere.example")),
            "j\u00fcrgen": BEN,
        }

    def route(self, address: Address, *, sending: bool = False) -> Route:
        if self.gone:
            raise Unavailable("people", "no copy")
        if address.domain not in ("example.org", ""):
            return Remote(address)
        if address.local == "off":
            raise Refused(Reason.USER_DISABLED, f"{address} takes no mail")
        if address.local not in self.routes:
            raise Refused(Reason.NO_SUCH_USER, f"{address} is not an address here")
        return self.routes[address.local]

    def daily_recipients_of(self, account: AccountId) -> int:
        if self.gone:
            raise Unavailable("people", "no copy")
        return self.a_day

    def may_send_as(self, account: AccountId, address: Address) -> bool:
        route = self.route(address)
        return isinstance(route, Local) and route.account == account


class SignIn:
    def __init__(self) -> None:
        self.gone = False

    async def check(self, login: str, password: str, *, peer: str, function: str) -> Account:
        if self.gone:
            raise Unavailable("auth", "no answer")
        if (login, password) != ("anna@example.org", "secret"):
            raise Refused(Reason.BAD_CREDENTIALS)
        return account(101, login)


class HeldDisk:
    """A disk whose syncs wait until ``let_go`` is set. Everything else is the real one's."""

    def __init__(self, disk: w.Disk) -> None:
        self._disk = disk
        self.let_go = threading.Event()
        self.let_go.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._disk, name)

    def open(self, path: str, **how: Any) -> Any:
        return HeldFile(self._disk.open(path, **how), self.let_go)


class HeldFile:
    def __init__(self, file: w.File, let_go: threading.Event) -> None:
        self._file = file
        self._let_go = let_go

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def sync(self) -> None:
        self._let_go.wait(10)
        self._file.sync()


class Delivered(NamedTuple):
    meta: Delivery
    head: str  # our trace fields
    message: bytes  # what follows them
    frame: Frame


def read(world: w.World, folder: Path, ledger: str) -> tuple[list[Delivered], list[Started]]:
    """What the ledger holds, as the store will see it."""
    deliveries, starts = [], []
    for frame in LedgerReader(world, str(folder), ledger).follow(START):
        assert isinstance(frame, Frame)
        body = bytes(frame.body)
        (size,) = struct.unpack_from("<I", body)
        packed, message = body[4 : 4 + size], body[4 + size :]
        if frame.kind == Kind.STARTED:
            starts.append(msgspec.msgpack.decode(packed, type=Started))
        else:
            meta = msgspec.msgpack.decode(packed, type=Delivery)
            head = message[: meta.head_bytes].decode()
            deliveries.append(Delivered(meta, head, message[meta.head_bytes :], frame))
    return deliveries, starts


class Client:
    """Lines to a server, replies back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, address: Any, **tls: Any) -> Client:
        client = cls(*await asyncio.open_connection(*address, **tls))
        await client.reply()
        return client

    async def reply(self) -> str:
        """The last line of the next reply, '' at the end."""
        while True:
            line = (await self.reader.readline()).decode()
            if line[3:4] != "-":
                return line.rstrip("\r\n")

    async def say(self, *lines: str) -> list[str]:
        """All lines in one write; one reply for each."""
        self.writer.write("".join(f"{line}\r\n" for line in lines).encode())
        return [await self.reply() for _ in lines]

    async def codes(self, *lines: str) -> list[int]:
        return [int(reply[:3] or 0) for reply in await self.say(*lines)]

    async def send(self, message: bytes, *recipients: str, sender: str = "s@elsewhere.example") -> str:
        """The reply to the message."""
        said = await self.say(f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{to}>" for to in recipients), "DATA")
        assert said[-1].startswith("354"), said
        self.writer.write(message + b".\r\n")
        return await self.reply()


class Service(NamedTuple):
    world: w.World
    people: People
    sign_in: SignIn
    events: list[w.Entry]
    announced: list[tuple[str, Position]]
    stop: asyncio.Event
    folder: Path
    disk: HeldDisk

    def count(self, event: str) -> int:
        return sum(entry.name == event for entry in self.events)


def run(test: Callable[[Service], Awaitable[None]], folder: Path) -> None:
    """Runs one test in an event loop of its own."""

    async def main() -> None:
        world = w.real_world(journal_path=str(folder / "journal"))
        events: list[w.Entry] = []
        world.journal.at(events.append)
        disk = HeldDisk(world.disk)
        world = dataclasses.replace(world, disk=disk)  # type: ignore[arg-type]
        volume = folder / "v1"
        volume.mkdir(exist_ok=True)
        await test(Service(world, People(), SignIn(), events, [], asyncio.Event(), volume, disk))

    w.run(main())
