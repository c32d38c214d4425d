"""The auth service: a process that verifies passwords and does nothing else.

argon2id is meant to be slow, so it has its own process with its own threads: a returning fleet
can't hold up mail, and what was verified outlives the restart of every other process.
"""

from __future__ import annotations

import asyncio

import msgspec

from holdfast.directory.credentials import Verified, verify_password
from holdfast.directory.events import AUTH_FULL
from holdfast.model.errors import Unavailable
from holdfast.model.limits import AUTH_QUEUE, AUTH_THREADS, PEOPLE_REQUEST_BYTES
from holdfast.model.mail import AccountId
from holdfast.world import Listener, World
from holdfast.world.link import Link, LinkPeer

AUTH = "auth"
ASK_S = 25.0  # the queue's longest wait, twice
FIRST_GUESS_S = 0.05  # one hash, before one was measured


class Question(msgspec.Struct, frozen=True, array_like=True):
    """``account`` 0: nobody has ``login``, and ``phc`` is a hash that nothing fits.

    ``only_known``: answer from memory, don't hash.
    """

    account: AccountId
    credential: int
    login: str
    phc: str
    password: str
    only_known: bool = False


class Verdict(msgspec.Struct, frozen=True, array_like=True):
    """``right`` None: not known (only for ``only_known``). ``hashed``: it was computed, not remembered."""

    right: bool | None
    hashed: bool


_encode = msgspec.msgpack.Encoder().encode
_decode_question = msgspec.msgpack.Decoder(Question).decode
_decode_verdict = msgspec.msgpack.Decoder(Verdict).decode


class Checker:
    """Verifies in threads of its own, with a bounded queue and a memory; equal questions are asked once."""

    def __init__(self, world: World, *, threads: int = AUTH_THREADS, queue: int = AUTH_QUEUE) -> None:
        self._world = world
        self._verified = Verified(world)
        self._threads = [world.thread(f"argon2-{number}") for number in range(threads)]
        self._load = [0] * threads
        self._queue = queue
        self._one_s = FIRST_GUESS_S
        self._running: dict[bytes, asyncio.Future[bool]] = {}

    @property
    def waiting(self) -> int:
        """Checks that run or wait."""
        return len(self._running)

    async def ask(self, question: Question) -> Verdict:
        """Raises ``Unavailable("auth")`` when too many wait: PEOPLE-9."""
        digest = self._verified.digest(
            question.account, question.credential, question.login, question.password
        )
        known = self._verified.known(digest)
        if known is not None or question.only_known:
            return Verdict(known, False)
        running = self._running.get(digest)
        joins = running is not None
        if running is None:
            running = self._start(digest, question)
        return Verdict(await asyncio.shield(running), hashed=not joins)

    def _start(self, digest: bytes, question: Question) -> asyncio.Future[bool]:
        waiting = self.waiting
        if waiting >= self._queue:
            retry_after = max(1.0, waiting * self._one_s / len(self._threads))
            self._world.journal.emit(AUTH_FULL, waiting=waiting, retry_after_s=round(retry_after, 1))
            raise Unavailable(AUTH, f"{waiting} password checks wait", retry_after)
        task = asyncio.ensure_future(self._hash(digest, question))
        self._running[digest] = task
        task.add_done_callback(lambda _: self._running.pop(digest, None))
        return task

    async def _hash(self, digest: bytes, question: Question) -> bool:
        thread = self._load.index(min(self._load))
        self._load[thread] += 1
        try:
            right, seconds = await self._threads[thread].run(self._timed, question.password, question.phc)
        except ValueError as error:
            raise Unavailable("people", f"credential of account {question.account} is damaged") from error
        finally:
            self._load[thread] -= 1
        self._one_s += (seconds - self._one_s) / 8
        self._verified.learn(digest, right)
        return right

    def _timed(self, password: str, phc: str) -> tuple[bool, float]:
        started = self._world.clock.monotonic()
        right = verify_password(password, phc)
        return right, self._world.clock.monotonic() - started

    def close(self) -> None:
        for thread in self._threads:
            thread.close()


class AuthService:
    """The process of role ``auth``."""

    @classmethod
    async def serve(cls, world: World, path: str, *, threads: int = AUTH_THREADS) -> AuthService:
        """Listens on the unix socket ``path`` (its owner's only) and returns; ``close`` ends it."""
        service = cls(world, threads)
        service._listener = await world.net.listen(service._session, path)
        return service

    def __init__(self, world: World, threads: int = AUTH_THREADS) -> None:
        self.checker = Checker(world, threads=threads)
        self._listener: Listener | None = None

    def _session(self) -> LinkPeer:
        return LinkPeer(self._answer, most_bytes=PEOPLE_REQUEST_BYTES)

    async def _answer(self, peer: LinkPeer, payload: bytes) -> bytes:
        return _encode(await self.checker.ask(_decode_question(payload)))

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

    def close(self) -> None:
        self._link.close()
