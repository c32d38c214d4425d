"""curl: SMTP, IMAP and POP3, each also in TLS; listing, reading, flagging and deleting."""

from __future__ import annotations

import pytest

from e2e.programs import bodies, curl, letter, needs, whole
from e2e.service import DOMAIN, until

needs("curl")
pytestmark = pytest.mark.slow


def filled(service, name, count=3):
    """A new INBOX with m0, m1, …"""
    for number in range(count):
        service.send(f"m{number}", to=name)
    until(lambda: len(service.subjects(name)) == count)


@pytest.mark.parametrize(
    ("door", "words"),
    [("mx", ()), ("mx", ("--ssl-reqd",)), ("submission", ("--ssl-reqd",)), ("submissions", ())],
)
def test_curl_sends(crowd, person, tmp_path, door, words):
    path = tmp_path / "letter"
    path.write_bytes(letter("sent"))
    sender = "you@example.net" if door == "mx" else f"{person}@{DOMAIN}"
    words += ("--mail-from", sender, "--mail-rcpt", f"{person}@{DOMAIN}", "--upload-file", path)
    curl(crowd, tmp_path, person, f"{door}/there", *words)
    until(lambda: crowd.subjects(person) == ["sent"])
    assert bodies(crowd, person) == [letter("sent")]


@pytest.mark.parametrize("door", ["imap", "imaps"])
def test_curl_reads_flags_and_deletes_over_imap(crowd, person, tmp_path, door):
    filled(crowd, person)

    def ask(path, command=None):
        return curl(crowd, tmp_path, person, f"{door}/{path}", *(("-X", command) if command else ()))

    assert b"INBOX" in ask("")
    assert ask("INBOX", "SEARCH ALL").strip() == b"* SEARCH 1 2 3"
    assert whole(ask("INBOX;UID=2")).startswith(b"From: <you@example.net>")
    assert ask("INBOX;UID=2;SECTION=TEXT") == b"hello\r\n"
    assert ask("INBOX?SUBJECT%20m1").strip() == b"* SEARCH 2"
    ask("INBOX", "STORE 1 +FLAGS (\\Flagged)")
    assert b"\\Flagged" in ask("INBOX", "FETCH 1 FLAGS")
    ask("INBOX", "STORE 2 +FLAGS.SILENT (\\Deleted)")
    ask("INBOX", "EXPUNGE")
    assert crowd.subjects(person) == ["m0", "m2"]


def test_curl_appends_over_imap(crowd, person, tmp_path):
    path = tmp_path / "letter"
    path.write_bytes(letter("appended"))
    curl(crowd, tmp_path, person, "imap/Drafts", "--upload-file", path)
    assert crowd.subjects(person, "Drafts") == ["appended"]


@pytest.mark.parametrize("door", ["pop3", "pop3s"])
def test_curl_reads_and_deletes_over_pop3(crowd, person, tmp_path, door):
    filled(crowd, person)

    def ask(path, *words):
        return curl(crowd, tmp_path, person, f"{door}/{path}", *words)

    assert len(ask("").splitlines()) == 3
    assert whole(ask("2")).endswith(b"\r\n\r\nhello\r\n")
    assert b"Subject: m2" in ask("", "-X", "TOP 3 0")
    listed = ask("", "-X", "UIDL").split()
    assert len(set(listed[1::2])) == 3
    ask("2", "-X", "DELE", "--list-only")
    assert crowd.subjects(person) == ["m0", "m2"]


def test_curl_upgrades_pop3_and_imap_to_tls(crowd, person, tmp_path):
    filled(crowd, person, 1)
    assert b"Subject: m0" in curl(crowd, tmp_path, person, "pop3/1", "--ssl-reqd")
    assert b"Subject: m0" in curl(crowd, tmp_path, person, "imap/INBOX;UID=1", "--ssl-reqd")
