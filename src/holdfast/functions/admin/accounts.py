"""Operations on accounts: their life, their addresses, and how they sign in."""

from __future__ import annotations

from holdfast.directory.history import SignInSeen
from holdfast.functions.admin import shapes as s
from holdfast.functions.admin.call import SETTLE_S, Call, not_now
from holdfast.functions.admin.cursors import cursor, position
from holdfast.functions.admin.domains import given
from holdfast.functions.admin.gate import check_last_owner, check_rank, place_of_address
from holdfast.functions.admin.permissions import Missing, Permission
from holdfast.model.errors import Refused
from holdfast.model.limits import ADMIN_SCAN
from holdfast.model.people import Account, AccountRole, AccountState, AppPassword, Masked, SecondFactor

# Lists


async def account_list(call: Call, asked: s.AccountListAsked) -> s.Page[Account]:
    """In the order they were made; with ``q`` in the order of their addresses.

    One with narrower rights than the whole service gets the pages of each of his domains, one after another.
    """
    if asked.q:
        return _found(call, asked)
    sources = _sources(call, asked)
    number, after = position(asked.cursor, 0, 0)
    accounts: list[Account] = []
    seen = 0
    while number < len(sources) and seen < ADMIN_SCAN:
        tenant, domain = sources[number]
        rows = call.people.lists.accounts(
            domain=domain,
            tenant=tenant,
            customer=asked.customer,
            state=asked.state,
            after=after,
            limit=asked.limit,
        )
        for row in rows:
            after = row.id
            if _is_asked_for(asked, row):
                accounts.append(row)
                if len(accounts) == asked.limit:
                    return s.Page(accounts, cursor(number, after))
        seen += len(rows)
        if len(rows) < asked.limit:
            number, after = number + 1, 0
    return s.Page(accounts, cursor(number, after) if number < len(sources) else "")


def _sources(call: Call, asked: s.AccountListAsked) -> list[tuple[int, str]]:
    """(tenant, domain) of the lists that make up the answer; (0, ''): all there are.

    What the request names was found to be within the asker's rights by the gate.
    """
    if asked.domain or asked.tenant or asked.customer:
        return [(0, asked.domain) if asked.domain else (asked.tenant, "")]
    places = call.actor.places(Permission.READ)
    if places is None:
        return [(0, "")]
    tenants = {place.tenant for place in places if place.tenant}
    named = [place for place in places if place.domain]
    inside = {place for place in named if _tenant_of(call, place.domain) in tenants}
    return [(place.tenant, place.domain) for place in places if place not in inside]


def _is_asked_for(asked: s.AccountListAsked, account: Account) -> bool:
    right_state = not asked.state or account.state == asked.state
    return right_state and (not asked.customer or account.customer == asked.customer)


def _tenant_of(call: Call, domain: str) -> int:
    found = call.desk.domain(domain)
    return found.tenant if found is not None else 0


def _found(call: Call, asked: s.AccountListAsked) -> s.Page[Account]:
    """Accounts by the beginning of any of their addresses."""
    sources = _sources(call, asked)
    number, after = position(asked.cursor, 0, "")
    accounts: list[Account] = []
    seen = 0
    while number < len(sources) and seen < ADMIN_SCAN:
        tenant, domain = sources[number]
        rows = call.people.find_accounts(
            asked.q, tenant=tenant, domain=domain, after=after, limit=asked.limit
        )
        for found in rows:
            after, row = found.address, found.account
            if _is_asked_for(asked, row):
                accounts.append(row)
                if len(accounts) == asked.limit:
                    return s.Page(accounts, cursor(number, after))
        seen += len(rows)
        if len(rows) < asked.limit:
            number, after = number + 1, ""
    return s.Page(accounts, cursor(number, after) if number < len(sources) else "")


# Life


async def account_add(call: Call, asked: s.AccountAdd) -> Account:
    return await call.change.account_add(
        asked.address,
        name=asked.name,
        password=asked.password,
        credential=asked.credential,
        customer=asked.customer,
        external_id=asked.external_id,
        once=call.once,
        why=call.why,
    )


async def account_show(call: Call, asked: s.AccountAsked) -> Account:
    return call.account


async def account_set(call: Call, asked: s.AccountSet) -> Account:
    return await call.change.account_set(
        call.account.id,
        name=given(asked.name, ""),
        role=given(asked.role, AccountRole.NONE),
        customer=given(asked.customer, 0),
        external_id=given(asked.external_id, ""),
        once=call.once,
        why=call.why,
    )


async def account_limits(call: Call, asked: s.AccountLimits) -> Account:
    return await call.change.account_set(
        call.account.id,
        quota_bytes=given(asked.quota_bytes, 0),
        daily_recipients=given(asked.daily_recipients, 0),
        once=call.once,
        why=call.why,
    )


async def state_set(call: Call, asked: s.StateSet) -> Account:
    return await _state(call, asked.state, asked.why)


async def account_remove(call: Call, asked: s.AccountRemove) -> None:
    """Softly: ``account_restore`` undoes it. Refused for an account under legal hold."""
    await _state(call, AccountState.REMOVED, asked.why)


async def account_restore(call: Call, asked: s.AccountAsked) -> Account:
    if call.account.state is not AccountState.REMOVED:
        raise not_now("this account isn't removed")
    return await _state(call, AccountState.ACTIVE, "")


async def _state(call: Call, state: AccountState, why: str) -> Account:
    if state is not AccountState.ACTIVE:
        check_last_owner(call, call.account.id)
    return await call.change.account_set(call.account.id, state=state, once=call.once, why=why or call.why)


async def bulk_state(call: Call, asked: s.BulkState) -> s.BulkOutcome:
    """All or nothing against the guard; then each by itself, and the refused are named."""
    refused: dict[str, str] = {}
    hit: dict[int, str] = {}
    for who in asked.accounts:
        try:
            hit.setdefault(_within(call, who, asked.state).id, who)
        except Refused as error:
            refused[who] = error.text
    made = await call.change.account_state_many(
        hit, asked.state, announced=asked.expected, once=call.once, why=asked.why or call.why
    )
    for who, outcome in zip(hit.values(), made):
        if outcome.reason:
            refused[who] = outcome.text
    changed = sum(outcome.new for outcome in made)
    return s.BulkOutcome(changed, len(asked.accounts) - changed - len(refused), refused)


def _within(call: Call, who: str, state: AccountState) -> Account:
    account = call.desk.account(who)
    if account is None or not call.actor.may(Permission.BULK, place_of_address(call, account.login)):
        raise Missing(f"account {who}")
    check_rank(call, account.id)
    if state is not AccountState.ACTIVE:
        check_last_owner(call, account.id)
    return account


# Addresses


async def address_list(call: Call, asked: s.AccountAsked) -> s.Page[str]:
    return s.Page(call.people.addresses(call.account.id))


async def address_add(call: Call, asked: s.AddressOf) -> s.Page[str]:
    await call.change.address_add(call.account.id, asked.address, once=call.once, why=call.why)
    await call.people.written(SETTLE_S)
    return s.Page(call.people.addresses(call.account.id))


async def address_remove(call: Call, asked: s.AddressOf) -> None:
    if asked.address not in call.people.addresses(call.account.id):
        raise Missing(f"address {asked.address}")
    await call.change.address_rm(asked.address, once=call.once, why=call.why)


async def masked_list(call: Call, asked: s.AccountAsked) -> s.Page[Masked]:
    return s.Page(call.people.masked(call.account.id))


async def masked_set(call: Call, asked: s.MaskedSet) -> Masked:
    """Switches one off or on; they are made by those whom they hide."""
    known = {each.address: each for each in call.people.masked(call.account.id)}
    if asked.address not in known:
        raise Missing(f"address {asked.address}")
    masked = known[asked.address]
    return await call.change.masked_set(
        call.account.id,
        address=masked.address,
        label=masked.label,
        expires_at=masked.expires_at,
        enabled=asked.enabled,
        once=call.once,
        why=call.why,
    )


# Signing in


async def password_set(call: Call, asked: s.PasswordSet) -> Account:
    return await call.change.password_set(
        call.account.id,
        password=asked.password,
        credential=asked.credential,
        sign_out=asked.sign_out,
        once=call.once,
        why=call.why,
    )


async def sign_out(call: Call, asked: s.AccountAsked) -> None:
    await call.change.sign_out(call.account.id, once=call.once, why=call.why)


async def app_password_list(call: Call, asked: s.AccountAsked) -> s.Page[AppPassword]:
    return s.Page(call.people.app_passwords(call.account.id))


async def app_password_remove(call: Call, asked: s.AppPasswordAsked) -> None:
    if all(each.id != asked.app_password for each in call.people.app_passwords(call.account.id)):
        raise Missing(f"app password {asked.app_password}")
    await call.change.app_password_rm(call.account.id, asked.app_password, once=call.once, why=call.why)


async def factor_list(call: Call, asked: s.AccountAsked) -> s.Page[SecondFactor]:
    return s.Page(call.people.factors(call.account.id))


async def factor_remove(call: Call, asked: s.FactorAsked) -> None:
    """A lost phone."""
    if all(each.id != asked.factor for each in call.people.factors(call.account.id)):
        raise Missing(f"factor {asked.factor}")
    await call.change.factor_rm(call.account.id, asked.factor, once=call.once, why=call.why)


async def sign_in_list(call: Call, asked: s.AccountAsked) -> s.Page[SignInSeen]:
    """As far as this machine's processes have noted them; best effort."""
    history = call.desk.history
    return s.Page(await history.read_all(call.account.id) if history is not None else [])
