"""When somebody answers at a role's doors instead of its processes (RUN-11)."""

from __future__ import annotations

import os

from holdfast.model.limits import STAND_IN_AFTER_S, STAND_IN_AGAIN_S
from holdfast.run.process import Process
from holdfast.run.stand_ins import StandIns
from holdfast.run.watchdog import Pulse
from holdfast.world import real_world


async def _nothing(_: object) -> None:
    return None


def worker(number: int, *ends: float) -> Process:
    """One that was started a moment before each of its ends, and doesn't serve."""
    made = Process("mx", number, _nothing, False, Pulse())
    for at in ends:
        made.restarts.started(at - 0.01)
        made.restarts.died(at)
        made.lost_at = ends[0]
    return made


class Started:
    """Who was asked for; nobody can be had while ``poor``."""

    def __init__(self) -> None:
        self.roles: list[str] = []
        self.poor = False

    def __call__(self, role: str) -> int:
        if self.poor:
            raise BlockingIOError("no process to be had")
        self.roles.append(role)
        return 1 << 30  # nobody has that one: as if it had ended at once


def test_run_11_nobody_stands_in_while_one_worker_serves_or_has_ended_but_once():
    started = Started()
    stand_ins = StandIns(real_world(journal_path=os.devnull), started)
    gone, serves = worker(0, 0.0, 0.1, 0.3), worker(1)
    serves.ready = True
    stand_ins.look([gone, serves], 5.0)
    stand_ins.look([gone, worker(1, 0.0)], 5.0)
    stand_ins.look([gone, worker(1, 4.5, 4.6)], 4.6 + STAND_IN_AFTER_S / 2)
    assert not started.roles
    stand_ins.look([gone, worker(1, 4.5, 4.6)], 4.5 + STAND_IN_AFTER_S)
    assert started.roles == ["mx"]


def test_run_11_one_that_ends_by_itself_or_cant_be_had_is_tried_again_only_after_a_while():
    started = Started()
    started.poor = True
    stand_ins = StandIns(real_world(journal_path=os.devnull), started)
    gone = [worker(0, 0.0, 0.1, 0.3)]
    stand_ins.look(gone, 10.0)
    started.poor = False
    stand_ins.look(gone, 10.0 + STAND_IN_AGAIN_S / 2)
    assert not started.roles
    stand_ins.look(gone, 10.0 + STAND_IN_AGAIN_S)
    assert started.roles == ["mx"]
    ended = 20.0 + STAND_IN_AGAIN_S
    for at in (ended, ended + 1.0, ended + STAND_IN_AGAIN_S):
        stand_ins.look(gone, at)
    assert started.roles == ["mx", "mx"]
