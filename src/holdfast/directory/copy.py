"""One copy of the people: a SQLite file, the fold that writes it, and what reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import apsw
import msgspec

from holdfast.directory.belongings import Belongings
from holdfast.directory.events import PEOPLE_FRAME_BAD, PEOPLE_FRAME_REFUSED
from holdfast.directory.fold import Fold
from holdfast.directory.lists import Lists
from holdfast.directory.lookup import Lookup
from holdfast.directory.records import decode_record
from holdfast.directory.schema import open_copy
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.ledgers import Kind
from holdfast.model.limits import FOLD_FRAMES
from holdfast.model.mail import START, PackRef, Position
from holdfast.packs.reader import LedgerReader
from holdfast.packs.shelf import ledger_folder, pack_path
from holdfast.packs.words import BadFrame, Frame
from holdfast.world import World

MEMORY = ":memory:"
DISK_PATIENCE_S = 60.0
ANY_SEQUENCE = 1 << 63


class NotBelieved(Exception):
    """The ledger isn't the one the copy was folded from, or less of it (PEOPLE-3)."""


class Savepoint(NamedTuple):
    connection: apsw.Connection

    def undo(self) -> None:
        self.connection.execute("ROLLBACK TO plan")


class Copy:
    """Opens the copy at ``path``; raises ``apsw.Error`` when it can't be one."""

    def __init__(self, world: World, path: str) -> None:
        self.path = path
        self._world = world
        self._db = open_copy(path if path == MEMORY else world.disk.database_path(path))
        try:
            self.fold = Fold(self._db)
            self.lookup = Lookup(self._db, self.fold, world.clock)
            self.lists = Lists(self._db)
            self.belongings = Belongings(self._db, self.lookup, world.clock)
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def savepoint(self) -> Iterator[Savepoint]:
        """Within a transaction: what follows may be undone, tables only."""
        self._db.execute("SAVEPOINT plan")
        try:
            yield Savepoint(self._db)
        finally:
            self._db.execute("RELEASE plan")

    def take(
        self, items: Sequence[Frame | BadFrame], after: Position, identity: bytes, *, whole: bool = False
    ) -> None:
        """Folds frames in one transaction that ends at ``after``. Raises ``NotBelieved``, ``apsw.Error``.

        ``whole``: that is an end of the ledger, durable and announced or found by ourselves.
        Bad frames are passed over and reported (PEOPLE-5); so are records that can't be carried out.
        """
        fold = self.fold
        fold.begin()
        try:
            for item in items:
                if isinstance(item, BadFrame):
                    self._bad(item, item.reason)
                elif item.sequence <= fold.sequence:
                    raise NotBelieved(f"frame {item.sequence} comes after frame {fold.sequence}")
                elif item.kind != Kind.PEOPLE:
                    self._bad(item, f"a frame of kind {item.kind}")
                else:
                    self._apply(item)
            fold.commit(after, identity, whole=whole)
        except BaseException:
            fold.roll_back()
            raise

    def _apply(self, frame: Frame) -> None:
        try:
            record = decode_record(frame.body)
        except msgspec.DecodeError as error:
            self._bad(frame, str(error))
            return
        try:
            self.fold.apply(frame.sequence, record)
        except Refused as error:
            self.fold.refuse(frame.sequence)
            self._world.journal.emit(PEOPLE_FRAME_REFUSED, sequence=frame.sequence, reason=error.text)

    def _bad(self, item: Frame | BadFrame, reason: str) -> None:
        self.fold.hole(item.sequence, item.lost if isinstance(item, BadFrame) else 1)
        self._world.journal.emit(PEOPLE_FRAME_BAD, pack=item.ref.pack, offset=item.ref.offset, reason=reason)


def remove_copy(world: World, path: str) -> None:
    """Deletes a copy's files: the fold makes them again."""
    if path == MEMORY:
        return
    for ending in ("", "-wal", "-shm"):
        Path(world.disk.database_path(path) + ending).unlink(missing_ok=True)


class Batch(NamedTuple):
    """Frames in order, and the position behind them."""

    items: list[Frame | BadFrame]
    after: Position

    def last_sequence(self, before: int) -> int:
        """Of the last frame in it, ``before`` when it is empty; a hole may have any."""
        if not self.items:
            return before
        last = self.items[-1]
        return ANY_SEQUENCE if isinstance(last, BadFrame) else last.sequence


class Source:
    """The people ledger as a copy is folded from it. Methods block: they are for worker threads."""

    def __init__(self, world: World, volume: str, ledger: str, copies: Sequence[str]) -> None:
        self._world = world
        self._folder = ledger_folder(volume, ledger)
        self._new: Callable[[], LedgerReader] = lambda: LedgerReader(world, volume, ledger, copies=copies)
        self._reader: LedgerReader | None = None
        self._going_on: tuple[Position, Position, Iterator[Frame | BadFrame]] | None = None
        self._refused: tuple[PackRef, float] | None = None

    def check(self, identity: bytes, position: Position) -> tuple[bytes, Position]:
        """Looks at the ledger afresh; its identity and the end of what is on disk, synced.

        Raises ``NotBelieved`` (PEOPLE-3) when a copy with this identity and position knows more than
        the ledger, ``Unavailable`` or ``OSError`` when it can't be read.
        """
        reader = self._new()
        found = reader.identity
        if not found:
            raise (
                NotBelieved("the people ledger is missing or empty")
                if identity
                else Unavailable("people", "there is no people ledger yet")
            )
        if identity and found != identity:
            raise NotBelieved("the people ledger is another than the one this copy was made from")
        end = reader.end()
        if end < position:
            raise NotBelieved(f"the people ledger ends at {end}, this copy at {position}")
        if end > position and end != START:
            # PEOPLE-1: a copy is never ahead of what a power cut would leave.
            with closing(self._world.disk.open(pack_path(self._folder, end.pack), write=False)) as file:
                file.sync()
        self._reader = reader
        self._going_on = None
        return found, end

    def identity(self) -> bytes:
        if self._reader is None:
            self._reader = self._new()
        return self._reader.identity

    def _put_off(self, bad: BadFrame) -> bool:
        """A frame the disk refuses may come yet; after DISK_PATIENCE_S it is as bad as any."""
        try:
            with closing(self._world.disk.open(pack_path(self._folder, bad.ref.pack), write=False)) as file:
                file.read_at(bad.ref.offset, bad.ref.size)
        except FileNotFoundError:
            return False
        except OSError:
            pass
        else:
            return False
        now = self._world.clock.monotonic()
        if self._refused is None or self._refused[0] != bad.ref:
            self._refused = (bad.ref, now)
        return now < self._refused[1] + DISK_PATIENCE_S

    def read(self, position: Position, until: Position) -> Batch:
        """The next frames, FOLD_FRAMES at most; none when ``until`` is reached."""
        if self._reader is None:
            self._reader = self._new()
        items: list[Frame | BadFrame] = []
        after = position
        following, self._going_on = self._going_on, None
        if following is None or following[:2] != (position, until):
            following = (position, until, self._reader.follow(position, until))
        for item in following[2]:
            if isinstance(item, BadFrame) and self._put_off(item):
                if items:
                    return Batch(items, after)
                raise OSError("the disk doesn't read the people ledger at present")
            items.append(item)
            after = max(after, self._reader.after(item))
            if len(items) >= FOLD_FRAMES:
                self._going_on = (after, until, following[2])  # it has read ahead
                return Batch(items, after)
        if items and after <= position:
            raise OSError("a pack of the people ledger can't be read")
        return Batch(items, max(after, until))
