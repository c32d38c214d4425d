"""Objects of any kind: what is told of them, and that nobody's change is lost (JOBJ-1, JOBJ-2)."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from holdfast.functions.jmap.settings import SINGLETON
from holdfast.store import PutObject
from unit.functions.jmap.rig import ADA, MethodFailed, Rig, rig, run

pytestmark = pytest.mark.slow


async def books(r: Rig, **asked: Any) -> dict[str, Any]:
    result = await r.call("AddressBook/get", asked)
    return {each["name"]: each for each in result["list"]}


def test_the_first_address_book_is_there_by_itself(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            found = await books(r)
            assert list(found) == ["Contacts"]
            assert found["Contacts"]["isDefault"] is True
            assert found["Contacts"]["myRights"]["mayDelete"] is False

    run(main())


def test_jobj_2_states_move_with_the_kind_and_with_nothing_else(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            before = (await r.call("AddressBook/get"))["state"]
            await r.deliver(b"Subject: x\r\n\r\ny\r\n")
            await r.call("Settings/set", {"update": {SINGLETON: {"language": "de"}}})
            assert (await r.call("AddressBook/get"))["state"] == before
            made = await r.call("AddressBook/set", {"create": {"k": {"name": "Work"}}})
            assert made["oldState"] == before != made["newState"]
            changes = await r.call("AddressBook/changes", {"sinceState": before})
            assert changes["created"] == [made["created"]["k"]["id"]]
            assert changes["newState"] == made["newState"]
            assert not changes["hasMoreChanges"]
            await r.rebuilt()
            assert (await r.call("AddressBook/get"))["state"] == made["newState"]

    run(main())


def test_what_is_unknown_is_refused_by_name_and_what_is_the_server_s_is_not_taken(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            result = await r.call(
                "AddressBook/set",
                {
                    "create": {
                        "a": {"name": "A", "colour": "red"},
                        "b": {"name": "B", "isDefault": True},
                        "c": {},
                        "d": {"name": ""},
                        "e": {"name": "E", "sortOrder": -1},
                    }
                },
            )
            wrong = {name: each["properties"] for name, each in result["notCreated"].items()}
            assert wrong == {
                "a": ["colour"],
                "b": ["isDefault"],
                "c": ["name"],
                "d": ["name"],
                "e": ["sortOrder"],
            }
            with pytest.raises(MethodFailed, match="colour"):
                await r.call("AddressBook/get", {"properties": ["colour"]})

    run(main())


def test_a_book_with_cards_goes_only_with_them_and_what_is_elsewhere_too_stays(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            made = await r.call("AddressBook/set", {"create": {"w": {"name": "Work"}}})
            work = made["created"]["w"]["id"]
            cards = await r.call(
                "ContactCard/set",
                {
                    "create": {
                        "one": {"addressBookIds": {work: True}, "name": {"full": "One"}},
                        "two": {"addressBookIds": {work: True, "contacts": True}, "name": {"full": "Two"}},
                    }
                },
            )
            one, two = (cards["created"][name]["id"] for name in ("one", "two"))
            kept = await r.call("AddressBook/set", {"destroy": [work]})
            assert kept["notDestroyed"][work]["type"] == "addressBookHasContents"
            gone = await r.call("AddressBook/set", {"destroy": [work], "onDestroyRemoveContents": True})
            assert gone["destroyed"] == [work]
            left = await r.call("ContactCard/get", {"ids": [one, two]})
            assert left["notFound"] == [one]
            assert left["list"][0]["addressBookIds"] == {"contacts": True}

    run(main())


def test_the_default_book_is_handed_on_and_there_is_one_always(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            await r.call(
                "AddressBook/set", {"create": {"w": {"name": "Work"}}, "onSuccessSetIsDefault": "#w"}
            )
            found = await books(r)
            assert [name for name, each in found.items() if each["isDefault"]] == ["Work"]
            refused = await r.call("AddressBook/set", {"destroy": [found["Work"]["id"]]})
            assert refused["notDestroyed"][found["Work"]["id"]]["type"] == "forbidden"
            gone = await r.call("AddressBook/set", {"destroy": ["contacts"]})
            assert gone["destroyed"] == ["contacts"]
            assert list(await books(r)) == ["Work"]

    run(main())


def test_jobj_1_two_changes_at_a_time_are_both_there(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            changes = [
                r.call("Settings/set", {"update": {SINGLETON: {f"key{number}": number}}})
                for number in range(2)
            ]
            results = await asyncio.gather(*changes)
            assert all(each["updated"] == {SINGLETON: None} for each in results)
            (settings,) = (await r.call("Settings/get"))["list"]
            assert settings == {"id": SINGLETON, "key0": 0, "key1": 1}

    run(main())


def test_jobj_1_what_was_changed_twice_meanwhile_is_refused_and_left(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            account = r.account(ADA)
            commit = r.store.commit

            async def interfering(commands: Any) -> Any:
                data = b'{"theirs":true}'
                put = PutObject(
                    account=account.id, cell=account.cell, kind="Settings", id=SINGLETON, data=data
                )
                await commit([put])
                return await commit(commands)

            r.store.commit = interfering  # type: ignore[method-assign]
            result = await r.call("Settings/set", {"update": {SINGLETON: {"mine": True}}})
            assert result["updated"] == {} or result["updated"] is None
            assert result["notUpdated"][SINGLETON]["type"] == "serverFail"
            (settings,) = (await r.call("Settings/get"))["list"]
            assert settings == {"id": SINGLETON, "theirs": True}

    run(main())


def test_settings_are_one_object_of_limited_size(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            result = await r.call(
                "Settings/set",
                {
                    "create": {"k": {}},
                    "update": {SINGLETON: {"big": "x" * 70_000}},
                    "destroy": ["elsewhere"],
                },
            )
            assert result["notCreated"]["k"]["type"] == "singleton"
            assert result["notUpdated"][SINGLETON]["type"] == "tooLarge"
            assert result["notDestroyed"]["elsewhere"]["type"] == "notFound"
            await r.call("Settings/set", {"update": {SINGLETON: {"a": {"b": 1}}}})
            await r.call("Settings/set", {"update": {SINGLETON: {"a/c": 2}}})
            (settings,) = (await r.call("Settings/get"))["list"]
            assert settings["a"] == {"b": 1, "c": 2}

    run(main())


def test_identities_follow_the_addresses_of_the_account(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            (own,) = (await r.call("Identity/get"))["list"]
            assert (own["email"], own["name"], own["mayDelete"]) == (ADA, "Ada", False)
            state = (await r.call("Identity/get"))["state"]
            changed = await r.call("Identity/set", {"update": {own["id"]: {"textSignature": "Ada L."}}})
            assert own["id"] in changed["updated"]
            told = await r.call("Identity/changes", {"sinceState": state})
            assert (told["created"], told["updated"]) == ([], [own["id"]])
            result = await r.call(
                "Identity/set",
                {
                    "create": {
                        "plus": {"email": "ada+lists@example.org", "name": "Lists"},
                        "other": {"email": "ben@example.org"},
                    },
                    "destroy": [own["id"]],
                },
            )
            assert result["created"]["plus"]["mayDelete"] is True
            assert result["notCreated"]["other"]["type"] == "forbiddenFrom"
            assert result["notDestroyed"][own["id"]]["type"] == "forbidden"

    run(main())


def test_jout_5_who_loses_an_address_loses_its_identity(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            await r.people_writer.alias_set("team@example.org", [ADA])
            await r.people.reached(r.people_writer.durable)
            found = {each["email"]: each for each in (await r.call("Identity/get"))["list"]}
            assert set(found) == {ADA, "team@example.org"}
            team = found["team@example.org"]
            await r.call("Identity/set", {"update": {team["id"]: {"name": "The team"}}})
            state = (await r.call("Identity/get"))["state"]
            await r.people_writer.alias_rm("team@example.org")
            await r.people.reached(r.people_writer.durable)
            assert [each["email"] for each in (await r.call("Identity/get"))["list"]] == [ADA]
            with pytest.raises(MethodFailed) as failed:
                await r.call("Identity/changes", {"sinceState": state})
            assert failed.value.type == "cannotCalculateChanges"

    run(main())


def test_the_quota_says_what_is_used_and_nothing_where_there_is_none(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            none = await r.call("Quota/get")
            assert none["list"] == []
            await r.people_writer.account_set(ADA, quota_bytes=1_000_000)
            await r.people.reached(r.people_writer.durable)
            await r.deliver(b"Subject: x\r\n\r\ny\r\n")
            (quota,) = (await r.call("Quota/get"))["list"]
            assert (quota["hardLimit"], quota["resourceType"], quota["types"]) == (
                1_000_000,
                "octets",
                ["Email"],
            )
            assert quota["used"] > 0
            state = (await r.call("Quota/get"))["state"]
            assert (await r.call("Quota/changes", {"sinceState": none["state"]}))["created"] == ["storage"]
            await r.deliver(b"Subject: x2\r\n\r\ny\r\n")
            told = await r.call("Quota/changes", {"sinceState": state})
            assert (told["updated"], told["updatedProperties"]) == (["storage"], ["used"])
            found = await r.call("Quota/query", {"filter": {"name": "ADA", "type": "Email"}})
            assert found["ids"] == ["storage"]
            assert (await r.call("Quota/query", {"filter": {"scope": "domain"}}))["ids"] == []

    run(main())


def test_jobj_2_the_changes_since_any_state_make_what_is_there_of_what_was(tmp_path: Path) -> None:
    """After a hundred random changes, from every state on the way, in answers of any size."""

    async def main() -> None:
        dice = random.Random(7)
        async with rig(tmp_path) as r:
            seen: list[tuple[str, dict[str, Any]]] = []

            async def now() -> tuple[str, dict[str, Any]]:
                result = await r.call("AddressBook/get")
                return result["state"], {each["id"]: each for each in result["list"]}

            for number in range(100):
                seen.append(await now())
                ids = [each for each in seen[-1][1] if each != "contacts"]
                what = dice.choice(["create", "create", "update", "destroy"])
                asked: dict[str, Any] = {"create": {"k": {"name": f"book {number}"}}}
                if what == "update" and ids:
                    asked = {"update": {dice.choice(ids): {"sortOrder": number}}}
                elif what == "destroy" and ids:
                    asked = {"destroy": [dice.choice(ids)]}
                await r.call("AddressBook/set", asked)
            state, there = await now()
            for since, before in seen:
                known = dict(before)
                at = since
                while at != state:
                    most = dice.randint(1, 4)
                    told = await r.call("AddressBook/changes", {"sinceState": at, "maxChanges": most})
                    changed = [*told["created"], *told["updated"]]
                    assert len(changed) + len(told["destroyed"]) <= most
                    assert not set(told["created"]) & known.keys()
                    assert set(told["updated"]) | set(told["destroyed"]) <= known.keys()
                    for each in told["destroyed"]:
                        del known[each]
                    known.update((each, there.get(each)) for each in changed)
                    at = told["newState"]
                assert known == there

    run(main())
