"""What is sent elsewhere is waited for as long as its way back says."""

from __future__ import annotations

from holdfast.model.limits import (
    CANARY_BACK_S,
    CANARY_BACK_TIMES,
    CANARY_LATE,
    CANARY_OUTSIDE_S,
    CANARY_RETURNS,
)
from holdfast.watch.canaries.returns import Returns


def after(*took_s: float) -> Returns:
    """Each was back in time."""
    returns = Returns()
    for number, each in enumerate(took_s):
        returns.sent(f"t{number}", 100.0 * number)
        returns.back(f"t{number}", 100.0 * number + each)
    return returns


def test_canary_7_little_is_known_at_first_and_then_the_longest_says_how_long_it_is_waited_for():
    assert after(1.0, 1.0).patience_s() == CANARY_OUTSIDE_S
    assert after(0.1, 0.2, 0.1).patience_s() == CANARY_BACK_S
    assert after(2.0, 9.0, 3.0).patience_s() == CANARY_BACK_TIMES * 9.0
    assert after(30.0, 1.0, 1.0).patience_s() == CANARY_OUTSIDE_S
    assert after(30.0, *[1.0] * CANARY_RETURNS).patience_s() == CANARY_BACK_S, "that was long ago"


def test_canary_7_what_comes_late_again_and_again_is_usual():
    returns = after(1.0, 1.0, 1.0)
    for number in range(CANARY_LATE):
        assert returns.patience_s() == CANARY_BACK_S
        returns.sent(f"late {number}", 1000.0 + 30 * number)
        returns.sent(f"next {number}", 1020.0 + 30 * number)
        assert f"late {number}" in returns.missing()
        returns.late([f"late {number}"], 1020.0 + 30 * number)
    assert returns.patience_s() == CANARY_OUTSIDE_S


def test_what_an_outage_held_back_changes_nothing_when_it_comes_at_last():
    returns = after(1.0, 1.0, 1.0)
    for number in range(2 * CANARY_LATE):
        returns.sent(f"held {number}", 1000.0 + number)
    for found in (["held 1", "held 2", "held 3"], ["held 4"], ["held 5"], ["held 6"]):
        returns.late(found, 5000.0)
    returns.sent("mended", 5000.0)
    returns.back("mended", 5001.0)
    returns.late(["held 7"], 5030.0)
    returns.late([], 5060.0)
    assert returns.patience_s() == CANARY_BACK_S
    assert "mended" not in returns.missing()


def test_of_what_never_comes_back_only_so_much_is_looked_for():
    returns = Returns()
    for number in range(10 * CANARY_RETURNS):
        returns.sent(f"t{number}", float(number))
    assert len(returns.missing()) < CANARY_RETURNS
