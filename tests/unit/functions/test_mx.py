"""The function that receives mail: each test is one rule."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from holdfast.flow.reception import Reception
from holdfast.functions import mx
from holdfast.model.envelope import LocalRecipient, RemoteRecipient
from holdfast.model.limits import KIB, Limits
from unit.functions.smtp_service import Client, Service, read, run

OK = b"250 2.0.0 OK\r\n"
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"


RECEPTIONS: dict[str, Reception] = {}
FULL: set[int] = set()  # of the test that runs
ORDINARY = Limits()


def reception_of(service: Service) -> Reception:
    return RECEPTIONS[str(service.folder)]


def serving(
    folder: Path, test: Callable[[Service, Client], Awaitable[None]], limits: Limits = ORDINARY
) -> None:
    """An MX on a free port, one client connected and greeted; stopped afterwards."""

    async def main(service: Service) -> None:
        settings = mx.Settings(hostname="mx.example.org", volume_folder=str(service.folder), limits=limits)
        FULL.clear()
        reception = mx.reception(
            service.world,
            settings,
            service.people,
            lambda *told: service.announced.append(told),
            FULL.__contains__,
        )
        RECEPTIONS[str(service.folder)] = reception
        await reception.intake.open()
        listener = await service.world.net.listen(reception.session, ("127.0.0.1", 0))
        client = await Client.connect(listener.addresses[0])
        await client.say("EHLO client.example")
        await test(service, client)
        listener.close()
        client.writer.close()
        reception.stop()
        await reception.intake.close()

    run(main, folder)


def test_store_12_a_full_account_s_senders_are_asked_to_come_again_and_an_alias_s_only_if_all_are_full(
    tmp_path: Path,
) -> None:
    async def test(service: Service, client: Client) -> None:
        FULL.add(101)
        said = await client.say(
            "MAIL FROM:<s@elsewhere.example>",
            *(f"RCPT TO:<{name}@example.org>" for name in ("anna", "anna+folder", "ben", "both", "away")),
        )
        assert said[1] == said[2] == "452 4.2.2 the mailbox is full, please try again later"
        assert [each[:3] for each in said[3:]] == ["250", "250", "250"]
        FULL.add(102)
        assert (await client.say("RCPT TO:<both@example.org>"))[0].startswith("452 4.2.2")
        FULL.clear()
        assert (await client.say("RCPT TO:<anna@example.org>"))[0].startswith("250")

    serving(tmp_path, test)


def test_an_accepted_message_is_a_frame_with_its_envelope_and_trace_fields(tmp_path: Path) -> None:
    """FLOW-1, MX-1."""

    async def test(service: Service, client: Client) -> None:
        reply = await client.send(MESSAGE, "anna@example.org")
        match = re.fullmatch(r"250 2\.0\.0 taken as (\w+)", reply)
        assert match
        (found,), _ = read(service.world, service.folder, "mx-0")
        assert found.message == MESSAGE
        assert found.meta.sender == "s@elsewhere.example"
        assert found.meta.local == (LocalRecipient(101, 1, "anna@example.org"),)
        assert found.meta.remote == ()
        assert found.meta.trace == match[1]
        assert found.meta.peer == "client.example ([127.0.0.1])"
        assert (found.frame.account, found.frame.cells) == (101, (1,))
        assert re.fullmatch(
            r"Return-Path: <s@elsewhere\.example>\r\n"
            r"Received: from client\.example \(\[127\.0\.0\.1\]\)\r\n"
            rf"\tby mx\.example\.org with ESMTP id {match[1]}\r\n"
            r"\tfor <anna@example\.org>;\r\n"
            r"\t\w{3}, \d+ \w{3} \d{4} \d\d:\d\d:\d\d \+0000\r\n",
            found.head,
        )

    serving(tmp_path, test)


def test_the_store_is_told_how_far_the_ledger_is_durable(tmp_path: Path) -> None:
    async def test(service: Service, client: Client) -> None:
        before = service.announced[-1]
        await client.send(MESSAGE, "anna@example.org")
        ledger, position = service.announced[-1]
        assert ledger == "mx-0" and position > before[1]

    serving(tmp_path, test)


@pytest.mark.parametrize(
    ("recipient", "reply"),
    [
        ("nobody@example.org", "550 5.1.1"),
        ("off@example.org", "550 5.2.1"),
        ("someone@elsewhere.example", "550 5.7.1"),
        ("anna@example.org", "250 2.1.5"),
        ("postmaster", "451 4.3.0"),
        ("Postmaster@example.org", "451 4.3.0"),
    ],
)
def test_each_recipient_gets_its_own_answer(tmp_path: Path, recipient: str, reply: str) -> None:
    """MX-2."""

    async def test(service: Service, client: Client) -> None:
        assert (await client.say("MAIL FROM:<>", f"RCPT TO:<{recipient}>"))[1].startswith(reply)

    serving(tmp_path, test)


def test_a_directory_out_of_reach_is_temporary_and_evidence(tmp_path: Path) -> None:
    """MX-3."""

    async def test(service: Service, client: Client) -> None:
        service.people.gone = True
        said = await client.say("MAIL FROM:<>", "RCPT TO:<anna@example.org>", "RCPT TO:<nobody@example.org>")
        assert [reply[:9] for reply in said] == ["250 2.1.0", "451 4.3.0", "451 4.3.0"]
        entry = next(entry for entry in service.events if entry.name == "smtp_unavailable")
        assert entry.keys["component"] == "people"

    serving(tmp_path, test)


def test_an_account_reached_by_several_recipients_gets_the_message_once(tmp_path: Path) -> None:
    """FLOW-7."""

    async def test(service: Service, client: Client) -> None:
        await client.send(
            MESSAGE, "anna@example.org", "both@example.org", "anna+folder@example.org", "ben@example.org"
        )
        (found,), _ = read(service.world, service.folder, "mx-0")
        assert [recipient.account for recipient in found.meta.local] == [101, 102]
        assert (found.frame.account, found.frame.cells) == (0, (1, 2))
        assert "\tfor <" not in found.head

    serving(tmp_path, test)


def test_an_alias_to_elsewhere_is_the_relays_with_the_address_as_written(tmp_path: Path) -> None:
    async def test(service: Service, client: Client) -> None:
        await client.say(
            "MAIL FROM:<s@elsewhere.example> RET=HDRS ENVID=x1",
            "RCPT TO:<away@example.org> NOTIFY=NEVER",
            "DATA",
        )
        client.writer.write(MESSAGE + b".\r\n")
        assert (await client.reply()).startswith("250")
        (found,), _ = read(service.world, service.folder, "mx-0")
        assert found.meta.remote == (
            RemoteRecipient("me@elsewhere.example", "NEVER", "rfc822;away@example.org"),
        )
        assert (found.meta.ret, found.meta.envid) == ("HDRS", "x1")

    serving(tmp_path, test)


def test_a_sub_address_keeps_its_detail(tmp_path: Path) -> None:
    async def test(service: Service, client: Client) -> None:
        await client.send(MESSAGE, "anna+folder@example.org")
        (found,), _ = read(service.world, service.folder, "mx-0")
        assert found.meta.local == (LocalRecipient(101, 1, "anna+folder@example.org", "folder"),)

    serving(tmp_path, test)


def test_expansion_beyond_the_limit_sends_the_next_recipient_to_another_transaction(tmp_path: Path) -> None:
    async def test(service: Service, client: Client) -> None:
        lines = (
            "MAIL FROM:<>",
            "RCPT TO:<anna@example.org>",
            "RCPT TO:<away@example.org>",
            "RCPT TO:<both@example.org>",
        )
        assert await client.codes(*lines) == [250, 250, 250, 452]

    serving(tmp_path, test, Limits(recipients=2))


def test_nobody_signs_in_at_an_mx_and_no_starttls_without_a_certificate(tmp_path: Path) -> None:
    async def test(service: Service, client: Client) -> None:
        assert await client.codes("AUTH PLAIN AGEAYg==", "STARTTLS") == [502, 502]

    serving(tmp_path, test)


def test_utf8_addresses_are_taken_with_smtputf8(tmp_path: Path) -> None:
    async def test(service: Service, client: Client) -> None:
        said = await client.codes(
            "MAIL FROM:<> SMTPUTF8 BODY=8BITMIME", "RCPT TO:<j\u00fcrgen@example.org>", "DATA"
        )
        assert said == [250, 250, 354]
        client.writer.write(MESSAGE + b".\r\n")
        await client.reply()
        (found,), _ = read(service.world, service.folder, "mx-0")
        assert found.meta.smtputf8 and found.meta.body_8bit
        assert "with UTF8SMTP id" in found.head and "for <j\u00fcrgen@example.org>" in found.head

    serving(tmp_path, test)


def test_a_message_in_a_circle_is_refused(tmp_path: Path) -> None:
    """FLOW-4."""

    async def test(service: Service, client: Client) -> None:
        hop = b"Received: from a by b; Thu, 1 Jan 1970 00:00:00 +0000\r\n"
        assert (await client.send(hop * 100 + MESSAGE, "anna@example.org")).startswith("250")
        assert (await client.send(hop * 101 + MESSAGE, "anna@example.org")).startswith("554 5.4.6")
        assert (await client.send(MESSAGE + hop * 101, "anna@example.org")).startswith("250")

    serving(tmp_path, test)


def test_a_client_cannot_write_trace_fields_by_its_name(tmp_path: Path) -> None:
    async def test(service: Service, client: Client) -> None:
        await client.say("EHLO x)(evil;by\u00e4")
        await client.send(MESSAGE, "anna@example.org")
        (found,), _ = read(service.world, service.folder, "mx-0")
        assert "from x??evil?by? ([127.0.0.1])" in found.head

    serving(tmp_path, test)


def test_a_whole_group_pipelined_behind_the_dot_is_answered_in_order(tmp_path: Path) -> None:
    async def test(service: Service, client: Client) -> None:
        group = b"MAIL FROM:<>\r\nRCPT TO:<anna@example.org>\r\nBDAT %d LAST\r\n" % len(MESSAGE) + MESSAGE
        client.writer.write(group * 50 + b"QUIT\r\n")
        replies = [await client.reply() for _ in range(151)]
        assert [reply[:3] for reply in replies] == ["250"] * 150 + ["221"]
        assert await client.reply() == ""
        assert len(read(service.world, service.folder, "mx-0")[0]) == 50

    serving(tmp_path, test)


def test_a_client_that_closes_its_half_still_gets_its_reply(tmp_path: Path) -> None:
    async def test(service: Service, client: Client) -> None:
        await client.say("MAIL FROM:<>", "RCPT TO:<anna@example.org>", "DATA")
        client.writer.write(MESSAGE + b".\r\n")
        client.writer.write_eof()
        assert (await client.reply()).startswith("250 2.0.0")
        assert await client.reply() == ""

    serving(tmp_path, test)


def test_messages_held_by_all_connections_are_bounded(tmp_path: Path) -> None:
    async def test(service: Service, client: Client) -> None:
        await client.say("MAIL FROM:<>", "RCPT TO:<anna@example.org>", "DATA")
        line = b"x" * 1022 + b"\r\n"
        client.writer.write(line * 200 + b".\r\n")
        assert (await client.reply()).startswith("452 4.3.1")
        assert (await client.send(line * 50, "anna@example.org")).startswith("250")
        assert await client.codes("MAIL FROM:<> SIZE=200000", "MAIL FROM:<> SIZE=1000") == [452, 250]

    serving(tmp_path, test, Limits(inflight_bytes=100 * KIB))


def test_connections_beyond_the_limit_are_asked_to_come_later(tmp_path: Path) -> None:
    async def test(service: Service, client: Client) -> None:
        address = client.writer.get_extra_info("peername")
        other = Client(*await asyncio.open_connection(*address[:2]))
        assert (await other.reply()).startswith("421 4.7.0")
        assert await other.reply() == ""
        assert await client.codes("NOOP") == [250]

    serving(tmp_path, test, Limits(connections_per_address=1))


@pytest.mark.parametrize("reset", [True, False])
def test_a_sender_gone_before_its_250_is_named_so_that_its_second_try_is_not_doubled(
    tmp_path: Path, reset: bool
) -> None:
    async def test(service: Service, client: Client) -> None:
        await client.say("MAIL FROM:<>", "RCPT TO:<both@example.org>", "DATA")
        (session,) = reception_of(service).sessions
        service.disk.let_go.clear()
        client.writer.write(MESSAGE + b".\r\n")
        while not session.busy:
            await asyncio.sleep(0)
        if reset:
            linger = struct.pack("ii", 1, 0)
            client.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        client.writer.transport.abort()
        while not session.client_left:
            await asyncio.sleep(0)
        service.disk.let_go.set()
        while len(read(service.world, service.folder, "mx-0")[1]) < 2:
            await asyncio.sleep(0)
        (found,), starts = read(service.world, service.folder, "mx-0")
        assert starts[-1].unsure == (found.frame.sequence,)
        assert not service.count("message_accepted") and service.count("intake_unsure") == 1

    serving(tmp_path, test)


def test_nothing_is_said_before_the_sync_has_returned(tmp_path: Path) -> None:
    """FLOW-5."""

    async def test(service: Service, client: Client) -> None:
        await client.say("MAIL FROM:<>", "RCPT TO:<anna@example.org>", "DATA")
        service.disk.let_go.clear()
        client.writer.write(MESSAGE + b".\r\n")
        while not any(session.busy for session in reception_of(service).sessions):
            await asyncio.sleep(0)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.reader.read(1), 0.05)
        service.disk.let_go.set()
        assert (await client.reply()).startswith("250 2.0.0")

    serving(tmp_path, test)


@pytest.mark.slow
def test_a_client_is_read_no_further_while_its_message_is_on_its_way(tmp_path: Path) -> None:
    """FLOW-6."""

    async def test(service: Service, client: Client) -> None:
        await client.say("MAIL FROM:<>", "RCPT TO:<anna@example.org>", "DATA")
        (session,) = reception_of(service).sessions
        service.disk.let_go.clear()
        noops = 60_000
        client.writer.write(MESSAGE + b".\r\n" + b"NOOP\r\n" * noops)
        while not session.paused:
            await asyncio.sleep(0)
        service.disk.let_go.set()
        assert (await client.reply()).startswith("250 2.0.0")
        assert await client.reader.readexactly(len(OK) * noops) == OK * noops
        assert not session.paused

    serving(tmp_path, test)


def test_serve_ends_when_told_and_says_421_to_who_is_there(tmp_path: Path) -> None:
    async def main(service: Service) -> None:
        settings = mx.Settings(hostname="mx.example.org", volume_folder=str(service.folder))
        path = str(tmp_path / "mx.sock")
        ready = asyncio.Event()
        task = asyncio.create_task(
            mx.serve(service.world, settings, path, service.people, stop=service.stop, ready=ready.set)
        )
        await ready.wait()
        client = Client(*await asyncio.open_unix_connection(path))
        assert (await client.reply()).startswith("220 mx.example.org")
        service.stop.set()
        assert (await client.reply()).startswith("421 4.3.2")
        assert await client.reply() == ""
        await task

    run(main, tmp_path)


def test_a_ledger_that_cannot_be_opened_is_452_until_it_can(tmp_path: Path) -> None:
    async def test(service: Service, client: Client) -> None:
        settings = mx.Settings(
            hostname="mx.example.org", volume_folder=str(service.folder)
        )  # the same ledger
        second = mx.reception(service.world, settings, service.people, None)
        await second.intake.open()
        listener = await service.world.net.listen(second.session, ("127.0.0.1", 0))
        other = await Client.connect(listener.addresses[0])
        said = await other.say("EHLO x", "MAIL FROM:<>")
        assert said[1].startswith("452 4.3.1 volume-v1/mx-0 ")
        assert service.count("intake_unavailable") == 1
        listener.close()
        other.writer.close()
        await second.intake.close()

    serving(tmp_path, test)
