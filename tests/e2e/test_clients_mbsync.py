"""mbsync: a Maildir kept the same as our mailboxes, both ways."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from e2e.programs import letter, needs, run
from e2e.service import DOMAIN, HOST, password, until

needs("mbsync", "script")
pytestmark = pytest.mark.slow

_RC = """
IMAPAccount ours
Host {host}
Port {port}
User {name}@{domain}
Pass "{password}"
SSLType {ssl}
CertificateFile {certificate}
AuthMechs LOGIN PLAIN

IMAPStore far
Account ours

MaildirStore near
Path {home}/mail/
Inbox {home}/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState *
"""


class Maildir:
    """One person's mail on this side, and mbsync to keep it."""

    def __init__(self, service, name, home: Path, *, tls: bool) -> None:
        self.service, self.name, self.home = service, name, home
        (home / "mail").mkdir()
        (home / "rc").write_text(
            _RC.format(
                host="localhost" if tls else HOST,
                port=service.ports["imaps" if tls else "imap"],
                name=name,
                domain=DOMAIN,
                password=password(name),
                ssl="IMAPS" if tls else "None",
                certificate=service.data / "tls" / "certificate.pem",
                home=home,
            )
        )

    def sync(self) -> list[int]:
        """New, flagged and deleted, on the far side and then on this one."""
        # it counts only where it believes that somebody looks on
        said = run("script", "-qec", f"mbsync -c {self.home}/rc -a", "/dev/null", home=self.home)
        text = said.stdout.decode()
        assert "error" not in text.lower() and "warning" not in text.lower(), text
        counts = re.findall(r"[FN]: \+(\d+)/\d+ \*(\d+)/\d+ #(\d+)/\d+", text)
        assert len(counts) >= 2, text
        return [int(count) for side in counts[-2:] for count in side]

    def files(self, mailbox: str = "INBOX") -> dict[str, Path]:
        """By the first line of the body."""
        folder = self.home / "mail" / mailbox
        found = [path for part in ("cur", "new") for path in (folder / part).iterdir()]
        return {path.read_text().partition("\n\n")[2].partition("\n")[0]: path for path in found}


@pytest.fixture(params=[False, True], ids=["imap", "imaps"])
def maildir(request, crowd, person, tmp_path):
    for number in range(5):
        with crowd.smtp() as client:
            client.sendmail("you@example.net", [f"{person}@{DOMAIN}"], letter(f"m{number}", f"m{number}\r\n"))
    until(lambda: len(crowd.subjects(person)) == 5)
    return Maildir(crowd, person, tmp_path, tls=request.param)


def flags(service, name, mailbox="INBOX"):
    """Of each message by subject, without \\Recent."""
    client = service.imap(name)
    client.select(mailbox, readonly=True)
    _, found = client.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    client.logout()
    pairs = [each for each in found if isinstance(each, tuple)]
    return {
        subject.decode().split()[1]: set(re.search(rb"FLAGS \(([^)]*)\)", head)[1].split()) - {b"\\Recent"}
        for head, subject in pairs
    }


def test_both_sides_become_the_same_and_then_nothing_is_left_to_do(crowd, person, maildir):
    assert maildir.sync()[3] == 5
    assert maildir.sync() == [0] * 6
    here = maildir.files()
    assert sorted(here) == [f"m{number}" for number in range(5)]
    # near: one read and flagged, one deleted, one new
    here["m0"].rename(here["m0"].parents[1] / "cur" / (here["m0"].name.partition(":")[0] + ":2,FS"))
    here["m1"].unlink()
    (maildir.home / "mail/INBOX/cur/new-one:2,S").write_bytes(letter("m5", "m5\r\n").replace(b"\r\n", b"\n"))
    # far: one flagged, one moved to a new mailbox, one deleted, one new
    client = crowd.imap(person)
    client.select()
    client.store("3", "+FLAGS", "(\\Answered)")
    client.create("Kept")
    client.uid("MOVE", "4", "Kept")
    client.store("4", "+FLAGS", "(\\Deleted)")
    client.expunge()
    client.append("INBOX", "(\\Seen)", None, letter("m6", "m6\r\n"))
    client.logout()

    maildir.sync()
    assert maildir.sync() == [0] * 6
    assert sorted(maildir.files()) == ["m0", "m2", "m5", "m6"]
    assert sorted(maildir.files("Kept")) == ["m3"]
    assert maildir.files()["m2"].name.endswith(":2,R")
    assert maildir.files()["m6"].name.endswith(":2,S")
    there = flags(crowd, person)
    seen = {b"\\Seen"}
    assert there == {"m0": {b"\\Flagged"} | seen, "m2": {b"\\Answered"}, "m5": seen, "m6": seen}
    assert flags(crowd, person, "Kept") == {"m3": set()}


def test_after_an_index_was_made_anew_nothing_is_transferred(crowd, maildir):
    maildir.sync()
    assert crowd.holdfast("index", "rebuild", "--all").returncode == 0
    assert maildir.sync() == [0] * 6


def test_a_mailbox_made_here_comes_to_the_service_with_its_mail(crowd, person, maildir):
    maildir.sync()
    for part in ("cur", "new", "tmp"):
        (maildir.home / "mail/New" / part).mkdir(parents=True)
    (maildir.home / "mail/New/new/one").write_bytes(letter("one", "one\r\n").replace(b"\r\n", b"\n"))
    maildir.sync()
    assert maildir.sync() == [0] * 6
    assert crowd.subjects(person, "New") == ["one"]
