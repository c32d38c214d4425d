"""Debian's Postfix sends to us: plain mail, 8 bits, names beyond ASCII, long mail; 4xx is tried again."""

from __future__ import annotations

import smtplib
import socket
import subprocess
from pathlib import Path

import pytest

import references
from e2e.programs import bodies, letter
from e2e.service import DOMAIN, HOST, until

WHY_NOT = references.missing(references.POSTFIX)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)]

_SENDS = """
mynetworks = 127.0.0.0/8
virtual_mailbox_domains =
virtual_mailbox_maps =
relayhost = [127.0.0.1]:{port}
smtpd_recipient_restrictions = permit_mynetworks, reject
smtp_tls_security_level = {tls}
minimal_backoff_time = 1s
maximal_backoff_time = 1s
queue_run_delay = 1s
smtp_destination_concurrency_failed_cohort_limit = 0
message_size_limit = 20000000
"""


def sender(service, tls="may"):
    """A Postfix that gives all its mail to our MX: (port, folder)."""
    return references.postfix(more=_SENDS.format(port=service.ports["mx"], tls=tls))


def again(folder: Path) -> None:
    """Its queue is tried now: a scan that meets a message whose delivery is just ending passes it over, and
    at one scan a second it may come to no other."""
    subprocess.run(["postqueue", "-c", str(folder), "-f"], check=True)


def without_postfix(raw: bytes) -> bytes:
    """Less the Received that Postfix put before what it was given."""
    assert raw.startswith(b"Received: from"), raw[:100]
    at = raw.index(b"\r\n") + 2
    while raw[at : at + 1] in b"\t ":
        at = raw.index(b"\r\n", at) + 2
    return raw[at:]


@pytest.mark.parametrize("tls", ["may", "none"])
def test_what_postfix_was_given_is_what_the_customer_reads(crowd, person, tls):
    kinds = {
        "plain": letter("plain"),
        "eight": letter("eight", "Grüße aus Köln\r\n" * 40, head="Content-Type: text/plain\r\n"),
        "dots": letter("dots", ".\r\n..\r\n.x\r\n"),
        "header": letter("Grüße"),
        "long": letter("long", ("x" * 900 + "\r\n") * 5000),
        "many": letter("many", head="".join(f"X-{n}: {n}\r\n" for n in range(500))),
        "empty": letter("empty", ""),
    }
    with sender(crowd, tls) as (port, _):
        with smtplib.SMTP(HOST, port, timeout=30) as client:
            for name, message in kinds.items():
                options = ["BODY=8BITMIME"] + (["SMTPUTF8"] if name == "header" else [])
                client.sendmail("you@example.net", [f"{person}@{DOMAIN}"], message, mail_options=options)
        until(lambda: len(crowd.subjects(person)) == len(kinds))
    came = {without_postfix(raw) for raw in bodies(crowd, person)}
    assert came == set(kinds.values())


def test_a_recipient_that_is_not_there_bounces_at_the_sender_at_once(crowd, person):
    """Postfix is told 550 and writes the bounce itself, to the sender, who is a customer here."""
    with sender(crowd) as (port, _):
        with smtplib.SMTP(HOST, port, timeout=30) as client:
            client.sendmail(f"{person}@{DOMAIN}", [f"nobody@{DOMAIN}"], letter("lost"))
        until(lambda: crowd.subjects(person) == ["Undelivered Mail Returned to Sender"])
    assert b"550 5.1.1" in bodies(crowd, person)[0]


def test_postfix_comes_back_after_421_and_after_a_refused_connection(make_service):
    """While one connection is held, no second is served from the same address."""
    service = make_service(people=["anna"], config="[limits]\nconnections_per_address = 1\n")
    with sender(service) as (port, folder):
        with socket.create_connection((HOST, service.ports["mx"])):
            with smtplib.SMTP(HOST, port, timeout=30) as client:
                client.sendmail("you@example.net", [f"anna@{DOMAIN}"], letter("patient"))
            until(lambda: "status=deferred" in (folder / "log").read_text())
        assert " 421 " in (folder / "log").read_text()
        try:
            until(lambda: service.subjects() == ["patient"])
        finally:
            print((folder / "log").read_text())


def test_more_recipients_than_we_take_at_once_get_it_all_the_same(make_service):
    """RFC 5321 §4.5.3.1.10: 452 for those beyond the limit; a client sends to them again."""
    service = make_service(people=[f"p{n}" for n in range(25)], config="[limits]\nrecipients = 10\n")
    everybody = [f"{name}@{DOMAIN}" for name in service.people]
    with sender(service) as (port, folder):
        with smtplib.SMTP(HOST, port, timeout=30) as client:
            client.sendmail("you@example.net", everybody, letter("all"))
        try:
            for name in service.people:
                until(lambda: service.subjects(name) or again(folder))  # noqa: B023
        finally:
            print((folder / "log").read_text())
    assert {tuple(service.subjects(name)) for name in service.people} == {("all",)}
