"""Sending over JMAP with real processes: at once, later, not after all; kill -9 around the time it is due.

What was submitted arrives once, here and elsewhere, told by its Message-ID (JOUT-1, JOUT-2).
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socketserver
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from e2e.service import DOMAIN, HOST, Service, password, until

pytestmark = pytest.mark.slow

USING = [
    "urn:ietf:params:jmap:core",
    "urn:ietf:params:jmap:mail",
    "urn:ietf:params:jmap:submission",
]
ANNA, BEN, FRIEND = f"anna@{DOMAIN}", f"ben@{DOMAIN}", "friend@example.net"


class Elsewhere(socketserver.ThreadingTCPServer):
    """A mail server that takes everything, and remembers it."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Taking)
        self.messages: list[bytes] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Taking(socketserver.StreamRequestHandler):
    server: Elsewhere

    def handle(self) -> None:
        self.say("220 elsewhere")
        for line in self.rfile:
            word = line[:4].upper()
            if word == b"DATA":
                self.say("354 go on")
                lines = list(iter(self.rfile.readline, b".\r\n"))
                self.server.messages.append(b"".join(lines))
                self.say("250 2.0.0 taken")
            elif word == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 2.0.0 OK")

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


class Program:
    """Speaks JMAP as a person's mail program."""

    def __init__(self, service: Service, name: str = "anna") -> None:
        self._url = service.url("jmap")
        secret = base64.b64encode(f"{name}@{DOMAIN}:{password(name)}".encode()).decode()
        self._headers = {"authorization": f"Basic {secret}", "content-type": "application/json"}
        session = self._ask(f"{self._url}/.well-known/jmap")
        self.account = session["primaryAccounts"]["urn:ietf:params:jmap:mail"]

    def _ask(self, url: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, headers=self._headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())

    def calls(self, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
        asked = [[name, {"accountId": self.account, **what}, str(n)] for n, (name, what) in enumerate(calls)]
        answer = self._ask(f"{self._url}/jmap/api", {"using": USING, "methodCalls": asked})
        return [(name, result) for name, result, _ in answer["methodResponses"]]

    def call(self, name: str, what: dict[str, Any]) -> Any:
        ((said, result),) = self.calls((name, what))
        assert said == name, result
        return result

    def box(self, role: str) -> str:
        found = self.call("Mailbox/get", {})["list"]
        return str(next(each["id"] for each in found if each["role"] == role))

    def send(self, name: str, *to: str, hold_s: int = 0) -> str:
        """A draft that is submitted; its submission."""
        drafts = self.box("drafts")
        email = {
            "mailboxIds": {drafts: True},
            "keywords": {"$draft": True, "$seen": True},
            "from": [{"email": ANNA}],
            "to": [{"email": each} for each in to],
            "bcc": [{"email": FRIEND}],
            "subject": name,
            "messageId": [f"{name}@jmap"],
            "bodyValues": {"1": {"value": "hello"}},
            "textBody": [{"partId": "1", "type": "text/plain"}],
        }
        made = self.call("Email/set", {"create": {"e": email}})
        identity = self.call("Identity/get", {})["list"][0]["id"]
        hold = {"HOLDFOR": str(hold_s)} if hold_s else None
        create = {
            "emailId": made["created"]["e"]["id"],
            "identityId": identity,
            "envelope": {
                "mailFrom": {"email": ANNA, "parameters": hold},
                "rcptTo": [{"email": each} for each in (*to, FRIEND)],
            },
        }
        sent = self.box("sent")
        responses = self.calls(
            (
                "EmailSubmission/set",
                {
                    "create": {"s": create},
                    "onSuccessUpdateEmail": {
                        "#s": {
                            f"mailboxIds/{drafts}": None,
                            f"mailboxIds/{sent}": True,
                            "keywords/$draft": None,
                        }
                    },
                },
            )
        )
        assert [said for said, _ in responses] == ["EmailSubmission/set", "Email/set"], responses
        assert responses[1][1]["updated"], responses[1]
        return str(responses[0][1]["created"]["s"]["id"])

    def status(self, *submissions: str) -> list[str]:
        found = self.call("EmailSubmission/get", {"ids": list(submissions)})["list"]
        assert len(found) == len(submissions)
        return [each["undoStatus"] for each in found]

    def cancel(self, submission: str) -> bool:
        update = {submission: {"undoStatus": "canceled"}}
        result = self.call("EmailSubmission/set", {"update": update})
        return submission in (result["updated"] or {})


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Elsewhere]:
    server = Elsewhere()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def service(elsewhere: Elsewhere, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    config = f'[relay]\nsmarthost = "{HOST}:{elsewhere.port}"\ntls = "none"\n'
    service = Service(tmp_path_factory.mktemp("jmap"), config=config, web=("jmap",))
    service.prepare()
    service.start()
    yield service
    service.close()


def named(messages: list[bytes]) -> Counter[str]:
    found: Counter[str] = Counter()
    for each in messages:
        match = re.search(rb"^Message-ID:\s*<([^@>]+)@jmap>", each, re.MULTILINE | re.IGNORECASE)
        assert match is not None
        found[match[1].decode()] += 1
    return found


def test_what_is_sent_at_once_is_there_here_and_elsewhere(service: Service, elsewhere: Elsewhere) -> None:
    anna = Program(service)
    submission = anna.send("now", BEN)
    until(lambda: "now" in service.subjects("ben"))
    until(lambda: named(elsewhere.messages)["now"])
    assert anna.status(submission) == ["final"]
    (message,) = [each for each in elsewhere.messages if b"now@jmap" in each]
    assert b"\nbcc:" not in message.lower()
    assert service.subjects("anna", "Sent") == ["now"]
    assert service.subjects("anna", "Drafts") == []


def test_what_is_to_be_sent_later_waits_and_can_be_undone(service: Service, elsewhere: Elsewhere) -> None:
    anna = Program(service)
    undone, later = anna.send("undone", BEN, hold_s=2), anna.send("later", BEN, hold_s=2)
    begun = time.monotonic()
    assert anna.status(undone, later) == ["pending", "pending"]
    assert anna.cancel(undone)
    until(lambda: "later" in service.subjects("ben"))
    assert time.monotonic() - begun > 1
    until(lambda: named(elsewhere.messages)["later"])
    assert not anna.cancel(later)
    assert "undone" not in service.subjects("ben")
    assert not named(elsewhere.messages)["undone"]


def test_kill_9_around_the_time_it_is_due_sends_each_once(service: Service, elsewhere: Elsewhere) -> None:
    anna = Program(service)
    names: dict[str, str] = {}
    for number in range(30):
        name = f"killed-{number}"
        with contextlib.suppress(urllib.error.URLError, AssertionError):
            names[anna.send(name, BEN, hold_s=2 + number // 6)] = name
    ends = time.monotonic() + 9
    victims, kills = ["jmap-0", "store-0"], 0
    while time.monotonic() < ends:
        with contextlib.suppress(ProcessLookupError):
            service.kill(victims[0])
            kills += 1
        victims.reverse()
        time.sleep(0.15)
    assert kills > 8
    service.wait_ready()

    def all_final() -> bool:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, AssertionError):
            return set(anna.status(*names)) == {"final"}
        return False

    until(all_final)
    until(lambda: set(names.values()) <= set(service.subjects("ben")))
    until(lambda: set(names.values()) <= set(named(elsewhere.messages)))
    here = Counter(each for each in service.subjects("ben") if each.startswith("killed-"))
    there = Counter(
        {name: count for name, count in named(elsewhere.messages).items() if name.startswith("killed-")}
    )
    assert here == there == Counter(names.values())
    assert len(names) > 20
