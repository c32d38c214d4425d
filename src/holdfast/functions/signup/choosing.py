"""Choosing an address: which can be had, which are near to one that can't, and whether a person chose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from holdfast.directory.people import People
from holdfast.functions.signup import names
from holdfast.functions.signup.signups import SignUps
from holdfast.model import canary_pass
from holdfast.model.errors import Unavailable
from holdfast.pages import Visit, Wrong
from holdfast.world import World

SETTLE_S = 1.0
_IDEAS = 4
_SHOWN = "shown"


class Rules(NamedTuple):
    """Who may have an address in which domain, and how much of it.

    ``domains``: to ``open``, ``invitation`` or ``contract``; in their order. ``reserved``: names kept back
    here. ``network_day``, ``contact_year``: accounts (SIGNUP-6). ``minimum_s``: a form that comes back
    sooner is looked at again by its sender. ``canary_key``: by which our canary is known; blocks, and raises
    ``Unavailable``.
    """

    domains: Mapping[str, str]
    reserved: names.Reserved
    name_least: int = 3
    network_day: int = 20
    contact_year: int = 3
    minimum_s: float = 2.0
    canary_key: Callable[[], bytes] = bytes


def rules_of(open_: Iterable[str], invitation: Iterable[str], contract: Iterable[str]) -> dict[str, str]:
    """Each domain's rule; one named twice has the stricter."""
    found = {each.lower(): "open" for each in open_}
    found |= {each.lower(): "invitation" for each in invitation}
    return found | {each.lower(): "contract" for each in contract}


class Choosing:
    def __init__(self, world: World, people: People, signups: SignUps, rules: Rules) -> None:
        self._world = world
        self._people = people
        self._signups = signups
        self._rules = rules

    def domains(self) -> list[str]:
        """Those offered, and ours."""
        found = []
        for name in self._rules.domains:
            domain = self._people.domain(name)
            if domain is not None and not domain.removed_at:
                found.append(domain.name)
        return found

    async def free_address(self, visit: Visit, domains: list[str]) -> tuple[str, float]:
        """With until when it is our canary's, 0 for a visitor's. Raises ``Wrong``: not possible, kept back,
        or somebody's; ``Unavailable`` while nobody can say whether it is the canary's."""
        typed, domain = visit.form.get("name"), visit.form.get("domain") or domains[0]
        if typed.lower().endswith(f"@{domain}"):  # the whole address was typed
            typed = typed[: -len(domain) - 1]
        name = names.plain(typed)
        if domain not in domains:
            raise Wrong("name.domain", "domain")
        if not name:
            raise Wrong("name.none", "name")
        if not names.is_possible(name):
            raise Wrong("name.form", "name")
        if len(name) < self._rules.name_least:
            raise Wrong("name.short", "name", least=self._rules.name_least)
        address = f"{name}@{domain}"
        if await self._signups.holds(address):
            raise Wrong("name.held", "name", address=address)
        canary = await self._canary(visit, address)
        kept_back = name in self._rules.reserved or self._people.reserved(name, domain)
        if kept_back or (canary_pass.is_kept(name) and not canary):
            raise Wrong("name.reserved", "name", address=address)
        if not await self._is_free(address):
            raise Wrong("name.taken", "name", address=address)
        return address, canary

    async def _canary(self, visit: Visit, address: str) -> float:
        """SIGNUP-8"""
        given = visit.form.get("canary")
        if not given:
            return 0.0
        key = await self._world.offload(self._rules.canary_key)
        return canary_pass.until(key, given, address, self._world.clock.now())

    async def _is_free(self, address: str) -> bool:
        """While a change of somebody else's is on its way here, a moment later. Raises ``Unavailable``."""
        try:
            return self._people.is_free(address)
        except Unavailable:
            await self._people.settled(SETTLE_S)
            return self._people.is_free(address)

    async def ideas(self, visit: Visit, domains: list[str]) -> list[str]:
        """Addresses near to the one that can't be had, and free."""
        name = names.plain(visit.form.get("name").partition("@")[0])
        wished = visit.form.get("domain")
        if not names.is_possible(name):
            return []
        numbers = [int(self._world.entropy.uniform(11, 99)) for _ in range(3)]
        others = (f"{name}@{each}" for each in domains if each != wished)
        near = (f"{each}@{wished}" for each in names.ideas(name, numbers) if wished in domains)
        found: list[str] = []
        for address in (*others, *near):
            local, _, domain = address.partition("@")
            kept_back = local in self._rules.reserved or self._people.reserved(local, domain)
            if not kept_back and self._people.is_free(address) and not await self._signups.holds(address):
                found.append(address)
            if len(found) >= _IDEAS:
                break
        return found

    def was_read(self, visit: Visit) -> bool:
        """A person needs a moment for a form; who was quicker is asked to look once more (SIGNUP-6)."""
        sealed = visit.open(_SHOWN, visit.form.get("shown"))
        if sealed is None:
            return self._rules.minimum_s <= 0
        return self._world.clock.now() - float(sealed) >= self._rules.minimum_s

    def shown_at(self, visit: Visit) -> str:
        """When the page was shown first, sealed: a second look doesn't begin the time anew."""
        first = visit.form.get("shown")
        if visit.open(_SHOWN, first) is not None:
            return first
        return visit.seal(_SHOWN, b"%f" % self._world.clock.now())
