"""Export: what other programs read of it is what was there (STORE-11)."""

from __future__ import annotations

import asyncio
import functools
import io
import json
import mailbox
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from contracts.store_forms import Form, message, opened, quick_folder
from holdfast.cli import mailfiles
from holdfast.model.mail import Flag
from holdfast.store import Column, Copy, Delete, Expunge, MakeMailbox, StoreFlags
from holdfast.store.export import archive

FROM_LINES = b"Subject: froms\r\n\r\nFrom here\r\n>From there\r\n >From nowhere\r\nFrom: x\r\n\r\nFrom end"


def with_store(test: Callable[[Form, Path], Awaitable[None]]) -> Callable[[], None]:
    """Runs the test with an empty store and its folder."""

    @functools.wraps(test)
    def run() -> None:
        async def body() -> None:
            with quick_folder() as folder:
                async with opened(Form, folder) as store:
                    await test(store, folder)

        asyncio.run(body())

    del run.__wrapped__  # pytest reads it for the names of fixtures
    return run


def exported(store: Form, name: str = "INBOX") -> tuple[bytes, list[int]]:
    damaged: list[int] = []
    return b"".join(store.anna.export(store.box(name), damaged)), damaged


@with_store
async def test_an_mbox_read_back_has_every_message_flag_keyword_and_date(store: Form, folder: Path) -> None:
    box = await store.filled(3)
    await store.append(FROM_LINES, flags=Flag.ANSWERED | Flag.DRAFT | Flag.FLAGGED)
    await store.deliver(42)
    await store.do(StoreFlags, mailbox=box, uids=[2], mode="add", flags=Flag.SEEN, keywords=("Work",))
    (folder / "mbox").write_bytes(exported(store)[0])
    found = list(mailfiles.read_mbox(folder / "mbox", "INBOX"))
    ours = [(Flag.SEEN if uid == 2 else 0, ("Work",) if uid == 2 else ()) for uid in (1, 2, 3)]
    assert [(each.flags, each.keywords) for each in found[:3]] == ours
    assert found[3].flags == Flag.ANSWERED | Flag.DRAFT | Flag.FLAGGED
    assert [int(each.date) for each in found] == store.column(Column.INTERNALDATE)
    kept = [without_status(each.message) for each in found]
    assert kept == [body + (b"" if body.endswith(b"\n") else b"\r\n") for body in store.bodies()]


def without_status(text: bytes) -> bytes:
    """The lines the export put before the message taken off."""
    lines = text.split(b"\r\n")
    while lines[0].partition(b":")[0] in (b"Status", b"X-Status", b"X-Keywords"):
        del lines[0]
    return b"\r\n".join(lines)


@with_store
async def test_another_program_finds_the_same_messages_and_senders(store: Form, folder: Path) -> None:
    await store.filled(2)
    await store.append(FROM_LINES)
    await store.deliver(42)
    (folder / "mbox").write_bytes(exported(store)[0])
    read = mailbox.mbox(str(folder / "mbox"), create=False)
    assert [each["Subject"] for each in read] == ["m1", "m2", "froms", "m1001"]
    assert [each.get_from().split()[0] for each in read][2:] == ["MAILER-DAEMON", "s@example.net"]
    assert [each.get_flags() for each in read] == ["O"] * 4


@with_store
async def test_fields_that_would_be_taken_for_our_flags_are_left_out(store: Form, folder: Path) -> None:
    await store.filled(0)
    await store.append(b"Status: RO\r\nX-Keywords: a\r\n b\r\nSubject: s\r\n\r\nStatus: kept\r\n")
    await store.append(b"\r\nStatus: no header at all\r\n")
    text, _ = exported(store)
    assert text.count(b"\nStatus: O\n") == 2
    assert b"Subject: s\n\nStatus: kept\n\nFrom " in text and b"RO" not in text and b"X-Key" not in text
    assert text.endswith(b"\nStatus: O\n\nStatus: no header at all\n\n")


@with_store
async def test_store_11_a_damaged_message_is_named_and_the_others_come(store: Form, folder: Path) -> None:
    await store.filled(5)
    [pack] = (folder / "volume" / "mail").glob("*.pack")
    at = pack.read_bytes().index(b"body 3")
    with pack.open("r+b") as file:
        file.seek(at)
        file.write(b"BODY 3")
    text, damaged = exported(store)
    assert damaged == [3]
    assert [text.count(b"\nbody %d\n" % number) for number in range(1, 6)] == [1, 1, 0, 1, 1]
    read = zipfile.ZipFile(io.BytesIO(b"".join(archive(store.anna))))
    assert json.loads(read.read("mail.json"))["unreadable"] == [{"mailbox": "INBOX", "uid": 3}]


@with_store
async def test_an_archive_has_a_file_for_every_mailbox_and_says_what_it_is(store: Form, folder: Path) -> None:
    names = ["a/b", "a/b ", "A/B", "../../etc", "Grüße: *", "...", "x" * 300]
    await store.filled(2)
    for name in names:
        await store.do(MakeMailbox, name=name)
    await store.do(Copy, mailbox=store.box().id, uids=[1], to="A/B")
    data = b"".join(archive(store.anna, {"account.json": b"{}"}))
    read = zipfile.ZipFile(io.BytesIO(data))
    assert read.testzip() is None and read.read("account.json") == b"{}"
    folders = {each["name"]: each for each in json.loads(read.read("mail.json"))["folders"]}
    assert set(folders) == {box.name for box in store.anna.mailboxes()}
    files = [each["file"] for each in folders.values()]
    assert len({each.lower() for each in files}) == len(files)
    for file in files:
        assert file.startswith("mail/") and ".." not in file.split("/") and "\\" not in file
    assert (folders["INBOX"]["role"], folders["INBOX"]["messages"]) == ("inbox", 2)
    assert folders["INBOX"]["bytes"] == len(message(1)) + len(message(2))
    assert b"Subject: m1\n" in read.read(folders["A/B"]["file"])
    assert read.read(folders["a/b"]["file"]) == b""


@with_store
async def test_store_11_reading_everything_there_is_changes_nothing(store: Form, folder: Path) -> None:
    """What an auditor's sealed access does to a mailbox: nothing."""
    box = await store.filled(4)
    await store.do(Expunge, mailbox=box, uids=[1], only_deleted=False)
    before = store.anna.modseq, store.anna.mailboxes(), store.column(Column.FLAGS), store.writer.head
    index = Path(store.files.path(2)).read_bytes()
    b"".join(archive(store.anna))
    store.bodies()
    store.anna.messages([each.ref for each in store.anna.gone()])
    store.anna.usage()
    after = store.anna.modseq, store.anna.mailboxes(), store.column(Column.FLAGS), store.writer.head
    assert after == before
    assert Path(store.files.path(2)).read_bytes() == index


@with_store
async def test_an_archive_larger_than_memory_should_be_comes_in_pieces(store: Form, folder: Path) -> None:
    await store.filled(0)
    noise = bytes(range(1, 256)).replace(b"\r", b"").replace(b"\n", b"")
    for number in range(12):
        await store.append(b"Subject: big\r\n\r\n" + noise * (200 + number))
    pieces = list(archive(store.anna))
    assert len(zipfile.ZipFile(io.BytesIO(b"".join(pieces))).namelist()) == 7
    assert max(map(len, pieces)) < 300_000


@with_store
async def test_what_was_removed_comes_along_when_asked_for_however_long_ago(
    store: Form, folder: Path
) -> None:
    """What an account under legal hold is asked for."""
    box = await store.filled(3)
    await store.do(StoreFlags, mailbox=box, uids=[1], mode="add", flags=Flag.SEEN)
    await store.do(Expunge, mailbox=box, uids=[1, 3], only_deleted=False)
    await store.do(MakeMailbox, name="Work")
    await store.append(message(4), "Work")
    await store.do(Delete, name="Work")
    [pack] = (folder / "volume" / "mail").glob("*.pack")
    at = pack.read_bytes().index(b"body 3")
    with pack.open("r+b") as file:
        file.seek(at)
        file.write(b"BODY 3")
    read = zipfile.ZipFile(io.BytesIO(b"".join(archive(store.anna, removed_since=0))))
    (folder / "mbox").write_bytes(read.read("removed.mbox"))
    assert [each["Subject"] for each in mailbox.mbox(str(folder / "mbox"), create=False)] == ["m4", "m1"]
    assert [each.flags for each in mailfiles.read_mbox(folder / "mbox", "x")] == [0, Flag.SEEN]
    told = json.loads(read.read("mail.json"))["removed"]
    lines = [(each["mailbox"], each["uid"], each["readable"]) for each in told]
    assert lines == [("Work", 1, True), ("INBOX", 3, False), ("INBOX", 1, True)]
    later = told[0]["removed_at"] + 1
    without = zipfile.ZipFile(io.BytesIO(b"".join(archive(store.anna, removed_since=later))))
    assert without.read("removed.mbox") == b""
    assert "removed.mbox" not in zipfile.ZipFile(io.BytesIO(b"".join(archive(store.anna)))).namelist()
