"""Customers are told by the real roles, and by ways that aren't ours: a gateway for text messages and a mail
server elsewhere. Most of our own mail isn't even there."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

import references
from e2e.service import DOMAIN, Service, until
from free_ports import free_ports
from gateway import Gateway, gateway
from holdfast.care.status.customer import token
from holdfast.model.errors import Refused, Unavailable
from holdfast.partners.mail import Mailer, Sender, Smarthost, compose
from holdfast.partners.outbound import Manners
from holdfast.world import real_world, run
from holdfast.world.tls import client_context

WHY_NOT = references.missing(references.POSTFIX)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "it is there")]

ELSEWHERE = """
virtual_mailbox_domains = elsewhere.example
virtual_mailbox_maps = inline:{ {ben@elsewhere.example = x} }
"""
CONFIG = """
[workers]
watch = 1
care = 1
mx = 0
submission = 0
imap = 0
[watch]
canaries = false
[gateways]
sender = "Example Mail"
sms_url = "%s/sms"
mail_smarthost = "127.0.0.1:%d"
mail_tls = "opportunistic"
[status]
url = "https://status.example.org"
"""


@pytest.fixture(scope="module")
def sms() -> Iterator[Gateway]:
    with gateway() as made:
        yield made


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[tuple[int, Path]]:
    with references.postfix(more=ELSEWHERE) as made:
        yield made


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, sms: Gateway, elsewhere: tuple[int, Path]
) -> Iterator[Service]:
    config = CONFIG % (sms.url, elsewhere[0])
    made = Service(tmp_path_factory.mktemp("notices"), people=("anna", "ben"), config=config)
    try:
        made.prepare()
        contact(made, "anna", "--phone", "+491701234567", "--language", "de")
        contact(made, "ben", "--address", "ben@elsewhere.example", "--language", "en")
        made.start()
        yield made
    finally:
        made.close()


def customer(service: Service, name: str) -> int:
    lines = service.holdfast("account", "list", "--json").stdout.splitlines()
    [found] = [each for each in map(json.loads, lines) if each["login"] == f"{name}@{DOMAIN}"]
    return int(found["customer"])


def contact(service: Service, name: str, *words: str) -> None:
    number = str(customer(service, name))
    done = service.holdfast("contact", "set", number, *words, "--proven", "--consent")
    assert done.returncode == 0, done.stderr


def reachable(service: Service) -> int:
    path = service.data / "care" / "customers.sqlite"
    if not path.exists():
        return 0
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    [(count,)] = db.execute("SELECT count(*) FROM customer WHERE consent_at > 0")
    db.close()
    return int(count)


def told(service: Service, number: int = 1) -> list[dict[str, Any]]:
    done = service.holdfast("notices", str(number), "--all", "--json")
    return json.loads(done.stdout)["messages"] if done.returncode == 0 else []


def test_who_is_hit_is_told_by_ways_that_are_not_ours(
    service: Service, sms: Gateway, elsewhere: tuple[int, Path], record_property: Any
) -> None:
    until(lambda: reachable(service) == 2)
    began, pid = time.time(), service.pid("pop3-0")
    os.kill(pid, signal.SIGSTOP)
    try:
        [asked] = until(lambda: sms.requests[:1])
        record_property("first_text_message_s", time.time() - began)
        log = elsewhere[1] / "log"
        until(lambda: "to=<ben@elsewhere.example>" in log.read_text() and "status=sent" in log.read_text())
        record_property("first_mail_s", time.time() - began)
    finally:
        with contextlib.suppress(ProcessLookupError):  # the watchdog was faster
            os.kill(pid, signal.SIGCONT)
    said = json.loads(asked.body)
    assert said["to"] == "+491701234567"
    assert said["text"].startswith("Example Mail: gestört seit") and ": POP3." in said["text"]
    key = (service.data / "keys" / "status.key").read_bytes()
    page = f"customer-{token(key, customer(service, 'anna'))}.html"
    assert said["text"].endswith(f" https://status.example.org/{page}")
    until(lambda: {each["state"] for each in told(service)} == {"sent"})
    assert {each["channel"] for each in told(service)} == {"sms", "mail"}
    packs = b"".join(each.read_bytes() for each in (service.data / "volumes").rglob("*") if each.is_file())
    assert packs and b"elsewhere.example" not in packs


def test_second_addresses_share_connections_and_one_that_is_refused_is_no_outage(
    elsewhere: tuple[int, Path],
) -> None:
    """Against Postfix, in TLS."""
    world = real_world(level="error")
    sender = Sender("Störungsdienst", "no-reply@example.org", "mail.example.org")

    async def send(port: int, *to: str) -> None:
        manners = Manners("mail.example.org", "opportunistic", client_context(verify=False))
        mailer = Mailer(world, lambda: Smarthost("127.0.0.1", port, manners))
        try:
            for each in to:
                await mailer.send(each, compose(world, sender, each, "Störung", "Es dauert an.", "de"))
        finally:
            mailer.close()

    log = elsewhere[1] / "log"
    before = log.read_text().count(": connect from")
    run(send(elsewhere[0], *["ben@elsewhere.example"] * 5))
    until(lambda: " mail=5 " in log.read_text())
    assert log.read_text().count(": connect from") == before + 1
    with pytest.raises(Refused):
        run(send(elsewhere[0], "nobody@elsewhere.example"))
    with pytest.raises(Unavailable):
        run(send(*free_ports(1), "ben@elsewhere.example"))
