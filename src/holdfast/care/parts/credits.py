"""Computes what is owed while an outage lasts and after it, writes the files for billing, and says so.

What is owed is promised as soon as there is any, and the promise is kept by the file that is written when the
outage is over for good: nobody has to claim anything.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from holdfast.care.affected import digest
from holdfast.care.credits import billing
from holdfast.care.credits.fees import Fee
from holdfast.care.credits.owing import Owed, Owing, is_final, owed
from holdfast.care.credits.policies import Credit, Policy
from holdfast.care.turns import Seen
from holdfast.model.limits import CARE_AFTER_S, CREDIT_LOOK_S, CREDIT_PAUSE_S, CREDIT_TELL_S
from holdfast.pages.texts import Texts
from holdfast.watch.incidents import record as r
from holdfast.watch.incidents.incidents import Incident
from holdfast.world import World

_DAY_S = 86_400.0


class Terms(NamedTuple):
    """``fees``: read anew each time; raises ``OSError``, ``Refused``. ``days``: until a credit is there."""

    policies: Sequence[Policy]
    fees: Callable[[], Mapping[str, Fee]]
    currency: str
    days: int


class CreditsPart:
    """``folder``: ``care``, in which the files for billing are."""

    name = "credits"
    every_s = 5.0

    def __init__(
        self, world: World, folder: str, customers: str, terms: Terms, texts: Texts, language: str
    ) -> None:
        self._world = world
        self._folder = folder
        self._customers = customers
        self._terms = terms
        self._texts = texts
        self._language = language
        self._looked: dict[tuple[int, str], _Look] = {}

    def of(self, contract: str) -> list[Owing]:
        """What is owed to it by now: for each incident, by each policy that gives it something."""
        return [
            Owing(number, look.by_contract[contract], look.owed.final)
            for (number, _), look in list(self._looked.items())  # another thread asks
            if contract in look.by_contract
        ]

    @property
    def stage(self) -> object:
        """Who is owed by which policy, and whether that is in all: what grows with the time is left out."""
        return tuple(
            (key, len(look.by_contract), look.owed.final) for key, look in sorted(self._looked.items())
        )

    async def turn(self, seen: Seen) -> list[r.AnyEntry]:
        found: list[r.AnyEntry] = []
        for incident in seen.incidents:
            if not incident.closed_at or seen.at - incident.closed_at < CARE_AFTER_S:
                for about, policy in enumerate(self._terms.policies, 1):
                    found += await self._looked_at(seen, incident, policy)
                    found += _promised(incident, policy, about, seen.at + self._terms.days * _DAY_S, seen.at)
        return found

    async def _looked_at(self, seen: Seen, incident: Incident, policy: Policy) -> list[r.AnyEntry]:
        key, told = (incident.number, policy.name), incident.credited.get(policy.name)
        last, state = self._looked.get(key), _state(incident, seen.at)
        if (
            last is not None
            and last.state == state
            and (last.owed.final or seen.at - last.owed.at < CREDIT_LOOK_S)
        ):
            return []
        if last is not None and seen.at - last.owed.at < CREDIT_PAUSE_S:
            return []
        terms, path = self._terms, self._customers
        fees = await self._world.offload(terms.fees)
        now = await self._world.offload(
            owed, self._world, path, seen.incidents, incident, policy, fees, seen.at, terms.currency
        )
        entries: list[r.AnyEntry] = []
        if _is_news(told, now):
            entries.append(await self._world.offload(self._written, now))
        self._looked[key] = _Look(state, now, {each.contract.id: each for each in now.credits})
        return entries

    def _written(self, now: Owed) -> r.Credited:
        """For billing, as CSV and as JSON. Blocks; raises ``OSError``."""
        stem = f"credits/incident-{now.incident}-{now.policy.name}"
        data = billing.as_csv(self._texts, self._language, now.credits).encode()
        disk, path = self._world.disk, os.path.join(self._folder, stem)
        disk.make_folder(os.path.dirname(path))
        disk.write_atomic(f"{path}.json", billing.as_json(self._texts, self._language, now))
        disk.write_atomic(f"{path}.csv", data)
        return r.Credited(
            at=now.at,
            incident=now.incident,
            policy=now.policy.name,
            total=now.total,
            contracts=len(now.credits),
            unknown=len(now.unknown),
            final=now.final,
            file=f"{stem}.csv",
            digest=digest(data),
        )


class _Look(NamedTuple):
    """``state``: of the incident, as far as what is owed depends on it."""

    state: object
    owed: Owed
    by_contract: Mapping[str, Credit]


def _state(incident: Incident, now: float) -> object:
    return incident.spans_changed_at, len(incident.opinions), is_final(incident, now), incident.failing


def _is_news(told: r.Credited | None, now: Owed) -> bool:
    if told is None:
        return bool(now.credits or now.unknown)
    same = (told.total, told.contracts, told.unknown) == (now.total, len(now.credits), len(now.unknown))
    return not told.final and (now.final or (not same and now.at - told.at >= CREDIT_TELL_S))


def _promised(
    incident: Incident, policy: Policy, about: int, due: float, now: float
) -> Iterator[r.Promised | r.Kept]:
    """One promise for each policy, ``about`` its place; the record gives it a number."""
    told = incident.credited.get(policy.name)
    if told is None or not told.contracts:
        return
    number = incident.number
    made = [each for each in incident.promises.values() if (each.what, each.about) == ("credit", about)]
    if not made:
        yield r.Promised(
            at=now, incident=number, promise=0, what="credit", due=due, about=about, text=policy.name
        )
    for each in made:
        if told.final and not each.settled:
            yield r.Kept(at=now, incident=number, promise=each.number)
