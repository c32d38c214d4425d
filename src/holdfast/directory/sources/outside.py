"""Signing in with a password that a directory outside knows: what ``SignIn`` asks (SIGN-2).

It is asked in threads of its own. A right password's hash is kept here, as the account's credential, so
that its absence keeps nobody out; what it calls wrong is wrong, and is kept no longer.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from holdfast.directory.credentials import (
    PARAMETERS,
    SALT_BYTES,
    Parameters,
    Verified,
    hash_password,
    nobody_credential,
    verify_password,
)
from holdfast.directory.lookup import Credential
from holdfast.directory.sources.events import SOURCE_PASSWORD_KEPT
from holdfast.directory.sources.person import NotThere, Source, component
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.limits import (
    SOURCE_ANSWER_S,
    SOURCE_CHECKS,
    SOURCE_CONNECT_S,
    SOURCE_REST_S,
    SOURCE_THREADS,
)
from holdfast.model.mail import AccountId
from holdfast.model.people import Account
from holdfast.world import World
from holdfast.world.threads import Thread

RENEW_SHARE = 0.25  # of its life, and what is kept is kept anew


class KnowsCredentials(Protocol):
    def credential(self, account: AccountId) -> Credential: ...

    def credential_at(self, account: AccountId) -> float: ...


class SetsPasswords(Protocol):
    async def password_set(self, account: AccountId, *, credential: str, by: str) -> Account:
        """Raises ``Refused``, ``Unavailable("people")``."""


class Directory(NamedTuple):
    """``keep_s``: for so long a right password counts without it. ``password_url``: '' for none."""

    source: Source
    keep_s: float
    password_url: str = ""


class Outsides:
    """One per process; ``directories`` by the name that accounts have in ``source``."""

    def __init__(
        self,
        world: World,
        people: KnowsCredentials,
        operations: SetsPasswords,
        directories: Mapping[str, Directory],
        *,
        parameters: Parameters = PARAMETERS,
    ) -> None:
        self._world = world
        self._people = people
        self._operations = operations
        self._directories = directories
        self._parameters = parameters
        self._asked = {name: _Asked(world, each.source) for name, each in directories.items()}
        self._matches = Verified(world)
        self._keeping: dict[AccountId, asyncio.Task[None]] = {}

    def answers_for(self, account: Account) -> bool:
        found = self._directories.get(account.source)
        return found is not None and found.source.checks_passwords

    def password_url(self, account: Account) -> str:
        found = self._directories.get(account.source)
        return found.password_url if found is not None else ""

    def keeps(self, account: Account) -> bool:
        """SOURCE-4: for a time, from when it was right there last."""
        found = self._directories.get(account.source)
        return found is not None and self._age(account) < found.keep_s

    def _age(self, account: Account) -> float:
        return self._world.clock.now() - self._people.credential_at(account.id)

    async def check(self, account: Account, password: str) -> bool:
        right = await self._asked[account.source].right(account.external_id, password)
        if account.id not in self._keeping and self._directories[account.source].keep_s:
            task = asyncio.get_running_loop().create_task(self._keep(account, password, right))
            self._keeping[account.id] = task
            task.add_done_callback(lambda _: self._keeping.pop(account.id, None))
        return right

    async def _keep(self, account: Account, password: str, right: bool) -> None:
        """SOURCE-3: what is kept is what it says now. Without the people process, the next time."""
        with contextlib.suppress(Refused, Unavailable, ValueError):
            kept = self._people.credential(account.id)
            digest = self._matches.digest(account.id, kept.sequence, "", password)
            same = self._matches.known(digest)
            if same is None:
                offload = self._world.offload
                same = bool(kept.phc) and await offload(verify_password, password, kept.phc)
                self._matches.learn(digest, same)
            if right:
                life = self._directories[account.source].keep_s
                if same and self._age(account) < RENEW_SHARE * life:
                    return
                phc = kept.phc if same else await self._hash(password)
            elif same:
                phc = nobody_credential(self._world, self._parameters)
            else:
                return
            by = f"source:{account.source}"
            await self._operations.password_set(account.id, credential=phc, by=by)
            self._world.journal.emit(
                SOURCE_PASSWORD_KEPT, account=account.id, source=account.source, void=not right
            )

    async def _hash(self, password: str) -> str:
        salt = self._world.entropy.bytes(SALT_BYTES)
        return await self._world.offload(hash_password, password, salt, self._parameters)

    async def kept(self) -> None:
        """Returns when nothing is left to be kept."""
        while self._keeping:
            await asyncio.wait(list(self._keeping.values()))

    def close(self) -> None:
        for task in list(self._keeping.values()):
            task.cancel()
        for each in self._asked.values():
            each.close()


class _Question:
    """``given_up``: nobody waits for its answer any more."""

    __slots__ = ("given_up", "id", "password")

    def __init__(self, id: str, password: str) -> None:
        self.id = id
        self.password = password
        self.given_up = False


class _Asked:
    """One directory, asked about passwords: a few at a time, and not while it doesn't answer."""

    def __init__(self, world: World, source: Source) -> None:
        self._world = world
        self._source = source
        self._threads: list[Thread] = []
        self._questions: set[_Question] = set()  # until a thread is done with them, given up or not
        self._turn = 0
        self._rests_until = 0.0
        self._trouble = ""

    async def right(self, id: str, password: str) -> bool:
        """Raises ``Unavailable``, at once while the directory is known not to answer."""
        name = component(self._source.name)
        now = self._world.clock.monotonic()
        if now < self._rests_until:
            raise Unavailable(name, self._trouble, self._rests_until - now)
        if len(self._questions) >= SOURCE_CHECKS:
            raise Unavailable(name, "too many sign-ins wait for it", 1.0)
        question = _Question(id, password)
        self._questions.add(question)
        try:
            async with asyncio.timeout(SOURCE_CONNECT_S + SOURCE_ANSWER_S):
                return await self._thread().run(self._ask, question)
        except TimeoutError:
            self._rest("does not answer")
            raise Unavailable(name, "does not answer", SOURCE_REST_S) from None
        except NotThere:
            raise
        except Unavailable as unavailable:
            self._rest(unavailable.text)
            raise
        finally:
            question.given_up = True

    def _ask(self, question: _Question) -> bool:
        """In one of its threads."""
        try:
            if question.given_up:
                return False
            return self._source.password_right(question.id, question.password)
        finally:
            self._questions.discard(question)

    def _rest(self, trouble: str) -> None:
        self._trouble = trouble
        self._rests_until = self._world.clock.monotonic() + SOURCE_REST_S

    def _thread(self) -> Thread:
        if len(self._threads) < SOURCE_THREADS:
            self._threads.append(self._world.thread(f"ask-{self._source.name}-{len(self._threads)}"))
        self._turn += 1
        return self._threads[self._turn % len(self._threads)]

    def close(self) -> None:
        for thread in self._threads:
            thread.close()
