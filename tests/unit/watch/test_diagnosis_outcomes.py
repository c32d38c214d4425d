"""Which outcomes still say how it is."""

from __future__ import annotations

from holdfast.model.findings import Finding
from holdfast.watch.diagnosis.outcomes import Outcomes
from unit.watch.small_service import MAP


def finding(trial: str, at: float, step: str = "") -> Finding:
    return Finding(trial, "", "fails" if step else "works", step, "", at, 0.0)


def test_diag_9_a_fault_that_spoils_a_part_begins_once_and_what_works_meanwhile_counts():
    outcomes = Outcomes(MAP)
    for second in range(60):  # half of the tries of one fail, of the other none
        outcomes.add([finding("sms", 1000.0 + second, "answer" if second // 2 % 2 else "")])
        outcomes.add([finding("dns", 1000.5 + second)])
    kept = outcomes.now(1060.0)
    assert sum(each.trial == "dns" for each in kept) >= 8


def test_diag_9_what_worked_before_a_fault_began_is_no_evidence_that_it_works():
    outcomes = Outcomes(MAP)
    for second in range(5):
        outcomes.add([finding("sms", 1000.0 + second), finding("dns", 1000.5 + second)])
    outcomes.add([finding("sms", 1006.0, "answer"), finding("sms", 1007.0, "answer")])
    assert [each.trial for each in outcomes.now(1008.0)] == ["sms", "sms"]
