"""The part that tells: from an incident to a message at a real gateway, and back into the record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import Gateway, gateway
from holdfast.care.turns import Seen
from holdfast.watch.incidents import record as r
from outage import named
from unit.care.snapshot import account
from unit.care.telling import CELL_3, Told, counted, go, opening, people, phone, texts


@pytest.fixture
def first() -> Iterator[Gateway]:
    with gateway() as made:
        yield made


@pytest.mark.slow
def test_tell_1_and_3_who_is_hit_hears_of_it_and_of_its_end_and_nobody_else_does(
    tmp_path: Path, first: Gateway
) -> None:
    mailboxes = [account(1, 1, 3, made_at=0.0), account(2, 1, 4, made_at=0.0), account(3, 2, 4, made_at=0.0)]

    async def work(told: Told) -> None:
        told.apply(*opening(told.at), counted(told.at + 5, 1))
        [noticed] = [each for each in await told.turn(6) if isinstance(each, r.Noticed)]
        assert (noticed.about, noticed.promise) == ("opened", 1)
        assert noticed.texts["de"].startswith("Das geht nicht: Lesen mit Mailprogrammen (IMAP).")
        await told.until(lambda: first.requests)
        await told.until(lambda: len(first.requests) == 1)
        await told.turn(70)
        reached = told.incidents.get(1).reached[1]  # type: ignore[union-attr]
        assert (reached.customers, reached.of, reached.sent) == (1, 1, {"sms": 1})
        at = told.at
        told.apply(r.Closed(at=at, incident=1, until={"imap": at - 60}))
        await told.turn(2)
        assert [each.about for each in told.noticed()] == ["opened", "ended"]
        assert told.noticed()[-1].promise == 0
        await told.until(lambda: len(first.requests) == 2)

    journal = go(tmp_path, first, mailboxes, people(2), work)
    heard = texts(first)
    assert heard.keys() == {phone(1)}
    assert "Your 2 mailboxes: 1 affected, 1 fine." in heard[phone(1)][0]
    assert heard[phone(1)][1].startswith("Example: works again since") and "2 fine" in heard[phone(1)][1]
    planned = [each for each in journal if each["event"] == "notice_planned"]
    assert [each["customers"] for each in planned] == [1, 1]


@pytest.mark.slow
def test_tell_6_a_notice_to_far_more_than_were_counted_is_held_until_they_are_counted(
    tmp_path: Path, first: Gateway
) -> None:
    mailboxes = [account(each, each, 3, made_at=0.0) for each in range(1, 41)]

    async def work(told: Told) -> None:
        told.apply(*opening(told.at), counted(told.at + 5, 2))
        assert await told.turn(6) == [] and await told.turn(60) == []
        told.apply(counted(told.at, 40))
        assert [each.about for each in await told.turn(2) if isinstance(each, r.Noticed)] == ["opened"]
        await told.until(lambda: len(texts(first)) == 40)

    (tmp_path / "alarms").write_text(f"{first.url.replace('http', 'json')}/alarm\n")
    more = '[notices]\nalarms = "file:alarms"\n'
    journal = go(tmp_path, first, mailboxes, people(40), work, more)
    alarms = [json.loads(each.body)["title"] for each in first.requests if each.path == "/alarm"]
    assert alarms[0] == "A notice to customers is held: incident 1"
    held = [each for each in journal if each["event"] == "notice_held"]
    assert len(held) == 1 and "40 customers, and 2" in held[0]["reason"]


@pytest.mark.slow
def test_whom_it_hits_later_hears_of_it_too_and_the_others_are_not_told_again(
    tmp_path: Path, first: Gateway
) -> None:
    mailboxes = [account(each, each, 3, made_at=0.0) for each in range(1, 21)]
    mailboxes.append(account(21, 21, 4, made_at=0.0))

    async def work(told: Told) -> None:
        told.apply(*opening(told.at), counted(told.at + 5, 20))
        await told.turn(6)
        await told.until(lambda: len(first.requests) == 20)
        both = (CELL_3, r.Failing(trial="imap/4", function="imap", state="fails", step="list", cell=4))
        told.apply(
            r.Found(at=told.at, incident=1, states={"imap": "fails"}, failing=both, count=2),
            counted(told.at + 1, 21),
        )
        await told.turn(2)
        await told.until(lambda: len(first.requests) == 21)
        assert len(told.noticed()) == 1

    go(tmp_path, first, mailboxes, people(21), work)
    heard = texts(first)
    assert "Your mailbox: affected." in heard[phone(21)][0]
    assert {len(each) for each in heard.values()} == {1} and len(heard) == 21


@pytest.mark.slow
def test_tell_4_what_is_kept_is_told_to_the_record_again_and_without_it_nobody_is_told_twice(
    tmp_path: Path, first: Gateway
) -> None:
    """The record can't be reached at first; later the file is lost, and the record has all that counts."""
    mailboxes = [account(1, 1, 3, made_at=0.0)]
    entries: list[r.AnyEntry] = []

    async def work(told: Told) -> None:
        entries.extend([*opening(told.at), counted(told.at + 5, 1)])
        told.apply(*entries)
        seen = Seen(told.incidents, None, told.at + 6)
        lost = await told.part.turn(seen)  # nobody hears it
        again = await told.part.turn(seen._replace(at=told.at + 8))
        assert [each for each in lost if isinstance(each, r.Noticed)] == [
            each for each in again if isinstance(each, r.Noticed)
        ]
        entries.extend(again)
        await told.until(lambda: len(first.requests) == 1)

    go(tmp_path, first, mailboxes, people(1), work)
    for each in (tmp_path / "data" / "care").glob("notices.sqlite*"):
        each.unlink()

    async def after(told: Told) -> None:
        told.apply(*entries)
        await told.turn(30)
        assert told.noticed() == []
        told.at = entries[0].at + 1500
        [noticed] = [each for each in await told.turn() if isinstance(each, r.Noticed)]
        assert (noticed.notice, noticed.about) == (2, "update")

    go(tmp_path, first, mailboxes, people(1), after)
    assert len(first.requests) == 1


@pytest.mark.slow
def test_the_staff_is_told_once_by_each_address_of_the_file(tmp_path: Path, first: Gateway) -> None:
    pytest.importorskip("apprise")
    address = first.url.replace("http://", "json://")
    (tmp_path / "alarms").write_text(f"# the night shift\n{address}/one\n{address}/two\n")

    async def work(told: Told) -> None:
        told.apply(*opening(told.at), counted(told.at + 5, 1))
        await told.turn(6)
        await told.until(lambda: len(first.requests) == 3)
        await told.turn(1600)  # there is nothing new: nobody is woken up

    go(
        tmp_path,
        first,
        [account(1, 1, 3, made_at=0.0)],
        people(1),
        work,
        '[notices]\nalarms = "file:alarms"\n',
    )
    alarms = [each for each in first.requests if each.path in ("/one", "/two")]
    assert sorted(each.path for each in alarms) == ["/one", "/two"]
    assert "At fault: index of cell 3." in json.loads(alarms[0].body)["message"]


@pytest.mark.slow
def test_whom_it_hits_for_the_first_time_while_it_flaps_is_told_and_not_that_it_is_over(
    tmp_path: Path, first: Gateway
) -> None:
    mailboxes = [account(1, 1, 3, made_at=0.0), account(2, 2, 4, made_at=0.0)]

    async def work(told: Told) -> None:
        told.apply(*opening(told.at), counted(told.at + 5, 1))
        await told.turn(6)
        for _ in range(2):
            told.apply(r.Closed(at=told.at, incident=1, until={"imap": told.at - 60}))
            await told.turn(60)
            told.apply(
                r.Reopened(at=told.at, incident=1, since={"imap": told.at - 3}),
                r.Diagnosed(at=told.at, incident=1, report=named("cell-03/index", "index", "imap")),
            )
            await told.turn(2)
            await told.turn(60)
        both = (CELL_3, r.Failing(trial="imap/4", function="imap", state="fails", step="list", cell=4))
        told.apply(
            r.Found(at=told.at, incident=1, states={"imap": "fails"}, failing=both, count=2),
            counted(told.at + 1, 2),
        )
        await told.turn(2)
        await told.until(lambda: phone(2) in texts(first))

    go(tmp_path, first, mailboxes, people(2), work)
    [heard] = texts(first)[phone(2)]
    assert "works again" not in heard and "Your mailbox: affected." in heard
