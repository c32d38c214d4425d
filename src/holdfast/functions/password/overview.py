"""The first page: all accounts of the customer, and what of them doesn't work at present."""

from __future__ import annotations

from typing import NamedTuple

from starlette.responses import Response

from holdfast.directory.history import RIGHT, SignInSeen
from holdfast.functions.password.desk import FUNCTIONS, Desk
from holdfast.model.errors import Unavailable
from holdfast.model.people import Account, AccountState
from holdfast.pages import Visit
from holdfast.store import Usage


class Card(NamedTuple):
    """One account on the page. ``shown``: more than its name; ``usage``: None while it can't be read."""

    account: Account
    own: bool
    shown: bool
    usage: Usage | None
    quota_bytes: int
    last: SignInSeen | None
    app_passwords: int
    factors: list[str]
    undo_until: float


class Overview:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        desk.page("/", self.show)

    async def show(self, visit: Visit) -> Response:
        desk = self._desk
        own = desk.own(visit)
        first, now = desk.is_first(own), desk.world.clock.now()
        cards = [await self._card(account, own, first) for account in desk.family(own)]
        removed = AccountState.REMOVED
        cards = [card for card in cards if card.account.state is not removed or card.undo_until > now]
        reach = desk.reach()
        contact = desk.contact(own)
        said = [("overview.contact.phone", contact.phone), ("overview.contact.address", contact.address)]
        unread = [card.account for card in cards if card.shown and card.usage is None]
        return visit.show(
            "overview.html",
            own=own,
            first=first,
            cards=cards,
            functions=FUNCTIONS,
            contact=contact,
            ways=[visit.say(key) for key, value in said if value],
            trouble=trouble(reach.people, reach.auth, desk.people.doubt),
            unread=unread,
        )

    async def _card(self, account: Account, own: Account, first: bool) -> Card:
        """PASSWORD-3: of the others' doings only the customer's first account sees anything."""
        desk = self._desk
        shown = first or account.id == own.id
        undo_until = account.removed_at + desk.settings.undo_s if account.removed_at else 0.0
        if not shown or account.state is AccountState.REMOVED:
            return Card(account, account.id == own.id, False, None, 0, None, 0, [], undo_until)
        last = next((seen for seen in await desk.history.read_all(account.id) if seen.result == RIGHT), None)
        kinds = {factor.kind.value for factor in desk.people.factors(account.id)}
        return Card(
            account=account,
            own=account.id == own.id,
            shown=True,
            usage=await self._usage(account),
            quota_bytes=desk.people.quota_of(account.id),
            last=last,
            app_passwords=len(desk.people.app_passwords(account.id)),
            factors=sorted(kinds),
            undo_until=undo_until,
        )

    async def _usage(self, account: Account) -> Usage | None:
        """STORE-8 seen from here: what can't be read is not called empty."""
        try:
            return (await self._desk.mail_of(account)).usage()
        except Unavailable:
            return None


def trouble(people: bool, auth: bool, doubt: str) -> list[str]:
    """Texts of what is out of reach; the mailboxes' is said of each by its address."""
    found = []
    if not people:
        found.append("gone.people")
    if not auth:
        found.append("gone.auth")
    if doubt:
        found.append("gone.doubt")
    return found
