"""Names: whose they are, for how long, and who may have them."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import pytest

from holdfast.directory import PeopleWriter
from holdfast.model.address import parse_address
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import MASKED_MOST
from holdfast.model.people import AccountState, Local, Remote
from holdfast.sim.world import SimWorld
from unit.directory.people_service import CHEAP, answer, follow, serve
from unit.directory.people_tape import NOON, Tape, route


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
    assert ":" in caught.value.text or ";" in caught.value.text or "," in caught.value.text, caught.value.text
    return caught.value.reason


def test_people_6_an_address_that_is_given_up_is_nobody_elses(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        follower = await follow(world)
        ann = await people.account_add("ann@example.org")
        bob = await people.account_add("bob@example.org")
        await people.address_add(ann.id, "annie@example.org")
        await people.address_rm("annie@example.org")
        await follower.reached(people.durable)
        assert await refused(people.address_add(bob.id, "annie@example.org")) is Reason.EXISTS
        assert await refused(people.account_add("annie@example.org")) is Reason.EXISTS
        assert await refused(people.masked_set(bob.id, "annie@example.org")) is Reason.EXISTS
        assert answer(follower, "annie@example.org") is Reason.NO_SUCH_USER
        assert follower.by_login("annie@example.org") is None and not follower.is_free("annie@example.org")
        assert await people.addresses(ann.id) == ["ann@example.org"]
        await people.address_add(ann.id, "Annie@example.org")  # but its own again
        await follower.reached(people.durable)
        assert follower.by_login("annie@example.org") == ann
        assert await people.addresses(ann.id) == ["Annie@example.org", "ann@example.org"]

    play(world, main())


def test_people_13_a_masked_address_ends_by_the_clock(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        follower = await follow(world)
        ann = await people.account_add("ann@example.org")
        mask = await people.masked_set(ann.id, label="shop", expires_at=world.clock.now() + 3600)
        await people.alias_set("both@example.org", [mask.address])
        await follower.reached(people.durable)
        for address in (mask.address, "both@example.org"):
            assert answer(follower, address) is Local
        await world.clock.sleep(3601)
        for address in (mask.address, "both@example.org"):
            assert answer(follower, address) is Reason.NO_SUCH_USER
        await people.masked_set(ann.id, mask.address, label="shop")
        await follower.reached(people.durable)
        assert answer(follower, mask.address) is Local
        await people.masked_set(ann.id, mask.address, enabled=False)
        await follower.reached(people.durable)
        assert answer(follower, mask.address) is Reason.NO_SUCH_USER
        assert [masked.enabled for masked in follower.masked(ann.id)] == [False]

    play(world, main())


def test_people_13_a_masked_address_that_is_over_is_not_the_catch_alls(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        follower = await follow(world)
        ann = await people.account_add("ann@example.org")
        mask = await people.masked_set(ann.id, enabled=False)
        await people.domain_set("example.org", catch_all=["ann@example.org"])
        await follower.reached(people.durable)
        assert answer(follower, "anybody@example.org") is Local
        assert answer(follower, mask.address) is Reason.NO_SUCH_USER

    play(world, main())


def test_people_13_nobody_signs_in_with_a_masked_address(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        follower = await follow(world)
        ann = await people.account_add("ann@example.org", credential=CHEAP)
        mask = await people.masked_set(ann.id)
        await follower.reached(people.durable)
        assert follower.by_login(mask.address) is None
        assert follower.may_send_as(ann.id, parse_address(mask.address))
        assert mask.address not in follower.addresses(ann.id)

    play(world, main())


def test_in_doubt_a_masked_address_that_is_over_waits(tape: Tape, world: SimWorld) -> None:
    """A frame that can't be read may have made it longer."""
    from holdfast.directory import records as r

    ann = tape.account("ann@example.org")
    tape.add(r.MaskedSet(at=NOON, address="m@example.org", account=ann, expires_at=NOON + 1))
    tape.account("lost@example.org")
    tape.lose()
    with pytest.raises(Unavailable):
        route(tape.folded(world), "m@example.org")


@pytest.mark.slow
def test_people_6_masked_names_are_drawn_and_never_anothers(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        ann = await people.account_add("ann@example.org")
        bob = await people.account_add("bob@example.org")
        masks = [await people.masked_set(ann.id) for _ in range(MASKED_MOST)]
        assert len({mask.address for mask in masks}) == MASKED_MOST
        local, _, domain = masks[0].address.partition("@")
        assert domain == "example.org" and len(local.split(".")) == 3 and local.split(".")[2].isdigit()
        assert await refused(people.masked_set(ann.id)) is Reason.LIMIT
        await people.account_rm(ann.id)
        for take in (people.masked_set(bob.id, masks[0].address), people.account_add(masks[0].address)):
            assert await refused(take) is Reason.EXISTS

    play(world, main())


def test_a_masked_address_takes_no_reserved_name_and_no_other_tenants_domain(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        tenant = await people.tenant_add("Acme")
        await people.domain_add("acme.example", tenant=tenant.id)
        await people.domain_add("example.net")
        ann = await people.account_add("ann@example.org")
        await people.names_reserve(["Security"])
        for name in ("security", "postmaster"):
            assert await refused(people.masked_set(ann.id, f"{name}@example.org")) is Reason.NOT_ALLOWED
        assert await refused(people.masked_set(ann.id, domain="acme.example")) is Reason.NOT_ALLOWED
        assert await refused(people.masked_set(ann.id, "own@acme.example")) is Reason.NOT_ALLOWED
        assert (await people.masked_set(ann.id, domain="example.net")).address.endswith("@example.net")
        assert (await people.masked_set(ann.id, "shop@example.org")).address == "shop@example.org"
        past = world.clock.now() - 1
        assert await refused(people.masked_set(ann.id, expires_at=past)) is Reason.BAD_SYNTAX

    play(world, main())


def test_a_removed_domain_takes_no_mail_and_its_names_stay(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        follower = await follow(world)
        ann = await people.account_add("ann@example.org", credential=CHEAP)
        await people.domain_add("example.net")
        await people.address_add(ann.id, "ann@example.net")
        await people.account_add("bob@example.net")
        assert await refused(people.domain_rm("example.net")) is Reason.NOT_ALLOWED
        await people.domain_rm("example.net", accounts=1)
        await people.domain_rm("example.net")  # again: nothing to do
        await follower.reached(people.durable)
        gone = parse_address("ann@example.net")
        assert follower.route(gone) == Remote(gone) and not follower.is_local_domain("example.net")
        assert follower.domain("example.net") is None and not follower.may_send_as(ann.id, gone)
        assert not follower.is_free("new@example.net")
        assert follower.by_login("ann@example.net") == ann  # what is kept can be read and fetched
        for change in (
            people.account_add("new@example.net"),
            people.domain_add("example.net"),
            people.domain_set("example.net", separator="-"),
            people.alias_set("x@example.net", ["ann@example.org"]),
        ):
            assert await refused(change) in (Reason.NO_SUCH_DOMAIN, Reason.EXISTS)
        assert [d.removed_at > 0 for d in await people.domains()] == [False, True]
        assert (await people.counts()).domains == 1
        restored = await people.domain_restore("example.net")
        assert restored.removed_at == 0 and restored == await people.domain_restore("example.net")
        await follower.reached(people.durable)
        assert follower.route(gone) == Local(ann.id, ann.cell)

    play(world, main())


def test_people_2_a_removed_domain_waits_in_doubt(tape: Tape, world: SimWorld) -> None:
    from holdfast.directory import records as r

    tape.domain("example.net")
    tape.add(r.DomainRemoved(at=NOON, name="example.net"))
    copy = tape.folded(world)
    assert route(copy, "a@example.net") == Remote(parse_address("a@example.net"))
    tape.account("lost@example.org")
    tape.lose()
    tape.fold_into(copy)
    with pytest.raises(Unavailable):
        route(copy, "a@example.net")
    assert route(copy, "a@example.net", sending=True) == Remote(parse_address("a@example.net"))


def test_who_signs_up_can_ask_whether_a_name_is_free(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        follower = await follow(world)
        ann = await people.account_add("ann@example.org")
        await people.account_set(ann.id, state=AccountState.REMOVED)
        await people.account_add("bob@example.org")
        await people.alias_set("team@example.org", ["bob@example.org"])
        await people.names_reserve(["Root", "wurst"])
        await people.names_reserve(["only"], domain="example.org")
        await people.names_reserve(["wurst"], free=True)
        await follower.reached(people.durable)
        taken = ("ann", "BOB", "team", "bob+x", "new+detail")
        assert [follower.is_free(f"{name}@example.org") for name in taken] == [False] * 5
        assert follower.is_free("new@example.org") and not follower.is_free("new@elsewhere.example")
        assert follower.reserved("ROOT", "example.org") and not follower.reserved("wurst", "example.org")
        assert follower.reserved("only", "example.org") and not follower.reserved("only", "example.net")
        assert await people.reserved() == ["root"]
        assert await people.reserved(domain="example.org") == ["only"]
        assert await refused(people.names_reserve(["x"], domain="example.net")) is Reason.NO_SUCH_DOMAIN

    play(world, main())


def test_people_2_a_copy_in_doubt_calls_no_name_free(tape: Tape, world: SimWorld) -> None:
    tape.account("lost@example.org")
    tape.lose()
    copy = tape.folded(world)
    for ask in (
        lambda: copy.belongings.is_free("new@example.org"),
        lambda: copy.belongings.token(b"1" * 32),
        lambda: copy.belongings.invitation(b"1" * 32),
    ):
        with pytest.raises(Unavailable):
            ask()


def test_accounts_are_found_by_the_beginning_of_any_address(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        tenant = await people.tenant_add("Acme")
        await people.domain_add("acme.example", tenant=tenant.id)
        made = [await people.account_add(f"user{n}@example.org") for n in range(6)]
        zoe = await people.account_add("zoe@acme.example")
        await people.address_add(made[0].id, "ursula@example.org")
        await people.address_add(zoe.id, "usher@acme.example")
        mask = await people.masked_set(zoe.id, "us.mask@acme.example")
        await people.alias_set("us@example.org", ["user0@example.org"])

        async def found(text: str, **where: Any) -> list[str]:
            """Page by page, two at a time."""
            hits: list[str] = []
            while page := await people.find_accounts(text, after=hits[-1] if hits else "", limit=2, **where):
                hits += [hit.address for hit in page]
            return hits

        users = [f"user{n}@example.org" for n in range(1, 6)]
        assert await found("u") == ["ursula@example.org", mask.address, *users]  # each account once
        assert await found("US") == [mask.address, "user0@example.org", *users]
        assert await found("user3@example.org") == ["user3@example.org"]
        assert await found("user3@Example") == ["user3@example.org"]
        assert await found("us", tenant=tenant.id) == [mask.address]
        assert await found("us", domain="acme.example") == [mask.address]
        assert await found("zoe") == ["zoe@acme.example"] and await found("nobody") == []
        [hit] = await people.find_accounts("ursula")
        assert hit.account == made[0]

    play(world, main())


def test_pages_of_a_tenant_go_through_all_its_domains_in_order(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        tenant = await people.tenant_add("Acme")
        for name in ("a.example", "b.example"):
            await people.domain_add(name, tenant=tenant.id)
        made = [
            await people.account_add(f"u{n}@{('a.example', 'example.org', 'b.example')[n % 3]}")
            for n in range(9)
        ]
        pages: list[int] = []
        while page := await people.accounts(tenant=tenant.id, after=pages[-1] if pages else 0, limit=2):
            pages += [account.id for account in page]
        assert pages == [account.id for n, account in enumerate(made) if n % 3 != 1]

    play(world, main())
