"""How a drill is judged whose fault hurts nobody at first, or nobody of a function."""

from __future__ import annotations

import msgspec
import pytest

from holdfast.sim.drills import score as s
from holdfast.sim.drills.simulated import rows
from holdfast.sim.drills.simulated.play import hurts_after_s
from holdfast.sim.seed import stream
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incidents, Opinion
from unit.sim.test_drill_score import BEGAN, POP3, named

ENDED = BEGAN + 100
CHAIN = s.Truth(BEGAN, ENDED, ("key/*", "process/pop3-*"), hurts_at=BEGAN + 60)


def detected(opened_at: float, *reports: Opinion, truth: s.Truth = CHAIN) -> float | None:
    found = Incidents()
    found.apply([r.Opened(at=opened_at, incident=1, since={"pop3": opened_at})])
    seen = s.Observed(found, ENDED, reports=reports)
    return s.score(POP3, truth, seen, where="simulated").detected_after_s


def test_a_chain_that_hurts_nobody_at_first_is_detected_by_its_first_cause_and_then_by_the_incident():
    assert detected(BEGAN + 61, Opinion(BEGAN + 4, named("key/objects"))) == 4
    assert detected(BEGAN + 67, Opinion(BEGAN + 4, named("key/objects"))) == 7


def test_where_nothing_or_something_else_was_named_before_it_hurt_it_was_detected_when_it_did():
    assert detected(BEGAN + 61) == 61
    assert detected(BEGAN + 61, Opinion(BEGAN + 4, named("dns"))) == 61
    assert detected(BEGAN + 61, Opinion(BEGAN + 4, named("key/objects", "dns"))) == 61


def test_where_it_hurts_at_once_that_something_is_named_is_no_incident():
    at_once = CHAIN._replace(hurts_at=BEGAN)
    assert detected(BEGAN + 61, Opinion(BEGAN + 4, named("key/objects")), truth=at_once) == 61


@pytest.mark.slow
def test_of_the_simulated_chains_one_hurts_nobody_until_the_disk_is_full():
    later = {id: hurts_after_s(rows.row(id, stream(1, "row"))) for id in ("F29", "F44", "F46", "F47")}
    assert later == {"F29": 0.0, "F44": 0.0, "F46": rows.MINUTE, "F47": 0.0}


def test_of_a_function_that_a_fault_spares_nothing_is_to_be_told_and_telling_is_wrong():
    both = POP3.expect.replace("ok", "t", 2)  # receive and send may fail, too
    fault = msgspec.structs.replace(POP3, expect=both)
    hit = {"receive": frozenset({"anna"}), "send": frozenset[str](), "pop3": frozenset({"anna"})}
    truth = s.Truth(BEGAN, ENDED, ("process/pop3-*",), hit)
    anna = s.Told(frozenset({"anna"}), "exact")

    def whom(**told: s.Told) -> str:
        seen = s.Observed(Incidents(), ENDED, told=told)
        return s.score(fault, truth, seen, where="simulated").affected

    assert whom(receive=anna, pop3=anna) == "exact"
    nobody = truth._replace(hit=dict.fromkeys(hit, frozenset[str]()))
    assert s.score(fault, nobody, s.Observed(Incidents(), ENDED, told={}), where="simulated").affected == ""
    assert whom(pop3=anna) == "untold"
    assert whom(receive=anna, pop3=anna, send=anna) == "wrong"
