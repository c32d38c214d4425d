"""Diagnosis: the cause from what was tried, and no cause where the trials can't tell."""

from __future__ import annotations

import itertools
from collections import Counter
from random import Random

import pytest

from holdfast.watch.depends import Component, DependencyMap, Edge, Step, Trial
from holdfast.watch.diagnosis import Outcome, Verdict, diagnose, gather
from holdfast.watch.diagnosis.inference import NOISES, Hypothesis, _Weighing, deciding
from unit.watch.small_service import ALIKE, MAP, outcomes


def found(known: DependencyMap, shown: list[Outcome]) -> set[str]:
    return {cause.component for cause in diagnose(known, gather(known, shown)).causes}


def test_nothing_failed_is_well():
    assert diagnose(MAP, gather(MAP, outcomes(MAP, {}))).verdict is Verdict.WELL


@pytest.mark.parametrize(
    "component",
    [each for each in MAP.components if each not in ALIKE],
)
def test_diag_2_a_single_fault_is_named_exactly(component):
    assert found(MAP, outcomes(MAP, {component: 1.0})) == {component}


def test_diag_5_what_no_trial_tells_apart_is_undecided_and_nothing_is_named():
    said = diagnose(MAP, gather(MAP, outcomes(MAP, {"controller": 1.0})))
    assert said.verdict is Verdict.UNDECIDED
    assert {frozenset({"controller"}), frozenset({"disk/data"})} <= {
        each.components for each in said.runners_up
    }
    assert said.deciding == "" and said.causes == ()


def test_diag_5_the_trial_that_would_tell_is_named():
    one, other = Component("a", "process"), Component("b", "process")
    trials = [
        Trial("both", "", (Step("go", frozenset({"a", "b"})),)),
        Trial("alone", "", (Step("go", frozenset({"b"})),)),
    ]
    known = DependencyMap([one, other], trials=trials)
    shown = [Outcome("both", float(n), "go") for n in range(4)]
    said = diagnose(known, gather(known, shown))
    assert said.verdict is Verdict.UNDECIDED and said.deciding == "alone"
    told = [*shown, *(Outcome("alone", 9.0 + n) for n in range(2))]
    assert found(known, told) == {"a"}


def test_diag_6_trials_that_err_here_and_there_are_no_cause_outside_of_the_map():
    """That their steps have a name in common says nothing, where most of these go well."""
    parts = [f"process/{number}" for number in range(150)]
    look = [Trial(f"check/{each}", "", (Step("look", frozenset({each})),)) for each in parts]
    known = DependencyMap([Component(each, "process") for each in parts], trials=look)
    shown = [
        Outcome(trial.id, float(second), "look" if second in (2, 5, 8) and place < 6 else "")
        for second in range(10)
        for place, trial in enumerate(look)
        if place >= 3
    ]
    shown += [Outcome(trial.id, 8.0 + again, "look") for again in range(2) for trial in look[:3]]
    assert diagnose(known, gather(known, shown)).verdict is not Verdict.OUTSIDE


def test_diag_2_each_explanation_is_weighed_once():
    """One that was come to in two ways would seem twice as likely."""
    shown = outcomes(MAP, dict.fromkeys(("partner/keys", "spool", "disk/v1"), 1.0), rounds=9)
    weighed = [frozenset(each.members) for each in _Weighing(MAP, gather(MAP, shown)).all()]
    assert max(map(len, weighed)) > 2
    assert max(Counter(weighed).values()) <= len(NOISES)


def test_diag_3_a_chain_is_told_in_its_order_and_from_its_cause():
    since = {"partner/keys": 0.0, "spool": 2.0, "disk/v1": 5.0}
    shown = outcomes(MAP, dict.fromkeys(since, 1.0), rounds=9, since=since)
    said = diagnose(MAP, gather(MAP, shown))
    assert [cause.component for cause in said.causes] == ["partner/keys", "spool", "disk/v1"]
    assert [cause.after for cause in said.causes] == ["", "partner/keys", "partner/keys"]
    assert [cause.since for cause in said.causes] == [1000.0, 1002.0, 1005.0]
    assert [cause.rate for cause in said.causes] == [1.0, 1.0, 1.0]


def test_diag_4_what_was_passed_through_and_works_is_ruled_out_with_its_evidence():
    said = diagnose(MAP, gather(MAP, outcomes(MAP, {"cell-03/index": 1.0})))
    assert said.ruled_out["disk/v1"].trial in MAP.trials
    assert "cell-03/index" not in said.ruled_out
    assert all(each.failed for each in said.explained) and said.against == ()


def test_the_way_from_what_failed_to_the_cause_is_shown():
    said = diagnose(MAP, gather(MAP, outcomes(MAP, {"disk/v1": 1.0})))
    assert said.causes[0].path == ("cell-00/index", "disk/v1")


def test_diag_6_a_cause_that_the_map_lacks_is_not_pressed_into_it():
    shown = []
    for time in range(6):
        for trial in MAP.trials.values():
            bad = trial.id in ("imap/3", "deliver/9", "sms", "dns", "password")
            shown.append(Outcome(trial.id, float(time), trial.steps[-1].name if bad else ""))
    assert diagnose(MAP, gather(MAP, shown)).verdict is not Verdict.NAMED


def test_diag_1_what_could_not_be_decided_is_no_evidence():
    shown = [Outcome(trial.id, 0.0, "", reached=0) for trial in MAP.trials.values()]
    assert gather(MAP, shown) == []
    assert diagnose(MAP, []).verdict is Verdict.WELL


def test_a_fault_that_spoils_a_part_of_what_passes_is_named_with_its_share():
    shown = outcomes(MAP, {"process/imap": 0.4}, rounds=12)
    said = diagnose(MAP, gather(MAP, shown))
    assert [(cause.component, cause.rate) for cause in said.causes] == [("process/imap", 0.4)]


def test_what_remains_after_a_repair_is_diagnosed_anew():
    both = outcomes(MAP, {"process/imap": 1.0, "cell-03/index": 1.0})
    assert "process/imap" in found(MAP, both)
    after = outcomes(MAP, {"cell-03/index": 1.0})
    assert found(MAP, after) == {"cell-03/index"}


# Many faults, with trials that err

DISTINCT = [each for each in MAP.components if each not in ALIKE]


def judged(pairs: bool, noise: float, runs: int) -> tuple[int, int]:
    """How many runs named exactly what was at fault, and how many named something else."""
    right = wrong = 0
    for seed in range(runs):
        random = Random(seed)
        truth = set(random.sample(DISTINCT, 2 if pairs else 1))
        visible = {each for each in truth if not _hidden(each, truth)}
        shown = outcomes(MAP, dict.fromkeys(truth, 1.0), rounds=8, noise=noise, random=random)
        named = found(MAP, shown)
        right += named in (truth, visible)
        wrong += bool(named) and named not in (truth, visible)
    return right, wrong


def _hidden(component: str, truth: set[str]) -> bool:
    """Whether another fault stops each trial before it: it can't be seen until that is mended."""
    for trial in MAP.trials.values():
        for step in trial.steps:
            under = MAP.under(step.uses)
            if component in under and not under & (truth - {component}):
                return False
            if under & (truth - {component}):
                break
    return True


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pairs", "noise", "least"),
    [(False, 0.0, 0.98), (False, 0.05, 0.95), (True, 0.0, 0.9), (True, 0.05, 0.9)],
)
def test_diag_2_causes_are_named_exactly_and_hardly_ever_wrongly(pairs, noise, least):
    runs = 40
    right, wrong = judged(pairs, noise, runs)
    assert right >= least * runs and wrong <= 0.01 * runs


def test_every_pair_of_components_is_in_the_map_or_refused():
    with pytest.raises(ValueError, match="not in the map: ghost"):
        DependencyMap([Component("a", "process")], [Edge("a", "ghost", "")])
    for one, other in itertools.pairwise(MAP.components):
        assert isinstance(MAP.may_break(one, other), bool)


def one_sided() -> DependencyMap:
    door = Trial(
        "door", "imap", (Step("greeting", frozenset({"process"})), Step("look", frozenset({"index"})))
    )
    file = Trial("file", "", (Step("whole", frozenset({"index"})),), proves=False)
    return DependencyMap((Component("process", "process"), Component("index", "index")), trials=(door, file))


def test_diag_8_a_check_that_cant_see_every_fault_counts_once_where_it_goes_well():
    known = one_sided()
    fails = [Outcome("door", 1000.0 + time, "look") for time in range(8)]
    whole = [Outcome("file", 1000.0 + time) for time in range(400)]
    said = diagnose(known, gather(known, [*fails, *whole]))
    assert [each.component for each in said.causes] == ["index"], "it is at fault in a way that no file shows"
    assert not said.ruled_out or "file" not in {each.trial for each in said.ruled_out.values()}
    broken = [Outcome("file", 1000.0 + time, "whole") for time in range(4)]
    [evidence] = gather(known, [whole[0], *broken])
    assert (evidence.tried, evidence.failed) == (4, 4)
    [evidence] = gather(known, [*broken, Outcome("file", 1005.0)])
    assert (evidence.tried, evidence.failed) == (1, 0), "going well takes back what it said"


def test_diag_5_what_comes_by_itself_decides_nothing_by_being_waited_for():
    known = one_sided()
    real = [Trial(each.id, each.function, each.steps, at_will=False) for each in known.trials.values()]
    rivals = [Hypothesis(frozenset({each}), 0.5) for each in ("process", "index")]
    assert deciding(known, rivals) == "file"
    assert deciding(DependencyMap(known.components.values(), trials=real), rivals) == ""


def disk_and_two_servers() -> DependencyMap:
    """Reading and writing by one of two servers, on a disk that is checked, as the servers are."""

    def step(name: str, *uses: str, one_of: tuple[str, ...] = ()) -> Step:
        return Step(name, frozenset(uses), (frozenset(one_of),) if one_of else ())

    servers = ("server/1", "server/2")
    mailbox = (step("connect", one_of=servers), step("read", "index", "disk"), step("write", "disk", "store"))
    ids = (*servers, "index", "disk", "store")
    checks = [Trial(f"check/{each}", "", (step("look", each),)) for each in ids]
    return DependencyMap(
        (Component(each, each) for each in ids), trials=[Trial("imap", "imap", mailbox), *checks]
    )


def shown(failing: dict[str, str]) -> list[Outcome]:
    known = disk_and_two_servers()
    return [
        Outcome(id, 1000.0 + time, failing.get(id, "")) for time in range(6) for id in sorted(known.trials)
    ]


def test_diag_11_a_disk_that_cant_be_written_is_named_though_it_is_read():
    known = disk_and_two_servers()
    assert found(known, shown({"imap": "write", "check/disk": "look"})) == {"disk"}
    assert found(known, shown({"check/disk": "look"})) == {"disk"}, "before any use has met it"


def test_diag_12_one_of_several_is_named_though_another_has_taken_over():
    known = disk_and_two_servers()
    assert found(known, shown({"check/server/1": "look"})) == {"server/1"}
    both = shown({"check/server/1": "look", "check/server/2": "look", "imap": "connect"})
    assert found(known, both) == {"server/1", "server/2"}
    half = [
        each._replace(failed="connect") if each.trial == "imap" and each.at % 2 else each
        for each in shown({"check/server/1": "look"})
    ]
    assert found(known, half) == {"server/1"}


def test_diag_3_of_two_that_may_break_each_other_not_both_have_followed():
    """Else a circle of them would be likelier than any one fault, though nothing shows the other."""
    both = frozenset({"queue", "relay"})
    known = DependencyMap(
        [Component("queue", "ledger"), Component("relay", "process")],
        breaks=[Edge("queue", "relay", "it doesn't begin"), Edge("relay", "queue", "mail piles up")],
        trials=[
            Trial("relay", "", (Step("runs", frozenset({"relay"})),)),
            Trial("out", "send", (Step("back", both),)),
        ],
    )
    steps = {"relay": "runs", "out": "back"}
    shown = [Outcome(trial, 1000.0 + time, step) for time in range(4) for trial, step in steps.items()]
    assert found(known, shown) == {"relay"}


def test_diag_11_a_wide_cause_is_judged_by_what_a_narrow_one_beside_it_leaves_open():
    """A shelf and the map of all volumes: half of what needs the map fails by the shelf, and the map's own
    check fails as well."""
    volumes = [f"volume/{n}" for n in range(4)]
    parts = [*volumes, "shelf", "map"]
    needs = [Edge(each, "map", "by leave of") for each in volumes]
    needs += [Edge(each, "shelf", "part of") for each in volumes[:2]]
    trials = [Trial(f"check/{each}", "", (Step("look", frozenset({each})),)) for each in parts]
    trials += [
        Trial(f"{use}/{each}", "imap", (Step(use, frozenset({each})),))
        for use in ("read", "write")
        for each in volumes
    ]
    known = DependencyMap(
        [Component(each, each.partition("/")[0]) for each in parts],
        needs,
        [Edge("shelf", "map", "fences")],
        trials,
    )
    ill = {"volume/0", "volume/1", "shelf", "map"}
    shown = [
        Outcome(each.id, 10.0 * n, each.steps[0].name if each.id.partition("/")[2] in ill else "")
        for n in range(8)
        for each in trials
    ]
    assert found(known, shown) == {"shelf", "map"}


def test_what_only_an_accident_reached_counts_once():
    """A trial that erred and called all of it well says nothing of the steps that nobody else reached."""
    known = DependencyMap(
        [Component("store", "disk"), Component("page", "process")],
        trials=[
            Trial("read", "imap", (Step("page", frozenset({"page"})), Step("body", frozenset({"store"}))))
        ],
    )
    shown = [Outcome("read", float(n), "" if n == 4 else "page") for n in range(9)]
    assert [each.step for each in gather(known, shown)] == ["page"]
