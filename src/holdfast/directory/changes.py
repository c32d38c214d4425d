"""How each request becomes records. The fold itself says whether a record is possible.

Every plan runs within the writer's open transaction: what it adds is folded at once, under the
sequence it will have, so that later requests of the same group see it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from holdfast.directory import records as r
from holdfast.directory import requests as q
from holdfast.directory.copy import Copy
from holdfast.directory.credentials import check_credential, check_password
from holdfast.directory.names import name_key, parse_domain
from holdfast.model.address import parse_address
from holdfast.model.errors import Reason, Refused, Unavailable
from holdfast.model.ledgers import Kind
from holdfast.model.limits import ALIAS_TARGETS, NAME_CHARACTERS, PEOPLE_BATCH, SEPARATOR_CHARACTERS
from holdfast.model.mail import AccountId
from holdfast.model.people import Account, AccountState, Alias, Customer, Domain
from holdfast.packs.words import NewFrame

T = TypeVar("T")

LOCAL_BYTES = 64  # RFC 5321 §4.5.3.1.1


class Draft:
    """What one group of requests adds to the ledger, already in effect in the writer's own tables."""

    __slots__ = ("at", "cells", "copy", "frames", "sequence")

    def __init__(self, copy: Copy, next_sequence: int, at: float, cells: int) -> None:
        self.copy = copy
        self.at = at
        self.cells = cells
        self.frames: list[NewFrame] = []
        self.sequence = next_sequence - 1

    def add(self, record: r.AnyRecord, account: AccountId = 0, cells: tuple[int, ...] = ()) -> int:
        """Its frame's sequence. Raises ``Refused``; then nothing was added."""
        self.copy.fold.apply(self.sequence + 1, record)
        self.sequence += 1
        self.frames.append(NewFrame(Kind.PEOPLE, r.encode_record(record), account, cells))
        return self.sequence

    def take_back(self) -> None:
        """Forgets the last frame, whose effects the caller has undone."""
        self.frames.pop()
        self.sequence -= 1
        self.copy.fold.sequence = self.sequence

    def who(self, who: q.Who) -> AccountId:
        return find(self.copy, who)

    def account(self, account: AccountId) -> Account:
        return self.copy.lists.account(account)


def find(copy: Copy, who: q.Who) -> AccountId:
    """The account's id. Raises ``Refused(NO_SUCH_USER)``."""
    if isinstance(who, int):
        return who
    entry = copy.lookup.entry(name_key(who))
    if entry is None or entry[0] == 0:
        raise Refused(Reason.NO_SUCH_USER, f"{who} is no account's address")
    return entry[0]


def carry_out(draft: Draft, request: q.AnyRequest) -> object:
    """The request's answer, true once the draft is durable. Raises ``Refused``."""
    return _PLANS[type(request)](draft, request)


def _domain_add(draft: Draft, request: q.DomainAdd) -> Domain:
    name = parse_domain(request.name)
    _check_separator(request.separator)
    catch_all = tuple(_clean_targets(request.catch_all))
    existing = draft.copy.lists.domain(name)
    if existing is not None and (existing.separator, existing.catch_all) == (request.separator, catch_all):
        return existing
    draft.add(r.DomainMade(at=draft.at, name=name, separator=request.separator, catch_all=catch_all))
    return _made_domain(draft, name)


def _domain_set(draft: Draft, request: q.DomainSet) -> Domain:
    name = parse_domain(request.name)
    if request.separator is not None:
        _check_separator(request.separator)
    catch_all = None if request.catch_all is None else tuple(_clean_targets(request.catch_all))
    draft.add(r.DomainSet(at=draft.at, name=name, separator=request.separator, catch_all=catch_all))
    return _made_domain(draft, name)


def _made_domain(draft: Draft, name: str) -> Domain:
    domain = draft.copy.lists.domain(name)
    assert domain is not None
    return domain


def _customer_add(draft: Draft, request: q.CustomerAdd) -> Customer:
    _check_name(request.name)
    sequence = draft.add(r.CustomerMade(at=draft.at, name=request.name))
    return Customer(sequence, request.name, draft.at)


def _account_add_many(draft: Draft, request: q.AccountAddMany) -> list[q.Made]:
    def one(account: q.NewAccount) -> q.Made:
        try:
            return q.Made(_account_add(draft, account), True)
        except Refused:
            existing = _existing(draft, account) if request.keep_existing else 0
            if not existing:
                raise
            return q.Made(existing, False)

    return _each(request.accounts, one)


def _each(accounts: Sequence[T], one: Callable[[T], q.Made]) -> list[q.Made]:
    """Each by itself: one that is refused keeps none of the others away."""
    if len(accounts) > PEOPLE_BATCH:
        raise Refused(Reason.TOO_MANY, f"more than {PEOPLE_BATCH} accounts in one request: split it")
    made = []
    for account in accounts:
        try:
            made.append(one(account))
        except Refused as error:
            made.append(q.Made(0, False, error.reason.value, error.text))
    return made


def _account_add(draft: Draft, account: q.NewAccount) -> AccountId:
    _check_local(account.address)
    _check_name(account.name)
    if account.credential:
        check_credential(account.credential)
    elif account.password:
        check_password(account.password)
        _free(draft, account.address)
    cell = draft.copy.fold.least_filled(draft.cells)
    record = r.AccountMade(
        at=draft.at,
        address=account.address,
        cell=cell,
        name=account.name,
        customer=account.customer,
        credential=account.credential,
        role=account.role,
    )
    return draft.add(record, 0, (cell,))


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


def _account_set(draft: Draft, request: q.AccountSet) -> Account:
    id_ = draft.who(request.account)
    if request.state is not None:
        _set_state(draft, id_, request.state)
    if request.name is not None or request.role is not None:
        _check_name(request.name or "")
        draft.add(r.AccountSet(at=draft.at, account=id_, name=request.name, role=request.role), id_)
    return draft.account(id_)


def _account_state_many(draft: Draft, request: q.AccountStateMany) -> list[q.Made]:
    def one(who: q.Who) -> q.Made:
        id_ = draft.who(who)
        return q.Made(id_, _set_state(draft, id_, request.state))

    return _each(request.accounts, one)


def _set_state(draft: Draft, account: AccountId, state: AccountState) -> bool:
    if draft.account(account).state == state:
        return False
    draft.add(r.AccountStateSet(at=draft.at, account=account, state=state), account)
    return True


def _password_set(draft: Draft, request: q.PasswordSet) -> Account:
    """The writer has hashed a plain password before this runs."""
    id_ = draft.who(request.account)
    check_credential(request.credential)
    draft.add(r.CredentialSet(at=draft.at, account=id_, credential=request.credential), id_)
    return draft.account(id_)


def _address_add(draft: Draft, request: q.AddressAdd) -> Account:
    id_ = draft.who(request.account)
    _check_local(request.address)
    entry = draft.copy.lookup.entry(name_key(request.address))
    if entry is None or entry[0] != id_:
        draft.add(r.AddressAdded(at=draft.at, account=id_, address=request.address), id_)
    return draft.account(id_)


def _address_remove(draft: Draft, request: q.AddressRemove) -> None:
    draft.add(r.AddressRemoved(at=draft.at, address=request.address))


def _alias_set(draft: Draft, request: q.AliasSet) -> Alias:
    _check_local(request.address)
    key = name_key(request.address)
    targets = tuple(target for target in _clean_targets(request.targets) if name_key(target) != key)
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


def _alias_remove(draft: Draft, request: q.AliasRemove) -> None:
    draft.add(r.AliasRemoved(at=draft.at, address=request.address))


def _announce(draft: Draft, request: q.Announce) -> int:
    """How many who left are still unexplained."""
    if request.count < 1 or not request.reason.strip():
        raise Refused(Reason.BAD_SYNTAX, "say how many accounts leave, and why")
    draft.add(r.BulkAnnounced(at=draft.at, count=request.count, reason=request.reason))
    return draft.copy.fold.shrinking.unexplained


def _accept_holes(draft: Draft, request: q.AcceptHoles) -> int:
    """How many unreadable frames are given up."""
    holes = draft.copy.fold.holes
    if holes:
        draft.add(r.HolesAccepted(at=draft.at, reason=request.reason))
    return holes


def _check_separator(separator: str) -> None:
    if len(separator) > SEPARATOR_CHARACTERS or any(c.isalnum() or c in '@".' or c <= " " for c in separator):
        raise Refused(
            Reason.BAD_SYNTAX, f"{separator!r} can't separate name and detail: one of + - = or '' for none"
        )


def _check_name(name: str) -> None:
    if len(name) > NAME_CHARACTERS:
        raise Refused(Reason.TOO_LARGE, f"name longer than {NAME_CHARACTERS} characters")


def _check_local(address: str) -> None:
    """What the fold, which reads what others wrote, doesn't insist on."""
    local = address.rpartition("@")[0]
    if len(local.encode("utf-8", "surrogatepass")) > LOCAL_BYTES:
        raise Refused(Reason.BAD_SYNTAX, f"{local!r} is longer than {LOCAL_BYTES} bytes")


def _clean_targets(targets: tuple[str, ...]) -> list[str]:
    """Valid addresses, each once."""
    if len(targets) > ALIAS_TARGETS:
        raise Refused(Reason.TOO_MANY, f"more than {ALIAS_TARGETS} targets: use several aliases")
    return list({name_key(target): target for target in targets}.values())


_PLANS: dict[type, Callable[[Draft, Any], object]] = {
    q.DomainAdd: _domain_add,
    q.DomainSet: _domain_set,
    q.CustomerAdd: _customer_add,
    q.AccountAddMany: _account_add_many,
    q.AccountSet: _account_set,
    q.AccountStateMany: _account_state_many,
    q.PasswordSet: _password_set,
    q.AddressAdd: _address_add,
    q.AddressRemove: _address_remove,
    q.AliasSet: _alias_set,
    q.AliasRemove: _alias_remove,
    q.Announce: _announce,
    q.AcceptHoles: _accept_holes,
}
CHANGES = tuple(_PLANS)
