"""Emails, threads and what became of them: what a client is told is what there is, at every state."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.model.mail import MessageId
from holdfast.model.uidset import UidSet
from holdfast.packs import BadFrame
from holdfast.store import AccountMail, EmailState, emails, history, threads
from holdfast.store import commands as c
from holdfast.store.counts import CountsKept
from holdfast.store.frames import Item
from tests_store import ACCOUNT, CELL, INTAKE, Tape, contents, mail_of

INBOX, TRASH, ARCHIVE = (ACCOUNT << 20 | n for n in (1, 5, 6))
ALL = 10_000
MINE = {"account": ACCOUNT, "cell": CELL}


def packed(*ranges: tuple[int, int]) -> bytes:
    return UidSet(ranges).pack()


def letter(number: int, *answers: int, subject: str = "", own: bool = True) -> bytes:
    """Message ``number``; what it answers is in References, the nearest last."""
    subject = subject or f"{'Re: ' if answers else ''}plans"
    head = f"From: a@example.org\r\nSubject: {subject}\r\n"
    if own:
        head += f"Message-ID: <{number}@t>\r\n"
    if answers:
        head += f"References: {' '.join(f'<{each}@t>' for each in answers)}\r\n"
    return f"{head}\r\nbody {number}\r\n".encode()


def threads_of(mail: AccountMail) -> dict[MessageId, MessageId]:
    """Each Email and its thread."""
    return {each.message: each.thread for chunk in mail.listing(None) for each in chunk}


def threads_in_order(*letters: bytes) -> list[MessageId]:
    """Delivered one after the other: the thread of each, as the place of its first letter."""
    tape = Tape()
    for each in letters:
        tape.deliver(ACCOUNT, body=each)
    found = threads_of(mail_of(tape.fold()[0]))
    order = sorted(found)
    return [order.index(found[message]) for message in order]


# -- threads


def test_store_14_an_answer_belongs_to_the_thread_of_what_it_names_under_the_same_subject():
    assert threads_in_order(letter(1), letter(2, 1), letter(3, 1, 2)) == [0, 0, 0]
    assert threads_in_order(letter(1), letter(2, 1, subject="Re: dinner")) == [0, 1]
    assert threads_in_order(letter(1), letter(2, 1, subject="AW: [Liste] Fwd: Plans (fwd)")) == [0, 0]
    assert threads_in_order(letter(1), letter(2)) == [0, 1]


def test_store_14_answers_find_each_other_where_what_they_answer_never_came_or_comes_later():
    assert threads_in_order(letter(2, 1), letter(3, 1), letter(1)) == [0, 0, 0]


def test_store_14_subjects_are_compared_decoded():
    coded = "Re: =?utf-8?q?pl=61ns?="
    assert threads_in_order(letter(1), letter(2, 1, subject=coded)) == [0, 0]


def test_store_14_a_thread_never_changes_once_a_message_has_it():
    """3 answers both 1 and 2, that didn't know of each other: it and what follows are with the nearer one."""
    assert threads_in_order(letter(1), letter(2), letter(3, 1, 2), letter(4, 1)) == [0, 1, 1, 1]


def test_store_14_what_names_nothing_is_a_thread_of_its_own():
    assert threads_in_order(letter(1, own=False), letter(1, own=False)) == [0, 1]


def test_store_14_what_was_sent_and_comes_back_from_a_list_is_one_thread_and_accounts_are_apart():
    tape = Tape()
    tape.command(c.Append(**MINE, mailbox="Sent", message=b""), letter(1))
    tape.append_all(c.NewMessage(letter(2, 1)), mailbox="Drafts")
    tape.deliver(ACCOUNT, body=letter(1))
    tape.deliver(43, body=letter(2, 1))
    fold, _ = tape.fold()
    assert len(set(threads_of(mail_of(fold)).values())) == 1
    other = ACCOUNT + 1 << 20
    theirs = fold.db.execute("SELECT thread=message FROM entry WHERE mailbox>=?", (other,)).fetchall()
    assert theirs == [(1,)]


def test_of_a_long_thread_the_last_twenty_are_enough():
    ids = range(1, 60)
    assert threads_in_order(letter(1), letter(40), letter(60, *ids)) == [0, 1, 1]


def test_threads_are_listed_by_the_time_they_were_received():
    tape = Tape()
    tape.deliver(ACCOUNT, body=letter(2, 1), later=500)
    tape.deliver(ACCOUNT, body=letter(1))
    mail = mail_of(tape.fold()[0])
    (thread,) = set(threads_of(mail).values())
    members = mail.threads([thread, 12345])
    assert [mail.emails([each])[each].preview for each in members[thread]] == ["body 1", "body 2"]
    assert list(members) == [thread]


# -- Emails


def test_an_email_stands_in_every_mailbox_it_has_an_entry_in_and_is_seen_if_all_are():
    tape = Tape()
    tape.deliver(ACCOUNT, body=letter(1))
    tape.command(c.StoreFlags(**MINE, mailbox=INBOX, uids=packed((1, 1)), mode="add", flags=1 | 8))
    tape.command(c.Copy(**MINE, mailbox=INBOX, uids=packed((1, 1)), to="Archive"))
    tape.command(c.Copy(**MINE, mailbox=INBOX, uids=packed((1, 1)), to="INBOX"))
    tape.command(
        c.StoreFlags(
            **MINE, mailbox=ARCHIVE, uids=packed((1, 1)), mode="replace", flags=4, keywords=("work",)
        )
    )
    mail = mail_of(tape.fold()[0])
    (id_,) = threads_of(mail)
    email = mail.emails([id_, 99])[id_]
    assert email.mailboxes == (INBOX, ARCHIVE) and email.flags == 4 | 1 << 5
    assert [(p.mailbox, p.uid) for p in mail.places([id_])[id_]] == [(INBOX, 1), (INBOX, 2), (ARCHIVE, 1)]
    assert mail.mail_counts(INBOX) == mail.mail_counts(ARCHIVE) == (1, 1, 1, 1)
    assert (email.received, email.size) == (email.received, email.ref.size)


def test_a_message_for_two_addresses_of_one_account_is_one_email():
    tape = Tape()
    tape.deliver(ACCOUNT, ACCOUNT, 43, body=letter(1))
    mail = mail_of(tape.fold()[0])
    assert len(threads_of(mail)) == 1
    changes = mail.email_changes(EmailState(0), ALL)
    assert changes is not None and len(changes.created) == 1


@pytest.mark.parametrize("newest_first", [True, False])
def test_a_list_is_by_date_and_goes_on_behind_any_of_it(newest_first):
    tape = Tape()
    for number in range(30):
        tape.deliver(ACCOUNT, body=letter(number), later=-number * 1000 if number % 3 else 0)
    tape.command(c.Copy(**MINE, mailbox=INBOX, uids=packed((3, 9)), to="Archive"))
    tape.command(c.Copy(**MINE, mailbox=INBOX, uids=packed((3, 9)), to="INBOX"))
    mail = mail_of(tape.fold()[0])
    for mailbox, count in ((INBOX, 30), (ARCHIVE, 7), (None, 30)):
        whole = [each for chunk in mail.listing(mailbox, newest_first) for each in chunk]
        order = [(each.received, each.message) for each in whole]
        assert len(whole) == len(set(whole)) == count and order == sorted(order, reverse=newest_first)
        for place, each in enumerate(whole):
            behind = [one for chunk in mail.listing(mailbox, newest_first, each) for one in chunk]
            assert behind == whole[place + 1 :]


def test_a_thread_is_unread_wherever_it_is_but_trash_counts_for_itself():
    tape = Tape()
    for each in (letter(1), letter(2, 1), letter(3)):
        tape.deliver(ACCOUNT, body=each)
    tape.command(c.StoreFlags(**MINE, mailbox=INBOX, uids=packed((1, 1)), mode="add", flags=1))
    tape.command(c.Move(**MINE, mailbox=INBOX, uids=packed((2, 2)), to="Archive"))
    mail = mail_of(tape.fold()[0])
    assert mail.mail_counts(INBOX) == (2, 1, 2, 2) and mail.mail_counts(ARCHIVE) == (1, 1, 1, 1)
    tape.command(c.Move(**MINE, mailbox=ARCHIVE, uids=packed((1, 1)), to="Trash"))
    mail = mail_of(tape.fold()[0])
    assert mail.mail_counts(INBOX) == (2, 1, 2, 1) and mail.mail_counts(TRASH) == (1, 1, 1, 1)


def test_a_damaged_message_is_an_email_like_any_other():
    tape = Tape()
    for number in range(3):
        tape.deliver(ACCOUNT, body=letter(number))
    good = tape.items[1].frame
    tape.items[1] = Item(INTAKE, BadFrame(good.ref, "checksum", good.sequence, 1, ACCOUNT, (CELL,)))
    mail = mail_of(tape.fold()[0])
    changes = mail.email_changes(EmailState(0), ALL)
    assert changes is not None and len(changes.created) == len(mail.emails(changes.created)) == 3


# -- states


def test_states_are_spelled_in_one_way():
    for state, text in ((EmailState(0), "0"), (EmailState(12), "12"), (EmailState(12, 3), "12-3")):
        assert str(state) == text and EmailState.parse(text) == state
    for text in ("", "-1", "1-", "1-0", "01", "1-02", "a", "1-1-1", "٣", " 1", "9" * 30):
        assert EmailState.parse(text) is None


def test_a_state_the_account_has_never_been_at_is_none_of_its():
    tape = Tape()
    tape.deliver(ACCOUNT)
    mail = mail_of(tape.fold()[0])
    later = EmailState(mail.modseq, 1)
    assert mail.email_changes(later, 5) is mail.thread_changes(later, 5) is None
    assert mail.mailbox_changes(later, 5) is mail.object_changes("x", later, 5) is None
    assert mail.email_changes(EmailState(mail.modseq), 5) == ([], [], [], EmailState(mail.modseq), False)


def test_one_change_of_more_than_fit_is_told_in_parts():
    tape = Tape()
    for number in range(25):
        tape.deliver(ACCOUNT, body=letter(number))
    before = EmailState(mail_of(tape.fold()[0]).modseq)
    tape.command(c.StoreFlags(**MINE, mailbox=INBOX, uids=packed((1, 25)), mode="add", flags=1))
    flagged = EmailState(before.modseq + 1)
    tape.command(c.Expunge(**MINE, mailbox=INBOX, uids=packed((1, 20)), only_deleted=False))
    mail = mail_of(tape.fold()[0])
    state, parts = before, []
    while state != EmailState(mail.modseq):
        changes = mail.email_changes(state, 7)
        assert changes is not None
        parts.append((len(changes.updated), len(changes.destroyed)))
        state = changes.state
    assert parts == [(5, 2), (0, 7), (0, 7), (0, 4)]
    assert state == EmailState(flagged.modseq + 1)


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        (emails._EMAILS, 3),
        (emails._PLACES, 3),
        (emails._THREADS, 3),
        (history._STREAM, 2),
        (history._ENTRIES, 4),
        (history._FLAGGED, 5),
        (history._GONE, 4),
        (history._MADE, 3),
        (history._LIVES, 3),
        (history._THREADS_LIVES, 2),
        (history._MAILBOXES, 3),
        (history._OBJECTS, 3),
        (threads._FIND_OF[3], 4),
    ],
)
def test_no_question_is_answered_by_going_through_all_there_is(sql, values):
    fold, _ = Tape().fold()
    plan = [row[3] for row in fold.db.execute(f"EXPLAIN QUERY PLAN {sql}", (1,) * values)]
    for step in plan:
        assert "SCAN" not in step or "subquery" in step, plan
        if "PRIMARY KEY (account=?)" in step:
            pytest.fail(f"all of an account: {plan}")


# -- all of it, at random

names = st.sampled_from(["INBOX", "Trash", "x", "x/y", "new"])
uids = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 6)), min_size=1, max_size=3).map(
    lambda pairs: UidSet([(a, a + n) for a, n in pairs]).pack()
)
boxes = st.integers(1, 8).map(lambda n: ACCOUNT << 20 | n)
who = {"account": st.just(ACCOUNT), "cell": st.just(CELL)}
ids = st.sampled_from(["a", "b", "c"])
expected = st.none() | st.sampled_from([0, 8, 12])
steps = st.one_of(
    st.tuples(st.just("deliver"), st.integers(0, 6), st.lists(st.integers(0, 6), max_size=2).map(tuple)),
    st.tuples(st.just("append"), st.integers(0, 6), names),
    st.tuples(st.just("sync"), st.integers(1, 5), st.integers(1, 3)),
    st.builds(
        c.StoreFlags,
        **who,
        mailbox=boxes,
        uids=uids,
        mode=st.sampled_from(["add", "remove", "replace"]),
        flags=st.integers(0, 31),
    ),
    st.builds(c.Copy, **who, mailbox=boxes, uids=uids, to=names),
    st.builds(c.Move, **who, mailbox=boxes, uids=uids, to=names),
    st.builds(c.Expunge, **who, mailbox=boxes, uids=uids, only_deleted=st.booleans()),
    st.builds(c.Restore, **who, rows=uids),
    st.builds(c.MakeMailbox, **who, name=names),
    st.builds(c.Rename, **who, old=names, new=names),
    st.builds(c.Delete, **who, name=names),
    st.builds(c.Subscribe, **who, name=names, on=st.booleans()),
    st.builds(
        c.Describe,
        **who,
        mailbox=boxes,
        role=st.none() | st.sampled_from(["", "junk", "all"]),
        sort_order=st.none() | st.integers(0, 3),
    ),
    st.builds(c.PutObject, **who, kind=st.just("k"), id=ids, data=st.binary(max_size=3), if_modseq=expected),
    st.builds(c.RemoveObject, **who, kind=st.just("k"), id=ids, if_modseq=expected),
)


def put(tape: Tape, step: Any) -> None:
    match step:
        case ("deliver", number, answers):
            tape.deliver(ACCOUNT, body=letter(number, *answers))
        case ("append", number, name):
            new = [c.NewMessage(letter(number + each, number), flags=each) for each in range(3)]
            tape.append_all(*new, mailbox=name)
        case _:
            tape.command(step)


def is_sync(step: Any) -> bool:
    return isinstance(step, tuple) and step[0] == "sync"


class Snapshot:
    """All that JMAP shows of an account, read afresh."""

    def __init__(self, mail: AccountMail) -> None:
        self.modseq = mail.modseq
        self.places = {id_: frozenset(of) for id_, of in mail.places(threads_of(mail)).items()}
        self.emails = {
            id_: (set(row.mailboxes), row.flags, row.thread) for id_, row in mail.emails(self.places).items()
        }
        self.threads = mail.threads({row[2] for row in self.emails.values()})
        names = mail.subscriptions()
        self.mailboxes = {
            box.id: (box.name, box.role, box.sort_order, box.name in names, mail.mail_counts(box.id))
            for box in mail.mailboxes()
        }
        self.objects = {each.id: each for each in mail.objects("k")}


class Client:
    """Knows nothing but what it is told; fetches what is created or updated."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.state = EmailState(0)
        self.known: set[Any] = set()
        self.has: dict[Any, Any] = {}

    def sync(self, mail: AccountMail, limit: int, rounds: int = 1_000_000) -> None:
        ask = {
            "emails": mail.email_changes,
            "threads": mail.thread_changes,
            "mailboxes": mail.mailbox_changes,
            "objects": lambda since, limit: mail.object_changes("k", since, limit),
        }[self.kind]
        there = getattr(Snapshot(mail), self.kind)
        for _ in range(rounds):
            changes: Any = ask(EmailState.parse(str(self.state)), limit)
            created, updated, destroyed = map(set, changes[:3])
            told = len(changes.created) + len(changes.updated) + len(changes.destroyed)
            assert told == len(created | updated | destroyed) <= limit
            assert not created & self.known and updated <= self.known and destroyed <= self.known
            self.known = self.known - destroyed | created
            for id_ in created | updated | destroyed:
                self.has.pop(id_, None)
                if id_ in there:
                    self.has[id_] = there[id_]
            assert changes.state > self.state or not changes.more
            self.state = changes.state
            if not changes.more:
                assert self.state == EmailState(mail.modseq) and set(self.has) == self.known
                assert self.has == there
                return


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.lists(steps, max_size=30), st.integers(1, 6))
def test_store_16_who_follows_what_changes_has_what_there_is(steps, limit):
    tape = Tape()
    tape.deliver(ACCOUNT)
    clients = [Client(kind) for kind in ("emails", "threads", "mailboxes", "objects")]
    for step in steps:
        if is_sync(step):
            mail = mail_of(tape.fold()[0])  # made anew each time: no state is lost by that
            for client in clients:
                client.sync(mail, step[1], step[2])
        else:
            put(tape, step)
    mail = mail_of(tape.fold()[0])
    for client in clients:
        client.sync(mail, limit)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(st.lists(steps, max_size=25))
def test_store_16_between_any_two_states_the_difference_is_told_and_what_changed(steps):
    """Against a look at all there was after each frame; STORE-15: ids and threads stay as they were."""
    tape = Tape()
    tape.deliver(ACCOUNT)
    seen = [Snapshot(mail_of(tape.fold()[0]))]
    counts = CountsKept()
    for step in steps:
        if not is_sync(step):
            put(tape, step)
            fold, _ = tape.fold()
            seen.append(Snapshot(mail_of(fold)))
            followed = mail_of(fold, counts)
            counted = {id_: row[-1] for id_, row in seen[-1].mailboxes.items()}
            assert {id_: followed.mail_counts(id_) for id_ in counted} == counted
    fold, _ = tape.fold()
    mail, now = mail_of(fold), seen[-1]
    threads: dict[MessageId, MessageId] = {}
    for place, then in enumerate(seen):
        for id_, row in then.emails.items():
            assert threads.setdefault(id_, row[2]) == row[2]
        changes = mail.email_changes(EmailState(then.modseq), ALL)
        assert changes is not None and not changes.more
        assert set(changes.created) == now.emails.keys() - then.emails.keys()
        assert set(changes.destroyed) == then.emails.keys() - now.emails.keys()
        both = now.emails.keys() & then.emails.keys()
        moved = {
            id_
            for before, after in zip(seen[place:], seen[place + 1 :])
            for id_ in both
            if before.places.get(id_) != after.places.get(id_)
        }
        assert set(changes.updated) == moved
        of_threads = mail.thread_changes(EmailState(then.modseq), ALL)
        assert of_threads is not None and not of_threads.more
        assert set(of_threads.created) == now.threads.keys() - then.threads.keys()
        assert set(of_threads.destroyed) == then.threads.keys() - now.threads.keys()
        assert set(of_threads.updated) == {
            id_
            for id_ in now.threads.keys() & then.threads.keys()
            if set(now.threads[id_]) != set(then.threads[id_])
        }
    assert contents(fold) == contents(tape.fold(batch=1)[0])
