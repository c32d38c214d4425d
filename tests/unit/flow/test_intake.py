"""Intake: what is durable, what is acknowledged, what a crash leaves unsure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from holdfast.flow.intake import Envelope, Intake
from holdfast.flow.trace import Dates, Origin, head, hops, protocol
from holdfast.model.envelope import LocalRecipient
from holdfast.model.errors import Unavailable
from holdfast.model.limits import KIB
from holdfast.model.mail import Position
from holdfast.packs import LedgerReader, LedgerWriter
from unit.functions.smtp_service import Service, read, run

TO_ANNA = Envelope("s@x.example", (LocalRecipient(101, 1, "anna@example.org"),))
TO_BOTH = Envelope(
    "", (LocalRecipient(101, 7, "anna@example.org"), LocalRecipient(102, 3, "ben@example.org"))
)
MAIL = b"Subject: x\r\n\r\n"


def _intake(service: Service, announced: list[tuple[str, Position]] | None = None) -> Intake:
    told = None if announced is None else (lambda *what: announced.append(what))
    return Intake(
        service.world,
        str(service.folder),
        "mx-0",
        host="mx.example.org",
        inflight_bytes=10 * KIB,
        announce=told,
    )


async def _keep(intake: Intake, envelope: Envelope = TO_ANNA) -> int:
    (written,) = await intake.submit(envelope, MAIL).written
    return written.sequence


def _test(folder: Path, test: Callable[[Service], Awaitable[None]]) -> None:
    run(test, folder)


def test_frames_without_an_acknowledgement_are_named_at_the_next_start(tmp_path: Path) -> None:
    """FLOW-2."""

    async def test(service: Service) -> None:
        intake = _intake(service)
        await intake.open()
        first, _second, third = [await _keep(intake), await _keep(intake, TO_BOTH), await _keep(intake)]
        intake.acknowledged(first)
        intake.acknowledged(third)  # over a gap: the mark stays before the second
        await asyncio.sleep(0)
        await intake.close()
        again = _intake(service)
        await again.open()
        _, (opened, reopened) = read(service.world, service.folder, "mx-0")
        assert opened.unsure == ()
        assert set(reopened.unsure) == {first + 1, third}
        await again.close()

    _test(tmp_path, test)


def test_what_was_acknowledged_or_named_once_is_not_named_again(tmp_path: Path) -> None:
    async def test(service: Service) -> None:
        for _ in range(3):
            intake = _intake(service)
            await intake.open()
            first, second, third = [await _keep(intake) for _ in range(3)]
            for sequence in (third, first, second):
                intake.acknowledged(sequence)
            await asyncio.sleep(0)
            await _keep(intake)
            await intake.close()
        _, starts = read(service.world, service.folder, "mx-0")
        assert [len(started.unsure) for started in starts] == [0, 1, 1]

    _test(tmp_path, test)


def test_the_start_frame_concerns_the_cells_of_what_it_names(tmp_path: Path) -> None:
    async def test(service: Service) -> None:
        intake = _intake(service)
        await intake.open()
        await _keep(intake, TO_BOTH)
        await intake.close()
        await _intake(service).open()
        frames = list(LedgerReader(service.world, str(service.folder), "mx-0").follow(Position(0, 0)))
        assert [frame.cells for frame in frames] == [(), (3, 7), (3, 7)]

    _test(tmp_path, test)


def test_a_named_frame_moves_the_mark_when_the_naming_is_durable(tmp_path: Path) -> None:
    async def test(service: Service) -> None:
        intake = _intake(service)
        await intake.open()
        (written,) = await intake.submit(TO_ANNA, MAIL).written
        intake.unsure(written, TO_ANNA.cells, "t")
        after = await _keep(intake)
        intake.acknowledged(after)
        await asyncio.sleep(0)
        await intake.close()
        again = _intake(service)
        await again.open()
        _, starts = read(service.world, service.folder, "mx-0")
        named = [started.unsure for started in starts]
        assert set(named[1:-1]) == {(written.sequence,)}, "once or more, until one is durable"
        assert (named[0], named[-1]) == ((), ())
        await again.close()

    _test(tmp_path, test)


@pytest.mark.slow
def test_a_ledger_in_other_hands_is_tried_again_until_it_is_free(tmp_path: Path) -> None:
    async def test(service: Service) -> None:
        other = await LedgerWriter.open(service.world, str(service.folder), "mx-0")
        announced: list[tuple[str, Position]] = []
        intake = _intake(service, announced)
        await intake.open()
        with pytest.raises(Unavailable) as caught:
            intake.check()
        assert caught.value.component == "volume-v1/mx-0"
        with pytest.raises(Unavailable):
            intake.submit(TO_ANNA, MAIL)
        await other.close()
        while not announced:
            await asyncio.sleep(0.01)
        intake.check()
        await _keep(intake)
        await intake.close()

    _test(tmp_path, test)


def test_bytes_held_are_counted_against_one_limit(tmp_path: Path) -> None:
    """FLOW-3."""

    async def test(service: Service) -> None:
        intake = _intake(service)
        await intake.open()
        assert intake.hold(8 * KIB)
        intake.check(2 * KIB)
        with pytest.raises(Unavailable) as caught:
            intake.check(2 * KIB + 1)
        assert caught.value.component == "memory/messages"
        assert not intake.hold(3 * KIB)
        assert intake.hold(-3 * KIB)
        await intake.close()

    _test(tmp_path, test)


def test_every_trace_id_is_new(tmp_path: Path) -> None:
    async def test(service: Service) -> None:
        intake = _intake(service)
        await intake.open()
        receipts = [intake.submit(TO_ANNA, MAIL) for _ in range(20)]
        await asyncio.gather(*(receipt.written for receipt in receipts))
        found, _ = read(service.world, service.folder, "mx-0")
        assert [each.meta.trace for each in found] == [receipt.trace for receipt in receipts]
        assert len({receipt.trace for receipt in receipts}) == 20
        await intake.close()

    _test(tmp_path, test)


# trace fields


def test_a_message_of_our_own_says_so() -> None:
    made = head("", None, "mx.example.org", "t1", "a@b", "DATE")
    assert made == (
        b"Return-Path: <>\r\nReceived: by mx.example.org with local id t1\r\n\tfor <a@b>;\r\n\tDATE\r\n"
    )


def test_addresses_are_literals_and_names_can_not_break_the_field() -> None:
    assert str(Origin("a.example", "192.0.2.1", "SMTP")) == "a.example ([192.0.2.1])"
    assert (
        str(Origin("[IPv6:2001:db8::1]", "2001:db8::1", "SMTP")) == "[IPv6:2001:db8::1] ([IPv6:2001:db8::1])"
    )
    assert str(Origin("x;(y)\r\n z", "", "SMTP")) == "x??y????z ([local])"


def test_the_with_word_says_how_it_came() -> None:
    def word(*on: str) -> str:
        names = ("extended", "secure", "authenticated", "smtputf8")
        return protocol(**{name: name in on for name in names})

    assert word() == "SMTP"
    assert word("extended") == "ESMTP"
    assert word("extended", "secure") == "ESMTPS"
    assert word("extended", "secure", "authenticated") == "ESMTPSA"
    assert word("extended", "secure", "smtputf8") == "UTF8SMTPS"


def test_dates_are_rfc_5322_in_utc() -> None:
    dates = Dates()
    assert dates.at(0) == "Thu, 1 Jan 1970 00:00:00 +0000"
    assert dates.at(951782400.9) == "Tue, 29 Feb 2000 00:00:00 +0000"
    assert dates.at(951782401.0) == "Tue, 29 Feb 2000 00:00:01 +0000"


def test_hops_are_received_fields_of_the_header_only() -> None:
    header = b"Received: a\r\n\tReceived: folded\r\nRECEIVED: b\r\nX-Received: c\r\n"
    assert hops(header + b"\r\nReceived: d\r\n") == 2
    assert hops(b"\r\nReceived: body\r\n") == 0
    assert hops(b"Subject: x\r\nReceived: a\r\n") == 1
