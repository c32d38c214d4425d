"""The people process: the one writer of the people ledger.

Requests that wait are carried out as one group: in one open transaction of the writer's own
copy, then in one append to the ledger. When that is durable the transaction is committed, the
position is pushed to those who follow, and then the answers go out (PEOPLE-10).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import apsw
import msgspec

from holdfast.directory import requests as q
from holdfast.directory.changes import CHANGES, carry_out
from holdfast.directory.copy import Copy, NotBelieved, Source, remove_copy
from holdfast.directory.credentials import SALT_BYTES, check_password, hash_password
from holdfast.directory.draft import Draft
from holdfast.directory.events import PEOPLE_CHANGED, PEOPLE_COPY_BROKEN, PEOPLE_WRITE_FAILED
from holdfast.directory.lookup import PEOPLE
from holdfast.directory.names import name_key
from holdfast.directory.operations import Operations
from holdfast.directory.reading import read
from holdfast.model import ledgers
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import AUTH_THREADS, CELLS, PEOPLE_BATCH, PEOPLE_REQUEST_BYTES
from holdfast.model.mail import Position
from holdfast.packs.writer import LedgerWriter
from holdfast.world import Listener, World
from holdfast.world.link import Link, LinkPeer

T = TypeVar("T")
PEOPLE_COPY = "people/copy"  # the writer's own: full, or somebody else writes to it
ANSWER_S = 600.0  # a thousand passwords to hash

_encode = msgspec.msgpack.Encoder().encode
_decode_request = msgspec.msgpack.Decoder(q.AnyRequest).decode


class _Waiting(NamedTuple):
    request: q.AnyRequest
    answer: asyncio.Future[Any]


class PeopleWriter(Operations):
    """``await PeopleWriter.open(…)``, then ``await serve(path)`` for other processes."""

    def __init__(self, world: World, copy: Copy, ledger: LedgerWriter, source: Source, cells: int) -> None:
        self._world = world
        self._copy = copy
        self._ledger = ledger
        self._source = source
        self._cells = cells
        self._waiting: list[_Waiting] = []
        self._turn = asyncio.Lock()
        self._cycling: asyncio.Task[None] | None = None
        self._hashing = asyncio.Semaphore(AUTH_THREADS)
        self._followers: set[LinkPeer] = set()
        self._listener: Listener | None = None
        self._behind = False  # something durable may not be folded: a group that failed may yet have come
        self._told = self._durable_now()

    @classmethod
    async def open(
        cls,
        world: World,
        volume: str,
        path: str,
        *,
        copies: Sequence[str] = (),
        trailing: Sequence[str] = (),
        cells: int = CELLS,
        ledger: str = ledgers.PEOPLE,
    ) -> PeopleWriter:
        """``path``: of the writer's own copy.

        Raises ``Unavailable("people")`` when the ledger is missing, another, or shorter than that
        copy knows it (PEOPLE-3): a volume that isn't mounted must not become an empty directory.
        """
        copy = _open_copy(world, path)
        source = Source(world, volume, ledger, (*copies, *trailing))
        try:
            if copy.fold.identity:
                await world.offload(source.check, copy.fold.identity, copy.fold.position)
            writer = await LedgerWriter.open(world, volume, ledger, copies=copies, trailing=trailing)
        except NotBelieved as error:
            copy.close()
            raise Unavailable(PEOPLE, f"{error}; remove {path} if that is right") from error
        except BaseException:
            copy.close()
            raise
        people = cls(world, copy, writer, source, cells)
        await people._catch_up()
        return people

    async def serve(self, path: str) -> None:
        """Listens on the unix socket ``path``, which is its owner's only, and returns."""
        self._listener = await self._world.net.listen(self._session, path)

    async def close(self) -> None:
        """Ends listening, carries out what waits, closes the ledger."""
        if self._listener is not None:
            self._listener.close()
        if self._cycling is not None:
            await self._cycling
        if self._listener is not None:
            for connection in list(self._listener.connections):
                connection.close()
        await self._ledger.close()
        self._copy.close()

    @property
    def durable(self) -> Position:
        return self._copy.fold.position

    async def ask(self, request: q.AnyRequest, answer: type[T]) -> T:
        """One request; see ``Operations``."""
        done: T = await self._ask(request)
        return done

    async def _ask(self, request: q.AnyRequest) -> Any:
        if not isinstance(request, CHANGES):
            async with self._turn:  # not in the middle of a group that may yet fail
                return read(self._copy, request)
        if isinstance(request, q.PasswordSet):
            request = await self._hashed_password(request)
        elif isinstance(request, q.AccountAddMany):
            request = await self._hashed_accounts(request)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(request, future))
        if self._cycling is None or self._cycling.done():
            self._cycling = asyncio.ensure_future(self._cycle())
        return await future

    # Writing

    async def _cycle(self) -> None:
        while self._waiting:
            async with self._turn:
                group = self._take_group()
                try:
                    await self._carry_out(group)
                except Exception as error:
                    for waiting in group:
                        if not waiting.answer.done():
                            waiting.answer.set_exception(error)
                    if not isinstance(error, Unavailable):
                        raise

    def _take_group(self) -> list[_Waiting]:
        """At least one request, and no more than some PEOPLE_BATCH changes: nobody waits for all."""
        group: list[_Waiting] = []
        weight = 0
        while self._waiting and weight < PEOPLE_BATCH:
            waiting = self._waiting.pop(0)
            group.append(waiting)
            request = waiting.request
            many = isinstance(request, q.AccountAddMany | q.AccountStateMany)
            weight += len(request.accounts) if many else 1  # type: ignore[union-attr, arg-type]
        return group

    async def _carry_out(self, group: list[_Waiting]) -> None:
        started = self._world.clock.monotonic()
        fold = self._copy.fold
        answers: list[object] = []
        try:
            if self._behind:
                await self._catch_up()
            fold.begin()
            world = self._world
            draft = Draft(
                self._copy, self._ledger.next_sequence, world.clock.now(), self._cells, world.entropy
            )
            for waiting in group:
                try:
                    answers.append(carry_out(draft, waiting.request))
                except Refused as error:
                    answers.append(error)
            if draft.frames:
                await self._append(draft)
            else:
                fold.abandon()
        except BaseException as error:
            await self._undo(error)
            raise
        if draft.frames:
            self._announce()
            seconds = round(self._world.clock.monotonic() - started, 4)
            self._world.journal.emit(PEOPLE_CHANGED, frames=len(draft.frames), seconds=seconds)
        for waiting, answer in zip(group, answers):
            if waiting.answer.done():
                continue
            if isinstance(answer, Refused):
                waiting.answer.set_exception(answer)
            else:
                waiting.answer.set_result(answer)

    async def _append(self, draft: Draft) -> None:
        """PEOPLE-10: committed here only after it is durable there."""
        written = await self._ledger.append(draft.frames)
        last = written[-1]
        if last.sequence != draft.sequence:
            raise Unavailable(PEOPLE, "the ledger counted otherwise; ask again", 1.0)
        self._copy.fold.commit(
            Position(last.ref.pack, last.ref.offset + last.ref.size), self._ledger.identity, whole=True
        )

    async def _undo(self, error: BaseException) -> None:
        self._copy.fold.roll_back()
        self._behind = True
        component = PEOPLE
        if isinstance(error, Unavailable):
            component = error.component
        elif isinstance(error, apsw.Error):
            component = PEOPLE_COPY
        if isinstance(error, Unavailable | OSError | apsw.Error):
            self._world.journal.emit(PEOPLE_WRITE_FAILED, component=component, reason=str(error))
            try:
                await self._catch_up()  # what did become durable counts
            except (OSError, apsw.Error, Unavailable, NotBelieved):
                pass  # the next group tries again before it plans
        if isinstance(error, OSError | apsw.Error):
            raise Unavailable(component, str(error)) from error

    async def _catch_up(self) -> None:
        """Folds what is durable and not folded yet: after a start, or a failure."""
        fold = self._copy.fold
        until = self._ledger.durable
        while fold.position < until:
            batch = await self._world.offload(self._source.read, fold.position, until)
            self._copy.take(batch.items, batch.after, self._ledger.identity, whole=batch.after >= until)
        if not fold.identity:
            fold.begin()
            fold.commit(fold.position, self._ledger.identity, whole=True)
        self._behind = False
        self._told = self._durable_now()

    async def _hashed_password(self, request: q.PasswordSet) -> q.PasswordSet:
        if bool(request.password) == bool(request.credential):
            raise Refused(Reason.BAD_SYNTAX, "give the password or a ready hash, one of both")
        if request.credential:
            return request
        return msgspec.structs.replace(request, password="", credential=await self._hash(request.password))

    async def _hashed_accounts(self, request: q.AccountAddMany) -> q.AccountAddMany:
        """Plain passwords become hashes before anything waits for its turn; those that exist are skipped."""
        accounts = list(request.accounts)
        plain = [n for n, account in enumerate(accounts) if account.password and not account.credential]
        if not plain:
            return request

        async with self._turn:
            new = [n for n in plain if not self._is_known(accounts[n].address)]

        async def hashed(number: int) -> None:
            account = accounts[number]
            try:
                credential = await self._hash(account.password)
            except Refused:
                return  # the plan will refuse this one, and say why
            accounts[number] = msgspec.structs.replace(account, password="", credential=credential)

        await asyncio.gather(*(hashed(number) for number in new))
        return msgspec.structs.replace(request, accounts=tuple(accounts))

    def _is_known(self, address: str) -> bool:
        """Whether the name is taken, or not possible: then there is nothing to hash."""
        try:
            return self._copy.lookup.entry(name_key(address)) is not None
        except Refused:
            return True

    async def _hash(self, password: str) -> str:
        check_password(password)
        async with self._hashing:
            return await self._world.offload(hash_password, password, self._world.entropy.bytes(SALT_BYTES))

    # Serving

    def _session(self) -> LinkPeer:
        return LinkPeer(self._answer, self._followers.discard, most_bytes=PEOPLE_REQUEST_BYTES)

    async def _answer(self, peer: LinkPeer, payload: bytes) -> bytes:
        request: q.AnyRequest = _decode_request(payload)
        if isinstance(request, q.Follow):
            self._followers.add(peer)
            return _encode(self._told)
        return _encode(await self._ask(request))

    def _durable_now(self) -> q.Announced:
        """Outside of a transaction only: within it the fold counts what may still fail."""
        fold = self._copy.fold
        return q.Announced(fold.identity, fold.position.pack, fold.position.offset, fold.sequence)

    def _announce(self) -> None:
        """To all who follow."""
        self._told = self._durable_now()
        announced = _encode(self._told)
        for follower in list(self._followers):
            follower.push(announced)


class PeopleClient(Operations):
    """The people process from another process."""

    def __init__(self, world: World, path: str) -> None:
        self._link = Link(world, path, PEOPLE, most_bytes=PEOPLE_REQUEST_BYTES)

    async def ask(self, request: q.AnyRequest, answer: type[T]) -> T:
        return msgspec.msgpack.decode(await self._link.ask(_encode(request), ANSWER_S), type=answer)

    def close(self) -> None:
        self._link.close()


def _open_copy(world: World, path: str) -> Copy:
    try:
        return Copy(world, path)
    except (apsw.CorruptError, apsw.NotADBError) as error:
        world.journal.emit(PEOPLE_COPY_BROKEN, path=path, reason=str(error))
        remove_copy(world, path)
        return Copy(world, path)
