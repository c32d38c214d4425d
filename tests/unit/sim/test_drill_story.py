"""The week of August 2012 in simulated time: what is known, told, promised and owed in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from holdfast.care import wording
from holdfast.sim.drills.story import tell, week
from holdfast.watch.incidents.record import Noticed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    folder = tmp_path_factory.mktemp("story")
    return folder, tell(str(folder), seed=1, count=400, reachable=40)


def test_what_is_at_fault_is_named_within_half_a_minute_and_nothing_that_is_well(story):
    _, told = story
    first = told.incident.opinions[0]
    assert told.incident.opened_at - week.BEGAN <= 10.0
    assert first.at - week.BEGAN <= 30.0
    chain = {"partner/objects", "shelf/s1", "failover/map", "profiles"}
    named = {each for opinion in told.incident.opinions for each in opinion.report.components}
    assert chain < named <= chain | {"sessions"}


def test_it_is_the_third_time_and_what_was_to_be_done_is_not_done(story):
    _, told = story
    recurrence = told.incidents.recurrence(told.incident)
    assert recurrence is not None and recurrence.times == 3
    assert len(recurrence.undone) == 2


def test_functions_return_when_they_do_mail_programs_first(story):
    _, told = story
    until = {function: spans[-1].until for function, spans in told.incident.spans.items()}
    assert all(abs(until[each] - week.BACK) < 120.0 for each in ("receive", "send", "imap", "pop3"))
    assert all(abs(until[each] - week.PAGES_BACK) < 120.0 for each in ("webmail", "password", "signup"))


def test_no_update_that_was_promised_is_missed(story):
    _, told = story
    score = told.incident.score()["next_update"]
    assert score["missed"] == 0 and score["kept"] > 200


def test_what_is_owed_is_owed_to_the_cent(story):
    folder, _ = story
    owed = json.loads((Path(folder) / "credits.json").read_text())
    assert owed["2990"] == {
        "2012-08-18": 500,
        "2012-08-19": 500,
        "2012-08-20": 1000,
        "2012-08-21": 1000,
    }
    assert list(owed["7990"].values()) == [799, 799, 1598, 1598]


def test_what_customers_are_told_names_times_and_numbers(story):
    folder, told = story
    notices = [each for each in told.incident.timeline if isinstance(each, Noticed)]
    assert notices[0].at - told.incident.opened_at <= 60.0
    messages = sorted((Path(folder) / "notices").iterdir())
    assert messages
    for each in messages:
        wording.check({each.stem[-2:]: each.read_text()})


def test_the_week_is_there_to_be_read(story):
    folder, _ = story
    for name in ("index.de.html", "index.en.html", "report/report.de.html", "estimates.json"):
        assert (Path(folder) / name).stat().st_size > 100
    pages = list((Path(folder) / "status").iterdir())
    assert len(pages) >= 10
    assert "Beispielnetz" in (Path(folder) / "status" / pages[0].name / "index.de.html").read_text()
