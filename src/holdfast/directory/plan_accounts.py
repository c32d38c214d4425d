"""How requests about accounts and their names become records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from holdfast.directory import records as r
from holdfast.directory import requests as q
from holdfast.directory.credentials import check_credential, check_password
from holdfast.directory.digests import secret_digest
from holdfast.directory.draft import Draft, check_count, check_end, check_name
from holdfast.directory.lookup import CONVENTIONAL
from holdfast.directory.names import name_key, parse_domain, sub_address
from holdfast.directory.plan_domains import clean_contact, clean_targets, contact_record
from holdfast.directory.tables import GIVEN_UP
from holdfast.directory.words import draw_name
from holdfast.model.address import parse_address
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.limits import ANNOUNCED_LEAST, ANNOUNCED_SHARE, MASKED_MOST, PEOPLE_BATCH
from holdfast.model.mail import AccountId
from holdfast.model.people import (
    Account,
    AccountState,
    Alias,
    Contact,
    Domain,
    FactorKind,
    Invitation,
    Masked,
)

T = TypeVar("T")

LOCAL_BYTES = 64  # RFC 5321 §4.5.3.1.1
DRAWS = 50  # of a masked name, until one is free


def account_add_many(draft: Draft, request: q.AccountAddMany) -> list[q.Made]:
    def one(account: q.NewAccount) -> q.Made:
        carried = draft.copy.fold.carried(draft.once) if draft.once else None
        if carried is not None:
            _complete(draft, carried.sequence, account)
            return q.Made(carried.sequence, False)
        try:
            return q.Made(_account_add(draft, account), True)
        except Refused:
            existing = _existing(draft, account) if request.keep_existing else 0
            if not existing:
                raise
            return q.Made(existing, False)

    return _each(draft, request.accounts, one)


def _each(draft: Draft, accounts: Sequence[T], one: Callable[[T], q.Made]) -> list[q.Made]:
    """Each by itself: one that is refused keeps none of the others away."""
    if len(accounts) > PEOPLE_BATCH:
        raise Refused(Reason.TOO_MANY, f"more than {PEOPLE_BATCH} accounts in one request: split it")
    made = []
    once = draft.once
    for number, account in enumerate(accounts):
        draft.once = once and (f"{once}#{number}" if len(accounts) > 1 else once)
        frames = len(draft.frames)
        try:
            made.append(one(account))
        except Refused as error:
            draft.back_to(frames)
            made.append(q.Made(0, False, error.reason.value, error.text))
    return made


def _account_add(draft: Draft, account: q.NewAccount) -> AccountId:
    check_local(account.address)
    for text in (account.name, account.source, account.external_id):
        check_name(text)
    check_count(account.quota_bytes, "a quota")
    check_count(account.daily_recipients, "a limit of recipients")
    if account.credential:
        check_credential(account.credential)
    elif account.password:
        check_password(account.password)
        _free(draft, account.address)
    contact = None if account.contact is None else clean_contact(draft, account.contact)
    domain = name_key(account.address).rpartition("@")[2]
    _check_room(draft, domain)
    invitation = find_invitation(draft, account.invitation, domain) if account.invitation else None
    cell = draft.copy.fold.least_filled(draft.cells)
    made = draft.add(
        r.AccountMade(
            at=draft.at,
            address=account.address,
            cell=cell,
            name=account.name,
            customer=account.customer,
            credential=account.credential,
            role=account.role,
            source=account.source,
            external_id=account.external_id,
            quota_bytes=account.quota_bytes,
            daily_recipients=account.daily_recipients,
            invitation=0 if invitation is None else invitation.id,
        ),
        (cell,),
    )
    if contact is not None:
        _add_contact(draft, contact, account.customer or made)
    return made


def _add_contact(draft: Draft, contact: Contact, customer: int) -> None:
    draft.add(contact_record(draft, msgspec.structs.replace(contact, customer=customer)), last=False)


def _complete(draft: Draft, made: AccountId, account: q.NewAccount) -> None:
    """A crash may have torn the contact from its account, whose key is known."""
    customer = draft.account(made).customer
    if account.contact is not None and not draft.copy.belongings.has_contact(customer):
        _add_contact(draft, clean_contact(draft, account.contact), customer)


def _check_room(draft: Draft, domain: str) -> None:
    fold = draft.copy.fold
    place = fold.place(domain)
    if place.most and place.accounts >= place.most:
        raise Refused(Reason.LIMIT, f"{domain} has its {place.most} accounts: raise its limit first")
    if place.tenant:
        tenant = draft.copy.belongings.tenant(place.tenant)
        if tenant.accounts_most and fold.accounts_of_tenant(tenant.id) >= tenant.accounts_most:
            raise Refused(
                Reason.LIMIT, f"{tenant.name} has its {tenant.accounts_most} accounts: raise its limit first"
            )


def find_invitation(draft: Draft, code: str, domain: str) -> Invitation:
    """Raises ``Refused(NOT_ALLOWED)`` when it is unknown, used up, over, or for another domain."""
    found = draft.copy.belongings.find_invitation(secret_digest(code))
    if found is None or found.domain != domain:
        raise Refused(Reason.NOT_ALLOWED, f"this code is no invitation to {domain}: check how it is written")
    if found.used >= found.uses:
        raise Refused(Reason.NOT_ALLOWED, "this invitation is used up: ask for another one")
    if found.expires_at and found.expires_at <= draft.at:
        raise Refused(Reason.NOT_ALLOWED, "this invitation is over: ask for another one")
    return found


def _free(draft: Draft, address: str) -> None:
    """For an account whose password wasn't hashed, since its name was taken a moment ago."""
    if draft.copy.lookup.entry(name_key(address)) is None:
        raise Unavailable("people", f"{address} was let go meanwhile: ask again", 1.0)


def _existing(draft: Draft, account: q.NewAccount) -> AccountId:
    """The id of an account that isn't removed and has this address, 0 for none."""
    try:
        entry = draft.copy.lookup.entry(name_key(account.address))
    except Refused:
        return 0
    return entry[0] if entry is not None and entry[3] != AccountState.REMOVED else 0


def account_set(draft: Draft, request: q.AccountSet) -> Account:
    """REMOVED comes last: what is removed can't be changed; every other state first."""
    id_ = draft.who(request.account)
    check_name(request.name or "")
    check_name(request.external_id or "")
    check_count(request.quota_bytes, "a quota")
    check_count(request.daily_recipients, "a limit of recipients")
    if request.passkey_only:
        _check_passkey(draft, id_)
    record = r.AccountSet(
        at=draft.at,
        account=id_,
        name=request.name,
        role=request.role,
        customer=request.customer,
        quota_bytes=request.quota_bytes,
        daily_recipients=request.daily_recipients,
        passkey_only=request.passkey_only,
        external_id=request.external_id,
    )
    says_more = record != r.AccountSet(at=draft.at, account=id_)
    removes = request.state == AccountState.REMOVED
    if request.state is not None and not removes:
        _set_state(draft, id_, request.state, last=not says_more)
    if says_more:
        draft.add(record, last=not removes or draft.account(id_).state == AccountState.REMOVED)
    if removes:
        _set_state(draft, id_, AccountState.REMOVED)
    return draft.account(id_)


def _check_passkey(draft: Draft, account: AccountId) -> None:
    if not any(factor.kind is FactorKind.PASSKEY for factor in draft.copy.belongings.factors(account)):
        raise Refused(Reason.NOT_ALLOWED, "it has no passkey, and nobody could sign in: add a passkey first")


def account_state_many(draft: Draft, request: q.AccountStateMany) -> list[q.Made]:
    check_announced(len(request.accounts), request.announced)

    def one(who: q.Who) -> q.Made:
        id_ = draft.who(who)
        return q.Made(id_, _set_state(draft, id_, request.state))

    return _each(draft, request.accounts, one)


def check_announced(hits: int, announced: int | None) -> None:
    """The guard of bulk operations: refuses one that hits far more accounts than announced."""
    if announced is None:
        return
    if hits > announced + max(ANNOUNCED_LEAST, ANNOUNCED_SHARE * announced):
        raise Refused(
            Reason.NOT_ALLOWED,
            f"this would hit {hits} accounts, announced were {announced}: look at the list again,"
            " or announce that number",
        )


def _set_state(draft: Draft, account: AccountId, state: AccountState, *, last: bool = True) -> bool:
    if draft.account(account).state == state:
        return False
    draft.add(r.AccountStateSet(at=draft.at, account=account, state=state), last=last)
    return True


def password_set(draft: Draft, request: q.PasswordSet) -> Account:
    """The writer has hashed a plain password before this runs."""
    id_ = draft.who(request.account)
    check_credential(request.credential)
    if request.asked_at and draft.copy.belongings.credential_at(id_) > request.asked_at:
        raise Refused(
            Reason.NOT_ALLOWED, "the password was set again after this was asked for: the later one holds"
        )
    if request.sign_out:
        draft.add(r.SignedOut(at=draft.at, account=id_), last=False)
    asked_at = request.asked_at if request.asked_at < draft.at else 0.0
    draft.add(r.CredentialSet(at=draft.at, account=id_, credential=request.credential, asked_at=asked_at))
    return draft.account(id_)


def sign_out(draft: Draft, request: q.SignOut) -> Account:
    id_ = draft.who(request.account)
    draft.add(r.SignedOut(at=draft.at, account=id_))
    return draft.account(id_)


def hold_set(draft: Draft, request: q.HoldSet) -> Account:
    draft.need_why()
    id_ = draft.who(request.account)
    if draft.account(id_).held != request.on:
        draft.add(r.HoldSet(at=draft.at, account=id_, on=request.on))
    return draft.account(id_)


def address_add(draft: Draft, request: q.AddressAdd) -> Account:
    id_ = draft.who(request.account)
    check_local(request.address)
    entry = draft.copy.lookup.entry(name_key(request.address))
    if entry is None or entry[0] != id_ or entry[5] == GIVEN_UP:
        draft.add(r.AddressAdded(at=draft.at, account=id_, address=request.address))
    return draft.account(id_)


def address_remove(draft: Draft, request: q.AddressRemove) -> None:
    """PEOPLE-6: nobody else gets it."""
    draft.add(r.AddressRemoved(at=draft.at, address=request.address, kept=True))


def alias_set(draft: Draft, request: q.AliasSet) -> Alias:
    check_local(request.address)
    key = name_key(request.address)
    targets = tuple(target for target in clean_targets(request.targets) if name_key(target) != key)
    if not targets:
        raise Refused(Reason.BAD_SYNTAX, f"{request.address} would lead nowhere: name at least one address")
    existing = draft.copy.lists.alias(key)
    alias = Alias(request.address, targets)
    if existing is not None and existing.targets == targets:
        return existing
    if existing is not None and not request.replace:
        raise Refused(
            Reason.EXISTS, f"{request.address} leads to {', '.join(existing.targets)} already: ask to replace"
        )
    with draft.copy.savepoint() as savepoint:
        draft.add(r.AliasSet(at=draft.at, address=request.address, targets=targets))
        try:
            draft.copy.lookup.expand(parse_address(request.address))
        except (Refused, Unavailable) as error:
            savepoint.undo()
            draft.take_back()
            if isinstance(error, Unavailable):
                raise Refused(Reason.LIMIT, error.text) from error
            raise Refused(error.reason, f"{request.address} would lead to nobody: {error.text}") from error
    return alias


def alias_remove(draft: Draft, request: q.AliasRemove) -> None:
    draft.add(r.AliasRemoved(at=draft.at, address=request.address))


def masked_set(draft: Draft, request: q.MaskedSet) -> Masked:
    id_ = draft.who(request.account)
    check_name(request.label)
    belongings = draft.copy.belongings
    existing = belongings.masked_by(key=name_key(request.address)) if request.address else None
    if existing is None or existing.account != id_:
        check_end(draft, request.expires_at)
        if len(belongings.masked(id_)) >= MASKED_MOST:
            raise Refused(
                Reason.LIMIT, f"there are {MASKED_MOST} masked addresses already: use one of them again"
            )
        if request.address:
            address = _wanted_name(draft, id_, request.address)
        else:
            address = _drawn_name(draft, id_, request.domain)
    else:
        address = existing.address
    draft.add(
        r.MaskedSet(
            at=draft.at,
            address=address,
            account=id_,
            label=request.label,
            expires_at=request.expires_at,
            enabled=request.enabled,
        )
    )
    made = belongings.masked_by(key=name_key(address))
    assert made is not None
    return made


def _wanted_name(draft: Draft, account: AccountId, address: str) -> str:
    """A name somebody chose: not the provider's, and not one that reads as another's with a detail."""
    check_local(address)
    local, _, name = name_key(address).rpartition("@")
    domain = _mask_domain(draft, account, name)
    if draft.copy.belongings.reserved(local, name) or local in CONVENTIONAL:
        raise Refused(Reason.NOT_ALLOWED, f"{address} is reserved: choose another name")
    if sub_address(local, domain.separator)[1]:
        raise Refused(
            Reason.NOT_ALLOWED,
            f"{address} reads as a name with a detail: leave out {domain.separator!r}",
        )
    return address


def _drawn_name(draft: Draft, account: AccountId, domain: str) -> str:
    there = _mask_domain(draft, account, parse_domain(domain) if domain else "")
    for _ in range(DRAWS):
        address = f"{draw_name(draft.entropy)}@{there.name}"
        if draft.copy.lookup.entry(address) is None:
            return address
    raise Unavailable("people", "no free name was drawn: ask again", 1.0)


def _mask_domain(draft: Draft, account: AccountId, name: str) -> Domain:
    """The account's own domain, or another of its tenant's."""
    home = draft.copy.belongings.domain_of(account)
    there = draft.domain(name) if name else home
    if there.removed_at or there.tenant != home.tenant:
        raise Refused(Reason.NOT_ALLOWED, f"no masked addresses in {there.name}: choose another domain")
    return there


def check_local(address: str) -> None:
    """What the fold, which reads what others wrote, doesn't insist on."""
    local = address.rpartition("@")[0]
    if len(local.encode("utf-8", "surrogatepass")) > LOCAL_BYTES:
        raise Refused(Reason.BAD_SYNTAX, f"{local!r} is longer than {LOCAL_BYTES} bytes")
