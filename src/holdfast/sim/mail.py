"""Scenario ``mail``: senders, mail programs and a store through power cuts, kills and a failing disk.

An intake takes messages and a store writer folds them, both the real code, on one simulated
machine. Senders try each message until it is acknowledged; a mail program appends, flags,
moves, expunges and brings back. Lives end by power cut, by kill or in peace, at any operation of the disk.

Checked at the end of every run, after a last undisturbed start:

- every acknowledged message is in its mailbox exactly once, none is there twice (STORE-9, PACK-1);
- every answered command's effect is there: UIDs name the messages they named (STORE-7);
- of messages appended at once all are there or none is, answered or not (STORE-13);
- an object is as it was answered last, or as somebody wanted it since without an answer (STORE-17);
- each index equals a fresh one folded from the ledgers alone (STORE-1, STORE-2, STORE-3).
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from random import Random  # noqa: TID251  # a seeded stream
from typing import Any

import apsw

from holdfast.flow.intake import Envelope, Intake
from holdfast.model.envelope import LocalRecipient
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.mail import AccountId, PackRef, Position
from holdfast.model.uidset import UidSet
from holdfast.sim.loop import PowerCut
from holdfast.sim.rules import Operation
from holdfast.sim.seed import stream
from holdfast.sim.world import Simulation, SimWorld
from holdfast.store import commands as c
from holdfast.store import schema
from holdfast.store.cells import rebuild
from holdfast.store.fold import CellFold
from holdfast.store.replay import Volume
from holdfast.store.writer import StoreWriter

VOLUME = "/volume"
CELLS = 2
RECEIVERS = (1, 2)  # accounts that get mail; account n lives in cell n % CELLS
OWNER = 3  # the account with a mail program
PACK_BYTES = 20_000
POWER_GOES_AT: tuple[Operation, ...] = ("append", "sync", "rename", "change")


class Violation(AssertionError):
    """The system broke a promise."""


class SimIndexes:
    """Indexes in memory. What was noted at some moment survives a power cut, or nothing does."""

    def __init__(self) -> None:
        self.kept: dict[int, bytes] = {}
        self.open: dict[int, apsw.Connection] = {}
        self._gone: set[int] = set()

    def open_writer(self, cell: int) -> apsw.Connection | None:
        if cell not in self.kept:
            return None
        db = apsw.Connection(":memory:")
        db.deserialize("main", self.kept[cell])
        self.open[cell] = db
        return db

    def open_fresh(self, cell: int) -> apsw.Connection:
        db = apsw.Connection(":memory:")
        schema.create(db)
        return db

    def adopt(self, cell: int, fresh: apsw.Connection) -> apsw.Connection:
        self._gone.discard(cell)
        self.open[cell] = fresh
        return fresh

    def intact(self, cell: int) -> bool:
        return cell not in self._gone

    def note(self, cell: int) -> None:
        """This is what a crash will leave of the cell's index."""
        if cell in self.open:
            self.kept[cell] = bytes(self.open[cell].serialize("main"))

    def remove(self, cell: int) -> None:
        self._gone.add(cell)
        self.kept.pop(cell, None)


def contents(db: apsw.Connection) -> dict[str, list[Any]]:
    """Every row of every table of an index, but for the fold's position: no table is left out by mistake."""
    tables = schema.rows(db, "SELECT name FROM sqlite_schema WHERE type='table' AND name!='meta'")
    return {name: sorted(schema.rows(db, f"SELECT * FROM {name}"), key=repr) for (name,) in tables}


class Scenario:
    """What goes on through all lives, and what was promised so far."""

    def __init__(self, seed: int) -> None:
        self.random: Random = stream(seed, "mail")
        self.indexes = SimIndexes()
        self.waiting: list[tuple[int, AccountId]] = [(n, self.random.choice(RECEIVERS)) for n in range(40)]
        self.acknowledged: dict[int, AccountId] = {}
        self.appended: dict[tuple[str, int, int], int] = {}  # (mailbox, uidvalidity, uid) → number
        self.maybe_gone: set[tuple[str, int, int]] = set()
        self.gone: set[tuple[str, int, int]] = set()
        self.flagged: set[tuple[str, int, int]] = set()
        self.at_once: list[frozenset[int]] = []  # appended by one command, not answered yet
        self.objects: dict[str, list[bytes]] = {}  # id → as answered last, then as wanted since
        self.next_number = 1000
        self.undisturbed = False

    # -- one life -----------------------------------------------------------------

    async def life(self, world: SimWorld) -> None:
        writer = await StoreWriter.open(world, VOLUME, self.indexes, cells=CELLS)
        intake = Intake(
            world,
            VOLUME,
            "mx-0",
            host="mx.example.org",
            inflight_bytes=1 << 20,
            announce=writer.announce,
            pack_bytes=PACK_BYTES,
        )
        await intake.open()
        work = [self._sender(world, intake) for _ in range(3)] + [self._mail_program(writer)]
        await asyncio.gather(*work, self._accidents(world, writer))
        if self.undisturbed:
            await self._come_to_rest(world, writer, intake)

    async def _accidents(self, world: SimWorld, writer: StoreWriter) -> None:
        for _ in range(self.random.randrange(6)):
            await world.clock.sleep(self.random.random() * 0.02)
            cell = self.random.randrange(CELLS)
            if self.random.random() < 0.6:
                self.indexes.note(cell)
            elif self.random.random() < 0.3:
                self.indexes.remove(cell)

    async def _come_to_rest(self, world: SimWorld, writer: StoreWriter, intake: Intake) -> None:
        await world.clock.sleep(5)  # housekeeping looks for removed indexes, retries have their turn
        while writer.behind:
            await world.clock.sleep(0.1)
        await writer.settle()
        await intake.close()

    async def _sender(self, world: SimWorld, intake: Intake) -> None:
        """Takes messages that are still to be sent and tries them; some connections break before the 250."""
        failures = 0
        while self.waiting and failures < 5:
            number, account = self.waiting.pop(self.random.randrange(len(self.waiting)))
            await world.clock.sleep(self.random.random() * 0.004)
            recipient = LocalRecipient(account, account % CELLS, f"u{account}@example.org")
            envelope = Envelope("s@example.net", (recipient,))
            try:
                receipt = intake.submit(envelope, self._message(number))
                written = (await receipt.written)[0]
            except Unavailable:
                failures += 1
                self.waiting.append((number, account))
                continue
            except BaseException:
                self.waiting.append((number, account))
                raise
            if self.random.random() < 0.1 and not self.undisturbed:
                intake.unsure(written, envelope.cells, receipt.trace)
                self.waiting.append((number, account))
            else:
                self.acknowledged[number] = account
                intake.acknowledged(written.sequence)

    def _message(self, number: int) -> bytes:
        size = stream(number, "size").choice((10, 300, 3000))
        return b"Subject: %d\r\nMessage-ID: <%d@t>\r\n\r\n%s\r\n" % (number, number, b"x" * size)

    async def _mail_program(self, writer: StoreWriter) -> None:
        for _ in range(self.random.randrange(4, 16)):
            command, settle = self._next_command()
            try:
                (outcome,) = await writer.commit([command])
            except (Unavailable, Refused):
                continue
            if not isinstance(outcome, Unavailable | c.Failed):
                settle(outcome)

    def _next_command(self) -> tuple[c.AnyCommand, Callable[[Any], None]]:
        known = [key for key in self.appended if key not in self.maybe_gone]
        if self.random.random() < 0.15:
            return self._put_object()
        if not known or self.random.random() < 0.5:
            return self._append() if self.random.random() < 0.7 else self._append_all()
        key = self.random.choice(known)
        box = self._mailbox(key[0])
        uids = UidSet([(key[2], key[2])]).pack()
        if self.random.random() < 0.5:
            command: c.AnyCommand = c.StoreFlags(
                account=OWNER,
                cell=OWNER % CELLS,
                mailbox=box,
                uids=uids,
                mode="add",
                flags=4,
                keywords=("k",),
            )
            return command, lambda _: self.flagged.add(key)
        if self.random.random() < 0.2:
            first = self.random.randrange(1, 8)
            rows = UidSet([(first, first + self.random.randrange(4))]).pack()
            return c.Restore(account=OWNER, cell=OWNER % CELLS, rows=rows), lambda _: None
        self.maybe_gone.add(key)
        if self.random.random() < 0.5:
            command = c.Expunge(account=OWNER, cell=OWNER % CELLS, mailbox=box, uids=uids, only_deleted=False)
            return command, lambda _: self.gone.add(key)
        command = c.Move(account=OWNER, cell=OWNER % CELLS, mailbox=box, uids=uids, to="Archive")
        return command, lambda outcome: self._moved(key, outcome)

    def _append(self) -> tuple[c.AnyCommand, Callable[[Any], None]]:
        self.next_number += 1
        number, name = self.next_number, self.random.choice(("INBOX", "Sent"))
        command = c.Append(account=OWNER, cell=OWNER % CELLS, mailbox=name, message=self._message(number))

        def settle(outcome: c.Appended) -> None:
            self.appended[name, outcome.uidvalidity, outcome.uid] = number

        return command, settle

    def _append_all(self) -> tuple[c.AnyCommand, Callable[[Any], None]]:
        numbers = range(self.next_number + 1, self.next_number + self.random.randrange(3, 6))
        self.next_number = numbers[-1]
        messages = tuple(c.NewMessage(self._message(number)) for number in numbers)
        command = c.AppendAll(account=OWNER, cell=OWNER % CELLS, mailbox="Sent", messages=messages)
        self.at_once.append(frozenset(numbers))

        def settle(outcome: c.AppendedAll) -> None:
            self.at_once.remove(frozenset(numbers))
            for number, uid in zip(numbers, UidSet.unpack(outcome.uids), strict=True):
                self.appended["Sent", outcome.uidvalidity, uid] = number

        return command, settle

    def _put_object(self) -> tuple[c.AnyCommand, Callable[[Any], None]]:
        self.next_number += 1
        id_, data = self.random.choice("ab"), b"%d" % self.next_number
        wanted = self.objects.setdefault(id_, [b""])
        wanted.append(data)

        def settle(_: Any) -> None:
            self.objects[id_] = [data]

        return c.PutObject(account=OWNER, cell=OWNER % CELLS, kind="k", id=id_, data=data), settle

    def _moved(self, key: tuple[str, int, int], outcome: c.Copied) -> None:
        self.gone.add(key)
        for uid in UidSet.unpack(outcome.copies):
            self.appended["Archive", outcome.uidvalidity, uid] = self.appended[key]

    def _mailbox(self, name: str) -> int:
        place = ("INBOX", "Drafts", "Sent", "Junk", "Trash", "Archive").index(name) + 1
        return OWNER << 20 | place

    # -- what must hold -----------------------------------------------------------

    def check(self, world: SimWorld, head: Position) -> None:
        volume = Volume(world, VOLUME)
        for cell in range(CELLS):
            fresh = self.indexes.open_fresh(cell)
            rebuild({cell: CellFold(fresh, cell, read_frame=volume.read_frame)}, volume, head)
            if contents(fresh) != contents(self.indexes.open[cell]):
                raise Violation(f"the index of cell {cell} is not what its ledger says")
        self._check_deliveries(volume)
        self._check_program(volume)
        self._check_objects()

    def _numbers(self, volume: Volume, account: AccountId) -> list[tuple[str, int, int, int, int]]:
        """(mailbox, uidvalidity, uid, flags, number) of everything an account has."""
        db = self.indexes.open[account % CELLS]
        found = []
        for name, validity, uid, flags, ledger, head, *ref in schema.rows(
            db,
            'SELECT b.name, b.uidvalidity, e.uid, e.flags, m.ledger, m.head, m.pack, m."offset", m.frame'
            " FROM mailbox b JOIN entry e ON e.mailbox=b.id JOIN message m ON m.id=e.message"
            " WHERE b.account=?",
            account,
        ):
            frame = volume.ledger(ledger).read(PackRef(*ref))
            message = bytes(frame.body[head:])
            found.append((name, validity, uid, flags, int(message.split(b"Subject: ")[1].split(b"\r")[0])))
        return found

    def _check_deliveries(self, volume: Volume) -> None:
        for account in RECEIVERS:
            there = [row[4] for row in self._numbers(volume, account)]
            promised = {number for number, whose in self.acknowledged.items() if whose == account}
            if missing := promised - set(there):
                raise Violation(f"account {account} has lost {sorted(missing)}")
            if len(there) != len(set(there)):
                raise Violation(f"account {account} has some messages twice: {sorted(there)}")

    def _check_objects(self) -> None:
        rows = schema.rows(self.indexes.open[OWNER % CELLS], "SELECT id, data FROM object")
        there = dict(rows)
        for id_, wanted in self.objects.items():
            if there.get(id_, b"") not in wanted:
                raise Violation(f"object {id_} is {there.get(id_)!r} and not one of {wanted}")

    def _check_program(self, volume: Volume) -> None:
        there = {row[:3]: row for row in self._numbers(volume, OWNER)}
        numbers = {row[4] for row in there.values()}
        for group in self.at_once:
            if group & numbers and not group <= numbers:
                raise Violation(
                    f"of {sorted(group)}, appended at once, {sorted(group - numbers)} are missing"
                )
        for key, number in self.appended.items():
            row = there.get(key)
            if row is None:
                if key not in self.maybe_gone:
                    raise Violation(f"appended message {number} at {key} is lost")
                continue
            if row[4] != number:
                raise Violation(f"{key} names message {row[4]}, it was {number}")
            if key in self.gone:
                raise Violation(f"{key} was removed and is there")
            if key in self.flagged and not row[3] & 4:
                raise Violation(f"{key} has lost its flag")


def _break_something(world: SimWorld, random: Random) -> None:
    """One fault for this life, or none."""
    fault = random.choice(("power", "power", "power", "kill", "sync", "append", "full", "peace"))
    after = random.randrange(60)
    if fault == "power":
        world.platter.cut_power_at(random.choice(POWER_GOES_AT), after=after)
    elif fault == "sync":
        world.platter.fail("sync", after=after, times=random.choice((1, 3)))
    elif fault == "append":
        world.platter.fail("append", code=random.choice((errno.EIO, errno.ENOSPC)), after=after, times=1)
    elif fault == "full":
        world.platter.fail("append", code=errno.ENOSPC, after=after, times=random.choice((2, 10)))


def run(seed: int) -> None:
    """One universe. Raises ``Violation``, or whatever the code under test let escape."""
    simulation = Simulation(seed)
    scenario = Scenario(seed)
    try:
        world = simulation.world()
        for _ in range(scenario.random.randrange(1, 5)):
            _break_something(world, scenario.random)
            try:
                world.run(asyncio.wait_for(scenario.life(world), 1 + scenario.random.random() * 3))
            except (PowerCut, Unavailable, OSError, TimeoutError):
                pass
            for rule in world.platter.rules:
                rule.lift()
            if world.machine.up and scenario.random.random() < 0.5:
                world.power_cut()
            world = world.restart()
        scenario.undisturbed = True
        world.run(scenario.life(world))
        scenario.check(world, _head(scenario))
        if simulation.unhandled:
            raise Violation(f"exceptions nobody handled: {simulation.unhandled[:3]}")
    finally:
        simulation.close()


def _head(scenario: Scenario) -> Position:
    """How far the indexes have come."""
    ends = []
    for db in scenario.indexes.open.values():
        pack, _, offset = str(schema.row(db, "SELECT value FROM meta WHERE key='position'")[0]).partition(":")
        ends.append(Position(int(pack), int(offset)))
    return max(ends)
