"""The store's one writer: commands and new mail into the mail ledger, and from there into the cells.

The order of the mail ledger is the order of everything: commands are frames of
it, and what the intakes accepted gets its place in it by a MERGED frame. A
command is answered after its frame is durable and folded (STORE-7).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from holdfast.model.errors import Unavailable
from holdfast.model.ledgers import MAIL, Kind, is_intake, ledger_number
from holdfast.model.limits import PACK_BYTES
from holdfast.model.mail import START, AccountId, Position
from holdfast.packs import Frame, LedgerReader, LedgerWriter, NewFrame, Written
from holdfast.store import commands as c
from holdfast.store import events
from holdfast.store.cells import Cells
from holdfast.store.frames import CommandMeta, Item, Merged, MessageMeta, decode_merged, encode, place
from holdfast.store.index import IndexPlace
from holdfast.store.replay import Group, Volume
from holdfast.world import World

MERGE_FRAMES = 256  # frames one MERGED frame stands for at most: about 20 ms of folding
MERGE_BYTES = 8 * 1024 * 1024
HOUSEKEEPING_S = 0.5
NOTE_S = 60.0
WHOLE_S = 1.5  # an index that is made in less is not missed: a new installation's, for one
ORPHANS_AFTER_S = 15.0  # an intake nobody has announced by then has no writer
FOLD_ITEMS = 512  # folded without letting others run

Moved = list[tuple[int, AccountId, int]]
Answer = c.AnyOutcome | Unavailable


class _Waiting(NamedTuple):
    """Frames on their way to the disk, in ledger order."""

    written: asyncio.Future[list[Written]]
    frames: Sequence[NewFrame]
    merged: tuple[Merged, list[Item]] | None  # for a MERGED frame: what it stands for
    reply: asyncio.Future[list[Answer]]


class StoreWriter:
    """Owns the mail ledger and the indexes of a volume. One per volume."""

    def __init__(
        self, world: World, volume_folder: str, ledger: LedgerWriter, cells: Cells, volume: Volume
    ) -> None:
        self._world = world
        self._folder = volume_folder
        self._ledger = ledger
        self._cells = cells
        self._volume = volume
        self._merged: dict[str, Position] = {}  # durable in the mail ledger
        self._folded: dict[str, Position] = {}  # and in the indexes
        self._saved = START
        self._announced: dict[str, Position] = {}
        self._merging: set[str] = set()
        self._waiting: deque[_Waiting] = deque()
        self._woken = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.on_moved: list[Callable[[Moved], object]] = []

    @classmethod
    async def open(
        cls,
        world: World,
        volume_folder: str,
        place: IndexPlace,
        *,
        cells: int,
        copies: tuple[str, ...] = (),
        trailing: tuple[str, ...] = (),
        pack_bytes: int = PACK_BYTES,
    ) -> StoreWriter:
        """Open the ledger (its torn tail is cut), the indexes, and merge what is waiting."""
        begun = world.clock.monotonic()
        ledger = await LedgerWriter.open(
            world, volume_folder, MAIL, copies=copies, trailing=trailing, pack_bytes=pack_bytes
        )
        volume = Volume(world, volume_folder, copies + trailing)
        group = Cells(world, place, volume, Volume(world, volume_folder, copies + trailing), cells)
        writer = cls(world, volume_folder, ledger, group, volume)
        writer._load_merged()
        group.open(ledger.durable)
        await group.wait_whole(WHOLE_S)
        loop = asyncio.get_running_loop()
        writer._tasks = [loop.create_task(writer._fold_loop()), loop.create_task(writer._housekeeping())]
        world.journal.emit(
            events.STORE_READY,
            cells=cells,
            behind=len(group.behind),
            seconds=round(world.clock.monotonic() - begun, 3),
        )
        return writer

    # -- commands -----------------------------------------------------------------

    async def commit(self, commands: Sequence[c.AnyCommand]) -> list[Answer]:
        """Write commands, all in one group commit, and fold them; one answer each, in order.

        Raises ``Unavailable`` when they could not be kept: then none of them took effect.
        """
        refused = [self._cells.unavailable(command.cell) for command in commands]
        accepted = [command for command, no in zip(commands, refused) if no is None]
        if not accepted:
            return [no for no in refused if no is not None]
        now = self._world.clock.now()
        whole = [await self._lay_down(e, now) if isinstance(e, c.AppendAll) else e for e in accepted]
        frames = [_command_frame(command, now) for command in whole]
        answers = iter(await self._submit(frames, None).reply)
        return [next(answers) if no is None else no for no in refused]

    async def _lay_down(self, command: c.AppendAll, now: float) -> c.AppendAll:
        """Its messages in frames of their own; the command is written when they are durable.

        So a power cut leaves messages without their command, which are in no mailbox, but never a
        command without its messages (STORE-13).
        """
        dates = [now if new.internaldate is None else new.internaldate for new in command.messages]
        heads = [_with_size(encode(MessageMeta(date))) for date in dates]
        frames = [
            NewFrame(Kind.MESSAGE, (head, new.message), command.account, (command.cell,))
            for head, new in zip(heads, command.messages)
        ]
        waiting = self._submit(frames, None)
        waiting.reply.add_done_callback(_retrieved)
        written = await waiting.written
        laid = [
            c.NewMessage(b"", new.flags, new.keywords, date, _laid(at, head, new.message))
            for new, date, head, at in zip(command.messages, dates, heads, written)
        ]
        return msgspec.structs.replace(command, messages=tuple(laid))

    def _submit(self, frames: Sequence[NewFrame], merged: tuple[Merged, list[Item]] | None) -> _Waiting:
        written = self._ledger.submit(frames)
        waiting = _Waiting(written, frames, merged, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        written.add_done_callback(lambda _: self._woken.set())
        return waiting

    # -- new mail -----------------------------------------------------------------

    def announce(self, ledger: str, durable: Position) -> None:
        """An intake's writer says how far its ledger is durable."""
        if durable > self._announced.get(ledger, START):
            self._announced[ledger] = durable
            self._merge_soon(ledger)

    def damaged(self, cell: int) -> None:
        """A reader met damage in the cell's index: what is kept in memory here may hide it (STORE-6)."""
        self._cells.damaged(cell)

    def _merge_soon(self, ledger: str) -> None:
        if ledger not in self._merging:
            self._merging.add(ledger)
            self._tasks.append(asyncio.get_running_loop().create_task(self._merge(ledger)))
            self._tasks = [task for task in self._tasks if not task.done()]

    async def _merge(self, ledger: str) -> None:
        """Give everything announced its place in the order, range by range."""
        try:
            while self._announced[ledger] > self._merged.get(ledger, START):
                begun = self._world.clock.monotonic()
                begin = self._merged.get(ledger, START)
                items, end = self._next_range(ledger, begin, self._announced[ledger])
                cells = sorted({cell for item in items for cell in item.frame.cells or ()})
                placed = tuple(found for item in items if (found := place(item.frame)) is not None)
                meta = Merged(ledger, begin, end, self._world.clock.now(), placed)
                frame = NewFrame(Kind.MERGED, encode(meta), 0, tuple(cells))
                waiting = self._submit([frame], (meta, items))
                waiting.reply.add_done_callback(functools.partial(self._shown, ledger, len(items), begun))
                await waiting.written
                self._merged[ledger] = end
                if len(self._waiting) > 2:  # reading must not run far ahead of folding
                    await waiting.reply
        except Unavailable as error:
            self._world.journal.emit(events.MERGE_FAILED, ledger=ledger, error=str(error))
        finally:
            self._merging.discard(ledger)

    def _next_range(self, ledger: str, begin: Position, until: Position) -> tuple[list[Item], Position]:
        number = ledger_number(ledger)
        reader: LedgerReader = self._volume.ledger(number)
        items: list[Item] = []
        size = 0
        end = until
        for frame in reader.follow(begin, until=until):
            items.append(Item(number, frame))
            size += frame.ref.size
            if len(items) >= MERGE_FRAMES or size >= MERGE_BYTES:
                end = reader.after(frame)
                break
        return items, end

    def _shown(self, ledger: str, messages: int, begun: float, reply: asyncio.Future[list[Answer]]) -> None:
        _retrieved(reply)
        if not reply.cancelled() and reply.exception() is None:
            seconds = self._world.clock.monotonic() - begun
            self._world.journal.emit(events.MERGED, ledger=ledger, messages=messages, seconds=seconds)

    @property
    def unmerged(self) -> list[tuple[str, Position, Position]]:
        """Each intake: how far it is folded, and how far it is durable."""
        return [
            (ledger, self._folded.get(ledger, START), durable) for ledger, durable in self._announced.items()
        ]

    async def _adopt_orphans(self) -> None:
        """Merge intakes whose writer isn't running: opened once, so their tail is cut and synced."""
        disk = self._world.disk
        for name in disk.list(self._folder):
            if not is_intake(name):
                continue
            try:
                writer = await LedgerWriter.open(self._world, self._folder, name)
            except Unavailable:
                continue  # its writer lives and announces by itself
            self.announce(name, writer.durable)
            await writer.close()

    def _load_merged(self) -> None:
        """How far each intake has been merged, from the mail ledger's last MERGED frames."""
        state = f"{self._folder}/merged.state"
        position = START
        if self._world.disk.exists(state):
            try:
                saved = msgspec.msgpack.decode(self._world.disk.read(state), type=_MergedState)
                if saved.position <= self._ledger.durable:
                    position = saved.position
                    self._merged = dict(saved.merged)
            except (msgspec.DecodeError, OSError):
                pass  # derived: read the ledger from its beginning instead
        mail = self._volume.ledger(ledger_number(MAIL))
        for frame in mail.follow(position, until=self._ledger.durable):
            if isinstance(frame, Frame) and frame.kind == Kind.MERGED:
                merged = decode_merged(bytes(frame.body))
                self._merged[merged.ledger] = merged.end
        self._folded = dict(self._merged)

    def _save_merged(self) -> None:
        """Note how far all has come, so that the next start has little to read."""
        if self._saved == self._cells.head:
            return
        head = self._cells.head
        self._cells.note_head()
        state = _MergedState(head, self._folded)
        with contextlib.suppress(OSError):  # derived: a full disk costs a longer start, and nothing else
            self._world.disk.write_atomic(f"{self._folder}/merged.state", encode(state))
            self._saved = head

    # -- folding ------------------------------------------------------------------

    async def _fold_loop(self) -> None:
        """In ledger order: what is durable is folded, then answered, then told to who watches."""
        while True:
            if not self._waiting or not self._waiting[0].written.done():
                self._woken.clear()
                await self._woken.wait()
                continue
            ready: list[_Waiting] = []
            items = 0
            while self._waiting and self._waiting[0].written.done() and items < FOLD_ITEMS:
                waiting = self._waiting.popleft()
                ready.append(waiting)
                items += len(waiting.merged[1]) if waiting.merged else len(waiting.frames)
            self._fold_ready(ready)
            await self._world.clock.sleep(0)

    def _fold_ready(self, ready: list[_Waiting]) -> None:
        groups: list[Group] = []
        kept: list[tuple[_Waiting, int]] = []  # and how many items are its
        for waiting in ready:
            error = waiting.written.exception()
            if error is not None:
                self._fail(waiting, error)
                continue
            made = self._groups(waiting, waiting.written.result())
            groups += made
            kept.append((waiting, sum(len(group.items) for group in made)))
            if waiting.merged is not None:
                self._folded[waiting.merged[0].ledger] = waiting.merged[0].end
        if not groups:
            return
        outcomes = self._cells.fold(groups)
        at = 0
        for waiting, count in kept:
            mine = outcomes[at : at + count]
            at += count
            if not waiting.reply.done():
                waiting.reply.set_result([o if o is not None else c.Done() for o in mine])
        moved = self._cells.take_touched()
        if moved:
            for tell in self.on_moved:
                tell(moved)

    def _groups(self, waiting: _Waiting, written: list[Written]) -> list[Group]:
        number = ledger_number(MAIL)
        if waiting.merged is not None:
            return [Group(waiting.merged[1], _after(written[0]))]
        return [
            Group([Item(number, _frame(new, done))], _after(done))
            for new, done in zip(waiting.frames, written)
        ]

    def _fail(self, waiting: _Waiting, error: BaseException) -> None:
        """Nothing was kept; what waited is told so, and a merge is tried again later."""
        unavailable = error if isinstance(error, Unavailable) else Unavailable("store", str(error))
        if waiting.merged is None:
            self._world.journal.emit(
                events.COMMIT_REFUSED, component=unavailable.component, commands=len(waiting.frames)
            )
        if not waiting.reply.done():
            waiting.reply.set_exception(unavailable)

    async def _housekeeping(self) -> None:
        begun = self._world.clock.monotonic()
        noted = begun
        orphans_adopted = False
        while True:
            await self._world.clock.sleep(HOUSEKEEPING_S)
            self._cells.check_files()
            for ledger in self._announced:
                self._merge_soon(ledger)
            now = self._world.clock.monotonic()
            if now - noted > NOTE_S:
                noted = now
                self._save_merged()
            if not orphans_adopted and now - begun > ORPHANS_AFTER_S:
                orphans_adopted = True
                await self._adopt_orphans()

    async def settle(self) -> None:
        """Return when all that was announced or asked for before is folded."""
        while self._waiting or self._merging:
            await self._world.clock.sleep(0.002)

    async def close(self) -> None:
        """Finish what waits, note the positions, close everything."""
        await self.settle()
        for task in self._tasks:
            task.cancel()
        self._save_merged()
        await self._cells.close()
        await self._ledger.close()

    @property
    def behind(self) -> list[int]:
        """Cells whose index is being made whole."""
        return self._cells.behind

    @property
    def rebuilding(self) -> tuple[Position, Position] | None:
        """How far those have come that are made anew, and how far they have to; None when none is."""
        done = self._cells.rebuilt
        return None if done is None else (done, self._cells.head)

    @property
    def head(self) -> Position:
        """How far the mail ledger is folded."""
        return self._cells.head


def _retrieved(future: asyncio.Future[list[Answer]]) -> None:
    """A reply that nobody awaits: its error is told by ``written`` already."""
    if not future.cancelled():
        future.exception()


def _after(written: Written) -> Position:
    return Position(written.ref.pack, written.ref.offset + written.ref.size)


def _laid(at: Written, head: bytes, message: bytes) -> c.Laid:
    return c.Laid(at.sequence, *at.ref, len(head), len(message))


def _command_frame(command: c.AnyCommand, now: float) -> NewFrame:
    """The frame of a command; an Append's message goes beside the meta, uncopied."""
    message = b""
    if isinstance(command, c.Append):
        message = command.message
        command = msgspec.structs.replace(command, message=b"")
    body = (_with_size(encode(CommandMeta(now, command))), message)
    return NewFrame(Kind.COMMAND, body, command.account, (command.cell,))


def _with_size(meta: bytes) -> bytes:
    return len(meta).to_bytes(4, "little") + meta


def _frame(new: NewFrame, written: Written) -> Frame:
    """What a reader would find at ``written``, without reading."""
    body = b"".join(new.body) if isinstance(new.body, tuple) else bytes(new.body)
    return Frame(new.kind, written.sequence, new.account, new.cells, body, written.ref)


class _MergedState(msgspec.Struct, frozen=True, array_like=True):
    """File ``merged.state``: derived, saves reading the ledger at start."""

    position: Position
    merged: dict[str, Position]
