"""The open catalogue of faults: what is done, and what is expected of service and watchers.

It is what drills are judged by, and nothing else may know it: the engine is judged on classes of faults,
not on rows (DRILL-1).
"""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from holdfast.model.errors import ComponentId, Reason, Refused
from holdfast.model.functions import FUNCTIONS

# What a function answers, from the best to the worst: it works; works slower or limited; is taken durably and
# done later; can be read and not changed; new mail at once and old mail later (dial-tone); a clean temporary
# refusal; no answer, or one that a customer can do nothing with.
ANSWERS = ("ok", "ok*", "q", "ro", "dt", "t", "x")
Hits = Literal["nobody", "everybody", "cells", "accounts", "some"]
Where = Literal["real", "simulated"]
_UNTIL_THERE = {"dt": "t"}  # there is no dial-tone yet


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row. ``catalogue.toml`` says what its fields hold."""

    en: str
    de: str
    inject: str
    expect: str
    hits: Hits
    on: tuple[Where, ...]
    causes: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()
    alone: str = ""
    slow: bool = False
    id: str = ""

    @property
    def chain(self) -> bool:
        return len(self.causes) > 1

    def worst(self, *, alone: bool = False) -> Mapping[str, str]:
        """By function, the worst answer that is as expected. ``alone``: on one machine."""
        words = (self.alone if alone and self.alone else self.expect).split()
        return {function: _worst(each.split("/")) for function, each in zip(FUNCTIONS, words)}

    def fails(self, *, alone: bool = False) -> tuple[str, ...]:
        """Functions of which customers are expected to miss something."""
        worst = self.worst(alone=alone)
        return tuple(each for each in FUNCTIONS if rank(worst[each]) > rank("ok*"))


def rank(answer: str) -> int:
    """0 for the best."""
    return ANSWERS.index(answer)


def _worst(words: Sequence[str]) -> str:
    return max((_UNTIL_THERE.get(each, each) for each in words), key=rank)


def names(pattern: str, component: ComponentId) -> bool:
    """Whether a cause of the catalogue means this component."""
    return any(fnmatch.fnmatchcase(component, each) for each in pattern.split("|"))


def covered(patterns: Collection[str], components: Collection[ComponentId]) -> bool:
    """Whether each pattern is met by a component, and each component by a pattern: the exact set."""
    met = all(any(names(pattern, each) for each in components) for pattern in patterns)
    return met and all(any(names(pattern, each) for pattern in patterns) for each in components)


@cache
def catalogue() -> Mapping[str, Fault]:
    """All rows, by id."""
    import tomllib

    text = resources.files(__package__).joinpath("catalogue.toml").read_text(encoding="utf-8")
    rows = {id: {**row, "id": id} for id, row in tomllib.loads(text).items()}
    return msgspec.convert(rows, dict[str, Fault])


def fault(id: str) -> Fault:
    """Raises ``Refused``."""
    found = catalogue().get(id.upper())
    if found is None:
        raise Refused(Reason.BAD_NAME, f"no fault {id}; there are F01 to F{len(catalogue()):02d}")
    return found
