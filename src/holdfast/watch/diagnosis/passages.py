"""Which steps of trials pass through which components: worked out once for a map, for all diagnoses.

Steps are numbered, and a set of them is an integer with their bits: what two components share is one
operation, however many steps there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple
from weakref import WeakKeyDictionary

from holdfast.model.errors import ComponentId
from holdfast.watch.depends import DependencyMap, Step

Steps = int  # a set of them

Group = tuple[frozenset[ComponentId], ...]


class Passage(NamedTuple):
    """One step of a trial. ``needs``: all that it passes through.

    ``groups``: of each it passes through one, by what each of them needs; ``some``: all that is in one of
    these and not in ``needs``. ``kind``: steps of one kind use what they pass through in the same way.
    ``proves``: where it goes well, what it needs works.
    """

    number: int
    trial: str
    step: str
    uses: frozenset[ComponentId]
    needs: frozenset[ComponentId]
    groups: tuple[Group, ...]
    some: frozenset[ComponentId]
    kind: tuple[str, ...]
    proves: bool

    @property
    def wide(self) -> int:
        """How much may be at fault where it fails."""
        return len(self.needs) + len(self.some)


class Touch(NamedTuple):
    """What passes through a component, each kind of use by itself: for certain (``uses``), through it or
    another (``shared``); ``own``: steps of checks of it alone. ``early``: what began to fail when these
    checks still went well."""

    uses: tuple[Steps, ...]
    shared: tuple[Steps, ...]
    own: tuple[Steps, ...]
    early: Steps = 0

    def among(self, steps: Steps, early: Steps) -> Touch:
        """Of these only."""
        uses, shared, own = (
            tuple(met for each in sort if (met := each & steps))
            for sort in (self.uses, self.shared, self.own)
        )
        return Touch(uses, shared, own, early & _union((uses, shared)))

    @property
    def every(self) -> Steps:
        return _union((self.uses, self.shared, self.own))


def _union(sorts: Iterable[Iterable[Steps]]) -> Steps:
    found: Steps = 0
    for sort in sorts:
        for each in sort:
            found |= each
    return found


class Passages:
    """``groups``: each with the steps that use one of it. ``through``: trial → what it can't do without."""

    def __init__(self, known: DependencyMap) -> None:
        self.of: dict[str, tuple[Passage, ...]] = {}
        number = 0
        for trial in known.trials.values():
            steps = range(number, number + len(trial.steps))
            self.of[trial.id] = tuple(
                _passage(known, trial.id, step, number) for number, step in zip(steps, trial.steps)
            )
            number += len(trial.steps)
        self.every = [each for those in self.of.values() for each in those]
        self.through = {
            trial: frozenset().union(*(known.under(step.uses) for step in known.trials[trial].steps))
            for trial in self.of
        }
        self.groups: dict[Group, Steps] = {}
        for each in self.every:
            for group in each.groups:
                self.groups[group] = self.groups.get(group, 0) | 1 << each.number
        self.touches = dict(self._touches())

    def _touches(self) -> Iterator[tuple[ComponentId, Touch]]:
        sorts: dict[ComponentId, tuple[_Kinds, _Kinds, _Kinds]] = {}
        for each in self.every:
            alone = each.uses if len(each.uses) == 1 and each.kind[:1] == ("",) else frozenset()
            for component in sorted(each.needs | each.some):  # the same order at every run
                sort = 1 if component in each.some else 2 if component in alone else 0
                kinds = sorts.setdefault(component, ({}, {}, {}))[sort]
                kinds[each.kind] = kinds.get(each.kind, 0) | 1 << each.number
        for component, found in sorts.items():
            uses, shared, own = (tuple(kinds.values()) for kinds in found)
            yield component, Touch(uses, shared, own)


_Kinds = dict[tuple[str, ...], Steps]


def _passage(known: DependencyMap, trial: str, step: Step, number: int) -> Passage:
    groups = tuple(tuple(known.closure(each) for each in sorted(group)) for group in step.one_of)
    needs = known.under(step.uses).union(*(frozenset.intersection(*group) for group in groups if group))
    some = frozenset().union(*(each for group in groups for each in group)) - needs
    proves = known.trials[trial].proves
    kind = _kind(known, trial, step)
    return Passage(number, trial, step.name, step.touches, needs, groups, some, kind, proves)


def _kind(known: DependencyMap, trial: str, step: Step) -> tuple[str, ...]:
    """Of a function's trial the function and the step; of a check what sort of thing is checked."""
    function = known.trials[trial].function
    if function:
        return function, step.name
    return "", step.name, *sorted({known.components[each].kind for each in step.touches})


_OF: WeakKeyDictionary[DependencyMap, Passages] = WeakKeyDictionary()


def passages(known: DependencyMap) -> Passages:
    """Those of that map."""
    found = _OF.get(known)
    if found is None:
        found = _OF[known] = Passages(known)
    return found


def steps(numbers: Iterable[int], most: int) -> Steps:
    """The set of them. ``most``: none is larger."""
    found = bytearray(most // 8 + 1)
    for number in numbers:
        found[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(found, "little")
