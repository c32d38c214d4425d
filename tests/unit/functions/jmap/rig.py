"""The methods of JMAP over a real store and a real directory on a real disk, without HTTP. Not a test.

async with rig(tmp_path) as r:
    answer = await r.call("Email/get", {"ids": [...]})      # accountId is put in
    (first, second) = await r.calls(("Email/query", {...}, "0"), ("Email/get", {"#ids": ...}, "1"))
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Coroutine, Mapping
from pathlib import Path
from typing import Any

import msgspec

from holdfast.directory import People, PeopleWriter
from holdfast.flow.intake import Intake
from holdfast.flow.sending import SendingLimits
from holdfast.functions.jmap import outbox
from holdfast.functions.jmap.asking import Ask, Parts, carry_out, name_of
from holdfast.functions.jmap.methods import TABLE
from holdfast.functions.jmap.pushes import Pushes
from holdfast.functions.jmap.query_lists import Lists
from holdfast.functions.jmap.uploads import Uploads
from holdfast.functions.jmap.webpush import Vapid
from holdfast.model.envelope import Delivery, LocalRecipient
from holdfast.model.ledgers import Kind
from holdfast.model.mail import Mailbox, Position
from holdfast.model.people import Account
from holdfast.packs import LedgerWriter, NewFrame
from holdfast.store import Append, Appended, IndexFiles, MailStore, StoreWriter
from holdfast.store.frames import encode
from holdfast.wire.jmap.core import CoreLimits
from holdfast.wire.jmap.server import Server
from holdfast.world import World, real_world
from holdfast.world.http import HttpClient

CHEAP = "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + "A" * 43
CELLS = 4
NOON = 1_345_032_000.0  # 15 August 2012, 12:00 UTC
ADA, BEN = "ada@example.org", "ben@example.org"
PEER = "192.0.2.1"  # whence all of it comes

Call = tuple[str, Mapping[str, object], str]
Response = tuple[str, Any, str]


def message(number: int, text: str = "", **fields: str) -> bytes:
    head = {
        "From": "Ann Author <ann@example.net>",
        "To": ADA,
        "Subject": f"message {number}",
        "Date": "Mon, 7 Feb 1994 21:52:25 -0800",
        "Message-ID": f"<{number}@example.net>",
        **{name.replace("_", "-"): value for name, value in fields.items()},
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items() if value)
    return f"{lines}\r\n{text or f'body {number}'}\r\n".encode()


class MethodFailed(Exception):
    """A call was answered with ``error``. ``type``: which; ``said``: all of it."""

    def __init__(self, said: Any) -> None:
        super().__init__(said)
        self.type: str = said["type"]
        self.said = said


class Rig:
    """``ada`` and ``ben`` have accounts; calls are ada's where nothing else is said."""

    def __init__(self, world: World, folder: str, push_client: HttpClient | None = None) -> None:
        self.world = world
        self.folder = folder
        self.volume = f"{folder}/volume"
        self.files = IndexFiles(world, f"{folder}/index")
        self.limits = CoreLimits()
        self.lists = Lists()
        self.client = push_client or HttpClient(world)  # to push services
        self.sending: SendingLimits | None = None
        self._delivered = 0

    async def open(self) -> None:
        world = self.world
        self.people_writer = await PeopleWriter.open(world, f"{self.folder}/people", ":memory:", cells=CELLS)
        if not (await self.people_writer.counts()).domains:
            await self.people_writer.domain_add("example.org")
            for login in (ADA, BEN):
                await self.people_writer.account_add(login, credential=CHEAP, name=login[:3].title())
        socket = f"{self.folder}/people.sock"
        await self.people_writer.serve(socket)
        self.people = await People.open(world, ":memory:", f"{self.folder}/people", writer=socket)
        self._following = asyncio.ensure_future(self.people.follow())
        self.writer = await StoreWriter.open(world, self.volume, self.files, cells=CELLS)
        self.store = MailStore(world, self.writer, self.files, self.volume)
        self.mx = await LedgerWriter.open(world, self.volume, "mx-0")
        self.mx.on_durable.append(lambda position: self.writer.announce("mx-0", position))
        self.intake = Intake(
            world,
            self.volume,
            "jmap-0",
            host="mail.example.org",
            inflight_bytes=1 << 28,
            announce=self._announced,
            in_doubt=False,
        )
        await self.intake.open()
        self.pushes = Pushes(
            world, self.store, self.people, self.client, Vapid(b"k" * 32, "mailto:a@example.org"), TABLE.kinds
        )
        for login in (ADA, BEN):
            account = self.account(login)
            await self.store.open_account(account.id, account.cell)

    def _announced(self, ledger: str, durable: Position) -> None:
        self.writer.announce(ledger, durable)

    async def close(self) -> None:
        self._following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._following
        self.people.close()
        await self.intake.close()
        await self.mx.close()
        await self.writer.close()
        await self.people_writer.close()

    async def rebuilt(self) -> None:
        """Every index, and whatever else is derived of mail, is made anew."""
        await self.close()
        for each in Path(self.files.path(0)).parent.iterdir():
            each.unlink()
        (Path(self.volume) / "merged.state").unlink()
        await self.open()

    # -- who and what

    def account(self, login: str = ADA) -> Account:
        found = self.people.by_login(login)
        assert found is not None
        return found

    @property
    def parts(self) -> Parts:
        return Parts(
            world=self.world,
            store=self.store,
            people=self.people,
            uploads=Uploads(self.world, f"{self.folder}/uploads"),
            intake=self.intake,
            pushes=self.pushes,
            hostname="mail.example.org",
            limits=self.limits,
            lists=self.lists,
            sending=self.sending,
        )

    def box(self, name: str = "INBOX", login: str = ADA) -> Mailbox:
        account = self.account(login)
        found = self.store.account(account.id, account.cell).mailbox(name)
        assert found is not None, name
        return found

    # -- what is asked

    async def calls(self, *calls: Call, login: str = ADA, using: list[str] | None = None) -> list[Response]:
        """One request; its responses. ``accountId`` is put in where a call says none."""
        account = self.account(login)
        server = Server(TABLE.methods, self.limits, "session", TABLE.capabilities)
        ask = Ask(self.parts, account, server, PEER)
        mine = {"accountId": ask.account_id}
        asked = [
            (name, given if name.startswith(("Core/", "PushSub")) else mine | dict(given), tag)
            for name, given, tag in calls
        ]
        server.receive(msgspec.json.encode({"using": using or TABLE.capabilities, "methodCalls": asked}))
        server.end()
        await carry_out(ask, TABLE.handlers)
        status, _, body = server.take()
        answer = msgspec.json.decode(body)
        assert status == 200, answer
        return [(name, result, tag) for name, result, tag in answer["methodResponses"]]

    async def call(self, name: str, given: Mapping[str, object] | None = None, login: str = ADA) -> Any:
        """One call; the arguments of its response. Raises ``MethodFailed``."""
        said, result, _ = (await self.calls((name, given or {}, "0"), login=login))[0]
        if said == "error":
            raise MethodFailed(result)
        return result

    async def upload(self, data: bytes, login: str = ADA) -> str:
        return await self.parts.uploads.put(self.account(login).id, data)

    # -- what happens beside

    async def append(self, data: bytes, mailbox: str = "INBOX", login: str = ADA, **also: Any) -> Appended:
        account = self.account(login)
        outcome = await self.store.commit_one(
            Append(account=account.id, cell=account.cell, mailbox=mailbox, message=data, **also)
        )
        assert isinstance(outcome, Appended)
        return outcome

    async def deliver(self, data: bytes, *logins: str) -> None:
        """New mail by the way of an intake; returns when it is in the mailboxes."""
        self._delivered += 1
        head = b"Return-Path: <s@example.net>\r\n"
        accounts = [self.account(login) for login in logins or (ADA,)]
        delivery = Delivery(
            sender="s@example.net",
            local=tuple(LocalRecipient(each.id, each.cell, each.login, "") for each in accounts),
            remote=(),
            received_at=NOON + self._delivered,
            trace=f"t{self._delivered}",
            head_bytes=len(head),
        )
        meta = encode(delivery)
        frame = (len(meta).to_bytes(4, "little"), meta, head, data)
        cells = tuple(sorted({each.cell for each in accounts}))
        await self.mx.append([NewFrame(Kind.DELIVERY, frame, accounts[0].id, cells)])
        await self.writer.settle()

    def name_of(self, login: str = ADA) -> str:
        return name_of(self.account(login).id)


@contextlib.asynccontextmanager
async def rig(folder: Path, **keys: Any) -> AsyncIterator[Rig]:
    made = Rig(real_world(journal_path=os.devnull), str(folder), **keys)
    await made.open()
    try:
        yield made
    finally:
        await made.close()


@contextlib.asynccontextmanager
async def sending(r: Rig) -> AsyncIterator[None]:
    """The outbox runs."""
    task = asyncio.ensure_future(outbox.run(r.parts))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def run(body: Coroutine[Any, Any, None]) -> None:
    async def timed() -> None:
        async with asyncio.timeout(60):
            await body

    asyncio.run(timed())
