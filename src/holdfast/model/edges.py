"""The registry of edges: what each process reaches beyond itself, be it another process, a disk, a partner
or the network. The dependency map is made of it (MAP-1).

A component is named by a pattern: ``{process}``, ``{role}`` and ``{worker}`` are those of the process that
reaches it, ``{intake}`` is a ledger that mail is accepted into, and any other ``{word}`` stands for whatever
the configuration has there: ``cell-{cell}/index``.

What ``Unavailable`` names is a *word*; a word is registered with the components that may be meant (MAP-2).
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from holdfast.model.errors import ComponentId
from holdfast.model.ledgers import INTAKES


class Reach(NamedTuple):
    """``roles``: whose processes. ``carries``: what goes over it. ``without``: what it costs when it is gone,
    '' when what the process is for can't be done. ``to_run``: the process doesn't even start without it."""

    component: str
    roles: tuple[str, ...]
    carries: str
    without: str
    to_run: bool


REACHES: list[Reach] = []
WORDS: dict[str, tuple[str, ...]] = {}

EVERY = ("*",)  # all roles


def register_edge(
    component: str, roles: tuple[str, ...], carries: str, *, without: str = "", to_run: bool = False
) -> Reach:
    """Called at import, from the ``edges.py`` of the package that does it. Raises ``ValueError`` for the
    same component and role once more."""
    again = {role for each in REACHES if each.component == component for role in each.roles} & set(roles)
    if again:
        raise ValueError(f"edge to {component} registered twice for {', '.join(sorted(again))}")
    REACHES.append(Reach(component, roles, carries, without, to_run))
    return REACHES[-1]


def register_word(word: str, *components: str) -> str:
    """``word``: what ``Unavailable`` says, a pattern itself. ``components``: patterns of what may be meant;
    none: a bound was reached, and nothing is at fault."""
    if word in WORDS:
        raise ValueError(f"word {word} registered twice")
    WORDS[word] = components
    return word


def matches(pattern: str, component: ComponentId, process: str = "") -> bool:
    """Whether the component is one of the pattern's, for what that process reaches (``mx-0``)."""
    return _compiled(pattern, process).fullmatch(component) is not None


def meant(word: str, process: str = "") -> tuple[str, ...]:
    """Patterns of components, those of the process filled in, that it may mean by that word of
    ``Unavailable``. Raises ``KeyError`` for a word that nobody registered."""
    found = next((each for each in WORDS if matches(each, word)), None)
    if found is None:
        raise KeyError(word)
    place = _compiled(found, "", True).fullmatch(word)
    fields = place.groupdict() if place is not None else {}
    return tuple(_filled(each, _own(process) | fields) for each in WORDS[found])


def _own(process: str) -> dict[str, str]:
    role, _, worker = process.rpartition("-")
    return {"process": process, "role": role, "worker": worker} if process else {}


def _filled(pattern: str, fields: dict[str, str]) -> str:
    return _FIELD.sub(lambda field: fields.get(field[1], field[0]), pattern)


_FIELD = re.compile(r"\{(\w+)\}")
_SHAPES = {"intake": rf"(?:{'|'.join(INTAKES)})-[0-9]+", "worker": "[0-9]+", "cell": "[0-9]+"}


@cache
def _compiled(pattern: str, process: str, named: bool = False) -> re.Pattern[str]:
    found = ""
    for place, part in enumerate(_FIELD.split(_filled(pattern, _own(process)))):
        shape = _SHAPES.get(part, "[^/]+")
        found += re.escape(part) if place % 2 == 0 else f"(?P<{part}>{shape})" if named else shape
    return re.compile(found)
