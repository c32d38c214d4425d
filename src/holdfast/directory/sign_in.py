"""Sign-in: a name and a password in, an account out.

In this order: app passwords, which cost nothing; the process's own memory of what was right, which
nothing can close (PEOPLE-7); the count of wrong passwords for this login from this network; the auth
service's memory; argon2id. A name nobody has goes the same way as a wrong password and takes as long.

An account with a second factor has no password for mail programs but its app passwords (SIGN-1):
whatever else is tried there is checked against nobody's hash, so that a guess tells nothing.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import msgspec

from holdfast.directory import history as h
from holdfast.directory.app_passwords import (
    KeptAppPassword,
    app_password_secret,
    find_app_password,
    why_not,
)
from holdfast.directory.auth import AuthClient, Checker, Question, Verdict
from holdfast.directory.credentials import PARAMETERS, Parameters, Verified, nobody_credential, password_bytes
from holdfast.directory.events import (
    APP_PASSWORD_REFUSED,
    AUTH_LOST,
    OUTSIDE_LOST,
    SIGN_IN,
    SIGN_IN_LIMITED,
    SIGN_IN_WRONG,
)
from holdfast.directory.guessing import Key, WrongCounts
from holdfast.directory.lookup import Credential
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import AUTH_LOCAL_QUEUE, OUTSIDE_LIFE_S, PASSWORD_BYTES
from holdfast.model.mail import AccountId
from holdfast.model.networks import network_of
from holdfast.model.people import Account, AccountState, AppPassword
from holdfast.world import World
from holdfast.world.link import Lost, OutOfReach

LIMITED = "auth/limit"  # not a fault of ours: a diagnosis must tell it from "auth"
AUTH_REST_S = 5.0  # after a silence the auth process isn't asked for so long
SETTLE_S = 1.0  # how long a wrong password waits at most for the copy to be as far as the writer
WEB = "web"
TRIALS = 5  # a password that is changed while it is checked is checked again


class KnowsPeople(Protocol):
    """What sign-in asks of a process's copy."""

    def by_login(self, name: str) -> Account | None: ...

    def credential(self, account: AccountId) -> Credential: ...

    def app_password_digests(self, account: AccountId) -> list[KeptAppPassword]: ...

    @property
    def doubt(self) -> str: ...

    async def settled(self, timeout_s: float) -> bool:
        """Waits until the copy is as far as the writer; whether it moved meanwhile."""


class Outside(Protocol):
    """Directories outside, for accounts that come from one (``Account.source``)."""

    def answers_for(self, account: Account) -> bool:
        """Whether the account's password is kept there, and not here."""

    def keeps(self, account: Account) -> bool:
        """Whether what was kept of a right password still counts while it is out of reach."""

    def password_url(self, account: Account) -> str:
        """Where its people change their password; '' when that isn't said."""

    async def check(self, account: Account, password: str) -> bool:
        """Whether it says that this is the password. Raises ``Unavailable``.

        Where it wants the password to work in its absence, it keeps an argon2id hash of a right one
        as the account's credential.
        """


class _Try(NamedTuple):
    """``account``: whom the password would sign in, None for nobody; ``named``: whose name it is."""

    account: Account | None
    named: Account | None
    question: Question
    digest: bytes


class _Answer(NamedTuple):
    right: bool
    how: str


class SignIn:
    """One per process. ``auth``: the service, or a ``Checker`` of this process (``dev``, tests)."""

    def __init__(
        self,
        world: World,
        people: KnowsPeople,
        auth: AuthClient | Checker | None,
        *,
        parameters: Parameters = PARAMETERS,
        outside: Outside | None = None,
        history: h.History | None = None,
    ) -> None:
        self._world = world
        self._people = people
        self._auth = auth
        self._outside = outside
        self._history = history
        self._here: Checker | None = None
        self._verified = Verified(world)
        self._wrong = WrongCounts(world)
        self._nobody = nobody_credential(world, parameters)
        self._auth_rests_until = 0.0
        self._auth_lost = False

    async def check(self, login: str, password: str, *, peer: str, function: str) -> Account:
        """The account whose login and password these are.

        ``peer``: the client's address. ``function``: ``imap``, ``pop3``, ``submission``, ``jmap``, or
        ``web``, where the main password is taken alone and second factors are the caller's to ask.
        Raises ``Refused(BAD_CREDENTIALS)``; ``Refused(USER_DISABLED)`` to who knows the password;
        ``Unavailable("people" | "auth" | "auth/load" | "auth/limit" | "source/…")``.
        """
        if len(password_bytes(password)) > PASSWORD_BYTES:
            password = "\0"  # nobody's; not known by its speed either
        settled = False
        for _ in range(TRIALS):
            trial = self._trial(login, password, function, network_of(peer))
            if trial.named is not None and function != WEB and app_password_secret(password):
                app = find_app_password(self._people.app_password_digests(trial.named.id), password)
                if app is not None:
                    return self._app_password(trial.named, app, peer, function)
            answer = await self._answer(trial, login, peer, function)
            if not self._stands(trial, login):
                continue  # changed meanwhile: what was verified may be the old one
            if answer.right and trial.account is not None:
                return self._welcome(trial.account, peer, function, answer.how)
            if settled or not await self._people.settled(SETTLE_S):
                break  # the copy didn't move: wrong is wrong
            settled = True
        else:
            raise Unavailable("people", "the account changes again and again")
        return self._refuse(trial.named, login, peer, function)

    def _trial(self, login: str, password: str, function: str, network: str) -> _Try:
        named = account = self._people.by_login(login)
        credential = Credential(0, "")
        if account is not None and not _needs_another(account, function):
            credential = self._people.credential(account.id)
        if account is not None and (credential.phc or self._asks_outside(account, function)):
            question = Question(
                account.id, credential.sequence, "", credential.phc, password, network=network
            )
        else:
            account = None
            question = Question(0, 0, login, self._nobody, password, network=network)
        digest = self._verified.digest(question.account, question.credential, question.login, password)
        return _Try(account, named, question, digest)

    def _stands(self, trial: _Try, login: str) -> bool:
        """PEOPLE-8: nobody comes in by what was verified before it was changed, nor after a sign-out."""
        return self._people.by_login(login) == trial.named

    async def _answer(self, trial: _Try, login: str, peer: str, function: str) -> _Answer:
        right = self._verified.known(trial.digest)
        if right is not None:
            return _Answer(right, "known")
        key = (trial.question.account or login.lower(), network_of(peer))
        if trial.account is not None and self._asks_outside(trial.account, function):
            return await self._ask_outside(trial.account, trial, key, login, peer, function)
        return await self._ask(trial, key, login, peer, function)

    async def _ask(self, trial: _Try, key: Key, login: str, peer: str, function: str) -> _Answer:
        wait = self._wrong.wait_s(key, trial.digest)
        if wait > 0:
            verdict = await self._verdict(msgspec.structs.replace(trial.question, only_known=True))
        else:
            with self._wrong.asking(key, trial.digest):
                verdict = await self._verdict(trial.question)
        if verdict.right is None:
            raise self._limit(trial, login, peer, function, wait)
        self._verified.learn(trial.digest, verdict.right)
        if not verdict.right and verdict.hashed:  # the same wrong password again is no further guess
            self._wrong.count(key)
        return _Answer(verdict.right, "hashed" if verdict.hashed else "auth")

    def _limit(self, trial: _Try, login: str, peer: str, function: str, wait: float) -> Unavailable:
        self._world.journal.emit(
            SIGN_IN_LIMITED,
            login=login[:100],
            network=network_of(peer),
            function=function,
            retry_after_s=round(wait, 1),
        )
        self._note(trial.named, function, peer, h.LIMITED)
        return Unavailable(LIMITED, "too many wrong passwords; wait and try again", wait)

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

    # Directories outside

    def _asks_outside(self, account: Account, function: str) -> bool:
        outside = self._outside
        return outside is not None and outside.answers_for(account) and not _needs_another(account, function)

    def kept_outside(self, account: Account) -> bool:
        """Whether its password is a directory's outside, and not to be changed here."""
        return self._outside is not None and self._outside.answers_for(account)

    def password_url(self, account: Account) -> str:
        """Where the password of an account from outside is changed; '' for nowhere, or for here."""
        return self._outside.password_url(account) if self._outside is not None else ""

    async def _ask_outside(
        self, account: Account, trial: _Try, key: Key, login: str, peer: str, function: str
    ) -> _Answer:
        """SIGN-2: without it, what was kept of a right password lets in; nothing is called wrong."""
        assert self._outside is not None
        wait = self._wrong.wait_s(key, trial.digest)
        if wait > 0:
            raise self._limit(trial, login, peer, function, wait)
        try:
            with self._wrong.asking(key, trial.digest):
                right = await self._outside.check(account, trial.question.password)
        except Unavailable as error:
            self._world.journal.emit(
                OUTSIDE_LOST, account=account.id, source=account.source, reason=str(error)
            )
            kept = trial.question.phc and self._outside.keeps(account)
            if kept and (await self._verdict(trial.question)).right:
                return _Answer(True, "kept")
            raise
        self._verified.learn(trial.digest, right, OUTSIDE_LIFE_S)
        if not right:
            self._wrong.count(key)
        return _Answer(right, account.source)

    # App passwords

    def _app_password(self, account: Account, about: AppPassword, peer: str, function: str) -> Account:
        """SIGN-3: the right secret comes in, or is as wrong as any where it isn't meant for."""
        reason = why_not(about, function=function, peer=peer, now=self._world.clock.now())
        if not reason:
            return self._welcome(account, peer, function, f"app password {about.id}", about.name)
        self._world.journal.emit(
            APP_PASSWORD_REFUSED,
            account=account.id,
            app_password=about.id,
            peer=peer,
            function=function,
            reason=reason,
        )
        self._note(account, function, peer, h.NOT_HERE, about.name)
        raise Refused(Reason.BAD_CREDENTIALS)

    # Ends

    def _welcome(self, account: Account, peer: str, function: str, how: str, program: str = "") -> Account:
        if account.state != AccountState.ACTIVE:
            self._note(account, function, peer, h.DISABLED, program)
            raise Refused(Reason.USER_DISABLED, "this account is disabled: ask your provider")
        self._world.journal.emit(
            SIGN_IN, account=account.id, cell=account.cell, peer=peer, function=function, how=how
        )
        self._note(account, function, peer, h.RIGHT, program)
        return account

    def _refuse(self, named: Account | None, login: str, peer: str, function: str) -> Account:
        if self._people.doubt:  # the password may have been changed where this copy can't see it
            raise Unavailable("people", self._people.doubt)
        self._world.journal.emit(SIGN_IN_WRONG, login=login[:100], peer=peer, function=function)
        self._note(named, function, peer, h.WRONG)
        raise Refused(Reason.BAD_CREDENTIALS)

    def _note(
        self, account: Account | None, function: str, peer: str, result: str, program: str = ""
    ) -> None:
        if self._history is not None and account is not None:
            self._history.note(account.id, function, peer, result, program)

    def close(self) -> None:
        """Ends the thread of this process's own checks."""
        if self._here is not None:
            self._here.close()


def _needs_another(account: Account, function: str) -> bool:
    """SIGN-1: the main password is not for this door."""
    return account.passkey_only if function == WEB else account.two_factor or account.passkey_only
