"""What customers report: kept, put together, matched to incidents; and that they came first is noticed."""

from __future__ import annotations

import asyncio
import itertools
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.care.reports.clustering import Matching, alike, clusters, first, meant, words_of
from holdfast.care.reports.kept import OTHER, Ahead, CustomerReport, KeptReports
from holdfast.model.errors import Unavailable
from holdfast.model.functions import FUNCTIONS
from holdfast.model.limits import (
    REPORT_APART_S,
    REPORT_EARLY_S,
    REPORT_KEEP_S,
    REPORT_LATE_S,
    REPORTS_FIRST,
    REPORTS_FIRST_S,
)
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incidents
from holdfast.world import World, real_world

NOON = 1_345_032_000.0
_numbers = itertools.count(1)


def report(function: str = "imap", at: float = NOON, seen: str = "", **more: object) -> CustomerReport:
    number = next(_numbers)
    network = str(more.pop("network", f"192.0.{number}.0/24"))
    return CustomerReport(number, at, function, seen=seen, network=network, **more)  # type: ignore[arg-type]


def incidents(*entries: r.AnyEntry) -> Incidents:
    found = Incidents()
    found.apply(entries)
    return found


def opened(number: int, *functions: str, at: float = NOON) -> r.Opened:
    return r.Opened(at=at + 5, incident=number, since=dict.fromkeys(functions, at))


def closed(number: int, *functions: str, at: float) -> r.Closed:
    return r.Closed(at=at + 60, incident=number, until=dict.fromkeys(functions, at))


# Kept


@pytest.fixture
def world(tmp_path: Path) -> World:
    return real_world(journal_path=str(tmp_path / "journal"))


def test_reports_1_what_was_taken_is_there_for_the_next_process(world: World, tmp_path: Path) -> None:
    async def run() -> None:
        path = str(tmp_path / "care" / "reports.sqlite")
        page, call = KeptReports(world, path), KeptReports(world, path)
        one = await page.add(report(seen="the list stays empty", address="anna@example.net"))
        other = await call.add(report("pop3", NOON + 1, by="phone", network=""))
        page.close()
        found = await KeptReports(world, path).since(NOON)
        assert [(each.number, each.function, each.by) for each in found] == [
            (one, "imap", "page"),
            (other, "pop3", "phone"),
        ]
        assert (found[0].seen, found[0].address) == ("the list stays empty", "anna@example.net")

    asyncio.run(run())


def test_what_is_sent_twice_is_one_report_and_two_calls_are_two(world: World, tmp_path: Path) -> None:
    async def run() -> None:
        kept = KeptReports(world, str(tmp_path / "reports.sqlite"))
        same = report(seen="nothing arrives")
        assert await kept.add(same) == await kept.add(same._replace(at=NOON + 30))
        call = report(by="phone", network="")
        assert await kept.add(call) != await kept.add(call)

    asyncio.run(run())


def test_reports_and_alarms_are_forgotten_after_a_while_with_the_addresses_in_them(
    world: World, tmp_path: Path
) -> None:
    async def run() -> None:
        kept = KeptReports(world, str(tmp_path / "reports.sqlite"))
        await kept.add(report(at=NOON, address="anna@example.net"))
        await kept.add(report(at=NOON + 60))
        await kept.note_ahead(Ahead("imap", NOON, NOON - 9, 3))
        await kept.forget(NOON + REPORT_KEEP_S + 30)
        assert [each.at for each in await kept.since(0)] == [NOON + 60]
        assert await kept.aheads(0) == []

    asyncio.run(run())


def test_reports_1_nobody_is_thanked_for_what_can_not_be_kept(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")

    async def run() -> None:
        with pytest.raises(Unavailable, match="reports"):
            await KeptReports(world, str(tmp_path / "file" / "reports.sqlite")).add(report())

    asyncio.run(run())


# About the same


def test_words_are_compared_by_stem_without_accents_and_without_what_says_nothing() -> None:
    assert words_of("Das Passwort wird abgelehnt!") == words_of("passwörter … abgelehnt, wird das")
    assert words_of("it does not work") == frozenset()
    assert alike(words_of("mailbox empty"), words_of("empty mailboxes")) == 1
    assert alike(frozenset(), frozenset()) == 0


@pytest.mark.parametrize(
    ("function", "seen", "found"),
    [
        ("pop3", "Outlook says no", "pop3"),
        (OTHER, "Outlook says no", "imap"),
        (OTHER, "Ich kann nichts versenden", "send"),
        (OTHER, "neither sending nor receiving", OTHER),
        (OTHER, "help", OTHER),
    ],
)
def test_who_names_no_function_may_mean_one(function: str, seen: str, found: str) -> None:
    assert meant(report(function, seen=seen)) == found


def test_a_report_belongs_to_the_incident_of_its_function_and_time() -> None:
    known = incidents(
        opened(1, "imap"), closed(1, "imap", at=NOON + 600), opened(2, "receive", "imap", at=NOON + 5000)
    )
    of = [(NOON - REPORT_EARLY_S - 1, 0), (NOON - 60, 1), (NOON + 600 + REPORT_LATE_S, 1), (NOON + 6000, 2)]
    assert [Matching(known).of(report("imap", at)) for at, _ in of] == [number for _, number in of]
    assert Matching(known).of(report("send", NOON + 6000)) == 0
    assert Matching(known).of(report(OTHER, NOON + 6000)) == 2  # the only one there is then


def test_who_names_no_function_belongs_to_none_of_two() -> None:
    known = incidents(opened(1, "imap"), opened(2, "send"))
    assert Matching(known).of(report(OTHER, NOON + 60, "nothing goes")) == 0


def test_reports_2_one_function_is_one_cluster_and_the_same_words_join_two() -> None:
    rejected = [report(each, NOON + 60, "the password is rejected everywhere") for each in ("imap", "pop3")]
    empty = [report("webmail", NOON + at, "white page") for at in (0, REPORT_APART_S, 3 * REPORT_APART_S)]
    found = clusters([*rejected, *empty], incidents(opened(7, "webmail", at=NOON - 60)))
    assert [(each.functions, len(each.reports), each.incident) for each in found] == [
        ({"webmail": 1}, 1, 7),
        ({"webmail": 2}, 2, 7),
        ({"imap": 1, "pop3": 1}, 2, 0),
    ]
    assert found[2].words == ("everyw", "passwo", "reject")


REPORTS = st.lists(
    st.tuples(
        st.sampled_from([*FUNCTIONS, OTHER]),
        st.integers(0, 10_000),
        st.sampled_from(["", "white page", "login rejected", "Anmeldung abgelehnt", "outlook is slow"]),
        st.sampled_from(["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"]),
    ),
    max_size=25,
)
KNOWN = st.sampled_from(
    [
        incidents(),
        incidents(opened(1, "imap")),
        incidents(opened(1, "imap"), opened(2, "send", at=NOON + 900)),
    ]
)


@pytest.mark.slow
@given(REPORTS, KNOWN, st.randoms())
@settings(deadline=None, max_examples=60)
def test_reports_2_clusters_do_not_depend_on_the_order_and_have_each_report_once(
    given_: list[tuple[str, int, str, str]], known: Incidents, dice: random.Random
) -> None:
    reports = [
        CustomerReport(number, NOON + at, function, seen=seen, network=network)
        for number, (function, at, seen, network) in enumerate(given_, 1)
    ]
    found = clusters(reports, known)
    assert sorted(number for each in found for number in each.reports) == list(range(1, len(reports) + 1))
    dice.shuffle(reports)
    assert clusters(reports, known) == found


# Customers come first


def came(count: int = REPORTS_FIRST, function: str = "imap", **more: object) -> list[CustomerReport]:
    return [report(function, NOON + place, **more) for place in range(count)]


def test_reports_3_three_people_and_no_incident_are_an_alarm() -> None:
    [ahead] = first(came(), incidents(), NOON + 60)
    assert ahead == Ahead("imap", NOON + 60, NOON, REPORTS_FIRST)


@pytest.mark.parametrize(
    ("reports", "known"),
    [
        (came(REPORTS_FIRST - 1), incidents()),
        (came(9, network="192.0.2.0/24"), incidents()),  # one who sends much
        (came(9, OTHER, seen="help"), incidents()),
        (came(), incidents(opened(1, "imap", at=NOON - 9))),
    ],
    ids=["two", "one", "no function", "known"],
)
def test_reports_3_less_is_no_alarm(reports: list[CustomerReport], known: Incidents) -> None:
    assert first(reports, known, NOON + 60) == []
    assert first(reports, known, NOON + REPORTS_FIRST_S + 60) == []


def test_reports_3_an_incident_of_another_function_is_none() -> None:
    assert first(came(), incidents(opened(1, "send", at=NOON - 60)), NOON + 60)


def test_reports_3_who_reports_long_after_the_end_says_that_it_is_not_over() -> None:
    began = NOON - 3600
    known = incidents(opened(1, "imap", at=began), closed(1, "imap", at=NOON - REPORT_LATE_S - 60))
    assert first(came(), known, NOON + 60)
    known = incidents(opened(1, "imap", at=began), closed(1, "imap", at=NOON - 60))
    assert not first(came(), known, NOON + 60)


def test_calls_to_support_are_as_many_people_and_one_address_is_one_person() -> None:
    assert first(came(by="phone", network=""), incidents(), NOON + 60)
    colleagues = [
        each._replace(network="192.0.2.0/24", address=f"{each.number}@example.net") for each in came()
    ]
    assert first(colleagues, incidents(), NOON + 60)


def test_a_flood_leaves_room_for_who_calls(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.care.reports.kept.REPORTS_KEPT", 2)

    async def run() -> None:
        kept = KeptReports(world, str(tmp_path / "reports.sqlite"))
        for _ in range(2):
            await kept.add(report())
        with pytest.raises(Unavailable, match="2 are kept"):
            await kept.add(report())
        assert await kept.add(report(by="phone", network="")) == 3

    asyncio.run(run())
