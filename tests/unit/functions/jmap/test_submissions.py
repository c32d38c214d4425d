"""Sending over JMAP: now, later, not after all; once, whatever dies when (JOUT-1 … JOUT-4)."""

from __future__ import annotations

import contextlib
import datetime
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdfast.flow.intake import Intake
from holdfast.flow.queue import Fate
from holdfast.flow.sending import SendingLimits
from holdfast.flow.sent import Sent
from holdfast.functions.jmap.ids import EMAIL, id_of
from holdfast.functions.jmap.releasing import Releasing
from holdfast.functions.jmap.sendings import SUBMISSION, read_sending
from holdfast.model.envelope import Delivery
from holdfast.model.errors import Unavailable
from holdfast.model.ledgers import Kind
from holdfast.model.limits import JMAP_DELAYED_SEND_S, Limits
from holdfast.model.mail import START
from holdfast.packs import Frame, LedgerReader
from unit.functions.jmap.rig import ADA, BEN, Rig, rig, run, sending

pytestmark = pytest.mark.slow

CARL = "carl@elsewhere.example"
TEXT = (
    b"From: Ada <ada@example.org>\r\nTo: ben@example.org\r\nCc: carl@elsewhere.example\r\n"
    b"Bcc: Dora <dora@elsewhere.example>,\r\n ben@example.org\r\nSubject: hello\r\n"
    b"Date: Mon, 7 Feb 1994 21:52:25 -0800\r\nMessage-ID: <1@example.org>\r\n\r\nhello\r\n"
)
BCC = b"Bcc: Dora <dora@elsewhere.example>,\r\n ben@example.org\r\n"


async def draft(r: Rig, text: bytes = TEXT) -> str:
    appended = await r.append(text, "Drafts")
    return id_of(EMAIL, appended.message)


async def identity(r: Rig) -> str:
    return str((await r.call("Identity/get"))["list"][0]["id"])


async def submit(r: Rig, email: str, **also: Any) -> dict[str, Any]:
    create = {"emailId": email, "identityId": await identity(r), **also}
    result = await r.call("EmailSubmission/set", {"create": {"s": create}})
    return dict(result["created"]["s"] if result.get("created") else result["notCreated"]["s"])


async def submission(r: Rig, name: str) -> dict[str, Any]:
    (found,) = (await r.call("EmailSubmission/get", {"ids": [name]}))["list"]
    return dict(found)


def later(seconds: int) -> dict[str, Any]:
    return {
        "mailFrom": {"email": ADA, "parameters": {"HOLDFOR": str(seconds)}},
        "rcptTo": [{"email": BEN, "parameters": None}],
    }


async def until_final(r: Rig, name: str) -> dict[str, Any]:
    while (found := await submission(r, name))["undoStatus"] == "pending" or not found["deliveryStatus"]:
        await r.world.clock.sleep(0.01)
    return found


def sent(r: Rig) -> list[tuple[Delivery, bytes]]:
    """What stands in the outbox's ledger."""
    found: list[tuple[Delivery, bytes]] = []
    reader = LedgerReader(r.world, r.volume, "jmap-0")
    for frame in reader.follow(START):
        if isinstance(frame, Frame) and frame.kind == Kind.DELIVERY:
            size = int.from_bytes(frame.body[:4], "little")
            meta = msgspec.msgpack.decode(frame.body[4 : 4 + size], type=Delivery)
            found.append((meta, bytes(frame.body[4 + size + meta.head_bytes :])))
    return found


def test_what_is_submitted_is_sent_to_everybody_and_bcc_is_told_to_nobody(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r, sending(r):
            made = await submit(r, await draft(r))
            final = await until_final(r, made["id"])
            ((meta, message),) = sent(r)
            assert meta.trace == made["id"]
            assert (meta.sender, meta.account) == (ADA, r.account().id)
            assert [each.account for each in meta.local] == [r.account(BEN).id]
            assert [each.address for each in meta.remote] == [CARL, "dora@elsewhere.example"]
            assert message == TEXT.replace(
                b"Bcc: Dora <dora@elsewhere.example>,\r\n ben@example.org\r\n", b""
            )
            assert set(final["deliveryStatus"]) == {BEN, CARL, "dora@elsewhere.example"}
            assert final["threadId"].startswith("t")

    run(main())


def test_what_became_of_it_is_told_as_far_as_it_is_known(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r, sending(r):
            made = await submit(r, await draft(r))
            first = await until_final(r, made["id"])
            assert first["deliveryStatus"][BEN]["delivered"] == "queued"
            state = (await r.call("EmailSubmission/get", {"ids": []}))["state"]
            while (await submission(r, made["id"]))["deliveryStatus"][BEN]["delivered"] != "yes":
                await r.world.clock.sleep(0.05)
            told = await r.call("EmailSubmission/changes", {"sinceState": state})
            assert told["updated"] == [made["id"]]
            assert r.box("INBOX", BEN).exists == 1

    run(main())


def test_what_the_relay_knows_is_told_and_no_more(tmp_path: Path) -> None:
    fates: dict[str, Fate] = {CARL: Fate("waits"), "dora@elsewhere.example": Fate("waits", "450 4.2.0 later")}
    asked: list[str] = []

    async def ask(entry: str, addresses: list[str]) -> dict[str, Fate]:
        asked.append(entry)
        return {each: fates[each] for each in addresses}

    async def main() -> None:
        async with rig(tmp_path) as r:
            releasing = Releasing(
                r.world, r.store, r.people, r.intake, hostname="h", limits=Limits(), fates=ask
            )
            made = await submit(r, await draft(r))
            told: list[tuple[str, str]] = []
            for change in ("sent", "look", "settled", "look"):
                if change == "settled":
                    fates[CARL] = Fate("sent", "250 2.0.0 thanks")
                    fates["dora@elsewhere.example"] = Fate("failed", "550 5.1.1 who?")
                account = r.account()
                (due,) = (each for each in r.store.due(account.cell, 1 << 40) if each.id == made["id"])
                found = r.store.account(account.id, account.cell).object(SUBMISSION, due.id)
                assert found is not None
                if change != "sent":
                    await releasing._look(due, read_sending(found.data), found.modseq)
                else:
                    await releasing.carry_out(due)
                status = (await submission(r, made["id"]))["deliveryStatus"]
                told.append(tuple(status[each]["delivered"] for each in (CARL, "dora@elsewhere.example")))
            assert told == [("queued", "queued")] * 2 + [("unknown", "no")] * 2
            assert status["dora@elsewhere.example"]["smtpReply"] == "550 5.1.1 who?"
            assert set(asked) == {"jmap-0:2"}

    run(main())


def test_it_is_sent_at_its_time_and_not_before(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r, sending(r):
            begun = r.world.clock.now()
            made = await submit(r, await draft(r), envelope=later(2))
            send_at = datetime.datetime.fromisoformat(made["sendAt"]).timestamp()
            assert begun + 1 < send_at < begun + 3
            assert (await submission(r, made["id"]))["undoStatus"] == "pending"
            assert sent(r) == []
            await until_final(r, made["id"])
            assert r.world.clock.now() >= send_at
            assert len(sent(r)) == 1

    run(main())


def test_what_is_called_back_is_never_sent_and_what_is_sent_can_t_be_called_back(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r, sending(r):
            made = await submit(r, await draft(r), envelope=later(1))
            name = made["id"]
            result = await r.call("EmailSubmission/set", {"update": {name: {"undoStatus": "canceled"}}})
            assert name in result["updated"]
            gone = await submit(r, await draft(r), envelope=later(1))
            await until_final(r, gone["id"])
            assert [meta.trace for meta, _ in sent(r)] == [gone["id"]]
            assert (await submission(r, name))["undoStatus"] == "canceled"
            late = await r.call("EmailSubmission/set", {"update": {gone["id"]: {"undoStatus": "canceled"}}})
            assert late["notUpdated"][gone["id"]]["type"] == "cannotUnsend"

    run(main())


def test_jout_1_cancelled_or_sent_never_both(tmp_path: Path) -> None:
    """The two meet at every moment of the sending: who is told it was cancelled finds it nowhere."""

    async def main() -> None:
        async with rig(tmp_path) as r, sending(r):
            email = await draft(r)
            for pause in range(12):
                made = await submit(r, email, envelope=later(0))
                await r.world.clock.sleep(pause * 0.004)
                cancel = {"update": {made["id"]: {"undoStatus": "canceled"}}}
                result = await r.call("EmailSubmission/set", cancel)
                cancelled = made["id"] in (result["updated"] or {})
                if not cancelled:
                    await until_final(r, made["id"])
                count = sum(meta.trace == made["id"] for meta, _ in sent(r))
                assert count == (0 if cancelled else 1)

    run(main())


class Killed(BaseException):
    """The process ends here."""


class Dying:
    """Stands before one of the outbox's two doors to the disk, and dies at the ``at``-th passage: before
    what is asked is done, or when it is done and nobody has heard of it."""

    def __init__(self, at: int, after: bool) -> None:
        self.left = at
        self.after = after

    async def pass_through(self, door: Any, *what: Any) -> Any:
        self.left -= 1
        if self.left < 0 and not self.after:
            raise Killed
        result = await door(*what)
        if self.left < 0:
            raise Killed
        return result


async def carried_out(r: Rig, name: str, dying: Dying | None) -> None:
    """One try of the outbox at one submission, by a process of its own."""
    intake = Intake(
        r.world,
        r.volume,
        "jmap-0",
        host="mail.example.org",
        inflight_bytes=1 << 28,
        announce=r._announced,
        in_doubt=False,
    )
    await intake.open()
    releasing = Releasing(r.world, r.store, r.people, intake, hostname="mail.example.org", limits=Limits())
    commit = r.store.commit
    if dying is not None:

        async def dying_commit(commands: Any) -> Any:
            return await dying.pass_through(commit, commands)

        async def dying_append(*what: Any) -> Any:
            return await dying.pass_through(append, *what)

        append = releasing._append
        releasing._append = dying_append  # type: ignore[method-assign]
        r.store.commit = dying_commit  # type: ignore[method-assign]
    try:
        account = r.account()
        for due in r.store.due(account.cell, int(r.world.clock.now()) + 1):
            if due.kind == SUBMISSION and due.id == name:
                await releasing.carry_out(due)
    finally:
        r.store.commit = commit  # type: ignore[method-assign]
        await intake.close()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(5))
def test_jout_2_a_death_at_any_step_sends_it_once(tmp_path: Path, at: int, after: bool) -> None:
    """Of a submission with a recipient here, one elsewhere, and one that is gone: four steps of the disk."""

    async def main() -> None:
        async with rig(tmp_path) as r:
            await r.people_writer.account_add("dora@example.org", credential="")
            await r.people.reached(r.people_writer.durable)
            recipients = [{"email": each} for each in (BEN, CARL, "dora@example.org")]
            envelope = {"mailFrom": {"email": ADA}, "rcptTo": recipients}
            made = await submit(r, await draft(r), envelope=envelope)
            name = made["id"]
            await r.people_writer.account_rm("dora@example.org")
            await r.people.reached(r.people_writer.durable)
            await r.intake.close()
            with contextlib.suppress(Killed):
                await carried_out(r, name, Dying(at, after))
                assert at == 4  # there are no more steps
            await carried_out(r, name, None)
            await carried_out(r, name, None)
            await r.writer.settle()
            assert Counter(meta.trace for meta, _ in sent(r)) == {name: 1, f"{name}r": 1}
            assert r.box("INBOX", BEN).exists == 1
            assert r.box("INBOX").exists == 1  # that dora got nothing
            final = await submission(r, name)
            assert final["deliveryStatus"]["dora@example.org"]["delivered"] == "no"
            await r.intake.open()

    run(main())


def test_jout_3_who_may_not_send_any_more_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            await r.people_writer.alias_set("team@example.org", [ADA])
            await r.people.reached(r.people_writer.durable)
            envelope = {"mailFrom": {"email": "team@example.org"}, "rcptTo": [{"email": BEN}]}
            made = await submit(r, await draft(r), envelope=envelope)
            await r.people_writer.alias_rm("team@example.org")
            await r.people.reached(r.people_writer.durable)
            async with sending(r):
                final = await until_final(r, made["id"])
            assert final["deliveryStatus"][BEN]["delivered"] == "no"
            assert [meta.trace for meta, _ in sent(r)] == [f"{made['id']}r"]
            await r.writer.settle()
            assert r.box("INBOX", BEN).exists == 0

    run(main())


def test_jout_4_what_could_not_be_sent_is_tried_until_it_is(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r, sending(r):
            await r.intake.close()
            made = await submit(r, await draft(r))
            await r.world.clock.sleep(0.3)
            assert (await submission(r, made["id"]))["undoStatus"] == "pending"
            r.intake._closed = False
            await r.intake.open()
            await until_final(r, made["id"])
            assert len(sent(r)) == 1

    run(main())


def test_the_same_message_sent_again_goes_again_after_a_crash_too(tmp_path: Path) -> None:
    """What its sender means twice is no second try, though it is the same to the byte."""

    async def main() -> None:
        async with rig(tmp_path) as r:
            email = await draft(r)
            await r.intake.close()
            for _ in range(2):
                made = await submit(r, email)
                with contextlib.suppress(Killed):
                    await carried_out(r, made["id"], Dying(1, True))
                await carried_out(r, made["id"], None)
            await r.writer.settle()
            assert r.box("INBOX", BEN).exists == 2
            await r.intake.open()

    run(main())


CROWD = [{"email": f"{number}@a.example"} for number in range(1001)]
WRONG: list[tuple[dict[str, Any], bytes, str]] = [
    ({"emailId": "mzz"}, TEXT, "invalidProperties"),
    ({"identityId": "nobody"}, TEXT, "invalidProperties"),
    ({"colour": "red"}, TEXT, "invalidProperties"),
    ({}, TEXT.replace(b"From: Ada <ada@example.org>\r\n", b""), "invalidEmail"),
    ({}, TEXT.replace(b"ada@", b"ben@", 1), "forbiddenFrom"),
    ({}, b"From: ada@example.org\r\n\r\nx\r\n", "noRecipients"),
    ({"envelope": {"mailFrom": {"email": BEN}, "rcptTo": [{"email": CARL}]}}, TEXT, "forbiddenMailFrom"),
    ({"envelope": {"mailFrom": {"email": ADA}, "rcptTo": []}}, TEXT, "noRecipients"),
    ({"envelope": {"mailFrom": {"email": ADA}, "rcptTo": [{"email": "a b"}]}}, TEXT, "invalidRecipients"),
    (
        {"envelope": {"mailFrom": {"email": ADA}, "rcptTo": [{"email": "nobody@example.org"}]}},
        TEXT,
        "invalidRecipients",
    ),
    ({"envelope": later(JMAP_DELAYED_SEND_S + 60)}, TEXT, "invalidProperties"),
    (
        {"envelope": {"mailFrom": {"email": ADA, "parameters": {"X": "1"}}, "rcptTo": [{"email": BEN}]}},
        TEXT,
        "invalidProperties",
    ),
    (
        {
            "envelope": {
                "mailFrom": {"email": ADA},
                "rcptTo": CROWD,
            }
        },
        TEXT,
        "tooManyRecipients",
    ),
]


def test_what_can_t_be_sent_is_refused_at_once_and_by_its_reason(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            for also, text, expected in WRONG:
                refused = await submit(r, await draft(r, text), **also)
                assert refused["type"] == expected, (also, refused)
            assert (await r.call("EmailSubmission/get"))["list"] == []

    run(main())


def test_a_directory_out_of_reach_is_never_a_refusal(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            email, own = await draft(r), await identity(r)
            found, refuse = r.people._answers.may_send_as, Unavailable("people", "gone")

            def out_of_reach(*_: Any) -> bool:
                raise refuse

            r.people._answers.may_send_as = out_of_reach  # type: ignore[method-assign]
            asked = {"create": {"s": {"emailId": email, "identityId": own}}}
            result = await r.call("EmailSubmission/set", asked)
            assert result["notCreated"]["s"]["type"] == "serverUnavailable"
            r.people._answers.may_send_as = found  # type: ignore[method-assign]
            assert (await r.call("EmailSubmission/set", asked))["created"]

    run(main())


def test_submissions_are_found_by_what_they_are(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            email = await draft(r)
            first = (await submit(r, email, envelope=later(1000)))["id"]
            second = (await submit(r, email, envelope=later(500)))["id"]
            await r.call("EmailSubmission/set", {"update": {first: {"undoStatus": "canceled"}}})
            by_time = {"sort": [{"property": "sentAt"}]}
            found = await r.call("EmailSubmission/query", by_time)
            assert found["ids"] == [second, first]
            pending = {"filter": {"undoStatus": "pending", "emailIds": [email]}, **by_time}
            listed = await r.call("EmailSubmission/query", pending)
            assert listed["ids"] == [second]
            await r.call("EmailSubmission/set", {"update": {second: {"undoStatus": "canceled"}}})
            third = (await submit(r, email, envelope=later(10)))["id"]
            told = await r.call(
                "EmailSubmission/queryChanges", {**pending, "sinceQueryState": listed["queryState"]}
            )
            assert set(told["removed"]) >= {second}
            assert told["added"] == [{"id": third, "index": 0}]
            refused = await r.call("EmailSubmission/set", {"destroy": [third, first]})
            assert (list(refused["notDestroyed"]), refused["destroyed"]) == ([third], [first])

    run(main())


def test_what_was_sent_is_moved_and_a_destroyed_draft_is_sent_all_the_same(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r, sending(r):
            own, drafts, sent_box = await identity(r), id_of("b", r.box("Drafts").id), r.box("Sent")
            email = {
                "mailboxIds": {drafts: True},
                "keywords": {"$draft": True},
                "from": [{"email": ADA}],
                "to": [{"email": BEN}],
                "subject": "moved",
                "bodyValues": {"1": {"value": "hello"}},
                "textBody": [{"partId": "1", "type": "text/plain"}],
            }
            update = {f"mailboxIds/{drafts}": None, f"mailboxIds/{id_of('b', sent_box.id)}": True}
            responses = await r.calls(
                ("Email/set", {"create": {"e": email}}, "0"),
                (
                    "EmailSubmission/set",
                    {
                        "create": {"s": {"emailId": "#e", "identityId": own}},
                        "onSuccessUpdateEmail": {"#s": {**update, "keywords/$draft": None}},
                    },
                    "1",
                ),
            )
            assert [(name, tag) for name, _, tag in responses] == [
                ("Email/set", "0"),
                ("EmailSubmission/set", "1"),
                ("Email/set", "1"),
            ]
            assert r.box("Drafts").exists == 0
            assert r.box("Sent").exists == 1
            destroyed = await draft(r)
            create = {"emailId": destroyed, "identityId": own, "envelope": later(1)}
            result = await r.calls(
                (
                    "EmailSubmission/set",
                    {"create": {"s": create}, "onSuccessDestroyEmail": ["#s"]},
                    "0",
                )
            )
            assert result[1][1]["destroyed"] == [destroyed]
            await until_final(r, result[0][1]["created"]["s"]["id"])
            await r.writer.settle()
            assert r.box("INBOX", BEN).exists == 2

    run(main())


def test_nothing_is_done_to_the_email_of_a_submission_that_was_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            email = await draft(r)
            create = {"emailId": email, "identityId": "nobody"}
            asked = {"create": {"s": create}, "onSuccessDestroyEmail": ["#s"]}
            responses = await r.calls(("EmailSubmission/set", asked, "0"))
            assert [name for name, _, _ in responses] == ["EmailSubmission/set"]
            assert r.box("Drafts").exists == 1

    run(main())


def test_who_sent_to_as_many_as_he_may_waits(tmp_path: Path) -> None:
    """At once it is refused; what was accepted before for later waits until it may go (SUB-4)."""

    async def main() -> None:
        async with rig(tmp_path) as r:
            await r.people_writer.account_set(ADA, daily_recipients=2)
            await r.people.reached(r.people_writer.durable)
            sent_so_far = Sent(r.world, r.volume, "jmap-0")
            limit = r.sending = SendingLimits(r.world, r.people, sent_so_far, "jmap")
            email = await draft(r)
            held = await submit(r, email, envelope=later(1))
            sent_so_far.add(r.account().id, 2)
            refused = await submit(r, email, envelope=later(0))
            assert refused["type"] == "rateLimit"
            releasing = Releasing(
                r.world, r.store, r.people, r.intake, hostname="h", limits=Limits(), sending=limit
            )
            await r.world.clock.sleep(1.2)
            account = r.account()
            (due,) = r.store.due(account.cell, int(r.world.clock.now()))
            await releasing.carry_out(due)
            (again,) = r.store.due(account.cell, 1 << 40)
            assert again.due > r.world.clock.now() + 80_000
            assert (await submission(r, held["id"]))["undoStatus"] == "pending"
            assert sent(r) == []

    run(main())
