"""PEOPLE-4: a directory that suddenly knows far fewer people is not believed."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from holdfast.directory import records as r
from holdfast.directory.copy import Copy
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import BULK_WINDOW_S
from holdfast.model.people import AccountState, Local
from holdfast.sim.world import SimWorld
from holdfast.world import real_world
from unit.directory.people_tape import NOON, Tape, route

REMOVED, DISABLED, ACTIVE = AccountState.REMOVED, AccountState.DISABLED, AccountState.ACTIVE


@pytest.fixture
def crowd(tape: Tape) -> list[int]:
    return [tape.account(f"u{n}@example.org") for n in range(100)]


def answer(copy: Copy, address: str) -> object:
    try:
        return type(route(copy, address))
    except Refused as error:
        return error.reason
    except Unavailable as error:
        return error.component


def leave(tape: Tape, accounts: list[int], *, start: float, every: float = 1.0) -> None:
    for n, account in enumerate(accounts):
        tape.state(account, REMOVED, at=start + n * every)


def test_people_4_a_fifth_may_leave_and_is_refused(tape: Tape, world: SimWorld, crowd: list[int]) -> None:
    leave(tape, crowd[:20], start=NOON)
    assert answer(tape.folded(world), "u0@example.org") is Reason.NO_SUCH_USER


def test_people_4_more_than_a_fifth_within_an_hour_is_not_believed(
    tape: Tape, world: SimWorld, crowd: list[int]
) -> None:
    leave(tape, crowd[:21], start=NOON)
    copy = tape.folded(world)
    assert answer(copy, "u0@example.org") == answer(copy, "u20@example.org") == "people"
    assert answer(copy, "nobody@example.org") == "people"
    assert answer(copy, "u50@example.org") is Local
    with pytest.raises(Unavailable):
        copy.lookup.by_login("u0@example.org")
    assert copy.lookup.by_login("u50@example.org") is not None


def test_people_4_disabled_ones_count_as_well(tape: Tape, world: SimWorld, crowd: list[int]) -> None:
    """Their mailboxes are there, and take mail meanwhile."""
    for account in crowd[:30]:
        tape.state(account, DISABLED)
    copy = tape.folded(world)
    assert answer(copy, "u0@example.org") is Local
    with pytest.raises(Unavailable):
        copy.lookup.by_login("u0@example.org")
    tape.add(r.BulkAnnounced(at=NOON + 100, count=30, reason="contract ended"))
    tape.fold_into(copy)
    assert answer(copy, "u0@example.org") is Reason.USER_DISABLED


def test_people_4_over_many_hours_all_may_leave(tape: Tape, world: SimWorld, crowd: list[int]) -> None:
    leave(tape, crowd[:90], start=NOON, every=400.0)
    assert answer(tape.folded(world), "u0@example.org") is Reason.NO_SUCH_USER


def test_people_4_few_are_no_bulk_however_large_a_share(tape: Tape, world: SimWorld) -> None:
    few = [tape.account(f"u{n}@example.org") for n in range(12)]
    leave(tape, few[:9], start=NOON)
    assert answer(tape.folded(world), "u0@example.org") is Reason.NO_SUCH_USER


def test_people_4_accounts_made_and_removed_all_day_are_no_bulk(tape: Tape, world: SimWorld) -> None:
    for n in range(12):
        tape.account(f"u{n}@example.org")
    for n in range(100):
        probe = tape.account(f"probe{n}@example.org", at=NOON + n * 10)
        tape.state(probe, REMOVED, at=NOON + n * 10 + 5)
    assert answer(tape.folded(world), "probe3@example.org") is Reason.NO_SUCH_USER


def test_people_4_what_was_announced_before_is_believed(
    tape: Tape, world: SimWorld, crowd: list[int]
) -> None:
    tape.add(r.BulkAnnounced(at=NOON, count=60, reason="contract ended"))
    leave(tape, crowd[:60], start=NOON + 60)
    assert answer(tape.folded(world), "u0@example.org") is Reason.NO_SUCH_USER


def test_people_4_an_announcement_covers_no_more_than_it_names(
    tape: Tape, world: SimWorld, crowd: list[int]
) -> None:
    tape.add(r.BulkAnnounced(at=NOON, count=40, reason="contract ended"))
    leave(tape, crowd[:60], start=NOON + 60)
    copy = tape.folded(world)
    assert answer(copy, "u0@example.org") is Reason.NO_SUCH_USER  # of the forty
    assert answer(copy, "u59@example.org") == "people"


def test_people_4_an_announcement_holds_for_an_hour(tape: Tape, world: SimWorld, crowd: list[int]) -> None:
    tape.add(r.BulkAnnounced(at=NOON, count=60, reason="contract ended"))
    leave(tape, crowd[:60], start=NOON + 3700)
    assert answer(tape.folded(world), "u0@example.org") == "people"


def test_people_4_what_is_announced_afterwards_is_believed_from_then_on(
    tape: Tape, world: SimWorld, crowd: list[int]
) -> None:
    leave(tape, crowd[:60], start=NOON)
    copy = tape.folded(world)
    assert copy.fold.shrinking.unexplained == 60
    tape.add(r.BulkAnnounced(at=NOON + 100, count=60, reason="contract ended"))
    tape.fold_into(copy)
    assert answer(copy, "u0@example.org") is Reason.NO_SUCH_USER
    assert copy.fold.shrinking.unexplained == 0


def test_people_4_time_alone_makes_nothing_believed(tape: Tape, world: SimWorld, crowd: list[int]) -> None:
    leave(tape, crowd[:60], start=NOON)
    tape.account("late@example.org", at=NOON + 86_400)
    assert answer(tape.folded(world), "u0@example.org") == "people"


def test_people_4_accounts_that_come_back_end_the_doubt(
    tape: Tape, world: SimWorld, crowd: list[int]
) -> None:
    leave(tape, crowd[:60], start=NOON)
    for account in crowd[:45]:
        tape.state(account, ACTIVE, at=NOON + 200)
    copy = tape.folded(world)
    assert answer(copy, "u0@example.org") is Local
    assert answer(copy, "u59@example.org") is Reason.NO_SUCH_USER


@pytest.mark.parametrize("table", ["account", "address"])
def test_people_15_a_copy_whose_people_are_gone_knows_of_nobody_that_he_isnt_there(
    tape: Tape, tmp_path: Path, crowd: list[int], table: str
) -> None:
    """Whatever emptied it: it isn't what the ledger told."""
    path = str(tmp_path / "mx-0.sqlite")
    copy = tape.folded(real_world(level="error"), path=path)
    assert answer(copy, "nobody@example.org") is Reason.NO_SUCH_USER
    other = apsw.Connection(path)
    other.execute(f"DELETE FROM {table} WHERE {'id' if table == 'account' else 'account'} > {crowd[20]}")
    tape.account("late@example.org")
    tape.fold_into(copy)
    assert answer(copy, "nobody@example.org") == "people"
    assert answer(copy, "u50@example.org") == "people" or table == "account"  # whose address is still there
    with pytest.raises(Unavailable):
        copy.lookup.by_login("u50@example.org")
    other.close()
    copy.close()


def test_who_left_within_an_hour_is_counted_but_for_who_was_announced(
    tape: Tape, world: SimWorld, crowd: list[int]
) -> None:
    leave(tape, crowd[:5], start=NOON)
    shrinking = tape.folded(world).fold.shrinking
    assert (shrinking.active, shrinking.fallen(NOON + 60.0)) == (95, 5)
    assert shrinking.fallen(NOON + BULK_WINDOW_S - 60.0) == 5
    assert shrinking.fallen(NOON + BULK_WINDOW_S + 60.0) == 0, "whoever had something to say has said it"


def test_who_was_announced_has_not_just_gone(tape: Tape, world: SimWorld, crowd: list[int]) -> None:
    tape.add(r.BulkAnnounced(at=NOON - 1.0, count=30, reason="contract ended"))
    leave(tape, crowd[:20], start=NOON)
    shrinking = tape.folded(world).fold.shrinking
    assert (shrinking.active, shrinking.fallen(NOON + 60.0)) == (80, 0)
