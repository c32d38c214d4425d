"""Changes: noticed whoever watched meanwhile, and told with a cause only where they may matter to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.model.limits import CHANGE_BEFORE_S, CHANGES_KEPT_S
from holdfast.pages.texts import LANGUAGES
from holdfast.watch.changes import _ORDER, Change, Changes, before
from holdfast.watch.diagnosis import diagnose, gather
from holdfast.watch.diagnosis.report import report
from holdfast.watch.diagnosis.wording import Wording
from holdfast.watch.processes import Ended, Ran, Status
from holdfast.world import World, real_world
from unit.watch.small_service import MAP
from unit.watch.test_wording import TEXTS, fault

NOON = 1_345_032_000.0
NONE: dict[str, str] = {}


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> float:
        return self.at


def status(*processes: Ran, version: str = "1.0", since: float = NOON, configuration: str = "a") -> Status:
    return Status(version, since, processes, configuration)


def mx(since: float = NOON, ends: int = 0, ended: Ended | None = None) -> Ran:
    return Ran("mx-0", 7, True, since, ends=ends, ended=ended)


@pytest.fixture
def world() -> World:
    return replace(real_world(level="error"), clock=Clock())  # type: ignore[arg-type]


@pytest.fixture
def changes(world: World, tmp_path: Path) -> Changes:
    found = Changes(world, str(tmp_path / "changes.json"))
    assert found.look(status(mx()), {"certificate/a": "01"}) == [], "nothing to compare with"
    return found


def test_change_1_what_happened_while_nobody_watched_is_noticed(changes, world, tmp_path):
    later = Changes(world, str(tmp_path / "changes.json"))
    world.clock.at = NOON + 100
    found = later.look(
        status(mx(NOON + 90), version="1.1", since=NOON + 90, configuration="b"),
        {"certificate/a": "02"},
    )
    assert [(each.what, each.component, each.said) for each in found] == [
        ("release", "", "1.1"),
        ("configuration", "", ""),
        ("certificate", "certificate/a", "02"),
    ], "the processes' starts are the release's"
    assert later.look(None, NONE) == found


def test_an_end_nobody_asked_for_is_told_with_how_and_its_new_start_is_no_change_of_its_own(changes, world):
    world.clock.at = NOON + 500
    crash = Ended(NOON + 400, -9)
    [found] = changes.look(status(mx(NOON + 400.2, 1, crash)), NONE)
    assert (found.at, found.what, found.component) == (NOON + 400, "ended", "process/mx-0")
    assert "signal 9" in found.said


def test_a_process_that_was_renewed_by_itself_is_a_start(changes, world):
    world.clock.at = NOON + 500
    [found] = changes.look(status(mx(NOON + 450)), NONE)
    assert (found.at, found.what, found.component) == (NOON + 450, "start", "process/mx-0")


def test_changes_are_kept_for_a_day(changes, world):
    world.clock.at = NOON + 500
    changes.look(status(mx(NOON + 450)), NONE)
    world.clock.at += CHANGES_KEPT_S
    assert changes.look(None, NONE) == []


def test_a_file_that_cant_be_read_or_written_stops_nothing(world, tmp_path):
    (tmp_path / "changes.json").write_text("nonsense")
    found = Changes(world, str(tmp_path / "changes.json"))
    assert found.look(status(mx()), NONE) == []
    nowhere = Changes(world, "/nowhere/changes.json")
    nowhere.look(status(mx()), NONE)
    assert len(nowhere.look(status(mx(), configuration="b"), NONE)) == 1


# CHANGE-2

COMPONENTS = ("process/mx-0", "copy/mx-0", "process/imap-0", "")


@pytest.mark.slow
@given(
    st.lists(
        st.builds(
            Change, st.floats(NOON - 2000, NOON + 2000), st.sampled_from(_ORDER), st.sampled_from(COMPONENTS)
        )
    )
)
def test_change_2_only_what_came_before_and_has_to_do_with_it_is_told(changes):
    found = before(changes, "copy/mx-0", {"process/mx-0"}, NOON)
    fit = [
        each
        for each in changes
        if NOON - CHANGE_BEFORE_S <= each.at <= NOON
        and (
            each.component in ("copy/mx-0", "process/mx-0")
            or each.what in ("configuration", "release", "service")
        )
    ]
    assert (found is None) == (not fit)
    assert found is None or found in fit


def test_of_several_the_one_that_says_most_is_told_and_of_those_the_last():
    configuration = [Change(NOON - 300, "configuration"), Change(NOON - 200, "configuration")]
    start = Change(NOON - 10, "start", "process/mx-0")
    ended = Change(NOON - 5, "ended", "process/mx-0", "ended by signal 9")
    assert before([start, ended], "process/mx-0", (), NOON) == ended
    assert before([*configuration, start, ended], "process/mx-0", (), NOON) == configuration[1]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("what", _ORDER)
def test_a_cause_is_told_with_the_change_before_it_and_that_it_proves_nothing(language, what):
    change = Change(NOON - 60, what, "process/imap" if what in ("ended", "start", "certificate") else "", "7")
    shown = fault({"process/imap": 1.0})
    found = report(MAP, diagnose(MAP, gather(MAP, shown)), [change])
    assert found is not None and found.causes[0].change == change
    text = Wording(TEXTS, language).tell(found).text
    assert "13:59:00" in text and {"de": "beweist nichts", "en": "proves nothing"}[language] in text
    assert "{" not in text
