"""Quotas: how much an account may hold, and holds. RFC 9425"""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from msgspec import UNSET, UnsetType

from holdfast.wire.jmap.core import Shape, UnsignedInt
from holdfast.wire.jmap.server import Method
from holdfast.wire.jmap.standard import Changes, ChangesResult, Get, Query, QueryChanges

QUOTA: Final = "urn:ietf:params:jmap:quota"

Resource = Literal["count", "octets"]
Scope = Literal["account", "domain", "global"]
Types = list[str]


class Quota(Shape, kw_only=True):
    """RFC 9425 §4.1"""

    id: str
    resource_type: Resource
    used: UnsignedInt
    hard_limit: UnsignedInt
    scope: Scope
    name: str
    types: Types
    warn_limit: UnsignedInt | None = None
    soft_limit: UnsignedInt | None = None
    description: str | None = None


class QuotaChangesResult(ChangesResult, kw_only=True):
    """``updated_properties``: where only these changed of all that is in ``updated``. RFC 9425 §4.3"""

    updated_properties: Types | None = None


class QuotaCondition(Shape, kw_only=True):
    """RFC 9425 §4.4. ``name``: some of its letters; ``type``: one that the quota counts."""

    name: str | UnsetType = UNSET
    scope: Scope | UnsetType = UNSET
    resource_type: Resource | UnsetType = UNSET
    type: str | UnsetType = UNSET


_QUOTA_SORTS = frozenset({"name", "used"})


class QuotaQuery(Query, kw_only=True):
    CONDITION: ClassVar = QuotaCondition
    SORTS: ClassVar = _QUOTA_SORTS


class QuotaQueryChanges(QueryChanges, kw_only=True):
    CONDITION: ClassVar = QuotaCondition
    SORTS: ClassVar = _QUOTA_SORTS


METHODS: Final[dict[str, Method]] = {
    "Quota/get": Method(QUOTA, Get),
    "Quota/changes": Method(QUOTA, Changes),
    "Quota/query": Method(QUOTA, QuotaQuery),
    "Quota/queryChanges": Method(QUOTA, QuotaQueryChanges),
}
