"""The writer on a real disk: new mail merged, commands answered, indexes removed and made anew."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os

import apsw
import pytest

from holdfast.model.errors import Refused, Unavailable
from holdfast.model.mail import Flag
from holdfast.model.uidset import UidSet
from holdfast.packs import LedgerWriter, NewFrame
from holdfast.store import (
    Append,
    AppendAll,
    Appended,
    AppendedAll,
    Column,
    Copy,
    Delete,
    IndexFiles,
    MailStore,
    NewMessage,
    RemoteWrites,
    StoreFlags,
    StoreService,
    StoreWriter,
)
from holdfast.world import World, real_world
from tests_store import FullDisk, Tape, message

ACCOUNT, CELL = 42, 7
CELLS = 8


class Store:
    """A volume, its store writer, one intake and a handle, in one process."""

    def __init__(self, world: World, folder: str) -> None:
        self.world = world
        self.volume = folder + "/volume"
        self.files = IndexFiles(world, folder + "/index")
        self.tape = Tape()

    async def open(self) -> None:
        self.writer = await StoreWriter.open(self.world, self.volume, self.files, cells=CELLS)
        self.intake = await LedgerWriter.open(self.world, self.volume, "mx-0")
        self.intake.on_durable.append(lambda position: self.writer.announce("mx-0", position))
        self.mail = MailStore(self.world, self.writer, self.files, self.volume)
        await self.whole()

    async def whole(self) -> None:
        """No cell is behind any more."""
        async with asyncio.timeout(10):
            while self.writer.behind:
                await asyncio.sleep(0.01)

    async def deliver(self, *accounts: int, body: bytes | None = None, detail: str = "") -> None:
        self.tape.deliver(*accounts, body=body, detail=detail)
        frame = self.tape.items[-1].frame
        await self.intake.append([NewFrame(frame.kind, frame.body, frame.account, frame.cells)])
        await self.writer.settle()

    def everything(self) -> dict[str, object]:
        """What a client could learn of the account: every mailbox, every entry, every date, every id."""
        mail = self.mail.account(ACCOUNT, CELL)
        columns = [c for c in Column if c is not Column.REF]
        return {
            box.name: (box, [row for chunk in mail.rows(box.id, mail.uids(box), columns) for row in chunk])
            for box in mail.mailboxes()
        } | {"subscriptions": mail.subscriptions(), "keywords": mail.keywords()}

    def bodies(self, name: str = "INBOX") -> list[bytes | None]:
        mail = self.mail.account(ACCOUNT, CELL)
        box = mail.mailbox(name)
        assert box is not None
        refs = [row for chunk in mail.rows(box.id, mail.uids(box), [Column.REF]) for row in chunk]
        return [None if found is None else bytes(found) for found in mail.messages(refs)]

    async def close(self) -> None:
        await self.intake.close()
        await self.writer.close()


@contextlib.asynccontextmanager
async def opened(folder):
    store = Store(real_world(journal_path=os.devnull), str(folder))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def behind_a_socket(store: Store):
    """A handle as another process has it, what it writes by, and the writer's door."""
    path = store.volume + "/store.sock"
    listener = await store.world.net.listen(StoreService(store.writer).session, path)
    writes = RemoteWrites(store.world, path)
    mail = MailStore(store.world, writes, store.files, store.volume)
    writes.start()
    try:
        async with asyncio.timeout(5):
            while not writes.connected:
                await asyncio.sleep(0.005)
        yield mail, writes, listener
    finally:
        writes.close()
        listener.close()


def on_a_store(test):
    """Run a coroutine test with a store in a folder of its own."""

    def run(tmp_path):
        async def body():
            async with opened(tmp_path) as store:
                await test(store)

        asyncio.run(body())

    run.__name__ = test.__name__
    run.__doc__ = test.__doc__
    return run


async def append(store: Store, body: bytes, mailbox: str = "INBOX", **also) -> Appended:
    command = Append(account=ACCOUNT, cell=CELL, mailbox=mailbox, message=body, **also)
    outcome = await store.mail.commit_one(command)
    assert isinstance(outcome, Appended)
    return outcome


async def some_mail(store: Store) -> None:
    for number in range(5):
        await store.deliver(ACCOUNT, 43)
        await append(
            store, message(100 + number), "Sent", flags=1, keywords=("k",), internaldate=1e9 + number
        )
    inbox = store.mail.account(ACCOUNT, CELL).mailbox("INBOX")
    one = UidSet([(2, 3)]).pack()
    await store.mail.commit(
        [
            StoreFlags(
                account=ACCOUNT, cell=CELL, mailbox=inbox.id, uids=one, mode="add", flags=Flag.FLAGGED
            ),
            Copy(account=ACCOUNT, cell=CELL, mailbox=inbox.id, uids=one, to="Archive"),
            Delete(account=ACCOUNT, cell=CELL, name="Junk"),
        ]
    )


@on_a_store
async def test_store_7_an_answered_append_is_readable_at_once(store):
    outcome = await append(store, b"Subject: x\r\n\r\nbody\r\n")
    assert outcome.uid == 1
    assert store.bodies() == [b"Subject: x\r\n\r\nbody\r\n"]


@on_a_store
async def test_commands_of_one_batch_are_answered_one_by_one(store):
    with pytest.raises(Refused):
        await append(store, message(1), "nowhere")
    outcomes = await store.mail.commit(
        [
            Append(account=ACCOUNT, cell=CELL, mailbox=name, message=message(n))
            for n, name in enumerate(["INBOX", "nowhere", "INBOX"])
        ]
    )
    assert isinstance(outcomes[1], Refused)
    assert [o.uid for o in (outcomes[0], outcomes[2])] == [1, 2]


@on_a_store
async def test_a_cell_that_does_not_exist_is_unavailable_and_the_others_work(store):
    good, bad = await store.mail.commit(
        [
            Append(account=ACCOUNT, cell=CELL, mailbox="INBOX", message=message(1)),
            Append(account=ACCOUNT, cell=CELLS, mailbox="INBOX", message=message(1)),
        ]
    )
    assert isinstance(good, Appended) and isinstance(bad, Unavailable)
    assert bad.component == f"cell-{CELLS:02d}/index"


@on_a_store
async def test_an_account_never_opened_is_unavailable_and_not_empty(store):
    with pytest.raises(Unavailable) as caught:
        store.mail.account(ACCOUNT + 1, CELL)
    assert caught.value.component == "store"
    assert (await store.mail.open_account(ACCOUNT + 1, CELL)).mailbox("INBOX") is not None


@on_a_store
async def test_watchers_are_told_of_new_mail(store):
    woken = asyncio.Event()
    store.mail.watch(ACCOUNT, woken.set)
    await store.deliver(ACCOUNT)
    await asyncio.wait_for(woken.wait(), 1)


@on_a_store
async def test_store_1_everything_is_the_same_after_a_restart(store):
    await some_mail(store)
    before, bodies = store.everything(), store.bodies()
    await store.close()
    await store.open()
    assert store.everything() == before and store.bodies() == bodies


@on_a_store
async def test_store_1_everything_is_the_same_after_a_rebuild_from_nothing(store):
    await some_mail(store)
    before, bodies = store.everything(), store.bodies()
    await store.close()
    for name in os.listdir(os.path.dirname(store.files.path(CELL))):
        os.remove(os.path.join(os.path.dirname(store.files.path(CELL)), name))
    os.remove(store.volume + "/merged.state")
    await store.open()
    assert store.everything() == before and store.bodies() == bodies


@pytest.mark.slow
@on_a_store
async def test_store_6_an_index_removed_while_running_is_made_anew_and_serves_meanwhile(store):
    await some_mail(store)
    path = store.files.path(CELL)
    before = store.everything()
    for end in ("", "-wal", "-shm"):
        if os.path.exists(path + end):
            os.remove(path + end)
    assert store.everything() == before
    ways = []
    async with asyncio.timeout(10):
        while not os.path.exists(path) or store.writer.behind:
            ways.append(store.writer.rebuilding)
            await asyncio.sleep(0)
    [*_, (done, head)] = [way for way in ways if way is not None]  # how far it is, meanwhile
    assert done <= head and store.writer.rebuilding is None
    assert store.everything() == before
    await store.deliver(ACCOUNT)
    assert store.mail.account(ACCOUNT, CELL).mailbox("INBOX").exists == 6


@on_a_store
async def test_store_5_a_damaged_index_takes_its_own_cell_along_only_and_comes_back(store):
    await some_mail(store)
    before = store.everything()
    await store.close()
    with open(store.files.path(CELL), "r+b") as index:
        index.seek(0)
        index.write(b"\xff" * 8192)
    await store.open()
    assert store.everything() == before


@on_a_store
async def test_store_5_an_index_whose_text_is_none_any_more_is_damaged_as_any_other(store):
    await some_mail(store)
    before = store.everything()
    await store.close()
    with contextlib.closing(apsw.Connection(store.files.path(CELL))) as index:
        index.execute("UPDATE account SET keywords=CAST(x'6bff' AS TEXT)")
    await store.open()
    with pytest.raises(Unavailable, match="cell-07/index"):
        store.everything()
    assert store.writer.behind  # as somebody met it
    await store.whole()
    assert store.everything() == before


@pytest.mark.slow
@on_a_store
async def test_store_6_an_index_is_gone_when_what_lies_beside_it_is(store):
    """Other processes would make their own WAL, and see nothing of what is written to ours."""
    await some_mail(store)
    path = store.files.path(CELL)
    before = store.files.intact(CELL)
    for end in ("-wal", "-shm"):
        os.remove(path + end)
        await store.deliver(ACCOUNT)
        async with asyncio.timeout(10):
            while not os.path.exists(path + end):
                await asyncio.sleep(0.01)
        await store.whole()
    assert before and store.files.intact(CELL)
    assert store.mail.account(ACCOUNT, CELL).mailbox("INBOX").exists == 7


def spoil_index(path: str) -> None:
    """All of an index but its first page, and of what waits beside it."""
    for each in (path, path + "-wal"):
        with open(each, "r+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(4096)
            file.write(b"\xa5" * max(size - 4096, 0))


@on_a_store
async def test_store_6_damage_that_only_readers_meet_has_the_index_made_anew(store):
    """The store has in memory what it folds into, and goes on without reading the file."""
    await some_mail(store)
    before = store.everything()
    async with behind_a_socket(store) as (store.mail, _, _):
        spoil_index(store.files.path(CELL))
        async with asyncio.timeout(10):
            while True:
                with contextlib.suppress(Unavailable):
                    if store.everything() == before:
                        break
                await asyncio.sleep(0.01)
        spoil_index(store.files.path(CELL))  # on a reader's word it is made anew once in a while, not at each
        for _ in range(20):
            with pytest.raises(Unavailable, match="cell-07/index"):
                store.everything()
            await asyncio.sleep(0.005)
        assert not store.writer.behind


@pytest.mark.slow
def test_store_6_a_full_disk_doesnt_end_who_looks_after_indexes(tmp_path, monkeypatch):
    monkeypatch.setattr("holdfast.store.writer.NOTE_S", 0.0)

    async def body():
        world = real_world(journal_path=os.devnull)
        disk = FullDisk(world.disk)
        store = Store(dataclasses.replace(world, disk=disk), str(tmp_path))
        await store.open()
        await some_mail(store)
        before = store.everything()
        async with asyncio.timeout(30):
            while not disk.refused:
                await asyncio.sleep(0.01)
            os.remove(store.files.path(CELL))
            while not os.path.exists(store.files.path(CELL)):
                await asyncio.sleep(0.01)
        await store.whole()
        assert store.everything() == before
        await store.close()

    asyncio.run(body())


@on_a_store
async def test_store_8_a_missing_index_is_unavailable_and_not_an_empty_mailbox(store):
    await store.deliver(ACCOUNT)
    fresh = MailStore(store.world, store.writer, store.files, store.volume)
    for cell in range(CELLS):
        os.remove(store.files.path(cell))
    with pytest.raises(Unavailable, match="cell-07/index"):
        fresh.account(ACCOUNT, CELL)


@on_a_store
async def test_store_4_a_damaged_frame_costs_its_own_message(store):
    for _ in range(3):
        await store.deliver(ACCOUNT)
    mail = store.mail.account(ACCOUNT, CELL)
    box = mail.mailbox("INBOX")
    ref = next(iter(mail.rows(box.id, mail.uids(box), [Column.REF])))[1]
    with open(f"{store.volume}/mx-0/{ref[1]:08d}.pack", "r+b") as pack:
        pack.seek(ref[2] + ref[3] - 16)
        pack.write(b"\x00\xff\x00\xff")
    bodies = store.bodies()
    assert bodies[1] is None and bodies[0] and bodies[2]


async def append_all(store: Store, *bodies: bytes, mailbox: str = "Sent") -> AppendedAll:
    messages = tuple(NewMessage(body, flags=int(Flag.SEEN)) for body in bodies)
    command = AppendAll(account=ACCOUNT, cell=CELL, mailbox=mailbox, messages=messages)
    outcome = await store.mail.commit_one(command)
    assert isinstance(outcome, AppendedAll)
    return outcome


@on_a_store
async def test_store_13_messages_appended_at_once_follow_each_other_also_after_a_rebuild(store):
    await append(store, b"Subject: before\r\n\r\n", mailbox="Sent")
    outcome = await append_all(store, b"Subject: a\r\n\r\n", b"Subject: b\r\n\r\n")
    assert UidSet.unpack(outcome.uids) == UidSet([(2, 3)])
    before = store.everything()
    await store.close()
    os.remove(store.files.path(CELL))
    await store.open()
    assert store.everything() == before
    assert store.bodies("Sent")[1:] == [b"Subject: a\r\n\r\n", b"Subject: b\r\n\r\n"]


@on_a_store
async def test_store_13_of_messages_for_a_mailbox_that_is_not_there_none_is_kept(store):
    await append(store, b"Subject: before\r\n\r\n")
    before = store.everything()
    with pytest.raises(Refused, match="no mailbox named 'Sendt'"):
        await append_all(store, b"a", b"b", mailbox="Sendt")
    assert store.everything() == before


def places(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Of every mailbox of both accounts: what its messages are listed with but for what they say."""
    columns = [Column.UID, Column.FLAGS, Column.MODSEQ, Column.MESSAGE_ID, Column.SIZE, Column.INTERNALDATE]
    found = {}
    for account in (ACCOUNT, ACCOUNT + 1):
        mail = store.mail.account(account, CELL)
        for box in mail.mailboxes():
            rows = [row for chunk in mail.rows(box.id, mail.uids(box), columns) for row in chunk]
            found[f"{account} {box.name}"] = rows
    return found


def spoil(path: str, frame: str) -> None:
    """The head or the body of the second frame, or the heads and bodies of all."""
    with open(path, "r+b") as pack:
        data = pack.read()
        seconds = data.index(b"Subject: message 1\r\n")
        first = data.index(b"Subject: message 0\r\n")
        if frame == "body":
            pack.seek(seconds)
            pack.write(b"subjecT")
        elif frame == "head":
            pack.seek(data.rindex((2).to_bytes(8, "little"), first, seconds))
            pack.write(b"\xff" * 8)
        else:
            pack.seek(8192)
            pack.write(b"\xff" * (len(data) - 8192))


@pytest.mark.slow
@pytest.mark.parametrize("frame", ["body", "head", "all"])
def test_store_4_a_delivery_damaged_after_it_was_merged_keeps_its_place_in_every_mailbox(tmp_path, frame):
    async def body() -> None:
        async with opened(tmp_path) as store:
            for detail in ("", "Archive", "Archive"):
                await store.deliver(ACCOUNT, ACCOUNT + 1, detail=detail)
            await append(store, b"Subject: behind them\r\n\r\n", mailbox="Archive")
            before = places(store)
            assert [row[0] for row in before[f"{ACCOUNT} Archive"]] == [1, 2, 3]
            await store.close()
            os.remove(store.files.path(CELL))
            spoil(f"{store.volume}/mx-0/00000001.pack", frame)
            await store.open()
            assert places(store) == before
            assert store.bodies("Archive")[0] is None and store.bodies("Archive")[2]

    asyncio.run(body())


@on_a_store
async def test_what_an_intake_accepted_while_the_store_was_gone_is_merged_when_it_is_back(store):
    await store.deliver(ACCOUNT)
    await store.writer.close()
    for _ in range(3):
        store.tape.deliver(ACCOUNT)
        frame = store.tape.items[-1].frame
        await store.intake.append([NewFrame(frame.kind, frame.body, frame.account, frame.cells)])
    durable = store.intake.durable
    store.writer = await StoreWriter.open(store.world, store.volume, store.files, cells=CELLS)
    store.writer.announce("mx-0", durable)
    await store.whole()
    await store.writer.settle()
    assert store.mail.account(ACCOUNT, CELL).mailbox("INBOX").exists == 4


@on_a_store
async def test_behind_a_socket_the_handle_is_the_same_and_says_when_the_writer_is_gone(store):
    async with behind_a_socket(store) as (remote, writes, listener):
        woken = asyncio.Event()
        remote.watch(ACCOUNT, woken.set)
        outcomes = await remote.commit(
            [
                Append(account=ACCOUNT, cell=CELL, mailbox=name, message=message(1))
                for name in ("INBOX", "nowhere")
            ]
        )
        assert isinstance(outcomes[0], Appended) and isinstance(outcomes[1], Refused)
        await asyncio.wait_for(woken.wait(), 1)
        assert (await writes.status()).behind == []
        listener.close()
        for connection in listener.connections:
            connection.abort()
        async with asyncio.timeout(5):
            while writes.connected:
                await asyncio.sleep(0.005)
        with pytest.raises(Unavailable, match="store"):
            await remote.commit_one(Append(account=ACCOUNT, cell=CELL, mailbox="INBOX", message=b"x"))
        assert remote.account(ACCOUNT, CELL).mailbox("INBOX").exists == 1
