"""The admin interface of the real service: while parts are dead, over kills, and against its own document."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from e2e.service import DOMAIN, Service, until
from e2e.test_alone import dead
from free_ports import free_ports
from holdfast.functions.admin.hooks import signature

pytestmark = pytest.mark.slow
SECRET = "what the endpoint knows, too"
FUZZ_S = 18


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Crm(ThreadingHTTPServer):
    """The provider's own program: takes events, or answers 500 while it is ``broken``."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), CrmHandler)
        self.heard: list[dict[str, Any]] = []
        self.wrong: list[str] = []
        self.broken = False

    def addresses(self) -> list[str]:
        """Of the accounts whose making it has heard of, each once."""
        made = [each for each in self.heard if each["event"] == "account.created"]
        return list(dict.fromkeys(each["data"]["address"] for each in made))


class CrmHandler(BaseHTTPRequestHandler):
    server: Crm

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.broken:
            self.send_response(500)
            self.end_headers()
            return
        said = self.headers["Holdfast-Signature"]
        at = int(said.partition(",")[0].removeprefix("t="))
        if said != signature(SECRET, at, body):
            self.server.wrong.append(said)
        self.server.heard.append(json.loads(body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *words: object) -> None:
        pass


class Interface:
    """The service, its owner's token, and others' by name."""

    def __init__(self, service: Service, crm: Crm) -> None:
        self.service = service
        self.crm = crm
        self.tokens = {"anna": self.token("anna", "owner")}

    def token(self, name: str, role: str) -> str:
        done = self.service.holdfast("admin", "token", f"{name}@{DOMAIN}", "--role", role, "--json")
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout)["token"])

    def ask(
        self, method: str, path: str, body: object = None, *, who: str = "anna", **headers: str
    ) -> Answer:
        fields = {"Authorization": f"Bearer {self.tokens[who]}"}
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        if isinstance(body, bytes):
            fields["Content-Type"] = "text/csv"
        elif body is not None:
            fields["Content-Type"] = "application/json"
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"http://127.0.0.1:{self.service.ports['admin_http']}{path}"
        request = urllib.request.Request(url, method=method, data=content, headers=fields)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, dict(error.headers), error.read())


@pytest.fixture(scope="module")
def interface(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Interface]:
    [port] = free_ports(1)
    crm = Crm(port)
    threading.Thread(target=crm.serve_forever, args=(0.05,), daemon=True).start()
    folder = tmp_path_factory.mktemp("admin")
    (folder / "secret").write_text(SECRET)
    more = f'[hooks.crm]\nurl = "http://127.0.0.1:{port}/events"\nsecret = "file:secret"\n'
    service = Service(folder, web=("admin",), config=more)
    try:
        service.prepare()
        service.start()
        yield Interface(service, crm)
    finally:
        service.close()
        crm.shutdown()
        crm.server_close()


def test_an_account_made_here_receives_mail_at_once(interface: Interface) -> None:
    body = {"address": f"dora@{DOMAIN}", "password": "secret of dora"}
    assert interface.ask("POST", "/v1/accounts", body).status == 201
    interface.service.send("first", to="dora")
    until(lambda: interface.service.subjects("dora") == ["first"])


def test_without_any_mail_process_people_are_administered(interface: Interface) -> None:
    with contextlib.ExitStack() as held:
        for role in ("store", "mx", "imap", "pop3", "submission", "relay"):
            held.enter_context(dead(interface.service, role))
        made = interface.ask("POST", "/v1/accounts", {"address": f"emil@{DOMAIN}"})
        assert made.status == 201
        path = f"/v1/accounts/{made.json['id']}"
        assert interface.ask("PUT", f"{path}/password", {"password": "secret of emil"}).status == 200
        newest = interface.ask("GET", "/v1/audit?limit=3").json["items"]
        assert {each["what"] for each in newest} == {"account_made", "credential", "signed_out"}
    interface.service.wait_ready()


def test_without_the_people_process_reading_goes_on_and_a_change_is_made_once_on_its_return(
    interface: Interface,
) -> None:
    body, key = {"address": f"fritz@{DOMAIN}"}, "0f2c7d9e"
    with dead(interface.service, "people"):
        local = until(
            lambda: (a := interface.ask("GET", "/v1/accounts")).headers.get("x-holdfast-copy") and a
        )
        assert local.status == 200 and local.json["items"]
        refused = interface.ask("POST", "/v1/accounts", body, idempotency_key=key)
        assert (refused.status, refused.json["component"]) == (503, "people")
        assert int(refused.headers["retry-after"]) >= 1
    interface.service.wait_ready()

    def made() -> Answer | None:
        answer = interface.ask("POST", "/v1/accounts", body, idempotency_key=key)
        return None if answer.status == 503 else answer

    first = until(made)
    assert first.status == 201
    again = interface.ask("POST", "/v1/accounts", body, idempotency_key=key)
    assert again.body == first.body and again.headers["idempotency-replayed"] == "true"
    assert len(interface.ask("GET", "/v1/accounts?q=fritz").json["items"]) == 1


def test_a_key_is_remembered_over_a_kill_of_the_admin_process(interface: Interface) -> None:
    body, key = {"name": "shop", "role": "support"}, "77aa"
    first = interface.ask("POST", "/v1/tokens", body, idempotency_key=key)
    kill_admin(interface.service)
    again = interface.ask("POST", "/v1/tokens", body, idempotency_key=key)
    assert again.body == first.body
    other = interface.ask("POST", "/v1/tokens", body | {"name": "other"}, idempotency_key=key)
    assert (other.status, other.json["reason"]) == (422, "key_reused")


def kill_admin(service: Service) -> None:
    service.kill("admin-0")
    service.wait_ready()


def test_admin_10_a_hook_hears_in_order_of_everything_over_kills_and_a_broken_endpoint(
    interface: Interface,
) -> None:
    crm, service = interface.crm, interface.service
    wanted = [f"h{number}@{DOMAIN}" for number in range(6)]
    for number, address in enumerate(wanted):
        crm.broken = number % 2 == 1
        assert interface.ask("POST", "/v1/accounts", {"address": address}).status == 201
        if number in (1, 4):
            kill_admin(service)
    crm.broken = False
    until(lambda: set(wanted) <= set(crm.addresses()))
    assert [each for each in crm.addresses() if each in wanted] == wanted
    assert not crm.wrong
    [hook] = interface.ask("GET", "/v1/hooks").json["items"]
    assert hook["name"] == "crm" and SECRET not in json.dumps(hook)


def test_an_import_is_reported_then_run_then_seen_by_mail(interface: Interface) -> None:
    lines = "".join(f"i{number}@{DOMAIN},Person {number}\n" for number in range(300))
    content = f"address,name\n{lines}anna@{DOMAIN},Anna\nnobody\n".encode()
    report = interface.ask("POST", "/v1/imports", content).json
    assert (report["new"], report["there"], report["wrong"]) == (300, 1, 1)
    path = f"/v1/imports?digest={report['digest']}"
    assert interface.ask("POST", path, content).status == 200
    shown = until(
        lambda: (
            (found := interface.ask("GET", f"/v1/imports/{report['digest']}").json)["state"] == "done"
            and found
        )
    )
    assert (shown["made"], shown["kept"], shown["refused"]) == (300, 1, 0)
    interface.service.send("welcome", to="i299")


def test_admin_5_what_an_auditor_sees_was_approved_by_another_and_is_on_record_first(
    interface: Interface,
) -> None:
    service = interface.service
    interface.tokens["ben"] = interface.token("ben", "auditor")
    service.send("between us", to="cleo")
    until(lambda: service.subjects("cleo") == ["between us"])
    body = {"account": f"cleo@{DOMAIN}", "why": "the court asks, file 7"}
    access = interface.ask("POST", "/v1/accesses", body, who="ben").json["id"]
    path = f"/v1/accesses/{access}"
    assert interface.ask("GET", f"{path}/mailboxes", who="ben").status == 409
    assert interface.ask("POST", f"{path}/approval", {"hours": 1}, who="ben").status == 403
    assert interface.ask("POST", f"{path}/approval", {"hours": 1}).status == 200
    assert interface.ask("GET", f"{path}/mailboxes").status == 404, "only who asked sees"

    boxes = interface.ask("GET", f"{path}/mailboxes", who="ben").json["items"]
    [inbox] = [each for each in boxes if each["name"] == "INBOX"]
    messages = f"{path}/mailboxes/{inbox['id']}/messages"
    [message] = interface.ask("GET", messages, who="ben").json["items"]
    assert (message["subject"], message["sender"]) == ("between us", "<you@example.net>")
    whole = interface.ask("GET", f"{messages}/{message['uid']}", who="ben")
    assert b"Subject: between us" in whole.body and whole.headers["content-type"] == "message/rfc822"
    export = interface.ask("GET", f"{path}/export", who="ben")
    with zipfile.ZipFile(io.BytesIO(export.body)) as archive:
        sums = [line.split("  ") for line in archive.read("SHA256SUMS").decode().splitlines()]
        assert all(hashlib.sha256(archive.read(name)).hexdigest() == digest for digest, name in sums)
        assert {name for _, name in sums} | {"SHA256SUMS"} == set(archive.namelist())
        assert any(b"Subject: between us" in archive.read(name) for _, name in sums)

    client = service.imap("cleo")
    client.select("INBOX", readonly=True)
    assert b"\\Seen" not in client.fetch("1", "(FLAGS)")[1][0]
    client.logout()
    used = interface.ask("GET", "/v1/audit?what=access_used").json["items"]
    assert [each["detail"]["what"].split()[0] for each in reversed(used)] == ["the", "the", "message", "all"]
    with dead(service, "people"):
        until(lambda: interface.ask("GET", "/v1/me").headers.get("x-holdfast-copy"))
        unseen = interface.ask("GET", f"{messages}/{message['uid']}", who="ben")
        assert unseen.status == 503, "what can't be put on record isn't shown"
    service.wait_ready()


def test_the_command_line_gives_and_takes_rights(interface: Interface) -> None:
    interface.tokens["cleo"] = interface.token("cleo", "support")
    assert interface.ask("GET", "/v1/accounts", who="cleo").status == 200
    listed = interface.service.holdfast("admin", "grants", "--json").stdout
    assert {"anna@example.org", "cleo@example.org"} <= {
        json.loads(line)["login"] for line in listed.splitlines()
    }
    done = interface.service.holdfast("admin", "revoke", f"cleo@{DOMAIN}", "--role", "support")
    assert done.returncode == 0
    until(lambda: interface.ask("GET", "/v1/accounts", who="cleo").status == 403)
    wrong = interface.service.holdfast("admin", "token", f"cleo@{DOMAIN}", "--role", "king")
    assert wrong.returncode == 2 and "auditor" in wrong.stderr


def test_what_runs_keeps_to_its_document(interface: Interface) -> None:
    """Thousands of requests made from the document, right ones and wrong ones, and every answer checked."""
    st = Path(sys.executable).with_name("st")
    url = f"http://127.0.0.1:{interface.service.ports['admin_http']}/v1/openapi.json"
    done = subprocess.run(
        [
            str(st),
            "run",
            url,
            "-H",
            f"Authorization: Bearer {interface.tokens['anna']}",
            "--checks",
            "all",
            "--max-examples",
            "5",
            "--max-time",
            str(FUZZ_S),
            "--warnings",
            "off",
            "--no-color",
        ],
        cwd=interface.service.folder,
        capture_output=True,
        text=True,
        timeout=110,
        env=os.environ | {"SCHEMATHESIS_HOOKS": str(Path(__file__).with_name("request_keys.py"))},
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert not interface.service.events("admin_failed")
