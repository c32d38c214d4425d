"""What every operation is given: who asks for which, at which desk, and what the gate looked up meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from holdfast.directory.people import People
from holdfast.functions.admin.permissions import Actor, Missing
from holdfast.model.errors import Reason, Refused
from holdfast.model.people import Account, Domain

if TYPE_CHECKING:
    from holdfast.directory.operations import Operations
    from holdfast.functions.admin.desk import Desk
    from holdfast.functions.admin.operation import Operation

SETTLE_S = 1.0  # after a change our own copy may be behind for so long, not longer


@dataclass(slots=True)
class Call:
    """One operation asked for by one person. ``found``: what the gate looked up on the way."""

    desk: Desk
    actor: Actor
    operation: Operation
    once: str = ""
    why: str = ""
    found: dict[str, Any] = field(default_factory=dict)

    @property
    def people(self) -> People:
        return self.desk.people

    @property
    def change(self) -> Operations:
        """The people process, told who asks."""
        return self.desk.changes.acting(self.actor.by)

    @property
    def account(self) -> Account:
        """The account that the operation is about."""
        account: Account = self.found["account"]
        return account

    @property
    def domain(self) -> Domain:
        domain: Domain = self.found["domain"]
        return domain

    def step(self, name: str) -> str:
        """The key of one of several requests that make up the operation."""
        return f"{self.once}#{name}" if self.once else ""


def unless_none(found: Any, what: str) -> Any:
    if found is None:
        raise Missing(what)
    return found


def not_now(text: str) -> Refused:
    return Refused(Reason.NOT_ALLOWED, text)
