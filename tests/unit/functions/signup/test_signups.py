"""The steps of a request: contract, account, word to who waited. Simulated, so that each may fail at will."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import msgspec
import pytest

from holdfast.directory import requests as q
from holdfast.directory.deferred import Deferred
from holdfast.directory.operations import Operations
from holdfast.functions.signup.contract import Contract
from holdfast.functions.signup.requests import Requests, Step, WantedAccount
from holdfast.functions.signup.signups import SignUps
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import SIGNUP_KEPT_S
from holdfast.pages import Seal
from holdfast.sim.world import Simulation, SimWorld

PHC = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$ZGlnZXN0ZGlnZXN0ZGlnZXN0ZGlnZXN0"
ANNA = WantedAccount(
    ticket="ticket-of-anna",
    once="once-of-anna",
    address="anna@example.org",
    name="Anna",
    credential=PHC,
    language="de",
    channel="phone",
    phone="+491701234567",
    phone_proven_at=1.0,
)
FIRM = msgspec.structs.replace(ANNA, contract="K-1")
Make = Callable[[q.AccountAddMany], list[q.Made]]


class People(Operations):
    """The people process: makes accounts once per key, or is gone."""

    def __init__(self) -> None:
        self.gone = False
        self.asked: list[q.AccountAddMany] = []
        self.made: dict[str, int] = {}
        self.refusal: q.Made | None = None

    async def ask(self, request: Any, answer: Any) -> Any:
        if self.gone:
            raise Unavailable("people", "gone")
        assert isinstance(request, q.AccountAddMany)
        self.asked.append(request)
        if self.refusal is not None:
            return [self.refusal]
        new = request.once not in self.made
        id_ = self.made.setdefault(request.once, 100 + len(self.made))
        return [q.Made(id_, new)]


class Contracts:
    def __init__(self) -> None:
        self.error: Exception | None = None
        self.asked: list[str] = []

    async def check(self, request: str, number: str, address: str, name: str) -> Contract:
        self.asked.append(request)
        if self.error is not None:
            raise self.error
        return Contract("C-77", quota_bytes=5)


class Setting:
    def __init__(self, world: SimWorld) -> None:
        self.world = world
        self.people, self.contracts = People(), Contracts()
        self.told: list[tuple[str, Step, str]] = []
        self.telling: Exception | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._open: list[Any] = []

    async def start(self) -> SignUps:
        async def decided(outcome: Any) -> None:
            await signups.on_outcome(outcome)

        deferred = await Deferred.open(self.world, "/v1", "signup-asked-0", self.people, on_outcome=decided)
        requests = Requests(self.world, "/data/requests.sqlite", Seal(self.world, bytes(32)), "signup-0")
        signups = SignUps(self.world, requests, deferred, self.contracts, self._tell)  # type: ignore[arg-type]
        self._open = [signups, deferred]
        self._tasks = [asyncio.create_task(each.run()) for each in (deferred, signups)]
        return signups

    async def _tell(self, wanted: WantedAccount, step: Step, why: str) -> None:
        if self.telling is not None:
            raise self.telling
        self.told.append((wanted.phone, step, why))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._open:
            signups, deferred = self._open
            await signups.close()
            await deferred.close()

    async def restart(self) -> SignUps:
        await self.stop()
        return await self.start()


async def nothing() -> None:
    return None


@pytest.fixture
def simulated() -> Iterator[Callable[[Callable[[Setting], Awaitable[None]]], None]]:
    simulation = Simulation(11)

    def run(test: Callable[[Setting], Awaitable[None]]) -> None:
        setting = Setting(simulation.world())

        async def main() -> None:
            try:
                await test(setting)
            finally:
                await setting.stop()

        setting.world.run(main())
        assert not simulation.unhandled

    yield run
    simulation.close()


async def step_of(signups: SignUps, ticket: str = ANNA.ticket) -> Step:
    standing = await signups.standing(ticket)
    assert standing is not None
    return standing.step


def test_when_all_is_there_the_account_is_made_at_once_and_nobody_needs_to_be_told(simulated) -> None:
    async def test(setting: Setting) -> None:
        signups = await setting.start()
        standing = await signups.submit(ANNA, "192.0.2.0/24", nothing)
        assert standing.step is Step.DONE
        [request] = setting.people.asked
        [account] = request.accounts
        assert (request.once, request.by) == ("once-of-anna", "signup")
        assert account.credential == PHC and account.password == ""
        assert account.contact is not None and account.contact.phone_proven_at == 1.0
        await setting.world.clock.sleep(3600)
        assert not setting.told
        assert not await signups.holds(ANNA.address)

    simulated(test)


def test_signup_1_contract_then_account_then_word_whatever_is_gone_and_for_how_long(simulated) -> None:
    async def test(setting: Setting) -> None:
        setting.contracts.error = Unavailable("partner/contracts", "gone")
        setting.people.gone = True
        setting.telling = Unavailable("partner/sms", "gone")
        signups = await setting.start()
        assert (await signups.submit(FIRM, "n", nothing)).step is Step.CONTRACT
        await setting.world.clock.sleep(600)
        assert await step_of(signups) is Step.CONTRACT and not setting.people.asked
        signups = await setting.restart()
        setting.contracts.error = None
        await setting.world.clock.sleep(60)
        assert await step_of(signups) is Step.ASKED
        signups = await setting.restart()
        setting.people.gone = False
        await setting.world.clock.sleep(60)
        assert await step_of(signups) is Step.DONE and not setting.told
        signups = await setting.restart()
        setting.telling = None
        await setting.world.clock.sleep(60)
        assert setting.told == [(ANNA.phone, Step.DONE, "")]  # SIGNUP-4
        await setting.world.clock.sleep(600)
        assert len(setting.told) == 1 and len(setting.people.made) == 1
        assert setting.people.asked[-1].accounts[0].quota_bytes == 5
        assert len(set(setting.contracts.asked)) == 1  # one request, as the other side counts

    simulated(test)


def test_signup_2_a_name_is_held_while_its_request_waits_and_not_longer(simulated) -> None:
    async def test(setting: Setting) -> None:
        setting.people.gone = True
        signups = await setting.start()
        await signups.submit(ANNA, "n", nothing)
        assert await signups.holds("Anna@example.org")
        other = msgspec.structs.replace(ANNA, ticket="another", once="another")
        with pytest.raises(Refused) as caught:
            await signups.submit(other, "n", nothing)
        assert caught.value.reason is Reason.EXISTS
        signups = await setting.restart()
        assert await signups.holds(ANNA.address)
        setting.people.gone = False
        await setting.world.clock.sleep(60)
        assert not await signups.holds(ANNA.address)

    simulated(test)


def test_signup_3_a_form_sent_twice_asks_once_and_spends_once(simulated) -> None:
    async def test(setting: Setting) -> None:
        spent = []

        async def spend() -> None:
            spent.append(1)

        signups = await setting.start()
        both = await asyncio.gather(*(signups.submit(ANNA, "n", spend) for _ in range(2)))
        await setting.world.clock.sleep(60)
        assert {each.address for each in both} == {ANNA.address}
        assert await step_of(signups) is Step.DONE
        assert len(spent) == 1 and len(setting.people.made) == 1

    simulated(test)


def test_a_proof_that_can_not_be_spent_leaves_no_request_behind(simulated) -> None:
    async def test(setting: Setting) -> None:
        async def refuse() -> None:
            raise Refused(Reason.NOT_ALLOWED, "spent before")

        signups = await setting.start()
        with pytest.raises(Refused):
            await signups.submit(ANNA, "n", refuse)
        assert await signups.standing(ANNA.ticket) is None
        assert not setting.people.asked and not await signups.holds(ANNA.address)

    simulated(test)


@pytest.mark.parametrize(
    ("reason", "why"), [(Reason.EXISTS, "name"), (Reason.NOT_ALLOWED, "invitation"), (Reason.LIMIT, "other")]
)
def test_signup_4_a_request_that_waited_and_is_refused_is_told_why(simulated, reason, why) -> None:
    async def test(setting: Setting) -> None:
        setting.people.gone = True
        signups = await setting.start()
        await signups.submit(msgspec.structs.replace(ANNA, invitation="code"), "n", nothing)
        setting.people.refusal = q.Made(reason=reason.value, text="so")
        setting.people.gone = False
        await setting.world.clock.sleep(60)
        assert await step_of(signups) is Step.REFUSED
        assert setting.told == [(ANNA.phone, Step.REFUSED, why)]
        assert await signups.counts("n", ANNA.phone) == (1, 0)

    simulated(test)


def test_a_contract_that_is_not_good_is_refused_before_an_account_is_asked_for(simulated) -> None:
    async def test(setting: Setting) -> None:
        setting.contracts.error = Refused(Reason.NOT_ALLOWED, "unknown")
        signups = await setting.start()
        standing = await signups.submit(FIRM, "n", nothing)
        assert (standing.step, standing.why) == (Step.REFUSED, "contract")
        assert not setting.people.asked

    simulated(test)


def test_signup_5_the_hash_of_the_password_goes_when_the_request_is_over(simulated) -> None:
    async def test(setting: Setting) -> None:
        setting.people.gone = True
        signups = await setting.start()
        await signups.submit(ANNA, "n", nothing)
        requests = Requests(setting.world, "/data/requests.sqlite", Seal(setting.world, bytes(32)), "x")
        found = requests.get(ANNA.ticket)
        assert found is not None and found[1].credential == PHC and PHC not in found[0].sealed
        setting.people.gone = False
        await setting.world.clock.sleep(60)
        found = requests.get(ANNA.ticket)
        assert found is not None and found[1].credential == ""
        requests.close()

    simulated(test)


def test_signup_6_accounts_are_counted_by_network_and_contact_also_over_restarts(simulated) -> None:
    async def test(setting: Setting) -> None:
        signups = await setting.start()
        await signups.submit(ANNA, "192.0.2.0/24", nothing)
        signups = await setting.restart()
        assert await signups.counts("192.0.2.0/24", ANNA.phone) == (1, 1)
        assert await signups.counts("198.51.100.0/24", "other@example.net") == (0, 0)
        await setting.world.clock.sleep(86_401)
        assert await signups.counts("192.0.2.0/24", ANNA.phone) == (0, 1)

    simulated(test)


def test_a_fault_of_ours_in_one_request_holds_up_no_other(simulated) -> None:
    async def test(setting: Setting) -> None:
        setting.people.gone = True
        setting.telling = ValueError("a bug")
        signups = await setting.start()
        other = msgspec.structs.replace(
            ANNA, ticket="other", once="other", address="ben@example.org", phone="+491700000000"
        )
        await signups.submit(ANNA, "n", nothing)
        await signups.submit(other, "n", nothing)
        setting.people.gone = False
        await setting.world.clock.sleep(60)
        assert await step_of(signups) is Step.DONE and await step_of(signups, "other") is Step.DONE
        setting.telling = None
        await setting.world.clock.sleep(60)
        assert sorted(phone for phone, _, _ in setting.told) == ["+491700000000", ANNA.phone]

    simulated(test)


def test_what_became_of_a_request_is_known_for_a_month(simulated) -> None:
    async def test(setting: Setting) -> None:
        signups = await setting.start()
        await signups.submit(ANNA, "n", nothing)
        await setting.world.clock.sleep(SIGNUP_KEPT_S - 3600)
        assert await step_of(signups) is Step.DONE
        await setting.world.clock.sleep(3 * 3600)
        assert await signups.standing(ANNA.ticket) is None

    simulated(test)
