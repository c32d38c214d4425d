"""Drills in virtual time: the provider behaves by itself, and the real judge over what it shows."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from holdfast.sim.drills.catalogue import catalogue
from holdfast.sim.drills.simulated import known, rows, trying, visits
from holdfast.sim.drills.simulated import provider as p
from holdfast.sim.drills.simulated.play import drill, provider_map, whom
from holdfast.sim.drills.simulated.unlisted import judged
from holdfast.sim.seed import stream
from holdfast.watch.components import PARTS
from holdfast.watch.diagnosis import Outcome, diagnose, gather

# What is at fault in these is seen only as time goes on: they are played, below.
_IN_TIME = {"F34", "F39", "F44", "F46", "F47", "F50"}
_TRIES = trying.tries()


def shown(faults: tuple[p.Fault, ...], at: float, seed: int, wrong: float = 0.0) -> list[Outcome]:
    """What eight rounds of all trials show, with the parts as they are then."""
    there, random = p.Conditions(faults).at(at), stream(seed, "shown")
    found = []
    for second in range(8):
        for one in _TRIES.values():
            finding = trying.show(one, there, random, 1000.0 + second)
            if wrong and random.random() < wrong:
                finding = trying.wrongly(one, finding, random)
            found.append(Outcome(finding.trial, finding.at, finding.step, said=finding.said))
    return found


def named(outcomes: list[Outcome], without: tuple[str, ...] = ()) -> set[str]:
    map = known.dependency_map([each.trial for each in _TRIES.values()], without)
    there = [each for each in outcomes if each.trial in map.trials]
    return {each.component for each in diagnose(map, gather(map, there)).causes}


def test_while_all_parts_are_well_every_trial_works():
    random = stream(1, "well")
    assert {trying.show(one, {}, random, 0.0).state for one in _TRIES.values()} == {"works"}


def test_every_row_of_the_catalogue_is_done_to_parts_that_the_map_has():
    map, _ = provider_map()
    assert list(rows.ROWS) == [each.id for each in catalogue().values() if "simulated" in each.on]
    for id in rows.ROWS:
        row = rows.row(id, stream(1, "row"))
        assert {each.part for each in row.faults} <= map.components.keys()


_ALL = frozenset(map(p.cell, range(p.CELLS)))


@pytest.mark.parametrize(
    ("id", "hit"),
    [
        ("F15", ("password", "signup")),  # taken, and done later
        ("F22", ("send",)),  # mail to elsewhere waits
        ("F37", ("imap", "pop3", "webmail")),  # what only the copies still have
        ("F52", ()),  # mail is read all the same, and contacts too
        ("F36", ()),
    ],
)
def test_who_is_refused_or_made_to_wait_is_hit_and_who_is_only_served_worse_is_not(id, hit):
    assert {each: those for each, those in whom(rows.row(id, stream(1, "row"))).items() if those} == (
        dict.fromkeys(hit, _ALL)
    )


def test_who_was_hit_early_was_hit_though_it_is_over_by_the_end():
    cells = frozenset({"cell-00", "cell-01"})  # of the machine that had no power for a while
    found = whom(rows.row("F50", stream(1, "row")))
    assert {each: those for each, those in found.items() if those} == (
        dict.fromkeys(("receive", "imap", "pop3", "webmail"), cells)
    )


def test_a_mailbox_that_can_only_be_read_is_hit_in_the_webmail_too():
    found = whom(rows.row("F14", stream(1, "row")))
    assert found["webmail"] == found["imap"] != _ALL


@pytest.mark.slow
@pytest.mark.parametrize("id", sorted(rows.ROWS.keys() - _IN_TIME))
def test_what_the_provider_shows_names_what_is_at_fault_in_it(id):
    row = rows.row(id, stream(3, "row"))
    assert named(shown(row.faults, row.lasts_s - 1.0, 3)) == set(row.causes)


@pytest.mark.slow
def test_with_one_in_twenty_trials_wrong_hardly_anything_that_is_well_is_named():
    right = wrong = 0
    ids = ("F05", "F11", "F15", "F16", "F20", "F23", "F24", "F37", "F38", "F45")
    for id in ids:
        row = rows.row(id, stream(4, "row"))
        said = named(shown(row.faults, row.lasts_s - 1.0, 4, wrong=0.05))
        right += said == set(row.causes)
        wrong += bool(said - set(row.causes))
    assert right >= 0.9 * len(ids)
    assert not wrong


@pytest.mark.slow
def test_a_chain_is_named_among_trials_that_err_and_nothing_beside_it():
    """The likeliest pair was never weighed: what errs explained more, one by one."""
    card = drill("F29", 0, "noise").card
    assert (card.verdict, card.wrong) == ("right", ())


@pytest.mark.slow
@pytest.mark.parametrize("part", ["sequence/accounts", "path/dc", "zone/mx"])
def test_diag_6_a_part_that_the_map_lacks_is_never_blamed_on_one_that_it_has(part):
    fault = p.Fault(part, p.Condition("fails"))
    assert named(shown((fault,), 1.0, 5), without=(part,)) == set()


@pytest.mark.slow
@pytest.mark.parametrize("id", ["F05", "F25", "F27", "F29", "F44"])
def test_a_drill_in_virtual_time_is_detected_named_and_told_of(id):
    card = drill(id, 2).card
    assert card.verdict == "right" and not card.wrong
    assert card.detected_after_s is not None and card.detected_after_s <= 5.0
    assert card.named_after_s is not None and card.named_after_s <= 30.0
    assert card.noticed_after_s is not None and card.noticed_after_s <= 60.0
    assert card.affected in ("", "exact", "bounded")


@pytest.mark.slow
def test_each_link_of_a_chain_is_named_though_the_last_would_explain_one_before():
    assert drill("F46", 2).card.named == ("key/objects", "spool/uploads", "volume/v1")


def test_whoever_waits_for_what_is_silent_gives_up_as_in_a_real_service():
    silent = p.Conditions([p.Fault("balancing/check", p.Condition("silent"))]).at(1.0)
    took_s = {
        id: trying.show(_TRIES[id], silent, stream(1, "silent"), 0.0).took_s
        for id in ("imap/door@east", "check/process/imap-1", "imap/cell-00")
    }
    assert took_s == {"imap/door@east": 2.0, "check/process/imap-1": 0.0, "imap/cell-00": 3.0}


def anew(part: str) -> Mapping[str, p.Now]:
    return p.Conditions([p.Fault(part, p.Condition("anew"))]).at(0.1)


def test_run_1_who_comes_while_a_door_is_started_anew_waits_and_is_not_refused():
    random = stream(1, "anew")
    shown = [trying.show(_TRIES["imap/door@east"], anew("process/imap-1"), random, 0.0) for _ in range(20)]
    assert {each.state for each in shown} == {"works"}
    assert {each.took_s for each in shown} == {0.0, visits.ANEW_S}  # the other process takes its half


def test_what_is_in_work_while_a_store_is_started_anew_is_cut_and_its_check_knows_why():
    random, parts = stream(1, "anew"), anew("process/store-1")
    assert trying.show(_TRIES["imap/cell-00"], parts, random, 0.0).step == "APPEND"
    found = trying.show(_TRIES["check/process/store-1"], parts, random, 0.0)
    assert (found.state, found.said) == ("unknown", "process/store-1 is started anew, try again")


@pytest.mark.slow
def test_a_fault_while_a_release_rolls_is_named_with_the_release_beside_it_and_nothing_else():
    found = drill("F15", 2, "rolling")
    assert (found.card.verdict, found.card.named) == ("right", ("db/credentials",))
    [cause] = next(each for each in found.incidents).opinion.report.causes
    assert cause.change.what == "release"


def test_components_are_looked_at_as_often_as_the_real_checks_do():
    every_s = {each.trial.id: each.every_s for each in _TRIES.values() if each.sort == "check"}
    assert every_s["check/volume/v1"] == PARTS["disks"] and every_s["check/cell-00/index"] == PARTS["files"]
    assert (
        every_s["check/clock/auth-1"] == PARTS["clock"] and every_s["check/load/sign-in"] == PARTS["speeds"]
    )


def test_the_check_of_a_queue_sees_it_whoever_is_hit_by_it():
    load = p.Conditions([p.Fault("load/sign-in", p.Condition("slow", 0.6, "5,000 wait"))]).at(1.0)
    random = stream(1, "load")
    found = [trying.show(_TRIES["check/load/sign-in"], load, random, 0.0) for _ in range(20)]
    assert {(each.state, each.said) for each in found} == {("degraded", "5,000 wait")}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "least"), [("single", 0.95), ("pair", 0.9), ("chain", 0.9), ("unmapped", 1.0)]
)
def test_faults_that_nobody_listed_on_maps_that_nobody_drew(kind, least):
    found = [judged(kind, seed) for seed in range(40)]
    assert sum(each.right for each in found) >= least * len(found)
    assert not any(each.wrong for each in found)
