"""A simulated machine for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from holdfast.sim.world import SimWorld, simulated
from unit.directory.people_tape import Tape


@pytest.fixture
def world() -> Iterator[SimWorld]:
    with simulated(1) as made:
        yield made


@pytest.fixture
def tape() -> Tape:
    made = Tape()
    made.domain()
    return made
