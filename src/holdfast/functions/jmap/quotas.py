"""Quota: how much the account's mail may hold, and holds. RFC 9425

There is one where the account has a limit, none where it hasn't. It isn't kept: what it says is its state.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from msgspec import UNSET

from holdfast.functions.jmap.asking import Ask, Describe, Handler
from holdfast.functions.jmap.listed import answered
from holdfast.wire.jmap import quota as shapes
from holdfast.wire.jmap.core import Json, Shape
from holdfast.wire.jmap.errors import MethodError, MethodFault
from holdfast.wire.jmap.filters import matches
from holdfast.wire.jmap.quota import (
    QUOTA,
    Quota,
    QuotaChangesResult,
    QuotaCondition,
    QuotaQuery,
    QuotaQueryChanges,
)
from holdfast.wire.jmap.standard import (
    AddedItem,
    Changes,
    Get,
    GetResult,
    QueryChangesResult,
    QueryResult,
    select,
)

ID: Final = "storage"
_PROPERTIES: Final = frozenset(Quota.__struct_encode_fields__)


def _read(ask: Ask) -> tuple[dict[str, Quota], str]:
    """What there is, and its state. Raises ``Unavailable``."""
    limit = ask.parts.people.quota_of(ask.account.id)
    used = ask.mail().usage().bytes
    quota = Quota(
        id=ID,
        resource_type="octets",
        used=used,
        hard_limit=limit,
        scope="account",
        name=ask.account.login,
        types=["Email"],
    )
    return ({ID: quota} if limit else {}), f"{limit}.{used if limit else 0}"


def _earlier(state: str, now: str) -> tuple[bool, bool]:
    """Whether there was one at a state, and whether its limit was another."""
    limit, _, used = state.partition(".")
    if not (limit.isdecimal() and used.isdecimal()):
        raise MethodError(MethodFault.CANNOT_CALCULATE_CHANGES, "There has been no such state.")
    return limit != "0", limit != now.partition(".")[0]


async def get(ask: Ask, asked: Get) -> GetResult:
    quotas, state = _read(ask)
    shown: dict[str, Json] = {name: _shown(each) for name, each in quotas.items()}
    ids = list(quotas) if asked.ids is None else asked.ids
    found, missing = select(ids, asked.properties, _PROPERTIES, shown.get)
    return GetResult(account_id=ask.account_id, state=state, list=found, not_found=missing)


def _shown(quota: Quota) -> Json:
    return {
        name: getattr(quota, field)
        for name, field in zip(quota.__struct_encode_fields__, quota.__struct_fields__)
    }


async def changes(ask: Ask, asked: Changes) -> QuotaChangesResult:
    quotas, state = _read(ask)
    was, other_limit = _earlier(asked.since_state, state)
    now, same = bool(quotas), asked.since_state == state
    return QuotaChangesResult(
        account_id=ask.account_id,
        old_state=asked.since_state,
        new_state=state,
        has_more_changes=False,
        created=[ID] if now and not was else [],
        updated=[ID] if now and was and not same else [],
        destroyed=[ID] if was and not now else [],
        updated_properties=["used"] if now and was and not same and not other_limit else None,
    )


def _ids(ask: Ask, asked: QuotaQuery | QuotaQueryChanges) -> tuple[list[str], str]:
    quotas, state = _read(ask)
    where = asked.where()
    asked.order()

    def holds(quota: Quota, condition: Shape) -> bool:
        assert isinstance(condition, QuotaCondition)
        return (
            (condition.name is UNSET or condition.name.casefold() in quota.name.casefold())
            and condition.scope in (UNSET, quota.scope)
            and condition.resource_type in (UNSET, quota.resource_type)
            and (condition.type is UNSET or condition.type in quota.types)
        )

    return [name for name, each in quotas.items() if matches(where, partial(holds, each))], state


async def query(ask: Ask, asked: QuotaQuery) -> QueryResult:
    ids, state = _ids(ask, asked)
    return answered(ask, asked, state, ids)


async def query_changes(ask: Ask, asked: QuotaQueryChanges) -> QueryChangesResult:
    """Nothing a quota is filtered by changes but with the quota itself."""
    ids, state = _ids(ask, asked)
    was, _ = _earlier(asked.since_query_state, state)
    same = asked.since_query_state == state
    return QueryChangesResult(
        account_id=ask.account_id,
        old_query_state=asked.since_query_state,
        new_query_state=state,
        removed=[ID] if was and not same else [],
        added=[] if same else [AddedItem(each, index) for index, each in enumerate(ids)],
        total=len(ids) if asked.calculate_total else UNSET,
    )


METHODS: Final = shapes.METHODS
CAPABILITIES: Final[dict[str, Describe]] = {QUOTA: lambda parts, account: {}}
HANDLERS: Final[dict[str, Handler]] = {
    "Quota/get": get,
    "Quota/changes": changes,
    "Quota/query": query,
    "Quota/queryChanges": query_changes,
}
