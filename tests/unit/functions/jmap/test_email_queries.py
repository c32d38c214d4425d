"""Queries of Emails and their changes, against a fresh look at the same store."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from holdfast.functions.jmap.query_lists import Lists
from holdfast.model.uidset import UidSet
from holdfast.store import Copy
from holdfast.wire.jmap.standard import AddedItem
from holdfast.wire.jmap.windows import apply_query_changes
from unit.functions.jmap.rig import MethodFailed, Rig, message, rig, run

Json = dict[str, Any]


async def boxes_of(r: Rig) -> dict[str, str]:
    return {each["name"]: each["id"] for each in (await r.call("Mailbox/get"))["list"]}


async def fresh(r: Rig, asked: Json) -> list[str]:
    """The whole list as a process knows it that has kept nothing."""
    kept, r.lists = r.lists, Lists()
    try:
        return (await r.call("Email/query", asked))["ids"]
    finally:
        r.lists = kept


class Follower:
    """A client that has a list and asks for its changes only."""

    def __init__(self, asked: Json) -> None:
        self.asked = asked
        self.ids: list[str] = []
        self.state = ""

    async def begin(self, r: Rig) -> None:
        answer = await r.call("Email/query", self.asked)
        self.ids, self.state = answer["ids"], answer["queryState"]

    async def follow(self, r: Rig) -> None:
        asked = self.asked | {"sinceQueryState": self.state}
        answer = await r.call("Email/queryChanges", asked)
        added = [AddedItem(each["id"], each["index"]) for each in answer["added"]]
        assert [each.index for each in added] == sorted(each.index for each in added)
        self.ids = apply_query_changes(self.ids, answer["removed"], added)
        self.state = answer["newQueryState"]


class Mess:
    """Somebody who does anything with his mail."""

    def __init__(self, r: Rig, boxes: dict[str, str], seed: int) -> None:
        self.r = r
        self.random = random.Random(seed)
        self.boxes = boxes
        self.number = 0

    async def step(self) -> None:
        ids = (await self.r.call("Email/query", {}))["ids"]
        what = self.random.choice(
            ["new", "new", "answer", "flag", "flag", "move", "copy", "destroy", "twice"]
        )
        if what in ("new", "answer") or not ids:
            await self._deliver(what == "answer")
            return
        some = self.random.sample(ids, min(len(ids), self.random.randint(1, 3)))
        box = self.random.choice(list(self.boxes.values()))
        if what == "destroy":
            await self.r.call("Email/set", {"destroy": some[:1]})
        elif what == "flag":
            patch: Json = {
                f"keywords/{self.random.choice(['$flagged', '$seen'])}": self.random.choice([True, None])
            }
            await self.r.call("Email/set", {"update": dict.fromkeys(some, patch)})
        elif what == "twice":
            await self._copy_onto_itself()
        else:
            patch = {f"mailboxIds/{box}": True} if what == "copy" else {"mailboxIds": {box: True}}
            await self.r.call("Email/set", {"update": dict.fromkeys(some, patch)})

    async def _copy_onto_itself(self) -> None:
        """As IMAP may do: a message has two entries in one mailbox."""
        box, account = self.r.box(), self.r.account()
        if box.exists:
            mail = self.r.store.account(account.id, account.cell)
            one = self.random.choice(list(mail.uids(box)))
            uids = UidSet.of([one]).pack()
            await self.r.store.commit_one(
                Copy(account=account.id, cell=account.cell, mailbox=box.id, uids=uids, to="INBOX")
            )

    async def _deliver(self, answers: bool) -> None:
        self.number += 1
        about = self.random.randint(1, self.number) if answers else self.number
        also = {"Subject": f"about {about}", "References": f"<{about}@example.net>"} if answers else {}
        name = "INBOX" if self.random.random() < 0.7 else "Archive"
        when = self.random.choice([None, 1_300_000_000.0 + self.random.randint(0, 50)])
        data = message(self.number, **{"Subject": f"about {about}", **also})
        await self.r.append(data, name, internaldate=when)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_jmapd_20_following_a_query_ends_where_a_fresh_one_does(tmp_path: Path, seed: int) -> None:
    """JMAPD-19 too: some are asked of a process that keeps lists."""

    async def body() -> None:
        async with rig(tmp_path) as r:
            boxes = await boxes_of(r)
            inbox = {"inMailbox": boxes["INBOX"]}
            queries: list[Json] = [
                {"filter": inbox},
                {"filter": inbox, "collapseThreads": True},
                {"collapseThreads": True},
                {"filter": inbox, "sort": [{"property": "receivedAt", "isAscending": True}]},
                {"filter": {**inbox, "notKeyword": "$seen"}, "collapseThreads": True},
                {"filter": {"someInThreadHaveKeyword": "$flagged"}},
                {"filter": {"operator": "NOT", "conditions": [inbox, {"allInThreadHaveKeyword": "$seen"}]}},
                {
                    "sort": [
                        {"property": "someInThreadHaveKeyword", "keyword": "$flagged", "isAscending": False}
                    ]
                },
                {"filter": {"inMailboxOtherThan": [boxes["INBOX"]]}, "sort": [{"property": "subject"}]},
            ]
            followers = [Follower(each) for each in queries]
            mess = Mess(r, boxes, seed)
            for _ in range(10):
                await mess.step()
            for each in followers:
                await each.begin(r)
            for round_ in range(60):
                await mess.step()
                for each in followers:
                    if mess.random.random() < 0.4:
                        await each.follow(r)
                        assert each.ids == await fresh(r, each.asked), (round_, each.asked)
                    if mess.random.random() < 0.2:
                        limit = mess.random.randint(0, 5)
                        at = mess.random.randint(0, 8)
                        part = await r.call(
                            "Email/query",
                            each.asked
                            | {"position": at, "limit": limit, "calculateTotal": mess.random.random() < 0.5},
                        )
                        whole = await fresh(r, each.asked)
                        assert part["ids"] == whole[at : at + limit]
                        assert part.get("total", len(whole)) == len(whole)

    run(body())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_jmapd_17_following_changes_ends_where_a_fresh_look_does(tmp_path: Path, seed: int) -> None:
    async def everything(r: Rig, kind: str) -> dict[str, Json]:
        return {each["id"]: each for each in (await r.call(f"{kind}/get", {"ids": None}))["list"]}

    async def body() -> None:
        async with rig(tmp_path) as r:
            mess = Mess(r, await boxes_of(r), seed)
            known: dict[str, dict[str, Json]] = {}
            states: dict[str, str] = {}
            for kind in ("Mailbox", "Thread", "Email"):
                known[kind] = await everything(r, kind)
                states[kind] = (await r.call(f"{kind}/get", {"ids": []}))["state"]
            for _ in range(50):
                for _ in range(mess.random.randint(1, 4)):
                    await mess.step()
                for kind, objects in known.items():
                    more = True
                    while more:
                        most = mess.random.randint(1, 6)
                        told = await r.call(
                            f"{kind}/changes", {"sinceState": states[kind], "maxChanges": most}
                        )
                        listed = told["created"] + told["updated"] + told["destroyed"]
                        assert len(listed) == len(set(listed)) <= most
                        assert not set(told["created"]) & objects.keys()
                        assert set(told["updated"] + told["destroyed"]) <= objects.keys()
                        answer = await r.call(f"{kind}/get", {"ids": told["created"] + told["updated"]})
                        objects.update((each["id"], each) for each in answer["list"])
                        for each in told["destroyed"]:
                            del objects[each]
                        states[kind], more = told["newState"], told["hasMoreChanges"]
                    assert objects == await everything(r, kind), kind

    run(body())


@pytest.mark.slow
def test_a_window_is_found_from_either_end_and_by_an_anchor(tmp_path: Path) -> None:
    async def body() -> None:
        async with rig(tmp_path) as r:
            for number in range(6):
                await r.append(message(number), internaldate=1_300_000_000.0 + number)
            asked = {"filter": {"inMailbox": (await boxes_of(r))["INBOX"]}}
            whole = (await r.call("Email/query", asked))["ids"]
            for given, expected, at in (
                ({"position": -2}, whole[-2:], 4),
                ({"anchor": whole[3], "anchorOffset": -1, "limit": 2}, whole[2:4], 2),
                ({"anchor": whole[1], "anchorOffset": -5, "limit": 1}, whole[:1], 0),
                ({"position": 9}, [], 9),
                ({"limit": 0, "calculateTotal": True}, [], 0),
            ):
                answer = await r.call("Email/query", asked | given)
                assert (answer["ids"], answer["position"]) == (expected, at)
            with pytest.raises(MethodFailed, match="anchorNotFound"):
                await r.call("Email/query", asked | {"anchor": "m0"})
            with pytest.raises(MethodFailed, match="anchorNotFound"):
                await r.call("Email/query", asked | {"anchor": "nothing-of-ours"})

    run(body())


@pytest.mark.slow
def test_words_are_found_wherever_the_filter_looks(tmp_path: Path) -> None:
    """RFC 8621 §4.4.1, each condition."""

    async def body() -> None:
        async with rig(tmp_path) as r:
            html = (
                b"Content-Type: text/html; charset=utf-8\r\nSubject: page\r\n\r\n"
                b"<p>Gr\xc3\xbc\xc3\x9fe <b>zusammen</b><style>hidden</style>"
            )
            coded = (
                b"Subject: =?utf-8?q?M=C3=BCnchen?=\r\nX-Mark: Seen Today\r\n"
                b"Content-Type: text/plain; charset=utf-8\r\n"
                b"Content-Transfer-Encoding: base64\r\n\r\nZWluIExhbmdlciBUZXh0\r\n"
            )
            plain = message(1, "the Quick brown fox", Cc="Carl <carl@example.net>")
            for number, data in enumerate((plain, html, coded)):
                await r.append(data, internaldate=1_300_000_000.0 + 100 * number)
            await r.append(message(9), "Trash", internaldate=1_200_000_000.0)
            named = {
                each["id"]: each["subject"] for each in (await r.call("Email/get", {"ids": None}))["list"]
            }

            async def found(**condition: Any) -> list[str]:
                answer = await r.call("Email/query", {"filter": condition})
                return [named[each] for each in answer["ids"]]

            trash = (await boxes_of(r))["Trash"]
            assert await found(text="quick FOX") == ["message 1"]
            assert await found(text='"fox quick"') == []
            assert await found(body="zusammen grüsse") == ["page"]
            assert await found(body="zusammen grusse") == []
            assert await found(body="zusammen grüße") == ["page"]
            assert await found(body="hidden") == []
            assert await found(body="langer") == ["München"]
            assert await found(text="münchen") == ["München"]
            assert await found(body="münchen") == []
            assert await found(subject="MÜNCHEN") == ["München"]
            assert await found(**{"from": "author"}) == ["message 1", "message 9"]
            assert await found(cc="carl@example.net") == ["message 1"]
            assert await found(to="ada", before="2009-01-01T00:00:00Z") == ["message 9"]
            assert await found(after="2011-03-13T07:08:21Z") == ["München"]
            assert await found(header=["x-mark"]) == ["München"]
            assert await found(header=["X-Mark", "seen today"]) == ["München"]
            assert await found(header=["X-Mark", "tomorrow"]) == []
            assert await found(minSize=10_000) == []
            assert len(await found(maxSize=10_000)) == 4
            assert await found(inMailbox=trash) == ["message 9"]
            assert await found(inMailbox="b0") == await found(inMailbox="odd-one") == []
            assert len(await found(inMailboxOtherThan=[trash])) == 3
            assert len(await found(hasAttachment=False)) == 4
            (snippet,) = (
                await r.call(
                    "SearchSnippet/get",
                    {
                        "filter": {"text": "brown message"},
                        "emailIds": [next(i for i, s in named.items() if s == "message 1")],
                    },
                )
            )["list"]
            assert snippet["subject"] == "<mark>message</mark> 1"
            assert snippet["preview"] == "the Quick <mark>brown</mark> fox"

    run(body())


def test_what_cannot_be_asked_is_refused_by_name(tmp_path: Path) -> None:
    async def body() -> None:
        async with rig(tmp_path) as r:
            for given, fault in (
                ({"filter": {"colour": "red"}}, "unsupportedFilter"),
                ({"sort": [{"property": "colour"}]}, "unsupportedSort"),
                ({"sort": [{"property": "hasKeyword"}]}, "invalidArguments"),
                ({"filter": {"operator": "XOR", "conditions": []}}, "invalidArguments"),
            ):
                with pytest.raises(MethodFailed) as caught:
                    await r.call("Email/query", given)
                assert caught.value.type == fault
            for state in ("odd", "99999999", "-1"):
                with pytest.raises(MethodFailed) as caught:
                    await r.call("Email/queryChanges", {"sinceQueryState": state})
                assert caught.value.type == "cannotCalculateChanges"
                with pytest.raises(MethodFailed) as caught:
                    await r.call("Email/changes", {"sinceState": state})
                assert caught.value.type == "cannotCalculateChanges"

    run(body())


@pytest.mark.slow
def test_names_of_attachments_are_found_by_the_index_with_the_capability_only(tmp_path: Path) -> None:
    def attached(number: int, how: str) -> bytes:
        parts = f"--b\r\nContent-Type: text/plain\r\n\r\ninvoice.pdf\r\n--b\r\n{how}\r\n\r\nx\r\n--b--"
        return message(number, parts, Content_Type="multipart/mixed; boundary=b")

    async def body() -> None:
        async with rig(tmp_path) as r:
            pdf = "Content-Type: application/pdf\r\nContent-Disposition: attachment"
            await r.append(attached(1, f'{pdf}; filename="Invoice 2026 \\"new\\".pdf"'))
            await r.append(attached(2, f"{pdf}; filename*=utf-8''Pr%C3%BCfung.PDF"))
            await r.append(attached(3, 'Content-Type: image/png; name="=?utf-8?q?Gru=C3=9F.png?="'))
            await r.append(attached(4, "Content-Type: application/pdf"))
            await r.append(message(5, "invoice.pdf"))
            listed = (await r.call("Email/get", {"ids": None, "properties": ["subject"]}))["list"]
            number = {each["id"]: int(each["subject"].split()[1]) for each in listed}
            for words, found in (
                ("invoice", {1}),
                ("PDF", {1, 2}),
                ("2026 invoice", {1}),
                ('"invoice 2026"', {1}),
                ('"2026 invoice"', set()),
                ("prüfung", {2}),
                ("gruss.png", {3}),
            ):
                answer = await r.call("Email/query", {"filter": {"attachmentName": words}})
                assert {number[each] for each in answer["ids"]} == found, words
            inside = {"operator": "NOT", "conditions": [{"attachmentName": "pdf"}]}
            core = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"]
            for name in ("Email/query", "Email/queryChanges"):
                asked = {"filter": inside} | ({"sinceQueryState": "1"} if "Changes" in name else {})
                ((said, result, _),) = await r.calls((name, asked, "0"), using=core)
                assert (said, result["type"]) == ("error", "unsupportedFilter")

    run(body())
