"""Processes with their own copies: they follow, go on alone, and don't believe everything."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from holdfast.directory import NewAccount, People, PeopleWriter
from holdfast.directory import copy as copy_module
from holdfast.directory.copy import Copy
from holdfast.model.errors import Reason, Unavailable
from holdfast.model.people import AccountState, Local
from holdfast.sim.loop import PowerCut
from holdfast.sim.rules import Operation
from holdfast.sim.world import SimWorld, simulated
from unit.directory.people_service import (
    CHEAP,
    PACK,
    VOLUME,
    answer,
    client,
    follow,
    open_people,
    seconds_until,
    serve,
)


def play(world: SimWorld, main: Coroutine[Any, Any, None]) -> None:
    world.run(main)
    assert world.simulation.unhandled == []


async def with_ann(world: SimWorld) -> SimWorld:
    """A people process that knows ann@example.org."""
    process = world.process("people")
    writer = await serve(process)
    await writer.domain_add("example.org")
    await writer.account_add("ann@example.org", credential=CHEAP)
    return process


@pytest.mark.slow
def test_a_change_reaches_every_follower_within_milliseconds(world: SimWorld) -> None:
    async def main() -> None:
        await with_ann(world)
        followers = [await follow(world.process(name), name) for name in ("mx", "imap")]
        await world.clock.sleep(1)
        account = await client(world).account_set("ann@example.org", state=AccountState.DISABLED)
        assert account.state is AccountState.DISABLED
        for people in followers:
            waited = await seconds_until(
                world, lambda p=people: answer(p, "ann@example.org") is Reason.USER_DISABLED
            )
            assert waited < 0.1
        before = followers[0].credential(account.id)
        await client(world).account_set(account.id, state=AccountState.ACTIVE)
        await client(world).password_set(account.id, credential=CHEAP)
        for people in followers:
            await seconds_until(world, lambda p=people: p.credential(account.id).sequence > before.sequence)
            assert answer(people, "ann@example.org") is Local

    play(world, main())


@pytest.mark.slow
def test_lookups_go_on_when_the_people_process_is_killed_and_follow_the_next(world: SimWorld) -> None:
    async def main() -> None:
        process = await with_ann(world)
        mx = world.process("mx")
        people = await follow(mx)
        await world.clock.sleep(1)
        process.kill()
        await world.clock.sleep(60)
        assert answer(people, "ann@example.org") is Local
        assert answer(people, "bob@example.org") is Reason.NO_SUCH_USER
        assert [e.name for e in mx.journal.entries].count("people_writer_lost") == 1
        writer = await serve(process.restart())
        await writer.account_add("bob@example.org")
        assert await seconds_until(world, lambda: answer(people, "bob@example.org") is Local) < 6

    play(world, main())


def test_a_process_starts_with_nobody_to_ask(world: SimWorld) -> None:
    async def main() -> None:
        (await with_ann(world)).kill()
        people = await open_people(world.process("mx"))
        assert answer(people, "ann@example.org") is Local
        assert answer(people, "bob@example.org") is Reason.NO_SUCH_USER
        people.close()
        with pytest.raises(Unavailable):
            people.account(2)

    play(world, main())


def test_a_copy_is_opened_where_it_was_left(world: SimWorld) -> None:
    async def main() -> None:
        await with_ann(world)
        for _ in range(2):
            mx = world.process("mx")
            (await open_people(mx)).close()
        opened = mx.journal.named("people_opened")
        assert [entry.keys["frames"] for entry in opened] == [0]

    play(world, main())


def test_people_1_no_copy_is_ahead_of_what_a_power_cut_leaves(world: SimWorld) -> None:
    """Nobody announced the last frames; a process that folds them has synced them."""

    async def main() -> None:
        (await with_ann(world)).kill()
        await open_people(world.process("mx"))
        syncs = [path for operation, path in world.platter.trace or [] if operation == "sync"]
        assert PACK in syncs

    world.platter.trace = []
    play(world, main())


def test_people_11_a_build_that_was_broken_off_is_not_taken_for_a_copy(
    world: SimWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    whole: list[bool] = []
    take = Copy.take

    def take_two(copy: Copy, *args: Any, **keys: Any) -> None:
        if len(whole) == 2:
            raise Killed
        take(copy, *args, **keys)
        whole.append(copy.fold.whole)

    async def main() -> None:
        writer = await serve(world.process("people"))
        await writer.domain_add("example.org")
        await writer.account_add_many([NewAccount(address=f"u{n}@example.org") for n in range(20)])
        monkeypatch.setattr(copy_module, "FOLD_FRAMES", 5)
        with monkeypatch.context() as broken:
            broken.setattr(Copy, "take", take_two)
            with pytest.raises(Killed):
                await open_people(world.process("mx"))
        assert whole == [False, False]
        rule = world.platter.fail("read", f"{VOLUME}/people")
        again = world.process("mx")
        people = await open_people(again)
        assert answer(people, "u1@example.org") == answer(people, "u19@example.org") == "people"
        rule.lift()
        again.start(people.follow())
        await seconds_until(world, lambda: answer(people, "u19@example.org") is Local)
        assert answer(people, "u1@example.org") is Local
        assert answer(people, "u20@example.org") is Reason.NO_SUCH_USER
        assert people._copy is not None and people._copy.fold.whole

    play(world, main())


def test_people_3_an_emptied_ledger_is_not_believed(world: SimWorld) -> None:
    async def main() -> None:
        (await with_ann(world)).kill()
        mx = world.process("mx")
        people = await follow(mx)
        await world.clock.sleep(1)
        kept = world.disk.read(PACK)
        world.disk.remove(PACK)
        await world.clock.sleep(20)
        assert answer(people, "ann@example.org") is Local
        assert answer(people, "bob@example.org") == "people"
        assert answer(people, "bob@elsewhere.example") == "people"
        with pytest.raises(Unavailable):
            people.is_local_domain("elsewhere.example")
        assert people.by_login("ann@example.org") is not None
        with pytest.raises(Unavailable):
            people.by_login("bob@example.org")
        assert [e.name for e in mx.journal.entries].count("people_not_believed") == 1
        world.disk.write_atomic(PACK, kept)
        await seconds_until(world, lambda: answer(people, "bob@example.org") is Reason.NO_SUCH_USER)
        assert mx.journal.entries[-1].name == "people_believed"

    play(world, main())


def test_people_3_a_shorter_ledger_is_not_believed(world: SimWorld) -> None:
    async def main() -> None:
        (await with_ann(world)).kill()
        mx = world.process("mx")
        people = await follow(mx)
        file = world.disk.open(PACK)
        file.truncate(file.size() - 200)
        await world.clock.sleep(20)
        assert answer(people, "ann@example.org") is Local
        assert answer(people, "bob@example.org") == "people"

    play(world, main())


def test_people_3_another_ledger_is_not_believed_even_with_its_writer(world: SimWorld) -> None:
    async def main() -> None:
        process = await with_ann(world)
        people = await follow(world.process("mx"))
        process.kill()
        world.disk.remove(PACK)
        other = world.process("people")
        with pytest.raises(Unavailable) as caught:
            await serve(other)  # its own copy knows better
        assert caught.value.component == "people"
        writer = await PeopleWriter.open(other, VOLUME, ":memory:")
        await writer.serve("/run/people.sock")
        await writer.domain_add("example.org")
        await writer.account_add("eve@example.org")
        await world.clock.sleep(20)
        assert answer(people, "ann@example.org") is Local
        assert answer(people, "eve@example.org") == answer(people, "bob@example.org") == "people"

    play(world, main())


def test_people_3_a_new_process_without_a_ledger_refuses_nobody(world: SimWorld) -> None:
    async def main() -> None:
        people = await open_people(world.process("mx"))
        assert answer(people, "ann@example.org") == "people"
        assert people.doubt

    play(world, main())


def test_a_ledger_that_cannot_be_read_is_followed_again_when_it_can(world: SimWorld) -> None:
    async def main() -> None:
        process = await with_ann(world)
        mx = world.process("mx")
        people = await follow(mx)
        await world.clock.sleep(1)
        rule = world.platter.fail("read", f"{VOLUME}/people")
        await client(world).account_add("bob@example.org")
        await world.clock.sleep(0.1)
        assert answer(people, "bob@example.org") == "people"
        assert answer(people, "ann@example.org") is Local
        rule.lift()
        await seconds_until(world, lambda: answer(people, "bob@example.org") is Local)
        assert process.life.dead is False

    play(world, main())


def test_a_broken_copy_is_built_again(world: SimWorld) -> None:
    async def main() -> None:
        await with_ann(world)
        (await open_people(world.process("mx"))).close()
        Path(world.disk.database_path("/copies/mx.db")).write_bytes(b"this is no database" * 1000)
        mx = world.process("mx")
        people = await open_people(mx)
        assert answer(people, "ann@example.org") is Local
        assert mx.journal.entries[0].name == "people_copy_broken"

    play(world, main())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_people_10_what_was_answered_survives_a_power_cut(seed: int) -> None:
    answered: list[str] = []

    async def fill(writer_world: SimWorld) -> None:
        writer = await serve(writer_world)
        await writer.domain_add("example.org")
        answered.append("domain")

        async def add(n: int) -> None:
            await writer.account_add(f"u{n}@example.org", credential=CHEAP)
            answered.append(f"u{n}@example.org")

        for first in range(0, 40, 4):
            await asyncio.gather(*(add(n) for n in range(first, first + 4)))

    with simulated(seed) as world:
        operation: Operation = "append" if seed % 2 else "sync"
        world.platter.cut_power_at(operation, f"{VOLUME}/people", after=seed // 2)
        with pytest.raises(PowerCut):
            world.run(fill(world))
        again = world.restart()

        async def check() -> People:
            people = await open_people(again.process("mx"), writer="")
            writer = await serve(again)
            for address in answered:
                if "@" in address:
                    assert answer(people, address) is Local
                    assert (await writer.account(address)).login == address
            await writer.domain_add("example.net")
            return people

        again.run(check())
