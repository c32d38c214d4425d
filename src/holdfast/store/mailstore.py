"""The store's handle: what functions hold. Reads are the process's own, writes go to the writer.

The same handle stands over a writer in this process (``LocalWrites``) and over one
behind a socket (``RemoteWrites``): nothing above knows which.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from holdfast.model.errors import Refused, Unavailable
from holdfast.model.mail import AccountId, Position
from holdfast.store import commands as c
from holdfast.store.fullness import Fullness
from holdfast.store.index import IndexFiles
from holdfast.store.objects import Due
from holdfast.store.reader import AccountMail, Readers
from holdfast.store.replay import Volume
from holdfast.store.writer import Answer, Moved, StoreWriter
from holdfast.world import World
from holdfast.world.link import Link, LinkPeer

Watcher = Callable[[], object]


class Commit(msgspec.Struct, frozen=True, array_like=True, tag="c"):
    commands: list[c.AnyCommand]


class Announce(msgspec.Struct, frozen=True, array_like=True, tag="a"):
    ledger: str
    durable: Position


class Ask(msgspec.Struct, frozen=True, array_like=True, tag="s"):
    """How is the writer? Answered with ``Status``."""


class Damaged(msgspec.Struct, frozen=True, array_like=True, tag="d"):
    """I met damage in this cell's index."""

    cell: int


class Watch(msgspec.Struct, frozen=True, array_like=True, tag="w"):
    """Tell me what moves, from now on."""


class WatchFull(msgspec.Struct, frozen=True, array_like=True, tag="f"):
    """Tell me which accounts are full, now and from now on."""


class Full(msgspec.Struct, frozen=True):
    """Pushed: accounts that are ``full``, and such as are no longer; ``whole``: forget what you knew."""

    full: list[AccountId]
    free: list[AccountId]
    whole: bool = False


class Status(msgspec.Struct, frozen=True):
    """``head``: how far the mail ledger is folded; ``behind``: cells whose index is being made whole."""

    head: Position
    behind: list[int]


class _Late(msgspec.Struct, frozen=True, tag_field="is", tag="unavailable"):
    """An ``Unavailable`` for one of several commands."""

    component: str
    text: str
    retry_after_s: float


_decode_request = msgspec.msgpack.Decoder(Commit | Announce | Ask | Damaged | Watch | WatchFull).decode
_decode_answers = msgspec.msgpack.Decoder(list[c.AnyOutcome | _Late]).decode
_decode_push = msgspec.msgpack.Decoder(list[tuple[int, int, int]] | Full).decode
_encode = msgspec.msgpack.Encoder().encode
_OPEN_PAUSES_S = (0.05, 0.15, 0.3, 0.5)  # while the store is out of reach at an account's first sign-in


class Writes(Protocol):
    """Where commands go."""

    on_moved: list[Callable[[Moved], object]]

    async def commit(self, commands: Sequence[c.AnyCommand]) -> list[Answer]: ...

    def announce(self, ledger: str, durable: Position) -> None: ...

    def damaged(self, cell: int) -> None: ...


class RemoteWrites:
    """The writer behind its socket. Announcements made while it is gone are made again when it is back.

    ``full``: the accounts that are known to be full, once ``watch_full`` asked for them. What was known
    stays known while the writer is gone: nothing is removed from a mailbox without it.
    """

    def __init__(self, world: World, socket_path: str) -> None:
        self.on_moved: list[Callable[[Moved], object]] = []
        self.full: set[AccountId] = set()
        self._watches_full = False
        self._link = Link(world, socket_path, "store", on_push=self._pushed, on_connected=self._connected)

    def start(self) -> None:
        self._link.start()

    @property
    def connected(self) -> bool:
        return self._link.connected

    def watch_full(self) -> None:
        """Keep ``full`` up to date from the next connection on: call before ``start``."""
        self._watches_full = True

    def _connected(self) -> None:
        if self._watches_full:
            self._link.send(_encode(WatchFull()))
        if self.on_moved:
            self._link.send(_encode(Watch()))
        # What moved while the connection was gone is not known: everybody looks.
        for tell in self.on_moved:
            tell([])

    def _pushed(self, payload: bytes) -> None:
        pushed = _decode_push(payload)
        if isinstance(pushed, Full):
            known = set() if pushed.whole else self.full
            self.full = (known | set(pushed.full)) - set(pushed.free)
            return
        for tell in self.on_moved:
            tell(pushed)

    async def commit(self, commands: Sequence[c.AnyCommand]) -> list[Answer]:
        answers = _decode_answers(await self._link.call(_encode(Commit(list(commands)))))
        return [
            Unavailable(a.component, a.text, a.retry_after_s) if isinstance(a, _Late) else a for a in answers
        ]

    def announce(self, ledger: str, durable: Position) -> None:
        self._link.keep_saying(ledger, _encode(Announce(ledger, durable)))

    def damaged(self, cell: int) -> None:
        """Best effort: who reads it again says so again."""
        self._link.send(_encode(Damaged(cell)))

    async def status(self) -> Status:
        """Raises ``Unavailable("store")`` when the writer is gone."""
        return msgspec.msgpack.decode(await self._link.call(_encode(Ask())), type=Status)

    def close(self) -> None:
        self._link.close()


class StoreService:
    """The writer's side of the socket."""

    def __init__(self, writer: StoreWriter) -> None:
        self._writer = writer
        self._peers: set[LinkPeer] = set()
        self._told_full: set[LinkPeer] = set()
        self._fullness: Fullness | None = None
        writer.on_moved.append(self._moved)

    def tell_full(self, fullness: Fullness) -> None:
        """From now on who asked is told which accounts are full."""
        self._fullness = fullness
        self._writer.on_moved.append(fullness.moved)
        fullness.on_change.append(self._full)
        fullness.on_known.append(self._all_full)
        self._all_full()

    def session(self) -> LinkPeer:
        """One connection's session: the factory to listen with."""
        return LinkPeer(self._handle, self._lost)

    def _lost(self, peer: LinkPeer) -> None:
        self._peers.discard(peer)
        self._told_full.discard(peer)

    async def _handle(self, peer: LinkPeer, payload: bytes) -> bytes:
        request = _decode_request(payload)
        if isinstance(request, Announce):
            self._writer.announce(request.ledger, request.durable)
            return b""
        if isinstance(request, Damaged):
            self._writer.damaged(request.cell)
            return b""
        if isinstance(request, Watch):
            self._peers.add(peer)
            return b""
        if isinstance(request, WatchFull):
            self._told_full.add(peer)
            self._push_all_full(peer)
            return b""
        if isinstance(request, Ask):
            return _encode(Status(self._writer.head, self._writer.behind))
        answers = await self._writer.commit(request.commands)
        return _encode(
            [
                _Late(a.component, a.text, a.retry_after_s) if isinstance(a, Unavailable) else a
                for a in answers
            ]
        )

    def _moved(self, moved: Moved) -> None:
        payload = _encode(moved)
        for peer in self._peers:
            peer.push(payload)

    def _full(self, full: list[AccountId], free: list[AccountId]) -> None:
        payload = _encode(Full(full, free))
        for peer in self._told_full:
            peer.push(payload)

    def _all_full(self) -> None:
        for peer in self._told_full:
            self._push_all_full(peer)

    def _push_all_full(self, peer: LinkPeer) -> None:
        """Not before all are known: what the peer knows from before is better than nothing."""
        if self._fullness is not None and self._fullness.known:
            peer.push(_encode(Full(list(self._fullness.full), [], whole=True)))


class MailStore:
    """One process's handle on all mail of a volume."""

    def __init__(
        self,
        world: World,
        writes: Writes,
        files: IndexFiles,
        volume_folder: str,
        copies: tuple[str, ...] = (),
    ) -> None:
        self._world = world
        self._writes = writes
        self._readers = Readers(world, files, Volume(world, volume_folder, copies), self._damaged)
        self._watchers: dict[AccountId, list[Watcher]] = {}
        self._woken: set[AccountId] = set()
        writes.on_moved.append(self._moved)

    def account(self, account: AccountId, cell: int) -> AccountMail:
        """The account's mail as it is now. Raises ``Unavailable("cell-NN/index")``.

        Cheap; ask again for every command rather than keep it. An account whose first mailboxes
        could not be made yet is ``Unavailable("store")``, not empty.
        """
        mail = self._readers.account(account, cell)
        if not mail.exists():
            raise Unavailable("store", "its first mailboxes are yet to be made", retry_after_s=1.0)
        return mail

    async def open_account(self, account: AccountId, cell: int) -> AccountMail:
        """The same, its first mailboxes made if it has none yet: a store that is starting is waited for."""
        mail = self._readers.account(account, cell)
        patience = iter(_OPEN_PAUSES_S)
        while not mail.exists():
            try:
                await self.commit_one(c.Open(account=account, cell=cell))
            except Unavailable:
                if (pause := next(patience, None)) is None:
                    raise
                await self._world.clock.sleep(pause)
            mail = self._readers.account(account, cell)
        return mail

    async def commit(self, commands: Sequence[c.AnyCommand]) -> list[c.AnyOutcome | Refused | Unavailable]:
        """Durable and in effect when it returns: one outcome per command, in order.

        A refused command gives its ``Refused``, one whose cell is out of reach its
        ``Unavailable``, as values; raises ``Unavailable("store")`` when none was kept.
        """
        answers = await self._writes.commit(commands)
        return [a.error() if isinstance(a, c.Failed) else a for a in answers]

    async def commit_one(self, command: c.AnyCommand) -> c.AnyOutcome:
        """One command; raises its ``Refused`` or ``Unavailable``."""
        outcome = (await self.commit([command]))[0]
        if isinstance(outcome, Refused | Unavailable):
            raise outcome
        return outcome

    def cells(self) -> list[int]:
        """The cells that there are here."""
        return self._readers.cells()

    def due(self, cell: int, before: int, limit: int = 1000) -> list[Due]:
        """Objects of the cell's accounts whose time (UTC seconds) has come by ``before``, the first first."""
        return self._readers.due(cell, before, limit)

    def announce(self, ledger: str, durable: Position) -> None:
        """Tell the writer how far an intake's ledger is durable; best effort, repeated when it returns."""
        self._writes.announce(ledger, durable)

    def _damaged(self, cell: int) -> None:
        """Only from the loop: in a thread of somebody's it is met, and said by the next who reads here."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        self._writes.damaged(cell)

    def watch(self, account: AccountId, watcher: Watcher) -> None:
        """``watcher()`` is called from the loop whenever the account's mail has changed (or may have)."""
        self._watchers.setdefault(account, []).append(watcher)

    def unwatch(self, account: AccountId, watcher: Watcher) -> None:
        watchers = self._watchers.get(account, [])
        if watcher in watchers:
            watchers.remove(watcher)
        if not watchers:
            self._watchers.pop(account, None)

    def watch_all(self, watcher: Callable[[Moved], object]) -> Callable[[], object]:
        """``watcher`` is told of all that moves, (cell, account, modseq); of nothing: all may have.
        Returns what ends the watch."""
        self._writes.on_moved.append(watcher)
        return lambda: self._writes.on_moved.remove(watcher)

    def _moved(self, moved: Moved) -> None:
        accounts = [account for _, account, _ in moved] if moved else list(self._watchers)
        loop = asyncio.get_running_loop()
        for account in accounts:
            if account in self._watchers and account not in self._woken:
                self._woken.add(account)
                loop.call_soon(self._wake, account)

    def _wake(self, account: AccountId) -> None:
        self._woken.discard(account)
        for watcher in list(self._watchers.get(account, ())):
            watcher()
