"""Whether a name is free is asked of a copy that a change of somebody else's may not have reached yet."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from holdfast.functions.signup.choosing import Choosing, Rules
from holdfast.functions.signup.names import Reserved
from holdfast.model.errors import Unavailable
from holdfast.pages import Wrong


class People:
    """A moment behind, until it is waited for; for good, where it never ``settles``."""

    def __init__(self, *, settles: bool = True, taken: bool = False) -> None:
        self._behind, self._settles, self._taken = True, settles, taken

    def reserved(self, name: str, domain: str) -> bool:
        return False

    def is_free(self, address: str) -> bool:
        if self._behind:
            raise Unavailable("people", "the copy is a moment behind")
        return not self._taken

    async def settled(self, timeout_s: float) -> bool:
        self._behind = not self._settles
        return self._settles


class SignUps:
    async def holds(self, address: str) -> bool:
        return False


def chosen(people: People) -> str:
    rules = Rules({"example.org": "open"}, Reserved(()))
    choosing = Choosing(cast(Any, None), cast(Any, people), cast(Any, SignUps()), rules)
    form = {"name": "ann.other", "domain": "example.org"}
    visit = SimpleNamespace(form=SimpleNamespace(get=form.get))
    return asyncio.run(choosing.free_address(cast(Any, visit), ["example.org"]))[0]


def test_a_moment_is_waited_for_instead_of_turning_somebody_away():
    assert chosen(People()) == "ann.other@example.org"
    with pytest.raises(Wrong):
        chosen(People(taken=True))


def test_what_lasts_is_said():
    with pytest.raises(Unavailable):
        chosen(People(settles=False))
