"""Snoozed mail comes back (JSNZ-1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdfast.functions.jmap.ids import EMAIL, MAILBOX, id_of
from holdfast.functions.jmap.sendings import utc
from holdfast.model.mail import FIRST_KEYWORD_BIT, Flag
from holdfast.model.uidset import UidSet
from holdfast.store import Delete, Expunge, MakeMailbox, Move
from unit.functions.jmap.rig import Rig, message, rig, run, sending

pytestmark = pytest.mark.slow


async def mail(r: Rig, mailbox: str = "INBOX") -> str:
    appended = await r.append(message(1), mailbox, flags=int(Flag.SEEN))
    return id_of(EMAIL, appended.message)


async def snooze(r: Rig, email: str, seconds: float, **also: Any) -> dict[str, Any]:
    until = utc(r.world.clock.now() + seconds)
    create = {"emailId": email, "until": until, **also}
    return dict(await r.call("Snooze/set", {"create": {"s": create}}))


def where(r: Rig, email: str) -> list[str]:
    account = r.account()
    handle = r.store.account(account.id, account.cell)
    number = int(email[1:], 36)
    names = {box.id: box.name for box in handle.mailboxes()}
    return [names[each.mailbox] for each in handle.places([number]).get(number, ())]


async def until_in(r: Rig, email: str, name: str) -> None:
    while where(r, email) != [name]:
        await r.world.clock.sleep(0.02)


def test_a_snoozed_message_is_away_and_comes_back_unread_at_its_time(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r, sending(r):
            email = await mail(r)
            made = await snooze(r, email, 2)
            assert made["created"]["s"]["id"] == email
            assert made["created"]["s"]["mailboxId"] == id_of(MAILBOX, r.box().id)
            assert where(r, email) == ["Snoozed"]
            (told,) = (await r.call("Snooze/get"))["list"]
            assert set(told) == {"id", "emailId", "until", "mailboxId"}
            await until_in(r, email, "INBOX")
            account = r.account()
            handle = r.store.account(account.id, account.cell)
            (row,) = handle.emails([int(email[1:], 36)]).values()
            bit = 1 << (FIRST_KEYWORD_BIT + handle.keywords().index("$awakened"))
            assert (bool(row.flags & Flag.SEEN), bool(row.flags & bit)) == (False, True)
            while (await r.call("Snooze/get"))["list"]:
                await r.world.clock.sleep(0.02)

    run(main())


def test_jsnz_1_it_comes_back_after_everything_was_made_anew(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            email = await mail(r, "Archive")
            await snooze(r, email, 0)
            assert where(r, email) == ["Snoozed"]
            await r.rebuilt()
            async with sending(r):
                await until_in(r, email, "Archive")

    run(main())


def test_jsnz_1_where_its_mailbox_is_gone_it_comes_into_the_inbox(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            account = r.account()
            what = {"account": account.id, "cell": account.cell}
            await r.store.commit_one(MakeMailbox(name="Project", **what))  # type: ignore[arg-type]
            email = await mail(r, "Project")
            await snooze(r, email, 0)
            await r.store.commit_one(Delete(name="Project", **what))  # type: ignore[arg-type]
            async with sending(r):
                await until_in(r, email, "INBOX")

    run(main())


def test_what_somebody_moved_or_destroyed_meanwhile_stays_so(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            moved, destroyed = await mail(r), id_of(EMAIL, (await r.append(message(2))).message)
            await snooze(r, moved, 0)
            await snooze(r, destroyed, 0)
            box, account = r.box("Snoozed"), r.account()
            what = {"account": account.id, "cell": account.cell, "mailbox": box.id}
            one, two = UidSet.of([1]).pack(), UidSet.of([2]).pack()
            await r.store.commit_one(Move(uids=one, to="Archive", **what))  # type: ignore[arg-type]
            await r.store.commit_one(Expunge(uids=two, only_deleted=False, **what))  # type: ignore[arg-type]
            async with sending(r):
                while (await r.call("Snooze/get"))["list"]:
                    await r.world.clock.sleep(0.02)
            assert (where(r, moved), where(r, destroyed)) == (["Archive"], [])

    run(main())


def test_it_can_be_put_off_and_be_had_back_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r, sending(r):
            email = await mail(r)
            await snooze(r, email, 1)
            later = utc(r.world.clock.now() + 1000)
            changed = await r.call("Snooze/set", {"update": {email: {"until": later}}})
            assert email in changed["updated"]
            await r.world.clock.sleep(1.5)
            assert where(r, email) == ["Snoozed"]
            await r.call("Snooze/set", {"destroy": [email]})
            assert where(r, email) == ["INBOX"]

    run(main())


def test_what_can_t_be_snoozed_is_refused_and_stays_where_it_is(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            email = await mail(r)
            assert (await snooze(r, "mzz", 9))["notCreated"]["s"]["properties"] == ["emailId"]
            assert (await snooze(r, email, 9e8))["notCreated"]["s"]["properties"] == ["until"]
            refused = await snooze(r, email, 9, mailboxId="bzz")
            assert refused["notCreated"]["s"]["properties"] == ["mailboxId"]
            assert where(r, email) == ["INBOX"]
            await snooze(r, email, 9)
            again = (await snooze(r, email, 9))["notCreated"]["s"]
            assert (again["type"], again["existingId"]) == ("alreadyExists", email)

    run(main())
