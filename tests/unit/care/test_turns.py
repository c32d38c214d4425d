"""Parts of care take turns that nobody else's fault can stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from holdfast.care.turns import Seen, Turns
from holdfast.model.errors import Unavailable
from holdfast.model.limits import TURN_S
from holdfast.sim.world import SimWorld, simulated
from holdfast.watch.incidents import Incidents
from holdfast.watch.incidents.record import AnyEntry, Note


class Told:
    """A part that does as it is told, and what became of it."""

    def __init__(self, name: str, do: Callable[[int], AnyEntry | None], every_s: float = 2.0) -> None:
        self.name = name
        self.every_s = every_s
        self.turns = 0
        self._do = do

    async def turn(self, seen: Seen) -> list[AnyEntry]:
        self.turns += 1
        entry = self._do(self.turns)
        return [] if entry is None else [entry]


class Hanging(Told):
    async def turn(self, seen: Seen) -> list[AnyEntry]:
        self.turns += 1
        await asyncio.Event().wait()
        raise AssertionError


def raising(error: Exception) -> Callable[[int], AnyEntry | None]:
    def do(turn: int) -> AnyEntry | None:
        if turn < 4:
            raise error
        return None

    return do


def played(world: SimWorld, parts: Sequence[Told], seconds: float, tell: Callable[[AnyEntry], None]) -> None:
    async def all_told(entries: Sequence[AnyEntry]) -> None:
        for each in entries:
            tell(each)

    def sight() -> Callable[[], Seen]:
        return lambda: Seen(Incidents(), None, world.clock.now())

    async def main() -> None:
        running = world.start(Turns(world, sight, all_told).run(parts))
        await world.clock.sleep(seconds)
        assert not running.done()
        running.cancel()

    world.run(main())


def note(turn: int) -> AnyEntry:
    return Note(at=float(turn), incident=1, text=f"turn {turn}")


def test_turns_1_a_part_that_hangs_or_fails_stops_no_other() -> None:
    with simulated(1) as world:
        well = Told("well", lambda turn: None)
        others = [
            Hanging("hanging", note),
            Told("gone", raising(Unavailable("customers"))),
            Told("wrong", raising(KeyError("x"))),
        ]
        played(world, [well, *others], 100, lambda entry: None)
        assert well.turns >= 49
        assert [each.turns for each in others[1:]] == [50, 50]


def test_turns_1_what_hangs_is_given_up_and_tried_again() -> None:
    with simulated(2) as world:
        hanging = Hanging("hanging", note)
        played(world, [hanging], 2 * TURN_S + 10, lambda entry: None)
        assert hanging.turns == 3
        assert [each.keys["part"] for each in world.journal.named("care_part_failed")] == ["hanging"]


def test_a_part_that_fails_is_journalled_once_and_again_when_it_is_back() -> None:
    with simulated(3) as world:
        played(world, [Told("gone", raising(Unavailable("customers")))], 30, lambda entry: None)
        [failed], [back] = (world.journal.named(name) for name in ("care_part_failed", "care_part_back"))
        assert failed.keys == {"part": "gone", "reason": "Unavailable: customers"}
        assert 6 <= back.at - failed.at < 7


def test_turns_2_no_further_turn_before_what_was_said_is_durable() -> None:
    """The role `watch` is gone for a minute: the entry is told when it is back, once, as it was."""
    with simulated(4) as world:
        told: list[AnyEntry] = []
        began = world.clock.now()
        part = Told("speaks", lambda turn: note(turn) if turn == 1 else None)

        def tell(entry: AnyEntry) -> None:
            if world.clock.now() - began < 60:
                raise Unavailable("watch")
            told.append(entry)
            assert part.turns == 1

        played(world, [part], 90, tell)
        assert told == [note(1)]
        assert part.turns > 5
