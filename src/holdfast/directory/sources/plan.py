"""What has to change here so that accounts are as a directory outside has them. Decides; asks nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import msgspec

from holdfast.directory.names import name_key
from holdfast.directory.sources.person import Person
from holdfast.model.errors import Refused
from holdfast.model.limits import SOURCE_DAY_S, SOURCE_LEAST, SOURCE_SHARE
from holdfast.model.mail import AccountId
from holdfast.model.people import Account, AccountState


class Kept(msgspec.Struct):
    """What a source remembers between two looks; times are UTC seconds, 0 for never.

    ``disabled``: id there → when it disabled its account: only those are brought back. ``aliases``: id →
    the further addresses that came from there: only those are taken off again. ``refused``: id → why.
    """

    tried_at: float = 0.0
    read_at: float = 0.0
    full_at: float = 0.0
    mark: str = ""
    people: int = 0
    trouble: str = ""
    doubt: str = ""
    disabled: dict[str, float] = msgspec.field(default_factory=dict)
    aliases: dict[str, list[str]] = msgspec.field(default_factory=dict)
    refused: dict[str, str] = msgspec.field(default_factory=dict)


class Change(NamedTuple):
    """``name``: None if it stays."""

    account: Account
    name: str | None
    add: tuple[str, ...]
    drop: tuple[str, ...]


class Plan(msgspec.Struct):
    """``doubt``: why nobody is disabled, though ``leaving`` would be; '' for none."""

    add: list[Person] = msgspec.field(default_factory=list)
    change: list[Change] = msgspec.field(default_factory=list)
    disable: list[Account] = msgspec.field(default_factory=list)
    enable: list[Account] = msgspec.field(default_factory=list)
    refused: dict[str, str] = msgspec.field(default_factory=dict)
    leaving: int = 0
    doubt: str = ""


class Here(NamedTuple):
    """What is known here. ``owner``: whose an address is, 0 for nobody's; ``Refused`` if it can't be."""

    accounts: Mapping[str, Account]
    addresses: Callable[[AccountId], Iterable[str]]
    owner: Callable[[str], AccountId]


def make_plan(
    people: Iterable[Person], here: Here, kept: Kept, *, full: bool, believe: int, now: float
) -> Plan:
    """``full``: who isn't among ``people`` has left. ``believe``: so many may, whatever SOURCE-2 says."""
    plan = Plan()
    seen: set[str] = set()
    leaving: list[Account] = []
    for person in people:
        if person.id in seen:
            plan.refused[person.id] = "there are two of this name"
            continue
        seen.add(person.id)
        account = here.accounts.get(person.id)
        if account is None:
            _newcomer(plan, person, here)
        elif account.state is AccountState.REMOVED:
            plan.refused[person.id] = f"account {account.id} was removed here"
        else:
            _known(plan, person, account, here, kept)
            if person.disabled and account.state is AccountState.ACTIVE:
                leaving.append(account)
            elif (
                not person.disabled and account.state is AccountState.DISABLED and person.id in kept.disabled
            ):
                plan.enable.append(account)
    if full:
        leaving += [
            account
            for id, account in here.accounts.items()
            if id not in seen and account.state is AccountState.ACTIVE
        ]
    plan.leaving = len(leaving)
    plan.doubt = _doubt(leaving, seen, here, kept, full=full, believe=believe, now=now)
    if not plan.doubt:
        plan.disable = leaving
    return plan


def _newcomer(plan: Plan, person: Person, here: Here) -> None:
    if person.disabled:
        return
    if not person.address:
        plan.refused[person.id] = "has no address"
        return
    trouble = _why_not(person.address, 0, here)
    if trouble:
        plan.refused[person.id] = trouble
    else:
        plan.add.append(person)


def _known(plan: Plan, person: Person, account: Account, here: Here, kept: Kept) -> None:
    has = {name_key(each): each for each in here.addresses(account.id)}
    add: list[str] = []
    wanted: set[str] = set()
    for address in (person.address, *person.aliases):
        if not address:
            continue
        trouble = _why_not(address, account.id, here)
        if trouble:
            plan.refused[person.id] = trouble
            continue
        wanted.add(name_key(address))
        if name_key(address) not in has:
            add.append(address)
    login = name_key(account.login)
    given = {name_key(each) for each in kept.aliases.get(person.id, [])}
    drop = [has[key] for key in given if key in has and key not in wanted and key != login]
    name = person.name if person.name and person.name != account.name else None
    if name is not None or add or drop:
        plan.change.append(Change(account, name, tuple(add), tuple(sorted(drop))))


def _why_not(address: str, account: AccountId, here: Here) -> str:
    try:
        owner = here.owner(address)
    except Refused as refused:
        return refused.text
    if owner and owner != account:
        return f"{address} is account {owner}'s"
    return ""


def _doubt(
    leaving: list[Account],
    seen: set[str],
    here: Here,
    kept: Kept,
    *,
    full: bool,
    believe: int,
    now: float,
) -> str:
    """SOURCE-2: far fewer than a day ago, all looks of the day together, are not believed."""
    if not leaving or len(leaving) <= believe:
        return ""
    if full and not seen:
        return f"it has nobody any more; {len(leaving)} accounts would be disabled"
    lately = sum(
        1
        for id, at in kept.disabled.items()
        if at > now - SOURCE_DAY_S
        and (account := here.accounts.get(id)) is not None
        and account.state is AccountState.DISABLED
    )
    active = sum(1 for account in here.accounts.values() if account.state is AccountState.ACTIVE)
    gone = len(leaving) + lately
    if gone >= SOURCE_LEAST and gone > SOURCE_SHARE * (active + lately):
        return f"{gone} of its {active + lately} accounts would be disabled within a day"
    return ""
