"""What a tenant's customers see: of all that is known what concerns them, with their own numbers.

TENANT-1 a tenant's pages tell of nothing that hits none of its customers, and count no others.
TENANT-2 what isn't known to concern others alone is shown.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import apsw
import msgspec

from holdfast.care import customers
from holdfast.care.affected import Counts, Scope, counted_by_tenant, scopes_during
from holdfast.care.customers import TenantRow
from holdfast.care.status.page import Known, Look
from holdfast.model.people import Brand
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incident, Incidents

_NOT_THEIRS = r.Affected | r.Noticed | r.Credited | r.Reported | r.Reached  # they count all there are
_OF_STRANGERS = "signup"


class Place(NamedTuple):
    """Where a tenant's pages are. ``folder``: below everybody's; ``url``: as customers reach it, with a slash
    at its end, '' where that isn't known."""

    folder: str
    url: str


class Tenant(NamedTuple):
    row: TenantRow
    cells: frozenset[int]


Places = Mapping[int, Place]  # as the configuration has them


def place_of(tenant: int, places: Places, url: str) -> Place:
    """``url``: of everybody's."""
    if tenant in places:
        return places[tenant]
    folder = f"tenant-{tenant}"
    return Place(folder, f"{url}{folder}/" if url else "")


def look_of(tenant: TenantRow, everybody: Look, places: Places) -> Look:
    """What it has no own of is the provider's."""
    theirs = Brand(tenant.shown, tenant.colour, tenant.logo, tenant.support_url, tenant.support_phone)
    url = place_of(tenant.id, places, everybody.url).url
    return everybody._replace(brand=theirs, name=tenant.shown, url=url, of=tenant.id)


class Theirs:
    """What each tenant sees. Counts are looked up once for each state of an incident and of the
    customers."""

    def __init__(self) -> None:
        self._counted: dict[int, tuple[object, dict[int, Counts]]] = {}  # by incident

    def tenants(self, db: apsw.Connection) -> Iterator[Tenant]:
        """Blocks; raises ``apsw.Error``."""
        for row in customers.tenants(db):
            yield Tenant(row, customers.cells_of(db, row.id))

    def known(self, db: apsw.Connection, tenant: Tenant, known: Known) -> Known:
        """Blocks; raises ``apsw.Error``."""
        seen = (self._seen(db, tenant, each) for each in known.incidents)
        return known._replace(
            findings=[each for each in known.findings if each.cell is None or each.cell in tenant.cells],
            incidents=Incidents.of(each for each in seen if each is not None),
        )

    def _seen(self, db: apsw.Connection, tenant: Tenant, incident: Incident) -> Incident | None:
        scopes = scopes_during(incident)
        if not any(
            each == _OF_STRANGERS or scope.cells is None or scope.cells & tenant.cells
            for each, scope in scopes.items()
        ):
            return None
        counts = self._counts(db, tenant, incident, scopes)
        if not counts and _OF_STRANGERS not in scopes:
            return None  # in the same cells, and none of them (AFFECTED-5)
        theirs = copy.copy(incident)
        if incident.affected is not None:
            theirs.affected = msgspec.structs.replace(incident.affected, counts=counts, accounts={})
        theirs.timeline = [each for each in incident.timeline if not isinstance(each, _NOT_THEIRS)]
        theirs.notices, theirs.reached, theirs.credited, theirs.reported = {}, {}, {}, None
        return theirs

    def _counts(
        self, db: apsw.Connection, tenant: Tenant, incident: Incident, scopes: Mapping[str, Scope]
    ) -> Counts:
        state = dict(scopes), incident.ended_at, customers.made(db).sequence
        if incident.number not in self._counted or self._counted[incident.number][0] != state:
            at = incident.ended_at or incident.changed_at
            self._counted[incident.number] = state, counted_by_tenant(db, scopes, at)
        return self._counted[incident.number][1].get(tenant.row.id, {})
