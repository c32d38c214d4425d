"""The forms a store comes in, and the ways one is broken. Not a test.

Every form gives the same handle (``mail``), takes new mail (``deliver``), and has a ``turn``: what happens
to it between the doing and the looking. Nothing that a test looks at may show which form it was.

``python store_forms.py FOLDER`` is a store in a process of its own, to be killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from holdfast.model.envelope import Delivery, LocalRecipient
from holdfast.model.errors import Unavailable
from holdfast.model.ledgers import Kind
from holdfast.model.mail import Mailbox, Position
from holdfast.model.uidset import UidSet
from holdfast.packs import LedgerWriter, NewFrame
from holdfast.store import (
    AccountMail,
    AnyCommand,
    AnyOutcome,
    Append,
    Appended,
    Column,
    IndexFiles,
    MailStore,
    RemoteWrites,
    StoreService,
    StoreWriter,
)
from holdfast.store.frames import encode
from holdfast.world import World, real_world

CELLS = 4
ANNA, BEN, CELL, BENS_CELL = 42, 43, 2, 3
NOON = 1_345_032_000.0  # 15 August 2012, 12:00 UTC


def message(number: int) -> bytes:
    return b"From: a@example.org\r\nSubject: m%d\r\nMessage-ID: <%d@t>\r\n\r\nbody %d\r\n" % ((number,) * 3)


class Form:
    """One writer in this process; the handle calls it."""

    mail: MailStore

    def __init__(self, world: World, folder: str) -> None:
        self.world = world
        self.volume = folder + "/volume"
        self.files = IndexFiles(world, folder + "/index")
        self._delivered = 0

    async def open(self) -> None:
        self.writer = await StoreWriter.open(self.world, self.volume, self.files, cells=CELLS)
        self.intake = await LedgerWriter.open(self.world, self.volume, "mx-0")
        self.intake.on_durable.append(lambda position: self.writer.announce("mx-0", position))
        await eventually(lambda: not self.writer.behind)
        await self._open_handle()
        self.writer.announce("mx-0", self.intake.durable)
        await self.writer.settle()

    async def _open_handle(self) -> None:
        self.mail = MailStore(self.world, self.writer, self.files, self.volume)

    async def _close_handle(self) -> None:
        pass

    async def close(self) -> None:
        await self._close_handle()
        await self.intake.close()
        await self.writer.close()

    async def turn(self) -> None:
        """Between what is done and what is looked at."""

    # -- what tests do

    async def deliver(self, *accounts: int, body: bytes = b"", detail: str = "") -> None:
        """New mail by the way of an intake; returns when it is in the mailboxes."""
        self._delivered += 1
        head = b"Return-Path: <s@example.net>\r\n"
        cells = {ANNA: CELL, BEN: BENS_CELL}
        delivery = Delivery(
            sender="s@example.net",
            local=tuple(LocalRecipient(a, cells[a], f"u{a}@example.org", detail) for a in accounts),
            remote=(),
            received_at=NOON + self._delivered,
            trace=f"t{self._delivered}",
            head_bytes=len(head),
        )
        meta = encode(delivery)
        frame = (len(meta).to_bytes(4, "little"), meta, head, body or message(1000 + self._delivered))
        of = tuple(sorted({cells[a] for a in accounts}))
        await self.intake.append([NewFrame(Kind.DELIVERY, frame, accounts[0], of)])
        await self.writer.settle()

    async def append(self, body: bytes, mailbox: str = "INBOX", **also: Any) -> Appended:
        outcome = await self.mail.commit_one(
            Append(account=ANNA, cell=CELL, mailbox=mailbox, message=body, **also)
        )
        assert isinstance(outcome, Appended)
        return outcome

    async def do(self, kind: Callable[..., AnyCommand], **keys: Any) -> Any:
        """One command of anna's; sets of UIDs may be lists."""
        if "uids" in keys:
            keys["uids"] = UidSet.of(keys["uids"]).pack()
        outcome: AnyOutcome = await self.mail.commit_one(kind(account=ANNA, cell=CELL, **keys))
        return outcome

    async def filled(self, count: int, mailbox: str = "INBOX") -> int:
        """``count`` messages in a mailbox of anna's, made in one batch; the mailbox's id."""
        await self.mail.open_account(ANNA, CELL)
        for outcome in await self.mail.commit(
            [
                Append(
                    account=ANNA, cell=CELL, mailbox=mailbox, message=message(n + 1), internaldate=NOON + n
                )
                for n in range(count)
            ]
        ):
            assert isinstance(outcome, Appended)
        return self.box(mailbox).id

    # -- what tests look at

    @property
    def anna(self) -> AccountMail:
        return self.mail.account(ANNA, CELL)

    def box(self, name: str = "INBOX") -> Mailbox:
        found = self.anna.mailbox(name)
        assert found is not None, name
        return found

    def uids(self, name: str = "INBOX") -> list[int]:
        return list(self.anna.uids(self.box(name)))

    def column(self, column: Column, name: str = "INBOX") -> list[Any]:
        """One column of all entries, in order of UID."""
        box = self.box(name)
        chunks = self.anna.rows(box.id, self.anna.uids(box), [column])
        return [row[0] for chunk in chunks for row in chunk]

    def bodies(self, name: str = "INBOX") -> list[bytes | None]:
        box = self.box(name)
        chunks = self.anna.rows(box.id, self.anna.uids(box), [Column.REF])
        refs = [row for chunk in chunks for row in chunk]
        return [None if found is None else bytes(found) for found in self.anna.messages(refs)]


class Socket(Form):
    """The handle is of another process's kind: commands go through a unix socket."""

    async def _open_handle(self) -> None:
        path = self.volume + "/store.sock"
        with contextlib.suppress(OSError):
            os.unlink(path)
        self._listener = await self.world.net.listen(StoreService(self.writer).session, path)
        self._writes = RemoteWrites(self.world, path)
        self._writes.start()
        self.mail = MailStore(self.world, self._writes, self.files, self.volume)
        await eventually(lambda: self._writes.connected)

    async def _close_handle(self) -> None:
        self._writes.close()
        self._listener.close()
        for connection in list(self._listener.connections):
            connection.abort()


class Restarted(Form):
    """Closed and opened again in between."""

    async def turn(self) -> None:
        await self.close()
        await self.open()


class Rebuilt(Form):
    """Every index, and whatever else is derived, made anew in between."""

    async def turn(self) -> None:
        await self.close()
        folder = Path(self.files.path(0)).parent
        for each in folder.iterdir():
            each.unlink()
        (Path(self.volume) / "merged.state").unlink()
        await self.open()


FORMS = {"local": Form, "socket": Socket, "restarted": Restarted, "rebuilt": Rebuilt}


async def eventually(true: Callable[[], object], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.002)


@contextlib.asynccontextmanager
async def opened(form: type[Form], folder: Path, world: World | None = None) -> Any:
    store = form(world or real_world(journal_path=os.devnull), str(folder))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@contextlib.contextmanager
def quick_folder() -> Iterator[Path]:
    """In memory where the machine has that: what is asked here is not whether syncs reach a disk."""
    memory = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


def on_every_form(test: Callable[[Any], Awaitable[None]]) -> Any:
    """A coroutine test of a store, run on each of ``FORMS`` in a folder of its own."""

    @pytest.mark.slow
    @pytest.mark.parametrize("form", FORMS)
    def run(form: str) -> None:
        async def body() -> None:
            with quick_folder() as folder:
                async with opened(FORMS[form], folder) as store:
                    await test(store)

        asyncio.run(body())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


# -- broken forms


class NoWriter:
    """Writes that always fail: nobody is there."""

    def __init__(self) -> None:
        self.on_moved: list[Callable[[Any], object]] = []

    async def commit(self, commands: Sequence[AnyCommand]) -> list[Any]:
        raise Unavailable("store", "not connected")

    def announce(self, ledger: str, durable: Position) -> None:
        pass


class BadDisk:
    """A real disk whose packs of one ledger fail or are slow, from when it is told so."""

    def __init__(self, real: Any, ledger: str = "/mail/") -> None:
        self._real = real
        self._ledger = ledger
        self.code = 0  # errno of every append and sync of the ledger's packs
        self.sync_s = 0.0  # and how long a sync takes
        self.syncs = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def open(self, path: str, **keys: Any) -> Any:
        file = self._real.open(path, **keys)
        return BadFile(file, self) if self._ledger in path else file

    def fail(self, operation: str) -> None:
        if self.code and (operation == "append" or self.code != errno.ENOSPC):
            raise OSError(self.code, os.strerror(self.code))


class BadFile:
    def __init__(self, real: Any, disk: BadDisk) -> None:
        self._real = real
        self._disk = disk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def append(self, *buffers: Any) -> int:
        self._disk.fail("append")
        return int(self._real.append(*buffers))

    def sync(self) -> None:
        self._disk.fail("sync")
        self._disk.syncs += 1
        if self._disk.sync_s:
            threading.Event().wait(self._disk.sync_s)
        self._real.sync()


@contextlib.asynccontextmanager
async def on_bad_disk(folder: Path) -> Any:
    """A store in good order, and its disk, to be broken."""
    world = real_world(journal_path=os.devnull)
    disk = BadDisk(world.disk)
    world.disk = disk  # type: ignore[assignment]
    async with opened(Form, folder, world) as store:
        yield store, disk


class Process:
    """A store in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = f"{folder}/volume/store.sock"

    async def start(self) -> None:
        with contextlib.suppress(OSError):
            os.unlink(self.socket)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, __file__, str(self.folder)]
        self.process = await asyncio.create_subprocess_exec(*command, env=environment)
        await eventually(lambda: os.path.exists(self.socket))

    async def kill(self) -> None:
        """As the kernel does when memory is short: at any moment."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    @contextlib.contextmanager
    def handle(self) -> Iterator[tuple[MailStore, RemoteWrites]]:
        world = real_world(journal_path=os.devnull)
        writes = RemoteWrites(world, self.socket)
        writes.start()
        try:
            yield (
                MailStore(world, writes, IndexFiles(world, f"{self.folder}/index"), f"{self.folder}/volume"),
                writes,
            )
        finally:
            writes.close()


async def _live(folder: str) -> None:
    store = Form(real_world(journal_path=os.devnull), folder)
    await store.open()
    service = StoreService(store.writer)
    await store.world.net.listen(service.session, store.volume + "/store.sock")
    parent = os.getppid()
    while os.getppid() == parent:  # never outlives the test
        await asyncio.sleep(0.5)


if __name__ == "__main__":
    asyncio.run(_live(sys.argv[1]))
