"""A process's own copy of the people, and how it follows the ledger.

Lookups ask nobody: neither the people process nor the ledger need to live. What the copy can't
know it calls ``Unavailable("people")``, never "no such user" (PEOPLE-2).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

import apsw
import msgspec

from holdfast.directory.belongings import Belongings
from holdfast.directory.copied import Copied
from holdfast.directory.copy import Copy, NotBelieved, Source, remove_copy
from holdfast.directory.events import (
    PEOPLE_BELIEVED,
    PEOPLE_COPY_BROKEN,
    PEOPLE_FOLLOW_FAILED,
    PEOPLE_NOT_BELIEVED,
    PEOPLE_OPENED,
    PEOPLE_WRITER_FOUND,
    PEOPLE_WRITER_LOST,
)
from holdfast.directory.lists import Lists
from holdfast.directory.lookup import PEOPLE, Census, Lookup
from holdfast.directory.requests import Announced, Follow
from holdfast.model import ledgers
from holdfast.model.errors import Unavailable
from holdfast.model.limits import PEOPLE_RETRY_FIRST_S, PEOPLE_RETRY_LONGEST_S
from holdfast.model.mail import START, AccountId, Position
from holdfast.world import World
from holdfast.world.link import Link

_FOLLOW = msgspec.msgpack.encode(Follow())
_decode_announced = msgspec.msgpack.Decoder(Announced).decode
_BROKEN = (apsw.CorruptError, apsw.NotADBError, apsw.FormatError)


class People(Copied):
    """One per process (``dev``: one for all). ``await People.open(…)``, then run ``follow()`` as a task."""

    def __init__(
        self,
        world: World,
        path: str,
        volume: str,
        *,
        copies: Sequence[str] = (),
        writer: str = "",
        ledger: str = ledgers.PEOPLE,
    ) -> None:
        """``path``: of this process's copy, or ``:memory:``. ``writer``: the people process's socket."""
        self._world = world
        self._path = path
        self._source = Source(world, volume, ledger, copies)
        self._writer = writer
        self._copy: Copy | None = None  # None: nothing whole to answer from
        self._announced = START
        self._announced_sequence = 0
        self._writer_doubt = ""
        self._doubt = ""
        self._failed = ""
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()  # the writer is there again: look for it now
        self._moved = asyncio.Condition()
        self._writer_known = False
        self._link: Link | None = None  # while there is a writer to follow
        self._watchers: dict[Callable[[AccountId], None], None] = {}
        self.quotas_moved = 0  # another number whenever an account may have another quota
        self._told = 0  # sequence up to which watchers were told who is signed out

    @classmethod
    async def open(
        cls,
        world: World,
        path: str,
        volume: str,
        *,
        copies: Sequence[str] = (),
        writer: str = "",
        ledger: str = ledgers.PEOPLE,
    ) -> People:
        """Opens the copy and brings it up to date, from the writer's position or else the ledger's end.

        Never fails for the ledger's sake: with an old copy it goes on, without one lookups are
        ``Unavailable`` until ``follow`` has built it.
        """
        people = cls(world, path, volume, copies=copies, writer=writer, ledger=ledger)
        await people._start()
        return people

    # Answers: see ``Copied``

    @property
    def lists(self) -> Lists:
        """Pages of this copy; for operators, where the people process is gone."""
        if self._copy is None:
            raise Unavailable(PEOPLE, self._doubt)
        return self._copy.lists

    @property
    def _belongings(self) -> Belongings:
        if self._copy is None:
            raise Unavailable(PEOPLE, self._doubt or "the copy is being built")
        return self._copy.belongings

    def watch_sign_outs(self, watcher: Callable[[AccountId], None]) -> Callable[[], None]:
        """Calls it, from the loop, with each account that is signed out, disabled or removed from now on.

        Returns what ends the watch.
        """
        self._watchers[watcher] = None
        return lambda: self._watchers.pop(watcher, None)

    @property
    def doubt(self) -> str:
        """Why unknown names are ``Unavailable`` at present, '' when they are refused."""
        return self._doubt if self._copy is None else self._copy.lookup.doubt

    @property
    def census(self) -> Census | None:
        """None while there is no copy."""
        return None if self._copy is None else self._copy.lookup.census()

    @property
    def behind(self) -> str:
        """Why this copy isn't what the ledger is, '' when it is, whatever is to be thought of the ledger."""
        return self._doubt if self._copy is None else self._copy.lookup.behind

    @property
    def has_writer(self) -> bool:
        """Whether the people process is there; without it the copy is what was known last."""
        return self._writer_known

    @property
    def position(self) -> Position:
        return START if self._copy is None else self._copy.fold.position

    @property
    def _answers(self) -> Lookup:
        return self._whole.lookup

    @property
    def _whole(self) -> Copy:
        copy = self._copy
        if copy is None:
            raise Unavailable(PEOPLE, self._doubt or "the copy is being built")
        return copy

    async def settled(self, timeout_s: float) -> bool:
        """Asks the writer how far it is, and waits until the copy is there; whether it moved meanwhile.

        Without a writer to ask, it waits for what was announced last.
        """
        before = self.position
        try:
            async with asyncio.timeout(timeout_s):
                if self._link is not None and self._link.connected:
                    self._pushed(await self._link.ask(_FOLLOW, timeout_s))
                await self.reached(self._announced)
        except (TimeoutError, Unavailable):
            pass
        return self.position != before

    async def written(self, timeout_s: float) -> None:
        """For who was just answered by the people process: returns when that change can be read here.

        A writer that was lost is looked for at once, not only after the pause. Longer than ``timeout_s``
        it doesn't wait.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while self._writer and not (self._link is not None and self._link.connected):
                    self._hurry.set()
                    await self._world.clock.sleep(PEOPLE_RETRY_FIRST_S / 2)
                await self.settled(timeout_s)
        except TimeoutError:
            pass

    async def reached(self, position: Position) -> None:
        """Returns when everything before ``position`` is folded."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.position >= position)

    async def moved(self, position: Position) -> None:
        """Returns when something after ``position`` is folded."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.position > position)

    # Following

    async def follow(self) -> None:
        """Keeps the copy up to date until cancelled. Errors are journalled and tried again."""
        wait = PEOPLE_RETRY_FIRST_S
        while True:
            if self._writer:
                self._link = link = Link(self._world, self._writer, PEOPLE, on_push=self._pushed)
                try:
                    if await self._follow_writer(link):
                        wait = PEOPLE_RETRY_FIRST_S
                finally:
                    self._link = None
                    link.close()
            await self._catch_up_alone()
            self._hurry.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._world.entropy.uniform(wait / 2, wait)):
                    await self._hurry.wait()
            wait = min(wait * 2, PEOPLE_RETRY_LONGEST_S)

    def close(self) -> None:
        """Closes the copy; lookups are ``Unavailable`` from now on."""
        copy, self._copy = self._copy, None
        self._doubt = "closed"
        if copy is not None:
            copy.close()

    async def _start(self) -> None:
        started = self._world.clock.monotonic()
        try:
            self._copy = self._open_copy()
        except apsw.Error as error:
            self._put_aside(error)
        before = self._told = self._copy.fold.sequence if self._copy is not None else 0
        link = Link(self._world, self._writer, PEOPLE)
        try:
            if not self._writer:
                raise Unavailable(PEOPLE, "no writer to ask")
            self._announce(_decode_announced(await link.ask(_FOLLOW, 2.0)))
            await self._catch_up(self._announced)
        except Unavailable:
            await self._catch_up_alone()
        finally:
            link.close()
        copy = self._copy
        if copy is not None:
            self._world.journal.emit(
                PEOPLE_OPENED,
                path=self._path,
                frames=copy.fold.sequence - before,
                seconds=round(self._world.clock.monotonic() - started, 3),
                accounts=copy.fold.shrinking.active,
            )

    def _open_copy(self) -> Copy | None:
        """The copy as it was left; None when it has to be built from nothing first.

        PEOPLE-11: a build that was broken off knows some people and not others, and is no copy.
        """
        copy = Copy(self._world, self._path)
        if copy.fold.whole and copy.fold.position != START:
            return copy
        copy.close()
        remove_copy(self._world, self._path)
        return None

    async def _follow_writer(self, link: Link) -> bool:
        """Follows announcements until the writer is gone; whether there was one."""
        try:
            self._announce(_decode_announced(await link.ask(_FOLLOW, 10.0)))
        except Unavailable as error:
            self._lost(str(error))
            return False
        if not self._writer_known:
            self._writer_known = True
            self._world.journal.emit(PEOPLE_WRITER_FOUND, path=self._writer)
        ended = asyncio.ensure_future(link.ended())
        ended.add_done_callback(lambda _: self._wake.set())
        wait = PEOPLE_RETRY_FIRST_S
        try:
            while not ended.done():
                self._wake.clear()
                if not await self._catch_up(self._announced):
                    await self._world.clock.sleep(wait)
                    wait = min(wait * 2, PEOPLE_RETRY_LONGEST_S)
                    continue
                wait = PEOPLE_RETRY_FIRST_S
                if self.position >= self._announced or self._doubt:
                    await self._wake.wait()
        finally:
            ended.cancel()
        self._lost("the connection ended")
        return True

    def _lost(self, reason: str) -> None:
        if self._writer_known:
            self._writer_known = False
            self._world.journal.emit(PEOPLE_WRITER_LOST, path=self._writer, reason=reason)

    def _pushed(self, payload: bytes) -> None:
        self._announce(_decode_announced(payload))
        self._wake.set()

    def _announce(self, announced: Announced) -> None:
        """PEOPLE-3: a writer of another or a shorter ledger is not followed."""
        position = Position(announced.pack, announced.offset)
        copy = self._copy
        if copy is not None and copy.fold.identity:
            if announced.identity != copy.fold.identity:
                self._writer_doubt = "the people process writes another ledger than this copy was made from"
            elif position < copy.fold.position:
                self._writer_doubt = f"the people process is at {position}, this copy at {copy.fold.position}"
            else:
                self._writer_doubt = ""
            if self._writer_doubt:
                self._set_doubt(self._writer_doubt)
                return
            if position > copy.fold.position and not self._doubt:
                copy.lookup.doubt = "the copy is a moment behind"
        self._announced = position
        self._announced_sequence = announced.sequence

    async def _catch_up_alone(self) -> None:
        """Without a writer to ask: up to the last whole frame, which is synced first."""
        self._writer_doubt = ""
        copy = self._copy
        identity, position = (copy.fold.identity, copy.fold.position) if copy is not None else (b"", START)
        try:
            _, end = await self._world.offload(self._source.check, identity, position)
        except NotBelieved as error:
            self._set_doubt(str(error))
        except (OSError, Unavailable) as error:
            self._set_doubt(f"the people ledger can't be read: {error}")
        else:
            await self._catch_up(max(end, position))

    async def _catch_up(self, until: Position) -> bool:
        """Folds up to ``until``; False when that failed. A copy that isn't whole yet isn't shown."""
        copy = self._copy
        try:
            if copy is None:
                copy = Copy(self._world, self._path)
            await self._fold_up_to(copy, until)
        except NotBelieved as error:
            self._set_doubt(str(error))
        except _BROKEN as error:
            self._put_aside(error, copy)
        except (apsw.Error, OSError, Unavailable) as error:
            if str(error) != self._failed:
                self._failed = str(error)
                self._world.journal.emit(PEOPLE_FOLLOW_FAILED, reason=self._failed)
            self._doubt_quietly(f"the people ledger can't be followed: {error}")
        else:
            self._failed = ""
            self._copy = copy
            self._set_doubt(self._writer_doubt)
            return True
        if copy is not None and copy is not self._copy:
            copy.close()
        return False

    async def _fold_up_to(self, copy: Copy, until: Position) -> None:
        fold = copy.fold
        if fold.position >= until:
            if fold.position != until and not fold.whole:
                raise NotBelieved(f"the people ledger ends at {until}, the build at {fold.position}")
            return
        identity = fold.identity or await self._world.offload(self._source.identity)
        while fold.position < until:
            doubted = fold.shrinking.doubted_mark
            batch = await self._world.offload(self._source.read, fold.position, until)
            told = self._announced_sequence if batch.after >= self._announced == until else 0
            if batch.last_sequence(fold.sequence) < told:
                raise NotBelieved("the people ledger lacks frames that the people process wrote")
            copy.take(batch.items, batch.after, identity, whole=batch.after >= until)
            self._tell_watchers(copy)
            self.quotas_moved += copy.fold.limited
            self._tell_shrinking(copy, doubted)
            async with self._moved:
                self._moved.notify_all()

    def _tell_watchers(self, copy: Copy) -> None:
        """A copy that is built again says nothing twice."""
        fold = copy.fold
        for account, sequence in fold.ended.items():
            if sequence > self._told:
                for watcher in list(self._watchers):
                    watcher(account)
        self._told = max(self._told, fold.sequence)

    def _tell_shrinking(self, copy: Copy, before: int) -> None:
        """PEOPLE-4 in the journal."""
        shrinking = copy.fold.shrinking
        if shrinking.doubted_mark and not before:
            reason = f"{shrinking.unexplained} of {shrinking.doubted_mark} accounts left within an hour"
            self._world.journal.emit(PEOPLE_NOT_BELIEVED, reason=f"{reason}, and nobody announced it")
        elif before and not shrinking.doubted_mark:
            self._world.journal.emit(PEOPLE_BELIEVED, reason="announced, or the accounts are back")

    def _set_doubt(self, reason: str) -> None:
        if reason and reason != self._doubt:
            self._world.journal.emit(PEOPLE_NOT_BELIEVED, reason=reason)
        elif self._doubt and not reason:
            self._world.journal.emit(PEOPLE_BELIEVED, reason=self._doubt)
        self._doubt_quietly(reason)

    def _doubt_quietly(self, reason: str) -> None:
        self._doubt = reason
        if self._copy is not None:
            self._copy.lookup.doubt = reason

    def _put_aside(self, error: apsw.Error, copy: Copy | None = None) -> None:
        """A copy that can't be read is derived: it is built again."""
        self._world.journal.emit(PEOPLE_COPY_BROKEN, path=self._path, reason=str(error))
        self._copy = None
        self._doubt = "the copy is being built again"
        if copy is not None:
            copy.close()
        remove_copy(self._world, self._path)
