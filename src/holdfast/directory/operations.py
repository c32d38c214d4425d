"""What can be done to people: one method each, the same in the people process and from any other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TypeVar

from holdfast.directory import requests as q
from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import PEOPLE_BATCH, PEOPLE_PAGE
from holdfast.model.mail import AccountId
from holdfast.model.people import (
    Account,
    AccountRole,
    AccountState,
    Alias,
    Counts,
    Customer,
    CustomerId,
    Domain,
)

T = TypeVar("T")


class Operations:
    """All raise ``Refused`` with a text that says what to do, and ``Unavailable("people")``.

    A change is durable when its method returns, and told to every process that follows.
    After ``Unavailable`` it may or may not have happened; asking again does no harm.
    """

    async def ask(self, request: q.AnyRequest, answer: type[T]) -> T:
        raise NotImplementedError

    async def domain_add(self, name: str, *, separator: str = "+", catch_all: Sequence[str] = ()) -> Domain:
        """A domain that exists with these settings is returned as it is."""
        request = q.DomainAdd(name=name, separator=separator, catch_all=tuple(catch_all))
        return await self.ask(request, Domain)

    async def domain_set(
        self, name: str, *, separator: str | None = None, catch_all: Sequence[str] | None = None
    ) -> Domain:
        """What is None stays as it is."""
        targets = None if catch_all is None else tuple(catch_all)
        request = q.DomainSet(name=name, separator=separator, catch_all=targets)
        return await self.ask(request, Domain)

    async def customer_add(self, name: str) -> Customer:
        return await self.ask(q.CustomerAdd(name=name), Customer)

    async def account_add(
        self,
        address: str,
        *,
        name: str = "",
        password: str = "",
        credential: str = "",
        customer: CustomerId = 0,
        role: AccountRole = AccountRole.NONE,
        keep_existing: bool = False,
    ) -> Account:
        """See ``requests.NewAccount``; ``keep_existing``: an account that has the address is returned."""
        new = q.NewAccount(
            address=address, name=name, password=password, credential=credential, customer=customer, role=role
        )
        [made] = await self.account_add_many([new], keep_existing=keep_existing)
        if made.reason:
            raise Refused(Reason(made.reason), made.text)
        return await self.account(made.id)

    async def account_add_many(
        self, accounts: Iterable[q.NewAccount], *, keep_existing: bool = False
    ) -> list[q.Made]:
        """One answer per account, in order; sent in requests of PEOPLE_BATCH."""
        made: list[q.Made] = []
        waiting = iter(accounts)
        while batch := tuple(islice(waiting, PEOPLE_BATCH)):
            request = q.AccountAddMany(accounts=batch, keep_existing=keep_existing)
            made += await self.ask(request, list[q.Made])
        return made

    async def account_set(
        self,
        account: q.Who,
        *,
        name: str | None = None,
        role: AccountRole | None = None,
        state: AccountState | None = None,
    ) -> Account:
        """What is None stays as it is."""
        request = q.AccountSet(account=account, name=name, role=role, state=state)
        return await self.ask(request, Account)

    async def account_rm(self, account: q.Who) -> Account:
        """Softly: mail is kept, ``account_set(state=ACTIVE)`` brings it back; its names stay taken."""
        return await self.account_set(account, state=AccountState.REMOVED)

    async def account_state_many(self, accounts: Iterable[q.Who], state: AccountState) -> list[q.Made]:
        """One answer per account. If many leave, ``announce`` them, or the rest of the world waits."""
        made: list[q.Made] = []
        waiting = iter(accounts)
        while batch := tuple(islice(waiting, PEOPLE_BATCH)):
            made += await self.ask(q.AccountStateMany(accounts=batch, state=state), list[q.Made])
        return made

    async def password_set(self, account: q.Who, *, password: str = "", credential: str = "") -> Account:
        """One of both: the password, or its argon2id PHC string."""
        request = q.PasswordSet(account=account, password=password, credential=credential)
        return await self.ask(request, Account)

    async def address_add(self, account: q.Who, address: str) -> Account:
        """One more address of an account: for its mail, and to sign in with."""
        return await self.ask(q.AddressAdd(account=account, address=address), Account)

    async def address_rm(self, address: str) -> None:
        await self.ask(q.AddressRemove(address=address), type(None))

    async def alias_add(self, address: str, targets: Sequence[str], *, replace: bool = False) -> Alias:
        """An address that leads to others, here or elsewhere."""
        request = q.AliasSet(address=address, targets=tuple(targets), replace=replace)
        return await self.ask(request, Alias)

    async def alias_rm(self, address: str) -> None:
        await self.ask(q.AliasRemove(address=address), type(None))

    async def announce(self, count: int, reason: str) -> int:
        """PEOPLE-4: ``count`` accounts left or will within the hour. Returns how many are unexplained."""
        return await self.ask(q.Announce(count=count, reason=reason), int)

    async def accept_holes(self, reason: str) -> int:
        """PEOPLE-5: unreadable frames are given up. Returns how many."""
        return await self.ask(q.AcceptHoles(reason=reason), int)

    async def account(self, account: q.Who) -> Account:
        return await self.ask(q.ShowAccount(account=account), Account)

    async def addresses(self, account: q.Who) -> list[str]:
        """All addresses of an account."""
        return await self.ask(q.ListAddresses(account=account), list[str])

    async def accounts(
        self, *, domain: str = "", customer: CustomerId = 0, after: AccountId = 0, limit: int = PEOPLE_PAGE
    ) -> list[Account]:
        """One page; the next begins ``after`` its last id."""
        request = q.ListAccounts(domain=domain, customer=customer, after=after, limit=limit)
        return await self.ask(request, list[Account])

    async def aliases(self, domain: str, *, after: str = "", limit: int = PEOPLE_PAGE) -> list[Alias]:
        """One page; the next begins ``after`` its last address."""
        request = q.ListAliases(domain=domain, after=after, limit=limit)
        return await self.ask(request, list[Alias])

    async def domains(self, *, after: int = 0, limit: int = PEOPLE_PAGE) -> list[Domain]:
        return await self.ask(q.ListDomains(after=after, limit=limit), list[Domain])

    async def customers(self, *, after: CustomerId = 0, limit: int = PEOPLE_PAGE) -> list[Customer]:
        return await self.ask(q.ListCustomers(after=after, limit=limit), list[Customer])

    async def counts(self) -> Counts:
        return await self.ask(q.CountAll(), Counts)
