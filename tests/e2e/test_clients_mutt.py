"""mutt without a screen: reads, flags, moves and deletes; what it did is asked by IMAP."""

from __future__ import annotations

import re

import pytest

from e2e.programs import needs, run
from e2e.service import DOMAIN, HOST, password, until

needs("mutt", "script")
pytestmark = pytest.mark.slow

_RC = """
set folder="{scheme}://{host}:{port}/"
set spoolfile="+INBOX"
set imap_user="{name}@{domain}"
set imap_pass="{password}"
set ssl_starttls={starttls}
set ssl_force_tls={tls}
set certificate_file="{certificate}"
set ssl_verify_host=no
set header_cache=""
set record="+Sent"
set postponed="+Drafts"
set trash=""
set delete=yes
set move=no
set mark_old=no
set wait_key=no
set confirmappend=no
set confirmcreate=no
set sort=mailbox-order
set quit=yes
set pager_stop=yes
"""


@pytest.fixture(params=["imap", "starttls", "imaps"])
def mutt(request, crowd, person, tmp_path):
    for number in range(4):
        crowd.send(f"m{number}", to=person)
    until(lambda: len(crowd.subjects(person)) == 4)
    door = "imaps" if request.param == "imaps" else "imap"
    (tmp_path / "rc").write_text(
        _RC.format(
            scheme=door,
            host=HOST,
            port=crowd.ports[door],
            name=person,
            domain=DOMAIN,
            password=password(person),
            starttls="no" if request.param == "imap" else "yes",
            tls="no" if request.param == "imap" else "yes",
            certificate=crowd.data / "tls" / "certificate.pem",
        )
    )

    def call(keys: str) -> None:
        """Types these keys into mutt on a terminal that nobody sees."""
        command = f"mutt -n -F {tmp_path}/rc -e 'push \"{keys}\"'"
        run("script", "-qec", command, "/dev/null", home=tmp_path)

    return call


def flags(service, name, mailbox="INBOX"):
    client = service.imap(name)
    client.select(mailbox, readonly=True)
    _, found = client.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    client.logout()
    pairs = [each for each in found if isinstance(each, tuple)]
    return {
        subject.decode().split()[1]: set(re.search(rb"FLAGS \(([^)]*)\)", head)[1].split()) - {b"\\Recent"}
        for head, subject in pairs
    }


def test_mutt_reads_flags_moves_and_deletes(crowd, person, mutt):
    mutt("<first-entry><display-message><exit><quit>")
    assert flags(crowd, person)["m0"] == {b"\\Seen"}
    mutt("2<enter><flag-message>3<enter><save-message>=Archive<enter>4<enter><delete-message><quit>")
    assert flags(crowd, person) == {"m0": {b"\\Seen"}, "m1": {b"\\Flagged"}}
    assert list(flags(crowd, person, "Archive")) == ["m2"]
    mutt("<tag-pattern>~A<enter><tag-prefix><copy-message>=Copies<enter><quit>")
    assert list(flags(crowd, person, "Copies")) == ["m0", "m1"]
    assert list(flags(crowd, person)) == ["m0", "m1"]
