"""The auth service: a process that verifies passwords and does nothing else.

argon2id is meant to be slow, so it has its own process with its own threads: a returning fleet
can't hold up mail, and what was verified outlives the restart of every other process.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import NamedTuple

import msgspec

from holdfast.directory.credentials import Verified, verify_password
from holdfast.directory.events import AUTH_FULL
from holdfast.directory.shedding import Shedding
from holdfast.model.errors import Unavailable
from holdfast.model.limits import (
    AUTH_QUEUE,
    AUTH_THREADS,
    AUTH_WAIT_S,
    CROWDED_S,
    PEOPLE_REQUEST_BYTES,
    SHED_LEASE_S,
    SHED_PLACES,
)
from holdfast.model.mail import AccountId
from holdfast.world import Listener, Thread, World
from holdfast.world.link import Link, LinkPeer

AUTH = "auth"
LOAD = "auth/load"  # the auth process is there, and asked for more than it can do
ASK_S = 2 * AUTH_WAIT_S + 1.0  # who asks never takes a queue for a process that is gone
FIRST_GUESS_S = 0.05  # one hash, before one was measured
_TELL_S = 1.0


class Question(msgspec.Struct, frozen=True, array_like=True):
    """``account`` 0: nobody has ``login``, and ``phc`` is a hash that nothing fits.

    ``only_known``: answer from memory, don't hash. ``network``: where it is asked from, '' for not said.
    """

    account: AccountId
    credential: int
    login: str
    phc: str
    password: str
    only_known: bool = False
    network: str = ""


class Verdict(msgspec.Struct, frozen=True, array_like=True):
    """``right`` None: not known (only for ``only_known``). ``hashed``: it was computed, not remembered."""

    right: bool | None
    hashed: bool


_encode = msgspec.msgpack.Encoder().encode
_decode_asked = msgspec.msgpack.Decoder(Question | float).decode  # a number: shed for so many seconds
_decode_verdict = msgspec.msgpack.Decoder(Verdict).decode
_decode_number = msgspec.msgpack.Decoder(int).decode


class _Check(NamedTuple):
    """``stranger``: whom those who are known go before."""

    question: Question
    digest: bytes
    outcome: asyncio.Future[bool]
    stranger: bool = False


class Checker:
    """Verifies in threads of its own, with a bounded queue and a memory; equal questions are asked once.

    ``shedding``: what is put off under load; None for a process that only checks what it asks itself.
    """

    def __init__(
        self,
        world: World,
        *,
        threads: int = AUTH_THREADS,
        queue: int = AUTH_QUEUE,
        shedding: Shedding | None = None,
    ) -> None:
        self._world = world
        self._verified = Verified(world)
        self._threads = [world.thread(f"argon2-{number}") for number in range(threads)]
        self._free = list(self._threads)
        self._queue = queue
        self._shedding = shedding
        self._one_s = FIRST_GUESS_S
        self._running: dict[bytes, asyncio.Future[bool]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._first: deque[_Check] = deque()
        self._strangers: deque[_Check] = deque()
        self._strangers_checked = 0
        self._untold, self._full_told_at = 0, float("-inf")  # since that was told
        if shedding is not None:
            shedding.changed = self._sort

    @property
    def waiting(self) -> int:
        """Checks that run or wait."""
        return len(self._running)

    @property
    def wait_s(self) -> float:
        """How long one that comes now would wait for its turn, about."""
        return self.waiting * self._one_s / len(self._threads)

    async def ask(self, question: Question) -> Verdict:
        """Raises ``Unavailable("auth/load")`` when too many wait (PEOPLE-9) or it is shed (SIGN-4); in a
        process that checks for itself, ``Unavailable("auth")``."""
        digest = self._verified.digest(
            question.account, question.credential, question.login, question.password
        )
        known = self._verified.known(digest)
        if known is not None or question.only_known:
            if known:
                self._learn(question)
            return Verdict(known, False)
        running = self._running.get(digest)
        joins = running is not None
        if running is None:
            running = self._start(digest, question)
        return Verdict(await asyncio.shield(running), hashed=not joins)

    def _start(self, digest: bytes, question: Question) -> asyncio.Future[bool]:
        outcome: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        check = _Check(question, digest, outcome, self._is_stranger(question))
        self._admit(check.stranger)
        self._running[digest] = outcome
        outcome.add_done_callback(lambda done: self._running.pop(digest) and done.exception())
        (self._strangers if check.stranger else self._first).append(check)
        self._go()
        return outcome

    def _admit(self, stranger: bool) -> None:
        """Raises ``Unavailable``."""
        shed = self._shedding
        if shed is not None and self.wait_s > CROWDED_S:
            shed.crowded()
        if self.waiting >= self._queue or self.wait_s > AUTH_WAIT_S:
            if stranger or not self._strangers:
                raise self._full()
            self._strangers.pop().outcome.set_exception(self._full())
        if stranger and shed is not None and shed.at_work and self._strangers_now >= SHED_PLACES:
            raise self._put_off()

    @property
    def _strangers_now(self) -> int:
        return len(self._strangers) + self._strangers_checked

    def _full(self) -> Unavailable:
        retry_after = max(1.0, self.wait_s)
        self._tell_full(retry_after)
        if self._shedding is not None:
            self._shedding.note("full")
        component = AUTH if self._shedding is None else LOAD
        return Unavailable(component, f"{self.waiting} password checks wait", retry_after)

    def _tell_full(self, retry_after: float) -> None:
        """Once a second: whoever tries thousands of passwords writes no journal."""
        now = self._world.clock.monotonic()
        self._untold += 1
        if now - self._full_told_at >= _TELL_S:
            self._world.journal.emit(
                AUTH_FULL, checks=self._untold, waiting=self.waiting, retry_after_s=round(retry_after, 1)
            )
            self._full_told_at, self._untold = now, 0

    def _go(self) -> None:
        """PEOPLE-9: each thread has one at a time, so that who goes first never waits behind all others."""
        while self._free and (check := self._next()) is not None:
            task = asyncio.ensure_future(self._hash(check, self._free.pop()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _next(self) -> _Check | None:
        """SIGN-4: while it is shed, strangers leave one thread to the others."""
        if self._first:
            return self._first.popleft()
        sheds = self._shedding is not None and self._shedding.sheds
        most = max(1, len(self._threads) - 1) if sheds else len(self._threads)
        if self._strangers and self._strangers_checked < most:
            self._strangers_checked += 1
            return self._strangers.popleft()
        return None

    async def _hash(self, check: _Check, thread: Thread) -> None:
        question = check.question
        try:
            right, seconds = await thread.run(self._timed, question.password, question.phc)
        except ValueError as error:
            damaged = Unavailable("people", f"credential of account {question.account} is damaged")
            damaged.__cause__ = error
            check.outcome.set_exception(damaged)
        except Exception as error:  # whoever asked hears of it
            check.outcome.set_exception(error)
        else:
            self._one_s += (seconds - self._one_s) / 8
            self._verified.learn(check.digest, right)
            if right:
                self._learn(question)
            check.outcome.set_result(right)
        finally:
            self._strangers_checked -= check.stranger
            self._free.append(thread)
            self._go()

    def _timed(self, password: str, phc: str) -> tuple[bool, float]:
        started = self._world.clock.monotonic()
        right = verify_password(password, phc)
        return right, self._world.clock.monotonic() - started

    # who goes first

    def _is_stranger(self, question: Question) -> bool:
        shed = self._shedding
        return shed is not None and shed.is_stranger(question.account, question.network)

    def _learn(self, question: Question) -> None:
        if self._shedding is not None:
            self._shedding.learn(question.account, question.network)

    def _put_off(self) -> Unavailable:
        assert self._shedding is not None
        self._shedding.note("shed")
        text = "more sign-ins come than can be checked; who signed in from there before goes first"
        return Unavailable(LOAD, text, self._world.entropy.uniform(SHED_LEASE_S / 4, SHED_LEASE_S))

    def _sort(self) -> None:
        """It is another time for strangers: those who wait already are treated as those who come."""
        waiting = [*self._first, *self._strangers]
        self._first.clear()
        self._strangers.clear()
        sheds = self._shedding is not None and self._shedding.sheds
        for check in waiting:
            check = check._replace(stranger=self._is_stranger(check.question))
            if not check.stranger:
                self._first.append(check)
            elif not sheds or len(self._strangers) < SHED_PLACES:
                self._strangers.append(check)
            else:
                check.outcome.set_exception(self._put_off())
        self._go()

    def close(self) -> None:
        self._first.clear()
        self._strangers.clear()
        for thread in self._threads:
            thread.close()


class AuthService:
    """The process of role ``auth``."""

    @classmethod
    async def serve(
        cls, world: World, path: str, *, threads: int = AUTH_THREADS, history: str = ""
    ) -> AuthService:
        """Listens on the unix socket ``path`` (its owner's only) and returns; ``close`` ends it.
        ``history``: the folder that tells who has signed in from where."""
        service = cls(world, threads, history)
        service._listener = await world.net.listen(service._session, path)
        return service

    def __init__(self, world: World, threads: int = AUTH_THREADS, history: str = "") -> None:
        self.shedding = Shedding(world, history)
        self.checker = Checker(world, threads=threads, shedding=self.shedding)
        self._listener: Listener | None = None

    def _session(self) -> LinkPeer:
        return LinkPeer(self._answer, most_bytes=PEOPLE_REQUEST_BYTES)

    async def _answer(self, peer: LinkPeer, payload: bytes) -> bytes:
        asked = _decode_asked(payload)
        if not isinstance(asked, Question):
            return _encode(await self.shedding.order(asked))
        return _encode(await self.checker.ask(asked))

    def close(self) -> None:
        if self._listener is not None:
            self._listener.close()
            for connection in list(self._listener.connections):
                connection.close()
        self.checker.close()


class AuthClient:
    """The auth service from another process."""

    def __init__(self, world: World, path: str) -> None:
        self.path = path
        self._link = Link(world, path, AUTH, most_bytes=PEOPLE_REQUEST_BYTES)

    async def ask(self, question: Question) -> Verdict:
        """Raises ``OutOfReach`` or ``Lost`` when nobody answers, else as ``Checker.ask``."""
        return _decode_verdict(await self._link.ask(_encode(question), ASK_S))

    async def shed(self, for_s: float) -> int:
        """Raises ``Unavailable``; else as ``Shedding.order``."""
        return _decode_number(await self._link.ask(_encode(for_s), ASK_S))

    def close(self) -> None:
        self._link.close()
