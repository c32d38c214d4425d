"""kill -9 of processes under load: what was acknowledged is there, once; the service is back at once."""

from __future__ import annotations

import contextlib
import imaplib
import json
import re
import smtplib
import statistics
import threading
import time
from collections import Counter

import pytest

from e2e.service import DOMAIN, HOST, password, until
from e2e.snapshots import count

pytestmark = pytest.mark.slow

BACK_WITHIN_S = 2.0
SENDERS = 4


class Sender(threading.Thread):
    """Sends messages, each with a Message-ID of its own, and each until it is acknowledged."""

    def __init__(self, service, number, door, recipient):
        super().__init__(daemon=True)
        self.service, self.number, self.door = service, number, door
        self.recipient = recipient  # of a message's name
        self.acknowledged: list[str] = []
        self.tries = 0
        self.refused: list[str] = []
        self.ends = threading.Event()

    def run(self):
        client = None
        while not self.ends.is_set():
            name = f"{self.number}-{len(self.acknowledged)}"
            while True:  # the same message, until 250
                self.tries += 1
                try:
                    if client is None:
                        client = self.connect()
                    self.send(client, name)
                    break
                except smtplib.SMTPResponseException as error:
                    if error.smtp_code >= 500:
                        self.refused.append(f"{name}: {error}")
                        return
                    client = None
                except (OSError, smtplib.SMTPException):
                    client = None
                time.sleep(0.01)
            self.acknowledged.append(name)

    def connect(self):
        if self.door == "mx":
            client = smtplib.SMTP(HOST, self.service.ports["mx"], timeout=20)
            client.ehlo()
            return client
        client = smtplib.SMTP(HOST, self.service.ports["submission"], timeout=20)
        client.login(f"anna@{DOMAIN}", password("anna"))
        return client

    def send(self, client, name):
        to = self.recipient(name)
        head = f"From: <anna@{DOMAIN}>\r\nTo: <{to}>\r\nSubject: {name}\r\nMessage-ID: <{name}@kill>\r\n"
        date = "Date: Fri, 3 Mar 2023 03:03:03 +0000\r\n"
        client.mail(f"anna@{DOMAIN}")
        code, said = client.rcpt(to)
        if code != 250:
            raise smtplib.SMTPResponseException(code, said)
        code, said = client.data((head + date + "\r\n" + "hello\r\n" * 50).encode())
        if code != 250:
            raise smtplib.SMTPResponseException(code, said)


@contextlib.contextmanager
def load(senders):
    """They send within; acknowledged are some before and some after."""
    for sender in senders:
        sender.start()
    until(lambda: all(len(sender.acknowledged) > 5 for sender in senders))
    yield
    marks = [len(sender.acknowledged) for sender in senders]
    until(lambda: all(len(s.acknowledged) > mark + 5 for s, mark in zip(senders, marks)))
    for sender in senders:
        sender.ends.set()
    for sender in senders:
        sender.join(30)
        assert not sender.is_alive()
        assert sender.refused == []


def kill(service, role):
    """One process, or everything, which is then started again."""
    if role == "everything":
        service.kill_everything()
        service.start()
    else:
        with contextlib.suppress(ProcessLookupError):  # it may be dead already
            service.kill(role)


def accepts(service) -> bool:
    """A message is taken and an IMAP change is acknowledged."""
    try:
        with smtplib.SMTP(HOST, service.ports["mx"], timeout=5) as client:
            client.sendmail("", [f"cleo@{DOMAIN}"], "Subject: probe\r\n\r\n")
        imap = imaplib.IMAP4(HOST, service.ports["imap"], timeout=5)
        imap.login(f"cleo@{DOMAIN}", password("cleo"))
        kind, _ = imap.append("Drafts", None, None, b"Subject: probe\r\n\r\n")
        imap.logout()
        return kind == "OK"
    except (OSError, smtplib.SMTPException, imaplib.IMAP4.error):
        return False


def message_ids(service, name):
    """Of a mailbox, each with how often it is there."""
    client = service.imap(name)
    assert client.select(readonly=True)[0] == "OK"
    _, found = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
    client.logout()
    raw = b"".join(each[1] for each in found if isinstance(each, tuple))
    return Counter(match.decode() for match in re.findall(rb"<([^@>]+)@kill>", raw))


ROUNDS = [
    ["mx-0"] * 4,
    ["store-0"] * 4,
    ["people-0", "auth-0", "mx-0", "store-0", "relay-0", "submission-0", "imap-0"],
    ["everything", "mx-0", "everything"],
]


@pytest.mark.timed
@pytest.mark.parametrize("roles", ROUNDS, ids=["mx", "store", "each", "everything"])
def test_what_was_acknowledged_is_there_once_whoever_is_killed(service, roles, capsys):
    until(lambda: accepts(service))
    senders = [Sender(service, n, "mx", lambda name: f"ben@{DOMAIN}") for n in range(SENDERS)]
    back = []
    with load(senders):
        for role in roles:
            began = time.monotonic()
            kill(service, role)
            until(lambda: accepts(service))
            back.append(time.monotonic() - began)
            time.sleep(0.2)
    sent = [name for sender in senders for name in sender.acknowledged]
    until(lambda: count(service, "ben") >= len(sent))
    with capsys.disabled():
        print(
            f"\nkill -9 of {', '.join(roles)}: {len(sent)} messages in {sum(s.tries for s in senders)} tries"
            f"; accepts again after {', '.join(f'{each:.2f}' for each in back)} s"
        )
    assert message_ids(service, "ben") == Counter(sent)  # RUN-2, FLOW-1, FLOW-2, STORE-9
    assert statistics.median(back) < BACK_WITHIN_S  # each is printed; a busy machine may be late once


class Changer(threading.Thread):
    """Appends and flags over IMAP; notes what was acknowledged, and what was never answered."""

    def __init__(self, service, number):
        super().__init__(daemon=True)
        self.service, self.number = service, number
        self.appended: list[str] = []
        self.flagged: list[str] = []
        self.unsure: list[str] = []
        self.ends = threading.Event()

    def run(self):
        client, step = None, 0
        while not self.ends.is_set():
            name, step = f"{self.number}-{step}", step + 1
            try:
                if client is None:
                    client = imaplib.IMAP4(HOST, self.service.ports["imap"], timeout=20)
                    client.login(f"ben@{DOMAIN}", password("ben"))
                    kind, _ = client.select()
                    if kind != "OK":
                        raise imaplib.IMAP4.abort("no INBOX now")
                message = f"Subject: {name}\r\nMessage-ID: <{name}@kill>\r\n\r\nhello\r\n".encode()
                self.unsure.append(name)
                kind, answer = client.append("INBOX", None, None, message)
                if kind != "OK":  # it may have been kept all the same
                    time.sleep(0.02)
                    continue
                self.unsure.remove(name)
                self.appended.append(name)
                uid = re.search(rb"APPENDUID \d+ (\d+)", answer[0])[1].decode()
                if client.uid("STORE", uid, "+FLAGS", "(\\Flagged)")[0] == "OK":
                    self.flagged.append(name)
            except (OSError, imaplib.IMAP4.error):
                client = None
                time.sleep(0.01)


def test_imap_changes_that_were_acknowledged_are_there_once(service, capsys):
    changers = [Changer(service, number) for number in range(3)]
    for changer in changers:
        changer.start()
    until(lambda: all(len(changer.flagged) > 5 for changer in changers))
    for role in ("store-0", "imap-0", "imap-1", "store-0", "everything", "store-0"):
        kill(service, role)
        marks = [len(changer.flagged) for changer in changers]
        until(lambda: all(len(c.flagged) > mark + 5 for c, mark in zip(changers, marks)))  # noqa: B023
    for changer in changers:
        changer.ends.set()
        changer.join(30)
    there = message_ids(service, "ben")
    appended = [name for changer in changers for name in changer.appended]
    unsure = {name for changer in changers for name in changer.unsure}
    with capsys.disabled():
        print(f"\n{len(appended)} APPENDs acknowledged, {len(unsure)} never answered")
    assert max(there.values()) == 1
    assert set(appended) <= set(there) <= set(appended) | unsure
    client = service.imap("ben")
    client.select(readonly=True)
    _, found = client.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
    client.logout()
    flagged = {
        re.search(rb"<([^@>]+)@kill>", each[1])[1].decode()
        for each in found
        if isinstance(each, tuple) and b"\\Flagged" in each[0]
    }
    assert {name for changer in changers for name in changer.flagged} <= flagged


def test_what_a_customer_sent_to_elsewhere_is_in_the_queue_once(make_service, capsys):
    service = make_service(config="[relay]\nenabled = false\n")
    senders = [Sender(service, n, "submission", lambda name: f"to-{name}@example.net") for n in range(3)]
    with load(senders):
        for role in ("submission-0", "relay-0", "auth-0", "relay-0", "everything", "submission-0"):
            kill(service, role)
            marks = [len(sender.acknowledged) for sender in senders]
            until(lambda: all(len(s.acknowledged) > mark for s, mark in zip(senders, marks)))  # noqa: B023
    sent = {f"to-{name}@example.net" for sender in senders for name in sender.acknowledged}

    def queued():
        lines = service.holdfast("queue", "list", "--json").stdout.splitlines()
        return Counter(json.loads(line)["recipient"] for line in lines)

    until(lambda: len(queued()) >= len(sent))
    with capsys.disabled():
        print(f"\n{len(sent)} to elsewhere in {sum(s.tries for s in senders)} tries")
    assert queued() == Counter(sent)
