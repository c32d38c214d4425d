"""The fold: what each frame does to the index, and that nothing but the ledger shows in it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.model.limits import KEYWORDS_PER_ACCOUNT
from holdfast.model.mail import PackRef
from holdfast.model.uidset import UidSet
from holdfast.packs import BadFrame
from holdfast.store import commands as c
from holdfast.store.frames import Item
from tests_store import ACCOUNT, CELL, INTAKE, MAIL, NOON, Tape, contents, message

INBOX = ACCOUNT << 20 | 1
TRASH = ACCOUNT << 20 | 5


def packed(*ranges: tuple[int, int]) -> bytes:
    return UidSet(ranges).pack()


def box(fold, name: str = "INBOX") -> dict[str, int]:
    row = fold.db.execute("SELECT * FROM mailbox WHERE account=? AND name=?", (ACCOUNT, name)).fetchone()
    names = "id account name role uidvalidity uidnext modseq total unseen deleted bytes first_recent"
    return dict(zip(names.split(), row))


def entries(fold, mailbox: int) -> list[tuple[int, int]]:
    return fold.db.execute("SELECT uid, flags FROM entry WHERE mailbox=? ORDER BY uid", (mailbox,)).fetchall()


def test_a_delivery_makes_the_account_and_lands_in_inbox():
    tape = Tape()
    tape.deliver(ACCOUNT)
    fold, _ = tape.fold()
    assert entries(fold, INBOX) == [(1, 0)]
    assert box(fold)["unseen"] == 1 and box(fold)["uidnext"] == 2
    names = [r[0] for r in fold.db.execute("SELECT name FROM mailbox ORDER BY id")]
    assert names == ["INBOX", "Drafts", "Sent", "Junk", "Trash", "Archive"]


def test_one_message_for_two_accounts_is_one_row_of_the_heap():
    tape = Tape()
    tape.deliver(ACCOUNT, 43)
    fold, _ = tape.fold()
    assert fold.db.execute("SELECT count(*) FROM message").get == 1
    assert fold.db.execute("SELECT count(*) FROM entry").get == 2


def test_a_sub_address_names_a_mailbox_in_any_case_and_else_inbox():
    tape = Tape()
    tape.deliver(ACCOUNT, detail="trash")
    tape.deliver(ACCOUNT, detail="nowhere")
    fold, _ = tape.fold()
    assert entries(fold, TRASH) == [(1, 0)] and entries(fold, INBOX) == [(1, 0)]


def test_storing_flags_counts_unseen_and_names_only_what_changed():
    tape = Tape()
    for _ in range(3):
        tape.deliver(ACCOUNT)
    tape.command(
        c.StoreFlags(account=ACCOUNT, cell=CELL, mailbox=INBOX, uids=packed((1, 2)), mode="add", flags=1)
    )
    tape.command(
        c.StoreFlags(account=ACCOUNT, cell=CELL, mailbox=INBOX, uids=packed((2, 3)), mode="add", flags=1)
    )
    fold, outcomes = tape.fold()
    assert UidSet.unpack(outcomes[3].changed) == UidSet([(1, 2)])
    assert UidSet.unpack(outcomes[4].changed) == UidSet([(3, 3)])
    assert box(fold)["unseen"] == 0


def test_unchanged_since_refuses_what_changed_later():
    tape = Tape()
    tape.deliver(ACCOUNT)
    tape.deliver(ACCOUNT)
    before = tape.fold()[0].touched[ACCOUNT]
    tape.command(
        c.StoreFlags(account=ACCOUNT, cell=CELL, mailbox=INBOX, uids=packed((1, 1)), mode="add", flags=4)
    )
    tape.command(
        c.StoreFlags(
            account=ACCOUNT,
            cell=CELL,
            mailbox=INBOX,
            uids=packed((1, 2)),
            mode="add",
            flags=1,
            unchanged_since=before,
        )
    )
    fold, outcomes = tape.fold()
    assert UidSet.unpack(outcomes[3].kept) == UidSet([(1, 1)])
    assert entries(fold, INBOX) == [(1, 4), (2, 1)]


def test_replacing_flags_keeps_none_of_the_old_ones():
    tape = Tape()
    tape.deliver(ACCOUNT)
    store = {"account": ACCOUNT, "cell": CELL, "mailbox": INBOX, "uids": packed((1, 1))}
    tape.command(c.StoreFlags(**store, mode="add", flags=1, keywords=("Work", "$Label1")))
    tape.command(c.StoreFlags(**store, mode="replace", flags=4, keywords=("work",)))
    fold, _ = tape.fold()
    assert entries(fold, INBOX) == [(1, 4 | 1 << 5)]
    assert fold.db.execute("SELECT keywords FROM account").get == "Work\n$Label1"


def test_move_takes_flags_along_and_gives_new_uids_at_the_end():
    tape = Tape()
    for _ in range(3):
        tape.deliver(ACCOUNT)
    tape.command(
        c.StoreFlags(account=ACCOUNT, cell=CELL, mailbox=INBOX, uids=packed((2, 2)), mode="add", flags=5)
    )
    tape.command(c.Move(account=ACCOUNT, cell=CELL, mailbox=INBOX, uids=packed((2, 3)), to="Trash"))
    fold, outcomes = tape.fold()
    moved = outcomes[-1]
    assert UidSet.unpack(moved.sources) == UidSet([(2, 3)]) and UidSet.unpack(moved.copies) == UidSet(
        [(1, 2)]
    )
    assert entries(fold, TRASH) == [(1, 5), (2, 0)] and entries(fold, INBOX) == [(1, 0)]
    assert box(fold)["total"] == 1 and box(fold, "Trash")["unseen"] == 1


def test_expunge_takes_only_deleted_ones_unless_told_otherwise():
    tape = Tape()
    for _ in range(4):
        tape.deliver(ACCOUNT)
    tape.command(
        c.StoreFlags(account=ACCOUNT, cell=CELL, mailbox=INBOX, uids=packed((2, 3)), mode="add", flags=8)
    )
    tape.command(c.Expunge(account=ACCOUNT, cell=CELL, mailbox=INBOX, uids=packed((1, 2))))
    tape.command(
        c.Expunge(account=ACCOUNT, cell=CELL, mailbox=INBOX, uids=packed((4, 4)), only_deleted=False)
    )
    fold, outcomes = tape.fold()
    assert UidSet.unpack(outcomes[-2].uids) == UidSet([(2, 2)])
    assert entries(fold, INBOX) == [(1, 0), (3, 8)]
    assert box(fold)["deleted"] == 1


def test_a_command_that_comes_too_late_is_refused_the_same_at_every_replay():
    tape = Tape()
    tape.command(c.MakeMailbox(account=ACCOUNT, cell=CELL, name="a/b"))
    tape.command(c.Delete(account=ACCOUNT, cell=CELL, name="a/b"))
    tape.command(c.Append(account=ACCOUNT, cell=CELL, mailbox="a/b", message=b""), message(1))
    fold, outcomes = tape.fold()
    assert isinstance(outcomes[-1], c.Failed) and outcomes[-1].reason == "no such mailbox"
    assert contents(fold) == contents(tape.fold(batch=1)[0])


def test_a_mailbox_made_again_has_a_greater_uidvalidity_and_another_id():
    tape = Tape()
    tape.command(c.MakeMailbox(account=ACCOUNT, cell=CELL, name="x"))
    first = box(tape.fold()[0], "x")
    tape.command(c.Delete(account=ACCOUNT, cell=CELL, name="x"))
    tape.command(c.MakeMailbox(account=ACCOUNT, cell=CELL, name="x"))
    again = box(tape.fold()[0], "x")
    assert again["uidvalidity"] > first["uidvalidity"] and again["id"] != first["id"]


def test_renaming_takes_along_what_lies_below_and_inbox_gives_its_messages():
    tape = Tape()
    tape.deliver(ACCOUNT)
    for name in ("a", "a/b", "ab"):
        tape.command(c.MakeMailbox(account=ACCOUNT, cell=CELL, name=name))
    tape.command(c.Rename(account=ACCOUNT, cell=CELL, old="a", new="z"))
    tape.command(c.Rename(account=ACCOUNT, cell=CELL, old="inbox", new="old mail"))
    fold, _ = tape.fold()
    names = {r[0] for r in fold.db.execute("SELECT name FROM mailbox")}
    assert {"z", "z/b", "ab", "INBOX", "old mail"} <= names and "a" not in names
    assert box(fold)["total"] == 0 and box(fold, "old mail")["total"] == 1


def test_store_9_the_second_try_of_an_unsure_message_is_not_delivered_again():
    tape = Tape()
    unsure = tape.deliver(ACCOUNT, body=message(1))
    tape.started(unsure)
    tape.deliver(ACCOUNT, body=message(1))
    tape.deliver(ACCOUNT, body=message(2))
    fold, _ = tape.fold()
    assert len(entries(fold, INBOX)) == 2 and fold.suppressed == 1


def test_store_9_after_five_days_the_same_message_is_meant_again():
    tape = Tape()
    unsure = tape.deliver(ACCOUNT, body=message(1))
    tape.started(unsure)
    tape.deliver(ACCOUNT, body=message(1), later=6 * 86_400)
    assert len(entries(tape.fold()[0], INBOX)) == 2


def test_the_same_message_twice_without_a_crash_is_two_messages():
    tape = Tape()
    tape.deliver(ACCOUNT, body=message(1))
    tape.deliver(ACCOUNT, body=message(1))
    assert len(entries(tape.fold()[0], INBOX)) == 2


def test_store_4_a_damaged_delivery_keeps_its_uid_and_is_listed_as_unreadable():
    tape = Tape()
    for _ in range(3):
        tape.deliver(ACCOUNT)
    whole = contents(tape.fold()[0])
    good = tape.items[1].frame
    bad = BadFrame(
        ref=PackRef(*good.ref),
        reason="body checksum",
        sequence=good.sequence,
        kind=1,
        account=ACCOUNT,
        cells=(CELL,),
    )
    tape.items[1] = Item(INTAKE, bad)
    fold, _ = tape.fold()
    assert [row[0] for row in entries(fold, INBOX)] == [1, 2, 3] and fold.bad_frames == 1
    damaged = contents(fold)
    places = [[row[:6] for row in each["entry"]] for each in (damaged, whole)]
    assert places[0] == places[1] and damaged["message"][2] == whole["message"][2]
    assert b"unreadable" in damaged["message"][1][8]


def test_store_13_a_damaged_message_of_several_costs_nothing_but_its_content():
    tape = Tape()
    new = [c.NewMessage(message(n), flags=1, keywords=("k",)) for n in range(3)]
    tape.append_all(*new)
    tape.append_all(new[0])
    whole = contents(tape.fold()[0])
    ref = tape.items[1].frame.ref
    for head_too in (False, True):
        bad = BadFrame(ref, "checksum") if head_too else BadFrame(ref, "checksum", 2, 18, ACCOUNT, (CELL,))
        tape.items[1] = Item(MAIL, bad)
        damaged = contents(tape.fold()[0])
        rows = [(mine[:8], theirs[:8]) for mine, theirs in zip(damaged.pop("message"), whole["message"])]
        assert len(rows) == 4 and all(mine == theirs for mine, theirs in rows)
        del damaged["reference"]  # its names are lost with it (STORE-14)
        assert damaged == {t: rows for t, rows in whole.items() if t not in ("message", "reference")}


def test_store_13_messages_whose_command_was_never_written_are_nowhere():
    tape = Tape()
    tape.append_all(c.NewMessage(message(1)), c.NewMessage(message(2)))
    tape.items.pop()
    fold, outcomes = tape.fold()
    assert outcomes == [None, None] and contents(fold)["entry"] == contents(fold)["account"] == []


def test_store_13_one_message_too_many_keywords_and_none_is_kept():
    tape = Tape()
    tape.command(c.Open(account=ACCOUNT, cell=CELL))
    before = contents(tape.fold()[0])
    many = tuple(f"k{n}" for n in range(KEYWORDS_PER_ACCOUNT + 1))
    tape.append_all(c.NewMessage(message(1), keywords=("a",)), c.NewMessage(message(2), keywords=many))
    fold, outcomes = tape.fold()
    after = contents(fold)
    assert isinstance(outcomes[-1], c.Failed)
    assert after.pop("message") and after == {t: rows for t, rows in before.items() if t != "message"}


def test_store_10_what_is_gone_has_the_time_of_its_command_and_the_name_of_its_mailbox():
    tape = Tape()
    tape.deliver(ACCOUNT)
    tape.deliver(ACCOUNT)
    tape.command(
        c.Expunge(account=ACCOUNT, cell=CELL, mailbox=INBOX, uids=packed((1, 1)), only_deleted=False)
    )
    tape.command(c.MakeMailbox(account=ACCOUNT, cell=CELL, name="x"))
    tape.command(c.Move(account=ACCOUNT, cell=CELL, mailbox=INBOX, uids=packed((2, 2)), to="x"))
    tape.command(c.Rename(account=ACCOUNT, cell=CELL, old="x", new="y"))
    tape.command(c.Delete(account=ACCOUNT, cell=CELL, name="y"))
    fold, _ = tape.fold()
    rows = fold.db.execute("SELECT number, mailbox, name, uid, removed_at FROM gone").fetchall()
    assert rows == [(1, INBOX, "INBOX", 1, NOON + 2), (2, ACCOUNT << 20 | 7, "y", 1, NOON + 6)]


names = st.sampled_from(["INBOX", "Trash", "x", "x/y", "new"])
uids = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 4)), min_size=1, max_size=3).map(
    lambda pairs: UidSet([(a, a + n) for a, n in pairs]).pack()
)
boxes = st.integers(1, 8).map(lambda n: ACCOUNT << 20 | n)
who = {"account": st.just(ACCOUNT), "cell": st.just(CELL)}
frames = st.one_of(
    st.just("deliver"),
    names.map(lambda name: f"append {name}"),
    st.builds(
        c.StoreFlags,
        **who,
        mailbox=boxes,
        uids=uids,
        mode=st.sampled_from(["add", "remove", "replace"]),
        flags=st.integers(0, 31),
        keywords=st.lists(st.sampled_from(["a", "b", "A"]), max_size=2).map(tuple),
        unchanged_since=st.none() | st.integers(0, 40),
    ),
    st.builds(c.Copy, **who, mailbox=boxes, uids=uids, to=names),
    st.builds(c.Move, **who, mailbox=boxes, uids=uids, to=names),
    st.builds(c.Expunge, **who, mailbox=boxes, uids=uids, only_deleted=st.booleans()),
    st.builds(c.Restore, **who, rows=uids),
    st.builds(c.MakeMailbox, **who, name=names),
    st.builds(c.Rename, **who, old=names, new=names),
    st.builds(c.Delete, **who, name=names),
    st.builds(c.Subscribe, **who, name=names, on=st.booleans()),
    st.builds(c.TakeRecent, **who, mailbox=boxes),
)


def put(tape: Tape, step: object) -> None:
    if step == "deliver":
        tape.deliver(ACCOUNT)
    elif isinstance(step, str):
        new = [c.NewMessage(message(number), flags=number) for number in range(3)]
        tape.append_all(*new, mailbox=step.removeprefix("append "))
    else:
        tape.command(step)


@settings(max_examples=150, deadline=None)
@given(st.lists(frames, max_size=40), st.integers(1, 7))
def test_store_1_and_store_2_no_batch_size_shows_in_the_index(steps, batch):
    tape = Tape()
    for step in steps:
        put(tape, step)
    at_once, outcomes = tape.fold()
    in_parts, again = tape.fold(batch=batch)
    assert contents(at_once) == contents(in_parts) and outcomes == again


@settings(max_examples=150, deadline=None)
@given(st.lists(frames, max_size=40))
def test_counters_equal_what_is_there_and_changes_retell_every_mailbox(steps):
    tape = Tape()
    for step in steps:
        put(tape, step)
    fold, _ = tape.fold()
    boxes_there = fold.db.execute("SELECT ifnull(sum(total),0), ifnull(sum(bytes),0) FROM mailbox").fetchone()
    account = fold.db.execute("SELECT ifnull(sum(total),0), ifnull(sum(bytes),0) FROM account").fetchone()
    assert account == boxes_there
    for row in fold.db.execute("SELECT * FROM mailbox").fetchall():
        counted = fold.db.execute(
            "SELECT count(*), ifnull(sum(NOT flags&1),0), ifnull(sum((flags&8)/8),0), ifnull(sum(m.size),0),"
            " ifnull(max(uid),0), ifnull(max(e.modseq),0)"
            " FROM entry e JOIN message m ON m.id=e.message WHERE mailbox=?",
            (row[0],),
        ).fetchone()
        assert row[7:11] == counted[:4]
        assert row[5] > counted[4] and row[6] >= counted[5]
        present: set[int] = set()
        for kind, packed_uids in fold.db.execute(
            "SELECT kind, uids FROM change WHERE mailbox=? ORDER BY modseq, kind", (row[0],)
        ):
            named = set(UidSet.unpack(packed_uids))
            if kind == 0:
                assert not named & present
                present |= named
            elif kind == 2:
                assert named <= present
                present -= named
        assert present == {r[0] for r in fold.db.execute("SELECT uid FROM entry WHERE mailbox=?", (row[0],))}
