"""Signals: what processes count becomes what real sessions met, and evidence that names its component."""

from __future__ import annotations

import asyncio
from functools import cache
from types import SimpleNamespace

from holdfast.model.findings import Finding, Signal
from holdfast.model.functions import FUNCTIONS
from holdfast.model.limits import SIGNALS_S
from holdfast.run import mapping
from holdfast.run.config import Config
from holdfast.watch.collecting import Collected
from holdfast.watch.counting import Told
from holdfast.watch.depends import DependencyMap
from holdfast.watch.diagnosis import Outcome, diagnose, gather
from holdfast.watch.incidents.window import Window
from holdfast.watch.signals import UNAVAILABLE, Signals


@cache
def known() -> DependencyMap:
    return mapping.dependency_map(Config(), sessions=True)


known()  # once, before the first test


class Service:
    """Processes and what they have counted; None for one that doesn't answer."""

    def __init__(self, *processes: str) -> None:
        self.met: dict[str, dict[str, float] | None] = {each: {} for each in processes}
        self.well: dict[str, Told] = {}
        self.at = 1000.0
        world = SimpleNamespace(clock=SimpleNamespace(now=lambda: self.at, monotonic=lambda: self.at))
        self.signals = Signals(world, self.collect, known())  # type: ignore[arg-type]
        self.look()

    async def collect(self) -> Collected:
        told: dict[str, list[Told] | None] = {}
        for process, met in self.met.items():
            counts = Told(UNAVAILABLE, [((word,), [times]) for word, times in (met or {}).items()])
            well = self.well.get(process)
            told[process] = None if met is None else [counts, *([well] if well else [])]
        return Collected(told)

    def look(self, after_s: float = 2.0) -> list[Signal]:
        self.at += after_s
        return asyncio.run(self.signals.look())


def signed_in(times: float) -> Told:
    return Told("holdfast_auth_total", [(("imap", "right"), [times]), (("imap", "wrong"), [99.0])])


def named(service: Service) -> set[str]:
    """With what the check of the disk says, which all of it lies on."""
    well = [Outcome("disk/volume-v1", service.at) for _ in range(3)]
    said = diagnose(known(), gather(known(), [*service.signals.outcomes(), *well]))
    return {each.component for each in said.causes}


def test_what_is_added_since_the_last_look_is_a_signal_with_its_function_and_what_may_be_meant():
    service = Service("mx-0", "imap-0")
    service.met["mx-0"] = {"people": 3.0}
    [signal] = service.look()
    assert (signal.function, signal.component, signal.process, signal.times) == (
        "receive",
        "people",
        "mx-0",
        3,
    )
    assert set(signal.meant) == {"copy/mx-0", "socket/people", "process/people-0", "ledger/people"}
    assert service.look() == []


def test_a_process_that_began_anew_counts_from_nought_and_one_that_is_silent_says_nothing():
    service = Service("imap-0")
    service.met["imap-0"] = {"store": 40.0}
    service.look()
    service.met["imap-0"] = None
    assert service.look() == []
    service.met["imap-0"] = {"store": 2.0}
    assert [each.times for each in service.look()] == [2]


def test_what_was_counted_before_anybody_looked_is_no_signal():
    service = Service()
    service.met["imap-0"] = {"store": 40.0}
    assert service.look() == []


def test_signal_3_a_bound_and_a_word_of_nobody_are_no_fault():
    service = Service("password-0")
    service.met["password-0"] = {"auth/limit": 5.0, "pace": 5.0, "some new word": 5.0}
    assert service.look() == [] and service.signals.outcomes() == []


def test_signal_1_a_crowd_is_no_better_proof_than_one_session():
    one, many = Service("imap-0"), Service("imap-0")
    one.met["imap-0"], many.met["imap-0"] = {"cell-07/index": 1.0}, {"cell-07/index": 5000.0}
    one.look(), many.look()
    assert [each[:4] for each in one.signals.outcomes()] == [each[:4] for each in many.signals.outcomes()]


def test_signal_2_silence_is_no_evidence_and_what_was_met_is_forgotten_soon():
    service = Service("imap-0")
    service.met["imap-0"] = {"cell-07/index": 1.0}
    service.look()
    assert len(service.signals.outcomes()) == 1
    service.look(SIGNALS_S + 1)
    assert service.signals.outcomes() == []


def test_real_sessions_alone_name_a_cell_that_no_canary_has_an_account_in():
    service = Service("imap-0", "imap-1", "pop3-0")
    for times in range(1, 6):
        for process in service.met:
            service.met[process] = {"cell-07/index": float(times)}
            service.well[process] = signed_in(10.0 * times)
        service.look()
    assert named(service) == {"cell-07/index"}


def test_a_process_that_finds_everything_out_of_reach_is_itself_at_fault():
    service = Service("mx-0", "imap-0", "pop3-0")
    for times in range(1, 6):
        service.met["imap-0"] = dict.fromkeys(("people", "store", "auth", "cell-07/index"), float(times))
        service.well["pop3-0"] = service.well["mx-0"] = signed_in(10.0 * times)
        service.look()
    assert named(service) == {"process/imap-0"}


def test_real_traffic_is_no_trial_that_a_function_waits_for():
    window = Window(known().trials.values())
    tried = [each for each in known().trials.values() if each.at_will]
    window.add(Finding(each.id, each.function, "works", "", "", 1000.0, 0.1) for each in tried)
    assert {window.function(each, 1001.0) for each in FUNCTIONS} == {"works"}


def test_what_cant_be_tried_at_will_counts_where_it_doesnt_go_well():
    window = Window(known().trials.values())
    tried = [each for each in known().trials.values() if each.at_will]
    window.add(Finding(each.id, each.function, "works", "", "", 1000.0, 0.1) for each in tried)
    for at in (1001.0, 1011.0):
        window.add([Finding("speed/imap-0", "imap", "degraded", "answers", "10 times", at, 0.0)])
    assert window.function("imap", 1011.0) == "degraded" and window.worked("imap", 1011.0) is None
    assert [each.last.trial for each in window.confirmed("imap", 1011.0)] == ["speed/imap-0"]
    window.add([Finding("speed/imap-0", "imap", "unknown", "answers", "", 1021.0, 0.0)])
    assert window.function("imap", 1021.0) == "works" and window.worked("imap", 1021.0)


def test_a_slow_commit_is_the_disks_where_that_is_slow_and_slow_answers_are_the_process():
    disk = [Outcome("disk/volume-v1", 1000.0 + each, "sync") for each in range(4)]
    slow = [Outcome("speed/mx-0", 1000.0 + each, "commits") for each in range(4)]
    others = [Outcome(f"disk/{each}", 1000.0) for each in ("data",) for _ in range(4)]
    said = diagnose(known(), gather(known(), [*disk, *slow, *others]))
    assert {each.component for each in said.causes} == {"disk/volume-v1"}
