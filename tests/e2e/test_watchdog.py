"""A process that lives but does nothing is found out and started again; the rest goes on."""

from __future__ import annotations

import os
import signal
import time

import pytest

from e2e.service import Service, until

pytestmark = pytest.mark.slow

SILENT_S = 1.5


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    service = Service(tmp_path_factory.mktemp("watched"), people=("anna",))
    text = service.config_path.read_text()
    service.config_path.write_text(text.replace("[service]\n", f"[service]\nwatchdog_s = {SILENT_S}\n"))
    service.prepare()
    service.start()
    yield service
    service.close()


def frozen(service: Service, name: str) -> list[dict[str, object]]:
    return [each for each in service.events("child_frozen") if each["process"] == name]


def test_run_9_a_stopped_process_is_started_again_and_mail_goes_on(service):
    stopped = service.pid("store-0")
    os.kill(stopped, signal.SIGSTOP)
    service.send("while the store stands still")  # RUN-7: taken without it
    until(lambda: frozen(service, "store-0"))
    until(lambda: service.pid("store-0") != stopped if running(service, "store-0") else False)
    service.wait_ready()
    until(lambda: "while the store stands still" in service.subjects())
    assert not frozen(service, "imap-0")


def running(service: Service, name: str) -> bool:
    return any(each["process"] == name and each["pid"] for each in service.status()["processes"])


def test_run_9_a_fatal_signal_leaves_where_the_process_was(service):
    stopped = service.pid("pop3-0")
    os.kill(stopped, signal.SIGABRT)
    until(lambda: running(service, "pop3-0") and service.pid("pop3-0") != stopped)
    died = [each for each in service.events("child_died") if each["pid"] == stopped]
    assert died[0]["status"] == -signal.SIGABRT
    assert "child.py" in died[0]["where"]
    service.wait_ready()


def test_run_9_a_service_that_was_stopped_as_a_whole_loses_nobody(service):
    before = {each["process"]: each["pid"] for each in service.status()["processes"]}
    earlier = len(service.events("child_frozen"))
    everybody = [service.process.pid, *before.values()]
    for pid in everybody:
        os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    until(lambda: time.monotonic() - began > 3.3, 10)  # longer than the supervisor's own pause may be
    for pid in everybody:
        os.kill(pid, signal.SIGCONT)
    until(lambda: service.subjects() is not None)
    assert {each["process"]: each["pid"] for each in service.status()["processes"]} == before
    assert len(service.events("child_frozen")) == earlier
