"""Sign-in: a name and a password in, an account out.

In this order: the process's own memory of what was right, which nothing can close (PEOPLE-7);
the count of wrong passwords for this login from this network; the auth service's memory; argon2id.
A name nobody has goes the same way as a wrong password and takes as long.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from holdfast.directory.auth import AuthClient, Checker, Question, Verdict
from holdfast.directory.credentials import PARAMETERS, Parameters, Verified, nobody_credential, password_bytes
from holdfast.directory.events import AUTH_LOST, SIGN_IN, SIGN_IN_LIMITED, SIGN_IN_WRONG
from holdfast.directory.lookup import Credential
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import AUTH_LOCAL_QUEUE, PASSWORD_BYTES, WRONG_BURST, WRONG_ENTRIES, WRONG_EVERY_S
from holdfast.model.mail import AccountId
from holdfast.model.people import Account, AccountState
from holdfast.world import World
from holdfast.world.link import Lost, OutOfReach

LIMITED = "auth/limit"  # not a fault of ours: a diagnosis must tell it from "auth"
AUTH_REST_S = 5.0  # after a silence the auth process isn't asked for so long
SETTLE_S = 1.0  # how long a wrong password waits at most for the copy to be as far as the writer


class KnowsPeople(Protocol):
    """What sign-in asks of a process's copy."""

    def by_login(self, name: str) -> Account | None: ...

    def credential(self, account: AccountId) -> Credential: ...

    @property
    def doubt(self) -> str: ...

    async def settled(self, timeout_s: float) -> bool:
        """Waits until the copy is as far as the writer; whether it moved meanwhile."""


class _Try(NamedTuple):
    account: Account | None
    question: Question
    digest: bytes


class SignIn:
    """One per process. ``auth``: the service, or a ``Checker`` of this process (``dev``, tests)."""

    def __init__(
        self,
        world: World,
        people: KnowsPeople,
        auth: AuthClient | Checker | None,
        *,
        parameters: Parameters = PARAMETERS,
    ) -> None:
        self._world = world
        self._people = people
        self._auth = auth
        self._here: Checker | None = None
        self._verified = Verified(world)
        self._wrong = WrongCounts(world)
        self._nobody = nobody_credential(world, parameters)
        self._auth_rests_until = 0.0
        self._auth_lost = False

    async def check(self, login: str, password: str, *, peer: str, function: str) -> Account:
        """The account whose login and password these are.

        ``peer``: the client's address. Raises ``Refused(BAD_CREDENTIALS)``; ``Refused(USER_DISABLED)``
        to who knows the password; ``Unavailable("people" | "auth" | "auth/limit")``.
        """
        if len(password_bytes(password)) > PASSWORD_BYTES:
            password = "\0"  # nobody's; not known by its speed either
        for last in (False, True):
            trial = self._trial(login, password)
            right = self._verified.known(trial.digest)
            how = "known"
            if right is None:
                right, how = await self._ask(trial, login, peer, function)
            if right and trial.account is not None:
                return self._welcome(trial.account, peer, function, how)
            if last or not await self._people.settled(SETTLE_S):
                break  # the copy didn't move: wrong is wrong
        if self._people.doubt:  # the password may have been changed where this copy can't see it
            raise Unavailable("people", self._people.doubt)
        self._world.journal.emit(SIGN_IN_WRONG, login=login[:100], peer=peer, function=function)
        raise Refused(Reason.BAD_CREDENTIALS)

    def _trial(self, login: str, password: str) -> _Try:
        account = self._people.by_login(login)
        credential = self._people.credential(account.id) if account is not None else Credential(0, "")
        if account is not None and credential.phc:
            question = Question(account.id, credential.sequence, "", credential.phc, password)
        else:
            account = None
            question = Question(0, 0, login, self._nobody, password)
        digest = self._verified.digest(question.account, question.credential, question.login, password)
        return _Try(account, question, digest)

    async def _ask(self, trial: _Try, login: str, peer: str, function: str) -> tuple[bool, str]:
        key = (trial.question.account or login.lower(), network_of(peer))
        wait = self._wrong.wait_s(key, trial.digest)
        if wait > 0:
            verdict = await self._verdict(Question(*_fields(trial.question), only_known=True))
        else:
            with self._wrong.asking(key, trial.digest):
                verdict = await self._verdict(trial.question)
        if verdict.right is None:
            self._world.journal.emit(
                SIGN_IN_LIMITED,
                login=login[:100],
                network=str(key[1]),
                function=function,
                retry_after_s=round(wait, 1),
            )
            raise Unavailable(LIMITED, "too many wrong passwords; wait and try again", wait)
        self._verified.learn(trial.digest, verdict.right)
        if not verdict.right and verdict.hashed:  # the same wrong password again is no further guess
            self._wrong.count(key)
        return verdict.right, "hashed" if verdict.hashed else "auth"

    async def _verdict(self, question: Question) -> Verdict:
        auth = self._auth
        now = self._world.clock.monotonic()
        if auth is not None and now >= self._auth_rests_until:
            try:
                verdict = await auth.ask(question)
            except (OutOfReach, Lost) as error:
                if isinstance(error, Lost):
                    self._auth_rests_until = self._world.clock.monotonic() + AUTH_REST_S
                if not self._auth_lost:
                    path = auth.path if isinstance(auth, AuthClient) else ""
                    self._world.journal.emit(AUTH_LOST, path=path, reason=str(error))
                self._auth_lost = True
            else:
                self._auth_lost = False
                return verdict
        if self._here is None:  # one thread: mail goes first in a function's process
            self._here = Checker(self._world, threads=1, queue=AUTH_LOCAL_QUEUE)
        return await self._here.ask(question)

    def close(self) -> None:
        """Ends the thread of this process's own checks."""
        if self._here is not None:
            self._here.close()

    def _welcome(self, account: Account, peer: str, function: str, how: str) -> Account:
        if account.state != AccountState.ACTIVE:
            raise Refused(Reason.USER_DISABLED, "this account is disabled: ask your provider")
        self._world.journal.emit(SIGN_IN, account=account.id, peer=peer, function=function, how=how)
        return account


def _fields(question: Question) -> tuple[int, int, str, str, str]:
    return question.account, question.credential, question.login, question.phc, question.password


Key = tuple[int | str, str]


class WrongCounts:
    """Wrong passwords per login and network, as one number each: when it would be forgotten.

    WRONG_BURST at once, then one per WRONG_EVERY_S. Nothing here concerns the owner
    elsewhere, nor one whose password is known to be right.
    """

    __slots__ = ("_asked", "_clock", "_until")

    def __init__(self, world: World) -> None:
        self._clock = world.clock
        self._until: dict[Key, float] = {}
        self._asked: dict[Key, Counter[bytes]] = {}

    def wait_s(self, key: Key, digest: bytes = b"") -> float:
        """Seconds until another guess is allowed, 0 for now. ``digest``: this guess, begun before or not."""
        ahead = len(self._asked.get(key, {}).keys() - {digest})
        now = self._clock.monotonic()
        counted = max(0.0, self._until.get(key, now) - now)
        return max(0.0, counted - (WRONG_BURST - 1 - ahead) * WRONG_EVERY_S)

    @contextlib.contextmanager
    def asking(self, key: Key, digest: bytes) -> Iterator[None]:
        """A guess counts as soon as it is being checked: many at once are no way around the limit."""
        asked = self._asked.setdefault(key, Counter())
        asked[digest] += 1
        try:
            yield
        finally:
            asked[digest] -= 1
            if not asked[digest]:
                del asked[digest]
            if not asked:
                self._asked.pop(key, None)

    def count(self, key: Key) -> None:
        now = self._clock.monotonic()
        until = max(self._until.pop(key, now), now) + WRONG_EVERY_S
        if len(self._until) >= WRONG_ENTRIES:
            del self._until[next(iter(self._until))]
        self._until[key] = until


def network_of(peer: str) -> str:
    """``192.0.2.7`` → ``192.0.2.0/24``; IPv6 by its first 56 bits, what one household gets (RFC 6177)."""
    host = peer.strip().strip("[]")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    bits = 24 if address.version == 4 else 56
    return str(ipaddress.ip_network((address, bits), strict=False))
