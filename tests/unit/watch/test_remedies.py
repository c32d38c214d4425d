"""What may be done about a fault by itself, and within which bounds."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.model.findings import Finding, State
from holdfast.model.limits import (
    REMEDY_APART_S,
    REMEDY_BACK_S,
    REMEDY_PAUSE_S,
    REMEDY_ROLE_APART_S,
    REMEDY_SHARE,
    REMEDY_TRIES,
    ROLL_SEEN_S,
)
from holdfast.watch.depends import Step, Trial
from holdfast.watch.diagnosis.report import NamedCause, Report
from holdfast.watch.incidents import Incidents
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.lifecycle import Seen
from holdfast.watch.incidents.window import Window
from holdfast.watch.remedies import RULES, SIGN_INS, Allowed, Remedy, Rolling, Touched, due, in_force, leases

NOON = 1_345_032_000.0
PROCESSES = (
    "mx-0",
    "imap-0",
    "imap-1",
    "imap-2",
    "pop3-0",
    "relay-0",
    "store-0",
    "watch-0",
    "care-0",
    "auth-0",
)
ALL = frozenset(RULES)
ALLOWED = Allowed("on", frozenset(("restart",)), 0.95, 10.0, 4, PROCESSES)
TRIALS = [
    Trial("imap/imaps", "imap", (Step("greeting", frozenset()),)),
    Trial("partner/relay", "", (Step("connect", frozenset()),)),
    Trial("supervisor", "", (Step("answer", frozenset()),)),
    Trial(SIGN_INS, "", (Step("wait", frozenset()), Step("put off", frozenset()))),
]


def named(*components: str, probability: float = 0.99, after: str = "", rate: float = 1.0) -> Report:
    causes = tuple(NamedCause(component=each, since=NOON, after=after, rate=rate) for each in components)
    kinds = {each: each.partition("/")[0] for each in components}
    return Report(verdict="named", probability=probability, causes=causes, kinds=kinds)


class Case:
    """An incident that was diagnosed at noon; a minute has passed."""

    def __init__(self, report: Report, still: Report | None = None) -> None:
        self.incidents = Incidents()
        self.incidents.apply(
            [
                r.Opened(at=NOON, incident=1, since={"imap": NOON}),
                r.Diagnosed(at=NOON, incident=1, report=report),
            ]
        )
        self.report: Report | None = still or report
        self.window = Window(TRIALS)
        self.now = NOON + 60

    @property
    def seen(self) -> Seen:
        return Seen(self.window, self.report, self.incidents, self.now)

    def due(self, allowed: Allowed = ALLOWED, rolling: Rolling | None = None) -> list[Remedy]:
        return due(self.seen, allowed, (), rolling)

    def remedied(self, remedy: Remedy, outcome: str = "done") -> None:
        self.incidents.apply(
            [
                r.Remedied(
                    at=self.now,
                    incident=remedy.incident,
                    rule=remedy.rule,
                    component=remedy.component,
                    action=remedy.action,
                    outcome=outcome,  # type: ignore[arg-type]
                )
            ]
        )


def told(found: Sequence[Remedy]) -> list[tuple[str, str, bool]]:
    return [(each.action, each.component, each.carried_out) for each in found]


def test_a_process_that_is_named_for_some_time_is_started_anew() -> None:
    case = Case(named("process/pop3-0"))
    assert told(case.due()) == [("restart", "process/pop3-0", True)]
    case.now = NOON + 9
    assert case.due() == []


def test_remedy_1_nothing_is_done_about_what_is_not_named_or_no_longer() -> None:
    undecided = Report(verdict="undecided", probability=0.5)
    pop3 = named("process/pop3-0")
    assert Case(undecided).due() == []
    assert Case(pop3, undecided).due() == []
    assert Case(pop3, named("process/mx-0")).due() == []
    assert Case(named("process/pop3-0", probability=0.94)).due() == []
    assert Case(pop3, named("process/pop3-0", probability=0.94)).due() == []
    assert Case(named("process/pop3-0", after="process/store-0")).due() == []
    gone = Case(pop3)
    gone.report = None
    assert gone.due() == []
    closed = Case(pop3)
    closed.incidents.apply([r.Closed(at=NOON + 30, incident=1, until={"imap": NOON + 20})])
    assert closed.due() == []


def test_remedy_4_what_is_not_allowed_is_said_once_and_not_carried_out() -> None:
    case = Case(named("partner/relay"))
    (said,) = case.due()
    assert (said.action, said.carried_out, said.reverses) == ("hold", False, "resume")
    assert told(case.due(ALLOWED._replace(second=True))) == [("reroute", "partner/relay", False)]
    assert told(case.due(ALLOWED._replace(second=True, rules=ALL))) == [("reroute", "partner/relay", True)]
    case.remedied(said, "would")
    assert case.due() == []
    dry = Case(named("process/pop3-0"))
    assert told(dry.due(ALLOWED._replace(mode="dry-run"))) == [("restart", "process/pop3-0", False)]
    assert dry.due(ALLOWED._replace(mode="off")) == []


def test_remedy_5_watch_and_care_do_not_restart_themselves_nor_what_nobody_runs() -> None:
    for component in ("process/watch-0", "process/care-0", "process/imap-7", "disk/data", "machine"):
        assert Case(named(component)).due() == []


def test_remedy_5_what_still_works_in_part_and_what_remembers_is_left_to_people() -> None:
    assert told(Case(named("process/pop3-0", rate=0.4)).due()) == [("restart", "process/pop3-0", False)]
    assert told(Case(named("process/auth-0")).due()) == [("restart", "process/auth-0", False)]


def test_what_is_done_says_what_it_follows_from() -> None:
    (restart,) = Case(named("process/pop3-0")).due()
    assert restart.why == "named with 99.0% for 60 s"


def test_remedy_2_what_did_not_help_is_not_done_again_soon_and_never_without_end() -> None:
    case = Case(named("process/pop3-0"))
    times = []
    for _ in range(3 * 3600):
        for remedy in case.due():
            times.append(case.now)
            case.remedied(remedy, "failed")
        case.now += 1
    assert len(times) == REMEDY_TRIES and min(b - a for a, b in itertools.pairwise(times)) >= REMEDY_APART_S


def test_remedy_2_one_worker_of_a_role_is_left_alone_even_when_all_are_named() -> None:
    case = Case(named("process/imap-0", "process/imap-1", "process/imap-2"))
    touched = []
    while case.now < NOON + REMEDY_ROLE_APART_S:
        for remedy in case.due():
            touched.append(remedy.component)
            case.remedied(remedy)
        case.now += 1
    assert touched == ["process/imap-0", "process/imap-1"]


def test_a_rolling_restart_that_makes_something_worse_is_taken_back() -> None:
    case = Case(Report(verdict="undecided", probability=0.5))
    rolling = Rolling(NOON + 10, ("imap-0",))
    assert case.due(rolling=rolling) == []
    for second in (20, 22):
        finding = Finding("imap/imaps", "imap", "fails", "greeting", "refused", NOON + second, 0.1)
        case.window.add([finding])
    assert told(case.due(rolling=rolling)) == [("drain", "supervisor", False)]
    assert case.due(rolling=Rolling(NOON + 30, ("imap-0",))) == []  # it failed before
    assert case.due(rolling=Rolling(NOON + 10, ("mx-0",))) == []  # what was renewed is something else
    allowed = ALLOWED._replace(rules=ALL)
    assert told(case.due(allowed, rolling=rolling)) == [("drain", "supervisor", True)]
    over = Rolling(NOON + 10, PROCESSES, over=True)
    assert told(case.due(allowed, rolling=over)) == [("drain", "supervisor", False)], "people decide"
    (drain,) = case.due(allowed, rolling=over)
    assert drain.why == "imap fails since after all processes were started anew"
    for component, may in (
        ("process/imap-0", True),
        ("certificate/mail.example.org", True),
        (SIGN_INS, False),
    ):
        other = Case(named(component))
        other.report, other.window = None, case.window
        assert bool(other.due(allowed, rolling=over)) is may, (
            "what is at fault was started, or it wasn't that"
        )
    case.now = NOON + 10 + ROLL_SEEN_S + 1
    case.window.add([Finding("imap/imaps", "imap", "fails", "greeting", "refused", case.now, 0.1)])
    assert case.due(allowed, rolling=over) == [], "too long ago"


def test_a_rolling_restart_that_was_taken_back_is_taken_over_again_by_people_alone() -> None:
    allowed = ALLOWED._replace(rules=ALL)
    case = Case(Report(verdict="undecided", probability=0.5))
    case.remedied(Remedy(1, "drain", "supervisor", "drain"))
    for state in ("fails", "works"):
        case.now += REMEDY_APART_S
        case.window.add([Finding("supervisor", "", state, "answer", "", case.now, 0.1)])  # type: ignore[arg-type]
    case.now += REMEDY_BACK_S
    case.window.add([Finding("supervisor", "", "works", "", "", case.now, 0.1)])
    assert case.window.works_since("supervisor", case.now) and case.due(allowed) == []
    assert [each.action for each in in_force(case.incidents)] == ["drain"]


def test_what_was_rerouted_goes_its_own_way_again_once_that_has_worked_for_some_time() -> None:
    allowed = ALLOWED._replace(second=True, rules=ALL)
    case = Case(named("partner/relay"))
    (reroute,) = case.due(allowed)

    def relay(state: State) -> None:
        case.window.add([Finding("partner/relay", "", state, "connect", "", case.now, 0.1)])

    relay("fails")
    case.remedied(reroute)
    case.incidents.apply([r.Closed(at=case.now + 60, incident=1, until={"imap": case.now + 1})])
    case.report = None
    case.now += REMEDY_APART_S
    relay("fails")
    assert case.due(allowed) == []
    case.now += 5
    relay("works")
    assert case.due(allowed) == []
    case.now += REMEDY_BACK_S
    relay("works")
    assert told(case.due(allowed)) == [("resume", "partner/relay", True)]
    case.remedied(case.due(allowed)[0])
    assert case.due(allowed) == []


def test_what_never_failed_by_its_own_check_and_what_people_did_is_for_people_to_take_back() -> None:
    allowed = ALLOWED._replace(second=True, rules=ALL)
    for rule, before in (("reroute", True), ("operator", False)):
        case = Case(named("partner/relay"))
        for at in (-30, 0) if before else (30,):
            case.window.add([Finding("partner/relay", "", "works", "", "", NOON + 60 + at, 0.1)])
        done = Remedy(1, rule, "partner/relay", "reroute")
        case.remedied(done)
        case.report = None
        case.now += 2 * REMEDY_APART_S
        case.window.add([Finding("partner/relay", "", "works", "", "", case.now, 0.1)])
        assert case.due(allowed) == []


def test_under_more_sign_ins_than_can_be_checked_those_who_are_known_go_first_until_it_is_over() -> None:
    case = Case(named(SIGN_INS, rate=0.6))
    assert told(case.due()) == [("shed", SIGN_INS, False)], "proposed where it isn't allowed"
    allowed = ALLOWED._replace(rules=ALL)
    (shed,) = case.due(allowed)
    assert (shed.action, shed.carried_out, shed.reverses) == ("shed", True, "resume")
    assert leases(case.seen, allowed) == []
    case.remedied(shed)
    case.report = None
    for state, wait_s in (("degraded", REMEDY_APART_S), ("works", REMEDY_BACK_S - 1), ("works", 1)):
        assert case.due(allowed) == [] and [each.action for each in leases(case.seen, allowed)] == ["shed"]
        finding = Finding(SIGN_INS, "", state, "put off", "", case.now, 0.1)  # type: ignore[arg-type]
        case.window.add([finding])
        case.now += wait_s
    case.window.add([Finding(SIGN_INS, "", "works", "", "", case.now, 0.1)])
    (back,) = case.due(allowed)
    assert told([back]) == [("resume", SIGN_INS, True)]
    case.remedied(back)
    assert case.due(allowed) == leases(case.seen, allowed) == []


def test_remedy_6_what_is_no_longer_allowed_ends_by_itself_and_what_people_ordered_goes_on() -> None:
    for rule, goes_on in (("shed", False), ("operator", True)):
        case = Case(named(SIGN_INS))
        case.remedied(Remedy(1, rule, SIGN_INS, "shed"))
        assert bool(leases(case.seen, ALLOWED._replace(mode="dry-run"))) is goes_on
        assert len(leases(case.seen, ALLOWED)) == 1
    relay = Case(named("partner/relay"))
    relay.remedied(Remedy(1, "hold", "partner/relay", "hold"))
    assert leases(relay.seen, ALLOWED) == []


_COMPONENTS = st.sampled_from([*(f"process/{each}" for each in PROCESSES), "partner/relay"])
_ROUND = st.tuples(
    st.integers(1, 600),  # seconds since the round before
    st.lists(_COMPONENTS, max_size=4, unique=True),
    st.sampled_from(["named", "named", "named", "undecided"]),
    st.booleans(),  # whether the ledger takes what was done
)


@settings(max_examples=80, deadline=None)
@given(st.lists(_ROUND, max_size=40), st.integers(0, 6), st.booleans())
def test_remedy_2_no_sequence_of_diagnoses_makes_it_exceed_its_limits(
    rounds: list[tuple[int, list[str], str, bool]], per_hour: int, second: bool
) -> None:
    """REMEDY-3: also where the ledger takes nothing of it."""
    case = Case(named("process/mx-0"))
    allowed = Allowed("on", ALL, 0.9, 0.0, per_hour, PROCESSES, second)
    done: list[Touched] = []
    for seconds, components, verdict, kept in rounds:
        case.now += seconds
        report = named(*components) if verdict == "named" else Report(verdict="undecided", probability=0.5)
        case.report = report
        case.incidents.apply([r.Diagnosed(at=case.now, incident=1, report=report)])
        found = [each for each in due(case.seen, allowed, done) if each.carried_out]
        assert len(found) <= 1
        for each in found:
            done.append(Touched(case.now, 1, each.component, each.action))
            if kept:
                case.remedied(each)
        _check(done, per_hour)


def _check(done: list[Touched], per_hour: int) -> None:
    if not done:
        return
    last = done[-1]
    hour = [each for each in done if last.at - each.at < 3600]
    assert len(hour) <= per_hour
    same = [each.at for each in done if each.component == last.component]
    assert len(same) <= REMEDY_TRIES
    assert all(later - at >= REMEDY_APART_S for at, later in itertools.pairwise(same))
    restarts = [each for each in hour if each.action == "restart"]
    times = [each.at for each in restarts]
    assert all(later - at >= REMEDY_PAUSE_S for at, later in itertools.pairwise(times))
    assert len({each.component for each in restarts}) <= max(1, len(PROCESSES) * REMEDY_SHARE)
    lately = {each.component for each in restarts if last.at - each.at < REMEDY_ROLE_APART_S}
    workers = Counter(each.partition("/")[2].rpartition("-")[0] for each in lately)
    assert workers["imap"] < 3
    left = {"process/watch-0", "process/care-0", "process/auth-0"}
    assert not left & {each.component for each in done}
