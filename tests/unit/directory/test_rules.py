"""What is sensible: limits, contacts, rights, holds, sealed access; and what a removal ends."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import apsw
import pytest

from holdfast.directory import PeopleWriter
from holdfast.directory.digests import app_password_digest, secret_digest
from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import ACCESS_LONGEST_S
from holdfast.model.people import (
    AccountState,
    AdminRole,
    Brand,
    Contact,
    FactorKind,
    Grant,
)
from holdfast.sim.world import SimWorld
from unit.directory.people_service import CHEAP, client, follow, serve

SECRET = "hfapp-abcd-efgh-jkmn-pqrs"
TOKEN = "hfadm_" + "a" * 32


def play(world: SimWorld, main: Coroutine[Any, Any, None]) -> None:
    world.run(main)
    assert world.simulation.unhandled == []


async def serving(world: SimWorld) -> PeopleWriter:
    writer = await serve(world)
    await writer.domain_add("example.org")
    return writer


async def refused(work: Coroutine[Any, Any, Any]) -> Reason:
    with pytest.raises(Refused) as caught:
        await work
    assert len(caught.value.text) > len(caught.value.reason.value), "it says what to do"
    return caught.value.reason


def test_a_contact_can_be_reached_when_our_mail_is_what_fails(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        await people.account_add(
            "ann@example.org", contact=Contact(0, phone="+49 (30) 123-456", language="de")
        )
        [customer] = await people.customers()
        kept = await people.contact(customer.id)
        assert (kept.phone, kept.language, kept.customer) == ("+4930123456", "de", customer.id)
        for wrong in (
            Contact(customer.id, phone="030 123456"),
            Contact(customer.id, phone="+0 123456789"),
            Contact(customer.id, phone="+49 30 CALL ME"),
            Contact(customer.id, address="not an address"),
            Contact(customer.id, language="fr"),
        ):
            assert await refused(people.contact_set(wrong)) is Reason.BAD_SYNTAX
        ours = Contact(customer.id, address="ann@example.org")
        assert await refused(people.contact_set(ours)) is Reason.NOT_ALLOWED
        assert await refused(people.contact_set(Contact(99, phone="+4930123456"))) is Reason.NO_SUCH_USER
        assert await refused(people.account_add("b@example.org", contact=ours)) is Reason.NOT_ALLOWED
        assert await people.contact(customer.id) == kept
        gone = Contact(customer.id, phone_proven_at=5.0, address="a@b.example", address_proven_at=6.0)
        assert (await people.contact_set(gone)).phone_proven_at == 0

    play(world, main())


def test_customers_have_several_accounts_and_an_account_may_move(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        follower = await follow(world)
        ann = await people.account_add("ann@example.org", name="Ann")
        son = await people.account_add("son@example.org", customer=ann.id)
        smith = await people.customer_add("Smith", contract="K-17")
        await people.customer_set(ann.customer, contract="K-18")
        await people.account_set(ann.id, customer=smith.id)
        await follower.reached(people.durable)
        assert [a.id for a in follower.customer_accounts(ann.id)] == [son.id]
        assert [a.id for a in follower.customer_accounts(smith.id)] == [ann.id]
        assert (follower.customer(ann.id).name, follower.customer(ann.id).contract) == ("Ann", "K-18")
        assert [c.id for c in await people.customers()] == [ann.id, smith.id]
        assert (await people.counts()).customers == 2
        await people.account_set(ann.id, customer=ann.id)
        assert [a.id for a in await people.accounts(customer=ann.id)] == [ann.id, son.id]
        assert [c.id for c in await people.customers()] == [ann.id, smith.id]
        assert (await people.counts()).customers == 2
        assert await refused(people.account_set(ann.id, customer=99)) is Reason.NO_SUCH_USER

    play(world, main())


def test_quotas_and_limits_are_the_accounts_or_else_its_domains(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        follower = await follow(world)
        await people.domain_set("example.org", quota_bytes=1000, daily_recipients=50, accounts_most=2)
        ann = await people.account_add("ann@example.org", quota_bytes=7)
        bob = await people.account_add("bob@example.org")
        await follower.reached(people.durable)
        assert [follower.quota_of(one.id) for one in (ann, bob)] == [7, 1000]
        assert [follower.daily_recipients_of(one.id) for one in (ann, bob)] == [50, 50]
        assert follower.quota_of(99) == 0
        assert await refused(people.account_add("eve@example.org")) is Reason.LIMIT
        await people.account_rm(bob.id)
        eve = await people.account_add("eve@example.org")
        await people.account_set(eve.id, quota_bytes=9, daily_recipients=3)
        assert (await people.account(eve.id)).daily_recipients == 3
        assert await refused(people.account_set(eve.id, quota_bytes=-1)) is Reason.BAD_SYNTAX
        assert await refused(people.domain_set("example.org", accounts_most=-1)) is Reason.BAD_SYNTAX

    play(world, main())


def test_a_tenant_has_its_domains_its_brand_and_its_limit(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        follower = await follow(world)
        tenant = await people.tenant_add("Acme", accounts_most=2)
        for name in ("a.example", "b.example"):
            await people.domain_add(name, tenant=tenant.id)
        brand = Brand(
            "Acme Mail", "#0a5cc2", "data:image/png;base64,AAAA", "https://acme.example/help", "+49 1"
        )
        await people.tenant_set(tenant.id, brand=brand)
        ann = await people.account_add("ann@a.example")
        await people.account_add("bob@b.example")
        assert await refused(people.account_add("eve@a.example")) is Reason.LIMIT
        await follower.reached(people.durable)
        assert follower.brand_of("a.example") == brand == follower.tenant(tenant.id).brand
        assert follower.brand_of("example.org") == Brand() == follower.brand_of("elsewhere.example")
        assert follower.customer(ann.customer).tenant == tenant.id
        for wrong in (
            Brand(colour="blue"),
            Brand(logo="https://acme.example/logo.png"),
            Brand(logo="data:image/png;base64,<script>"),
            Brand(support_url="javascript:alert(1)"),
        ):
            assert await refused(people.tenant_set(tenant.id, brand=wrong)) is Reason.BAD_SYNTAX
        assert await refused(people.tenant_add("Acme")) is Reason.EXISTS
        assert await refused(people.tenant_add(" ")) is Reason.BAD_SYNTAX
        assert await refused(people.domain_add("c.example", tenant=99)) is Reason.BAD_SYNTAX

    play(world, main())


def test_a_removed_account_has_no_tokens_and_no_grants_and_comes_back_without(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        follower = await follow(world)
        ann = await people.account_add("ann@example.org", credential=CHEAP)
        await people.grant_add(ann.id, AdminRole.OWNER)
        await people.token_add(ann.id, "crm", AdminRole.SUPPORT, TOKEN)
        await people.app_password_add(ann.id, "phone", SECRET)
        await follower.reached(people.durable)
        assert follower.token(secret_digest(TOKEN)) is not None
        await people.account_set(ann.id, state=AccountState.DISABLED)
        await follower.reached(people.durable)
        assert follower.token(secret_digest(TOKEN)) is None and follower.tokens(ann.id)
        removed = await people.account_rm(ann.id)
        await follower.reached(people.durable)
        assert removed.removed_at > 0 and follower.by_login("ann@example.org") is None
        assert follower.grants() == [] and follower.tokens() == []
        assert await refused(people.app_password_add(ann.id, "tv", SECRET)) is Reason.NO_SUCH_USER
        back = await people.account_set(ann.id, state=AccountState.ACTIVE)
        assert back.removed_at == 0 and await people.grants(ann.id) == []
        assert [password.name for password in await people.app_passwords(ann.id)] == ["phone"]

    play(world, main())


def test_a_held_account_is_not_removed(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        ann = await people.account_add("ann@example.org")
        assert await refused(people.hold_set(ann.id, True)) is Reason.BAD_SYNTAX  # no reason given
        assert (await people.hold_set(ann.id, True, why="court order 7")).held
        assert await refused(people.account_rm(ann.id)) is Reason.NOT_ALLOWED
        rename = people.account_set(ann.id, name="New", state=AccountState.REMOVED)
        assert await refused(rename) is Reason.NOT_ALLOWED
        assert (await people.account(ann.id)).name == "", "a request is carried out whole or not at all"
        [made] = await people.account_state_many([ann.id], AccountState.REMOVED)
        assert made.reason == Reason.NOT_ALLOWED.value
        await people.hold_set(ann.id, False, why="court order 8")
        assert (await people.account_rm(ann.id)).state is AccountState.REMOVED

    play(world, main())


@pytest.mark.slow
def test_a_bulk_change_that_hits_far_more_than_announced_is_refused(world: SimWorld) -> None:
    async def main() -> None:
        await serving(world)
        people = client(world.process("cli"))
        accounts = [(await people.account_add(f"u{n}@example.org")).id for n in range(30)]
        for announced, hits in ((0, 11), (10, 21), (19, 30)):
            work = people.account_state_many(accounts[:hits], AccountState.DISABLED, announced=announced)
            assert await refused(work) is Reason.NOT_ALLOWED
        assert (await people.counts()).active == 30
        await people.account_state_many(accounts[:20], AccountState.DISABLED, announced=10)
        assert (await people.counts()).active == 10

    play(world, main())


def test_a_password_that_was_asked_for_before_the_present_one_is_refused(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        ann = await people.account_add("ann@example.org", credential=CHEAP)
        asked_at = world.clock.now()
        await world.clock.sleep(5)
        await people.password_set(ann.id, credential=CHEAP)
        late = people.password_set(ann.id, credential=CHEAP, asked_at=asked_at + 1)
        assert await refused(late) is Reason.NOT_ALLOWED
        changed = await people.password_set(ann.id, credential=CHEAP, sign_out=True)
        assert changed.signed_out_at > changed.made_at

    play(world, main())


def test_factors_make_an_account_two_factor_and_codes_are_spent_once(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        ann = await people.account_add("ann@example.org")
        codes = await people.factor_add(ann.id, FactorKind.RECOVERY, "codes", b"1" * 32 + b"2" * 32)
        assert codes.left == 2 and not (await people.account(ann.id)).two_factor
        totp = await people.factor_add(ann.id, FactorKind.TOTP, "phone", b"sealed")
        assert (await people.account(ann.id)).two_factor
        assert (await people.recovery_use(ann.id, codes.id, b"2" * 32)).left == 1
        assert await refused(people.recovery_use(ann.id, codes.id, b"2" * 32)) is Reason.BAD_CREDENTIALS
        assert await refused(people.recovery_use(ann.id, totp.id, b"1" * 32)) is Reason.BAD_CREDENTIALS
        fresh = await people.factor_add(ann.id, FactorKind.RECOVERY, "codes", b"3" * 32)
        assert [f.id for f in await people.factors(ann.id)] == [totp.id, fresh.id]
        assert await refused(people.account_set(ann.id, passkey_only=True)) is Reason.NOT_ALLOWED
        key = await people.factor_add(ann.id, FactorKind.PASSKEY, "key", b"credential")
        assert (await people.account_set(ann.id, passkey_only=True)).passkey_only
        assert await refused(people.factor_rm(ann.id, key.id)) is Reason.NOT_ALLOWED
        await people.account_set(ann.id, passkey_only=False)
        for factor in (key, totp):
            await people.factor_rm(ann.id, factor.id)
        assert not (await people.account(ann.id)).two_factor
        assert await refused(people.factor_rm(ann.id, 99)) is Reason.NO_SUCH_USER
        odd = people.factor_add(ann.id, FactorKind.RECOVERY, "codes", b"3" * 31)
        assert await refused(odd) is Reason.BAD_SYNTAX

    play(world, main())


def test_app_passwords_say_for_what_from_where_and_how_long(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        follower = await follow(world)
        ann = await people.account_add("ann@example.org")
        bob = await people.account_add("bob@example.org")
        end = world.clock.now() + 60
        made = await people.app_password_add(
            ann.id,
            "phone",
            SECRET,
            functions=["imap"],
            networks=["192.0.2.7", "2001:db8::/32"],
            expires_at=end,
        )
        assert made.networks == ("192.0.2.7/32", "2001:db8::/32") and made.expires_at == end
        await follower.reached(people.durable)
        [(kept, salt, digest)] = follower.app_password_digests(ann.id)
        assert kept == made and digest == app_password_digest(salt, " HFAPP abcd EFGH jkmnpqrs ")
        for wrong in (
            people.app_password_add(ann.id, "phone", SECRET, functions=["web"]),
            people.app_password_add(ann.id, "phone", SECRET, networks=["home"]),
            people.app_password_add(ann.id, "phone", SECRET, expires_at=end - 100),
            people.app_password_add(ann.id, "phone", "short"),
            people.app_password_add(ann.id, "", SECRET),
        ):
            assert await refused(wrong) is Reason.BAD_SYNTAX
        assert await refused(people.app_password_rm(bob.id, made.id)) is Reason.NO_SUCH_USER
        await people.app_password_rm(ann.id, made.id)
        assert await people.app_passwords(ann.id) == []

    play(world, main())


def test_grants_have_one_scope_that_there_is(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        tenant = await people.tenant_add("Acme")
        ann = await people.account_add("ann@example.org")
        for role, scope in (
            (AdminRole.OWNER, {"tenant": tenant.id, "domain": "example.org"}),
            (AdminRole.DOMAIN_ADMIN, {}),
            (AdminRole.SUPPORT, {"tenant": 99}),
        ):
            work = people.grant_add(ann.id, role, **scope)
            assert await refused(work) is Reason.BAD_SYNTAX
        nowhere = people.grant_add(ann.id, AdminRole.SUPPORT, domain="elsewhere.example")
        assert await refused(nowhere) is Reason.NO_SUCH_DOMAIN
        granted = Grant(ann.id, AdminRole.DOMAIN_ADMIN, 0, "example.org")
        for _ in range(2):
            assert await people.grant_add(ann.id, AdminRole.DOMAIN_ADMIN, domain="Example.ORG") == granted
        assert await people.grants() == [granted]
        await people.grant_rm(ann.id, AdminRole.DOMAIN_ADMIN, domain="example.org")
        again = people.grant_rm(ann.id, AdminRole.DOMAIN_ADMIN, domain="example.org")
        assert await refused(again) is Reason.NO_SUCH_USER

    play(world, main())


def test_a_token_is_known_until_it_ends(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        follower = await follow(world)
        ann = await people.account_add("ann@example.org")
        end = world.clock.now() + 60
        token = await people.token_add(ann.id, "crm", AdminRole.SUPPORT, TOKEN, expires_at=end)
        await follower.reached(people.durable)
        assert follower.token(secret_digest(TOKEN)) == token
        assert follower.token(secret_digest("another")) is None
        twice = people.token_add(ann.id, "other", AdminRole.SUPPORT, TOKEN)
        assert await refused(twice) is Reason.EXISTS
        assert await refused(people.token_add(ann.id, "x", AdminRole.OWNER, "guess")) is Reason.BAD_SYNTAX
        await world.clock.sleep(61)
        assert follower.token(secret_digest(TOKEN)) is None

    play(world, main())


def test_an_invitation_is_used_with_the_account_or_not_at_all(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        await people.domain_add("example.net")
        await people.account_add("ann@example.org")
        end = world.clock.now() + 60
        await people.invitation_add("example.org", "open sesame", uses=2, expires_at=end, note="staff")
        taken = people.account_add("ann@example.org", invitation="open sesame")
        assert await refused(taken) is Reason.EXISTS
        assert [invitation.used for invitation in await people.invitations()] == [0]
        for address, code in (("a@example.net", "open sesame"), ("a@example.org", "Open Sesame")):
            assert await refused(people.account_add(address, invitation=code)) is Reason.NOT_ALLOWED
        await people.account_add("bob@example.org", invitation="open sesame")
        assert (await people.invitation_use("open sesame", "example.org")).used == 2
        used_up = people.account_add("eve@example.org", invitation="open sesame")
        assert await refused(used_up) is Reason.NOT_ALLOWED
        other = await people.invitation_add("example.org", "another", expires_at=end)
        await world.clock.sleep(61)
        late = people.account_add("eve@example.org", invitation="another")
        assert await refused(late) is Reason.NOT_ALLOWED
        await people.invitation_rm(other.id)
        assert len(await people.invitations(domain="example.org")) == 1
        assert await refused(people.invitation_rm(other.id)) is Reason.NO_SUCH_USER

    play(world, main())


def test_sealed_access_takes_a_reason_a_second_person_and_ends(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        ann, auditor, owner = [
            (await people.account_add(f"{name}@example.org")).id for name in ("ann", "auditor", "owner")
        ]
        assert await refused(people.access_ask(ann, auditor)) is Reason.BAD_SYNTAX
        access = await people.access_ask(ann, auditor, why="court order")
        assert access.reason == "court order"
        assert await refused(people.access_use(access.id, "INBOX")) is Reason.NOT_ALLOWED
        until = world.clock.now() + 60
        assert await refused(people.access_approve(access.id, auditor, until)) is Reason.NOT_ALLOWED
        for wrong in (world.clock.now() - 1, world.clock.now() + 2 * ACCESS_LONGEST_S):
            assert await refused(people.access_approve(access.id, owner, wrong)) is Reason.BAD_SYNTAX
        assert await refused(people.access_approve(99, owner, until)) is Reason.NO_SUCH_USER
        approved = await people.access_approve(access.id, owner, until)
        assert (approved.approved_by, approved.until) == (owner, until)
        assert await people.access_use(access.id, "INBOX") == approved
        await world.clock.sleep(61)
        assert await refused(people.access_use(access.id, "INBOX")) is Reason.NOT_ALLOWED
        assert await people.accesses(ann) == [approved] and await people.accesses(owner) == []

    play(world, main())


def test_who_is_signed_out_disabled_or_removed_is_told_to_each_process(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        accounts = [(await people.account_add(f"u{n}@example.org", credential=CHEAP)).id for n in range(4)]
        follower = await follow(world)
        told: list[int] = []
        unwatch = follower.watch_sign_outs(told.append)
        await people.password_set(accounts[0], credential=CHEAP)
        await people.sign_out(accounts[1])
        await people.account_set(accounts[2], state=AccountState.DISABLED)
        await people.password_set(accounts[3], credential=CHEAP, sign_out=True)
        await follower.reached(people.durable)
        assert told == [accounts[1], accounts[2], accounts[3]]
        await people.account_rm(accounts[0])
        await follower.reached(people.durable)
        assert told[3:] == [accounts[0]]
        unwatch()
        await people.sign_out(accounts[1])
        await follower.reached(people.durable)
        assert len(told) == 4

    play(world, main())


def test_it_is_seen_that_a_quota_was_set_and_not_that_anything_else_was(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        ann = await people.account_add("ann@example.org", credential=CHEAP)
        follower = await follow(world)
        seen = [follower.quotas_moved]

        async def moved() -> bool:
            await follower.reached(people.durable)
            seen.append(follower.quotas_moved)
            return seen[-1] != seen[-2]

        await people.account_set(ann.id, name="Ann")
        assert not await moved()
        await people.account_set(ann.id, quota_bytes=100)
        assert await moved()
        await people.password_set(ann.id, credential=CHEAP)
        assert not await moved()
        await people.domain_set("example.org", quota_bytes=100)
        assert await moved()

    play(world, main())


def test_sign_outs_of_before_are_not_told_again_by_a_copy_that_is_built_anew(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        ann = await people.account_add("ann@example.org")
        follower = await follow(world)
        told: list[int] = []
        follower.watch_sign_outs(told.append)
        await people.sign_out(ann.id)
        await follower.reached(people.durable)
        follower._put_aside(apsw.CorruptError("broken"), follower._copy)
        await people.sign_out(ann.id)
        await follower.reached(people.durable)
        assert told == [ann.id, ann.id]

    play(world, main())


def test_who_acts_is_in_every_change(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        acting = client(world.process("cli")).acting("cli:root")
        await acting.customer_add("Smith")
        await acting.customer_add("Jones", by="account:7")
        assert await _by(world, people) == ["", "cli:root", "account:7"]

    play(world, main())


async def _by(world: SimWorld, people: PeopleWriter) -> list[str]:
    from holdfast.directory.audit import AuditTrail
    from holdfast.directory.copy import MEMORY, Source
    from unit.directory.people_service import VOLUME

    trail = AuditTrail(world, MEMORY, Source(world, VOLUME, "people", ()))
    assert await trail.catch_up(people.durable)
    return [entry.by for entry in reversed(trail.page())]
