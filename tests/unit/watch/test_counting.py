"""Counts from events: what each event does, what it may not do, what it costs."""

from __future__ import annotations

import importlib
import time
from pathlib import Path

import pytest

from holdfast.model.errors import HASTE
from holdfast.model.events import EVENTS, register
from holdfast.watch.collecting import Collected, render
from holdfast.watch.counting import LABEL_SETS, PLACES, Counts
from holdfast.watch.words import IN_CELLS, METRICS, STEPS, USES, used
from holdfast.world import Entry

ROOT = Path(__file__).parents[3]
PERSONAL = {"login", "sender", "address", "peer", "account", "recipient", "path", "reply", "reason", "trace"}
for path in (ROOT / "src" / "holdfast").rglob("events.py"):
    importlib.import_module(".".join(path.relative_to(ROOT / "src").with_suffix("").parts))
importlib.import_module("holdfast.functions.pop3")  # one module, with its own


def happened(name: str, **keys: object) -> Entry:
    return Entry(0.0, EVENTS[name], keys)


def text(counts: Counts) -> str:
    return render("", Collected({"mx-0": counts.told()}), [])[0].decode()


def told(counts: Counts, metric: str) -> dict[tuple[str, ...], float]:
    return {at: value for each in counts.told() if each.metric == metric for at, [value] in each.values}


@pytest.mark.parametrize("name", STEPS)
def test_every_counted_event_exists_and_has_the_keys_that_are_counted(name):
    keys = set(EVENTS[name].keys)
    for step in STEPS[name]:
        sources = {each for each in step.labels.values() if not each.startswith("=")}
        assert sources | ({step.key} if step.key else set()) <= keys
        assert set(step.labels) == set(METRICS[step.metric].labels)


def test_watch_3_no_label_is_taken_from_what_people_choose():
    sources = {each for steps in STEPS.values() for step in steps for each in step.labels.values()}
    assert not sources & PERSONAL


def test_watch_3_labels_that_run_wild_are_not_counted_without_end():
    counts = Counts()
    for number in range(LABEL_SETS + 50):
        counts(happened("smtp_refused", function="mx", step=f"S{number}"))
    (told,) = counts.told()
    assert len(told.values) == LABEL_SETS


def test_names_follow_prometheus():
    for metric in METRICS.values():
        assert metric.name.startswith("holdfast_")
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert metric.meaning.endswith(".")
        assert list(metric.bounds) == sorted(metric.bounds)


def test_a_message_counts_once_with_its_bytes_and_its_time():
    counts = Counts()
    for seconds in (0.002, 0.2, 99.0):
        counts(happened("message_accepted", function="mx", peer="192.0.2.1", bytes=100, seconds=seconds))
    page = text(counts)
    assert 'holdfast_smtp_messages_total{function="mx",process="mx-0",result="accepted"} 3.0' in page
    assert 'holdfast_smtp_message_bytes_total{function="mx",process="mx-0"} 300.0' in page
    assert 'holdfast_smtp_accept_seconds_bucket{function="mx",le="0.0025",process="mx-0"} 1.0' in page
    assert 'holdfast_smtp_accept_seconds_bucket{function="mx",le="+Inf",process="mx-0"} 3.0' in page
    assert 'holdfast_smtp_accept_seconds_sum{function="mx",process="mx-0"} 99.202' in page


def test_events_that_warn_are_counted_by_name_whatever_they_are():
    counts = Counts()
    counts(happened("volume_full"))
    counts(happened("message_rejected", function="mx"))
    page = text(counts)
    assert 'holdfast_events_total{event="volume_full",level="error",process="mx-0"} 1.0' in page
    assert "message_rejected" not in page


def test_a_gauge_that_fails_costs_no_other_metric():
    counts = Counts()
    counts.gauge("holdfast_queue_messages", lambda: 1 / 0)
    counts.gauge("holdfast_queue_recipients", lambda: 7.0)
    assert [each.metric for each in counts.told()] == ["holdfast_queue_recipients"]


@pytest.mark.timed
def test_watch_1_an_event_costs_about_a_microsecond():
    counts = Counts()
    entry = happened("imap_command", command="FETCH", result=b"OK", seconds=0.001, peer="192.0.2.1", cell=7)
    best = 1.0
    for _ in range(5):
        begun = time.perf_counter()
        for _ in range(2000):
            counts(entry)
        best = min(best, (time.perf_counter() - begun) / 2000)
    assert best < 10e-6  # ten times what it is: this machine is busy


def test_an_event_nobody_counts_is_left_alone():
    counts = Counts()
    EVENTS.get("a_test_only") or register("a_test_only", "info", "for a test only")
    counts(happened("a_test_only"))
    assert counts.told() == []


def test_watch_3_who_is_served_is_counted_by_network_and_nobody_by_address():
    counts = Counts()
    for host in range(1, 4):
        counts(happened("sign_in", function="imap", peer=f"192.0.2.{host}", cell=7))
    counts(happened("message_accepted", function="mx", peer="2001:db8:1:2::9", bytes=1, seconds=0.1))
    page = text(counts)
    assert '{function="imap",network="192.0.2.0/24",process="mx-0"} 3.0' in page
    assert 'network="2001:db8:1::/48"' in page
    assert "192.0.2.1" not in page and "::9" not in page
    assert 'holdfast_auth_total{function="imap",process="mx-0",result="right"} 3.0' in page, "as before"


def test_watch_3_networks_without_end_are_counted_together():
    counts = Counts()
    for number in range(3 * PLACES):
        counts(happened("sign_in", function="imap", peer=f"10.{number // 256}.{number % 256}.7", cell=number))
    for by in ("network", "cell"):
        values = told(counts, used("served", by))
        assert len(values) == PLACES + 1
        assert values["imap", "other"] == 2.0 * PLACES


def test_who_is_told_to_come_again_is_counted_by_network_and_by_the_cell_of_the_account():
    counts = Counts()
    at, lost = {"peer": "192.0.2.7", "cell": 7}, {"component": "cell-07/index"}
    counts(happened("imap_unavailable", command="SELECT", account=1, text="", **at, **lost))
    counts(
        happened("imap_unavailable", command="LOGIN", account=0, text="", peer="192.0.2.7", cell=None, **lost)
    )
    counts(happened("pop3_unavailable", verb="PASS", **at, **lost))
    counts(happened("jmap_unavailable", path="Email/get", text="", **at, **lost))
    counts(happened("page_unavailable", function="password", path="/", text="", peer="192.0.2.9", **lost))
    counts(happened("smtp_unavailable", function="mx", step="RCPT", reason="", peer="::1", **lost))
    here = "192.0.2.0/24"
    assert told(counts, used("missed", "network")) == {
        ("imap", here): 2,
        ("pop3", here): 1,
        ("jmap", here): 1,
        ("password", here): 1,
        ("mx", "::/48"): 1,
    }
    assert told(counts, used("missed", "cell")) == {(each, "cell-07"): 1 for each in ("imap", "pop3", "jmap")}


def test_only_what_went_well_was_served_and_who_comes_too_often_has_missed_nothing():
    counts = Counts()
    at = {"peer": "192.0.2.7", "cell": 3}
    for result in (b"OK", b"NO", "NO", b"BAD"):
        counts(happened("imap_command", command="FETCH", result=result, seconds=0.001, **at))
    for result in ("ok", "serverUnavailable"):
        counts(happened("jmap_call", account=1, method="Email/get", result=result, seconds=0.001, **at))
    for status in (200, 303, 404, 503):
        counts(happened("page_served", function="signup", status=status, seconds=0.001, peer="192.0.2.7"))
    for component in HASTE:
        counts(happened("imap_unavailable", command="LOGIN", account=0, component=component, text="", **at))
    assert told(counts, used("served", "network")) == {
        ("imap", "192.0.2.0/24"): 1,
        ("jmap", "192.0.2.0/24"): 1,
        ("signup", "192.0.2.0/24"): 2,
    }
    assert told(counts, used("missed", "network")) == {}


@pytest.mark.parametrize("name", USES)
def test_every_event_of_real_use_says_where_it_came_from_and_those_of_mailboxes_in_which_cell(name):
    keys, function = set(EVENTS[name].keys), USES[name].function
    assert "peer" in keys and (function[:1] == "=" or function in keys)
    assert ("cell" in keys) == (name == "sign_in" or function[1:] in IN_CELLS)


def test_whoever_is_told_to_come_again_is_counted_by_what_was_out_of_reach():
    told = {
        name for name, event in EVENTS.items() if name.endswith("_unavailable") and "component" in event.keys
    }
    assert len(told) >= 8
    for name in told:
        assert "holdfast_unavailable_total" in {step.metric for step in STEPS[name]}, name
