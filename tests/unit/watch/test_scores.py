"""Change scores: what is slow is found within a minute, and a calm month raises no alarm."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.model.limits import SLOW_KNOWN, SLOW_ROUNDS, SLOW_USUAL
from holdfast.sim.weather import DAY, calm
from holdfast.watch.counting import Told
from holdfast.watch.scores import Series, full_in_s, quantile
from holdfast.watch.speeds import Speeds
from holdfast.watch.words import FAST_S


def known(seed: int = 1, rounds: int = 2000) -> Series:
    series = Series()
    for each in calm(Random(seed), rounds):
        series.add(each)
    return series


@pytest.mark.slow
def test_a_calm_month_raises_no_alarm():
    series = Series()
    alarms = 0
    for each in calm(Random(7), 30 * DAY, lasts=0.9):
        series.add(each)
        alarms += series.slow
    assert alarms == 0


@pytest.mark.parametrize("seed", range(10))
def test_ten_times_as_slow_is_found_within_a_minute_and_over_as_soon_as_it_is_over(seed):
    series = Series()
    values = list(calm(Random(seed), 2006))
    for each in values[:2000]:
        series.add(each)
    assert not series.slow
    found = []
    for each in values[2000:]:
        series.add(each * 10)
        found.append(series.slow)
    assert any(found), "within six rounds of ten seconds"
    series.add(series.usual or 0.0)
    assert not series.slow


def test_score_1_a_few_slow_values_and_a_little_slower_ones_are_nothing():
    series = known()
    for _ in range(SLOW_ROUNDS - 1):
        series.add(10.0)
    assert not series.slow
    series = known()
    for _ in range(200):
        series.add((series.usual or 0.0) * 3)
        assert not series.slow


def test_score_1_what_nobody_notices_isnt_slow_however_unusual():
    series = Series()
    for _ in range(SLOW_KNOWN + SLOW_ROUNDS):
        series.add(0.0005)
    for _ in range(SLOW_ROUNDS):
        series.add(0.02)
    assert series.score > 4 and not series.slow


def test_score_2_nothing_is_unusual_where_little_is_known():
    series = Series()
    for _ in range(SLOW_KNOWN // 2):
        series.add(0.01)
    for _ in range(SLOW_ROUNDS):
        series.add(100.0)
    assert series.usual is None and series.score == 0 and not series.slow


@pytest.mark.slow
def test_score_3_what_lasts_is_slow_for_a_day_and_then_it_is_usual():
    series = known()
    for _ in range(SLOW_USUAL + 2 * SLOW_ROUNDS + SLOW_KNOWN):
        series.add(2.0)
        if _ == SLOW_USUAL // 2:
            assert series.slow and (series.usual or 0) < 0.2
    assert not series.slow and series.usual == pytest.approx(2.0)


def test_the_less_usual_has_the_higher_score():
    one, other = known(), known()
    for _ in range(SLOW_ROUNDS):
        one.add(1.0)
        other.add(3.0)
    assert other.score > one.score > 4


@pytest.mark.slow
@given(st.lists(st.integers(0, 1000), min_size=15, max_size=15), st.floats(0, 1))
def test_a_quantile_lies_within_the_bounds_of_its_bucket(counts, share):
    found = quantile(FAST_S, counts, share)
    assert 0 <= found <= FAST_S[-1]
    if sum(counts):
        below = sum(count for bound, count in zip(FAST_S, counts) if bound <= found)
        assert below <= share * sum(counts) + 1e-6 * sum(counts) or found == FAST_S[-1]
    else:
        assert found == 0


# disks


def test_a_disk_that_fills_steadily_is_full_when_it_will_be():
    samples = [(time * 10.0, 1e9 - time * 1e6) for time in range(60)]
    assert full_in_s(samples) == pytest.approx(samples[-1][1] / 1e5)


@pytest.mark.parametrize(
    "free",
    [
        [1e9] * 60,
        [1e9 - (time > 30) * 5e8 for time in range(31)] + [5e8] * 60,  # a burst that is over
        [1e9 + time for time in range(60)],
        [],
        [1e9],
    ],
)
def test_what_is_no_trend_is_none(free):
    assert full_in_s([(time * 10.0, each) for time, each in enumerate(free)]) is None


# what processes count


def counted(commits: dict[float, int], answers: dict[float, int]) -> list[Told]:
    def histogram(counts: dict[float, int]) -> list[float]:
        return [*(float(counts.get(each, 0)) for each in FAST_S), 0.0, 0.0]

    return [
        Told("holdfast_commit_seconds", [(("mx-0",), histogram(commits))]),
        Told("holdfast_imap_command_seconds", [(("FETCH",), histogram(answers)), (("IDLE",), [9e9] * 16)]),
    ]


def rounds(speeds: Speeds, slow: dict[str, float], number: int) -> list[dict[str, object]]:
    """``number`` rounds in which ten of each were counted, as slow as that."""
    found = []
    for _ in range(number):
        for step in ("commits", "answers"):
            at = slow.get(step, 0.005)
            COUNTS[step][at] = COUNTS[step].get(at, 0) + 10
        found.append(speeds.findings({"imap-0": counted(COUNTS["commits"], COUNTS["answers"]), "mx-0": None}))
    return found


COUNTS: dict[str, dict[float, int]] = {}


@pytest.fixture
def speeds() -> Speeds:
    COUNTS.clear()
    COUNTS.update(commits={}, answers={})
    found = Speeds()
    assert not any(rounds(found, {}, 2 * SLOW_KNOWN))
    return found


def test_a_slow_commit_is_said_before_the_slow_answers_that_follow_from_it_and_when_it_is_over(speeds):
    said = rounds(speeds, {"commits": 2.5, "answers": 2.5}, 5)
    assert said[-1]["imap-0"].step == "commits" and "times what is usual" in said[-1]["imap-0"].text
    over = rounds(speeds, {}, 2)
    assert over[0]["imap-0"].state == "works" and over[1] == {}


def test_slow_answers_alone_are_the_process_and_silence_afterwards_is_unknown(speeds):
    assert rounds(speeds, {"answers": 0.5}, 5)[-1]["imap-0"].step == "answers"
    assert (
        speeds.findings({"imap-0": counted(COUNTS["commits"], COUNTS["answers"])})["imap-0"].state
        == "unknown"
    )


def test_a_process_that_began_anew_is_compared_with_what_it_was(speeds):
    COUNTS.update(commits={}, answers={})
    assert not any(rounds(speeds, {}, 3))
    assert "imap-0" in rounds(speeds, {"answers": 1.0}, 5)[-1]
