"""Counts from events: what each event does, what it may not do, what it costs."""

from __future__ import annotations

import importlib
import time
from pathlib import Path

import pytest

from holdfast.model.events import EVENTS, register
from holdfast.watch.collecting import Collected, render
from holdfast.watch.counting import LABEL_SETS, NETWORKS, Counts
from holdfast.watch.words import METRICS, STEPS
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
    entry = happened("imap_command", command="FETCH", result="OK", seconds=0.001)
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
        counts(happened("sign_in", function="imap", peer=f"192.0.2.{host}"))
    counts(happened("message_accepted", function="mx", peer="2001:db8:1:2::9", bytes=1, seconds=0.1))
    page = text(counts)
    assert '{function="imap",network="192.0.2.0/24",process="mx-0"} 3.0' in page
    assert 'network="2001:db8:1::/48"' in page
    assert "192.0.2.1" not in page and "::9" not in page
    assert 'holdfast_auth_total{function="imap",process="mx-0",result="right"} 3.0' in page, "as before"


def test_watch_3_networks_without_end_are_counted_together():
    counts = Counts()
    for number in range(3 * NETWORKS):
        counts(happened("sign_in", function="imap", peer=f"10.{number // 256}.{number % 256}.7"))
    [told] = [each for each in counts.told() if each.metric == "holdfast_served_by_network_total"]
    values = dict(told.values)
    assert len(values) == NETWORKS + 1
    assert values["imap", "other"] == [2.0 * NETWORKS]


def test_whoever_is_told_to_come_again_is_counted_by_what_was_out_of_reach():
    told = {
        name for name, event in EVENTS.items() if name.endswith("_unavailable") and "component" in event.keys
    }
    assert len(told) >= 8
    for name in told:
        assert "holdfast_unavailable_total" in {step.metric for step in STEPS[name]}, name
