"""How a drill's customers call what they were answered, in the catalogue's words."""

from __future__ import annotations

import pytest

from holdfast.model.errors import Unavailable
from holdfast.sim.drills.real.customers import judged
from holdfast.sim.drills.score import FORBIDDEN
from holdfast.watch.clients import Fault, Turned


@pytest.mark.parametrize(
    ("met", "answer"),
    [
        (Fault("Email/query", "serverUnavailable cell-03/index: malformed"), "t"),  # RFC 8620 §3.6.2
        (Unavailable("https://localhost:8446", "answered 503"), "t"),
        (Fault("greeting", "421 4.3.2 try again"), "t"),
        (Turned("NO UNAVAILABLE the index is being made anew", temporary=True), "t"),
        (Fault("Email/query", "serverFail An error of ours; its reference is k4"), "x"),
        (Unavailable("https://localhost:8446", "ReadTimeout"), "x"),
        (ConnectionResetError("the other side has ended"), "x"),
        (Turned("-ERR [AUTH] wrong password", temporary=False), FORBIDDEN),
    ],
)
def test_a_refusal_for_now_is_told_from_no_answer_and_from_one_for_good(met, answer):
    assert judged(met)[0] == answer
