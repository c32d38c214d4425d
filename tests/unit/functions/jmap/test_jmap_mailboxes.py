"""Mailbox and Thread methods over a real store. RFC 8621 §2, §3"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdfast.store import MakeMailbox
from unit.functions.jmap.rig import MethodFailed, Rig, message, rig, run

pytestmark = pytest.mark.slow
Json = dict[str, Any]


async def boxes(r: Rig) -> dict[str, Json]:
    return {each["name"]: each for each in (await r.call("Mailbox/get"))["list"]}


async def set_(r: Rig, **given: Any) -> Json:
    answer: Json = await r.call("Mailbox/set", given)
    return answer


def test_mailboxes_are_made_renamed_moved_and_destroyed(tmp_path: Path) -> None:
    async def body() -> None:
        async with rig(tmp_path) as r:
            made = await set_(
                r,
                create={
                    "b": {"name": "Below", "parentId": "#a", "sortOrder": 7, "isSubscribed": False},
                    "a": {"name": "Above"},
                },
            )
            above, below = (made["created"][name]["id"] for name in "ab")
            assert made["created"]["b"]["totalEmails"] == 0 and "sortOrder" not in made["created"]["b"]
            found = await boxes(r)
            assert found["Below"]["parentId"] == above and found["Below"]["sortOrder"] == 7
            assert not found["Below"]["isSubscribed"] and found["Above"]["isSubscribed"]
            await set_(r, update={above: {"name": "Other", "role": None}, below: {"isSubscribed": True}})
            assert r.box("Other/Below").sort_order == 7
            assert (await boxes(r))["Other"]["isSubscribed"]
            assert (await set_(r, destroy=[above]))["notDestroyed"][above]["type"] == "mailboxHasChild"
            assert (await set_(r, update={above: {"parentId": below}}))["notUpdated"][above][
                "properties"
            ] == ["parentId"]
            await r.append(message(1), "Other/Below")
            answer = await set_(r, destroy=[above, below])
            assert answer["notDestroyed"][below]["type"] == "mailboxHasEmail"
            answer = await set_(r, destroy=[above, below], onDestroyRemoveEmails=True)
            assert sorted(answer["destroyed"]) == sorted([above, below])
            assert (await r.call("Email/query"))["ids"] == []

    run(body())


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"name": "a/b"}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"name": "inbox"}, ["name"]),
        ({"name": "Sent"}, ["name"]),
        ({"name": "x\ny"}, ["name"]),
        ({"name": "x", "parentId": "b0"}, ["parentId"]),
        ({"name": "x", "role": "sent"}, ["role"]),
        ({"name": "x", "role": "inbox"}, ["role"]),
        ({"name": "x", "role": "emperor"}, ["role"]),
        ({"name": "x", "sortOrder": -1}, ["sortOrder"]),
        ({"name": "x", "sortOrder": 1 << 31}, ["sortOrder"]),
        ({"name": "x", "totalEmails": 3}, ["totalEmails"]),
        ({"parentId": None}, ["name"]),
    ],
)  # fmt: skip
def test_what_cannot_be_a_mailbox_is_refused_by_name(tmp_path: Path, given: Json, named: list[str]) -> None:
    async def body() -> None:
        async with rig(tmp_path) as r:
            error = (await set_(r, create={"n": given}))["notCreated"]["n"]
            assert (error["type"], error["properties"]) == ("invalidProperties", named)

    run(body())


def test_the_inbox_stays(tmp_path: Path) -> None:
    async def body() -> None:
        async with rig(tmp_path) as r:
            inbox = (await boxes(r))["INBOX"]
            assert not inbox["myRights"]["mayDelete"] and not inbox["myRights"]["mayRename"]
            for patch in ({"name": "x"}, {"role": None}, {"role": "trash"}):
                error = (await set_(r, update={inbox["id"]: patch}))["notUpdated"][inbox["id"]]
                assert error["type"] in ("forbidden", "invalidProperties")
            assert (await set_(r, destroy=[inbox["id"]]))["notDestroyed"][inbox["id"]]["type"] == "forbidden"
            assert (await set_(r, update={inbox["id"]: {"sortOrder": 3}}))["updated"] == {inbox["id"]: None}

    run(body())


def test_where_a_level_is_missing_its_name_is_shown_below(tmp_path: Path) -> None:
    async def body() -> None:
        async with rig(tmp_path) as r:
            account = r.account()
            for name in ("Top", "Top/gone/deep", "Top/gone/deep/deeper"):
                await r.store.commit_one(MakeMailbox(account=account.id, cell=account.cell, name=name))
            found = await boxes(r)
            assert found["gone/deep"]["parentId"] == found["Top"]["id"]
            assert found["deeper"]["parentId"] == found["gone/deep"]["id"]
            id = found["gone/deep"]["id"]
            assert (await set_(r, update={id: {"parentId": None}}))["updated"] == {id: None}
            assert r.box("deep/deeper").id

    run(body())


def test_mailboxes_are_listed_as_a_tree_and_the_changes_of_the_list_are_exact(tmp_path: Path) -> None:
    async def body() -> None:
        async with rig(tmp_path) as r:
            await set_(r, create={"z": {"name": "Zoo"}, "a": {"name": "Ape", "parentId": "#z"}})
            names = {each["id"]: name for name, each in (await boxes(r)).items()}
            asked = {"sort": [{"property": "name"}], "sortAsTree": True}
            answer = await r.call("Mailbox/query", asked)
            listed = [names[each] for each in answer["ids"]]
            assert listed == ["Archive", "Drafts", "INBOX", "Junk", "Sent", "Trash", "Zoo", "Ape"]
            for condition, found in (
                ({"name": "A"}, ["Archive", "Ape", "Drafts", "Trash"]),
                ({"hasAnyRole": False}, ["Ape", "Zoo"]),
                ({"role": "sent"}, ["Sent"]),
                ({"parentId": None, "role": None}, ["Zoo"]),
                ({"isSubscribed": False}, []),
            ):
                answer_ = await r.call("Mailbox/query", {"filter": condition, "sort": asked["sort"]})
                assert sorted(names[each] for each in answer_["ids"]) == sorted(found), condition
            below = await r.call("Mailbox/query", {"filter": {"name": "Ape"}, "filterAsTree": True})
            assert below["ids"] == []
            state = {"sinceQueryState": answer["queryState"]}
            await r.append(message(1))
            quiet = await r.call("Mailbox/queryChanges", asked | state)
            assert (quiet["removed"], quiet["added"]) == ([], [])
            zoo = next(id for id, name in names.items() if name == "Zoo")
            await set_(r, update={zoo: {"name": "Aal"}})
            moved = await r.call("Mailbox/queryChanges", asked | state)
            fresh = await r.call("Mailbox/query", asked)
            kept = [each for each in answer["ids"] if each not in moved["removed"]]
            for each in moved["added"]:
                kept.insert(each["index"], each["id"])
            assert kept == fresh["ids"]

    run(body())


def test_only_counts_are_told_as_only_counts(tmp_path: Path) -> None:
    async def body() -> None:
        async with rig(tmp_path) as r:
            state = (await r.call("Mailbox/get", {"ids": []}))["state"]
            await r.append(message(1))
            told = await r.call("Mailbox/changes", {"sinceState": state})
            assert told["updated"] == [(await boxes(r))["INBOX"]["id"]]
            assert told["updatedProperties"] == [
                "totalEmails",
                "unreadEmails",
                "totalThreads",
                "unreadThreads",
            ]
            await set_(r, update={told["updated"][0]: {"sortOrder": 1}})
            told = await r.call("Mailbox/changes", {"sinceState": state})
            assert told["updatedProperties"] is None

    run(body())


def test_a_thread_lists_its_emails_the_oldest_first(tmp_path: Path) -> None:
    async def body() -> None:
        async with rig(tmp_path) as r:
            for number, when in ((1, 30.0), (2, 10.0), (3, 20.0)):
                also = {"Subject": "one", "References": "<1@example.net>"}
                await r.append(message(number, **also), internaldate=1_300_000_000.0 + when)
            emails = (await r.call("Email/get", {"ids": None, "properties": ["threadId", "messageId"]}))[
                "list"
            ]
            names = {each["id"]: each["messageId"][0][0] for each in emails}
            (thread,) = (await r.call("Thread/get", {"ids": None}))["list"]
            assert [names[each] for each in thread["emailIds"]] == ["2", "3", "1"]
            asked = {"ids": [thread["id"], "t0", "odd"], "properties": ["id"]}
            answer = await r.call("Thread/get", asked)
            assert answer["list"] == [{"id": thread["id"]}] and answer["notFound"] == ["t0", "odd"]
            with pytest.raises(MethodFailed, match="invalidArguments"):
                await r.call("Thread/get", {"ids": [], "properties": ["colour"]})

    run(body())
