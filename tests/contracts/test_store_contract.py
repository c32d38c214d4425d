"""What the store's handle promises, in every form: whoever holds one can't tell them apart.

Each test does something, lets the form have its turn (nothing, a restart, every index made anew), and looks.
"""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from contracts.store_forms import (
    ANNA,
    BEN,
    BENS_CELL,
    CELL,
    CELLS,
    NOON,
    Form,
    NoWriter,
    Process,
    eventually,
    message,
    on_bad_disk,
    on_every_form,
    opened,
    quick_folder,
)
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import LINK_SILENT_S, LINK_WAIT_S
from holdfast.model.mail import FIRST_KEYWORD_BIT, Flag, Role
from holdfast.model.uidset import UidSet
from holdfast.sim.world import simulated
from holdfast.store import (
    Added,
    Append,
    Appended,
    Column,
    Copy,
    Delete,
    Expunge,
    Flagged,
    MailStore,
    MakeMailbox,
    Move,
    Open,
    RemoteWrites,
    Removed,
    Rename,
    StoreFlags,
    Subscribe,
    TakeRecent,
)
from holdfast.world import Session, World
from holdfast.world.link import LinkPeer

FIRST = ["INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"]


def unpacked(uids: bytes) -> list[int]:
    return list(UidSet.unpack(uids))


@pytest.fixture
def folder() -> Iterator[Path]:
    with quick_folder() as folder:
        yield folder


def refused(reason: Reason) -> object:
    return pytest.raises(Refused, check=lambda error: error.reason is reason)


# -- accounts and mailboxes


@on_every_form
async def test_an_account_begins_with_six_mailboxes_each_with_its_role_all_subscribed(store):
    await store.mail.open_account(ANNA, CELL)
    await store.turn()
    assert [box.name for box in store.anna.mailboxes()] == FIRST
    assert {box.role for box in store.anna.mailboxes()} == {Role(name.lower()) for name in FIRST}
    assert store.anna.subscriptions() == set(FIRST)
    assert all((box.exists, box.uidnext) == (0, 1) for box in store.anna.mailboxes())


@on_every_form
async def test_an_account_that_is_not_there_is_unavailable_and_never_empty(store):
    await store.turn()
    with pytest.raises(Unavailable, match="store"):
        store.mail.account(ANNA, CELL)


@on_every_form
async def test_opening_an_account_twice_changes_nothing(store):
    await store.filled(1)
    before = store.anna.mailboxes(), store.anna.modseq
    await store.turn()
    await store.mail.open_account(ANNA, CELL)
    await store.do(Open)
    assert (store.anna.mailboxes(), store.anna.modseq) == before


@on_every_form
async def test_inbox_is_found_in_any_case_and_other_names_only_as_they_are(store):
    await store.mail.open_account(ANNA, CELL)
    await store.turn()
    assert store.anna.mailbox("iNbOx") == store.anna.mailbox("INBOX") is not None
    assert store.anna.mailbox("sent") is None


@on_every_form
async def test_a_mailbox_keeps_its_id_under_another_name_and_loses_it_with_itself(store):
    made = await store.do(MakeMailbox, name="Work")
    await store.do(Rename, old="Work", new="Old work")
    await store.turn()
    assert store.anna.by_id(made.mailbox).name == "Old work"
    await store.do(Delete, name="Old work")
    await store.turn()
    assert store.anna.by_id(made.mailbox) is None


@on_every_form
async def test_making_a_mailbox_that_exists_is_refused_and_one_made_anew_is_another(store):
    first = await store.do(MakeMailbox, name="Work")
    validity = store.box("Work").uidvalidity
    with refused(Reason.MAILBOX_EXISTS):
        await store.do(MakeMailbox, name="Work")
    await store.do(Delete, name="Work")
    await store.turn()
    again = await store.do(MakeMailbox, name="Work")
    assert again.mailbox != first.mailbox
    assert store.box("Work").uidvalidity > validity


@on_every_form
async def test_a_renamed_mailbox_takes_those_below_it_along(store):
    for name in ("a", "a/b", "a/b/c", "ab"):
        await store.do(MakeMailbox, name=name)
    await store.do(Rename, old="a", new="x")
    await store.turn()
    names = {box.name for box in store.anna.mailboxes()}
    assert {"x", "x/b", "x/b/c", "ab"} <= names and not {"a", "a/b"} & names


@on_every_form
async def test_renaming_inbox_moves_its_mail_and_leaves_an_empty_inbox(store):
    await store.filled(2)
    await store.do(Rename, old="INBOX", new="Old")
    await store.turn()
    assert (store.box().exists, store.box("Old").exists) == (0, 2)
    assert store.bodies("Old") == [message(1), message(2)]


@on_every_form
async def test_a_deleted_mailbox_leaves_those_below_it_and_inbox_stays(store):
    await store.do(MakeMailbox, name="a")
    await store.do(MakeMailbox, name="a/b")
    await store.do(Delete, name="a")
    with pytest.raises(Refused):
        await store.do(Delete, name="INBOX")
    await store.turn()
    names = [box.name for box in store.anna.mailboxes()]
    assert "a/b" in names and "INBOX" in names


@on_every_form
async def test_a_name_is_subscribed_until_it_is_not_whether_a_mailbox_has_it_or_not(store):
    await store.do(Subscribe, name="nowhere")
    await store.do(Subscribe, name="Junk", on=False)
    await store.turn()
    assert store.anna.subscriptions() == set(FIRST) - {"Junk"} | {"nowhere"}


# -- messages


@on_every_form
async def test_an_answered_append_is_there_with_its_flags_keywords_date_and_bytes(store):
    body = b"Subject: \xff\x00bin\r\n\r\nno end of line"
    outcome = await store.append(body, "Sent", flags=Flag.SEEN, keywords=("$Forwarded",), internaldate=NOON)
    await store.turn()
    box = store.box("Sent")
    assert (outcome.uid, outcome.uidvalidity, outcome.mailbox) == (1, box.uidvalidity, box.id)
    assert store.bodies("Sent") == [body]
    assert store.column(Column.SIZE, "Sent") == [len(body)]
    assert store.column(Column.INTERNALDATE, "Sent") == [NOON]
    assert store.anna.keywords() == ["$Forwarded"]
    [flags] = store.column(Column.FLAGS, "Sent")
    assert flags & Flag.SEEN and flags & 1 << FIRST_KEYWORD_BIT


@on_every_form
async def test_appending_to_a_mailbox_that_is_not_there_is_refused_and_makes_none(store):
    await store.mail.open_account(ANNA, CELL)
    with refused(Reason.NO_SUCH_MAILBOX):
        await store.append(message(1), "nowhere")
    await store.turn()
    assert [box.name for box in store.anna.mailboxes()] == FIRST


@on_every_form
async def test_new_mail_is_in_inbox_once_for_each_recipient(store):
    await store.deliver(ANNA, BEN)
    await store.turn()
    assert store.box().exists == 1
    assert store.mail.account(BEN, BENS_CELL).mailbox("INBOX").exists == 1
    assert store.bodies()[0].endswith(message(1001))


@on_every_form
async def test_new_mail_to_a_sub_address_goes_to_the_mailbox_of_that_name_in_any_case(store):
    await store.do(MakeMailbox, name="Lists")
    await store.deliver(ANNA, detail="lists")
    await store.deliver(ANNA, detail="unheard-of")
    await store.turn()
    assert (store.box("Lists").exists, store.box().exists) == (1, 1)


@on_every_form
async def test_uids_grow_are_never_used_again_and_gaps_stay(store):
    box = await store.filled(5)
    await store.do(Expunge, mailbox=box, uids=[2, 5], only_deleted=False)
    await store.turn()
    assert store.uids() == [1, 3, 4]
    assert (await store.append(message(6))).uid == 6
    assert store.uids() == [1, 3, 4, 6]
    assert store.box().uidnext == 7


@on_every_form
async def test_rows_come_in_order_of_uid_and_in_chunks(store):
    await store.filled(1203)
    await store.turn()
    box = store.box()
    chunks = [
        [row[0] for row in chunk] for chunk in store.anna.rows(box.id, store.anna.uids(box), [Column.UID])
    ]
    assert [uid for chunk in chunks for uid in chunk] == list(range(1, 1204))
    assert len(chunks) == 3 and all(chunks)


@on_every_form
async def test_rows_are_of_the_uids_asked_for_that_are_there_and_have_changed(store):
    box = await store.filled(6)
    before = store.anna.modseq
    await store.do(StoreFlags, mailbox=box, uids=[2, 4], mode="add", flags=Flag.SEEN)
    await store.turn()
    asked = UidSet([(2, 3), (6, 99)])
    assert [r[0] for c in store.anna.rows(box, asked, [Column.UID]) for r in c] == [2, 3, 6]
    assert [r[0] for c in store.anna.rows(box, asked, [Column.UID], before) for r in c] == [2]


@on_every_form
async def test_bodies_come_in_the_order_asked_for(store):
    box = await store.filled(4)
    await store.turn()
    refs = [r for c in store.anna.rows(box, UidSet([(1, 4)]), [Column.REF]) for r in c]
    found = store.anna.messages([refs[2], refs[0], refs[0], refs[3]])
    assert [bytes(each) for each in found] == [message(3), message(1), message(1), message(4)]


# -- commands


@on_every_form
async def test_flags_are_added_removed_and_replaced_and_only_what_changed_is_named(store):
    box = await store.filled(3)
    first = await store.do(StoreFlags, mailbox=box, uids=[1, 2], mode="add", flags=Flag.SEEN | Flag.FLAGGED)
    again = await store.do(StoreFlags, mailbox=box, uids=[1, 2, 3, 9], mode="add", flags=Flag.SEEN)
    await store.do(StoreFlags, mailbox=box, uids=[1], mode="remove", flags=Flag.SEEN)
    await store.do(StoreFlags, mailbox=box, uids=[2], mode="replace", flags=Flag.ANSWERED)
    await store.turn()
    assert (unpacked(first.changed), unpacked(again.changed)) == ([1, 2], [3])
    assert store.column(Column.FLAGS) == [Flag.FLAGGED, Flag.ANSWERED, Flag.SEEN]
    assert store.box().unseen == 2


@on_every_form
async def test_flags_changed_since_are_kept_as_they_are_and_named(store):
    box = await store.filled(2)
    before = store.anna.modseq
    await store.do(StoreFlags, mailbox=box, uids=[1], mode="add", flags=Flag.SEEN)
    outcome = await store.do(
        StoreFlags, mailbox=box, uids=[1, 2], mode="add", flags=Flag.DELETED, unchanged_since=before
    )
    await store.turn()
    assert (unpacked(outcome.changed), unpacked(outcome.kept)) == ([2], [1])
    assert store.column(Column.FLAGS) == [Flag.SEEN, Flag.DELETED]


@on_every_form
async def test_copies_have_new_uids_in_the_same_order_and_everything_else_of_the_original(store):
    box = await store.filled(3)
    await store.filled(1, "Archive")
    await store.do(StoreFlags, mailbox=box, uids=[3], mode="add", flags=Flag.FLAGGED)
    outcome = await store.do(Copy, mailbox=box, uids=[1, 3, 8], to="Archive")
    await store.turn()
    assert (unpacked(outcome.sources), unpacked(outcome.copies)) == ([1, 3], [2, 3])
    assert outcome.uidvalidity == store.box("Archive").uidvalidity
    assert store.bodies("Archive") == [message(1), message(1), message(3)]
    assert store.column(Column.FLAGS, "Archive")[2] == Flag.FLAGGED
    assert store.column(Column.INTERNALDATE, "Archive")[1:] == [NOON, NOON + 2]
    assert store.uids() == [1, 2, 3]


@on_every_form
async def test_what_is_moved_is_there_and_no_longer_here(store):
    box = await store.filled(3)
    outcome = await store.do(Move, mailbox=box, uids=[1, 3], to="Trash")
    await store.turn()
    assert (unpacked(outcome.sources), unpacked(outcome.copies)) == ([1, 3], [1, 2])
    assert (store.uids(), store.bodies("Trash")) == ([2], [message(1), message(3)])


@on_every_form
async def test_copying_and_moving_to_nowhere_is_refused_and_moves_nothing(store):
    box = await store.filled(2)
    for kind in (Copy, Move):
        with refused(Reason.NO_SUCH_MAILBOX):
            await store.do(kind, mailbox=box, uids=[1], to="nowhere")
    await store.turn()
    assert store.uids() == [1, 2]


@on_every_form
async def test_only_what_is_marked_as_deleted_is_expunged_unless_told_otherwise(store):
    box = await store.filled(4)
    await store.do(StoreFlags, mailbox=box, uids=[2, 3], mode="add", flags=Flag.DELETED)
    first = await store.do(Expunge, mailbox=box, uids=[1, 2])
    second = await store.do(Expunge, mailbox=box, uids=[4], only_deleted=False)
    await store.turn()
    assert (unpacked(first.uids), unpacked(second.uids)) == ([2], [4])
    assert (store.uids(), store.box().deleted) == ([1, 3], 1)


@on_every_form
async def test_recent_is_taken_once(store):
    box = await store.filled(2)
    assert store.box().first_recent_uid == 1
    await store.do(TakeRecent, mailbox=box)
    await store.turn()
    assert store.box().first_recent_uid == 3


@on_every_form
async def test_a_mailbox_of_another_account_can_not_be_touched_by_its_id(store):
    box = await store.filled(1)
    with refused(Reason.NO_SUCH_MAILBOX):
        await store.mail.commit_one(
            Expunge(account=BEN, cell=CELL, mailbox=box, uids=UidSet([(1, 1)]).pack(), only_deleted=False)
        )
    await store.turn()
    assert store.uids() == [1]


@on_every_form
async def test_a_batch_is_answered_one_by_one_in_order_and_carried_out_in_order(store):
    await store.mail.open_account(ANNA, CELL)
    commands = [
        MakeMailbox(account=ANNA, cell=CELL, name="new"),
        Append(account=ANNA, cell=CELL, mailbox="new", message=message(1)),
        Append(account=ANNA, cell=CELL, mailbox="nowhere", message=message(2)),
        Append(account=ANNA, cell=CELLS + 1, mailbox="INBOX", message=message(3)),
        Append(account=ANNA, cell=CELL, mailbox="new", message=message(4)),
    ]
    outcomes = await store.mail.commit(commands)
    await store.turn()
    assert [type(each).__name__ for each in outcomes] == [
        "Made",
        "Appended",
        "Refused",
        "Unavailable",
        "Appended",
    ]
    assert outcomes[3].component == f"cell-{CELLS + 1:02d}/index"
    assert store.bodies("new") == [message(1), message(4)]


@on_every_form
async def test_no_commands_have_no_outcomes(store):
    assert await store.mail.commit([]) == []


@on_every_form
async def test_what_is_answered_is_seen_by_the_next_read(store):
    box = await store.filled(1)
    for uid in range(2, 12):
        await store.append(message(uid))
        assert store.uids()[-1] == uid
        await store.do(StoreFlags, mailbox=box, uids=[uid], mode="add", flags=Flag.SEEN)
        assert store.column(Column.FLAGS)[-1] & Flag.SEEN
    await store.turn()
    assert store.box().exists == 11


# -- changes


@on_every_form
async def test_changes_are_told_in_order_with_what_they_concern(store):
    box = await store.filled(3)
    since = store.anna.modseq
    await store.append(message(4))
    await store.do(StoreFlags, mailbox=box, uids=[1, 3], mode="add", flags=Flag.SEEN)
    await store.do(Expunge, mailbox=box, uids=[2], only_deleted=False)
    await store.turn()
    changes = store.anna.changes(box, since)
    assert [(type(each), list(each.uids)) for each in changes] == [
        (Added, [4]),
        (Flagged, [1, 3]),
        (Removed, [2]),
    ]
    assert all(one.modseq < next_.modseq for one, next_ in pairwise(changes))
    assert changes[0].modseq > since and changes[-1].modseq == store.anna.modseq == store.box().modseq
    assert store.anna.changes(box, store.anna.modseq) == []


@on_every_form
async def test_an_outcome_tells_the_modseq_that_its_change_has(store):
    box = await store.filled(1)
    outcome = await store.do(StoreFlags, mailbox=box, uids=[1], mode="add", flags=Flag.SEEN)
    await store.turn()
    assert outcome.modseq == store.anna.modseq == store.column(Column.MODSEQ)[0]


@on_every_form
async def test_what_changes_nothing_moves_no_modseq(store):
    box = await store.filled(1)
    await store.do(StoreFlags, mailbox=box, uids=[1], mode="add", flags=Flag.SEEN)
    before = store.anna.modseq
    await store.do(StoreFlags, mailbox=box, uids=[1], mode="add", flags=Flag.SEEN)
    await store.do(Expunge, mailbox=box, uids=[1])
    await store.turn()
    assert store.anna.modseq == before and store.anna.changes(box, before) == []


@on_every_form
async def test_watchers_are_called_for_their_account_until_they_stop(store):
    await store.filled(1)
    await store.turn()
    await asyncio.sleep(0.02)  # what was done before may still be told
    called: list[str] = []
    anna, ben = lambda: called.append("anna"), lambda: called.append("ben")
    store.mail.watch(ANNA, anna)
    store.mail.watch(BEN, ben)
    await store.append(message(2))
    await eventually(lambda: called == ["anna"])
    await store.deliver(BEN)
    await eventually(lambda: called == ["anna", "ben"])
    store.mail.unwatch(ANNA, anna)
    await store.append(message(3))
    await store.deliver(BEN)
    await eventually(lambda: len(called) == 3)
    assert called[-1] == "ben"


# -- broken: a store that always fails


def test_without_a_writer_reading_goes_on_and_changes_are_unavailable(folder: Path) -> None:
    async def body() -> None:
        async with opened(Form, folder) as store:
            box = await store.filled(2)
            lone = MailStore(store.world, NoWriter(), store.files, store.volume)
            mail = lone.account(ANNA, CELL)
            assert mail.mailbox("INBOX").exists == 2
            assert (await lone.open_account(ANNA, CELL)).by_id(box) is not None
            with pytest.raises(Unavailable, match="store"):
                await lone.commit_one(TakeRecent(account=ANNA, cell=CELL, mailbox=box))

    asyncio.run(body())


@pytest.mark.timed
@pytest.mark.slow
def test_without_a_writer_an_account_without_mailboxes_is_unavailable_after_a_moment(folder: Path) -> None:
    async def body() -> None:
        async with opened(Form, folder) as store:
            lone = MailStore(store.world, NoWriter(), store.files, store.volume)
            began = time.monotonic()
            with pytest.raises(Unavailable, match="store"):
                await lone.open_account(ANNA, CELL)
            assert time.monotonic() - began < 3

    asyncio.run(body())


# -- broken: its disk


@pytest.mark.slow
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_what_the_disk_did_not_take_is_unavailable_and_has_not_happened(folder: Path, code: int) -> None:
    async def body() -> None:
        async with on_bad_disk(folder) as (store, disk):
            await store.filled(2)
            disk.code = code
            for _ in range(3):
                with pytest.raises(Unavailable) as caught:
                    await store.append(message(3))
                assert caught.value.component
            assert store.uids() == [1, 2] and store.bodies() == [message(1), message(2)]
            disk.code = 0

            async def taken() -> bool:
                try:
                    return bool(await store.append(message(4)))
                except Unavailable:
                    return False

            async with asyncio.timeout(10):
                while not await taken():
                    await asyncio.sleep(0.02)
            assert store.uids() == [1, 2, 3] and store.bodies()[2] == message(4)
            before = store.anna.mailboxes(), store.bodies()
        async with opened(Form, folder) as store:
            assert (store.anna.mailboxes(), store.bodies()) == before

    asyncio.run(body())


@pytest.mark.timed
@pytest.mark.slow
def test_a_slow_disk_delays_commits_together_and_no_reading(folder: Path) -> None:
    async def body() -> None:
        async with on_bad_disk(folder) as (store, disk):
            await store.filled(1)
            disk.sync_s, disk.syncs = 0.15, 0
            began = time.monotonic()
            commits = [asyncio.create_task(store.append(message(n))) for n in range(2, 42)]
            await asyncio.sleep(0)
            reads = 0
            while not all(each.done() for each in commits):
                assert store.column(Column.UID)[0] == 1
                reads += 1
                await asyncio.sleep(0.01)
            assert sorted(each.result().uid for each in commits) == list(range(2, 42))
            assert disk.syncs <= 4 and time.monotonic() - began < 1.5, "forty commits share their syncs"
            assert reads > 5
            disk.sync_s = 0.0

    asyncio.run(body())


# -- broken: the process


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.01, 0.05, 0.15])
def test_killed_amid_commits_what_was_answered_is_there_and_the_rest_whole_or_not_at_all(
    folder: Path, after_s: float
) -> None:
    async def body() -> None:
        process = Process(folder)
        await process.start()
        with process.handle() as (mail, writes):
            await eventually(lambda: writes.connected)
            await mail.open_account(ANNA, CELL)
            answered: dict[int, bytes] = {}
            asked: set[bytes] = set()

            async def append(first: int) -> None:
                for number in range(first, first + 1000):
                    asked.add(message(number))
                    outcome = await mail.commit_one(
                        Append(account=ANNA, cell=CELL, mailbox="INBOX", message=message(number))
                    )
                    assert isinstance(outcome, Appended)
                    answered[outcome.uid] = message(number)

            work = [asyncio.create_task(append(worker * 1000)) for worker in range(1, 9)]
            await eventually(lambda: answered)
            await asyncio.sleep(after_s)
            await process.kill()
            ends = await asyncio.gather(*work, return_exceptions=True)
            assert all(isinstance(end, Unavailable) for end in ends), ends
            assert mail.account(ANNA, CELL).mailbox("INBOX") is not None  # reading outlives the writer

            await process.start()
            await eventually(lambda: writes.connected)
            anna = mail.account(ANNA, CELL)
            box = anna.mailbox("INBOX")
            rows = [r for c in anna.rows(box.id, anna.uids(box), [Column.UID, Column.REF]) for r in c]
            found = {row[0]: bytes(each) for row, each in zip(rows, anna.messages([row[1:] for row in rows]))}
            assert answered.items() <= found.items()
            assert set(found.values()) <= asked and len(set(found.values())) == len(found)
            await process.kill()

    asyncio.run(body())


def test_a_store_that_is_frozen_is_unavailable_within_seconds() -> None:
    """WORLD-17: connected, and silent."""
    with simulated(1) as world:

        async def main() -> None:
            await world.net.listen(Frozen, "/store.sock")
            writes = RemoteWrites(world, "/store.sock")
            writes.start()
            await world.clock.sleep(0.1)
            for patience in (LINK_SILENT_S + 1, LINK_WAIT_S + 0.1, LINK_WAIT_S + 0.1):
                await eventually_connected(writes, world)
                began = world.clock.monotonic()
                with pytest.raises(Unavailable, match="store"):
                    await writes.commit([Open(account=ANNA, cell=CELL)])
                assert world.clock.monotonic() - began <= patience
            writes.close()

        world.run(main())


def test_a_store_that_takes_its_time_and_lives_is_waited_for() -> None:
    with simulated(1) as world:

        async def main() -> None:
            async def slowly(peer: LinkPeer, payload: bytes) -> bytes:
                await world.clock.sleep(30)
                return b"\x90"

            await world.net.listen(lambda: LinkPeer(slowly), "/store.sock")
            writes = RemoteWrites(world, "/store.sock")
            writes.start()
            await world.clock.sleep(0.1)
            assert await writes.commit([]) == []
            assert world.clock.monotonic() >= 30
            writes.close()

        world.run(main())


class Frozen(Session):
    """Takes a connection, and nothing else happens."""

    __slots__ = ()

    def received(self, data: bytes) -> None:
        pass


async def eventually_connected(writes: RemoteWrites, world: World) -> None:
    while not writes.connected:
        await world.clock.sleep(0.01)


def test_a_store_that_is_there_and_never_answers_is_unavailable_in_bounded_time() -> None:
    with simulated(1) as world:

        async def main() -> None:
            async def never(peer: LinkPeer, payload: bytes) -> bytes:
                await world.clock.sleep(1e9)
                return b""

            await world.net.listen(lambda: LinkPeer(never), "/store.sock")
            writes = RemoteWrites(world, "/store.sock")
            writes.start()
            await world.clock.sleep(0.1)
            assert writes.connected
            began = world.clock.monotonic()
            with pytest.raises(Unavailable, match="store"):
                await writes.commit([Open(account=ANNA, cell=CELL)])
            assert world.clock.monotonic() - began < 62
            writes.close()

        world.run(main())
