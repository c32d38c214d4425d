"""Password checks under load: who goes first, what the others hear, and that it ends by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from holdfast.directory import auth as auth_module
from holdfast.directory.auth import FIRST_GUESS_S, LOAD, AuthClient, AuthService, Checker, Question, Verdict
from holdfast.directory.credentials import Parameters, hash_password, verify_password
from holdfast.directory.history import History
from holdfast.directory.shedding import Shedding
from holdfast.model.errors import Unavailable
from holdfast.model.limits import (
    AUTH_QUEUE,
    AUTH_WAIT_S,
    CROWDED_KEPT_S,
    CROWDED_S,
    PUT_OFF_S,
    SHED_LEASE_S,
    SHED_LONGEST_S,
    SHED_PLACES,
)
from holdfast.sim.world import SimWorld

HASH = hash_password("right", b"0" * 16, Parameters(memory_kib=64, passes=1, lanes=1))
FOLDER = "/data/history"
ANN = 7
HOME, ELSEWHERE = "192.0.2.0/24", "198.51.100.0/24"


def play(world: SimWorld, main: Coroutine[Any, Any, None]) -> None:
    world.run(main)
    assert world.simulation.unhandled == []


def told(world: SimWorld, event: str) -> list[dict[str, Any]]:
    return [dict(each.keys) for each in world.journal.entries if each.event.name == event]


async def noted(world: SimWorld) -> None:
    """What a function's process knows of earlier days."""
    history = History(world, f"{FOLDER}/imap-0.sqlite")
    history.note(ANN, "imap", "192.0.2.7", "right")
    history.note(ANN, "imap", "198.51.100.7", "wrong")
    await history.close()


def asked(account: int, password: str, network: str = ELSEWHERE) -> Question:
    return Question(account, account, "", HASH, password, network=network)


def guessing(checker: Checker, number: int) -> asyncio.Future[list[Any]]:
    """So many wrong ones at once, from elsewhere."""
    asks = [checker.ask(asked(ANN, f"guess {n}")) for n in range(number)]
    return asyncio.gather(*asks, return_exceptions=True)


def put_off(found: list[Any]) -> int:
    """All others were checked, and were wrong."""
    assert all(
        isinstance(each, Verdict) and each.right is False
        for each in found
        if not isinstance(each, Unavailable)
    )
    assert {each.component for each in found if isinstance(each, Unavailable)} <= {LOAD}
    return sum(isinstance(each, Unavailable) for each in found)


def test_sign_4_who_signed_in_from_there_before_goes_first_and_nobody_else_is_called_wrong(
    world: SimWorld,
) -> None:
    async def main() -> None:
        await noted(world)
        shedding = Shedding(world, FOLDER)
        checker = Checker(world, shedding=shedding)
        assert put_off(await guessing(checker, 20)) == 0, "nothing is shed unasked"
        assert await shedding.order(SHED_LEASE_S) == 1
        flood = guessing(checker, 40)
        await world.clock.sleep(0)
        assert checker.waiting == SHED_PLACES
        assert await checker.ask(asked(ANN, "right", HOME)) == Verdict(True, True)
        assert put_off(await flood) == 20 - SHED_PLACES, "twenty were known to be wrong from before"
        assert shedding.put_off() == {("full",): 0.0, ("shed",): 20.0 - SHED_PLACES}
        assert put_off(await guessing(checker, 20)) == 0, "what is remembered asks nobody"
        await world.clock.sleep(PUT_OFF_S + 1)
        assert shedding.put_off()["shed",] == 0
        assert told(world, "shedding_began") == [{"known": 1}]

    play(world, main())


def test_sign_4_who_waits_already_when_it_begins_is_treated_as_who_comes(
    world: SimWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A known one at the end of a long queue is next but one; and a check takes its time."""
    order: list[str] = []

    def slow(password: str, phc: str) -> bool:
        order.append(password)
        return verify_password(password, phc)

    monkeypatch.setattr(auth_module, "verify_password", slow)

    async def main() -> None:
        await noted(world)
        shedding = Shedding(world, FOLDER)
        checker = Checker(world, threads=1, shedding=shedding)
        flood = guessing(checker, 30)
        await world.clock.sleep(0)
        known = asyncio.ensure_future(checker.ask(asked(ANN, "right", HOME)))
        await world.clock.sleep(0)
        assert checker.waiting == 31
        await shedding.order(SHED_LEASE_S)
        assert await known == Verdict(True, True)
        assert put_off(await flood) > 0
        assert order.index("right") < len(order) - SHED_PLACES
        assert checker.waiting == 0

    play(world, main())


def test_sign_4_where_checks_wait_for_long_who_is_known_goes_first_before_anything_is_shed(
    world: SimWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    def noting(password: str, phc: str) -> bool:
        order.append(password)
        return verify_password(password, phc)

    monkeypatch.setattr(auth_module, "verify_password", noting)

    async def main() -> None:
        await noted(world)
        shedding = Shedding(world, FOLDER)
        checker = Checker(world, threads=1, shedding=shedding)
        flood = guessing(checker, 2 * round(CROWDED_S / FIRST_GUESS_S))
        known = asyncio.ensure_future(checker.ask(asked(ANN, "right", HOME)))
        assert await known == Verdict(True, True)
        assert put_off(await flood) == 0 and not shedding.at_work
        assert order.index("right") < len(order) / 2
        assert (await checker.ask(asked(ANN, "right again", HOME))).right is False
        assert not shedding.is_stranger(ANN, HOME) and shedding.is_stranger(ANN, ELSEWHERE)
        await world.clock.sleep(CROWDED_KEPT_S + 1)
        assert not shedding.is_stranger(ANN, ELSEWHERE), "nobody waits any more: all are treated alike"
        assert told(world, "shedding_began") == told(world, "shedding_ended") == []

    play(world, main())


def test_sign_4_who_is_known_takes_a_strangers_place_where_none_is_free(world: SimWorld) -> None:
    async def main() -> None:
        await noted(world)
        shedding = Shedding(world, FOLDER)
        checker = Checker(world, threads=1, queue=30, shedding=shedding)
        shedding.crowded()
        await world.clock.sleep(0.1)
        flood = guessing(checker, 40)
        await world.clock.sleep(0)
        assert checker.waiting == 30
        assert (await checker.ask(asked(ANN, "right", HOME))).right
        assert put_off(await flood) == 11, "ten for whom there was no place, and one who made room"

    play(world, main())


def test_sign_4_a_right_password_from_elsewhere_comes_in_where_there_is_a_place_and_is_known_then(
    world: SimWorld,
) -> None:
    async def main() -> None:
        shedding = Shedding(world, FOLDER)
        checker = Checker(world, shedding=shedding)
        assert await shedding.order(SHED_LEASE_S) == 0
        assert shedding.is_stranger(ANN, ELSEWHERE)
        assert (await checker.ask(asked(ANN, "right"))).right
        assert not shedding.is_stranger(ANN, ELSEWHERE) and shedding.is_stranger(ANN + 1, ELSEWHERE)

    play(world, main())


def test_sign_4_it_ends_by_itself_and_can_be_taken_back(world: SimWorld) -> None:
    async def main() -> None:
        await noted(world)
        auth, asking = world.process("auth"), world.process("watch")
        service = await AuthService.serve(auth, "/run/auth.sock", history=FOLDER)
        client = AuthClient(asking, "/run/auth.sock")
        assert await client.shed(SHED_LEASE_S) == 1
        assert service.shedding.at_work
        await world.clock.sleep(SHED_LEASE_S - 1)
        assert await client.shed(SHED_LEASE_S) == 1 and service.shedding.at_work
        await world.clock.sleep(SHED_LEASE_S - 1)
        assert service.shedding.at_work
        await world.clock.sleep(2)
        assert not service.shedding.at_work
        assert put_off(await guessing(service.checker, 2 * SHED_PLACES)) == 0
        await client.shed(10 * SHED_LONGEST_S)
        await world.clock.sleep(SHED_LONGEST_S + 1)
        assert not service.shedding.at_work, "nobody orders it for ever"
        await client.shed(SHED_LEASE_S)
        assert await client.shed(0) == 0
        assert not service.shedding.at_work
        client.close()
        service.close()

    play(world, main())


def test_sign_4_a_damaged_history_leaves_the_others_and_is_told(world: SimWorld) -> None:
    async def main() -> None:
        await noted(world)
        world.disk.open(f"{FOLDER}/pop3-0.sqlite", create=True).pwrite(0, b"no database" * 100)
        assert await Shedding(world, FOLDER).order(SHED_LEASE_S) == 1
        assert len(told(world, "history_damaged")) == 1

    play(world, main())


def test_people_9_what_waits_is_bounded_by_time_too_so_that_nobody_takes_it_for_gone(world: SimWorld) -> None:
    """Slow checks, in a machine that has much to do."""

    async def main() -> None:
        checker = Checker(world, threads=1, shedding=Shedding(world, FOLDER))
        found = guessing(checker, 1000)
        await world.clock.sleep(0)
        assert AUTH_WAIT_S <= checker.wait_s < AUTH_WAIT_S + 1 and checker.waiting < AUTH_QUEUE
        assert put_off(await found) == 1000 - round(AUTH_WAIT_S / FIRST_GUESS_S) - 1

    play(world, main())


def test_that_checks_are_put_off_is_in_the_journal_once_a_second(world: SimWorld) -> None:
    async def main() -> None:
        checker = Checker(world, threads=1, queue=3, shedding=Shedding(world, FOLDER))
        assert put_off(await guessing(checker, 50)) == 47
        await world.clock.sleep(1.0)
        assert put_off(await guessing(checker, 50)) > 0

    play(world, main())
    told = [each.keys["checks"] for each in world.journal.entries if each.name == "auth_full"]
    assert told == [1, 47], "46 of the first fifty are told a second later"


def test_people_9_a_full_queue_of_the_service_is_a_load_and_no_fault_of_it(world: SimWorld) -> None:
    async def main() -> None:
        shedding = Shedding(world, FOLDER)
        checker = Checker(world, threads=1, queue=3, shedding=shedding)
        assert put_off(await guessing(checker, 5)) == 2
        assert shedding.put_off()["full",] == 2
        with pytest.raises(Unavailable) as caught:
            await Checker(world, queue=0).ask(asked(ANN, "right"))
        assert caught.value.component == "auth"

    play(world, main())
