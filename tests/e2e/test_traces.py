"""Spans of the real service at a real collector."""

from __future__ import annotations

import pytest

from e2e.collector import Collector
from e2e.service import Service, until
from holdfast.watch.spans import trace_number

pytestmark = pytest.mark.slow


def test_what_the_service_does_with_a_message_arrives_as_spans(tmp_path):
    with Collector() as collector:
        more = f'[traces]\nendpoint = "{collector.endpoint}"\nshare = 1.0\n'
        service = Service(tmp_path, people=("anna",), web=("password",), config=more)
        service.prepare()
        try:
            service.start()
            service.send("traced")
            until(lambda: "traced" in service.subjects())
        finally:
            service.close()  # what a process still holds is sent at its end
        found = {each.name: each for each in collector.spans}
        assert {"accept", "merge", "imap LOGIN", "imap SELECT", "imap FETCH"} <= set(found)
        accept = found["accept"]
        assert accept.process == "mx-0"
        assert 0 < accept.seconds < 10
        assert accept.attributes["holdfast.recipients"] == 1
        assert accept.trace == f"{trace_number(str(accept.attributes['holdfast.trace'])):032x}"
        assert found["merge"].process == "store-0"


def test_a_collector_that_is_away_costs_no_mail(tmp_path):
    with Collector() as collector:
        gone = collector.endpoint
    service = Service(tmp_path, people=("anna",), config=f'[traces]\nendpoint = "{gone}"\nshare = 1.0\n')
    service.prepare()
    try:
        service.start()
        service.send("untraced")
        until(lambda: "untraced" in service.subjects())
    finally:
        service.close()
