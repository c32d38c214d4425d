"""Python's own clients: smtplib, imaplib and poplib, in the clear, upgraded and in TLS."""

from __future__ import annotations

import imaplib
import poplib
import smtplib

import pytest

from e2e.programs import letter, whole
from e2e.service import DOMAIN, HOST, password, until

pytestmark = pytest.mark.slow


@pytest.fixture
def service(crowd):
    return crowd


@pytest.fixture
def whom(person):
    return f"{person}@{DOMAIN}"


def filled(service, name, count=3):
    for number in range(count):
        service.send(f"m{number}", to=name)
    until(lambda: len(service.subjects(name)) == count)


@pytest.fixture(params=["imap", "starttls", "imaps"])
def imap(request, service, person, whom):
    if request.param == "starttls":
        client = imaplib.IMAP4(HOST, service.ports["imap"], timeout=30)
        client.starttls(service.trust)
        client.login(whom, password(person))
    else:
        client = service.imap(person, tls=request.param == "imaps")
    yield client
    client.logout()


def test_imaplib_reads_flags_moves_and_deletes(service, person, imap):
    filled(service, person)
    assert imap.select()[1] == [b"3"]
    assert imap.search(None, "SUBJECT", "m1")[1] == [b"2"]
    [(_, raw), _] = imap.fetch("2", "(BODY.PEEK[])")[1]
    assert whole(raw).endswith(b"\r\n\r\nhello\r\n")
    assert imap.fetch("2", "(FLAGS)")[1] == [b"2 (FLAGS (\\Recent))"]
    assert imap.store("2", "+FLAGS", "(\\Seen $Work)")[1] == [b"2 (FLAGS (\\Seen $Work \\Recent))"]
    assert imap.create("Kept")[0] == "OK"
    assert imap.copy("1", "Kept")[0] == "OK"
    assert imap.uid("MOVE", "2", "Kept")[0] == "OK"
    assert imap.store("1", "+FLAGS.SILENT", "(\\Deleted)")[0] == "OK"
    assert imap.expunge()[1] == [b"2", b"1"]  # what MOVE took away, and this
    assert service.subjects(person) == ["m2"]
    assert service.subjects(person, "Kept") == ["m0", "m1"]
    imap.select("Kept")
    assert imap.fetch("2", "(FLAGS)")[1] == [b"2 (FLAGS (\\Seen $Work \\Recent))"]
    assert imap.rename("Kept", "Old")[0] == "OK"
    assert imap.delete("Old")[0] == "OK"


def test_imaplib_appends_with_flags_and_date(service, imap):
    date = '"03-Mar-2003 03:03:03 +0200"'
    kind, [answer] = imap.append("Drafts", "(\\Draft)", date, letter("draft"))
    assert kind == "OK" and b"APPENDUID" in answer
    imap.select("Drafts")
    [line] = imap.fetch("1", "(FLAGS INTERNALDATE RFC822.SIZE)")[1]
    assert b"\\Draft" in line and b"RFC822.SIZE %d" % len(letter("draft")) in line
    assert b'" 3-Mar-2003 01:03:03 +0000"' in line  # the same moment


@pytest.mark.parametrize("kind", ["pop3", "stls", "pop3s"])
def test_poplib_lists_reads_and_deletes(service, person, whom, kind):
    filled(service, person)
    if kind == "stls":
        client = poplib.POP3(HOST, service.ports["pop3"], timeout=30)
        client.stls(service.trust)
        client.user(whom)
        client.pass_(password(person))
    else:
        client = service.pop3(person, tls=kind == "pop3s")
    count, octets = client.stat()
    assert count == 3
    sizes = [int(line.split()[1]) for line in client.list()[1]]
    assert sum(sizes) == octets
    _, lines, _ = client.retr(2)
    assert len(b"\r\n".join(lines) + b"\r\n") == sizes[1]
    assert b"Subject: m1" in lines
    assert client.top(1, 0)[1][-1] == b""
    names = [line.split()[1] for line in client.uidl()[1]]
    client.dele(2)
    client.quit()
    client = service.pop3(person)
    assert [line.split()[1] for line in client.uidl()[1]] == [names[0], names[2]]
    client.quit()


def test_smtplib_sends_what_is_refused_in_part(service, person, whom):
    """RFC 5321 §3.3: those taken get it, those refused are named."""
    nobody = f"nobody@{DOMAIN}"
    with service.smtp() as client:
        refused = client.sendmail("you@example.net", [whom, nobody, f"p129@{DOMAIN}"], letter("some"))
    assert list(refused) == [nobody] and refused[nobody][0] == 550
    until(lambda: service.subjects(person) == service.subjects("p129") == ["some"])


def test_smtplib_with_8_bits_dots_and_an_address_beyond_ascii(service, person, whom):
    message = letter("Grüße", "Grüße\r\n.\r\n..two\r\n.one\r\n")
    with service.smtp() as client:
        client.ehlo()
        assert client.has_extn("smtputf8") and client.has_extn("8bitmime") and client.has_extn("size")
        client.sendmail("jürgen@example.net", [whom], message, mail_options=["SMTPUTF8", "BODY=8BITMIME"])
    client = service.imap(person)
    until(lambda: client.select()[1] == [b"1"])
    [(_, raw), _] = client.fetch("1", "(BODY.PEEK[])")[1]
    assert whole(raw) == message
    assert raw.startswith("Return-Path: <jürgen@example.net>\r\n".encode())
    client.logout()


def test_smtplib_is_offered_sign_in_only_in_tls(make_service):
    service = make_service(config="[tls]\nplain_sign_in = false\n")
    client = smtplib.SMTP(HOST, service.ports["submission"], timeout=30)
    client.ehlo()
    assert not client.has_extn("auth")
    client.starttls(context=service.trust)
    client.ehlo()
    assert client.has_extn("auth")
    client.login("anna@example.org", password("anna"))
    client.quit()
