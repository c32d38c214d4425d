"""How a request is answered: errors, keys of idempotency, pages, changes of named fields, doubt."""

from __future__ import annotations

import msgspec
import pytest

from holdfast.directory.requests import NewAccount
from holdfast.functions.admin.permissions import Forbidden, account_actor, local_actor
from holdfast.functions.admin.problems import STATUS
from holdfast.model.errors import Reason, Refused
from holdfast.model.people import AdminRole
from unit.directory.people_service import CHEAP
from unit.functions.admin.office import Office, in_office

pytestmark = pytest.mark.slow


def test_every_reason_of_a_refusal_has_a_status():
    assert set(STATUS) == set(Reason)


def test_every_error_is_a_problem_that_names_its_reason(world):
    async def work(office: Office) -> None:
        csv = {"content-type": "text/csv"}
        for method, path, body, more, status, reason in (
            ("GET", "/v1/nothing", None, {}, 404, "not_found"),
            ("GET", "/v1/accounts/", None, {}, 404, "not_found"),
            ("PUT", "/v1/me", None, {}, 405, "method_not_allowed"),
            (
                "POST",
                "/v1/accounts",
                None,
                {"raw": b"address", "headers": csv},
                415,
                "unsupported_media_type",
            ),
            ("POST", "/v1/accounts", {}, {}, 422, "malformed"),
            ("POST", "/v1/accounts", {"address": "x@staff.example", "nmae": ""}, {}, 422, "malformed"),
            ("GET", "/v1/accounts?limti=3", None, {}, 422, "malformed"),
            ("GET", "/v1/accounts?limit=1&limit=2", None, {}, 422, "malformed"),
            ("GET", "/v1/accounts?cursor=rubbish", None, {}, 404, "not_found"),
            ("POST", "/v1/accounts", {"address": "owner@staff.example"}, {}, 409, "exists"),
        ):
            answer = await office.ask(method, path, "owner", body, **more)
            assert (answer.status, answer.json["reason"]) == (status, reason), answer
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json["status"] == status and answer.json["detail"]
        bad = {"content-type": "application/json"}
        answer = await office.ask("POST", "/v1/accounts", "owner", raw=b"{", headers=bad)
        assert (answer.status, answer.json["reason"]) == (400, "malformed")
        assert (await office.ask("PUT", "/v1/me")).headers["allow"] == "GET, HEAD"

    in_office(world, work)


def test_a_body_beyond_the_limit_is_refused_before_it_is_read_to_its_end(world):
    async def work(office: Office) -> None:
        headers = {"content-type": "application/json", "content-length": str(2**40)}
        answer = await office.ask("POST", "/v1/accounts", "owner", raw=b"{}", headers=headers)
        assert answer.status == 413

    in_office(world, work)


def test_a_fault_of_the_program_gives_away_nothing_but_a_reference(world, monkeypatch):
    async def work(office: Office) -> None:
        monkeypatch.setattr(office.people.lists, "counts", lambda: 1 // 0)
        answer = await office.ask("GET", "/v1/counts")
        assert answer.status == 500 and b"division" not in answer.body
        [entry] = world.journal.named("admin_failed")
        assert entry.keys["reference"] == answer.json["reference"]
        assert "division" in str(entry.keys["error"])

    in_office(world, work)


def test_admin_6_who_changed_something_reads_it_back_at_once(world):
    async def work(office: Office) -> None:
        for number in range(5):
            body = {"address": f"new{number}@staff.example", "credential": CHEAP}
            made = await office.ask("POST", "/v1/accounts", body=body)
            assert made.status == 201
            shown = await office.ask("GET", f"/v1/accounts/new{number}@staff.example")
            assert shown.json == made.json

    in_office(world, work)


# Idempotency


def test_admin_8_a_request_repeated_under_its_key_has_one_effect_and_one_answer(world):
    async def work(office: Office) -> None:
        key = {"idempotency-key": "2b1f"}
        body = {"name": "for the shop", "role": "owner"}
        first = await office.ask("POST", "/v1/tokens", body=body, headers=key)
        again = await office.ask("POST", "/v1/tokens", body=body, headers=key)
        assert first.status == again.status == 201 and again.body == first.body
        assert again.headers["idempotency-replayed"] == "true"
        assert len((await office.ask("GET", "/v1/tokens")).json["items"]) == 2
        other = await office.ask("POST", "/v1/tokens", body=body | {"name": "else"}, headers=key)
        assert (other.status, other.json["reason"]) == (422, "key_reused")

    in_office(world, work)


def test_admin_8_what_is_kept_of_an_answer_has_no_secret_in_it(world):
    async def work(office: Office) -> None:
        key = {"idempotency-key": "2b1f"}
        made = await office.ask("POST", "/v1/tokens", body={"name": "x", "role": "owner"}, headers=key)
        kept = office.kept._db.execute("SELECT answer FROM once").fetchall()
        assert len(kept) == 1 and made.json["token"].encode() not in bytes(kept[0][0])

    in_office(world, work)


def test_keys_of_different_people_are_different_keys(world):
    async def work(office: Office) -> None:
        await office.person("second", AdminRole.OWNER)
        await office.people.settled(1.0)
        for who in ("owner", "second"):
            body = {"name": "x", "role": "owner"}
            answer = await office.ask("POST", "/v1/tokens", who, body, headers={"idempotency-key": "k"})
            assert answer.status == 201 and "idempotency-replayed" not in answer.headers

    in_office(world, work)


def test_admin_8_a_change_that_failed_for_want_of_the_people_process_is_made_once_when_repeated(world):
    async def work(office: Office) -> None:
        from unit.directory.people_service import serve

        await office.writer.close()
        key, body = {"idempotency-key": "k"}, {"address": "late@staff.example", "credential": CHEAP}
        answer = await office.ask("POST", "/v1/accounts", body=body, headers=key)
        assert (answer.status, answer.json["component"]) == (503, "people")
        assert int(answer.headers["retry-after"]) >= 1
        office.writer = await serve(world.process("people-again"))
        first = await office.ask("POST", "/v1/accounts", body=body, headers=key)
        assert first.status == 201
        assert (await office.ask("GET", "/v1/accounts/late@staff.example")).json == first.json
        again = await office.ask("POST", "/v1/accounts", body=body, headers=key)
        assert again.body == first.body and again.headers["idempotency-replayed"] == "true"

    in_office(world, work)


# Reading goes on


def test_without_the_people_process_reading_goes_on_from_the_copy_and_says_so(world):
    async def work(office: Office) -> None:
        assert "x-holdfast-copy" not in (await office.ask("GET", "/v1/domains")).headers
        await office.writer.close()
        await world.clock.sleep(1.0)
        answer = await office.ask("GET", "/v1/domains")
        assert answer.status == 200 and answer.headers["x-holdfast-copy"] == "local"
        assert len(answer.json["items"]) == 3

    in_office(world, work)


# Pages


async def all_pages(office: Office, path: str, who: str = "owner") -> list[list[object]]:
    pages, cursor = [], ""
    while True:
        joint = "&" if "?" in path else "?"
        answer = await office.ask("GET", f"{path}{joint}cursor={cursor}", who)
        assert answer.status == 200, answer
        pages.append(answer.json["items"])
        cursor = answer.json["next"]
        if not cursor:
            return pages


def test_pages_hold_everything_once_whoever_asks(world):
    async def work(office: Office) -> None:
        new = [NewAccount(address=f"p{n:03}@north.example", credential=CHEAP) for n in range(25)]
        await office.writer.account_add_many(new)
        await office.person("tenant", AdminRole.SUPPORT, tenant=office.ids["north.tenant"])
        await office.person("domain", AdminRole.SUPPORT, domain="north.example")
        await office.people.settled(1.0)
        everything = [each.login for each in await office.writer.accounts()]
        of_north = [login for login in everything if login.endswith("@north.example")]
        for who, wanted in (("owner", everything), ("tenant", of_north), ("domain", of_north)):
            pages = await all_pages(office, "/v1/accounts?limit=7", who)
            found = [account["login"] for page in pages for account in page]
            assert found == wanted and all(len(page) <= 7 for page in pages)
        pages = await all_pages(office, "/v1/accounts?limit=7&q=p0", "domain")
        found = [account["login"] for page in pages for account in page]
        assert found == [f"p{n:03}@north.example" for n in range(25)]
        assert len(await all_pages(office, "/v1/accounts?limit=7&q=p0&state=removed")) >= 1

    in_office(world, work)


def test_a_list_of_a_domain_outside_of_ones_rights_is_not_there(world):
    async def work(office: Office) -> None:
        await office.person("domain", AdminRole.SUPPORT, domain="north.example")
        await office.people.settled(1.0)
        assert (await office.ask("GET", "/v1/accounts?domain=south.example", "domain")).status == 404
        assert (await office.ask("GET", "/v1/accounts?q=ann@south", "domain")).json["items"] == []
        assert (
            await office.ask("GET", f"/v1/accounts?tenant={office.ids['north.tenant']}", "domain")
        ).status == 404

    in_office(world, work)


# Changes


def test_what_a_change_does_not_name_stays_and_null_sets_it_back(world):
    async def work(office: Office) -> None:
        path = "/v1/accounts/ann@north.example"
        limits = {"quota_bytes": 10**9, "daily_recipients": 50}
        assert (await office.ask("PATCH", f"{path}/limits", body=limits)).status == 200
        one = (await office.ask("PATCH", f"{path}/limits", body={"quota_bytes": None})).json
        assert (one["quota_bytes"], one["daily_recipients"], one["name"]) == (0, 50, "Ann")
        two = (await office.ask("PATCH", path, body={"name": None})).json
        assert (two["name"], two["daily_recipients"]) == ("", 50)

    in_office(world, work)


def test_a_contact_that_is_changed_counts_as_unproven_until_somebody_says_otherwise(world):
    async def work(office: Office) -> None:
        path = f"/v1/customers/{office.ids['north.customer']}/contact"
        proven = {"phone": "+4930123456", "phone_proven": True, "consent": True, "language": "de"}
        first = (await office.ask("PATCH", path, body=proven)).json
        assert first["phone_proven_at"] > 0 and first["consent_at"] > 0
        second = (await office.ask("PATCH", path, body={"phone": "+4930999999"})).json
        assert second["phone_proven_at"] == 0 and second["consent_at"] == first["consent_at"]
        same = (await office.ask("PATCH", path, body={"second_address": "ann@elsewhere.example"})).json
        assert (same["phone"], same["language"]) == ("+4930999999", "de")

    in_office(world, work)


def test_a_removed_account_comes_back_and_one_under_hold_is_not_removed(world):
    async def work(office: Office) -> None:
        path = "/v1/accounts/gone@north.example"
        assert (await office.ask("POST", f"{path}/restore", body={})).json["state"] == "active"
        hold = {"on": True, "why": "the court asks for it"}
        assert (await office.ask("PUT", f"{path}/hold", body=hold)).json["held"] is True
        refused = await office.ask("POST", f"{path}/remove", body={})
        assert refused.status == 409 and "hold" in refused.json["detail"]
        await office.ask("PUT", f"{path}/hold", body=hold | {"on": False})
        assert (await office.ask("POST", f"{path}/remove", body={})).status == 204

    in_office(world, work)


def test_a_document_of_the_interface_needs_no_token_and_is_json(world):
    async def work(office: Office) -> None:
        answer = await office.ask("GET", "/v1/openapi.json", "")
        assert msgspec.json.decode(answer.body)["openapi"] == "3.1.0"

    in_office(world, work)


def test_pages_and_commands_ask_the_same_desk_by_the_operations_id(world):
    async def work(office: Office) -> None:
        actor = local_actor("root")
        account = await office.desk.ask(actor, "account_limits", account="ann@north.example", quota_bytes="7")
        assert account.quota_bytes == 7
        with pytest.raises(Refused, match="quota_bytes"):
            await office.desk.ask(actor, "account_limits", account="ann@north.example", quota_bytes="many")
        with pytest.raises(Forbidden):
            await office.desk.ask(account_actor(1, []), "account_list")
        assert world.journal.named("admin_done")[-1].keys["by"] == "cli:root"

    in_office(world, work)
