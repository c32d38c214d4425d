"""From findings to a cause that is told: what still counts, and how sure it has to be."""

from __future__ import annotations

from holdfast.model.findings import Finding, State
from holdfast.model.limits import DOUBT_S, VERDICT_S
from holdfast.watch.depends import Component, DependencyMap, Edge, Step, Trial
from holdfast.watch.diagnosis import Outcome
from holdfast.watch.diagnosis.outcomes import Outcomes
from holdfast.watch.diagnosis.report import NamedCause, Report
from holdfast.watch.incidents import Incidents
from holdfast.watch.judging import Judge, settle

NOON = 1_800_000_000.0
NAMES = ("a", "b", "disk")
MAP = DependencyMap(
    [Component(each, "process") for each in NAMES],
    trials=[
        Trial("a", "imap", (Step("greeting", frozenset({"a"})), Step("read", frozenset({"a", "disk"})))),
        Trial("b", "pop3", (Step("greeting", frozenset({"b"})), Step("read", frozenset({"b", "disk"})))),
        Trial("disk", "", (Step("room", frozenset({"disk"})),)),
    ],
)


def finding(trial: str, at: float, step: str = "", state: State = "fails", took_s: float = 0.0) -> Finding:
    function = MAP.trials[trial].function
    return Finding(trial, function, state if step else "works", step, "no" if step else "", at, took_s)


def kept(*findings: Finding, now: float | None = None) -> list[tuple[str, float, str]]:
    outcomes = Outcomes(MAP)
    outcomes.add(findings)
    last = findings[-1].at if now is None else now
    return [(each.trial, each.at, each.failed) for each in outcomes.now(last)]


def test_diag_9_a_trial_that_changed_for_certain_is_judged_by_what_it_shows_since():
    before = [finding("a", NOON + n) for n in range(5)]
    once = finding("a", NOON + 5, "greeting")
    assert len(kept(*before, once)) == 6
    again = finding("a", NOON + 6, "greeting")
    assert kept(*before, once, again) == [("a", NOON + 5, "greeting"), ("a", NOON + 6, "greeting")]
    mended = [finding("a", NOON + n) for n in (7, 8, 9)]  # after two failures two may be luck
    assert len(kept(*before, once, again, *mended[:2])) == 4
    assert kept(*before, once, again, *mended) == [("a", NOON + n, "") for n in (7, 8, 9)]


def test_diag_9_what_comes_and_goes_is_judged_by_all_of_its_last_outcomes():
    shown = [finding("a", NOON + n, "read" if n % 2 else "") for n in range(9)]
    assert [failed for _, _, failed in kept(*shown)] == ["", "read"] * 4 + [""]


def test_diag_9_what_worked_before_the_newest_fault_began_is_no_evidence():
    early = finding("b", NOON + 9.9, took_s=3.0)  # it began before, and ended after
    failing = [finding("a", NOON + n, "read") for n in (9, 10)]
    assert kept(finding("disk", NOON), *failing[:1], early, failing[1]) == [
        ("a", NOON + 9, "read"),
        ("a", NOON + 10, "read"),
    ]
    assert ("b", NOON + 11, "") in kept(*failing, finding("b", NOON + 11))


def test_diag_9_what_failed_before_it_and_has_worked_since_is_none_either():
    comes_and_goes = [finding("b", NOON + n, "read" if n % 2 else "") for n in range(5)]
    failing = [finding("a", NOON + n, "read") for n in (9, 10)]
    assert [each[0] for each in kept(*comes_and_goes, *failing)] == ["a", "a"]
    still = finding("b", NOON + 7, "read")
    assert kept(*comes_and_goes, still, *failing)[0] == ("b", NOON + 7, "read")


def test_one_failure_that_is_an_accident_lets_no_evidence_go():
    shown = kept(finding("b", NOON), finding("a", NOON + 1), finding("a", NOON + 2, "read"))
    assert ("b", NOON, "") in shown


def test_when_a_long_row_of_failures_began_is_not_forgotten():
    shown = kept(*(finding("a", NOON + n, "read") for n in range(1000)))
    assert shown[0] == ("a", NOON, "read") and shown[-1] == ("a", NOON + 999, "read") and len(shown) < 20


def test_what_was_tried_too_long_ago_is_no_evidence():
    assert kept(finding("a", NOON), finding("b", NOON + 5), now=NOON + 602) == [("b", NOON + 5, "")]


def test_diag_1_of_what_stopped_undecided_only_the_steps_before_count():
    outcomes = Outcomes(MAP)
    outcomes.add([finding("a", NOON, "read", "unknown")])
    [stopped] = outcomes.now(NOON)
    assert stopped.failed == "" and stopped.reached == 1
    outcomes.add([finding("a", NOON + 1, "greeting", "unknown")])
    assert outcomes.now(NOON + 1) == []
    row = [finding("a", NOON + n, "read", "unknown" if n == 3 else "fails") for n in (2, 3, 4)]
    outcomes.add(row)
    assert [each.at for each in outcomes.now(NOON + 4)] == [NOON + 2, NOON + 4]


def test_diag_9_what_sessions_met_before_something_was_mended_is_no_evidence():
    judge = Judge(MAP)
    met = [Outcome("disk", NOON + 1, "room"), Outcome("disk", NOON + 2, "room")]
    judge.hear([finding("a", NOON + n, "read") for n in (1, 2)])
    assert sum(each.trial == "disk" for each in judge.evidence(NOON + 3, met)) == 2
    judge.hear([finding("a", NOON + 4)])
    assert judge.evidence(NOON + 5, met) == []
    again = Outcome("disk", NOON + 6, "room")
    assert again in judge.evidence(NOON + 6, [*met, again])


def test_a_step_that_the_map_lacks_is_no_evidence():
    assert kept(finding("a", NOON, "STARTTLS"), finding("b", NOON)) == [("b", NOON, "")]


# What is told


class Told:
    """A judge, with the seconds gone by."""

    def __init__(self) -> None:
        self.judge = Judge(MAP)
        self.incidents = Incidents()
        self.second = 0

    def go_on(self, seconds: int, **failing: str) -> None:
        """Each trial is tried once a second; ``failing``: trial → step."""
        for _ in range(seconds):
            self.second += 1
            now = NOON + self.second
            self.judge.hear([finding(each, now, failing.get(each, "")) for each in MAP.trials])
            self.judge.judge(now)
            settle(self.judge, lambda: self.incidents, now, self.incidents.apply)

    @property
    def named(self) -> set[str]:
        report = self.judge.told
        return set() if report is None else set(report.components)


def test_diag_10_a_cause_is_told_when_it_has_stood_and_mended_when_it_has_worked():
    told = Told()
    told.go_on(5)
    told.go_on(2, a="greeting")
    assert told.judge.told is None and len(told.incidents.open()) == 1
    told.go_on(2, a="greeting")  # named from here on
    assert told.judge.told is None
    told.go_on(int(VERDICT_S), a="greeting")
    assert told.named == {"a"}
    [incident] = told.incidents.open()
    assert [each.report.components for each in incident.opinions] == [{"a"}]
    told.go_on(2 + int(VERDICT_S))
    assert told.judge.told is None
    told.go_on(70)
    assert told.incidents.open() == []


def test_diag_10_a_moment_s_other_verdict_takes_nothing_back():
    told = Told()
    told.go_on(8, a="greeting")
    told.go_on(1, a="greeting", b="greeting")
    assert told.named == {"a"}
    told.go_on(8, a="greeting")
    [incident] = told.incidents.open()
    assert told.named == {"a"} and len(incident.opinions) == 1


def test_diag_10_what_was_told_is_withdrawn_only_after_some_time_without_a_name():
    told = Told()
    told.go_on(8, a="greeting")
    assert told.named == {"a"}
    told.go_on(3, a="read")  # twice may be an accident: the diagnosis names nothing
    assert told.named == {"a"}
    told.go_on(30, a="read", disk="room", b="read")
    assert told.named == {"disk"}


def test_diag_10_where_trials_often_err_a_cause_has_to_stand_for_longer():
    names = [f"{n}" for n in range(40)]
    known = DependencyMap(
        [Component(each, "process") for each in names],
        trials=[Trial(each, "", (Step("look", frozenset({each})),)) for each in names],
    )

    def named_after(errs: int) -> int:
        judge = Judge(known)
        for second in range(30):
            wrong = {names[(second * errs + n) % 39] for n in range(errs)}
            ill = wrong | ({"39"} if second >= 10 else set())
            judge.hear(
                [
                    Finding(
                        each, "", "fails" if each in ill else "works", "look" * (each in ill), "", second, 0
                    )
                    for each in names
                ]
            )
            if second > 10 and (told := judge.judge(second)) is not None and told.components == {"39"}:
                return second
        return 30

    assert named_after(errs=0) + DOUBT_S - VERDICT_S <= named_after(errs=3) < 30


def test_diag_10_where_trials_often_err_a_doubt_between_makes_it_stand_from_anew():
    named = Report(verdict="named", probability=0.95, causes=(NamedCause(component="a", since=NOON),))
    doubt = Report(verdict="undecided", probability=0.8)
    shown = [Outcome("a", NOON, "greeting")]

    def told_after(enough: int) -> float:
        judge = Judge(MAP)
        judge._outcomes.enough = enough
        for second in range(30):
            judge.conclude(NOON + second, shown, doubt if second % 8 == 2 else named)
            if judge.told is not None and judge.told.components:
                return second
        return 30

    assert told_after(enough=2) == VERDICT_S + 1 and told_after(enough=3) == 3 + DOUBT_S


def test_diag_10_while_one_thing_after_another_comes_back_what_is_left_is_no_cause_of_its_own():
    uses = [f"use {n}" for n in range(6)]
    known = DependencyMap(
        [Component(each, "index") for each in ("storage", "index", "packs")],
        needs=[Edge(each, "storage", "lies in") for each in ("index", "packs")],
        trials=[
            Trial(name, "imap" * (name in uses), (Step("look", frozenset({part})),))
            for name, part in (("index", "index"), ("packs", "packs"), *((each, "index") for each in uses))
        ],
    )
    judge = Judge(known)

    def go_on(second: int, **shown: State) -> set[str]:
        judge.hear(
            [
                Finding(each.replace("_", " "), "", state, "look" * (state == "fails"), "", NOON + second, 0)
                for each, state in shown.items()
            ]
        )
        told = judge.judge(NOON + second)
        return set() if told is None else set(told.components)

    everything = [each.replace(" ", "_") for each in known.trials]
    for second in range(20):
        told = go_on(second, **dict.fromkeys(everything, "works" if second < 8 else "fails"))
    assert told == {"storage"}
    for second in range(20, 32):  # repaired: what is tried rarely is seen to work later than the rest
        back = {f"use_{(second - 20) // 2}": "works"} if second % 2 == 0 else {}
        assert go_on(second, packs="works", **back) == {"storage"}


def test_diag_13_what_failed_long_before_is_named_beside_what_has_come_since():
    told = Told()
    told.go_on(5)
    told.go_on(20, a="read")
    told.go_on(20, a="read", disk="room", b="read")
    assert told.named == {"a", "disk"}
    at_once = Told()
    at_once.go_on(5)
    at_once.go_on(20, a="read", disk="room", b="read")
    assert at_once.named == {"disk"}


def test_after_a_repair_what_was_broken_all_along_is_told_next():
    told = Told()
    told.go_on(9, a="greeting", b="greeting")
    assert told.named == {"a", "b"}
    told.go_on(9, b="read", disk="room", a="read")
    assert told.named == {"disk"}
    fates = [each.fate for incident in told.incidents for each in incident.opinions]
    assert "mended" in fates


def test_an_accident_opens_nothing_and_names_nothing():
    told = Told()
    for n in range(20):
        told.go_on(7)
        told.go_on(1, **{NAMES[n % 2]: "greeting"})
    assert not len(told.incidents) and told.judge.told is None
