"""A public client library against the real service: jmap-jam, from npm."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.mail_program import let_in
from e2e.service import Service, until
from npm import NODE, installed

VERSION = "0.13.1"
SCRIPT = Path(__file__).with_name("jam.mjs")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    made = Service(tmp_path_factory.mktemp("jam"), web=("jmap",))
    made.prepare()
    made.start()
    yield made
    made.close()


def test_a_client_library_finds_everything_where_the_standard_says(service: Service) -> None:
    module = installed("jmap-jam", VERSION) / "dist" / "index.js"
    for number in (1, 2):
        service.send(f"message {number}")
    until(lambda: service.subjects() == ["message 1", "message 2"])
    environment = {
        **os.environ,
        "MODULE": str(module),
        "SESSION": f"{service.url('jmap')}/.well-known/jmap",
        "TOKEN": let_in(service)["access_token"],
    }
    command = [NODE, str(SCRIPT)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["username"] == "anna@example.org"
    assert found["subjects"] == ["message 2", "message 1"]
    assert found["from"] == "you@example.net" and found["threads"] == [1, 1]
    assert found["sameBytes"] and found["type"] == "application/x-test"
    assert found["eventSource"] == 200 and found["told"].keys() == {"Email", "Mailbox"}
    assert found["notCreated"] is None
    assert found["draft"] == {
        "subject": "Grüße",
        "to": {"name": "Bén", "email": "ben@example.org"},
        "hasAttachment": True,
        "attachment": ["a file.bin", 100_000],
        "text": "Hallo Bén\n",
    }
    assert found["moved"][1] == 1 and len(found["moved"][0]) == 1
    assert found["changes"] == [[], 1, 1]
    assert found["wrong"] == "accountNotFound"
