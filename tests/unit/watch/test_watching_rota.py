"""What is tried when."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from holdfast.watch.rota import Pace, Rota

QUICK = Pace(2.0, 0.5, 2.0)
RARE = Pace(60.0, 5.0, 10.0)


def ran(
    rota: Rota, seconds: float, takes_s: float = 0.1, failing: tuple[str, ...] = ()
) -> dict[str, list[float]]:
    """Name → when it began, tenth of a second by tenth."""
    begun: dict[str, list[float]] = {}
    running: dict[str, float] = {}
    for tick in range(round(seconds * 10)):
        now = tick / 10
        for name, until in list(running.items()):
            if until <= now:
                del running[name]
                rota.ended(name, now, failing=name in failing)
        for name in rota.due(now):
            assert name not in running
            begun.setdefault(name, []).append(now)
            running[name] = now + takes_s
    return begun


def test_all_is_tried_soon_after_the_start_and_then_again_and_again_spread_over_time():
    rota = Rota({f"door-{n}": QUICK for n in range(20)} | {"canary": RARE}, 0.0, Random(1).random)
    begun = ran(rota, 600)
    assert max(each[0] for each in begun.values()) <= 3.0
    for name, pace in (("door-3", QUICK), ("canary", RARE)):
        pauses = [later - at for at, later in zip(begun[name], begun[name][1:])]
        assert 0.85 * pace.every_s <= min(pauses) and max(pauses) <= 1.1 * pace.every_s + 0.2
        assert len(set(pauses)) > 1
    at_once: dict[float, int] = {}
    for at in (at for each in begun.values() for at in each):
        at_once[at] = at_once.get(at, 0) + 1
    assert max(at_once.values()) <= 8


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.floats(0, 50)), max_size=20),
    st.floats(0.05, 20),
    st.integers(0, 99),
)
def test_watch_7_nothing_runs_twice_at_once_and_nothing_comes_too_often(asked, takes_s, seed):
    rota = Rota({"a": QUICK, "b": RARE}, 0.0, Random(seed).random)
    running: dict[str, float] = {}
    began: dict[str, float] = {}
    for tick in range(500):
        now = tick / 10
        rota.hasten([name for name, at in asked if at <= now < at + 0.1], now)
        for name, until in list(running.items()):
            if until <= now:
                del running[name]
                rota.ended(name, now, failing=False)
        for name in rota.due(now):
            assert name not in running
            assert now - began.get(name, -99.0) >= (QUICK if name == "a" else RARE).least_s - 1e-9
            began[name], running[name] = now, now + takes_s
    assert set(began) == {"a", "b"}


def test_watch_7_what_hangs_delays_nothing_else():
    rota = Rota({"hangs": QUICK, "door": QUICK}, 0.0, Random(1).random)
    assert sorted(rota.due(3.0)) == ["door", "hangs"]
    rota.ended("door", 3.1, failing=False)
    for second in range(6, 200, 3):
        assert rota.due(float(second)) == ["door"]
        rota.ended("door", second + 0.1, failing=False)


def test_what_is_asked_for_comes_at_once_and_when_it_runs_already_once_more_afterwards():
    rota = Rota({"canary": RARE}, 0.0, lambda: 0.5)
    assert rota.due(2.0) == ["canary"]
    rota.hasten(["canary", "nobody's"], 2.5)
    assert rota.due(2.6) == []
    rota.ended("canary", 4.0, failing=False)
    assert rota.due(6.9) == [] and rota.due(7.0) == ["canary"]
    rota.ended("canary", 8.0, failing=False)
    assert rota.due(40.0) == []
    rota.hasten(["canary"], 40.0)
    assert rota.due(40.0) == ["canary"]


def test_what_begins_to_fail_and_what_works_again_is_tried_once_more_at_once():
    rota = Rota({"canary": RARE}, 0.0, lambda: 0.5)
    [_] = rota.due(2.0)
    rota.ended("canary", 3.0, failing=True)
    assert rota.next_due() == 7.0
    [_] = rota.due(7.0)
    rota.ended("canary", 8.0, failing=True)
    assert rota.next_due() == 17.0
    [_] = rota.due(17.0)
    rota.ended("canary", 18.0, failing=False)
    assert rota.next_due() == 22.0
    [_] = rota.due(22.0)
    rota.ended("canary", 23.0, failing=False)
    assert rota.next_due() == 82.0


def test_a_first_failure_is_made_sure_of_sooner_than_it_may_be_asked_for():
    rota = Rota({"canary": RARE._replace(sure_s=1.0)}, 0.0, lambda: 0.5)
    [_] = rota.due(2.0)
    rota.hasten(["canary"], 2.0)
    rota.ended("canary", 2.1, failing=True)
    assert rota.next_due() == 3.0
    [_] = rota.due(3.0)
    rota.hasten(["canary"], 3.0)
    rota.ended("canary", 3.1, failing=True)
    assert rota.next_due() == 8.0, "it is sure now"
    [_] = rota.due(8.0)
    rota.ended("canary", 9.0, failing=False)
    assert rota.next_due() == 13.0


def test_what_has_failed_for_long_comes_no_more_often_than_ever_however_much_it_is_asked_for():
    """What is sent elsewhere piles up there, or here."""
    rota = Rota({"out": RARE._replace(hasty_s=20.0)}, 0.0, lambda: 0.5)
    began = []
    for tenth in range(2000):
        now = tenth / 10
        rota.hasten(["out"], now)
        for name in rota.due(now):
            began.append(now)
            rota.ended(name, now, failing=True)
    assert len([each for each in began if each <= 20.0]) > 3
    late = [each for each in began if each > 30.0]
    assert late and all(b - a >= RARE.every_s for a, b in pairwise(late))
    rota.ended("out", 200.0, failing=False)
    assert rota.next_due() == max(200.0, began[-1] + RARE.least_s)
