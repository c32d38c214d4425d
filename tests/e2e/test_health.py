"""Metrics and health of the real service, read as monitoring reads them."""

from __future__ import annotations

import http.client
import json
import time

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from e2e.service import DOMAIN, HOST, Service, password, until

pytestmark = pytest.mark.slow

FUNCTIONS = {"mx", "submission", "imap", "pop3", "password", "relay"}


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("health")
    (folder / "probe").write_text(password("ben") + "\n")
    more = f'[health]\naccount = "ben@{DOMAIN}"\npassword = "file:{folder}/probe"\n'
    service = Service(folder, people=("anna", "ben"), web=("password", "health"), config=more)
    service.prepare()
    service.start()
    yield service
    service.close()


def get(service: Service, path: str, accept: str = "") -> tuple[int, str]:
    link = http.client.HTTPConnection(HOST, service.ports["health_http"], timeout=20)
    try:
        link.request("GET", path, headers={"Accept": accept} if accept else {})
        answer = link.getresponse()
        return answer.status, answer.read().decode()
    finally:
        link.close()


def samples(service: Service) -> dict[tuple[str, ...], float]:
    """By name and sorted labels."""
    status, page = get(service, "/metrics")
    assert status == 200
    return {
        (each.name, *(f"{name}={value}" for name, value in sorted(each.labels.items()))): each.value
        for family in parse_text(page)
        for each in family.samples
    }


def functions(service: Service) -> dict[str, dict[str, object]]:
    return json.loads(get(service, "/healthz")[1])["functions"]


def state(service: Service, function: str) -> str:
    return str(functions(service)[function]["state"])


def test_what_happened_is_counted_and_told_in_both_forms(service):
    service.send("counted")
    client = service.imap()
    client.select("INBOX")
    client.logout()
    until(lambda: "counted" in service.subjects())
    page = samples(service)
    assert page["holdfast_smtp_messages_total", "function=mx", "process=mx-0", "result=accepted"] == 1
    assert page["holdfast_commit_seconds_count", "ledger=volume-v1/mx-0", "process=mx-0"] >= 1
    assert page["holdfast_merged_messages_total", "ledger=mx-0", "process=store-0"] >= 1
    signed_in = [
        value
        for name, value in page.items()
        if name[0] == "holdfast_auth_total" and "function=imap" in name and "result=right" in name
    ]
    assert sum(signed_in) >= 2
    assert any(
        name[0] == "holdfast_imap_command_seconds_bucket" and "command=SELECT" in name for name in page
    )
    here = ("network=127.0.0.0/24", "process=mx-0")
    assert page["holdfast_served_by_network_total", "function=mx", *here] == 1
    assert sum(value for name, value in page.items() if name[0] == "holdfast_served_by_cell_total") >= 2
    releases = {name[1:] for name in page if name[0] == "holdfast_release_start_time_seconds"}
    assert len({each[:1] + each[2:] for each in releases}) == 1 < len(releases), "of all processes the same"
    assert page["holdfast_queue_messages", "process=relay-0"] == 0
    assert page["holdfast_index_behind_cells", "process=store-0"] == 0
    assert page["holdfast_people_copy_stale_seconds", "process=mx-0"] == 0
    assert page["holdfast_process_up", "process=imap-1"] == 1
    assert page["holdfast_process_resident_bytes", "process=mx-0"] > 1e6
    assert page["holdfast_disk_free_bytes", "place=volume-v1"] > 0
    certificate = [value for name, value in page.items() if name[0] == "holdfast_certificate_left_days"]
    assert certificate[0] > 7
    assert page["holdfast_function_state", "function=imap", "state=healthy"] == 1
    status, text = get(service, "/metrics", "application/openmetrics-text; version=1.0.0")
    assert status == 200
    assert {family.name for family in parse_openmetrics(text)} >= {"holdfast_smtp_messages", "holdfast_auth"}
    assert DOMAIN not in text.replace(f"mail.{DOMAIN}", "")  # WATCH-3


def test_every_function_is_tried_to_the_end(service):
    status, page = get(service, "/healthz?strict")
    found = json.loads(page)
    assert (status, found["state"]) == (200, "healthy"), page
    assert set(found["functions"]) == FUNCTIONS
    passed = {
        name: {step for check in each["checks"] for step in check["passed"]}
        for name, each in found["functions"].items()
    }
    assert passed["mx"] >= {"connect", "greeting", "STARTTLS", "RCPT"}
    assert passed["submission"] >= {"STARTTLS", "sign-in"}
    assert passed["imap"] >= {"STARTTLS", "sign-in", "SELECT"}
    assert passed["pop3"] >= {"STLS", "sign-in", "STAT"}
    assert get(service, "/healthz/live")[0] == 200
    assert get(service, "/healthz/ready?func=imap")[0] == 200
    assert get(service, "/healthz/ready?func=fax")[0] == 404
    assert get(service, "/etc/passwd")[0] == 404


def test_watch_4_trying_changes_nothing(service):
    client = service.imap("ben")
    assert client.select("INBOX")[1] == [b"0"]
    client.logout()


@pytest.mark.timed
def test_watch_2_a_frozen_function_is_unhealthy_and_no_other_is(service):
    with service.stopped("pop3-0"):
        until(lambda: state(service, "pop3") == "unhealthy")
        began = time.monotonic()
        status, page = get(service, "/healthz/ready?func=pop3")
        assert (status, time.monotonic() - began < 6) == (503, True)
        assert page.startswith("pop3 unhealthy pop3/pop3 greeting: no answer within 5 s")
        assert {name for name, each in functions(service).items() if each["state"] != "healthy"} == {"pop3"}
        assert get(service, "/healthz/ready?func=imap")[0] == 200
        assert samples(service)["holdfast_process_up", "process=pop3-0"] == 0
    until(lambda: state(service, "pop3") == "healthy")


def test_watch_6_without_store_and_people_each_function_says_for_itself_how_it_is(service):
    with service.stopped("people-0", "store-0"):
        page = functions(service)
        assert page["mx"]["state"] == "healthy"
        assert samples(service)["holdfast_process_up", "process=store-0"] == 0


def test_the_journal_says_which_process_speaks(service):
    ready = service.events("intake_opened")
    assert {(each["process"], each["function"]) for each in ready} >= {("mx-0", "mx")}
