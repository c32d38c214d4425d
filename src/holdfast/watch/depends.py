"""The dependency map: what needs what, and which trials pass through which components.

A component is anything that can be at fault by itself: a process, a ledger, a disk, a partner, a name
in the DNS. That one *needs* another means it can't work without it. That one *may break* another means
that its fault, left alone, can put the other at fault too: a spool that grows fills a disk. What a process
*reaches* is more than it needs: it runs on without, and part of its work waits (MAP-3).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import NamedTuple

from holdfast.model.edges import matches, meant
from holdfast.model.errors import ComponentId

_CELL = re.compile(r"cell-(\d+)/")


def cell_of(component: ComponentId) -> int | None:
    """The number of the cell that it is a part of; None for all else."""
    found = _CELL.match(component)
    return int(found[1]) if found else None


class Component(NamedTuple):
    """``odds``: how often it is at fault beside others, 1 for the ordinary."""

    id: ComponentId
    kind: str
    odds: float = 1.0


class Edge(NamedTuple):
    """``what``: what goes over it, or how the one breaks the other, in a word."""

    source: ComponentId
    target: ComponentId
    what: str


class Reaching(NamedTuple):
    """``without``: what it costs when the target is gone; '' when what the process is for can't be done."""

    source: ComponentId
    target: ComponentId
    what: str
    without: str


class Step(NamedTuple):
    """One step of a trial and what it uses at once; what those need is the map's to know.

    ``one_of``: of each of these sets it uses one, and another where that one is known to be gone.
    """

    name: str
    uses: frozenset[ComponentId]
    one_of: tuple[frozenset[ComponentId], ...] = ()

    @property
    def touches(self) -> frozenset[ComponentId]:
        """All that it may use."""
        return self.uses.union(*self.one_of)


class Trial(NamedTuple):
    """Something that can be tried: a canary's transaction, a check of one component, real traffic.

    ``proves``: where it goes well, what it uses works; else it may go well all the same (DIAG-8).
    ``at_will``: it can be tried whenever somebody wants to know; real traffic comes by itself.
    """

    id: str
    function: str
    steps: tuple[Step, ...]
    proves: bool = True
    at_will: bool = True


class DependencyMap:
    """Raises ``ValueError`` for an edge or a step that names what isn't in it."""

    def __init__(
        self,
        components: Iterable[Component],
        needs: Iterable[Edge] = (),
        breaks: Iterable[Edge] = (),
        trials: Iterable[Trial] = (),
        reaches: Iterable[Reaching] = (),
    ) -> None:
        self.components: Mapping[ComponentId, Component] = {each.id: each for each in components}
        self.needs = tuple(needs)
        self.breaks = tuple(breaks)
        self.reaches = tuple(reaches)
        self.trials: Mapping[str, Trial] = {each.id: each for each in trials}
        named = {end for edge in (*self.needs, *self.breaks) for end in edge[:2]}
        named |= {end for reaching in self.reaches for end in reaching[:2]}
        named |= {use for trial in self.trials.values() for step in trial.steps for use in step.touches}
        if strange := sorted(named - self.components.keys()):
            raise ValueError(f"not in the map: {', '.join(strange)}")
        self._closures: dict[ComponentId, frozenset[ComponentId]] = {}
        self._breaking: dict[ComponentId, frozenset[ComponentId]] = {}

    @cached_property
    def _needed(self) -> dict[ComponentId, list[Edge]]:
        return _by_source(self.needs)

    @cached_property
    def _broken(self) -> dict[ComponentId, list[Edge]]:
        return _by_source(self.breaks)

    def closure(self, component: ComponentId) -> frozenset[ComponentId]:
        """It and all it needs, directly or not."""
        found = self._closures.get(component)
        if found is None:
            found = frozenset(_reach(component, self._needed))
            self._closures[component] = found
        return found

    def under(self, uses: Iterable[ComponentId]) -> frozenset[ComponentId]:
        """All that must be well for these to be."""
        return frozenset().union(*(self.closure(each) for each in uses))

    def may_break(self, source: ComponentId, target: ComponentId) -> bool:
        """Whether the one's fault can, by whatever way, become the other's."""
        found = self._breaking.get(source)
        if found is None:
            found = self._breaking[source] = frozenset(_reach(source, self._broken))
        return source != target and target in found

    def meant(self, word: str, process: str = "") -> frozenset[ComponentId]:
        """What a process may mean by what its ``Unavailable`` names; none: a bound was reached (MAP-2).
        Raises ``KeyError`` for a word that nobody registered."""
        patterns = meant(word, process)
        return frozenset(each for each in self.components if any(matches(one, each) for one in patterns))

    @cached_property
    def passing(self) -> dict[ComponentId, set[str]]:
        """Component → the trials that pass through it."""
        found: dict[ComponentId, set[str]] = {}
        for trial in self.trials.values():
            for component in self.under(use for step in trial.steps for use in step.touches):
                found.setdefault(component, set()).add(trial.id)
        return found

    def around(self, trial: str, step: str) -> list[str]:
        """Other trials that pass through what that step uses: the longest of each function and sort first,
        as what they show says most; before them the checks of all that it needs, and of what may break
        that, by which a fault of those is told from its own. Raises ``KeyError`` for an unknown trial."""
        uses = next((each.touches for each in self.trials[trial].steps if each.name == step), frozenset())
        needed = self.under(uses)
        behind = needed | {edge.source for edge in self.breaks if edge.target in needed}
        below = sorted((behind - uses) & self.trials.keys() - {trial})
        found = {id for each in uses for id in self.passing.get(each, ())} - {trial, *below}
        turns: dict[str, int] = {}
        ranked = []
        for id in sorted(found, key=lambda id: (-len(self.trials[id].steps), id)):
            sort = self.trials[id].function or id.rpartition("/")[0]
            turns[sort] = turns.get(sort, 0) + 1
            ranked.append((turns[sort], not self.trials[id].function, id))
        return below + [id for _, _, id in sorted(ranked)]

    def path(self, uses: Iterable[ComponentId], component: ComponentId) -> list[ComponentId]:
        """The shortest way from one of those to the component, both ends named; [] for none."""
        starts = sorted(uses)
        before: dict[ComponentId, ComponentId] = dict.fromkeys(starts, "")
        queue = deque(starts)
        while queue:
            at = queue.popleft()
            if at == component:
                way = [at]
                while before[way[-1]]:
                    way.append(before[way[-1]])
                return way[::-1]
            for edge in self._needed.get(at, ()):
                if edge.target not in before:
                    before[edge.target] = at
                    queue.append(edge.target)
        return []


def _by_source(edges: Iterable[Edge]) -> dict[ComponentId, list[Edge]]:
    found: dict[ComponentId, list[Edge]] = {}
    for edge in edges:
        found.setdefault(edge.source, []).append(edge)
    return found


def _reach(start: ComponentId, edges: Mapping[ComponentId, list[Edge]]) -> set[ComponentId]:
    seen = {start}
    queue = deque([start])
    while queue:
        for edge in edges.get(queue.popleft(), ()):
            if edge.target not in seen:
                seen.add(edge.target)
                queue.append(edge.target)
    return seen
