"""The network: listening, connecting, and what runs the event loop."""

from __future__ import annotations

from typing import Protocol

from holdfast.world.journal import Journal


class Net(Protocol): ...


class RealNet:
    __slots__ = ("_journal",)

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
