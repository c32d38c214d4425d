"""Vantage points: what one sees of our doors, how it tells, and what is made of what it doesn't tell."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.findings import Finding
from holdfast.model.limits import (
    DOOR_S,
    OWN_LAG_S,
    VANTAGE_ASK_S,
    VANTAGE_EVERY_S,
    VANTAGE_LATE_S,
    VANTAGE_NAMES_S,
)
from holdfast.sim.world import SimWorld, simulated
from holdfast.watch.clients import Fault, Target
from holdfast.watch.depends import Step, Trial
from holdfast.watch.vantage import page
from holdfast.watch.vantage.asking import Asker
from holdfast.watch.vantage.lookout import Lookout, Place
from holdfast.watch.vantage.names import Names
from holdfast.world import Session
from holdfast.world.tls import client_context

KEY = b"k" * 32
PORT = 1110
STEPS = ("resolve", "connect", "greeting", "STLS", "certificate")
TRIAL = Trial("pop3/pop3@east", "pop3", tuple(Step(each, frozenset()) for each in STEPS))


@pytest.fixture
def world():
    with simulated(1) as made:
        yield made


class Resolver:
    """``says``: host → addresses, or what is raised."""

    def __init__(self, says: dict[str, list[str] | Exception]) -> None:
        self.says = says
        self.asked = 0

    async def addresses(self, host: str) -> list[str]:
        self.asked += 1
        found = self.says.get(host, Refused(Reason.NO_SUCH_DOMAIN, f"{host} has no address"))
        if isinstance(found, Exception):
            raise found
        return found

    async def mail_hosts(self, domain: str) -> list[str]:
        return await self.addresses(domain)


class Pop3(Session):
    """Greets, and has no capabilities. ``silent``: says nothing."""

    silent = False

    def connected(self) -> None:
        if not Pop3.silent:
            self.connection.write(b"+OK ready\r\n")

    def received(self, data: bytes) -> None:
        self.connection.write(b"+OK\r\n.\r\n")


def lookout(world: SimWorld, resolver: Resolver, name: str = "east") -> Lookout:
    target = Target("pop3", "pop3", ("", 0), "mail.example.org", client_context(verify=False))
    return Lookout(world, name, {"pop3/pop3": Place(target, PORT)}, Names(world, resolver))


OURS = {"mail.example.org": ["127.0.0.1"]}


def fetching(seen: Lookout) -> Callable[[str, str], Awaitable[tuple[bytes, str]]]:
    """As over HTTP, without it."""

    async def fetch(nonce: str, proof: str) -> tuple[bytes, str]:
        assert page.proves(proof, KEY, "question", nonce)
        body = page.encode(seen.page())
        return body, page.proof(KEY, "answer", nonce, body)

    return fetch


def asker(world: SimWorld, fetch: Callable[[str, str], Awaitable[tuple[bytes, str]]]) -> Asker:
    return Asker(world, "east", lambda: KEY, fetch, [TRIAL])


def watching(world: SimWorld, work: Callable[[Lookout, Asker], Awaitable[None]]) -> None:
    """A vantage point that runs, and who asks it."""

    async def main() -> None:
        Pop3.silent = False
        await world.net.listen(Pop3, ("127.0.0.1", PORT))
        seen = lookout(world, Resolver(dict(OURS)))
        running = asyncio.ensure_future(seen.run())
        try:
            await work(seen, asker(world, fetching(seen)))
        finally:
            running.cancel()

    world.run(main())


def states(found: list[Finding]) -> list[tuple[str, str, str]]:
    return [(each.trial, each.state, each.step) for each in found]


# What it sees


def test_vantage_4_each_try_counts_once_and_none_is_lost_between_two_questions(world):
    async def work(seen: Lookout, asking: Asker) -> None:
        heard: list[Finding] = []
        for _ in range(20):
            await world.clock.sleep(0.7)
            heard += [each for each in await asking.look() if each.state == "works" and each.function]
        numbers = seen.page().tried[-1].number
        assert len(heard) == numbers and 5 <= numbers <= 8
        assert [each.at for each in heard] == sorted(each.at for each in heard)

    watching(world, work)


def test_two_failures_of_a_door_that_is_silent_are_told_within_seconds(world):
    async def work(seen: Lookout, asking: Asker) -> None:
        await world.clock.sleep(5)
        *_, door, own = await asking.look()
        assert states([door, own]) == [("pop3/pop3@east", "works", ""), ("vantage/east", "works", "")]
        assert (door.function, door.vantage, own.function) == ("pop3", "east", "")
        Pop3.silent = True
        began, failed = world.clock.now(), list[Finding]()
        while len(failed) < 2:
            await world.clock.sleep(0.5)
            failed += [each for each in await asking.look() if each.state == "fails"]
        assert {each.step for each in failed} == {"greeting"}
        assert world.clock.now() - began <= VANTAGE_EVERY_S + DOOR_S + 1.5

    watching(world, work)


def test_a_name_that_leads_nowhere_is_our_fault_and_a_resolver_that_is_out_of_reach_is_not(world):
    async def main() -> None:
        resolver = Resolver({})
        names = Names(world, resolver)
        with pytest.raises(Fault, match="has no address"):
            await names.address("mail.example.org")
        resolver.says |= {"mail.example.org": Unavailable("dns", "SERVFAIL")}
        with pytest.raises(Fault, match="and not ours"):  # it finds that other names don't exist
            await names.address("mail.example.org")
        resolver.says |= {"a.root-servers.net": Unavailable("dns", "no answer")}
        with pytest.raises(Unavailable):
            await names.address("mail.example.org")
        resolver.says |= OURS | {"example.org": ["other.example.net"]}
        assert await names.address("mail.example.org") == "127.0.0.1"
        with pytest.raises(Fault, match="goes to other"):
            await names.address("mail.example.org", "example.org")

    world.run(main())


def test_a_name_is_looked_up_now_and_then_however_many_doors_it_has(world):
    async def main() -> None:
        resolver = Resolver(dict(OURS))
        names = Names(world, resolver)
        for _ in range(20):
            await names.address("mail.example.org")
        assert resolver.asked == 1
        await world.clock.sleep(VANTAGE_NAMES_S)
        await names.address("mail.example.org")
        assert resolver.asked == 2

    world.run(main())


def test_vantage_3_what_its_resolver_cannot_tell_is_unknown_there(world):
    async def main() -> None:
        gone = Unavailable("dns", "no answer")
        seen = lookout(world, Resolver({"mail.example.org": gone, "a.root-servers.net": gone}))
        running = asyncio.ensure_future(seen.run())
        await world.clock.sleep(3)
        found = await asker(world, fetching(seen)).look()
        assert states(found)[-2:] == [("pop3/pop3@east", "unknown", "resolve"), ("vantage/east", "works", "")]
        running.cancel()

    world.run(main())


# What it doesn't tell


def test_vantage_3_while_it_does_not_answer_its_last_word_holds_for_a_moment_and_then_nothing_is_known(world):
    async def work(seen: Lookout, asking: Asker) -> None:
        async def silent(nonce: str, proof: str) -> tuple[bytes, str]:
            raise Unavailable("vantage/east", "no answer in time")

        await world.clock.sleep(3)
        await asking.look()
        asking._fetch = silent
        began = world.clock.monotonic()
        assert states(await asking.look()) == [("vantage/east", "fails", "answer")]
        await world.clock.sleep(VANTAGE_LATE_S)
        found = await asking.look()
        assert states(found) == [("pop3/pop3@east", "unknown", ""), ("vantage/east", "fails", "answer")]
        assert world.clock.monotonic() - began <= VANTAGE_LATE_S + 1
        asking._fetch = fetching(seen)
        assert "fails" not in {state for _, state, _ in states(await asking.look())}

    watching(world, work)


def test_vantage_3_one_that_answers_and_tries_nothing_any_more_is_late(world):
    async def main() -> None:
        Pop3.silent = False
        await world.net.listen(Pop3, ("127.0.0.1", PORT))
        seen = lookout(world, Resolver(dict(OURS)))
        running = asyncio.ensure_future(seen.run())
        await world.clock.sleep(3)
        running.cancel()
        await world.clock.sleep(VANTAGE_LATE_S)
        found = states(await asker(world, fetching(seen)).look())
        assert found == [("pop3/pop3@east", "unknown", ""), ("vantage/east", "fails", "fresh")]

    world.run(main())


def test_vantage_3_a_door_that_it_does_not_try_is_unknown_and_said(world):
    async def main() -> None:
        empty = page.Page(vantage="east", life="one", tried=[])
        [door, own] = await asker(world, answering(page.encode(empty))).look()
        assert (door.state, own.state, own.step) == ("unknown", "degraded", "fresh")
        assert "pop3/pop3" in own.said

    world.run(main())


@pytest.mark.parametrize(("late_s", "state"), [(0.0, "fails"), (2 * OWN_LAG_S, "unknown")])
def test_watch_8_an_answer_that_this_process_was_too_late_for_is_no_fault_of_a_vantage_point(
    world, late_s, state
):
    async def slow(nonce: str, proof: str) -> tuple[bytes, str]:
        await world.clock.sleep(VANTAGE_ASK_S + late_s)
        raise Unavailable("vantage/east", "no answer in time")

    async def main() -> None:
        *_, own = await asker(world, slow).look()
        assert (own.trial, own.state) == ("vantage/east", state)

    world.run(main())


def test_an_unreadable_key_is_our_own_fault(world):
    async def main() -> None:
        def key() -> bytes:
            raise FileNotFoundError(2, "No such file or directory")

        [door, own] = await Asker(world, "east", key, answering(b""), [TRIAL]).look()
        assert (door.state, own.state, own.step) == ("unknown", "unknown", "answer")

    world.run(main())


# Who believes what


def answering(
    body: bytes, key: bytes = KEY, kind: page.Kind = "answer", nonce: str = ""
) -> Callable[[str, str], Awaitable[tuple[bytes, str]]]:
    async def fetch(asked: str, proof: str) -> tuple[bytes, str]:
        return body, page.proof(key, kind, nonce or asked, body)

    return fetch


def told(**more: object) -> bytes:
    tried = {"number": 1, "door": "pop3/pop3", "state": "fails", "step": "greeting", "said": "no"}
    tried |= {"age_s": 0.1, "took_s": 0.1, **more}
    return msgspec.json.encode({"vantage": "east", "life": "one", "tried": [tried]})


@pytest.mark.parametrize(
    "fetch",
    [
        answering(told(), key=b"another" * 6),
        answering(told(), kind="question"),
        answering(told(), nonce="of a question before"),
        answering(told(age_s=-5)),
        answering(told(age_s="now")),
        answering(told(state="green")),
        answering(told(said="x" * 301)),
        answering(told(more=1)),
        answering(told().replace(b"east", b"west")),
        answering(b"{" * 60_000),
    ],
)
def test_vantage_1_what_is_not_proven_fresh_and_understood_whole_says_nothing_of_a_door(world, fetch):
    async def main() -> None:
        [door, own] = await asker(world, fetch).look()
        assert (door.trial, door.state) == ("pop3/pop3@east", "unknown")
        assert (own.trial, own.state, own.step) == ("vantage/east", "fails", "proof")

    world.run(main())


def test_vantage_1_the_same_said_well_counts(world):
    async def main() -> None:
        asking = asker(world, answering(told(said="no\x1b[2J")))
        [door, own] = await asking.look()
        assert (door.state, door.said, own.state) == ("fails", "no [2J", "works")
        assert [each.trial for each in await asking.look()] == ["vantage/east"]  # VANTAGE-4

    world.run(main())


def test_what_the_map_lacks_is_left_out_and_said_once(world):
    async def main() -> None:
        for strange in (told(door="imap/imap"), told(step="sign-in")):
            asking = asker(world, answering(strange))
            for _ in range(3):
                assert {each.state for each in await asking.look() if each.function} == {"unknown"}
        ignored = [each.keys["trials"] for each in world.journal.named("vantage_ignored")]
        assert ignored == [["imap/imap greeting"], ["pop3/pop3 sign-in"]]

    world.run(main())
