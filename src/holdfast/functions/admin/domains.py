"""Operations on domains, aliases, addresses, invitations and reserved names."""

from __future__ import annotations

from typing import Any, TypeVar

from msgspec import UNSET

from holdfast.directory.names import name_key
from holdfast.functions.admin import shapes as s
from holdfast.functions.admin.call import SETTLE_S, Call
from holdfast.functions.admin.cursors import cursor, pages_of, position
from holdfast.functions.admin.gate import place_of_address
from holdfast.functions.admin.permissions import EVERYWHERE, Missing, Permission, Place
from holdfast.model.address import parse_address
from holdfast.model.errors import Reason, Refused
from holdfast.model.people import Alias, Domain, Invitation

T = TypeVar("T")


def given(value: Any, new: T) -> T | None:
    """A field of a change, as ``Operations`` want it: None leaves it; null sets what a new one has."""
    if value is UNSET:
        return None
    return new if value is None else value


async def domain_list(call: Call, asked: s.DomainListAsked) -> s.Page[Domain]:
    [after] = position(asked.cursor, 0)
    return pages_of(
        asked.limit,
        lambda at, limit: call.people.domains(after=at, limit=limit),
        lambda domain: call.actor.may(Permission.READ, Place(domain.tenant, domain.name)),
        lambda domain: domain.id,
        after,
    )


async def domain_add(call: Call, asked: s.DomainAdd) -> Domain:
    known = call.desk.domain(asked.name)
    if known is not None and not call.actor.sees(Place(known.tenant, known.name)):
        raise Refused(Reason.EXISTS, f"{asked.name} can't be added: write to the provider")
    return await call.change.domain_add(
        asked.name,
        separator=asked.separator,
        catch_all=asked.catch_all,
        tenant=asked.tenant,
        once=call.once,
        why=call.why,
    )


async def domain_show(call: Call, asked: s.DomainAsked) -> Domain:
    return call.domain


async def domain_set(call: Call, asked: s.DomainSet) -> Domain:
    """Moving it to another tenant needs rights for both: the gate has seen to it; for none, everywhere."""
    tenant = given(asked.tenant, 0)
    if tenant == 0 and call.domain.tenant and not call.actor.may(Permission.DOMAINS, EVERYWHERE):
        raise Missing("tenant 0")
    return await call.change.domain_set(
        call.domain.name,
        separator=given(asked.separator, "+"),
        catch_all=given(asked.catch_all, ()),
        tenant=tenant,
        once=call.once,
        why=call.why,
    )


async def domain_limits(call: Call, asked: s.DomainLimits) -> Domain:
    return await call.change.domain_set(
        call.domain.name,
        quota_bytes=given(asked.quota_bytes, 0),
        daily_recipients=given(asked.daily_recipients, 0),
        accounts_most=given(asked.accounts_most, 0),
        once=call.once,
        why=call.why,
    )


async def domain_remove(call: Call, asked: s.DomainRemove) -> None:
    """Softly: ``domain_restore`` undoes it."""
    await call.change.domain_rm(call.domain.name, accounts=asked.accounts, once=call.once, why=call.why)


async def domain_restore(call: Call, asked: s.DomainAsked) -> Domain:
    return await call.change.domain_restore(call.domain.name, once=call.once, why=call.why)


# Aliases and addresses


async def alias_list(call: Call, asked: s.AliasListAsked) -> s.Page[Alias]:
    [after] = position(asked.cursor, "")
    found = call.people.lists.aliases(domain=call.domain.name, after=after, limit=asked.limit)
    return s.Page(found, cursor(found[-1].address) if len(found) == asked.limit else "")


async def alias_set(call: Call, asked: s.AliasSet) -> Alias:
    return await call.change.alias_set(
        asked.address, asked.targets, replace=asked.replace, once=call.once, why=call.why
    )


async def alias_remove(call: Call, asked: s.AliasAsked) -> None:
    await call.change.alias_rm(asked.address, once=call.once, why=call.why)


async def address_show(call: Call, asked: s.AddressAsked) -> s.AddressFound:
    """What an address is: the first question of everybody who asks for help."""
    address = parse_address(asked.address)
    reserved = call.people.reserved(address.local, address.domain)
    account = call.desk.account(asked.address)
    if account is not None:
        if not call.actor.may(Permission.READ, place_of_address(call, account.login)):
            raise Missing(f"address {asked.address}")
        masked = any(each.address == asked.address for each in call.people.masked(account.id))
        kind = "masked" if masked else "account"
        return s.AddressFound(asked.address, kind, account.id, str(account.state), (), reserved)
    alias = call.people.lists.alias(name_key(asked.address))
    if alias is not None:
        return s.AddressFound(asked.address, "alias", targets=alias.targets, reserved=reserved)
    kind = "free" if call.people.is_free(asked.address) else "taken"
    return s.AddressFound(asked.address, kind, reserved=reserved)


# Invitations and reserved names


async def invitation_list(call: Call, asked: s.InvitationListAsked) -> s.Page[Invitation]:
    return s.Page(call.people.invitations(call.domain.name))


async def invitation_add(call: Call, asked: s.InvitationAdd) -> s.InvitationMade:
    code = call.desk.world.entropy.token(12)
    made = await call.change.invitation_add(
        call.domain.name,
        code=code,
        uses=asked.uses,
        expires_at=asked.expires_at,
        note=asked.note,
        once=call.once,
        why=call.why,
    )
    return s.InvitationMade(made.id, made.domain, made.uses, made.expires_at, made.note, code)


async def invitation_remove(call: Call, asked: s.InvitationAsked) -> None:
    if all(each.id != asked.invitation for each in call.people.invitations(call.domain.name)):
        raise Missing(f"invitation {asked.invitation}")
    await call.change.invitation_rm(asked.invitation, once=call.once, why=call.why)


async def reserved_list(call: Call, asked: s.ReservedAsked) -> s.Page[str]:
    return s.Page(call.people.reserved_names(asked.domain))


async def reserved_add(call: Call, asked: s.ReserveAsked) -> s.Page[str]:
    await call.change.names_reserve(asked.names, domain=asked.domain, once=call.once, why=call.why)
    await call.people.written(SETTLE_S)
    return s.Page(call.people.reserved_names(asked.domain))


async def reserved_free(call: Call, asked: s.FreeAsked) -> None:
    await call.change.names_reserve(
        (asked.name,), domain=asked.domain, free=True, once=call.once, why=call.why
    )
