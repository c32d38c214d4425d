"""Whose use of a function passes through a component, by the map: everybody's, or that of accounts in some
cells. Worked out once for a map.

WHOM-1 it is said by each step of each function. A step that uses a part of a cell stands for the same part of
every cell. What else it uses is everybody's, but for cells of which it is known that they take such a step
without: a disk for some cells, the machine of some, the way there.
"""

from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakKeyDictionary

from holdfast.model.errors import ComponentId
from holdfast.model.functions import FUNCTIONS
from holdfast.watch.depends import DependencyMap, Trial, cell_of

Cells = tuple[int, ...]
Hits = dict[str, dict[str, Cells]]  # function → step → cells, () for everybody


def whom(known: DependencyMap, component: ComponentId) -> Hits:
    """By each step that passes through it: the cells whose accounts do so by such a step."""
    one = _OF.get(known)
    if one is None:
        one = _OF[known] = _Whom(known)
    return one.of(component)


class _Whom:
    def __init__(self, known: DependencyMap) -> None:
        self._known = known
        self._parts: dict[str, dict[int, ComponentId]] = {}  # what a cell calls its part → that of each cell
        for each in known.components:
            if (cell := cell_of(each)) is not None:
                self._parts.setdefault(_part(each), {})[cell] = each
        self._cells = frozenset(cell for those in self._parts.values() for cell in those)
        self._trials: dict[str, list[tuple[Trial, int | None]]] = {each: [] for each in FUNCTIONS}
        for trial in known.trials.values():
            if trial.function and trial.at_will:
                self._trials[trial.function].append((trial, _cell(trial)))
        self._shared: dict[tuple[str, ComponentId], frozenset[int]] = {}
        self._found: dict[ComponentId, Hits] = {}

    def of(self, component: ComponentId) -> Hits:
        found = self._found.get(component)
        if found is None:
            hits = {each: self._steps(component, each) for each in FUNCTIONS}
            found = self._found[component] = {each: steps for each, steps in hits.items() if steps}
        return found

    def _steps(self, component: ComponentId, function: str) -> dict[str, Cells]:
        alike = {
            part: frozenset(cell for cell, one in those.items() if component in self._known.closure(one))
            for part, those in self._parts.items()
        }
        found: dict[str, frozenset[int]] = {}
        for trial, _ in self._trials[function]:
            for step in trial.steps:
                for use in step.touches:
                    if cell_of(use) is not None:
                        cells = alike[_part(use)]
                    elif component in self._known.closure(use):
                        cells = self._sharing(use, function)
                    else:
                        continue
                    found[step.name] = found.get(step.name, frozenset()) | cells
        return {
            step: () if cells == self._cells else tuple(sorted(cells))
            for step, cells in found.items()
            if cells or not self._cells
        }

    def _sharing(self, use: ComponentId, function: str) -> frozenset[int]:
        known = self._shared.get((function, use))
        if known is None:
            known = self._shared[function, use] = self._cells - frozenset(self._without(use, function))
        return known

    def _without(self, use: ComponentId, function: str) -> Iterator[int]:
        """Cells whose accounts don't need it."""
        users, names = set(), set()
        for trial, cell in self._trials[function]:
            if by := {step.name for step in trial.steps if use in step.touches}:
                names |= by
                users.add(cell)
        if None not in users:
            for trial, cell in self._trials[function]:
                if cell is not None and cell not in users and names & {step.name for step in trial.steps}:
                    yield cell


def _part(component: ComponentId) -> str:
    return component.partition("/")[2]


def _cell(trial: Trial) -> int | None:
    """The one of its account, as its steps tell; None where they don't tell one."""
    cells = {cell_of(use) for step in trial.steps for use in step.touches} - {None}
    return cells.pop() if len(cells) == 1 else None


_OF: WeakKeyDictionary[DependencyMap, _Whom] = WeakKeyDictionary()
