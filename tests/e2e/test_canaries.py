"""Canaries against the real processes: all works, and each fault is found by its own canary alone."""

from __future__ import annotations

import imaplib
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from e2e.service import DOMAIN, HOST, Service, until
from e2e.test_jmap_sending import Elsewhere
from e2e.test_quota import limit
from holdfast.model.errors import Unavailable
from holdfast.run import reading
from holdfast.run.canaries import run_once
from holdfast.run.components import look_once
from holdfast.run.config import Canary
from holdfast.watch.canaries.words import COURSES
from holdfast.world import real_world, run
from web.webmail import needs_build

pytestmark = [pytest.mark.slow, needs_build]

WEB = ("password", "signup", "jmap", "webmail")
# as strict as can be: a code is asked for, and a network has one account a day
CONFIG = f'[signup]\nopen = ["{DOMAIN}"]\nminimum_s = 0\nper_network_day = 1\n'


class Mirror(Elsewhere):
    """A mail server elsewhere whose forwarding sends everything back to the first canary."""

    def __init__(self) -> None:
        super().__init__()
        self.service: Service | None = None
        self.messages = _Forwarding(self)


class _Forwarding(list[bytes]):
    def __init__(self, mirror: Mirror) -> None:
        super().__init__()
        self._mirror = mirror

    def append(self, message: bytes) -> None:
        super().append(message)
        assert self._mirror.service is not None
        with self._mirror.service.smtp() as client:
            client.sendmail("forwarder@example.net", [f"canary-1@{DOMAIN}"], message)


@pytest.fixture(scope="module")
def mirror() -> Iterator[Mirror]:
    server = Mirror()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def service(mirror: Mirror, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    relay = f'[relay]\nsmarthost = "{HOST}:{mirror.port}"\ntls = "none"\n'
    made = Service(tmp_path_factory.mktemp("canaries"), people=("anna",), web=WEB, config=CONFIG + relay)
    mirror.service = made
    try:
        made.prepare()
        assert made.holdfast("canary", "setup").returncode == 0
        made.start()
        yield made
    finally:
        made.close()


def tried(service: Service, *functions: str, outside: str = "") -> dict[str, Any]:
    """By trial, without its prefix."""

    async def work() -> dict[str, Any]:
        config = reading.load(str(service.config_path), {})
        config = msgspec.structs.replace(config, canary=Canary(outside=outside))
        found = await run_once(real_world(level="error"), config, functions)
        return {each.finding.trial.removeprefix("canary/"): each for each in found}

    return run(work())


def states(found: dict[str, Any]) -> dict[str, str]:
    return {trial: each.finding.state for trial, each in found.items()}


def inbox(service: Service, number: int) -> list[bytes]:
    """Subjects in a canary's inbox."""
    own = json.loads((service.data / "watch" / "canary.json").read_text())["accounts"][number]
    client = imaplib.IMAP4("127.0.0.1", service.ports["imap"], timeout=30)
    client.login(own[0], own[3])
    _, [count] = client.select("INBOX", readonly=True)
    found = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1] if count != b"0" else []
    client.logout()
    return [each[1].strip() for each in found if isinstance(each, tuple)]


def accounts(service: Service) -> list[dict[str, Any]]:
    """Those that sign-up canaries made and that are still there."""
    lines = service.holdfast("account", "list", "--json").stdout.splitlines()
    found = [json.loads(line) for line in lines]
    numbered = ("canary-1@", "canary-2@")
    return [
        each
        for each in found
        if each["login"].startswith("canary-")
        and not each["login"].startswith(numbered)
        and each["state"] == "active"
    ]


def test_all_works_step_by_step_and_canary_4_leaves_nothing(service):
    done = service.holdfast("canary", "--json")
    rows = {(row := json.loads(line))["trial"]: row for line in done.stdout.splitlines()}
    assert done.returncode == 0, (done.stderr, done.stdout)
    assert rows.keys() == COURSES.keys() - {"canary/relay"} | {"canary/accounts"}
    for trial, row in rows.items():
        steps = [each["step"] for each in row["passed"]]
        assert all(each["took_s"] >= 0 for each in row["passed"])
        if trial != "canary/accounts":
            assert steps == [each for each in COURSES[trial].steps if each in steps]
            assert set(COURSES[trial].steps) - set(steps) <= {"STARTTLS", "certificate"}
    assert {each.split(" after")[0] for each in rows["canary/receive"]["notes"]} == {
        "seen by IMAP", "seen by POP3", "seen by JMAP"
    }  # fmt: skip
    assert [len(inbox(service, number)) for number in (0, 1)] == [1, 0]
    assert accounts(service) == []
    assert (service.data / "watch" / "canary.json").stat().st_mode & 0o077 == 0
    table = service.holdfast("canary", "pop3").stdout
    assert table.startswith("pop3       works") and "RETR" in table


# The process that is stopped → what then fails, and at which step; all others work.
FAULTS = {
    "mx-0": {"receive": "greeting", "refuse": "greeting"},
    "submission-0": {"send": "connect"},
    "imap": {"imap": "connect"},
    "pop3-0": {"pop3": "connect"},
    "webmail-0": {"webmail": "index.html"},
    "jmap-0": {"webmail": "sign-in"},
    "password-0": {"password": "sign-in"},
    "signup-0": {"signup": "name"},
}


@pytest.mark.parametrize("process", FAULTS)
def test_canary_1_a_function_that_is_gone_is_found_by_its_own_canary_alone(service, process):
    gone = ("imap-0", "imap-1") if process == "imap" else (process,)
    with service.stopped(*gone):
        found = tried(service)
    wrong = {trial: each.finding.step for trial, each in found.items() if each.finding.state != "works"}
    assert wrong == FAULTS[process], {trial: each.finding for trial, each in found.items()}
    assert {found[trial].finding.state for trial in wrong} == {"fails"}


def test_what_goes_out_by_the_relay_is_waited_for_until_it_is_back(service, mirror):
    found = tried(service, "send", outside="canary@example.net")
    assert {found["send"].finding.state, found["relay"].finding.state} == {"works"}
    assert [each.step for each in found["relay"].passed][-3:] == ["RCPT", "DATA", "back"]
    assert len(mirror.messages) == 1
    assert found["send"].finding.cell is not None
    assert [len(inbox(service, number)) for number in (0, 1)] == [1, 0]


def test_canary_3_without_the_store_all_goes_on_and_nothing_new_is_shown(service):
    with service.stopped("store-0"):
        found = tried(service)
    wrong = {
        trial: (each.finding.state, each.finding.step)
        for trial, each in found.items()
        if each.finding.state != "works"
    }
    assert wrong == {
        "receive": ("degraded", "seen"),
        "send": ("degraded", "seen"),
        "imap": ("degraded", "APPEND"),
        "pop3": ("degraded", "QUIT"),
    }, found


def test_canary_2_a_full_or_locked_canary_is_its_own_fault_and_says_nothing_of_the_function(service):
    first = f"canary-1@{DOMAIN}"
    limit(service, "canary-1", quota_bytes=100)
    try:
        found = until(lambda: (seen := tried(service, "receive", "pop3")) and full(seen) and seen)
        assert found["pop3"].finding.state == "works"
        assert found["accounts"].finding.state == "fails" and "full" in found["accounts"].finding.said
    finally:
        limit(service, "canary-1", quota_bytes=0)
    assert service.holdfast("account", "set", first, "--disable").returncode == 0
    try:
        found = tried(service, "imap", "pop3", "send")
        assert {found[each].finding.state for each in ("imap", "pop3", "send")} == {"unknown"}
        assert "no door lets" in found["accounts"].finding.said
        assert service.holdfast("canary", "imap").returncode == 2
    finally:
        assert service.holdfast("account", "set", first, "--enable").returncode == 0
    until(lambda: set(states(tried(service, "receive", "imap")).values()) == {"works"})


def full(found: dict[str, Any]) -> bool:
    finding = found["receive"].finding
    return bool(finding.state == "unknown" and "full" in finding.said and finding.step == "RCPT")


def test_canary_4_what_a_broken_run_left_is_removed_by_the_next(service):
    """As after kill -9: the other password is set, messages lie there, and an account was made."""
    with service.stopped("password-0"):
        assert tried(service, "signup")["signup"].finding.state == "works"
    assert len(accounts(service)) == 1
    kept = json.loads((service.data / "watch" / "canary.json").read_text())["accounts"]
    assert service.holdfast("account", "password", kept[1][0], input=kept[1][2] + "\n").returncode == 0
    service.send("left here", to="canary-1")
    until(lambda: b"Subject: left here" in inbox(service, 0))
    found = tried(service, "password", "imap", "signup")  # each tidies up what it makes itself
    assert found["password"].finding.state == "works" and found["password"].notes
    assert [len(inbox(service, number)) for number in (0, 1)] == [1, 0]
    assert accounts(service) == []
    assert tried(service, "password")["password"].notes == ()


def test_canary_6_components_are_checked_and_each_fault_is_named_by_its_own(service):
    def checked() -> dict[str, Any]:
        config = reading.load(str(service.config_path), {})
        return {each.trial: each for each in run(look_once(real_world(level="error"), config))}

    found = checked()
    assert "dns" not in found, "nobody has told the world of this name"
    assert {each.state for each in found.values()} == {"works"}, found
    assert found.keys() >= {
        "disk/data", "ledger/mail", "ledger/people", "ledger/mx-0", "ledger/queue", "metrics/store-0",
        "copy/mx-0", f"certificate/mail.{DOMAIN}", "machine", "supervisor", "process/mx-0", "socket/auth",
        "cell-00/index", "key/pages",
    }  # fmt: skip
    certificate = service.data / "tls" / "certificate.pem"
    whole = certificate.read_bytes()
    try:
        certificate.write_text("none")
        with service.stopped("relay-0"):
            found = checked()
    finally:
        certificate.write_bytes(whole)
    wrong = {trial: each.step for trial, each in found.items() if each.state in ("fails", "degraded")}
    assert wrong.pop("process/relay-0", "runs") == "runs", "its loop may not have stood still for long enough"
    expected = {"metrics/relay-0": "answer", "socket/relay": "answer", f"certificate/mail.{DOMAIN}": "end"}
    assert wrong == expected


def test_canary_5_one_run_at_a_time_and_none_without_accounts(service, tmp_path):
    lock = real_world().disk.lock(str(service.data / "watch" / "canary.lock"))
    with pytest.raises(Unavailable):
        tried(service, "imap")
    lock.release()
    fresh = Service(tmp_path / "fresh", people=("anna",))
    fresh.prepare()
    done = fresh.holdfast("canary")
    assert done.returncode == 2 and "canary setup" in done.stderr
