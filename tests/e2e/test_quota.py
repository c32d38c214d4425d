"""Quotas and sending limits with the real processes: who is full is asked to wait, everywhere at once."""

from __future__ import annotations

import contextlib
import smtplib

import pytest

from e2e.service import DOMAIN, until
from e2e.snapshots import count
from holdfast.run import doors, reading
from holdfast.world import real_world, run

pytestmark = pytest.mark.slow


def limit(service, name: str = "anna", **limits: int) -> None:
    config = reading.load(str(service.config_path), {})

    async def work() -> None:
        async with doors.people(real_world(level="warn"), config) as people:
            await people.account_set(f"{name}@{DOMAIN}", **limits)

    run(work())


def rcpt(service, name: str = "anna") -> tuple[int, bytes]:
    with service.smtp() as client:
        client.ehlo()
        client.mail("you@example.net")
        return client.rcpt(f"{name}@{DOMAIN}")


def test_a_full_account_s_mail_waits_with_its_sender_until_there_is_room(service):
    limit(service, quota_bytes=20_000)
    client = service.imap()
    until(lambda: client.getquota('""')[0] == "OK")
    service.send("large", body="x" * 900 + "\r\n" + ("y" * 900 + "\r\n") * 25)
    until(lambda: count(service, "anna") == 1)
    until(lambda: rcpt(service)[0] == 452)
    assert rcpt(service)[1].startswith(b"4.2.2 ")
    assert rcpt(service, "ben")[0] == 250
    kind, [usage] = client.getquota('""')
    assert kind == "OK" and usage.startswith(b'"" (STORAGE 2') and usage.endswith(b" 20)")
    kind, [text] = client.append("INBOX", "", None, b"Subject: one more\r\n\r\n")
    assert kind == "NO" and b"OVERQUOTA" in text
    with service.smtp("submission", "ben") as sender, pytest.raises(smtplib.SMTPRecipientsRefused):
        sender.sendmail(f"ben@{DOMAIN}", [f"anna@{DOMAIN}"], "Subject: x\r\n\r\n")

    # a restart forgets nothing, and the store may be gone
    service.stop()
    service.start()
    until(lambda: rcpt(service)[0] == 452)
    service.kill("store-0")
    assert rcpt(service)[0] == 452
    service.wait_ready()

    client = service.imap()
    client.select()
    client.store("1", "+FLAGS", "(\\Deleted)")
    until(lambda: client.expunge()[0] == "OK")
    until(lambda: rcpt(service)[0] == 250)
    client.logout()
    assert {"account_full", "account_has_room"} <= {each["event"] for each in service.events()}


def test_a_limit_that_is_raised_or_taken_away_lets_mail_in_within_seconds(service):
    limit(service, "ben", quota_bytes=100)
    service.send("one", to="ben")
    until(lambda: rcpt(service, "ben")[0] == 452)
    limit(service, "ben", quota_bytes=0)
    until(lambda: rcpt(service, "ben")[0] == 250)
    service.send("two", to="ben")
    until(lambda: "two" in service.subjects("ben"))


def test_who_has_sent_enough_for_a_day_is_asked_to_wait_also_after_a_kill(service):
    limit(service, "cleo", daily_recipients=3)

    def send(*names: str) -> bool:
        with service.smtp("submission", "cleo") as client:
            refused = client.sendmail(
                f"cleo@{DOMAIN}", [f"{name}@{DOMAIN}" for name in names], "Subject: from cleo\r\n\r\n"
            )
            return not refused

    assert send("anna", "ben") and send("ben")
    with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
        send("anna")
    [(code, text)] = caught.value.recipients.values()
    assert code == 450 and text.startswith(b"4.7.1 ") and b"it goes on at" in text

    service.kill("submission-0")
    service.wait_ready()

    def still_refused() -> bool:
        with contextlib.suppress(smtplib.SMTPRecipientsRefused):
            send("anna")
            return False
        return True

    until(still_refused)
    assert service.events("sending_limit_reached")
