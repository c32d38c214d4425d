"""Contacts: what a card may hold, and how it is found (RFC 9610, RFC 9553)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdfast.model.limits import JMAP_PHOTO_BYTES
from unit.functions.jmap.rig import Rig, rig, run

pytestmark = pytest.mark.slow

JANE = {
    "@type": "Card",
    "version": "1.0",
    "uid": "urn:uuid:22B2C7DF-9120-4969-8460-05956FE6B065",
    "kind": "individual",
    "name": {
        "components": [
            {"kind": "given", "value": "Jane"},
            {"kind": "separator", "value": " "},
            {"kind": "surname", "value": "Doe"},
        ],
        "isOrdered": True,
    },
    "emails": {"e1": {"address": "jane@example.com", "contexts": {"work": True}, "pref": 1}},
    "phones": {"p1": {"number": "tel:+1-555-555-5555", "features": {"voice": True}}},
    "organizations": {"o1": {"name": "ABC, Inc.", "units": [{"name": "North American Division"}]}},
    "notes": {"n1": {"note": "likes Öl"}},
    "anniversaries": {"a1": {"kind": "birth", "date": {"year": 1953, "month": 4, "day": 15}}},
    "example.com:colour": {"kept": [1, None, "as it is"]},
}
BOOK = {"addressBookIds": {"contacts": True}}


async def make(r: Rig, **cards: Any) -> dict[str, str]:
    create = {name: {**BOOK, **card} for name, card in cards.items()}
    result = await r.call("ContactCard/set", {"create": create})
    assert not result.get("notCreated"), result["notCreated"]
    return {name: each["id"] for name, each in result["created"].items()}


async def card(r: Rig, name: str) -> dict[str, Any]:
    (found,) = (await r.call("ContactCard/get", {"ids": [name]}))["list"]
    return dict(found)


async def found(r: Rig, sort: str = "", **condition: Any) -> list[str]:
    asked: dict[str, Any] = {"filter": condition} if condition else {}
    if sort:
        asked["sort"] = [{"property": sort}]
    return list((await r.call("ContactCard/query", asked))["ids"])


def test_a_card_comes_back_as_it_was_given_with_what_nobody_knows(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            ids = await make(r, jane=JANE)
            kept = await card(r, ids["jane"])
            assert {name: kept[name] for name in JANE} == JANE
            assert kept["created"] == kept["updated"]
            await r.rebuilt()
            assert await card(r, ids["jane"]) == kept

    run(main())


def test_a_card_without_a_uid_is_given_one_and_no_two_have_the_same(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            ids = await make(r, jane=JANE, other={"name": {"full": "Other"}})
            assert (await card(r, ids["other"]))["uid"].startswith("urn:uuid:")
            again = await r.call("ContactCard/set", {"create": {"j": {**BOOK, **JANE}}})
            refused = again["notCreated"]["j"]
            assert (refused["type"], refused["existingId"]) == ("alreadyExists", ids["jane"])
            changed = await r.call("ContactCard/set", {"update": {ids["jane"]: {"uid": "x"}}})
            assert changed["notUpdated"][ids["jane"]]["properties"] == ["uid"]

    run(main())


WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"id": "mine"}, ["id"]),
    ({"addressBookIds": {}}, ["addressBookIds"]),
    ({"addressBookIds": {"nowhere": True}}, ["addressBookIds"]),
    ({"addressBookIds": {"contacts": False}}, ["addressBookIds"]),
    ({"@type": "Contact"}, ["@type"]),
    ({"version": "2.0"}, ["version"]),
    ({"emails": {"e": {"address": 7}, "f": {"@type": "Phone", "address": "a@b"}}},
     ["emails/e/address", "emails/f/@type"]),
    ({"emails": {"a b": {"address": "a@b.example"}}}, ["emails/a b"]),
    ({"phones": {"p": {"number": "1", "pref": 101}}}, ["phones/p/pref"]),
    ({"members": {"urn:x": True}}, ["members"]),
    ({"keywords": {"x": False}}, ["keywords/x"]),
    ({"name": {}}, ["name/components"]),
    ({"anniversaries": {"a": {"kind": "birth", "date": {"day": 3}}}}, ["anniversaries/a/date"]),
    ({"anniversaries": {"a": {"kind": "birth", "date": {"month": 13}}}}, ["anniversaries/a/date/month"]),
    ({"localizations": {"de": {"localizations/en": {}}}}, ["localizations/de/localizations~1en"]),
    ({"media": {"m": {"kind": "photo"}}}, ["media/m/uri"]),
    ({"links": {"l": {"uri": "no scheme"}}}, ["links/l/uri"]),
    ({"created": "yesterday"}, ["created"]),
]  # fmt: skip


def test_what_is_no_card_is_refused_with_all_that_is_wrong(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            for value, wrong in WRONG:
                result = await r.call("ContactCard/set", {"create": {"c": {**BOOK, **value}}})
                assert result["notCreated"]["c"]["properties"] == wrong, value

    run(main())


def test_a_patch_reaches_into_a_card_and_is_checked_as_the_whole(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            jane = (await make(r, jane=JANE))["jane"]
            patch = {"emails/e1/pref": 2, "notes": None, "emails/e2": {"address": "j@home.example"}}
            result = await r.call("ContactCard/set", {"update": {jane: patch}})
            assert jane in result["updated"]
            kept = await card(r, jane)
            assert (kept["emails"]["e1"]["pref"], kept["emails"]["e2"]["address"]) == (2, "j@home.example")
            assert "notes" not in kept
            wrong = await r.call("ContactCard/set", {"update": {jane: {"emails/e1/pref": "high"}}})
            assert wrong["notUpdated"][jane]["properties"] == ["emails/e1/pref"]

    run(main())


def test_cards_are_found_by_what_they_say(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            group = {"kind": "group", "name": {"full": "Friends"}, "members": {JANE["uid"]: True}}
            ids = await make(r, jane=JANE, friends=group, bob={"name": {"full": "Bob Öztürk"}})
            jane, friends, bob = ids["jane"], ids["friends"], ids["bob"]
            assert await found(r, text="doe jane") == [jane]
            assert await found(r, text="öztürk") == [bob]
            assert await found(r, text="american DIV") == [jane]
            assert await found(r, name="jane") == [jane]
            assert await found(r, **{"name/given": "doe"}) == []
            assert await found(r, **{"name/surname": "doe"}) == [jane]
            assert await found(r, email="example.com") == [jane]
            assert await found(r, phone="555") == [jane]
            assert await found(r, organization="abc") == [jane]
            assert await found(r, note="öl") == [jane]
            assert await found(r, hasMember=JANE["uid"]) == [friends]
            assert await found(r, kind="group") == [friends]
            assert await found(r, uid=JANE["uid"]) == [jane]
            assert set(await found(r, inAddressBook="contacts")) == {jane, friends, bob}
            assert await found(r, createdBefore="2000-01-01T00:00:00Z") == []
            assert set(await found(r, updatedAfter="2000-01-01T00:00:00Z")) == {jane, friends, bob}
            assert (await found(r, sort="name/surname"))[-1] == jane

    run(main())


def given(name: str) -> dict[str, Any]:
    return {"components": [{"kind": "given", "value": name}]}


def test_the_changes_of_a_list_make_the_new_one_of_the_old(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            people = {
                f"c{n}": {"name": {"components": [{"kind": "given", "value": f"{n:02}"}]}} for n in range(9)
            }
            ids = await make(r, **people)
            asked = {"filter": {"name": "0"}, "sort": [{"property": "name/given"}]}
            before = await r.call("ContactCard/query", asked)
            first, second = ids["c0"], ids["c1"]
            moved = {"name/components": [{"kind": "given", "value": "077"}]}
            gone = {"name/components": [{"kind": "given", "value": "x"}]}
            await r.call("ContactCard/set", {"update": {first: moved, second: gone}, "destroy": [ids["c5"]]})
            await make(r, late={"name": {"full": "00"}})
            told = await r.call(
                "ContactCard/queryChanges", {**asked, "sinceQueryState": before["queryState"]}
            )
            left = [each for each in before["ids"] if each not in told["removed"]]
            for item in told["added"]:
                left.insert(item["index"], item["id"])
            assert left == (await r.call("ContactCard/query", asked))["ids"]
            assert told["newQueryState"] == (await r.call("ContactCard/query", asked))["queryState"]

    run(main())


def test_a_photo_is_kept_in_its_card_and_may_not_be_large(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            blob = await r.upload(b"\x89PNG picture")
            photo = {"kind": "photo", "blobId": blob, "mediaType": "image/png"}
            ids = await make(r, one={"media": {"m": photo}})
            (kept,) = (await card(r, ids["one"]))["media"].values()
            assert kept["uri"] == "data:image/png;base64,iVBORyBwaWN0dXJl"
            large = await r.upload(b"x" * (JMAP_PHOTO_BYTES + 1))
            media = {"m": {"kind": "photo", "blobId": large}}
            result = await r.call("ContactCard/set", {"create": {"c": {**BOOK, "media": media}}})
            assert result["notCreated"]["c"]["type"] == "tooLarge"
            media = {"m": {"kind": "photo", "blobId": "Uabc"}}
            result = await r.call("ContactCard/set", {"create": {"c": {**BOOK, "media": media}}})
            assert result["notCreated"]["c"]["notFound"] == ["Uabc"]

    run(main())
