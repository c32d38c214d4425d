"""Sign-in with the real argon2id: what it costs, what it remembers, what it says."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine
from typing import Any

import pytest

from holdfast.directory import AuthClient, AuthService, Checker, People, PeopleWriter, SignIn
from holdfast.directory import auth as auth_module
from holdfast.directory.auth import Question
from holdfast.directory.credentials import Parameters, hash_password, nobody_credential, verify_password
from holdfast.directory.guessing import WrongCounts
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import VERIFIED_LIFE_S, WRONG_BURST, WRONG_EVERY_S
from holdfast.model.networks import network_of
from holdfast.model.people import AccountState
from holdfast.sim.world import SimWorld
from unit.directory.people_service import VOLUME, follow, seconds_until, serve

FAST = Parameters(memory_kib=64, passes=1, lanes=1)
HASH = hash_password("right", b"0" * 16, FAST)
OTHER = hash_password("other", b"1" * 16, FAST)
AUTH = "/run/auth.sock"
PEER = "192.0.2.7"


def play(world: SimWorld, main: Coroutine[Any, Any, None]) -> None:
    world.run(main)
    assert world.simulation.unhandled == []


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every password that argon2id was computed for."""
    seen: list[str] = []

    def counting(password: str, phc: str) -> bool:
        seen.append(password)
        return verify_password(password, phc)

    monkeypatch.setattr(auth_module, "verify_password", counting)
    return seen


class Desk:
    """A people process, an auth process, and one function's process that signs people in."""

    writer: PeopleWriter
    people: People
    auth: SimWorld
    sign_in: SignIn

    def __init__(self, world: SimWorld) -> None:
        self.world = world

    async def open(self) -> Desk:
        self.writer = await serve(self.world.process("people"))
        await self.writer.domain_add("example.org")
        self.ann = await self.writer.account_add("ann@example.org", credential=HASH)
        self.people = await follow(self.world.process("imap"), "imap")
        self.auth = self.world.process("auth")
        await AuthService.serve(self.auth, AUTH)
        self.sign_in = self.worker()
        return self

    def worker(self) -> SignIn:
        process = self.world.process("worker")
        return SignIn(process, self.people, AuthClient(process, AUTH), parameters=FAST)

    async def check(
        self,
        password: str = "right",
        login: str = "ann@example.org",
        peer: str = PEER,
        at: SignIn | None = None,
    ) -> object:
        """The account's id, or how it was refused."""
        try:
            return (await (at or self.sign_in).check(login, password, peer=peer, function="imap")).id
        except Refused as error:
            return error.reason
        except Unavailable as error:
            return error.component


def test_the_right_password_signs_in_and_the_wrong_one_does_not(world: SimWorld, hashes: list[str]) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        assert await desk.check() == desk.ann.id
        assert await desk.check(login="ANN@Example.org") == desk.ann.id
        assert await desk.check("Right") is Reason.BAD_CREDENTIALS
        assert await desk.check("") is Reason.BAD_CREDENTIALS
        assert await desk.check("x" * 5000) is Reason.BAD_CREDENTIALS
        assert await desk.check(login="ann") is Reason.BAD_CREDENTIALS
        assert await desk.check(login="") is Reason.BAD_CREDENTIALS

    play(world, main())


def test_people_7_what_is_known_costs_no_hash(world: SimWorld, hashes: list[str]) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        for _ in range(5):
            assert await desk.check() == desk.ann.id
        assert hashes == ["right"]
        assert await desk.check(at=desk.worker()) == desk.ann.id  # a restarted worker
        assert hashes == ["right"]
        await world.clock.sleep(VERIFIED_LIFE_S + 1)
        assert await desk.check() == desk.ann.id
        assert hashes == ["right"] * 2

    play(world, main())


def test_people_8_a_changed_password_voids_what_was_known(world: SimWorld) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        assert await desk.check() == desk.ann.id
        await desk.writer.password_set(desk.ann.id, credential=OTHER)
        await world.clock.sleep(1)
        assert await desk.check("right") is Reason.BAD_CREDENTIALS
        assert await desk.check("other") == desk.ann.id

    play(world, main())


def test_a_new_password_works_at_once_and_is_not_called_wrong_by_a_copy_that_is_behind(
    world: SimWorld,
) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        await desk.writer.password_set(desk.ann.id, credential=OTHER)
        assert await desk.check("other") == desk.ann.id

    play(world, main())


def test_in_doubt_a_password_that_does_not_fit_is_not_called_wrong(world: SimWorld) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        world.platter.fail("read", f"{VOLUME}/people")
        await desk.writer.password_set(desk.ann.id, credential=OTHER)
        assert await desk.check("other") == "people"
        assert await desk.check() == desk.ann.id

    play(world, main())


def test_who_knows_the_password_is_told_that_the_account_is_disabled(world: SimWorld) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        assert await desk.check() == desk.ann.id
        await desk.writer.account_set(desk.ann.id, state=AccountState.DISABLED)
        await seconds_until(world, lambda: _disabled(desk))
        assert await desk.check() is Reason.USER_DISABLED
        assert await desk.check("wrong") is Reason.BAD_CREDENTIALS
        await desk.writer.account_rm(desk.ann.id)
        await world.clock.sleep(1)
        assert await desk.check() is Reason.BAD_CREDENTIALS

    play(world, main())


def _disabled(desk: Desk) -> bool:
    account = desk.people.account(desk.ann.id)
    return account is not None and account.state is AccountState.DISABLED


def test_an_unknown_name_costs_as_much_as_a_wrong_password(world: SimWorld, hashes: list[str]) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        await desk.writer.account_add("new@example.org")  # no password yet
        await world.clock.sleep(1)
        assert await desk.check("a", login="nobody@example.org") is Reason.BAD_CREDENTIALS
        assert await desk.check("b", login="new@example.org") is Reason.BAD_CREDENTIALS
        assert await desk.check("c") is Reason.BAD_CREDENTIALS
        assert hashes == ["a", "b", "c"]

    play(world, main())


def test_a_hash_for_nobody_has_the_parameters_of_the_real_ones(world: SimWorld) -> None:
    assert nobody_credential(world).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert verify_password("anything", nobody_credential(world, FAST)) is False


@pytest.mark.timed
@pytest.mark.slow
def test_a_hash_leaves_the_interpreter_to_the_other_threads() -> None:
    """Or two threads would hash no faster than one, and mail would wait for each sign-in."""
    phc = hash_password("right", b"0" * 16, Parameters(memory_kib=128 * 1024, passes=2, lanes=1))
    begun, ended = threading.Event(), threading.Event()

    def hash_once() -> None:
        begun.set()
        verify_password("right", phc)
        ended.set()

    thread = threading.Thread(target=hash_once)
    thread.start()
    begun.wait()
    longest, last = 0.0, time.perf_counter()
    first = last
    while not ended.is_set():
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    thread.join()
    assert longest < (last - first) / 2


@pytest.mark.slow
def test_people_7_wrong_passwords_do_not_lock_the_owner_out(world: SimWorld, hashes: list[str]) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        phone = desk.worker()
        assert await desk.check() == desk.ann.id
        for n in range(WRONG_BURST):
            assert await desk.check(f"guess {n}", peer="198.51.100.9") is Reason.BAD_CREDENTIALS
        cost = len(hashes)
        assert await desk.check("guess", peer="198.51.100.77") == "auth/limit"
        assert await desk.check("guess", login="ANN@example.org", peer="198.51.100.9") == "auth/limit"
        assert len(hashes) == cost
        assert await desk.check("right", peer="198.51.100.9") == desk.ann.id  # known here
        assert await desk.check("right", peer="198.51.100.9", at=phone) == desk.ann.id  # known to auth
        assert await desk.check("guess", peer="203.0.113.1") is Reason.BAD_CREDENTIALS
        await world.clock.sleep(WRONG_EVERY_S)
        assert await desk.check("guess more", peer="198.51.100.9") is Reason.BAD_CREDENTIALS

    play(world, main())


def test_the_same_wrong_password_again_is_no_further_guess(world: SimWorld, hashes: list[str]) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        for _ in range(WRONG_BURST * 3):
            assert await desk.check("old one") is Reason.BAD_CREDENTIALS
        assert hashes == ["old one"]
        assert await desk.check("another") is Reason.BAD_CREDENTIALS

    play(world, main())


def test_equal_questions_at_once_are_hashed_once(world: SimWorld, hashes: list[str]) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        found = await asyncio.gather(*(desk.check() for _ in range(20)))
        assert found == [desk.ann.id] * 20
        assert hashes == ["right"]

    play(world, main())


def test_without_the_auth_process_passwords_are_verified_here(world: SimWorld, hashes: list[str]) -> None:
    async def main() -> None:
        desk = await Desk(world).open()
        desk.auth.kill()
        assert await desk.check() == desk.ann.id
        assert await desk.check("wrong") is Reason.BAD_CREDENTIALS
        await AuthService.serve(desk.auth.restart(), AUTH)
        await world.clock.sleep(10)
        await desk.check("wrong too")
        assert hashes == ["right", "wrong", "wrong too"]

    play(world, main())


def test_people_9_too_many_checks_are_put_off(world: SimWorld) -> None:
    async def main() -> None:
        checker = Checker(world, threads=1, queue=3)
        asks = [Question(n, n, "", HASH, f"p{n}") for n in range(1, 6)]
        found = await asyncio.gather(*(checker.ask(q) for q in asks), return_exceptions=True)
        assert [type(one) for one in found[3:]] == [Unavailable, Unavailable]
        assert all(not isinstance(one, BaseException) and one.right is False for one in found[:3])
        first = found[3]
        assert isinstance(first, Unavailable) and first.component == "auth" and first.retry_after_s >= 1
        assert checker.waiting == 0

    play(world, main())


def test_a_damaged_hash_is_no_wrong_password(world: SimWorld) -> None:
    async def main() -> None:
        with pytest.raises(Unavailable) as caught:
            await Checker(world).ask(Question(1, 1, "", "$argon2id$damaged", "right"))
        assert caught.value.component == "people"

    play(world, main())


@pytest.mark.parametrize(
    ("peer", "network"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("::ffff:192.0.2.7", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/56"),
        ("[2001:db8:1:ff::1]", "2001:db8:1::/56"),
        ("", ""),
        ("/run/x.sock", "/run/x.sock"),
    ],
)
def test_a_peers_network_is_what_one_household_has(peer: str, network: str) -> None:
    assert network_of(peer) == network


def test_wrong_counts_are_forgotten_one_by_one(world: SimWorld) -> None:
    async def main() -> None:
        counts = WrongCounts(world)
        for _ in range(WRONG_BURST):
            assert counts.wait_s((1, "n")) == 0
            counts.count((1, "n"))
        assert counts.wait_s((1, "n")) == WRONG_EVERY_S
        assert counts.wait_s((1, "m")) == counts.wait_s((2, "n")) == 0
        await world.clock.sleep(WRONG_EVERY_S)
        assert counts.wait_s((1, "n")) == 0

    play(world, main())
