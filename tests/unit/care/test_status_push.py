"""The status page on its way to places that fail, hang, and come back; in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from holdfast.care.status.customer import Customers
from holdfast.care.status.many import Many
from holdfast.care.status.page import Page
from holdfast.care.status.publish import in_order
from holdfast.care.status.push import FolderPlace, Pushed, PushedFile, PushPart, read_pushed
from holdfast.care.status.shelf import Shelf
from holdfast.care.status.story import texts
from holdfast.care.turns import Seen, Turns
from holdfast.model.limits import PUSH_PAUSE_LONGEST_S
from holdfast.sim.world import SimWorld, simulated
from holdfast.watch.incidents import Incidents
from holdfast.watch.incidents.record import AnyEntry
from outage import LOOK, outage

PUSHED = "/data/care/pushed.json"


class Away:
    """A place that is as it is told to be. ``broken``: what it raises; after so many files: ``after``."""

    batch = 2

    def __init__(self, *there: str) -> None:
        self.files: dict[str, bytes] = dict.fromkeys(there, b"old")
        self.order: list[str] = []
        self.broken: Exception | None = None
        self.hangs = False
        self.tries = 0

    async def _be(self) -> None:
        self.tries += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.broken is not None:
            raise self.broken

    async def names(self) -> list[str]:
        await self._be()
        return sorted(self.files)

    async def put(self, files: Sequence[tuple[str, bytes]]) -> None:
        await self._be()
        for name, data in files:
            self.files[name] = data
            self.order.append(name)

    async def remove(self, names: Sequence[str]) -> None:
        await self._be()
        for name in names:
            self.files.pop(name, None)


def part(world: SimWorld, shelf: Shelf, name: str, place: Away | FolderPlace, file: PushedFile) -> PushPart:
    return PushPart(world, name, f"//{name}", place, shelf, file)


def played(
    world: SimWorld, shelf: Shelf, places: dict[str, Away], steps: Sequence[tuple[float, Callable[[], None]]]
) -> None:
    """Each step at its second."""

    async def tell(entries: Sequence[AnyEntry]) -> None:
        raise AssertionError("nothing is told of it")

    async def main() -> None:
        file = PushedFile(world, PUSHED)
        parts = [part(world, shelf, name, place, file) for name, place in places.items()]
        turns = Turns(world, lambda: lambda: Seen(Incidents(), None, world.clock.now()), tell)
        running = world.start(turns.run(parts))
        began = world.clock.monotonic()
        for at, do in steps:
            await world.clock.sleep(max(at - (world.clock.monotonic() - began), 0))
            do()
        running.cancel()

    world.run(main())


PAGES = {"index.html": b"1", "index.en.html": b"1", "status.css": b"c", "incident-1.en.html": b"i"}


def nothing() -> None:
    pass


def test_what_a_page_leads_to_is_there_before_it_and_what_is_no_more_is_taken_away() -> None:
    with simulated(1) as world:
        shelf, away = Shelf(), Away("incident-9.en.html", "customer-x.html", "theirs.html")
        many = Many({0: Customers(Page(outage(), LOOK, texts()), b"k")}, 1)
        seen: list[set[str]] = []
        played(
            world,
            shelf,
            {"away": away},
            [
                (0, lambda: shelf.put(PAGES)),
                (2, lambda: seen.append(set(away.files))),
                (2, lambda: shelf.put_own(many)),
                (4, nothing),
            ],
        )
        assert away.order == ["incident-1.en.html", "status.css", "index.en.html", "index.html"]
        # whose own pages are to be there isn't known before that was said
        assert seen == [{*PAGES, "theirs.html", "customer-x.html"}]
        assert set(away.files) == {*PAGES, "theirs.html"}
        assert in_order("customer-x.html") > in_order("index.html")


def test_only_what_is_new_is_put_there_again() -> None:
    with simulated(2) as world:
        shelf, away = Shelf(), Away()
        again = {**PAGES, "index.html": b"2"}
        del again["incident-1.en.html"]
        played(
            world,
            shelf,
            {"away": away},
            [(0, lambda: shelf.put(PAGES)), (3, lambda: shelf.put(again)), (5, nothing)],
        )
        assert away.order[len(PAGES) :] == ["index.html"]
        assert away.files == again


def test_push_1_a_place_that_fails_or_hangs_delays_no_other() -> None:
    with simulated(3) as world:
        shelf, well, failing, hanging = Shelf(), Away(), Away(), Away()
        failing.broken, hanging.hangs = OSError("no route"), True
        steps: list[tuple[float, Callable[[], None]]] = [
            (second, lambda second=second: shelf.put({"index.html": b"%d" % second}))  # type: ignore[misc]
            for second in range(0, 60, 5)
        ]
        seen: list[bool] = []
        for second in range(0, 60, 5):
            expected = {"index.html": b"%d" % second}
            steps.append((second + 1, lambda e=expected: seen.append(well.files == e)))  # type: ignore[misc]
        played(
            world,
            shelf,
            {"well": well, "failing": failing, "hanging": hanging},
            sorted(steps, key=lambda s: s[0]),
        )
        assert seen == [True] * 12
        assert failing.tries < 12  # less and less often
        said = {each.keys["part"] for each in world.journal.named("care_part_failed")}
        assert said == {"publish failing"}


def test_push_1_a_place_that_hangs_is_given_up_and_named() -> None:
    with simulated(4) as world:
        shelf, away = Shelf(), Away()
        away.hangs = True

        def back() -> None:
            away.hangs = False

        played(world, shelf, {"away": away}, [(0, lambda: shelf.put(PAGES)), (70, back), (130, nothing)])
        assert set(away.files) == set(PAGES)
        assert [each.keys["part"] for each in world.journal.named("care_part_failed")] == ["publish away"]


def test_a_place_that_is_back_has_it_all_and_meanwhile_what_failed_is_named() -> None:
    with simulated(5) as world:
        shelf, away = Shelf(), Away()
        said: list[Pushed] = []

        def say() -> None:
            said.append(read_pushed(world, PUSHED)["away"])

        def set_broken(error: Exception | None) -> None:
            away.broken = error

        played(
            world,
            shelf,
            {"away": away},
            [
                (0, lambda: shelf.put(PAGES)),
                (2, say),
                (2, lambda: set_broken(OSError("no route"))),
                (2, lambda: shelf.put({**PAGES, "index.html": b"2"})),
                (200, say),
                (200, lambda: set_broken(None)),
                (200 + PUSH_PAUSE_LONGEST_S + 1, say),
            ],
        )
        well, failing, again = said
        assert (well.reason, well.waiting) == ("", 0) and well.whole_at
        assert failing.reason == "no route" and failing.waiting == 1
        assert failing.failing_since < failing.whole_at + 5
        assert again.reason == "" and again.whole_at > failing.whole_at and not again.failing_since
        assert away.files["index.html"] == b"2"


def test_push_2_what_may_not_have_arrived_is_put_there_again() -> None:
    """The second of three batches fails half done: the next look brings it once more, the first not."""
    with simulated(6) as world:
        shelf, away = Shelf(), Away()
        whole = away.put
        fails = [False, True, False, False]

        async def put(files: Sequence[tuple[str, bytes]]) -> None:
            if fails.pop(0):
                await whole(files[:1])
                raise OSError("cut off")
            await whole(files)

        away.put = put  # type: ignore[method-assign]
        played(world, shelf, {"away": away}, [(0, lambda: shelf.put(PAGES)), (10, nothing)])
        assert away.order == [
            *("incident-1.en.html", "status.css", "index.en.html"),
            *("index.en.html", "index.html"),
        ]


def test_a_folder_is_left_alone_where_it_is_right_already() -> None:
    with simulated(7) as world:
        shelf = Shelf()

        async def main() -> None:
            file = PushedFile(world, PUSHED)
            shelf.put(PAGES)
            seen = Seen(Incidents(), None, 0.0)
            await part(world, shelf, "here", FolderPlace(world, "/www"), file).turn(seen)
            before = world.disk.identity("/www/status.css"), world.disk.identity("/www/index.html")
            shelf.put({**PAGES, "index.html": b"2"})
            await part(world, shelf, "here", FolderPlace(world, "/www"), file).turn(seen)
            after = world.disk.identity("/www/status.css"), world.disk.identity("/www/index.html")
            assert before[0] == after[0] and before[1] != after[1]
            assert world.disk.read("/www/index.html") == b"2"

        world.run(main())
