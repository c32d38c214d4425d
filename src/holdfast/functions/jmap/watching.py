"""Who waits for changes: event sources, websockets, subscriptions. RFC 8620 §7

A listener knows up to which modseq its client was told. When the account moves it asks the index which types
have changed since, so nothing is missed and nothing is queued: a client that takes long gets one change that
says all (JMAPD-14).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from holdfast.functions.jmap.asking import name_of
from holdfast.model.limits import JMAP_LISTENERS
from holdfast.model.mail import AccountId
from holdfast.model.people import Account
from holdfast.store import AccountMail, EmailChanges, EmailState, MailboxChanges, MailStore
from holdfast.wire.jmap.errors import RequestError, RequestFault
from holdfast.wire.jmap.push import StateChange

_DELIVERED = 100  # changes looked at for whether new mail is among them


class Listener:
    """``wait`` until ``wake``; then ``take`` what changed. ``ended``: why it is over, '' while it isn't."""

    __slots__ = ("_store", "_types", "_woken", "account", "ended", "modseq")

    def __init__(self, store: MailStore, types: Sequence[str], account: Account) -> None:
        self._store = store
        self._types = types
        self._woken = asyncio.Event()
        self.account = account
        self.modseq = -1  # not known yet
        self.ended = ""

    def wake(self) -> None:
        self._woken.set()

    def end(self, why: str) -> None:
        self.ended = self.ended or why
        self._woken.set()

    async def wait(self, seconds: float) -> bool:
        """Whether it was woken before the time was over."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return False
        self._woken.clear()
        return True

    def since(self, state: str) -> None:
        """Goes on from a state that its client was told before; one that is none counts as the present."""
        told = EmailState.parse(state)
        if told is not None and 0 < told.modseq <= self.modseq:
            self.modseq = told.modseq
            self.wake()

    def start(self) -> None:
        """From the present on. Raises ``Unavailable``."""
        self.modseq = self._mail().modseq

    def take(self) -> StateChange | None:
        """What changed since it was asked last; None for nothing. ``Unavailable`` loses nothing."""
        mail = self._mail()
        modseq = mail.modseq
        if modseq == self.modseq:
            return None
        states = changed_states(mail, self.modseq, self._types)
        self.modseq = modseq
        if not states:
            return None
        return StateChange(changed={name_of(self.account.id): states}, push_state=str(modseq))

    def _mail(self) -> AccountMail:
        return self._store.account(self.account.id, self.account.cell)


def changed_states(mail: AccountMail, since: int, kinds: Sequence[str]) -> dict[str, str]:
    """The states of those types of which anything changed after modseq ``since``."""
    before = EmailState(since)
    states: dict[str, str] = {}
    with mail.moment() as modseq:
        now = str(EmailState(modseq))
        emails = mail.email_changes(before, _DELIVERED)
        if _has_any(emails):
            states["Email"] = now
        if emails is None or emails.created:
            states["EmailDelivery"] = now  # RFC 8621 §1.5
        if _has_any(mail.thread_changes(before, 1)):
            states["Thread"] = now
        if _has_any(mail.mailbox_changes(before, 1)):
            states["Mailbox"] = now
        for kind in kinds:
            state = mail.object_state(kind)
            if state.modseq > since:
                states[kind] = str(state)
    return states


def _has_any(changes: EmailChanges | MailboxChanges | None) -> bool:
    """Of what nobody knows any more, everything may have changed."""
    return changes is None or bool(changes.created or changes.updated or changes.destroyed)


class Watching:
    """One per process. ``kinds``: the types of objects that clients hear of, mail apart."""

    def __init__(self, store: MailStore, kinds: Sequence[str]) -> None:
        self._store = store
        self._kinds = kinds
        self._listeners: set[Listener] = set()
        self._counts: Counter[AccountId] = Counter()

    @contextmanager
    def listen(self, account: Account) -> Iterator[Listener]:
        """Raises ``RequestError`` limit for one too many, ``Unavailable`` where the present isn't known."""
        if self._counts[account.id] >= JMAP_LISTENERS:
            text = f"At most {JMAP_LISTENERS} at a time."
            raise RequestError(RequestFault.LIMIT, text, "maxConcurrentRequests")
        listener = Listener(self._store, self._kinds, account)
        listener.start()
        self._listeners.add(listener)
        self._counts[account.id] += 1
        self._store.watch(account.id, listener.wake)
        try:
            yield listener
        finally:
            self._store.unwatch(account.id, listener.wake)
            self._listeners.discard(listener)
            self._counts[account.id] -= 1
            if not self._counts[account.id]:
                del self._counts[account.id]

    def sign_out(self, account: AccountId) -> None:
        """All that lasts of this account ends, or shows that its sign-in still stands."""
        for listener in self._listeners:
            if listener.account.id == account:
                listener.end("signed out")

    def close(self) -> None:
        for listener in self._listeners:
            listener.end("the server stops")
