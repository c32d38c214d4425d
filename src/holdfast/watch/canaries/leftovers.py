"""Accounts that a canary made and may not have removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple


class Left(NamedTuple):
    """``at``: UTC seconds, just before it was made, if it was."""

    address: str
    password: str
    at: float


class Leftovers:
    """CANARY-4: noted by ``save``, durably, before anything is made."""

    def __init__(self, found: Sequence[Left], save: Callable[[Sequence[Left]], None]) -> None:
        self._left = list(found)
        self._save = save

    @property
    def all(self) -> Sequence[Left]:
        return tuple(self._left)

    def add(self, left: Left) -> None:
        self._left.append(left)
        self._save(self._left)

    def drop(self, left: Left) -> None:
        self._left.remove(left)
        self._save(self._left)
