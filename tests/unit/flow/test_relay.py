"""The relay against real servers on loopback: delivery, second tries, reports, restarts."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import ssl

import msgspec
import pytest

from holdfast import mime
from holdfast.flow.intake import Envelope, Intake
from holdfast.flow.queue import Queue
from holdfast.flow.relay import Exit, Relay, Settings
from holdfast.flow.relay_door import RelayClient, RelayService
from holdfast.model.envelope import Delivery, LocalRecipient, RemoteRecipient
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.ledgers import Kind
from holdfast.model.limits import Limits
from holdfast.model.mail import START, Position
from holdfast.model.people import Local, Remote
from holdfast.packs import Frame, LedgerReader
from holdfast.partners.outbound import Manners
from holdfast.store.frames import split_body
from holdfast.wire.smtp import events as told
from holdfast.wire.smtp.replies import Reply
from holdfast.wire.smtp.server import Server, ServerSettings
from holdfast.world import real_world
from holdfast.world.connection import Session
from tests_store import FullDisk

MESSAGE = b"Subject: hello\r\nMessage-ID: <1@example.org>\r\n\r\n.dot\r\nbody\r\n"
OK = Reply(250, "2.0.0", "taken")


class Sink:
    """A mail server that answers as it is told and keeps what it took."""

    def __init__(self) -> None:
        self.replies: dict[str, list[Reply]] = {}
        self.taken: list[tuple[str, list[str], bytes]] = []
        self.connections = 0
        self.arrived = asyncio.Event()

    def reply(self, address: str) -> Reply:
        said = self.replies.get(address, [])
        return said.pop(0) if said else OK

    async def took(self, count: int) -> None:
        async with asyncio.timeout(60):
            while len(self.taken) < count:
                self.arrived.clear()
                await self.arrived.wait()


class SinkSession(Session):
    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.machine = Server(ServerSettings("sink.example.net", 1 << 20, 100, 20))
        self.sender, self.recipients = "", []

    def connected(self) -> None:
        self.sink.connections += 1
        self.machine.greet()
        self.connection.write(self.machine.take())

    def received(self, data: bytes) -> None:
        self.machine.receive(data)
        while (event := self.machine.next_event()) is not None:
            if isinstance(event, told.Mail):
                self.sender, self.recipients = str(event.sender), []
                self.machine.accept()
            elif isinstance(event, told.Rcpt):
                reply = self.sink.reply(str(event.address))
                if reply.code == 250:
                    self.recipients.append(str(event.address))
                    self.machine.accept()
                else:
                    self.machine.refuse(reply)
            elif isinstance(event, told.MessageComplete):
                self.sink.taken.append((self.sender, self.recipients, event.data))
                self.sink.arrived.set()
                self.machine.accept()
        self.connection.write(self.machine.take())


class Names:
    """A resolver that knows a few hosts."""

    def __init__(self, hosts: dict[str, list[str]]) -> None:
        self.hosts = hosts

    async def mail_hosts(self, domain: str) -> list[str]:
        if domain == "nowhere.example":
            raise Refused(Reason.NO_SUCH_DOMAIN, "there is no domain nowhere.example")
        if domain not in self.hosts:
            raise Unavailable("dns", f"{domain}: SERVFAIL")
        return self.hosts[domain]

    async def addresses(self, host: str) -> list[str]:
        return ["127.0.0.2"] if host == "down.example" else ["127.0.0.1"]


class Site:
    """A queue, an intake and a relay on a folder; may be stopped and started again."""

    def __init__(self, folder: str, port: int, limits: Limits) -> None:
        self.world = real_world(journal_path=os.devnull)
        self.folder = folder
        self.port = port
        self.limits = limits
        self.durable = START  # of the last message submitted
        self.smarthost: tuple[str, int] | None = None
        self.second: tuple[str, int] | None = None
        self.names = Names({"example.net": ["mx.example"], "two.example": ["down.example", "mx.example"]})

    def route(self, address):
        local = address.domain == "example.org"
        return Local(7, 1) if local else Remote(address)

    async def start(self) -> None:
        self.queue = await Queue.open(self.world, self.folder)
        context = ssl.create_default_context()
        manners = Manners("mail.example.org", "opportunistic", context)
        settings = Settings(
            Exit(manners, self.smarthost),
            self.limits,
            Exit(manners, self.second) if self.second else None,
            port=self.port,
        )
        self.intake = Intake(
            self.world,
            self.folder,
            "relay-0",
            host="mail.example.org",
            inflight_bytes=1 << 20,
            announce=lambda ledger, durable: self.relay.announce(ledger, durable),
        )
        self.relay = Relay(self.world, settings, self.queue, self.intake, self.names, self.route)
        self.submission = Intake(
            self.world,
            self.folder,
            "submission-0",
            host="mail.example.org",
            inflight_bytes=1 << 20,
            announce=self.relay.announce,
        )
        await self.intake.open()
        await self.submission.open()
        self.task = asyncio.create_task(self.relay.run())

    async def stop(self) -> None:
        self.task.cancel()
        await self.relay.stop()
        await self.submission.close()
        await self.intake.close()
        await self.queue.close()

    async def submit(self, *recipients: str, **also) -> None:
        remote = tuple(RemoteRecipient(r) if isinstance(r, str) else r for r in recipients)
        envelope = Envelope(also.pop("sender", "anna@example.org"), also.pop("local", ()), remote, **also)
        receipt = self.submission.submit(envelope, MESSAGE)
        written = (await receipt.written)[0]
        self.submission.acknowledged(written.sequence)
        self.durable = Position(written.ref.pack, written.ref.offset + written.ref.size)

    async def empty(self) -> None:
        async with asyncio.timeout(60):
            while self.queue.entries or self.queue.looked("submission-0") < self.durable:
                await asyncio.sleep(0.01)

    def reports(self) -> list[tuple[Delivery, bytes]]:
        reader = LedgerReader(self.world, self.folder, "relay-0")
        found = []
        for frame in reader.follow(START):
            if isinstance(frame, Frame) and frame.kind == Kind.DELIVERY:
                packed, head = split_body(frame.body)
                found.append((msgspec.msgpack.decode(packed, type=Delivery), bytes(frame.body[head:])))
        return found


def with_site(**limits):
    def wrap(test):
        def run(tmp_path):
            async def body():
                sink = Sink()
                world = real_world(journal_path=os.devnull)
                listener = await world.net.listen(lambda: SinkSession(sink), ("127.0.0.1", 0))
                port = listener.addresses[0][1]
                site = Site(
                    str(tmp_path), port, Limits(**{"retry_first_s": 0.05, "retry_longest_s": 0.1, **limits})
                )
                await site.start()
                try:
                    await test(site, sink)
                finally:
                    with contextlib.suppress(Exception):
                        await site.stop()
                    listener.close()

            asyncio.run(body())

        run.__name__ = test.__name__
        return run

    return wrap


@with_site()
async def test_mail_goes_out_as_it_came_without_our_return_path(site, sink):
    await site.submit("bob@example.net")
    await sink.took(1)
    await site.empty()
    sender, recipients, data = sink.taken[0]
    assert (sender, recipients) == ("anna@example.org", ["bob@example.net"])
    assert data.endswith(MESSAGE) and b"Return-Path" not in data and data.startswith(b"Received: ")


@with_site()
async def test_a_temporary_refusal_is_tried_again_and_only_for_whom_it_was(site, sink):
    sink.replies["carl@example.net"] = [Reply(451, "4.2.0", "later")]
    await site.submit("bob@example.net", "carl@example.net")
    await sink.took(2)
    await site.empty()
    assert [taken[1] for taken in sink.taken] == [["bob@example.net"], ["carl@example.net"]]
    assert not site.reports()


@with_site()
async def test_a_final_refusal_is_reported_to_the_sender_once(site, sink):
    sink.replies["carl@example.net"] = [Reply(550, "5.1.1", "nobody here")]
    await site.submit("carl@example.net", "bob@example.net")
    await site.empty()
    ((meta, report),) = site.reports()
    assert meta.sender == "" and meta.local == (LocalRecipient(7, 1, "anna@example.org"),)
    part = mime.parse(report)
    assert (part.type, part.subtype) == ("multipart", "report") or b"multipart/report" in report
    assert b"Final-Recipient: rfc822; carl@example.net" in report
    assert b"Status: 5.1.1" in report and b"nobody here" in report and b"bob@example.net" not in report
    assert b"Subject: hello" in report and b"\r\nbody\r\n" not in report


@with_site()
async def test_queue_4_mail_that_a_blocklist_keeps_from_many_waits_and_is_delivered_once_it_is_over(
    site, sink
):
    listed = Reply(554, "5.7.1", "Client host [203.0.113.7] blocked using zen.spamhaus.org")
    everybody = [f"bob@{each}.example" for each in ("one", "two", "three")]
    for address in everybody:
        site.names.hosts[address.partition("@")[2]] = ["mx.example"]
        sink.replies[address] = [listed] * 2
    sink.replies["nobody@one.example"] = [Reply(550, "5.1.1", "nobody here")]
    await site.submit(*everybody, "nobody@one.example")
    await sink.took(3)
    await site.empty()
    assert sorted(recipient for _, taken, _ in sink.taken for recipient in taken) == sorted(everybody)
    ((_, report),) = site.reports()
    assert b"nobody@one.example" in report and not any(each.encode() in report for each in everybody)


@with_site()
async def test_queue_5_what_a_server_took_and_dropped_is_sent_once_more_and_nothing_else(site, sink):
    sink.replies["later@example.net"] = [Reply(451, "4.2.0", "later")] * 2
    await site.submit("early@example.net")
    await sink.took(1)
    await site.empty()
    since = site.world.clock.now()
    await site.submit("bob@example.net", "later@example.net")
    await sink.took(3)
    await site.empty()
    path = site.folder + "/relay.sock"
    listener = await site.world.net.listen(RelayService(site.relay).session, path)
    door = RelayClient(site.world, path)
    door.start()
    until = site.world.clock.now()
    looked = await door.resend(since, until, only_look=True)
    assert [sorted(each.recipients) for each in looked] == [["bob@example.net", "later@example.net"]]
    assert not site.queue.entries and len(sink.taken) == 3, "it was only looked"
    assert len(await door.resend(since, until)) == 1
    await sink.took(4)
    door.close()
    listener.close()
    await site.empty()
    again = [taken for taken in sink.taken if "bob@example.net" in taken[1]]
    assert len(again) == 2 and again[0][2] == again[1][2], "the same message, by its Message-ID too"
    assert [taken[1] for taken in sink.taken].count(["early@example.net"]) == 1
    assert not await site.relay.resend(since - 3600.0, since - 1800.0)
    await site.stop()
    os.remove(site.folder + "/queue.state")
    await site.start()
    assert not site.queue.entries  # QUEUE-2


@with_site(queue_life_s=0.2)
async def test_what_could_not_be_delivered_in_its_life_is_given_back(site, sink):
    sink.replies["carl@example.net"] = [Reply(451, "4.2.0", "later")] * 1000
    await site.submit("carl@example.net")
    await site.empty()
    assert b"Action: failed" in site.reports()[0][1]


@with_site()
async def test_no_report_about_a_report_and_none_where_none_is_wanted(site, sink):
    sink.replies["carl@example.net"] = [Reply(550, "5.1.1", "nobody here")] * 2
    await site.submit("carl@example.net", sender="")
    await site.submit(RemoteRecipient("carl@example.net", "NEVER"))
    await site.empty()
    assert not site.reports()


@with_site()
async def test_a_domain_that_does_not_exist_fails_and_dns_that_does_not_answer_waits(site, sink):
    await site.submit("a@nowhere.example")
    await site.submit("b@unknown.example")
    async with asyncio.timeout(60):
        while len(site.queue.entries) != 1 or not site.reports():
            await asyncio.sleep(0.01)
    (entry,) = site.queue.entries.values()
    assert "b@unknown.example" in entry.recipients and b"no domain nowhere.example" in site.reports()[0][1]


@with_site()
async def test_the_next_host_is_asked_when_the_first_is_down(site, sink):
    await site.submit("bob@two.example")
    await sink.took(1)


@with_site()
async def test_mail_for_one_destination_shares_connections(site, sink):
    for _ in range(30):
        await site.submit("bob@example.net")
    await sink.took(30)
    assert sink.connections < 15


@with_site(retry_first_s=0.2)
async def test_queue_1_what_waits_survives_a_restart_and_nothing_is_sent_twice(site, sink):
    sink.replies["carl@example.net"] = [Reply(451, "4.2.0", "later")]
    await site.submit("bob@example.net", "carl@example.net")
    await sink.took(1)
    async with asyncio.timeout(60):
        while (
            not site.queue.entries
            or site.queue.entries["submission-0:2"].recipients["carl@example.net"].tries == 0
        ):
            await asyncio.sleep(0.01)
    await site.stop()
    before = site.queue.entries
    os.remove(site.folder + "/queue.state")
    await site.start()
    assert site.queue.entries == before  # QUEUE-2
    await sink.took(2)
    await site.empty()
    assert [taken[1] for taken in sink.taken] == [["bob@example.net"], ["carl@example.net"]]


@with_site(retry_first_s=100)
async def test_queue_2_a_full_disk_costs_a_relay_that_ends_what_is_derived_and_nothing_else(site, sink):
    sink.replies["carl@example.net"] = [Reply(451, "4.2.0", "later")]
    await site.submit("carl@example.net")
    async with asyncio.timeout(60):
        while not any(each.recipients["carl@example.net"].tries for each in site.relay.entries):
            await asyncio.sleep(0.01)
    before = site.queue.entries
    await site.stop()
    os.remove(site.folder + "/queue.state")
    site.world = dataclasses.replace(site.world, disk=FullDisk(site.world.disk))
    await site.start()
    await site.stop()
    assert site.world.disk.refused
    await site.start()
    assert site.queue.entries == before


@with_site()
async def test_queue_3_a_report_that_was_written_is_not_written_again_after_a_crash(site, sink):
    sink.replies["carl@example.net"] = [Reply(550, "5.1.1", "nobody here")]
    written = site.queue.write

    async def crash(records):
        if any(getattr(record, "what", "") == "told" for record in records):
            raise Unavailable("test", "the process dies here")
        await written(records)

    site.queue.write = crash
    await site.submit("carl@example.net")
    async with asyncio.timeout(60):
        while not site.reports():
            await asyncio.sleep(0.01)
    await site.stop()
    await site.start()
    await site.empty()
    assert len(site.reports()) == 1


@with_site()
async def test_a_customer_cannot_take_others_mail_out_of_the_queue_with_an_envelope_id(site, sink):
    sink.replies["carl@example.net"] = [Reply(451, "4.2.0", "later")]
    await site.submit("carl@example.net")
    await site.submit("bob@example.net", envid="holdfast-dsn:submission-0:2/carl@example.net")
    await sink.took(2)


@with_site(retry_first_s=100, retry_longest_s=100)
async def test_an_operator_tries_again_now_or_takes_out(site, sink):
    sink.replies["carl@example.net"] = [Reply(451, "4.2.0", "later")] * 2
    await site.submit("carl@example.net")
    async with asyncio.timeout(60):
        while not site.relay.entries or site.relay.entries[0].recipients["carl@example.net"].tries == 0:
            await asyncio.sleep(0.01)
    (entry,) = site.relay.entries
    assert await site.relay.retry([entry.id]) == 1
    async with asyncio.timeout(60):
        while site.relay.entries[0].recipients["carl@example.net"].tries < 2:
            await asyncio.sleep(0.01)
    with pytest.raises(Refused, match="not in the queue"):
        await site.relay.remove(["nonsense:1"], bounce=True)
    assert await site.relay.remove([], bounce=True) == 1
    await site.empty()
    assert b"given up by the operator" in site.reports()[0][1]


@with_site(retry_first_s=30)
async def test_who_asks_is_told_what_became_of_each_recipient(site, sink):
    sink.replies["nobody@example.net"] = [Reply(550, "5.1.1", "who?")]
    sink.replies["later@example.net"] = [Reply(451, "4.2.0", "later")]
    everybody = [f"{name}@example.net" for name in ("bob", "nobody", "later", "stranger")]
    await site.submit(*everybody[:3])
    entry = "submission-0:2"
    async with asyncio.timeout(60):
        while {each.state for each in site.relay.fates(entry, everybody).values()} != {
            "sent",
            "failed",
            "waits",
        }:
            await asyncio.sleep(0.01)
        while not (fates := site.relay.fates(entry, everybody))["later@example.net"].reply:
            await asyncio.sleep(0.01)
    assert {address: each.state for address, each in fates.items()} == {
        "bob@example.net": "sent",
        "nobody@example.net": "failed",
        "later@example.net": "waits",
    }
    assert fates["nobody@example.net"].reply == "550 5.1.1 who?"
    assert fates["later@example.net"].reply == "451 4.2.0 later"


@with_site(retry_first_s=600, retry_longest_s=600)
async def test_mail_that_the_smarthost_does_not_take_goes_by_the_second_at_once_when_steered(site, sink):
    site.smarthost, site.second = ("down.example", site.port), ("127.0.0.1", site.port)
    await site.stop()
    await site.start()
    await site.submit("bob@example.net")
    async with asyncio.timeout(60):
        while not any(r.tries for entry in site.queue.entries.values() for r in entry.recipients.values()):
            await asyncio.sleep(0.01)
    await site.relay.steer("second")
    await sink.took(1)
    await site.empty()


@with_site()
async def test_mail_that_is_held_waits_until_it_is_let_go(site, sink):
    await site.relay.steer("hold")
    await site.submit("bob@example.net")
    async with asyncio.timeout(60):
        while not site.queue.entries:
            await asyncio.sleep(0.01)
    assert not sink.connections
    path = site.folder + "/relay.sock"
    listener = await site.world.net.listen(RelayService(site.relay).session, path)
    door = RelayClient(site.world, path)
    door.start()
    with pytest.raises(Refused, match="second smarthost"):
        await door.steer("second")
    await door.steer("first")
    await sink.took(1)
    door.close()
    listener.close()


class Heard:
    """A journal whose events are kept with their words."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    def emit(self, event, **fields) -> None:
        self.events.append((event.name, fields.get("component", "")))


@with_site(retry_first_s=60.0)
async def test_what_keeps_all_mail_here_is_told_by_its_component_and_what_is_one_recipients_isnt(site, sink):
    await site.stop()
    site.smarthost = ("127.0.0.1", site.port)
    heard = Heard()
    site.world = dataclasses.replace(site.world, journal=heard)
    sink.replies["carl@example.net"] = [Reply(451, "4.2.0", "mailbox is busy")]
    sink.replies["dora@example.net"] = [Reply(451, "4.7.1", "203.0.113.7 is listed")]
    await site.start()
    await site.submit("carl@example.net", "bob@example.net")
    await sink.took(1)
    assert "relay_blocked" not in dict(heard.events)
    await site.submit("dora@example.net")
    async with asyncio.timeout(60):
        while ("relay_blocked", "relay/onward") not in heard.events:
            await asyncio.sleep(0.01)
