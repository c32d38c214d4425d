"""What customers send to elsewhere: by queue and relay to Debian's Postfix, and back as a bounce."""

from __future__ import annotations

import email
import os
import shutil

import pytest

import references
from e2e.programs import bodies, letter
from e2e.service import DOMAIN, Service, until

WHY_NOT = references.missing(references.POSTFIX)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)]

_TAKES = """
virtual_mailbox_domains = example.net
virtual_mailbox_maps = inline:{ {friend@example.net = friend/}, {full@example.net = full/} }
virtual_mailbox_base = $queue_directory/../mail
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_transport = virtual:
virtual_minimum_uid = 1
smtpd_recipient_restrictions = check_recipient_access inline:{ {later@example.net = 450 4.2.0 later} },
    reject_unauth_destination
"""


@pytest.fixture(scope="module")
def elsewhere():
    """A Postfix for example.net: friend is there, nobody isn't, later is put off. (port, folder)."""
    with references.postfix(more=_TAKES) as (port, folder):
        (folder / "mail").mkdir()
        os.chown(folder / "mail", references.NOBODY, references.NOBODY)
        yield port, folder


@pytest.fixture(scope="module", params=["opportunistic", "none"])
def relaying(request, elsewhere, tmp_path_factory):
    port, _ = elsewhere
    config = f'[relay]\nsmarthost = "127.0.0.1:{port}"\ntls = "{request.param}"\n'
    service = Service(tmp_path_factory.mktemp("relaying"), config=config)
    service.prepare()
    service.start()
    yield service
    service.close()


@pytest.fixture
def service(relaying, elsewhere):
    _, folder = elsewhere
    for box in (folder / "mail").iterdir():
        shutil.rmtree(box)
    return relaying


def came(folder, name="friend"):
    """What lies in a mailbox of Postfix's, as it was before Postfix's own headers, CRLF again."""
    found = []
    for path in sorted((folder / "mail" / name / "new").glob("*")):
        found.append(path.read_bytes().replace(b"\n", b"\r\n"))
    return found


def sent(service, name, to, message, options=()):
    with service.smtp("submissions", name) as client:
        client.ehlo()
        client.sendmail(f"{name}@{DOMAIN}", [to], message, mail_options=list(options))


def test_what_a_customer_sent_is_what_the_other_side_has(service, elsewhere):
    _, folder = elsewhere
    messages = [
        letter("plain"),
        letter("eight", "Grüße\r\n" * 50, head="Content-Type: text/plain; charset=utf-8\r\n"),
        letter("dots", ".\r\n..\r\n.x\r\n"),
        letter("long", ("x" * 900 + "\r\n") * 500),
    ]
    for message in messages:
        sent(service, "anna", "friend@example.net", message, ["BODY=8BITMIME"])
    until(lambda: len(came(folder)) == len(messages))
    bodies_there = {raw[raw.index(b"From: <you@") :] for raw in came(folder)}
    assert bodies_there == set(messages)
    for raw in came(folder):
        assert raw.startswith(f"Return-Path: <anna@{DOMAIN}>\r\n".encode())
        assert raw.count(b"Return-Path:") == 1  # ours was taken off
        assert raw.count(b"\r\nReceived: ") == 2
    until(lambda: service.holdfast("queue", "list", "--json").stdout == "")


def test_mail_with_names_beyond_ascii_goes_where_it_is_spoken(service, elsewhere):
    _, folder = elsewhere
    message = letter("Grüße")
    sent(service, "anna", "friend@example.net", message, ["SMTPUTF8", "BODY=8BITMIME"])
    until(lambda: came(folder))
    assert came(folder)[0].endswith(message)


def test_who_is_not_there_bounces_into_the_sender_s_inbox(service):
    sent(service, "ben", "nobody@example.net", letter("lost"))
    until(lambda: len(service.subjects("ben")) == 1)
    report = email.message_from_bytes(bodies(service, "ben")[0])
    assert report.get_content_type() == "multipart/report"
    status = report.get_payload()[1].as_string()
    assert "Final-Recipient: rfc822; nobody@example.net" in status.replace(";nobody", "; nobody")
    assert "Action: failed" in status and "Status: 5.1.1" in status
    assert "Subject: lost" in report.get_payload()[2].as_string()
    until(lambda: service.holdfast("queue", "list", "--json").stdout == "")


def test_what_the_other_side_puts_off_stays_in_the_queue(service):
    sent(service, "cleo", "later@example.net", letter("later"))
    until(lambda: "450 4.2.0" in service.holdfast("queue", "list", "--json").stdout)
    assert service.subjects("cleo") == []
