"""What canaries pass through, and what a diagnosis can tell with them that it can't without."""

from __future__ import annotations

from functools import cache

import pytest

from holdfast.run import mapping
from holdfast.run.canary_trials import USES
from holdfast.run.config import Config
from holdfast.run.reading import parse
from holdfast.watch.canaries.words import COURSES
from holdfast.watch.depends import DependencyMap
from holdfast.watch.diagnosis import Outcome, Verdict, diagnose, gather

FIRST, SECOND = 7, 8


@cache
def watched() -> DependencyMap:
    return mapping.dependency_map(Config(), cells=range(0, 64, 8), canaries=(FIRST, SECOND))


def passed(known: DependencyMap) -> frozenset[str]:
    return known.under(use for trial in known.trials.values() for step in trial.steps for use in step.uses)


def test_every_canary_has_its_trial_and_no_step_is_unknown():
    assert USES.keys() == COURSES.keys()
    for trial, (_, uses) in USES.items():
        assert uses.keys() <= set(COURSES[trial].steps), trial
        assert watched().trials[trial].function == COURSES[trial].function


def test_what_is_tried_goes_through_the_canaries_own_cells():
    steps = {step.name: step.uses for step in watched().trials["canary/imap"].steps}
    assert "cell-07/index" in steps["SELECT"] and "ledger/mail" in steps["FETCH"] - steps["SELECT"]
    assert "cell-08/index" in watched().trials["canary/send"].steps[-1].uses


# With canaries these are named, which no probe of a door passes through.
TOLD = (
    *("copy/jmap-0", "copy/password-0", "copy/signup-0", "ledger/mail", "ledger/mx-0", "ledger/submission-0"),
    *("socket/store", "process/store-0", "process/people-0", "process/relay-0", "cell-08/index"),
    *("ledger/people", "copy/people-writer", "socket/people", "elsewhere", "ledger/queue", "socket/relay"),
    *(
        "signup/requests",
        "ledger/signup-asked-0",
        "socket/auth",
        "key/factors",
        "history/imap-1",
        "name/localhost",
    ),
)
# Of each set, what canaries and checks do passes through every one or through none.
ALIKE = ({"dns", "network"},)
# What even they never meet.
UNMET = {"partner/push"}


def said_of(component: str):
    found = []
    for trial in watched().trials.values():
        failed = next((each.name for each in trial.steps if component in watched().under(each.uses)), "")
        found += [Outcome(trial.id, 1000.0 + time, failed) for time in range(4)]
    return diagnose(watched(), gather(watched(), found))


@pytest.mark.slow
@pytest.mark.parametrize("component", TOLD)
def test_map_4_with_canaries_it_is_named(component):
    assert {each.component for each in said_of(component).causes} == {component}


@pytest.mark.slow
@pytest.mark.parametrize("alike", ALIKE, ids=lambda alike: min(alike))
def test_map_4_even_with_canaries_it_is_undecided(alike):
    for component in alike:
        said = said_of(component)
        assert said.verdict is Verdict.UNDECIDED
        assert {frozenset({each}) for each in alike} <= {each.components for each in said.runners_up}


@pytest.mark.slow
def test_a_smarthost_that_takes_mail_and_drops_it_is_named_though_its_own_check_goes_well():
    """Beside all else that goes well, what is sent elsewhere isn't back four times in a row."""
    lines = ["[service]", "cells = 16", "[relay]", 'smarthost = "smart.example.net:587"']
    config = parse("\n".join(lines), "/etc/holdfast/holdfast.toml", {})
    known = mapping.dependency_map(config, cells=(FIRST, SECOND), canaries=(FIRST, SECOND), sessions=True)
    missing = [Outcome("canary/relay", 1000.0 + 6 * time, "back") for time in range(4)]
    well = [
        Outcome(trial.id, 1000.0 + 3 * time)
        for trial in known.trials.values()
        for time in range(6)
        if trial.at_will and trial.id != "canary/relay"
    ]
    well += [Outcome("sessions/relay-0", 1000.0 + 2 * time, reached=3) for time in range(9)]
    shown = sorted([*missing, *well], key=lambda each: each.at)
    said = diagnose(known, gather(known, shown))
    assert [each.component for each in said.causes] == ["partner/relay"]
    once = diagnose(known, gather(known, [*missing[:1], *well]))
    assert not once.causes, "one that is late is no smarthost's fault yet"


@pytest.mark.slow
def test_more_sign_ins_than_can_be_checked_are_named_though_a_canary_is_put_off_as_well():
    """It changes its password, which nobody remembers then; all that comes by app passwords goes well."""
    known = mapping.dependency_map(Config(), cells=(FIRST,), canaries=(FIRST, SECOND), sessions=True)
    failing = {"load/sign-in": "wait", "canary/password": "sign-in"}
    shown = [Outcome(trial, 1000.0 + 2 * time, step) for trial, step in failing.items() for time in range(3)]
    shown += [
        Outcome(trial.id, 1000.5 + 2 * time)
        for trial in known.trials.values()
        for time in range(3)
        if trial.at_will and trial.id not in failing
    ]
    for process in ("imap-0", "pop3-0"):
        shown += [Outcome(f"sessions/{process}", 1001.0 + 2 * time, reached=2) for time in range(3)]
        shown += [Outcome(f"sessions/{process}", 1001.0 + 2 * time, "auth/load", 0) for time in range(3)]
    said = diagnose(known, gather(known, sorted(shown, key=lambda each: each.at)))
    assert [each.component for each in said.causes] == ["load/sign-in"]
    assert said.probability > 0.99


def test_map_4_what_canaries_never_meet_is_known():
    unmet = watched().components.keys() - passed(watched())
    assert {each for each in unmet if mapping.kind(each) != "index"} == UNMET
