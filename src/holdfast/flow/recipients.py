"""From where an address leads to who gets the message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from holdfast.flow.reception import SaysNo, Transaction
from holdfast.flow.smtp_session import address_text
from holdfast.model.address import Address
from holdfast.model.envelope import LocalRecipient, RemoteRecipient
from holdfast.model.errors import Refused, Unavailable
from holdfast.model.mail import AccountId
from holdfast.model.people import Local, Many, Remote, Route
from holdfast.wire.smtp import replies
from holdfast.wire.smtp.events import Rcpt


class Routes(Protocol):
    """What ``directory.People`` gives: see ``route`` there."""

    def route(self, address: Address, *, sending: bool = False) -> Route: ...


IsFull = Callable[[AccountId], bool]
"""Whether an account is known to have no room left (STORE-12)."""


def nobody_is_full(_: AccountId) -> bool:
    return False


def find(people: Routes, address: Address, *, sending: bool = False) -> Route:
    """As ``People.route``; but postmaster is never unknown where mail is taken (RFC 5321 §4.5.1)."""
    try:
        return people.route(address, sending=sending)
    except Refused:
        if address.local.lower() == "postmaster":
            raise Unavailable("people", "no account has postmaster's mail") from None
        raise


def add(transaction: Transaction, event: Rcpt, route: Route, most: int) -> None:
    """Adds who ``route`` leads to. ``Remote`` is the caller's to allow.

    ``most``: how many one transaction may have after expansion; raises ``SaysNo`` (452) for
    a further recipient that would exceed it, so that the client sends it by itself.
    """
    if type(route) is Local and not transaction.local and not transaction.remote:  # the ordinary case
        account, cell, detail = route
        transaction.local[account] = LocalRecipient(account, cell, address_text(event.address), detail)
        return
    local: dict[int, LocalRecipient] = {}
    remote: dict[str, RemoteRecipient] = {}
    for member in route.routes if isinstance(route, Many) else (route,):
        if isinstance(member, Local):
            if member.account not in transaction.local:
                local[member.account] = LocalRecipient(
                    member.account, member.cell, str(event.address), member.detail
                )
            continue
        address = str(member.address)
        if address not in transaction.remote:
            remote[address] = _remote(event, address, asked=isinstance(member, Remote))
    already = len(transaction.local) + len(transaction.remote)
    if already and already + len(local) + len(remote) > most:
        raise SaysNo(replies.TOO_MANY_RECIPIENTS)
    transaction.local.update(local)
    transaction.remote.update(remote)


def check_room(route: Route, is_full: IsFull) -> None:
    """Raises ``SaysNo`` (452 4.2.2: the sender keeps it and comes again) when all it leads to are full."""
    members = route.routes if isinstance(route, Many) else (route,)
    if all(isinstance(member, Local) and is_full(member.account) for member in members):
        raise SaysNo(replies.MAILBOX_FULL)


def _remote(event: Rcpt, address: str, *, asked: bool) -> RemoteRecipient:
    """An alias keeps the address the sender wrote as the original recipient (RFC 3461 §5.2.7)."""
    notify, orcpt = event.parameters
    if not asked and not orcpt:
        orcpt = f"rfc822;{_xtext(str(event.address))}"
    return RemoteRecipient(address, notify, orcpt)


def _xtext(text: str) -> str:
    """RFC 3461 §4. Addresses outside ASCII stay as they are (RFC 6533 §3)."""
    return "".join(f"+{ord(c):02X}" if c in "+=" or c <= " " or c == "\x7f" else c for c in text)
