"""What JMAP asks of the store, in every form it comes in: Emails, states, objects, what a mailbox is."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.store_forms import ANNA, BEN, CELL, CELLS, NOON, Form, eventually, message, on_every_form
from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import OBJECT_BYTES, OBJECTS_PER_KIND
from holdfast.model.mail import Role
from holdfast.model.uidset import UidSet
from holdfast.store import (
    AppendAll,
    AppendedAll,
    Copy,
    Delete,
    Describe,
    EmailState,
    Expunge,
    Move,
    NewMessage,
    PutObject,
    RemoveObject,
    Rename,
    Restore,
    StoreFlags,
)

ALL = 1000
MINE = {"account": ANNA, "cell": CELL}


async def put(store: Form, id_: str, data: bytes = b"x", **also: Any) -> int:
    """The modseq it stands at."""
    return (await store.mail.commit_one(PutObject(**MINE, kind="Card", id=id_, data=data, **also))).modseq


async def refused(store: Form, command: Any) -> Reason:
    with pytest.raises(Refused) as error:
        await store.mail.commit_one(command)
    return error.value.reason


async def busy(store: Form) -> None:
    """Mail that went through all that can happen to it."""
    inbox = await store.filled(12)
    for _ in range(6):
        await store.deliver(ANNA, BEN)
    await store.do(StoreFlags, mailbox=inbox, uids=range(1, 9), mode="add", flags=1)
    await store.do(Copy, mailbox=inbox, uids=range(2, 5), to="Archive")
    await store.do(Move, mailbox=inbox, uids=[9, 10], to="Trash")
    await store.do(Expunge, mailbox=inbox, uids=range(1, 5), only_deleted=False)
    await store.do(Rename, old="Archive", new="Old")
    await store.do(Delete, name="Trash")
    await store.do(Restore, rows=UidSet([(1, 2)]).pack())


@on_every_form
async def test_store_1_states_and_what_is_told_since_each_survive(store):
    await busy(store)
    await put(store, "a")

    def all_told() -> list[Any]:
        mail = store.anna
        ask = [mail.email_changes, mail.thread_changes, mail.mailbox_changes]
        ask.append(lambda since, limit: mail.object_changes("Card", since, limit))
        return [
            [each(EmailState(since, done), limit) for each in ask]
            for since in range(mail.modseq)
            for done, limit in ((0, ALL), (0, 2), (3, 2))
        ]

    before = all_told()
    listed = [each for chunk in store.anna.listing(None) for each in chunk]
    emails = store.anna.emails([each.message for each in listed])
    await store.turn()
    assert all_told() == before
    assert [each for chunk in store.anna.listing(None) for each in chunk] == listed
    assert store.anna.emails([each.message for each in listed]) == emails


@on_every_form
async def test_an_appended_message_is_named_and_stays_the_same_email_when_it_moves(store):
    one = await store.append(message(1), "Drafts")
    several = await store.mail.commit_one(
        AppendAll(**MINE, mailbox="Drafts", messages=(NewMessage(message(2)), NewMessage(message(3))))
    )
    assert isinstance(several, AppendedAll)
    named = [one.message, *several.messages]
    assert len(set(named)) == 3
    await store.do(Move, mailbox=one.mailbox, uids=[1, 2, 3], to="Sent")
    await store.turn()
    sent = store.box("Sent").id
    found = store.anna.emails(named)
    assert [found[id_].mailboxes for id_ in named] == [(sent,)] * 3
    assert [place.uid for id_ in named for place in store.anna.places([id_])[id_]] == [1, 2, 3]


@on_every_form
async def test_store_15_what_was_gone_and_is_brought_back_is_the_same_email(store):
    inbox = await store.filled(3)
    ids = [each.message for chunk in store.anna.listing(inbox, newest_first=False) for each in chunk]
    there = EmailState(store.anna.modseq)
    await store.do(Expunge, mailbox=inbox, uids=[1, 2], only_deleted=False)
    gone = EmailState(store.anna.modseq)
    await store.turn()
    assert store.anna.email_changes(there, ALL) == ([], [], ids[:2], gone, False)
    await store.do(Restore, rows=UidSet([(1, 1)]).pack())
    await store.turn()
    back = EmailState(store.anna.modseq)
    assert store.anna.email_changes(gone, ALL) == ([ids[0]], [], [], back, False)
    assert store.anna.email_changes(there, ALL) == ([], [ids[0]], [ids[1]], back, False)


@on_every_form
async def test_store_17_of_two_who_saw_the_same_object_one_is_refused(store):
    await store.mail.open_account(ANNA, CELL)
    seen = await put(store, "a", b"1", if_modseq=0)
    later = await put(store, "a", b"2", if_modseq=seen)
    await store.turn()
    change = PutObject(**MINE, kind="Card", id="a", data=b"3", if_modseq=seen)
    assert await refused(store, change) is Reason.CHANGED
    assert await refused(store, RemoveObject(**MINE, kind="Card", id="a", if_modseq=seen)) is Reason.CHANGED
    made = PutObject(**MINE, kind="Card", id="a", data=b"3", if_modseq=0)
    assert await refused(store, made) is Reason.CHANGED
    assert store.anna.object("Card", "a") == ("a", b"2", seen, later, 0)
    assert store.anna.objects("Card") == [store.anna.object("Card", "a")] and not store.anna.objects("Other")
    await store.mail.commit_one(RemoveObject(**MINE, kind="Card", id="a", if_modseq=later))
    await store.turn()
    assert store.anna.object("Card", "a") is None
    assert await refused(store, RemoveObject(**MINE, kind="Card", id="a", if_modseq=later)) is Reason.CHANGED
    before = store.anna.modseq
    await store.mail.commit_one(RemoveObject(**MINE, kind="Card", id="a"))  # gone as wanted: no change
    assert store.anna.modseq == before


@on_every_form
async def test_store_17_what_is_due_is_found_whose_ever_it_is_until_it_is_put_off_or_removed(store):
    await store.mail.open_account(ANNA, CELL)
    for id_, due in (("late", NOON + 9), ("soon", NOON + 1), ("never", 0)):
        await put(store, id_, due=int(due))
    await store.turn()
    assert store.mail.cells() == list(range(CELLS))

    def due(before: float) -> list[tuple[int, str]]:
        found = [each for cell in store.mail.cells() for each in store.mail.due(cell, int(before))]
        return [(each.account, each.id) for each in found if (each.cell, each.kind) == (CELL, "Card")]

    assert due(NOON) == [] and due(NOON + 1) == [(ANNA, "soon")]
    assert due(NOON + 99) == [(ANNA, "soon"), (ANNA, "late")]
    await put(store, "soon", due=int(NOON + 50))
    await store.mail.commit_one(RemoveObject(**MINE, kind="Card", id="late"))
    await store.turn()
    assert due(NOON + 49) == [] and due(NOON + 50) == [(ANNA, "soon")]


@on_every_form
async def test_an_object_that_is_too_large_or_has_no_name_is_refused(store):
    for command, reason in (
        (PutObject(**MINE, kind="Card", id="a", data=b"x" * (OBJECT_BYTES + 1)), Reason.TOO_LARGE),
        (PutObject(**MINE, kind="Card", id="", data=b""), Reason.BAD_NAME),
        (PutObject(**MINE, kind="", id="a", data=b""), Reason.BAD_NAME),
    ):
        assert await refused(store, command) is reason
    await put(store, "a", b"x" * OBJECT_BYTES)
    await store.turn()
    found = store.anna.object("Card", "a")
    assert found is not None and len(found.data) == OBJECT_BYTES


@pytest.mark.slow
def test_an_account_has_no_more_of_a_kind_than_its_limit(monkeypatch):
    from holdfast.store import objects
    from tests_store import ACCOUNT, Tape

    assert OBJECTS_PER_KIND > 3
    monkeypatch.setattr(objects, "OBJECTS_PER_KIND", 3)
    tape, mine = Tape(), {"account": ACCOUNT, "cell": 7}
    for id_ in "abcd":
        tape.command(PutObject(**mine, kind="Card", id=id_, data=b""))
    tape.command(PutObject(**mine, kind="Card", id="a", data=b"1"))
    tape.command(RemoveObject(**mine, kind="Card", id="b"))
    tape.command(PutObject(**mine, kind="Card", id="b", data=b""))
    tape.command(PutObject(**mine, kind="Other", id="b", data=b""))
    outcomes = tape.fold()[1]
    assert [getattr(each, "reason", "") for each in outcomes] == ["", "", "", "limit reached", "", "", "", ""]


@on_every_form
async def test_an_object_moves_the_account_and_wakes_who_watches_it(store):
    await store.mail.open_account(ANNA, CELL)
    woken: list[int] = []
    store.mail.watch(ANNA, lambda: woken.append(1))
    before = store.anna.modseq
    assert await put(store, "a") == before + 1 == store.anna.modseq
    await eventually(lambda: woken)
    await store.turn()
    assert store.anna.email_changes(EmailState(before), ALL) == ([], [], [], EmailState(before + 1), False)


@on_every_form
async def test_a_mailbox_has_the_role_and_the_place_it_was_given_and_no_two_have_one_role(store):
    await store.mail.open_account(ANNA, CELL)
    archive, junk, inbox = (store.box(name) for name in ("Archive", "Junk", "INBOX"))
    before = EmailState(store.anna.modseq)
    assert await refused(store, Describe(**MINE, mailbox=junk.id, role="archive")) is Reason.EXISTS
    assert await refused(store, Describe(**MINE, mailbox=junk.id, role="inbox")) is Reason.NOT_ALLOWED
    assert await refused(store, Describe(**MINE, mailbox=inbox.id, role="")) is Reason.NOT_ALLOWED
    assert await refused(store, Describe(**MINE, mailbox=junk.id, role="king")) is Reason.BAD_SYNTAX
    assert await refused(store, Describe(**MINE, mailbox=junk.id, sort_order=-1)) is Reason.BAD_SYNTAX
    await store.do(Describe, mailbox=archive.id, role="", sort_order=7)
    await store.do(Describe, mailbox=junk.id, role="archive")
    await store.do(Describe, mailbox=inbox.id, role="inbox", sort_order=0)  # as it is: no change
    await store.turn()
    assert (store.box("Archive").role, store.box("Archive").sort_order) == (Role.NONE, 7)
    assert (store.box("Junk").role, store.box("Junk").sort_order) == (Role.ARCHIVE, 0)
    changes = store.anna.mailbox_changes(before, ALL)
    assert changes == ([], [archive.id, junk.id], [], EmailState(before.modseq + 2), False, False)


@on_every_form
async def test_of_new_mail_a_mailbox_is_told_to_count_anew_and_nothing_else(store):
    inbox = await store.filled(2)
    before = EmailState(store.anna.modseq)
    await store.deliver(ANNA)
    await store.turn()
    changes = store.anna.mailbox_changes(before, ALL)
    assert changes == ([], [inbox], [], EmailState(before.modseq + 1), False, True)
    assert store.anna.mail_counts(inbox) == (3, 3, 3, 3)
