"""The dependency map by function: what each can't do without, what makes it wait, what it never meets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from holdfast.model.errors import ComponentId
from holdfast.model.functions import BEHIND, FUNCTIONS
from holdfast.watch.depends import DependencyMap

SHOWN = 3  # of components that differ in a number alone
_STRANGE = ("process", "partner", "source", "dns", "elsewhere")  # what a word is lost about if it isn't met


class Needs(NamedTuple):
    """``hard``: without one of them the function is gone. ``soft``: component → what it costs without.
    ``beside``: what it meets nowhere; all of that may be at fault, and the function stands (MAP-3)."""

    function: str
    hard: tuple[ComponentId, ...]
    soft: Mapping[ComponentId, str]
    beside: tuple[ComponentId, ...]


def needs_of(known: DependencyMap) -> list[Needs]:
    return [_needs(known, function) for function in FUNCTIONS]


def _needs(known: DependencyMap, function: str) -> Needs:
    roles = BEHIND[function]
    own = {each for each in known.components if _role(each) in roles}
    reaches = [each for each in known.reaches if each.source in own]
    later = {each.target.partition("/")[2]: each.without for each in reaches if _is(each.target, "socket")}
    at_once = {each for each in own if _role(each) not in later}
    doors = {
        use
        for trial in known.trials.values()
        if trial.function == function
        for use in trial.steps[0].uses
        if _is(use, "door")
    }
    needed = {each.target for each in reaches if each.source in at_once and not each.without}
    hard = known.under(at_once | doors | needed)
    soft: dict[ComponentId, str] = {}
    for each in reaches:
        for component in sorted(known.closure(each.target)):
            if component not in hard:
                soft.setdefault(component, each.without or later[_role(each.source)])
    beside = known.components.keys() - hard - soft.keys()
    return Needs(function, tuple(sorted(hard)), soft, tuple(sorted(beside)))


def _is(component: ComponentId, kind: str) -> bool:
    return component.startswith(kind + "/")


def _role(component: ComponentId) -> str:
    """Of a process; '' of anything else."""
    return component.removeprefix("process/").rpartition("-")[0] if _is(component, "process") else ""


def folded(components: Iterable[ComponentId]) -> list[str]:
    """Many that differ in a number alone as one: ``cell-00/index … cell-63/index (64)``."""
    alike: dict[str, list[ComponentId]] = {}
    for each in sorted(components):
        alike.setdefault(re.sub("[0-9]+", "#", each), []).append(each)
    found: list[str] = []
    for same in alike.values():
        found += same if len(same) <= SHOWN else [f"{same[0]} … {same[-1]} ({len(same)})"]
    return found


def json(known: DependencyMap) -> str:
    """All of it, in one line."""
    return msgspec.json.encode(
        {
            "components": [each._asdict() for each in known.components.values()],
            "needs": [each._asdict() for each in known.needs],
            "reaches": [each._asdict() for each in known.reaches],
            "breaks": [each._asdict() for each in known.breaks],
            "trials": [each._asdict() for each in known.trials.values()],
            "functions": [each._asdict() for each in needs_of(known)],
        },
        enc_hook=sorted,
    ).decode()


def text(known: DependencyMap) -> str:
    """For people, in lines."""
    lines: list[str] = []
    for each in needs_of(known):
        lines += [
            each.function,
            f"  can't do without: {', '.join(folded(each.hard))}",
            "  reaches, and waits:",
        ]
        costs: dict[str, list[ComponentId]] = {}
        for component, cost in each.soft.items():
            costs.setdefault(cost, []).append(component)
        lines += [f"    {', '.join(folded(those))}: {cost}" for cost, those in costs.items()]
        strange = [component for component in each.beside if component.split("/")[0] in _STRANGE]
        lines += [f"  never meets: {', '.join(folded(strange))}", ""]
    return "\n".join(lines)
