"""Operations on accounts and their names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Unpack

from holdfast.directory import requests as q
from holdfast.directory.asking import Asking, Said
from holdfast.directory.plan_accounts import check_announced
from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import PEOPLE_BATCH, PEOPLE_PAGE
from holdfast.model.mail import AccountId
from holdfast.model.people import (
    Account,
    AccountRole,
    AccountState,
    Alias,
    Contact,
    CustomerId,
    Found,
    Masked,
    TenantId,
)


class AccountOperations(Asking):
    async def account_add(
        self,
        address: str,
        *,
        name: str = "",
        password: str = "",
        credential: str = "",
        customer: CustomerId = 0,
        role: AccountRole = AccountRole.NONE,
        quota_bytes: int = 0,
        daily_recipients: int = 0,
        source: str = "",
        external_id: str = "",
        contact: Contact | None = None,
        invitation: str = "",
        keep_existing: bool = False,
        **said: Unpack[Said],
    ) -> Account:
        """See ``requests.NewAccount``; ``keep_existing``: an account that has the address is returned."""
        new = q.NewAccount(
            address=address,
            name=name,
            password=password,
            credential=credential,
            customer=customer,
            role=role,
            quota_bytes=quota_bytes,
            daily_recipients=daily_recipients,
            source=source,
            external_id=external_id,
            contact=contact,
            invitation=invitation,
        )
        request = q.AccountAddMany(accounts=(new,), keep_existing=keep_existing, **said)
        [made] = await self.ask(request, list[q.Made])
        if made.reason:
            raise Refused(Reason(made.reason), made.text)
        return await self.account(made.id)

    async def account_add_many(
        self, accounts: Iterable[q.NewAccount], *, keep_existing: bool = False, **said: Unpack[Said]
    ) -> list[q.Made]:
        """One answer per account, in order; sent in requests of PEOPLE_BATCH."""
        made: list[q.Made] = []
        waiting = iter(accounts)
        while batch := tuple(islice(waiting, PEOPLE_BATCH)):
            request = q.AccountAddMany(
                accounts=batch, keep_existing=keep_existing, **_of_batch(said, len(made))
            )
            made += await self.ask(request, list[q.Made])
        return made

    async def account_set(
        self,
        account: q.Who,
        *,
        name: str | None = None,
        role: AccountRole | None = None,
        state: AccountState | None = None,
        customer: CustomerId | None = None,
        quota_bytes: int | None = None,
        daily_recipients: int | None = None,
        passkey_only: bool | None = None,
        external_id: str | None = None,
        **said: Unpack[Said],
    ) -> Account:
        """What is None stays as it is."""
        request = q.AccountSet(
            account=account,
            name=name,
            role=role,
            state=state,
            customer=customer,
            quota_bytes=quota_bytes,
            daily_recipients=daily_recipients,
            passkey_only=passkey_only,
            external_id=external_id,
            **said,
        )
        return await self.ask(request, Account)

    async def account_rm(self, account: q.Who, **said: Unpack[Said]) -> Account:
        """Softly: mail is kept, ``account_set(state=ACTIVE)`` brings it back; its names stay taken.

        Its tokens and grants end for good. Refused under legal hold.
        """
        return await self.account_set(account, state=AccountState.REMOVED, **said)

    async def account_state_many(
        self,
        accounts: Iterable[q.Who],
        state: AccountState,
        *,
        announced: int | None = None,
        **said: Unpack[Said],
    ) -> list[q.Made]:
        """One answer per account. ``announced``: how many it should hit; refused when it is far more.

        If many leave, ``announce`` them, or the rest of the world waits (PEOPLE-4).
        """
        whole = list(accounts)
        check_announced(len(whole), announced)
        made: list[q.Made] = []
        waiting = iter(whole)
        while batch := tuple(islice(waiting, PEOPLE_BATCH)):
            request = q.AccountStateMany(
                accounts=batch, state=state, announced=announced, **_of_batch(said, len(made))
            )
            made += await self.ask(request, list[q.Made])
        return made

    async def account(self, account: q.Who) -> Account:
        return await self.ask(q.ShowAccount(account=account), Account)

    async def accounts(
        self,
        *,
        domain: str = "",
        customer: CustomerId = 0,
        tenant: TenantId = 0,
        after: AccountId = 0,
        limit: int = PEOPLE_PAGE,
    ) -> list[Account]:
        """One page, all or of one of the three; the next begins ``after`` its last id."""
        request = q.ListAccounts(domain=domain, customer=customer, tenant=tenant, after=after, limit=limit)
        return await self.ask(request, list[Account])

    async def find_accounts(
        self, text: str, *, tenant: TenantId = 0, domain: str = "", after: str = "", limit: int = 100
    ) -> list[Found]:
        """Accounts with an address that begins so; the next page begins ``after`` the last one's address."""
        request = q.FindAccounts(text=text, tenant=tenant, domain=domain, after=after, limit=limit)
        return await self.ask(request, list[Found])

    async def hold_set(self, account: q.Who, on: bool, **said: Unpack[Said]) -> Account:
        """Legal hold begins or ends; ``why`` is needed."""
        return await self.ask(q.HoldSet(account=account, on=on, **said), Account)

    async def address_add(self, account: q.Who, address: str, **said: Unpack[Said]) -> Account:
        """One more address of an account: for its mail, and to sign in with."""
        return await self.ask(q.AddressAdd(account=account, address=address, **said), Account)

    async def address_rm(self, address: str, **said: Unpack[Said]) -> None:
        """Takes no mail any more; only its account may have it again."""
        await self.ask(q.AddressRemove(address=address, **said), type(None))

    async def addresses(self, account: q.Who) -> list[str]:
        """All addresses of an account, masked ones apart."""
        return await self.ask(q.ListAddresses(account=account), list[str])

    async def alias_set(
        self, address: str, targets: Sequence[str], *, replace: bool = False, **said: Unpack[Said]
    ) -> Alias:
        """An address that leads to others, here or elsewhere."""
        request = q.AliasSet(address=address, targets=tuple(targets), replace=replace, **said)
        return await self.ask(request, Alias)

    alias_add = alias_set

    async def alias_rm(self, address: str, **said: Unpack[Said]) -> None:
        await self.ask(q.AliasRemove(address=address, **said), type(None))

    async def aliases(self, domain: str = "", *, after: str = "", limit: int = PEOPLE_PAGE) -> list[Alias]:
        """One page, of a domain or ('') of all; the next begins ``after`` its last address."""
        request = q.ListAliases(domain=domain, after=after, limit=limit)
        return await self.ask(request, list[Alias])

    async def masked_set(
        self,
        account: q.Who,
        address: str = "",
        *,
        domain: str = "",
        label: str = "",
        expires_at: float = 0.0,
        enabled: bool = True,
        **said: Unpack[Said],
    ) -> Masked:
        """Makes a masked address, with a drawn name if ``address`` is '', or changes the account's own."""
        request = q.MaskedSet(
            account=account,
            address=address,
            domain=domain,
            label=label,
            expires_at=expires_at,
            enabled=enabled,
            **said,
        )
        return await self.ask(request, Masked)

    async def masked(self, account: q.Who) -> list[Masked]:
        """Those that are over, too."""
        return await self.ask(q.ListMasked(account=account), list[Masked])


def _of_batch(said: Said, first: int) -> Said:
    """A key of its own for each request that one was split into."""
    once = said.get("once", "")
    return {**said, "once": f"{once}@{first}"} if once else said
