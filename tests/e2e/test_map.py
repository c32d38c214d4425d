"""The dependency map against the real service: whatever border a process crosses, the map has it."""

from __future__ import annotations

import html
import http.client
import json
import os
import re
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from pathlib import Path

import httpx2
import pytest

from e2e.mail_program import Program
from e2e.service import DOMAIN, HOST, WEB_DOORS, Service, password, until
from free_ports import free_ports
from holdfast.run import mapping, reading
from holdfast.run.config import Config
from holdfast.watch.depends import DependencyMap

pytestmark = pytest.mark.slow

BORDERS = Path(__file__).with_name("borders")
RELAY, VANTAGE = free_ports(2)  # nobody is there


class Noted(Service):
    """Its processes note what they reach: see ``borders/sitecustomize.py``."""

    def _environment(self) -> dict[str, str]:
        clean = super()._environment()
        path = os.pathsep.join([str(BORDERS), clean["PYTHONPATH"]])
        return {**clean, "PYTHONPATH": path, "BORDERS": str(self.folder / "borders.tsv")}

    def borders(self) -> set[tuple[str, str, str]]:
        """(process, kind, target)."""
        lines = (self.folder / "borders.tsv").read_text(encoding="utf-8").splitlines()
        return {(process, kind, target) for process, kind, target in (line.split("\t") for line in lines)}

    @cached_property
    def config(self) -> Config:
        return reading.load(str(self.config_path), {})

    @cached_property
    def component_at(self) -> Callable[[str], str]:
        return cache(lambda path: mapping.component_at(self.config, path, [DOMAIN]))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Noted]:
    folder = tmp_path_factory.mktemp("map")
    (folder / "probe").write_text(password("ben") + "\n")
    (folder / "east").write_text("k" * 32)
    more = (
        f'[health]\naccount = "ben@{DOMAIN}"\npassword = "file:{folder}/probe"\n'
        f'[workers]\nwatch = 1\n[relay]\nsmarthost = "{HOST}:{RELAY}"\n'
        '[signup]\nopen = ["example.org"]\n'
        f'[vantages.east]\nurl = "http://{HOST}:{VANTAGE}"\nkey = "file:{folder}/east"\n'
    )
    made = Noted(folder, people=("anna", "ben"), web=tuple(WEB_DOORS), config=more)
    made.prepare()
    made.start()
    try:
        use(made)
        yield made
    finally:
        made.close()


def use(service: Service) -> None:
    """A little of everything that customers do."""
    service.send("from outside")
    until(lambda: "from outside" in service.subjects())
    pop = service.pop3()
    pop.retr(1)
    pop.quit()
    imap = service.imap()
    imap.select("INBOX")
    imap.fetch("1", "(BODY[])")
    imap.store("1", "+FLAGS", "(\\Seen)")
    imap.append("INBOX", None, None, b"Subject: kept\r\n\r\nhello\r\n")
    imap.logout()
    with service.smtp("submission", "anna") as client:
        client.sendmail(f"anna@{DOMAIN}", ["friend@example.net"], "Subject: out\r\n\r\nhello\r\n")
    program = Program(service)
    found = program.call("Email/query")
    program.call("Email/get", ids=found["ids"], fetchTextBodyValues=True)
    program.http.post(f"/jmap/upload/{program.account}/", content=b"a file")
    for page in ("/", "/config.json", "/status/summary.json"):
        Browser(service.url("webmail")).get(page)
    for role in ("signup", "setup"):
        Browser(service.url(role)).get("/")
    Browser(service.url("admin")).sign_in(403)  # anna has no rights there
    browser = Browser(service.url("password"))
    browser.sign_in()
    for page in ("/history", "/undelete", "/factors"):
        browser.get(page)
    browser.change_password()
    console = Browser(service.url("care"))
    token = service.holdfast("console", "token", "anna").stdout.strip()
    console.post("/console/sign-in", {"token": token})
    for page in ("map", "processes", "drills"):
        console.get(f"/console/{page}")


class Browser:
    """One for each role: cookies don't know of ports."""

    def __init__(self, url: str) -> None:
        self._client = httpx2.Client(base_url=url, trust_env=False, timeout=30, follow_redirects=True)

    def get(self, path: str) -> str:
        page = self._client.get(path)
        assert page.status_code == 200, f"{path}: {page.text}"
        return page.text

    def post(self, path: str, given: dict[str, str], status: int = 200) -> None:
        page = self._client.post(path, data=hidden(self.get(path)) | given)
        assert page.status_code == status, f"{path}: {page.text}"

    def sign_in(self, status: int = 200) -> None:
        self.post("/sign-in", {"name": f"anna@{DOMAIN}", "password": password("anna")}, status)

    def change_password(self) -> None:
        new = "a quite different sentence"
        self.post("/password", {"new": new, "again": new})


def hidden(page: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page)
    return {name: html.unescape(value) for name, value in found}


@pytest.fixture(scope="module")
def known(service: Noted) -> DependencyMap:
    return mapping.dependency_map(service.config, cells=[0], domains=[DOMAIN])


def targets(service: Noted, known: DependencyMap, process: str, kind: str, target: str) -> set[str]:
    """Components that it may be; none for what is no border: the program's own files, folders looked into."""
    if kind == "word":
        return set(known.meant(target, process))
    if kind == "address":
        port = int(target.rpartition(":")[2])
        door = next((name for name, each in service.ports.items() if each == port), "")
        others = {RELAY: "partner/relay", VANTAGE: "vantage/east"}
        return {f"door/{door}" if door else others.get(port, target)}
    if os.path.isdir(target) or not target.startswith(str(service.folder)):
        return set()
    if os.path.basename(target).startswith(".new-"):  # and renamed to what it is
        return set()
    return {service.component_at(target) or target}


def lacking(service: Noted, known: DependencyMap) -> set[tuple[str, str, tuple[str, ...]]]:
    """(process, target, components) of every border that was crossed and is no edge."""
    edges = {(each.source, each.target) for each in (*known.reaches, *known.needs)}
    found = set()
    for process, kind, target in service.borders():
        components = targets(service, known, process, kind, target)
        own = f"socket/{process.rpartition('-')[0]}" in components
        if components and not own and not any((f"process/{process}", each) in edges for each in components):
            found.add((process, target, tuple(sorted(components))))
    return found


def test_map_1_every_border_that_a_process_crosses_is_an_edge_of_the_map(service, known):
    lost = lacking(service, known)
    assert not lost, "\n".join(map(str, sorted(lost)))


def test_map_1_an_edge_that_nobody_registered_is_found_out(service, monkeypatch):
    mapping.load()
    less = [each for each in mapping.REACHES if each.component not in ("socket/relay", "sessions/tokens")]
    monkeypatch.setattr(mapping, "REACHES", less)
    found = lacking(service, mapping.dependency_map(service.config, domains=[DOMAIN]))
    assert {("jmap-0", "sessions/tokens.sqlite"), ("submission-0", "run/relay.sock")} <= {
        (process, os.path.relpath(target, service.data)) for process, target, _ in found
    }


def test_map_1_what_was_done_crossed_the_borders_that_it_must(service, known):
    crossed = {
        (process, component)
        for process, kind, target in service.borders()
        for component in targets(service, known, process, kind, target)
    }
    assert crossed >= {
        *(("mx-0", each) for each in ("copy/mx-0", "ledger/mx-0", "socket/people", "socket/store")),
        *(("submission-0", each) for each in ("ledger/submission-0", "socket/auth", "socket/relay")),
        *(("store-0", each) for each in ("ledger/mail", "ledger/mx-0", "copy/store-0")),
        *(("relay-0", each) for each in ("ledger/queue", "ledger/submission-0", "partner/relay")),
        *(("people-0", each) for each in ("ledger/people", "copy/people-writer")),
        *(("jmap-0", each) for each in ("uploads", "sessions/tokens", "key/vapid", "key/pages")),
        *(
            ("password-0", each)
            for each in ("ledger/password-asked-0", "proofs/password", "history/password-0")
        ),
        ("webmail-0", "door/health_http"),
        *(("watch-0", each) for each in ("vantage/east", "secret/vantages.east.key")),
        ("pop3-0", "ledger/mx-0"),
    }


def test_map_4_the_steps_of_each_probe_are_those_of_its_trial(service, known):
    link = http.client.HTTPConnection(HOST, service.ports["health_http"], timeout=20)
    link.request("GET", "/healthz")
    functions = json.loads(link.getresponse().read())["functions"]
    link.close()
    tried = {f"{name}/{check['door']}": check for name, each in functions.items() for check in each["checks"]}
    for trial, check in tried.items():
        if trial == "relay/":
            continue
        cell = f"{trial}/cell-00"
        steps = known.trials[cell if cell in known.trials else trial].steps
        assert check["state"] == "healthy", check
        assert check["passed"] == [each.name for each in steps], trial
