"""What a method is given: the process's parts, and one request of one account.

A module of methods holds ``HANDLERS``: by a method's name ``async def handler(ask, arguments) -> result``.
``arguments`` is the struct that the wire's table names, ``result`` whatever encodes as JSON. A handler
raises ``MethodError``, any other ``Refused``, or ``Unavailable``: each becomes the call's error.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from holdfast.functions.jmap.events import CALL, CALL_FAILED, UNAVAILABLE
from holdfast.functions.jmap.query_lists import Lists
from holdfast.model.errors import HASTE, Reason, Refused, Unavailable
from holdfast.model.limits import Limits
from holdfast.model.mail import AccountId
from holdfast.model.people import Account
from holdfast.store import AccountMail, AnyCommand, AnyOutcome, MailStore
from holdfast.wire.jmap.core import Arguments, CoreLimits
from holdfast.wire.jmap.errors import MethodError, MethodFault, method_error
from holdfast.wire.jmap.server import Server
from holdfast.world import World

if TYPE_CHECKING:
    from holdfast.directory.people import People
    from holdfast.flow.intake import Intake
    from holdfast.flow.queue import Fate
    from holdfast.flow.sending import SendingLimits
    from holdfast.functions.jmap.pushes import Pushes
    from holdfast.functions.jmap.uploads import Uploads

Outcome = AnyOutcome | Refused | Unavailable
Fates = Callable[[str, list[str]], "Awaitable[dict[str, Fate]]"]
"""``(entry of the queue, addresses)``; raises ``Unavailable("relay")``."""


@dataclass(slots=True, kw_only=True)
class Parts:
    """Of the process. ``intake``: where mail that is sent becomes durable (the ledger ``jmap-N``).
    ``sending``: how much an account may send, None: as much as it likes. ``mail_limits``: of messages.
    ``fates``: what became of recipients elsewhere, asked of the relay; None: nobody knows."""

    world: World
    store: MailStore
    people: People
    uploads: Uploads
    intake: Intake
    pushes: Pushes
    hostname: str
    limits: CoreLimits
    sending: SendingLimits | None = None
    mail_limits: Limits = field(default_factory=Limits)
    fates: Fates | None = None
    lists: Lists = field(default_factory=Lists)


class Ask:
    """One request of one account, from its first call to its last. ``peer``: whence it came."""

    __slots__ = ("_also", "account", "account_id", "call", "handlers", "parts", "peer", "server")

    def __init__(self, parts: Parts, account: Account, server: Server, peer: str) -> None:
        self.parts = parts
        self.peer = peer
        self.account = account
        self.account_id = name_of(account.id)
        self.server = server
        self.handlers: Mapping[str, Handler] = {}
        self.call = ""  # the method that is carried out
        self._also: list[tuple[str, object]] = []

    def mail(self) -> AccountMail:
        """The account's mail as it is now; ask again after a change. Raises ``Unavailable("cell-…")``."""
        return self.parts.store.account(self.account.id, self.account.cell)

    @property
    def whose(self) -> dict[str, Any]:
        """What every command of the store names: ``Delete(**ask.whose, name=…)``."""
        return {"account": self.account.id, "cell": self.account.cell}

    async def commit(self, commands: Sequence[AnyCommand]) -> list[Outcome]:
        """Durable and in effect when it returns; raises ``Unavailable("store")`` when none was kept."""
        return await self.parts.store.commit(commands)

    def check(self, account_id: str, fault: MethodFault = MethodFault.ACCOUNT_NOT_FOUND) -> None:
        """That the request's own account is meant. ``carry_out`` asks it of each call's ``account_id``."""
        if account_id != self.account_id:
            raise MethodError(fault, f"“{account_id}” is no account of yours.")

    def met(self, error: Refused | Unavailable) -> None:
        """Something out of reach, by a call or a part of one, is said in the journal as well."""
        if isinstance(error, Unavailable) and error.component not in HASTE:
            journal = self.parts.world.journal
            journal.emit(
                UNAVAILABLE,
                path=self.call,
                component=error.component,
                text=error.text,
                peer=self.peer,
                cell=self.account.cell,
            )

    def also(self, name: str, result: object) -> None:
        """One more response, after the one of the call that is carried out. RFC 8620 §3.4"""
        self._also.append((name, result))

    async def implied(self, name: str, arguments: Arguments) -> None:
        """A call that follows from the one that is carried out: its response comes after. RFC 8621 §7.5"""
        try:
            self.also(name, await self.handlers[name](self, arguments))
        except (Refused, Unavailable) as error:
            self.met(error)
            self.also("error", method_error(error))

    def take_also(self) -> list[tuple[str, object]]:
        found, self._also = self._also, []
        return found


async def opened(parts: Parts, account: Account) -> None:
    """An account's first mailboxes are made at its first request; what can't be made now, its calls say."""
    with contextlib.suppress(Unavailable):
        await parts.store.open_account(account.id, account.cell)


Handler = Callable[[Ask, Any], Awaitable[object]]
Describe = Callable[[Parts, Account], object]
"""What the session object says of a capability for one account. RFC 8620 §2 (accountCapabilities)"""


def name_of(account: AccountId) -> str:
    """The id of an account in JMAP."""
    return f"a{account}"


async def carry_out(ask: Ask, handlers: Mapping[str, Handler]) -> None:
    """Every call of the request in its order; what goes wrong in one costs itself (JMAP-1, JMAPD-1)."""
    server, world = ask.server, ask.parts.world
    ask.handlers = handlers
    while (call := server.next_event()) is not None:
        begun, how = world.clock.monotonic(), "ok"
        ask.call = call.name
        try:
            if (account_id := getattr(call.arguments, "account_id", None)) is not None:
                ask.check(account_id)
            server.answer(await handlers[call.name](ask, call.arguments))
        except (Refused, Unavailable) as error:
            ask.take_also()
            ask.met(error)
            server.fail(error)
            how = method_error(error)["type"]
        except Exception as error:
            ask.take_also()
            server.fail(_failed(ask, call.name, error))
            how = MethodFault.SERVER_FAIL.value
        seconds = world.clock.monotonic() - begun
        world.journal.emit(
            CALL,
            account=ask.account.id,
            method=call.name,
            result=how,
            seconds=seconds,
            peer=ask.peer,
            cell=ask.account.cell,
        )
        for name, result in ask.take_also():
            server.also(name, result)


def _failed(ask: Ask, method: str, error: Exception) -> MethodError:
    """JMAPD-1: the client gets a reference and nothing else; the journal has the rest."""
    reference = ask.parts.world.entropy.token(8)
    ask.parts.world.journal.emit(
        CALL_FAILED,
        account=ask.account.id,
        method=method,
        reference=reference,
        error=f"{type(error).__name__}: {error}",
        where="".join(traceback.format_exception(error)[-6:]),
    )
    text = f"An error of ours; its reference is {reference}."
    return MethodError(MethodFault.SERVER_FAIL, text, Reason.UNREADABLE)
