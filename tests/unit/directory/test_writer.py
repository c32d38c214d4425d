"""The people process: what it takes, what it refuses, and with which words."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import apsw
import pytest

from holdfast.directory import NewAccount, PeopleWriter
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.people import AccountRole, AccountState
from holdfast.sim.world import SimWorld
from unit.directory.people_service import CHEAP, VOLUME, answer, client, open_people, serve
from unit.directory.people_tape import dump


def play(world: SimWorld, main: Coroutine[Any, Any, None]) -> None:
    world.run(main)
    assert world.simulation.unhandled == []


async def serving(world: SimWorld, **settings: Any) -> PeopleWriter:
    writer = await serve(world, **settings)
    await writer.domain_add("example.org")
    return writer


async def refused(work: Coroutine[Any, Any, Any]) -> Reason:
    with pytest.raises(Refused) as caught:
        await work
    assert len(caught.value.text) > len(caught.value.reason.value), "it says what to do"
    return caught.value.reason


def test_every_operation_has_the_same_answer_in_the_process_and_over_the_socket(world: SimWorld) -> None:
    async def main() -> None:
        writer = await serving(world)
        people = client(world.process("cli"))
        for ask in (writer, people):
            who = "ann" if ask is writer else "bob"
            customer = await ask.customer_add("Smith")
            account = await ask.account_add(
                f"{who}@example.org", name="N", credential=CHEAP, customer=customer.id, role=AccountRole.OWNER
            )
            assert (account.login, account.customer) == (f"{who}@example.org", customer.id)
            assert account.role is AccountRole.OWNER and account.credential == account.id
            await ask.address_add(account.id, f"{who}2@example.org")
            assert await ask.addresses(account.id) == [f"{who}2@example.org", f"{who}@example.org"]
            assert await ask.account(f"{who}2@example.org") == account
            await ask.address_rm(f"{who}2@example.org")
            changed = await ask.account_set(f"{who}@example.org", name="M", state=AccountState.DISABLED)
            assert (changed.name, changed.state) == ("M", AccountState.DISABLED)
            assert (await ask.password_set(account.id, credential=CHEAP)).credential > account.credential
            assert (await ask.account_rm(account.id)).state is AccountState.REMOVED
            alias = await ask.alias_add(f"{who}-all@example.org", ["x@elsewhere.example"])
            assert await ask.aliases("example.org") == [alias]
            await ask.alias_rm(alias.address)
            assert await ask.announce(5, "test") == 0
            assert await ask.accept_holes("test") == 0
        assert await people.counts() == await writer.counts()
        assert await people.accounts(domain="example.org") == await writer.accounts()
        assert [d.name for d in await people.domains()] == ["example.org"]
        assert len(await people.customers()) == 2
        assert (await people.domain_set("example.org", separator="-")).separator == "-"

    play(world, main())


def test_a_refusal_says_what_to_do(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        ann = await people.account_add("ann@example.org")
        await people.alias_add("team@example.org", ["ann@example.org"])
        bad_hash = "$argon2id$v=19$m=99999999,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + "A" * 43
        assert await refused(people.account_add("Ann@example.org")) is Reason.EXISTS
        assert await refused(people.account_add("team@example.org")) is Reason.EXISTS
        assert await refused(people.account_add("bob@example.net")) is Reason.NO_SUCH_DOMAIN
        assert await refused(people.account_add("bob")) is Reason.BAD_SYNTAX
        assert await refused(people.account_add(f"{'b' * 65}@example.org")) is Reason.BAD_SYNTAX
        assert await refused(people.account_add("bob@example.org", customer=77)) is Reason.NO_SUCH_USER
        assert await refused(people.account_add("bob@example.org", credential="{SSHA}x")) is Reason.BAD_SYNTAX
        assert await refused(people.account_add("bob@example.org", credential=bad_hash)) is Reason.BAD_SYNTAX
        assert await refused(people.account_add("bob@example.org", password="p" * 1025)) is Reason.TOO_LARGE
        assert await refused(people.account_add("bob@example.org", name="n" * 501)) is Reason.TOO_LARGE
        assert await refused(people.domain_add("not a domain")) is Reason.BAD_SYNTAX
        assert await refused(people.domain_add("[192.0.2.1]")) is Reason.BAD_SYNTAX
        assert await refused(people.domain_add("example.net", separator="x")) is Reason.BAD_SYNTAX
        assert await refused(people.domain_set("example.net", separator="-")) is Reason.NO_SUCH_DOMAIN
        assert await refused(people.alias_add("ann@example.org", ["x@y.example"])) is Reason.EXISTS
        assert await refused(people.alias_add("team@example.org", ["x@y.example"])) is Reason.EXISTS
        assert await refused(people.alias_add("all@example.org", [])) is Reason.BAD_SYNTAX
        assert await refused(people.alias_add("all@example.org", ["all@example.org"])) is Reason.BAD_SYNTAX
        assert await refused(people.alias_add("all@example.org", ["bob@example.org"])) is Reason.NO_SUCH_USER
        assert await refused(people.address_rm("ann@example.org")) is Reason.NOT_ALLOWED
        assert await refused(people.alias_rm("ann@example.org")) is Reason.NO_SUCH_USER
        assert await refused(people.password_set("bob@example.org", credential=CHEAP)) is Reason.NO_SUCH_USER
        assert await refused(people.password_set(ann.id)) is Reason.BAD_SYNTAX
        assert await refused(people.announce(0, "")) is Reason.BAD_SYNTAX
        assert (await people.counts()).active == 1

    play(world, main())


def test_people_6_names_of_removed_accounts_are_not_given_again(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        ann = await people.account_add("ann@example.org")
        await people.address_add(ann.id, "annie@example.org")
        await people.account_rm(ann.id)
        for name in ("ann@example.org", "ANNIE@example.org"):
            assert await refused(people.account_add(name)) is Reason.EXISTS
            assert await refused(people.alias_add(name, ["x@elsewhere.example"])) is Reason.EXISTS
        assert (await people.account_set(ann.id, state=AccountState.ACTIVE)).id == ann.id

    play(world, main())


def test_asking_twice_does_no_harm(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        ann = await people.account_add("ann@example.org")
        again = await people.account_add("ANN@example.org", keep_existing=True)
        assert again == ann
        for _ in range(2):
            await people.domain_add("example.org")
            await people.alias_add("team@example.org", ["ann@example.org"])
            await people.address_add(ann.id, "annie@example.org")
            await people.account_set(ann.id, state=AccountState.DISABLED)
        frames = [entry.keys["frames"] for entry in world.journal.named("people_changed")]
        assert sum(frames) == 5

    play(world, main())


@pytest.mark.slow
def test_one_account_of_many_that_is_refused_keeps_none_away(world: SimWorld) -> None:
    async def main() -> None:
        await serving(world)
        people = client(world.process("cli"))
        wanted = [f"u{n}@example.{'org' if n % 10 else 'net'}" for n in range(2500)]
        made = await people.account_add_many(NewAccount(address=address) for address in wanted)
        assert [answer.reason for answer in made[:2]] == [Reason.NO_SUCH_DOMAIN.value, ""]
        assert sum(1 for answer in made if answer.new) == (await people.counts()).active == 2250
        again = await people.account_add_many(
            (NewAccount(address=address) for address in wanted), keep_existing=True
        )
        assert [answer.id for answer in again] == [answer.id for answer in made]
        assert not any(answer.new for answer in again)

    play(world, main())


def test_accounts_are_placed_in_the_least_filled_cell_and_stay_there(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world, cells=4)
        made = await people.account_add_many([NewAccount(address=f"u{n}@example.org") for n in range(10)])
        assert [account.cell for account in await people.accounts()] == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]
        for one in made[3:8:4]:
            await people.account_rm(one.id)
        assert (await people.account_add("x@example.org")).cell == 3
        assert [frame["cell"] for frame in _rows(people)] == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 3]

    play(world, main())


def _rows(people: PeopleWriter) -> list[dict[str, int]]:
    return [{"cell": row[5]} for row in dump(people._copy)["account"]]  # type: ignore[dict-item]


def test_changes_that_wait_together_share_one_append(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        await asyncio.gather(*(people.account_add(f"u{n}@example.org") for n in range(50)))
        changed = [entry.keys["frames"] for entry in world.journal.named("people_changed")]
        assert sum(changed) == 51 and len(changed) <= 4

    play(world, main())


def test_people_10_what_the_disk_refused_has_not_happened(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        rule = world.platter.fail("sync", f"{VOLUME}/people")
        for work in (people.account_add("ann@example.org"), people.domain_add("example.net")):
            with pytest.raises(Unavailable) as caught:
                await work
            assert "people" in caught.value.component
        assert (await people.counts()).active == 0
        assert [d.name for d in await people.domains()] == ["example.org"]
        rule.lift()
        ann = await people.account_add("ann@example.org")
        follower = await open_people(world.process("mx"))
        assert follower.by_login("ann@example.org") == ann

    play(world, main())


@pytest.mark.slow
def test_the_writers_own_copy_equals_one_made_from_the_ledger(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world, cells=4)
        for n in range(30):
            await people.account_add(f"u{n}@example.org", credential=CHEAP)
        await people.account_add("U3@example.org", keep_existing=True)
        await refused(people.account_add("u4@example.org"))
        await people.alias_add("all@example.org", [f"u{n}@example.org" for n in range(30)])
        for n in range(20):
            await people.account_rm(f"u{n}@example.org")
        follower = await open_people(world.process("mx"))
        assert follower._copy is not None
        assert dump(follower._copy) == dump(people._copy)
        assert answer(follower, "u3@example.org") == "people"  # twenty of thirty: PEOPLE-4
        assert await people.announce(20, "test") == 0

    play(world, main())


def test_an_alias_that_would_be_too_deep_is_refused(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        await people.account_add("a0@example.org")
        for n in range(1, 11):
            await people.alias_add(f"a{n}@example.org", [f"a{n - 1}@example.org"])
        assert await refused(people.alias_add("b@example.org", ["a10@example.org"])) is Reason.LIMIT
        assert await refused(people.alias_add("a10@example.org", ["b@example.org"])) is Reason.EXISTS
        frames = [entry.keys["frames"] for entry in world.journal.named("people_changed")]
        assert sum(frames) == 12
        await people.account_add("c@example.org")  # what was taken back left no gap
        assert (await open_people(world.process("mx"))).by_login("c@example.org") is not None

    play(world, main())


@pytest.mark.slow
def test_a_plain_password_becomes_a_hash_before_it_is_written(world: SimWorld) -> None:
    async def main() -> None:
        people = await serving(world)
        ann = await people.account_add("ann@example.org", password="correct horse")
        phc = people._copy.lookup.credential(ann.id).phc
        assert phc.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        await people.password_set(ann.id, password="battery staple")
        assert people._copy.lookup.credential(ann.id).phc != phc
        assert b"horse" not in world.disk.read(f"{VOLUME}/people/00000001.pack")

    play(world, main())


def test_a_second_writer_is_kept_out(world: SimWorld) -> None:
    async def main() -> None:
        await serving(world)
        with pytest.raises(Unavailable):
            await PeopleWriter.open(world.process("other"), VOLUME, "/copies/other.db")

    play(world, main())


def test_who_is_turned_away_hears_that_somebody_else_writes_to_the_writer_s_copy(
    world: SimWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        people = await serving(world)

        def locked() -> None:
            raise apsw.BusyError("database is locked")

        monkeypatch.setattr(people._copy.fold, "begin", locked)
        with pytest.raises(Unavailable) as caught:
            await people.account_add("ann@example.org")
        assert caught.value.component == "people/copy"

    play(world, main())


def test_people_10_what_became_durable_counts_though_the_own_copy_failed(
    world: SimWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        people = await serving(world)
        fold = people._copy.fold

        def full(*_: object, **__: object) -> None:
            raise apsw.FullError("database or disk is full")

        with monkeypatch.context() as broken:
            broken.setattr(fold, "commit", full)
            with pytest.raises(Unavailable):
                await people.account_add("ann@example.org")
        [failed] = world.journal.named("people_write_failed")
        assert failed.keys["component"] == "people/copy"
        assert await refused(people.account_add("ann@example.org")) is Reason.EXISTS
        bob = await people.account_add("bob@example.org")
        follower = await open_people(world.process("mx"))
        assert follower.by_login("bob@example.org") == bob
        assert follower._copy is not None and dump(follower._copy) == dump(people._copy)

    play(world, main())
