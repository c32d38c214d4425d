from __future__ import annotations

from holdfast.run.restarts import Restarts


def test_run_2_the_first_restart_is_immediate_then_pauses_double_up_to_ten_seconds():
    restarts = Restarts()
    now, pauses = 0.0, []
    for _ in range(10):
        restarts.started(now)
        now += 1.0
        pauses.append(restarts.died(now))
        now += pauses[-1]
    assert pauses == [0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    assert restarts.count == 10


def test_run_11_one_end_is_none_that_happens_again_and_again():
    restarts, found = Restarts(), []
    for now in (0.0, 1.0, 100.0, 200.0):
        restarts.started(now)
        restarts.died(now + (1.0 if now < 100.0 else 50.0))
        found.append(restarts.again)
    assert found == [False, True, False, False]


def test_run_2_thirty_seconds_of_life_forgive_all():
    restarts = Restarts()
    for _ in range(5):
        restarts.started(0.0)
        restarts.died(1.0)
    restarts.started(100.0)
    assert restarts.died(130.0) == 0.0
    restarts.started(130.0)
    assert restarts.died(159.9) == 0.1
