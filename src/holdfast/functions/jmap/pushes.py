"""Push subscriptions and what is sent to them: by the first worker, for all accounts. RFC 8620 §7.2

A subscription is an object of its account, due when it expires; by that all of them are found. What changed
is asked of the index, from what the subscriber was told last. A push service that is slow or gone holds back
its own subscriber alone, who is then told everything in one piece.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from holdfast.directory.people import People
from holdfast.functions.jmap.asking import name_of
from holdfast.functions.jmap.events import PUSH_LATER, PUSH_REFUSED
from holdfast.functions.jmap.watching import changed_states
from holdfast.functions.jmap.webpush import SALT_BYTES, Subscriber, Vapid, encrypted
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.limits import (
    JMAP_PUSH_LIFE_S,
    JMAP_PUSH_LOOK_S,
    JMAP_PUSH_RETRY_FIRST_S,
    JMAP_PUSH_RETRY_LONGEST_S,
    JMAP_PUSH_SENDS,
)
from holdfast.model.mail import AccountId
from holdfast.model.people import AccountState
from holdfast.store import MailStore, RemoveObject
from holdfast.wire.jmap.push import PushVerification, StateChange
from holdfast.world import World
from holdfast.world.http import HttpClient

KIND: Final = "PushSubscription"
COMPONENT: Final = "push"
_GONE = (404, 410)  # RFC 8030 §7.3
_ALL = 100_000  # subscriptions of one cell


class Kept(msgspec.Struct, omit_defaults=True, rename="camel"):
    """A subscription as it is kept. ``code``: what proves that the subscriber wants it; ``verified``: it was
    given back. ``made_at``: a sign-out everywhere after it ends it."""

    device: str
    url: str
    code: str
    made_at: float
    expires: int
    p256dh: str = ""
    auth: str = ""
    types: list[str] | None = None
    verified: bool = False


decode = msgspec.json.Decoder(Kept).decode
encode = msgspec.json.Encoder().encode


class _Told:
    """One subscription: how far it was told, and what goes on. ``start``: is called to tell it more."""

    __slots__ = ("_start", "account", "again", "asked", "busy", "cell", "id", "modseq", "pause_s")

    def __init__(
        self, account: AccountId, cell: int, id: str, modseq: int, start: Callable[[_Told], object]
    ) -> None:
        self._start = start
        self.account = account
        self.cell = cell
        self.id = id
        self.modseq = modseq
        self.asked = False  # for its verification
        self.busy = False
        self.again = False  # it was woken since it was begun
        self.pause_s = JMAP_PUSH_RETRY_FIRST_S

    def wake(self) -> None:
        self._start(self)


class Pushes:
    """``kinds``: of objects beside mail, as ``Watching``'s."""

    def __init__(
        self,
        world: World,
        store: MailStore,
        people: People,
        client: HttpClient,
        vapid: Vapid,
        kinds: Sequence[str],
    ) -> None:
        self._world = world
        self._store = store
        self._people = people
        self._client = client
        self._vapid = vapid
        self._kinds = kinds
        self._told: dict[tuple[AccountId, str], _Told] = {}
        self._look = asyncio.Event()
        self._slots = asyncio.Semaphore(JMAP_PUSH_SENDS)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def key(self) -> str:
        """RFC 9749: what a browser subscribes with."""
        return self._vapid.public

    def nudge(self) -> None:
        """A subscription was made or changed by this process."""
        self._look.set()

    async def run(self) -> None:
        try:
            while True:
                await self._find()
                try:
                    async with asyncio.timeout(JMAP_PUSH_LOOK_S):
                        await self._look.wait()
                except TimeoutError:
                    pass
                self._look.clear()
        finally:
            for task in self._tasks:
                task.cancel()
            for told in self._told.values():
                self._store.unwatch(told.account, told.wake)

    async def _find(self) -> None:
        """All that there are; what is too old goes."""
        now = self._world.clock.now()
        there: set[tuple[AccountId, str]] = set()
        for cell in self._store.cells():
            try:
                due = self._store.due(cell, int(now + JMAP_PUSH_LIFE_S) + 1, _ALL)
            except Unavailable:
                there |= {key for key, told in self._told.items() if told.cell == cell}
                continue
            for each in due:
                if each.kind != KIND:
                    continue
                if each.due <= now:
                    await self._remove(each.account, each.cell, each.id)
                    continue
                there.add((each.account, each.id))
                if (each.account, each.id) not in self._told:
                    self._begin(each.account, each.cell, each.id)
            await self._world.clock.sleep(0)  # others have their turn
        for key in self._told.keys() - there:
            self._end(key)

    def _begin(self, account: AccountId, cell: int, id: str) -> None:
        try:
            modseq = self._store.account(account, cell).modseq
        except Unavailable:
            return  # at the next look
        told = _Told(account, cell, id, modseq, self._start)
        self._told[account, id] = told
        self._store.watch(account, told.wake)
        told.wake()

    def _end(self, key: tuple[AccountId, str]) -> None:
        told = self._told.pop(key)
        self._store.unwatch(told.account, told.wake)

    def _start(self, told: _Told) -> None:
        if self._told.get((told.account, told.id)) is not told:
            return
        told.again = True
        if told.busy:
            return
        told.busy = True
        task = asyncio.get_running_loop().create_task(self._tell(told))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, told: _Told) -> None:
        """Until it knows all; a service that is out of reach is asked again, later each time."""
        try:
            async with self._slots:
                while told.again:
                    told.again = False
                    sent = await self._tell_once(told)
                    told.again = told.again or sent
            told.pause_s = JMAP_PUSH_RETRY_FIRST_S
        except Unavailable as error:
            self._world.journal.emit(
                PUSH_LATER, account=told.account, subscription=told.id, reason=str(error)
            )
            self._world.clock.call_later(max(told.pause_s, error.retry_after_s), told.wake)
            told.pause_s = min(told.pause_s * 2, JMAP_PUSH_RETRY_LONGEST_S)
        finally:
            told.busy = False

    async def _tell_once(self, told: _Told) -> bool:
        """Whether something was sent. Raises ``Unavailable``."""
        mail = self._store.account(told.account, told.cell)
        found = mail.object(KIND, told.id)
        if found is None:
            self._end((told.account, told.id))
            return False
        kept = decode(found.data)
        account = self._people.account(told.account)
        if account is None or account.state is not AccountState.ACTIVE:
            return False
        if kept.made_at < account.signed_out_at:
            await self._remove(told.account, told.cell, told.id)
            return False
        if not kept.verified:
            if told.asked:
                return False
            content = encode(PushVerification(push_subscription_id=told.id, verification_code=kept.code))
            await self._send(told, kept, content)
            told.asked = True
            return False
        modseq = mail.modseq
        if modseq == told.modseq:
            return False
        states = changed_states(mail, told.modseq, self._kinds)
        change = StateChange(changed={name_of(told.account): states}).only(kept.types) if states else None
        if change is not None:
            await self._send(told, kept, encode(change))
        told.modseq = modseq
        return change is not None

    async def _send(self, told: _Told, kept: Kept, content: bytes) -> None:
        """One message. A subscription that is gone there is removed here."""
        headers = {
            "ttl": "86400",
            "urgency": "normal",
            "content-type": "application/json",
            "authorization": self._vapid.authorization(kept.url, self._world.clock.now()),
        }
        try:
            if kept.p256dh:
                subscriber = Subscriber.read(kept.p256dh, kept.auth)
                salt = self._world.entropy.bytes(SALT_BYTES)
                content = encrypted(subscriber, content, salt, ec.generate_private_key(ec.SECP256R1()))
                headers |= {"content-type": "application/octet-stream", "content-encoding": "aes128gcm"}
            answer = await self._client.ask(
                "POST", kept.url, component=COMPONENT, headers=headers, content=content
            )
            status = answer.status
        except Refused as refused:  # an address that isn't asked
            self._refused(told, refused.text)
            return
        if status in _GONE:
            await self._remove(told.account, told.cell, told.id)
        elif status >= 300:
            self._refused(told, f"answered {status}")

    def _refused(self, told: _Told, reason: str) -> None:
        self._world.journal.emit(PUSH_REFUSED, account=told.account, subscription=told.id, reason=reason)

    async def _remove(self, account: AccountId, cell: int, id: str) -> None:
        await self._store.commit([RemoveObject(account=account, cell=cell, kind=KIND, id=id)])
