"""JMAP and the webmail while other processes are dead or stand still, and after they were."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from e2e.mail_program import Program
from e2e.service import DOMAIN, Service, password, until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    made = Service(tmp_path_factory.mktemp("jmap"), web=("jmap", "webmail", "health"))
    made.prepare()
    made.start()
    for number in (1, 2):
        made.send(f"before {number}")
    yield made
    made.close()


@pytest.fixture
def program(service: Service) -> Iterator[Program]:
    made = Program(service)
    yield made
    made.close()


def inbox(program: Program) -> dict[str, Any]:
    return next(each for each in program.call("Mailbox/get")["list"] if each["role"] == "inbox")


@pytest.mark.timed
def test_jmapd_9_reading_goes_on_without_the_stores_writer(service: Service, program: Program) -> None:
    until(lambda: len(program.subjects()) >= 2)
    with service.stopped("store-0"):
        assert program.subjects()[-2:] == ["before 2", "before 1"]
        email = program.call("Email/query")["ids"][0]
        begun = time.monotonic()
        answer = program.call("Email/set", update={email: {"keywords/$flagged": True}})
        assert answer["notUpdated"][email]["type"] == "serverUnavailable", answer
        assert time.monotonic() - begun < 30
        assert not program.call("Email/get", ids=[email], properties=["keywords"])["list"][0]["keywords"]
        blob = program.call("Email/get", ids=[email], properties=["blobId"])["list"][0]["blobId"]
        got = program.http.get(f"/jmap/download/{program.account}/{blob}/m.eml")
        assert b"Subject: before" in got.content
    done = program.call("Email/set", update={email: {"keywords/$flagged": True}})
    assert email in done["updated"], done


def test_jmapd_9_who_has_a_token_is_served_without_auth_and_people(
    service: Service, program: Program
) -> None:
    with service.stopped("auth-0", "people-0"):
        assert len(program.subjects()) >= 2
        assert program.http.get("/.well-known/jmap").status_code == 200
        form = {
            "grant_type": "refresh_token",
            "refresh_token": program.tokens["refresh_token"],
            "client_id": "test",
        }
        assert program.http.post("/token", data=form).status_code == 200
        basic = (
            f"cleo@{DOMAIN}",
            password("cleo"),
        )  # never seen before: checked here, or later, but not wrong
        answer = httpx2.get(
            f"{service.url('jmap')}/.well-known/jmap", auth=basic, trust_env=False, timeout=30
        )
        assert answer.status_code in (200, 503)


def test_jmapd_3_what_was_uploaded_and_let_in_outlives_the_process(
    service: Service, program: Program
) -> None:
    made = program.http.post(f"/jmap/upload/{program.account}/", content=b"a picture").json()
    service.kill("jmap-0")
    until(lambda: _ready(service, "jmap-0"))
    got = program.http.get(f"/jmap/download/{program.account}/{made['blobId']}/a.png")
    assert got.content == b"a picture"
    assert len(program.subjects()) >= 2


def _ready(service: Service, name: str) -> bool:
    return any(each["process"] == name and each["ready"] for each in service.status()["processes"])


def test_webmail_1_its_files_are_there_with_every_other_process_standing_still(service: Service) -> None:
    others = [each["process"] for each in service.status()["processes"] if each["process"] != "webmail-0"]
    with service.stopped(*others):
        config = httpx2.get(f"{service.url('webmail')}/config.json", trust_env=False, timeout=10)
        assert config.json()["jmap"] == service.url("jmap")
        page = httpx2.get(f"{service.url('webmail')}/", trust_env=False, timeout=10)
        assert page.status_code in (200, 503)  # built, or the page that says what to do
        assert "<title>" in page.text
        assert (
            httpx2.get(
                f"{service.url('webmail')}/status/summary.json", trust_env=False, timeout=30
            ).status_code
            == 503
        )


@pytest.mark.timed
def test_the_status_feed_says_what_does_not_answer(service: Service) -> None:
    def component(name: str) -> dict[str, Any]:
        feed = httpx2.get(f"{service.url('webmail')}/status/summary.json", trust_env=False, timeout=30).json()
        return next(each for each in feed["components"] if each["id"] == name)

    assert until(lambda: component("imap")["status"] == "operational", 30)
    with service.stopped("imap-0", "imap-1"):
        until(lambda: component("imap")["status"] == "major_outage", 40)
        said = component("imap")["holdfast"]
        assert said["since"] and "webmail" in said["works"] and "imap" not in said["works"]
    until(lambda: component("imap")["status"] == "operational", 40)


@pytest.mark.timed
def test_new_mail_is_told_also_after_the_store_was_killed(service: Service, program: Program) -> None:
    with program.http.stream("GET", "/jmap/events?types=Email&closeafter=state&ping=0") as events:
        assert events.status_code == 200
        service.kill("store-0")
        service.send("after the kill")
        assert any(line.startswith("event: state") for line in events.iter_lines())
    until(lambda: "after the kill" in program.subjects(), 30)
