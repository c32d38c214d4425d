"""What the role watch tries: which doors, how, and what it makes of what they show."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace

import msgspec
import pytest

from holdfast.model.findings import Finding
from holdfast.model.functions import FUNCTIONS
from holdfast.model.limits import DOOR_S, DOOR_SILENT_S, OWN_LAG_S
from holdfast.model.people import CANARY
from holdfast.run import canaries, layout
from holdfast.run.child import Start
from holdfast.run.config import Canary, Config, Service, Signup, Workers
from holdfast.run.watching import Batches, Watched, run_watch
from holdfast.sim.world import SimWorld, simulated
from holdfast.watch.canaries.words import Account, Result
from holdfast.watch.clients import Target
from holdfast.watch.counting import Counts
from holdfast.watch.doors import finding_of, try_door
from holdfast.watch.health import Check
from holdfast.watch.incidents import IncidentReader
from holdfast.watch.incidents.door import tell
from holdfast.watch.incidents.record import Note
from holdfast.watch.now import read_now
from holdfast.world import Session
from holdfast.world.tls import client_context

Heard = Callable[[Finding], object]


@pytest.fixture
def world():
    with simulated(1) as made:
        yield made


def config(**more: object) -> Config:
    return Config(service=Service(data="/data", hostname="mail.example.org", cells=4), **more)


def with_canaries(world: SimWorld, made: Config, cells: int = 2) -> None:
    accounts = [Account(f"canary-{n + 1}@example.org", "p", "q", "app", n) for n in range(cells)]
    world.disk.make_folder(layout.watch_folder(made))
    path = f"{layout.watch_folder(made)}/canary.json"
    world.disk.write_atomic(path, msgspec.json.encode({"accounts": accounts}))


# One door


class Silent(Session):
    """It takes a connection and says nothing; ``greets``: after so long it greets and closes."""

    greets = float("inf")

    def __init__(self, world: SimWorld) -> None:
        self._world = world

    def connected(self) -> None:
        self._world.clock.call_later(min(self.greets, 99.0), lambda: self.connection.write(b"+OK\r\n"))

    def received(self, data: bytes) -> None:
        self.connection.write(b"-ERR\r\n")


def door(port: int) -> Target:
    return Target("pop3", "pop3", ("127.0.0.1", port), "mail.example.org", client_context(verify=False))


def test_a_door_that_is_silent_is_tried_once_more_beside_so_that_two_tries_fail_within_seconds(world):
    async def main() -> None:
        await world.net.listen(lambda: Silent(world), ("127.0.0.1", 1110))
        began = world.clock.now()
        found = await try_door(world, door(1110))
        assert [each.step for each, _ in found] == ["greeting", "greeting"]
        assert [each.state for each, _ in found] == ["unhealthy", "unhealthy"]
        assert [round(at - began, 1) for _, at in found] == [DOOR_S, DOOR_S + DOOR_SILENT_S]

    world.run(main())


def test_a_door_that_answers_or_refuses_at_once_is_tried_once(world):
    async def main() -> None:
        assert [each.step for each, _ in await try_door(world, door(1111))] == ["connect"]

    world.run(main())


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (Check("pop3", "unhealthy", [], "greeting", "no answer", DOOR_S), "fails"),
        (Check("pop3", "unhealthy", [], "greeting", "no answer", DOOR_S + 2 * OWN_LAG_S), "unknown"),
        (Check("pop3", "unknown", [], "connect", "no more files"), "unknown"),
        (Check("pop3", "degraded", [], "sign-in", "-ERR wrong"), "unknown"),
        (Check("pop3", "degraded", [], "STLS", "not offered"), "degraded"),
        (Check("pop3", "healthy", []), "works"),
    ],
)
def test_watch_8_what_this_process_was_too_late_for_is_unknown(found, state):
    said = finding_of("pop3/pop3/cell-01", "pop3", found, 1.0, 1, "mail.example.org")
    assert (said.state, said.cell, said.vantage) == (state, 1, "mail.example.org")


# What is tried


def functions(world: SimWorld, made: Config) -> dict[str, set[str]]:
    known, _ = Watched(world, made).all()
    found: dict[str, set[str]] = {}
    for each in known.trials.values():
        if each.function and each.at_will:
            found.setdefault(each.function, set()).add(each.id)
    return found


@pytest.mark.slow
def test_what_is_never_tried_is_no_trial_as_it_would_be_unknown_for_ever(world):
    made = config(workers=Workers(pop3=0))
    bare = functions(world, made)
    assert bare["imap"] == {"imap/imap", "imap/imaps"} and "pop3" not in bare
    with_canaries(world, made)
    used = functions(world, made)
    assert used["imap"] == {*bare["imap"], "canary/imap", "imap/imaps/cell-00", "imap/imaps/cell-01"}
    assert "canary/signup" not in used["signup"] and "canary/relay" not in used["send"]
    _, jobs = Watched(world, made).all()
    tried = {trial for job in jobs.values() for trial in job.trials}
    assert {each for found in used.values() for each in found} <= tried


@pytest.mark.slow
def test_what_can_be_tried_by_the_configuration_is(world):
    for rule in ("open", "invitation", "contract"):
        strict = config(signup=Signup(**{rule: ["example.org"]}, proof="phone", per_network_day=1))
        with_canaries(world, strict)
        assert "canary/signup" in functions(world, strict)["signup"]  # it shows that it is ours
    made = config(signup=Signup(open=["example.org"]), canary=Canary(outside="x@example.net"))
    with_canaries(world, made, cells=4)
    used = functions(world, made)
    assert "canary/signup" in used["signup"] and "canary/relay" in used["send"]
    assert "imap/imaps/cell-03" in used["imap"]


def test_whether_canaries_lack_anything_is_a_matter_of_cells_and_configuration(world):
    plain, wide = config(canary=Canary(per_cell=False)), config()
    assert not canaries.complete(world, plain)
    with_canaries(world, plain)
    assert canaries.complete(world, plain) and not canaries.complete(world, wide)
    named = config(canary=Canary(addresses=["a@example.org", "b@example.org"], per_cell=False))
    assert not canaries.complete(world, named)
    with_canaries(world, wide, cells=4)
    assert canaries.complete(world, wide)


class People:
    """The people process, as far as canaries need it: a new account lies in one of ``rooms``, in turn."""

    def __init__(self, rooms: list[int]) -> None:
        self.rooms = rooms
        self.cells: dict[str, int] = {}
        self.passwords: dict[str, str] = {}

    async def domains(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="example.org", removed_at=None)]

    async def account_add(self, address: str, *, password: str, **_: object) -> SimpleNamespace:
        self.cells.setdefault(address, self.rooms[len(self.cells) % len(self.rooms)])
        return SimpleNamespace(id=address, external_id=CANARY, cell=self.cells[address])

    async def password_set(self, account: str, *, password: str) -> None:
        self.passwords[account] = password

    async def app_passwords(self, account: str) -> list[SimpleNamespace]:
        return []

    async def app_password_add(self, account: str, name: str, app: str) -> None:
        pass


@pytest.mark.parametrize(("rooms", "covered"), [([0, 1, 2, 3], {0, 1, 2, 3}), ([0, 1, 0, 2], {0, 1, 2})])
def test_one_account_is_made_for_each_cell_as_far_as_there_is_room(world, rooms, covered):
    made, people = config(), People(rooms)

    async def main() -> None:
        await canaries.set_up(world, made, people)
        assert list(people.cells) == ["canary-1@example.org", "canary-2@example.org"]
        await canaries.set_up(world, made, people, anew=False)
        assert {each.cell for each in canaries.accounts(world, made)} == covered
        assert canaries.complete(world, made) and len(people.cells) <= 2 * 4
        before = dict(people.passwords)
        await canaries.set_up(world, made, people)  # by hand: those two have new ones, all others stay
        changed = {each for each in before if people.passwords[each] != before[each]}
        assert changed == {"canary-1@example.org", "canary-2@example.org"}
        assert {each.cell for each in canaries.accounts(world, made)} == covered

    world.run(main())


def test_accounts_are_made_as_soon_as_the_people_process_can_be_asked(world):
    async def main() -> None:
        making = asyncio.ensure_future(Watched(world, config()).make_accounts())
        await world.clock.sleep(100)
        assert not making.done() and len(world.journal.named("canaries_missing")) == 1
        with_canaries(world, config(), cells=4)  # by hand
        await world.clock.sleep(40)
        assert making.done() and making.result()

    world.run(main())


def test_each_account_that_was_just_made_is_signed_in_to_once_and_one_after_another(world, monkeypatch):
    """Its mailboxes are made at its first sign-in, which needs the store: no later one waits for it."""
    tried: list[str] = []

    async def once(_: object, target: Target) -> list[tuple[Check, float]]:
        assert target.account is not None
        tried.append(target.account[0])
        await world.clock.sleep(1.0)
        return [(Check(target.door, "healthy", []), world.clock.now())]

    monkeypatch.setattr("holdfast.run.watching.try_door", once)
    with_canaries(world, config(), cells=4)

    async def main() -> None:
        began = world.clock.monotonic()
        await Watched(world, config()).open_mailboxes()
        assert world.clock.monotonic() - began >= 4.0

    world.run(main())
    assert sorted(tried) == [f"canary-{n + 1}@example.org" for n in range(4)]


# Canaries in batches


def test_canary_5_what_is_due_at_the_same_time_is_one_run_and_what_comes_later_the_next(world, monkeypatch):
    runs: list[set[str]] = []

    async def run_trials(_: object, __: object, trials: set[str], *more: object) -> list[Result]:
        runs.append(set(trials))
        await world.clock.sleep(5)
        names = [*trials, "canary/accounts"]
        return [Result(Finding(each, "", "works", "", "", 0.0, 0.1), ()) for each in names]

    async def main() -> None:
        monkeypatch.setattr(canaries, "run_trials", run_trials)
        batches = Batches(world, config())
        first, second = (
            asyncio.ensure_future(batches.run([each])) for each in ("canary/imap", "canary/pop3")
        )
        outside = asyncio.ensure_future(batches.run(["canary/relay"]))  # it may take a minute: beside them
        await world.clock.sleep(2)
        third = asyncio.ensure_future(batches.run(["canary/imap"]))
        for run, wants in ((first, "canary/imap"), (second, "canary/pop3"), (third, "canary/imap")):
            assert [each.trial for each in await run] == [wants, "canary/accounts"]
        assert [each.trial for each in await outside] == ["canary/relay", "canary/accounts"]
        here = [each for each in runs if each != {"canary/relay"}]
        assert runs[0] == {"canary/relay"} and here == [{"canary/imap", "canary/pop3"}, {"canary/imap"}]

    world.run(main())


def test_what_fails_is_known_at_once_however_long_others_take_and_is_made_sure_of_when_they_have_ended(
    world, monkeypatch
):
    tried: list[float] = []

    async def run_trials(_: object, __: object, trials: set[str], ___: object, heard: Heard) -> list[Result]:
        tried.append(world.clock.monotonic())
        receive = Finding("canary/receive", "receive", "fails", "DATA", "452", 0.0, 0.1)
        heard(receive)
        await world.clock.sleep(9)  # others, and who tidies up
        rest = [Finding(each, "", "works", "", "", 0.0, 0.1) for each in ("canary/imap", "canary/accounts")]
        return [Result(each, ()) for each in (receive, *rest)]

    async def main() -> None:
        monkeypatch.setattr(canaries, "run_trials", run_trials)
        batches = Batches(world, config())
        imap = asyncio.ensure_future(batches.run(["canary/imap"]))
        assert [each.trial for each in await batches.run(["canary/receive"])] == ["canary/receive"]
        assert world.clock.monotonic() - tried[0] < 0.1
        again = asyncio.ensure_future(batches.run(["canary/receive"]))
        assert [each.trial for each in await imap] == ["canary/imap", "canary/accounts"]
        assert len(tried) == 1, "one run at a time"
        await again
        assert 9.0 <= tried[1] - tried[0] <= 9.0 + 2 * DOOR_SILENT_S

    world.run(main())


def test_canary_7_how_long_it_takes_from_elsewhere_is_learned_at_the_first_run(world, monkeypatch):
    took = iter([1.0, 2.0, 1.0, 1.0, 30.0])

    async def run_trials(
        _: object, __: object, trials: set[str], memory: canaries.Memory, *more: object
    ) -> list[Result]:
        began, token = world.clock.monotonic(), world.entropy.token()
        memory.returns.sent(token, began)
        await world.clock.sleep(next(took))
        memory.returns.back(token, world.clock.monotonic())
        return [Result(Finding("canary/relay", "send", "works", "", "", 0.0, 1.0), ())]

    async def main() -> None:
        monkeypatch.setattr(canaries, "run_trials", run_trials)
        batches = Batches(world, config())
        for passed in (4.0, 5.0):
            await batches.run(["canary/relay"])
            assert round(world.clock.monotonic() - began) == passed

    began = world.clock.monotonic()
    world.run(main())


# The role


@pytest.mark.slow
def test_watch_9_with_every_other_process_dead_it_starts_and_says_so_within_seconds(world):
    """M18: the first word is out before anybody could ask for it."""
    made = config()

    async def main() -> None:
        world.disk.make_folder(made.run_folder)
        with_canaries(world, made)
        began, stop, ready = world.clock.now(), asyncio.Event(), asyncio.Event()
        start = Start(world, made, "watch", 0, {}, stop, ready.set, Counts())
        role = asyncio.ensure_future(run_watch(start))
        await ready.wait()
        assert world.clock.now() - began < 1
        while (said := read_now(world, layout.now_path(made))) is None:
            await world.clock.sleep(0.1)
        assert world.clock.now() - began < 2
        await world.clock.sleep(10)
        said = read_now(world, layout.now_path(made))
        assert said is not None
        states = {each.state for each in said.findings if each.function}
        assert "fails" in states and not states & {"works", "degraded"}
        await tell(
            world,
            layout.socket_path(made, "watch"),
            [Note(at=world.clock.now(), incident=1, text="all of it is off")],
        )
        stop.set()
        await role
        reader = IncidentReader(world, layout.watch_folder(made))
        reader.read_all()
        failing = {each for incident in reader.incidents.open() for each in incident.active}
        assert failing == set(FUNCTIONS) and reader.incidents.get(1).timeline[-1].text == "all of it is off"

    world.run(main())
