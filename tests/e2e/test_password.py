"""Passwords at the level of processes: in force everywhere at once, and asked for while nobody can write."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from e2e.service import DOMAIN, Service, password, until
from e2e.test_sign_in import DOORS, IN, WRONG, Client, everywhere, sign_in
from holdfast.directory.credentials import hash_password

pytestmark = pytest.mark.slow

PEOPLE = [f"w{number}" for number in range(12)]
_number = count()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    made = Service(tmp_path_factory.mktemp("password"), people=PEOPLE, config="[tls]\n")
    with made.running():
        yield made


@pytest.fixture
def name() -> str:
    """An account that nobody has used yet."""
    return PEOPLE[next(_number)]


class Asker:
    """A process that asks for password changes; see ``asking.py``."""

    def __init__(self, house: Service) -> None:
        command = [sys.executable, str(Path(__file__).with_name("asking.py")), str(house.config_path)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=house._environment()
        )
        assert self.ask(state="none") == {"state": "NoneType"}  # it runs

    def ask(self, **words: Any) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        if self.process.poll() is None:
            assert self.process.stdin
            self.process.stdin.close()
            self.process.wait(timeout=20)


@contextlib.contextmanager
def asker(house: Service) -> Iterator[Asker]:
    made = Asker(house)
    try:
        yield made
    finally:
        made.close()


def account_of(house: Service, name: str) -> int:
    shown = house.holdfast("account", "show", f"{name}@{DOMAIN}", "--json")
    assert shown.returncode == 0, shown.stderr
    return int(json.loads(shown.stdout)["id"])


def seconds_until_refused(house: Service, name: str, word: str) -> float:
    """Until every process refuses it, at each door; each attempt asks all of them at once."""
    started = time.monotonic()
    last = started
    while everywhere(house, name, word) != {WRONG}:
        last = time.monotonic()
        assert last - started < 5.0, "it still lets in"
    return last - started


def ended(client: Client) -> bytes:
    """What the session is told when it ends; fails when it doesn't within a second."""
    client._link.settimeout(1.0)
    told: bytes = client._file.readline()
    assert client._file.readline() == b""
    return told


@pytest.mark.timed
def test_once_changed_the_old_password_is_refused_in_every_process_within_a_second(house, name, capsys):
    """Several connections to IMAP, so that all workers have some; open before, so that none takes time."""
    assert everywhere(house, name, password(name)) == {IN}  # remembered everywhere
    rounds = [[Client(house, door) for door in (*["imap"] * 6, "pop3", "smtp")] for _ in range(2)]
    done = house.holdfast("account", "password", f"{name}@{DOMAIN}", input="another word\n")
    assert done.returncode == 0, done.stderr
    changed = time.monotonic()
    for number, clients in enumerate(rounds):
        after = time.monotonic() - changed
        with ThreadPoolExecutor(len(clients)) as pool:
            came = list(pool.map(lambda client: client.sign_in(name, password(name)), clients))
        with capsys.disabled():
            print(
                f"\n{after:.3f} s after the change {came.count(WRONG)} of {len(came)} refuse the old password"
            )
        if set(came) == {WRONG}:
            break
        assert number == 0 and set(came) <= {IN, WRONG}
    for client in [each for clients in rounds for each in clients]:
        client.close()
    assert after < 1.5 and set(came) == {WRONG}
    assert everywhere(house, name, "another word") == {IN}


@pytest.mark.timed
def test_imapd_10_pop3_6_and_sub_5_who_is_signed_out_is_told_so_within_a_second_and_nobody_else(house, name):
    other = PEOPLE[next(_number)]
    clients = {}
    for protocol in DOORS:
        for who in (name, other):
            clients[protocol, who] = client = Client(house, protocol)
            assert client.sign_in(who, password(who)) == IN
    done = house.holdfast("account", "sign-out", f"{name}@{DOMAIN}")
    assert done.returncode == 0, done.stderr
    assert ended(clients["imap", name]).startswith(b"* BYE Signed out")
    assert ended(clients["pop3", name]).startswith(b"-ERR [AUTH] signed out")
    assert ended(clients["smtp", name]).startswith(b"421 4.7.0 signed out")
    assert clients["imap", other].ask(b"b NOOP").startswith(b"b OK")
    assert clients["pop3", other].ask(b"NOOP").startswith(b"+OK")
    assert clients["smtp", other].ask(b"NOOP").startswith(b"250")
    assert everywhere(house, name, password(name)) == {IN}, "and may come again"
    for client in clients.values():
        client.close()


def test_an_idle_session_of_a_disabled_account_ends(house, name):
    client = Client(house, "imap")
    assert client.sign_in(name, password(name)) == IN
    client.ask(b"b SELECT INBOX")
    client.say(b"c IDLE")
    assert client.answer().startswith(b"+")
    assert house.holdfast("account", "set", f"{name}@{DOMAIN}", "--disable").returncode == 0
    assert ended(client).startswith(b"* BYE")
    client.close()


@pytest.mark.timed
def test_an_app_password_opens_what_it_is_for_until_it_is_removed(house, name):
    login = f"{name}@{DOMAIN}"
    made = house.holdfast("app-password", "add", login, "--name", "phone", "--function", "imap")
    assert made.returncode == 0, made.stderr
    secret = made.stdout.strip()
    assert secret.startswith("hfapp-")
    assert sign_in(house, name, secret, ("imap", "TLS", "PLAIN")) == IN
    assert sign_in(house, name, secret.upper().replace("-", " "), ("imap", "STARTTLS", "LOGIN")) == IN
    assert sign_in(house, name, secret, ("smtp", "TLS", "PLAIN")) == WRONG
    assert sign_in(house, name, secret, ("pop3", "TLS", "PLAIN")) == WRONG
    listed = house.holdfast("app-password", "list", login, "--json")
    [row] = [json.loads(line) for line in listed.stdout.splitlines()]
    assert row["name"] == "phone" and secret not in listed.stdout
    assert house.holdfast("app-password", "rm", login, str(row["id"])).returncode == 0
    until(lambda: sign_in(house, name, secret, ("imap", "TLS", "PLAIN")) == WRONG, 1.0)
    assert sign_in(house, name, password(name)) == IN


def test_the_history_of_all_processes_is_one_list(house, name):
    assert everywhere(house, name, password(name)) == {IN}
    assert sign_in(house, name, "not it") == WRONG

    def rows() -> list[dict[str, Any]]:
        shown = house.holdfast("account", "sign-ins", f"{name}@{DOMAIN}", "--json")
        return [json.loads(line) for line in shown.stdout.splitlines()]

    found = until(lambda: (seen := rows()) and len(seen) == 4 and seen)
    assert {(row["function"], row["result"]) for row in found} == {
        ("imap", "right"), ("pop3", "right"), ("submission", "right"), ("imap", "wrong")
    }  # fmt: skip
    assert [row["last"] for row in found] == sorted((row["last"] for row in found), reverse=True)


@pytest.mark.timed
def test_without_the_people_process_everybody_signs_in_and_a_change_waits_for_its_return(house, name, capsys):
    account = account_of(house, name)
    credential = hash_password("asked for", b"0" * 16)
    first = Asker(house)
    with house.stopped("people-0") as [pid]:
        assert everywhere(house, name, password(name)) == {IN}
        began = time.monotonic()
        ticket = first.ask(set=account, credential=credential)["ticket"]
        took = time.monotonic() - began
        assert took < 3.0, took
        assert first.ask(state=ticket) == {"state": "Waiting"}
        first.kill()  # kill -9 of who took it …
        with asker(house) as second:
            assert second.ask(state=ticket) == {"state": "Waiting"}
            assert everywhere(house, name, password(name)) == {IN}, "not in effect yet"
            os.kill(pid, signal.SIGKILL)  # … and of who is to carry it out: it is started again
            back = time.monotonic()
            until(lambda: second.ask(state=ticket) == {"state": "Carried"})
            carried = time.monotonic() - back
    took = seconds_until_refused(house, name, password(name))
    with capsys.disabled():
        print(f"\ncarried out {carried:.2f} s after the kill, refused everywhere {took:.2f} s later")
    assert took < 1.0
    assert everywhere(house, name, "asked for") == {IN}


def test_a_password_set_meanwhile_by_another_stays(house, name):
    account = account_of(house, name)
    with asker(house) as first:
        with house.stopped("people-0"):
            ticket = first.ask(set=account, credential=hash_password("asked first", b"0" * 16))["ticket"]
            first.kill()
        done = house.holdfast("account", "password", f"{name}@{DOMAIN}", input="set later\n")
        assert done.returncode == 0, done.stderr
    with asker(house) as second:
        until(lambda: second.ask(state=ticket) != {"state": "Waiting"})
    assert everywhere(house, name, "set later") == {IN}
    assert everywhere(house, name, "asked first") == {WRONG}


@pytest.mark.timed
def test_with_every_mail_process_gone_a_password_is_changed_all_the_same(house, name):
    account = account_of(house, name)
    gone = ("mx-0", "submission-0", "imap-0", "imap-1", "pop3-0", "store-0", "relay-0", "auth-0")
    with contextlib.ExitStack() as stack, asker(house) as asking:
        for process in gone:
            stack.enter_context(house.stopped(process))
        began = time.monotonic()
        assert asking.ask(set=account, credential=hash_password("all alone", b"0" * 16)) == {"done": True}
        assert time.monotonic() - began < 1.0
    until(lambda: everywhere(house, name, "all alone") == {IN})
