"""What one customer is told of all incidents that hit him. Pure.

TELL-7 who has heard all of it from another incident's notice isn't told again.
TELL-8 nothing is said to work again that fails for its reader by another incident.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from holdfast.care.notices.due import NoticeDue, Said
from holdfast.care.notices.recipients import OF_OTHERS, Account, Cells
from holdfast.model.functions import FUNCTIONS
from holdfast.model.limits import NOTICE_HEARD_S

_LIKE_A_FIRST = {"functions", "affected", "again"}  # news that what others have told may hold already


class Other(msgspec.Struct, frozen=True):
    """An incident as it is when a notice of another is laid down. ``over``: it ends in the same round;
    ``silent``: it is open, and nobody was told. ``scopes``: whom it hits, or hit. ``later``: those who were
    told first hadn't heard of it."""

    incident: int
    state: Literal["open", "over", "silent"]
    said: Said
    scopes: dict[str, Cells]
    since: float
    later: bool = False

    def hits(self, accounts: Iterable[Account]) -> tuple[str, ...]:
        """Of its functions those that fail for one of them, or may."""
        mine = list(accounts)
        return tuple(
            each
            for each in FUNCTIONS
            if each in self.scopes
            and each not in OF_OTHERS
            and any(self.scopes[each].has(one) for one in mine)
        )


class Last(NamedTuple):
    """The newest notice that was laid down for a customer."""

    incident: int
    notice: int
    at: float
    own: Other
    others: Sequence[Other]


class Beside(NamedTuple):
    """``others``: what else there is. ``left``: incidents that are over, whose end this one tells to whom it
    hits, too. ``last``: what each customer was told last."""

    others: tuple[Other, ...] = ()
    left: tuple[Other, ...] = ()
    last: Mapping[int, Last] = {}


class Along(NamedTuple):
    """Who isn't told by this notice: that one tells him, or has; ``notice`` 0: that incident's end will."""

    customer: int
    incident: int
    notice: int


class Reading(NamedTuple):
    """What is other for a reader. ``works``: what works again for him, at an end. ``also``: of each other
    incident that hits him what of it fails for him, or works again, and what may fail. ``since``: of the
    first of those whose end this tells. ``tenant``: in whose name."""

    works: tuple[str, ...] = ()
    also: tuple[tuple[int, tuple[str, ...], tuple[str, ...]], ...] = ()
    since: float = 0.0
    tenant: int = 0


def reading(
    accounts: Sequence[Account], own: Said, *, is_over: bool, beside: Beside, tenant: int = 0
) -> Reading:
    """``own``: of the notice; ``is_over``: it tells the end."""
    failing = {each for other in beside.others if other.state != "over" for each in other.hits(accounts)}
    also = []
    for other in beside.others:
        theirs = other.hits(accounts)
        if other.state == "over":
            theirs = tuple(each for each in theirs if each not in failing)
        if other.state != "silent" and theirs:
            unsure = tuple(each for each in theirs if other.scopes[each].uncertain and other.state == "open")
            sure = tuple(each for each in theirs if each not in unsure)
            also.append((other.incident, sure, unsure))
    if not is_over:
        return Reading((), tuple(also), 0.0, tenant)
    works = tuple(each for each in own.functions if each not in failing)
    since = min((each.since for each in beside.left if each.hits(accounts)), default=0.0)
    return Reading(works, tuple(also), since, tenant)


def along(
    customer: int, accounts: Sequence[Account], own: Other, due: NoticeDue | None, beside: Beside, now: float
) -> Along | None:
    """Whether another tells him, or has. ``due``: None for who is hit after it was laid down."""
    last = beside.last.get(customer)
    if last is not None and _told_now(last, own, accounts, now):
        return Along(customer, last.incident, last.notice)
    if due is not None and due.about == "ended":
        if reading(accounts, own.said, is_over=True, beside=beside).works:
            return None
        goes_on = [each for each in beside.others if each.state != "over" and each.hits(accounts)]
        return Along(customer, goes_on[0].incident, 0) if goes_on else None
    if last is None:
        return None
    if not own.hits(accounts) and not _told_of(last, own, accounts):
        return Along(customer, last.incident, last.notice)  # he has never heard of it, and needn't
    if not _may_hold(due, last, now):
        return None
    is_first = due is None or due.about == "opened" or "again" in due.news
    told, true = _parts(last.own, last.others), _parts(own, beside.others)
    holds = all(_holds(_state(each, told), _state(each, true), is_first) for each in accounts)
    return Along(customer, last.incident, last.notice) if holds and accounts else None


def _told_now(last: Last, own: Other, accounts: Sequence[Account], now: float) -> bool:
    """By another's notice of this round."""
    return last.at == now and last.incident != own.incident and _told_of(last, own, accounts)


def _told_of(last: Last, own: Other, accounts: Sequence[Account]) -> bool:
    return last.incident == own.incident or any(
        each.incident == own.incident and each.hits(accounts) for each in last.others
    )


def _may_hold(due: NoticeDue | None, last: Last, now: float) -> bool:
    if due is None or due.about == "opened":
        return True
    if due.about != "update":
        return False
    if due.news == ("still",):
        return now - last.at < NOTICE_HEARD_S
    return set(due.news) <= {*_LIKE_A_FIRST, "estimate"}


class _State(NamedTuple):
    """Of one mailbox: what doesn't work, what may not, and when it will; infinity for not known."""

    sure: frozenset[str]
    unsure: frozenset[str]
    end: float


_Parts = Sequence[tuple[Mapping[str, Cells], float]]


def _parts(own: Other, others: Iterable[Other]) -> _Parts:
    return [(each.scopes, each.said.high or math.inf) for each in (own, *others) if each.state == "open"]


def _state(account: Account, parts: _Parts) -> _State:
    sure: set[str] = set()
    unsure: set[str] = set()
    end = -math.inf
    for scopes, high in parts:
        for function, cells in scopes.items():
            if function not in OF_OTHERS and cells.has(account):
                (unsure if cells.uncertain else sure).add(function)
                end = max(end, high)
    return _State(frozenset(sure), frozenset(unsure), end)


def _holds(told: _State, true: _State, is_first: bool) -> bool:
    """What was told says no less. An end that is expected sooner is news to who knew of it, and none in what
    he hears of for the first time."""
    ends = true.end <= told.end if is_first else true.end == told.end
    return true.sure <= told.sure and true.unsure <= told.sure | told.unsure and ends
