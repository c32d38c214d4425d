"""The catalogue of faults, and how a drill is judged."""

from __future__ import annotations

from pathlib import Path

import pytest

import holdfast
from holdfast.model.errors import Refused
from holdfast.model.findings import Finding
from holdfast.model.functions import FUNCTIONS
from holdfast.sim.drills import catalogue as c
from holdfast.sim.drills import score as s
from holdfast.watch.diagnosis.report import NamedCause, Report, Rival
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incidents

BEGAN, ENDED = 1000.0, 1100.0
TRUTH = s.Truth(BEGAN, ENDED, ("process/pop3-*",), {"pop3": frozenset({"anna", "ben"})})
POP3 = c.Fault(
    id="F99",
    en="POP3 is dead",
    de="POP3 ist tot",
    inject="",
    expect="ok ok ok x ok ok ok",
    hits="everybody",
    on=("real",),
    causes=("process/pop3-*",),
)


def named(*components: str) -> Report:
    causes = tuple(NamedCause(component=each, since=BEGAN) for each in components)
    return Report(
        verdict="named", probability=0.98, causes=causes, kinds=dict.fromkeys(components, "process")
    )


UNDECIDED = Report(
    verdict="undecided", probability=0.5, runners_up=(Rival(components=("a",), probability=0.5),)
)


def incidents(*reports: tuple[float, Report], closed_at: float = 0.0) -> Incidents:
    found = Incidents()
    entries: list[r.AnyEntry] = [r.Opened(at=BEGAN + 3, incident=1, since={"pop3": BEGAN})]
    entries += [
        r.Diagnosed(at=at, incident=1, report=report, before="corrected" if place else "")
        for place, (at, report) in enumerate(reports)
    ]
    if closed_at:
        entries.append(r.Closed(at=closed_at, incident=1, until={"pop3": closed_at - 60}))
    found.apply(entries)
    return found


def card(seen: s.Observed, truth: s.Truth = TRUTH) -> s.ScoreCard:
    return s.score(POP3, truth, seen, where="real", alone=True)


def tries(function: str, account: str, answers: str, since: float = BEGAN) -> list[s.Try]:
    """One a second."""
    words = {"o": "ok", "*": "ok*", "t": "t", "x": "x", "q": "q", "!": s.FORBIDDEN}
    return [s.Try(function, account, since + n, words[each]) for n, each in enumerate(answers)]


# the catalogue


def test_drill_1_nothing_but_drills_knows_the_catalogue():
    source = Path(holdfast.__file__).parent
    drills = source / "sim" / "drills"
    knowing = [path for path in source.rglob("*.py") if "drills.catalogue" in path.read_text("utf-8")]
    assert [path for path in knowing if drills not in path.parents and path.name != "drill.py"] == []


def test_the_catalogue_has_every_row_with_an_answer_for_every_function():
    rows = c.catalogue()
    assert list(rows) == [f"F{number:02d}" for number in range(1, 56)]
    for each in rows.values():
        for alone in (False, True):
            worst = each.worst(alone=alone)
            assert tuple(worst) == FUNCTIONS
            assert set(worst.values()) <= set(c.ANSWERS) - {"dt"}
        assert each.hits != "nobody" or not each.fails(alone="real" in each.on)


def test_what_will_be_dial_tone_is_a_temporary_refusal_until_there_is_one():
    assert c.fault("f12").worst()["imap"] == "t"


def test_of_several_answers_the_worst_is_expected():
    assert c.fault("F15").worst()["password"] == "t"


def test_a_fault_that_there_isnt_is_refused():
    with pytest.raises(Refused):
        c.fault("F99")


def test_causes_are_covered_by_exactly_their_components():
    assert c.covered(("process/mx-*",), {"process/mx-0"})
    assert c.covered(("dns", "disk/*|ledger/queue"), {"dns", "ledger/queue"})
    assert not c.covered(("dns", "disk/*"), {"dns"})
    assert not c.covered(("dns",), {"dns", "disk/data"})


# what the watchers made of it


def test_a_drill_that_went_well():
    told = {"pop3": s.Told(frozenset({"anna", "ben"}), "exact")}
    found = card(
        s.Observed(
            incidents((BEGAN + 8, UNDECIDED), (BEGAN + 12, named("process/pop3-0")), closed_at=ENDED + 64),
            ENDED + 70,
            tries("pop3", "anna", "x" * 100 + "tto"),
            told=told,
            noticed_at=BEGAN + 20,
            published_at=BEGAN + 5,
        )
    )
    assert (found.detected_after_s, found.named_after_s, found.verdict) == (3.0, 12.0, "right")
    assert (found.noticed_after_s, found.published_after_s) == (17.0, 2.0)
    assert found.affected == "exact"
    assert found.functions == {"pop3": s.Behaviour("x", "x", "", True)}
    assert found.behaved
    assert (found.returned_after_s, found.closed_after_s) == (2.0, 64.0)


def test_a_wrong_cause_stays_wrong_when_it_is_corrected():
    found = card(
        s.Observed(incidents((BEGAN + 8, named("dns")), (BEGAN + 12, named("process/pop3-0"))), ENDED)
    )
    assert (found.verdict, found.wrong) == ("corrected", ("dns",))
    assert s.totals([found]).named == 0.0
    assert s.totals([found]).wrong == 1


def test_naming_more_than_the_cause_is_wrong():
    found = card(s.Observed(incidents((BEGAN + 8, named("process/pop3-0", "dns"))), ENDED))
    assert (found.verdict, found.named_after_s) == ("wrong", None)


def test_a_chain_named_in_part_is_neither_right_nor_wrong():
    chain = s.Truth(BEGAN, ENDED, ("process/pop3-*", "ledger/*"))
    partly = card(s.Observed(incidents((BEGAN + 8, named("process/pop3-0"))), ENDED), chain)
    whole = card(
        s.Observed(
            incidents(
                (BEGAN + 8, named("process/pop3-0")), (BEGAN + 9, named("process/pop3-0", "ledger/mail"))
            ),
            ENDED,
        ),
        chain,
    )
    assert (partly.verdict, whole.verdict) == ("undecided", "right")
    assert s.totals([partly, whole]).chains == 0.5


def test_what_a_cause_brings_down_may_be_named_beside_it_and_is_not_enough():
    truth = TRUTH._replace(follows=("door/*",))
    both = card(s.Observed(incidents((BEGAN + 8, named("process/pop3-0", "door/pop3"))), ENDED), truth)
    alone = card(s.Observed(incidents((BEGAN + 8, named("door/pop3"))), ENDED), truth)
    assert (both.verdict, alone.verdict, alone.wrong) == ("right", "undecided", ())


def test_where_nothing_is_at_fault_nothing_may_be_named():
    silent = s.Truth(BEGAN, ENDED, ())
    assert card(s.Observed(Incidents(), ENDED), silent).verdict == "right"
    assert card(s.Observed(incidents((BEGAN + 8, named("dns"))), ENDED), silent).verdict == "wrong"


def test_what_the_map_lacks_is_right_when_that_is_said():
    outside = s.Truth(BEGAN, ENDED, (s.OUTSIDE,))
    said = Report(verdict="outside", probability=0.95)
    assert card(s.Observed(incidents((BEGAN + 8, said)), ENDED), outside).verdict == "right"
    assert card(s.Observed(incidents((BEGAN + 8, UNDECIDED)), ENDED), outside).verdict == "undecided"


def test_without_an_incident_the_first_finding_is_the_detection():
    finding = Finding("disk/copy", "", "degraded", "room", "", BEGAN + 2, 0.1)
    early = finding._replace(at=BEGAN - 5)
    assert card(s.Observed(Incidents(), ENDED, findings=[early, finding])).detected_after_s == 2.0


@pytest.mark.parametrize(
    ("accounts", "bound", "verdict"),
    [
        ("anna ben", "exact", "exact"),
        ("anna ben cleo", "bounded", "bounded"),
        ("anna ben cleo", "exact", "wrong"),
        ("anna", "bounded", "wrong"),
    ],
)
def test_whom_it_hits_is_exact_or_bounded_and_never_less(accounts, bound, verdict):
    told = {"pop3": s.Told(frozenset(accounts.split()), bound)}
    assert card(s.Observed(Incidents(), ENDED, told=told)).affected == verdict


def test_whom_it_hits_is_judged_where_customers_did_miss_something():
    well, told = tries("pop3", "anna", "o" * 20), {"imap": s.Told(frozenset(), "exact")}
    assert card(s.Observed(Incidents(), ENDED, well, told=told)).affected == ""
    assert (
        card(s.Observed(Incidents(), ENDED, tries("pop3", "anna", "x" * 20), told=told)).affected == "untold"
    )


def test_drill_2_whom_it_hits_is_not_judged_where_nobody_knows():
    assert card(s.Observed(Incidents(), ENDED), s.Truth(BEGAN, ENDED, ("dns",))).affected == ""
    assert card(s.Observed(Incidents(), ENDED)).affected == "untold"


# what customers met


@pytest.mark.parametrize(
    ("answers", "met"),
    [
        ("oooooooooooooooo", "ok"),
        ("ooxxttxxoooooooo", "ok*"),
        ("oxxxxxxxxxxxxooo", "x"),
        ("otttttttxttttttt", "t"),
        ("oqqqqqqqqqqqqqqq", "q"),
    ],
)
def test_what_is_over_within_ten_seconds_is_a_delay(answers, met):
    found = card(s.Observed(Incidents(), ENDED, tries("pop3", "anna", answers)))
    assert found.functions["pop3"].hit == met


def test_nobody_else_may_be_hit():
    others = tries("pop3", "cleo", "t" * 20)
    found = card(s.Observed(Incidents(), ENDED, [*tries("pop3", "anna", "t" * 20), *others]))
    assert found.functions["pop3"] == s.Behaviour("x", "t", "t", False)
    assert not found.behaved


def test_another_function_may_not_suffer():
    found = card(s.Observed(Incidents(), ENDED, tries("imap", "anna", "t" * 20)))
    assert not found.functions["imap"].good


def test_one_forbidden_answer_is_one_too_many_at_any_time():
    found = card(s.Observed(Incidents(), ENDED, tries("pop3", "anna", "ooo!ooo")))
    assert found.functions["pop3"].good
    assert len(found.forbidden) == 1
    assert not found.behaved


def test_what_never_came_back_did_not_return():
    found = card(s.Observed(Incidents(), ENDED + 30, tries("pop3", "anna", "oxxx", ENDED + 1)))
    assert found.returned_after_s is None
    assert s.totals([found]).returned is None  # nobody tried while it lasted


def test_drill_2_totals_count_what_was_judged_and_nothing_else():
    went = card(s.Observed(incidents((BEGAN + 8, named("process/pop3-0"))), ENDED))
    empty = card(s.Observed(Incidents(), ENDED))
    found = s.totals([went, empty])
    assert (found.drills, found.named, found.detected, found.undecided) == (2, 0.5, 0.5, 1)
    assert found.detection_p99_s == 3.0
    assert (found.behaved, found.returned, found.chains) == (None, None, None)
