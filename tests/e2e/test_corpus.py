"""6,046 real messages come in over SMTP and go out byte for byte, before and after all indexes were lost."""

from __future__ import annotations

import pytest

from conftest import NO_CORPUS
from e2e import real_mail
from e2e.service import until
from e2e.snapshots import by_imap, by_pop3, count, index_files, remove_indexes, same, snapshots, wait_rebuilt

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not real_mail.PATH.exists(), reason=NO_CORPUS)]


def test_real_mail_comes_back_byte_for_byte_whatever_happens_to_the_indexes(service):
    mail = real_mail.messages()
    assert len(mail) == real_mail.COUNT
    mine = {name: mail[number :: len(service.people)] for number, name in enumerate(service.people)}
    real_mail.send_all(
        service, [(service.people[n % len(service.people)], each) for n, each in enumerate(mail)], 6
    )
    for name, messages in mine.items():
        until(lambda: count(service, name) == len(messages))  # noqa: B023
        assert by_imap(service, name) == sorted(messages)
    everything = {name: sorted(messages) for name, messages in mine.items()}
    assert all_by_pop3(service) == everything
    make_history(service, "anna")
    in_inbox = all_by_pop3(service)  # which marks them as seen; all but what anna moved
    before = snapshots(service)

    # while it runs
    cells, rebuilt = len(index_files(service)), len(service.events("index_rebuilt"))
    remove_indexes(service)
    wait_rebuilt(service, cells, rebuilt)
    assert same(before, snapshots(service))
    for name, messages in mine.items():
        assert by_imap(service, name) == sorted(messages)
    assert all_by_pop3(service) == in_inbox

    # while it stands
    service.stop()
    remove_indexes(service)
    service.start()
    until(lambda: len(index_files(service)) == cells)
    assert same(before, snapshots(service))
    for name, messages in mine.items():
        assert by_imap(service, name) == sorted(messages)
    assert all_by_pop3(service) == in_inbox
    move_back(service, "anna")
    assert all_by_pop3(service) == everything


def all_by_pop3(service):
    """Everybody's INBOX as POP3 gives it out, name to messages."""
    return {name: by_pop3(service, name) for name in service.people}


def make_history(service, name):
    """Flags, keywords, a mailbox made and renamed, messages moved there and back: nothing is lost by it."""
    client = service.imap(name)
    client.select()
    for command in (
        lambda: client.store("1:500", "+FLAGS.SILENT", "(\\Seen)"),
        lambda: client.store("100:200", "+FLAGS.SILENT", "(\\Flagged $Work)"),
        lambda: client.store("150:170", "-FLAGS.SILENT", "(\\Seen)"),
        lambda: client.create("Work/Old"),
        lambda: client.subscribe("Work/Old"),
        lambda: client.uid("MOVE", "300:600", "Work/Old"),
        lambda: client.rename("Work/Old", "Work/Older"),
        lambda: client.select("Work/Older"),
        lambda: client.uid("MOVE", "1:100", "INBOX"),
    ):
        kind, answer = command()
        assert kind == "OK", answer
    client.logout()


def move_back(service, name):
    """What is in Work/Older goes back to INBOX."""
    client = service.imap(name)
    client.select("Work/Older")
    kind, answer = client.uid("MOVE", "1:*", "INBOX")
    assert kind == "OK", answer
    client.logout()
