"""Which events become spans, and which of them are sampled."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from holdfast.model.events import EVENTS
from holdfast.watch.spans import KINDS, Spans, trace_number
from holdfast.world import Entry, real_world

for module in ("flow", "store", "pages", "functions.imap"):
    importlib.import_module(f"holdfast.{module}.events")


def made(share: float, *entries: Entry) -> list[tuple[int, str, float, float, dict[str, str | int]]]:
    found: list[tuple[int, str, float, float, dict[str, str | int]]] = []
    spans = Spans(real_world(), share, lambda *each: found.append(each), lambda: None)
    for entry in entries:
        spans(entry)
    return found


@pytest.mark.parametrize("name", KINDS)
def test_every_span_is_made_of_what_its_event_says(name):
    keys = set(EVENTS[name].keys)
    assert {*KINDS[name].keys, "seconds"} <= keys
    assert not {"sender", "peer", "login", "address"} & set(KINDS[name].keys)


def accepted(trace: str) -> Entry:
    keys = {"function": "mx", "trace": trace, "recipients": 1, "bytes": 9, "seconds": 0.5}
    return Entry(100.0, EVENTS["message_accepted"], keys)


def tried(trace: str) -> Entry:
    keys = {"entry": "mx-0:1", "trace": trace, "result": "sent", "reply": "250", "seconds": 1.0}
    return Entry(200.0, EVENTS["relay_tried"], keys)


def test_a_message_is_one_trace_in_all_processes():
    accept, try_ = made(1.0, accepted("abc1"), tried("abc1"))
    assert accept[0] == try_[0] == trace_number("abc1")
    assert accept[1:4] == ("accept", 99.5, 100.0)


def test_all_of_a_message_is_sampled_or_nothing_is():
    names = [f"m{number:x}" for number in range(400)]
    there = {each[0] for each in made(0.25, *(accepted(name) for name in names))}
    later = {each[0] for each in made(0.25, *(tried(name) for name in names))}
    assert there == later
    assert 50 < len(there) < 150
    assert not made(0.0, *(accepted(name) for name in names))


@pytest.mark.slow
def test_opentelemetry_is_not_loaded_where_nobody_asks_for_spans():
    script = "import sys, holdfast.run.telling, holdfast.watch.spans; print('opentelemetry' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert done.stdout.strip() == "False", done.stderr
