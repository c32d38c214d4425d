"""A vantage point asked for what it saw, and what the role ``watch`` makes of that.

VANTAGE-3 what a vantage point doesn't tell, or tells too late, is unknown: neither failing nor well; that it
doesn't is a finding about itself.
VANTAGE-4 each try counts once, however often it is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence

import msgspec

from holdfast.model.errors import Unavailable
from holdfast.model.findings import Finding
from holdfast.model.limits import OWN_LAG_S, VANTAGE_ASK_S, VANTAGE_LATE_S
from holdfast.watch.checking import WELL, Said
from holdfast.watch.depends import Trial
from holdfast.watch.events import VANTAGE_IGNORED
from holdfast.watch.vantage import page
from holdfast.world import World

STEPS = ("answer", "proof", "fresh")

Fetch = Callable[[str, str], Awaitable[tuple[bytes, str]]]
"""Nonce and the question's proof → the answer's body and proof. Raises ``Unavailable``."""


def component(name: str) -> str:
    return f"vantage/{name}"


def trial_of(door: str, name: str) -> str:
    return f"{door}@{name}"


class Asker:
    """``trials``: all that it is to try, by the door's name. ``key``: read each time; blocks, and
    raises ``OSError``."""

    def __init__(
        self, world: World, name: str, key: Callable[[], bytes], fetch: Fetch, trials: Collection[Trial]
    ) -> None:
        self._world = world
        self._name = name
        self._key = key
        self._fetch = fetch
        self._trials = {each.id.partition("@")[0]: each for each in trials}
        self._steps = {each.id: {step.name for step in each.steps} for each in trials}
        self._life, self._number = "", 0  # of the last try that was heard of
        self._heard: dict[str, float] = {}  # door → when its newest try ended (monotonic)
        self._strange: frozenset[str] = frozenset()

    @property
    def tries(self) -> Collection[str]:
        """The trials that ``look`` makes findings of, but for its own."""
        return self._steps.keys()

    async def look(self) -> list[Finding]:
        """What is new, and what is unknown by now; of the vantage point itself at the end. Raises nothing."""
        clock = self._world.clock
        began = clock.monotonic()
        found: list[Finding] = []
        try:
            said, told = await self._ask()
            if told is not None:
                found = list(self._new(told))
                said = self._fresh(told)
        except OSError as error:
            said = Said("unknown", "answer", f"its key can't be read: {error.strerror or error or 'in time'}")
        found += self._late()
        now, took_s = clock.now(), clock.monotonic() - began
        if said.step == "answer" and took_s > VANTAGE_ASK_S + OWN_LAG_S:  # WATCH-8
            said = said._replace(state="unknown")
        own = component(self._name)
        return [*found, Finding(own, "", said.state, said.step, said.text, now, took_s, vantage=self._name)]

    async def _ask(self) -> tuple[Said, page.Page | None]:
        async with asyncio.timeout(VANTAGE_ASK_S):  # its disk may hang
            key = await self._world.offload(self._key)
        nonce = self._world.entropy.token(page.NONCE_LETTERS)
        try:
            body, given = await self._fetch(nonce, page.proof(key, "question", nonce))
        except Unavailable as error:
            return Said("fails", "answer", error.text or "no answer"), None
        if not page.proves(given, key, "answer", nonce, body):
            return Said("fails", "proof", "its answer isn't made with our key, or not for our question"), None
        try:
            told = page.decode(body)
        except msgspec.MsgspecError as error:
            return Said("fails", "proof", f"not understood: {error}"), None
        if told.vantage != self._name:
            return Said("fails", "proof", f"it calls itself {page.text(told.vantage)}"), None
        return WELL, told

    def _new(self, told: page.Page) -> Iterator[Finding]:
        """In the order of time. What the map doesn't know is left out, and said once."""
        now, monotonic = self._world.clock.now(), self._world.clock.monotonic()
        if told.life != self._life:
            self._life, self._number = told.life, 0
        last, strange = self._number, set[str]()
        for each in sorted(told.tried, key=lambda one: one.number):
            trial = self._trials.get(each.door)
            if trial is None or (each.state != "works" and each.step not in self._steps[trial.id]):
                strange.add(f"{each.door} {each.step}".strip())
                continue
            if each.number <= last:
                continue
            self._number = max(self._number, each.number)
            self._heard[each.door] = max(monotonic - each.age_s, self._heard.get(each.door, float("-inf")))
            if each.age_s <= VANTAGE_LATE_S:
                step = each.step if each.state != "works" else ""
                said, at = page.text(each.said), now - each.age_s
                vantage = self._name
                yield Finding(
                    trial.id, trial.function, each.state, step, said, at, each.took_s, vantage=vantage
                )
        if strange - self._strange:
            self._world.journal.emit(
                VANTAGE_IGNORED, vantage=self._name, trials=[page.text(each) for each in sorted(strange)]
            )
        self._strange = frozenset(strange)

    def _fresh(self, told: page.Page) -> Said:
        missing = sorted(self._trials.keys() - {each.door for each in told.tried})
        if missing:
            return Said("degraded", "fresh", f"it says nothing of {', '.join(missing)}")
        if late := self._lates():
            return Said("fails", "fresh", f"it hasn't tried {', '.join(late)} for {VANTAGE_LATE_S:g} s")
        return WELL

    def _lates(self) -> list[str]:
        now = self._world.clock.monotonic()
        return [
            door
            for door in sorted(self._trials)
            if now - self._heard.get(door, float("-inf")) > VANTAGE_LATE_S
        ]

    def _late(self) -> Sequence[Finding]:
        now = self._world.clock.now()
        late = [self._trials[door] for door in self._lates()]
        said = f"{component(self._name)} has said nothing of it for {VANTAGE_LATE_S:g} s"
        return [
            Finding(each.id, each.function, "unknown", "", said, now, 0.0, vantage=self._name)
            for each in late
        ]
