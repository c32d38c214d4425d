"""Operations on passwords, second factors, grants, tokens, invitations and sealed access."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from holdfast.directory import requests as q
from holdfast.directory.asking import Asking, Said
from holdfast.model.people import (
    Account,
    AdminRole,
    ApiToken,
    AppPassword,
    FactorKind,
    Grant,
    Invitation,
    SealedAccess,
    SecondFactor,
    TenantId,
)


class RightsOperations(Asking):
    async def password_set(
        self,
        account: q.Who,
        *,
        password: str = "",
        credential: str = "",
        asked_at: float = 0.0,
        sign_out: bool = False,
        **said: Unpack[Said],
    ) -> Account:
        """One of both: the password, or its argon2id PHC string. See ``requests.PasswordSet``."""
        request = q.PasswordSet(
            account=account,
            password=password,
            credential=credential,
            asked_at=asked_at,
            sign_out=sign_out,
            **said,
        )
        return await self.ask(request, Account)

    async def sign_out(self, account: q.Who, **said: Unpack[Said]) -> Account:
        """Ends every session of the account that began before, on the web and of mail programs."""
        return await self.ask(q.SignOut(account=account, **said), Account)

    async def app_password_add(
        self,
        account: q.Who,
        name: str,
        secret: str,
        *,
        functions: Sequence[str] = (),
        networks: Sequence[str] = (),
        expires_at: float = 0.0,
        **said: Unpack[Said],
    ) -> AppPassword:
        """``secret``: drawn by who asks, shown once; only its digest is kept."""
        request = q.AppPasswordAdd(
            account=account,
            name=name,
            secret=secret,
            functions=tuple(functions),
            networks=tuple(networks),
            expires_at=expires_at,
            **said,
        )
        return await self.ask(request, AppPassword)

    async def app_password_rm(self, account: q.Who, id: int, **said: Unpack[Said]) -> None:
        await self.ask(q.AppPasswordRemove(account=account, id=id, **said), type(None))

    async def app_passwords(self, account: q.Who) -> list[AppPassword]:
        """Those that are over, too."""
        return await self.ask(q.ListAppPasswords(account=account), list[AppPassword])

    async def factor_add(
        self, account: q.Who, kind: FactorKind, name: str, secret: bytes, **said: Unpack[Said]
    ) -> SecondFactor:
        """``secret``: see ``records.FactorMade``; recovery codes: SHA-256 digests, one after the other."""
        request = q.FactorAdd(account=account, kind=kind, name=name, secret=secret, **said)
        return await self.ask(request, SecondFactor)

    async def factor_rm(self, account: q.Who, id: int, **said: Unpack[Said]) -> None:
        await self.ask(q.FactorRemove(account=account, id=id, **said), type(None))

    async def factors(self, account: q.Who) -> list[SecondFactor]:
        return await self.ask(q.ListFactors(account=account), list[SecondFactor])

    async def recovery_use(
        self, account: q.Who, id: int, digest: bytes, **said: Unpack[Said]
    ) -> SecondFactor:
        """Spends a code. ``Refused(BAD_CREDENTIALS)`` when it is spent already, or never was one."""
        request = q.RecoveryUse(account=account, id=id, digest=digest, **said)
        return await self.ask(request, SecondFactor)

    async def grant_add(
        self,
        account: q.Who,
        role: AdminRole,
        *,
        tenant: TenantId = 0,
        domain: str = "",
        **said: Unpack[Said],
    ) -> Grant:
        """In ``domain``, or all of ``tenant``, or (0 and '') everywhere."""
        request = q.GrantAdd(account=account, role=role, tenant=tenant, domain=domain, **said)
        return await self.ask(request, Grant)

    async def grant_rm(
        self,
        account: q.Who,
        role: AdminRole,
        *,
        tenant: TenantId = 0,
        domain: str = "",
        **said: Unpack[Said],
    ) -> None:
        request = q.GrantRemove(account=account, role=role, tenant=tenant, domain=domain, **said)
        await self.ask(request, type(None))

    async def grants(self, account: q.Who = 0) -> list[Grant]:
        """0: everybody's."""
        return await self.ask(q.ListGrants(account=account), list[Grant])

    async def token_add(
        self,
        account: q.Who,
        name: str,
        role: AdminRole,
        secret: str,
        *,
        networks: Sequence[str] = (),
        expires_at: float = 0.0,
        **said: Unpack[Said],
    ) -> ApiToken:
        """``secret``: drawn by who asks, shown once; only its digest is kept (``digests.secret_digest``)."""
        request = q.TokenAdd(
            account=account,
            name=name,
            role=role,
            secret=secret,
            networks=tuple(networks),
            expires_at=expires_at,
            **said,
        )
        return await self.ask(request, ApiToken)

    async def token_rm(self, id: int, **said: Unpack[Said]) -> None:
        await self.ask(q.TokenRemove(id=id, **said), type(None))

    async def tokens(self, account: q.Who = 0) -> list[ApiToken]:
        """0: everybody's."""
        return await self.ask(q.ListTokens(account=account), list[ApiToken])

    async def invitation_add(
        self,
        domain: str,
        code: str,
        *,
        uses: int = 1,
        expires_at: float = 0.0,
        note: str = "",
        **said: Unpack[Said],
    ) -> Invitation:
        """``code``: drawn by who asks; only its digest is kept."""
        request = q.InvitationAdd(
            domain=domain, code=code, uses=uses, expires_at=expires_at, note=note, **said
        )
        return await self.ask(request, Invitation)

    async def invitation_use(self, code: str, domain: str, **said: Unpack[Said]) -> Invitation:
        """By itself; ``account_add(invitation=code)`` uses it together with the account."""
        return await self.ask(q.InvitationUse(code=code, domain=domain, **said), Invitation)

    async def invitation_rm(self, id: int, **said: Unpack[Said]) -> None:
        await self.ask(q.InvitationRemove(id=id, **said), type(None))

    async def invitations(self, *, domain: str = "") -> list[Invitation]:
        """'': of all domains."""
        return await self.ask(q.ListInvitations(domain=domain), list[Invitation])

    async def access_ask(self, account: q.Who, auditor: q.Who, **said: Unpack[Said]) -> SealedAccess:
        """``why`` is needed: it is the reason that is kept."""
        return await self.ask(q.AccessAsk(account=account, auditor=auditor, **said), SealedAccess)

    async def access_approve(
        self, id: int, approved_by: q.Who, until: float, **said: Unpack[Said]
    ) -> SealedAccess:
        """By another person than the one who asked; ``until``: UTC seconds."""
        request = q.AccessApprove(id=id, approved_by=approved_by, until=until, **said)
        return await self.ask(request, SealedAccess)

    async def access_use(self, id: int, what: str, **said: Unpack[Said]) -> SealedAccess:
        """Puts on record what is looked at, before it is shown. Refused unless approved and not over."""
        return await self.ask(q.AccessUse(id=id, what=what, **said), SealedAccess)

    async def accesses(self, account: q.Who = 0) -> list[SealedAccess]:
        """To one account's mail, or (0) to all."""
        return await self.ask(q.ListAccess(account=account), list[SealedAccess])
