"""When the part of care says when it will be over, and when it says so anew."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from holdfast.care.estimate import LEAST, Progress
from holdfast.care.parts.estimate import EstimatePart
from holdfast.care.turns import Seen
from holdfast.model.limits import ESTIMATE_AGAIN_S, ESTIMATE_FIRST_S, INCIDENT_UPDATE_S
from holdfast.watch.diagnosis.report import NamedCause, Report
from holdfast.watch.incidents import Incident, Incidents
from holdfast.watch.incidents import record as r
from holdfast.world import real_world

NOON = 1_345_032_000.0
DAY = 86_400.0


class Estimating:
    """Past incidents of one kind, one each day, and one that is open since noon."""

    def __init__(self, folder: Path, past: int, *, named: bool = True) -> None:
        self.world = real_world(level="error")
        self.path = str(folder / "care" / "repairs.json")
        self.incidents = Incidents()
        self.progress: Progress | None = None
        for number in range(1, past + 1):
            began = NOON - (past + 1 - number) * DAY
            self.opens(number, began)
            self.closes(number, began + 600 + number * 60)
        self.number = past + 1
        self.opens(self.number, NOON, named=named)
        self.start()

    def start(self) -> None:
        async def measure(incident: Incident) -> Progress | None:
            return self.progress

        self.part = EstimatePart(self.world, self.path, measure)

    def opens(self, number: int, at: float, *, named: bool = True) -> None:
        self.incidents.apply([r.Opened(at=at, incident=number, since={"imap": at})])
        if named:
            self.names(number, at)

    def names(self, number: int, at: float, component: str = "cell-03/index", kind: str = "index") -> None:
        causes = (NamedCause(component=component, since=at),)
        report = Report(verdict="named", probability=0.99, causes=causes, kinds={component: kind})
        self.incidents.apply([r.Diagnosed(at=at, incident=number, report=report)])

    def closes(self, number: int, at: float) -> None:
        self.incidents.apply([r.Closed(at=at, incident=number, until={"imap": at})])

    def turn(self, after_s: float) -> r.Estimated | None:
        said = asyncio.run(self.part.turn(Seen(self.incidents, None, NOON + after_s)))
        self.incidents.apply(said)
        assert len(said) <= 1
        [entry] = said or [None]
        assert entry is None or isinstance(entry, r.Estimated)
        return entry

    @property
    def incident(self) -> Incident:
        found = self.incidents.get(self.number)
        assert found is not None
        return found


def test_the_first_estimate_comes_with_the_cause(tmp_path: Path) -> None:
    estimating = Estimating(tmp_path, 20)
    said = estimating.turn(5)
    assert said is not None and said.estimate == 1 and said.basis == "past" and said.among == 20
    assert NOON + 600 < said.low < said.likely < said.high < NOON + 600 + 21 * 60
    assert estimating.turn(15) is None
    assert estimating.turn(ESTIMATE_AGAIN_S + 10) is None  # as it was said


def test_estimate_2_while_the_cause_is_unknown_it_is_said_after_a_minute_why_there_is_none(
    tmp_path: Path,
) -> None:
    estimating = Estimating(tmp_path, 2, named=False)
    assert estimating.turn(ESTIMATE_FIRST_S - 1) is None
    said = estimating.turn(ESTIMATE_FIRST_S)
    assert said is not None
    assert (said.high, said.reason, said.known, said.needed) == (0.0, "estimate.too_few", 2, LEAST)
    assert max(ESTIMATE_FIRST_S, ESTIMATE_AGAIN_S) <= 300 < INCIDENT_UPDATE_S


def test_estimate_4_one_that_passed_is_followed_by_another_and_both_are_scored(tmp_path: Path) -> None:
    estimating = Estimating(tmp_path, 40)
    first = estimating.turn(5)
    assert first is not None
    late = estimating.turn(first.high - NOON + 1)
    assert late is not None and late.estimate == 2
    assert late.high > first.high or late.reason
    estimating.closes(estimating.number, first.high + 3)
    incident = estimating.incident
    assert incident.outcome(incident.estimates[1]) == "late"


def test_when_the_cause_turns_out_to_be_another_it_is_estimated_by_repairs_of_that_one(
    tmp_path: Path,
) -> None:
    estimating = Estimating(tmp_path, 12)
    for number in range(101, 112):  # disks took an hour and more
        began = NOON - 50 * DAY + number * DAY / 10
        estimating.opens(number, began, named=False)
        estimating.names(number, began, "disk/v1", "disk")
        estimating.closes(number, began + 3600 + number)
    first = estimating.turn(5)
    assert first is not None and first.high < NOON + 1800
    estimating.incidents.apply(
        [
            r.Diagnosed(
                at=NOON + 20,
                incident=estimating.number,
                before="corrected",
                report=Report(
                    verdict="named",
                    probability=0.99,
                    causes=(NamedCause(component="disk/v1", since=NOON),),
                    kinds={"disk/v1": "disk"},
                ),
            )
        ]
    )
    assert estimating.turn(25) is None  # it may still move
    said = estimating.turn(70)
    assert said is not None and said.low > NOON + 3600


@pytest.mark.slow
def test_progress_is_kept_for_later_repairs_over_a_restart(tmp_path: Path) -> None:
    """Nine repairs whose work runs evenly: the tenth is reckoned from its own progress."""
    estimating = Estimating(tmp_path, 0)
    for number in range(1, 10):
        began = NOON + number * DAY
        estimating.closes(estimating.number, began - 1)
        estimating.number = number + 1
        estimating.opens(estimating.number, began)
        took = 600.0 + 20 * number
        for share in (0, 20, 35, 50, 80):
            estimating.progress = Progress(began + took * share / 100, share, 100.0)
            estimating.turn(number * DAY + took * share / 100)
        estimating.progress = None
        estimating.closes(estimating.number, began + took)
    estimating.start()
    estimating.number = 20
    began = NOON + 30 * DAY
    estimating.opens(20, began)
    estimating.progress = Progress(began + 300, 50.0, 100.0)
    said = estimating.turn(30 * DAY + 300)
    assert said is not None and said.basis == "progress"
    assert abs(said.likely - (began + 600)) < 30
