"""Emails read, changed, made and imported over a real store. RFC 8621 §4"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdfast.functions.jmap.rows import Keywords, split
from holdfast.model.uidset import UidSet
from holdfast.store import Move, StoreFlags
from holdfast.wire.jmap.core import CORE, MAIL
from unit.functions.jmap.rig import MethodFailed, Rig, message, rig, run

pytestmark = pytest.mark.slow
Json = dict[str, Any]


async def boxes_of(r: Rig) -> dict[str, str]:
    return {each["name"]: each["id"] for each in (await r.call("Mailbox/get"))["list"]}


async def all_emails(r: Rig, *properties: str) -> list[Json]:
    asked: Json = {"ids": None} | ({"properties": list(properties)} if properties else {})
    found: list[Json] = (await r.call("Email/get", asked))["list"]
    return found


def test_jmapd_16_a_damaged_message_is_listed_and_says_so(tmp_path: Path) -> None:
    async def body() -> None:
        async with rig(tmp_path) as r:
            await r.append(message(1))
            appended = await r.append(message(2, "gone for good"))
            account = r.account()
            row = r.store.account(account.id, account.cell).emails([appended.message])[appended.message]
            (pack,) = [each for each in Path(r.volume).rglob("*.pack") if "mail" in str(each)]
            data = bytearray(pack.read_bytes())
            at = row.ref.offset + row.ref.frame // 2
            data[at : at + 8] = b"\xff" * 8
            pack.write_bytes(data)
            asked = {"ids": None, "fetchAllBodyValues": True}
            first, second = sorted(
                (await r.call("Email/get", asked))["list"], key=lambda each: each["subject"]
            )
            assert first["bodyValues"]["1"] == {
                "value": "body 1\n",
                "isEncodingProblem": False,
                "isTruncated": False,
            }
            assert second["subject"] == "message 2" and second["preview"] == "gone for good"
            assert second["bodyValues"]["1"]["isEncodingProblem"]
            assert "damaged" in second["bodyValues"]["1"]["value"]
            assert (await r.call("Email/query", {"filter": {"text": "gone"}}))["ids"] == []
            with pytest.raises(MethodFailed, match="serverUnavailable"):
                given = {
                    "blobId": second["blobId"],
                    "mailboxIds": dict.fromkeys((await boxes_of(r)).values(), True),
                }
                answer = await r.call("Email/import", {"emails": {"i": given}})
                raise MethodFailed(answer["notCreated"]["i"])

    run(body())


def test_jmapd_16_an_index_out_of_reach_is_never_an_empty_list(tmp_path: Path) -> None:
    async def body() -> None:
        async with rig(tmp_path) as r:
            await r.append(message(1))
            account = r.account()
            Path(r.files.path(account.cell)).write_bytes(b"no index" * 1000)
            for suffix in ("-wal", "-shm"):
                Path(r.files.path(account.cell) + suffix).unlink(missing_ok=True)
            r.store._readers._cells.clear()
            for method, given in (
                ("Email/query", {}),
                ("Email/get", {"ids": None}),
                ("Mailbox/get", {}),
                ("Thread/get", {"ids": []}),
                ("Email/changes", {"sinceState": "1"}),
            ):
                with pytest.raises(MethodFailed) as caught:
                    await r.call(method, given)
                assert caught.value.type == "serverUnavailable", method

    run(body())


def test_jmapd_18_five_hundred_flags_are_one_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        async with rig(tmp_path) as r:
            for number in range(30):
                await r.append(message(number))
            ids = [each["id"] for each in await all_emails(r, "id")]
            commits: list[int] = []
            commit = r.store.commit

            async def counted(commands: Any) -> Any:
                commits.append(len(commands))
                return await commit(commands)

            monkeypatch.setattr(r.store, "commit", counted)
            answer = await r.call("Email/set", {"update": {each: {"keywords/$seen": True} for each in ids}})
            assert answer["updated"].keys() == set(ids) and commits == [1]

    run(body())


def test_jmapd_18_what_imap_moves_meanwhile_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with rig(tmp_path) as r:
            appended = await r.append(message(1))
            account, (email,) = r.account(), await all_emails(r, "id")
            commit, moved = r.store.commit, [False]

            async def moved_first(commands: Any) -> Any:
                if not moved[0]:
                    moved[0] = True
                    uids = UidSet.of([appended.uid]).pack()
                    who = {"account": account.id, "cell": account.cell}
                    await commit([Move(**who, mailbox=appended.mailbox, uids=uids, to="Archive")])
                return await commit(commands)

            monkeypatch.setattr(r.store, "commit", moved_first)
            boxes = await boxes_of(r)
            patch = {"keywords/$flagged": True, f"mailboxIds/{boxes['Sent']}": True}
            answer = await r.call("Email/set", {"update": {email["id"]: patch}})
            assert answer["notUpdated"] is None
            (email,) = await all_emails(r, "mailboxIds", "keywords")
            assert email["keywords"] == {"$flagged": True}
            assert email["mailboxIds"] == {boxes["Archive"]: True, boxes["Sent"]: True}

    run(body())


def test_an_update_is_a_patch_or_a_whole_and_changes_nothing_else(tmp_path: Path) -> None:
    async def body() -> None:
        async with rig(tmp_path) as r:
            await r.append(message(1), keywords=("Old",))
            (email,), boxes = await all_emails(r), await boxes_of(r)
            id, inbox, trash = email["id"], boxes["INBOX"], boxes["Trash"]

            async def refused(patch: Json) -> Json:
                error: Json = (await r.call("Email/set", {"update": {id: patch}}))["notUpdated"][id]
                return error

            assert email["keywords"] == {"old": True}
            assert (await refused({"subject": "other"}))["properties"] == ["subject"]
            assert (await refused({f"mailboxIds/{inbox}": None}))["properties"] == ["mailboxIds"]
            assert (await refused({"mailboxIds": {"b0": True}}))["properties"] == ["mailboxIds"]
            assert (await refused({"keywords": {"a b": True}}))["properties"] == ["keywords"]
            assert (await refused({"keywords": {"a": False}}))["properties"] == ["keywords"]
            assert (await refused({"keywords": {}, "keywords/a": True}))["type"] == "invalidPatch"
            before = (await r.call("Email/get", {"ids": []}))["state"]
            same = {"keywords": {"OLD": True}, "size": email["size"], "mailboxIds": {inbox: True}}
            answer = await r.call("Email/set", {"update": {id: same}})
            assert answer["updated"] == {id: None} and answer["newState"] == before
            await r.call(
                "Email/set", {"update": {id: {"keywords": {"$Seen": True}, "mailboxIds": {trash: True}}}}
            )
            (email,) = await all_emails(r, "keywords", "mailboxIds", "threadId", "blobId")
            assert (email["id"], email["keywords"], email["mailboxIds"]) == (
                id,
                {"$seen": True},
                {trash: True},
            )
            with pytest.raises(MethodFailed, match="stateMismatch"):
                await r.call("Email/set", {"ifInState": before, "destroy": [id]})
            answer = await r.call("Email/set", {"update": {id: {"keywords": {}}, "m0": {}}, "destroy": [id]})
            assert answer["destroyed"] == [id] and answer["notUpdated"][id]["type"] == "willDestroy"
            assert await all_emails(r) == []

    run(body())


def test_a_draft_is_made_with_what_was_uploaded_and_read_back(tmp_path: Path) -> None:
    async def body() -> None:
        async with rig(tmp_path) as r:
            boxes, blob = await boxes_of(r), await r.upload(b"\x89PNG...")
            draft = {
                "mailboxIds": {boxes["Drafts"]: True, boxes["Archive"]: True},
                "keywords": {"$draft": True},
                "receivedAt": "2012-08-15T12:00:00Z",
                "from": [{"name": "Ada", "email": "ada@example.org"}],
                "to": [{"name": "Bén", "email": "ben@example.org"}],
                "subject": "Grüße",
                "htmlBody": [{"partId": "h", "type": "text/html"}],
                "bodyValues": {"h": {"value": "<p onclick=x>Hi <img src='cid:a@b'><script>1</script></p>"}},
                "attachments": [{"blobId": blob, "type": "image/png", "cid": "a@b", "name": "a.png"}],
            }
            answer = await r.call("Email/set", {"create": {"d": draft, "e": draft | {"mailboxIds": {}}}})
            assert answer["notCreated"]["e"]["properties"] == ["mailboxIds"]
            made = answer["created"]["d"]
            asked = {"ids": [made["id"]], "fetchHTMLBodyValues": True, "sanitizeHTMLBodyValues": True}
            (read,) = (await r.call("Email/get", asked))["list"]
            plain = [CORE, MAIL]  # without the vendor's capability nobody knows the argument
            ((kind, refused, _),) = await r.calls(("Email/get", asked, "0"), using=plain)
            assert (kind, refused["type"]) == ("error", "invalidArguments")
            for name in ("mailboxIds", "keywords", "receivedAt", "from", "to", "subject"):
                assert read[name] == draft[name], name
            assert {name: read[name] for name in ("id", "blobId", "threadId", "size")} == made
            assert [each["value"] for each in read["bodyValues"].values()] == [
                '<p>Hi <img src="cid:a@b"></p>'
            ]
            again = await r.call(
                "Email/set", {"create": {"f": {**draft, "attachments": read["attachments"]}}}
            )
            assert (
                again["notCreated"]["f"]["type"] in ("invalidProperties", "blobNotFound") or again["created"]
            )

    run(body())


def test_a_message_is_imported_with_its_date_and_an_attached_one_is_read(tmp_path: Path) -> None:
    async def body() -> None:
        async with rig(tmp_path) as r:
            inbox = (await boxes_of(r))["INBOX"]
            received = b"Received: from a by b;\n Tue, 10 Jul 2018 01:03:11 +0000\n"
            outer = (
                b"Subject: outer\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
                b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + message(5, "inside") + b"--b--\r\n"
            )
            blobs = [
                await r.upload(each)
                for each in (received + message(1).replace(b"\r\n", b"\n"), outer, b"no header")
            ]
            emails = {str(n): {"blobId": each, "mailboxIds": {inbox: True}} for n, each in enumerate(blobs)}
            emails["x"] = {"blobId": "Unothing", "mailboxIds": {inbox: True}}
            emails["y"] = {"blobId": blobs[0], "mailboxIds": {inbox: True}, "colour": "red"}
            answer = await r.call("Email/import", {"emails": emails})
            errors = {name: each["type"] for name, each in answer["notCreated"].items()}
            assert errors == {"2": "invalidEmail", "x": "blobNotFound", "y": "invalidProperties"}
            one, other = (answer["created"][name]["id"] for name in "01")
            (first,) = (await r.call("Email/get", {"ids": [one], "properties": ["receivedAt"]}))["list"]
            assert first["receivedAt"] == "2018-07-10T01:03:11Z"
            (second,) = (await r.call("Email/get", {"ids": [other], "properties": ["attachments"]}))["list"]
            attached = second["attachments"][0]["blobId"]
            asked = {"blobIds": [attached, blobs[2], "Bnone"], "fetchAllBodyValues": True}
            parsed = await r.call("Email/parse", asked)
            assert (parsed["notParsable"], parsed["notFound"]) == ([blobs[2]], ["Bnone"])
            inner = parsed["parsed"][attached]
            assert inner["subject"] == "message 5" and inner["bodyValues"]["1"]["value"].startswith("inside")
            again = await r.call(
                "Email/parse", {"blobIds": [inner["textBody"][0]["blobId"]], "properties": ["size"]}
            )
            assert again["notParsable"] or again["parsed"]

    run(body())


def test_nothing_is_copied_from_an_account_to_itself_or_from_another(tmp_path: Path) -> None:
    async def body() -> None:
        async with rig(tmp_path) as r:
            mine = f"a{r.account().id}"
            for given, fault in ((mine, "invalidArguments"), ("a99", "fromAccountNotFound")):
                with pytest.raises(MethodFailed) as caught:
                    await r.call("Email/copy", {"fromAccountId": given, "create": {}})
                assert caught.value.type == fault
            with pytest.raises(MethodFailed, match="accountNotFound"):
                await r.call("Email/copy", {"accountId": "a99", "fromAccountId": mine, "create": {}})

    run(body())


def test_flags_of_several_entries_are_one_emails_keywords(tmp_path: Path) -> None:
    async def body() -> None:
        async with rig(tmp_path) as r:
            appended, boxes = await r.append(message(1)), await boxes_of(r)
            (email,) = await all_emails(r, "id")
            await r.call("Email/set", {"update": {email["id"]: {f"mailboxIds/{boxes['Archive']}": True}}})
            account = r.account()
            who = {"account": account.id, "cell": account.cell}
            uids = UidSet.of([appended.uid]).pack()
            await r.store.commit_one(
                StoreFlags(
                    **who,
                    mailbox=appended.mailbox,
                    uids=uids,
                    mode="add",
                    flags=1 | 4 | 8,
                    keywords=("Blue",),
                )
            )
            (email,) = await all_emails(r, "keywords")
            assert email["keywords"] == {"$flagged": True, "blue": True}
            await r.call("Email/set", {"update": {email["id"]: {"keywords": {"$seen": True}}}})
            (email,) = await all_emails(r, "keywords")
            assert email["keywords"] == {"$seen": True}

    run(body())


def test_keywords_and_bits_are_told_apart() -> None:
    assert split(["$Seen", "$flagged", "Foo"]) == (5, ("foo",))
    keywords = Keywords(["Foo", "foo", "$x"])
    assert keywords.bit("FOO") == 32 and keywords.bit("nothing") == 0
    assert keywords.of(1 | 8 | 32 | 128) == {"$seen": True, "foo": True, "$x": True}
