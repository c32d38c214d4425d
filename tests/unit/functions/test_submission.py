"""The function that takes mail from customers: each test is one rule."""

from __future__ import annotations

import base64
import re
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from holdfast.flow.sending import SendingLimits
from holdfast.flow.sent import Sent
from holdfast.functions import submission
from holdfast.model.envelope import LocalRecipient, RemoteRecipient
from holdfast.model.limits import Limits
from holdfast.world.tls import server_context
from unit.functions.smtp_service import Client, Service, read, run

MESSAGE = b"Date: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-ID: <1@x>\r\n\r\nhello\r\n"
RIGHT = "AUTH PLAIN " + base64.b64encode(b"\0anna@example.org\0secret").decode()
WRONG = "AUTH PLAIN " + base64.b64encode(b"\0anna@example.org\0guess").decode()
ANNA = "anna@example.org"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("tls")
    paths = (str(folder / "certificate.pem"), str(folder / "key.pem"))
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=mx"
    subprocess.run([*command.split(), "-out", paths[0], "-keyout", paths[1]], check=True, capture_output=True)
    return paths


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def serving(
    folder: Path, test: Callable[[Service, Client, Any, Any], Awaitable[None]], **settings: Any
) -> None:
    """Submission on two free ports; one client connected in the clear and greeted."""

    async def main(service: Service) -> None:
        made = submission.Settings(hostname="mx.example.org", volume_folder=str(service.folder), **settings)
        sent = Sent(service.world, str(service.folder), made.ledger)
        sending = SendingLimits(service.world, service.people, sent)
        reception = submission.reception(
            service.world,
            made,
            service.people,
            service.sign_in,
            sent.announcing(None),
            sending=sending,
        )
        await reception.intake.open()
        net = service.world.net
        listeners = [await net.listen(reception.session, ("127.0.0.1", 0))]
        if made.tls is not None:
            listeners.append(await net.listen(reception.tls_session, ("127.0.0.1", 0), made.tls))
        client = await Client.connect(listeners[0].addresses[0])
        await client.say("EHLO client.example")
        await test(service, client, listeners[0].addresses[0], listeners[-1].addresses[0])
        for listener in listeners:
            listener.close()
        client.writer.close()
        reception.stop()
        await reception.intake.close()
        await sent.close()

    run(main, folder)


def signed_in(folder: Path, test: Callable[[Service, Client], Awaitable[None]], **settings: Any) -> None:
    async def with_sign_in(service: Service, client: Client, *_: Any) -> None:
        assert (await client.say(RIGHT))[0].startswith("235 2.7.0")
        await test(service, client)

    serving(folder, with_sign_in, plain_from_loopback=True, **settings)


# sign-in


def test_nothing_is_taken_from_who_has_not_signed_in(tmp_path: Path) -> None:
    """SUB-1."""

    async def test(service: Service, client: Client, *_: Any) -> None:
        assert (await client.say(f"MAIL FROM:<{ANNA}>"))[0].startswith("530 5.7.0")

    serving(tmp_path, test, plain_from_loopback=True)


def test_passwords_do_not_cross_in_the_clear_unless_allowed(tmp_path: Path) -> None:
    """SUB-2."""

    async def test(service: Service, client: Client, *_: Any) -> None:
        assert (await client.say(RIGHT))[0].startswith("538 5.7.11")

    serving(tmp_path, test)


def test_a_wrong_password_is_535_and_a_missing_component_is_454(tmp_path: Path) -> None:
    async def test(service: Service, client: Client, *_: Any) -> None:
        assert (await client.say(WRONG))[0].startswith("535 5.7.8")
        service.sign_in.gone = True
        assert (await client.say(RIGHT))[0].startswith("454 4.7.0 auth ")
        service.sign_in.gone = False
        assert (await client.say(RIGHT))[0].startswith("235")

    serving(tmp_path, test, plain_from_loopback=True)


def test_acting_for_somebody_else_is_refused(tmp_path: Path) -> None:
    async def test(service: Service, client: Client, *_: Any) -> None:
        boss = base64.b64encode(b"boss@example.org\0anna@example.org\0secret").decode()
        assert (await client.say(f"AUTH PLAIN {boss}"))[0].startswith("535")

    serving(tmp_path, test, plain_from_loopback=True)


def test_too_many_wrong_passwords_end_the_connection(tmp_path: Path) -> None:
    async def test(service: Service, client: Client, *_: Any) -> None:
        assert await client.codes(WRONG, WRONG) == [535, 535]
        assert (await client.reply()).startswith("421 4.7.0")
        assert await client.reply() == ""

    serving(tmp_path, test, plain_from_loopback=True, limits=Limits(sign_in_failures=2))


def test_commands_pipelined_behind_auth_wait_for_its_answer(tmp_path: Path) -> None:
    async def test(service: Service, client: Client, *_: Any) -> None:
        assert await client.codes(RIGHT, f"MAIL FROM:<{ANNA}>", "RSET") == [235, 250, 250]

    serving(tmp_path, test, plain_from_loopback=True)


# TLS


def test_starttls_and_tls_from_the_start_both_lead_to_a_sign_in(
    tmp_path: Path, certificate: tuple[str, str]
) -> None:
    async def test(service: Service, client: Client, _: Any, tls: Any) -> None:
        assert await client.codes("STARTTLS") == [220]
        await client.writer.start_tls(_trusting(), server_hostname="mx")
        client.reader._transport = client.writer.transport  # type: ignore[attr-defined]
        other = await Client.connect(tls, ssl=_trusting())
        for each in (client, other):
            assert await each.codes(f"MAIL FROM:<{ANNA}>", "EHLO client.example", RIGHT) == [503, 250, 235]
            assert (await each.send(MESSAGE, "x@elsewhere.example", sender=ANNA)).startswith("250 2.0.0")
            each.writer.close()
        found, _ = read(service.world, service.folder, "submission-0")
        assert all("with ESMTPSA id" in each.head for each in found) and len(found) == 2

    serving(tmp_path, test, tls=server_context(*certificate))


def test_what_is_pipelined_behind_starttls_is_never_heard(
    tmp_path: Path, certificate: tuple[str, str]
) -> None:
    async def test(service: Service, client: Client, *_: Any) -> None:
        client.writer.write(b"STARTTLS\r\nEHLO evil.example\r\n")
        assert (await client.reply()).startswith("220")
        await client.writer.start_tls(_trusting(), server_hostname="mx")
        assert (await client.say(f"MAIL FROM:<{ANNA}>"))[0].startswith("503 5.5.1 EHLO first")

    serving(tmp_path, test, tls=server_context(*certificate))


# what may be sent


@pytest.mark.parametrize(
    ("sender", "code"),
    [(ANNA, 250), ("", 250), ("ben@example.org", 550), ("x@elsewhere.example", 550), ("postmaster", 501)],
)
def test_nobody_sends_under_anothers_address(tmp_path: Path, sender: str, code: int) -> None:
    """SUB-3."""

    async def test(service: Service, client: Client) -> None:
        assert await client.codes(f"MAIL FROM:<{sender}>") == [code]

    signed_in(tmp_path, test)


def test_recipients_here_and_elsewhere_are_one_frame(tmp_path: Path) -> None:
    async def test(service: Service, client: Client) -> None:
        lines = ("RCPT TO:<ben@example.org>", "RCPT TO:<x@elsewhere.example> NOTIFY=FAILURE")
        assert await client.codes(f"MAIL FROM:<{ANNA}>", *lines, "DATA") == [250, 250, 250, 354]
        client.writer.write(MESSAGE + b".\r\n")
        assert (await client.reply()).startswith("250")
        (found,), _ = read(service.world, service.folder, "submission-0")
        assert found.meta.local == (LocalRecipient(102, 2, "ben@example.org"),)
        assert found.meta.remote == (RemoteRecipient("x@elsewhere.example", "FAILURE", ""),)
        assert found.meta.account == 101
        assert found.message == MESSAGE
        assert "with ESMTPA id" in found.head

    signed_in(tmp_path, test)


def test_a_recipient_here_that_does_not_exist_is_told_at_once(tmp_path: Path) -> None:
    async def test(service: Service, client: Client) -> None:
        assert await client.codes(f"MAIL FROM:<{ANNA}>", "RCPT TO:<nobody@example.org>") == [250, 550]
        service.people.gone = True
        assert await client.codes("RCPT TO:<ben@example.org>") == [451]

    signed_in(tmp_path, test)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (MESSAGE, re.escape(MESSAGE)),
        (b"To: x\r\n\r\nDate: no\r\n", rb"Date: DATE\r\nMessage-ID: ID\r\nTo: x\r\n\r\nDate: no\r\n"),
        (b"DATE : Thu\r\n\r\nx\r\n", rb"Message-ID: ID\r\nDATE : Thu\r\n\r\nx\r\n"),
        (b"date: Thu\r\n\r\nx\r\n", rb"Message-ID: ID\r\ndate: Thu\r\n\r\nx\r\n"),
        (b"To: x\r\nmessage-id: <1>\r\n\r\nx\r\n", rb"Date: DATE\r\nTo: x\r\nmessage-id: <1>\r\n\r\nx\r\n"),
        (b"\r\njust text\r\n", rb"Date: DATE\r\nMessage-ID: ID\r\n\r\njust text\r\n"),
        (b"just text\r\n", rb"Date: DATE\r\nMessage-ID: ID\r\n\r\njust text\r\n"),
        (b"Subject: only a header\r\n", rb"Date: DATE\r\nMessage-ID: ID\r\nSubject: only a header\r\n"),
    ],
)  # fmt: skip
def test_date_and_message_id_are_added_where_missing(tmp_path: Path, message: bytes, expected: bytes) -> None:
    async def test(service: Service, client: Client) -> None:
        await client.send(message, "ben@example.org", sender=ANNA)
        (found,), _ = read(service.world, service.folder, "submission-0")
        date = rb"\\w{3}, \\d+ \\w{3} \\d{4} \\d\\d:\\d\\d:\\d\\d \\+0000"
        pattern = re.sub(rb"DATE(?=\\r)", date, expected.replace(b"ID\\r", rb"<\w+\.1@example\.org>\r"))
        assert re.fullmatch(pattern, found.message), (pattern, found.message)

    signed_in(tmp_path, test)


# sending limits


def test_who_has_sent_to_as_many_as_he_may_is_asked_to_come_again_and_told_when(tmp_path: Path) -> None:
    """SUB-4."""

    async def test(service: Service, client: Client) -> None:
        service.people.a_day = 3
        assert (await client.send(MESSAGE, ANNA, "x@there.example", sender=ANNA)).startswith("250")
        await client.say(f"MAIL FROM:<{ANNA}>", "RCPT TO:<y@there.example>")
        [more] = await client.say("RCPT TO:<z@there.example>")
        assert more.startswith("450 4.7.1 ") and "3 recipients" in more and "1 more at most now" in more
        await client.say("RSET")
        assert (await client.send(MESSAGE, "y@there.example", sender=ANNA)).startswith("250")
        _, full = await client.say(f"MAIL FROM:<{ANNA}>", "RCPT TO:<z@there.example>")
        assert re.search(r"450 4\.7\.1 .* have sent to 3: it goes on at \d{4}-\d\d-\d\d \d\d:\d\d UTC$", full)
        assert service.count("sending_limit_reached") == 1  # told once, not for every recipient
        service.people.a_day = 0
        assert (await client.say("RCPT TO:<z@there.example>"))[0].startswith("250")

    signed_in(tmp_path, test)


def test_two_messages_at_a_time_do_not_get_past_the_limit(tmp_path: Path) -> None:
    """SUB-4."""

    async def test(service: Service, client: Client, where: Any, *_: Any) -> None:
        service.people.a_day = 1
        other = await Client.connect(where)
        for each in (client, other):
            await each.say("EHLO client.example", RIGHT)
            said = await each.say(f"MAIL FROM:<{ANNA}>", "RCPT TO:<x@there.example>", "DATA")
            assert said[-1].startswith("354")
        replies = []
        for each in (client, other):
            each.writer.write(MESSAGE + b".\r\n")
            replies.append(await each.reply())
        assert replies[0].startswith("250 ") and replies[1].startswith("450 4.7.1 ")
        other.writer.close()

    serving(tmp_path, test, plain_from_loopback=True)


def test_a_limit_that_can_t_be_looked_up_is_never_said_to_be_reached(tmp_path: Path) -> None:
    async def test(service: Service, client: Client) -> None:
        service.people.a_day = 1
        assert (await client.send(MESSAGE, ANNA, sender=ANNA)).startswith("250")
        await client.say(f"MAIL FROM:<{ANNA}>")
        assert (await client.say(f"RCPT TO:<{ANNA}>"))[0].startswith("450 4.7.1")
        service.people.gone = True
        assert (await client.say(f"RCPT TO:<{ANNA}>"))[0].startswith("451 ")  # of the address alone

    signed_in(tmp_path, test)
