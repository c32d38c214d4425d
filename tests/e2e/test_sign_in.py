"""Signing in, at every door and in every way, with real argon2id: who is right comes in, and nobody else.

Wrong passwords are counted per login, network and process. Tests that guess come from networks of their
own (any address of 127.0.0.0/8 is this machine), so that they don't meet each other's counts.
"""

from __future__ import annotations

import base64
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from e2e.service import DOMAIN, HOST, Service, password, until

pytestmark = pytest.mark.slow

ACCOUNTS = [f"p{number}" for number in range(90)]
IN, WRONG, LATER, DISABLED, PRIVATE = "in", "wrong password", "later", "disabled", "TLS first"
ANSWERS = {
    "imap": {
        b"a OK": IN,
        b"a NO [AUTHENTICATIONFAILED]": WRONG,
        b"a NO [UNAVAILABLE]": LATER,
        b"a NO [CONTACTADMIN]": DISABLED,
        b"a NO [PRIVACYREQUIRED]": PRIVATE,
    },
    "pop3": {
        b"+OK": IN,
        b"-ERR [AUTH] this account is disabled": DISABLED,
        b"-ERR [AUTH]": WRONG,
        b"-ERR [SYS/TEMP]": LATER,
        b"-ERR": PRIVATE,
    },
    "smtp": {b"235": IN, b"535": WRONG, b"4": LATER, b"525 5.7.13": DISABLED, b"538": PRIVATE},
}
# door, how TLS comes, by what the password goes
WAYS = [
    (protocol, tls, how)
    for protocol, own in (("imap", "LOGIN command"), ("pop3", "USER and PASS"), ("smtp", ""))
    for tls in ("TLS", "STARTTLS")
    for how in (own, "PLAIN", "LOGIN")
    if how
]
DOORS = {
    "imap": {"TLS": "imaps", "STARTTLS": "imap"},
    "pop3": {"TLS": "pop3s", "STARTTLS": "pop3"},
    "smtp": {"TLS": "submissions", "STARTTLS": "submission"},
}
START = {"imap": b"s STARTTLS", "pop3": b"STLS", "smtp": b"STARTTLS"}
AUTH = {"imap": b"a AUTHENTICATE %b", "pop3": b"AUTH %b", "smtp": b"AUTH %b"}
_number = count()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Passwords cross TLS only, as a provider has it."""
    made = Service(tmp_path_factory.mktemp("sign-in"), people=ACCOUNTS, config="[tls]\n")
    with made.running():
        yield made


@pytest.fixture
def name() -> str:
    """An account that nobody has used yet."""
    return ACCOUNTS[next(_number)]


class Client:
    """One connection of a mail program."""

    def __init__(self, service: Service, protocol: str, tls: str = "TLS", source: str = HOST) -> None:
        self.protocol = protocol
        port = service.ports[DOORS[protocol]["STARTTLS" if tls == "none" else tls]]
        self._link = socket.create_connection((HOST, port), timeout=60, source_address=(source, 0))
        if tls == "TLS":
            self._link = service.trust.wrap_socket(self._link)
        self._file = self._link.makefile("rb")
        self.answer()
        self._hello()
        if tls == "STARTTLS":
            self.ask(START[protocol])
            self._link = service.trust.wrap_socket(self._link)
            self._file = self._link.makefile("rb")
            self._hello()

    def _hello(self) -> None:
        if self.protocol == "smtp":
            self.ask(b"EHLO client.example.net")

    def say(self, line: bytes) -> None:
        self._link.sendall(line + b"\r\n")

    def answer(self) -> bytes:
        """The next line that ends an answer, or asks for more."""
        while True:
            line: bytes = self._file.readline()
            told = line.startswith(b"* ") if self.protocol == "imap" else line[3:4] == b"-"
            if not line or not told or (line.startswith(b"* OK [CAPABILITY") and b"ready" in line):
                return line

    def ask(self, line: bytes) -> bytes:
        self.say(line)
        return self.answer()

    def sign_in(self, name: str, word: str, how: str = "PLAIN") -> str:
        login = f"{name}@{DOMAIN}"
        if how == "LOGIN command":
            answer = self.ask(f'a LOGIN "{login}" "{word}"'.encode())
        elif how == "USER and PASS":
            answer = self.ask(f"USER {login}".encode())
            answer = self.ask(f"PASS {word}".encode()) if answer.startswith(b"+OK") else answer
        else:
            words = [f"\0{login}\0{word}"] if how == "PLAIN" else [login, word]
            answer = self.ask(AUTH[self.protocol] % how.encode())
            while answer.startswith((b"+ ", b"+\r", b"334")) and words:
                answer = self.ask(base64.b64encode(words.pop(0).encode()))
        return next(
            (met for head, met in ANSWERS[self.protocol].items() if answer.startswith(head)), f"{answer!r}"
        )

    def close(self) -> None:
        self._file.close()
        self._link.close()


def sign_in(
    service: Service,
    name: str,
    word: str,
    way: tuple[str, str, str] = ("imap", "TLS", "PLAIN"),
    source: str = HOST,
) -> str:
    """What comes of one attempt on a connection of its own."""
    client = Client(service, way[0], way[1], source)
    try:
        return client.sign_in(name, word, way[2])
    finally:
        client.close()


def everywhere(service: Service, name: str, word: str, source: str = HOST) -> set[str]:
    """What comes of one attempt at each door, all at once."""
    with ThreadPoolExecutor(3) as pool:
        ways = [(protocol, "TLS", "PLAIN") for protocol in DOORS]
        return set(pool.map(lambda way: sign_in(service, name, word, way, source), ways))


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_the_right_password_is_taken_and_a_wrong_one_is_not(house, name, way):
    assert sign_in(house, name, "not it", way) == WRONG
    assert sign_in(house, name, password(name), way) == IN


@pytest.mark.parametrize("protocol", DOORS)
def test_a_name_nobody_has_is_answered_as_a_wrong_password(house, protocol):
    assert sign_in(house, f"nobody-{protocol}", "x", (protocol, "TLS", "PLAIN")) == WRONG


@pytest.mark.parametrize("how", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("protocol", DOORS)
def test_without_tls_no_password_is_taken_at_any_door(house, name, protocol, how):
    client = Client(house, protocol, "none")
    assert client.sign_in(name, password(name), how) == PRIVATE
    client.close()


@pytest.mark.timed
def test_a_new_password_is_in_force_everywhere_at_once_and_the_old_one_is_not(house, name):
    assert everywhere(house, name, password(name)) == {IN}  # remembered by every process
    opened = Client(house, "imap")
    assert opened.sign_in(name, password(name)) == IN
    done = house.holdfast("account", "set", f"{name}@{DOMAIN}", "--password", input="another word\n")
    assert done.returncode == 0, done.stderr
    changed = time.monotonic()
    new = everywhere(house, name, "another word")
    took = time.monotonic() - changed
    assert new == {IN} and took < 3.0, took
    assert everywhere(house, name, password(name)) == {WRONG}
    assert opened.ask(b"b SELECT INBOX").startswith(b"b OK"), "who is in stays in"
    opened.close()


@pytest.mark.timed
def test_a_disabled_account_is_told_so_who_knows_the_password_and_nobody_else(house, name):
    assert everywhere(house, name, password(name)) == {IN}
    assert house.holdfast("account", "set", f"{name}@{DOMAIN}", "--disable").returncode == 0
    until(lambda: everywhere(house, name, password(name)) == {DISABLED}, 3.0)
    assert everywhere(house, name, "not it") == {WRONG}
    assert house.holdfast("account", "set", f"{name}@{DOMAIN}", "--enable").returncode == 0
    until(lambda: everywhere(house, name, password(name)) == {IN}, 3.0)


def test_fifty_sign_in_at_once_and_again_without_a_hash(house, capsys):
    names = [ACCOUNTS[next(_number)] for _ in range(50)]
    took = []
    for _ in range(2):
        clients = [Client(house, "imap") for _ in names]
        began = time.monotonic()
        with ThreadPoolExecutor(50) as pool:
            came = list(
                pool.map(lambda pair: pair[0].sign_in(pair[1], password(pair[1])), zip(clients, names))
            )
        took.append(time.monotonic() - began)
        for each in clients:
            each.close()
        assert set(came) == {IN}
    with capsys.disabled():
        print(f"\n50 sign-ins at once: {took[0]:.2f} s hashed, {took[1]:.2f} s remembered")
    assert took[1] < took[0]


def guess(service: Service, name: str, times: int, source: str, protocol: str = "pop3") -> list[str]:
    """So many different wrong passwords, each on a connection of its own, all at once."""
    with ThreadPoolExecutor(times) as pool:
        words = [f"guess {number}" for number in range(times)]
        return list(
            pool.map(lambda word: sign_in(service, name, word, (protocol, "TLS", "PLAIN"), source), words)
        )


def test_guessing_is_limited_and_says_so_honestly(house, name):
    came = guess(house, name, 20, "127.1.1.1")
    assert came.count(WRONG) == 10 and set(came) == {WRONG, LATER}
    assert sign_in(house, name, "one more", ("pop3", "TLS", "PLAIN"), "127.1.1.2") == LATER


def test_guessing_does_not_lock_out_the_owner_whose_password_is_known(house, name):
    assert sign_in(house, name, password(name), ("pop3", "TLS", "PLAIN"), "127.2.1.1") == IN
    guess(house, name, 20, "127.2.1.2")  # from the owner's own network
    assert everywhere(house, name, password(name), "127.2.1.1") == {IN}


def test_guessing_does_not_lock_out_the_owner_elsewhere_nor_others_from_there(house, name):
    other = ACCOUNTS[next(_number)]
    guess(house, name, 20, "127.3.1.1")
    assert sign_in(house, name, password(name), ("pop3", "TLS", "PLAIN"), "127.4.1.1") == IN
    assert sign_in(house, other, password(other), ("pop3", "TLS", "PLAIN"), "127.3.1.1") == IN


def test_the_same_wrong_password_again_and_again_is_one_guess(house, name):
    """A program that was not told of the new password must not use up its owner's attempts."""
    with ThreadPoolExecutor(15) as pool:
        way = ("pop3", "TLS", "PLAIN")
        came = list(pool.map(lambda _: sign_in(house, name, "the old one", way, "127.5.1.1"), range(15)))
    assert set(came) == {WRONG}
    assert sign_in(house, name, password(name), ("pop3", "TLS", "PLAIN"), "127.5.1.1") == IN
