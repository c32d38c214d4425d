"""What was laid down is sent: by real HTTP to a real server, again where it isn't taken, by the next channel
where it can't be, never twice for all, and to nobody twice without need."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from email.header import decode_header, make_header
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway import Asked, Gateway, gateway
from holdfast.care.affected import Scope
from holdfast.care.customers import CustomerRow
from holdfast.care.notices import sending as module
from holdfast.care.notices.channels import Channel, Push, Sms
from holdfast.care.notices.due import Said
from holdfast.care.notices.kept import LETTER, Body, KeptNotices, MessageRow, Notice
from holdfast.care.notices.recipients import Cells, hurt
from holdfast.care.notices.sending import Quiet, Sending, Ways
from holdfast.care.notices.words import Words, texts
from holdfast.care.notices.writing import Writer
from holdfast.partners.sms import HttpPartner, SmsPartner, SmsSettings
from holdfast.world import World, real_world
from holdfast.world import run as run_really
from holdfast.world.http import HttpClient
from unit.care.snapshot import NOON, account, written

JSON = {"Content-Type": "application/json"}
WORDS = {
    each: Words("Störung", ("IMAP fails.",), ("More by 12:30.",), ("Example: out.",), ())
    for each in ("en", "de")
}


def phone(customer: int) -> str:
    return f"+4917000{customer:05d}"


def people(count: int) -> list[CustomerRow]:
    """The third has no consent, the fourth no phone that is proven, the fifth nothing."""
    found = []
    for each in range(1, count + 1):
        row = CustomerRow(
            each, f"c-{each}", phone=phone(each), phone_proven_at=1.0, language="de", consent_at=1.0
        )
        found.append(row)
    if count >= 5:
        found[2] = found[2]._replace(consent_at=0.0)
        found[3] = found[3]._replace(phone_proven_at=0.0)
        found[4] = CustomerRow(5, "c-5")
    return found


def notice(number: int = 1, about: str = "opened", *, quiet: bool = False) -> Notice:
    at = real_world(level="error").clock.now()
    body = Body(Said(("imap",)), 1, NOON + 1800, quiet, {"imap": Cells((1,), False)}, WORDS)
    return Notice(7, number, at, about, body)  # type: ignore[arg-type]


class Desk:
    """Everything that sends, on a real clock and a real disk."""

    def __init__(
        self,
        world: World,
        folder: Path,
        customers: Sequence[CustomerRow],
        ways: Callable[[HttpClient], Sequence[Channel]],
        beside: Callable[[HttpClient], Sequence[Channel]] = lambda http: (),
        *,
        at_once: int = 8,
        quiet: str = "",
    ) -> None:
        self.world = world
        accounts = [account(each.id, each.id, 1) for each in customers]
        self.snapshot = written(world, folder, accounts, customers)
        self.kept = KeptNotices(world, str(folder / "care" / "notices.sqlite"))
        self.thread = world.thread("notices")
        self.http = HttpClient(world)
        said = texts("UTC")
        writer = Writer(
            world, self.snapshot, said, lambda each, tenant: (f"https://s/{each}", f"t{each}"), "en"
        )
        self.sending = Sending(
            world,
            self.kept,
            self.thread,
            writer,
            Ways(ways(self.http), beside(self.http)),
            at_once=at_once,
            quiet=Quiet(quiet, ZoneInfo("UTC")),
        )

    async def lay_down(self, of: Notice, *, customers: bool = True) -> None:
        scopes = {"imap": Scope()} if customers else {}
        found = await self.world.offload(hurt, self.world, self.snapshot, scopes, NOON)
        firsts = self.sending.ways.firsts(found.customers) + self.sending.ways.for_all(quiet=of.body.quiet)
        await self.thread.run(self.kept.add, of, firsts)
        self.sending.laid_down(of)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.get_running_loop().create_task(self.sending.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until(
        self, true: Callable[[list[MessageRow]], object], seconds: float = 30.0
    ) -> list[MessageRow]:
        async with asyncio.timeout(seconds):
            while True:
                rows = await self.thread.run(self.kept.messages, 7)
                if true(rows):
                    return rows
                await asyncio.sleep(0.02)

    async def close(self) -> None:
        self.sending.close()
        await self.http.close()
        await self.thread.run(self.kept.close)
        self.thread.close()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return real_world(journal_path=str(tmp_path / "journal"))


@pytest.fixture
def first() -> Iterator[Gateway]:
    with gateway() as made:
        yield made


@pytest.fixture
def second() -> Iterator[Gateway]:
    with gateway() as made:
        yield made


def sms(name: str, of: Gateway, http: HttpClient, expect: str = "", per_hour: int = 60_000) -> Sms:
    settings = SmsSettings(of.url, "POST", JSON, '{"to": "{phone}", "text": "{text}"}', expect=expect)
    return Sms(name, SmsPartner(http, settings, f"partner/{name}"), per_hour)


def reached(of: Gateway) -> Counter[str]:
    return Counter(json.loads(each.body)["to"] for each in of.requests)


def settled(rows: Sequence[MessageRow]) -> bool:
    return bool(rows) and all(row.state != "due" or row.channel == LETTER for row in rows)


def states(rows: Sequence[MessageRow]) -> Counter[tuple[str, str]]:
    return Counter((row.channel, row.state) for row in rows)


def go(desk: Desk, work: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        try:
            async with desk.running():
                await work()
        finally:
            await desk.close()

    run_really(whole())


@pytest.mark.slow
def test_tell_3_each_customer_gets_one_message_in_his_language_and_who_cant_be_reached_a_letter(
    world: World, tmp_path: Path, first: Gateway
) -> None:
    desk = Desk(world, tmp_path, people(6), lambda http: [sms("sms", first, http)])

    async def work() -> None:
        await desk.lay_down(notice())
        rows = await desk.until(settled)
        assert states(rows) == {("sms", "sent"): 3, (LETTER, "due"): 3}
        counts = await desk.thread.run(desk.kept.counts, 7, 1)
        assert (counts.customers, counts.reached, counts.letters, counts.waiting) == (6, 3, 3, 0)
        assert await desk.thread.run(desk.kept.unreached, 7) == [3, 4, 5]

    go(desk, work)
    assert reached(first) == dict.fromkeys([phone(1), phone(2), phone(6)], 1)
    text = json.loads(first.requests[0].body)["text"]
    assert (
        text
        == f"Example: out. Ihr Postfach: betroffen. https://s/{int(json.loads(first.requests[0].body)['to'][-5:])}"
    )


@pytest.mark.slow
def test_a_number_that_is_refused_and_a_gateway_that_says_200_with_an_error_go_on_by_the_next_channel(
    world: World, tmp_path: Path, first: Gateway, second: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NOTICE_RETRY_FIRST_S", 0.02)

    def answer(asked: Asked) -> tuple[int, bytes]:
        to = json.loads(asked.body)["to"]
        return (404, b"") if to == phone(1) else (200, b"ERROR 17") if to == phone(2) else (200, b"OK: 1")

    first.answer = answer
    ways = lambda http: [sms("sms", first, http, "OK:"), sms("second", second, http)]  # noqa: E731
    desk = Desk(world, tmp_path, people(4), ways)

    async def work() -> None:
        await desk.lay_down(notice())
        rows = await desk.until(settled)
        assert states(rows) == {
            ("sms", "sent"): 2,
            ("sms", "failed"): 1,
            ("sms", "late"): 1,
            ("second", "sent"): 2,
        }
        why = {row.customer: row.answer for row in rows if row.channel == "sms" and row.state != "sent"}
        assert "404" in why[1] and "doesn't contain" in why[2]
        assert not any(phone(each) in "".join(why.values()) for each in (1, 2))

    go(desk, work)
    assert reached(second) == {phone(1): 1, phone(2): 1}
    assert reached(first)[phone(1)] == 1 and reached(first)[phone(2)] == 3


@pytest.mark.slow
def test_tell_5_a_gateway_that_is_gone_loses_what_waits_to_the_next_and_others_go_on(
    world: World, tmp_path: Path, first: Gateway, second: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NOTICE_REST_S", 0.05)
    monkeypatch.setattr(module, "NOTICE_SWITCH_S", 0.2)
    first.status = 503
    push = SmsSettings(second.url + "/topic-{token}", "PUT", {"Title": "{title}"}, "{text}")
    desk = Desk(
        world,
        tmp_path,
        people(45),
        lambda http: [sms("sms", first, http), sms("second", second, http)],
        lambda http: [Push("push", HttpPartner(http, push, "partner/push"), 1000, single=False)],
        at_once=8,
    )

    async def work() -> None:
        await desk.lay_down(notice())
        rows = await desk.until(settled)
        assert states(rows) == {
            ("sms", "late"): 42,
            ("second", "sent"): 42,
            ("push", "sent"): 45,
            (LETTER, "due"): 3,
        }
        assert len(first.requests) < 42  # those that were only waiting were never tried
        first.status = 200  # it is tried first again, and found well
        await desk.lay_down(notice(2, "update"))
        rows = await desk.until(lambda rows: settled([row for row in rows if row.notice == 2]))
        assert states([row for row in rows if row.notice == 2])["sms", "sent"] >= 1

    go(desk, work)
    pushed = {each.path for each in second.requests if each.method == "PUT"}
    assert pushed == {f"/topic-t{each}" for each in range(1, 46)}
    titles = {each.fields["title"] for each in second.requests if each.method == "PUT"}
    assert {str(make_header(decode_header(each))) for each in titles} == {"Störung"}
    events = [json.loads(line)["event"] for line in (tmp_path / "journal").read_text().splitlines()]
    assert events.count("notice_channel_lost") == 1 and events.count("notice_channel_back") == 1


@pytest.mark.slow
def test_tell_4_after_a_crash_those_on_their_way_are_told_twice_at_most_and_nobody_is_forgotten(
    world: World, tmp_path: Path, first: Gateway
) -> None:
    """It is broken off while messages are at the gateway, which has taken them and hasn't said so yet."""
    held, at_once = threading.Event(), 4

    def answer(asked: Asked) -> tuple[int, bytes]:
        if len(first.requests) > 40 and not held.is_set():
            held.wait(20)
        return 200, b""

    first.answer = answer
    desk = Desk(world, tmp_path, people(100), lambda http: [sms("sms", first, http)], at_once=at_once)

    async def crash() -> None:
        await desk.lay_down(notice())
        async with asyncio.timeout(20):
            while len(first.requests) < 40 + at_once:
                await asyncio.sleep(0.01)

    go(desk, crash)
    held.set()
    again = Desk(world, tmp_path, people(100), lambda http: [sms("sms", first, http)], at_once=at_once)

    async def work() -> None:
        await again.until(settled)

    go(again, work)
    told = reached(first)
    assert len(told) == 97 and sum(told.values()) <= 97 + at_once and max(told.values()) <= 2


@pytest.mark.slow
def test_what_a_later_notice_says_is_not_sent_any_more_and_limits_hold(
    world: World, tmp_path: Path, first: Gateway
) -> None:
    desk = Desk(world, tmp_path, people(2), lambda http: [sms("sms", first, http, per_hour=3)])

    async def work() -> None:
        await desk.lay_down(notice())
        await desk.until(settled)
        await desk.lay_down(notice(2, "update"))
        rows = await desk.until(lambda rows: states(rows)["sms", "sent"] == 3)
        assert states(rows)["sms", "due"] == 1  # the fourth in this hour
        await desk.lay_down(notice(3, "ended"))
        rows = await desk.thread.run(desk.kept.messages, 7)
        assert states(rows)["sms", "over"] == 1

    go(desk, work)
    assert len(first.requests) == 3


@pytest.mark.slow
def test_what_waits_is_overtaken_by_what_people_hear_and_not_by_what_is_only_published(
    world: World, tmp_path: Path, first: Gateway
) -> None:
    held = threading.Event()

    def answer(asked: Asked) -> tuple[int, bytes]:
        held.wait(20)
        return 200, b""

    first.answer = answer
    desk = Desk(world, tmp_path, people(2), lambda http: [sms("sms", first, http)], at_once=1)

    async def work() -> None:
        await desk.lay_down(notice())
        await desk.until(lambda rows: first.requests)
        await desk.lay_down(notice(2, "update", quiet=True), customers=False)
        assert states(await desk.thread.run(desk.kept.messages, 7)) == {("sms", "due"): 2}
        await desk.lay_down(notice(3, "update"))
        rows = await desk.thread.run(desk.kept.messages, 7)
        assert states([row for row in rows if row.notice == 1]) == {("sms", "over"): 2}
        held.set()
        rows = await desk.until(settled)
        first_ones = {row.customer: row.state for row in rows if row.notice == 1}
        assert sorted(first_ones.values()) == ["over", "sent"]  # one was on its way, and is noted
        assert states([row for row in rows if row.notice == 3]) == {("sms", "sent"): 2}

    go(desk, work)
    assert len(first.requests) == 3


@pytest.mark.slow
def test_at_night_text_messages_say_what_begins_and_not_what_is_over(
    world: World, tmp_path: Path, first: Gateway
) -> None:
    desk = Desk(world, tmp_path, people(2), lambda http: [sms("sms", first, http)], quiet="00:00-23:59")

    async def work() -> None:
        await desk.lay_down(notice(1, "opened"))
        await desk.until(settled)
        await desk.lay_down(notice(2, "ended"))
        due = await desk.thread.run(desk.kept.due, "sms", world.clock.now(), 10, True)
        assert (
            due == [] and len(await desk.thread.run(desk.kept.due, "sms", world.clock.now(), 10, False)) == 2
        )

    go(desk, work)
    quiet = Quiet("22:00-07:00", ZoneInfo("Europe/Berlin"))
    assert quiet.at(NOON - 12 * 3600) and not quiet.at(NOON) and not Quiet("", ZoneInfo("UTC")).at(NOON)
    assert Quiet("13:00-15:00", ZoneInfo("Europe/Berlin")).at(NOON)


@pytest.mark.slow
def test_what_is_kept_holds_neither_phones_nor_addresses(world: World, tmp_path: Path) -> None:
    desk = Desk(world, tmp_path, people(2), lambda http: [])

    async def work() -> None:
        await desk.lay_down(notice())

    go(desk, work)
    data = b"".join(each.read_bytes() for each in (tmp_path / "care").glob("notices.sqlite*"))
    assert data and phone(1).encode() not in data
