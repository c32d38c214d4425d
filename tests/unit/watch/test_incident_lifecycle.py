"""When incidents begin, join, part, end, and what was promised in them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.model.findings import Finding, Signal, State
from holdfast.model.limits import INCIDENT_PLACES, INCIDENT_QUIET_S, RATIO_S
from holdfast.watch.depends import Step, Trial
from holdfast.watch.diagnosis.report import NamedCause, Report, Rival, Shown
from holdfast.watch.incidents import Incident, Incidents, incidents
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.lifecycle import Seen, due
from holdfast.watch.incidents.window import Window
from holdfast.watch.ratios import Apart, Used

NOON = 1_345_032_000.0
STEPS = ("greeting", "sign in", "select")
TRIALS = {"imap/1": "imap", "imap/2": "imap", "pop3/1": "pop3", "mx": "receive", "disk/v1": ""}


def trials() -> list[Trial]:
    steps = tuple(Step(each, frozenset()) for each in STEPS)
    return [Trial(each, function, steps) for each, function in TRIALS.items()]


def report(
    *causes: tuple[str, tuple[str, ...]], after: dict[str, str] | None = None, shown: Any = ()
) -> Report:
    return Report(
        verdict="named",
        probability=0.95,
        causes=tuple(
            NamedCause(component=name, since=NOON, functions=functions, after=(after or {}).get(name, ""))
            for name, functions in causes
        ),
        explained=tuple(Shown(trial=trial, step=step, function=TRIALS[trial]) for trial, step in shown),
        kinds={name: name.partition("/")[2] or "process" for name, _ in causes},
    )


def undecided(*rivals: str) -> Report:
    return Report(
        verdict="undecided",
        probability=0.5,
        runners_up=tuple(Rival(components=tuple(each.split("+")), probability=0.5) for each in rivals),
    )


class Watched:
    """Everything works unless told otherwise, and a second is a round."""

    def __init__(self) -> None:
        self.window = Window(trials())
        self.incidents = Incidents()
        self.now = NOON
        self.bad: dict[str, str] = {}  # trial → the step that fails
        self.unknown: set[str] = set()
        self.report: Report | None = None
        self.uses: tuple[Used, ...] = ()
        self.said: list[r.AnyEntry] = []
        self.log: list[Finding] = []

    def finding(self, trial: str) -> Finding:
        state: State = "unknown" if trial in self.unknown else "fails" if trial in self.bad else "works"
        return Finding(trial, TRIALS[trial], state, self.bad.get(trial, ""), "", self.now, 0.1)

    def round(self, *tried: str, signals: tuple[Signal, ...] = ()) -> list[str]:
        """What was written."""
        self.now += 1
        found = [self.finding(each) for each in (tried or TRIALS)]
        self.log += found
        self.window.add(found, signals)
        return self.settle()

    def settle(self) -> list[str]:
        words = []
        for _ in range(20):
            entries = due(Seen(self.window, self.report, self.incidents, self.now, self.uses))
            if not entries:
                return words
            self.incidents.apply(entries)
            self.said += entries
            words += [r.name_of(each) for each in entries]
        raise AssertionError(f"there is no end of it: {words}")

    def rounds(self, count: int) -> list[str]:
        return [word for _ in range(count) for word in self.round()]

    def write(self, entry: r.AnyEntry) -> None:
        self.incidents.apply([entry])
        self.said.append(entry)

    def one(self, number: int = 1) -> Incident:
        found = self.incidents.get(number)
        assert found is not None
        return found


@pytest.fixture
def watched() -> Watched:
    made = Watched()
    assert made.round() == []
    return made


def test_inc_5_two_failures_in_a_row_open_one_and_a_single_one_does_not(watched: Watched) -> None:
    watched.bad = {"imap/1": "select"}
    assert watched.round() == []
    watched.bad = {}
    watched.round()
    watched.bad = {"imap/1": "select"}
    assert watched.round() == []
    assert watched.round() == ["opened", "found", "promised"]
    assert watched.one().spans["imap"][0].since == watched.now - 1
    assert watched.one().states == {"imap": "degraded"} and watched.one().failing[0].step == "select"
    assert watched.round() == []


def test_inc_5_where_trials_often_err_it_takes_more_in_a_row_and_a_cause_that_is_told_takes_one(
    watched: Watched,
) -> None:
    watched.window.enough = 3
    watched.bad = {"imap/1": "select"}
    assert watched.rounds(2) == [] and watched.round()[0] == "opened"
    watched.bad["pop3/1"] = "select"
    watched.report = report(("disk/v1", ("imap",)))
    [cause] = watched.report.causes
    elsewhere = msgspec.structs.replace(cause, hits={"imap": {"select": ()}, "pop3": {"greeting": ()}})
    watched.report = msgspec.structs.replace(watched.report, causes=(elsewhere,))
    watched.round()
    assert watched.one().active == ("imap",)  # it fails where that cause doesn't hit it
    there = msgspec.structs.replace(cause, hits={"imap": {"select": ()}, "pop3": {"select": ()}})
    watched.report = msgspec.structs.replace(watched.report, causes=(there,))
    watched.settle()
    assert set(watched.one().active) == {"imap", "pop3"}


def test_inc_5_one_failure_and_a_session_that_met_the_same_open_one(watched: Watched) -> None:
    watched.bad = {"mx": "greeting"}
    late = Signal("receive", "process/mx", watched.now - 20)
    assert watched.round(signals=(late,)) == []
    watched.bad = {}
    watched.round()
    watched.bad = {"mx": "greeting"}
    near = Signal("receive", "process/mx", watched.now - 3)
    assert watched.round(signals=(near,))[0] == "opened"


def test_inc_5_what_real_sessions_alone_meet_again_and_again_opens_one(watched: Watched) -> None:
    """Canaries lie in some cells, customers in all."""
    watched.window = Window([*trials(), Trial("sessions/imap-0", "imap", (), at_will=False)])
    watched.round()

    def met() -> Signal:
        return Signal("imap", "cell-3/index", watched.now + 1, process="imap-0", meant=("cell-3/index",))

    assert [watched.round(signals=(met(),)) for _ in range(4)] == [[]] * 4
    assert watched.round(signals=(met(),))[0] == "opened"
    [failing], last = watched.one().failing, watched.now
    assert (failing.trial, failing.cell) == ("sessions/imap-0", 3)
    assert "closed" not in watched.rounds(59)
    assert watched.rounds(1) == ["closed"]
    assert watched.one().spans["imap"][0].until == last, "until nobody met it any more"


def test_inc_5_what_real_sessions_blame_and_what_fails_by_its_own_check_opens_one(watched: Watched) -> None:
    def needed(components: Iterable[str]) -> frozenset[str]:
        return frozenset(components) | {"disk/v1"}

    all_trials = [*trials(), Trial("sessions/mx-0", "receive", (), at_will=False)]

    def met() -> Signal:
        return Signal("receive", "ledger", watched.now + 1, process="mx-0", meant=("ledger/mx-0",))

    watched.window = Window(all_trials, under=needed)
    assert watched.round(signals=(met(),)) == [], "the disk is well"
    watched.bad = {"disk/v1": "room"}
    assert watched.round()[0] == "opened"
    assert watched.one().functions == ("receive",)


def test_inc_5_one_failure_at_what_fails_by_its_own_check_twice_opens_one(watched: Watched) -> None:
    """What takes long to fail is not waited for twice."""
    select = Step("select", frozenset({"disk/v1"}))
    watched.window = Window([Trial("imap/1", "imap", (select,)), Trial("disk/v1", "", (select,))])
    watched.bad = {"imap/1": "select"}
    assert watched.round() == [], "the disk is well"
    watched.bad = {}
    watched.round()
    watched.bad = {"imap/1": "select", "disk/v1": "select"}
    assert watched.round() == [], "either may be an accident"
    assert watched.round("disk/v1")[0] == "opened"


def test_inc_5_what_is_ill_for_long_proves_nothing_of_what_a_session_met_just_now(watched: Watched) -> None:
    watched.window = Window([*trials(), Trial("sessions/mx-0", "receive", (), at_will=False)])
    watched.bad = {"disk/v1": "room"}
    watched.rounds(60)
    blaming = Signal("receive", "disk", watched.now + 1, process="mx-0", meant=("disk/v1",))
    assert watched.round(signals=(blaming,)) == []


def test_inc_5_what_sessions_met_an_hour_apart_is_not_in_a_row(watched: Watched) -> None:
    watched.window = Window([*trials(), Trial("sessions/imap-0", "imap", (), at_will=False)])
    for _ in range(10):
        watched.now += 3600
        met = Signal("imap", "cell-3/index", watched.now + 1, process="imap-0", meant=("cell-3/index",))
        assert watched.round(signals=(met,)) == []


def test_inc_5_what_is_unknown_opens_nothing_closes_nothing_and_is_not_green(watched: Watched) -> None:
    watched.unknown = set(TRIALS)
    assert watched.rounds(100) == []
    assert watched.window.function("imap", watched.now) == "unknown"
    watched.unknown, watched.bad = set(), {"imap/1": "select"}
    watched.rounds(2)
    watched.bad, watched.unknown = {}, {"imap/2"}
    assert "closed" not in watched.rounds(200) and watched.one().states == {"imap": "unknown"}
    watched.unknown = set()
    assert "closed" not in watched.rounds(59) and "closed" in watched.rounds(3)


def test_inc_4_what_was_tried_too_long_ago_is_unknown(watched: Watched) -> None:
    assert watched.window.function("imap", watched.now + 599) == "works"
    assert watched.window.function("imap", watched.now + 601) == "unknown"
    assert Window(trials()).function("imap", NOON) == "unknown"
    assert watched.window.function("signup", watched.now) == "unknown"


def test_a_place_that_sees_nothing_any_more_hides_nothing_and_colours_nothing(watched: Watched) -> None:
    blind = watched.finding("mx")._replace(state="unknown", vantage="elsewhere")
    watched.window.add([blind])
    assert watched.window.function("receive", watched.now) == "works"
    watched.window.add([blind._replace(state="fails", step="greeting", at=watched.now + 1)])
    assert watched.window.function("receive", watched.now + 1) == "fails"


def test_inc_4_vantage_3_one_of_several_vantage_points_makes_a_function_neither_down_nor_unknown() -> None:
    names = ("imap/here", "imap/imaps@east", "imap/imaps@west")
    window = Window([Trial(each, "imap", trials()[0].steps) for each in names])

    def seen(at: float, east: State, west: State) -> State:
        for name, state in zip(names, ("works", east, west)):
            window.add([Finding(name, "imap", state, "", "", NOON + at, 0.1, vantage=name.partition("@")[2])])
        return window.function("imap", NOON + at)

    assert seen(0, "works", "works") == "works"
    assert seen(1, "unknown", "works") == "works" and seen(2, "unknown", "unknown") == "unknown"
    assert seen(3, "fails", "works") == seen(4, "fails", "unknown") == "degraded"
    assert window.worked("imap", NOON + 4) is None
    seen(5, "works", "unknown")
    assert window.worked("imap", NOON + 5) == [(NOON, NOON + 5), (NOON + 5, NOON + 5)]


def test_inc_4_what_no_vantage_point_reaches_fails_for_all_who_are_not_here() -> None:
    names = ("mx/mx@east", "mx/mx@west")
    window = Window([Trial(each, "receive", trials()[0].steps) for each in names])
    for name in names:
        window.add([Finding(name, "receive", "fails", "greeting", "", NOON, 0.1)])
    assert window.function("receive", NOON) == "fails"


def test_inc_5_it_is_closed_when_all_has_worked_for_a_minute(watched: Watched) -> None:
    watched.bad = {"imap/1": "select", "imap/2": "select"}
    watched.rounds(5)
    assert watched.one().states == {"imap": "fails"}
    watched.bad, mended = {}, watched.now + 1
    assert "closed" not in watched.rounds(60)
    assert watched.rounds(1) == ["closed"]
    assert watched.one().spans["imap"][0].until == mended == watched.one().ended_at
    assert watched.incidents.open() == []


def test_inc_5_what_is_tried_rarely_is_tried_once_more_when_that_would_show_the_end(watched: Watched) -> None:
    watched.bad = {"imap/1": "select", "imap/2": "select"}
    watched.rounds(5)
    watched.bad = {}
    watched.round()
    for _ in range(60):
        assert watched.window.unproven("imap", watched.now) == []
        watched.round("imap/1")
    assert watched.window.unproven("imap", watched.now) == ["imap/2"]
    watched.round("imap/2")
    assert watched.window.unproven("imap", watched.now) == []
    assert watched.incidents.open() == []


def test_what_fails_again_soon_after_its_end_is_the_same_incident(watched: Watched) -> None:
    watched.bad = {"imap/1": "select"}
    watched.rounds(5)
    watched.bad = {}
    watched.rounds(62)
    watched.bad = {"imap/1": "select"}
    assert "reopened" in watched.rounds(2)
    assert len(watched.incidents) == 1 and len(watched.one().spans["imap"]) == 2
    watched.bad = {}
    watched.rounds(62)
    watched.now += 601
    watched.round()
    watched.bad = {"imap/1": "select"}
    assert "opened" in watched.rounds(2) and len(watched.incidents) == 2


def test_inc_6_another_function_with_the_same_cause_joins(watched: Watched) -> None:
    watched.bad = {"imap/1": "select"}
    watched.report = report(("cell-01/index", ("imap",)))
    watched.rounds(60)
    watched.bad["pop3/1"] = "select"
    watched.report = report(("cell-01/index", ("imap", "pop3")))
    watched.rounds(3)
    assert watched.one().functions == ("imap", "pop3") and len(watched.incidents) == 1


def test_inc_6_another_function_with_another_cause_opens_its_own(watched: Watched) -> None:
    watched.bad = {"imap/1": "select"}
    watched.report = report(("cell-01/index", ("imap",)))
    watched.rounds(3)
    watched.bad["mx"] = "greeting"
    watched.report = report(("cell-01/index", ("imap",)), ("process/mx", ("receive",)))
    watched.rounds(3)
    assert [each.functions for each in watched.incidents] == [("imap",), ("receive",)]
    second = watched.one(2).opinion
    assert second is not None and second.report.components == {"process/mx"}
    first = watched.one(1).opinion
    assert first is not None and first.report.components == {"cell-01/index"}


def test_inc_6_what_began_together_is_parted_when_it_turns_out_to_be_two(watched: Watched) -> None:
    watched.bad = {"imap/1": "select", "mx": "greeting"}
    watched.rounds(2)
    assert watched.one().functions == ("receive", "imap")
    watched.report = report(("cell-01/index", ("imap",)), ("process/mx", ("receive",)))
    watched.rounds(2)
    assert [each.functions for each in watched.incidents] == [("receive",), ("imap",)]
    assert watched.one().parted == {"imap": 2} and watched.one(2).since == NOON + 2
    watched.bad, watched.report = {}, None
    watched.rounds(62)
    assert watched.incidents.open() == []


def test_a_chain_is_one_incident_in_all_its_functions(watched: Watched) -> None:
    watched.bad = {"imap/1": "select", "mx": "greeting"}
    watched.report = report(
        ("partner/keys", ("imap",)), ("disk/v1", ("receive",)), after={"disk/v1": "partner/keys"}
    )
    watched.rounds(3)
    assert [each.functions for each in watched.incidents] == [("receive", "imap")]


def test_a_masked_fault_that_shows_after_a_repair_is_told_as_that(watched: Watched) -> None:
    watched.bad = {"imap/1": "greeting", "imap/2": "greeting"}
    watched.report = report(
        ("process/imap", ("imap",)), shown=[("imap/1", "greeting"), ("imap/2", "greeting")]
    )
    watched.rounds(20)
    watched.bad = {"imap/1": "select"}
    watched.report = report(("cell-01/index", ("imap",)), shown=[("imap/1", "select")])
    watched.rounds(2)
    opinions = watched.one().opinions
    assert [each.fate for each in opinions] == ["mended", ""] and len(watched.incidents) == 1
    assert watched.one().fingerprint == "imap/imap+index"


def test_a_diagnosis_that_was_wrong_is_corrected_or_taken_back_in_sight(watched: Watched) -> None:
    watched.bad = {"imap/1": "select"}
    watched.report = report(("process/imap", ("imap",)), shown=[("imap/1", "select")])
    watched.rounds(10)
    watched.report = report(("cell-01/index", ("imap",)), shown=[("imap/1", "select")])
    watched.rounds(10)
    watched.report = undecided("a", "b")
    watched.rounds(10)
    assert [each.fate for each in watched.one().opinions] == ["corrected", "withdrawn", ""]


def test_a_doubt_about_something_else_shakes_no_diagnosis(watched: Watched) -> None:
    watched.bad = {"imap/1": "select"}
    watched.report = report(("cell-01/index", ("imap",)))
    watched.rounds(10)
    watched.report = undecided("cell-01/index+a", "cell-01/index+b")
    assert "diagnosed" not in watched.rounds(10)


def test_the_same_fault_in_another_cell_is_linked_to_the_earlier_one(watched: Watched) -> None:
    for cell in (1, 2):
        watched.bad = {f"imap/{cell}": "select"}
        watched.report = report((f"cell-0{cell}/index", ("imap",)))
        watched.rounds(10)
        watched.bad, watched.report = {}, None
        watched.rounds(62)
        watched.now += 86_400
        watched.round()
    recurrence = watched.incidents.recurrence(watched.one(2))
    assert recurrence is not None and (recurrence.times, recurrence.earlier) == (2, (1,))


# Promises


def test_inc_7_a_next_update_that_did_not_come_is_missed_and_promised_anew(watched: Watched) -> None:
    watched.bad = {"imap/1": "select"}
    watched.rounds(2)
    first = watched.one().promises[1]
    assert first.due == watched.now + 1800
    watched.now = first.due
    assert watched.rounds(1) == ["missed", "promised"]
    assert watched.one().promises[2].due == watched.now + 1800


def test_inc_7_a_notice_keeps_what_earlier_ones_promised(watched: Watched) -> None:
    watched.bad = {"imap/1": "select"}
    watched.rounds(2)

    def notice(number: int, promise: int, about: Any = "update") -> list[str]:
        watched.write(r.Noticed(at=watched.now, incident=1, notice=number, about=about, promise=promise))
        return watched.settle()

    assert notice(1, 1, "opened") == []
    watched.now += 600
    watched.write(
        r.Promised(at=watched.now, incident=1, promise=2, what="next_update", due=watched.now + 900)
    )
    assert notice(2, 2) == ["kept"]
    watched.bad = {}
    watched.rounds(70)
    assert notice(3, 0, "ended") == ["kept"]
    assert watched.one().score() == {"next_update": {"kept": 2, "missed": 0, "open": 0}}


def test_inc_7_an_estimate_is_a_promise_and_is_kept_or_missed(watched: Watched) -> None:
    watched.bad = {"imap/1": "select"}
    watched.rounds(2)
    for number, high in ((1, 60.0), (2, 70.0), (3, 7200.0)):
        watched.write(r.Estimated(at=watched.now, incident=1, estimate=number, high=watched.now + high))
        watched.settle()
    watched.rounds(70)
    watched.bad = {}
    watched.rounds(70)
    assert watched.one().score()["estimate"] == {"kept": 1, "missed": 1, "open": 0}


def test_a_credit_that_was_promised_is_missed_even_after_the_end(watched: Watched) -> None:
    watched.bad = {"imap/1": "select"}
    watched.rounds(2)
    watched.write(r.Promised(at=watched.now, incident=1, promise=9, what="credit", due=watched.now + 300))
    watched.bad = {}
    watched.rounds(70)
    watched.now += 300
    watched.round()
    assert watched.one().promises[9].settled == "missed"


# Whatever is found

REPORTS = [
    None,
    report(("cell-01/index", ("imap",))),
    report(("cell-01/index", ("imap", "pop3"))),
    report(("process/mx", ("receive",)), ("cell-01/index", ("imap",))),
    report(("disk/v1", ("receive", "imap", "pop3")), shown=[("mx", "select")]),
    undecided("process/mx", "disk/v1"),
    Report(verdict="outside", probability=0.95),
]

a_while = st.tuples(
    st.dictionaries(st.sampled_from([*TRIALS]), st.sampled_from(STEPS), max_size=3),
    st.sets(st.sampled_from([*TRIALS]), max_size=2),
    st.sampled_from(REPORTS),
    st.sampled_from([1, 2, 3, 8, 40, 75]),
)


@given(st.lists(a_while, min_size=1, max_size=8))
@settings(max_examples=30, deadline=None)
@pytest.mark.slow
def test_inc_4_to_7_hold_whatever_is_found(story: list[Any]) -> None:
    watched = Watched()
    for bad, unknown, diagnosis, seconds in story:
        watched.bad, watched.unknown, watched.report = bad, unknown, diagnosis
        for _ in range(seconds):
            watched.round()
            check(watched)
    watched.bad, watched.unknown, watched.report = {}, set(), None
    watched.rounds(62)
    check(watched)
    assert watched.incidents.open() == []


def check(watched: Watched) -> None:
    now, incidents = watched.now, watched.incidents
    last = {each.trial: each for each in watched.log}
    of_open = [function for each in incidents.open() for function in each.active]
    assert len(of_open) == len(set(of_open))  # INC-6
    for function in ("imap", "pop3", "receive"):
        states = {each.state for each in last.values() if each.function == function}
        if watched.window.function(function, now) == "works":
            assert states == {"works"}  # INC-4
        if watched.window.confirmed(function, now):
            assert function in of_open
    for each in incidents.open():
        updates = [p for p in each.promises.values() if p.what == "next_update" and not p.settled]
        assert updates and updates[-1].due <= now + 1800  # INC-7
    for entry in watched.said:
        if isinstance(entry, r.Closed) and entry.at == now:  # INC-5
            quiet = [f for f in watched.log if f.function in entry.until and f.at >= now - 60]
            assert quiet and {f.state for f in quiet} == {"works"}


def missed(function: str, *where: str, nearly_all: bool = True) -> Used:
    places = tuple(Apart(by="cell", where=each, missed=30, nearly_all=nearly_all) for each in where)
    return Used(function=function, served=100, missed=32, apart=places)


def test_ratio_3_where_nearly_all_is_missed_is_written_once_for_each_place_of_what_fails(
    watched: Watched,
) -> None:
    watched.uses = (missed("imap", "cell-07"), missed("pop3", "cell-07"))
    assert watched.rounds(3) == [], "nothing is opened by it"
    watched.bad = {"imap/1": "select", "imap/2": "select"}
    watched.rounds(2)
    [said] = watched.one().singled
    assert (said.function, said.by, said.where, said.missed, said.of) == ("imap", "cell", "cell-07", 30, 32)
    told = json.loads(json.dumps(incidents.told(watched.incidents, watched.one())))
    assert told["singled"][0]["where"] == "cell-07"
    assert watched.rounds(5) == [] and watched.one().opinion is None
    watched.uses = (missed("imap", "cell-08", nearly_all=False),)
    assert watched.rounds(3) == []
    watched.uses = (missed("imap", *(f"cell-{number:02d}" for number in range(2 * INCIDENT_PLACES))),)
    watched.rounds(3)
    assert len(watched.one().singled) == INCIDENT_PLACES


def test_what_an_incident_of_a_moment_ago_kept_people_from_is_not_said_of_the_next(watched: Watched) -> None:
    watched.bad, watched.report = {"imap/1": "select"}, report(("disk/v1", ("imap",)))
    watched.rounds(3)
    watched.bad, watched.report = {}, None
    watched.rounds(round(INCIDENT_QUIET_S) + 2)
    assert watched.one().closed_at
    watched.bad, watched.report = {"imap/1": "greeting"}, report(("process/imap-0", ("imap",)))
    watched.uses = (missed("imap", "cell-07"),)
    watched.rounds(5)
    assert not watched.one(2).singled
    watched.rounds(round(RATIO_S))
    assert watched.one(2).singled and not watched.one().singled
