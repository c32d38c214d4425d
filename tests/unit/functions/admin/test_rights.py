"""Nobody has, gives, or gets at more than he was given."""

from __future__ import annotations

import pytest

from holdfast.functions.admin.rights import new_token
from holdfast.model.people import AdminRole
from unit.directory.people_service import CHEAP
from unit.functions.admin.office import Answer, Office, in_office

pytestmark = pytest.mark.slow


async def grant(office: Office, who: str, account: object, role: str, **place: object) -> Answer:
    return await office.ask("POST", "/v1/grants", who, {"account": str(account), "role": role, **place})


def test_admin_3_an_owner_of_a_tenant_gives_rights_within_it_and_none_beyond(world):
    async def work(office: Office) -> None:
        north, south = office.ids["north.tenant"], office.ids["south.tenant"]
        await office.person("reseller", AdminRole.OWNER, tenant=north)
        await office.people.settled(1.0)
        ann = office.ids["north.account"]
        assert (await grant(office, "reseller", ann, "domain_admin", domain="north.example")).status == 201
        assert (await grant(office, "reseller", ann, "owner", tenant=north)).status == 201
        assert (await grant(office, "reseller", ann, "support")).status == 403
        assert (await grant(office, "reseller", ann, "owner", tenant=south)).status == 404
        assert (await grant(office, "reseller", ann, "support", domain="south.example")).status == 404
        assert (
            await grant(office, "reseller", office.ids["south.account"], "support", tenant=north)
        ).status == 404

    in_office(world, work)


def test_admin_3_nobody_changes_an_account_with_rights_that_he_could_not_give(world):
    async def work(office: Office) -> None:
        north = office.ids["north.tenant"]
        await office.person("reseller", AdminRole.OWNER, tenant=north)
        await office.person("helper", AdminRole.DOMAIN_ADMIN, domain="north.example")
        boss = await office.writer.account_add("boss@north.example", credential=CHEAP)
        await office.writer.grant_add(boss.id, AdminRole.OWNER)
        await office.people.settled(1.0)
        password = {"password": "a password of another"}
        for who in ("reseller", "helper"):
            for method, path, body in (
                ("PUT", "password", password),
                ("PATCH", "", {"name": "x"}),
                ("PUT", "state", {"state": "disabled"}),
                ("POST", "sign-out", {}),
                ("POST", "addresses", {"address": "x@north.example"}),
            ):
                answer = await office.ask(method, f"/v1/accounts/{boss.id}/{path}".rstrip("/"), who, body)
                assert answer.status == 403, (who, path, answer)
            bulk = {"accounts": ["boss@north.example"], "state": "disabled", "expected": 1}
            answer = await office.ask("POST", "/v1/bulk/account-state", who, bulk)
            assert answer.json["changed"] == 0 and "boss@north.example" in answer.json["refused"]
        assert (await office.ask("PUT", f"/v1/accounts/{boss.id}/password", "owner", password)).status == 200

    in_office(world, work)


def test_admin_4_the_last_owner_stays_until_there_is_another(world):
    async def work(office: Office) -> None:
        me = office.ids["owner"]
        take = f"/v1/grants?account={me}&role=owner"
        assert (await office.ask("DELETE", take)).status == 403
        for path, method, body in (
            ("state", "PUT", {"state": "disabled"}),
            ("remove", "POST", {}),
        ):
            assert (await office.ask(method, f"/v1/accounts/{me}/{path}", body=body)).status == 403
        await office.person("second", AdminRole.OWNER)
        await office.people.settled(1.0)
        assert (await office.ask("DELETE", take)).status == 204
        assert (await office.ask("GET", "/v1/domains")).status == 403

    in_office(world, work)


def test_a_token_does_what_its_role_and_its_accounts_grants_have_in_common(world):
    async def work(office: Office) -> None:
        body = {"name": "reads", "role": "support"}
        made = (await office.ask("POST", "/v1/tokens", body=body)).json
        office.tokens["reads"] = made["token"]
        assert (await office.ask("GET", "/v1/accounts", "reads")).status == 200
        assert (await office.ask("GET", "/v1/audit", "reads")).status == 403
        new = {"address": "x@staff.example"}
        assert (await office.ask("POST", "/v1/accounts", "reads", new)).status == 403
        await office.person("helper", AdminRole.DOMAIN_ADMIN, domain="north.example")
        secret = new_token(b"\1" * 20)
        await office.writer.token_add(office.ids["helper"], "too much", AdminRole.OWNER, secret)
        await office.people.settled(1.0)
        rights = (await office.ask("GET", "/v1/me", secret)).json["rights"]
        assert [each["domain"] for each in rights] == ["north.example"]
        assert "grants" not in rights[0]["permissions"]

    in_office(world, work)


def test_a_token_is_good_from_its_networks_until_it_is_over_and_not_for_a_disabled_account(world):
    async def work(office: Office) -> None:
        now = world.clock.now()
        body = {"name": "x", "role": "owner", "networks": ["198.51.100.0/24"], "expires_at": now + 60}
        token = (await office.ask("POST", "/v1/tokens", body=body)).json["token"]
        assert (await office.ask("GET", "/v1/me", token, peer="198.51.100.9")).status == 200
        assert (await office.ask("GET", "/v1/me", token, peer="::ffff:198.51.100.9")).status == 200
        wrong = await office.ask("GET", "/v1/me", token, peer="203.0.113.1")
        unknown = await office.ask("GET", "/v1/me", new_token(b"\0" * 20))
        assert wrong.status == unknown.status == 401 and wrong.body == unknown.body
        await world.clock.sleep(61)
        assert (await office.ask("GET", "/v1/me", token, peer="198.51.100.9")).status == 401
        await office.person("helper", AdminRole.SUPPORT, domain="north.example")
        await office.people.settled(1.0)
        assert (await office.ask("GET", "/v1/me", "helper")).status == 200
        await office.ask("PUT", f"/v1/accounts/{office.ids['helper']}/state", body={"state": "disabled"})
        assert (await office.ask("GET", "/v1/me", "helper")).status == 401

    in_office(world, work)


def test_who_tries_many_keys_is_told_no_each_time_and_fills_no_journal(world):
    async def work(office: Office) -> None:
        for number in range(50):
            assert (await office.ask("GET", "/v1/me", new_token(bytes([number]) * 20))).status == 401
        assert len(world.journal.named("admin_not_signed_in")) == 10
        assert (await office.ask("GET", "/v1/me")).status == 200

    in_office(world, work)


def test_a_token_does_not_end_itself_and_ends_with_another(world):
    async def work(office: Office) -> None:
        made = (await office.ask("POST", "/v1/tokens", body={"name": "x", "role": "owner"})).json
        assert (await office.ask("DELETE", f"/v1/tokens/{made['id']}", made["token"])).status == 409
        assert (await office.ask("DELETE", f"/v1/tokens/{made['id']}")).status == 204
        assert (await office.ask("GET", "/v1/me", made["token"])).status == 401

    in_office(world, work)


def test_a_domain_moves_to_another_tenant_only_by_who_has_both(world):
    async def work(office: Office) -> None:
        north, south = office.ids["north.tenant"], office.ids["south.tenant"]
        await office.person("reseller", AdminRole.OWNER, tenant=north)
        await office.people.settled(1.0)
        path = "/v1/domains/north.example"
        for tenant in (south, 0, None):
            assert (await office.ask("PATCH", path, "reseller", {"tenant": tenant})).status == 404
        customer = f"/v1/customers/{office.ids['north.customer']}"
        for tenant in (south, 0, None):
            assert (await office.ask("PATCH", customer, "reseller", {"tenant": tenant})).status == 404
        assert (await office.ask("PATCH", customer, "reseller", {"contract": "K-1"})).status == 200
        assert (await office.ask("PATCH", path, "owner", {"tenant": south})).status == 200
        assert (await office.ask("GET", path, "reseller")).status == 404

    in_office(world, work)


def test_a_domain_of_another_tenant_is_not_taken_and_says_nothing_of_itself(world):
    async def work(office: Office) -> None:
        north = office.ids["north.tenant"]
        await office.person("reseller", AdminRole.OWNER, tenant=north)
        await office.people.settled(1.0)
        body = {"name": "south.example", "tenant": north}
        answer = await office.ask("POST", "/v1/domains", "reseller", body)
        assert answer.status == 409 and "tenant" not in answer.json["detail"]

    in_office(world, work)


def test_a_bulk_change_that_hits_far_more_than_announced_is_refused_as_a_whole(world):
    async def work(office: Office) -> None:
        names = [f"b{n}@north.example" for n in range(30)]
        for name in names:
            await office.writer.account_add(name)
        await office.people.settled(1.0)
        bulk = {"accounts": names, "state": "disabled", "expected": 5}
        answer = await office.ask("POST", "/v1/bulk/account-state", body=bulk)
        assert answer.status == 409
        states = {each["state"] for each in (await office.ask("GET", "/v1/accounts?q=b")).json["items"]}
        assert states == {"active"}
        answer = await office.ask("POST", "/v1/bulk/account-state", body=bulk | {"expected": 30})
        assert answer.json == {"changed": 30, "unchanged": 0, "refused": {}}

    in_office(world, work)


def test_what_was_done_is_on_record_with_who_did_it(world):
    async def work(office: Office) -> None:
        await office.ask("POST", "/v1/accounts", body={"address": "x@staff.example", "credential": CHEAP})
        account = await office.writer.account("x@staff.example")
        assert account.id
        done = world.journal.named("admin_done")
        assert done[-1].keys["by"] == f"token:{office.ids['owner.token']}"
        denied_before = len(world.journal.named("admin_denied"))
        await office.person("helper", AdminRole.SUPPORT, domain="north.example")
        await office.people.settled(1.0)
        await office.ask("POST", "/v1/accounts", "helper", {"address": "y@north.example"})
        assert len(world.journal.named("admin_denied")) == denied_before + 1

    in_office(world, work)
