"""What is asked while the people process is out of reach: kept durably, carried out when it is back.

The format is docs/formats/asked.md. That a request happens once is not this module's doing: its key
(``once``) is drawn before it is tried for the first time, and the people process remembers keys.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from holdfast.directory import requests as q
from holdfast.directory.asked import (
    AnyAskedRecord,
    Asked,
    CarriedOut,
    TurnedDown,
    check_keepable,
    decode_asked,
    decode_request,
    encode_asked,
    encode_request,
    subject_of,
)
from holdfast.directory.events import (
    ASKED_BAD,
    ASKED_CARRIED,
    ASKED_HOOK_FAILED,
    ASKED_KEPT,
    ASKED_LEDGER_LOST,
    ASKED_REFUSED,
)
from holdfast.directory.lookup import PEOPLE
from holdfast.directory.operations import Operations
from holdfast.model.errors import ComponentId, Reason, Refused, Unavailable
from holdfast.model.ledgers import Kind
from holdfast.model.limits import ASKED_REMEMBERED, ASKED_TRY_S, ASKED_WAITING
from holdfast.model.mail import START
from holdfast.packs.reader import LedgerReader
from holdfast.packs.words import BadFrame, Frame, NewFrame
from holdfast.packs.writer import LedgerWriter
from holdfast.world import World
from holdfast.world.link import Lost, OutOfReach

T = TypeVar("T")

TICKET_LETTERS = 26  # 130 bits: who has it may look, and nobody guesses it
AT_ONCE = 32  # requests of different accounts that are carried out at the same time
CARRY_S = 30.0
AGAIN_FIRST_S = 0.1
AGAIN_LONGEST_S = 1.0
LEDGER_AGAIN_S = 2.0
_BEHIND = "others of theirs wait"


class Done(NamedTuple, Generic[T]):
    """It happened; the people process' answer."""

    value: T


class Taken(NamedTuple):
    """It is kept and will happen when the people process is back. ``ticket``: for ``Deferred.state``;
    ``component``: what is out of reach."""

    ticket: str
    component: ComponentId = PEOPLE


class Waiting(NamedTuple):
    since: float


class Carried(NamedTuple):
    at: float


class Denied(NamedTuple):
    """The people process refused it when its turn came. ``text``: for the person who asked."""

    at: float
    text: str
    reason: Reason


State = Waiting | Carried | Denied


class Backlog(msgspec.Struct, frozen=True):
    """How many wait, and since when the oldest does (UTC seconds, 0.0 for nothing)."""

    count: int
    since: float


class Outcome(NamedTuple):
    """What ``on_outcome`` is told: once at least, and once more if the process was killed meanwhile."""

    ticket: str
    request: q.AnyRequest
    note: str
    state: Carried | Denied


Hook = Callable[[Outcome], Awaitable[None]]


class _Item:
    __slots__ = ("answer", "at", "done", "durable", "note", "request", "subject", "ticket")

    def __init__(self, ticket: str, at: float, request: q.AnyRequest, note: str, answer: Any = Any) -> None:
        self.ticket = ticket
        self.at = at
        self.request = request
        self.note = note
        self.subject = subject_of(request)
        self.answer = answer
        self.durable = False
        self.done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()


class Deferred:
    """One per ledger. ``await Deferred.open(…)``, then run ``run()`` as a task."""

    def __init__(
        self,
        world: World,
        volume_folder: str,
        ledger: str,
        operations: Operations,
        *,
        copies: Sequence[str] = (),
        trailing: Sequence[str] = (),
        on_outcome: Hook | None = None,
    ) -> None:
        """``operations``: the people process. ``ledger``: ``password-asked-0`` …"""
        self._world = world
        self._volume = volume_folder
        self._ledger = ledger
        self._operations = operations
        self._copies = copies
        self._trailing = trailing
        self._on_outcome = on_outcome
        self._writer: LedgerWriter | None = None
        self._opening = asyncio.Lock()
        self._told_lost = False
        self._queue: OrderedDict[str, _Item] = OrderedDict()
        self._subjects: Counter[str] = Counter()
        self._outcomes: OrderedDict[str, Carried | Denied] = OrderedDict()
        self._unwritten: list[NewFrame] = []  # outcomes that the disk didn't take
        # why the people process didn't do it last time, while something waits for it
        self._away: Unavailable | None = None
        self._wake = asyncio.Event()

    @classmethod
    async def open(
        cls,
        world: World,
        volume_folder: str,
        ledger: str,
        operations: Operations,
        *,
        copies: Sequence[str] = (),
        trailing: Sequence[str] = (),
        on_outcome: Hook | None = None,
    ) -> Deferred:
        """Never fails: without its ledger what can be carried out at once still is, the rest is put off."""
        deferred = cls(
            world,
            volume_folder,
            ledger,
            operations,
            copies=copies,
            trailing=trailing,
            on_outcome=on_outcome,
        )
        try:
            await deferred._open_ledger()
        except Unavailable:
            pass  # told in the journal; ``run`` tries again
        return deferred

    async def ask(self, request: q.AnyRequest, answer: type[T], *, note: str = "") -> Done[T] | Taken:
        """Carries it out now, or keeps it until it can be. Raises ``Refused`` as the people process does.

        ``Unavailable``: the people process is out of reach and nothing could be kept (DEFER-6: the disk is
        full, or it isn't of a kind that is kept). ``note``: comes back to ``on_outcome``.
        Passwords: ready hashes.
        """
        now = self._world.clock.now()
        request = self._prepared(request, now)
        component = PEOPLE if self._away is None else self._away.component
        why = Unavailable(component, _BEHIND)
        if self._away is not None and self._queue:  # one waited for it; the others needn't
            why = Unavailable(component, "no answer a moment ago")
        elif not self._subjects[subject_of(request)]:  # DEFER-2: else it stands behind them
            try:
                async with asyncio.timeout(ASKED_TRY_S):
                    return Done(await self._operations.ask(request, answer))
            except TimeoutError:
                why = Unavailable(PEOPLE, "no answer")
            except Unavailable as error:
                why = error
            self._away = why
        item = await self._keep(request, now, note, answer, why)
        if why.text is _BEHIND:
            await asyncio.wait([item.done], timeout=ASKED_TRY_S)
            if item.done.done():
                return Done(item.done.result())
        item.done.add_done_callback(_looked_at)
        return Taken(item.ticket, why.component)

    def state(self, ticket: str) -> State | None:
        """What became of it; None: no such ticket, or too long ago."""
        item = self._queue.get(ticket)
        return Waiting(item.at) if item is not None and item.durable else self._outcomes.get(ticket)

    def waiting(self) -> Backlog:
        kept = [item.at for item in self._queue.values() if item.durable]
        return Backlog(len(kept), min(kept, default=0.0))

    async def run(self) -> None:
        """Carries out what waits, in order, until cancelled."""
        again = AGAIN_FIRST_S
        while True:
            if self._writer is None:
                try:
                    await self._open_ledger()
                except Unavailable:
                    await self._world.clock.sleep(LEDGER_AGAIN_S)
                    continue
            self._wake.clear()
            if await self._carry_all():
                again = AGAIN_FIRST_S
                await self._wake.wait()
            else:
                await self._world.clock.sleep(again)
                again = min(again * 2, AGAIN_LONGEST_S)

    async def close(self) -> None:
        """Ends ``run`` first. What waits stays on the disk."""
        if self._writer is not None:
            await self._writer.close()
            self._writer = None

    # Keeping

    def _prepared(self, request: q.AnyRequest, now: float) -> q.AnyRequest:
        """With its key (DEFER-1), and with the time that decides between passwords (DEFER-5)."""
        changed = request
        if not request.once:
            changed = msgspec.structs.replace(changed, once=self._world.entropy.token(TICKET_LETTERS))
        if isinstance(changed, q.PasswordSet) and not changed.asked_at:
            changed = msgspec.structs.replace(changed, asked_at=now)
        check_keepable(changed)
        return changed

    async def _keep(
        self, request: q.AnyRequest, now: float, note: str, answer: Any, why: Unavailable
    ) -> _Item:
        """DEFER-1: on the disk, synced, when it returns."""
        if isinstance(request, NEVER_KEPT):
            raise why
        if len(self._queue) >= ASKED_WAITING:
            raise Unavailable("people", f"{len(self._queue)} requests wait for it; nothing more is kept")
        ticket = self._world.entropy.token(TICKET_LETTERS)
        item = _Item(ticket, now, request, note, answer)
        self._add(item)
        try:
            writer = self._writer or await self._open_ledger()
            record = Asked(at=item.at, ticket=ticket, request=encode_request(request), note=note)
            await writer.append([_frame(record, request)])
        except BaseException:
            self._drop(item)
            raise
        item.durable = True
        self._world.journal.emit(
            ASKED_KEPT,
            do=_word(request),
            component=why.component,
            reason=why.text,
            waiting=len(self._queue),
        )
        self._wake.set()
        return item

    def _add(self, item: _Item) -> None:
        self._queue[item.ticket] = item
        self._subjects[item.subject] += 1

    def _drop(self, item: _Item) -> None:
        if self._queue.pop(item.ticket, None) is not None:
            self._subjects[item.subject] -= 1
            if not self._subjects[item.subject]:
                del self._subjects[item.subject]

    # Carrying out

    async def _carry_all(self) -> bool:
        """One pass over what waits; whether nothing is left that could be carried out later."""
        blocked: set[str] = set()
        while True:
            batch = list(self._next_batch(blocked))
            if not batch:
                return not any(item.durable for item in self._queue.values())
            out_of_reach = await asyncio.gather(*(self._carry_one(item) for item in batch))
            blocked.update(item.subject for item in batch if item.ticket in self._queue)
            if any(out_of_reach):
                return False

    def _next_batch(self, blocked: set[str]) -> Iterator[_Item]:
        """DEFER-2: at most one of each account, and none behind one that couldn't be carried out."""
        taken = set(blocked)
        count = 0
        for item in self._queue.values():
            if item.subject in taken:
                continue
            taken.add(item.subject)
            if item.durable:
                yield item
                count += 1
            if count >= AT_ONCE:
                return

    async def _carry_one(self, item: _Item) -> bool:
        """Whether nobody answered, so that the others need not be tried."""
        try:
            async with asyncio.timeout(CARRY_S):
                value = await self._operations.ask(item.request, _answer_type(item))
        except Refused as refused:
            await self._settle(item, Denied(self._world.clock.now(), refused.text, refused.reason), refused)
        except (OutOfReach, TimeoutError):
            return True
        except Lost as error:
            return "it failed" not in error.text  # that one alone makes it fail: others have their turn
        except Unavailable:
            return False
        except msgspec.DecodeError as error:  # it happened; who asked can't read the answer
            await self._settle(item, Carried(self._world.clock.now()), error)
        else:
            refused_ = _refused_within(value)
            if refused_ is None:
                await self._settle(item, Carried(self._world.clock.now()), value)
            else:
                denied = Denied(self._world.clock.now(), refused_.text, refused_.reason)
                await self._settle(item, denied, value)
        return False

    async def _settle(self, item: _Item, state: Carried | Denied, result: Any) -> None:
        """Who follows on it is told first: told twice is better than not at all (DEFER-3)."""
        self._away = None
        if self._on_outcome is not None:
            try:
                await self._on_outcome(Outcome(item.ticket, item.request, item.note, state))
            except Exception as error:
                self._world.journal.emit(
                    ASKED_HOOK_FAILED, do=_word(item.request), error=f"{type(error).__name__}: {error}"
                )
        record: AnyAskedRecord
        if isinstance(state, Carried):
            record = CarriedOut(at=state.at, ticket=item.ticket)
        else:
            record = TurnedDown(at=state.at, ticket=item.ticket, reason=state.reason.value, text=state.text)
        await self._write_outcome(_frame(record, item.request))
        self._drop(item)
        self._remember(item.ticket, state)
        if isinstance(result, Exception):
            item.done.set_exception(result)
            item.done.add_done_callback(_looked_at)
        else:
            item.done.set_result(result)
        self._tell(item, state)

    async def _write_outcome(self, frame: NewFrame) -> None:
        """What the disk doesn't take is tried with the next; after a restart the key keeps it from twice."""
        frames, self._unwritten = [*self._unwritten, frame], []
        try:
            if self._writer is None:
                raise Unavailable(self._ledger, "closed")
            await self._writer.append(frames)
        except Unavailable:
            self._unwritten = frames + self._unwritten

    def _tell(self, item: _Item, state: Carried | Denied) -> None:
        waiting = len(self._queue)
        if isinstance(state, Carried):
            waited = round(state.at - item.at, 3)
            self._world.journal.emit(ASKED_CARRIED, do=_word(item.request), waited_s=waited, waiting=waiting)
        else:
            self._world.journal.emit(
                ASKED_REFUSED, do=_word(item.request), reason=state.reason.value, waiting=waiting
            )

    def _remember(self, ticket: str, state: Carried | Denied) -> None:
        self._outcomes.setdefault(ticket, state)
        if len(self._outcomes) > ASKED_REMEMBERED:
            self._outcomes.popitem(last=False)

    # The ledger

    async def _open_ledger(self) -> LedgerWriter:
        """Raises ``Unavailable``; what it holds is known when it returns."""
        async with self._opening:
            if self._writer is not None:
                return self._writer
            try:
                writer = await LedgerWriter.open(
                    self._world, self._volume, self._ledger, copies=self._copies, trailing=self._trailing
                )
                found = await self._world.offload(self._read, writer)
            except (Unavailable, OSError) as error:
                if not self._told_lost:
                    self._told_lost = True
                    self._world.journal.emit(ASKED_LEDGER_LOST, reason=str(error))
                if isinstance(error, OSError):
                    raise Unavailable(self._ledger, str(error)) from error
                raise
            self._told_lost = False
            self._recover(found)
            self._writer = writer
            self._wake.set()
            return writer

    def _read(self, writer: LedgerWriter) -> list[Frame | BadFrame]:
        copies = (*self._copies, *self._trailing)
        reader = LedgerReader(self._world, self._volume, self._ledger, copies=copies)
        return list(reader.follow(START, writer.durable))

    def _recover(self, found: Sequence[Frame | BadFrame]) -> None:
        asked: OrderedDict[str, tuple[Asked, q.AnyRequest]] = OrderedDict()
        for frame in found:
            record = self._record_of(frame)
            if isinstance(record, Asked):
                try:
                    asked[record.ticket] = record, decode_request(record.request)
                except msgspec.DecodeError as error:
                    self._bad(frame, f"the request: {error}")
            elif record is not None:
                asked.pop(record.ticket, None)
                self._remember(record.ticket, _state_of(record))
        already, self._queue = self._queue, OrderedDict()  # asked while the ledger couldn't be opened
        for record, request in asked.values():
            item = _Item(record.ticket, record.at, request, record.note)
            item.durable = True
            item.done.add_done_callback(_looked_at)
            self._add(item)
        self._queue.update(already)

    def _record_of(self, frame: Frame | BadFrame) -> AnyAskedRecord | None:
        if isinstance(frame, BadFrame):
            self._bad(frame, frame.reason)
            return None
        if frame.kind != Kind.ASKED:
            self._bad(frame, f"a frame of kind {frame.kind}")
            return None
        try:
            return decode_asked(frame.body)
        except msgspec.DecodeError as error:
            self._bad(frame, str(error))
            return None

    def _bad(self, frame: Frame | BadFrame, reason: str) -> None:
        self._world.journal.emit(ASKED_BAD, pack=frame.ref.pack, offset=frame.ref.offset, reason=reason)


NEVER_KEPT = (q.AppPasswordAdd, q.TokenAdd, q.InvitationAdd, q.RecoveryUse)
"""Their secrets are in plain, or a second use must be refused at once (DEFER-4)."""


def _frame(record: AnyAskedRecord, request: q.AnyRequest) -> NewFrame:
    account = getattr(request, "account", 0)
    return NewFrame(Kind.ASKED, encode_asked(record), account if isinstance(account, int) else 0)


def _state_of(record: CarriedOut | TurnedDown) -> Carried | Denied:
    if isinstance(record, CarriedOut):
        return Carried(record.at)
    try:
        reason = Reason(record.reason)
    except ValueError:  # of a later version
        reason = Reason.NOT_ALLOWED
    return Denied(record.at, record.text or reason.value, reason)


def _answer_type(item: _Item) -> Any:
    if item.answer is Any and isinstance(item.request, q.AccountAddMany):
        return list[q.Made]
    return item.answer


def _refused_within(value: object) -> Refused | None:
    """An account that was refused among those to be made."""
    for each in value if isinstance(value, list) else ():
        if isinstance(each, q.Made) and each.reason:
            return Refused(Reason(each.reason), each.text)
    return None


def _word(request: q.AnyRequest) -> str:
    return str(request.__struct_config__.tag)


def _looked_at(done: asyncio.Future[Any]) -> None:
    """Nobody waits for it any more: its exception isn't unhandled."""
    if not done.cancelled():
        done.exception()
