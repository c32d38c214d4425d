"""Score cards as they are read, and which faults one machine can be asked for."""

from __future__ import annotations

import pytest

from holdfast.cli import drill
from holdfast.model.errors import Refused, Unavailable
from holdfast.sim.drills import score as s
from holdfast.sim.drills import telling
from holdfast.sim.drills.catalogue import catalogue
from holdfast.sim.drills.real.customers import Gone, given_back, judged
from holdfast.sim.drills.real.rows import ROWS
from holdfast.watch.clients import Fault, Turned

CARD = s.ScoreCard(
    fault="F05",
    title="The webmail is killed",
    where="real",
    at=1000.0,
    detected_after_s=2.5,
    named_after_s=6.0,
    verdict="right",
    named=("process/jmap-0",),
    affected="exact",
    functions={
        "imap": s.Behaviour("ok", "", "ok", True),
        "webmail": s.Behaviour("t", "x", "", False),
    },
    returned_after_s=3.0,
    closed_after_s=70.0,
    tries=400,
)


def test_every_row_that_one_machine_shows_is_in_the_catalogue_as_such():
    assert list(ROWS) == [each.id for each in catalogue().values() if "real" in each.on]


def test_a_card_says_what_was_expected_only_where_that_is_not_what_came():
    lines = telling.card(CARD).splitlines()
    assert lines[0] == "F05  The webmail is killed"
    assert "after 6 s: process/jmap-0 (right)" in lines[2]
    [customers] = [line for line in lines if "customers" in line]
    assert customers.endswith("imap ok  webmail x (expected t)")
    assert any("none of 400 answers" in line for line in lines)


def test_what_did_not_happen_is_said_as_such():
    lines = telling.card(s.ScoreCard(fault="F01", title="", where="simulated", at=0.0)).splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["detected", "not"],
        ["named", "nothing", "(not", "judged)"],
    ]


def test_the_table_marks_what_was_not_expected():
    row = telling.table([CARD]).splitlines()[2]
    assert "| **x** |" in row and row.count("|") == telling.table([CARD]).splitlines()[0].count("|")


def test_a_fault_that_one_machine_cant_show_is_refused_before_anything_is_started():
    with pytest.raises(Refused, match="F02"):
        drill._chosen(["F05", "f02"], False)
    assert drill._chosen(["f05"], False) == ["F05"]


def test_a_fault_that_is_not_played_in_virtual_time_is_refused_there():
    with pytest.raises(Refused, match="F53"):
        drill._played(["F05", "f53"])
    assert drill._played(["f44"]) == ["F44"]


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (Turned("451 4.3.0 later", temporary=True), "t"),
        (Turned("550 5.1.1 nobody here", temporary=False), s.FORBIDDEN),
        (Turned("NO AUTHENTICATIONFAILED wrong", temporary=False), s.FORBIDDEN),
        (Fault("greeting", "421 4.3.0 too busy"), "t"),
        (Fault("FETCH", "the message comes without what stands in it"), "x"),
        (Fault("Email/query", "serverUnavailable cell-03/index: malformed"), "t"),  # RFC 8620 §3.6.2
        (Fault("Email/query", "serverFail An error of ours; its reference is k4"), "x"),
        (Unavailable("https://localhost:8446", "answered 503"), "t"),
        (Unavailable("https://localhost:8446", "ReadTimeout"), "x"),
        (Gone("3 messages, where there were 5"), s.FORBIDDEN),
        (TimeoutError(), "x"),
        (ConnectionRefusedError("refused"), "x"),
    ],
)  # fmt: skip
def test_what_a_customer_met_is_judged_as_he_would(error, answer):
    assert judged(error)[0] == answer


def test_mail_to_elsewhere_that_is_given_back_for_good_is_known_by_its_report():
    report = (
        b"Content-Type: multipart/report\r\n\r\nFinal-Recipient: rfc822; f@e.example\r\nAction: %b\r\n\r\n"
    )
    failed, delayed = report % b"failed" + b"Subject: one\r\n", report % b"delayed" + b"Subject: two\r\n"
    assert given_back([failed, delayed, b"Subject: three\r\n\r\nx"], ["one", "two", "three"]) == ["one"]


def test_what_the_drill_itself_got_wrong_is_no_answer_of_the_service():
    with pytest.raises(KeyError):
        judged(KeyError("ours"))
