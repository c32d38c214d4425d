"""Proofs: codes that go to a phone or a second address and come back. In virtual time, on real SQLite."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import (
    PROOF_AGAIN_S,
    PROOF_CODE_S,
    PROOF_CODES,
    PROOF_LEASE_S,
    PROOF_PER_HOUR,
    PROOF_SPEND_S,
    PROOF_TRIES,
    PROOF_WAITS_S,
)
from holdfast.portal.proofs import Phone, Proofs, SecondAddress, Sending
from holdfast.sim.world import Simulation, SimWorld
from holdfast.world import real_world
from holdfast.world import run as run_really

KEY = bytes(range(32))
PHONE = Phone("+491701234567")


class Sent:
    """A gateway that keeps what it was given, or is gone, or refuses."""

    def __init__(self) -> None:
        self.codes: list[tuple[str, str, str]] = []
        self.error: Exception | None = None
        self.tried = 0

    async def send_code(self, to: str, code: str, language: str, purpose: str) -> None:
        self.tried += 1
        if self.error is not None:
            raise self.error
        self.codes.append((to, code, language))


class Setting:
    """A process with proofs and its gateways; ``again`` is the same after a restart."""

    def __init__(self, world: SimWorld) -> None:
        self.world = world
        self.phone, self.address = Sent(), Sent()
        self.lives: list[Proofs] = []
        self.tasks: list[asyncio.Task[None]] = []

    def start(self, *, key: bytes = KEY, per_day: dict[str, int] | None = None) -> Proofs:
        gateways = {"phone": self.phone, "address": self.address}
        proofs = Proofs(self.world, "/data/proofs/signup.sqlite", key, gateways, per_day=per_day)
        self.lives.append(proofs)
        self.tasks.append(asyncio.get_running_loop().create_task(proofs.run()))
        return proofs

    async def restart(self, **keys: bytes) -> Proofs:
        await self.stop()
        return self.start(**keys)

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for proofs in self.lives:
            await proofs.close()
        self.lives, self.tasks = [], []

    async def code(self, count: int = 1) -> str:
        """The newest code of the phone, once it has so many."""
        for _ in range(100_000):
            if len(self.phone.codes) >= count:
                return self.phone.codes[-1][1]
            await self.world.clock.sleep(0.05)
        raise AssertionError("no code came")


Test = Callable[[Setting], Awaitable[None]]


@pytest.fixture
def simulated() -> Iterator[Callable[[Test], SimWorld]]:
    simulation = Simulation(7)

    def run(test: Test) -> SimWorld:
        world = simulation.world()
        setting = Setting(world)

        async def main() -> None:
            try:
                await test(setting)
            finally:
                await setting.stop()

        world.run(main())
        assert not simulation.unhandled
        return world

    yield run
    simulation.close()


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def refused(work: Awaitable[object]) -> Refused:
    with pytest.raises(Refused) as caught:
        await work
    return caught.value


def test_a_code_that_comes_back_proves_the_phone(simulated) -> None:
    async def test(setting: Setting) -> None:
        proofs = setting.start()
        token = await proofs.begin("signup", PHONE, language="de", subject="the request")
        code = await setting.code()
        assert setting.phone.codes == [(PHONE.number, code, "de")]
        assert len(code) == 6 and code.isdecimal()
        assert await proofs.sending(token) is Sending.SENT
        assert await proofs.proven(token, "signup") is None
        proof = await proofs.check(token, f" {code[:3]} {code[3:]} ")  # as phones show it
        assert (proof.purpose, proof.to, proof.subject) == ("signup", PHONE, "the request")
        assert await proofs.proven(token, "signup") == proof

    simulated(test)


def test_proof_1_neither_code_nor_contact_is_in_the_file_or_the_journal(tmp_path: Path) -> None:
    """PROOF-1, on the real disk."""
    world = real_world(journal_path=str(tmp_path / "journal"))
    gateway = Sent()
    gateway.error = Unavailable("partner/sms", "gone")

    async def test() -> None:
        proofs = Proofs(world, str(tmp_path / "proofs.sqlite"), KEY, {"phone": gateway})
        code = ""

        async def keep(to: str, given: str, language: str, purpose: str) -> None:
            nonlocal code
            code = given
            raise Unavailable("partner/sms", "gone")

        gateway.send_code = keep  # type: ignore[method-assign]
        task = asyncio.create_task(proofs.run())
        await proofs.begin("signup", PHONE, language="en", subject="of anna")
        while not code:
            await world.clock.sleep(0.005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await proofs.close()
        assert not (tmp_path / "proofs.sqlite-wal").exists()  # nobody holds it: what is read below is all
        kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert b"phone" in kept  # it was written, and not elsewhere
        for secret in (code, PHONE.number, "of anna"):
            assert secret.encode() not in kept

    run_really(test())


def test_proof_2_five_tries_are_all_there_are_also_over_restarts_and_further_codes(simulated) -> None:
    async def test(setting: Setting) -> None:
        proofs = setting.start()
        token = await proofs.begin("signup", PHONE, language="en")
        code = await setting.code()
        for tried in range(PROOF_TRIES):
            error = await refused(proofs.check(token, wrong(code)))
            assert error.reason is Reason.BAD_CREDENTIALS
            if tried == 1:
                proofs = await setting.restart()
            if tried == 3:
                await setting.world.clock.sleep(PROOF_AGAIN_S)
                await proofs.again(token)
                code = await setting.code(2)
        assert (await proofs.lasting(token)).tries_left == 0
        assert (await refused(proofs.check(token, code))).reason is Reason.LIMIT
        proofs = await setting.restart()
        assert (await refused(proofs.check(token, code))).reason is Reason.LIMIT

    simulated(test)


def test_proof_2_tries_that_come_at_once_are_counted_one_by_one(simulated) -> None:
    async def test(setting: Setting) -> None:
        proofs = setting.start()
        token = await proofs.begin("signup", PHONE, language="en")
        code = int(await setting.code())
        guesses = [f"{(code + 1 + n) % 1_000_000:06d}" for n in range(50)]
        found = await asyncio.gather(*(refused(proofs.check(token, each)) for each in guesses))
        reasons = [each.reason for each in found]
        assert reasons.count(Reason.BAD_CREDENTIALS) == PROOF_TRIES
        assert reasons.count(Reason.LIMIT) == 50 - PROOF_TRIES

    simulated(test)


def test_proof_3_a_name_nobody_has_looks_the_same_and_sends_nothing(simulated) -> None:
    async def test(setting: Setting) -> None:
        proofs = setting.start()
        known = await proofs.begin("forgotten", PHONE, language="en", discreet=True)
        unknown = await proofs.begin("forgotten", None, language="en", discreet=True)
        code = await setting.code()
        assert len(known) == len(unknown)
        assert await proofs.lasting(known) == await proofs.lasting(unknown)
        first, second = (
            await refused(proofs.check(known, wrong(code))),
            await refused(proofs.check(unknown, code)),
        )
        assert (first.reason, first.text) == (second.reason, second.text)
        await setting.world.clock.sleep(PROOF_AGAIN_S)
        await proofs.again(known)
        await proofs.again(unknown)
        await setting.code(2)
        assert await proofs.lasting(known) == await proofs.lasting(unknown)
        for _ in range(PROOF_TRIES - 1):
            assert (await refused(proofs.check(unknown, "000000"))).reason is Reason.BAD_CREDENTIALS
        assert (await refused(proofs.check(unknown, "000000"))).reason is Reason.LIMIT
        assert len(setting.phone.codes) == 2 and not setting.address.codes

    simulated(test)


@pytest.mark.timed
@pytest.mark.slow
def test_proof_3_beginning_takes_as_long_for_a_name_that_nobody_has(tmp_path: Path) -> None:
    """On the real disk; medians of what was measured by turns."""
    world = real_world(journal_path=str(tmp_path / "journal"))
    took: dict[bool, list[float]] = {True: [], False: []}

    async def test() -> None:
        proofs = Proofs(world, str(tmp_path / "proofs.sqlite"), KEY, {"phone": Sent()})
        task = asyncio.create_task(proofs.run())
        for number in range(80):
            for known in (True, False):
                to = Phone(f"+4917012345{number:02d}") if known else None
                began = world.clock.monotonic()
                await proofs.begin("forgotten", to, language="en", discreet=True)
                took[known].append(world.clock.monotonic() - began)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await proofs.close()

    run_really(test())
    known, unknown = statistics.median(took[True]), statistics.median(took[False])
    assert 0.5 < known / unknown < 2.0


def test_proof_3_beginning_never_waits_for_a_gateway_and_hides_its_trouble_from_strangers(simulated) -> None:
    async def test(setting: Setting) -> None:
        setting.phone.error = Unavailable("partner/sms", "gone")
        proofs = setting.start()
        known = await proofs.begin("forgotten", PHONE, language="en", discreet=True)
        unknown = await proofs.begin("forgotten", None, language="en", discreet=True)
        other = await proofs.begin("forgotten", SecondAddress("a@b.example"), language="en", discreet=True)
        await setting.world.clock.sleep(2)
        for token in (known, unknown, other):
            assert await proofs.sending(token) is Sending.WAITING
        own = await proofs.begin("signup", SecondAddress("a@b.example"), language="en")
        await setting.world.clock.sleep(2)
        assert await proofs.sending(own) is Sending.SENT  # who typed it himself is told of it alone
        assert proofs.trouble("phone") == "gone" and proofs.trouble("address") == ""

    simulated(test)


def test_proof_4_a_code_is_sent_when_its_gateway_is_back_and_lasts_from_then(simulated) -> None:
    async def test(setting: Setting) -> None:
        setting.phone.error = Unavailable("partner/sms", "gone")
        proofs = setting.start()
        token = await proofs.begin("signup", PHONE, language="en")
        await setting.world.clock.sleep(3600)
        assert await proofs.sending(token) is Sending.WAITING
        tried = setting.phone.tried
        assert 100 <= tried <= 200  # backed off, and not for ever
        proofs = await setting.restart()
        await setting.world.clock.sleep(600)
        setting.phone.error = None
        code = await setting.code()
        await setting.world.clock.sleep(PROOF_CODE_S - 60)
        assert await proofs.sending(token) is Sending.SENT
        assert (await proofs.check(token, code)).to == PHONE
        assert len(setting.phone.codes) == 1

    simulated(test)


def test_proof_4_asking_again_while_the_gateway_is_gone_sends_one_code_at_once(simulated) -> None:
    async def test(setting: Setting) -> None:
        setting.phone.error = Unavailable("partner/sms", "gone")
        proofs = setting.start()
        token = await proofs.begin("signup", PHONE, language="en")
        await setting.world.clock.sleep(300.5)
        setting.phone.error = None
        await proofs.again(token)
        await setting.world.clock.sleep(0.1)
        assert len(setting.phone.codes) == 1
        await setting.world.clock.sleep(120)
        assert len(setting.phone.codes) == 1

    simulated(test)


@pytest.mark.slow
def test_proof_4_what_no_gateway_takes_for_a_day_is_given_up(simulated) -> None:
    async def test(setting: Setting) -> None:
        setting.phone.error = Unavailable("partner/sms", "gone")
        proofs = setting.start()
        token = await proofs.begin("signup", PHONE, language="en")
        await setting.world.clock.sleep(PROOF_WAITS_S + 60)
        tried = setting.phone.tried
        await setting.world.clock.sleep(3600)
        assert setting.phone.tried == tried
        assert await proofs.sending(token) is Sending.OVER

    simulated(test)


def test_a_code_whose_process_died_on_the_way_is_sent_by_the_next(simulated) -> None:
    async def test(setting: Setting) -> None:
        proofs = setting.start()
        hanging = asyncio.Event()

        async def hang(to: str, code: str, language: str, purpose: str) -> None:
            hanging.set()
            await asyncio.Event().wait()

        first = setting.phone
        first.send_code = hang  # type: ignore[method-assign]
        token = await proofs.begin("signup", PHONE, language="en")
        await hanging.wait()
        await setting.stop()
        setting.phone = Sent()
        proofs = setting.start()
        await setting.world.clock.sleep(PROOF_LEASE_S + 1)
        assert (await proofs.check(token, await setting.code())).to == PHONE

    simulated(test)


def test_a_number_the_gateway_refuses_is_said_to_be_wrong_and_not_tried_again(simulated) -> None:
    async def test(setting: Setting) -> None:
        setting.phone.error = Refused(Reason.NO_SUCH_USER, "no such number")
        proofs = setting.start()
        token = await proofs.begin("signup", PHONE, language="en")
        await setting.world.clock.sleep(600)
        assert setting.phone.tried == 1
        assert await proofs.sending(token) is Sending.FAILED

    simulated(test)


def test_proof_5_a_proof_is_spent_once_and_for_its_purpose_only(simulated) -> None:
    async def test(setting: Setting) -> None:
        proofs = setting.start()
        token = await proofs.begin("signup", PHONE, language="en")
        assert (await refused(proofs.spend(token, "signup"))).reason is Reason.NOT_ALLOWED  # not proven
        code = await setting.code()
        await proofs.check(token, code)
        assert await proofs.proven(token, "forgotten") is None
        assert (await refused(proofs.spend(token, "forgotten"))).reason is Reason.NOT_ALLOWED
        done = await asyncio.gather(
            *(proofs.spend(token, "signup") for _ in range(5)), return_exceptions=True
        )
        assert sum(not isinstance(each, Refused) for each in done) == 1
        proofs = await setting.restart()
        assert await proofs.proven(token, "signup") is None
        assert (await refused(proofs.check(token, code))).reason is Reason.NOT_ALLOWED

    simulated(test)


def test_proof_5_what_is_proven_is_to_be_spent_soon(simulated) -> None:
    async def test(setting: Setting) -> None:
        proofs = setting.start()
        token = await proofs.begin("signup", PHONE, language="en")
        await proofs.check(token, await setting.code())
        await setting.world.clock.sleep(PROOF_SPEND_S + 1)
        assert await proofs.proven(token, "signup") is None
        await refused(proofs.spend(token, "signup"))

    simulated(test)


def test_proof_6_one_contact_gets_so_many_codes_an_hour_over_all_proofs_and_restarts(simulated) -> None:
    async def test(setting: Setting) -> None:
        proofs = setting.start()
        for _ in range(PROOF_PER_HOUR):
            await proofs.begin("signup", PHONE, language="en")
        assert (await refused(proofs.begin("signup", PHONE, language="en"))).reason is Reason.LIMIT
        proofs = await setting.restart()
        assert (await refused(proofs.begin("signup", PHONE, language="en"))).reason is Reason.LIMIT
        token = await proofs.begin("forgotten", PHONE, language="en", discreet=True)  # says nothing
        await setting.world.clock.sleep(30)
        assert len(setting.phone.codes) == PROOF_PER_HOUR
        assert await proofs.sending(token) is Sending.SENT
        await proofs.begin("signup", Phone("+491709999999"), language="en")  # others are served
        await setting.world.clock.sleep(3600)
        await proofs.begin("signup", PHONE, language="en")

    simulated(test)


def test_proof_6_a_channel_sends_so_many_codes_a_day(simulated) -> None:
    async def test(setting: Setting) -> None:
        proofs = setting.start(per_day={"phone": 3})
        for number in range(3):
            await proofs.begin("signup", Phone(f"+4917012345{number:02d}"), language="en")
        assert (await refused(proofs.begin("signup", PHONE, language="en"))).reason is Reason.LIMIT
        await proofs.begin("signup", SecondAddress("a@b.example"), language="en")

    simulated(test)


def test_further_codes_are_bounded_and_each_that_was_sent_is_right(simulated) -> None:
    async def test(setting: Setting) -> None:
        proofs = setting.start()
        token = await proofs.begin("signup", PHONE, language="en")
        first = await setting.code()
        assert (await refused(proofs.again(token))).reason is Reason.LIMIT  # too soon
        for count in range(2, PROOF_CODES + 1):
            await setting.world.clock.sleep(PROOF_AGAIN_S)
            await proofs.again(token)
            await setting.code(count)
        await setting.world.clock.sleep(PROOF_AGAIN_S)
        assert (await refused(proofs.again(token))).reason is Reason.LIMIT
        await proofs.check(token, first)  # it came late, and is right all the same

    simulated(test)


def test_a_code_is_over_after_ten_minutes(simulated) -> None:
    async def test(setting: Setting) -> None:
        proofs = setting.start()
        token = await proofs.begin("signup", PHONE, language="en")
        code = await setting.code()
        await setting.world.clock.sleep(PROOF_CODE_S + 1)
        assert (await refused(proofs.check(token, code))).reason is Reason.NOT_ALLOWED
        assert await proofs.sending(token) is Sending.OVER
        assert (await refused(proofs.again(token))).reason is Reason.NOT_ALLOWED

    simulated(test)


def test_a_page_waits_a_moment_to_say_whether_the_code_was_sent(simulated) -> None:
    async def test(setting: Setting) -> None:
        proofs = setting.start()
        token = await proofs.begin("signup", PHONE, language="en")
        assert (await proofs.settled(token)).sending is Sending.SENT and setting.phone.codes
        setting.phone.error = Unavailable("partner/sms", "gone")
        token = await proofs.begin("signup", PHONE, language="en")
        assert (await proofs.settled(token)).sending is Sending.WAITING
        setting.phone.error = ValueError("a bug")
        token = await proofs.begin("signup", PHONE, language="en")
        assert (await proofs.settled(token)).sending is Sending.WAITING
        setting.phone.error = None
        await setting.world.clock.sleep(60)
        assert await proofs.sending(token) is Sending.SENT

    simulated(test)


def test_a_token_somebody_made_up_is_over(simulated) -> None:
    async def test(setting: Setting) -> None:
        proofs = setting.start()
        for token in ("", "x" * 26, "\udc80"):
            assert (await refused(proofs.check(token, "123456"))).reason is Reason.NOT_ALLOWED
            assert await proofs.sending(token) is Sending.OVER
            assert await proofs.proven(token, "signup") is None

    simulated(test)


def test_under_another_key_no_code_is_right(simulated) -> None:
    async def test(setting: Setting) -> None:
        proofs = setting.start()
        token = await proofs.begin("signup", PHONE, language="en")
        code = await setting.code()
        proofs = await setting.restart(key=bytes(32))
        assert (await refused(proofs.check(token, code))).reason is Reason.BAD_CREDENTIALS

    simulated(test)


def test_a_damaged_file_is_set_aside_and_a_new_one_serves(tmp_path: Path) -> None:
    world = real_world(journal_path=str(tmp_path / "journal"))
    path = tmp_path / "proofs.sqlite"
    path.write_bytes(b"not a database at all" * 100)
    gateway = Sent()

    async def test() -> None:
        proofs = Proofs(world, str(path), KEY, {"phone": gateway})
        with pytest.raises(Unavailable):
            await proofs.begin("signup", PHONE, language="en")
        task = asyncio.create_task(proofs.run())
        token = await proofs.begin("signup", PHONE, language="en")
        while not gateway.codes:
            await world.clock.sleep(0.005)
        await proofs.check(token, gateway.codes[0][1])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await proofs.close()

    run_really(test())
    assert (tmp_path / "proofs.sqlite.damaged").exists()
