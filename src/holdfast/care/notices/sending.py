"""Sends what is kept: on each channel several at a time, again after a while where it is out of reach, and by
the next channel where it can't be, until someone has taken it or only paper is left.

TELL-5 a channel that fails costs its own time: others go on, and after NOTICE_SWITCH_S what waits for it goes
by the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from holdfast.care.events import NOTICE_CHANNEL_BACK, NOTICE_CHANNEL_LOST, NOTICES_STUCK
from holdfast.care.notices.channels import Channel, Message
from holdfast.care.notices.kept import EVERYBODY, LETTER, KeptNotices, MessageRow, Notice, State
from holdfast.care.notices.recipients import Contact
from holdfast.care.notices.writing import Writer
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.limits import (
    GATEWAY_S,
    NOTICE_BATCH,
    NOTICE_LIFE_S,
    NOTICE_REST_S,
    NOTICE_RETRY_FIRST_S,
    NOTICE_RETRY_LONGEST_S,
    NOTICE_SWITCH_S,
    NOTICE_TRIES,
)
from holdfast.world import Thread, World

HOUR_S = 3600.0
_LOOK_S = 30.0  # without a reason it is looked whether something is due no less often
_SOON_S = 0.25
_IN_A_ROW = 5  # failures at least, and it is the channel


class Quiet:
    """Hours in which nobody is woken up: ``22:00-07:00`` of the customers' clock; '' for none."""

    def __init__(self, hours: str, zone: ZoneInfo) -> None:
        self._zone = zone
        self._hours = tuple(datetime.time.fromisoformat(each) for each in hours.split("-")) if hours else ()

    def at(self, now: float) -> bool:
        if not self._hours:
            return False
        begins, ends = self._hours
        clock = datetime.datetime.fromtimestamp(now, self._zone).time()
        return begins <= clock < ends if begins <= ends else clock >= begins or clock < ends


class Ways:
    """``order``: channels as they are tried for a customer. ``beside``: those that are told beside them,
    whatever becomes of those."""

    def __init__(self, order: Sequence[Channel], beside: Sequence[Channel] = ()) -> None:
        self.order = list(order)
        self.beside = list(beside)

    def firsts(self, customers: Sequence[Contact]) -> list[tuple[int, str]]:
        """For each the channel that is tried first, and those beside."""
        rows = [(each.customer, self.after("", each)) for each in customers]
        return rows + [
            (one.customer, each.name) for each in self.beside if not each.single for one in customers
        ]

    def for_all(self, *, quiet: bool) -> list[tuple[int, str]]:
        """What is told once for everybody. ``quiet``: there is no news, and nobody is woken up for it."""
        return [(EVERYBODY, each.name) for each in self.beside if each.single and not (quiet and each.quiet)]

    def after(self, name: str, contact: Contact | None) -> str:
        """What is tried when that channel doesn't take it: for one customer, or, None, whatever stands next.
        LETTER at the end; '' for what stands beside the others."""
        names = [each.name for each in self.order]
        if name and name not in names:
            return ""
        rest = self.order[names.index(name) + 1 :] if name else self.order
        if contact is None:
            return rest[0].name if rest else LETTER
        return next((each.name for each in rest if each.reaches(contact)), LETTER)


class Sending:
    """``thread``: the one that ``kept`` is used from."""

    def __init__(
        self,
        world: World,
        kept: KeptNotices,
        thread: Thread,
        writer: Writer,
        ways: Ways,
        *,
        at_once: int,
        quiet: Quiet,
    ) -> None:
        self._world = world
        self.ways = ways
        self._writer = writer
        self._newest: dict[int, _Newest] = {}
        notes = _Notes(kept, thread, self.wake)
        self._lines = [
            _Line(world, kept, thread, writer, notes, each, ways.after, self._newest, at_once, quiet)
            for each in (*ways.order, *ways.beside)
        ]

    def laid_down(self, notice: Notice, spared: Collection[int] = ()) -> None:
        """It is kept, and to be sent; what is read of earlier ones of the incident isn't sent any more.
        ``spared``: those customers don't get this one."""
        if not notice.body.quiet:
            self._newest[notice.incident] = _Newest(notice.number, frozenset(spared))
        self.wake()

    def wake(self) -> None:
        """There is something new to send."""
        for line in self._lines:
            line.wake.set()

    async def held(self, incident: int, reason: str) -> None:
        """Tells the staff, once and at once; who can't be reached now reads it in the journal."""
        message = self._writer.held(incident, reason)
        for each in self.ways.beside:
            if each.single and each.quiet:
                with contextlib.suppress(Exception):
                    async with asyncio.timeout(GATEWAY_S):
                        await each.send(message)

    async def run(self) -> None:
        """Until it is cancelled. A fault of ours is said, and it begins again."""
        while True:
            try:
                async with asyncio.TaskGroup() as group:
                    for line in self._lines:
                        group.create_task(line.run())
            except* Exception as faults:
                reason = "; ".join(f"{type(each).__name__}: {each}" for each in faults.exceptions)
                self._world.journal.emit(NOTICES_STUCK, channel="all", reason=reason)
            await self._world.clock.sleep(NOTICE_REST_S)

    def close(self) -> None:
        for each in (*self.ways.order, *self.ways.beside):
            each.close()


class _Newest(NamedTuple):
    """Of an incident, the notice that overtakes those before for all but ``spared``."""

    number: int = 0
    spared: frozenset[int] = frozenset()


After = Callable[[str, Contact | None], str]


class _Line:
    """What waits for one channel. While that takes nothing, one message is tried at a time."""

    def __init__(
        self,
        world: World,
        kept: KeptNotices,
        thread: Thread,
        writer: Writer,
        notes: _Notes,
        channel: Channel,
        after: After,
        newest: Mapping[int, _Newest],
        at_once: int,
        quiet: Quiet,
    ) -> None:
        self.wake = asyncio.Event()
        self._world = world
        self._kept = kept
        self._thread = thread
        self._writer = writer
        self._notes = notes
        self._channel = channel
        self._after = after
        self._newest = newest
        self._at_once = at_once
        self._quiet = quiet
        self._queue: asyncio.Queue[tuple[MessageRow, Message | None]] = asyncio.Queue(at_once)
        self._taken: set[tuple[int, int, int]] = set()  # read, and not noted yet
        self._failures = 0  # in a row
        self._bad_since = 0.0

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(self._at_once):
                group.create_task(self._work())
            group.create_task(self._feed())

    async def _feed(self) -> None:
        stuck = False
        while True:
            try:
                if self._bad_since:
                    await self._probe()
                elif not await self._take(NOTICE_BATCH):
                    await self._wait()
                stuck = False
            except Unavailable as error:  # what is kept, or the customers, can't be read
                if not stuck:
                    self._world.journal.emit(NOTICES_STUCK, channel=self._channel.name, reason=str(error))
                stuck = True
                await self._world.clock.sleep(NOTICE_REST_S)

    async def _take(self, most: int) -> int:
        """How many were given to be sent. Raises ``Unavailable``."""
        now, name = self._world.clock.now(), self._channel.name
        sent = await self._thread.run(self._kept.sent_since, name, now - HOUR_S)
        room = min(most, self._channel.per_hour - sent - len(self._taken))
        urgent = self._channel.quiet and self._quiet.at(now)
        if room <= 0:
            return 0
        rows = await self._thread.run(self._kept.due, name, now, room + len(self._taken), urgent)
        new = [row for row in rows if row[:3] not in self._taken][:room]
        for row, message in zip(new, await self._messages(new)):
            self._taken.add(row[:3])
            await self._queue.put((row, message))
        return len(new)

    async def _messages(self, rows: Sequence[MessageRow]) -> list[Message | None]:
        notices: dict[tuple[int, int], Notice] = {}
        for incident in {row.incident for row in rows}:
            for each in await self._thread.run(self._kept.notices, incident):
                notices[each.incident, each.number] = each
        return await self._world.offload(self._writer.messages, rows, notices) if rows else []

    async def _wait(self) -> None:
        next_at = await self._thread.run(self._kept.next_at, self._channel.name)
        left = next_at - self._world.clock.now()
        # what is due and isn't taken is under way, or waits for the next hour or the end of the night
        wait = min(left, _LOOK_S) if left > 0 else _SOON_S
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self.wake.wait()
        self.wake.clear()

    async def _probe(self) -> None:
        """One message; if that isn't taken either for long enough, the others go another way (TELL-5)."""
        while self._taken:
            await self._world.clock.sleep(_SOON_S)
        await self._world.clock.sleep(NOTICE_REST_S)
        if not await self._take(1):
            await self._wait()
            return
        while self._taken:
            await self._world.clock.sleep(_SOON_S)
        now, then = self._world.clock.now(), self._after(self._channel.name, None)
        patience_s = NOTICE_LIFE_S if then == LETTER else NOTICE_SWITCH_S
        if then and self._bad_since and now - self._bad_since >= patience_s:
            await self._thread.run(self._kept.hand_on, self._channel.name, then, now, "out of reach")
            self._notes.moved()

    async def _work(self) -> None:
        while True:
            row, message = await self._queue.get()
            try:
                newest = self._newest.get(row.incident, _Newest())
                if row.notice < newest.number and row.customer not in newest.spared:
                    continue  # it is over
                if self._bad_since and len(self._taken) > 1:
                    continue  # it stays due
                await self._settle(*await self._send(row, message))
            finally:
                self._taken.discard(row[:3])

    async def _send(self, row: MessageRow, message: Message | None) -> tuple[MessageRow, str]:
        """As the row is now, and by which channel it goes on."""
        name = self._channel.name
        if message is None:
            return self._now(row, "failed", "the customer is gone"), ""
        if not self._channel.reaches(message.to):
            why = "this customer can't be reached by it"
            return self._now(row, "failed", why), self._after(name, message.to)
        try:
            async with asyncio.timeout(GATEWAY_S):
                await self._channel.send(message)
        except Refused as error:
            self._failed(error.text)  # one that refuses everybody is at fault itself
            return self._now(row, "failed", error.text), self._after(name, message.to)
        except Exception as error:  # TimeoutError, or a fault of ours: it must not end the others'
            self._failed(str(error) or type(error).__name__)
            return self._again(row, message.to, str(error) or f"no answer within {GATEWAY_S:g} seconds")
        self._worked()
        return self._now(row, "sent"), ""

    def _again(self, row: MessageRow, contact: Contact, why: str) -> tuple[MessageRow, str]:
        now, tries = self._world.clock.now(), row.tries + 1
        then = self._after(self._channel.name, contact)
        has_other = then not in ("", LETTER)
        if (has_other and tries >= NOTICE_TRIES) or now - row.at >= NOTICE_LIFE_S:
            return self._now(row, "late", why), then
        wait = min(NOTICE_RETRY_FIRST_S * 2.0 ** min(row.tries, 10), NOTICE_RETRY_LONGEST_S)
        return row._replace(tries=tries, next_at=now + wait, answer=why[:200]), ""

    def _now(self, row: MessageRow, state: State, why: str = "") -> MessageRow:
        return row._replace(state=state, tries=row.tries + 1, at=self._world.clock.now(), answer=why[:200])

    async def _settle(self, row: MessageRow, then: str) -> None:
        """Until it is on disk: what was sent and can't be noted is not sent again meanwhile (TELL-4)."""
        while True:
            try:
                await self._notes.add(row, then)
                break
            except Unavailable:
                await self._world.clock.sleep(NOTICE_REST_S)
        if then:
            self._notes.moved()

    def _failed(self, why: str) -> None:
        self._failures += 1
        if not self._bad_since and self._failures >= max(self._at_once, _IN_A_ROW):
            self._bad_since = self._world.clock.now()
            self._world.journal.emit(NOTICE_CHANNEL_LOST, channel=self._channel.name, reason=why)

    def _worked(self) -> None:
        self._failures = 0
        if self._bad_since:
            self._bad_since = 0.0
            self._world.journal.emit(NOTICE_CHANNEL_BACK, channel=self._channel.name)


class _Notes:
    """What became of messages, written in groups: whoever waits shares one sync."""

    def __init__(self, kept: KeptNotices, thread: Thread, moved: Callable[[], object]) -> None:
        """``moved``: something goes on by another channel."""
        self.moved = moved
        self._kept = kept
        self._thread = thread
        self._waiting: list[tuple[MessageRow, str, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def add(self, row: MessageRow, then: str) -> None:
        """Returns when it is on disk. Raises ``Unavailable``."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.append((row, then, done))
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._write())
        await done

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            error: Unavailable | None = None
            try:
                await self._thread.run(self._kept.note, [each[:2] for each in batch])
            except Unavailable as caught:
                error = caught
            for _, _, done in batch:
                if not done.done():
                    done.set_exception(error) if error else done.set_result(None)
