"""What all sessions of one process share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from weakref import WeakValueDictionary

from holdfast.functions.imap.settings import Settings
from holdfast.functions.imap.view import Readings
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.mail import AccountId
from holdfast.model.people import Account
from holdfast.store.mailstore import MailStore
from holdfast.world import World

_BEFORE = ("IMAP4rev1", "LITERAL+", "SASL-IR", "ID", "ENABLE")
_AFTER = (
    "IMAP4rev1",
    "LITERAL+",
    "ID",
    "ENABLE",
    "IDLE",
    "NAMESPACE",
    "CHILDREN",
    "UNSELECT",
    "UIDPLUS",
    "MOVE",
    "CONDSTORE",
    "QRESYNC",
    "ESEARCH",
    "SEARCHRES",
    "WITHIN",
    "LIST-EXTENDED",
    "LIST-STATUS",
    "STATUS=SIZE",
    "SPECIAL-USE",
    "CREATE-SPECIAL-USE",
    "MULTIAPPEND",
    "BINARY",
    "QUOTA",
    "QUOTA=RES-STORAGE",
)


class Quotas(Protocol):
    """What ``directory.People`` gives."""

    def quota_of(self, account: AccountId) -> int:
        """Bytes, 0 for no limit."""
        ...


class SignIn(Protocol):
    async def check(self, login: str, password: str, *, peer: str, function: str) -> Account: ...


class SignOuts(Protocol):
    """What ``directory.People`` gives: who is to be signed out is told until the watch is ended."""

    def watch_sign_outs(self, watcher: Callable[[AccountId], None]) -> Callable[[], object]: ...


class Knows(Quotas, SignOuts, Protocol):
    """What is asked of the process's copy of the directory."""


class SignedIn(Protocol):
    """A session, as far as it is ended from here."""

    def sign_out(self) -> None: ...


class Serving:
    """``inflight``: bytes of messages that clients are sending now, all connections.

    ``handlers``: type of command → handler (``dispatch.py``); ``respond``: a handler for what a client
    sends within AUTHENTICATE; ``quotas``: how much each account may have, None: nobody has a limit.
    """

    __slots__ = (
        "by_address",
        "handlers",
        "inflight",
        "quotas",
        "readings",
        "respond",
        "search_turns",
        "sessions",
        "settings",
        "sign_in",
        "signed_in",
        "store",
        "turns",
        "world",
    )

    def __init__(
        self,
        world: World,
        settings: Settings,
        sign_in: SignIn,
        store: MailStore,
        handlers: Mapping[type, Callable[..., Any]],
        respond: Callable[..., Any],
        quotas: Quotas | None = None,
    ) -> None:
        self.quotas = quotas
        self.handlers = handlers
        self.respond = respond
        self.world = world
        self.settings = settings
        self.sign_in = sign_in
        self.store = store
        self.inflight = 0
        self.readings = Readings()
        self.sessions = 0
        self.by_address: dict[str, int] = {}
        self.signed_in: dict[AccountId, set[SignedIn]] = {}
        self.turns: WeakValueDictionary[AccountId, asyncio.Lock] = WeakValueDictionary()
        self.search_turns: WeakValueDictionary[AccountId, asyncio.Lock] = WeakValueDictionary()

    def enter(self, account: AccountId, session: SignedIn) -> None:
        self.signed_in.setdefault(account, set()).add(session)

    def exit(self, account: AccountId, session: SignedIn) -> None:
        sessions = self.signed_in.get(account, set())
        sessions.discard(session)
        if not sessions:
            self.signed_in.pop(account, None)

    def turn(self, account: AccountId) -> asyncio.Lock:
        """What the account's sessions hold, one at a time, while they work at a piece of an answer."""
        return self.turns.setdefault(account, asyncio.Lock())

    def search_turn(self, account: AccountId) -> asyncio.Lock:
        """… and while they go on with a search that has more than one piece."""
        return self.search_turns.setdefault(account, asyncio.Lock())

    def sign_out(self, account: AccountId) -> None:
        """BYE to all sessions of the account."""
        for session in list(self.signed_in.get(account, ())):
            session.sign_out()

    def hold(self, size: int) -> bool:
        """Room for a message of ``size`` bytes; False when the process holds too much already (IMAPD-8)."""
        if self.inflight + size > self.settings.limits.inflight_bytes:
            return False
        self.inflight += size
        return True

    def release(self, size: int) -> None:
        self.inflight -= size

    def over_quota(self, account: Account, more: int) -> Refused | None:
        """Why ``more`` bytes don't fit; None when they do. What can't be looked up holds nothing back."""
        if self.quotas is None:
            return None
        try:
            limit = self.quotas.quota_of(account.id)
            used = self.store.account(account.id, account.cell).usage().bytes if limit else 0
        except Unavailable:
            return None
        if not limit or used + more <= limit:
            return None
        return Refused(
            Reason.OVER_QUOTA,
            f"{used // 1024} of {limit // 1024} KiB are in use, and this takes {-(-more // 1024)}:"
            " remove what you don't need (EXPUNGE), or ask for more room",
        )

    def capabilities(self, *, signed_in: bool, tls: bool, private: bool) -> tuple[str, ...]:
        """``tls``: it runs; ``private``: a password may be sent. RFC 3501 §7.2.1."""
        if signed_in:
            return _AFTER
        offered = list(_BEFORE)
        if not tls and self.settings.tls is not None:
            offered.append("STARTTLS")
        if private:
            offered += ["AUTH=PLAIN", "AUTH=LOGIN"]
        else:
            offered.append("LOGINDISABLED")
        return tuple(offered)

    def admit(self, address: str) -> str:
        """Counts a connection in; why it can't be, or ''."""
        limits = self.settings.limits
        if self.sessions >= limits.connections:
            return "Too many connections"
        if self.by_address.get(address, 0) >= limits.connections_per_address:
            return "Too many connections from your address"
        self.sessions += 1
        self.by_address[address] = self.by_address.get(address, 0) + 1
        return ""

    def leave(self, address: str) -> None:
        self.sessions -= 1
        left = self.by_address.get(address, 1) - 1
        if left:
            self.by_address[address] = left
        else:
            self.by_address.pop(address, None)
