"""What is asked while the people process is gone: kept, carried out once, in order; whatever is killed."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Coroutine
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.directory import PeopleWriter
from holdfast.directory import requests as q
from holdfast.directory.asked import Asked, CarriedOut, decode_asked, encode_asked, encode_request
from holdfast.directory.credentials import Parameters, hash_password
from holdfast.directory.deferred import Backlog, Carried, Deferred, Denied, Done, Outcome, Taken, Waiting
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.ledgers import Kind
from holdfast.model.limits import ASKED_TRY_S
from holdfast.model.mail import START
from holdfast.model.people import Account, Contact
from holdfast.packs.reader import LedgerReader
from holdfast.packs.words import BadFrame, Frame
from holdfast.sim.world import SimWorld, simulated
from unit.directory.people_service import VOLUME, client, seconds_until, serve

T = TypeVar("T")
LEDGER = "password-asked-0"
FAST = Parameters(memory_kib=64, passes=1, lanes=1)
OLD, NEW, NEWER = (hash_password(word, b"0" * 16, FAST) for word in ("old", "new", "newer"))


def play(world: SimWorld, main: Coroutine[Any, Any, None]) -> None:
    world.run(main)
    assert world.simulation.unhandled == []


class House:
    """A people process that comes and goes, and the process of a function that asks it."""

    writer: PeopleWriter
    deferred: Deferred

    def __init__(self, world: SimWorld) -> None:
        self.world = world
        self.told: list[Outcome] = []
        self.lives = 1
        self.people = world.process("people")
        self.function = world.process("password")

    async def open(self) -> House:
        self.writer = await self.people.start(serve(self.people))
        await self.people.start(self._furnish())
        await self.start()
        return self

    async def _furnish(self) -> None:
        await self.writer.domain_add("example.org")
        self.ann = await self.writer.account_add("ann@example.org", credential=OLD)
        self.bob = await self.writer.account_add("bob@example.org", credential=OLD)

    async def start(self) -> None:
        """The function's process, anew."""

        async def tell(outcome: Outcome) -> None:
            self.told.append(outcome)

        function = self.function
        opening = Deferred.open(function, VOLUME, LEDGER, client(function), on_outcome=tell)
        self.deferred = await function.start(opening)
        function.start(self.deferred.run())
        await self.world.clock.sleep(0)

    async def restart(self) -> None:
        """kill -9 of the function's process, and its next life."""
        self.function.kill()
        await self.live_again()

    async def live_again(self) -> None:
        self.lives += 1  # a name of its own: what it draws at random is not what the last life drew
        self.function = self.world.process(f"password in life {self.lives}")
        await self.start()

    def leave(self) -> None:
        """kill -9 of the people process."""
        self.people.kill()

    async def come_back(self) -> None:
        self.people = self.people.restart()
        self.writer = await self.people.start(serve(self.people))

    def set(
        self, credential: str, account: int = 0, **more: Any
    ) -> Coroutine[Any, Any, Done[Account] | Taken]:
        request = q.PasswordSet(account=account or self.ann.id, credential=credential, by="account:2", **more)
        return self.ask(request, Account)

    async def ask(self, request: Any, answer: type[T], note: str = "") -> Done[T] | Taken:
        """In the function's process."""
        return await self.function.start(self.deferred.ask(request, answer, note=note))

    async def taken(self, credential: str, account: int = 0) -> str:
        answer = await self.set(credential, account)
        assert isinstance(answer, Taken)
        return answer.ticket

    async def settled(self, ticket: str) -> object:
        await seconds_until(self.world, lambda: not isinstance(self.deferred.state(ticket), Waiting), 90.0)
        return self.deferred.state(ticket)

    def phc(self, account: int = 0) -> str:
        return self.writer._copy.lookup.credential(account or self.ann.id).phc

    def records(self) -> list[Any]:
        """What is on the disk."""
        reader = LedgerReader(self.function, VOLUME, LEDGER)
        found = list(reader.follow(START))
        assert all(isinstance(each, Frame) and each.kind == Kind.ASKED for each in found)
        return [decode_asked(each.body) for each in found if isinstance(each, Frame)]


def test_with_the_people_process_there_it_is_done_at_once_and_nothing_is_kept(world: SimWorld) -> None:
    async def main() -> None:
        house = await House(world).open()
        answer = await house.set(NEW)
        assert isinstance(answer, Done) and answer.value.id == house.ann.id
        assert house.phc() == NEW
        assert house.records() == [] and house.deferred.waiting() == Backlog(0, 0.0)

    play(world, main())


def test_a_refusal_is_a_refusal_and_nothing_is_kept(world: SimWorld) -> None:
    async def main() -> None:
        house = await House(world).open()
        with pytest.raises(Refused) as caught:
            await house.set("not a hash")
        assert caught.value.reason is Reason.BAD_SYNTAX
        with pytest.raises(Refused):
            await house.set(NEW, account=4711)
        assert house.records() == []

    play(world, main())


@pytest.mark.slow
def test_defer_1_what_is_asked_without_the_people_process_happens_on_its_return(world: SimWorld) -> None:
    async def main() -> None:
        house = await House(world).open()
        house.leave()
        asked_at = world.clock.now()
        ticket = await house.taken(NEW)
        assert house.deferred.state(ticket) == Waiting(asked_at)
        assert house.deferred.waiting() == Backlog(1, asked_at)
        await world.clock.sleep(600)
        assert isinstance(house.deferred.state(ticket), Waiting)
        await house.come_back()
        back = world.clock.monotonic()
        assert isinstance(await house.settled(ticket), Carried)
        assert world.clock.monotonic() - back < 2.0
        assert house.phc() == NEW
        assert house.deferred.waiting() == Backlog(0, 0.0)
        assert [(each.ticket, type(each.state)) for each in house.told] == [(ticket, Carried)]

    play(world, main())


def test_defer_1_it_survives_the_death_of_its_own_process(world: SimWorld) -> None:
    async def main() -> None:
        house = await House(world).open()
        house.leave()
        ticket = await house.taken(NEW)
        await house.restart()
        assert isinstance(house.deferred.state(ticket), Waiting)
        await house.restart()
        await house.come_back()
        assert isinstance(await house.settled(ticket), Carried)
        assert house.phc() == NEW
        await house.restart()
        assert isinstance(house.deferred.state(ticket), Carried), "also after the next start"

    play(world, main())


def test_defer_1_carried_out_and_killed_before_that_was_noted_it_does_not_happen_twice(
    world: SimWorld,
) -> None:
    async def main() -> None:
        house = await House(world).open()
        house.leave()
        ticket = await house.taken(NEW)
        await house.come_back()
        await seconds_until(world, lambda: house.phc() == NEW)
        changed = house.writer.durable
        house.function.kill()  # between the people process' answer and the note of it
        await house.live_again()
        assert isinstance(await house.settled(ticket), Carried)
        assert house.writer.durable == changed, "one frame, not two"
        await house.set(NEWER)
        assert house.phc() == NEWER

    play(world, main())


@pytest.mark.slow
def test_a_people_process_that_does_not_answer_is_waited_for_two_seconds_and_no_longer(
    world: SimWorld,
) -> None:
    async def main() -> None:
        house = await House(world).open()
        world.platter.hang_at("sync", f"{VOLUME}/people", 60.0, times=1)
        started = world.clock.monotonic()
        ticket = await house.taken(NEW)
        assert world.clock.monotonic() - started < ASKED_TRY_S + 0.5
        assert isinstance(await house.settled(ticket), Carried)
        assert house.phc() == NEW

    play(world, main())


def test_defer_2_what_one_person_asks_happens_in_the_order_it_was_asked(world: SimWorld) -> None:
    async def main() -> None:
        house = await House(world).open()
        house.leave()
        contact = Contact(house.ann.customer, address="first@example.net", language="de")
        second = msgspec.structs.replace(contact, address="second@example.net")
        for each in (contact, second):
            assert isinstance(await house.ask(q.ContactSet(contact=each), Contact), Taken)
        await house.come_back()
        third = msgspec.structs.replace(contact, address="third@example.net")
        answer = await house.ask(q.ContactSet(contact=third), Contact)
        assert isinstance(answer, Taken), "behind the others"
        assert isinstance(await house.settled(answer.ticket), Carried)
        assert house.deferred.waiting().count == 0
        assert (await house.writer.contact(house.ann.customer)).address == "third@example.net"

    play(world, main())


def test_defer_5_a_password_that_was_set_later_stays(world: SimWorld) -> None:
    async def main() -> None:
        house = await House(world).open()
        house.leave()
        ticket = await house.taken(NEW)
        house.function.kill()  # so that it comes too late
        await world.clock.sleep(5)
        await house.come_back()
        await house.writer.password_set(house.ann.id, credential=NEWER)
        await house.live_again()
        state = await house.settled(ticket)
        assert isinstance(state, Denied) and state.reason is Reason.NOT_ALLOWED and state.text
        assert house.phc() == NEWER

    play(world, main())


def test_of_two_passwords_asked_for_one_after_the_other_the_second_counts(world: SimWorld) -> None:
    async def main() -> None:
        house = await House(world).open()
        house.leave()
        first = await house.taken(NEW)
        await world.clock.sleep(1)
        second = await house.taken(NEWER)
        await house.come_back()
        assert isinstance(await house.settled(second), Carried)
        assert isinstance(house.deferred.state(first), Carried)
        assert house.phc() == NEWER

    play(world, main())


def test_defer_3_one_that_is_refused_says_so_and_holds_up_nobody(world: SimWorld) -> None:
    async def main() -> None:
        house = await House(world).open()
        house.leave()
        nobody = await house.taken(NEW, account=4711)
        ticket = await house.taken(NEW)
        await house.come_back()
        state = await house.settled(nobody)
        assert isinstance(state, Denied) and state.reason is Reason.NO_SUCH_USER
        assert isinstance(await house.settled(ticket), Carried)
        assert {each.ticket for each in house.told} == {nobody, ticket}
        await house.restart()
        assert house.deferred.state(nobody) == state

    play(world, main())


def test_defer_3_an_answer_of_another_type_than_was_asked_for_holds_up_nobody(world: SimWorld) -> None:
    async def main() -> None:
        house = await House(world).open()
        house.leave()
        odd = await house.ask(q.SignOut(account=house.ann.id), bytes)
        assert isinstance(odd, Taken)
        other = await house.taken(NEW, house.bob.id)
        await house.come_back()
        assert isinstance(await house.settled(odd.ticket), Carried)
        assert isinstance(await house.settled(other), Carried)

    play(world, main())


def test_defer_4_no_secret_in_plain_is_written(world: SimWorld) -> None:
    async def main() -> None:
        house = await House(world).open()
        house.leave()
        with pytest.raises(Refused):
            await house.ask(q.PasswordSet(account=2, password="in plain"), Account)
        with pytest.raises(Refused):
            new = q.NewAccount(address="c@example.org", password="in plain")
            await house.ask(q.AccountAddMany(accounts=(new,)), list[q.Made])
        for secret in (
            q.AppPasswordAdd(account=2, name="phone", secret="in plain"),
            q.TokenAdd(account=2, name="crm", role="support", secret="in plain"),  # type: ignore[arg-type]
            q.InvitationAdd(domain="example.org", code="in plain"),
        ):
            with pytest.raises(Unavailable) as caught:
                await house.ask(secret, object)
            assert caught.value.component == "people"
        assert house.records() == []

    play(world, main())


def test_defer_6_a_full_disk_is_said_and_nothing_is_promised(world: SimWorld) -> None:
    async def main() -> None:
        house = await House(world).open()
        house.leave()
        kept = await house.taken(NEW)
        full = world.platter.fail("append", f"{VOLUME}/{LEDGER}", errno.ENOSPC)
        with pytest.raises(Unavailable):
            await house.set(NEWER, house.bob.id)
        assert house.deferred.waiting().count == 1
        await house.come_back()
        assert isinstance(await house.settled(kept), Carried), "that it happened needs no disk"
        assert house.phc(house.bob.id) == OLD
        full.lift()
        await house.restart()
        assert isinstance(await house.settled(kept), Carried), "asked again under the same key, and no harm"
        assert house.phc() == NEW

    play(world, main())


def test_a_sign_up_is_carried_out_once_and_its_refusal_is_told(world: SimWorld) -> None:
    async def main() -> None:
        house = await House(world).open()
        house.leave()
        tickets = []
        for address in ("cleo@example.org", "ann@example.org"):
            new = q.NewAccount(address=address, credential=NEW)
            request = q.AccountAddMany(accounts=(new,), by="signup")
            answer = await house.ask(request, list[q.Made], note=f"tell {address}")
            assert isinstance(answer, Taken)
            tickets.append(answer.ticket)
        await house.restart()
        await house.come_back()
        assert isinstance(await house.settled(tickets[0]), Carried)
        refused = await house.settled(tickets[1])
        assert isinstance(refused, Denied) and refused.reason is Reason.EXISTS
        assert {each.note for each in house.told} == {"tell cleo@example.org", "tell ann@example.org"}
        assert (await house.writer.account("cleo@example.org")).credential

    play(world, main())


def test_a_damaged_frame_costs_one_request_and_is_reported(world: SimWorld) -> None:
    async def main() -> None:
        house = await House(world).open()
        house.leave()
        lost = await house.taken(NEW)
        kept = await house.taken(NEW, house.bob.id)
        [first, _] = list(LedgerReader(house.function, VOLUME, LEDGER).follow(START))
        assert isinstance(first, Frame | BadFrame)
        house.function.kill()
        world.platter.rot(f"{VOLUME}/{LEDGER}/00000001.pack", first.ref.offset + 60)
        await house.live_again()
        await house.come_back()
        assert isinstance(await house.settled(kept), Carried)
        assert house.deferred.state(lost) is None
        assert house.function.journal.named("asked_bad")
        assert house.phc() == OLD and house.phc(house.bob.id) == NEW

    play(world, main())


def test_the_tickets_cannot_be_guessed_and_unknown_ones_say_nothing(world: SimWorld) -> None:
    async def main() -> None:
        house = await House(world).open()
        house.leave()
        tickets = {await house.taken(NEW) for _ in range(3)}
        assert len(tickets) == 3 and all(len(each) == 26 for each in tickets)
        assert house.deferred.state("nothing") is None

    play(world, main())


MOVES = st.lists(
    st.sampled_from(["people goes", "people comes", "function dies", "ask", "ask bob", "wait"]),
    min_size=4,
    max_size=14,
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(MOVES, st.integers(0, 1 << 30))
def test_defer_1_whatever_dies_and_comes_back_each_request_that_was_taken_happens_once(
    moves: list[str], seed: int
) -> None:
    with simulated(seed) as world:
        world.run(_random_life(world, moves))
        assert world.simulation.unhandled == []


async def _random_life(world: SimWorld, moves: list[str]) -> None:
    house = await House(world).open()
    there, asked = True, 0
    taken: dict[str, str] = {}
    for move in moves:
        if move == "people goes" and there:
            house.leave()
            there = False
        elif move == "people comes" and not there:
            await house.come_back()
            there = True
        elif move == "function dies":
            await house.restart()
        elif move.startswith("ask"):
            asked += 1
            label = f"label {asked}"
            who = house.bob.id if move == "ask bob" else house.ann.id
            request = q.MaskedSet(account=who, address=f"m{asked}@example.org", label=label, by="test")
            answer = await house.ask(request, object)
            if isinstance(answer, Taken):
                taken[answer.ticket] = label
        elif move == "wait":
            await world.clock.sleep(0.05)
    if not there:
        await house.come_back()
    for ticket in taken:
        assert isinstance(await house.settled(ticket), Carried)
    masked = [*await house.writer.masked(house.ann.id), *await house.writer.masked(house.bob.id)]
    assert sorted(each.label for each in masked) == sorted(f"label {n + 1}" for n in range(asked))


def test_defer_1_records_are_read_as_they_were_written() -> None:
    request = q.PasswordSet(account=7, credential=NEW, asked_at=1.0, once="k", by="account:7")
    for record in (
        Asked(at=1.5, ticket="t", request=encode_request(request), note="n"),
        CarriedOut(at=2.5, ticket="t"),
    ):
        assert decode_asked(encode_asked(record)) == record


@pytest.mark.slow
def test_who_asks_while_others_wait_for_it_does_not_wait_himself(world: SimWorld) -> None:
    async def main() -> None:
        house = await House(world).open()
        world.platter.hang_at("sync", f"{VOLUME}/people", 60.0, times=1)
        first = await house.taken(NEW)
        started = world.clock.monotonic()
        second = await house.taken(NEW, house.bob.id)
        assert world.clock.monotonic() - started < 0.5
        for ticket in (first, second):
            assert isinstance(await house.settled(ticket), Carried)
        assert isinstance(await house.set(NEWER), Done), "and once it is back, it is asked again"

    play(world, main())


def test_asking_at_the_same_time_is_all_carried_out(world: SimWorld) -> None:
    async def main() -> None:
        house = await House(world).open()
        house.leave()
        answers = await asyncio.gather(*(house.set(NEW, who) for who in [house.ann.id, house.bob.id] * 5))
        tickets = [each.ticket for each in answers if isinstance(each, Taken)]
        assert len(tickets) == 10
        await house.come_back()
        for ticket in tickets:
            assert not isinstance(await house.settled(ticket), Waiting)
        assert house.phc() == house.phc(house.bob.id) == NEW

    play(world, main())
