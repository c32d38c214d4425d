"""The fold: the same frames give the same tables, however they come."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.directory import records as r
from holdfast.directory.copy import NotBelieved
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.people import AccountRole, AccountState, Local
from holdfast.sim.world import SimWorld, simulated
from holdfast.world import real_world
from unit.directory.people_tape import CHEAP, NOON, Tape, dump, frame, route

domains = st.sampled_from(["example.org", "example.net", "b\u00fccher.example"])
locals_ = st.sampled_from(["ann", "Ann", "bob", "eve+x", "eve", "postmaster"])
addresses = st.builds("{}@{}".format, locals_, domains)
ids = st.integers(1, 30)
times = st.integers(0, 9000).map(lambda s: NOON + s)

any_record = st.one_of(
    st.builds(r.DomainMade, at=times, name=domains, catch_all=st.tuples(addresses) | st.just(())),
    st.builds(r.DomainSet, at=times, name=domains, separator=st.sampled_from(["+", "-", "", None])),
    st.builds(r.CustomerMade, at=times, name=st.just("C")),
    st.builds(
        r.AccountMade,
        at=times,
        address=addresses,
        cell=st.integers(0, 3),
        customer=st.just(0) | ids,
        credential=st.sampled_from(["", CHEAP]),
        role=st.sampled_from(AccountRole),
    ),
    st.builds(r.AccountSet, at=times, account=ids, name=st.sampled_from(["N", None])),
    st.builds(r.AccountStateSet, at=times, account=ids, state=st.sampled_from(AccountState)),
    st.builds(r.CredentialSet, at=times, account=ids, credential=st.sampled_from(["", CHEAP])),
    st.builds(r.AddressAdded, at=times, account=ids, address=addresses),
    st.builds(r.AddressRemoved, at=times, address=addresses),
    st.builds(r.AliasSet, at=times, address=addresses, targets=st.lists(addresses, max_size=3).map(tuple)),
    st.builds(r.AliasRemoved, at=times, address=addresses),
    st.builds(r.BulkAnnounced, at=times, count=st.integers(1, 9), reason=st.just("test")),
    st.builds(r.HolesAccepted, at=times, reason=st.just("test")),
)
histories = st.lists(st.tuples(any_record, st.booleans()), max_size=40)


def taped(history: list[tuple[r.AnyRecord, bool]]) -> Tape:
    tape = Tape()
    tape.domain()
    for record, lost in history:
        tape.add(record)
        if lost and len(tape.items) % 7 == 0:
            tape.lose()
    return tape


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(histories, st.integers(1, 7))
def test_people_1_the_same_frames_give_the_same_tables(
    history: list[tuple[r.AnyRecord, bool]], chunk: int
) -> None:
    tape = taped(history)
    with simulated(1) as world:
        assert dump(tape.folded(world)) == dump(tape.folded(world, chunk=chunk))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(histories)
def test_what_is_counted_is_what_there_is(history: list[tuple[r.AnyRecord, bool]]) -> None:
    with simulated(1) as world:
        copy = taped(history).folded(world)
        counts, rows = copy.lists.counts(), dump(copy)
        assert copy.fold.shrinking.active == counts.active
        assert counts.active + counts.disabled + counts.removed == len(rows["account"])
        filled = {cell: n for cell, n in copy.lists.cells().items() if n}
        assert sum(filled.values()) == counts.active + counts.disabled


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(histories)
def test_people_6_a_name_has_one_account_for_ever(history: list[tuple[r.AnyRecord, bool]]) -> None:
    """Logins of accounts, removed ones too, are never twice."""
    with simulated(1) as world:
        rows = dump(taped(history).folded(world))
    logins = [(row[2], str(row[3]).lower().rpartition("@")[0]) for row in rows["account"]]
    assert len(logins) == len(set(logins))


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(histories, any_record)
def test_a_refused_record_leaves_no_trace(
    history: list[tuple[r.AnyRecord, bool]], record: r.AnyRecord
) -> None:
    with simulated(1) as world:
        copy = taped(history).folded(world)
        before = dump(copy)
        copy.fold.begin()
        try:
            copy.fold.apply(copy.fold.sequence + 1, record)
        except Refused:
            copy.fold.commit(copy.fold.position)
            assert dump(copy) == before
        else:
            copy.fold.roll_back()
            assert dump(copy) == before


def test_a_copy_goes_on_where_it_was_left(tape: Tape, world: SimWorld) -> None:
    ann = tape.account("ann@example.org")
    tape.folded(world, path="/copies/mx.db").close()
    bob = tape.account("bob@example.org")
    copy = tape.folded(world, path="/copies/mx.db")
    assert route(copy, "bob@example.org") == Local(bob, 0)
    assert route(copy, "ann@example.org") == Local(ann, 0)
    assert dump(copy) == dump(tape.folded(world))


def test_people_3_frames_that_come_twice_are_another_history(tape: Tape, world: SimWorld) -> None:
    tape.account("ann@example.org")
    copy = tape.folded(world)
    before = dump(copy)
    again = frame(2, r.encode_record(r.AccountMade(at=NOON, address="eve@example.org", cell=0)))
    with pytest.raises(NotBelieved):
        copy.take([again], copy.fold.position, b"")
    assert dump(copy) == before


def test_people_5_an_unreadable_frame_is_passed_over_and_unknown_names_wait(
    tape: Tape, world: SimWorld
) -> None:
    tape.account("ann@example.org")
    tape.lose()
    bob = tape.account("bob@example.org")
    copy = tape.folded(world)
    assert [entry.name for entry in world.journal.entries] == ["people_frame_bad"]
    assert route(copy, "bob@example.org") == Local(bob, 0)
    for unknown in ("ann@example.org", "ann@elsewhere.example"):
        with pytest.raises(Unavailable):
            route(copy, unknown)
    tape.add(r.HolesAccepted(at=NOON, reason="ann is told"))
    tape.fold_into(copy)
    with pytest.raises(Refused):
        route(copy, "ann@example.org")


def test_people_5_a_record_of_a_later_version_is_a_hole_too(tape: Tape, world: SimWorld) -> None:
    tape.items.append(frame(2, b"\x82\xa2is\xa6future\xa2at\x01"))
    tape.items.append(frame(3, b"no record"))
    bob = tape.account("bob@example.org")
    copy = tape.folded(world)
    assert copy.fold.holes == 2
    assert route(copy, "bob@example.org") == Local(bob, 0)


def test_ids_are_the_frames_sequences(tape: Tape, world: SimWorld) -> None:
    customer = tape.add(r.CustomerMade(at=NOON, name="Smith"))
    ann = tape.account("ann@example.org", customer=customer)
    bob = tape.account("bob@example.org", name="Bob")
    copy = tape.folded(world)
    assert (customer, ann, bob) == (2, 3, 4)
    account = copy.lists.account(bob)
    assert (account.id, account.customer, account.name) == (bob, bob, "Bob")
    assert copy.lists.account(ann).customer == customer


def test_a_credentials_sequence_moves_with_each_password(tape: Tape, world: SimWorld) -> None:
    ann = tape.account("ann@example.org", credential=CHEAP)
    assert tape.folded(world).lookup.credential(ann) == (ann, CHEAP)
    changed = tape.add(r.CredentialSet(at=NOON, account=ann, credential=CHEAP))
    assert tape.folded(world).lookup.credential(ann) == (changed, CHEAP)
    tape.add(r.CredentialSet(at=NOON, account=ann, credential=""))
    assert tape.folded(world).lookup.credential(ann) == (0, "")


def test_pages_follow_each_other_without_gap(tape: Tape, world: SimWorld) -> None:
    tape.domain("example.net")
    made = [tape.account(f"u{n}@example.{'org' if n % 3 else 'net'}") for n in range(25)]
    copy = tape.folded(world)
    pages: list[int] = []
    while page := copy.lists.accounts(domain="Example.ORG", after=pages[-1] if pages else 0, limit=4):
        pages += [account.id for account in page]
    assert pages == [id_ for n, id_ in enumerate(made) if n % 3]
    assert [account.id for account in copy.lists.accounts(limit=1000)] == made
    assert [a.id for a in copy.lists.accounts(customer=made[3])] == [made[3]]


def test_people_1_a_copy_that_somebody_else_locked_goes_on_when_he_lets_go(
    tape: Tape, tmp_path: Path
) -> None:
    """It answers meanwhile, and follows afterwards, however often it tried in vain."""
    path = str(tmp_path / "imap-0.sqlite")
    tape.account("ann@example.org")
    copy = tape.folded(real_world(level="error"), path=path)
    bob = tape.account("bob@example.org")
    other = apsw.Connection(path)
    other.execute("BEGIN IMMEDIATE")
    for _ in range(3):
        with pytest.raises(apsw.BusyError):
            tape.fold_into(copy)
        assert isinstance(route(copy, "ann@example.org"), Local)
    other.execute("ROLLBACK")
    tape.fold_into(copy)
    assert route(copy, "bob@example.org") == Local(bob, 0)
    other.close()
    copy.close()
