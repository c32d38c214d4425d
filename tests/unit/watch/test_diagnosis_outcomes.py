"""Which outcomes still say how it is."""

from __future__ import annotations

from holdfast.model.findings import Finding
from holdfast.watch.depends import Component, DependencyMap, Step, Trial
from holdfast.watch.diagnosis import Outcome
from holdfast.watch.diagnosis.outcomes import Outcomes
from unit.watch.small_service import MAP

PAGES = DependencyMap(
    [Component("a", "process"), Component("b", "process")],
    trials=[
        Trial("check/a", "", (Step("look", frozenset("a")),)),
        Trial("check/b", "", (Step("look", frozenset("b")),)),
        Trial("get/1", "imap", (Step("ask", frozenset("ab")),)),
        Trial("get/2", "imap", (Step("ask", frozenset("ab")),)),
    ],
)
MANY = DependencyMap(
    [Component("a", "process")],
    trials=[Trial(f"{n}", "", (Step("look", frozenset("a")),)) for n in range(60)],
)


def said(trial: str, at: float, step: str = "", words: str = "") -> Finding:
    function = PAGES.trials[trial].function
    return Finding(trial, function, "fails" if step else "works", step, words, at, 0.0)


def finding(trial: str, at: float, step: str = "") -> Finding:
    return Finding(trial, "", "fails" if step else "works", step, "", at, 0.0)


def test_diag_9_a_fault_that_spoils_a_part_begins_once_and_what_works_meanwhile_counts():
    outcomes = Outcomes(MAP)
    for second in range(60):  # half of the tries of one fail, of the other none
        outcomes.add([finding("sms", 1000.0 + second, "answer" if second // 2 % 2 else "")])
        outcomes.add([finding("dns", 1000.5 + second)])
    kept = outcomes.now(1060.0)
    assert sum(each.trial == "dns" for each in kept) >= 8


def test_diag_9_what_worked_before_a_fault_began_is_no_evidence_that_it_works():
    outcomes = Outcomes(MAP)
    for second in range(5):
        outcomes.add([finding("sms", 1000.0 + second), finding("dns", 1000.5 + second)])
    outcomes.add([finding("sms", 1006.0, "answer"), finding("sms", 1007.0, "answer")])
    assert [each.trial for each in outcomes.now(1008.0)] == ["sms", "sms"]


def test_diag_9_the_check_of_what_comes_and_goes_is_judged_by_all_of_it_not_by_its_last_luck():
    outcomes = Outcomes(MAP)
    shown = "FFWFFWW"  # of seven tries
    outcomes.add(finding("sms", 1000.0 + n, "answer" if one == "F" else "") for n, one in enumerate(shown))
    outcomes.add(finding("dns", 1000.0 + n, "ask") for n in range(7))
    assert sum(bool(each.failed) for each in outcomes.now(1007.0) if each.trial == "sms") == 4


def test_diag_9_who_meets_later_what_others_have_met_meets_no_newer_fault():
    outcomes = Outcomes(PAGES)
    for n in range(8):
        outcomes.add([said("check/a", 1000.0 + n, "look", "no")])
        outcomes.add([said("check/b", 1000.5 + n)])
        outcomes.add([said("get/1", 1000.2 + n, "ask", "41 wait")])
    outcomes.add([said("get/2", 1006.3, "ask", "44 wait"), said("get/2", 1007.3, "ask", "45 wait")])
    kept = outcomes.now(1008.0)
    assert sum(each.trial == "check/b" for each in kept) == 8


def test_diag_9_two_failures_in_a_row_begin_no_fault_where_trials_often_err():
    def kept(errs: int) -> list[Outcome]:
        outcomes = Outcomes(MANY)
        for trial in range(60):  # one error each, some time ago
            for n in range(8):
                failed = n == 3 and trial < errs
                outcomes.add(
                    [
                        Finding(
                            f"{trial}",
                            "",
                            "fails" if failed else "works",
                            "look" if failed else "",
                            "",
                            1000.0 + n,
                            0.0,
                        )
                    ]
                )
        outcomes.add(Finding("0", "", "fails", "look", "", 1008.0 + n, 0.0) for n in range(2))
        assert outcomes.erring is False
        found = outcomes.now(1010.0)
        assert outcomes.erring is bool(errs)
        return found

    assert len(kept(0)) == 2
    assert len(kept(40)) > 400


def test_diag_13_one_success_by_accident_doesnt_make_a_failure_a_newer_one():
    outcomes = Outcomes(MAP)
    shown = "WWWWFFFWFF"
    outcomes.add(finding("sms", 1000.0 + n, "answer" if one == "F" else "") for n, one in enumerate(shown))
    assert outcomes.now(1010.0)[-1].began == 1004.0


def test_diag_13_what_comes_and_goes_was_not_sound_before_its_last_failure():
    outcomes = Outcomes(MAP)
    shown = "WWWWFFWFWWWWF"
    outcomes.add(finding("sms", 1000.0 + n, "answer" if one == "F" else "") for n, one in enumerate(shown))
    assert outcomes.now(1013.0)[-1].sound == 1000.0


USES = DependencyMap(
    [Component("a", "process")],
    trials=[Trial(f"get/{n}", "imap", (Step("ask", frozenset("a")),)) for n in range(6)],
)


def uses(rounds: dict[int, str]) -> list[bool]:
    """What still counts of six uses after a round each second: whether it failed. ``rounds``: of each use
    what it shows, W or F by the second."""
    outcomes = Outcomes(USES)
    for second in range(max(map(len, rounds.values()))):
        for n, shown in rounds.items():
            if shown[second : second + 1] in ("W", "F"):
                fails = shown[second] == "F"
                step, words = ("ask", f"{second} wait") if fails else ("", "")
                state = "fails" if fails else "works"
                outcomes.add([Finding(f"get/{n}", "imap", state, step, words, 1000.0 + second + n / 10, 0.0)])
    return [bool(each.failed) for each in outcomes.now(1030.0)]


def test_diag_9_what_all_uses_met_and_none_meets_any_more_is_over_before_each_has_shown_it_for_long():
    assert uses(dict.fromkeys(range(6), "WWFFFFW")) == [False] * 6
    rarely = {**dict.fromkeys(range(5), "WWFFFFW"), 5: "WWFFFF"}
    assert uses(rarely) == [False] * 5  # what nobody tried since


def test_diag_9_what_some_still_meet_or_meet_again_and_again_is_not_over():
    assert any(uses({**dict.fromkeys(range(5), "WWFFFFWW"), 5: "WWFFFFFF"}))
    comes_and_goes = {n: "FWFWFWF" if n % 2 else "WFWFWFWW" for n in range(6)}
    assert sum(uses(comes_and_goes)) > 10
