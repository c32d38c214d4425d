"""The own pages of many customers: those that read alike are made once, and each one's logins are put in when
a page is asked for. So 100,000 cost what their names cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from markupsafe import escape

from holdfast.care.credits.owing import Owing
from holdfast.care.credits.policies import Item
from holdfast.care.customers import AccountRow
from holdfast.care.status.customer import Customers

_MARK = "\ue000{}\ue001"  # of private use: no login has it
_KINDS = (".html", ".json")


class Many:
    """``material``: what makes all of them new when it changes, beside what each is made of."""

    def __init__(self, customers: Customers, material: object) -> None:
        self._customers = customers
        self._material = material
        self._made: dict[object, tuple[bytes, bytes]] = {}  # by what they are made of
        self._of: dict[str, tuple[object, tuple[str, ...]]] = {}
        self._items: dict[int, tuple[tuple[Item, ...], tuple[object, ...]]] = {}

    def __len__(self) -> int:
        return len(self._of)

    def add(
        self, customer: int, accounts: Sequence[AccountRow], language: str, owing: Sequence[Owing]
    ) -> None:
        credited = tuple(
            (each.incident, each.final, each.credit.policy, self._amounts(each.credit.items))
            for each in owing
        )
        cells = tuple(self._customers.of_cell(each.cell) for each in accounts)
        alike = language, cells, credited
        if alike not in self._made:
            marked = [each._replace(login=_MARK.format(place)) for place, each in enumerate(accounts)]
            page, data = self._customers.files(customer, marked, language, owing).values()
            self._made[alike] = page, data
        self._of[self._customers.name(customer)] = alike, tuple(each.login for each in accounts)

    def _amounts(self, items: tuple[Item, ...]) -> tuple[object, ...]:
        """All who are owed the same share their items."""
        if id(items) not in self._items:
            self._items[id(items)] = items, tuple((each.first, each.amount) for each in items)
        return self._items[id(items)][1]

    def versions(self) -> Iterator[tuple[str, object]]:
        """Name and version of each file; data first, since pages lead to it."""
        versions = {alike: hash((alike, self._material)) for alike in self._made}
        for kind in reversed(_KINDS):
            for name, (alike, logins) in self._of.items():
                yield name + kind, (versions[alike], logins)

    def read(self, name: str) -> bytes:
        """Raises ``KeyError``."""
        stem, dot, kind = name.rpartition(".")
        alike, logins = self._of[stem]
        page, data = self._made[alike]
        read = dot + kind == _KINDS[0]
        found = page if read else data
        for place, login in enumerate(logins):
            put = str(escape(login)).encode() if read else msgspec.json.encode(login)[1:-1]
            found = found.replace(_MARK.format(place).encode(), put)
        return found
