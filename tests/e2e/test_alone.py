"""Each function fails alone and returns alone: what a missing part may cost, and nothing beyond it.

One role is held, frozen (SIGSTOP: its sockets stay open and nobody answers) or dead (killed as often as it
is started again), and every function is tried by ordinary clients. A temporary "no" is allowed where the
part that is gone has to do with the answer; a final "no" to who is right is never.
"""

from __future__ import annotations

import contextlib
import imaplib
import os
import poplib
import signal
import smtplib
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import NamedTuple

import pytest

from e2e.service import DOMAIN, HOST, Service, free_ports, password, until

pytestmark = pytest.mark.slow

ROLES = ("people", "auth", "store", "mx", "submission", "relay", "imap", "pop3")
DOOR_OF = {"mx": "receive", "submission": "send", "imap": "imap", "pop3": "pop3"}
FEW_S = 8.0  # longer than this no client is kept waiting by somebody else's part
ACCOUNTS = [f"p{number}" for number in range(60)]
_number = count()


# -- the world outside: a server that takes what the relay sends


class Outside(socketserver.ThreadingTCPServer):
    """Another provider's server: takes everything, and remembers subjects."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int) -> None:
        self.subjects: list[str] = []
        super().__init__((HOST, port), Taking)


class Taking(socketserver.StreamRequestHandler):
    server: Outside

    def handle(self) -> None:
        self._say("220 outside.example.net")
        for line in self.rfile:
            verb = line.strip().upper()
            if verb == b"DATA":
                self._say("354 go on")
                self._content()
                self._say("250 taken")
            elif verb == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 outside.example.net")

    def _content(self) -> None:
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            if line.lower().startswith(b"subject:"):
                self.server.subjects.append(line.partition(b":")[2].strip().decode())

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    [port] = free_ports(1)
    server = Outside(port)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, outside: Outside) -> Iterator[Service]:
    """The service, whole again after each test."""
    port = outside.server_address[1]
    more = f'[relay]\nsmarthost = "{HOST}:{port}"\ntls = "none"\n[limits]\nretry_first_s = 1.0\n'
    made = Service(tmp_path_factory.mktemp("alone"), people=ACCOUNTS, config=more)
    with made.running():
        yield made


# -- holding a role


def pids(service: Service, role: str) -> list[int]:
    return [each["pid"] for each in service.status()["processes"] if each["role"] == role and each["pid"]]


@contextlib.contextmanager
def frozen(service: Service, role: str) -> Iterator[None]:
    """Alive, connected, listening, and silent."""
    stopped = pids(service, role)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def dead(service: Service, role: str) -> Iterator[None]:
    """Killed whenever it has been started again."""
    over = threading.Event()

    def kill() -> None:
        while not over.is_set():
            for pid in pids(service, role):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            over.wait(0.02)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        time.sleep(0.1)  # it has died at least once
        yield
    finally:
        over.set()
        killer.join()


HOLDS = {"frozen": frozen, "dead": dead}


# -- what a customer does. Each returns 'done' or 'later'; whatever else comes fails the test


class Customer:
    """One account of the service, with mail that it had before."""

    def __init__(self, service: Service, name: str) -> None:
        self.service = service
        self.name = name
        self.address = f"{name}@{DOMAIN}"
        self.had = 0

    def receive(self, subject: str) -> str:
        """A message from outside. 250 is "done"; anything else is a failure: MX never depends on others."""
        with smtplib.SMTP(HOST, self.service.ports["mx"], timeout=FEW_S) as client:
            client.sendmail("you@example.net", [self.address], f"Subject: {subject}\r\n\r\nhello\r\n")
        return "done"

    def send(self, subject: str, to: str) -> str:
        """A message of the customer's own, signed in over STARTTLS."""
        with smtplib.SMTP(HOST, self.service.ports["submission"], timeout=FEW_S) as client:
            client.starttls(context=self.service.trust)
            client.login(self.address, password(self.name))
            client.sendmail(self.address, [to], f"Subject: {subject}\r\n\r\nhello\r\n")
        return "done"

    def read_imap(self) -> str:
        """Everything there was is there, to the last byte of it."""
        with self._imap() as client:
            kind, counts = client.select("INBOX", readonly=True)
            if kind == "NO":
                return later(counts[0])
            assert int(counts[-1]) >= self.had, f"a shrunken mailbox: {counts}"
            _, listed = client.list()
            assert len(listed) == 6, f"a shrunken list of mailboxes: {listed}"
            kind, found = client.fetch("1:*", "(UID FLAGS ENVELOPE BODY.PEEK[])")
            bodies = [each[1] for each in found if isinstance(each, tuple)]
            assert kind == "OK" and len(bodies) >= self.had and all(b"hello" in each for each in bodies)
        return "done"

    def change_imap(self) -> str:
        with self._imap() as client:
            kind, counts = client.select("INBOX")
            if kind == "NO":
                return later(counts[0])
            kind, answer = client.store("1", "+FLAGS", "(\\Flagged)")
            return "done" if kind == "OK" else later(answer[0])

    def read_pop3(self) -> str:
        client = self._pop3()
        if isinstance(client, str):
            return client
        assert client.stat()[0] >= self.had, "a shrunken maildrop"
        assert b"hello" in client.retr(1)[1]
        client.close()
        return "done"

    def change_pop3(self) -> str:
        """Deletes the newest message, for good at QUIT."""
        client = self._pop3()
        if isinstance(client, str):
            return client
        client.dele(client.stat()[0])
        try:
            client.quit()
        except poplib.error_proto as error:
            return later(error.args[0])
        finally:
            client.close()
        return "done"

    @contextlib.contextmanager
    def _imap(self) -> Iterator[imaplib.IMAP4]:
        client = imaplib.IMAP4(HOST, self.service.ports["imap"], timeout=FEW_S)
        try:
            client.login(self.address, password(self.name))
            yield client
        finally:
            client.shutdown()

    def _pop3(self) -> poplib.POP3 | str:
        client = poplib.POP3(HOST, self.service.ports["pop3"], timeout=FEW_S)
        try:
            client.user(self.address)
            client.pass_(password(self.name))
        except poplib.error_proto as error:
            client.close()
            return later(error.args[0])
        return client


def later(answer: bytes) -> str:
    """A "no" that says it will pass. Anything else tells a customer something untrue."""
    assert answer.startswith((b"[UNAVAILABLE]", b"-ERR [SYS/TEMP]")), answer
    return "later"


class Three(NamedTuple):
    """Accounts that nobody else uses, each with three messages.

    ``person`` has signed in before, at every door; ``stranger`` has not, and receives;
    ``leaver`` deletes, and so is nobody to look at.
    """

    person: Customer
    stranger: Customer
    leaver: Customer


@pytest.fixture
def three(whole: Service) -> Three:
    made = Three(*(Customer(whole, ACCOUNTS[next(_number)]) for _ in range(3)))
    for each in reversed(made):
        for number in range(3):
            each.receive(f"before-{number}")
        each.had = 3
    # What came in last is there: so is all before it, for one intake took them in this order.
    until(lambda: len(whole.subjects(made.person.name)) == 3)
    made.person.read_pop3()
    return made


@pytest.fixture(autouse=True)
def is_whole_again(whole: Service) -> Iterator[None]:
    yield
    whole.wait_ready()


def at_once(doings: dict[str, Callable[[], str]]) -> dict[str, str]:
    """All at the same time, as customers come; what came of each, or what it raised and after how long."""

    def timed(doing: Callable[[], str]) -> str:
        began = time.monotonic()
        try:
            return doing()
        except Exception as error:
            return f"{type(error).__name__}: {error} after {time.monotonic() - began:.1f} s"

    with ThreadPoolExecutor(max(1, len(doings))) as pool:
        running = {name: pool.submit(timed, doing) for name, doing in doings.items()}
        return {name: each.result() for name, each in running.items()}


def everything(three: Three, subject: str) -> dict[str, Callable[[], str]]:
    """All functions, by door and what is done there."""
    person, stranger, leaver = three
    return {
        "receive": lambda: stranger.receive(subject),
        "send": lambda: person.send(f"{subject}-sent", stranger.address),
        "send outside": lambda: leaver.send(f"{subject}-outside", "friend@example.net"),
        "imap read": person.read_imap,
        "imap read, first time": stranger.read_imap,
        "imap change": person.change_imap,
        "pop3 read": person.read_pop3,
        "pop3 read, first time": stranger.read_pop3,
        "pop3 change": leaver.change_pop3,
    }


def expected(role: str, how: str, doing: str) -> set[str]:
    """What may come of it while ``role`` is held: only changes of mail that is kept may be put off."""
    if role == "store" and doing.endswith("change"):
        return {"later"} if how == "frozen" else {"later", "done"}  # a store that dies lives in between
    return {"done"}


@pytest.mark.parametrize("how", HOLDS)
@pytest.mark.parametrize("role", ROLES)
def test_a_function_fails_alone_and_returns_alone(
    whole: Service, outside: Outside, three: Three, role: str, how: str
) -> None:
    subject = f"{role}-{how}"
    doings = everything(three, subject)
    own = {name for name in doings if name.split()[0] == DOOR_OF.get(role)}
    with HOLDS[how](whole, role):
        came = at_once({name: doing for name, doing in doings.items() if name not in own})
    assert not {name: what for name, what in came.items() if what not in expected(role, how, name)}
    until(lambda: all(each["ready"] for each in whole.status()["processes"]))
    again = {name: doing for name, doing in doings.items() if name in own or came[name] == "later"}
    until(lambda: set(at_once(again).values()) <= {"done"}, 5)
    until(lambda: {subject, f"{subject}-sent"} <= set(whole.subjects(three.stranger.name)))
    until(lambda: f"{subject}-outside" in outside.subjects)
    assert len(whole.subjects(three.stranger.name)) == 5, "nothing is doubled"


def test_a_frozen_worker_leaves_its_share_to_the_other(whole: Service, three: Three) -> None:
    [one, _] = pids(whole, "imap")
    os.kill(one, signal.SIGSTOP)
    try:
        came = at_once({str(number): three.person.read_imap for number in range(12)})
    finally:
        os.kill(one, signal.SIGCONT)
    assert set(came.values()) == {"done"}, came
