"""The service as processes: what an administrator sees of it, and what kill -9 does to it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from e2e.service import until

pytestmark = pytest.mark.slow


def test_mail_comes_in_and_is_read_by_every_way(service):
    service.send("one")
    until(lambda: service.subjects() == ["one"])
    with service.smtp("submissions", "anna") as client:
        client.sendmail("anna@example.org", ["ben@example.org"], "Subject: two\r\n\r\nhello\r\n")
    with service.smtp("submission", "anna") as client:
        client.sendmail("anna@example.org", ["ben@example.org"], "Subject: three\r\n\r\nhello\r\n")
    until(lambda: service.subjects("ben") == ["two", "three"])
    for tls in (False, True):
        client = service.pop3("ben", tls=tls)
        assert client.stat()[0] == 2
        client.quit()
    client = service.imap("ben", tls=True)
    assert client.select("INBOX") == ("OK", [b"2"])
    client.logout()


@pytest.mark.timed
@pytest.mark.parametrize("role", ["mx-0", "store-0", "imap-0", "people-0", "auth-0"])
def test_run_2_any_killed_process_is_back_and_mail_goes_on(service, role):
    service.send("before")
    until(lambda: service.subjects() == ["before"])
    began = time.monotonic()
    service.kill(role)
    service.send("after")  # a refused connection would raise
    assert time.monotonic() - began < 2.0
    until(lambda: service.subjects() == ["before", "after"])


def test_run_7_without_the_store_mail_is_taken_and_comes_when_it_is_back(service):
    """The store is stopped, not dead: nothing starts another one."""
    with service.stopped("store-0"):
        service.send("meanwhile")
    until(lambda: service.subjects() == ["meanwhile"])


def test_after_kill_9_of_everything_it_starts_and_has_all_once(service):
    for number in range(5):
        service.send(f"m{number}")
    service.kill_everything()
    service.start()
    until(lambda: len(service.subjects()) >= 5)
    assert service.subjects() == [f"m{number}" for number in range(5)]


def test_a_deleted_index_comes_back_the_same(service):
    for number in range(3):
        service.send(f"m{number}")
    until(lambda: len(service.subjects()) == 3)
    client = service.imap()
    client.select("INBOX")
    client.store("2", "+FLAGS", "(\\Flagged)")
    client.logout()
    before = state_of_inbox(service)
    assert service.holdfast("index", "rebuild", "--all").returncode == 0
    assert state_of_inbox(service) == before


def state_of_inbox(service):
    client = service.imap()
    try:
        client.select("INBOX", readonly=True)
        found = client.fetch("1:*", "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE MODSEQ)")
        return client.status("INBOX", "(UIDNEXT UIDVALIDITY MESSAGES HIGHESTMODSEQ)"), found
    finally:
        client.logout()


def test_accounts_are_made_changed_and_removed_while_it_runs(service):
    done = service.holdfast("account", "add", "dora@example.org", "--generate", "--json")
    assert done.returncode == 0, done.stderr
    word = json.loads(done.stdout)["password"]
    service.send("hello", to="dora")
    import imaplib

    def signs_in(password: str) -> bool:
        client = imaplib.IMAP4("127.0.0.1", service.ports["imap"])
        try:
            return client.login("dora@example.org", password)[0] == "OK"
        except imaplib.IMAP4.error:
            return False
        finally:
            client.shutdown()

    until(lambda: signs_in(word))
    assert (
        service.holdfast("account", "set", "dora@example.org", "--password", input="other\n").returncode == 0
    )
    until(lambda: signs_in("other"))
    assert not signs_in(word)
    assert service.holdfast("alias", "add", "d@example.org", "dora@example.org").returncode == 0
    until(lambda: service.smtp().docmd("NOOP")[0] == 250)
    assert service.holdfast("account", "rm", "dora@example.org", "--yes").returncode == 0
    until(lambda: not signs_in("other"))
    listed = [json.loads(line) for line in service.holdfast("account", "list", "--json").stdout.splitlines()]
    assert {each["login"]: each["state"] for each in listed}["dora@example.org"] == "removed"


def test_import_works_while_it_runs_and_a_second_time_adds_nothing(service, tmp_path):
    box = tmp_path / "x.mbox"
    box.write_bytes(
        b"".join(b"From a Tue Jan  2 03:04:05 2024\nSubject: m%d\n\nhello\n\n" % n for n in range(30))
    )
    for _ in range(2):
        done = service.holdfast(
            "import", "mbox", str(box), "anna@example.org", "--into", "Old", "--skip-known"
        )
        assert done.returncode == 0, done.stderr
    assert service.subjects(mailbox="Old") == [f"m{number}" for number in range(30)]


def test_it_says_what_it_is_doing(service):
    service.send("x")
    status = service.holdfast("status", "--json")
    assert status.returncode == 0
    assert all(json.loads(line)["ready"] for line in status.stdout.splitlines())
    assert service.holdfast("pack", "verify").returncode == 0
    listed = [json.loads(line) for line in service.holdfast("pack", "ls", "--json").stdout.splitlines()]
    assert {"v1/mail", "v1/mx-0", "people"} <= {each["ledger"] for each in listed}
    doctor = service.holdfast("doctor", "--json")
    found = {json.loads(line)["id"]: json.loads(line)["severity"] for line in doctor.stdout.splitlines()}
    assert "error" not in found.values(), doctor.stdout
    assert found["certificate"] == "warning"  # self-signed


def test_nothing_outlives_a_stop_and_files_are_for_their_owner(service):
    pids = [each["pid"] for each in service.status()["processes"]]
    service.stop()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert service.data.stat().st_mode & 0o077 == 0
    assert (service.data / "tls" / "key.pem").stat().st_mode & 0o077 == 0


def test_commands_work_while_it_does_not_run(make_service):
    service = make_service(started=False)
    assert service.holdfast("account", "add", "emil@example.org", "--generate").returncode == 0
    listed = service.holdfast("account", "list", "--json").stdout.splitlines()
    assert [json.loads(line)["login"] for line in listed] == [
        f"{name}@example.org" for name in ("anna", "ben", "cleo", "emil")
    ]
    assert service.holdfast("status").returncode == 75
    assert service.holdfast("doctor").returncode == 2


def test_mail_to_elsewhere_waits_in_the_queue_until_it_can_go(make_service):
    from e2e.service import free_ports

    [port] = free_ports(1)  # a smarthost that nobody answers at, at first
    service = make_service(config=f'[relay]\nsmarthost = "127.0.0.1:{port}"\n')
    with service.smtp("submissions", "anna") as client:
        client.sendmail("anna@example.org", ["friend@example.net"], "Subject: out\r\n\r\nhello\r\n")

    def waiting() -> list[dict]:
        return [json.loads(line) for line in service.holdfast("queue", "list", "--json").stdout.splitlines()]

    [entry] = until(lambda: [each for each in waiting() if each["tries"]])
    assert (entry["sender"], entry["recipient"]) == ("anna@example.org", "friend@example.net")
    assert service.holdfast("queue", "retry", entry["id"]).returncode == 0
    assert service.holdfast("queue", "rm", "--all").returncode == 2  # nobody is there to be asked
    assert service.holdfast("queue", "rm", entry["id"], "--yes").returncode == 0
    assert waiting() == []
    until(lambda: len(service.subjects()) == 1)  # the sender is told


def test_dev_runs_all_roles_in_one_process_and_leaves_out_what_it_is_told_to(make_service):
    import signal
    import subprocess
    import sys

    service = make_service(started=False)
    command = [
        sys.executable,
        "-m",
        "holdfast.cli",
        "--config",
        str(service.config_path),
        "dev",
        "--without",
        "auth",
    ]
    process = subprocess.Popen(command, env=service._environment(), cwd=service.folder)
    try:
        until(lambda: len(service.events("child_ready")) == 7)
        service.send("hello")
        until(lambda: service.subjects() == ["hello"])  # signs in without auth: the process checks by itself
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
