"""What has been sent within a day is known, through restarts and crashes too (FLOW-8)."""

from __future__ import annotations

from holdfast.flow.intake import Envelope, Intake
from holdfast.flow.sent import Sent
from holdfast.model.envelope import LocalRecipient, RemoteRecipient
from holdfast.model.limits import SENT_NOTE_S, SENT_SLOT_S, SENT_WINDOW_S
from holdfast.sim.world import SimWorld, simulated

VOLUME = "/volume"
ANNA, BEN = 101, 102
DAY = SENT_WINDOW_S + SENT_SLOT_S  # after so long nothing counts any more


class Worker:
    """An intake as submission has it, with its counts."""

    def __init__(self, world: SimWorld, ledger: str = "submission-0") -> None:
        self.sent = Sent(world, VOLUME, ledger)
        self.intake = Intake(
            world,
            VOLUME,
            ledger,
            host="mx.example.org",
            inflight_bytes=1 << 20,
            announce=self.sent.announcing(None),
        )

    async def open(self) -> None:
        await self.intake.open()
        await self.sent.known.wait()

    async def send(self, account: int, here: int = 1, elsewhere: int = 0) -> None:
        envelope = Envelope(
            "a@example.org",
            tuple(LocalRecipient(n, 0, f"u{n}@example.org") for n in range(here)),
            tuple(RemoteRecipient(f"u{n}@example.net") for n in range(elsewhere)),
            account,
        )
        self.sent.add(account, here + elsewhere)
        await self.intake.submit(envelope, b"Subject: x\r\n\r\n").written

    async def close(self) -> None:
        await self.intake.close()
        await self.sent.close()


def test_recipients_count_for_a_day_and_it_is_told_when_there_is_room_again() -> None:
    with simulated(1) as world:

        async def main() -> None:
            sent, clock = Sent(world, VOLUME, "submission-0"), world.clock
            began = clock.now()
            sent.add(ANNA, 3)
            await clock.sleep(3600)
            sent.add(ANNA, 2)
            assert (sent.count(ANNA), sent.count(BEN)) == (5, 0)
            assert sent.free_at(ANNA, 6) == clock.now()
            assert began + SENT_WINDOW_S < sent.free_at(ANNA, 5) <= began + DAY
            assert sent.free_at(ANNA, 3) == sent.free_at(ANNA, 5)
            assert sent.free_at(ANNA, 2) == sent.free_at(ANNA, 5) + 3600
            await clock.sleep(began + SENT_WINDOW_S - clock.now())
            assert sent.count(ANNA) == 5
            await clock.sleep(SENT_SLOT_S)
            assert sent.count(ANNA) == 2
            await clock.sleep(3600)
            assert sent.count(ANNA) == 0

        world.run(main())


def test_a_power_cut_forgets_nothing_that_was_sent_noted_or_not() -> None:
    with simulated(1) as world:

        async def before() -> None:
            worker = Worker(world)
            await worker.open()
            await worker.send(ANNA, 2, 3)
            await world.clock.sleep(2 * SENT_NOTE_S)
            assert world.disk.exists(f"{VOLUME}/submission-0.sent")
            await worker.send(ANNA, 0, 10)
            await worker.send(BEN, 1)
            await worker.send(0, 7)  # nobody signed in: nobody's

        world.run(before())
        world.power_cut()
        world = world.restart()

        async def after() -> None:
            worker = Worker(world)
            await worker.open()
            assert (worker.sent.count(ANNA), worker.sent.count(BEN)) == (15, 1)
            await worker.send(BEN, 1)
            await worker.close()
            again = Worker(world)
            await again.open()
            assert (again.sent.count(ANNA), again.sent.count(BEN)) == (15, 2)
            await world.clock.sleep(DAY)
            assert again.sent.count(ANNA) == 0
            await again.close()

        world.run(after())


def test_without_its_note_the_ledger_is_counted_and_what_is_older_than_a_day_is_not() -> None:
    with simulated(1) as world:

        async def main() -> None:
            worker = Worker(world)
            await worker.open()
            await worker.send(ANNA, 4)
            await world.clock.sleep(DAY)
            await worker.send(ANNA, 1)
            await worker.close()
            path = f"{VOLUME}/submission-0.sent"
            for spoiled in (None, b"\xc1 no note"):
                world.disk.remove(path)
                if spoiled is not None:
                    world.disk.write_atomic(path, spoiled)
                again = Worker(world)
                await again.open()
                assert again.sent.count(ANNA) == 1
                await again.close()

        world.run(main())


def test_what_other_workers_sent_counts_within_two_minutes() -> None:
    with simulated(1) as world:

        async def main() -> None:
            one, two = Worker(world), Worker(world, "submission-1")
            await one.open()
            await two.open()
            await one.send(ANNA, 5)
            await two.send(ANNA, 2)
            await world.clock.sleep(2 * SENT_NOTE_S)
            assert one.sent.count(ANNA) == two.sent.count(ANNA) == 7
            await one.close()
            await two.close()

        world.run(main())
