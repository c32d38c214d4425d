"""Our functions in this process, on a store and a folder of their own, reached in memory or over TCP."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from holdfast.functions import imap, mx, pop3, submission
from holdfast.model.address import Address
from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import Limits
from holdfast.model.mail import Flag
from holdfast.model.people import Account, AccountRole, AccountState, Local, Remote, Route
from holdfast.store import Append, IndexFiles, MailStore, MakeMailbox, StoreWriter
from holdfast.world import World, real_world
from holdfast.world.connection import Connection, Hub, Session
from holdfast.world.tls import TlsContext, server_context
from transcripts.player import Given, TcpWire, Transcript, Wire

PASSWORD = "pw"
USERS = {"u1@example.org": 1, "u2@example.org": 2}
CELLS = 2


class TwoPeople:
    """What the functions ask of the directory and of sign-in, for u1 and u2, and for off, who is disabled."""

    def route(self, address: Address, *, sending: bool = False) -> Route:
        if address.domain != "example.org":
            return Remote(address)
        local, _, detail = address.local.partition("+")
        number = USERS.get(f"{local.lower()}@example.org")
        if number is None and local.lower() == "postmaster":
            number = 1
        if number is None:
            raise Refused(Reason.NO_SUCH_USER, f"{address} is not an address here")
        return Local(number, number % CELLS, detail)

    def may_send_as(self, account: int, address: Address) -> bool:
        return USERS.get(address.key) == account

    def quota_of(self, account: int) -> int:
        """u2 has one MiB; u1 has no limit."""
        return 1 << 20 if account == 2 else 0

    async def check(self, login: str, password: str, *, peer: str, function: str) -> Account:
        number = USERS.get(login)
        if (login, password) == ("off@example.org", PASSWORD):
            raise Refused(Reason.USER_DISABLED, "this account is disabled: ask your provider")
        if number is None or password != PASSWORD:
            raise Refused(Reason.BAD_CREDENTIALS, "wrong name or password")
        return Account(number, 1, login, "", number % CELLS, AccountState.ACTIVE, AccountRole.NONE, 1, 0.0)


def words(user: str = "u1@example.org", user2: str = "u2@example.org") -> dict[str, str]:
    plain = base64.b64encode(f"\0{user}\0{PASSWORD}".encode()).decode()
    return {
        "user": user,
        "password": PASSWORD,
        "user2": user2,
        "password2": PASSWORD,
        "domain": "example.org",
        "plain": plain,
    }


class Installation:
    def __init__(self, world: World, store: MailStore, factories: dict[str, Callable[[], Session]]) -> None:
        self.world = world
        self.store = store
        self.factories = factories
        self.hub = Hub(asyncio.get_running_loop(), world.journal)

    async def prepare(self, given: list[Given]) -> None:
        """What a transcript says is there before, in u1's mail."""
        for each in given:
            command: Any = MakeMailbox(account=1, cell=1, name=each.name)
            if each.kind == "message":
                system = {f"\\{flag.name}".lower(): int(flag) for flag in Flag}
                named = each.flags.strip("()").split()
                command = Append(
                    account=1,
                    cell=1,
                    mailbox=each.name,
                    message=each.message,
                    flags=sum(system.get(name.lower(), 0) for name in named),
                    keywords=tuple(name for name in named if name.lower() not in system),
                )
            await self.store.commit_one(command)

    async def in_memory(self, door: str) -> Wire:
        return MemoryWire(self.hub, self.factories[door]())


@contextlib.asynccontextmanager
async def installation(folder: Path, tls: TlsContext) -> AsyncIterator[Installation]:
    world = real_world(journal_path=os.devnull)
    volume, files = str(folder / "volume"), IndexFiles(world, str(folder / "index"))
    writer = await StoreWriter.open(world, volume, files, cells=CELLS)
    while writer.behind:
        await asyncio.sleep(0.001)
    store = MailStore(world, writer, files, volume)
    people, limits = TwoPeople(), Limits(sign_in_failures=3)
    shared = imap.serving(
        world,
        imap.Settings(hostname="mail.example.org", tls=tls, allow_plaintext=True, limits=limits),
        people,
        store,
        people,
    )
    pop = pop3.Pop3(world, pop3.Settings("mail.example.org", tls, False, limits), people, store)
    taking = mx.reception(
        world,
        mx.Settings(
            hostname="mail.example.org",
            volume_folder=volume,
            tls=tls,
            limits=Limits(message_bytes=1 << 20, recipients=100),
        ),
        people,
        writer.announce,
    )
    sending = submission.reception(
        world,
        submission.Settings(
            hostname="mail.example.org", volume_folder=volume, tls=tls, plain_sign_in=True, limits=limits
        ),
        people,
        people,
        writer.announce,
    )
    await taking.intake.open()
    await sending.intake.open()
    doors = {
        "imap": lambda: imap.ImapSession(shared),
        "pop3": pop.session,
        "smtp": taking.session,
        "submission": sending.session,
    }
    try:
        yield Installation(world, store, doors)
    finally:
        await taking.intake.close()
        await sending.intake.close()
        await writer.close()


class MemoryTransport(asyncio.Transport):
    """What the connection writes is read by the player."""

    def __init__(self) -> None:
        super().__init__()
        self.out: asyncio.Queue[bytes] = asyncio.Queue()
        self.over = False

    def write(self, data: bytes | bytearray | memoryview[int]) -> None:
        if data:
            self.out.put_nowait(bytes(data))

    def writelines(self, parts: Any) -> None:
        self.write(b"".join(bytes(part) for part in parts))

    def close(self) -> None:
        if not self.over:
            self.over = True
            self.out.put_nowait(b"")

    abort = close
    write_eof = close

    def can_write_eof(self) -> bool:
        return True

    def is_closing(self) -> bool:
        return self.over

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 40000) if name in ("peername", "sockname") else default


class MemoryWire:
    """A connection without a socket. TLS is left to the wires that have one."""

    def __init__(self, hub: Hub, session: Session) -> None:
        self._transport = MemoryTransport()
        self._connection = Connection(hub, session)
        self._connection.connection_made(self._transport)

    async def send(self, data: bytes) -> None:
        self._connection.data_received(data)

    async def receive(self) -> bytes:
        return await self._transport.out.get()

    async def start_tls(self) -> None:
        raise AssertionError("a transcript with TLS is played over TCP")

    async def close(self) -> None:
        self._connection.connection_lost(None)


def server_tls(certificate: str, key: str) -> TlsContext:
    return server_context(certificate, key)


def uses_tls(transcript: Transcript) -> bool:
    return any(step.kind == "T" for step in transcript.steps)


async def over_tcp(installed: Installation, door: str) -> tuple[Callable[[], Any], Any]:
    """A listener for one door, and how to connect to it."""
    listener = await installed.world.net.listen(installed.factories[door], ("127.0.0.1", 0))
    port = listener.addresses[0][1]
    return lambda: TcpWire.open(int(port)), listener
