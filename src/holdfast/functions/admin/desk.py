"""The desk: where every operation is carried out, whoever asks and by whichever door.

The API, the pages and the command line call ``Desk.carry_out``; nothing else calls a handler. So there is
one place where rights are looked at, and one where what was done is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from holdfast.directory.names import fold_domain, name_key
from holdfast.directory.people import People
from holdfast.functions.admin.call import SETTLE_S, Call
from holdfast.functions.admin.events import ADMIN_DENIED, ADMIN_DONE
from holdfast.functions.admin.gate import check
from holdfast.functions.admin.operation import Operation
from holdfast.functions.admin.permissions import Actor, Forbidden, Missing
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.people import Account, Domain
from holdfast.world import World

if TYPE_CHECKING:
    from holdfast.directory.audit import AuditTrail
    from holdfast.directory.history import History
    from holdfast.directory.operations import Operations
    from holdfast.functions.admin.hooks import Hooks
    from holdfast.functions.admin.imports import Imports
    from holdfast.store import MailStore


@dataclass(slots=True)
class Desk:
    """``operations``: all there are, by their ids. ``changes``: the people process. The rest is this
    process's own and works without any other."""

    operations: Mapping[str, Operation]
    world: World
    people: People
    changes: Operations
    trail: AuditTrail | None = None
    store: MailStore | None = None
    imports: Imports | None = None
    hooks: Hooks | None = None
    history: History | None = None

    async def carry_out(
        self, actor: Actor, operation: Operation, asked: Any, *, once: str = "", why: str = "", peer: str = ""
    ) -> Any:
        """What the operation gives. Raises ``Forbidden``, ``Missing``, ``Refused``, ``Unavailable``.

        ``once``: see ``requests.Request``; ``peer``: who asks, for the journal.
        """
        call = Call(self, actor, operation, once, why)
        try:
            check(call, asked)
        except (Forbidden, Missing) as error:
            self.world.journal.emit(
                ADMIN_DENIED, by=actor.by, operation=operation.id, peer=peer, reason=error.text
            )
            raise
        if not operation.changes:
            return await operation.handler(call, asked)
        began = self.world.clock.monotonic()
        given = await operation.handler(call, asked)
        await self.people.written(SETTLE_S)  # who changed something reads it back (ADMIN-6)
        seconds = round(self.world.clock.monotonic() - began, 4)
        self.world.journal.emit(ADMIN_DONE, by=actor.by, operation=operation.id, seconds=seconds)
        return given

    async def ask(self, actor: Actor, name: str, *, once: str = "", why: str = "", **fields: Any) -> Any:
        """``carry_out`` by the operation's id and its fields as a page or a command has them.

        Texts stand for numbers and truths where the shape wants those. Raises ``Refused(BAD_SYNTAX)``
        for what doesn't fit the operation's shape.
        """
        operation = self.operations[name]
        try:
            asked = msgspec.convert(fields, operation.asks, strict=False)
        except msgspec.ValidationError as error:
            raise Refused(Reason.BAD_SYNTAX, str(error)) from None
        return await self.carry_out(actor, operation, asked, once=once, why=why)

    # What is there

    def account(self, who: str) -> Account | None:
        """By its number, or any of its addresses, in whatever state it is."""
        if who.isascii() and who.isdigit():
            return self.people.account(int(who)) if len(who) < 16 else None
        try:
            key = name_key(who)
        except Refused:
            return None
        found = self.people.find_accounts(who, limit=1)
        if found and name_key(found[0].address) == key:
            return found[0].account
        self._check_doubt()
        return None

    def domain(self, name: str) -> Domain | None:
        """Removed ones too."""
        try:
            key = fold_domain(name)
        except Refused:
            return None
        found = self.people.lists.domain(key)
        if found is None:
            self._check_doubt()
        return found

    def _check_doubt(self) -> None:
        """A copy that doubts itself says of nothing that it isn't there (PEOPLE-2)."""
        if self.people.doubt:
            raise Unavailable("people", self.people.doubt)
