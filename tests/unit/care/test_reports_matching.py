"""The parts of reports: counts with incidents; customers first, also while the watch can't be reached."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from holdfast.care.reports.alarming import CustomersFirstPart
from holdfast.care.reports.kept import Ahead, CustomerReport, KeptReports
from holdfast.care.reports.matching import ReportsPart, reported
from holdfast.care.turns import Seen
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import REPORT_APART_S, REPORTED_AGAIN_S
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incidents
from holdfast.world import World, real_world

NOON = 1_345_032_000.0


class Desk:
    """A part, what it keeps, and whom it asks."""

    def __init__(self, folder: Path) -> None:
        self.journal = folder / "journal"
        self.world: World = real_world(journal_path=str(self.journal))
        self.kept = KeptReports(self.world, str(folder / "reports.sqlite"))
        self.incidents = Incidents()
        self.looked: list[list[str]] = []
        self.alarmed: list[Ahead] = []
        self.watch_is_there = True
        self.alarm_fails: Unavailable | Refused | None = None
        self.begin()

    def begin(self) -> None:
        """A life of both parts."""
        self.part = ReportsPart(self.world, self.kept)
        self.first = CustomersFirstPart(self.world, self.kept, self._look, self._alarm)

    async def _look(self, functions: Collection[str]) -> None:
        if not self.watch_is_there:
            raise Unavailable("watch", "not there")
        self.looked.append(list(functions))

    async def _alarm(self, ahead: Ahead) -> None:
        if self.alarm_fails is not None:
            raise self.alarm_fails
        self.alarmed.append(ahead)

    async def report(self, function: str = "imap", at: float = NOON, **more: Any) -> None:
        given = {"network": f"192.0.2.{at - NOON:g}", "seen": f"{at}"} | more
        await self.kept.add(CustomerReport(0, at, function, **given))

    async def turn(self, at: float) -> list[r.AnyEntry]:
        assert await self.first.turn(Seen(self.incidents, None, at)) == []
        found = await self.part.turn(Seen(self.incidents, None, at))
        self.incidents.apply(found)
        return found

    def events(self, name: str = "reports_customers_first") -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.journal.read_text().splitlines()]
        return [each for each in lines if each["event"] == name]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_reports_3_customers_who_come_first_alarm_staff_once_and_the_function_is_tried(desk: Desk) -> None:
    async def run() -> None:
        for number in range(3):
            assert await desk.turn(NOON + number) == [] and not desk.looked
            await desk.report(at=NOON + number)
        assert await desk.turn(NOON + 9) == []
        assert desk.looked == [["imap"]]
        assert [(each.function, each.people, each.first_at) for each in desk.alarmed] == [("imap", 3, NOON)]
        desk.begin()  # another life
        await desk.report(at=NOON + 10)
        await desk.turn(NOON + 11)
        assert len(desk.alarmed) == len(desk.events()) == len(desk.looked) == 1

    asyncio.run(run())


def test_it_is_said_again_when_customers_come_first_again(desk: Desk) -> None:
    async def run() -> None:
        for begins in (NOON, NOON + REPORT_APART_S + 60):
            for number in range(3):
                await desk.report(at=begins + number)
            await desk.turn(begins + 5)
        assert len(desk.looked) == 2

    asyncio.run(run())


def test_staff_is_alarmed_without_the_watch_which_is_asked_until_it_is_there(desk: Desk) -> None:
    async def run() -> None:
        desk.watch_is_there = False
        for number in range(3):
            await desk.report("send", at=NOON + number)
        with pytest.raises(Unavailable, match="watch"):
            await desk.turn(NOON + 5)
        assert len(desk.alarmed) == 1 and not desk.looked
        desk.watch_is_there = True
        await desk.turn(NOON + 10)
        assert desk.looked == [["send"]] and len(desk.alarmed) == 1

    asyncio.run(run())


def test_staff_that_is_out_of_reach_is_told_later_and_keeps_nothing_else_waiting(desk: Desk) -> None:
    async def run() -> None:
        desk.alarm_fails = Unavailable("partner/alarms", "not there")
        for number in range(3):
            await desk.report("send", at=NOON + number)
        for seconds in (5, 10):
            await desk.turn(NOON + seconds)
        assert (
            desk.looked == [["send"]] and not desk.alarmed and len(desk.events("reports_staff_not_told")) == 1
        )
        desk.alarm_fails = None
        await desk.turn(NOON + 15)
        assert len(desk.alarmed) == 1
        desk.alarm_fails = Refused(Reason.BAD_SYNTAX, "no such address")
        for number in range(3):
            await desk.report("pop3", at=NOON + number)
        for seconds in (20, 25):
            await desk.turn(NOON + seconds)
        assert len(desk.events("reports_staff_not_told")) == 2 and len(desk.looked) == 2

    asyncio.run(run())


def test_an_incident_has_how_often_it_was_reported_and_who_was_first(desk: Desk) -> None:
    async def run() -> None:
        desk.incidents.apply([r.Opened(at=NOON + 4, incident=1, since={"imap": NOON, "webmail": NOON})])
        await desk.report(at=NOON + 100)
        [entry] = await desk.turn(NOON + 101)
        assert entry == r.Reported(at=NOON + 101, incident=1, counts={"imap": 1}, first_at=NOON + 100)
        await desk.report("webmail", at=NOON + 102)
        await desk.report("other", at=NOON + 103, seen="I do not know")
        await desk.report("send", at=NOON + 104)
        assert await desk.turn(NOON + 105) == []  # not that often
        [entry] = await desk.turn(NOON + 102 + REPORTED_AGAIN_S)
        assert isinstance(entry, r.Reported)
        assert entry.counts == {"imap": 1, "webmail": 1, "other": 1}
        assert await desk.turn(NOON + 300) == []  # nothing new
        incident = desk.incidents.get(1)
        assert incident is not None and incident.lead_s == 96

    asyncio.run(run())


def test_what_was_reported_before_the_incident_was_opened_counts_with_it(desk: Desk) -> None:
    async def run() -> None:
        for number in range(3):
            await desk.report(at=NOON + number)
        await desk.turn(NOON + 5)
        desk.incidents.apply([r.Opened(at=NOON + 8, incident=1, since={"imap": NOON + 6})])
        [entry] = await desk.turn(NOON + 10)
        assert isinstance(entry, r.Reported) and entry.counts == {"imap": 3}
        incident = desk.incidents.get(1)
        assert incident is not None and incident.lead_s == -8  # customers came first

    asyncio.run(run())


@pytest.mark.slow
def test_a_hundred_thousand_reports_are_counted_in_seconds() -> None:
    known = Incidents()
    known.apply([r.Opened(at=NOON, incident=each, since={"imap": NOON}) for each in range(1, 6)])
    reports = [CustomerReport(number, NOON + number / 1000, "imap") for number in range(100_000)]
    [entry] = reported(reports, known, NOON + 200)
    assert isinstance(entry, r.Reported) and entry.counts == {"imap": 100_000} and entry.incident == 5
