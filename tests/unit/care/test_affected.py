"""Whom it hits, from the snapshot of customers: docs/formats/customers.md."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.care import customers
from holdfast.care.affected import Scope, affected, as_csv, as_json, scopes_of, scopes_so_far
from holdfast.care.customers import CustomerRow
from holdfast.model.errors import Unavailable
from holdfast.model.findings import State
from holdfast.model.limits import ACTIVE_S
from holdfast.watch.diagnosis.report import NamedCause, Report
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incident, Incidents
from holdfast.world import World, real_world
from unit.care.snapshot import NOON, account, written


@pytest.fixture(scope="module")
def world() -> World:
    return real_world(level="error")


def counts(hits: Sequence[r.Hit]) -> dict[str, tuple[int, int]]:
    return {hit.what: (hit.count, hit.of) for hit in hits}


def test_affected_1_four_mailboxes_of_one_customer_in_two_cells_are_counted_apart(
    world: World, tmp_path: Path
) -> None:
    """Named denominators: customers, contracts, mailboxes, and those used in 30 days."""
    mailboxes = [
        account(1, 1, 3, last_used_at=NOON - 5),
        account(2, 1, 3),
        account(3, 1, 4),
        account(4, 1, 4),
    ]
    mailboxes += [account(5, 5, 4), account(6, 6, 4, state="disabled")]
    path = written(world, tmp_path, mailboxes)
    found = affected(world, path, {"imap": Scope(frozenset({3})), "send": Scope()}, NOON)
    assert counts(found.counts["imap"]) == {
        "customers": (1, 2),
        "contracts": (1, 2),
        "mailboxes": (2, 5),
        "active": (1, 1),
    }
    assert counts(found.counts["send"])["mailboxes"] == (5, 5)
    assert found.bound == {"send": "exact", "imap": "exact"}
    assert found.basis == {"send": "all", "imap": "cells"}
    assert {row.account: row.functions for row in found.rows} == {
        1: ("send", "imap"),
        2: ("send", "imap"),
        3: ("send",),
        4: ("send",),
        5: ("send",),
    }


def test_customers_of_one_contract_are_one_contract(world: World, tmp_path: Path) -> None:
    people = [CustomerRow(1, "K-7"), CustomerRow(2, "K-7"), CustomerRow(3)]
    path = written(world, tmp_path, [account(1, 1, 0), account(2, 2, 0), account(3, 3, 0)], people)
    found = counts(affected(world, path, {"imap": Scope()}, NOON).total)
    assert found["customers"] == (3, 3)
    assert found["contracts"] == (2, 2)


def test_who_came_after_that_minute_is_not_counted_in_it(world: World, tmp_path: Path) -> None:
    path = written(world, tmp_path, [account(1, 1, 0, made_at=NOON), account(2, 2, 0, made_at=NOON + 60)])
    for at, number in ((NOON - 1, 0), (NOON + 59, 1), (NOON + 60, 2)):
        assert counts(affected(world, path, {"imap": Scope()}, at).total)["mailboxes"] == (number, number)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 4), st.booleans()), min_size=1, max_size=30),
    st.dictionaries(
        st.sampled_from(["receive", "imap", "pop3"]),
        st.none() | st.frozensets(st.integers(0, 4), max_size=3),
        min_size=1,
    ),
)
def test_the_set_is_exactly_those_whose_cell_it_is(
    tmp_path_factory: pytest.TempPathFactory,
    drawn: list[tuple[int, int, bool]],
    cells: dict[str, frozenset[int] | None],
) -> None:
    world = real_world(level="error")
    accounts = [
        account(number, customer, cell, last_used_at=NOON - ACTIVE_S + (60 if used else -60))
        for number, (customer, cell, used) in enumerate(drawn, 1)
    ]
    path = written(world, tmp_path_factory.mktemp("drawn"), accounts)
    found = affected(world, path, {name: Scope(each) for name, each in cells.items()}, NOON)
    for name, each in cells.items():
        hit = [one for one in accounts if each is None or one.cell in each]
        assert [row.account for row in found.rows if name in row.functions] == [one.id for one in hit]
        told = counts(found.counts[name])
        assert told["mailboxes"] == (len(hit), len(accounts))
        assert told["customers"][0] == len({one.customer for one in hit})
        assert told["active"][0] == sum(one.last_used_at >= NOON - ACTIVE_S for one in hit)


def test_the_list_is_the_same_as_csv_and_as_json(world: World, tmp_path: Path) -> None:
    path = written(world, tmp_path, [account(1, 1, 3), account(2, 2, 7)])
    found = affected(world, path, {"imap": Scope(frozenset({3, 7})), "pop3": Scope(frozenset({7}))}, NOON)
    lines = list(csv.DictReader(io.StringIO(as_csv(found))))
    told = json.loads(as_json(found))
    assert [line["functions"] for line in lines] == ["imap", "imap pop3"]
    assert [int(line["account"]) for line in lines] == [each["account"] for each in told["mailboxes"]]
    assert told["functions"]["imap"]["counts"]["mailboxes"] == {"count": 2, "of": 2}


def test_customers_1_a_snapshot_that_fails_leaves_the_one_before(world: World, tmp_path: Path) -> None:
    path = written(world, tmp_path, [account(1, 1, 3)])

    def fails(db: apsw.Connection) -> int:
        raise OSError("the disk is full")

    with pytest.raises(OSError):
        customers.write(world, path, fails)
    with customers.reading(world, path) as db:
        assert customers.made(db).sequence == 7
        assert [each.id for each in customers.accounts_of(db, 1)] == [1]


def test_without_a_snapshot_nobody_is_said_to_be_fine(world: World, tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        affected(world, str(tmp_path / "none.sqlite"), {"imap": Scope()}, NOON)
    (tmp_path / "bad.sqlite").write_bytes(b"no database at all, but long enough to be looked at" * 30)
    with pytest.raises(Unavailable):
        affected(world, str(tmp_path / "bad.sqlite"), {"imap": Scope()}, NOON)


def failing(
    cell: int | None, state: State = "fails", step: str = "SELECT", since: float = 0.0, trial: str = ""
) -> r.Failing:
    name = trial or f"imap/{cell}"
    return r.Failing(trial=name, function="imap", state=state, step=step, since=since, cell=cell)


def cause(hits: dict[str, tuple[int, ...]], component: str = "disk/v1", rate: float = 1.0) -> NamedCause:
    return NamedCause(component=component, since=NOON, rate=rate, hits={"imap": hits} if hits else {})


def incident(*trials: r.Failing, count: int = 0, by: Sequence[NamedCause], verdict: str = "named") -> Scope:
    entries: list[r.AnyEntry] = [
        r.Opened(at=NOON, incident=1, since={"imap": NOON}),
        r.Found(at=NOON, incident=1, states={"imap": "fails"}, failing=trials, count=count or len(trials)),
    ]
    kinds = {each.component: each.component.partition("/")[0] for each in by}
    report = Report(verdict=verdict, probability=0.99, causes=tuple(by), kinds=kinds)  # type: ignore[arg-type]
    entries.append(r.Diagnosed(at=NOON, incident=1, report=report))
    known = Incidents()
    known.apply(entries)
    one = known.get(1)
    assert one is not None
    return scopes_of(one)["imap"]


DISK = [cause({"SELECT": (3, 4), "FETCH": (3, 4), "search": ()})]
UNCERTAIN = Scope(None, "undecided")


def test_affected_2_whom_it_hits_is_said_by_the_steps_that_fail_because_of_what_is_named() -> None:
    three_and_four = Scope(frozenset({3, 4}))
    assert incident(failing(3), by=DISK) == three_and_four
    assert incident(failing(3), failing(4, step="FETCH"), by=DISK) == three_and_four
    assert incident(failing(None), by=DISK) == three_and_four  # who told of it is of no cell
    assert incident(failing(0, step="search"), by=DISK) == Scope(None)  # by the account of one, for all
    assert incident(failing(3), failing(0, "degraded", "search"), by=DISK) == Scope(None, "part")
    assert incident(failing(3, "degraded"), by=DISK) == Scope(frozenset({3, 4}), "part")
    slow = [cause({"SELECT": (3,)}, rate=0.5)]
    assert incident(failing(3), by=slow) == Scope(frozenset({3}), "part")


def test_affected_2_a_cause_that_fails_another_function_says_nothing_of_this_one() -> None:
    spool = cause({}, "spool")
    assert incident(failing(3), by=[spool, *DISK]) == Scope(frozenset({3, 4}))


def test_affected_2_of_several_causes_each_hits_its_own() -> None:
    indexes = [cause({"SELECT": (cell,)}, f"cell-{cell:02d}/index") for cell in (3, 7)]
    assert incident(failing(3), by=indexes) == Scope(frozenset({3}))
    assert incident(failing(3), failing(7), by=indexes) == Scope(frozenset({3, 7}))


def test_affected_2_a_way_from_elsewhere_hits_those_who_come_that_way() -> None:
    from_there = failing(None, step="connect", trial="imap/imaps@east")
    assert incident(from_there, by=[cause({"connect": ()}, "transit/east/imaps")]) == Scope(None, "part")
    assert incident(from_there, by=[cause({"connect": ()}, "entry/imaps")]) == Scope(None)


def test_affected_2_while_nothing_is_named_it_may_be_anybody() -> None:
    assert incident(failing(3), by=(), verdict="undecided") == UNCERTAIN
    assert incident(by=DISK) == UNCERTAIN  # nothing has been seen to fail


def test_affected_2_what_real_sessions_meet_hits_the_cell_that_they_tell_or_all_that_the_cause_may() -> None:
    index = [cause({"SELECT": (3,)}, "cell-03/index")]
    met = failing(3, "degraded", "cell-03/index", trial="sessions/imap-0")
    assert incident(met, by=index) == Scope(frozenset({3}), "part")  # all others who came were served
    assert incident(met, failing(3), by=index) == Scope(frozenset({3}))
    unsaid = failing(None, "degraded", "store", trial="sessions/imap-0")
    assert incident(unsaid, by=[cause({"SELECT": (3, 4)})]) == Scope(frozenset({3, 4}), "part")
    assert incident(unsaid, by=[cause({"APPEND": ()}, "process/store-0")]) == Scope(None, "part")


def test_affected_2_what_no_trial_passes_through_hits_a_part_of_all_where_real_sessions_meet_it() -> None:
    met = failing(None, "degraded", "auth/load", trial="sessions/imap-0")
    load = NamedCause(component="load/sign-in", since=NOON, functions=("imap",))
    assert incident(met, by=[load]) == Scope(None, "part"), "who is remembered needs no check"
    assert incident(met, by=[NamedCause(component="load/sign-in", since=NOON)]) == UNCERTAIN
    assert incident(failing(None), by=[load]) == UNCERTAIN


PEOPLE = failing(None, "degraded", "people", trial="sessions/imap-0")


def test_affected_5_an_old_copy_hits_single_accounts_while_all_who_are_known_to_it_are_served() -> None:
    copy = cause({"sign-in": ()}, "copy/imap-0")
    assert incident(PEOPLE, by=[copy]) == Scope(None, "part", "copy/imap-0")
    assert incident(PEOPLE, failing(3, step="sign-in"), by=[copy]) == Scope(None)
    assert incident(PEOPLE, by=[copy, cause({"sign-in": ()}, "process/imap-0")]) == Scope(None, "part")
    assert incident(PEOPLE, by=[cause({"sign-in": ()}, "copy/people-writer")]) == Scope(None, "part")


def test_affected_5_who_left_and_is_not_believed_to_be_gone_is_hit_by_name() -> None:
    ledger = cause({}, "ledger/people")
    assert incident(PEOPLE, by=[ledger]) == Scope(None, "part", "ledger/people")
    just_now = failing(None, "degraded", "people", trial="sessions/imap-0", since=NOON - 1)
    assert incident(just_now, by=[ledger]) == Scope(None, "part", "ledger/people")
    lasting = failing(3, since=NOON - 60, step="sign-in")
    assert incident(PEOPLE, lasting, by=[ledger]).behind == "", "an account that didn't leave"


def test_affected_5_single_accounts_are_counted_and_listed_by_their_number(
    world: World, tmp_path: Path
) -> None:
    path = written(world, tmp_path, [account(1, 1, 3), account(2, 1, 3), account(3, 3, 4)])
    scopes = {"imap": Scope(accounts=frozenset({2, 3})), "pop3": Scope(frozenset({3}))}
    found = affected(world, path, scopes, NOON)
    assert {row.account: row.functions for row in found.rows} == {
        1: ("pop3",),
        2: ("imap", "pop3"),
        3: ("imap",),
    }
    assert counts(found.counts["imap"])["mailboxes"] == (2, 3)
    assert counts(found.counts["imap"])["customers"] == (2, 2)
    assert (found.bound["imap"], found.basis["imap"]) == ("exact", "accounts")


def test_affected_2_what_is_left_out_of_an_entry_fails_by_any_step_that_may() -> None:
    assert incident(failing(3), count=2, by=[cause({"SELECT": (3, 4)})]) == Scope(frozenset({3, 4}))
    assert incident(failing(3), count=2, by=DISK) == Scope(None, "part")


def test_affected_4_what_no_named_cause_explains_hits_its_own_once_it_lasts_and_an_accident_nobody() -> None:
    accident = failing(9, since=NOON - 1)
    lasting = failing(9, since=NOON - 60)
    assert incident(failing(3), accident, by=DISK) == Scope(frozenset({3, 4}))
    assert incident(failing(3), lasting, by=DISK) == Scope(frozenset({3, 4, 9}), "part")
    assert incident(accident, by=DISK) == UNCERTAIN
    assert incident(lasting, by=DISK) == UNCERTAIN


class Story:
    """An incident of two functions, as its ledger tells it, minute by minute."""

    def __init__(self) -> None:
        self.incidents = Incidents()
        self.at = NOON
        self.tell(r.Opened(at=NOON, incident=1, since={"imap": NOON, "pop3": NOON}))

    def tell(self, *entries: r.AnyEntry) -> None:
        self.incidents.apply(entries)

    def finds(self, *cells: int, functions: Sequence[str] = ("imap", "pop3")) -> None:
        self.at += 60
        failing = tuple(
            r.Failing(trial=f"{function}/{cell}", function=function, state="fails", step="look", cell=cell)
            for function in functions
            for cell in cells
        )
        states: dict[str, State] = dict.fromkeys(functions, "fails" if cells else "works")
        self.tell(r.Found(at=self.at, incident=1, states=states, failing=failing, count=len(failing)))

    def names(self, *cells: int, before: str = "", verdict: str = "named") -> None:
        self.at += 60
        causes = tuple(
            NamedCause(
                component=f"cell-{cell:02d}/index",
                since=NOON,
                hits={function: {"look": (cell,)} for function in ("imap", "pop3")},
            )
            for cell in cells
        )
        report = Report(verdict=verdict, probability=0.99, causes=causes)  # type: ignore[arg-type]
        self.tell(r.Diagnosed(at=self.at, incident=1, report=report, before=before))  # type: ignore[arg-type]

    def scopes(self) -> dict[str, Scope]:
        return scopes_so_far(self._incident)

    def hit_now(self) -> dict[str, Scope]:
        return scopes_of(self._incident)

    @property
    def _incident(self) -> Incident:
        one = self.incidents.get(1)
        assert one is not None
        return one


def test_affected_3_who_was_hit_stays_so_when_all_goes_well_again_and_when_it_is_over() -> None:
    story = Story()
    story.finds(3)
    assert story.scopes()["imap"] == Scope(None, "undecided")
    story.names(3, 7)
    story.finds(3, 7)
    assert story.scopes() == dict.fromkeys(("imap", "pop3"), Scope(frozenset({3, 7})))
    story.finds(7, functions=["imap"])  # cell 3 is back
    assert story.scopes() == dict.fromkeys(("imap", "pop3"), Scope(frozenset({3, 7})))
    assert story.hit_now()["imap"] == Scope(frozenset({7}))
    story.finds()
    story.tell(r.Closed(at=story.at, incident=1, until={}))
    assert story.scopes() == {"imap": Scope(frozenset({3, 7})), "pop3": Scope(frozenset({3, 7}))}


def test_affected_3_when_it_is_opened_again_those_are_hit_who_are_then_and_in_the_end_all_who_were() -> None:
    story = Story()
    story.finds(3)
    story.names(3)
    story.finds()
    story.tell(r.Closed(at=story.at, incident=1, until={}))
    story.at += 60
    story.tell(r.Reopened(at=story.at, incident=1, since={"imap": story.at}))
    story.finds(3, functions=["imap"])  # by what was named before, as it seems
    story.finds(7, functions=["imap"])
    story.names(7, before="mended")
    assert story.scopes() == {"imap": Scope(frozenset({7})), "pop3": Scope(frozenset({3}))}
    story.finds()
    story.tell(r.Closed(at=story.at, incident=1, until={}))
    assert story.scopes() == {"imap": Scope(frozenset({3, 7})), "pop3": Scope(frozenset({3}))}


def test_affected_3_whom_a_diagnosis_meant_that_was_taken_back_was_not_hit() -> None:
    story = Story()
    story.finds(3)
    story.names(9)
    story.names(3, before="corrected")
    story.finds()
    assert story.scopes()["imap"] == Scope(frozenset({3}))


def test_affected_2_it_is_bounded_when_more_are_meant_than_were_hit_for_certain() -> None:
    story = Story()
    story.finds(3)
    story.names(verdict="undecided")
    story.finds()
    assert story.scopes()["imap"] == Scope(None, "undecided")
    story.names(3, 5)
    story.finds(3)
    story.finds(5)
    story.finds()
    assert story.scopes()["imap"] == Scope(frozenset({3, 5}))
