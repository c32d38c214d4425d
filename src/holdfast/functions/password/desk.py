"""What every page of self-service is made with, and whom a visitor may act for (PASSWORD-3)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

import msgspec
from starlette.responses import Response

from holdfast.directory.deferred import Deferred, Done, Taken
from holdfast.directory.history import History
from holdfast.directory.operations import Operations
from holdfast.directory.people import People
from holdfast.directory.requests import AnyRequest
from holdfast.directory.sign_in import SignIn
from holdfast.functions.password.letters import Letters
from holdfast.model.errors import Reason, Refused
from holdfast.model.people import Account, AccountState, Contact
from holdfast.pages import Site, Visit
from holdfast.portal.portal import Portal
from holdfast.portal.proofs import Proofs
from holdfast.store import AccountMail, MailStore
from holdfast.world import World

T = TypeVar("T")
FUNCTIONS = ("web", "imap", "pop3", "submission")  # of the sign-in history, by name
SETTLE_S = 1.0
FRESH_S = 15 * 60.0  # what is worth stealing asks for a sign-in not older than this


class Server(NamedTuple):
    """Where a mail program connects. ``how``: ``imap``, ``pop3`` or ``submission``."""

    how: str
    host: str
    port: int
    starttls: bool


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """``undelete_s``, ``undo_s``: how long removed mail, a removed account can be brought back.

    ``url``: the pages as customers reach them. ``country``: of phone numbers written without one.
    """

    servers: tuple[Server, ...] = ()
    url: str = ""
    country: str = ""
    undelete_s: float = 7 * 86_400.0
    undo_s: float = 30 * 86_400.0


class Reach(NamedTuple):
    """Which of our own processes can be reached at this moment."""

    people: bool
    auth: bool
    store: bool


class Desk:
    """``mail``: the handle on the store. ``reach``: asks nobody, tells at once."""

    def __init__(
        self,
        world: World,
        site: Site,
        settings: Settings,
        *,
        people: People,
        operations: Operations,
        deferred: Deferred,
        sign_in: SignIn,
        history: History,
        portal: Portal,
        proofs: Proofs,
        letters: Letters,
        mail: MailStore,
        reach: Callable[[], Reach],
    ) -> None:
        self.world = world
        self.site = site
        self.settings = settings
        self.people = people
        self.operations = operations
        self.deferred = deferred
        self.sign_in = sign_in
        self.history = history
        self.portal = portal
        self.proofs = proofs
        self.letters = letters
        self.mail = mail
        self.reach = reach

    # Pages

    def page(
        self, path: str, handler: Callable[[Visit], Awaitable[Response]], *, fresh: bool = False
    ) -> None:
        """A page for who is signed in; ``fresh``: and was so within FRESH_S."""
        guarded = self.portal.required(handler, fresh_s=FRESH_S if fresh else None)
        self.site.page(path)(guarded)

    def is_fresh(self, visit: Visit) -> bool:
        session = visit.session
        return session is not None and self.world.clock.now() - session.began_at <= FRESH_S

    # Whom it is about

    def own(self, visit: Visit) -> Account:
        """Who is signed in."""
        return self.portal.account(visit)

    def by(self, visit: Visit) -> str:
        """As the audit trail names the visitor."""
        return f"account:{self.own(visit).id}"

    def family(self, account: Account) -> list[Account]:
        """All accounts of the customer, oldest first; removed ones too."""
        return sorted(self.people.customer_accounts(account.customer), key=lambda each: each.id)

    def first(self, account: Account) -> Account:
        """The customer's first account: the one that is as old as he is, or else his oldest."""
        family = self.family(account)
        return family[0] if family else account

    def is_first(self, account: Account) -> bool:
        return self.first(account).id == account.id

    def concerned(self, visit: Visit, number: str) -> Account:
        """The account with this id, if the visitor may act for it; '' is the visitor's own (PASSWORD-3).

        Raises ``Refused(NO_SUCH_USER)`` for all others alike, whether or not there are any.
        """
        own = self.own(visit)
        if number in ("", str(own.id)):
            return own
        found = [each for each in self.family(own) if str(each.id) == number]
        if not found or not self.is_first(own):
            raise Refused(Reason.NO_SUCH_USER, "you have no such account here")
        return found[0]

    def contact(self, account: Account) -> Contact:
        return self.people.contact(account.customer)

    async def mail_of(self, account: Account) -> AccountMail:
        """Raises ``Unavailable`` while the mailbox can't be read."""
        return await self.mail.open_account(account.id, account.cell)

    # Changes

    async def ask(self, request: AnyRequest, answer: type[T]) -> Done[T] | Taken:
        """In effect, or durably taken while the people process is out of reach (PASSWORD-1)."""
        done = await self.deferred.ask(request, answer)
        if isinstance(done, Done):
            await self.people.settled(SETTLE_S)  # the next page shows what was changed
        return done


def is_there(account: Account) -> bool:
    return account.state is not AccountState.REMOVED
