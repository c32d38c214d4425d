"""Remedies in the real service: what the role watch names is acted upon, within what is allowed."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import threading
from collections.abc import Iterator

import pytest

from e2e.service import DOMAIN, HOST, Service, password, until
from holdfast.directory.auth import AuthClient, Question
from holdfast.directory.credentials import PARAMETERS, hash_password
from holdfast.model.errors import Unavailable
from holdfast.model.limits import AUTH_QUEUE
from holdfast.watch.incidents import Incident, IncidentReader
from holdfast.watch.incidents.record import Remedied
from holdfast.watch.now import read_now
from holdfast.world import real_world

pytestmark = pytest.mark.slow

CONFIG = """
[workers]
watch = 1
imap = 1
[watch]
canaries = false
probe_s = 1
[remedies]
mode = "dry-run"
rules = ["restart", "shed", "drain"]
stands_s = 0
"""
SIGN_INS = "load/sign-in"
_KNOCKING = 4
_MORE = 200
STRANGE = "127.0.9.1"  # another network than that of all other clients here


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    made = Service(tmp_path_factory.mktemp("remedies"), people=("anna", "ben"), config=CONFIG)
    with made.running():
        yield made


def incidents(service: Service) -> list[Incident]:
    reader = IncidentReader(real_world(level="error"), str(service.data / "watch"))
    reader.read_all()
    return list(reader.incidents)


def remedied(service: Service, component: str) -> list[tuple[str, str, str]]:
    """Rule, action and outcome of each entry about it."""
    entries = [entry for each in incidents(service) for entry in each.timeline if isinstance(entry, Remedied)]
    return [(each.rule, each.action, each.outcome) for each in entries if each.component == component]


def works(service: Service, trial: str) -> bool:
    now = read_now(real_world(level="error"), str(service.data / "watch" / "now.json"))
    return now is not None and {each.trial: each.state for each in now.findings}.get(trial) == "works"


def restart_with(service: Service, lines: dict[str, str]) -> None:
    """A rolling restart, with other lines of the configuration."""
    text = service.config_path.read_text()
    for before, after in lines.items():
        assert before in text
        text = text.replace(before, after)
    service.config_path.write_text(text)
    assert service.holdfast("restart").returncode == 0


@contextlib.contextmanager
def flooded(service: Service) -> Iterator[None]:
    """As if the doors asked for more password checks than may wait, of people from anywhere; and some
    real sessions among them."""
    over = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_flood(service, over)))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


async def _flood(service: Service, over: threading.Event) -> None:
    client = AuthClient(real_world(level="error"), str(service.data / "run" / "auth.sock"))
    phc = hash_password("nobody's", b"0" * 16, PARAMETERS)

    async def guess(number: int) -> None:
        tried = 0
        while not over.is_set():
            tried += 1
            question = Question(0, 0, f"{number}", phc, f"{tried}", network=f"10.0.{number}.0/24")
            with contextlib.suppress(Unavailable):
                await client.ask(question)
            await asyncio.sleep(0.5)

    guesses = [asyncio.ensure_future(guess(number)) for number in range(AUTH_QUEUE + _MORE)]
    while not service.events("auth_full"):
        await asyncio.sleep(0.1)
    guesses += [asyncio.ensure_future(_knock(service, number)) for number in range(_KNOCKING)]
    while not over.is_set():
        await asyncio.sleep(0.1)
    for each in guesses:
        each.cancel()
    await asyncio.gather(*guesses, return_exceptions=True)
    client.close()


async def _knock(service: Service, number: int) -> None:
    """One visitor after another, whom nobody knows."""
    for visitor in itertools.count():
        answer = await asyncio.to_thread(answered, service, f"nobody-{number}-{visitor}", "guess", STRANGE)
        assert "[SYS/TEMP]" in answer or "[AUTH]" in answer
        await asyncio.sleep(0.2)


def signed_in(service: Service, name: str, source: str = HOST) -> str:
    """What POP3 answers to the right password, from that address."""
    return answered(service, name, password(name), source)


def answered(service: Service, name: str, secret: str, source: str) -> str:
    link = socket.create_connection((HOST, service.ports["pop3"]), timeout=60, source_address=(source, 0))
    with link, link.makefile("rwb") as talk:
        talk.readline()
        for word in (f"USER {name}@{DOMAIN}", f"PASS {secret}"):
            talk.write(f"{word}\r\n".encode())
            talk.flush()
            answer = talk.readline().decode()
        return answer


def test_remedy_4_a_dry_run_says_what_would_be_done_and_does_nothing(service: Service) -> None:
    with service.stopped("pop3-0") as [pid]:
        until(lambda: remedied(service, "process/pop3-0"))
        assert remedied(service, "process/pop3-0") == [("restart", "restart", "would")]
        assert service.pid("pop3-0") == pid and not service.events("child_renewed")


def test_a_process_that_stands_still_is_started_anew_and_that_is_written_down(service: Service) -> None:
    before = service.pid("watch-0")
    restart_with(service, {'mode = "dry-run"': 'mode = "on"'})
    until(lambda: service.pid("watch-0") != before and not service.status()["rolling_since"])
    until(lambda: works(service, "process/imap-0"))
    pid = service.pid("imap-0")
    os.kill(pid, signal.SIGSTOP)
    until(lambda: remedied(service, "process/imap-0") == [("restart", "restart", "done")])
    until(lambda: service.pid("imap-0") != pid and works(service, "imap/imap"))
    assert service.subjects() == []


def test_under_more_sign_ins_than_can_be_checked_who_is_known_comes_in_and_nobody_is_called_wrong(
    service: Service,
) -> None:
    service.imap("anna").logout()  # from here, by another process
    noted = service.data / "history" / "imap-0.sqlite"
    until(lambda: noted.exists())
    service.kill("auth-0")  # what it remembered is gone
    service.wait_ready()
    with flooded(service):
        until(lambda: remedied(service, SIGN_INS) == [("shed", "shed", "done")])
        assert signed_in(service, "anna").startswith("+OK")
        answer = signed_in(service, "ben", STRANGE)
        assert answer.startswith("+OK") or "[SYS/TEMP]" in answer, answer
    [number] = [
        each.number
        for each in incidents(service)
        if each.opinion is not None and SIGN_INS in each.opinion.report.components
    ]
    done = service.holdfast("remedy", "do", str(number), "resume", SIGN_INS, "--by", "anna")
    assert done.returncode == 0, done.stderr
    until(lambda: service.events("shedding_ended"))
    assert signed_in(service, "ben", STRANGE).startswith("+OK")


def test_a_rolling_restart_that_spoils_a_function_is_taken_back(service: Service) -> None:
    nowhere = '[tls]\ncertificate = "/nowhere.pem"\nkey = "/nowhere.key"\n'
    watching = service.pid("watch-0")
    restart_with(service, {"[tls]\n": nowhere, "stands_s = 0\n": "stands_s = 0\nroll_pause_s = 2\n"})
    until(lambda: ("drain", "drain", "done") in remedied(service, "supervisor"))
    [said] = service.events("rolling_restart_taken_back")
    assert "submission-0" in said["back"] and "watch-0" in said["left"]
    until(lambda: works(service, "submission/submissions") and not service.status()["rolling_since"])
    service.smtp("submissions", "anna").quit()
    assert service.pid("watch-0") == watching, "what wasn't reached stayed as it was"
