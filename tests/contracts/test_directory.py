"""The directory does the same on the real world as on the simulated one."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from holdfast.directory import AuthClient, AuthService, NewAccount, People, PeopleClient, PeopleWriter, SignIn
from holdfast.directory.credentials import Parameters, hash_password
from holdfast.model.address import parse_address
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.people import AccountState, Local
from holdfast.sim.world import simulated
from holdfast.world import World, real_world, run

CHEAP = Parameters(memory_kib=64, passes=1, lanes=1)
RIGHT = hash_password("right", b"0" * 16, CHEAP)
OTHER = hash_password("other", b"1" * 16, CHEAP)


class Place(NamedTuple):
    world: World
    folder: str
    run: Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=["real", "simulated"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "real":
        yield Place(real_world(level="error"), str(tmp_path), run)
    else:
        with simulated(1) as world:
            yield Place(world, "/srv", world.run)


async def until(world: World, true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await world.clock.sleep(0.001)


@pytest.mark.slow
def test_a_change_is_in_effect_everywhere_within_a_second(place: Place) -> None:
    world, folder = place.world, place.folder

    async def main() -> None:
        world.disk.make_folder(folder)
        writer = await PeopleWriter.open(world, f"{folder}/v1", f"{folder}/people.db")
        await writer.serve(f"{folder}/people.sock")
        auth = await AuthService.serve(world, f"{folder}/auth.sock")
        client = PeopleClient(world, f"{folder}/people.sock")
        await client.domain_add("example.org")
        made = await client.account_add_many(
            [NewAccount(address=f"u{n}@example.org", credential=RIGHT) for n in range(50)]
        )
        copies = []
        for name in ("mx", "imap"):
            people = await People.open(
                world, f"{folder}/{name}.db", f"{folder}/v1", writer=f"{folder}/people.sock"
            )
            copies.append((people, asyncio.ensure_future(people.follow())))
        sign_in = SignIn(world, copies[1][0], AuthClient(world, f"{folder}/auth.sock"), parameters=CHEAP)

        async def signs_in(password: str) -> bool:
            try:
                await sign_in.check("u7@example.org", password, peer="192.0.2.1", function="imap")
            except Refused as error:
                assert error.reason is Reason.BAD_CREDENTIALS
                return False
            return True

        assert await signs_in("right") and not await signs_in("other")
        await client.password_set("u7@example.org", credential=OTHER)
        assert await signs_in("other") and not await signs_in("right")
        for people, _ in copies:
            assert people.route(parse_address("u7+x@example.org")) == Local(made[7].id, 7, "x")
        await client.account_set(made[7].id, state=AccountState.DISABLED)
        for people, _ in copies:
            await until(
                world, lambda p=people: not p.may_send_as(made[7].id, parse_address("u7@example.org"))
            )
        auth.close()
        assert await signs_in("wrong") is False  # verified here
        for people, task in copies:
            task.cancel()
            people.close()
        sign_in.close()
        client.close()
        await writer.close()

    place.run(main())


def test_the_sockets_are_their_owners_only(tmp_path: Path) -> None:
    async def main() -> None:
        world = real_world(level="error")
        writer = await PeopleWriter.open(world, f"{tmp_path}/v1", ":memory:")
        await writer.serve(f"{tmp_path}/people.sock")
        auth = await AuthService.serve(world, f"{tmp_path}/auth.sock")
        for name in ("people.sock", "auth.sock"):
            assert stat.S_IMODE(os.stat(tmp_path / name).st_mode) == 0o600
        auth.close()
        await writer.close()

    run(main())


def test_nobody_at_the_socket_is_unavailable_people(place: Place) -> None:
    async def main() -> None:
        with pytest.raises(Unavailable) as caught:
            await PeopleClient(place.world, f"{place.folder}/people.sock").counts()
        assert caught.value.component == "people"

    place.run(main())
