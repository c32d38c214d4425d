"""Scenario ``packs``: one ledger, several appenders, a follower in another process, and a bad disk.

A universe is a few lives of a writer. Each ends by power cut, by kill or in peace, at any
operation of the disk; in each, writes, syncs and reads may fail once or for ever, the disk
may be full, reads may lie, and stored bits may flip. Half of the universes have a copy.

What is checked at every opening, at every end of a life and at the end of all:

- every acknowledged frame is there, byte for byte, with its sequence and place (PACK-1, PACK-8);
  if a bit of it has flipped it is reported bad instead, or read from the copy (PACK-3, PACK-5);
- no sequence comes twice, the order is the order of submission (PACK-6);
- nothing is there that wasn't submitted; what was refused is never there while its writer lives (PACK-2);
- what is not sure to have been acknowledged is named as unsure, and nothing else (PACK-9);
- what one opening showed, every later one shows;
- once there is room, or the fault is over, appends work again.
"""

from __future__ import annotations

import asyncio
import errno
from typing import NamedTuple

from holdfast.model.errors import Unavailable
from holdfast.model.mail import START, PackRef, Position
from holdfast.packs import BadFrame, Frame, LedgerReader, LedgerWriter, NewFrame, Written, format
from holdfast.packs.verify import verify
from holdfast.sim.loop import PowerCut
from holdfast.sim.rules import Operation
from holdfast.sim.seed import Random, stream
from holdfast.sim.world import Simulation, SimWorld

VOLUME, COPY, LEDGER = "/volume", "/copy", "mx-0"
FOLDER = f"{VOLUME}/{LEDGER}"
POWER_GOES_AT: tuple[Operation, ...] = ("sync", "sync", "sync", "append", "append", "rename", "change", "any")
SIZES = (0, 1, 30, 30, 300, 300, 300, 1000, 2000, 2000, 4096, 4096, 4096, 12_000, 40_000, 200_000)
LEVEL_S = 120.0  # virtual: by then a copy on a healthy disk has everything


class Violation(AssertionError):
    """The packs broke a promise."""


class Sent(NamedTuple):
    """One frame as it was submitted."""

    kind: int
    body: bytes
    account: int
    cells: tuple[int, ...]


class Ledger:
    """What the clients know, beside the ledger."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.submitted: dict[bytes, Sent] = {}  # by the body's first 8 bytes, or all of it
        self.refused: set[bytes] = set()  # in this life
        self.acknowledged: dict[int, tuple[PackRef, bytes]] = {}
        self.shown: dict[int, bytes] = {}  # by sequence: what an opening found, or an append resolved
        self.told = -1  # the highest acknowledged sequence any writer was told
        self.told_durable = -1
        self.flips: list[tuple[int, int]] = []  # pack, offset
        self.unmarked: set[int] = set()  # acknowledged, but the writer wasn't told yet
        self.serial = 0
        self.followed: dict[int, bytes] = {}
        self.latest: set[int] = set()  # acknowledged last in this life
        self.settled: set[int] = set()  # acknowledged before another batch was written in the same life
        self.missed: list[BadFrame] = []  # what the follower was told is bad
        self.position = START

    def make(self) -> NewFrame:
        random = self.random
        self.serial += 1
        size = random.choice(SIZES)
        name = self.serial.to_bytes(8, "big")
        body = name + random.randbytes(random.randrange(size)) if size > 1 else name
        cells = tuple(random.sample(range(64), random.choice((0, 1, 1, 1, 3))))
        sent = Sent(random.choice((1, 2, 16)), body, random.randrange(1 << 40), cells)
        self.submitted[name] = sent
        parts = (body[:3], body[3:10], body[10:]) if random.random() < 0.3 else body
        return NewFrame(sent.kind, parts, sent.account, sent.cells)

    def accept(self, frames: list[NewFrame], written: list[Written]) -> None:
        """An append has resolved."""
        self.settled |= self.latest  # a mark follows them
        self.latest = {sequence for _, sequence in written}
        for frame, (ref, sequence) in zip(frames, written):
            name = _name(frame)
            if sequence in self.shown:
                raise Violation(f"sequence {sequence} given twice")
            self.acknowledged[sequence] = (ref, name)
            self.shown[sequence] = name
            self.unmarked.add(sequence)

    def hit(self, ref: PackRef) -> bool:
        """Whether a bit within the frame was flipped."""
        return any(
            pack == ref.pack and ref.offset <= offset < ref.offset + ref.size for pack, offset in self.flips
        )


def _name(frame: NewFrame) -> bytes:
    return (
        b"".join(bytes(part) for part in frame.body)[:8]
        if isinstance(frame.body, tuple)
        else bytes(frame.body)[:8]
    )


def _covered(ref: PackRef, bad: list[BadFrame]) -> bool:
    """Whether one of the stretches reported as bad meets the frame's place."""
    end = ref.offset + ref.size
    return any(
        b.ref.pack == ref.pack
        and (not b.ref.size or (b.ref.offset < end and ref.offset < b.ref.offset + b.ref.size))
        for b in bad
    )


class Universe:
    def __init__(self, seed: int) -> None:
        self.random = stream(seed, "packs")
        self.simulation = Simulation(seed)
        self.writer_world = self.simulation.world()
        self.ledger = Ledger(self.random)
        self.copied = self.random.random() < 0.4
        self.copy_is_sure = self.copied and self.random.random() < 0.5
        self.trailing = self.copied and not self.copy_is_sure and self.random.random() < 0.4
        self.follower: SimWorld | None = None
        self.reader: LedgerReader | None = None
        self.pack_bytes = self.random.choice((10_000, 30_000, 100_000, 300_000))
        self.appends = self.random.choice((2, 5, 12))
        self.wanted = Position(0, 0)
        self.faulty = False
        self.tells = self.random.random() < 0.8  # whether acknowledgements are told, as README.md asks
        self.once_blind = False
        self.blind = False  # the disk refused to read, or lied, when the ledger was opened
        self.lied = False  # the disk returned other bytes than it holds: they may be in a copy or a digest

    # A life

    def run(self) -> None:
        try:
            for _ in range(self.random.randrange(1, 6)):
                self.live()
            self.live(peaceful=True)
            self.at_the_end()
            if self.simulation.unhandled:
                raise Violation(f"exceptions nobody handled: {self.simulation.unhandled[:3]}")
        finally:
            self.simulation.close()

    def live(self, peaceful: bool = False) -> None:
        world = self.writer_world
        self.faulty = not peaceful and self.break_something(world)
        try:
            world.run(self.life(world))
        except PowerCut:
            pass
        self.heal(world)
        if self.follower is not None and self.follower.life.dead:
            self.follower = None
        end = self.random.random()
        if world.machine.up and end < 0.4 and not peaceful:
            world.power_cut()
            self.follower = None
        elif end < 0.6:
            world.platter.forget_caches()
        self.writer_world = world.restart()
        if not peaceful:
            self.rot(self.writer_world)

    def break_something(self, world: SimWorld) -> bool:
        """Faults for one life. Returns whether an append may be refused in it."""
        random, platter = self.random, world.platter
        where = random.choice((VOLUME, FOLDER)) if not self.copied or self.copy_is_sure else ""
        after = random.randrange(random.choice((3, 10, 40)))
        times = random.choice((1, 1, 2, None))
        fault = random.choice(
            ("power",) * 7 + ("append", "sync", "full", "room", "read", "lie", "rename", "peace")
        )
        if fault == "power":
            at = random.choice((where, FOLDER + "/0"))  # often with a batch on its way
            platter.cut_power_at(random.choice(POWER_GOES_AT), at, after=after)
        elif fault == "append":
            platter.fail("append", where, after=after, times=times)
        elif fault == "sync":
            self.lied = (
                True  # the cache may show marks and repeats that aren't on disk: no frame, but a digest
            )
            platter.fail(random.choice(("sync", "sync", "sync_folder")), where, after=after, times=times)
        elif fault == "rename":
            platter.fail("rename", where, after=after // 10, times=times)
        elif fault == "full":
            platter.fail("append", where, errno.ENOSPC, after=after, times=times)
        elif fault == "room":
            used = sum(len(inode.seen) for inode in platter.inodes())
            platter.capacity_bytes = used + random.randrange(300_000)
        elif fault == "read":
            platter.fail("read", where, after=after, times=times)
        elif fault == "lie":
            self.lied = True
            platter.misread(where, after=after, times=random.choice((1, 3)))
        return fault != "peace"

    def heal(self, world: SimWorld) -> None:
        for rule in world.platter.rules:
            rule.lift()
        world.platter.rules.clear()
        world.platter.capacity_bytes = None

    def rot(self, world: SimWorld) -> None:
        """Bits flip on the platter; never in both copies of one header."""
        if self.random.random() > 0.25:
            return
        for _ in range(self.random.choice((1, 1, 3))):
            names = [path for path in sorted(world.platter.names.seen) if path.startswith(FOLDER + "/0")]
            if not names:
                return
            path = self.random.choice(names)
            size = len(world.platter.names.file(path).seen)
            low = 0 if self.random.random() < 0.1 else format.FIRST_OFFSET
            offset = self.random.randrange(format.TWIN_OFFSET) if not low else None
            if offset is None and size > low:
                offset = self.random.randrange(low, size)
            if offset is not None:
                world.platter.rot(path, offset)
                self.ledger.flips.append((int(path[-13:-5]), offset))

    async def life(self, world: SimWorld) -> None:
        random = self.random
        writer = await self.open(world)
        if writer is None:
            return
        self.wanted = writer.durable
        writer.on_durable.append(self.announced)
        counts = [random.randrange(self.appends + 1) for _ in range(random.choice((1, 3, 6)))]
        await asyncio.gather(*(self.appender(world, writer, count) for count in counts))
        if self.faulty and random.random() < 0.7:
            self.heal(world)
            await world.clock.sleep(random.choice((0.0, 1.0, 40.0)))
            await self.must_append(world, writer)
        if random.random() < 0.3:
            await world.clock.sleep(5)  # the mark of an idle writer
        if random.random() < 0.4 or not self.faulty:
            self.check_now(world, writer)
            await writer.close()

    async def open(self, world: SimWorld) -> LedgerWriter | None:
        copies = (COPY,) if self.copied and not self.trailing else ()
        self.ledger.refused.clear()
        self.ledger.latest.clear()
        try:
            writer = await LedgerWriter.open(
                world, VOLUME, LEDGER, copies=copies, trailing=(COPY,) if self.trailing else (),
                copies_required=int(self.copy_is_sure), pack_bytes=self.pack_bytes,
                group_wait_s=self.random.choice((0, 0, 0.001)),
            )  # fmt: skip
        except Unavailable:
            if not self.faulty:
                raise
            return None
        if self.copy_is_sure:
            await world.clock.sleep(5)  # the copy has caught up and takes part
        self.check_opened(world, writer)
        if self.tells:
            writer.mark(0)
        return writer

    async def appender(self, world: SimWorld, writer: LedgerWriter, count: int) -> None:
        ledger, random = self.ledger, self.random
        last = 0
        for _ in range(count):
            if random.random() < 0.3:
                await world.clock.sleep(random.choice((0.0001, 0.001, 2.0)))
            frames = [ledger.make() for _ in range(random.choice((1, 1, 1, 4)))]
            told = self.tell() if self.tells and random.random() < 0.6 else None
            try:
                written = await writer.append(frames, told)
            except Unavailable as error:
                if not self.faulty:
                    raise Violation(f"refused for no reason: {error}") from error
                ledger.refused.update(_name(frame) for frame in frames)
                await world.clock.sleep(0.01)
                continue
            if told is not None:
                ledger.told_durable = max(ledger.told_durable, told)
            if written[0].sequence <= last:
                raise Violation(f"sequence {written[0].sequence} after {last}")
            last = written[-1].sequence
            ledger.accept(frames, written)

    def tell(self) -> int:
        """All that was acknowledged so far reached its clients."""
        ledger = self.ledger
        ledger.told = max([ledger.told, 0, *ledger.shown])
        ledger.unmarked.clear()
        return ledger.told

    async def must_append(self, world: SimWorld, writer: LedgerWriter) -> None:
        frames = [self.ledger.make()]
        for attempt in range(3):
            try:
                written = await writer.append(frames)
            except Unavailable as error:
                if attempt == 2:
                    raise Violation(f"the disk is well again, and appends are refused: {error}") from error
                self.ledger.refused.add(_name(frames[0]))
                frames = [self.ledger.make()]
                await world.clock.sleep(60)
            else:
                self.ledger.accept(frames, written)
                return

    # Another process

    def announced(self, position: Position) -> None:
        """The writer says what is durable; the follower reads now and then."""
        self.wanted = position
        if self.random.random() < 0.1:
            if self.follower is None:
                self.follower = self.writer_world.process("follower")
                self.reader = None
            self.follower.start(self.follow(position))

    async def follow(self, until: Position) -> None:
        assert self.follower is not None
        try:
            if self.reader is None:
                self.reader = self.make_reader(self.follower)
            for item in self.reader.follow(self.ledger.position, until):
                if isinstance(item, Frame):
                    self.see(item)
                else:
                    self.ledger.missed.append(item)
                self.ledger.position = self.reader.after(item)
        except OSError:
            pass  # the faults are the follower's too

    def see(self, frame: Frame) -> None:
        name = self.check_frame(frame)
        if frame.sequence in self.ledger.followed:
            raise Violation(f"the follower got sequence {frame.sequence} twice")
        if self.ledger.followed and frame.sequence < max(self.ledger.followed):
            raise Violation(f"the follower got sequence {frame.sequence} too late")
        if name in self.ledger.refused:
            raise Violation(f"the follower got sequence {frame.sequence}, which was refused")
        self.ledger.followed[frame.sequence] = name

    def make_reader(self, world: SimWorld) -> LedgerReader:
        return LedgerReader(world, VOLUME, LEDGER, copies=(COPY,) if self.copied else ())

    # Checks

    def check_frame(self, frame: Frame) -> bytes:
        """It was submitted, and is as it was."""
        name = bytes(frame.body[:8])
        sent = self.ledger.submitted.get(name)
        if sent is None:
            raise Violation(f"sequence {frame.sequence} was never submitted")
        if (frame.kind, bytes(frame.body), frame.account, frame.cells) != sent:
            raise Violation(f"sequence {frame.sequence} is not as it was submitted")
        return name

    def read_all(self, world: SimWorld, until: Position) -> tuple[dict[int, bytes], list[BadFrame]]:
        """All that can be seen; checks what holds at all times."""
        ledger = self.ledger
        seen: dict[int, bytes] = {}
        bad: list[BadFrame] = []
        reader = self.make_reader(world)
        last = 0
        for item in reader.follow(START, until):
            if isinstance(item, BadFrame):
                bad.append(item)
                continue
            if item.sequence <= last:
                raise Violation(f"sequence {item.sequence} comes after {last}")
            last = item.sequence
            seen[last] = self.check_frame(item)
        for sequence, name in ledger.shown.items():
            if sequence in seen:
                if seen[sequence] != name:
                    raise Violation(f"sequence {sequence} is another frame than it was")
            else:
                self.check_missing(sequence, bad)
        self.check_refs(reader)
        reported = {(e.keys["pack"], e.keys["offset"]) for e in world.journal.named("frame_bad")}
        if silent := [b.ref for b in bad if (b.ref.pack, b.ref.offset) not in reported]:
            raise Violation(f"bad frames nobody reported: {silent}")
        return seen, bad

    def check_missing(self, sequence: int, bad: list[BadFrame]) -> None:
        entry = self.ledger.acknowledged.get(sequence)
        if entry is None:  # found at an opening; its place is not noted
            if self.ledger.flips or self.reading_fails():
                return
            raise Violation(f"sequence {sequence}, once shown, is gone")
        ref = entry[0]
        in_copy = self.copy_is_sure and sequence in self.ledger.settled
        damaged = self.ledger.hit(ref) and not in_copy
        if not damaged and not self.reading_fails():
            raise Violation(f"acknowledged sequence {sequence} at {ref} is lost")
        if not _covered(ref, bad):
            raise Violation(f"acknowledged sequence {sequence} at {ref} is damaged and not reported")

    def check_refs(self, reader: LedgerReader) -> None:
        entries = sorted(self.ledger.acknowledged.items())
        for (sequence, (ref, name)), item in zip(entries, reader.read_many([ref for _, (ref, _) in entries])):
            if isinstance(item, Frame):
                if item.sequence != sequence or self.check_frame(item) != name:
                    raise Violation(f"{ref} is not sequence {sequence}")
            elif not self.ledger.hit(ref) and not self.reading_fails():
                raise Violation(f"acknowledged sequence {sequence} can't be read at {ref}: {item.reason}")

    def reading_fails(self) -> bool:
        rules = self.writer_world.platter.rules
        return any(rule.active and rule.effect in ("error", "flip") for rule in rules)

    def check_opened(self, world: SimWorld, writer: LedgerWriter) -> None:
        ledger = self.ledger
        seen, _ = self.read_all(world, writer.durable)
        self.blind = self.reading_fails()
        if self.blind:
            self.once_blind = True
            ledger.shown.update(seen)
            return  # a frame or a mark that could not be read just then tells nothing
        unsure = {item.sequence for item in writer.recovered.unsure}
        # A mark that rotted tells nothing; the one before it is less sure.
        sure = {s for s in seen if s <= ledger.told_durable and not ledger.flips}
        if wrong := unsure & sure:
            raise Violation(f"{sorted(wrong)} were acknowledged before the last durable mark, and are unsure")
        maybe = {s for s in seen if s > ledger.told}
        if ledger.told_durable >= 0 and not ledger.flips and (missing := maybe - unsure):
            raise Violation(f"{sorted(missing)} may never have been acknowledged, and aren't unsure")
        new = {s for s in seen if s not in ledger.shown and (s > ledger.told or not self.once_blind)}
        if self.tells and not ledger.flips and (missing := new - unsure):
            raise Violation(f"{sorted(missing)} were never acknowledged, and aren't unsure")
        ledger.shown.update(seen)

    def check_now(self, world: SimWorld, writer: LedgerWriter) -> None:
        """In a life: exactly what was shown and acknowledged, nothing that was refused."""
        seen, _ = self.read_all(world, writer.durable)
        if (extra := set(seen) - set(self.ledger.shown)) and not self.blind:
            raise Violation(f"{sorted(extra)} were refused, and are there")

    def at_the_end(self) -> None:
        """Everything is well: the whole is as it was shown, the follower has it all, the copy too."""
        world = self.writer_world
        world.run(self.ending(world))

    async def ending(self, world: SimWorld) -> None:
        writer = await self.open(world)
        assert writer is not None
        self.check_now(world, writer)
        await world.clock.sleep(LEVEL_S)
        if self.copied and any(lag.bytes for lag in writer.copies()):
            raise Violation(f"the copy never catches up: {writer.copies()}")
        self.follower = world.process("late")
        self.reader = None
        self.ledger.refused.clear()
        await self.follow(writer.durable)
        for sequence, (ref, _) in self.ledger.acknowledged.items():
            if sequence not in self.ledger.followed and not _covered(ref, self.ledger.missed):
                raise Violation(f"the follower never got {sequence} at {ref}")
        report = verify(self.make_reader(world))
        undamaged = not self.ledger.flips and not self.lied and not report.bad and not report.repaired
        if undamaged and (report.digests or any(copy.different for copy in report.copies)):
            raise Violation(f"nothing rotted, and verify finds {report}")
        await writer.close()
        if self.copied and not self.ledger.flips and not self.lied:
            alone = LedgerReader(world, COPY, LEDGER)
            there = [f.sequence for f in alone.follow(START) if isinstance(f, Frame)]
            mine = [
                f.sequence for f in LedgerReader(world, VOLUME, LEDGER).follow(START) if isinstance(f, Frame)
            ]
            if there != mine:
                raise Violation("the copy doesn't hold the same frames")


def run(seed: int) -> None:
    """One universe. Raises ``Violation``, or whatever the code under test let escape."""
    Universe(seed).run()
