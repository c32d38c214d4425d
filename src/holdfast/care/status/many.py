"""The own pages of many customers: those that read alike are made once, and each one's logins are put in when
a page is asked for. So 100,000 cost what their names cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from markupsafe import escape

from holdfast.care.credits.owing import Owing
from holdfast.care.credits.policies import Item
from holdfast.care.customers import AccountRow
from holdfast.care.status.customer import Customers

_MARK = "\ue000{}\ue001"  # of private use: no login has it
_KIND = ".html"


class Many:
    """``customers``: by tenant; 0, the provider's own, are always among them. ``material``: what makes all of
    them new when it changes, beside what each is made of."""

    def __init__(self, customers: Mapping[int, Customers], material: object) -> None:
        self._customers = customers
        self._material = material
        self._made: dict[object, bytes] = {}  # by what they are made of
        self._of: dict[str, tuple[object, tuple[str, ...]]] = {}
        self._items: dict[int, tuple[tuple[Item, ...], tuple[object, ...]]] = {}

    def __len__(self) -> int:
        return len(self._of)

    def add(
        self,
        customer: int,
        accounts: Sequence[AccountRow],
        language: str,
        owing: Sequence[Owing],
        tenant: int = 0,
    ) -> None:
        tenant = tenant if tenant in self._customers else 0
        customers = self._customers[tenant]
        credited = tuple(
            (each.incident, each.final, each.credit.policy, self._amounts(each.credit.items))
            for each in owing
        )
        states = tuple(customers.of(each) for each in accounts)
        alike = tenant, language, states, credited
        if alike not in self._made:
            marked = [each._replace(login=_MARK.format(place)) for place, each in enumerate(accounts)]
            made = customers.files(customer, marked, language, owing)
            self._made[alike] = made[customers.name(customer) + _KIND]
        self._of[customers.folder + customers.name(customer)] = alike, tuple(each.login for each in accounts)

    def _amounts(self, items: tuple[Item, ...]) -> tuple[object, ...]:
        """All who are owed the same share their items."""
        if id(items) not in self._items:
            self._items[id(items)] = items, tuple((each.first, each.amount) for each in items)
        return self._items[id(items)][1]

    def versions(self) -> Iterator[tuple[str, object]]:
        """Name and version of each page."""
        versions = {alike: hash((alike, self._material)) for alike in self._made}
        for name, (alike, logins) in self._of.items():
            yield name + _KIND, (versions[alike], logins)

    def read(self, name: str) -> bytes:
        """Raises ``KeyError``."""
        alike, logins = self._of[name.removesuffix(_KIND)]
        page = self._made[alike]
        for place, login in enumerate(logins):
            page = page.replace(_MARK.format(place).encode(), str(escape(login)).encode())
        return page
