"""Estimates: intervals that hold what they promise, over hundreds of repairs of several kinds."""

from __future__ import annotations

from random import Random

import pytest

from holdfast.care.estimate import LEAST, Estimate, NotYet, Progress, Repair, estimate, score


def simulated(random: Random, kind: str, began_at: float) -> Repair:
    """Work at a pace that differs and wanders, with a wait before and after."""
    pace = {"rebuild": 2.0, "restore": 1.0, "partner": 0.5}[kind] * random.lognormvariate(0, 0.5)
    at = began_at + random.expovariate(1 / 60)
    done, samples = 0.0, [Progress(at, 0.0, 100.0)]
    while done < 100.0:
        at += 60.0
        if random.random() > 0.05:  # now and then nothing moves
            done = min(100.0, done + pace * random.lognormvariate(0, 0.6))
        pace *= random.lognormvariate(0, 0.02)
        samples.append(Progress(at, done, 100.0))
    return Repair(kind, began_at, at + random.expovariate(1 / 30), tuple(samples))


def repairs(count: int, seed: int) -> list[Repair]:
    random = Random(seed)
    return [
        simulated(random, random.choice(["rebuild", "restore", "partner"]), 10_000.0 * n)
        for n in range(count)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.15, 0.5, 0.85])
def test_estimate_1_four_in_five_end_within_their_interval(share):
    """Each is estimated from the ones before it alone, as it would have been on the day."""
    outcomes = []
    for seed in range(4):
        done: list[Repair] = []
        for repair in repairs(120, seed):
            sample = next(each for each in repair.progress if each.done / each.total >= share)
            seen = [each for each in repair.progress if each.at <= sample.at]
            said = estimate(repair.kind, repair.began_at, sample.at, seen, done)
            if isinstance(said, Estimate) and len(done) >= 40:
                outcomes.append(score(said, repair.ended_at).outcome)
            done.append(repair)
    assert len(outcomes) >= 200
    within = outcomes.count("within") / len(outcomes)
    assert 0.75 <= within <= 0.85
    assert outcomes.count("late") / len(outcomes) <= 0.15


def test_the_more_is_done_the_narrower_it_gets():
    past = repairs(60, 1)
    repair = simulated(Random(5), "rebuild", 1e6)
    widths = []
    for share in (0.1, 0.5, 0.9):
        sample = next(each for each in repair.progress if each.done / each.total >= share)
        seen = [each for each in repair.progress if each.at <= sample.at]
        said = estimate("rebuild", repair.began_at, sample.at, seen, past)
        assert isinstance(said, Estimate) and said.basis == "progress"
        assert said.low <= said.likely <= said.high
        widths.append(said.high - said.low)
    assert widths == sorted(widths, reverse=True)


def test_estimate_2_with_too_few_earlier_ones_the_reason_is_said():
    past = repairs(LEAST - 1, 2)
    said = estimate("rebuild", 0.0, 30.0, [], past)
    assert isinstance(said, NotYet)
    assert (said.reason, said.needed) == ("estimate.too_few", LEAST)


def test_estimate_2_what_lasts_longer_than_any_before_is_not_estimated():
    past = [Repair("partner", 0.0, 3600.0 + n) for n in range(20)]
    said = estimate("partner", 0.0, 9000.0, [], past)
    assert isinstance(said, NotYet) and said.reason == "estimate.longer_than_ever"


def test_estimate_3_its_own_kind_counts_where_there_is_enough_of_it():
    quick = [Repair("restart", 0.0, 10.0 + n) for n in range(LEAST)]
    slow = [Repair("partner", 0.0, 5000.0 + n) for n in range(LEAST)]
    said = estimate("restart", 0.0, 1.0, [], [*quick, *slow])
    assert isinstance(said, Estimate) and said.high < 20.0 and said.among == LEAST
    unheard_of = estimate("flood", 0.0, 1.0, [], [*quick, *slow])
    assert isinstance(unheard_of, Estimate) and unheard_of.high > 5000.0


def test_what_stands_still_is_put_off_further_and_further():
    past = repairs(60, 3)
    progress = [Progress(0.0, 0.0, 100.0), Progress(100.0, 50.0, 100.0)]
    ends = []
    for now in (100.0, 300.0, 900.0):
        said = estimate("rebuild", 0.0, now, progress, past)
        assert isinstance(said, Estimate)
        ends.append(said.likely)
    assert ends == sorted(ends)


def test_estimate_4_an_estimate_is_scored_by_the_end():
    said = Estimate(10.0, 20.0, 30.0, "past", 20, 0.0)
    assert [score(said, end).outcome for end in (5.0, 10.0, 30.0, 31.0)] == [
        "early",
        "within",
        "within",
        "late",
    ]
