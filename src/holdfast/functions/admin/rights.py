"""Operations on rights: tenants, grants, tokens, and what one's own rights are."""

from __future__ import annotations

import base64
import hashlib

from holdfast.functions.admin import shapes as s
from holdfast.functions.admin.call import Call, not_now
from holdfast.functions.admin.cursors import pages_of, position
from holdfast.functions.admin.domains import given
from holdfast.functions.admin.gate import check_last_owner, place_of_grant
from holdfast.functions.admin.permissions import ROLES, Forbidden, Missing, Permission, Place
from holdfast.model.people import AdminRole, ApiToken, Brand, Counts, Grant, Tenant

TOKEN_PREFIX = "hfadm_"
TOKEN_BYTES = 20  # 32 letters of base32


def new_token(random: bytes) -> str:
    """``hfadm_`` and 32 letters of base32 (RFC 4648 §6, in lower case) from 20 random bytes."""
    return TOKEN_PREFIX + base64.b32encode(random).decode().lower()


def token_digest(token: str) -> bytes:
    """What the people ledger knows a token by."""
    return hashlib.sha256(token.encode()).digest()


async def me(call: Call, asked: s.Nothing) -> s.Me:
    account = call.people.account(call.actor.account) if call.actor.account else None
    rights = [
        s.Right(sorted(map(str, power.permissions)), power.tenant, power.domain)
        for power in call.actor.powers
    ]
    return s.Me(call.actor.account, call.actor.by, account.login if account else "", rights)


async def counts(call: Call, asked: s.Nothing) -> Counts:
    return call.people.lists.counts()


async def announce(call: Call, asked: s.Announcement) -> s.Explained:
    return s.Explained(await call.change.announce(asked.count, asked.reason))


# Tenants


async def tenant_list(call: Call, asked: s.TenantListAsked) -> s.Page[Tenant]:
    [after] = position(asked.cursor, 0)
    return pages_of(
        asked.limit,
        lambda at, limit: call.people.tenants(after=at, limit=limit),
        lambda tenant: call.actor.may(Permission.READ, Place(tenant.id)),
        lambda tenant: tenant.id,
        after,
    )


async def tenant_add(call: Call, asked: s.TenantAdd) -> Tenant:
    return await call.change.tenant_add(
        asked.name, accounts_most=asked.accounts_most, once=call.once, why=call.why
    )


async def tenant_show(call: Call, asked: s.TenantAsked) -> Tenant:
    tenant: Tenant = call.found["tenant"]
    return tenant


async def tenant_set(call: Call, asked: s.TenantSet) -> Tenant:
    return await call.change.tenant_set(
        asked.tenant,
        name=given(asked.name, ""),
        brand=given(asked.brand, Brand()),
        once=call.once,
        why=call.why,
    )


async def tenant_limits(call: Call, asked: s.TenantLimits) -> Tenant:
    """What a tenant may have is for those who own more than the tenant."""
    if not call.actor.may(Permission.LIMITS, Place()):
        raise Forbidden("how many accounts a tenant may have is for the provider to say")
    return await call.change.tenant_set(
        asked.tenant, accounts_most=asked.accounts_most, once=call.once, why=call.why
    )


# Grants


async def grant_list(call: Call, asked: s.Nothing) -> s.GrantList:
    """Those for places within one's rights."""
    return s.GrantList(
        [
            grant
            for grant in call.people.grants()
            if call.actor.may(Permission.GRANTS, place_of_grant(call, grant))
        ]
    )


def _grant(call: Call, asked: s.GrantAsked) -> Grant:
    """Checked: what one gives or takes is not beyond what one has (ADMIN-3)."""
    if asked.tenant and asked.domain:
        raise not_now("name a tenant or a domain, not both")
    domain = call.domain.name if asked.domain else ""
    grant = Grant(call.account.id, asked.role, asked.tenant, domain)
    if not call.actor.may_give(grant, place_of_grant(call, grant)):
        raise Forbidden("nobody gives or takes rights beyond his own")
    return grant


async def grant_add(call: Call, asked: s.GrantAsked) -> Grant:
    grant = _grant(call, asked)
    return await call.change.grant_add(
        grant.account, grant.role, tenant=grant.tenant, domain=grant.domain, once=call.once, why=call.why
    )


async def grant_remove(call: Call, asked: s.GrantAsked) -> None:
    grant = _grant(call, asked)
    if grant not in call.people.grants(grant.account):
        raise Missing("this grant")
    if grant.role is AdminRole.OWNER and not grant.tenant and not grant.domain:
        check_last_owner(call, grant.account)
    await call.change.grant_rm(
        grant.account, grant.role, tenant=grant.tenant, domain=grant.domain, once=call.once, why=call.why
    )


# Tokens: one's own


async def token_list(call: Call, asked: s.Nothing) -> s.Page[ApiToken]:
    return s.Page(_own(call))


def _own(call: Call) -> list[ApiToken]:
    return call.people.tokens(call.actor.account) if call.actor.account else []


async def token_add(call: Call, asked: s.TokenAdd) -> s.TokenMade:
    if not call.actor.account:
        raise not_now("a token acts for an account: `holdfast admin token ACCOUNT` makes one")
    if not any(ROLES[asked.role] <= power.permissions for power in call.actor.powers):
        raise Forbidden("a token can't do more than you may")
    token = new_token(call.desk.world.entropy.bytes(TOKEN_BYTES))
    made = await call.change.token_add(
        call.actor.account,
        name=asked.name,
        role=asked.role,
        secret=token,
        networks=asked.networks,
        expires_at=asked.expires_at,
        once=call.once,
        why=call.why,
    )
    return s.TokenMade(made.id, made.name, made.role, made.networks, made.expires_at, token)


async def token_remove(call: Call, asked: s.TokenAsked) -> None:
    if all(each.id != asked.token for each in _own(call)):
        raise Missing(f"token {asked.token}")
    if call.actor.by == f"token:{asked.token}":
        raise not_now("this is the key that you use: end it with another one, or on the pages")
    await call.change.token_rm(asked.token, once=call.once, why=call.why)
