"""The role watch in the real service: a process that stands still is noticed, named and told of."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from e2e.service import Service, until
from holdfast.watch.incidents import Incident, IncidentReader
from holdfast.watch.now import Now, read_now
from holdfast.world import real_world

pytestmark = pytest.mark.slow

CONFIG = "[workers]\nwatch = 1\nimap = 1\n"
CANARIES = ("receive", "send", "imap", "pop3")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    made = Service(tmp_path_factory.mktemp("watching"), people=("anna",), config=CONFIG)
    with made.running():
        yield made


def now(service: Service) -> Now | None:
    return read_now(real_world(level="error"), str(service.data / "watch" / "now.json"))


def states(service: Service) -> dict[str, str]:
    said = now(service)
    return {each.trial: each.state for each in said.findings} if said is not None else {}


def incidents(service: Service) -> list[Incident]:
    """As anybody reads them, with no process asked."""
    reader = IncidentReader(real_world(level="error"), str(service.data / "watch"))
    reader.read_all()
    return list(reader.incidents)


def shown(service: Service, number: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(service.holdfast("incident", "show", str(number), "--json").stdout)
    return found


def test_it_makes_the_accounts_of_its_canaries_and_finds_that_all_works(service: Service) -> None:
    until(lambda: all(states(service).get(f"canary/{each}") == "works" for each in CANARIES))
    assert len(service.events("canaries_made")) == 1
    assert not [each for each in states(service).items() if each[1] in ("fails", "degraded")]
    assert states(service)["metrics/pop3-0"] == "works"
    assert not incidents(service) and not service.events("try_failed", "now_unwritten")
    used = until(
        lambda: (
            (said := now(service)) is not None
            and {"receive", "imap", "pop3"} <= (found := {each.function: each for each in said.uses}).keys()
            and found
        )
    )
    assert used["imap"].served and not any(each.apart for each in used.values())


@pytest.mark.timed
def test_a_process_that_stands_still_is_an_incident_within_seconds_named_and_written_down(
    service: Service, record_property: Any
) -> None:
    until(lambda: states(service).get("canary/pop3") == "works")
    pid, began = service.pid("pop3-0"), time.time()
    os.kill(pid, signal.SIGSTOP)
    try:
        incident = until(lambda: next(iter(incidents(service)), None), 30)
        named = until(
            lambda: (found := incidents(service)[0].opinion) and found.report.components and found, 60
        )
    finally:
        os.kill(pid, signal.SIGCONT)
    record_property("detected_s", incident.opened_at - began)
    record_property("named_s", named.at - began)
    print(f"detected after {incident.opened_at - began:.2f} s, named after {named.at - began:.2f} s")
    assert incident.functions == ("pop3",) and incident.opened_at - began < 15
    assert named.report.components == {"process/pop3-0"} and named.at - began < 40
    until(lambda: (said := now(service)) and said.report is None and states(service)["pop3/pop3"] == "works")
    assert not [each for each in states(service).items() if each[1] == "fails"]

    for words in (["note", "1", "stopped by hand", "--by", "anna"], ["action", "add", "1", "leave it alone"]):
        done = service.holdfast("incident", *words)
        assert done.returncode == 0, done.stderr
    said = shown(service, 1)
    assert [each["text"] for each in said["timeline"] if each["is"] == "note"] == ["stopped by hand"]
    assert [each["text"] for each in said["actions"].values()] == ["leave it alone"]
