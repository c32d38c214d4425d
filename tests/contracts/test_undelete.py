"""What was removed can be brought back, whatever form the store has (STORE-10)."""

from __future__ import annotations

from contracts.store_forms import ANNA, BEN, BENS_CELL, CELL, NOON, message, on_every_form
from holdfast.model.mail import Flag
from holdfast.model.uidset import UidSet
from holdfast.store import (
    Append,
    Column,
    Copy,
    Delete,
    Expunge,
    GoneMessage,
    MakeMailbox,
    Move,
    Rename,
    Restore,
    StoreFlags,
    Usage,
)


def packed(rows: list[GoneMessage]) -> bytes:
    return UidSet.of(row.number for row in rows).pack()


@on_every_form
async def test_a_removed_message_is_listed_with_all_a_list_shows_the_last_one_first(store):
    box = await store.filled(3)
    await store.do(StoreFlags, mailbox=box, uids=[2], mode="add", flags=Flag.SEEN | Flag.DELETED)
    await store.do(Expunge, mailbox=box, uids=[2])
    await store.do(Expunge, mailbox=box, uids=[1], only_deleted=False)
    await store.turn()
    last, first = store.anna.gone()
    assert (last.uid, first.uid) == (1, 2) and last.number > first.number
    assert (first.mailbox, first.name) == (box, "INBOX")
    assert first.flags == Flag.SEEN | Flag.DELETED
    assert (first.size, first.internaldate) == (len(message(2)), NOON + 1)
    assert b"m2" in first.envelope and first.preview == "body 2"
    assert first.removed_at > NOON
    assert [bytes(each) for each in store.anna.messages([first.ref])] == [message(2)]


@on_every_form
async def test_a_message_brought_back_has_a_new_uid_and_all_else_but_its_mark_of_deletion(store):
    box = await store.filled(3)
    marks = Flag.SEEN | Flag.DELETED
    await store.do(StoreFlags, mailbox=box, uids=[2], mode="add", flags=marks, keywords=("Work",))
    await store.do(Expunge, mailbox=box, uids=[2])
    await store.turn()
    outcome = await store.do(Restore, rows=packed(store.anna.gone()))
    await store.turn()
    assert {mailbox: list(UidSet.unpack(uids)) for mailbox, uids in outcome.placed.items()} == {box: [4]}
    assert store.uids() == [1, 3, 4] and store.bodies()[2] == message(2)
    assert store.column(Column.FLAGS)[2] == Flag.SEEN | 1 << 5
    assert store.column(Column.INTERNALDATE)[2] == NOON + 1
    assert (store.box().unseen, store.box().deleted) == (2, 0)
    assert store.anna.gone() == []


@on_every_form
async def test_bringing_back_twice_brings_back_once(store):
    box = await store.filled(2)
    await store.do(Expunge, mailbox=box, uids=[1, 2], only_deleted=False)
    rows = packed(store.anna.gone())
    first = await store.do(Restore, rows=rows)
    await store.turn()
    again = await store.do(Restore, rows=rows)
    unknown = await store.do(Restore, rows=UidSet([(900, 999)]).pack())
    await store.turn()
    assert len(UidSet.unpack(first.rows)) == 2
    assert again.rows == unknown.rows == b"" and not again.placed
    assert store.uids() == [3, 4]


@on_every_form
async def test_what_was_moved_or_copied_is_not_gone_and_what_was_copied_and_removed_is_so_once(store):
    box = await store.filled(4)
    await store.do(Move, mailbox=box, uids=[1], to="Trash")
    await store.do(Copy, mailbox=box, uids=[2], to="Trash")
    await store.do(Rename, old="INBOX", new="Old")
    await store.turn()
    assert store.anna.gone() == []
    await store.do(Expunge, mailbox=store.box("Trash").id, uids=[2], only_deleted=False)
    await store.turn()
    assert [row.name for row in store.anna.gone()] == ["Trash"]


@on_every_form
async def test_a_deleted_mailbox_s_messages_come_back_to_one_of_its_name_or_to_inbox(store):
    for name in ("Work", "Play"):
        await store.do(MakeMailbox, name=name)
        await store.append(message(1 if name == "Work" else 2), name)
        await store.do(Delete, name=name)
    again = (await store.do(MakeMailbox, name="Work")).mailbox
    await store.turn()
    assert [row.name for row in store.anna.gone()] == ["Play", "Work"]
    outcome = await store.do(Restore, rows=packed(store.anna.gone()))
    await store.turn()
    assert set(outcome.placed) == {again, store.box().id}
    assert (store.bodies("Work"), store.bodies()) == ([message(1)], [message(2)])


@on_every_form
async def test_a_message_comes_back_to_its_mailbox_also_when_that_has_another_name_now(store):
    await store.do(MakeMailbox, name="Work")
    await store.append(message(1), "Work")
    await store.do(Expunge, mailbox=store.box("Work").id, uids=[1], only_deleted=False)
    await store.do(Rename, old="Work", new="Old work")
    await store.turn()
    await store.do(Restore, rows=packed(store.anna.gone()))
    assert store.bodies("Old work") == [message(1)]


@on_every_form
async def test_the_list_of_what_is_gone_comes_in_pages_and_back_to_a_time(store):
    box = await store.filled(25)
    await store.do(Expunge, mailbox=box, uids=range(1, 21), only_deleted=False)
    await store.turn()
    first = store.anna.gone(limit=12)
    second = store.anna.gone(limit=12, after=first[-1].number)
    assert [row.uid for row in first + second] == list(range(20, 0, -1))
    removed_at = first[0].removed_at
    assert len(store.anna.gone(removed_at)) == 20 and store.anna.gone(removed_at + 1) == []


@on_every_form
async def test_nobody_can_bring_back_another_account_s_message(store):
    box = await store.filled(1)
    await store.do(Expunge, mailbox=box, uids=[1], only_deleted=False)
    rows = packed(store.anna.gone())
    await store.mail.open_account(BEN, BENS_CELL)
    outcome = await store.mail.commit_one(Restore(account=BEN, cell=BENS_CELL, rows=rows))
    await store.turn()
    assert outcome.rows == b"" and len(store.anna.gone()) == 1


@on_every_form
async def test_what_an_account_has_is_summed_up_through_all_that_changes_it(store):
    box = await store.filled(4)
    sizes = [len(message(number)) for number in range(1, 5)]
    await store.do(Copy, mailbox=box, uids=[1], to="Archive")
    await store.do(Move, mailbox=box, uids=[2], to="Trash")
    await store.turn()
    assert store.anna.usage() == Usage(sum(sizes) + sizes[0], 5)
    await store.do(Expunge, mailbox=box, uids=[3], only_deleted=False)
    await store.do(Delete, name="Archive")
    await store.turn()
    assert store.anna.usage() == Usage(sum(sizes) - sizes[2], 3)
    await store.do(Restore, rows=packed(store.anna.gone()))
    await store.mail.commit(
        [
            MakeMailbox(account=ANNA, cell=CELL, name="short-lived"),
            Append(account=ANNA, cell=CELL, mailbox="short-lived", message=message(1)),
            Delete(account=ANNA, cell=CELL, name="short-lived"),
        ]
    )
    await store.turn()
    assert store.anna.usage() == Usage(sum(sizes) + sizes[0], 5)
    boxes = store.anna.mailboxes()
    assert store.anna.usage() == Usage(sum(b.size_bytes for b in boxes), sum(b.exists for b in boxes))


@on_every_form
async def test_the_size_of_some_messages_is_theirs_alone_and_may_ask_for_a_flag(store):
    box = await store.filled(3)
    await store.do(StoreFlags, mailbox=box, uids=[2], mode="add", flags=Flag.DELETED)
    await store.turn()
    every = UidSet([(1, 1), (2, 9)])
    assert store.anna.size_of(box, every) == store.anna.usage().bytes
    assert store.anna.size_of(box, every, Flag.DELETED) == len(message(2))
    assert store.anna.size_of(box, UidSet()) == 0
