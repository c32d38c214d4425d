"""PEOPLE-12: a request that is asked again under its key happens once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from holdfast.directory import NewAccount, Operations, PeopleWriter
from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import ONCE_LIFE_S
from holdfast.model.people import AccountState, AdminRole, Contact, FactorKind
from holdfast.sim.world import SimWorld
from unit.directory.people_service import CHEAP, serve

Change = Callable[[Operations, str], Awaitable[object]]
ANN = "ann@example.org"
BOB = "bob@example.org"


def play(world: SimWorld, main: Coroutine[Any, Any, None]) -> None:
    world.run(main)
    assert world.simulation.unhandled == []


async def peopled(world: SimWorld) -> PeopleWriter:
    people = await serve(world)
    await people.domain_add("example.org")
    for address in (ANN, BOB):
        await people.account_add(address, credential=CHEAP)
    await people.factor_add(ANN, FactorKind.RECOVERY, "codes", b"1" * 32 + b"2" * 32)
    await people.invitation_add("example.org", "open sesame", uses=5)
    await people.tenant_add("Acme")
    await people.access_ask(ANN, BOB, why="court order")
    return people


async def _recovery(people: Operations, once: str) -> object:
    [codes] = await people.factors(ANN)
    return await people.recovery_use(ANN, codes.id, b"1" * 32, once=once)


async def _approval(people: Operations, once: str) -> object:
    [access] = await people.accesses()
    return await people.access_approve(access.id, ANN, access.asked_at + 3600, once=once)


CHANGES: dict[str, Change] = {
    "domain_add": lambda p, k: p.domain_add("example.net", once=k),
    "domain_set": lambda p, k: p.domain_set("example.org", quota_bytes=9, once=k),
    "domain_rm": lambda p, k: p.domain_rm("example.org", accounts=2, once=k),
    "customer_add": lambda p, k: p.customer_add("Smith", once=k),
    "contact_set": lambda p, k: p.contact_set(Contact(2, phone="+49 30 123456"), once=k),
    "tenant_add": lambda p, k: p.tenant_add("Other", once=k),
    "names_reserve": lambda p, k: p.names_reserve(["root"], once=k),
    "account_add": lambda p, k: p.account_add("eve@example.org", credential=CHEAP, once=k),
    "account_set": lambda p, k: p.account_set(ANN, name="A", state=AccountState.DISABLED, once=k),
    "password_set": lambda p, k: p.password_set(ANN, credential=CHEAP, sign_out=True, once=k),
    "sign_out": lambda p, k: p.sign_out(ANN, once=k),
    "hold_set": lambda p, k: p.hold_set(ANN, True, why="court", once=k),
    "address_add": lambda p, k: p.address_add(ANN, "annie@example.org", once=k),
    "alias_set": lambda p, k: p.alias_set("team@example.org", [ANN], once=k),
    "masked_set": lambda p, k: p.masked_set(ANN, label="shop", once=k),
    "app_password_add": lambda p, k: p.app_password_add(ANN, "phone", "hfapp-abcd-efgh-jkmn-pqrs", once=k),
    "factor_add": lambda p, k: p.factor_add(ANN, FactorKind.TOTP, "phone", b"sealed", once=k),
    "recovery_use": _recovery,
    "grant_add": lambda p, k: p.grant_add(ANN, AdminRole.OWNER, once=k),
    "token_add": lambda p, k: p.token_add(ANN, "crm", AdminRole.OWNER, "t" * 30, once=k),
    "invitation_add": lambda p, k: p.invitation_add("example.org", "another code", once=k),
    "invitation_use": lambda p, k: p.invitation_use("open sesame", "example.org", once=k),
    "access_ask": lambda p, k: p.access_ask(BOB, ANN, why="court", once=k),
    "access_approve": _approval,
}


@pytest.mark.parametrize("change", CHANGES)
def test_people_12_a_change_asked_again_has_the_same_answer_and_adds_nothing(
    world: SimWorld, change: str
) -> None:
    async def main() -> None:
        people = await peopled(world)
        first = await CHANGES[change](people, "key-1")
        sequence = people._copy.fold.sequence
        assert await CHANGES[change](people, "key-1") == first
        assert people._copy.fold.sequence == sequence

    play(world, main())


def test_a_key_of_another_request_is_refused(world: SimWorld) -> None:
    async def main() -> None:
        people = await peopled(world)
        await people.tenant_add("Other", once="key-1")
        with pytest.raises(Refused) as caught:
            await people.customer_add("Smith", once="key-1")
        assert caught.value.reason is Reason.BAD_SYNTAX and "another" in caught.value.text

    play(world, main())


def test_a_refused_request_may_be_asked_again_under_its_key(world: SimWorld) -> None:
    async def main() -> None:
        people = await peopled(world)
        with pytest.raises(Refused):
            await people.account_add("eve@example.net", once="key-1")
        await people.domain_add("example.net")
        eve = await people.account_add("eve@example.net", once="key-1")
        assert eve == await people.account_add("eve@example.net", once="key-1")

    play(world, main())


def test_what_was_made_under_a_key_and_removed_since_is_not_made_again(world: SimWorld) -> None:
    async def main() -> None:
        people = await peopled(world)
        token = await people.token_add(ANN, "crm", AdminRole.OWNER, "t" * 30, once="key-1")
        await people.token_rm(token.id)
        with pytest.raises(Refused) as caught:
            await people.token_add(ANN, "crm", AdminRole.OWNER, "t" * 30, once="key-1")
        assert caught.value.reason is Reason.NO_SUCH_USER
        assert await people.tokens() == []

    play(world, main())


def test_many_accounts_under_one_key_are_made_once_each(world: SimWorld) -> None:
    async def main() -> None:
        people = await peopled(world)
        wanted = [NewAccount(address=f"u{n}@example.org") for n in range(5)]
        made = await people.account_add_many([*wanted[:3], NewAccount(address=ANN)], once="import")
        assert [answer.new for answer in made] == [True, True, True, False]
        again = await people.account_add_many(wanted[:4], once="import")
        assert [answer.id for answer in again[:3]] == [answer.id for answer in made[:3]]
        assert [answer.new for answer in again] == [False, False, False, True]

    play(world, main())


def test_a_contact_that_a_crash_tore_from_its_account_is_added_when_it_is_asked_again(
    world: SimWorld,
) -> None:
    async def main() -> None:
        people = await peopled(world)
        await people.account_add("eve@example.org", credential=CHEAP, once="key-1")
        contact = Contact(0, phone="+4930123456", language="de")
        eve = await people.account_add("eve@example.org", credential=CHEAP, contact=contact, once="key-1")
        assert (await people.contact(eve.customer)).phone == "+4930123456"

    play(world, main())


def test_keys_are_known_for_thirty_days_of_the_ledgers_time(world: SimWorld) -> None:
    async def main() -> None:
        people = await peopled(world)
        await people.customer_add("Smith", once="key-1")
        await world.clock.sleep(ONCE_LIFE_S - 60)
        await people.customer_add("Jones", once="key-2")
        first = await people.customer_add("Smith", once="key-1")
        await world.clock.sleep(120)
        await people.customer_add("Brown", once="key-3")
        assert (await people.customer_add("Smith", once="key-1")).id > first.id
        assert (await people.customer_add("Jones", once="key-2")).name == "Jones"
        assert len(await people.customers()) == 2 + 4

    play(world, main())


def test_people_12_keys_outlive_the_people_process(world: SimWorld) -> None:
    async def main() -> None:
        people = await peopled(world)
        made = await people.customer_add("Smith", once="key-1")
        await people.close()
        again = await serve(world)
        assert await again.customer_add("Smith", once="key-1") == made

    play(world, main())
